"""What is said on a hotline's line, for a recogniser that was made for anything (pure): its talk, places and names."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from asr.lexicon import Lexicon
from asr.lexicon.urgency import danger_phrases
from asr.lexicon.wordings import wordings


class Saying(NamedTuple):
    """``weight`` 1 is a sentence that somebody said once."""

    text: str
    weight: float


_TELLING = 0.5
_PHRASING = 0.7
_DANGER = 0.03
_PLACE = 0.6
_PLACES = ("{}", "在{}", "我住{}", "我们{}", "{}这边")
_NAME = 0.15
_SURNAMES = ("我姓{}", "姓{}", "免贵姓{}", "{}先生", "{}女士", "好的{}先生", "好的{}女士", "我叫{}")
_NUMBER = 0.3
_NUMBERS = 400
_DIGITS = "零一二三四五六七八九"
_TELEPHONE = ("{}", "我电话是{}", "打这个{}", "记一下{}", "电话{}对吗")
_SURNAMES_EACH = 2
"""Surnames that a given name is said after, one common and one less so."""


def sayings(lexicon: Lexicon) -> Iterator[Saying]:
    """The same for the same lexicon."""
    yield from (Saying(text, 1.0) for text in lexicon.talk)
    yield from (Saying(text, _TELLING) for text in lexicon.tellings)
    yield from (Saying(text, _DANGER) for text in _dangers())
    for phrasings in lexicon.phrasings.values():
        yield from (Saying(text, _PHRASING) for text in phrasings)
    for place in lexicon.places:
        for name in (place.name, *place.aliases):
            yield from (Saying(how.format(name), _PLACE) for how in _PLACES)
    yield from _numbers()
    yield from _names(lexicon)
    for part, words in (("姓{1}{0}的{1}", lexicon.surname_words), ("{0}的{1}", lexicon.given_words)):
        for character, explained in words.items():
            yield from (Saying(part.format(word, character), _NAME) for word in explained)


def _dangers() -> Iterator[str]:
    """The very words that the ear listens for."""
    yield from dict.fromkeys(text for phrase in danger_phrases() for text in wordings(phrase))


def _numbers() -> Iterator[Saying]:
    """Telephone numbers in the ways they are read, doors and rooms: any digit may follow any other."""
    dice = Random(12345)
    for turn in range(_NUMBERS):
        one = "幺一"[turn % 2]
        digits = [dice.choice(_DIGITS.replace("一", one)) for _ in range(9)]
        number = one + dice.choice("三五七八九") + "".join(digits)
        yield Saying(_TELEPHONE[turn % len(_TELEPHONE)].format(number), _NUMBER)
        house, unit, floor = (_DIGITS[dice.randint(1, 9)] for _ in range(3))
        yield Saying(f"{house}号楼{unit}单元{floor}零{_DIGITS[dice.randint(1, 4)]}", _NUMBER)


def _names(lexicon: Lexicon) -> Iterator[Saying]:
    for surname, rank in lexicon.surnames.items():
        heard = _NAME * max(0.15, min(1.5, 20 / (rank + 5)))
        yield from (Saying(how.format(surname), heard) for how in _SURNAMES)
    common = list(lexicon.surnames)[:120]
    for given, rank in lexicon.given_names.items():
        for turn in range(_SURNAMES_EACH):
            yield Saying(f"我叫{common[(rank * 7 + turn * 61) % len(common)]}{given}", _NAME)
