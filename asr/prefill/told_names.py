"""Given names by the words that explain them, by sound: 丽娟，美丽的力，婵娟的卷 is 丽娟."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from asr.lexicon import Lexicon
from asr.lexicon.pinyin import syllables, unlike
from asr.prefill.given_names import usual_given_name
from asr.prefill.reading import Said, Talk
from asr.prefill.spelling import (
    NameWord,
    denied_at,
    from_the_end,
    given_words,
    inside_at,
    name_words,
    unlike_on_average,
)
from asr.prefill.surname_votes import likeness
from asr.prefill.surname_words import explanations

_THAT = "的得地滴"
_HAN = re.compile("[\u4e00-\u9fff]+")
_WITHIN = 36
"""Characters behind a name in which it is explained."""
_LATER = 3
"""Turns of the caller, the answer among them, over which a name and its explanation may spread."""
_LOOSE, _ALIKE = 0.11, 0.25
_UNWRITTEN = 0.12
"""What it costs a word that none of its characters was written as meant."""
_NEARLY = 0.21
_LIKE_SURNAME = 0.6
_LIKE_TITLE = 0.4
_TITLES = tuple(map(syllables, ("先生", "女士", "大爷", "大娘", "阿姨", "师傅", "电话", "手机", "不是")))
_NO_GIVEN = frozenset("的得了是我你您他她们不吗呢吧啊呀嘛这那个姓叫写就电话打行可念字第号也有没什么")
_CLAUSE_BEGINS = re.compile(r"(?:^|[，,。、]|[，,。、我]叫)$")
_LEADS = re.compile(r"(?:^|[，,。、]|叫|教|较|校|名|[姓性幸兴信])$")


@dataclass(frozen=True, slots=True)
class Told:
    """A given name, how many of its characters were explained, and where it was heard."""

    given: str
    explained: int
    said: Said
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Word:
    """An explanation heard at ``start``..``end``: ``meant`` and what was heard where it is said again."""

    meant: str
    start: int
    end: int
    cost: float


def given_told(talk: Talk, surname: str, first: Said) -> Told | None:
    """The name said with ``surname`` in the turn ``first`` or in the caller's next ones: explained, or a usual one."""
    found: list[Told] = []
    turns = [said for said in talk.caller if first.index <= said.index <= first.index + 5][:_LATER]
    for number, said in enumerate(turns):
        behind = turns[number + 1].text if number + 1 < len(turns) else ""
        found += _names(said, surname, behind)
    return max(found, key=lambda told: (told.explained, -told.said.index, -told.start), default=None)


def _names(said: Said, surname: str, behind: str) -> Iterator[Told]:
    text = f"{said.text}，{behind}"
    width = len(surname)
    lexicon = said.reading.lexicon
    words = _words(lexicon, text)
    for start in range(len(said.text) - width):
        own = text[start : start + width]
        at = start + width
        if likeness(own, surname) < _LIKE_SURNAME:
            continue
        sure = likeness(own, surname) >= 0.9 or _LEADS.search(text[:start]) is not None
        if not sure:
            continue
        for length in (2, 1):
            heard = text[at : at + length]
            if not _HAN.fullmatch(heard) or set(heard) & _NO_GIVEN or len(heard) < length:
                continue
            given = _explained(heard, at + length, words, surname, text)
            if given is not None and (length > 1 or _single(text, at + 1, given, words, surname)):
                yield Told(given, length, said, start, min(at + length, len(said.text)))
                break
            usual = _usual(lexicon, heard) if length > 1 and at + 2 <= len(said.text) else None
            if usual is not None and _CLAUSE_BEGINS.search(text[:start]) and text[at + 2] in "，,。、":
                yield Told(usual, 0, said, start, at + 2)
                break


@lru_cache(maxsize=4096)
def _usual(lexicon: Lexicon, heard: str) -> str | None:
    """A usual given name of that sound, or the one usual name that is nearly so."""
    sounds = syllables(heard)
    if any(sum(map(unlike, sounds, title)) <= _LIKE_TITLE for title in _TITLES):
        return None
    meant = usual_given_name(lexicon, heard)
    if meant in lexicon.given_names:
        return meant
    near = [
        (sum(map(unlike, sounds, syllables(name))), -weight, name)
        for name, weight in lexicon.given_names.items()
        if len(name) == len(heard) and {*syllables(name)} & {*sounds}
    ]
    best = min(near, default=(1.0, 0, ""))
    return best[2] if best[0] <= _NEARLY else None


def _explained(heard: str, at: int, words: Sequence[_Word], surname: str, text: str) -> str | None:
    """Each character by a word of its own, in their order, the first of them soon."""
    given, since = "", at
    for number, char in enumerate(heard):
        near = [
            word
            for word in words
            if since <= word.start <= at + _WITHIN
            and unlike(syllables(char)[0], syllables(word.meant)[0]) <= _ALIKE
            and (number or _only_between(text[at : word.start], surname))
        ]
        if not near:
            return None
        best = min(near, key=lambda word: (word.start + 20 * word.cost, word.meant != char))
        given += best.meant
        since = best.end
    return given


def _single(text: str, at: int, given: str, words: Sequence[_Word], surname: str) -> bool:
    """One character that is not the surname again, before a pause or right before what explains one of them."""
    ends = any(word.start == at for word in words) or text[at] in "，,。、"
    return ends and likeness(given, surname) < _LIKE_SURNAME


def _only_between(between: str, surname: str) -> bool:
    """Nothing, or the surname's own explanation, or a pause."""
    return len(between) <= 12 and not re.search(r"电话|他|她|号", between)


def _words(lexicon: Lexicon, text: str) -> list[_Word]:
    """Every explanation in the text, of each place and character the best."""
    sounds = syllables(text)
    best: dict[tuple[int, str], _Word] = {}
    for match in re.finditer(f"[{_THAT}]", text):
        end = match.start()
        behind = text[end + 1 : end + 2]
        if not _HAN.match(behind):
            continue
        for word in (*_literal(lexicon, text, end, behind), *_known(lexicon, text, sounds, end, behind)):
            if denied_at(text, word.start) or inside_at(text, word.start):
                continue
            key = (end, word.meant)
            if key not in best or word.cost < best[key].cost:
                best[key] = word
    return sorted(best.values(), key=lambda word: word.start)


def _literal(lexicon: Lexicon, text: str, end: int, behind: str) -> Iterator[_Word]:
    """桂花的桂: written out, whether the word is known or not."""
    for length in (2, 3, 4):
        start = end - length
        if start >= 0 and behind in text[start:end] and _HAN.fullmatch(text, start, end):
            yield _Word(behind, start, end + 2, 0.1 if behind in of_names(lexicon) else 0.3)
            return


def _known(lexicon: Lexicon, text: str, sounds: Sequence[str], end: int, behind: str) -> Iterator[_Word]:
    """A word of the lists by its sound; what is said again behind it need only be near."""
    again = syllables(behind)[0]
    table = _by_place(lexicon)
    near = dict.fromkeys(
        word for back in range(1, min(4, end) + 1) for word in table.get((back, sounds[end - back]), ())
    )
    for word, char, word_sounds in near:
        start = end - len(word)
        if start < 0:
            continue
        cost = unlike_on_average(sounds[start:end], word_sounds)
        said_again = unlike(again, syllables(char)[0])
        if cost <= _LOOSE and said_again <= 0.3:
            written = any(one == other for one, other in zip(text[start:end], word, strict=True))
            yield _Word(char, start, end + 2, cost + 0.3 * said_again + (0.0 if written else _UNWRITTEN))


@lru_cache(maxsize=8)
def of_names(lexicon: Lexicon) -> frozenset[str]:
    """Every character that people are called by, as far as the lists have them."""
    return frozenset("".join(lexicon.given_names)) | {char for _, char, _ in given_words(lexicon)}


@lru_cache(maxsize=8)
def _by_place(lexicon: Lexicon) -> dict[tuple[int, str], list[NameWord]]:
    """By a syllable and how far from the word's end it is, those that explain surnames among them."""
    surnames = tuple((each.word, each.surname, each.sounds) for each in explanations(lexicon) if len(each.surname) == 1)
    return from_the_end(dict.fromkeys((*name_words(lexicon), *given_words(lexicon), *surnames)))
