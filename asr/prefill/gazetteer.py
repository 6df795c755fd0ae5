"""Places of the city in a text: by their characters, else by their sound."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from rapidfuzz.distance import Indel

from asr.lexicon import Lexicon, Place, PlaceKind
from asr.lexicon.pinyin import syllables

CUTOFF = 86.0
SOUND_ALONE = 99.0
"""The best that a name can score which only sounds right."""
SHORT = 3
SHORT_CUTOFF = 95.0
"""Three syllables that are nearly alike are usually something else."""


_WORD = 3
"""How often two characters stand side by side in people's wording if they are a word."""
_HAN_PAIR = re.compile("[\u4e00-\u9fff]{2}")
OF_REGIONS = {
    "市": "市势是事室试世氏式时", "县": "县线现限献先鲜", "区": "区去趣屈曲其起汽期气",
    "镇": "镇正政证战阵占建件剑箭鉴钻真振针", "乡": "乡香相箱想向像项",
}  # fmt: skip
"""What a recogniser writes for the last syllable of a district's or a town's name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlaceHit:
    """``score`` 0..100; 100 for the name's own characters."""

    start: int
    end: int
    place: Place
    score: float


@dataclass(frozen=True, slots=True)
class _Form:
    """One way to say a place."""

    text: str
    sounds: tuple[str, ...]
    place: Place


def find_places(text: str, lexicon: Lexicon) -> tuple[PlaceHit, ...]:
    """Hits in order, none overlapping; the longer name wins."""
    index = _index(lexicon)
    hits = _exact(text, index)
    hits += _by_sound(text, index, hits)
    hits += _regions_by_sound(text, index, hits)
    return tuple(sorted(hits, key=lambda hit: hit.start))


class _Index:
    def __init__(self, lexicon: Lexicon) -> None:
        forms = [
            _Form(form, syllables(form), place)
            for place in lexicon.places
            for form in dict.fromkeys((place.name, *place.aliases))
        ]
        forms.sort(key=lambda form: -len(form.text))
        self.by_first: dict[str, list[_Form]] = defaultdict(list)
        self.sounding: list[_Form] = []
        self.with_sound: dict[str, set[int]] = defaultdict(set)
        self.stems: dict[str, Place] = {
            place.name.removesuffix("村").removesuffix("小区"): place
            for place in lexicon.places
            if place.kind is PlaceKind.COMMUNITY and place.name.endswith(("村", "小区"))
        }
        for form in forms:
            self.by_first[form.text[0]].append(form)
            if len(form.text) >= SHORT and form.place.kind is not PlaceKind.DISTRICT:
                self._sounds(form)
        said = "\n".join(line for lines in lexicon.phrasings.values() for line in lines)
        pairs = Counter(map("".join, pairwise(said)))
        self.words = frozenset(pair for pair, count in pairs.items() if count >= _WORD and _HAN_PAIR.fullmatch(pair))
        known = {form.text for form in forms}
        for stem, place in self.stems.items():
            if len(stem) >= SHORT and stem not in known:
                self._sounds(_Form(stem, syllables(stem), place))
        self.regions = [
            form
            for kind in (PlaceKind.TOWN, PlaceKind.DISTRICT)
            for form in forms
            if form.place.kind is kind and len(form.text) == SHORT and form.text[-1] in OF_REGIONS
        ]

    def _sounds(self, form: _Form) -> None:
        for sound in form.sounds:
            self.with_sound[sound].add(len(self.sounding))
        self.sounding.append(form)


@lru_cache(maxsize=8)
def _index(lexicon: Lexicon) -> _Index:
    return _Index(lexicon)


def _exact(text: str, index: _Index) -> list[PlaceHit]:
    hits: list[PlaceHit] = []
    at = 0
    while at < len(text):
        form = next((form for form in index.by_first.get(text[at], ()) if text.startswith(form.text, at)), None)
        short = _short(text, at, index, hits) if form is None else None
        place, length = (form.place, len(form.text)) if form is not None else short or (None, 1)
        if place is not None:
            hits.append(PlaceHit(start=at, end=at + length, place=place, score=100.0))
        at += length
    return hits


_HOUSES = re.compile(r"[，,的]?[零一二三四五六七八九十0-9]{1,3}(?:号楼|栋|单元)")


def _short(text: str, at: int, index: _Index, hits: list[PlaceHit]) -> tuple[Place, int] | None:
    """驿后三号楼, 青岭镇孙家坡: without its last word, where doors follow or its town goes before."""
    for length in (2, 3):
        place = index.stems.get(text[at : at + length])
        if place is None or at + length > len(text):
            continue
        town = bool(hits) and hits[-1].place.name == place.town and text[hits[-1].end : at].strip("，,的那个") == ""
        if town or length > 2 or _HOUSES.match(text, at + length):
            return place, length
    return None


def _by_sound(text: str, index: _Index, taken: list[PlaceHit]) -> list[PlaceHit]:
    sounds = syllables(text)
    heard_at: dict[str, list[int]] = defaultdict(list)
    shared: Counter[int] = Counter()
    for position, sound in enumerate(sounds):
        if sound in index.with_sound:
            if sound not in heard_at:
                shared.update(index.with_sound[sound])
            heard_at[sound].append(position)
    found: list[PlaceHit] = []
    for number, count in shared.items():
        form = index.sounding[number]
        if count >= min(len(set(form.sounds)), _least(len(form.sounds))):
            hit = _best_window(sounds, form, heard_at)
            if hit is not None and not _cuts_word(text, hit, form, index):
                found.append(hit)
    hits: list[PlaceHit] = []
    for hit in sorted(found, key=lambda hit: (-hit.score, hit.start - hit.end)):
        if not any(hit.start < other.end and other.start < hit.end for other in (*taken, *hits)):
            hits.append(hit)
    return hits


_OF_REGION = 0.35
"""How unlike a district's first two syllables may sound where the third is its own."""
_GOES_ON = re.compile(
    r"[，,]?(?:那个|的)?(?:人民|政府|政务|中医|妇幼|图书馆|档案馆|文化馆|体育馆|公安局|法院|第?[一二三]中(?!午)|实验)"
)


def _regions_by_sound(text: str, index: _Index, taken: Sequence[PlaceHit]) -> list[PlaceHit]:
    """公领事人民医院, 单合区金阳大道: towns, then districts, right before another place or a house of their own."""
    hits: list[PlaceHit] = []
    sounds = syllables(text)
    for form in index.regions:
        begins = {hit.start for hit in (*taken, *hits)}
        for end in range(SHORT, len(text)):
            start = end - SHORT
            if text[end - 1] not in OF_REGIONS[form.text[-1]] or text[start:end] == form.text:
                continue
            unlike = _distance(sounds[start : end - 1], form.sounds[:-1])
            if unlike > _OF_REGION or any(start < hit.end and hit.start < end for hit in (*taken, *hits)):
                continue
            if end in begins or end + 1 in begins or _GOES_ON.match(text, end) is not None:
                hits.append(
                    PlaceHit(start=start, end=end, place=form.place, score=SOUND_ALONE if unlike == 0 else CUTOFF)
                )
    return hits


def _cuts_word(text: str, hit: PlaceHit, form: _Form, index: _Index) -> bool:
    """中心介绍 is no 中兴街: its first or last syllable, in another character, is half of an ordinary word."""
    if len(form.sounds) > SHORT:
        return False
    ends = text[hit.end - 1 : hit.end + 1] in index.words and text[hit.end - 1] != form.text[-1]
    begins = text[max(0, hit.start - 1) : hit.start + 1] in index.words and text[hit.start] != form.text[0]
    return ends or begins


def _least(length: int) -> int:
    """Syllables that must be heard exactly for the rest to be worth comparing."""
    return length if length <= SHORT else length - max(1, length // 3)


def _best_window(sounds: tuple[str, ...], form: _Form, heard_at: dict[str, list[int]]) -> PlaceHit | None:
    length = len(form.sounds)
    cutoff = SHORT_CUTOFF if length <= SHORT else CUTOFF
    best: PlaceHit | None = None
    for start in _starts(form, heard_at):
        for width in (length,) if length <= SHORT else (length, length - 1, length + 1):
            if start < 0 or start + width > len(sounds):
                continue
            score = min(SOUND_ALONE, 100 * (1 - _distance(sounds[start : start + width], form.sounds) / length))
            if score >= cutoff and (best is None or score > best.score):
                best = PlaceHit(start=start, end=start + width, place=form.place, score=score)
    return best


def _starts(form: _Form, heard_at: dict[str, list[int]]) -> list[int]:
    """Where enough syllables of the name stand in line, give or take one that was added or lost."""
    line: Counter[int] = Counter()
    for position, sound in enumerate(form.sounds):
        line.update(place - position for place in heard_at.get(sound, ()))
    least = _least(len(form.sounds))
    near = [start for start in line if line[start] + max(line[start - 1], line[start + 1]) >= least]
    return sorted({start for own in near for start in (own, own + 1)})


def _distance(one: tuple[str, ...], other: tuple[str, ...]) -> float:
    """Edits between two rows of syllables; replacing one by a similar one costs less."""
    row = [float(column) for column in range(len(other) + 1)]
    for i, left in enumerate(one, start=1):
        above, row[0] = row[0], float(i)
        for j, right in enumerate(other, start=1):
            cost = 0.0 if left == right else _unlike(left, right)
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + cost)
    return row[-1]


@lru_cache(maxsize=65536)
def _unlike(left: str, right: str) -> float:
    return float(Indel.normalized_distance(left, right))
