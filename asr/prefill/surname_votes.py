"""Which surname was said, by the sound of all that was heard of it: the answer, its explanation, the read-back.

信盐，颜王爷的盐 and 盐大言 for 姓阎，阎王爷的阎 and 阎大爷: each alone says little, together they say one name.
Of names that sound alike the explanation decides, and where there is none, how common they are.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import log

from asr.lexicon import Lexicon
from asr.lexicon.pinyin import fold, syllables, toneless, unlike
from asr.prefill.reading import PAUSE, Said, Talk
from asr.prefill.spelling import denied_at, inside_at
from asr.prefill.surname_parts import built_of
from asr.prefill.surname_words import Explanation, explanations_by_sound, readings, surnames_with_part
from asr.prefill.titles_heard import Called, called

_XING = "姓幸兴性信醒行新讯欣辛心庆请情"
_XING_SOUNDS = frozenset(("xin", "xian", "xiu", "xun"))
"""姓 as it is heard: 信, 现, 秀, 迅."""
_LEAD = re.compile(rf"(?:{PAUSE}|嗯|哦|啊|呃|哎|我|俺|[暗按安]|免贵|复|富|就|是|叫|那个)*")
_SELF = re.compile(rf"(?:我|俺|免贵)[{_XING}]|(?:我|俺)(?:就)?叫(?=[\u4e00-\u9fff]{{2,3}}[，,])")
_LATER = re.compile("(?<=[，,])姓(?=[\u4e00-\u9fff](?:[，,]|$))")
"""记手机，姓路，…: asked for more than the name."""
_WRITTEN = re.compile(r"(?:就|你)写(?P<name>[\u4e00-\u9fff])(?=[，,。]|$)")
_OWN_TITLE = re.compile(r"(?P<name>[\u4e00-\u9fff])(?:师傅|先生|女士|大姐|大爷)(?=就|[，,。对]|$)")
_HAN = re.compile("[\u4e00-\u9fff]+")
_THAT = re.compile(r"[的地得滴敌灯文等德]|[那这]个|那")
_OWN = 0.5
"""What the surname's own syllable counts in its word: it is the other that tells."""
_REACH = 9
"""Characters from the surname within which the explanation begins."""
_LOOSE, _TELLS, _FITS = 0.3, 1.2, 0.75
_HEARD_OF = 0.7
_EXACT = 0.9
_AHEAD = 0.15
_TWICE = 0.95
_PARTS_WITHIN = 24
_BUILT_WITHIN = 44
_HEARD_WELL = 0.85
_DENIED = re.compile(
    "不是[^，。]{0,5}?[那的个](?P<name>[\u4e00-\u9fff])(?=[，,。啊呀吧嘛]|$)|别写成[^，。]{0,5}?(?P<other>[\u4e00-\u9fff])(?=[，,。啊]|$)"
)
_FOLDED, _OTHER_BEGINNING = 0.12, 0.25
"""What a beginning or an end costs that folding makes the same: 陈 for 岑 little, 兰 for 冉 and 樊 for 韩 more."""
_WRITTEN_FOR = {"贾": "古"}
"""What an engine writes for the other sound of a character."""
_DOUBLE = re.compile(rf"[复富父付服夫附副福负][{_XING}](?=[\u4e00-\u9fff]{{2}})")


@dataclass(frozen=True, slots=True)
class Elected:
    """``told``: by an explanation, not by the sound alone. ``start`` and ``end``: where the surname was heard in
    ``said``; ``explained``: where the words that explain it begin, if they do; None where a
    part of its character was told."""

    surname: str
    sure: float
    told: bool
    said: Said
    start: int
    end: int
    explained: int | None
    named: bool
    """Behind a 姓, so that what follows at once is no given name."""

    @property
    def heard(self) -> str:
        return self.said.text[self.start : self.end]


@dataclass(frozen=True, slots=True)
class _Mention:
    """An answer: where the surname should be heard in it, behind a 姓 or as its first word."""

    said: Said
    at: int
    named: bool
    width: int = 1
    behind: str = ""
    """What the caller said next, where the explanation may go on."""


@dataclass(frozen=True, slots=True)
class _Vote:
    surname: str
    worth: float
    exact: bool
    start: int


@dataclass(frozen=True, slots=True)
class _Candidate:
    """How well a surname fits what was heard of it (``own``), the read-back and the explaining word."""

    surname: str
    rank: int
    own: float
    echoed: float
    word: float
    part: bool
    exact: bool
    explained: int | None

    @property
    def total(self) -> float:
        return self.own + 1.2 * self.echoed + self.word + 0.8 * self.part - 0.13 * log(self.rank)


def elect(talk: Talk, answers: Sequence[Said]) -> Elected | None:
    """``answers``: what the caller said when asked for the name; without them only what explains itself counts."""
    mentions = [
        replace(mention, behind="，".join(other.text for other in talk.caller if 0 < other.index - said.index <= 2))
        for said in talk.caller
        for mention in _mentions(said, asked=said in answers)
    ]
    after = min((mention.said.index for mention in mentions), default=min((one.index for one in answers), default=0))
    backs = [(said, call) for said in talk.agent for call in called(said) if call.name and said.index > after - 2]
    best: Elected | None = None
    for mention in mentions[:3]:
        found = _elected(talk.lexicon, mention, backs)
        if found is not None and (best is None or found.sure > best.sure):
            best = found
    return best


def _elected(lexicon: Lexicon, mention: _Mention, backs: Sequence[tuple[Said, Called]]) -> Elected | None:
    text = mention.said.text
    own_titles = _OWN_TITLE.findall(text[mention.at + 1 : mention.at + 12]) if mention.named else []
    echoes = (*(call.name for _, call in backs[:3]), *own_titles)
    ranked = sorted(_candidates(lexicon, mention, echoes), key=lambda one: -one.total)
    if not ranked:
        return None
    if _sure(ranked[0]) is None and text[: mention.at].endswith("姓"):
        # 走之底那个逄: its sound and a part of it are worth more than a word like those that explain others
        ranked = [one for one in ranked if one.own >= _EXACT]
        if not ranked or not ranked[0].part:
            return None
    first = ranked[0]
    rival = next((one.total for one in ranked[1:] if syllables(one.surname) != syllables(first.surname)), 0.0)
    sure = _sure(first)
    if sure is None or first.total - rival < _AHEAD or not (mention.named or first.word >= _HEARD_OF or first.part):
        return None
    written = _WRITTEN.search(text, mention.at)
    if first.word < _TELLS and written is not None and likeness(written["name"], first.surname) < _FITS:
        return None
    return Elected(
        surname=first.surname,
        sure=sure,
        told=first.word >= _TELLS or first.part,
        said=mention.said,
        start=mention.at,
        end=mention.at + mention.width,
        explained=None if first.part else first.explained,
        named=mention.named,
    )


def _candidates(lexicon: Lexicon, mention: _Mention, echoes: Sequence[str]) -> Iterator[_Candidate]:
    told = {vote.surname: vote for vote in _told(mention)}
    twice = _said_twice(mention)
    heard = mention.said.text[mention.at : mention.at + mention.width]
    parts = surnames_with_part(mention.said.text[mention.at : mention.at + _PARTS_WITHIN])
    built = built_of(f"{mention.said.text[mention.at + mention.width :]}，{mention.behind}"[:_BUILT_WITHIN])
    most = max((count for surname, count in built.items() if likeness(heard, surname) >= _FITS), default=0)
    built = {surname: count for surname, count in built.items() if count == most}
    denied = _denied(mention)
    sounds = (surname for name in (heard, *twice, *echoes) for surname in sounding(lexicon, name))
    behind = mention.said.text[mention.at + mention.width :][:1]
    confirmed = any(likeness(heard, name) >= _EXACT for name in echoes)
    for surname in dict.fromkeys((*told, *parts, *built, *sounds)):
        if surname not in lexicon.surnames or len(surname) != mention.width or surname in denied:
            continue
        vote = told.get(surname)
        direct = likeness(heard, surname)
        if direct < _FITS <= likeness(behind, surname) and confirmed:
            continue  # 冯国栋，国家的国: it is the given name that is explained
        yield _Candidate(
            surname=surname,
            rank=lexicon.surnames[surname],
            own=max(direct, *(_TWICE * likeness(name, surname) for name in twice), 0.0),
            echoed=max((likeness(name, surname) for name in echoes), default=0.0),
            word=vote.worth if vote is not None else 0.0,
            part=surname in parts or built.get(surname, 0) > 1 or (surname in built and direct >= _HEARD_WELL),
            exact=vote is not None and vote.exact and direct >= _FITS,
            explained=vote.start if vote is not None else None,
        )


def _sure(one: _Candidate) -> float | None:
    """None where too little agrees."""
    if one.word >= _TELLS and max(one.own, one.echoed) >= _FITS:
        return 0.85 if one.exact else 0.75
    if one.part and one.own >= _FITS:
        return 0.85 if min(one.own, one.echoed) >= 0.9 else 0.75 if one.echoed >= _FITS else 0.65
    if len(one.surname) > 1 and one.own >= 0.9:
        return 0.8
    if one.own >= 0.9 and one.echoed >= 0.9:
        return 0.65
    if one.word >= 2.4 or (one.word >= 1.6 and one.own >= 0.6) or (one.word >= _HEARD_OF and one.echoed >= 0.9):
        return 0.6
    return None


def _mentions(said: Said, *, asked: bool) -> Iterator[_Mention]:
    """Behind 姓 where the answer or a clause of it begins, or behind 我姓 and 我叫 anywhere."""
    text = said.text
    lead = _LEAD.match(text)
    start = lead.end() if lead is not None else 0
    if asked and start < len(text):
        named = is_xing(text[start])
        at = start + 1 if named and start + 1 < len(text) else start
        yield _Mention(said, at, named)
        for match in _LATER.finditer(text, at):
            yield _Mention(said, match.end(), named=True)
    for match in _SELF.finditer(text):
        if match.end() < len(text) and not (asked and match.end() == start + 1):
            yield _Mention(said, match.end(), named=False)
    for match in _DOUBLE.finditer(text):
        yield _Mention(said, match.end(), named=True, width=2)


def _denied(mention: _Mention) -> str:
    """可不是儿童那个童: what the surname is not, however it sounds."""
    text = f"{mention.said.text[mention.at :]}，{mention.behind}"[:_BUILT_WITHIN]
    return "".join(match["name"] or match["other"] for match in _DENIED.finditer(text))


def is_xing(char: str) -> bool:
    """Whether 姓 may be heard so."""
    return char in _XING or syllables(char)[0] in _XING_SOUNDS


@lru_cache(maxsize=8192)
def _said_twice(mention: _Mention) -> tuple[str, ...]:
    """落陀的落, 抱一抱: what stands on both sides of a 的, or of one syllable, explains itself, whatever the word."""
    text = mention.said.text[: mention.at + _REACH + 8]
    sounds = syllables(text)
    found: list[str] = []
    for first in range(mention.at, min(len(text) - 2, mention.at + 7)):
        for last in range(first + 2, min(len(text), first + 6)):
            close = last == first + 2 or _THAT.fullmatch(text, last - 1, last) is not None
            if close and sounds[first] == sounds[last] and _HAN.fullmatch(text, first, last + 1):
                found.append(text[first])
    return tuple(dict.fromkeys(found))


@lru_cache(maxsize=8192)
def _told(mention: _Mention) -> tuple[_Vote, ...]:
    """What the words behind the surname explain, each surname's best."""
    text = mention.said.text[: mention.at + _REACH + 8]
    sounds = syllables(text)
    by_sound = explanations_by_sound(mention.said.reading.lexicon)
    best: dict[str, _Vote] = {}
    for start in range(mention.at, min(len(text), mention.at + _REACH + 1)):
        near = {
            each
            for position in range(min(4, len(sounds) - start))
            for each in by_sound.get((position, sounds[start + position]), ())
        }
        for each in near:
            vote = _vote(text, sounds, start, each)
            if vote is not None and (each.surname not in best or best[each.surname].worth < vote.worth):
                best[each.surname] = vote
    return tuple(best.values())


def _vote(text: str, sounds: Sequence[str], start: int, each: Explanation) -> _Vote | None:
    end = start + len(each.sounds)
    if end > len(sounds):
        return None
    costs = [unlike(*pair) for pair in zip(sounds[start:end], each.sounds, strict=True)]
    weights = [_OWN if position == each.own else 1.0 for position in range(len(costs))]
    folded = sum(cost * weight for cost, weight in zip(costs, weights, strict=True)) / sum(weights)
    cost = folded + 0.5 * _other_series(text[start:end], each.word) / len(each.sounds)
    if cost > _LOOSE + 0.01:
        return None
    if denied_at(text, start) or inside_at(text, start):
        return None
    that = _THAT.match(text, end)
    behind = that.end() if that is not None else end
    repeated = likeness(text[behind : behind + 1], each.surname[:1])
    if that is None and not each.whole and (repeated < 0.9 or cost > 0.02):
        return None
    worth = (2.0 + 0.15 * (len(each.sounds) - 2)) * (1 - cost / 0.5)
    worth += 0.7 * repeated if that is not None else 0.0
    exact = cost <= 0.15 if len(costs) > 2 else sum(costs) <= 0.1
    return _Vote(each.surname, worth, exact and cost <= 0.15, start)


def sounding(lexicon: Lexicon, name: str) -> tuple[str, ...]:
    """The surnames that ``name`` sounds much like."""
    by_sound = _by_sound(lexicon)
    if _HAN.fullmatch(name) is None:
        return ()
    own = syllables(name)
    return tuple(
        surname
        for sound, surnames in by_sound.items()
        if len(sound) == len(own) and max(map(unlike, own, sound)) <= _LOOSE
        for surname in surnames
    )


@lru_cache(maxsize=65536)
def likeness(heard: str, surname: str) -> float:
    """1 for the same syllables, 0 for nothing in common or another number of them."""
    if len(heard) != len(surname) or not heard:
        return 0.0
    said = (heard, _WRITTEN_FOR[heard]) if heard in _WRITTEN_FOR else (heard,)
    return max(_likeness(one, read) for one in said for read in readings(surname))


def _likeness(heard: str, read: str) -> float:
    cost = max(map(unlike, syllables(heard), syllables(read)))
    return max(0.0, 1 - cost - _other_series(heard, read))


@lru_cache(maxsize=65536)
def _other_series(heard: str, meant: str) -> float:
    """For what folding hides: r for l, h for f, n for ng."""
    cost = 0.0
    for one, other in zip(toneless(heard), toneless(meant), strict=True):
        if one != other and one.isascii():
            pair = {one[0], other[0]}
            cost += _OTHER_BEGINNING if len(pair) > 1 and pair & set("rhf") else 0.0
            cost += _FOLDED * (one[1:] != other[1:] or len(pair) > 1) if fold(one) == fold(other) else 0.0
    return cost


@lru_cache(maxsize=8)
def _by_sound(lexicon: Lexicon) -> dict[tuple[str, ...], list[str]]:
    found: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for surname in lexicon.surnames:
        for read in readings(surname):
            found[syllables(read)].append(surname)
    return dict(found)
