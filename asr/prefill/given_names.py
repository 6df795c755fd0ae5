"""Given names by their sound: a recogniser writes 秀蓝 and 语同 for 秀兰 and 雨彤."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from asr.lexicon import Lexicon
from asr.lexicon.pinyin import syllables, toneless


def usual_given_name(lexicon: Lexicon, heard: str) -> str | None:
    """What many people are called and sounds as heard; None for a name that may well be right as it is, like 玉美."""
    if heard in lexicon.given_names:
        return heard
    by_sound, usual = _names(lexicon)
    if not set(heard) - usual:
        return None
    return by_sound.get(toneless(heard)) or by_sound.get(syllables(heard))


@lru_cache(maxsize=8)
def _names(lexicon: Lexicon) -> tuple[Mapping[tuple[str, ...], str], frozenset[str]]:
    """The commonest name of each sound, and every character that is in a name."""
    names = sorted(lexicon.given_names, key=lambda name: -lexicon.given_names[name])
    by_sound = {syllables(name): name for name in names} | {toneless(name): name for name in names}
    return by_sound, frozenset("".join(names))
