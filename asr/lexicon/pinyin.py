"""Chinese text as toneless syllables, one a character, plain or folded so that what sounds alike compares alike."""

from __future__ import annotations

import re
from functools import lru_cache

from pypinyin import Style, lazy_pinyin, pinyin
from rapidfuzz.distance import Indel

_HAN = re.compile(r"[\u4e00-\u9fff]+")
_FOLDS = (
    (re.compile("^([zcs])h"), r"\1"),
    (re.compile("^(?:n|r)(?=[aeiouv])"), "l"),
    (re.compile("^hu?(?=[aeo])"), "f"),
)
_INITIALS = frozenset("bpmfdtlgkjqxzcsyw")
_ALIKE = tuple(map(frozenset, ("bp", "dt", "gk", "jqx", "zcs", "jz", "qc", "xs", "yw", "mf", "fg")))


@lru_cache(maxsize=4096)
def fold(syllable: str) -> str:
    """zh=z ch=c sh=s, n=l=r, hu=f before a vowel, ng=n: what telephones, dialects and recognisers mix up."""
    folded = syllable
    for pattern, replacement in _FOLDS:
        folded = pattern.sub(replacement, folded)
    return folded[:-1] if folded.endswith("ng") else folded


@lru_cache(maxsize=4096)
def toneless(text: str) -> tuple[str, ...]:
    """One entry per character of ``text``; a character that is not Chinese stands for itself."""
    found = list(text)
    for run in _HAN.finditer(text):
        said = lazy_pinyin(run.group())
        if len(said) != len(run.group()):
            said = [lazy_pinyin(char)[0] for char in run.group()]
        found[run.start() : run.end()] = said
    return tuple(found)


@lru_cache(maxsize=4096)
def syllables(text: str) -> tuple[str, ...]:
    """As ``toneless``, folded."""
    return tuple(fold(sound) if _HAN.match(char) else char for char, sound in zip(text, toneless(text), strict=True))


def sounds_like(one: str, other: str) -> bool:
    return syllables(one) == syllables(other)


@lru_cache(maxsize=4096)
def may_sound_like(one: str, other: str) -> bool:
    """Of two characters: in one of the ways each is read; 行 and 航."""
    return bool(_readings(one) & _readings(other))


def _readings(char: str) -> set[str]:
    return {fold(sound) for sounds in pinyin(char, style=Style.NORMAL, heteronym=True) for sound in sounds}


@lru_cache(maxsize=65536)
def unlike(one: str, other: str) -> float:
    """0 for the same folded syllable, 1 for one that shares neither beginning nor rest."""
    if one == other:
        return 0.0
    if not (one.isascii() and other.isascii() and one.isalpha() and other.isalpha()):
        return 1.0
    begin, begins = _begins(one), _begins(other)
    pair = {begin, begins}
    initial = 0.0 if len(pair) == 1 else 0.4 if any(pair <= alike for alike in _ALIKE) else 1.0
    rest = float(Indel.normalized_distance(one[len(begin) :], other[len(begins) :]))
    return min(1.0, 0.5 * initial + 0.6 * rest)


def _begins(syllable: str) -> str:
    return syllable[:1] if syllable[:1] in _INITIALS else ""
