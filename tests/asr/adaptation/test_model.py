"""An adapted model on disk, made of a small automaton in a folder that looks like Vosk's."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import pytest

from asr.adaptation import model as model_module
from asr.adaptation.graph import GraphError
from asr.adaptation.model import GRAPH, adapted, can_be_adapted
from asr.engines.adapting import adapted_or_not
from asr.fetching import Progress
from asr.lexicon import Lexicon
from asr.models import why_not_vosk
from tests.asr.adaptation.automata import Place, Plain, ngram_automaton, plain_automaton, symbols
from tests.asr.adaptation.test_graph import PLACES, WORDS


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "vosk-model-tiny-cn"
    for name in ("am/final.mdl", "graph/HCLr.fst", "graph/phones/word_boundary.int", "conf/mfcc.conf", "README"):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(name.encode())
    (path / GRAPH).write_bytes(ngram_automaton(WORDS, PLACES))
    return path


def saying(*talk: str) -> Lexicon:
    return replace(Lexicon.load(), talk=talk)


def automaton(path: Path) -> Plain:
    return plain_automaton((path / GRAPH).read_bytes(), 2 * len(symbols(WORDS)))


def test_what_is_said_on_the_line_costs_less_than_before(model: Path, tmp_path: Path) -> None:
    said = [automaton(adapted(model, saying(*talk), tmp_path / "made")) for talk in ((), ("热线，请问。",) * 9)]
    silent, taught = (plain.cost([3, 2]) for plain in said)
    assert taught < silent - 1


def test_everything_but_the_language_model_is_that_of_the_first(model: Path, tmp_path: Path) -> None:
    path = adapted(model, saying("您好"), tmp_path / "made")
    assert path.name.startswith("vosk-model-tiny-cn-adapted-")
    assert why_not_vosk(path) == ""
    for part in ("am/final.mdl", "graph/HCLr.fst", "graph/phones/word_boundary.int", "README"):
        assert (path / part).read_bytes() == part.encode()
    assert (model / GRAPH).read_bytes() == ngram_automaton(WORDS, PLACES)
    assert [each.name for each in (tmp_path / "made").iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, ["--frames-per-chunk=12"]),
        ("--beam=12.0\n", ["--beam=12.0", "--frames-per-chunk=12"]),
        ("--frames-per-chunk = 51\n--beam=12.0", ["--beam=12.0", "--frames-per-chunk=12"]),
    ],
)
def test_it_hears_in_smaller_pieces(model: Path, tmp_path: Path, given: str | None, expected: list[str]) -> None:
    if given is not None:
        (model / "conf/model.conf").write_text(given)
    path = adapted(model, saying("您好"), tmp_path / "made")
    assert (path / "conf/model.conf").read_text().splitlines() == expected
    assert (path / "conf/mfcc.conf").read_bytes() == b"conf/mfcc.conf"
    assert given is None or (model / "conf/model.conf").read_text() == given
    (model / "conf/model.conf").write_text("--beam=11.0\n")
    assert adapted(model, saying("您好"), tmp_path / "made") != path


def test_it_is_made_once_for_a_lexicon(model: Path, tmp_path: Path) -> None:
    first = adapted(model, saying("您好"), tmp_path / "made")
    made_at = (first / GRAPH).stat().st_mtime_ns
    assert adapted(model, saying("您好"), tmp_path / "made") == first
    assert (first / GRAPH).stat().st_mtime_ns == made_at
    assert adapted(model, saying("您好", "热线"), tmp_path / "made") != first


def test_one_that_lost_its_parts_is_made_again(model: Path, tmp_path: Path) -> None:
    path = adapted(model, saying("您好"), tmp_path / "made")
    (path / GRAPH).unlink()
    assert adapted(model, saying("您好"), tmp_path / "made") == path
    assert why_not_vosk(path) == ""


def test_one_that_another_process_made_meanwhile_stays(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = adapted(model, saying("您好"), tmp_path / "made")
    made_at = (first / GRAPH).stat().st_mtime_ns
    looks = iter(["not yet"])  # the first look was before it was there
    monkeypatch.setattr(model_module, "why_not_vosk", lambda path: next(looks, "") or why_not_vosk(path))
    assert adapted(model, saying("您好"), tmp_path / "made") == first
    assert (first / GRAPH).stat().st_mtime_ns == made_at


def test_the_ones_not_used_for_longest_are_thrown_away(model: Path, tmp_path: Path) -> None:
    made = [adapted(model, saying(*["您好"] * times), tmp_path / "made") for times in range(1, 6)]
    for age, path in enumerate(made):
        os.utime(path, (1_000_000 - age, 1_000_000 - age))
    assert adapted(model, saying(*["您好"] * 5), tmp_path / "made") == made[4]  # is used again
    newest = adapted(model, saying("请问"), tmp_path / "made")
    assert {path for path in [*made, newest] if path.exists()} == {newest, made[4], made[0], made[1], made[2]}


def test_a_model_that_knows_no_word_of_it_is_refused(model: Path, tmp_path: Path) -> None:
    others = {(): Place({"안녕": 0.5, "네": 0.3}, end=0.2), ("",): Place({"네": 0.5}, rest=0.5)}
    (model / GRAPH).write_bytes(ngram_automaton(("<eps>", "안녕", "네"), others))
    with pytest.raises(GraphError, match="none of the hotline's words"):
        adapted(model, saying("您好"), tmp_path / "made")


def test_a_process_of_its_own_does_the_work_and_tells_of_it(model: Path, tmp_path: Path) -> None:
    steps: list[Progress] = []
    (tmp_path / "home").mkdir()
    path = asyncio.run(adapted_or_not(model, tmp_path / "home", tmp_path / "made", steps.append))
    assert path == adapted(model, Lexicon.load(), tmp_path / "made")
    assert [(step.step, step.done) for step in steps] == [("adaptation", 0), ("adaptation", 1)]


def test_a_citys_own_talk_is_learnt(model: Path, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "talk.txt").write_text("# ours\n热线请问您好\n" * 20, encoding="utf-8")
    path = asyncio.run(adapted_or_not(model, tmp_path / "home", tmp_path / "made"))
    bare = adapted(model, Lexicon.load(), tmp_path / "made")
    assert automaton(path).cost([3, 2, 1]) < automaton(bare).cost([3, 2, 1])


def test_the_model_serves_as_it_is_where_it_cannot_be_adapted(model: Path, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (model / GRAPH).write_bytes(b"nothing")
    assert can_be_adapted(model)
    assert asyncio.run(adapted_or_not(model, tmp_path / "home", tmp_path / "made")) == model
    (model / GRAPH).unlink()
    assert not can_be_adapted(model)
    assert asyncio.run(adapted_or_not(model, tmp_path / "home", tmp_path / "made")) == model
    assert not list((tmp_path / "made").glob("*"))
