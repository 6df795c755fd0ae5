"""``hotline understand``: what it takes, what it answers, and what it says of bad input."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from api.cli import app
from api.commands.talks import MOST_CHARACTERS, BadInput, read
from asr.learning import Example, Shelf, learn
from asr.offline import HeardTurn
from asr.transcript import Speaker
from tests.asr.wavs import write

TALK: dict[str, Any] = {
    "id": "T1",
    "call_type": "inbound",
    "ani": "15433061709",
    "turns": [
        {"speaker": "agent", "text": "您好，请问有什么可以帮您？"},
        {"speaker": "caller", "text": "锦绣花园三栋底商油烟太大了，我姓柴，电话就这个号"},
    ],
}


def run(content: Any, tmp_path: Path, *words: str, raw: bool = False) -> tuple[int, str, Any]:
    source, out = tmp_path / "in.json", tmp_path / "out.json"
    source.write_text(content if raw else json.dumps(content), encoding="utf-8")
    env = {"HOTLINE_HOME": str(tmp_path / "home"), "COLUMNS": "200"}
    result = CliRunner().invoke(app, ["understand", str(source), "--out", str(out), *words], env=env)
    return result.exit_code, result.output, json.loads(out.read_text(encoding="utf-8")) if out.exists() else None


def test_a_talk_and_an_utterance_are_answered_in_order(tmp_path: Path) -> None:
    code, _, answers = run([TALK, {"id": "U1", "text": "着火了，快来人"}], tmp_path)
    assert code == 0
    assert [answer["id"] for answer in answers] == ["T1", "U1"]
    ticket = answers[0]["ticket"]
    assert (ticket["contact_phone"], ticket["phone_source"], ticket["caller_name"]) == (
        "15433061709",
        "caller_id",
        "柴",
    )
    assert ticket["town"] == "钟楼街道"
    found = {one["field"]: one for one in answers[0]["suggestions"]}
    start, end = found["address"]["span"]
    assert found["address"]["turns"] == [1]
    assert TALK["turns"][1]["text"][start:end] == "锦绣花园"
    assert answers[1]["cues"][0]["target"] == "119"
    assert answers[1]["cues"][0]["evidence"] in "着火了，快来人"


def test_a_recorded_turn_is_one_turn_and_each_breath_a_pause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def heard(*_: object, **__: object) -> list[HeardTurn]:
        said = enumerate(("锦绣花园三栋", "楼下饭店油烟太大。", "我姓柴"))
        return [HeardTurn(speaker=Speaker.CALLER, text=text, raw=text, start_s=at, end_s=at + 0.5) for at, text in said]

    monkeypatch.setattr("api.commands.understand.transcribe", heard)
    monkeypatch.setattr("api.commands.understand.hearing", lambda *_: nullcontext(object()))
    monkeypatch.setattr("api.commands.understand.config_for_files", lambda *_, **__: object())
    write(tmp_path / "caller.wav", np.zeros(8000, np.int16))
    code, _, answers = run([{"id": "A", "turns": [{"speaker": "caller", "file": "caller.wav"}]}], tmp_path)
    assert code == 0
    assert answers[0]["heard"] == [{"speaker": "caller", "text": "锦绣花园三栋，楼下饭店油烟太大。我姓柴"}]
    assert answers[0]["ticket"]["caller_name"] == "柴"


@pytest.mark.parametrize(
    ("content", "item", "field"),
    [
        ({}, "file", "content"),
        (["x"], "item 1", "content"),
        ([{"text": "a"}], "item 1", "id"),
        ([{"id": "A"}], "item 1 (A)", "text, turns, file"),
        ([{"id": "[/A]"}], "item 1 ([/A])", "text, turns, file"),
        ([{"id": "A", "text": "a", "turns": []}], "item 1 (A)", "text, turns, file"),
        ([{"id": "A", "text": 3}], "item 1 (A)", "text"),
        ([{"id": "A", "turns": "x"}], "item 1 (A)", "turns"),
        ([{"id": "A", "turns": [{"speaker": "robot", "text": "x"}]}], "item 1 (A) turn 0", "speaker"),
        ([{"id": "A", "turns": [{"speaker": "caller"}]}], "item 1 (A) turn 0", "text"),
        ([{"id": "A", "text": "a", "call_type": "fax"}], "item 1 (A)", "call_type"),
        ([{"id": "A", "file": "absent.wav"}], "item 1 (A)", "file"),
        ([{"id": "A", "text": "a"}, {"id": "A", "text": "b"}], "item 2 (A)", "id"),
        ([{"id": "A", "file": "x" * 150 + "/.." * 10}], "item 1 (A)", "file"),
        ([{"id": "A", "file": "录" * 150}], "item 1 (A)", "file"),
        ([{"id": "A", "file": "a\u0000b"}], "item 1 (A)", "file"),
        ([{"id": "\ud800", "text": "a"}], "item 1", "id"),
        ([{"id": "x" * 201, "text": "a"}], "item 1", "id"),
        ([{"id": 1.5, "text": "a"}], "item 1", "id"),
        ([{"id": "A", "text": "着火\ud83d了"}], "item 1 (A)", "text"),
        ([{"id": "A", "text": "a", "ani": "\udc00"}], "item 1 (A)", "ani"),
        ([{"id": "A", "text": "a", "ani": "1" * 201}], "item 1 (A)", "ani"),
        ([{"id": "A", "text": "火" * 5001}], "item 1 (A)", "text"),
        ([{"id": "A", "turns": [{"speaker": "caller", "text": "火" * 5001}]}], "item 1 (A) turn 0", "text"),
        ([{"id": "A", "turns": [{"speaker": "caller", "text": "\ud800"}]}], "item 1 (A) turn 0", "text"),
        ([{"id": "A", "turns": [{"speaker": "caller", "file": "absent.wav"}]}], "item 1 (A) turn 0", "file"),
    ],
)
def test_bad_input_names_the_item_and_the_field(content: Any, item: str, field: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        list(read(content, tmp_path))
    assert (caught.value.item, caught.value.field) == (item, field)
    code, said, answers = run(content, tmp_path)
    assert (code, answers) == (2, None)
    assert field in said
    assert item in said


@pytest.mark.parametrize("digits", [4_001, 6_000])
def test_a_number_too_long_to_be_read_is_named_like_any_other_mistake(digits: int, tmp_path: Path) -> None:
    number = "7" * digits
    code, said, _ = run(f'[{{"id": {number}, "text": "a"}}]', tmp_path, raw=True)
    assert (code, "item 1: id: is missing, or neither" in said) == (2, True), said
    code, said, _ = run(f'[{{"id": "A", "text": {number}}}]', tmp_path, raw=True)
    assert (code, "item 1 (A): text: is no text" in said) == (2, True), said


def test_what_is_no_sound_is_known_before_any_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.commands.understand.understand", lambda *_, **__: pytest.fail("it began"))
    (tmp_path / "bad.wav").write_text("not sound")
    for item, where in (
        ({"id": "B", "file": "bad.wav"}, "item 2 (B)"),
        ({"id": "B", "turns": [{"speaker": "caller", "file": "bad.wav"}]}, "item 2 (B) turn 0"),
    ):
        code, said, answers = run([TALK, item], tmp_path)
        assert (code, answers) == (2, None)
        assert f"{where}: file: bad.wav is not a WAV file" in said


def test_the_longest_turn_is_stated_in_the_help() -> None:
    said = CliRunner().invoke(app, ["understand", "--help"], env={"COLUMNS": "200"}).output
    assert f"at most {MOST_CHARACTERS:,} characters a turn" in said


def test_keys_that_mean_nothing_are_named_once_and_the_rest_is_understood(tmp_path: Path) -> None:
    talk = TALK | {"cal_type": "outbound", "turns": [{"speaker": "caller", "text": "着火了", "txet": ""}]}
    code, said, answers = run([talk, talk | {"id": "T2"}], tmp_path)
    assert (code, len(answers)) == (0, 2)
    assert said.count("cal_type") == said.count("txet") == 1
    assert "item 1 (T1): cal_type: is not read" in said
    assert "item 1 (T1) turn 0: txet: is not read" in said


def test_a_gazetteer_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "gazetteer.json").write_text("{")
    code, said, answers = run([TALK], tmp_path)
    assert (code, answers) == (2, None)
    assert "gazetteer.json: line 1" in said


def test_what_finished_tickets_taught_is_weighed_unless_it_is_not_wished(tmp_path: Path) -> None:
    pairs = (("楼道灯黑着没人换", "0101", "住建部门"), ("路灯不亮没人修", "0203", "市政部门"))
    examples = [
        Example(text=f"{text}{number}", category=code, department=name)
        for number in range(600)
        for text, code, name in pairs
    ]
    shelf = Shelf(tmp_path / "home" / "learnt")
    shelf.put(learn(examples, version="20261101-020000"))
    utterance = [{"id": "U", "text": "楼道灯黑着没人换"}]
    _, _, (taught,) = run(utterance, tmp_path)
    _, _, (alone,) = run(utterance, tmp_path, "--no-learnt")
    assert (taught["ticket"]["category_code"], taught["ticket"]["department"]) == ("0101", "住建部门")
    assert alone["ticket"]["category_code"] != "0101"
    (tmp_path / "home" / "learnt" / "20261101-020000.npz").write_bytes(b"damaged")
    code, _, (left,) = run(utterance, tmp_path)
    assert (code, left) == (0, alone)


def test_a_file_that_is_no_json_leaves_the_old_answers(tmp_path: Path) -> None:
    run([TALK], tmp_path)
    code, said, answers = run("[{", tmp_path, raw=True)
    assert code == 2
    assert "line 1" in said
    assert answers[0]["id"] == "T1"


def test_empty_turns_and_odd_characters_are_understood_as_nothing(tmp_path: Path) -> None:
    code, _, answers = run([{"id": "E", "turns": []}, {"id": "O", "text": "\u0000 😀 �"}], tmp_path)
    assert code == 0
    assert all(answer["cues"] == [] for answer in answers)
