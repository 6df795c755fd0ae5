"""Surnames a recogniser garbled: 幸好 for 姓郝, 信礼李明文礼 for 姓黎，黎明的黎; asked for, or told by a known word."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from asr.lexicon import Lexicon
from asr.lexicon.pinyin import syllables
from asr.prefill.reading import PAUSE, Said
from asr.prefill.spelling import by_spelling, by_word, name_words, surnames_by_sound, unlike_on_average

_XING = "姓幸兴性信醒行新讯欣辛心"
_OPENING = re.compile(
    rf"(?:{PAUSE}|嗯|哦|啊|呃|哎)*(?:我|俺|免贵|[暗按安]|你记)?[{_XING[1:]}](?!什么)(?P<heard>[\u4e00-\u9fff])"
)
_SELF = re.compile(rf"(?:我|俺|免贵)[{_XING}](?P<heard>[\u4e00-\u9fff])")
_EXPLAINS = "的地得滴敌灯文"
_NEAR = 0.35
"""How unlike the word and what it explains may sound together, both said beside 姓."""
_SOON = 6
"""Into an answer that the explaining word may begin where the surname itself was lost."""


@dataclass(frozen=True, slots=True)
class HalfNamed:
    """``start`` and ``end``: what was heard of it in the turn's text."""

    surname: str
    start: int
    end: int
    sure: float


def half_named(said: Said, *, asked: bool, of_another: bool) -> Iterator[HalfNamed]:
    """At most one. ``asked``: for the caller's name; ``of_another``: for somebody else's."""
    if of_another:
        return
    text = said.text
    opening = _OPENING.match(text)
    if opening is not None and (asked or (said.asked and by_word(said, opening["heard"], opening.start("heard")))):
        at = opening.start("heard")
        surname = _explained(said, at) or (_heard_as(said, opening["heard"], at) if text[at - 1] != "心" else None)
        if surname is not None:
            yield HalfNamed(surname, at, at + 1, 0.55)
            return
    for told in _SELF.finditer(text):
        at = told.start("heard")
        surname = _explained(said, at)
        if surname is not None:
            yield HalfNamed(surname, at, at + 1, 0.6)
            return
    if asked:
        yield from _word_alone(said)


def _heard_as(said: Said, heard: str, at: int) -> str | None:
    lexicon = said.reading.lexicon
    known = heard if heard in lexicon.surnames else None
    return (
        by_spelling(said, heard, at + 1)
        or by_word(said, heard, at)
        or known
        or surnames_by_sound(lexicon).get(syllables(heard))
    )


def _explained(said: Said, at: int) -> str | None:
    """The surname, its word and again the surname, all three by their sound: 想相已的像 is 项，项羽的项."""
    text = said.text
    sounds = syllables(text[: at + 9])
    begin = at + 1 + (text[at + 1 : at + 2] in tuple("，,、。"))
    best: tuple[float, str] | None = None
    for word, surname, heard in _words_of_surnames(said.reading.lexicon):
        end = begin + len(word)
        behind = end + 1 if text[end : end + 1] in tuple(_EXPLAINS) else end
        if behind >= len(sounds):
            continue
        own = syllables(surname)[0]
        cost = unlike_on_average(sounds[begin:end], heard)
        cost += unlike_on_average((sounds[at], sounds[behind]), (own, own))
        if cost <= _NEAR and (best is None or cost < best[0]):
            best = (cost, surname)
    return best[1] if best is not None else None


def _word_alone(said: Said) -> Iterator[HalfNamed]:
    """进入喝碎的份: of 姓贺，贺岁的贺 only the sound of the word is whole."""
    sounds = syllables(said.text[: _SOON + 6])
    for word, surname, heard in _words_of_surnames(said.reading.lexicon):
        for start in range(min(_SOON, len(sounds) - len(word))):
            end = start + len(word)
            if sounds[start:end] == heard and said.text[end : end + 1] == "的":
                yield HalfNamed(surname, start, end, 0.5)
                return


@lru_cache(maxsize=8)
def _words_of_surnames(lexicon: Lexicon) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    return tuple(entry for entry in name_words(lexicon) if entry[1] in lexicon.surnames)
