"""Reading an n-gram automaton and writing it as a plain one."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest

from asr.adaptation.graph import GraphError, read, write
from asr.adaptation.ngrams import BASE, BEGIN, END
from tests.asr.adaptation.automata import Place, ngram_automaton, plain_automaton, symbols

WORDS = ("<eps>", "您好", "请问", "热线")
PLACES = {
    (): Place({"您好": 0.3, "请问": 0.4, "热线": 0.1}, end=0.2),
    ("",): Place({"您好": 0.8}, rest=0.5),
    ("您好",): Place({"请问": 0.6, "热线": 0.1}, end=0.1, rest=0.7),
    ("请问",): Place({"热线": 0.5}, rest=0.6),
    ("", "您好"): Place({"请问": 0.9}, rest=0.3),
    ("您好", "请问"): Place({"您好": 0.25}, end=0.5, rest=0.4),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "Gr.fst"
    path.write_bytes(ngram_automaton(WORDS, PLACES))
    return path


def test_what_may_follow_is_read_with_its_probability(path: Path) -> None:
    graph = read(path)
    assert graph.labels == {word: label for label, word in enumerate(WORDS)}
    one, two, three = graph.ngrams.grams
    assert dict(zip(one.keys.tolist(), one.values, strict=True)) == pytest.approx({1: 0.3, 2: 0.4, 3: 0.1, END: 0.2})
    assert dict(zip(two.keys.tolist(), two.values, strict=True)) == pytest.approx(
        {BEGIN * BASE + 1: 0.8, 1 * BASE + 2: 0.6, 1 * BASE + 3: 0.1, 1 * BASE + END: 0.1, 2 * BASE + 3: 0.5}
    )
    keys = [1 * BASE + 2, 1 * BASE**2 + 2 * BASE + 1, 1 * BASE**2 + 2 * BASE + END]
    assert dict(zip(three.keys.tolist(), three.values, strict=True)) == pytest.approx(
        {keys[0]: 0.9, keys[1]: 0.25, keys[2]: 0.5}
    )
    assert graph.ngrams.weights[0].find(np.array([0, 1, 2])) == pytest.approx([0.5, 0.7, 0.6])
    assert graph.ngrams.weights[1].find(np.array([1, BASE + 2])) == pytest.approx([0.3, 0.4])


def test_the_plain_automaton_costs_every_sentence_what_the_ngrams_say(path: Path, tmp_path: Path) -> None:
    graph = read(path)
    write(graph, tmp_path / "plain.fst")
    plain = plain_automaton((tmp_path / "plain.fst").read_bytes(), 2 * len(symbols(WORDS)))
    for length in range(1, 5):
        for sentence in itertools.product((1, 2, 3), repeat=length):
            said = [BEGIN, *sentence, END]
            expected = 0.0
            for at in range(1, len(said)):
                words = said[max(0, at - 2) : at + 1]
                key = sum(word * BASE**place for place, word in enumerate(reversed(words)))
                expected -= math.log(graph.ngrams.probability(len(words), np.array([key]))[0])
            assert plain.cost(sentence) == pytest.approx(expected, rel=1e-4), sentence


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda data: b"RIFF" + data[4:], "OpenFst"),
        (lambda data: data[:-9], "breaks off"),
        (lambda data: data[:40], "breaks off"),
        (lambda data: b"", "breaks off"),
    ],
)
def test_a_file_of_another_make_is_refused(path: Path, change: object, says: str) -> None:
    path.write_bytes(change(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(GraphError, match=says):
        read(path)


def test_a_plain_automaton_is_no_language_model_to_adapt(tmp_path: Path) -> None:
    path = tmp_path / "Gr.fst"
    path.write_bytes(ngram_automaton(WORDS, PLACES, kind="const"))
    with pytest.raises(GraphError, match="'const'"):
        read(path)


def test_longer_contexts_than_two_words_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "Gr.fst"
    longer = {**PLACES, ("", "您好", "请问"): Place({"热线": 0.5})}
    path.write_bytes(ngram_automaton(WORDS, {**longer, ("", "您好"): PLACES[("", "您好")]}))
    with pytest.raises(GraphError, match="more than two"):
        read(path)
