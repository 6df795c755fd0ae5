"""The places that one turn speaks of: each with the door numbers and spots said right behind it, or those alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from asr.lexicon import Lexicon, Place, PlaceKind
from asr.numerals import with_digits
from asr.prefill.crossings import crossing
from asr.prefill.gazetteer import PlaceHit
from asr.prefill.reading import Reading
from asr.prefill.spots import CHAR, STOPS, far_end, spot_at, spot_pattern

_N = r"[零〇一二两三四五六七八九十百幺0-9]{1,5}"
_NOT_DATE = r"(?!窗|机?井|泵|桌|柜|大?棚|塔|桥|车间|仓|摊|线|晚|早|上|下|的时|那天|左右|吧|签|发)"
_DETAILS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("phase", re.compile(rf"{_N}期")),
    ("zone", re.compile(rf"{_N}区(?=[，的]?{_N}[排号])")),
    ("row", re.compile(rf"{_N}排(?=[，的]?{_N}号)")),
    (
        "building",
        re.compile(
            rf"{_N}号?楼?[跟和与、]{_N}号楼(?:中间|之间)|{_N}(?:号楼)?[到至、]{_N}号楼|"
            rf"{_N}(?:号楼|栋楼?(?![下上顶道梯后前])|栋|幢|座|号院)|[A-Za-z](?:座|栋|区)"
            rf"|[A-Za-z]?{_N}号{_NOT_DATE}"
        ),
    ),
    ("unit", re.compile(rf"{_N}单元")),
    ("floor", re.compile(rf"(?:负|地下)?{_N}(?:层|楼(?![下上顶道梯]))")),
    (
        "room",
        re.compile(
            rf"{_N}室|{_N}户(?![籍口主])"
            r"|(?<=单元)[一二三四五六七八九]百零[一二三四五六七八九](?![十百千万元块个户家人多])"
            r"|[零〇一二三四五六七八九幺0-9]{3,4}"
            r"(?!号楼|栋|幢|座|[元块路米年天人个月斤点班]|单元|百|千|[0-9零〇一二三四五六七八九幺])"
        ),
    ),
    ("desk", re.compile(rf"{_N}号?窗口")),
)
_IN_A_HOUSE = re.compile(r"单元|[楼栋幢座层号]")
_SPELLED = "零一二三四五六七八九〇幺"
_SPELLED_DIGITS = re.compile(r"[零〇一二三四五六七八九幺]{2,}")
_GLUE = re.compile(
    r"(?:[，,、。.…\s]|呃|嗯|啊|哎|呢|嘞|嘛|么|吧|那[口处道]|那个|那块|那边|这边|那儿|这儿|这块|那|这个|的|就是"
    r"|以前的?|原来的?|原先的?|里头|里面|里|上头|上面|上(?!客)|出来|出门|进来|进门|下来|下去|过去"
    r"|我家是?|我们家|我家住|我住|我在|(?:我们|咱们?|俺们?)村里?(?![口东西南北头委中])|过了?(?!道)|我们|咱们?|俺们?|住在|住(?![院宅])|在|是|有一?[个家座处片栋棵根条排]|一[个家]|有|从|排队的?|靠近|靠着?|挨着|紧挨着|[那这]一?[段截带]|往里|进去|头(?!一))*"
)
_PAUSE = re.compile(r"[，,、。.…\s]")
_LANDMARK = re.compile(r"[\u4e00-\u9fff]{2,8}?(?:斜对面|对面|对过|旁边|附近|门口|隔壁|拐角|路口)")
_NO_NAME = re.compile(
    r"(?:马|道|公|修|走|一|半|网|线|电|思|大|逛|工|老|小|新|农|乡|该|同|某|各|铁|水|套|此|路"
    r"|街|人行|非机动车|国|省|县|高速|柏油|水泥|土"
    r"|街道|十字|丁字|外卖|红绿灯|充电|办事|政府|第一|家|社区|退|换|厂|酒|餐|物业|消防|派|中"
    r"|高|初|别|所|座|间|所有|学生|家长|快递|公交|公办|民办|公立|私立|普惠|重点|正规|普通|大型|小型|开.{0,2}|别家|外地)"
)
_OF_A_ROAD = frozenset({"灯", "面", "基", "牌", "沿", "障", "费", "况", "政"})
"""路灯 is no road."""
_NUMBER_ONLY = re.compile(r"第?[零一二两三四五六七八九十百幺]+")
_LEAD_IN = re.compile(r"(?:就|从|在|到|往|靠)*")
_LIVES_AT = re.compile(
    r"(?:^|[，,、。.…！？!?\s])(?:我|俺|咱|们|家|那边?|这边?|就|在|住|是|的|呢|呃|嗯|有|它|店|办公室)*$"
)
_LONE_SUFFIXES = frozenset(
    {
        "政务大厅",
        "政务服务中心",
        "政务中心",
        "办事大厅",
        "服务大厅",
        "火车站",
        "高铁站",
        "汽车站",
        "客运站",
        "客运中心",
        "货运站",
    }
)
_AS_WRITTEN = re.compile(r"的(?:那个|这个)?(?P<char>[\u4e00-\u9fff])(?=字|[吧啊呀嘛哈]|[，,、。！？!?…]|$)")
_SHORT_SUFFIXES = frozenset({"路", "街", "巷", "村", "镇", "乡", "县", "桥", "厂"})


@dataclass(frozen=True, slots=True)
class Detail:
    """A door number or a spot; ``shown`` as it stands in the address."""

    slot: str
    shown: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Where:
    """``name`` is the key of a mention; ``place`` is None for one known by its wording only."""

    name: str
    place: Place | None
    score: float


@dataclass(frozen=True, slots=True)
class Span:
    """What one turn says of one place (``where`` None: details alone; ``loose``: only spots, good as an answer)."""

    where: Where | None
    start: int
    head_end: int
    details: tuple[Detail, ...]
    loose: bool = False

    @property
    def end(self) -> int:
        return max((detail.end for detail in self.details), default=self.head_end)


@lru_cache(maxsize=4096)
def spans_of(reading: Reading, garbled: tuple[PlaceHit, ...] = ()) -> tuple[Span, ...]:
    """``garbled``: places that are only known from the rest of the talk."""
    found: list[Span] = []
    for where, start, end in sorted(_heads(reading, garbled), key=lambda head: head[1]):
        if where.place is not None and any((hit.start, hit.end) == (start, end) for hit in garbled):
            end = _garbled_on(reading, end)
        if not any(start < span.end and span.start < end for span in found):
            found.append(Span(where, start, end, _sides_first(reading, _details(reading, end, anchored=True))))
    found += _alone(reading, found)
    found = [span for span in found if not _spelled(reading.text, span)]
    return tuple(sorted(found, key=lambda span: span.start))


def _spelled(text: str, span: Span) -> bool:
    """操场的操，: a word that only tells how a name is written; 锦绣花园的花坛 is a place."""
    told = _AS_WRITTEN.match(text, span.end)
    doors = any(detail.slot != "spot" for detail in span.details)
    return told is not None and not doors and told["char"] in text[span.start : span.end]


_SIDES_ALONE = frozenset({"前面", "后", "后面"})
"""Of something said before."""
_ON_TO_ROOM = re.compile(
    r"[\u4e00-\u9fff]{1,2}?(?=(?:[零〇一二三四五六七八九幺]{3,4}|[0-9]{3,4})(?![0-9零〇一二三四五六七八九幺十百]|[元块路米年天人个月斤点]))"
)


def _garbled_on(reading: Reading, at: int) -> int:
    """是风国气做热二三零五 for 瑞丰国际B座2305: what stands between is lost, the room is not."""
    lost = _ON_TO_ROOM.match(reading.text, at)
    return at if lost is None or _door(reading, at, bare=True) is not None else lost.end()


def _alone(reading: Reading, named: Sequence[Span]) -> Iterator[Span]:
    """Rows of details with no place before them; spots alone only where a clause begins."""
    at = 0
    openings = {start for start, _ in reading.clauses}
    while at < len(reading.text):
        inside = next((span.end for span in named if span.start <= at < span.end), None)
        if inside is not None:
            at = inside
            continue
        row = tuple(_details(reading, at, anchored=False))
        if row and ({d.slot for d in row} != {"floor"} or _LIVES_AT.search(reading.text, 0, row[0].start)):
            yield Span(None, row[0].start, row[0].start, row)
        elif at in openings:
            lead = _LEAD_IN.match(reading.text, at)
            row = tuple(_details(reading, lead.end() if lead is not None else at, anchored=True))
            if (
                row
                and row[0].slot == "spot"
                and row[0].shown not in _SIDES_ALONE
                and {d.slot for d in row} != {"spot", "room"}
            ):
                loose = all(detail.slot == "spot" for detail in row)
                yield Span(None, row[0].start, row[0].start, row, loose=loose)
            else:
                row = ()
        at = row[-1].end if row else at + 1


def _heads(reading: Reading, garbled: tuple[PlaceHit, ...]) -> Iterator[tuple[Where, int, int]]:
    """Crossings, then places of the gazetteer, then wordings that end like a place."""
    text = reading.text
    clear = (hit for hit in reading.places if not any(hit.start < o.end and o.start < hit.end for o in garbled))
    known = sorted((*clear, *garbled), key=lambda hit: hit.start)
    hits = [hit for hit in known if hit.place.kind in (PlaceKind.COMMUNITY, PlaceKind.ROAD)]
    spans = list(_worded(reading))
    worded = [span for span in spans if not any(a <= span[0] and span[1] <= b for a, b in spans if (a, b) != span)]
    used: set[PlaceHit] = set()
    for span in worded:
        own = any(hit.start < span[1] and span[0] < hit.end for hit in hits)
        road = None if own else _on_which_road(text, span[1], hits)
        if road is not None:
            hit, branch, end = road
            name = with_digits(text[span[0] : span[1]])
            yield (
                Where(f"{name}{hit.place.name}{branch}" if branch else hit.place.name + name, hit.place, hit.score),
                span[0],
                end,
            )
            used.add(hit)
    for one, other in pairwise(hits):
        mouth = crossing(text, one, other)
        if mouth is not None:
            name = f"{one.place.name}与{other.place.name}{mouth[0]}"
            yield Where(name, one.place, min(one.score, other.score)), one.start, mouth[1]
            used |= {one, other}
    for hit in hits:
        if hit not in used:
            name, end = _with_landmark(reading, hit, worded)
            yield Where(name, hit.place, hit.score), hit.start, end
    taken = [(hit.start, hit.end) for hit in hits]
    for start, end in worded:
        if not any(start < b and a < end for a, b in taken):
            yield Where(with_digits(text[start:end]).translate(_APART), None, 0.0), start, end


_APART = dict.fromkeys(map(ord, "的，,"))
_BRANCH = "院区|校区|分院|分校|分店|园区"
_THAT_ONE = re.compile(
    rf"(?:上|那边|那儿)?的?(?:那个|那家|那所|那座|那里|那块)(?P<branch>{_BRANCH}|店)?|(?P<here>{_BRANCH})"
)


_TO_ROAD = re.compile(r"[，,]?(?:就是|就|开)*在?")


def _on_which_road(text: str, at: int, hits: Sequence[PlaceHit]) -> tuple[PlaceHit, str, int] | None:
    """县图书馆，崇文街那个: which road it stands on, or which of several it is."""
    glue = _TO_ROAD.match(text, at)
    assert glue is not None
    hit = next((hit for hit in hits if hit.start == glue.end() and hit.place.kind is PlaceKind.ROAD), None)
    if hit is None:
        return None
    that = _THAT_ONE.match(text, hit.end)
    if that is not None:
        return hit, that.group("branch") or that.group("here") or "", that.end()
    return (hit, "", hit.end) if glue.group().endswith("在") else None


_SHOPS = (
    "幼儿园 营业厅 便利店 木器厂 橡胶厂 服装厂 食品厂 机械厂 家具厂 大厦 驾校 电器 家电 超市 商场 商城 市场 酒店 宾馆 "
    "饭店 医院 诊所 药店 药房 石材 建材 家具 车行 汽修 书店 网吧 影城 大楼"
)
SHOPS = tuple(_SHOPS.split())
"""What kind of house or shop it is, at the end of its own name."""
_SHOP = re.compile(rf"(?:{CHAR}){{2,4}}?(?:{'|'.join(SHOPS)})(?!城)")
_OF_THE_VILLAGE = ("村小学", "村卫生", "村委", "村部", "村幼儿园")


def _with_landmark(reading: Reading, hit: PlaceHit, worded: Sequence[tuple[int, int]]) -> tuple[str, int]:
    """中兴街那个永辉超市, 建设南路粮食局对面: a road is long, so what stands on it belongs to its name."""
    text = reading.text
    landmark = None if _door(reading, hit.end, bare=True) else _LANDMARK.match(text, hit.end)
    if (
        landmark is not None
        and not set(landmark.group()[:-2]) & STOPS
        and not spot_pattern(reading.lexicon).match(text, hit.end)
    ):
        return hit.place.name + landmark.group(), landmark.end()
    glue = _GLUE.match(text, hit.end)
    known = {place.start for place in reading.places if place.place.kind is not PlaceKind.DISTRICT}
    behind = next(
        (span for span in worded if glue is not None and span[0] == glue.end() and span[0] not in known), None
    )
    if (hit.place.kind is PlaceKind.ROAD or hit.place.name.endswith("村")) and behind is not None:
        own = hit.place.name.endswith("村") and text.startswith(_OF_THE_VILLAGE, behind[0])
        return hit.place.name + with_digits(text[behind[0] + own : behind[1]]), behind[1]
    shop = _SHOP.match(text, glue.end()) if glue is not None and hit.place.kind is PlaceKind.ROAD else None
    if shop is not None and not any(hit.end <= start < shop.end() for start in known):
        return hit.place.name + shop.group(), shop.end()
    return hit.place.name, hit.end


@lru_cache(maxsize=8)
def suffix_pattern(lexicon: Lexicon) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, sorted(lexicon.cues.place_suffixes, key=len, reverse=True))))


_KEEPS_REGION = re.compile(
    r"(?:政府|[一二三四五六七八九十]中|医院|卫生院|中心|小学|中学|学校|幼儿园|派出所|广场|馆|院|站|局|所|处|办|大厅|公园|市场)$"
)
"""东岭镇文化广场: only its town tells it from others."""
_SIDE_FIRST = re.compile(r"(?:村|楼|路|街|院|镇|小区)?[东西南北](?:[边头面侧口门村]|$)|村[东西南北口头委里]")

_CORNER = re.compile(r"[东西南北]{2}角")
"""西北角济仁堂药店: which corner of the crossing, and what stands there."""


_NAMED_SO = re.compile(r"(?<=[那这]个)[外里上下前后全来会能打要本]$")
"""金阳大道那个外越广场: a name may begin with what mostly ends one."""


def _worded(reading: Reading) -> Iterator[tuple[int, int]]:
    """第七实验小学, 市政务服务中心: a body of one to eight characters and a suffix that names places."""
    text = reading.text
    regions = {hit.end: hit.start for hit in reading.places if hit.place.kind in (PlaceKind.DISTRICT, PlaceKind.TOWN)}
    roads = {hit.end for hit in reading.places if hit.place.kind is PlaceKind.ROAD}
    bounds = {*regions, *roads}
    openings = {start for start, _ in reading.clauses}
    for match in suffix_pattern(reading.lexicon).finditer(text):
        start = match.start()
        least_start = max((end for end in bounds if end <= start), default=0)
        while (
            start > least_start
            and match.start() - start < 8
            and text[start - 1] not in STOPS
            and not text[start - 1].isascii()
        ):
            start -= 1
        if start == match.start() - 1 and start > least_start and _NAMED_SO.search(text, least_start, start):
            start -= 1
        if match.end() in regions:
            continue
        start -= start == match.start() and text[start - 1 : start] in tuple("的，,") and start - 1 in regions
        body, suffix = text[start : match.start()].lstrip("的，,"), match.group()
        corner = _CORNER.match(body)
        if corner is not None:
            start, body = start + corner.end(), body[corner.end() :]
        behind = start in regions
        if behind and _KEEPS_REGION.search(suffix):
            yield regions[start], match.end()
            continue
        least = 2 if suffix in _SHORT_SUFFIXES else 0 if suffix in _LONE_SUFFIXES or start in roads else 1
        most = 4 if suffix in _SHORT_SUFFIXES else 8
        if suffix == "路" and text[match.end() : match.end() + 1] in _OF_A_ROAD:
            continue
        if suffix == "广场" and text.startswith("舞", match.end()):
            continue
        if suffix == "政府" and not (behind or body.endswith("市")):
            continue
        if (_SIDE_FIRST.match(body) and not (start in openings and body.endswith("门"))) or (
            suffix in ("村", "桥") and body.endswith(suffix)
        ):
            continue
        if least <= len(body) <= most and not _NO_NAME.fullmatch(body) and not _NUMBER_ONLY.fullmatch(body):
            yield start, match.end()


def _details(reading: Reading, at: int, *, anchored: bool) -> Iterator[Detail]:
    """Door numbers and up to two spots, one behind the other. Anchored: behind a place, so rooms and spots count."""
    seen: list[str] = []
    while at < len(reading.text):
        glue = _GLUE.match(reading.text, at) if anchored or seen else None
        places = [_up_to_place(reading, at, glue.end()), at] if glue is not None and glue.end() > at else [at]
        behind_building = anchored or bool({"building", "unit", "row"} & set(seen))
        detail = next((d for p in places if (d := _door(reading, p, bare=behind_building))), None)
        if detail is None and (anchored or seen):
            detail = _onward(reading, at) or next((d for p in places if (d := _spot(reading, at, p, seen))), None)
        again = detail is not None and (
            seen.count("spot") >= _MOST_SPOTS if detail.slot == "spot" else detail.slot in seen
        )
        if detail is None or again:
            return
        yield detail
        seen.append(detail.slot)
        at = detail.end


def _up_to_place(reading: Reading, at: int, end: int) -> int:
    """在上柳村村口: the first character of a name is no preposition."""
    return next((hit.start for hit in reading.places if at <= hit.start < end < hit.end), end)


_MOST_SPOTS = 4


_IN_VILLAGE = re.compile(r"村[东西南北]")


def _sides_first(reading: Reading, details: Iterable[Detail]) -> tuple[Detail, ...]:
    """…，砖厂在村北边: the side, then what is there."""
    row = list(details)
    for at in range(len(row) - 1):
        one, other = row[at : at + 2]
        apart = reading.text[one.end : other.start].endswith("在")
        if apart and one.slot == other.slot == "spot" and _IN_VILLAGE.match(other.shown):
            row[at : at + 2] = [other, one]
    return tuple(row)


def _onward(reading: Reading, at: int) -> Detail | None:
    end = far_end(reading, at, suffix_pattern(reading.lexicon))
    return None if end is None else Detail("spot", end[0], end[1], end[2])


def _door(reading: Reading, at: int, *, bare: bool) -> Detail | None:
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
        if slot == "room" and said.endswith("户") and not _IN_A_HOUSE.search(text[max(0, at - 8) : at]):
            continue
        return Detail(slot, _tidy(slot, with_digits(_door_digits(said)).upper(), said), *match.span())
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
        several = re.fullmatch(r"([0-9]+)号?楼?([跟和与、到至])([0-9]+)号楼(?:中间|之间)?", shown)
        if several is not None:
            one, and_, other = several.groups()
            if and_ == "、" and not said.endswith("间"):
                return f"{one}号楼、{other}号楼"
            return f"{one}-{other}号楼" if and_ in "到至" else f"{one}号楼与{other}号楼之间"
        return re.sub(r"栋楼$", "栋", shown)
    if slot in ("zone", "row"):
        return with_digits(said[:-1] + "号")[:-1] + said[-1]
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


def _spot(reading: Reading, after: int, at: int, seen: Sequence[str]) -> Detail | None:
    spot = spot_at(reading, at, paused=_PAUSE.search(reading.text, after, at) is not None)
    if spot is None:
        return None
    shown, end = spot
    upstairs = shown in ("楼上", "楼下")
    if upstairs and ({"room", "unit", "floor"} & set(seen) or re.match(r"[是的那]|住|邻居|漏|家", reading.text[end:])):
        return None
    return Detail("spot", shown, at, end)
