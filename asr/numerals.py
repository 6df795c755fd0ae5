"""Spoken Chinese numbers, phones, times, door numbers to digits, beside the raw text (pure).

Three readings are told apart. A *digit run* is spelled out (幺五四三三零六, 六零二); a *cardinal* is counted (三百八,
七万二); a *lone digit* means a number only beside a unit that asks for exactness (三号楼, 四点, 第三次). Approximations
(两三天, 七八个, 三四千, 十几), fixed words (一共, 万一) and protected spans (place names such as 五一路) stay as said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache


class NumeralKind(StrEnum):
    DIGITS = "digits"
    """Spelled out digit by digit: a phone, a room, a year."""
    CARDINAL = "cardinal"
    """Counted, or one digit beside its unit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Numeral:
    """``text[start:end]`` of the text read says ``digits``."""

    start: int
    end: int
    digits: str
    kind: NumeralKind


_VALUES = {
    "零": 0, "〇": 0, "○": 0, "一": 1, "幺": 1, "二": 2, "两": 2, "三": 3,
    "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9,
} | {str(n): n for n in range(10)}  # fmt: skip
_SCALES = {"十": 10, "百": 100, "千": 1000, "万": 10_000, "亿": 100_000_000}
_YAO_SOUNDS = "要腰妖吆"
"""What recognisers write for 幺. Read as 1 only inside something as long as a phone number."""

_SEPARATED = re.compile(r"[\s，,、。.．·…\-—–;；]*(?:(?:呃|嗯|啊|哎|然后|那个|再)[\s，,、。….]*){0,2}")
_STRETCH = re.compile(f"[零〇○一二三四五六七八九幺两0-9{_YAO_SOUNDS}]+")
_CARDINAL = re.compile(
    r"(?:百分之)?[零〇一二两三四五六七八九0-9.]{0,9}[十百千万亿][零〇一二两三四五六七八九十百千万亿0-9]{0,16}"
)
_PERCENT = re.compile(r"百分之([零一二两三四五六七八九十百0-9]+)")
_LONG = 7
"""Digits from which a chain of runs is something like a phone, ticket or parcel number."""

_EXACT_UNIT = re.compile(
    r"号楼|号院|号线|号窗|号|栋|幢|座|单元|层|楼|室|期|点|时(?!候|间|常|不|而)|月|日|岁|元|块"
    r"|毛|千瓦|米|公里|亩|平|度|年级|路(?!上|人|边|面|口|过)|班"
)
_ONE_UNIT = re.compile(r"号楼|号院|号线|号|栋|幢|座|单元|层|楼(?!道|梯)|室|期|月|日|年级|路公")
_COUNTED_UNIT = re.compile(
    r"分(?=钟|后|前|到|吧|左右|[，,。、]|$)|秒|天|年|小时|个|位|人|口|次|回|趟|遍|斤|公斤|吨|里|厘米|升"
    r"|瓶|盒|张|条|辆|台|头|只|家|户|间|套|件|份|笔|倍|折|成|%"
)
_ORDINAL_UNIT = re.compile(r"次|回|遍|趟|期|栋|层|单元")
_ABOUT = re.compile(r"几|来(?!钟)|多(?!少)|余|数")
_NAMED_ROADS = re.compile(
    r"(?:五一|八一|七一|六一|三八|二七|九一八|五四|一二九)(?:路|街|大街|大道|广场|小区|村|村民"
    r"|节)|三八妇女|十一(?:期间|假|长假|放假|黄金周)"
)
_LONE = re.compile(
    r"(?<![零一二两三四五六七八九十百千万几0-9])[零一二两三四五六七八九](?![零一二两三四五六七八九十百千万几])"
)
_TIME_OF_DAY = re.compile(r"(?:凌晨|早上|早晨|清早|上午|中午|下午|傍晚|晚上|夜里|半夜|后半夜|今早|昨晚|今晚|到|至|从)$")


def numerals(text: str, protected: Sequence[tuple[int, int]] = ()) -> tuple[Numeral, ...]:
    """Every number said in ``text``, in order, none overlapping another or a ``protected`` span."""
    taken = [*protected, *(match.span() for match in _NAMED_ROADS.finditer(text))]
    found: list[Numeral] = []
    for numeral in (*_cardinals(text), *_runs(text), *_lone(text)):
        span = (numeral.start, numeral.end)
        if not any(_overlap(span, other) for other in taken):
            taken.append(span)
            found.append(numeral)
    return tuple(sorted(found, key=lambda numeral: numeral.start))


def with_digits(text: str, protected: Sequence[tuple[int, int]] = ()) -> str:
    """``text`` with its numbers as digits; for showing and for fields, never in place of the raw text."""
    return _with_digits(text, tuple(protected))


@lru_cache(maxsize=16384)
def _with_digits(text: str, protected: tuple[tuple[int, int], ...]) -> str:
    parts: list[str] = []
    at = 0
    for numeral in numerals(text, protected):
        parts += [text[at : numeral.start], numeral.digits]
        at = numeral.end
    return "".join([*parts, text[at:]])


def digit_groups(text: str) -> tuple[Numeral, ...]:
    """Every spelled-out run, however short, with 幺 as the recogniser wrote it. Phones come as several of them."""
    counted = [match.span() for match in _CARDINAL.finditer(text)]
    stretches = [
        match for match in _STRETCH.finditer(text) if not any(_overlap(match.span(), span) for span in counted)
    ]
    groups: list[Numeral] = []
    for chain in _chains(text, stretches):
        long = sum(len(match.group()) for match in chain) >= _LONG
        for match in chain:
            groups.extend(_read_stretch(match, long=long))
    return tuple(groups)


def joined(text: str, left: Numeral, right: Numeral) -> bool:
    """Nothing but a pause or a filler lies between the two runs."""
    return _SEPARATED.fullmatch(text, left.end, right.start) is not None


def value_of(said: str) -> int | None:
    """A counted number: 三百八 is 380, 七万二 is 72000, 一千零五 is 1005. None where it is not one."""
    total = section = 0
    digit: int | None = None
    last_scale = myriads = 0
    gap = False
    for char in said:
        if char in _VALUES:
            value = _VALUES[char]
            if value == 0 and not char.isdigit():
                gap = True
                continue
            if digit is not None and not char.isdigit():
                return None
            digit = value if digit is None else digit * 10 + value
        else:
            scale = _SCALES[char]
            if scale >= 10_000:
                if scale == myriads:
                    return None
                part = section + (digit or 0)
                total = total + part * scale if scale < myriads else (total + part) * scale
                section, myriads = 0, scale
            elif digit is None and scale != 10:
                return None
            else:
                section += (1 if digit is None else digit) * scale
            digit, last_scale, gap = None, scale, False
    if digit is not None:
        tail = digit * last_scale // 10 if last_scale >= 100 and not gap and digit < 10 else digit
        section += tail
    return total + section


def _cardinals(text: str) -> Iterator[Numeral]:
    for match in _PERCENT.finditer(text):
        share = value_of(match.group(1))
        if share is not None:
            yield Numeral(start=match.start(), end=match.end(), digits=f"{share}%", kind=NumeralKind.CARDINAL)
    for match in _CARDINAL.finditer(text):
        said = match.group()
        if said[0] in "百千万亿." or "百分之" in said or _about(text, match.start(), match.end(), said):
            continue
        if said in ("十", "十一", "十五", "一十") and not _counted(text, match.end()):
            continue
        if said.endswith(("十", "十一")) and len(said) <= 2 and _idiom(text, match.start(), match.end()):
            continue
        number = value_of(said) if "." not in said else None
        if number is not None:
            yield Numeral(start=match.start(), end=match.end(), digits=str(number), kind=NumeralKind.CARDINAL)


def _about(text: str, start: int, end: int, said: str) -> bool:
    """两三百, 三四千, 十几, 二十来个, 一千九百多, 好几百: said to be rough, so it stays as said."""
    if _ABOUT.match(text, end) or (start and text[start - 1] in "几数好上近"):
        return text[start - 1 : start] != "上" or said[0] == "百"
    return re.search(r"[一二两三四五六七八九]{2}", said) is not None


def _counted(text: str, end: int) -> bool:
    return _EXACT_UNIT.match(text, end) is not None or _COUNTED_UNIT.match(text, end) is not None


def _idiom(text: str, start: int, end: int) -> bool:
    """他十分生气, but not 八点二十分, nor 八点十分 where nothing else is 十分."""
    if text[:start].endswith("点") and text.startswith("分", end):
        return end - start == 1 and not _counted(text, end)
    return text[end : end + 1] in ("分", "足") and text[end : end + 2] not in ("分钟", "分到", "分后")


def _runs(text: str) -> Iterator[Numeral]:
    groups = digit_groups(text)
    for index, group in enumerate(groups):
        said = text[group.start : group.end]
        if said.isdecimal():
            continue
        neighbours = (groups[index - 1 : index] if index else ()) + groups[index + 1 : index + 2]
        beside = any(
            joined(text, *sorted((group, other), key=lambda numeral: numeral.start)) and len(other.digits) >= 3
            for other in neighbours
        )
        if len(group.digits) >= 3 or (len(group.digits) >= 2 and (beside or _two_spelled(text, group, said))):
            yield group


def _two_spelled(text: str, group: Numeral, said: str) -> bool:
    """零三, 幺二路, 三六号楼 are two digits; 两三天, 七八个, 三五个 are a guess."""
    if "零" in said or "幺" in said or "〇" in said:
        return True
    first, second = int(group.digits[0]), int(group.digits[1])
    rough = "两" in said or second - first == 1 or (first, second) == (3, 5)
    return not rough and (_EXACT_UNIT.match(text, group.end) is not None or text.startswith("年", group.end))


def _lone(text: str) -> Iterator[Numeral]:
    for match in _LONE.finditer(text):
        end = match.end()
        said = match.group()
        if text[match.start() - 1 : match.start()] == "第" and match.start():
            exact = _ORDINAL_UNIT.match(text, end) is not None
        elif said == "一":
            exact = _ONE_UNIT.match(text, end) is not None or _one_o_clock(text, match.start(), end)
        elif text.startswith("点", end):
            exact = not text.startswith(("点儿", "点点"), end)
        elif said == "两":
            exact = _EXACT_UNIT.match(text, end) is not None and not text.startswith(
                ("路", "号", "楼", "座", "层"), end
            )
        else:
            weekday = text[max(0, match.start() - 2) : match.start()].endswith(("周", "星期", "礼拜", "上周"))
            exact = not weekday and _EXACT_UNIT.match(text, end) is not None
            exact = exact or (re.search(r"点$", text[: match.start()]) is not None and text.startswith("分", end))
        if exact and not text.startswith(("月份里", "日子"), end):
            yield Numeral(start=match.start(), end=end, digits=str(_VALUES[said]), kind=NumeralKind.CARDINAL)


def _one_o_clock(text: str, start: int, end: int) -> bool:
    if not text.startswith("点", end) or text.startswith(("点儿", "点点", "点也", "点都"), end):
        return False
    return _TIME_OF_DAY.search(text[:start]) is not None or text.startswith(
        ("点半", "点钟", "点多", "点来钟", "点到"), end
    )


def _chains(text: str, stretches: list[re.Match[str]]) -> Iterator[list[re.Match[str]]]:
    chain: list[re.Match[str]] = []
    for match in stretches:
        if chain and not _SEPARATED.fullmatch(text, chain[-1].end(), match.start()):
            yield chain
            chain = []
        chain.append(match)
    if chain:
        yield chain


def _read_stretch(match: re.Match[str], *, long: bool) -> Iterator[Numeral]:
    """Split at sounds that are 幺 only in a phone number (要), and at 两 where it counts rather than spells."""
    said, start = match.group(), match.start()
    outside = "" if long else _YAO_SOUNDS
    for part in re.finditer(f"[^{outside}]+" if outside else ".+", said):
        piece, offset = part.group(), part.start()
        bare = piece if long else piece.strip("两") if len(piece) > 2 else piece
        offset += piece.find(bare)
        if bare and (long or set(bare) - set("两")):
            digits = "".join("1" if char in _YAO_SOUNDS else str(_VALUES[char]) for char in bare)
            yield Numeral(start=start + offset, end=start + offset + len(bare), digits=digits, kind=NumeralKind.DIGITS)


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[1] and other[0] < one[1]
