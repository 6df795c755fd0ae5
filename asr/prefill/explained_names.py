"""Names of others put right by the words the caller explains them with: 关键名，建设的建，人民的民 is 关建民."""

from __future__ import annotations

import re
from collections.abc import Iterator

from asr.lexicon.pinyin import sounds_like
from asr.prefill.named import Kind, Named
from asr.prefill.reading import Said
from asr.prefill.spelling import spellings

_WITHIN = 40
"""Characters behind a name in which it is explained."""
_FULL = re.compile("(?![小老大阿])[\u4e00-\u9fff]{2,4}")
_NICK = re.compile("[小老阿][\u4e00-\u9fff]")
_SURNAME_TOLD = re.compile(
    r"[，,、](?:就?是)?(?P<word>[\u4e00-\u9fff]{2,4}?)的(?P<char>[\u4e00-\u9fff])(?=[，,、。！？]|$)"
)


_CLAUSE = re.compile(
    r"(?:(?<=^)|(?<=[，,。]))(?:他|她|就|是|叫)*(?P<name>[\u4e00-\u9fff]{2,3})"
    r"[，,](?:就?是)?(?P<word>[\u4e00-\u9fff]{2,4}?)的(?P<char>[\u4e00-\u9fff])(?=[，,、。！？]|$)"
)


def told_by_surname(said: Said) -> Iterator[Named]:
    """与婷婷，年年有余的余: a clause that is a name but for its surname, which is explained right behind it."""
    lexicon = said.reading.lexicon
    for clause in _CLAUSE.finditer(said.text):
        name, surname = clause["name"], clause["char"]
        known = surname in clause["word"] and surname in lexicon.surnames and sounds_like(name[0], surname)
        if known and name[0] != surname and name[1:] in lexicon.given_names:
            yield Named(surname + name[1:], said, *clause.span("name"), 1.2, Kind.PERSON)


def as_explained(named: Named) -> str:
    """Character by character what sounds so and stands in a word that is told; 老天，薛宝钗的薛 is 老薛."""
    if named.kind not in (Kind.PERSON, Kind.KIN):
        return named.name
    behind = named.said.text[named.end : named.end + _WITHIN]
    if _NICK.fullmatch(named.name):
        told = _SURNAME_TOLD.match(behind)
        known = (
            told is not None and told["char"] in told["word"] and told["char"] in named.said.reading.lexicon.surnames
        )
        return named.name[0] + told["char"] if told is not None and known else named.name
    name = list(named.name)
    if _FULL.fullmatch(named.name) is None or named.said.text[named.start : named.end] != named.name:
        return named.name
    for word, char in spellings(behind):
        if char in word and char not in name:
            position = next((at for at, own in enumerate(name) if sounds_like(own, char)), None)
            if position is not None:
                name[position] = char
    return "".join(name)
