"""Where it is: a place of the gazetteer, or one that only its wording shows, with building, unit, room and spot.

The place that is talked about most, asked for, read back or corrected is the main one. Its details come from all its
mentions; a correction wins over what it corrects, and what belongs to the neighbour upstairs is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from asr.lexicon import PlaceKind
from asr.prefill.gazetteer import PlaceHit
from asr.prefill.half_heard import half_heard
from asr.prefill.mentions import STOPS, Detail, Span, Where, spans_of, spot_pattern
from asr.prefill.questions import ASKS_PLACE, READS_BACK
from asr.prefill.readbacks import read_back
from asr.prefill.reading import Said, Talk
from asr.prefill.suggestions import Evidence, Suggestion

_SLOTS = ("phase", "building", "unit", "floor", "room", "desk")
_OTHERS = re.compile(r"(?:楼上|楼下|对门|隔壁|邻居|他家|她家|他们家|人家|户主|朋友|他|她).{0,4}$")
_NOT = re.compile(r"(?:不是|不在|没在|不叫|不住|而不是)(?:我们|在|咱|那个)?$")
_NOT_AFTER = re.compile(r"^(?:那边|那块)?(?:不是|没事|没有问题)(?=[，,。]|我|的|$)")
_INCIDENT = re.compile(r"(?:在|位于|反映|投诉|举报|我们|咱们?|就是|那个|附近|家是)[，,]?(?:一下|的|个|那个)?$")
_ELSEWHERE = re.compile(r"(?:我住在?|去|老家在?|单位在|上班在?|转到|工作在|回|搬到|原来住|以前住|之前住|从)$")
_VAGUE_SPOTS = frozenset({"门口", "楼下", "附近", "旁边", "对面", "后面", "前面", "中间", "院里", "楼上"})


@dataclass(frozen=True, slots=True)
class _Mention:
    said: Said
    span: Span
    negated: bool
    corrected: bool
    elsewhere: bool

    @property
    def where(self) -> Where | None:
        return self.span.where

    @property
    def asked(self) -> bool:
        return self.said.by_caller and ASKS_PLACE.search(self.said.asked) is not None

    @property
    def spots(self) -> tuple[Detail, ...]:
        return tuple(detail for detail in self.span.details if detail.slot == "spot")

    @property
    def doors(self) -> tuple[Detail, ...]:
        return tuple(detail for detail in self.span.details if detail.slot != "spot")

    def door(self, slot: str) -> str | None:
        return next((detail.shown for detail in self.doors if detail.slot == slot), None)

    def evidence(self, detail: Detail) -> Evidence:
        return self.said.evidence(detail.start, detail.end)

    @property
    def head(self) -> Evidence:
        return self.said.evidence(self.span.start, self.span.head_end)


def suggest_place(talk: Talk, subject: str = "") -> list[Suggestion]:
    """``subject`` is whom it is about, which is no part of the address."""
    garbled = half_heard(talk)
    mentions = [
        _judged(said, span)
        for said in talk.all
        if said.by_caller or said.by_agent
        for span in spans_of(said.reading, garbled.get(said.reading, ()))
    ]
    main = _main(talk, mentions)
    found = [] if main is None else [_address(talk, mentions, main, subject)]
    return found + _region(talk, mentions, main)


def _judged(said: Said, span: Span) -> _Mention:
    text = said.text
    before, after = text[max(0, span.start - 6) : span.start], text[span.end :]
    negated = _NOT.search(before) is not None or _NOT_AFTER.match(after) is not None
    other = _OTHERS if span.where is None else _ELSEWHERE
    corrected = said.reading.corrected_at(span.start) or re.match(r"[，,]?(?:才对|不是(?!吗|的))", after) is not None
    return _Mention(said, span, negated, corrected and not negated, other.search(before) is not None)


# choosing the main place ----------------------------------------------------------------------------------------------
def _main(talk: Talk, mentions: Sequence[_Mention]) -> Where | None:
    scores: dict[str, float] = {}
    wheres: dict[str, Where] = {}
    spoken: set[str] = set()
    for order, mention in enumerate(mentions):
        where = mention.where
        if where is None:
            continue
        if where.name not in wheres or where.score > wheres[where.name].score:
            wheres[where.name] = where
        heard = talk.confirmed if where.place is not None else talk.agreed
        if mention.said.by_caller or heard(mention.said) or _only_doors_refused(talk, mention):
            spoken.add(where.name)
        scores[where.name] = scores.get(where.name, 0.0) + _weight(talk, mention, order)
    for name, where in wheres.items():
        longer = [other for other in wheres if other != name and name in other]
        if longer and where.score <= wheres[longer[0]].score:
            scores[longer[0]] += max(0.0, scores[name]) + 0.1
    best = max(spoken, key=lambda name: (scores[name], name), default=None)
    return wheres[best] if best is not None and scores[best] > 0.3 else None


def _only_doors_refused(talk: Talk, mention: _Mention) -> bool:
    """怡景苑五号楼三单元，对吗？ 错了，我家是二单元: the number is wrong, the place is not."""
    if mention.said.by_caller or mention.where is None or mention.where.place is None:
        return False
    if not mention.doors and mention.where.score >= 100:
        return False
    reply = next((other for other in talk.after(mention.said) if other.by_caller), None)
    spans = spans_of(reply.reading) if reply is not None else ()
    return any(span.details for span in spans) and not any(span.where is not None for span in spans)


def _weight(talk: Talk, mention: _Mention, order: int) -> float:
    assert mention.where is not None
    if mention.negated:
        return -2.0
    place = mention.where.place
    weight = (0.9 if place.kind is PlaceKind.ROAD else 1.0) * (mention.where.score / 100) ** 2 if place else 0.45
    weight += 0.25 * len(mention.span.details)
    if mention.said.by_agent:
        if not talk.confirmed(mention.said):
            return 0.6 if _only_doors_refused(talk, mention) else 0.0
        weight = 0.8 * weight + (0.5 if READS_BACK.search(mention.said.text) else 0.0)
    weight += 0.9 * mention.asked + 1.5 * mention.corrected - 0.7 * mention.elsewhere
    weight += 0.2 * bool(_INCIDENT.search(mention.said.text[max(0, mention.span.start - 6) : mention.span.start]))
    return weight + max(0.0, 0.2 - order * 0.02)


# its wording ----------------------------------------------------------------------------------------------------------
def _address(talk: Talk, mentions: Sequence[_Mention], main: Where, subject: str) -> Suggestion:
    named = [m for m in mentions if m.where is not None and m.where.name == main.name and not m.negated]
    mine = [m for m in mentions if m in named or (m.where is None and _belongs(talk, m)) or _short_of(m, main)]
    first = next((mention for mention in named if mention.said.by_caller), named[0])
    doors = _doors(talk, mine)
    spots = _spots_of(mine, doors)
    value = main.name
    evidence = [first.head]
    for slot in _SLOTS:
        if slot in doors:
            detail, mention = doors[slot]
            value += detail.shown
            evidence.append(mention.evidence(detail))
    for detail, mention in spots:
        value += detail.shown if not value.endswith(detail.shown) else ""
        evidence.append(mention.evidence(detail))
    if not doors and not spots and main.place is not None and main.place.kind is PlaceKind.ROAD:
        value += "站" if any(_ASKS_STOP.search(mention.said.asked) for mention in named) else ""
    if not doors and not spots:
        for said, start, end, words in _near_by(talk, main):
            value += words
            evidence.append(said.evidence(start, end))
    stretch = _stretch(talk, main) if not doors and main.place is not None else None
    if stretch is not None:
        value = main.name + stretch[1]
        evidence.append(stretch[0])
    if not set(doors) - {"building"} and not spots and stretch is None:
        who = subject.partition("（")[0]
        for proof in _on_the_road(talk, main, who):
            value += who
            evidence.append(proof)
    heard = read_back(talk, main.name, subject)
    if heard is not None and _fits(talk, mine, heard, value, [detail.shown for detail, _ in doors.values()]):
        value = heard[0]
        evidence.append(heard[1].evidence(heard[2], heard[3]))
    value = _as_written(talk, value)
    return Suggestion(
        field="address", value=value, confidence=_confidence(talk, named, main), evidence=tuple(dict.fromkeys(evidence))
    )


def _fits(
    talk: Talk, mine: Sequence[_Mention], heard: tuple[str, Said, int, int], value: str, doors: Sequence[str]
) -> bool:
    """The operator's wording has every door number, says more than ours, and the caller corrected nothing after it."""
    words, said = heard[0], heard[1]
    corrected = any(mention.corrected or mention.negated for mention in mine if mention.said.index > said.index)
    return not corrected and all(shown in words for shown in doors) and (len(words) > len(value) or value not in words)


_AREA = re.compile(r"在(?P<area>[\u4e00-\u9fff]{2,8}?)(?:那片|那块|那儿|那边|这片|这块|一带|跟前)")
_SIDE_OF_VILLAGE = re.compile(r"(?:^|[，。])(?:在|就是|就|我们|俺们)*村(?P<side>[东西南北]头)")
_THERE = re.compile(r"(?:在|到|从)(?:他们|你们|人家|咱们|那个|这个|那边|那儿|里头|里面|里|的|景区|院)+")
_SIDES = re.compile(r"(?<=[楼栋元])([东西南北])(?:边|面|头)(?![\u4e00-\u9fff])")
_ASKS_STOP = re.compile(r"哪个站|哪一站|什么站")
_STOP_OF_BUS = re.compile(r"(?<![车交驿油费电动岗兵检])站$")


def _near_by(talk: Talk, main: Where) -> Iterator[tuple[Said, int, int, str]]:
    """后山村 … 地在后山西沟那片; 到棋源山庄玩 … 在他们那个玻璃栈道的台阶上: said of the place later on."""
    for said in talk.caller:
        side = _SIDE_OF_VILLAGE.search(said.text) if main.place is not None and main.name.endswith("村") else None
        if side is not None:
            yield said, *side.span("side"), side.group("side")
            return
        for area in _AREA.finditer(said.text) if ASKS_PLACE.search(said.asked) else ():
            words = area.group("area").removeprefix(main.name[:-1])
            if 2 <= len(words) <= 6 and main.name not in words and not set(words) & STOPS:
                yield said, *area.span("area"), words
                return
        there = _THERE.search(said.text, said.text.find(main.name)) if main.name in said.text else None
        spot = spot_pattern(talk.lexicon).match(said.text, there.end()) if there is not None else None
        if spot is None or len(spot.group()) < 3:
            continue
        yield said, *spot.span(), spot.group()
        step = _STEP.match(said.text, spot.end())
        then = spot_pattern(talk.lexicon).match(said.text, step.end()) if step is not None else None
        if then is not None:
            yield said, *then.span(), then.group()
        return


_STRETCH = re.compile(
    r"(?:从)?(?P<one>[\u4e00-\u9fff]{2,8}?)(?:那儿|那里|那个口|往[东西南北])?[，,]?(?:一直|直)?到(?:那个|了)?"
    r"(?P<other>[\u4e00-\u9fff]{2,10}?)(?:那儿|那里|那块|那一?段|这一?段|之间|中间)?(?=[，,。！]|$)"
)


def _on_the_road(talk: Talk, main: Where, subject: str) -> Iterator[Evidence]:
    """建设南路上的那个老地方: whom it is about tells where on the road."""
    if main.place is None or main.place.kind is not PlaceKind.ROAD or not subject or subject in main.name:
        return
    road, who = re.escape(main.name), re.escape(subject)
    behind = re.compile(rf"(?:{road}(?:上|那边|那儿)?(?:的|那个|那家|，|,)*|(?=.{{2,24}}{road}))(?P<who>{who})")
    found = next(((said, match) for said in talk.caller if (match := behind.search(said.text))), None)
    if found is not None:
        yield found[0].evidence(*found[1].span("who"))


_HOURS = re.compile(r"[点时天月年号周]|早|晚|上午|下午|夜|现在|今|昨|明|小时")


def _stretch(talk: Talk, main: Where) -> tuple[Evidence, str] | None:
    """建设南路 … 从加油站到粮食局门口: which part of a road, told where it was asked for or behind 从."""
    assert main.place is not None
    if main.place.kind is not PlaceKind.ROAD:
        return None
    for said in talk.caller:
        for match in _STRETCH.finditer(said.text):
            one, other = match.group("one").removeprefix(main.name), match.group("other")
            told = ASKS_PLACE.search(said.asked) is not None or match.group().startswith("从")
            if told and len(one) >= 2 and not _HOURS.search(one + other) and not set(one + other) & _NO_ENDS:
                return said.evidence(*match.span()), f"{one}至{other}"
    return None


_NO_ENDS = frozenset({"我", "他", "她", "你", "们", "是", "没", "不", "了", "就", "说"})
_STEP = re.compile(r"(?:下来|上来|上面|下面|旁边|那边|的|那个)*")


def _as_written(talk: Talk, value: str) -> str:
    """东边 of a building is its 东侧 on paper; a stop of a bus is a 公交站."""
    value = _SIDES.sub(r"\1侧", value)
    by_bus = any("公交" in said.text or "路车" in said.text for said in talk.caller)
    return _STOP_OF_BUS.sub("公交站", value) if by_bus else value


def _short_of(mention: _Mention, main: Where) -> bool:
    """永辉超市 where the main place is 中兴街永辉超市."""
    return mention.where is not None and mention.where.name != main.name and mention.where.name in main.name


def _belongs(talk: Talk, mention: _Mention) -> bool:
    """Details alone count in an answer about the place, in a correction, beside another, or as a desk."""
    doors = mention.doors
    if mention.said.by_agent:
        return len(doors) >= 2 and talk.confirmed(mention.said)
    if mention.span.loose:
        return mention.asked
    strong = {detail.slot for detail in doors} - {"floor"}
    return (
        mention.negated
        or mention.corrected
        or mention.asked
        or len(doors) >= 2
        or bool(strong & {"desk", "unit"})
        or bool(mention.spots and strong)
    )


_Chosen = dict[str, tuple[Detail, _Mention]]


def _doors(talk: Talk, mine: Sequence[_Mention]) -> _Chosen:
    taken_back = {(d.slot, d.shown) for mention in mine if mention.negated for d in mention.span.details[:1]}
    chosen: _Chosen = {}
    for mention in mine:
        if mention.negated or (mention.elsewhere and mention.where is None):
            continue
        if mention.said.by_agent and not talk.confirmed(mention.said):
            continue
        for detail in mention.doors:
            if (detail.slot, detail.shown) in taken_back and not mention.corrected:
                continue
            known = chosen.get(detail.slot)
            if known is None or mention.corrected or _heard_better(talk, mention, known[1]):
                chosen[detail.slot] = (detail, mention)
    return {slot: pair for slot, pair in chosen.items() if (slot, pair[0].shown) not in taken_back or pair[1].corrected}


def _heard_better(talk: Talk, newer: _Mention, older: _Mention) -> bool:
    """The operator reads back another number and is not contradicted: a person heard it."""
    reads = newer.said.by_agent and newer.where is not None and READS_BACK.search(newer.said.text) is not None
    return reads and not older.corrected and talk.agreed(newer.said)


def _spots_of(mine: Sequence[_Mention], doors: _Chosen) -> list[tuple[Detail, _Mention]]:
    """The caller's spots said with the chosen building or none; a clearer one replaces 门口 or 楼下."""
    building = doors["building"][0].shown if "building" in doors else None
    best: list[tuple[Detail, _Mention]] = []
    for mention in mine:
        row = [(detail, mention) for detail in mention.spots]
        own = mention.door("building")
        if not row or mention.negated or mention.elsewhere or not mention.said.by_caller or own not in (None, building):
            continue
        vague = bool(best) and all(detail.shown in _VAGUE_SPOTS for detail, _ in best)
        older = best[0][1] if best else mention
        closer = (own is not None and older.door("building") is None) or (
            mention.where is not None and older.where is None
        )
        if not best or mention.corrected or vague or closer:
            best = row
    if best:
        return best
    heard = (m for m in mine if m.said.by_agent and m.where and m.spots and m.door("building") in (None, building))
    return next(([(detail, mention) for detail in mention.spots] for mention in heard), [])


def _confidence(talk: Talk, named: Sequence[_Mention], main: Where) -> float:
    asked = any(mention.asked for mention in named)
    echoed = any(mention.said.by_agent and talk.confirmed(mention.said) for mention in named)
    detailed = any(mention.span.details for mention in named)
    if main.place is None:
        base = 0.55 + 0.13 * asked + 0.06 * echoed + 0.03 * detailed
    elif main.score >= 100:
        base = 0.82 + 0.06 * asked + 0.08 * echoed + 0.02 * detailed
    else:
        base = 0.25 + 0.4 * main.score / 100 + 0.08 * asked + 0.1 * echoed + 0.06 * detailed
    return round(min(0.97, base + 0.02 * any(mention.corrected for mention in named)), 2)


# district and town ----------------------------------------------------------------------------------------------------
def _region(talk: Talk, mentions: Sequence[_Mention], main: Where | None) -> list[Suggestion]:
    """What the gazetteer knows of the main place; else what was said."""
    place = main.place if main is not None else None
    anchor = next(
        (
            m
            for m in mentions
            if main is not None and m.where is not None and m.where.name == main.name and not m.negated
        ),
        None,
    )
    found: dict[str, Suggestion] = {}
    if main is not None and place is not None and anchor is not None:
        sure = 0.93 if main.score >= 100 else 0.78
        found["district"] = _suggestion("district", place.district, sure, anchor.head)
        if place.town is not None:
            found["town"] = _suggestion("town", place.town, sure, anchor.head)
    for said, hit in _said_regions(talk):
        proof = said.evidence(hit.start, hit.end)
        fits = "district" not in found or found["district"].value == hit.place.district
        if hit.place.kind is PlaceKind.TOWN and "town" not in found and fits:
            found["town"] = _suggestion("town", hit.place.name, 0.88 if hit.score >= 100 else 0.76, proof)
        if "district" not in found:
            found["district"] = _suggestion("district", hit.place.district, 0.84 if hit.score >= 100 else 0.74, proof)
    return list(found.values())


def _said_regions(talk: Talk) -> Iterator[tuple[Said, PlaceHit]]:
    for kind in (PlaceKind.TOWN, PlaceKind.DISTRICT):
        for said in (*talk.caller, *(agent for agent in talk.agent if talk.confirmed(agent))):
            for hit in said.reading.places:
                if hit.place.kind is kind:
                    yield said, hit


def _suggestion(name: str, value: str, confidence: float, proof: Evidence) -> Suggestion:
    return replace(Suggestion(field=name, value=value, confidence=confidence), evidence=(proof,))
