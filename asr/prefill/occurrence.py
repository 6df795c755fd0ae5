"""When it happened or happens: of all the times in a talk the one that is the matter's, as a ticket writes it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from asr.prefill.heard_times import by_ear
from asr.prefill.moments import ASKS_HOW_LONG, ASKS_OTHER, Moment, asks_when, moments_of
from asr.prefill.reading import Said, Talk
from asr.prefill.suggestions import Suggestion
from asr.prefill.timewords import Clock, TimeWord, clock, stretch

_LEAST = 0.35
_OVER_FIRST = 0.9
"""Whoever tells when he first called has said when it began, unless another time is plainly the matter's."""
_SURELY = 1.3
_OPENING = 1
"""The caller's first words, behind the operator's."""
_LATER = 0.6
"""What is told after the question of time was answered is likely of something else."""
_SAID_FIRST = 1.0
"""The caller takes up a time that the operator named."""
_PROPOSES = re.compile(r"提[^，。！？]{0,5}意见|建议")
_GRIEVED = re.compile(r"[到至]现在|至今|一直(?:没|不|拖)|[不没](?:给|退|发|人管)|停了|拖[着了欠]|欠[着了我]|坏了|投诉")
_SMALL_HOUR = re.compile("[一二两三四1-4]点")
"""Without a word of night it is one of the afternoon."""
_HAPPENED = re.compile(r"^[^，。！？]{0,8}?(?:的(?![^，。！？])|了|没了|不见|丢|撞|走失|出的)")


def suggest_time(talk: Talk, *, only_asks: bool = False) -> list[Suggestion]:
    """``only_asks``: to all appearance the caller wants to know something; then only what was asked for counts."""
    talk = by_ear(talk)
    statements = [when for said in talk.caller for when in moments_of(said)]
    told = [when for when in statements if not when.reported]
    told += [when for said in talk.agent if talk.agreed(said) for when in _offered(said)]
    if not told and not statements:
        return []
    heard = [when for said in talk.agent if talk.confirmed(said) for when in moments_of(said)]
    proposes = any(_PROPOSES.search(said.text) for said in talk.caller[:2])
    answered = min((said.index for said in talk.caller if asks_when(said.asked)), default=None)
    for when in told:
        back = [other for other in heard if _same(when, other)]
        when.echoed = any(other.said.index > when.said.index for other in back)
        if any(other.said.index < when.said.index for other in back) and not (when.asked or when.said.by_agent):
            when.doubt += _SAID_FIRST if not _told_before(when, statements) else 0.0
        if proposes and not when.asked:
            when.doubt += _proposed(when)
            when.echoed = False
        if answered is not None and when.said.index > answered and not (when.asked or when.echoed or when.lasted):
            when.doubt += _LATER
    if only_asks:
        grieved = any(_GRIEVED.search(said.text) for said in talk.caller)
        told = [when for when in told if _beyond_asking(when, grieved=grieved)]
    best = max(told, key=_weight, default=None)
    first = _first_report(statements)
    if best is None or _weight(best) < (_OVER_FIRST if first else _LEAST):
        return first
    merged = _whole(best, told, heard)
    value = _wording(merged)
    if not value:
        return []
    sure = 0.6 + 0.14 * best.asked + 0.06 * best.echoed + 0.06 * bool(merged.clocks)
    sure += 0.08 * bool((merged.day is not None and not merged.day.vague) or merged.often or merged.streak)
    rivals = [when for when in told if when.said is not best.said and _weight(when) > _weight(best) - 0.3]
    sure -= 0.06 * bool(rivals) + 0.1 * (best.doubt > 0) + 0.1 * only_asks
    evidence = tuple(merged.said.evidence(word.start, word.end) for word in _spoken(best))
    return [
        Suggestion(field="occur_time", value=value, confidence=round(max(0.5, min(sure, 0.9)), 2), evidence=evidence)
    ]


def _dated(when: Moment) -> bool:
    return when.day is not None and bool(when.day.date or when.day.month or when.day.year)


def _beyond_asking(when: Moment, *, grieved: bool) -> bool:
    """Something happened to the caller after all."""
    dated = when.day is not None and not when.day.vague and (when.day.grain != "other" or bool(when.day.year))
    return when.asked or when.echoed or when.named or (when.since and _weight(when) > _SURELY) or (grieved and dated)


def _spoken(when: Moment) -> Iterator[TimeWord]:
    at = -1
    for word in when.words:
        if word.start >= at:
            yield word
            at = word.end


def _first_report(statements: Sequence[Moment]) -> list[Suggestion]:
    """Who calls again and names no other time: since the matter was first reported."""
    first = next((when for when in statements if when.first_report and when.day is not None), None)
    if first is None or first.day is None:
        return []
    evidence = tuple(first.said.evidence(word.start, word.end) for word in _spoken(first))
    value = f"自{first.day.text}首次反映至今"
    return [Suggestion(field="occur_time", value=value, confidence=0.6, evidence=evidence)]


def suggest_first_report(talk: Talk, ticket: Suggestion | None) -> list[Suggestion]:
    """Who names no time but an earlier ticket of his: since its day, which its number has."""
    dated = re.match(r"[A-Z]*20\d\d(\d\d)(\d\d)", ticket.value) if ticket is not None else None
    callers = {said.turn.seg for said in talk.caller}
    if ticket is None or dated is None or not all(proof.seg in callers for proof in ticket.evidence):
        return []
    value = f"自{int(dated.group(1))}月{int(dated.group(2))}日首次反映至今"
    return [Suggestion(field="occur_time", value=value, confidence=0.55, evidence=ticket.evidence)]


def _offered(said: Said) -> Iterator[Moment]:
    """Times the operator asked whether they are right: 是昨天夜里开始的吗？"""
    for when in moments_of(said):
        tail = re.match(r"[^。！？]*", said.text[when.end :])
        question = tail is not None and re.match(r"[。！？]*$|？", said.text[when.end + tail.end() :]) is not None
        asks = tail is not None and re.search(r"(?:吗|吧|对不对|是不是)$", tail.group()) is not None
        if asks and question and not when.reported and not when.doubt and not ASKS_OTHER.search(said.text):
            when.doubt -= 0.4
            yield when


def _told_before(when: Moment, statements: Sequence[Moment]) -> bool:
    return any(other.said.index < when.said.index and _same(when, other) for other in statements)


def _proposed(when: Moment) -> float:
    """Hours and weekdays of a proposal are those wished for."""
    if when.day is None:
        return 0.6 if when.clocks or when.part else 0.9
    return 1.6 if when.day.week or when.often else 0.0


def _weight(when: Moment) -> float:
    weight = 0.8 * bool(when.clocks) + 1.0 * bool(when.streak)
    if when.part:
        alone = when.only_hour and not when.clocks and when.part not in _WHOLE_PARTS and not when.asked
        weight += 0.3 if alone and not when.acute else 0.5
    if when.day is not None:
        named = when.day.other.startswith("上") and when.said.index <= _OPENING
        weight += (0.4 if named else 0.3) if when.day.vague else 0.8 if when.day.grain == "other" else 1.0
        weight += 0.2 * bool(when.day.year and when.day.month)
    if when.now:
        weight += 0.5 if re.search(r"[年月]前$", when.now) else 1.2 if when.now == "当前" else 0.9
    if when.often:
        weight += 0.9 if when.clocks or when.part else 0.6 if re.match("每(?!逢)", when.often) else 0.3
    how_long = when.asked and ASKS_HOW_LONG.search(when.said.asked) is not None
    if when.lasted:
        weight += 2.2 if how_long else 0.45 if when.firm else 0.37
    weight += (
        1.2 * when.asked
        + 0.3 * when.corrected
        + 0.3 * when.stalled
        + 0.7 * when.echoed
        + 0.4 * when.named
        + 0.4 * (when.since and when.day is not None)
    )
    return weight - when.doubt - 0.002 * when.said.index


def _same(one: Moment, other: Moment) -> bool:
    """A day or an hour in common, whatever is said around it."""
    days = one.day is not None and other.day is not None and one.day.finest == other.day.finest
    hours = {_plain(said) for _, said in one.clocks} & {_plain(said) for _, said in other.clocks}
    lasted = bool(one.lasted) and one.lasted == other.lasted
    return days or bool(hours) or lasted


_WHOLE_PARTS = ("一上午", "一下午", "一整天")


def _plain(said: str) -> str:
    return re.sub(r"(?:多钟?|来钟|钟|左右|整|前后|许)$", "", said)


# the whole of it ------------------------------------------------------------------------------------------------------
def _whole(best: Moment, told: Sequence[Moment], heard: Sequence[Moment]) -> Moment:
    """With the day, the hour, how often and how long that other words add to it."""
    merged = replace(best, words=list(best.words), clocks=list(best.clocks))
    good = [when for when in told if when is not best and when.doubt < 0.6]
    near = [when for when in good if abs(when.said.index - best.said.index) <= 2]
    if best.day is not None and not best.since:
        finer = [when for when in near if when.day is not None and when.day.text.startswith(best.day.text)]
        merged.day = max((best.day, *(when.day for when in finer if when.day)), key=lambda day: len(day.text))
    if merged.only_hour or (merged.day is not None and merged.day.vague):
        backed = [when for when in heard if when.said.index > best.said.index and _same(best, when)]
        day = next((when for when in (*near, *backed, *good) if when.only_day and when.exact), None)
        frequent = next((when for when in good if when.often and not when.clocks), None)
        if frequent is not None and (day is None or merged.ranged) and merged.only_hour:
            merged.often = frequent.often
            merged.part = merged.part or frequent.part
        elif day is not None and merged.clocks:
            merged.day, merged.part = day.day, merged.part or day.part
            merged.clocks = [(part or day.part, said) for part, said in merged.clocks]
    elif merged.only_day and not merged.until and merged.exact and not merged.since:
        backed = [when for when in heard if when.said.index > best.said.index and _same(best, when) and when.clocks]
        later = [when for when in near if when.said.index >= best.said.index]
        hour = next((when for when in later if when.only_hour and when.clocks), None)
        if hour is not None and (hour.asked or hour.said is best.said or hour.part or merged.part):
            part = hour.part or merged.part
            merged.part, merged.ranged = part, hour.ranged
            merged.clocks = [(one or part, said) for one, said in hour.clocks]
        elif backed:
            merged.clocks, merged.part, merged.ranged = list(backed[0].clocks), backed[0].part, backed[0].ranged
    if merged.often and not merged.clocks and merged.day is None:
        _take_hours(merged, [when for when in good if when.said is best.said] if merged.part else good)
    if merged.day is not None and merged.since and not merged.often:
        regular = next((when for when in good if when.often and (when.clocks or when.part)), None)
        if regular is not None and not merged.clocks:
            merged.often, merged.clocks, merged.ranged = regular.often, list(regular.clocks), regular.ranged
            merged.part, merged.before = regular.part, regular.before
        elif not merged.clocks and (
            plain := next((when for when in near if when.often.startswith("每") and when.asked), None)
        ):
            merged.often = plain.often
            _take_hours(merged, near)
    if merged.often and merged.day is None:
        since = next((when for when in good if when.day is not None and when.since and not when.day.vague), None)
        if since is not None:
            merged.day, merged.since, merged.until_now = since.day, True, since.until_now
    if not merged.streak and merged.day is not None and not merged.since:
        merged.streak = next((when.streak for when in good if when.streak), "")
    if merged.lasted and merged.day is None and not (merged.often or merged.clocks or merged.streak or merged.now):
        told_too = [when for when in near if when.only_day and not when.doubt]
        began = next((when for when in told_too if when.since or (when.said is best.said and _dated(when))), None)
        if began is not None:
            merged.day, merged.since, merged.part = began.day, True, began.part
    if not merged.lasted and (merged.often or merged.since or merged.day is None) and not merged.now:
        merged.lasted = next((when.lasted for when in good if when.lasted and when.firm and when.doubt < 0.3), "")
    return merged


def _take_hours(merged: Moment, others: Sequence[Moment]) -> None:
    hours = [when for when in others if when.only_hour and (when.clocks or not merged.part)]
    hour = next((when for when in hours if when.ranged), hours[0] if hours else None)
    if hour is not None:
        merged.part = hour.part or merged.part
        merged.clocks, merged.ranged = [(part or merged.part, said) for part, said in hour.clocks], hour.ranged
        merged.before = hour.before


def _wording(when: Moment) -> str:
    if when.now and not when.clocks and not when.exact:
        return when.now + (when.day.text if when.day is not None and not when.day.vague else "")
    day = when.day.text if when.day is not None else ""
    part = when.part
    if when.until is not None and when.day is not None:
        day = f"{day}至{when.until.text}"
        return f"{day}，{when.often}{_hours(when)}" if when.often else day
    if part in _WHOLE_PARTS:
        part, day = part[1:], day or "当日"
    hours = _hours(when) if when.clocks else "" if part and when.often.endswith(part) else part
    if (
        day == "昨天"
        and re.search(r"(?<!傍)晚|夜", f"{part}{when.clocks[0][0] if when.clocks else ''}")
        and part != "后半夜"
    ):
        day, hours = "昨晚", hours if when.clocks else ""
    if (when.now or (when.acute and when.only_hour and not when.ranged)) and not day:
        day = "当日"
    once = when.until_now or (not when.ranged and not when.ends and _once(when))
    if not (day or when.often or when.streak) and when.clocks and once:
        day = "当日"
    regular = f"{when.often}{hours}" if when.often else ""
    if when.since and when.day is not None and (not when.day.vague or day.startswith("上")):
        lead = f"{day}{'' if regular else hours}"
        text = f"自{lead}{'至今' if when.until_now and not regular else '起'}"
        text = f"{lead}至今" if lead.endswith("后") else text
        pieces = [text, regular or when.streak]
    elif when.day is not None and regular:
        pieces = [day, regular]
    elif when.until_now and when.day is not None and not when.day.vague and not hours:
        pieces = [f"{day}至今", when.streak]
    else:
        pieces = [regular or f"{day}{hours}", when.streak]
        if when.streak and (when.ends or (part and not when.clocks and not day)):
            pieces = [when.streak, hours] if when.ends else [f"{when.streak}{part}"]
    lasted = _lasted(when, habit=bool(regular)) if when.lasted and not (when.streak or when.until_now) else ""
    return "，".join(_OF_THAT_DAY.sub("晚", piece) for piece in (*pieces, lasted) if piece)


_OF_THAT_DAY = re.compile(r"(?<=日)晚上$")
_ROUGHLY = re.compile(r"^(?:约|近|将近|快|几|好几|大半)|[多来几余]")


def _lasted(when: Moment, *, habit: bool) -> str:
    """已持续约半年 of what comes every day, 已三天 of what is so without a pause or since a day that is told."""
    if when.since or not habit:
        return f"已{when.lasted}"
    return f"已持续{'约' if _ROUGHLY.search(when.lasted) is None else ''}{when.lasted}"


def _once(when: Moment) -> bool:
    return when.asked or when.echoed or (bool(when.part) and _HAPPENED.match(when.said.text[when.end :]) is not None)


def _hours(when: Moment) -> str:
    return "、".join([*(_stretch(replace(when, clocks=one, ranged=True)) for one in when.before[:2]), _stretch(when)])


def _stretch(when: Moment) -> str:
    hours = [(part or when.part, said) for part, said in when.clocks[:1]] + when.clocks[1:]
    if len(hours) == 1 and not (hours[0][0] or when.often or when.streak) and _SMALL_HOUR.match(hours[0][1]):
        hours = [("下午", hours[0][1])]
    first = clock(hours[0][1], hours[0][0]) if hours else None
    if first is None:
        return when.part
    dawn = "凌晨" if "凌晨" in hours[0][0] and first.hour < 6 else ""
    if len(hours) == 1 or not when.ranged:
        dawn = dawn or ("凌晨" if "半夜" in hours[0][0] and first.hour < 6 else "")
        return f"{when.from_part}{'至' if when.ends else ''}{dawn}{first.text}"
    last: Clock | None = clock(hours[1][1], hours[1][0])
    return first.text if last is None else dawn + stretch(first, last, told=bool(hours[1][0]))
