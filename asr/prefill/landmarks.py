"""The talk with its places put right by their sound, for whoever reads where it is and for nobody else.

京阳大到 is written 金阳大道, 便压起 变压器, behind a village 老专场 老砖厂; 西式街 is 新市街 where the talk has that.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import pairwise

from asr.lexicon import Lexicon, Place, PlaceKind
from asr.lexicon.pinyin import syllables, toneless, unlike
from asr.prefill.gazetteer import OF_REGIONS, SHORT_CUTOFF, PlaceHit, find_places
from asr.prefill.heard_doors import doors_by_sound
from asr.prefill.mentions import SHOPS, Span, spans_of, suffix_pattern
from asr.prefill.place_words import HAN, LEAST, NEVER, words_of_place
from asr.prefill.questions import ASKS_PLACE
from asr.prefill.reading import Reading, Said, Talk, substituted
from asr.prefill.spelling import unlike_on_average
from asr.prefill.spots import STOPS, spot_pattern

_NAME, _SYLLABLE = 0.8, 0.55
"""How unlike a place's own name the whole and any syllable may sound and still be written as it."""
_AGAIN = 0.2
"""How unlike the syllables of a name may sound on average that was clear elsewhere in the talk."""
_AS_ELSEWHERE = 90.0
_AGE = re.compile(r"[，,]?(?:那个|这个|的|有个|一个|以前|原来|原先|先前)*[老旧新原]?")
_WHOLE_NAME = 4
"""Syllables of a name at least that is not behind a place but one itself."""
_ROUNDS = 3
_NOT_IN_NAMES = STOPS - {"还"}


@dataclass(frozen=True, eq=False)
class Reheard(Reading):
    """A reading whose words of place were put right; ``known`` are places that only sounded so, with their score."""

    known: tuple[tuple[int, int, float], ...] = ()

    @cached_property
    def places(self) -> tuple[PlaceHit, ...]:
        scores = {(start, end): score for start, end, score in self.known}
        return tuple(
            replace(hit, score=min(hit.score, scores.get((hit.start, hit.end), hit.score)))
            for hit in find_places(self.text, self.lexicon)
        )


def reheard(talk: Talk) -> Talk:
    """The talk with its words of place put right: each in its own turn, then names by how they were heard elsewhere."""
    heard = tuple(_reheard_said(said) for said in talk.all)
    towns = frozenset(
        hit.place.name
        for said in heard
        for hit in said.reading.places
        if hit.place.kind is PlaceKind.TOWN and hit.score >= SHORT_CUTOFF
    )
    heard = tuple(_with_villages(said, towns) for said in heard) if towns else heard
    names = _names_in(heard)
    return replace(talk, all=tuple(_named_alike(said, names) for said in heard) if names else heard)


def _names_in(heard: Sequence[Said]) -> tuple[str, ...]:
    """Places of the city that were named clearly, then what no list knows, as it was heard first where it was heard
    in several ways."""
    hits = [hit for said in heard for hit in said.reading.places if hit.score >= SHORT_CUTOFF]
    known = [hit.place.name for hit in hits if hit.place.kind in (PlaceKind.COMMUNITY, PlaceKind.ROAD)]
    wheres = [span.where for said in heard for span in spans_of(said.reading) if span.where is not None]
    worded = Counter(where.name.removeprefix(where.place.name if where.place else "") for where in wheres)
    by_sound: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name in worded:
        by_sound[syllables(name)].append(name)
    doubtful = [max(names, key=lambda name: worded[name]) for names in by_sound.values() if len(names) > 1]
    return tuple(dict.fromkeys(name for name in (*known, *doubtful) if len(name) >= LEAST))


@lru_cache(maxsize=8192)
def _named_alike(said: Said, names: tuple[str, ...]) -> Said:
    """西式街 is 新市街 and 还城路 is 环城路 where the talk has those."""
    reading = said.reading
    clear = [(hit.start, hit.end) for hit in reading.places if hit.score >= SHORT_CUTOFF]
    text, known = reading.text, list(reading.known if isinstance(reading, Reheard) else ())
    for name in names:
        sounds, own = syllables(text), syllables(name)
        for start in range(len(text) - len(name) + 1):
            end = start + len(name)
            if text[start:end] == name or not HAN.fullmatch(text[start:end]):
                continue
            if any(start < other_end and other < end for other, other_end in clear):
                continue
            if _sounds_as(sounds[start:end], own) and _ends_as(text[start:end], name):
                text = text[:start] + name + text[end:]
                clear.append((start, end))
                known.append((start, end, _AS_ELSEWHERE))
    if text == reading.text:
        return said
    found = _with(reading, text, tuple(known))
    both = _with_and(text, found.places)
    return replace(said, reading=found if both == text else _with(reading, both, tuple(known)))


def _sounds_as(heard: tuple[str, ...], name: tuple[str, ...]) -> bool:
    costs = list(map(unlike, heard, name))
    return max(costs) <= _SYLLABLE and sum(costs) <= _AGAIN * len(name)


def _ends_as(heard: str, name: str) -> bool:
    """In the same character, or else all before it sounds the same; and no word of grammar was heard for another."""
    if any(one != other and (one in _NOT_IN_NAMES or one in NEVER) for one, other in zip(heard, name, strict=True)):
        return False
    return heard[-1] == name[-1] or syllables(heard[:-1]) == syllables(name[:-1])


@lru_cache(maxsize=8192)
def _reheard_said(said: Said) -> Said:
    answer = said.by_caller and ASKS_PLACE.search(said.asked) is not None
    reading = reheard_reading(said.reading, answer=answer)
    return said if reading is said.reading else replace(said, reading=reading)


@lru_cache(maxsize=8192)
def reheard_reading(reading: Reading, *, answer: bool) -> Reading:
    """``answer``: to where it is, so that even a clause that begins with two such syllables is one."""
    text = _unbroken(reading.text, reading.lexicon)
    reading = reading if text == reading.text else _with(reading, text, ())
    sounding = [hit for hit in reading.places if hit.score < 100 and _by_its_name(reading.text, hit)]
    for hit in sounding:
        text = text[: hit.start] + hit.place.name + text[hit.end :]
    text = doors_by_sound(_with_and(text, reading.places))
    text = _anywhere(text, [(hit.start, hit.end) for hit in reading.places], reading.lexicon)
    text, villages = _of_its_town(substituted(text, _PLAIN), reading.lexicon)
    known = tuple((hit.start, hit.end, hit.score) for hit in sounding) + villages
    found = reading if text == reading.text else _with(reading, text, known)
    text = _shop_heads(found)
    found = found if text == found.text else _with(reading, text, known)
    for _ in range(_ROUNDS):
        text = _going_on(found, answer=answer)
        if text == found.text:
            break
        found = _with(reading, text, known)
    return found


@lru_cache(maxsize=8)
def _broken(lexicon: Lexicon) -> re.Pattern[str]:
    """The first syllable, a breath, and the rest of a name of four and more."""
    names = [place.name for place in lexicon.places if place.kind in (PlaceKind.COMMUNITY, PlaceKind.ROAD)]
    rests = "|".join(sorted({re.escape(name[1:]) for name in names if len(name) >= _WHOLE_NAME}, key=len, reverse=True))
    return re.compile(rf"(?:(?<=^)|(?<=[，。]))(?P<first>[\u4e00-\u9fff])，(?P<rest>{rests})")


@lru_cache(maxsize=8)
def _by_rest(lexicon: Lexicon) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for place in lexicon.places:
        found[place.name[1:]].append(place.name)
    return found


def _unbroken(text: str, lexicon: Lexicon) -> str:
    """接，阳新城 is ，金阳新城: the breath is put before the name."""
    for broken in _broken(lexicon).finditer(text):
        for name in _by_rest(lexicon)[broken["rest"]]:
            if unlike(syllables(broken["first"])[0], syllables(name[0])[0]) <= _SYLLABLE:
                text = f"{text[: broken.start()]}，{name}{text[broken.end() :]}"
    return text


def _by_its_name(text: str, hit: PlaceHit) -> bool:
    """Not by another way to say it: what was heard for 北坪那边 is not written 北坪街道."""
    heard, name = syllables(text[hit.start : hit.end]), syllables(hit.place.name)
    if len(heard) != len(name):
        return False
    region = hit.place.kind in (PlaceKind.DISTRICT, PlaceKind.TOWN) and text[hit.end - 1] in OF_REGIONS.get(
        hit.place.name[-1], ""
    )
    costs = list(map(unlike, heard[:-1], name[:-1])) if region else list(map(unlike, heard, name))
    return sum(costs) <= _NAME and max(costs) <= _SYLLABLE


_NUMBERED = re.compile(
    r"[零一二三四五六七八九十百0-9A-Za-z]+(?:号楼|栋|单元|号院|号|座|层|楼|室|米|组|家|户)|[0-9]{3,4}"
)


_WORK = re.compile(r"[装修拆改](?![饰理车造])")


def up_to_place(words: str, lexicon: Lexicon) -> str:
    """小寨村村北老砖厂愿命: of words that were not all heard well what follows the last one of place is none."""
    known = {hit.end for hit in find_places(words, lexicon)}
    for pattern in (suffix_pattern(lexicon), spot_pattern(lexicon), _NUMBERED):
        known |= {match.end() for match in pattern.finditer(words)}
    work = _WORK.search(words)
    return words[: max((end for end in known if work is None or end <= work.start()), default=0)]


def _with(reading: Reading, text: str, known: tuple[tuple[int, int, float], ...]) -> Reading:
    return Reheard(raw=reading.raw, text=text, offsets=reading.offsets, lexicon=reading.lexicon, known=known)


_AND = frozenset("以于雨语玉火和合河给根更")
"""What a recogniser writes for 与, 和 or 跟."""


def _with_and(text: str, places: Sequence[PlaceHit]) -> str:
    """环城路以丹河路: between two roads it is 与."""
    for one, other in pairwise(places):
        roads = one.place.kind is PlaceKind.ROAD and other.place.kind is PlaceKind.ROAD
        if roads and text[one.end : other.start] in _AND:
            text = f"{text[: one.end]}与{text[other.start :]}"
    return text


_DIGITS = "零一二两三四五六七八九十百0-9"
_OF_CITY = "图书馆|政务|政府|[一二三四]院|人民医院|中医院|体育馆|博物馆|文化宫|少年宫|档案馆"
_PLAIN = (
    (re.compile(rf"(?<=咱们)[是事世势](?={_OF_CITY})"), "市"),
    (re.compile("政府服务(?=大厅|中心)"), "政务服务"),
    (re.compile("(?:(?<=^)|(?<=[，。为喂]))[世事试式](?=交警队|派出所|消防队|物业|居委会)"), "是"),
    (re.compile("(?:(?<=^)|(?<=[，。]))[春纯存唇蠢](?=[东西南北]头)"), "村"),
    (re.compile(rf"(?<=[往向朝][东西南北][{_DIGITS}]{{2}})[名明密迷秘](?![\u4e00-\u9fff])"), "米"),
    (re.compile("(?<=[路街道])[是实时石事使][自字子紫](?=[东西南北，。]|路口|$)"), "十字"),
    (re.compile("(?<=[，。])[试事世市](?=[东西南北]{1,2}[角侧边面头])"), "是"),
    (re.compile("(?<=，)说(?=[一-鿿]{2,5}(?:门口|对面|旁边|路口|楼下)(?:[，。]|$))"), "是"),
    (re.compile("[地弟底][区期妻其起气](?=实验[小中]学)"), "第七"),
    (re.compile("(?:(?<=小区)|(?<=街道)|(?<=[家花]园))[等灯凳登](?=[，。]|$)"), "的"),
    (re.compile("(?<=[村镇乡县区街路院厂店楼号])[满蛮慢麻马骂](?=[，。？]|$)"), "吗"),
)


def _anywhere(text: str, places: Sequence[tuple[int, int]], lexicon: Lexicon) -> str:
    """Three syllables and more that sound like a word of place."""
    terms = words_of_place(lexicon)
    sounds = toneless(text)
    for run in HAN.finditer(text):
        at = run.start()
        while at + LEAST <= run.end():
            word = terms.at(text, sounds, at, run.end())
            if word is not None and not any(at < end and start < at + len(word) for start, end in places):
                text = text[:at] + word + text[at + len(word) :]
                at += len(word) - 1
            at += 1
    for begin, name in terms.long_names(text):
        if not any(begin < end and start < begin + len(name) for start, end in places):
            text = text[:begin] + name + text[begin + len(name) :]
    return text


@lru_cache(maxsize=8)
def _villages(lexicon: Lexicon) -> tuple[tuple[Place, tuple[str, ...], str, tuple[str, ...]], ...]:
    """Each with its sounds and its town with those."""
    return tuple(
        (place, syllables(place.name), place.town, syllables(place.town))
        for place in lexicon.places
        if place.kind is PlaceKind.COMMUNITY and place.name.endswith("村") and place.town is not None
    )


def _of_its_town(text: str, lexicon: Lexicon) -> tuple[str, tuple[tuple[int, int, float], ...]]:
    """石半香后您村 is 石盘乡后岭村: town and village each sound nearly so, and belong together."""
    found: list[tuple[int, int, float]] = []
    named = {place.name for place, *_ in _villages(lexicon)}
    for last in [match.start() for match in re.finditer("[村春寸存]", text)]:
        sounds = syllables(text)
        for place, own, town, of_town in _villages(lexicon):
            start, end = last + 1 - len(own), last + 1
            apart = text[start - 1 : start] == "，"
            begin = start - len(of_town) - apart
            if begin < 0 or text[start:end] in named or not HAN.fullmatch(text[begin:end].replace("，", "")):
                continue
            far, of_region = (
                unlike_on_average(sounds[start:last], own[:-1]),
                unlike_on_average(sounds[begin : start - apart], of_town),
            )
            if far <= _VILLAGE and of_region <= _TOWN and far + of_region > 0:
                text = text[:begin] + town + "，" * apart + place.name + text[end:]
                found.append((start, end, _AS_ELSEWHERE))
                break
    return text, tuple(found)


_VILLAGE, _TOWN = 0.3, 0.35
_VILLAGE_ALONE = 0.2
"""Anywhere in a talk that names its town."""


@lru_cache(maxsize=8192)
def _with_villages(said: Said, towns: frozenset[str]) -> Said:
    """后柳村 is 后岭村 where the talk names 石盘乡, whose village that is."""
    reading = said.reading
    text, known = reading.text, list(reading.known if isinstance(reading, Reheard) else ())
    named = {place.name for place, *_ in _villages(reading.lexicon)}
    sounds = syllables(text)
    for last in [match.start() for match in re.finditer("村", text)]:
        for place, own, town, _ in _villages(reading.lexicon):
            start, end = last + 1 - len(own), last + 1
            if town not in towns or start < 0 or not HAN.fullmatch(text[start:end]) or text[start:end] in named:
                continue
            if unlike_on_average(sounds[start:last], own[:-1]) <= _VILLAGE_ALONE:
                text = text[:start] + place.name + text[end:]
                known.append((start, end, _AS_ELSEWHERE))
                break
    return said if text == reading.text else replace(said, reading=_with(reading, text, tuple(known)))


def _shop_heads(reading: Reading) -> str:
    """建设南路的康民驾笑: what kind of house it is, behind a road or a village and its own two to four syllables."""
    text, terms = reading.text, words_of_place(reading.lexicon)
    for hit in reading.places:
        if hit.place.kind is not PlaceKind.ROAD and not hit.place.name.endswith("村"):
            continue
        begins = _AGE.match(text, hit.end)
        assert begins is not None
        for at in range(begins.end() + 2, begins.end() + 5):
            word = next((word for word in SHOPS if terms.head(text, at, word)), None)
            if word is not None and HAN.fullmatch(text, begins.end(), at):
                text = text[:at] + word + text[at + len(word) :]
                break
    return text


def _going_on(reading: Reading, *, answer: bool) -> str:
    """Where an address goes on the next two or three syllables that sound like a word of place are one."""
    text, terms = reading.text, words_of_place(reading.lexicon)
    spans = spans_of(reading)
    behind = [span.end for span in spans if span.where is not None or _tells(span)]
    named = [hit.end for hit in reading.places]
    named += [span.start for span in spans if span.where is not None and span.where.place is None]
    opening = [start for start, _ in reading.clauses] if answer else []
    for start in (*behind, *opening, *named):
        age = _AGE.match(text, start)
        assert age is not None
        for at in sorted({age.end(), start}, reverse=True):
            least = 2 if start in behind or start in opening else _WHOLE_NAME
            alike = 2 if start in behind else LEAST
            word = terms.near(text, at, least=least, alike=alike if at == start else _WHOLE_NAME)
            if word is not None and not any(at < hit.end and hit.start < at + len(word) for hit in reading.places):
                return text[:at] + word + text[at + len(word) :]
    return text


def _tells(span: Span) -> bool:
    return any(detail.slot != "spot" for detail in span.details)
