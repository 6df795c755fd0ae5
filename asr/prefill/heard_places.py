"""A place as somebody said it in the talk: taken back or put right, asked for, elsewhere, read back and let stand."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from asr.prefill.mentions import Detail, Span, Where, spans_of
from asr.prefill.questions import ASKS_PLACE
from asr.prefill.reading import Said, Talk
from asr.prefill.suggestions import Evidence

_OTHERS = re.compile(r"(?:楼上|楼下|对门|隔壁|邻居|他家|她家|他们家|人家|户主|朋友|他|她).{0,4}$")
_NOT = re.compile(r"(?:不是|不在|没在|没说|不叫|不住|而不是)(?:我们|在|咱|那个)?$")
_NOT_AFTER = re.compile(
    r"^(?:那边|那块|那个|倒|都|是)*(?:不是|没事|没坏|没问题|没有问题|好着|好了|好的|修好)(?:呢|的|了)*(?=[，,。]|我|的|$)"
)
_ELSEWHERE = re.compile(
    r"(?:我住在?|租的房子?就?在|租住?在|去|老家在?|单位在|上班在?|转到|工作在|回|搬到|原来住|以前住|之前住|从)$"
)
_ASKS_MORE = re.compile(
    r"几组|几队|哪个(?:部位|部门|科|病区|门诊)|哪一?[户站条口处片所间座]|哪个(?:派出所|市场|公园|厂|科室)|哪家厂"
)
_OWN_FIRM = re.compile(r"(?:公司|企业|厂|单位)(?:叫|是)[^。！？]{1,16}在[^，。]{0,6}$")
_IS_ABOUT = re.compile(r"(?:欠[钱款薪]的|投诉的|反映的|举报的)(?:单位|企业|公司)?(?:就?是|叫)$")
DIRECTS = re.compile(
    r"(?:(?:可以|需要?|得|建议您?|麻烦您|就近|直接|应该|也能)(?:先|再|直接|就近)*|，请您?)"
    r"(?:找|去|到|前往|拨打|联系|咨询|拿着|带(?!着))"
)
"""The operator says where to go: no place of the matter."""
_TAKEN_BACK = re.compile(r"[，,。、…]*(?:(?:哎|哦|呃|啊|嗐)[，,…]*)?(?:不是不是|不是(?=[，,。…])|不对|错了|说错)")
_ASKS_AGAIN = re.compile(r"[？?]|(?:吗|呢)(?:[，。]|$)|什么|怎么|哪|多少|几|有没有|是不是|贵姓")
_SAYS_WHERE = 24
"""How far into a reply an objection to a place names another."""


@dataclass(frozen=True, slots=True)
class Mention:
    said: Said
    span: Span
    negated: bool
    corrected: bool
    elsewhere: bool
    blamed: bool
    stands: bool
    """Said by the caller, or by the operator and not objected to."""

    @property
    def where(self) -> Where | None:
        return self.span.where

    @property
    def asked(self) -> bool:
        asked = self.said.asked
        if not self.said.by_caller:
            return False
        return any(asks.search(asked) for asks in (ASKS_PLACE, _ASKS_MORE)) or _chosen(self.said)

    @property
    def spots(self) -> tuple[Detail, ...]:
        return tuple(detail for detail in self.span.details if detail.slot == "spot")

    @property
    def doors(self) -> tuple[Detail, ...]:
        return tuple(detail for detail in self.span.details if detail.slot != "spot")

    def door(self, slot: str) -> str | None:
        return next((detail.shown for detail in self.doors if detail.slot == slot), None)

    def evidence(self, detail: Detail) -> Evidence:
        return self.said.evidence(detail.start, detail.end)

    @property
    def head(self) -> Evidence:
        return self.said.evidence(self.span.start, self.span.head_end)


def judged(talk: Talk, said: Said, span: Span) -> Mention:
    text = said.text
    span = _without_choices(said, span)
    other_door = span.where is not None and said.by_agent and _puts_door_right(talk, said)
    span = replace(span, details=()) if other_door else span
    before, after = text[max(0, span.start - 8) : span.start], text[span.end :]
    negated = _NOT.search(before) is not None or _NOT_AFTER.match(after) is not None
    other = _OTHERS if span.where is None else _ELSEWHERE
    taken_back = _TAKEN_BACK.match(after) is not None and _another(said, span)
    negated = negated or taken_back
    far = any(detail.shown.startswith("至") for detail in span.details)
    corrected = said.reading.corrected_at(span.start) or _RATHER.search(text[: span.start]) is not None
    corrected = corrected or re.match(r"[，,]?(?:才对|不是(?!吗|的))", after) is not None
    return Mention(
        said=said,
        span=span,
        negated=negated,
        corrected=corrected and not negated,
        elsewhere=(other.search(before) is not None and not far)
        or _OWN_FIRM.search(text[max(0, span.start - 26) : span.start]) is not None,
        blamed=_IS_ABOUT.search(before) is not None,
        stands=said.by_caller or ((other_door or stands(talk, said, span.end)) and not _directed(said, span)),
    )


def _chosen(said: Said) -> bool:
    """门诊楼还是住院部？ 门诊楼，三楼: one of two is repeated, and more of where follows."""
    start, end = said.reading.clauses[0] if said.reading.clauses else (0, 0)
    return end - start >= 2 and _CHOICE.search(said.asked) is not None and said.text[start:end] in said.asked


_RATHER = re.compile(
    r"(?:不是[^，。？！]{1,12}[，,]?|没说[^，。？！]{1,12}[，。？！呃嗯啊饿额的]+)(?:而|我们|应该)?是$"
)
"""不是五栋，是十五栋. 我没说东南角吧？是西南角, and 呃 heard as 饿."""
_CHOICE = re.compile(r"是[^，。？！]{1,10}还是|[楼院部区室门店]还是")


def _without_choices(said: Said, span: Span) -> Span:
    """柳泉镇下柳村。是水渠没水还是机井坏了？ The operator does not know yet."""
    choice = _CHOICE.search(said.text, span.head_end) if said.by_agent and span.details else None
    if choice is None:
        return span
    return replace(span, details=tuple(detail for detail in span.details if detail.end <= choice.start()))


def _directed(said: Said, span: Span) -> bool:
    """可以找后岭村村委会, where the words up to the place are the operator's advice."""
    start = max(said.text.rfind(mark, 0, span.start) for mark in "。！？") + 1
    return said.by_agent and DIRECTS.search(said.text, start, span.start) is not None


def _another(said: Said, span: Span) -> bool:
    """Another place is named soon after, or after a single number another one, or a spot."""
    later = [other for other in spans_of(said.reading) if 0 < other.start - span.end < _SAYS_WHERE]
    if span.where is None:
        return sum(detail.slot != "spot" for detail in span.details) <= 1 and any(other.details for other in later)
    return any(other.where is not None and other.where != span.where for other in later)


def _puts_door_right(talk: Talk, said: Said) -> bool:
    """不对，是三栋不是二栋: what the operator named stands, but for its door."""
    reply = talk.reply(said)
    if reply is None or talk.confirmed(said):
        return False
    named = [span for span in spans_of(reply.reading) if span.start < _SAYS_WHERE]
    return (
        bool(named)
        and all(span.where is None for span in named)
        and all(detail.slot != "spot" for detail in named[0].details)
    )


def stands(talk: Talk, said: Said, end: int) -> bool:
    """The caller did not object to the place the operator named up to ``end``.

    A "no" to what was asked after it, or one that names no place, objects to something else.
    """
    if talk.confirmed(said):
        return True
    reply = talk.reply(said)
    if reply is None:
        return True
    elsewhere = any(span.start < _SAYS_WHERE for span in spans_of(reply.reading))
    rest = re.split(r"[，,。、]", said.text[end:], maxsplit=1)
    return not elsewhere and len(rest) > 1 and _ASKS_AGAIN.search(rest[1]) is not None
