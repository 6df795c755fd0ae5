"""Phrases as the lexicon writes them, found in a text by their characters or by their sound (pure).

``(a|b)`` is either, ``?`` makes what stands before it optional, ``…`` leaves room for up to eight characters of the
same sentence, ``·`` for up to three of the same clause, ``(?!a)`` and ``(?<!a)`` forbid what follows and what stands
before, ``$`` is the end. By sound a phrase is found where its toneless syllables
stand in line, so 招货 finds 着火; of one with a gap only what stands on one side of it may be known by its sound, and a
single syllable is known by its character only, and so is a phrase that begins with what must not stand before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from asr.lexicon.pinyin import toneless

_WIDE_GAP = "[^。！？!?]{0,8}?"
_NARROW_GAP = "[^，。！？!?…、；]{0,3}?"
_WIDE_TOKENS = r"(?:[^\s。！？!?]=\S+ ){0,8}?"
_NARROW_TOKENS = r"(?:[^\s，。！？!?…、；]=\S+ ){0,3}?"
_AT_TOKEN = r"(?<!\S)"
_READINGS = {
    "着": ("zhe", "zhao", "zhuo"), "血": ("xue", "xie"), "了": ("le", "liao"), "没": ("mei", "mo"),
    "得": ("de", "dei"), "地": ("di", "de"), "卡": ("ka", "qia"), "撞": ("zhuang",), "漂": ("piao",),
    "倒": ("dao",), "压": ("ya",), "蜇": ("zhe",), "扎": ("zha",), "还": ("hai", "huan"),
}  # fmt: skip
"""Characters read in several ways, by any of which a recogniser may have gone."""


class PhraseError(ValueError):
    """A phrase is not well formed."""


@dataclass(frozen=True, slots=True)
class Found:
    """``text[start:end]``; ``sounds`` is how many syllables the phrase has where it was heard, 0 where it was read.

    ``text[heard[0]:heard[1]]`` only sounds right.
    """

    start: int
    end: int
    sounds: int = 0
    heard: tuple[int, int] = (0, 0)


class Phrases:
    """Several phrases that mean the same."""

    def __init__(self, phrases: Sequence[str], *, by_sound: bool = True) -> None:
        """Raises PhraseError. What is looked for by its characters only is made in less than half the time."""
        parsed = [(phrase, _parse(phrase)) for phrase in phrases]
        self._read = _either(parsed)
        by_count: dict[int, list[str]] = {}
        for one in (option for _, options in parsed for option in options if by_sound):
            if one.least >= 2:
                by_count.setdefault(min(one.least, 4), []).extend(one.heard)
        self._heard = tuple(
            (count, re.compile(rf"{_AT_TOKEN}(?:{'|'.join(patterns)})"))
            for count, patterns in sorted(by_count.items(), reverse=True)
            if patterns
        )

    def read(self, text: str) -> Iterator[Found]:
        if self._read is not None:
            for match in self._read.finditer(text):
                if match.end() > match.start():
                    yield Found(*match.span())

    def heard(self, text: str) -> Iterator[Found]:
        """Where it sounds like one of the phrases; the characters' own places are among them."""
        line = _line(text)
        for count, pattern in self._heard:
            for match in pattern.finditer(line):
                if match.end() > match.start():
                    ends = [*match.span(), *match.span(match.lastindex or 0)]
                    start, end, low, high = (line.count(" ", 0, at) for at in ends)
                    yield Found(start, end, count, (low, high))


@dataclass(frozen=True, slots=True)
class _Parsed:
    """Patterns on the text (``read``) and on its line of tokens (``exact``, ``sound``); ``gap`` is one, or has one."""

    read: str
    exact: str
    sound: str
    least: int
    gap: bool = False
    heard: tuple[str, ...] = ()
    long: str = ""
    """By sound, of its alternatives only those of two syllables and more."""


def _either(parsed: Sequence[tuple[str, Sequence[_Parsed]]]) -> re.Pattern[str] | None:
    """Raises PhraseError, with the phrase that cannot be looked for."""
    if not parsed:
        return None
    try:
        return re.compile("|".join(option.read for _, options in parsed for option in options))
    except re.error as error:
        for phrase, options in parsed:
            try:
                re.compile("|".join(option.read for option in options))
            except re.error:
                raise PhraseError(phrase) from error
        raise


@lru_cache(maxsize=2048)
def _line(text: str) -> str:
    """``char=syllable`` and a space for each character."""
    text = re.sub(r"\s", "_", text)
    return "".join(f"{char}={sound} " for char, sound in zip(text, toneless(text), strict=True))


def _parse(phrase: str) -> list[_Parsed]:
    """Its alternatives, each known by as many syllables as it has itself."""
    options, end = _options(phrase, 0)
    if end != len(phrase) or not all(option.read for option in options):
        raise PhraseError(phrase)
    return options


def _bracketed(phrase: str, at: int) -> tuple[_Parsed, int]:
    """What stands from here to the closing bracket, and where that is."""
    depth = 1
    for end in range(at, len(phrase)):
        depth += {"(": 1, ")": -1}.get(phrase[end], 0)
        if not depth:
            return _choice(phrase[at:end]), end
    raise PhraseError(phrase)


@lru_cache(maxsize=1024)
def _choice(phrase: str) -> _Parsed:
    options, _ = _options(phrase, 0)
    if len(options) == 1:
        return options[0]
    return _Parsed(
        f"(?:{'|'.join(option.read for option in options)})",
        f"(?:{'|'.join(option.exact for option in options)})",
        f"(?:{'|'.join(option.sound for option in options)})",
        min(option.least for option in options),
        any(option.gap for option in options),
        long="|".join(option.sound for option in options if option.least >= 2 and not option.gap),
    )


def _options(phrase: str, at: int) -> tuple[list[_Parsed], int]:
    """Alternatives up to a closing bracket or the end."""
    options: list[_Parsed] = []
    parts: list[_Parsed] = []
    while at < len(phrase) and phrase[at] != ")":
        if phrase[at] == "|":
            options.append(_row(parts))
            parts = []
            at += 1
            continue
        part, at = _part(phrase, at)
        parts.append(part)
    options.append(_row(parts))
    return options, at


def _part(phrase: str, at: int) -> tuple[_Parsed, int]:
    char = phrase[at]
    look = next((mark for mark in ("(?!", "(?<!") if phrase.startswith(mark, at)), None)
    if look is not None:
        inner, end = _bracketed(phrase, at + len(look))
        ahead = f"(?!{inner.exact})" if look == "(?!" else ""
        return _Parsed(f"{look}{inner.read})", ahead, ahead, 0), end + 1
    if char == "$":
        return _Parsed("$", "$", "$", 0), at + 1
    if char == "(":
        inner, end = _bracketed(phrase, at + 1)
        whole = [f"(?:{pattern})" for pattern in (inner.read, inner.exact, inner.sound)]
        part, at = _Parsed(whole[0], whole[1], whole[2], inner.least, inner.gap, long=inner.long), end + 1
    elif char in "…·":
        gaps = (_WIDE_GAP, _WIDE_TOKENS) if char == "…" else (_NARROW_GAP, _NARROW_TOKENS)
        part, at = _Parsed(gaps[0], gaps[1], gaps[1], 0, True), at + 1
    elif char == "?":
        raise PhraseError(phrase)
    else:
        own = re.escape(char)
        part, at = (
            _Parsed(own, rf"(?:{own}=\S+ )", rf"(?:\S={_sounds(char, phrase, at)} )", int(char.isalnum())),
            at + 1,
        )
    if phrase[at : at + 1] == "?":
        maybe = [f"(?:{pattern})?" for pattern in (part.read, part.exact, part.sound)]
        part, at = _Parsed(maybe[0], maybe[1], maybe[2], 0, part.gap), at + 1
    return part, at


def _row(parts: Sequence[_Parsed]) -> _Parsed:
    """One after the other. By sound: all of it where there is no gap, else one stretch between gaps at a time."""
    is_only_read = bool(parts) and parts[0].read.startswith("(?<!")
    return _Parsed(
        "".join(part.read for part in parts),
        "".join(part.exact for part in parts),
        "".join(part.sound for part in parts),
        sum(part.least for part in parts),
        any(part.gap for part in parts),
        () if is_only_read else tuple(_one_stretch_by_sound(parts)),
    )


def _one_stretch_by_sound(parts: Sequence[_Parsed]) -> Iterator[str]:
    stretches: list[list[int]] = [[]]
    for number, part in enumerate(parts):
        if part.gap:
            stretches.append([])
        else:
            stretches[-1].append(number)
    for stretch in stretches:
        if not stretch:
            continue
        inside = range(stretch[0], stretch[-1] + 1)
        if sum(parts[number].least for number in stretch) >= 2:
            yield _all_exact_but(parts, inside, "".join(parts[number].sound for number in inside))
            continue
        for number in stretch:
            if parts[number].long:
                yield _all_exact_but(parts, range(number, number + 1), f"(?:{parts[number].long})")


def _all_exact_but(parts: Sequence[_Parsed], heard: range, sound: str) -> str:
    return "".join(
        [
            *(part.exact for part in parts[: heard[0]]),
            f"({sound})",
            *(part.exact for part in parts[heard[-1] + 1 :]),
        ]
    )


def _sounds(char: str, phrase: str, at: int) -> str:
    if char in _READINGS:
        return "(?:" + "|".join(dict.fromkeys(re.escape(reading) for reading in _READINGS[char])) + ")"
    word = re.search(r"[\u4e00-\u9fff]*$", phrase[:at])
    start = word.start() if word is not None else at
    return re.escape(toneless(phrase[start : at + 1])[-1])
