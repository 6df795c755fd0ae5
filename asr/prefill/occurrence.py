"""When it happened or happens: day, part of day, hour, how often, for how long; corrections win."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from asr.numerals import value_of, with_digits
from asr.prefill.questions import ASKS_TIME
from asr.prefill.reading import CORRECTION, Said, Talk
from asr.prefill.suggestions import Suggestion

_N = r"[零〇一二两三四五六七八九十百0-9]{1,4}"
_LUNAR = (
    r"(?:正月|腊月|冬月|(?:农历|阴历)[一二三四五六七八九十]{1,2}月)"
    r"(?:初[一二三四五六七八九十]|[一二三]?十[一二三四五六七八九]?|廿[一二三四五六七八九])"
)
_DAY = (
    rf"{_LUNAR}|{_N}(?:来|多)?(?:分钟|个?小时|个?钟头)之?前|{_N}月份?(?:起|往后)"
    rf"|{_N}月份?(?:一直)?[干做住拖闹]?[到至]{_N}月份?|(?:去|前|今)年[春夏秋冬]天?"
    rf"|{_N}月份?{_N}[号日]|{_N}月(?:份|初|中旬|底)|(?:上个?月|这个?月|本月){_N}[号日]|{_N}[号日](?!楼|院|线|窗|公馆)"
    r"|(?:上上?个?|这个?|本|就这个?)?(?:周|星期|礼拜)[一二三四五六日天末](?![到至])"
    r"|大?前天|昨[天日晚儿]|今[天日晚早儿]|今儿(?:个)?|昨儿(?:个)?|夜来(?:黑来)?|刚才|刚刚"
    r"|这会儿|上个?月|上周|上个?(?:星期|礼拜)|前两天|前几天|这两天|这几天|最近|国庆(?:节|期间"
    r"|假期)?|春节(?:期间)?|五一(?:期间|假期)|去年|前年|今年"
)
_OFTEN = (
    rf"连[着续]{_N}个?(?:晚上?|[天夜])|"
    r"天天|每天|每晚|每[周月年]|每到周末|周末|一到(?:晚上|夜里|周末|下雨天?|冬天|夏天|饭点)"
    r"|经常|隔三差五|整天|成天|一天到晚|周[一二三四五]到周[一二三四五六日]"
)
_PART = (
    r"凌晨|大清早|清早|一大早|早上|早晨|上午|中午|下午|傍晚|晚上|夜里|夜间|大半夜|后半夜|半夜"
    r"|深夜|前晌|后晌|晌午|一上午|一下午|一整天|一宿"
)
_CLOCK = rf"{_N}点(?:半|{_N}分|{_N}(?!百|千)|一刻|三刻)?(?:多钟?|来钟|钟|左右|整|前后)?"
_LASTED = (
    rf"(?:都|已经|有|快|得有|将近|大概|差不多|停了|漏了|持续|拖了|等了|断了|欠了)?(?:{_N}|好几"
    r"|几|半)(?:来|多)?(?:个)?(?:多)?(?:年|月|天|星期|礼拜|周|小时|钟头)(?:半)?(?:多)?(?=了|没"
    r"|都|不|，|。|！|$)"
)
_TOKEN = re.compile(
    rf"(?P<often>{_OFTEN})|(?P<part>{_PART})|(?P<clock>{_CLOCK})|(?P<day>{_DAY})"
    rf"|(?P<lasted>{_LASTED})"
)
_VAGUE = re.compile(
    r"这会儿|去年|前年|今年|最近|上个?月|上周|上个?(?:星期|礼拜)|前两天|前几天|这两天|这几天|国庆.*"
    r"|春节.*|五一.*"
)
_LASTED_LEAD = re.compile(r"^(?:都|已经|有|快|得有|停了|漏了|持续|拖了|等了|断了|欠了)")
_UNTIL = re.compile(rf"^[到至](?:{_PART})?{_CLOCK}")
_HOUR_NEXT = re.compile(rf"^[，,、]?{_CLOCK}")
_LEAST = 0.35
_ASKS_HOW_LONG = re.compile(r"多久|多长时间|多少天|几天了|几个月了")
_RANGE = re.compile(r"[到至~-]|一直到|到了")
_NEAR = re.compile(
    r"^(?:[，,、。…\s]|的|就是|吧|呃|嗯|就|大概|大约|差不多|都|是|早上|从|在|那天|也就|到|至"
    r"|一直|闹到|，)*$"
)
_CONTACT = re.compile(
    r"^(?:[以之往]?[后前]|左右|的时候|再|都|给我|我)*[，,]?(?:再|别|还不|要是不?|再不"
    r"|不来)?(?:打|联系|来水|来电|来人|来电|回电|给我打|我才|接|要是|还不来|不来|有空|方便"
    r"|上课|上班|下班)"
)
_REPORTED = re.compile(r"^[^，。！？]{0,4}(?:打过|打的|反映|投诉过|打了|答复|回复|受理|给我回)")
_PROMISED = re.compile(r"(?:预计|承诺|答应|等到|要等|要是|不来)$")


@dataclass(slots=True)
class _When:
    """One statement of time; each slot holds the words and where they were said."""

    said: Said
    start: int
    end: int
    slots: dict[str, str] = field(default_factory=dict)
    asked: bool = False
    corrected: bool = False
    echoed: bool = False
    """The operator said the same day or hour back."""
    parts: list[tuple[int, int]] = field(default_factory=list)


def suggest_time(talk: Talk) -> list[Suggestion]:
    statements = [when for said in talk.caller for when in _statements(said)]
    if not statements:
        return []
    heard = [when.slots for said in talk.agent if talk.confirmed(said) for when in _statements(said)]
    for when in statements:
        when.echoed = any(_same(when.slots, slots) for slots in heard)
    best = max(statements, key=_weight)
    merged = _merge(best, statements)
    value = _wording(merged.slots)
    if not value or _weight(best) < _LEAST:
        return []
    confidence = (
        0.62
        + 0.14 * best.asked
        + 0.08 * ("clock" in merged.slots)
        + 0.08 * ("day" in merged.slots or "often" in merged.slots)
    )
    evidence = tuple(best.said.evidence(start, end) for start, end in best.parts)
    if "lasted" in merged.slots and "lasted" not in best.slots:
        other = next(when for when in statements if "lasted" in when.slots)
        evidence = (*evidence, *(other.said.evidence(start, end) for start, end in other.parts))
    return [Suggestion(field="occur_time", value=value, confidence=round(min(confidence, 0.9), 2), evidence=evidence)]


def _statements(said: Said) -> Iterator[_When]:
    current: _When | None = None
    for match in _TOKEN.finditer(said.text):
        kind = str(match.lastgroup)
        if not _is_time(said, match, kind):
            continue
        gap = said.text[current.end : match.start()] if current is not None else ""
        corrected = CORRECTION.search(said.text[max(0, match.start() - 10) : match.start()]) is not None
        if current is not None and ((len(gap) <= 8 and _NEAR.match(gap)) or corrected):
            _add(current, kind, match, gap, corrected=corrected)
        else:
            if current is not None:
                yield current
            current = _When(
                said=said, start=match.start(), end=match.end(), asked=ASKS_TIME.search(said.asked) is not None
            )
            _add(current, kind, match, "", corrected=False)
    if current is not None:
        yield current


def _add(when: _When, kind: str, match: re.Match[str], gap: str, *, corrected: bool) -> None:
    text = match.group()
    if kind == "often" and "often" in when.slots and not corrected:
        return
    if kind == "day" and "day" in when.slots:
        prefix = re.match(r"上上?个?|这个?|本", when.slots["day"])
        if re.match(r"周|星期|礼拜", text) and prefix is not None:
            text = prefix.group() + text
        elif text.endswith(when.slots["day"]):
            pass
        elif re.match(rf"{_N}[号日]$", text) and not corrected and re.search(r"周|星期|礼拜", when.slots["day"]):
            text = f"{_plain_day(text)}（{_plain_day(when.slots['day'])}）"
        elif not corrected and not when.corrected and not re.match(rf"{_N}[号日]|今|昨", text):
            text = when.slots["day"] + text
    if kind == "clock" and "clock" in when.slots and not corrected and _RANGE.search(gap):
        text = f"{when.slots['clock']}到{text}"
    elif kind == "part" and "part" in when.slots and "clock" in when.slots and not corrected:
        when.end = match.end()
        return
    when.slots[kind] = text
    when.corrected = when.corrected or corrected
    when.end = match.end()
    when.parts.append(match.span())


def _is_time(said: Said, match: re.Match[str], kind: str) -> bool:
    after, before = said.text[match.end() :], said.text[: match.start()]
    if kind == "part":
        after = _HOUR_NEXT.sub("", after)
    if kind in ("part", "clock"):
        after = _UNTIL.sub("", after)
    if _CONTACT.match(after) or _PROMISED.search(before) or (kind != "lasted" and _REPORTED.match(after)):
        return False
    if kind == "clock":
        return (
            not re.match(r"点|儿|以后再", after)
            and not re.search(r"[零一二三四五六七八九十百千\d]$|(?:大声|快|慢|早|晚|多|少|有)$", before)
            and _plausible_clock(match.group())
            and (match.group() != "一点" or _OF_DAY.search(before) is not None)
        )
    if kind == "day":
        inside = any(a <= match.start() < b for a, b in said.reading.protected)
        return (
            not inside
            and not re.search(r"[零一二三四五六七八九十百千\d点年第几]$", before)
            and not (re.match(rf"{_N}号$", match.group()) and _no_date(said, match))
        )
    if kind == "lasted":
        return not re.match(r"级|龄|前打", after) and re.search(r"(?:就|才|开|第)$", before) is None
    return True


_OF_DAY = re.compile(rf"(?:{_PART}|[到至天号])$")
"""Elsewhere 一点 is a little."""


def _plausible_clock(text: str) -> bool:
    hour = _number(text.split("点", maxsplit=1)[0])
    return hour is not None and 0 <= hour <= 24


_NUMBERED = re.compile(r"[楼院线车路店桌窗机床厅出人门井杆]|正门|大门|业主|村民|工人|居民|[\u4e00-\u9fff]?单元|门面")


def _no_date(said: Said, match: re.Match[str]) -> bool:
    number = _number(match.group()[:-1])
    after = said.text[match.end() :]
    followed = _NUMBERED.match(after) is not None or re.match(r"那?是?(?:对门|隔壁|对面|旁边)", after) is not None
    house = f"{match.group()}院" in said.text or f"{match.group()}楼" in said.text
    return number is None or not 1 <= number <= 31 or followed or house


def _weight(when: _When) -> float:
    slots = when.slots
    weight = 1.0 * ("day" in slots) + 0.8 * ("clock" in slots) + 0.5 * ("part" in slots) + 0.9 * ("often" in slots)
    how_long = when.asked and _ASKS_HOW_LONG.search(when.said.asked) is not None
    weight += (2.2 if how_long else 0.4) * ("lasted" in slots) + 1.2 * when.asked + 0.3 * when.corrected
    vague = len(slots) == 1 and _VAGUE.fullmatch(slots.get("day", "")) is not None
    weight += 0.7 * when.echoed
    return weight - 0.8 * vague - 0.002 * when.said.index


def _same(one: dict[str, str], other: dict[str, str]) -> bool:
    """A day or an hour in common, whatever is said around it."""
    return any(
        key in one and key in other and one[key].rstrip("多来钟左右的") == other[key].rstrip("多来钟左右的")
        for key in ("clock", "day", "lasted")
    )


def _merge(best: _When, others: list[_When]) -> _When:
    merged = _When(
        said=best.said, start=best.start, end=best.end, slots=dict(best.slots), asked=best.asked, parts=best.parts
    )
    often = next((when.slots["often"] for when in others if "often" in when.slots), None)
    if often is not None and not {"often", "day"} & merged.slots.keys() and {"part", "clock"} & merged.slots.keys():
        merged.slots["often"] = often
    if "often" in merged.slots and not {"part", "clock", "day"} & merged.slots.keys():
        other = next(
            (when for when in others if {"part", "clock"} & when.slots.keys() and "day" not in when.slots), None
        )
        if other is not None:
            merged.slots |= {key: text for key, text in other.slots.items() if key in ("part", "clock")}
    if "often" in merged.slots and "day" not in merged.slots:
        since = next((when for when in others if "day" in when.slots and _SINCE.search(_before(when))), None)
        if since is not None:
            merged.slots["since"] = f"自{_plain_day(since.slots['day'])}起"
    if "lasted" not in merged.slots:
        lasted = next((when.slots["lasted"] for when in others if "lasted" in when.slots), None)
        if lasted is not None and ("often" in merged.slots or not ({"day", "clock"} & merged.slots.keys())):
            merged.slots["lasted"] = lasted
    return merged


_SINCE = re.compile(r"(?:从|打|自)(?:这个?|本)?$")


def _before(when: _When) -> str:
    return when.said.text[max(0, when.start - 4) : when.start]


def _wording(slots: dict[str, str]) -> str:
    day = slots.get("day", "")
    day = day if "（" in day else _plain_day(day)
    often = re.sub(r"天天|成天|整天", "每天", slots.get("often", ""))
    often = re.sub(r"个?晚上?$", "晚", with_digits(often).replace("连着", "连续")) if often.startswith("连") else often
    part = slots.get("part", "")
    part = {"前晌": "上午", "后晌": "下午", "晌午": "中午"}.get(part, part)
    clock = _clock(slots["clock"], part or slots.get("day", "") + often) if "clock" in slots else part
    when = f"{day}{often}{clock}" if clock not in ("一上午", "一下午", "一整天") or day else f"当天{clock[1:]}"
    lasted = with_digits(_LASTED_LEAD.sub("", slots.get("lasted", "")))
    lasted = f"已{lasted}" if lasted and not lasted.startswith("已") else lasted
    return "，".join(piece for piece in (slots.get("since", ""), when, lasted) if piece)


def _plain_day(day: str) -> str:
    said = (
        re.sub(r"(?:星期|礼拜)", "周", with_digits(day))
        .replace("个周", "周")
        .replace("就这周", "这周")
        .replace("周天", "周日")
    )
    said = re.sub(r"(\d+)号", r"\1日", said)
    said = re.sub(r"(\d+月)份?(?:一直)?[干做住拖闹]?[到至](\d+月)份?", r"\1至\2", said)
    table = {
        "夜来黑来": "昨晚",
        "夜来": "昨天",
        "今儿个": "今天",
        "今儿": "今天",
        "昨儿个": "昨天",
        "昨儿": "昨天",
        "今早": "今天早上",
    }
    return table.get(said, said)


def _clock(said: str, part: str) -> str:
    ends = [_hour(piece, part) for piece in re.split(r"到|至", said)]
    if len(ends) == 2 and ends[0] and ends[1]:
        return "-".join(ends)
    return ends[0] if len(ends) == 1 and ends[0] else part + with_digits(said)


def _hour(said: str, part: str) -> str:
    match = re.fullmatch(rf"({_N})点(?:(半|一刻|三刻)|({_N})分?)?(多钟?|来钟|钟|左右|整|前后)?", said)
    hour = _number(match.group(1)) if match is not None else None
    if match is None or hour is None:
        return ""
    if (
        hour < 12
        and re.search(r"下午|晚|傍晚|半夜|夜", part)
        and not (hour < 6 and re.search(r"半夜|后半夜|凌晨|夜里", part))
    ) or (hour <= 2 and "中午" in part):
        hour += 12
    minute = {"半": 30, "一刻": 15, "三刻": 45}.get(
        match.group(2) or "", _number(match.group(3)) if match.group(3) else 0
    )
    if minute is None or minute > 59:
        return ""
    about = match.group(4) in ("多", "多钟", "来钟", "左右", "前后")
    return f"{hour}时许" if about and not minute else f"{hour}:{minute:02d}" + ("左右" if about else "")


def _number(said: str) -> int | None:
    if said.isdecimal():
        return int(said)
    plain = said.replace("〇", "零")
    if re.fullmatch(r"零[一二三四五六七八九]", plain):
        plain = plain[1:]
    return value_of(plain)
