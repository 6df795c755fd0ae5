"""Prefill on talks that it was not written for does not fall below what it has reached."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

import pytest

from asr.lexicon import Lexicon
from asr.prefill import rank_categories
from asr.transcript import Speaker, Turn
from tests.benchmarks.prefill import (
    ALIKE,
    EXACT,
    FRESH,
    MATTERS,
    MORE,
    OURS,
    RECORDED,
    TOLD,
    UNSEEN,
    coverage,
    prefill,
    score,
    turns_of,
)


def rows(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize(
    ("path", "least"), [(RECORDED, 0.92), (OURS, 0.85), (MORE, 0.92), (FRESH, 0.92), (TOLD, 0.92), (UNSEEN, 0.8)]
)
def test_slots_are_filled_as_well_as_before(path: Path, least: float) -> None:
    slots = score(rows(path), prefill, 0.0).slots
    assert statistics.mean(slots[name].scores[2] for name in (*EXACT, *ALIKE)) >= least


@pytest.mark.parametrize("path", [RECORDED, OURS, MORE, FRESH, TOLD, UNSEEN])
def test_who_wants_to_stay_unknown_does(path: Path) -> None:
    hits = score(rows(path), prefill, 0.0).hits
    assert all(hits["confidential"])
    assert all(hits["anonymous"])


@pytest.mark.parametrize(
    ("path", "least"), [(RECORDED, 19), (OURS, 7), (MORE, 24), (FRESH, 18), (TOLD, 112), (UNSEEN, 16)]
)
def test_the_category_of_a_talk_is_found(path: Path, least: int) -> None:
    lexicon, right = Lexicon.load(), 0
    for dialogue in rows(path):
        ranked = rank_categories(turns_of(dialogue), lexicon)
        right += bool(ranked) and ranked[0][0] == dialogue["ticket"]["category_code"]
    assert right >= least


def test_a_matter_put_without_any_of_its_keywords_is_mostly_among_the_first_three() -> None:
    lexicon, first, among = Lexicon.load(), 0, 0
    matters = [matter for matter in rows(MATTERS) if not matter["category_code"].startswith("90")]
    for matter in matters:
        turn = Turn(seg=0, rev=1, speaker=Speaker.CALLER, text=matter["text"], start_s=0.0, end_s=1.0, final=True)
        codes = [code for code, _ in rank_categories([turn], lexicon)[:3]]
        first += codes[:1] == [matter["category_code"]]
        among += matter["category_code"] in codes
    assert first / len(matters) >= 0.68
    assert among / len(matters) >= 0.85


def test_the_clerks_words_are_shared() -> None:
    dialogues = rows(RECORDED)
    assert coverage(dialogues, "title") >= 0.44
    assert coverage(dialogues, "demand") >= 0.3
    assert coverage(dialogues, "description") >= 0.34
