"""Where it is: a place of the gazetteer, or one that only its wording shows, with building, unit, room and spot.

The talk is cut into *mentions*: a place with the details said right behind it, or details alone. The place that is
talked about most, asked for, read back or corrected is the main one. Its details come from all its mentions; a
correction wins over what it corrects, and what belongs to the neighbour upstairs is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from asr.lexicon import Lexicon, Place, PlaceKind
from asr.numerals import with_digits
from asr.prefill.gazetteer import PlaceHit
from asr.prefill.questions import ASKS_PLACE, READS_BACK
from asr.prefill.reading import Reading, Said, Talk
from asr.prefill.suggestions import Evidence, Suggestion

_N = r"[零〇一二两三四五六七八九十百幺0-9]{1,5}"
_NOT_DATE = r"(?!窗|线|晚|早|上|下|的时|那天|左右|吧|签|发)"
_DETAILS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("phase", re.compile(rf"{_N}期")),
    (
        "building",
        re.compile(
            rf"{_N}(?:号楼|栋楼?(?![下上顶道梯后前])|栋|幢|座|号院)|[A-Za-z](?:座|栋|区)"
            rf"|[A-Za-z]?{_N}号{_NOT_DATE}"
        ),
    ),
    ("unit", re.compile(rf"{_N}单元")),
    ("floor", re.compile(rf"(?:负|地下)?{_N}(?:层|楼(?![下上顶道梯]))")),
    (
        "room",
        re.compile(
            rf"{_N}室|{_N}户(?![籍口主])|[零〇一二三四五六七八九幺0-9]{{3,4}}"
            r"(?!号楼|栋|幢|座|[元块路米年天人个月斤点班]|单元|百|千|[0-9零〇一二三四五六七八九幺])"
        ),
    ),
    ("desk", re.compile(rf"{_N}号?窗口")),
)
_SLOTS = ("phase", "building", "unit", "floor", "room", "desk")
_SPELLED = "零一二三四五六七八九〇幺"
_SPELLED_DIGITS = re.compile(r"[零〇一二三四五六七八九幺]{2,}")
_GLUE = re.compile(
    r"(?:[，,、。.…\s]|呃|嗯|啊|哎|呢|嘞|那个|那块|那边|这边|那儿|这儿|这块|那|这个|的|就是"
    r"|里头|里面|里|上头|上面|上"
    r"|我家是?|我们家|我家住|我住|我在|住在|住|在|是|有个|靠近|靠|往里|进去|头)*"
)
_OTHERS = re.compile(r"(?:楼上|楼下|对门|隔壁|邻居|他家|她家|他们家|人家|户主|朋友|他|她).{0,4}$")
_NOT = re.compile(r"(?:不是|不在|没在|不叫|不住|而不是)(?:我们|在|咱|那个)?$")
_NOT_AFTER = re.compile(r"^(?:那边|那块)?(?:不是|没事|没有问题)(?=[，,。]|我|的|$)")
_INCIDENT = re.compile(r"(?:在|位于|反映|投诉|举报|我们|咱们?|就是|那个|附近|家是)[，,]?(?:一下|的|个|那个)?$")
_ELSEWHERE = re.compile(r"(?:我住在?|去|老家在?|单位在|上班在?|转到|工作在|回|搬到|原来住|以前住|之前住|从)$")
_AND = re.compile(r"(?:路|街)?[和与跟、到]")
_CROSSED = re.compile(r"(?:的)?(?:那个)?(交叉口|交口|交汇处?|十字路口|丁字路口|路口|拐角|口)")
_LANDMARK = re.compile(r"[\u4e00-\u9fff]{2,8}?(?:斜对面|对面|对过|旁边|附近|门口|隔壁|拐角|路口)")
_VAGUE_SPOTS = frozenset({"门口", "楼下", "附近", "旁边", "对面", "后面", "前面", "中间", "院里", "楼上"})
_STOPS = frozenset(
    "在是到去从住叫我你您他她它们那这的有个就于了说问和跟把给被向往来对过着吗呢吧啊呀嘛哎喂嗯呃哦"
    "也都还又很太没不要想能会可让请帮看见听讲打写用几两俩哪每全整本外里上下前后边旁近走修进出离靠"
    "当咱俺喊找管归转扰影响反映投诉举报买因为，,。、！？…；：「」“”‘’ "
)
"""No name of a place goes on to the left over one of these."""
_NO_NAME = re.compile(
    r"(?:马|道|公|修|走|一|半|网|线|电|思|大|逛|工|老|小|新|农|乡|该|同|某|各|铁|水|套|此|路"
    r"|街|人行|非机动车|国|省|县|高速|柏油|水泥|土"
    r"|街道|十字|丁字|外卖|红绿灯|充电|办事|政府|第一|家|社区|退|换|厂|酒|餐|物业|消防|派|中"
    r"|高|初|别|所有|学生|家长|快递|公交)"
)
_NUMBER_ONLY = re.compile(r"第?[零一二两三四五六七八九十百幺]+")
_LEAD_IN = re.compile(r"(?:就|从|在|到|往|靠)*")
_LONE_SUFFIXES = frozenset(
    {"政务大厅", "政务服务中心", "政务中心", "办事大厅", "服务大厅", "火车站", "汽车站", "客运站"}
)
_SHORT_SUFFIXES = frozenset({"路", "街", "巷", "村", "镇", "乡", "县", "桥", "厂"})


@dataclass(frozen=True, slots=True)
class _Detail:
    """A door number or a spot; ``shown`` as it stands in the address."""

    slot: str
    shown: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Where:
    """``name`` is the key of a mention; ``place`` is None for one known by its wording only."""

    name: str
    place: Place | None
    score: float


@dataclass(frozen=True, slots=True)
class _Span:
    """What one turn says of one place (``where`` None: details alone; ``loose``: only spots, good as an answer)."""

    where: _Where | None
    start: int
    head_end: int
    details: tuple[_Detail, ...]
    loose: bool = False

    @property
    def end(self) -> int:
        return self.details[-1].end if self.details else self.head_end


@dataclass(frozen=True, slots=True)
class _Mention:
    said: Said
    span: _Span
    negated: bool
    corrected: bool
    elsewhere: bool

    @property
    def where(self) -> _Where | None:
        return self.span.where

    @property
    def asked(self) -> bool:
        return self.said.by_caller and ASKS_PLACE.search(self.said.asked) is not None

    @property
    def spots(self) -> tuple[_Detail, ...]:
        return tuple(detail for detail in self.span.details if detail.slot == "spot")

    @property
    def doors(self) -> tuple[_Detail, ...]:
        return tuple(detail for detail in self.span.details if detail.slot != "spot")

    def door(self, slot: str) -> str | None:
        return next((detail.shown for detail in self.doors if detail.slot == slot), None)

    def evidence(self, detail: _Detail) -> Evidence:
        return self.said.evidence(detail.start, detail.end)

    @property
    def head(self) -> Evidence:
        return self.said.evidence(self.span.start, self.span.head_end)


def suggest_place(talk: Talk) -> list[Suggestion]:
    mentions = [
        _judged(said, span) for said in talk.all if said.by_caller or said.by_agent for span in _spans(said.reading)
    ]
    main = _main(talk, mentions)
    found = [] if main is None else [_address(talk, mentions, main)]
    return found + _region(talk, mentions, main)


def _judged(said: Said, span: _Span) -> _Mention:
    text = said.text
    before, after = text[max(0, span.start - 6) : span.start], text[span.end :]
    negated = _NOT.search(before) is not None or _NOT_AFTER.match(after) is not None
    other = _OTHERS if span.where is None else _ELSEWHERE
    corrected = said.reading.corrected_at(span.start) or re.match(r"[，,]?(?:才对|不是(?!吗|的))", after) is not None
    return _Mention(said, span, negated, corrected and not negated, other.search(before) is not None)


# cutting a turn -------------------------------------------------------------------------------------------------------
@lru_cache(maxsize=4096)
def _spans(reading: Reading) -> tuple[_Span, ...]:
    found: list[_Span] = []
    for where, start, end in _heads(reading):
        if not any(start < span.end and span.start < end for span in found):
            found.append(_Span(where, start, end, tuple(_details(reading, end, anchored=True))))
    found += _alone(reading, found)
    return tuple(sorted(found, key=lambda span: span.start))


def _alone(reading: Reading, named: Sequence[_Span]) -> Iterator[_Span]:
    """Rows of details with no place before them; spots alone only where a clause begins."""
    at = 0
    openings = {start for start, _ in reading.clauses}
    while at < len(reading.text):
        inside = next((span.end for span in named if span.start <= at < span.end), None)
        if inside is not None:
            at = inside
            continue
        row = tuple(_details(reading, at, anchored=False))
        if row:
            yield _Span(None, row[0].start, row[0].start, row)
        elif at in openings:
            lead = _LEAD_IN.match(reading.text, at)
            row = tuple(_details(reading, lead.end() if lead is not None else at, anchored=True))
            if row and all(detail.slot == "spot" for detail in row):
                yield _Span(None, row[0].start, row[0].start, row, loose=True)
            else:
                row = ()
        at = row[-1].end if row else at + 1


def _heads(reading: Reading) -> Iterator[tuple[_Where, int, int]]:
    """Crossings, then places of the gazetteer, then wordings that end like a place."""
    text = reading.text
    hits = [hit for hit in reading.places if hit.place.kind in (PlaceKind.COMMUNITY, PlaceKind.ROAD)]
    spans = list(_worded(reading))
    worded = [span for span in spans if not any(a <= span[0] and span[1] <= b for a, b in spans if (a, b) != span)]
    used: set[PlaceHit] = set()
    for one, other in pairwise(hits):
        mouth = _crossing(text, one, other)
        if mouth is not None:
            name = f"{one.place.name}与{other.place.name}{mouth.group(1)}"
            yield _Where(name, one.place, min(one.score, other.score)), one.start, mouth.end()
            used |= {one, other}
    for hit in hits:
        if hit not in used:
            name, end = _with_landmark(reading, hit, worded)
            yield _Where(name, hit.place, hit.score), hit.start, end
    taken = [(hit.start, hit.end) for hit in reading.places if hit.place.kind is not PlaceKind.DISTRICT]
    for start, end in worded:
        if not any(start < b and a < end for a, b in taken):
            yield _Where(with_digits(text[start:end]), None, 0.0), start, end


def _crossing(text: str, one: PlaceHit, other: PlaceHit) -> re.Match[str] | None:
    roads = one.place.kind is PlaceKind.ROAD and other.place.kind is PlaceKind.ROAD
    return _CROSSED.match(text, other.end) if roads and _AND.fullmatch(text, one.end, other.start) else None


def _with_landmark(reading: Reading, hit: PlaceHit, worded: Sequence[tuple[int, int]]) -> tuple[str, int]:
    """中兴街那个永辉超市, 建设南路粮食局对面: a road is long, so what stands on it belongs to its name."""
    text = reading.text
    landmark = None if _door(reading, hit.end, bare=True) else _LANDMARK.match(text, hit.end)
    if (
        landmark is not None
        and not set(landmark.group()[:-2]) & _STOPS
        and not _spots(reading.lexicon).match(text, hit.end)
    ):
        return hit.place.name + landmark.group(), landmark.end()
    glue = _GLUE.match(text, hit.end)
    known = {place.start for place in reading.places if place.place.kind is PlaceKind.COMMUNITY}
    behind = next(
        (span for span in worded if glue is not None and span[0] == glue.end() and span[0] not in known), None
    )
    if (hit.place.kind is PlaceKind.ROAD or hit.place.name.endswith("村")) and behind is not None:
        return hit.place.name + with_digits(text[behind[0] : behind[1]]), behind[1]
    return hit.place.name, hit.end


@lru_cache(maxsize=8)
def _suffixes(lexicon: Lexicon) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, sorted(lexicon.cues.place_suffixes, key=len, reverse=True))))


def _worded(reading: Reading) -> Iterator[tuple[int, int]]:
    """第七实验小学, 市政务服务中心: a body of one to eight characters and a suffix that names places."""
    text = reading.text
    for match in _suffixes(reading.lexicon).finditer(text):
        start = match.start()
        while start and match.start() - start < 8 and text[start - 1] not in _STOPS and not text[start - 1].isascii():
            start -= 1
        body, suffix = text[start : match.start()], match.group()
        least = 2 if suffix in _SHORT_SUFFIXES else 0 if suffix in _LONE_SUFFIXES else 1
        most = 4 if suffix in _SHORT_SUFFIXES else 8
        if least <= len(body) <= most and not _NO_NAME.fullmatch(body) and not _NUMBER_ONLY.fullmatch(body):
            yield start, match.end()


@lru_cache(maxsize=8)
def _spots(lexicon: Lexicon) -> re.Pattern[str]:
    words = "|".join(map(re.escape, sorted(lexicon.cues.spots, key=len, reverse=True)))
    return re.compile(
        r"(?:左手|右手|左边|右边)?第[一二三四五六七八九十0-9]+[家户排个间]"
        rf"|往[东西南北里](?:走|去)?(?:大概|大约)?[零一二两三四五六七八九十百0-9]+米|{words}"
    )


def _details(reading: Reading, at: int, *, anchored: bool) -> Iterator[_Detail]:
    """Door numbers and up to two spots, one behind the other. Anchored: behind a place, so rooms and spots count."""
    seen: list[str] = []
    while at < len(reading.text):
        glue = _GLUE.match(reading.text, at) if anchored or seen else None
        places = [glue.end(), at] if glue is not None and glue.end() > at else [at]
        behind_building = anchored or bool({"building", "unit"} & set(seen))
        detail = next((d for p in places if (d := _door(reading, p, bare=behind_building))), None)
        if detail is None and (anchored or seen):
            detail = next((d for p in places if (d := _spot(reading, p, seen))), None)
        again = detail is not None and (seen.count("spot") >= 2 if detail.slot == "spot" else detail.slot in seen)
        if detail is None or again:
            return
        yield detail
        seen.append(detail.slot)
        at = detail.end


def _door(reading: Reading, at: int, *, bare: bool) -> _Detail | None:
    """``bare``: a number needs no 室 behind it to be a room, nor 楼 behind 号."""
    text = reading.text
    if at and text[at - 1] in "0123456789零〇一二三四五六七八九十百千万幺第几月点":
        return None
    for slot, pattern in _DETAILS:
        match = pattern.match(text, at)
        if match is None:
            continue
        said = match.group()
        if slot == "room" and ((not bare and not said.endswith(("室", "户"))) or _spelled_on(reading, *match.span())):
            continue
        if slot == "building" and said.endswith("号") and not bare:
            continue
        return _Detail(slot, _tidy(slot, with_digits(_door_digits(said)).upper(), said), *match.span())
    return None


def _door_digits(said: str) -> str:
    """Two or more spelled digits are no guess beside a unit."""
    spelled = _SPELLED_DIGITS.match(said)
    if spelled is None:
        return said
    return "".join(str(_SPELLED.index(char) % 10) for char in spelled.group()) + said[spelled.end() :]


def _tidy(slot: str, shown: str, said: str) -> str:
    if slot == "phase":
        return said
    if slot == "building":
        return re.sub(r"栋楼$", "栋", shown)
    if slot == "room":
        return re.sub(r"[室户]$", "", shown)
    return re.sub(r"(?<!号)窗口$", "号窗口", shown)


def _spelled_on(reading: Reading, start: int, end: int) -> bool:
    """The number goes on after a pause: a phone, a parcel."""
    groups = reading.digit_groups
    for number, group in enumerate(groups):
        if group.start <= start and end <= group.end:
            return any(
                len(other.digits) >= 3 and re.fullmatch(r"[，,、 。]*", reading.text[low:high]) is not None
                for other in (*groups[max(0, number - 1) : number], *groups[number + 1 : number + 2])
                for low, high in [(min(group.end, other.end), max(group.start, other.start))]
            )
    return False


def _spot(reading: Reading, at: int, seen: Sequence[str]) -> _Detail | None:
    match = _spots(reading.lexicon).match(reading.text, at)
    if match is None:
        return None
    upstairs = match.group() in ("楼上", "楼下")
    if upstairs and (
        {"room", "unit", "floor"} & set(seen) or re.match(r"[是的那]|住|邻居|漏|家", reading.text[match.end() :])
    ):
        return None
    return _Detail("spot", with_digits(match.group()), *match.span())


# choosing the main place ----------------------------------------------------------------------------------------------
def _main(talk: Talk, mentions: Sequence[_Mention]) -> _Where | None:
    scores: dict[str, float] = {}
    wheres: dict[str, _Where] = {}
    spoken: set[str] = set()
    for order, mention in enumerate(mentions):
        where = mention.where
        if where is None:
            continue
        if where.name not in wheres or where.score > wheres[where.name].score:
            wheres[where.name] = where
        if mention.said.by_caller or (talk.confirmed if where.place is not None else talk.agreed)(mention.said):
            spoken.add(where.name)
        scores[where.name] = scores.get(where.name, 0.0) + _weight(talk, mention, order)
    for name, where in wheres.items():
        longer = [other for other in wheres if other != name and name in other]
        if longer and where.score <= wheres[longer[0]].score:
            scores[longer[0]] += max(0.0, scores[name]) + 0.1
    best = max(spoken, key=lambda name: (scores[name], name), default=None)
    return wheres[best] if best is not None and scores[best] > 0.3 else None


def _weight(talk: Talk, mention: _Mention, order: int) -> float:
    assert mention.where is not None
    if mention.negated:
        return -2.0
    place = mention.where.place
    weight = (0.9 if place.kind is PlaceKind.ROAD else 1.0) * (mention.where.score / 100) ** 2 if place else 0.45
    weight += 0.25 * len(mention.span.details)
    if mention.said.by_agent:
        if not talk.confirmed(mention.said):
            return 0.0
        weight = 0.8 * weight + (0.5 if READS_BACK.search(mention.said.text) else 0.0)
    weight += 0.9 * mention.asked + 1.5 * mention.corrected - 0.7 * mention.elsewhere
    weight += 0.2 * bool(_INCIDENT.search(mention.said.text[max(0, mention.span.start - 6) : mention.span.start]))
    return weight + max(0.0, 0.2 - order * 0.02)


# its wording ----------------------------------------------------------------------------------------------------------
def _address(talk: Talk, mentions: Sequence[_Mention], main: _Where) -> Suggestion:
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
    if not doors and not spots:
        for said, start, end, words in _near_by(talk, main):
            value += words
            evidence.append(said.evidence(start, end))
    value = _as_written(talk, value)
    return Suggestion(
        field="address", value=value, confidence=_confidence(talk, named, main), evidence=tuple(dict.fromkeys(evidence))
    )


_AREA = re.compile(r"在(?P<area>[\u4e00-\u9fff]{2,8}?)(?:那片|那块|那儿|那边|这片|这块|一带|跟前)")
_THERE = re.compile(r"(?:在|到|从)(?:他们|你们|人家|咱们|那个|这个|那边|那儿|里头|里面|里|的|景区|院)+")
_SIDES = re.compile(r"(?<=[楼栋元])([东西南北])(?:边|面|头)(?![\u4e00-\u9fff])")
_STOP_OF_BUS = re.compile(r"(?<![车交驿油费电动岗兵检])站$")


def _near_by(talk: Talk, main: _Where) -> Iterator[tuple[Said, int, int, str]]:
    """后山村 … 地在后山西沟那片; 到棋源山庄玩 … 在他们那个玻璃栈道的台阶上: said of the place later on."""
    for said in talk.caller:
        for area in _AREA.finditer(said.text) if ASKS_PLACE.search(said.asked) else ():
            words = area.group("area").removeprefix(main.name[:-1])
            if 2 <= len(words) <= 6 and main.name not in words and not set(words) & _STOPS:
                yield said, *area.span("area"), words
                return
        there = _THERE.search(said.text, said.text.find(main.name)) if main.name in said.text else None
        spot = _spots(talk.lexicon).match(said.text, there.end()) if there is not None else None
        if spot is None or len(spot.group()) < 3:
            continue
        yield said, *spot.span(), spot.group()
        step = _STEP.match(said.text, spot.end())
        then = _spots(talk.lexicon).match(said.text, step.end()) if step is not None else None
        if then is not None:
            yield said, *then.span(), then.group()
        return


_STEP = re.compile(r"(?:下来|上来|上面|下面|旁边|那边|的|那个)*")


def _as_written(talk: Talk, value: str) -> str:
    """东边 of a building is its 东侧 on paper; a stop of a bus is a 公交站."""
    value = _SIDES.sub(r"\1侧", value)
    by_bus = any("公交" in said.text or "路车" in said.text for said in talk.caller)
    return _STOP_OF_BUS.sub("公交站", value) if by_bus else value


def _short_of(mention: _Mention, main: _Where) -> bool:
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


_Chosen = dict[str, tuple[_Detail, _Mention]]


def _doors(talk: Talk, mine: Sequence[_Mention]) -> _Chosen:
    taken_back = {(d.slot, d.shown) for mention in mine if mention.negated for d in mention.span.details[:1]}
    chosen: _Chosen = {}
    for mention in mine:
        if mention.negated or (mention.elsewhere and mention.where is None):
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


def _spots_of(mine: Sequence[_Mention], doors: _Chosen) -> list[tuple[_Detail, _Mention]]:
    """The caller's spots said with the chosen building or none; a clearer one replaces 门口 or 楼下."""
    building = doors["building"][0].shown if "building" in doors else None
    best: list[tuple[_Detail, _Mention]] = []
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


def _confidence(talk: Talk, named: Sequence[_Mention], main: _Where) -> float:
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
def _region(talk: Talk, mentions: Sequence[_Mention], main: _Where | None) -> list[Suggestion]:
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
