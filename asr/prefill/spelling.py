"""Spelling talk (柴火的柴, 木子李): which character is meant, whatever was heard of the word that explains it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from asr.lexicon import Lexicon
from asr.lexicon.pinyin import sounds_like, syllables
from asr.prefill.half_heard import unlike
from asr.prefill.reading import Said

_SPELLED = re.compile(
    r"(?P<word>[\u4e00-\u9fff]{2,4}?)的(?:那个|这个)?(?P<char>[\u4e00-\u9fff])(?!那边|再加"
    r"|加个|加上|带个|旁边|上面|下面|字?旁|字头|右边|左边)(?=$|[，,、。！？…\s]|字|吧|啊|呀|嘛"
    r"|哈|嗯|对|不是|电话|手机|[\u4e00-\u9fff])"
)
DENIED = re.compile(r"(?:不是|不叫|不读)(?:那个|这个)?$")


@lru_cache(maxsize=8)
def surnames_by_sound(lexicon: Lexicon) -> dict[tuple[str, ...], str]:
    """The commonest surname of each sound; the file has them in that order."""
    ranked = sorted(lexicon.surnames, key=lambda name: -lexicon.surnames[name])
    return {syllables(name): name for name in ranked if len(name) == 1}


def spellings(text: str) -> Iterator[tuple[str, str]]:
    """(the word, the character it was said for); 不是陆地的陆 says what it is not."""
    for match in _SPELLED.finditer(text):
        if not DENIED.search(text[: match.start()]) and not match.group("word").startswith("不是"):
            yield match.group("word").removeprefix("是"), match.group("char")


def by_spelling(said: Said, heard: str, at: int) -> str | None:
    """姓才，柴火的柴: what was heard is no surname, the word it was explained with holds one that sounds like it."""
    lexicon = said.reading.lexicon
    explained = [char for word, last in spellings(said.text[at : at + 16]) for char in (last, *word)]
    explained += [meant for parts, meant in lexicon.cues.surname_parts.items() if parts in said.text[at : at + 8]]
    return next((char for char in explained if char in lexicon.surnames and sounds_like(char, heard)), None)


_NEAR_WORD, _NEAR_NAME = 0.16, 0.65
"""How unlike the explaining word, a syllable on average, and the character it explains may sound."""


def by_word(said: Said, heard: str, at: int) -> str | None:
    """信其，委屈的其: what was heard is no surname, but the word it was explained with sounds like one of 屈's."""
    return next(
        (meant for meant in words_meant(said, at) if meant in said.reading.lexicon.surnames and _near(heard, meant)),
        None,
    )


def words_meant(said: Said, at: int) -> Iterator[str]:
    """Characters whose usual word is heard before a 的, at ``at`` or up to ten further."""
    text = said.text
    sounds = syllables(text)
    for match in re.finditer("的", text[at : at + 14]):
        end = at + match.start()
        for word, char, word_sounds in _name_words(said.reading.lexicon):
            start = end - len(word)
            if start < at or DENIED.search(text[:start]):
                continue
            if sum(map(unlike, sounds[start:end], word_sounds)) / len(word) <= _NEAR_WORD:
                yield char


def _near(heard: str, meant: str) -> bool:
    return unlike(syllables(heard)[0], syllables(meant)[0]) <= _NEAR_NAME


@lru_cache(maxsize=8)
def _name_words(lexicon: Lexicon) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """The longest first."""
    words = sorted(lexicon.cues.name_words.items(), key=lambda entry: -len(entry[0]))
    return tuple((word, char, syllables(word)) for word, char in words)
