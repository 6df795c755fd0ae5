"""Where it is: the place of the gazetteer, or one that only its wording shows, with building, unit, room and spot.

The talk is cut into *mentions*: a place with the details said right behind it, or details alone. The place talked about most,
asked for, read back or corrected is the main one; its details come from all its mentions, a correction wins over what it corrects.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache

from asr.lexicon import Lexicon, Place, PlaceKind
from asr.numerals import NumeralKind, with_digits
from asr.prefill.gazetteer import PlaceHit
from asr.prefill.questions import ASKS_PLACE, READS_BACK
from asr.prefill.reading import Reading, Said, Talk
from asr.prefill.suggestions import Evidence, Suggestion

_N = r"[零〇一二两三四五六七八九十百幺0-9]{1,5}"
_DETAILS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("phase", re.compile(rf"{_N}期")),
    ("building", re.compile(rf"{_N}(?:号楼|栋楼?(?!下|上|顶|道|梯|后|前)|栋|幢|座|号院|院)|[A-Za-z](?:座|栋|区)|[A-Za-z]?{_N}号(?!窗|线|晚|早|上|下|的时|那天|左右|吧|签|发)")),
    ("unit", re.compile(rf"{_N}单元")),
    ("floor", re.compile(rf"(?:负|地下)?{_N}(?:层|楼(?!下|上|顶|道|梯))")),
    ("room", re.compile(rf"(?:{_N}室|{_N}户(?![籍口主])|[零〇一二三四五六七八九幺0-9]{{3,4}}(?!号楼|栋|幢|座|[元块路米年天人个月斤点班]|单元|百|千|[0-9零〇一二三四五六七八九幺]))")),
    ("desk", re.compile(rf"{_N}号?窗口")),
)  # fmt: skip
_GLUE = re.compile(
    r"(?:[，,、。.…\s]|呃|嗯|啊|哎|呢|嘞|那个|那块|那边|这边|那儿|这儿|这块|那|这个|的|就是|里头|里面|里|上头|上面|上|我家是?|我们家|我家住|我住|我在|住在|住|在|是|有个|靠近|靠|往里|进去|头)*"
)
_ELSE = re.compile(r"(?:楼上|楼下|对门|隔壁|邻居|他家|她家|他们家|人家|韩家|物业|老公|朋友).{0,4}$")
_NOT = re.compile(r"(?:不是|不在|没在|不叫|不住|而不是)(?:我们|在|咱|那个)?$")
_NOT_AFTER = re.compile(r"^(?:那边|那块)?(?:不是|没事|没有问题)(?=[，,。]|我|的|$)")
_INCIDENT = re.compile(r"(?:在|位于|反映|投诉|举报|我们|咱们?|就是|那个|到|附近|住|家是)[，,]?(?:一下|的|个|那个)?$")
_ELSEWHERE = re.compile(r"(?:去|老家在?|单位在|上班在?|转到|工作在|回|搬到|原来住|以前住|之前住|从)$")
_CROSSING = re.compile(r"[和与跟、到]")
_CROSSED = re.compile(r"^(?:的)?(?:那个)?(交叉口|交口|交汇处?|十字路口|丁字路口|路口|拐角|口)")
_STOPS = "在是到去从住叫我你您他她它们那这的有个就于了说问和跟把给被向往来对过着吗呢吧啊呀嘛哎喂嗯呃哦也都还又很太没不要想能会可让请帮看见听讲打写用几两俩哪每全整本外里上下前后边旁近，,。、！？…；：「」“”‘’ 走修进出离靠当咱俺喊找管进归转扰影响反映投诉举报"
_NO_NAME = re.compile(r"^(?:马|道|公|修|走|一|半|网|线|电|思|大|逛|工|老|小|新|农|乡|该|同|某|各|铁|水|问|套|后|前|此|路|街|人行|非机动车|国|省|县|高速|柏油|水泥|土|街道|十字|丁字|外卖|红绿灯|充电|办事|政府|第一|家|附近|社区|退|换|厂|酒|餐|物业|消防|派|中|高|初)$")
_LONE_SUFFIXES = frozenset({"政务大厅", "政务服务中心", "政务中心", "办事大厅", "服务大厅", "火车站", "汽车站", "客运站"})
_SPELLED = "零一二三四五六七八九〇幺"
_SPELLED_DIGITS = re.compile(r"[零〇一二三四五六七八九幺]{2,}")
_SHORT_SUFFIXES = frozenset({"路", "街", "巷", "村", "镇", "乡", "县", "桥", "厂"})


@dataclass(frozen=True, slots=True)
class _Detail:
    slot: str
    shown: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Where:
    """The key of a mention: one gazetteer place, or a wording of its own."""

    name: str
    place: Place | None
    score: float


@dataclass(frozen=True, kw_only=True, slots=True)
class _Mention:
    said: Said
    where: _Where | None
    start: int
    end: int
    details: tuple[_Detail, ...] = ()
    negated: bool = False
    corrected: bool = False
    elsewhere: bool = False

    @property
    def asked(self) -> bool:
        return self.said.by_caller and ASKS_PLACE.search(self.said.asked) is not None

    def detail(self, slot: str) -> _Detail | None:
        return next((detail for detail in self.details if detail.slot == slot), None)


@dataclass(slots=True)
class _Found:
    value: str
    confidence: float
    place: Place | None
    evidence: list[Evidence] = field(default_factory=list)


def suggest_place(talk: Talk) -> list[Suggestion]:
    mentions = [mention for said in talk.all if said.by_caller or said.by_agent for mention in _mentions(said)]
    main = _main(talk, mentions)
    suggestions: list[Suggestion] = []
    if main is not None:
        found = _assemble(talk, mentions, main)
        suggestions.append(
            Suggestion(
                field="address",
                value=found.value,
                confidence=found.confidence,
                evidence=tuple(dict.fromkeys(found.evidence)),
            )
        )
    return suggestions + _region(talk, mentions, main)


def _mentions(said: Said) -> tuple[_Mention, ...]:
    anchors, free = _cut(said.reading)
    built = [
        _judge(_Mention(said=said, where=where, start=start, end=end, details=details))
        for where, start, end, details in anchors
    ]
    alone = [
        _judge(_Mention(said=said, where=None, start=row[0].start, end=row[-1].end, details=row)) for row in free
    ]
    return tuple(sorted((*built, *alone), key=lambda mention: mention.start))


def _judge(mention: _Mention) -> _Mention:
    text = mention.said.text
    before = text[max(0, mention.start - 6) : mention.start]
    negated = _NOT.search(before) is not None or _NOT_AFTER.match(text[mention.end :]) is not None
    elsewhere = _ELSE.search(before) is not None if mention.where is None else _ELSEWHERE.search(before) is not None
    corrected = not negated and (
        mention.said.reading.corrected_at(mention.start) or re.match(r"[，,]?(?:才对|不是(?!吗|的))", text[mention.end :]) is not None
    )
    return replace(mention, negated=negated, elsewhere=elsewhere, corrected=corrected)


_Anchor = tuple[_Where, int, int, tuple[_Detail, ...]]


@lru_cache(maxsize=4096)
def _cut(reading: Reading) -> tuple[tuple[_Anchor, ...], tuple[tuple[_Detail, ...], ...]]:
    """Places with the details behind them, and rows of details that stand alone."""
    anchors: list[_Anchor] = []
    used: list[tuple[int, int]] = []
    for where, start, end in _heads(reading):
        if any(start < b and a < end for a, b in used):
            continue
        details = tuple(_details_behind(reading, end, bare_room=True))
        stop = details[-1].end if details else end
        anchors.append((where, start, stop, details))
        used.append((start, stop))
    rows: list[tuple[_Detail, ...]] = []
    at = 0
    while at < len(reading.text):
        inside = next((b for a, b in used if a <= at < b), None)
        if inside is not None:
            at = inside
            continue
        row = tuple(_details_behind(reading, at, bare_room=False, glue=False))
        if row:
            rows.append(row)
            at = row[-1].end
        else:
            at += 1
    return tuple(anchors), tuple(rows)


def _heads(reading: Reading) -> Iterator[tuple[_Where, int, int]]:
    """Gazetteer places first, then wordings that end like a place."""
    text = reading.text
    hits = reading.places
    crossed: set[int] = set()
    for number, hit in enumerate(hits):
        follower = hits[number + 1] if number + 1 < len(hits) else None
        if follower is not None and _crossing(text, hit, follower):
            mouth = _CROSSED.match(text[follower.end :])
            assert mouth is not None
            name = f"{hit.place.name}与{follower.place.name}{mouth.group(1)}"
            yield _Where(name, hit.place, min(hit.score, follower.score)), hit.start, follower.end + mouth.end()
            crossed |= {number, number + 1}
    for number, hit in enumerate(hits):
        if number not in crossed and hit.place.kind in (PlaceKind.COMMUNITY, PlaceKind.ROAD):
            yield _Where(hit.place.name, hit.place, hit.score), hit.start, hit.end
    taken = [(hit.start, hit.end) for hit in hits if hit.place.kind is not PlaceKind.DISTRICT]
    for start, end in _worded(reading):
        if not any(start < b and a < end for a, b in taken):
            yield _Where(text[start:end], None, 0.0), start, end


def _crossing(text: str, one: PlaceHit, other: PlaceHit) -> bool:
    roads = one.place.kind is PlaceKind.ROAD and other.place.kind is PlaceKind.ROAD
    return roads and _CROSSING.fullmatch(text[one.end : other.start]) is not None and _CROSSED.match(text[other.end :]) is not None


@lru_cache(maxsize=8)
def _suffixes(lexicon: Lexicon) -> re.Pattern[str]:
    longest_first = sorted(lexicon.cues.place_suffixes, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)))


def _worded(reading: Reading) -> Iterator[tuple[int, int]]:
    """第七实验小学, 市政务服务中心: a body of one to eight characters and a suffix that names places."""
    text = reading.text
    for match in _suffixes(reading.lexicon).finditer(text):
        start = match.start()
        while start and match.start() - start < 8 and text[start - 1] not in _STOPS and not _latin_or_digit(text[start - 1]):
            start -= 1
        body, suffix = text[start : match.start()], match.group()
        least = 2 if suffix in _SHORT_SUFFIXES else 0 if suffix in _LONE_SUFFIXES else 1
        most = 4 if suffix in _SHORT_SUFFIXES else 8
        if least <= len(body) <= most and not _NO_NAME.match(body):
            yield start, match.end()


def _latin_or_digit(char: str) -> bool:
    return char.isascii() and char.isalnum()


@lru_cache(maxsize=8)
def _spots(lexicon: Lexicon) -> re.Pattern[str]:
    longest_first = sorted(lexicon.cues.spots, key=len, reverse=True)
    words = "|".join(map(re.escape, longest_first))
    return re.compile(rf"(?:左手|右手|左边|右边)?第[一二三四五六七八九十0-9]+[家户排个]|往[东西南北里](?:走|去)?(?:大概|大约)?[零一二两三四五六七八九十百0-9]+米|{words}")


def _details_behind(reading: Reading, at: int, *, bare_room: bool, glue: bool = True) -> Iterator[_Detail]:
    text = reading.text
    seen: set[str] = set()
    spots = 0
    while at < len(text):
        gap = _GLUE.match(text, at) if glue or seen else None
        position = gap.end() if gap is not None else at
        token = _detail_at(reading, position, bare_room=bare_room or bool(seen & {"building", "unit"}))
        if token is None and gap is not None:
            token = _detail_at(reading, at, bare_room=bare_room)
        if token is None and (glue or seen):
            token = _spot_at(reading, position, seen) or _spot_at(reading, at, seen)
        if token is None or (token.slot in seen and token.slot != "spot") or (token.slot == "spot" and spots >= 2):
            return
        yield token
        seen.add(token.slot)
        spots += token.slot == "spot"
        at = token.end


def _detail_at(reading: Reading, at: int, *, bare_room: bool) -> _Detail | None:
    text = reading.text
    previous = text[at - 1 : at] if at else ""
    if previous and (previous.isdigit() or previous in "零〇一二三四五六七八九十百千万幺第几月点"):
        return None
    for slot, pattern in _DETAILS:
        match = pattern.match(text, at)
        if match is None:
            continue
        said = match.group()
        if slot == "room" and (not bare_room and not said.endswith(("室", "户")) or _in_long_run(reading, *match.span())):
            continue
        if slot == "building" and said.endswith("号") and not bare_room:
            continue
        return _Detail(slot, _tidy(slot, with_digits(_plain(said))), *match.span())
    return None


def _plain(said: str) -> str:
    """A door number as digits where two or more are spelled out: beside a unit, two of them are no guess."""
    spelled = _SPELLED_DIGITS.match(said)
    if spelled is None:
        return said
    return "".join(str(_SPELLED.index(char) % 10) for char in spelled.group()) + said[spelled.end() :]


def _tidy(slot: str, shown: str) -> str:
    if slot == "building":
        return re.sub(r"栋楼$", "栋", shown)
    if slot == "room":
        return re.sub(r"[室户]$", "", shown)
    return re.sub(r"窗口$", "号窗口", shown) if slot == "desk" and "号" not in shown else shown


def _in_long_run(reading: Reading, start: int, end: int) -> bool:
    """Part of a phone, a parcel number or a date."""
    text = reading.text
    groups = reading.digit_groups
    for number, group in enumerate(groups):
        if group.start <= start and end <= group.end:
            nearby = [other for other in groups[max(0, number - 2) : number + 3] if other.kind is NumeralKind.DIGITS]
            return any(
                len(other.digits) >= 3 and other is not group and abs(other.start - group.start) <= 8 and not text[min(group.end, other.end) : max(group.start, other.start)].strip("，,、 。")
                for other in nearby
            )
    return False


def _spot_at(reading: Reading, at: int, seen: set[str]) -> _Detail | None:
    match = _spots(reading.lexicon).match(reading.text, at)
    if match is None:
        return None
    said = match.group()
    if said in ("楼上", "楼下") and (seen & {"room", "unit", "floor"} or re.match(r"(?:[是的那]|住|邻居|漏|家)", reading.text[match.end() :])):
        return None
    return _Detail("spot", with_digits(said), *match.span())


_SCORES = {PlaceKind.COMMUNITY: 1.0, PlaceKind.ROAD: 0.9}


def _main(talk: Talk, mentions: list[_Mention]) -> _Where | None:
    scores: dict[str, float] = {}
    wheres: dict[str, _Where] = {}
    for order, mention in enumerate(mentions):
        where = mention.where
        if where is None:
            continue
        known = wheres.get(where.name)
        if known is None or where.score > known.score:
            wheres[where.name] = where
        if mention.said.by_agent and known is None:
            scores.setdefault(where.name, 0.0)
        scores[where.name] = scores.get(where.name, 0.0) + _weight(talk, mention, order)
    best = max(scores, key=lambda name: scores[name], default=None)
    return wheres[best] if best is not None and scores[best] > 0.3 else None


def _weight(talk: Talk, mention: _Mention, order: int) -> float:
    assert mention.where is not None
    if mention.negated:
        return -2.0
    place = mention.where.place
    weight = _SCORES.get(place.kind, 0.5) * (mention.where.score / 100) ** 2 if place is not None else 0.45
    weight += 0.25 * len(mention.details)
    if mention.said.by_agent:
        weight *= 0.8 if talk.confirmed(mention.said) else 0.0
        weight += 0.5 if READS_BACK.search(mention.said.text) and weight else 0.0
    weight += 0.9 if mention.asked else 0.0
    weight += 1.5 if mention.corrected else 0.0
    weight += 0.2 if _INCIDENT.search(mention.said.text[max(0, mention.start - 6) : mention.start]) else 0.0
    weight -= 0.7 if mention.elsewhere else 0.0
    return weight + max(0.0, 0.2 - order * 0.02)


_ORDER = ("phase", "building", "unit", "floor", "room", "desk")


def _assemble(talk: Talk, mentions: list[_Mention], main: _Where) -> _Found:
    mine = [
        mention
        for mention in mentions
        if (mention.where is None and _attachable(mention)) or (mention.where is not None and mention.where.name == main.name)
    ]
    named = [mention for mention in mine if mention.where is not None and not mention.negated]
    first = next((mention for mention in named if mention.said.by_caller), named[0])
    taken_back = {(detail.slot, detail.shown) for mention in mine if mention.negated for detail in mention.details[:1]}
    chosen: dict[str, tuple[_Detail, _Mention]] = {}
    for mention in mine:
        if mention.negated or (mention.elsewhere and mention.where is None):
            continue
        for detail in mention.details:
            if detail.slot == "spot" or (detail.slot, detail.shown) in taken_back and not mention.corrected:
                continue
            if detail.slot not in chosen or _overrides(talk, mention, chosen[detail.slot][1]):
                chosen[detail.slot] = (detail, mention)
    value, evidence = _wording(first, main), [first.said.evidence(first.start, _head_end(first))]
    for slot in _ORDER:
        if slot in chosen:
            detail, mention = chosen[slot]
            value += detail.shown
            evidence.append(mention.said.evidence(detail.start, detail.end))
    spots = _spot(mine, chosen)
    for detail, mention in spots:
        value += detail.shown
        evidence.append(mention.said.evidence(detail.start, detail.end))
    return _Found(_clean(value), _confidence(named, main, talk), main.place, evidence)


def _attachable(mention: _Mention) -> bool:
    """Details without a place count in an answer about the place, in a correction, or with two of them together."""
    strong = [detail for detail in mention.details if detail.slot != "spot"]
    if mention.said.by_agent:
        return len(strong) >= 2
    return bool(strong) and (mention.asked or mention.corrected or mention.negated or len(strong) >= 2 or strong[0].slot == "desk")


def _overrides(talk: Talk, newer: _Mention, older: _Mention) -> bool:
    if newer.corrected:
        return True
    return newer.said.by_agent and newer.where is not None and not older.corrected and talk.confirmed(newer.said) and older.said.by_agent


def _spot(mine: list[_Mention], chosen: dict[str, tuple[_Detail, _Mention]]) -> list[tuple[_Detail, _Mention]]:
    """The spots said with the chosen building; the caller's words before the operator's."""
    building = chosen["building"][0].shown if "building" in chosen else None
    best: list[tuple[_Detail, _Mention]] = []
    for mention in mine:
        if mention.negated or mention.elsewhere:
            continue
        own = mention.detail("building")
        if own is not None and own.shown != building:
            continue
        row = [(detail, mention) for detail in mention.details if detail.slot == "spot"]
        replaces = not best or mention.corrected or (own is not None and best[0][1].detail("building") is None)
        if row and mention.said.by_caller and replaces:
            best = row
    if not best:
        best = next(([(detail, mention) for detail in mention.details if detail.slot == "spot"] for mention in mine if mention.said.by_agent and mention.where), [])  # noqa: E501
    return best


def _head_end(mention: _Mention) -> int:
    if not mention.details:
        return mention.end
    text = mention.said.text
    end = mention.details[0].start
    while end > mention.start + 1 and _GLUE.fullmatch(text[end - 1 : end]) and text[end - 1] not in "里上头":
        end -= 1
    return end


def _wording(mention: _Mention, main: _Where) -> str:
    return main.name if main.place is not None else with_digits(main.name)


def _clean(value: str) -> str:
    return re.sub(r"(站)公交站$", r"公交\1", value)


def _confidence(named: list[_Mention], main: _Where, talk: Talk) -> float:
    asked = any(mention.asked for mention in named)
    echoed = any(mention.said.by_agent and talk.confirmed(mention.said) for mention in named)
    corrected = any(mention.corrected for mention in named)
    detailed = any(mention.details for mention in named)
    if main.place is None:
        base = 0.55 + 0.15 * asked + 0.1 * echoed + 0.05 * detailed
    elif main.score >= 100:
        base = 0.82 + 0.06 * asked + 0.08 * echoed + 0.02 * detailed
    else:
        base = 0.3 + 0.4 * main.score / 100 + 0.1 * asked + 0.1 * echoed + 0.06 * detailed
    return round(min(0.97, base + 0.02 * corrected), 2)


def _region(talk: Talk, mentions: list[_Mention], main: _Where | None) -> list[Suggestion]:
    """District and town: said, else what the gazetteer knows of the main place."""
    said: dict[PlaceKind, tuple[PlaceHit, Said]] = {}
    for other in talk.caller + talk.agent:
        for hit in other.reading.places:
            if hit.place.kind in (PlaceKind.DISTRICT, PlaceKind.TOWN) and hit.place.kind not in said:
                said[hit.place.kind] = (hit, other)
    place = main.place if main is not None else None
    anchor = next((m for m in mentions if main is not None and m.where is not None and m.where.name == main.name and not m.negated), None)
    suggestions = []
    if place is not None and anchor is not None:
        sure = 0.93 if main is not None and main.score >= 100 else 0.77
        source = (anchor.said.evidence(anchor.start, _head_end(anchor)),)
        suggestions.append(Suggestion(field="district", value=place.district, confidence=sure, evidence=source))
        if place.town is not None:
            suggestions.append(Suggestion(field="town", value=place.town, confidence=sure, evidence=source))
    names = {suggestion.field for suggestion in suggestions}
    town = said.get(PlaceKind.TOWN)
    if town is not None and "town" not in names and (place is None or place.district == town[0].place.district):
        hit, other = town
        source = (other.evidence(hit.start, hit.end),)
        suggestions.append(Suggestion(field="town", value=hit.place.name, confidence=0.88, evidence=source))
        if "district" not in names:
            suggestions.append(Suggestion(field="district", value=hit.place.district, confidence=0.88, evidence=source))
    elif "district" not in names and PlaceKind.DISTRICT in said:
        hit, other = said[PlaceKind.DISTRICT]
        source = (other.evidence(hit.start, hit.end),)
        suggestions.append(Suggestion(field="district", value=hit.place.name, confidence=0.8, evidence=source))
    return suggestions

