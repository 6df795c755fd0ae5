"""The address as a clerk would write it: the main place, doors and spots in the order said, or the operator's words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from asr.lexicon import PlaceKind
from asr.prefill.along import firm_of, firm_there, kinds_of, named_there, near_by, part_of_road, shop_at, stretch
from asr.prefill.anchors import anchor_of, answered_on
from asr.prefill.heard_places import Mention
from asr.prefill.landmarks import Reheard, up_to_place
from asr.prefill.mentions import Detail, Where
from asr.prefill.readbacks import read_back
from asr.prefill.reading import Said, Talk
from asr.prefill.rows import Chosen, belongs, doors_of, short_of, spots_of
from asr.prefill.suggestions import Evidence, Suggestion

_SLOTS = ("phase", "zone", "row", "building", "unit", "floor", "room", "desk")
_SIDES = re.compile(r"(?:(?<=[楼栋元])([东西南北])头|(?<=[^村往])([东西南北])[边面])(?![门口馆包条粉])")
_PLAINLY = (("对过", "对面"), ("旁边", "旁"), ("跟前", "旁"), ("后头", "后"), ("前头", "前面"), ("进来", ""))
_BETWEEN_TO = re.compile(r"(?<=[\u4e00-\u9fff0-9]{2})到(?=[\u4e00-\u9fff0-9]{2})")
_BETWEEN = re.compile(r"(.)至(.+?)中间")
_SAME_TWICE = re.compile(r"([\u4e00-\u9fff]{2,5})(?:正)?对面(?:\1)?(?=斜对面)")
"""The second was the caller's correction."""
_STOP_OF_BUS = re.compile(r"(?<![车交驿油费电动岗兵检])站$")
_ASKS_KIND = re.compile(r"(?:哪一?[个处]?|什么)(站|工地|路口|收费站)(?![在的])")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Known:
    """What the talk tells of the main place: where it is named, what else belongs to it, what of that was chosen."""

    talk: Talk
    mentions: Sequence[Mention]
    main: Where
    named: Sequence[Mention]
    mine: Sequence[Mention]
    doors: Chosen
    spots: Sequence[tuple[Detail, Mention]]
    who: str
    kinds: frozenset[str]

    @property
    def plain(self) -> bool:
        return not self.doors and not self.spots


@dataclass(slots=True)
class _Written:
    """The address as far as it is written, and the words it comes from."""

    value: str
    evidence: list[Evidence]

    def put(self, value: str, *proof: Evidence) -> None:
        self.value = value
        self.evidence += proof

    def add(self, words: str, *proof: Evidence) -> None:
        self.put(self.value + words, *proof)


def address_of(talk: Talk, mentions: Sequence[Mention], main: Where, subject: str) -> Suggestion:
    known = _known(talk, mentions, main, firm_of(subject))
    first = next((mention for mention in known.named if mention.said.by_caller), known.named[0])
    written = _Written(main.name, [first.head])
    for detail, mention in _in_order(known.doors, known.spots):
        written.put(joined(written.value, detail.shown), mention.evidence(detail))
    _write_near(written, known)
    _write_on_road(written, known)
    _write_as_read_back(written, known, subject)
    anchor = anchor_of(talk, mentions, main)
    if anchor is not None and anchor[0] not in written.value:
        written = _Written(joined(anchor[0], written.value), [*anchor[1], *written.evidence])
    value = _as_written(talk, _told_in_full(mentions, written.value))
    return Suggestion(
        field="address",
        value=value,
        confidence=_confidence(talk, known.named, main, value),
        evidence=tuple(dict.fromkeys(written.evidence)),
    )


def _known(talk: Talk, mentions: Sequence[Mention], main: Where, who: str) -> _Known:
    named = [m for m in mentions if m.where is not None and m.where.name == main.name and not m.negated]
    mine = [m for m in mentions if m in named or (m.where is None and belongs(talk, m)) or short_of(m, main)]
    doors = doors_of(talk, mine)
    kinds = kinds_of(talk, main, mine, who)
    spots = spots_of(mine, doors, kinds, at_crossing=main.name.endswith("口"))
    return _Known(
        talk=talk, mentions=mentions, main=main, named=named, mine=mine, doors=doors, spots=spots, who=who, kinds=kinds
    )


def _write_near(written: _Written, known: _Known) -> None:
    """What kind of place it is, and what it is near to."""
    if not known.spots and not set(known.doors) - {"phase"} and known.main.place is not None:
        kind = next((found for m in known.named if (found := _ASKS_KIND.search(m.said.asked))), None)
        if kind is not None and not written.value.endswith(kind.group(1)):
            written.add(kind.group(1))
    if known.plain:
        for said, start, end, words in near_by(known.talk, known.main):
            written.add(words, said.evidence(start, end))


def _write_on_road(written: _Written, known: _Known) -> None:
    """From where to where, whom it is about, and what else stands there."""
    talk, mentions, main = known.talk, known.mentions, known.main
    far = any(detail.shown.startswith("至") for detail, _ in known.spots)
    part_way = stretch(talk, main) if not known.doors and not far and main.place is not None else None
    if part_way is not None:
        written.put(main.name + part_way[1], part_way[0])
    firm = _write_firm(written, known) if part_way is None else None
    on_it = answered_on(mentions, main) if known.plain else None
    if on_it is not None and on_it.where is not None and on_it.where.name not in written.value:
        words = on_it.where.name + "".join(spot.shown for spot in on_it.spots[:1])
        written.add(words if firm is None else f"（{words}）", on_it.head)
    shop = shop_at(mentions, known.named, main) if not known.doors else None
    if shop is not None and shop.where is not None and shop.where.name not in written.value:
        written.add(shop.where.name, shop.head)
    there = named_there(talk, main) if written.value == main.name else None
    if there is not None:
        written.add(*there)
    part = part_of_road(mentions, main)
    if part is not None:
        written.put(part[0], *part[1])


def _write_firm(written: _Written, known: _Known) -> tuple[Evidence, str] | None:
    """The firm's name before a spot that was told apart, which goes into brackets."""
    apart = bool(known.spots) and all(mention.span.loose for _, mention in known.spots)
    told = [] if apart else [detail.shown for detail, _ in known.spots]
    firm = firm_there(known.talk, known.main, known.who, known.doors, told, known.kinds)
    if firm is not None and firm[1] not in written.value:
        beside = "".join(detail.shown for detail, _ in known.spots) if apart else ""
        bracketed = f"（{beside}）" if beside else ""
        written.put(joined(written.value.removesuffix(beside), firm[1]) + bracketed, firm[0])
    return firm


def _write_as_read_back(written: _Written, known: _Known, subject: str) -> None:
    """The operator's wording, where it is the better one."""
    heard = read_back(known.talk, known.main.name, subject)
    if heard is None:
        return
    if isinstance(heard[1].reading, Reheard):
        heard = (up_to_place(heard[0], known.talk.lexicon), *heard[1:])
    shown = [detail.shown for detail, _ in known.doors.values()]
    if _fits(known.talk, known.mine, heard, _bare(written.value, heard[0], subject), shown):
        written.put(heard[0], heard[1].evidence(heard[2], heard[3]))


_OF_YARD = re.compile(r"^院(?:[子里内]|$)")
_OF_VILLAGE = re.compile(r"村(?![东西南北口头委中])")


def joined(value: str, more: str) -> str:
    """…村小学 and 小学东侧 share a word; the village is not named twice."""
    if value.endswith(more) or (len(more) > 2 and more in value):
        return value
    if value.endswith("村") and _OF_VILLAGE.match(more):
        more = more[1:]
    if value.endswith("院"):
        more = _OF_YARD.sub("", more)
    shared = next((size for size in range(min(len(value), len(more)), 1, -1) if value.endswith(more[:size])), 0)
    return value + more[shared:]


def _in_order(doors: Chosen, spots: Sequence[tuple[Detail, Mention]]) -> list[tuple[Detail, Mention]]:
    """As said where one turn says it all, else the doors first."""
    row = [doors[slot] for slot in _SLOTS if slot in doors and not _told_by_room(slot, doors)]
    if spots:
        told = {(detail.slot, detail.shown) for detail in spots[0][1].doors}
        if {(detail.slot, detail.shown) for detail, _ in row} <= told:
            shown = {id(detail) for detail, _ in spots}
            mention = spots[0][1]
            said = [(d, mention) for d in mention.span.details if d.slot != "spot" or id(d) in shown]
            return said + [pair for pair in spots if pair[1] is not mention]
    return [*spots, *row] if "row" in doors else [*row, *spots]


def _told_by_room(slot: str, doors: Chosen) -> bool:
    """Of room 101 the floor need not be told, unless both were said in one breath."""
    if slot != "floor" or "room" not in doors:
        return False
    (floor, of_floor), (room, of_room) = doors["floor"], doors["room"]
    return of_floor is not of_room and room.shown.rstrip("室")[:-2] == floor.shown.rstrip("楼层")


def _told_in_full(mentions: Sequence[Mention], value: str) -> str:
    """…至养老院门口, where 颐康养老院 was named before."""
    for name in dict.fromkeys(m.where.name for m in mentions if m.where is not None and m.where.place is None):
        if len(name) >= 5 and f"至{name[2:]}" in value:
            return value.replace(f"至{name[2:]}", f"至{name}")
    return value


def _bare(value: str, words: str, subject: str) -> str:
    """Ours without whom it is about, where the operator says it without."""
    return value.replace(subject, "") if subject and subject not in words else value


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


def _as_written(talk: Talk, value: str) -> str:
    """东边 of a building is its 东侧 on paper; a stop of a bus is a 公交站."""
    value = _BETWEEN.sub(r"\1至\2之间", _BETWEEN_TO.sub("至", value)) if "到" in value else value
    for said, shown in _PLAINLY:
        value = value.replace(said, shown)
    value = _SAME_TWICE.sub(r"\1", value)
    value = _SIDES.sub(lambda side: f"{side.group(1) or side.group(2)}侧", value)
    by_bus = any("公交" in said.text or "路车" in said.text for said in talk.caller)
    return _STOP_OF_BUS.sub("公交站", value) if by_bus else value


_BARE_ROAD = 0.68
"""The most that a road alone can be worth: nearly always there is more to its address."""


def _confidence(talk: Talk, named: Sequence[Mention], main: Where, value: str) -> float:
    asked = any(mention.asked for mention in named)
    echoed = any(mention.said.by_agent and talk.confirmed(mention.said) for mention in named)
    detailed = any(mention.span.details for mention in named)
    if main.place is None:
        base = 0.55 + 0.13 * asked + 0.06 * echoed + 0.03 * detailed
    elif main.score >= 100:
        base = 0.76 + 0.03 * asked + 0.13 * echoed + 0.02 * detailed
    else:
        base = 0.25 + 0.4 * main.score / 100 + 0.08 * asked + 0.1 * echoed + 0.06 * detailed
    bare = main.place is not None and main.place.kind is PlaceKind.ROAD and value == main.place.name
    return round(min(_BARE_ROAD if bare else 0.97, base + 0.02 * any(mention.corrected for mention in named)), 2)
