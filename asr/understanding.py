"""A whole talk understood: what fills the ticket, and which lines it concerns; then the ticket itself (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from asr.cues import Action, Cue, hear
from asr.gist import EMERGENCIES
from asr.learning import Learnt
from asr.lexicon import Category, Lexicon
from asr.lexicon.urgency import Urgency
from asr.options import categories, departments, with_options
from asr.prefill import Evidence, Suggestion, prepare, rank_categories, suggest
from asr.prefill.matters import likeliest_appeal, told_urgency
from asr.summary import summarise
from asr.transcript import Speaker, Turn

REVISIT = "outbound_revisit"
KEEPS = 0.5
"""Below this a suggestion is offered and fills no field of the ticket."""
KEEPS_MATTER = 0.3
"""A ticket needs a category and a department: the likeliest is put down, ``category_options`` beside it."""
_MATTER = ("category_code", "department")
_FACILITY = "9005"
_REHEARSED = 12
"""Turns of the lexicon's talk."""
_OF_A_REPEAT = ("is_repeat", "repeat_count")
"""To be asked how it went is no call of one's own."""
_HABIT = re.compile(r"每|经常|平时|最近|整天")
_BY_GIST = "gist"
"""The concern of a cue that no rule named."""
_CLEAR = 0.3
_OF_TARGET = {"110": "9001", "119": "9002", "120": "9003", "122": "9004"}
_OF_CONCERN = {"powerline": _FACILITY, "manhole": _FACILITY}
_OF_LINE = {"12366": "1301", "12329": "0104", "12333": "08"}
"""A category, or what those of the line begin with."""
_NUMBERS = ("contact_phone", "caller_name", "caller_gender", "district", "town", "address", "occur_time", "subject")
_TEXTS = ("title", "description", "demand", "summary", "contact_note", "previous_ticket_no")
_SPOKEN_LINES = {
    "110": r"110|幺幺零|一一零|一百一十(?![一二三四五六七八九])", "119": r"119|幺幺九|一一九|一百一十九",
    "120": r"120|幺二零|一二零|一百二十(?![一二三四五六七八九])", "122": r"122|幺二二|一二二|一百二十二",
    "12366": r"12366|幺二三六六|一二三六六", "12329": r"12329|幺二三二九|一二三二九",
    "12333": r"12333|幺二三三三|一二三三三",
}  # fmt: skip
_PASSES_ON = r"(?:转接?|接通|接|通知|通报|呼叫|联系|叫|连线)(?:给|到|至|了)?(?:您|你)?(?:到|给)?[^，。]{0,4}"
_TOLD = r"[^，。]{0,3}(?:您好|已接通|接通了|待命|已经接通|在线)"
_ANSWERED = re.compile(r"(?:登记|(?<!流)(?<!周)转(?!接|出|入|让)|派(?!出)|反映给|记录|备注|受理|督办)")
_REFUSED = re.compile(r"不(?:予|能)受理|不属于|起诉|诉讼|法院|仲裁|上诉")
_REDONE = re.compile(r"(?<!不)(?<!不用)退回(?:去|给他们)?[，]?重(?:新)?办")
_SCORE = re.compile(r"[零一二三四五12345](?=分(?!钟))")
_GREETING = re.compile(r"喂|[你您]好|谁啊?|[，。？！、\s]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Understood:
    """At most one suggestion a field; the cues that stand, the most urgent first."""

    suggestions: tuple[Suggestion, ...]
    cues: tuple[Cue, ...]


def rehearse(lexicon: Lexicon, urgency: Urgency) -> None:
    """What the first call would wait for, some seconds: everything is indexed, and a short talk understood."""
    prepare(lexicon)
    turns = [
        Turn(seg=seg, rev=1, speaker=Speaker.CALLER, text=text, start_s=seg, end_s=seg + 1, final=True)
        for seg, text in enumerate(lexicon.talk[:_REHEARSED], 1)
    ]
    understand(turns, caller_number="", lexicon=lexicon, urgency=urgency)


def understand(
    turns: Sequence[Turn],
    *,
    caller_number: str,
    lexicon: Lexicon,
    urgency: Urgency,
    call_type: str = "inbound",
    learnt: Learnt | None = None,
) -> Understood:
    """Meant to be called after each final; partial turns are heard for cues only. ``learnt`` has its say on matters."""
    cues = () if call_type == REVISIT else hear(turns, lexicon, urgency)
    read = [
        replace(turn, speaker=Speaker.CALLER) if call_type == REVISIT and number == 0 else turn
        for number, turn in enumerate(turns)
    ]
    found: Sequence[Suggestion] = suggest(read, caller_number=caller_number, lexicon=lexicon)
    if learnt is not None and learnt.trust:
        found = _with_learnt(found, read, lexicon, learnt)
    found = _with_emergency(_with_line(found, cues, turns, lexicon), cues, turns, lexicon)
    if call_type == REVISIT:
        found = [one for one in found if one.field not in _OF_A_REPEAT]
    found = with_options(found, rank_categories(read, lexicon), lexicon, never=_OF_TARGET.values())
    note = summarise({one.field: one for one in found}, turns)
    return Understood(suggestions=(*found, *([note] if note is not None else [])), cues=cues)


def _with_emergency(
    found: Sequence[Suggestion], cues: Sequence[Cue], turns: Sequence[Turn], lexicon: Lexicon
) -> list[Suggestion]:
    """What is happening now is the matter of the call, whatever words were counted; without a cue it is not."""
    urgent = [cue for cue in cues if cue.target in EMERGENCIES and cue.action is not Action.NOTIFY]
    if not urgent or (all(cue.concern == _BY_GIST for cue in urgent) and _matter_is_clear(turns, lexicon)):
        return _without_emergency(found, turns, lexicon)
    order = {turn.seg: number for number, turn in enumerate(turns)}
    first = min(urgent, key=lambda cue: (order.get(cue.seg, 0), urgent.index(cue)))
    code = _OF_CONCERN.get(first.concern, _OF_TARGET[first.target])
    category = lexicon.category(code)
    if category is None:
        return list(found)
    proof = (Evidence(seg=first.seg, start=first.start, end=first.end),)
    sure = round(min(0.95, 0.7 + 0.15 * (first.score - 0.6)), 2)
    sent = any(target in EMERGENCIES for target in transfers(turns, cues))
    level = "紧急" if code in ("9004", _FACILITY) and not sent else "特急"
    forced = {
        "category_code": code, "department": category.department, "appeal_type": "求助", "urgency": level,
    }  # fmt: skip
    kept = [one for one in found if one.field not in forced and not _is_habit(one)]
    kept += [Suggestion(field=name, value=value, confidence=sure, evidence=proof) for name, value in forced.items()]
    if not any(one.field == "occur_time" for one in kept):
        kept.append(Suggestion(field="occur_time", value="刚刚", confidence=0.7, evidence=proof))
    return kept


def _is_habit(one: Suggestion) -> bool:
    """每天 of the cars that stand in the way is not when it burns."""
    return one.field == "occur_time" and _HABIT.match(one.value) is not None


def _matter_is_clear(turns: Sequence[Turn], lexicon: Lexicon) -> bool:
    """A card is raised for what only resembles an emergency, but the ticket's matter is what the talk is about."""
    ranked = rank_categories(turns, lexicon)
    return bool(ranked) and ranked[0][1] >= _CLEAR and ranked[0][0] not in _OF_TARGET.values()


def _with_line(
    found: Sequence[Suggestion], cues: Sequence[Cue], turns: Sequence[Turn], lexicon: Lexicon
) -> Sequence[Suggestion]:
    """What the operator passes on to a service line is that line's business."""
    codes = [code for line, code in _OF_LINE.items() if line in transfers(turns, cues)]
    chosen = next((one for one in found if one.field == "category_code"), None)
    if len(codes) != 1 or (chosen is not None and chosen.value.startswith(codes[0])):
        return found
    ranked = [code for code, _ in rank_categories(turns, lexicon) if code.startswith(codes[0])]
    category = lexicon.category(ranked[0] if ranked else codes[0])
    if category is None:
        return found
    proof = chosen.evidence if chosen is not None else ()
    forced = {"category_code": category.code, "department": category.department}
    return [
        *(one for one in found if one.field not in forced),
        *(Suggestion(field=name, value=value, confidence=0.8, evidence=proof) for name, value in forced.items()),
    ]


def _with_learnt(
    found: Sequence[Suggestion], turns: Sequence[Turn], lexicon: Lexicon, learnt: Learnt
) -> list[Suggestion]:
    """What closed tickets say of such words beside what the keywords say, the more the more there were."""
    words = "".join(turn.text for turn in turns if turn.final and turn.speaker is Speaker.CALLER)
    shares = {code: (1 - learnt.trust) * share for code, share in rank_categories(turns, lexicon)}
    for code, share in learnt.of_category(words).items():
        if lexicon.category(code) is not None:
            shares[code] = shares.get(code, 0.0) + learnt.trust * share
    if not shares:
        return list(found)
    ranked = sorted(shares.items(), key=lambda pair: (-pair[1], pair[0]))
    category = lexicon.category(ranked[0][0])
    assert category is not None
    second = ranked[1][1] if len(ranked) > 1 else 0.0
    sure = round(min(0.95, 0.35 + 0.35 * ranked[0][1] + 0.35 * (ranked[0][1] - second)), 2)
    chosen = next((one for one in found if one.field == "category_code"), None)
    known = next((one for one in found if one.field == "department"), None)
    told = learnt.of_department(words)
    kept = (
        known.value
        if known is not None and chosen is not None and chosen.value == category.code
        else category.department
    )
    weights = {name: learnt.trust * share for name, share in told.items()}
    weights[kept] = weights.get(kept, 0.0) + 1 - learnt.trust
    department = max(weights, key=lambda name: (weights[name], name == kept))
    proof = chosen.evidence if chosen is not None and chosen.value == category.code else ()
    others = [one for one in found if one.field not in ("category_code", "department")]
    return [
        *others,
        Suggestion(field="category_code", value=category.code, confidence=sure, evidence=proof),
        Suggestion(field="department", value=department, confidence=sure, evidence=proof),
    ]


def _without_emergency(found: Sequence[Suggestion], turns: Sequence[Turn], lexicon: Lexicon) -> list[Suggestion]:
    chosen = next((one for one in found if one.field == "category_code"), None)
    if chosen is None or chosen.value not in _OF_TARGET.values():
        return list(found)
    other = next((code for code, _ in rank_categories(turns, lexicon) if code not in _OF_TARGET.values()), None)
    category = lexicon.category(other) if other is not None else None
    if category is None:
        return [one for one in found if one.field not in ("category_code", "department", "urgency")]
    forced = {
        "category_code": category.code,
        "department": category.department,
        "appeal_type": likeliest_appeal(turns, lexicon) or category.appeal_type,
        "urgency": told_urgency(turns, lexicon) or "一般",
    }
    return [
        replace(one, value=forced[one.field], confidence=min(one.confidence, 0.55)) if one.field in forced else one
        for one in found
    ]


# the ticket -----------------------------------------------------------------------------------------------------------
def ticket_of(
    understood: Understood,
    turns: Sequence[Turn],
    *,
    caller_number: str,
    lexicon: Lexicon,
    call_type: str = "inbound",
) -> dict[str, Any]:
    """The fields of a ticket as a clerk would leave them; None where nothing was understood."""
    found = {
        one.field: one
        for one in understood.suggestions
        if one.confidence >= (KEEPS_MATTER if one.field in _MATTER else KEEPS)
    }
    text: dict[str, str | None] = {name: found[name].value if name in found else None for name in (*_NUMBERS, *_TEXTS)}
    flags = {name: name in found and found[name].value == "true" for name in ("confidential", "anonymous", "is_repeat")}
    counts = {
        name: int(found[name].value) if name in found else None
        for name in ("amount_yuan", "people_count", "repeat_count")
    }
    category = lexicon.category(found["category_code"].value) if "category_code" in found else None
    department = found["department"].value if "department" in found else None
    kind = found["appeal_type"].value if "appeal_type" in found else None
    transfer_to = transfers(turns, understood.cues)
    disposition = _disposition(kind, turns, understood.cues, transfer_to, text, flags)
    phone = text["contact_phone"]
    wants = found["reply_required"].value == "true" if "reply_required" in found else None
    return {
        **text,
        **flags,
        **counts,
        "appeal_type": kind,
        "category_code": category.code if category is not None else None,
        "category_level1": category.level1 if category is not None else None,
        "category_level2": category.level2 if category is not None else None,
        "category_options": categories(
            category.code if category is not None else None,
            rank_categories(turns, lexicon),
            never=_OF_TARGET.values(),
        ),
        "department": department,
        "department_options": departments(category, department),
        "co_departments": list(category.co_departments) if category is not None else [],
        "urgency": found["urgency"].value if "urgency" in found else "一般",
        "phone_source": None
        if phone is None
        else "caller_stated"
        if _stated(found["contact_phone"], phone, caller_number, turns)
        else "caller_id",
        "reply_required": wants if wants is not None else disposition != "直接答复" and not flags["anonymous"],
        "disposition": disposition,
        "transfer_to": transfer_to,
        "tags": _tags(understood, text, flags, turns),
        "additional_tickets": _second(understood, turns, text, category, lexicon),
        "revisit": _revisit(turns) if call_type == REVISIT else None,
        "caller_display": _display(text["caller_name"], text["caller_gender"]),
    }


def _stated(one: Suggestion, phone: str, caller_number: str, turns: Sequence[Turn]) -> bool:
    if phone != caller_number:
        return True
    texts = {turn.seg: turn.text for turn in turns}
    said = "".join(texts.get(item.seg, "")[item.start : item.end] for item in one.evidence)
    return len(re.findall(r"[零〇一二两三四五六七八九幺0-9]", said)) >= 7


def transfers(turns: Sequence[Turn], cues: Sequence[Cue]) -> list[str]:
    """Lines the operator said to pass this on to, the ones in the cues first."""
    told = "，".join(turn.text for turn in turns if turn.speaker is Speaker.AGENT)
    named = [
        target
        for target, spoken in _SPOKEN_LINES.items()
        if re.search(rf"{_PASSES_ON}(?:{spoken})|(?:{spoken}){_TOLD}", told)
    ]
    order = {cue.target: number for number, cue in enumerate(cues)}
    keeps = [cue.target for cue in cues if cue.action is Action.KEEP_LINE and cue.target in EMERGENCIES]
    return sorted(dict.fromkeys([*named, *keeps[:1]]), key=lambda target: order.get(target, 9))


def _disposition(
    kind: str | None,
    turns: Sequence[Turn],
    cues: Sequence[Cue],
    transfer_to: Sequence[str],
    text: Mapping[str, str | None],
    flags: Mapping[str, bool],
) -> str:
    told = "，".join(turn.text for turn in turns[1:] if turn.speaker is Speaker.AGENT)
    heard = "，".join(turn.text for turn in turns if turn.speaker is Speaker.CALLER)
    if transfer_to and not all(target.startswith("123") for target in transfer_to):
        several = len(transfer_to) > 1 or any(cue.action is Action.KEEP_LINE for cue in cues)
        return "三方通话" if several else "转接"
    if transfer_to:
        return "转接"
    if _REDONE.search(told):
        return "退回重办"
    if flags["is_repeat"] and "不满意" in heard + told and (text["previous_ticket_no"] or "重新" in told):
        return "退回重办"
    if _REFUSED.search(told) and not re.search(r"登记|转(?:给|到)|派", told):
        return "不予受理"
    return "直接答复" if kind == "咨询" and not _promises(told) else "派单"


def _promises(told: str) -> bool:
    """The operator registers or passes on; what is only asked or offered does not count."""
    clauses = [clause for clause in re.split(r"[，。！]", told) if "？" not in clause and "吗" not in clause]
    return any(
        _ANSWERED.search(clause) and not re.search(r"可以|登记前|自己|您去|登记处|登记机", clause) for clause in clauses
    )


_TAG_WORDS = {
    "不满意": r"不满意",
    "代诉求": r"我(?:是)?(?:替|代)[^，。]{1,8}(?:打|反映|问|说)",
    "误拨": r"是(?:110|119|120|122|幺幺零|幺二零|幺幺九)不是|打错",
    "高龄老人": r"[七八九]十(?:多|来|几)?岁|[七八九]十[一二三四五六七八九]了|九十",
    "独居老人": r"一个人住|独居",
    "外地游客": r"我是外地|来旅游|来玩",
    "断药": r"药都?断",
    "电量低": r"快没电",
    "未成年来电": r"我(?:上|是)(?:小学|中学|初中|高中|初[一二三]|高[一二三])|上学生",
    "群体": r"几十|上百|百十",
}


def _tags(
    understood: Understood, text: Mapping[str, str | None], flags: Mapping[str, bool], turns: Sequence[Turn]
) -> list[str]:
    heard = "，".join(turn.text for turn in turns if turn.speaker is Speaker.CALLER)
    tags = [name for name, pattern in _TAG_WORDS.items() if re.search(pattern, heard)]
    tags += ["匿名"] if flags["anonymous"] else []
    tags += ["重复"] if flags["is_repeat"] else []
    tags += ["保持通话"] if any(cue.action is Action.KEEP_LINE for cue in understood.cues) else []
    tags += ["轻生风险"] if any(cue.concern == "suicide" for cue in understood.cues) else []
    return tags


def _second(
    understood: Understood,
    turns: Sequence[Turn],
    text: Mapping[str, str | None],
    main: Category | None,
    lexicon: Lexicon,
) -> list[dict[str, Any]]:
    """Behind an emergency stands a matter of its own: wages, a lift that was not kept up."""
    if main is None or not main.code.startswith("90"):
        return []
    ranked = [(code, share) for code, share in rank_categories(turns, lexicon) if not code.startswith("90")]
    category = lexicon.category(ranked[0][0]) if ranked and ranked[0][1] >= 0.08 else None
    if category is None:
        return []
    place = text["address"] or ""
    return [
        {
            "appeal_type": category.appeal_type,
            "category_code": category.code,
            "title": f"{place}{category.level2}问题",
            "department": category.department,
            "co_departments": list(category.co_departments),
            **{name: text[name] for name in ("caller_name", "contact_phone", "district", "town", "address")},
            "urgency": "一般",
            "disposition": "派单",
        }
    ]


def _display(name: str | None, gender: str | None) -> str | None:
    if name is None or len(name) > 1:
        return name
    return f"{name}{ {'男': '先生', '女': '女士'}.get(gender or '', '先生/女士') }"


def _revisit(turns: Sequence[Turn]) -> dict[str, Any]:
    """What a call-back to ask how it went brought: contact, solved, stars, satisfied. Who said nothing told nothing."""
    heard = "，".join(turn.text for turn in turns if turn.speaker is Speaker.CALLER)
    told = "，".join(turn.text for turn in turns if turn.speaker is Speaker.AGENT)
    stars: list[int | None] = []
    for name in ("态度", "结果"):
        match = re.search(rf"{name}[^分]{{0,8}}?([一二三四五12345])分(?!钟)", heard) or _SCORE.search(heard)
        digits = match.group(match.lastindex or 0) if match is not None else None
        stars.append(
            "零一二三四五".index(digits) if digits in tuple("零一二三四五") else int(digits) if digits else None
        )
    none = re.search(r"没(?:人)?(?:给我|跟我|和我)?(?:联系|打过|来过)|没见(?:过)?人", heard)
    partial = "部分" in told + heard
    told_nothing = not _GREETING.sub("", heard)
    solved = None if partial or told_nothing else not re.search(r"没解决|没修|没处理|还是(?:老样子|那样)|没弄", heard)
    satisfied = None if partial or told_nothing or re.search(r"算不算满意", heard) else "不满意" not in heard
    return {
        "connected": bool(heard),
        "contacted_by_dept": None if told_nothing else none is None,
        "solved": solved,
        "attitude_star": stars[0],
        "result_star": stars[1],
        "satisfied": satisfied,
        "redo": solved is False,
        "reason": ["部分解决"] if partial else [],
    }
