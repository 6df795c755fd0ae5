"""Places of the gazetteer that a recogniser garbled: taken when heard again, asked for, or followed by a door number.

Only where nobody in the talk named a place clearly, and only if one name of the gazetteer fits better than the others.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from asr.lexicon import Lexicon, Place, PlaceKind
from asr.lexicon.pinyin import syllables, unlike
from asr.prefill.gazetteer import SHORT_CUTOFF, PlaceHit
from asr.prefill.mentions import spans_of
from asr.prefill.questions import ASKS_PLACE
from asr.prefill.reading import Reading, Said, Talk

_LEAST = 66.0
_MOST = 85.0
"""The best that a garbled name can score."""
_GOOD = 80.0
_CLOSE = 5.0
_ENOUGH = 0.58
_AHEAD = 0.12
_FEW = 6
"""Names that one turn may bring up."""
_GENERIC = re.compile(r"(?:小区|街道|家园|花园|家属院|山庄|新城|社区|广场|[路街村镇乡巷县])$")
_DOOR = re.compile(
    r"[的，、]?[零一二两三四五六七八九十0-9]{1,3}(?:号|栋|单元|期)|[的]?[东西南北]门|[，的]?[楼门][下口]"
)
_LEADS_IN = re.compile(r"(?:在|住|家|是|从|到|小区|街道)$")
_LIVES = re.compile(r"我家?住在?$")
"""Where the caller lives may be named clearly, and the matter be elsewhere."""
_HOUSE = re.compile(r"(?:[一二三四五六七八九]院|医院|卫生院|[小中大]学|幼儿园|图书馆|体育馆|派出所)$")
"""Named clearly: 市三院急诊 is no 学院街."""


@dataclass(frozen=True, slots=True)
class _Name:
    """``body``: how many syllables come before the generic word, which alone says nothing."""

    sounds: tuple[str, ...]
    body: int
    place: Place


_Hits = Mapping[Reading, tuple[PlaceHit, ...]]


def prepare_names(lexicon: Lexicon) -> None:
    _names(lexicon)


def half_heard(talk: Talk) -> _Hits:
    """By reading; empty if a place was named clearly."""
    found: dict[Reading, tuple[PlaceHit, ...]] = {}
    spoken = [said for said in talk.all if said.by_caller or said.by_agent]
    if any(_certain(said.reading) or _unlisted(said.reading) for said in spoken):
        return found
    names = tuple(dict.fromkeys(name for said in spoken for name in _candidates(said.reading)))
    worth: dict[Place, float] = defaultdict(float)
    shown: set[Place] = set()
    for said in spoken:
        best: dict[Place, float] = {}
        for hit in _garbled(said.reading, names):
            best[hit.place] = max(best.get(hit.place, 0.0), _worth(said, hit))
            if hit.score >= _GOOD or _cued(said, hit):
                shown.add(hit.place)
        for place, value in best.items():
            worth[place] += value
    ranked = sorted(shown, key=lambda place: -worth[place])
    if not ranked or worth[ranked[0]] < _ENOUGH:
        return found
    if len(ranked) > 1 and worth[ranked[0]] - worth[ranked[1]] < _AHEAD:
        return found
    for said in spoken:
        own = tuple(hit for hit in _garbled(said.reading, names) if hit.place is ranked[0])
        if own:
            found[said.reading] = own
    return found


def _certain(reading: Reading) -> bool:
    return any(
        hit.place.kind in (PlaceKind.COMMUNITY, PlaceKind.ROAD)
        and hit.score >= SHORT_CUTOFF
        and not _LIVES.search(reading.text[: hit.start])
        for hit in reading.places
    )


def _unlisted(reading: Reading) -> bool:
    """A village or a school right behind its town is named clearly, known or not."""
    regions = [hit for hit in reading.places if hit.place.kind in (PlaceKind.TOWN, PlaceKind.DISTRICT)]
    return any(
        span.where is not None and span.where.place is None and hit.start <= span.start <= hit.end + 1
        for span in (spans_of(reading) if regions else ())
        for hit in regions
    )


def _cued(said: Said, hit: PlaceHit) -> bool:
    asked = said.by_caller and ASKS_PLACE.search(said.asked) is not None
    return asked or _DOOR.match(said.text, hit.end) is not None


def _worth(said: Said, hit: PlaceHit) -> float:
    text = said.text
    value = (hit.score - 50) / 50 * 0.8
    value += 0.15 * (said.by_caller and ASKS_PLACE.search(said.asked) is not None)
    value += 0.2 * (_DOOR.match(text, hit.end) is not None)
    value += 0.1 * (_kind_of(text[: hit.end]) == _kind_of(hit.place.name) != "")
    return value + 0.05 * (_LEADS_IN.search(text[: hit.start]) is not None)


def _kind_of(name: str) -> str:
    """The generic word of two characters and more that it ends in."""
    generic = _GENERIC.search(name)
    return generic.group() if generic is not None and len(generic.group()) > 1 else ""


@lru_cache(maxsize=2048)
def _candidates(reading: Reading) -> tuple[_Name, ...]:
    """The few names that fit a stretch of the turn best, of those that share a telling syllable with it in place."""
    names, with_sound = _names(reading.lexicon)
    sounds = syllables(reading.text)
    aligned: dict[int, Counter[int]] = defaultdict(Counter)
    for position, sound in enumerate(sounds):
        for number, place in with_sound.get(sound, ()):
            aligned[number][position - place] += 1
    found = []
    for number, starts in aligned.items():
        name = names[number]
        least = 1 if name.body < len(name.sounds) else 2
        scores = [_score(sounds, start, name) for start, count in starts.items() if count >= least]
        if scores and max(scores) >= _LEAST:
            found.append((max(scores), number))
    return tuple(names[number] for _, number in sorted(found, reverse=True)[:_FEW])


def _garbled(reading: Reading, names: Sequence[_Name]) -> list[PlaceHit]:
    """Of names for the same stretch only those about as good as the best; nothing where a place is clear."""
    found = [hit for name in names if (hit := _best(syllables(reading.text), name)) is not None]
    clear = [hit for hit in reading.places if hit.score >= SHORT_CUTOFF]
    spans = spans_of(reading) if found else ()
    named = [span for span in spans if span.where and _HOUSE.search(span.where.name)]
    doors = [detail for span in spans for detail in span.details if detail.slot in ("building", "unit")]
    return [
        hit
        for hit in found
        if not any(_overlap(hit, other) for other in clear)
        and not any(span.start < hit.end and hit.start < span.head_end for span in named)
        and not any(door.start < hit.end and hit.start < door.end for door in doors)
        and not any(_overlap(hit, other) and other.score > hit.score + _CLOSE for other in found)
    ]


def _overlap(one: PlaceHit, other: PlaceHit) -> bool:
    return one.start < other.end and other.start < one.end


@lru_cache(maxsize=8)
def _names(lexicon: Lexicon) -> tuple[Sequence[_Name], Mapping[str, Sequence[tuple[int, int]]]]:
    """The names, and for each syllable of their bodies which name has it where."""
    names: list[_Name] = []
    with_sound: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for place in lexicon.places:
        if place.kind not in (PlaceKind.COMMUNITY, PlaceKind.ROAD):
            continue
        for form in dict.fromkeys((place.name, *place.aliases)):
            if len(form) < 3:
                continue
            generic = _GENERIC.search(form)
            name = _Name(syllables(form), generic.start() if generic is not None else len(form), place)
            for position, sound in enumerate(name.sounds[: name.body]):
                with_sound[sound].append((len(names), position))
            names.append(name)
    return names, with_sound


@lru_cache(maxsize=16384)
def _best(sounds: tuple[str, ...], name: _Name) -> PlaceHit | None:
    """The window of the name's own length that sounds most like it."""
    width = len(name.sounds)
    scored = [(_score(sounds, start, name), -start) for start in range(len(sounds) - width + 1)]
    score, start = max(scored, default=(0.0, 0))
    return PlaceHit(start=-start, end=width - start, place=name.place, score=score) if score >= _LEAST else None


def _score(sounds: tuple[str, ...], start: int, name: _Name) -> float:
    """0..``_MOST``; 0 where half of the body is something else, or the generic word is."""
    if start < 0 or start + len(name.sounds) > len(sounds):
        return 0.0
    body = sum(unlike(sounds[start + at], name.sounds[at]) for at in range(name.body))
    if body > 0.5 * name.body:
        return 0.0
    rest = sum(unlike(sounds[start + at], name.sounds[at]) for at in range(name.body, len(name.sounds)))
    if rest > 0.6 * (len(name.sounds) - name.body):
        return 0.0
    return min(_MOST, 100 * (1 - (body + rest) / len(name.sounds)))
