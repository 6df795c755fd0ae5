"""The wrap-up note (小结) of a call, from what is understood of it: who, what, where, since when, wanted, promised."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from asr.prefill import Evidence, Suggestion
from asr.transcript import Speaker, Turn

LONGEST = 300
_KEPT = 0.5
_VERBS = {"咨询": "咨询", "求助": "求助", "投诉": "反映", "举报": "举报", "建议": "建议", "表扬": "表扬"}
_ANSWER = re.compile(r"可以|需要|准备|办理|流程|有效期|预计|建议您|审核|带上?|携带|网上|小程序|APP|窗口|工作日|恢复")
_PROMISE = re.compile(
    r"(?:转(?:给|到|办|派|交|接)?|派(?:单|发)?|登记|备注|督办|通知|联系|接通|回访|受理)[^，。？！]{0,24}"
)
_ASKS = re.compile(r"[？?]$|吗$|吗？")


def summarise(found: Mapping[str, Suggestion], turns: Sequence[Turn]) -> Suggestion | None:
    """``found`` by field. None while nothing is known of the matter."""
    text = {name: one.value for name, one in found.items() if one.confidence >= _KEPT}
    matter = _matter(text)
    if not matter:
        return None
    kind = _VERBS.get(text.get("appeal_type", ""), "反映")
    parts = [f"来电人{_who(text)}{kind}{matter}"]
    if text.get("occur_time"):
        parts[0] += f"（{text['occur_time']}）"
    if text.get("is_repeat") == "true":
        times = f"第{text['repeat_count']}次" if "repeat_count" in text else "曾"
        earlier = f"，前单{text['previous_ticket_no']}" if "previous_ticket_no" in text else ""
        parts.append(f"{times}反映{earlier}")
    if text.get("demand") and text.get("appeal_type") not in ("咨询", "表扬"):
        parts.append(f"诉求：{text['demand']}")
    done = _done(turns, answered=text.get("appeal_type") == "咨询")
    if done:
        parts.append(done)
    wishes = [
        words for name, words in (("confidential", "要求保密"), ("anonymous", "匿名")) if text.get(name) == "true"
    ]
    wishes += ["不需回复"] if text.get("reply_required") == "false" else []
    parts += ["、".join(wishes)] if wishes else []
    value = "。".join(part.rstrip("。，") for part in parts)[: LONGEST - 1] + "。"
    sure = min(0.74, min((found[name].confidence for name in ("category_code",) if name in found), default=0.5))
    return Suggestion(field="summary", value=value, confidence=round(sure, 2), evidence=_evidence(found))


def _who(text: Mapping[str, str]) -> str:
    if text.get("anonymous") == "true" or text.get("confidential") == "true" or not text.get("caller_name"):
        return ""
    title = {"男": "先生", "女": "女士"}.get(text.get("caller_gender", ""), "")
    name = text["caller_name"]
    return f"（{name[0] if title and len(name) <= 3 else name}{title}）"


def _matter(text: Mapping[str, str]) -> str:
    title = re.sub(r"(?:咨询|的建议)$", "", text.get("title", ""))
    return title.removeprefix("表扬") if text.get("appeal_type") == "表扬" else title


def _done(turns: Sequence[Turn], *, answered: bool) -> str:
    """What the operator said that will be done, or told the caller."""
    told = [
        clause
        for turn in turns
        if turn.speaker is Speaker.AGENT and turn.final
        for clause in re.split(r"(?<=[，。！？])", turn.text)
        if clause and not _ASKS.search(clause)
    ]
    if answered:
        words = next((clause for clause in told[1:] if len(clause) >= 8 and _ANSWER.search(clause)), "")
        return f"已答复：{words.strip('，。！')}" if words else "已当场答复"
    match = next((match for clause in reversed(told) if (match := _PROMISE.search(clause))), None)
    return f"已告知{match.group().strip('，。！')}" if match is not None else ""


def _evidence(found: Mapping[str, Suggestion]) -> tuple[Evidence, ...]:
    items = [item for name in ("title", "demand") if name in found for item in found[name].evidence]
    return tuple(dict.fromkeys(items))[:6]
