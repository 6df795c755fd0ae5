"""What a recogniser is taught of a lexicon."""

from __future__ import annotations

from dataclasses import replace

from asr.adaptation.sayings import sayings
from asr.lexicon import Lexicon, Place, PlaceKind


def test_it_is_the_same_for_the_same_lexicon() -> None:
    assert list(sayings(Lexicon.load())) == list(sayings(Lexicon.load()))


def test_talk_places_and_names_are_in_it_with_their_weights() -> None:
    place = Place(name="云栖里", kind=PlaceKind.COMMUNITY, district="东区", aliases=("云栖苑",))
    lexicon = replace(Lexicon.load(), talk=("喷泉又停了没人修", "喷泉又停了没人修"), places=(place,))
    weights: dict[str, float] = {}
    for saying in sayings(lexicon):
        weights[saying.text] = weights.get(saying.text, 0.0) + saying.weight
    assert weights["喷泉又停了没人修"] == 2.0
    assert 0 < weights["我住云栖里"] == weights["我住云栖苑"] < 1
    assert weights["我姓王"] > weights["我姓逄"] > 0
    assert weights["姓岳岳飞的岳"] > 0


def test_the_words_that_the_ear_listens_for_are_in_it() -> None:
    said = {saying.text for saying in sayings(replace(Lexicon.load(), talk=(), tellings=(), phrasings={}))}
    assert {"不打算活", "塔吊", "想不开"} <= said


def test_any_digit_follows_any_other_in_the_telephone_numbers() -> None:
    said = "".join(saying.text for saying in sayings(replace(Lexicon.load(), talk=(), tellings=(), phrasings={})))
    for one in "零二三四五六七八九":
        assert all(one + other in said for other in "零二三四五六七八九")
