"""Where it is: a place of the gazetteer, or one that only its wording shows, with building, unit, room and spot.

The place that is talked about most, asked for, read back or corrected is the main one. Its details come from all its
mentions; a correction wins over what it corrects, and what belongs to the neighbour upstairs is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from asr.lexicon import PlaceKind
from asr.prefill.gazetteer import PlaceHit
from asr.prefill.half_heard import half_heard
from asr.prefill.heard_places import Mention, judged
from asr.prefill.mentions import Detail, Where, spans_of
from asr.prefill.questions import ASKS_PLACE, READS_BACK
from asr.prefill.readbacks import READ_LEAD, read_back
from asr.prefill.reading import Said, Talk
from asr.prefill.spots import STOPS, closes, spot_pattern
from asr.prefill.suggestions import Evidence, Suggestion

_SLOTS = ("phase", "building", "unit", "floor", "room", "desk")
_INCIDENT = re.compile(r"(?:在|位于|反映|投诉|举报|我们|咱们?|就是|那个|附近|家是)[，,]?(?:一下|的|个|那个)?$")
_VAGUE_SPOTS = frozenset({"门口", "楼下", "附近", "旁边", "对面", "后面", "前面", "中间", "院里", "楼上"})


def suggest_place(talk: Talk, subject: str = "") -> list[Suggestion]:
    """``subject`` is whom it is about, which is no part of the address."""
    garbled = half_heard(talk)
    mentions = [
        judged(talk, said, span)
        for said in talk.all
        if said.by_caller or said.by_agent
        for span in spans_of(said.reading, garbled.get(said.reading, ()))
    ]
    main = _main(talk, mentions)
    found = [] if main is None else [_address(talk, mentions, main, subject)]
    return found + _region(talk, mentions, main)


# choosing the main place ----------------------------------------------------------------------------------------------
def _main(talk: Talk, mentions: Sequence[Mention]) -> Where | None:
    scores: dict[str, float] = {}
    wheres: dict[str, Where] = {}
    spoken: set[str] = set()
    for order, mention in enumerate(mentions):
        where = mention.where
        if where is None:
            continue
        if where.name not in wheres or where.score > wheres[where.name].score:
            wheres[where.name] = where
        heard = mention.said.by_caller or (
            mention.stands and (where.place is not None or talk.agreed(mention.said) or _echoes(talk, where.name))
        )
        if heard or _only_doors_refused(talk, mention):
            spoken.add(where.name)
        scores[where.name] = scores.get(where.name, 0.0) + _weight(talk, mention, order)
    for name, where in wheres.items():
        longer = [other for other in wheres if other != name and name in other]
        if longer and where.score <= wheres[longer[0]].score:
            scores[longer[0]] += max(0.0, scores[name]) + 0.1
    best = max(spoken, key=lambda name: (scores[name], name), default=None)
    return wheres[best] if best is not None and scores[best] > 0.3 else None


def _echoes(talk: Talk, name: str) -> bool:
    """The caller named it in pieces: 东岭镇 … 那个文化广场."""
    return any(name[-4:] in said.text for said in talk.caller)


_SIDE = re.compile(r"[东西南北](?:侧|边|面)")
_ASKS_SIDE = re.compile(r"哪一?[侧边面]|哪个方向")
_WHICH = re.compile(r"哪一?[个家所座](?P<kind>[\u4e00-\u9fff]{2,4})")
_ASKED_AT = re.compile(r"(?:村|小区|街|路)?(?:的)?(?:哪里|哪儿|什么位置|具体位置|哪个位置|哪一?[块段栋])")


def _only_doors_refused(talk: Talk, mention: Mention) -> bool:
    """怡景苑五号楼三单元，对吗？ 错了，我家是二单元: the number is wrong, the place is not."""
    if mention.said.by_caller or mention.where is None or mention.where.place is None:
        return False
    if not mention.doors and mention.where.score >= 100:
        return False
    reply = next((other for other in talk.after(mention.said) if other.by_caller), None)
    spans = spans_of(reply.reading) if reply is not None else ()
    return any(span.details for span in spans) and not any(span.where is not None for span in spans)


def _weight(talk: Talk, mention: Mention, order: int) -> float:
    assert mention.where is not None
    if mention.negated:
        return -2.0
    place = mention.where.place
    weight = (0.9 if place.kind is PlaceKind.ROAD else 1.0) * (mention.where.score / 100) ** 2 if place else 0.45
    weight += 0.25 * len(mention.span.details)
    if mention.said.by_agent:
        if not mention.stands:
            return 0.6 if _only_doors_refused(talk, mention) else 0.0
        weight = 0.8 * weight + (0.5 if READS_BACK.search(mention.said.text) else 0.0)
        weight += 0.9 * (_ASKED_AT.match(mention.said.text, mention.span.head_end) is not None)
    which = _WHICH.search(mention.said.asked)
    weight += 0.9 * (which is not None and mention.where.name.endswith(which.group("kind")[:3]))
    weight += 0.9 * mention.asked + 1.5 * mention.corrected + 0.9 * mention.blamed - 0.7 * mention.elsewhere
    weight += 0.2 * bool(_INCIDENT.search(mention.said.text[max(0, mention.span.start - 6) : mention.span.start]))
    return weight + max(0.0, 0.2 - order * 0.02)


# its wording ----------------------------------------------------------------------------------------------------------
def _address(talk: Talk, mentions: Sequence[Mention], main: Where, subject: str) -> Suggestion:
    named = [m for m in mentions if m.where is not None and m.where.name == main.name and not m.negated]
    mine = [m for m in mentions if m in named or (m.where is None and _belongs(talk, m)) or _short_of(m, main)]
    first = next((mention for mention in named if mention.said.by_caller), named[0])
    doors = _doors(talk, mine)
    spots = _spots_of(mine, doors)
    value = main.name
    evidence = [first.head]
    for detail, mention in _in_order(doors, spots):
        value += detail.shown if not value.endswith(detail.shown) else ""
        evidence.append(mention.evidence(detail))
    if not doors and not spots and main.place is not None and main.place.kind is PlaceKind.ROAD:
        value += "站" if any(_ASKS_STOP.search(mention.said.asked) for mention in named) else ""
    if not doors and not spots:
        for said, start, end, words in _near_by(talk, main):
            value += words
            evidence.append(said.evidence(start, end))
    far = any(detail.shown.startswith("至") for detail, _ in spots)
    stretch = _stretch(talk, main) if not doors and not far and main.place is not None else None
    if stretch is not None:
        value = main.name + stretch[1]
        evidence.append(stretch[0])
    if not set(doors) - {"building"} and not spots and stretch is None:
        who = subject.partition("（")[0]
        for proof in _on_the_road(talk, main, who):
            value += who
            evidence.append(proof)
    part = _part_of_road(mentions, main)
    if part is not None:
        value = part[0]
        evidence += part[1]
    heard = read_back(talk, main.name, subject)
    if heard is not None and _fits(talk, mine, heard, value, [detail.shown for detail, _ in doors.values()]):
        value = heard[0]
        evidence.append(heard[1].evidence(heard[2], heard[3]))
    value = _as_written(talk, _told_in_full(mentions, value))
    return Suggestion(
        field="address", value=value, confidence=_confidence(talk, named, main), evidence=tuple(dict.fromkeys(evidence))
    )


def _in_order(doors: _Chosen, spots: Sequence[tuple[Detail, Mention]]) -> list[tuple[Detail, Mention]]:
    """As said where one turn says it all, else the doors first."""
    row = [doors[slot] for slot in _SLOTS if slot in doors]
    if spots:
        told = {(detail.slot, detail.shown) for detail in spots[0][1].doors}
        if {(detail.slot, detail.shown) for detail, _ in row} <= told:
            shown = {id(detail) for detail, _ in spots}
            mention = spots[0][1]
            return [(d, mention) for d in mention.span.details if d.slot != "spot" or id(d) in shown]
    return [*row, *spots]


def _told_in_full(mentions: Sequence[Mention], value: str) -> str:
    """…至养老院门口, where 颐康养老院 was named before."""
    for name in dict.fromkeys(m.where.name for m in mentions if m.where is not None and m.where.place is None):
        if len(name) >= 5 and f"至{name[2:]}" in value:
            return value.replace(f"至{name[2:]}", f"至{name}")
    return value


_MOST_LOST = 0.75
"""The operator's other wording may be a little shorter than ours."""


def _fits(
    talk: Talk, mine: Sequence[Mention], heard: tuple[str, Said, int, int], value: str, doors: Sequence[str]
) -> bool:
    """The operator's wording has every door number, says more than ours, and the caller corrected nothing after it."""
    words, said = heard[0], heard[1]
    corrected = any(mention.corrected or mention.negated for mention in mine if mention.said.index > said.index)
    return (
        not corrected
        and all(shown in words for shown in doors)
        and (len(words) > len(value) or (value not in words and len(words) > _MOST_LOST * len(value)))
    )


_AREA = re.compile(r"在(?P<area>[\u4e00-\u9fff]{2,8}?)(?:那片|那块|那儿|那边|这片|这块|一带|跟前)")
_SIDE_OF_VILLAGE = re.compile(r"(?:^|[，。])(?:在|就是|就|我们|俺们)*村(?P<side>[东西南北]头)")
_THERE = re.compile(r"(?:在|到|从)(?:他们|你们|人家|咱们|那个|这个|那边|那儿|里头|里面|里|的|景区|院)+")
_SIDES = re.compile(r"(?<=[楼栋元])([东西南北])(?:边|面|头)(?!门|口)")
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


def _part_of_road(mentions: Sequence[Mention], main: Where) -> tuple[str, list[Evidence]] | None:
    """面粉厂路 … 从劳动路口到新市街口: two other roads bound the part of the one named before."""
    roads = [m for m in mentions if m.where is not None and m.where.place is not None and m.stands and not m.negated]
    roads = [m for m in roads if m.where is not None and m.where.place and m.where.place.kind is PlaceKind.ROAD]
    for bound in reversed(roads):
        far = next((spot for spot in bound.spots if spot.shown.startswith("至")), None)
        if far is None or bound.where is None or not bound.spots[0].shown.startswith(("口", "路口")):
            continue
        along = next(
            (m for m in roads if m.said.by_caller and m.where and m.where.name not in bound.where.name + far.shown),
            None,
        )
        if along is not None and along.where is not None and main.name in (along.where.name, bound.where.name):
            words = "".join(spot.shown for spot in bound.spots)
            return along.where.name + bound.where.name + words, [bound.head, bound.evidence(far)]
    return None


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


def _short_of(mention: Mention, main: Where) -> bool:
    """永辉超市 where the main place is 中兴街永辉超市."""
    return mention.where is not None and mention.where.name != main.name and mention.where.name in main.name


def _belongs(talk: Talk, mention: Mention) -> bool:
    """Details alone count in an answer about the place, in a correction, beside another, or as a desk."""
    doors = mention.doors
    if mention.said.by_agent:
        return mention.stands and (len(doors) >= 2 or (mention.span.loose and _answers(talk, mention)))
    if mention.span.loose:
        return mention.asked or (mention.corrected and closes(mention.said.text, mention.span.end))
    strong = {detail.slot for detail in doors} - {"floor"}
    return (
        mention.negated
        or mention.corrected
        or mention.asked
        or len(doors) >= 2
        or bool(strong & {"desk", "unit"})
        or bool(mention.spots and strong)
    )


def _several(detail: Detail) -> bool:
    return detail.slot == "building" and bool(set(detail.shown) & {"与", "-"})


def _answers(talk: Talk, mention: Mention) -> bool:
    """The operator's turn begins with where, right after the caller was asked for it."""
    before = next(iter(talk.before(mention.said)), None)
    lead = READ_LEAD.match(mention.said.text)
    begins = not mention.said.text[lead.end() if lead is not None else 0 : mention.span.start].strip("，,。 ")
    return begins and before is not None and before.by_caller and ASKS_PLACE.search(before.asked) is not None


_Chosen = dict[str, tuple[Detail, Mention]]


def _doors(talk: Talk, mine: Sequence[Mention]) -> _Chosen:
    taken_back = {(d.slot, d.shown) for mention in mine if mention.negated for d in mention.span.details[:1]}
    chosen: _Chosen = {}
    for mention in mine:
        if mention.negated or (mention.elsewhere and mention.where is None):
            continue
        if not mention.stands:
            continue
        for detail in mention.doors:
            if (detail.slot, detail.shown) in taken_back and not mention.corrected:
                continue
            known = chosen.get(detail.slot)
            if known is not None and _several(known[0]) != _several(detail):
                if _several(detail) and detail.slot == "building":
                    chosen = {"building": (detail, mention)}
                continue
            if known is None or mention.corrected or _heard_better(talk, mention, known[1]):
                chosen[detail.slot] = (detail, mention)
    return {slot: pair for slot, pair in chosen.items() if (slot, pair[0].shown) not in taken_back or pair[1].corrected}


def _heard_better(talk: Talk, newer: Mention, older: Mention) -> bool:
    """The operator reads back another number and is not contradicted: a person heard it."""
    if not newer.said.by_agent or newer.where is None:
        return False
    if READS_BACK.search(newer.said.text) is not None:
        return talk.agreed(newer.said) and not older.corrected
    if not newer.stands:
        return False
    answered = next((said for said in talk.before(newer.said) if said.by_caller), None)
    return answered is not None and answered is older.said and older.asked


def _spots_of(mine: Sequence[Mention], doors: _Chosen) -> list[tuple[Detail, Mention]]:
    """Of all that was said with the chosen building or none the row that says most, what was put right before all."""
    building = doors["building"][0].shown if "building" in doors else None
    refused = {detail.shown for mention in mine if mention.negated for detail in mention.spots[:1]}
    best: list[tuple[Detail, Mention]] = []
    most = 0.0
    for mention in mine:
        row = [(detail, mention) for detail in mention.spots if detail.shown not in refused]
        own = mention.door("building")
        if not row or mention.negated or mention.elsewhere or not mention.stands or own not in (None, building):
            continue
        worth = _worth(mention, [detail for detail, _ in row], beside_building=own is not None)
        if worth > most:
            best, most = row, worth
    return [*best, *_side_of(mine, best)]


def _side_of(mine: Sequence[Mention], row: Sequence[tuple[Detail, Mention]]) -> list[tuple[Detail, Mention]]:
    """马路哪一侧？ …北边: the last answer to that, where nothing else said it."""
    if not row or any(_SIDE.search(detail.shown) for detail, _ in row):
        return []
    asks = [m for m in mine if m.span.loose and (_ASKS_SIDE.search(m.said.asked) or m.said.by_agent) and m.stands]
    sides = [(detail, m) for m in asks for detail in m.spots if _SIDE.search(detail.shown)]
    if not sides or not any(m.said.by_caller and _ASKS_SIDE.search(m.said.asked) for m in asks):
        return []
    detail, mention = sides[-1]
    shown = re.sub(r"([东西南北])[边面]", r"\1侧", detail.shown)
    return [(replace(detail, shown=shown), mention)]


def _worth(mention: Mention, row: Sequence[Detail], *, beside_building: bool) -> float:
    value = sum(0.3 if detail.shown in _VAGUE_SPOTS else min(2.0, 0.6 + 0.15 * len(detail.shown)) for detail in row)
    value += 2.0 * mention.corrected + 0.6 * mention.asked + 0.5 * (mention.where is not None) + 0.8 * beside_building
    return value + ((0.4 if mention.where is not None else 0.8) if mention.said.by_agent else 0.2)


def _confidence(talk: Talk, named: Sequence[Mention], main: Where) -> float:
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
def _region(talk: Talk, mentions: Sequence[Mention], main: Where | None) -> list[Suggestion]:
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
    if place is None:
        known = next((m for m in mentions if m.where is not None and m.where.place is not None and m.stands), None)
        if known is not None and known.where is not None and known.where.place is not None:
            near = known.where.place
            found["district"] = _suggestion("district", near.district, 0.72, known.head)
            if near.town is not None:
                found["town"] = _suggestion("town", near.town, 0.7, known.head)
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
