"""Which of all the door numbers and spots of a talk belong to the address, and which win."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from asr.prefill.heard_places import Mention
from asr.prefill.mentions import Detail, Where, spans_of
from asr.prefill.questions import ASKS_PLACE, READS_BACK
from asr.prefill.readbacks import READ_LEAD
from asr.prefill.reading import Said, Talk
from asr.prefill.spots import closes

_CLOSED = re.compile(r"的?(?:[，。！？]|$)")
_EDGE = re.compile(r"村[东西南北][口头边]?|[东西南北]头")
_VAGUE_SPOTS = frozenset({"门口", "楼下", "附近", "旁边", "对面", "后面", "前面", "中间", "院里", "楼上"})
_SIDE = re.compile(r"[东西南北](?:侧|边|面)")
_ASKS_SIDE = re.compile(r"哪一?[侧边面]|哪个方向")


def short_of(mention: Mention, main: Where) -> bool:
    """永辉超市 where the main place is 中兴街永辉超市."""
    return mention.where is not None and mention.where.name != main.name and mention.where.name in main.name


def belongs(talk: Talk, mention: Mention) -> bool:
    """Details alone count in an answer about the place, in a correction, beside another, or as a desk."""
    doors = mention.doors
    strong = {detail.slot for detail in doors} - {"floor"}
    if mention.said.by_agent:
        told = len(doors) >= 2 or (mention.span.loose and answers(talk, mention))
        told = told or bool(strong and _echo(talk, mention))
        return mention.stands and told
    if mention.span.loose:
        return mention.asked or (mention.corrected and closes(mention.said.text, mention.span.end))
    return (
        mention.negated
        or _told_behind(mention)
        or mention.corrected
        or mention.asked
        or len(doors) >= 2
        or bool(strong & {"desk", "unit"})
        or ("building" in strong and _confirms_place(talk, mention))
        or bool(mention.spots and strong)
    )


def _confirms_place(talk: Talk, mention: Mention) -> bool:
    """您住的是纺织厂宿舍吗？ 对对，就那个院，七号楼: the operator's place is right, and the house follows."""
    before = next(iter(talk.before(mention.said)), None)
    if before is None or not before.by_agent or not mention.said.by_caller or not _YES.match(mention.said.text):
        return False
    spans = [span for span in spans_of(before.reading) if span.where is not None]
    return bool(spans) and spans[-1].where is not None and spans[-1].where.place is not None and not spans[-1].details


_YES = re.compile(r"[，。嗯哎啊]*(?:对|是的|没错|是啊)")


def _told_behind(mention: Mention) -> bool:
    """凤鸣小区的房东不退押金，三号楼的: a clause of its own behind a place that had no doors."""
    text, span = mention.said.text, mention.span
    if "building" not in {detail.slot for detail in mention.doors} or not _CLOSED.match(text, span.end):
        return False
    if mention.said.reading.clause_at(span.start)[0] != span.start:
        return False
    before = [other for other in spans_of(mention.said.reading) if other.where is not None and other.end <= span.start]
    return bool(before) and all(detail.slot == "spot" for detail in before[-1].details)


def _echo(talk: Talk, mention: Mention) -> Said | None:
    """The caller's turn right before, if the operator repeats doors that it named."""
    before = next(iter(talk.before(mention.said)), None)
    if not mention.said.by_agent or not mention.stands or before is None or not before.by_caller:
        return None
    said = {(detail.slot, detail.shown) for span in spans_of(before.reading) for detail in span.details}
    return before if mention.doors and {(d.slot, d.shown) for d in mention.doors} <= said else None


def _several(detail: Detail) -> bool:
    return detail.slot == "building" and bool(set(detail.shown) & {"与", "-"})


def answers(talk: Talk, mention: Mention) -> bool:
    """The operator's turn begins with where, right after the caller was asked for it."""
    before = next(iter(talk.before(mention.said)), None)
    lead = READ_LEAD.match(mention.said.text)
    begins = not mention.said.text[lead.end() if lead is not None else 0 : mention.span.start].strip("，,。 ")
    return begins and before is not None and before.by_caller and ASKS_PLACE.search(before.asked) is not None


Chosen = dict[str, tuple[Detail, Mention]]


def doors_of(talk: Talk, mine: Sequence[Mention]) -> Chosen:
    taken_back = {(d.slot, d.shown) for mention in mine if mention.negated for d in mention.span.details[:1]}
    chosen: Chosen = {}
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
    if _echo(talk, newer) is not None and older.said.index < newer.said.index:
        return True
    if not newer.said.by_agent or newer.where is None:
        return False
    if READS_BACK.search(newer.said.text) is not None:
        return talk.agreed(newer.said) and not older.corrected
    if not newer.stands:
        return False
    answered = next((said for said in talk.before(newer.said) if said.by_caller), None)
    return answered is not None and answered is older.said and older.asked


_CROSSING = re.compile(r"(?:那个)?大?(?:(?:十字|丁字|交叉)?路?口|红绿灯|十字|丁字)+[旁下]?")


def spots_of(
    mine: Sequence[Mention], doors: Chosen, kinds: frozenset[str], *, at_crossing: bool
) -> list[tuple[Detail, Mention]]:
    """Of all that was said with the chosen building or none the row that says most, what was put right before all.

    ``kinds`` only say what whom it is about is, and ``at_crossing`` its traffic lights say nothing.
    """
    building = doors["building"][0].shown if "building" in doors else None
    refused = {detail.shown for mention in mine if mention.negated for detail in mention.spots[:1]}
    best: list[tuple[Detail, Mention]] = []
    most = 0.0
    for mention in mine:
        row = [
            (d, mention)
            for d in mention.spots
            if d.shown not in refused | kinds
            and not (at_crossing and _CROSSING.fullmatch(d.shown))
            and not _told_closer(d, mention.spots)
        ]
        own = mention.door("building")
        if not row or mention.negated or mention.elsewhere or not mention.stands or own not in (None, building):
            continue
        worth = _worth(mention, [detail for detail, _ in row], beside_building=own is not None)
        if worth > most:
            best, most = row, worth
    return [*best, *_thing_at(mine, best), *_side_of(mine, best)]


def _thing_at(mine: Sequence[Mention], row: Sequence[tuple[Detail, Mention]]) -> list[tuple[Detail, Mention]]:
    """养鸡场 … 村里哪个位置？ 村西头: what stands there was told before it was asked where."""
    if not row or not all(_EDGE.fullmatch(detail.shown) and mention.asked for detail, mention in row):
        return []
    told = (m for m in mine if m.said.by_caller and m.where is not None and m.said.index < row[0][1].said.index)
    return [(m.spots[-1], m) for m in told if m.spots and len(m.spots[-1].shown) > 2][:1]


def _told_closer(spot: Detail, row: Sequence[Detail]) -> bool:
    """机井，村西头那个三号井: which one follows."""
    return any(
        other.start > spot.start and other.shown[0].isdigit() and other.shown[-1] == spot.shown[-1] for other in row
    )


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
