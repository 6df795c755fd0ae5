"""Long terms that a recogniser wrote with other characters of the same sound."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from asr.lexicon import Lexicon, Place, PlaceKind
from asr.prefill.reading import reading_of
from asr.prefill.terms import put_right
from tests.benchmarks.prefill import FRESH, RECORDED


@pytest.mark.parametrize(
    ("heard", "meant"),
    [
        ("就是第七十宴小学四年级", "就是第七实验小学四年级"),
        ("施政五服务中心二楼", "市政务服务中心二楼"),
        ("让公水公司提前通知", "让供水公司提前通知"),
        ("我老伴心赃病犯了", "我老伴心脏病犯了"),
        ("他口土白沫", "他口吐白沫"),
        ("第三次反映了", "第三次反映了"),
        ("住房补贴发不发", "住房补贴发不发"),
        ("就这", "就这"),
    ],
)
def test_what_sounds_like_a_term_is_the_term(heard: str, meant: str) -> None:
    assert put_right(heard, Lexicon.load()) == meant


def test_what_is_written_stays_as_it_is() -> None:
    """No text of the recorded talks, which people wrote, is taken for something else."""
    said = [
        text for path in (RECORDED, FRESH) for talk in json.loads(path.read_text("utf-8")) for _, text in talk["turns"]
    ]
    assert said
    assert [text for text in said if put_right(text, Lexicon.load()) != text] == []


def test_a_place_of_this_city_is_no_term_misheard() -> None:
    ours = Lexicon.load()
    place = Place(name="石燕小学家属院", kind=PlaceKind.COMMUNITY, district="城区")
    assert put_right("石燕小学门口", ours) == "实验小学门口"
    assert put_right("石燕小学门口", replace(ours, places=(*ours.places, place))) == "石燕小学门口"


def test_the_evidence_is_what_was_heard() -> None:
    heard = "在 施政五服务中心 排队"
    reading = reading_of(heard, Lexicon.load())
    start = reading.text.index("市政务服务中心")
    assert heard[reading.offsets[start] : reading.offsets[start + 6] + 1] == "施政五服务中心"
