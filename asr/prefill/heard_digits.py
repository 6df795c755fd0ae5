"""Digits a recogniser wrote as words of their sound (由五次七 is 幺五四七), and numbers that slipped (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from rapidfuzz.distance import Indel, Levenshtein

from asr.lexicon.pinyin import toneless
from asr.numerals import Numeral, NumeralKind
from asr.prefill.reading import PAUSES

MOBILE = re.compile(r"1[3-9]\d{9}")
_LENGTH = 11
_SURE = 7
"""So many of a mobile's digits have to be written as digits."""
_WRITTEN = {char: str(value) for value, char in enumerate("零一二三四五六七八九")} | {
    "〇": "0", "幺": "1", "两": "2",
} | {str(value): str(value) for value in range(10)}  # fmt: skip
_SOUNDS = {
    "ling": "0", "lin": "0", "ning": "0",
    "yao": "1", "you": "1", "yi": "1",
    "er": "2", "ai": "2", "e": "2",
    "san": "3", "shan": "3",
    "si": "4", "shi": "4", "ci": "4", "zi": "4",
    "wu": "5",
    "liu": "6", "niu": "6",
    "qi": "7",
    "ba": "8", "pa": "8",
    "jiu": "9", "qiu": "9", "xiu": "9",
}  # fmt: skip
_SIGHS = frozenset("哎唉诶呃额哟呦矣噫")
"""They fill a pause."""
_Symbol = tuple[int, str, bool]
"""Where it stands, the digit, whether it is written as one."""


@lru_cache(maxsize=4096)
def by_sound(text: str) -> tuple[Numeral, ...]:
    """Mobile numbers of which a few digits are words: one a turn at most in each run of what sounds like digits."""
    return tuple(found for run in _runs(text) if (found := _mobile(run)) is not None)


def _runs(text: str) -> Iterator[Sequence[_Symbol]]:
    """What sounds like digits, whatever pauses lie between, if enough of it is written as digits."""
    if sum(char in _WRITTEN for char in text) < _SURE:
        return
    run: list[_Symbol] = []
    for at, (char, sound) in enumerate(zip(text, toneless(text), strict=True)):
        digit = _WRITTEN.get(char) or ("" if char in _SIGHS else _SOUNDS.get(sound, ""))
        if digit:
            run.append((at, digit, char in _WRITTEN))
        elif PAUSES.fullmatch(char) is None and char != "-":
            yield run
            run = []
    yield run


def _mobile(run: Sequence[_Symbol]) -> Numeral | None:
    """The stretch with the most written digits; a number that is written whole needs no ear, and none is cut."""
    best: tuple[int, Sequence[_Symbol]] | None = None
    for first in range(len(run) - _LENGTH + 1):
        last = first + _LENGTH
        stretch = run[first:last]
        cut = any(run[at][2] for at in (first - 1, last) if 0 <= at < len(run))
        if cut or MOBILE.fullmatch("".join(digit for _, digit, _ in stretch)) is None:
            continue
        sure = sum(written for _, _, written in stretch)
        if sure == _LENGTH:
            return None
        if sure >= _SURE and (best is None or sure > best[0]):
            best = sure, stretch
    if best is None:
        return None
    digits = "".join(digit for _, digit, _ in best[1])
    return Numeral(start=best[1][0][0], end=best[1][-1][0] + 1, digits=digits, kind=NumeralKind.DIGITS)


def without_echo(digits: str) -> str | None:
    """一一五四…: a mobile whose first digit was heard twice."""
    twice = len(digits) == _LENGTH + 1 and digits.startswith("11") and MOBILE.fullmatch(digits[1:]) is not None
    return digits[1:] if twice else None


def slip_of(digits: str, number: str) -> bool:
    """``digits`` are the ``number`` heard badly: some lost, one or two others among them. No whole mobile is."""
    if len(number) < _LENGTH - 1 or len(digits) < _SURE or digits == number:
        return False
    kept = (len(digits) + len(number) - int(Indel.distance(digits, number))) // 2
    if MOBILE.fullmatch(number) is None:
        return kept == len(digits) and digits.startswith("0")
    if MOBILE.fullmatch(digits) is not None:
        return False  # a whole number is what was said
    close = len(digits) >= _LENGTH - 1 and Levenshtein.distance(digits, number) <= 2
    return close or (kept >= _SURE and len(digits) - kept <= (len(digits) > _SURE))
