"""Long terms of the hotline by their sound: 政五服务中心 is 政务服务中心, 十宴小学 is 实验小学."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from asr.lexicon import Lexicon
from asr.lexicon.pinyin import toneless

LEAST = 4
"""Characters; of shorter terms too many others sound the same."""
_HAN = re.compile(rf"[\u4e00-\u9fff]{{{LEAST},}}")


def put_right(text: str, lexicon: Lexicon) -> str:
    """Each stretch that sounds like a term, and is no term itself, is that term; the longest first."""
    by_sound, lengths = _terms(lexicon)
    sounds = toneless(text)
    at = 0
    while at + LEAST <= len(text):
        for length in lengths:
            term = by_sound.get(sounds[at : at + length])
            if term is not None:
                text = text[:at] + term + text[at + length :]
                at += length - 1
                break
        at += 1
    return text


@lru_cache(maxsize=8)
def _terms(lexicon: Lexicon) -> tuple[Mapping[tuple[str, ...], str], tuple[int, ...]]:
    """The terms by their sound, without those that sound like another or like part of a place's name; their lengths,
    the longest first."""
    cues = lexicon.cues
    words = {
        *cues.organisations, *cues.misheard, *cues.spots, *cues.place_suffixes,
        *(category.department for category in lexicon.categories),
        *(word for one in lexicon.categories for word in (*one.strong, *one.keywords)),
    }  # fmt: skip
    by_sound: dict[tuple[str, ...], str] = {}
    twice = set[tuple[str, ...]]()
    for word in filter(_HAN.fullmatch, sorted(words)):
        sound = toneless(word)
        twice |= {sound} & by_sound.keys()
        by_sound[sound] = word
    parts = {part for place in lexicon.places for name in (place.name, *place.aliases) for part in _parts(name)}
    named = {toneless(part) for part in parts if by_sound.get(toneless(part), part) != part}
    known = {sound: word for sound, word in by_sound.items() if sound not in twice | named}
    return known, tuple(sorted({len(sound) for sound in known}, reverse=True))


def _parts(name: str) -> Iterator[str]:
    for start in range(len(name) - LEAST + 1):
        for end in range(start + LEAST, len(name) + 1):
            yield name[start:end]
