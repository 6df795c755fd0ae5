"""Words of time as callers say them, and as a ticket writes them: days, hours, how often, for how long (pure)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from asr.numerals import value_of, with_digits

_N = r"[零〇一二两三四五六七八九十0-9]"
_WEEKDAY = r"(?:周|星期|礼拜)[一二三四五六日天末](?![到至]|个)"
_YEAR = (
    r"(?:大前年|前年|去年|今年|头年"
    r"|(?:二[零〇][一二][零〇一二三四五六七八九]|20[12][0-9]|[零〇一二][零〇四五六七八九]|零[一二三]|[12][4-9]|二[一二])年(?![了前以之来])"
    r"|[一二][一二三]年(?=[的份]?(?:[春夏秋冬年初底末上下交买签入盖搬开报办装]|(?:十[一二]?|[一二三四五六七八九正腊])月)))"
)
_MONTH = (
    r"(?:农历|阴历|阳历)?(?:(?<![零〇一二三四五六七八九十0-9个几每满半])(?:十[一二]|1[0-2]|十|[一二三四五六七八九1-9])月"
    r"|正月|腊月|冬月)"
)
_DATE = rf"{_N}{{1,3}}几?[号日](?!楼|院|线|窗|公馆|路|店|门|井|桌|机|子|常|期|报(?![到名]|的)|[a-zA-Z])"
_BARE_DATE = (
    r"(?:初[一二三四五六七八九十]|廿[一二三四五六七八九]|(?:二?十[一二三四五六七八九]|二十|三十一?)"
    r"(?![个块元万千百点天年多来几斤人户口岁月号日路层]))"
)
_AFTER_FEAST = (
    r"(?:过[完了]|一过)(?:国庆|十一|元旦|春节|五一|端午|中秋|清明|元宵|十五|年)(?:节|假期|长假)?(?![点号月个多级])"
)
_FEAST = (
    r"放?(?:国庆|十一(?=期间|假|长假|放假|黄金周|以后|之后)|春节|过年|元旦|清明|五一(?!路|街|大街|大道|广场|小区|村)"
    r"|端午|中秋|元宵|重阳|六一(?!路|街|大街|小区)|七夕|圣诞|教师节|儿童节|妇女节|寒衣节|腊八|冬至|夏至|立秋|霜降|双十一|双十二|年前(?!后)|年后|劳动节|除夕|暑假|寒假|大年初[一二三四五六七])"
    r"(?:节|期间|假期?|放假|那会儿|那几天|那天|那阵儿?|前后|前(?:几天|两天|一天|夕)|以后|之后|过后)*"
)
_OF_YEAR = (
    r"年?[初底末](?!中|[一二三四五六七八九十])|上半年|下半年|年中|[春夏秋冬]天?|开春|收秋|秋收|收麦|麦收|入[冬夏秋伏]"
)
_SEASON = (
    r"入了?[冬夏秋伏](?!口)|(?<=从)一?供暖(?=就|开始|以来)|[上下]半年|(?:上|这|本)个?学期|开学(?=[的就交收前])"
    r"|(?:开春|收秋|秋收|收麦|麦收|入[冬夏秋伏]|开学|立冬|三伏)(?:那会儿|那阵儿?|前后|以后|之后|的?时候|(?=以来))"
)
_OFTEN = (
    rf"(?:每(?:到|个)?|一到|逢)(?:{_WEEKDAY})(?:[、，和跟]?每?个?(?:{_WEEKDAY}|[一二三四五六日](?![个天次回])))*|每(?:到|逢)?(?:天|日|晚上?|夜|周末|周|个?星期|个?礼拜)"
    rf"|每个?月(?:的)?(?:{_DATE})?|(?:一|每次|每逢|逢)(?:下大?雨|刮风|下雪)天?|{_WEEKDAY}(?:[、和跟]{_WEEKDAY})+|三天两头|隔一?天(?!就)"
    r"|天天|夜夜|周[一二三四五六]到周[一二三四五六日末]|(?:星期|礼拜)[一二三四五六]到(?:星期|礼拜)[一二三四五六日天]"
    r"|周末|一到(?:晚上|夜里|后?半夜|凌晨|早上|中午|傍晚|周末|下雨天?|冬天|夏天|饭点)|经常|隔三差五|整天|成天|一天到晚|平时"
)
_STREAK = rf"连[着续]{_N}{{1,2}}(?:来|多)?个?(?:晚上?|天|夜|宿)"
_AGO = rf"(?:{_N}{{1,3}}|半|几)(?:来|多)?个?(?:来|多|半)?(?:分钟|小时|钟头|天|月|年|星期|礼拜|周)[之以]?前(?!后)"
_NEAR_PAST = (
    r"(?:(?:大前|[前昨今])[天日]|(?:大前|昨|今|(?<![跟面门从以之眼车楼目])前)(?:儿个?(?!子)|个儿?(?![月星礼周]))"
    r"|[昨今](?:晚上?|夜里?|早上?|晨)|前晚|夜来(?:黑来)?|夜[隔个]儿?)"
)
_VAGUE = (
    r"[前这头近](?:[两几些]天|些日子|一?阵(?:子|儿)?|一?段(?:时间|日子))|最近|近来|近期|前不久|这会儿"
    r"|上上?个?(?:月|周|星期|礼拜)"
)
_DAY = (
    rf"{_YEAR}的?(?:{_FEAST}|{_OF_YEAR}|{_MONTH}(?:份)?(?:初(?![一二三四五六七八九十])|底|末|[上中下]旬|{_DATE}|{_BARE_DATE})?)?"
    rf"|[一二三四五六七八九][二三四五六七八九]月份?|(?<![0-9一二三四五六七八九十月])初[一二三四五六七八九十](?![一二三四五六七八九十中高级]|期|新生|学生|年级|家长|[的上]?(?:孩子|学生))"
    rf"|{_MONTH}(?:份)?(?:初(?![一二三四五六七八九十])|底|末|[上中下]旬|{_DATE}|{_BARE_DATE})?"
    rf"|(?:上上个?月|上个?月|这个?月|本月|当月)的?(?:{_DATE}|月?底|月?初|月?末|[上中下]旬)"
    rf"|(?:大上个?|上上个?|上个?|就?这个?|本)?{_WEEKDAY}(?:{_WEEKDAY})?|{_DATE}"
    rf"|{_NEAR_PAST}|{_AFTER_FEAST}|{_FEAST}|{_SEASON}|{_VAGUE}"
)
_FUTURE = r"明[天早晚]|明儿个?|大?后天|下个?月|下个?(?:周|星期|礼拜)[一二三四五六日天]?|明年|今后|将来"
_PARTS = {
    "凌晨": "凌晨", "上午": "上午|前半?晌|头晌", "中午": "中午|大?晌午头?|正午|吃[完过罢了](?:晌午|中午|午)饭",
    "下午": "下午|后半?晌|午后", "傍晚": "傍晚|傍?擦黑儿?|傍黑儿?|天[一快刚]?黑",
    "晚上": "晚上|吃[完过罢了]晚饭|晚饭以?后", "夜里": "夜里头|夜里|黑夜|黑来", "夜间": "夜间",
    "早上": "大清早|清早|一大早|一早|早起|早上|早晨|天(?:刚|蒙蒙|[一不没])亮", "后半夜": "后半夜", "前半夜": "前半夜",
    "半夜": "大?半夜", "深夜": "深夜", "一上午": "一上午", "一下午": "一下午", "一整天": "一整天",
}  # fmt: skip
"""What is said of each part of a day."""
_PART = rf"{'|'.join(_PARTS.values())}|[早晚](?={_N}{{1,2}}点)"
_HOUR = (
    rf"(?:[一二三四五六七八九两][二三四五六七八九]|十[一二]十?[二三]|{_N}{{1,3}})点(?!儿|点|心|击|评|名|头|意见|要求|建议|原因|问题|诉求|钱|都|也|没)"
    rf"(?:半|一刻|三刻|{_N}{{1,3}}分|(?:[二三四五]?十[一二三四五六七八九]?|零[一二三四五六七八九]|[0-5][0-9])(?![百千块个天次回遍点趟元万人米分]))?(?:多钟?|来钟|钟|左右|光景|整|前后|许)?"
    r"|(?<![0-9::])[0-2]?[0-9][::][0-5][0-9](?![0-9])"
)
_SPAN = r"月|星期|礼拜|小时|钟头"
_LASTED = (
    r"(?:都|已经|有|快|得有|将近|大概|差不多|持续|停了|漏了|拖了|等了|断了|欠了)?"
    rf"(?:{_N}{{1,2}}年[零又]?(?:{_N}{{1,2}}|几)个?多?月|{_N}天{_N}夜|[俩仨](?:{_SPAN}|天|年)|半拉?月|个把(?:{_SPAN})"
    rf"|(?:[大小]半|小?{_N}{{1,3}}(?:好?几)?|好几|好些|几|半)(?:来|多)?(?:[个拉](?:来|多|半)*(?:{_SPAN})|年|天|周|小时|分钟|星期|礼拜))"
    r"(?:半|多|来)*(?=了|没|都|不|，|。|！|、|也|还|工夫|光景|[给过]你|总|往上|出头|左右|的样子|吧|啦|$)"
)
_WORD = re.compile(
    rf"(?P<future>{_FUTURE})|(?P<ago>{_AGO})|(?P<streak>{_STREAK})|(?P<often>{_OFTEN})|(?P<now>刚才|刚刚|刚(?=出来|发生|撞|摔|出的|从)|我(?:这会儿|现在|眼下)(?:就|正)(?=在|搁|站|堵|困))"
    rf"|(?P<clock>{_HOUR})|(?P<part>{_PART})|(?P<day>{_DAY})|(?P<lasted>{_LASTED})"
)
_NUMBERED = re.compile(
    r"那?是?(?:对门|隔壁|对面|旁边)|[楼院线车路店桌窗机床厅出人门井杆桥]|正门|大门|业主|村民|工人|居民|[，,]?第?[\u4e00-\u9fff]?单元|门面"
)
_OF_DAY = re.compile(rf"(?:{_PART}|[到至天号从]|{_N}点[，,]?)$")
"""Elsewhere 一点 is a little."""


_NO_HOUR = re.compile(r"[零一二三四五六七八九十百千\d]$|(?:大声|(?<![到都])快|慢|多|少|有|第|这|提)$")


class Kind(StrEnum):
    FUTURE = "future"
    AGO = "ago"
    STREAK = "streak"
    OFTEN = "often"
    NOW = "now"
    CLOCK = "clock"
    PART = "part"
    DAY = "day"
    LASTED = "lasted"


@dataclass(frozen=True, kw_only=True, slots=True)
class Day:
    """As far as it was said; ``other`` stands alone: 昨天, 清明前后, 最近."""

    year: str = ""
    month: str = ""
    date: str = ""
    week: str = ""
    other: str = ""
    vague: bool = False

    @property
    def text(self) -> str:
        dated = self.year + self.month + self.date
        if self.date and self.week:
            return f"{dated}（{self.week}）"
        return dated + self.week + self.other

    @property
    def grain(self) -> str:
        """Days of one grain may stand for one another when a caller corrects himself."""
        if self.date or self.week or self.other in _RELATIVE:
            return "day"
        return "month" if self.month else "other"

    @property
    def exact(self) -> bool:
        return not self.vague and self.grain == "day"

    @property
    def finest(self) -> str:
        return self.date or self.week[-1:] or self.month or self.other or self.year

    def after(self, earlier: Day) -> Day:
        """With what an earlier day of the same breath said already: 去年七月八号, 十八号."""
        day = self
        if day.date and not day.month:
            day = replace(day, month=earlier.month if not re.search(r"[初底末旬]", earlier.month) else "")
        if day.date and not day.month and re.fullmatch("上上?月", earlier.other):
            day = replace(day, month=earlier.other)
        if day.month and not day.year and (not self.month or self.month == earlier.month):
            day = replace(day, year=earlier.year)
        rel = re.match(r"(上上|上|本)周", earlier.week or earlier.other)
        if re.match(r"周", day.week) and rel is not None:
            day = replace(day, week=rel.group(1) + day.week)
        return day


@dataclass(frozen=True, kw_only=True, slots=True)
class TimeWord:
    """``value`` is the word as a ticket writes it; of a clock time the words themselves."""

    kind: Kind
    start: int
    end: int
    value: str
    day: Day | None = None

    def same(self, other: TimeWord) -> bool:
        if self.day is not None and other.day is not None:
            return self.day.grain == other.day.grain and self.day.finest == other.day.finest
        return self.kind is other.kind and _bare(self.value) == _bare(other.value)


def time_words(text: str, protected: Sequence[tuple[int, int]] = ()) -> list[TimeWord]:
    words: list[TimeWord] = []
    for match in _WORD.finditer(text):
        kind = Kind(str(match.lastgroup))
        if not _meant(text, match, kind, protected):
            continue
        said = match.group()
        day = _day(said) if kind is Kind.DAY else None
        words.append(
            TimeWord(
                kind=kind,
                start=match.start(),
                end=match.end(),
                value=_VALUES[kind](said) if kind in _VALUES else said,
                day=day,
            )
        )
        if day is not None and day.other in _RELATIVE and (near := _PART_OF_NEAR.search(said, 1)) is not None:
            part = ("晚上", "夜里", "早上")[(near.lastindex or 1) - 1]
            words.append(TimeWord(kind=Kind.PART, start=match.end() - 1, end=match.end(), value=part))
        if kind is Kind.OFTEN and (often := re.search(r"夜里|后?半夜|凌晨|早上|中午|傍晚|晚|夜", said)):
            part = "晚上" if often.group() in ("晚", "夜") else often.group()
            words.append(TimeWord(kind=Kind.PART, start=match.end() - 1, end=match.end(), value=part))
    return words


def _meant(text: str, match: re.Match[str], kind: Kind, protected: Sequence[tuple[int, int]]) -> bool:
    said, before = match.group(), text[max(0, match.start() - 4) : match.start()]
    if any(a <= match.start() < b for a, b in protected):
        return False
    if kind is Kind.CLOCK:
        hour = clock(said, "")
        short = said in ("一点", "两点") and _OF_DAY.search(text[max(0, match.start() - 8) : match.start()]) is None
        follows = re.match(r"[到多左钟往]|以后|之后|，一点", text[match.end() :]) is not None
        return hour is not None and not (short and not follows) and _NO_HOUR.search(before) is None
    if kind is Kind.DAY:
        if said.startswith("初") and re.search(
            r"孩|娃|儿子|闺女|女儿|学|上|读|念|班|今年$", text[: match.start()][-12:]
        ):
            return False
        if re.match(r"[去今前大]|昨", said) is None and re.search(r"[零一二三四五六七八九十百千\d点第几每]$", before):
            return False
        return re.fullmatch(rf"{_N}{{1,3}}号", said) is None or not _door(text, match)
    if kind is Kind.LASTED:
        later = text[match.end() : match.end() + 6]
        never = said.startswith("一") and re.match(
            r"(?:都|也)[没不]|没[^，。]{0,2}(?:耽误|歇|少|差|断|落|缺|停)", later
        )
        knocked = said.endswith("半天") and re.search(r"[敲喊叫找拍按]了?$", before)
        return re.search(r"(?:就|才|刚|开|第|每|等|隔|再|差)$", before) is None and not (
            never or knocked or re.match(r"级|龄", later)
        )
    if kind is Kind.OFTEN:
        return said not in ("周末", "平时") or re.match(r"[^，。]{0,4}(?:打|联系|回)", text[match.end() :]) is None
    return True


def _door(text: str, match: re.Match[str]) -> bool:
    number = _number(match.group()[:-1])
    said = match.group()
    house = f"{said}院" in text or f"{said}楼" in text
    return number is None or not 1 <= number <= 31 or house or _NUMBERED.match(text, match.end()) is not None


# days -----------------------------------------------------------------------------------------------------------------
_RELATIVE = {"大前天", "前天", "昨天", "当日"}
_PART_OF_NEAR = re.compile(r"(晚上?|黑来)|(夜里?)|(早上?|晨)")
_NEAR_DAYS = {"大": "大前天", "前": "前天", "昨": "昨天", "夜": "昨天", "今": "当日"}


def _day(said: str) -> Day:
    if re.fullmatch(_NEAR_PAST, said):
        return Day(other=_NEAR_DAYS[said[0]])
    if re.fullmatch(_VAGUE, said):
        plain = re.sub(r"上个?月", "上月", re.sub(r"上个?(?:星期|礼拜|周)", "上周", said))
        return Day(other=plain, vague=True)
    if re.search(_WEEKDAY, said) is not None and "月" not in said:
        return Day(week=_week(said))
    year = re.match(_YEAR, said)
    rest = said[year.end() :].removeprefix("的") if year is not None else said
    written = _year(year.group()) if year is not None else ""
    if pair := re.fullmatch(r"([一二三四五六七八九])([二三四五六七八九])月份?", rest):
        return Day(year=written, month=f"{_number(pair.group(1))}-{_number(pair.group(2))}月")
    month = re.match(r"(?:上上个?月|上个?月|这个?月|本月|当月)|" + _MONTH, rest)
    if month is None:
        if re.fullmatch(rf"{_DATE}|初.", rest):
            return Day(year=written, date=_date(rest))
        return Day(year=written, other=_feast(rest), vague=not rest)
    tail = rest[month.end() :].lstrip("份的").removeprefix("月")
    named = re.sub(r"上上个?月", "上上月", month.group())
    named = re.sub(r"上个?月", "上月", re.sub(r"这个?月|当月", "本月", named)) if named[0] in "上这本当" else named
    named = named.replace("阴历", "农历")
    if named[:2] in ("正月", "腊月", "冬月", "农历"):
        return Day(year=written, month=_digits(named), date=with_digits(re.sub(r"[号日]$", "", tail)))
    named = _digits(named)
    if re.fullmatch(r"[初底末]|[上中下]旬", tail):
        return Day(year=written, month=named + tail)
    return Day(year=written, month=named, date=_date(tail) if tail else "")


def _feast(said: str) -> str:
    if passed := re.match(r"(?:过[完了]|一过)(.+?)(?:节|假期|长假)?$", said):
        return {"十一": "国庆", "年": "春节", "十五": "元宵"}.get(passed.group(1), passed.group(1)) + "后"
    if said == "一供暖":
        return "供暖"
    if entered := re.fullmatch(r"入了(.)", said):
        return f"入{entered.group(1)}"
    plain = re.sub(
        r"(?<=[一节秋夕诞至八])那天$|前(?:几天|两天|一天|夕)$", lambda m: "前" if m.group()[0] == "前" else "", said
    )
    plain = re.sub(r"^放|(?<=[秋旦明午宵阳])节|(?<=国庆)节", "", plain)
    plain = re.sub(r"(?<![暑寒])(?:期间|假期?|放假|那会儿|那几天|那阵儿?)+$", "期间", plain)
    return re.sub(r"(?:以后|之后|过后)$", "后", plain)


def _week(said: str) -> str:
    plain = re.sub(r"星期|礼拜", "周", said).replace("周天", "周日").replace("个周", "周")
    return re.sub(r"^(?:大上|大?上上)周", "上上周", re.sub(r"^就?这周", "本周", plain))


def _year(said: str) -> str:
    if said in ("去年", "今年", "前年", "大前年"):
        return said
    if said == "头年":
        return "去年"
    digits = "".join(str("零一二三四五六七八九".index(c)) if c in "零一二三四五六七八九" else c for c in said[:-1])
    digits = digits.replace("〇", "0")
    return f"{digits if len(digits) == 4 else '20' + digits}年"


def _date(said: str) -> str:
    if said.startswith(("初", "廿")):
        return said
    number = _number(said.rstrip("号日几"))
    about = "几" if "几" in said else ""
    return f"{number}{about}日" if number is not None else said


def _digits(said: str) -> str:
    match = re.search(rf"{_N}+", said)
    number = _number(match.group()) if match is not None else None
    return said if match is None or number is None else f"{said[: match.start()]}{number}{said[match.end() :]}"


# hours ----------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, kw_only=True, slots=True)
class Clock:
    hour: int
    minute: int = 0
    until: int | None = None
    """六七点: between this hour and that one."""
    about: bool = False

    @property
    def text(self) -> str:
        if self.until is not None:
            return f"{self.hour}-{self.until}时"
        return f"{self.hour}时许" if self.about and not self.minute else f"{self.hour}:{self.minute:02d}"

    @property
    def sharp(self) -> str:
        """As one end of a stretch of time."""
        return f"{self.hour}-{self.until}时" if self.until is not None else f"{self.hour}:{self.minute:02d}"


_NIGHT = re.compile(r"下午|午后|晚|傍晚|夜|黑")


def clock(said: str, part: str) -> Clock | None:
    """The hour by the day of twenty-four; ``part`` is the part of the day it was said with."""
    if match := re.fullmatch(r"(\d{1,2})[::](\d{2})", said):
        return Clock(hour=int(match.group(1)), minute=int(match.group(2))) if int(match.group(1)) <= 24 else None
    match = re.fullmatch(rf"({_N}+)点(?:(半|一刻|三刻)|({_N}+)分?)?(多钟?|来钟|钟|左右|光景|整|前后|许)?", said)
    if match is None:
        return None
    words, until = match.group(1), None
    if pair := re.fullmatch(r"([一二三四五六七八九两])([二三四五六七八九])|十([一二])十?[二三]", words):
        hour = _number(pair.group(1)) if pair.group(1) else _number(f"十{pair.group(3)}")
        until = _number(pair.group(2)) if pair.group(2) else (hour or 0) + 1
        if hour is None or until != hour + 1:
            return None
    else:
        hour = _number(words)
    minute = {"半": 30, "一刻": 15, "三刻": 45}.get(match.group(2) or "")
    if minute is None:
        minute = _number(match.group(3)) if match.group(3) else 0
    if hour is None or minute is None or hour > 24 or minute > 59:
        return None
    early = hour < 6 and re.search(r"凌晨|半夜|夜里|黑", part) is not None
    early = early or (hour <= 3 and part.endswith("晚上"))
    shift = _shift(hour, part, early=early)
    about = match.group(4) in ("多", "多钟", "来钟", "左右", "光景", "前后", "许")
    return Clock(hour=hour + shift, minute=minute, until=until + shift if until is not None else None, about=about)


def _shift(hour: int, part: str, *, early: bool) -> int:
    if hour == 12 and re.search(r"晚|夜|黑|凌晨", part):
        return -12
    if re.search(r"凌晨|后半夜", part):
        return 0
    if hour < 12 and _NIGHT.search(part) and not early:
        return 12
    return 12 if hour <= 2 and "中午" in part else 0


def stretch(first: Clock, last: Clock, *, told: bool) -> str:
    """From one hour to another; ``told``: the part of day of the last was said with it."""
    end = last
    if not told and end.hour < 12 and (end.hour < first.hour < end.hour + 12):
        end = replace(end, hour=end.hour + 12, until=end.until + 12 if end.until is not None else None)
    after = "次日" if end.hour < first.hour and first.hour >= 18 else ""
    to = "至" if after and end.until is not None else "-"
    return f"{first.sharp}{to}{after}{end.sharp}"


# the rest -------------------------------------------------------------------------------------------------------------
_LEAD = re.compile(r"^(?:都|已经|有|快|得有|持续|停了|漏了|拖了|等了|断了|欠了)")


def _often(said: str) -> str:
    plain = re.sub(r"天天|成天|整天|夜夜|一天到晚|每日|每晚上?|每夜", "每天", said)
    plain = re.sub(r"一到(?:晚上|夜里|后?半夜|凌晨|早上|中午|傍晚)", "每天", plain)
    plain = re.sub(r"星期|礼拜", "周", plain).replace("周天", "周日").replace("个周", "周")
    plain = re.sub(r"^(?:一到|每到|每个|逢)(?=周[^末])", "每", plain)
    plain = re.sub(r"^(?:一|每次|每逢|逢)(?=下|刮)", "每逢", plain).replace("每个月", "每月").replace("每月的", "每月")
    if plain.startswith("每月"):
        return f"每月{_date(plain[2:])}" if plain[2:] else plain
    return re.sub(r"^周末|^每到周末|^一到周末", "周末", plain)


def _part(said: str) -> str:
    if said in ("早", "晚"):
        return f"{said}上"
    return next(part for part, words in _PARTS.items() if re.fullmatch(words, said))


def _streak(said: str) -> str:
    return re.sub(r"个?(?:晚上?|夜|宿)$", "晚", with_digits(said).replace("连着", "连续"))


def _lasted(said: str) -> str:
    plain = (
        _LEAD.sub("", said).replace("俩", "两个").replace("仨", "三个").replace("半拉", "半个").replace("钟头", "小时")
    )
    plain = re.sub(r"个(?=[天年])", "", plain) if said[-1] in "天年" else plain
    plain = re.sub(rf"^({_N}{{1,2}})年[零又]?(?=[^半多]*月$)", lambda match: f"{_number(match[1])}年", plain)
    plain = re.sub("^小(?!半)", "近", re.sub("(?<!个)半月", "半个月", plain).replace("个把", "约一个"))
    about = re.sub(r"(?<![好])来(?=[个天年周多月星礼小钟])", "", plain)
    about = re.sub(r"个?(?:礼拜|星期)", "周", about)
    return ("约" if about.count("来") != plain.count("来") else "") + with_digits(about)


_VALUES: dict[Kind, Callable[[str], str]] = {
    Kind.OFTEN: _often,
    Kind.STREAK: _streak,
    Kind.LASTED: _lasted,
    Kind.PART: lambda said: _part(said),
    Kind.NOW: lambda said: "刚刚" if said.startswith("刚") else "当前",
    Kind.AGO: lambda said: re.sub("[之以]前", "前", with_digits(said).replace("钟头", "小时")),
}


def _bare(value: str) -> str:
    return value.rstrip("多来钟左右的前后许整")


def _number(said: str) -> int | None:
    if said.isdecimal():
        return int(said)
    plain = said.replace("〇", "零")
    if re.fullmatch(r"零[一二三四五六七八九]", plain):
        plain = plain[1:]
    return value_of(plain.replace("两", "二") if plain == "两" else plain)
