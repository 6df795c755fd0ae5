"""``hotline understand``: what it takes, what it answers, and what it says of bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from api.cli import app
from api.commands.understand import BadInput, read

TALK: dict[str, Any] = {
    "id": "T1",
    "call_type": "inbound",
    "ani": "15433061709",
    "turns": [
        {"speaker": "agent", "text": "您好，请问有什么可以帮您？"},
        {"speaker": "caller", "text": "锦绣花园三栋底商油烟太大了，我姓柴，电话就这个号"},
    ],
}


def run(content: Any, tmp_path: Path, *, raw: bool = False) -> tuple[int, str, Any]:
    source, out = tmp_path / "in.json", tmp_path / "out.json"
    source.write_text(content if raw else json.dumps(content, ensure_ascii=False), encoding="utf-8")
    result = CliRunner().invoke(app, ["understand", str(source), "--out", str(out)])
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
