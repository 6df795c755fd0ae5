"""The words that a phrase of the lexicon can be said in."""

from __future__ import annotations

import pytest

from asr.lexicon.phrases import Phrases
from asr.lexicon.urgency import danger_phrases
from asr.lexicon.wordings import wordings


@pytest.mark.parametrize(
    ("phrase", "ways"),
    [
        ("想不开", ("想不开",)),
        ("着(火|起来)了?", ("着火了", "着火", "着起来了", "着起来")),
        ("(站|坐)在·(楼顶|塔吊)…(跳|死)?", ("站在", "楼顶", "塔吊", "坐在")),
        ("(?<!不)(想|要)跳楼(?!机)|遗书", ("想跳楼", "要跳楼", "遗书")),
        ("着火(了|，|$)", ("着火了", "着火，", "着火")),
        ("(水|火(大|旺)?)了", ("水了", "火大了", "火旺了", "火了")),
        ("呢", ()),
    ],
)
def test_choices_are_written_out_and_gaps_part_them(phrase: str, ways: tuple[str, ...]) -> None:
    assert wordings(phrase) == ways


def test_of_too_many_ways_some_of_every_kind_are_taken() -> None:
    ways = wordings("(甲|乙|丙|丁)(一|二|三|四|五|六|七|八|九|十)(上|下|左|右)")
    assert len(ways) == 60
    assert {way[0] for way in ways} == set("甲乙丙丁")


def test_the_packaged_dangers_are_heard_where_one_without_a_gap_is_said() -> None:
    whole = [phrase for phrase in danger_phrases() if not set("…·") & set(phrase)]
    assert len(whole) > 100
    for phrase in whole:
        heard = Phrases([phrase])
        assert all(any(True for _ in heard.read(way)) for way in wordings(phrase)), phrase
