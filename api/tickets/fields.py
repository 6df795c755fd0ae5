"""The fields of a ticket: one table of names, kinds, limits, and when they are required (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from api.errors import InvalidField

APPEAL_TYPES = ("咨询", "求助", "投诉", "举报", "建议", "表扬", "其他")
URGENCIES = ("一般", "紧急", "特急")
GENDERS = ("男", "女", "未知")

Value = str | bool | None


class Disposition(StrEnum):
    """What the operator decides at the end of a call (处理结果)."""

    DIRECT_ANSWER = "direct_answer"
    """直接答复."""
    DISPATCH = "dispatch"
    """派单办理."""
    INVALID = "invalid"
    """无效来电."""


class NoTicket(StrEnum):
    """Why no ticket comes of a call (无需工单)."""

    ANSWERED_BACK = "answered_back"
    """A citizen who was called back has been helped already."""
    WRONG_NUMBER = "wrong_number"
    NOBODY_SPOKE = "nobody_spoke"
    NOT_REACHED = "not_reached"
    SAME_MATTER = "same_matter"
    """It belongs to a ticket that there is."""
    OWN_CALL = "own_call"
    """A colleague's, a department's or a test call."""
    NUISANCE = "nuisance"


class Kind(StrEnum):
    LINE = "line"
    TEXT = "text"
    CHOICE = "choice"
    PHONE = "phone"
    CODE = "code"
    FLAG = "flag"
    NUMBER = "number"
    """A whole number; kept as its digits while it is a draft."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """``required_for`` these dispositions, ``unless`` another field has this value. ``personal``: sealed at rest.

    ``longest``: characters; 0 where the kind says it all.
    """

    name: str
    kind: Kind
    longest: int = 0
    choices: tuple[str, ...] = ()
    personal: bool = False
    required_for: frozenset[Disposition] = frozenset()
    unless: tuple[str, Value] | None = None


_DISPATCHED = frozenset({Disposition.DISPATCH})
_TOLD = frozenset({Disposition.DISPATCH, Disposition.DIRECT_ANSWER})

_RULES = (
    Rule(name="title", kind=Kind.LINE, longest=80, required_for=_TOLD),
    Rule(name="appeal_type", kind=Kind.CHOICE, choices=APPEAL_TYPES, required_for=_TOLD),
    Rule(name="category_code", kind=Kind.CODE, longest=8, required_for=_DISPATCHED),
    Rule(
        name="address",
        kind=Kind.LINE,
        longest=200,
        personal=True,
        required_for=_DISPATCHED,
        unless=("appeal_type", "咨询"),
    ),
    Rule(name="district", kind=Kind.LINE, longest=40),
    Rule(name="town", kind=Kind.LINE, longest=40),
    Rule(name="description", kind=Kind.TEXT, longest=4000, required_for=_TOLD),
    Rule(name="demand", kind=Kind.TEXT, longest=1000),
    Rule(name="caller_name", kind=Kind.LINE, longest=40, personal=True),
    Rule(name="caller_gender", kind=Kind.CHOICE, choices=GENDERS),
    Rule(
        name="contact_phone",
        kind=Kind.PHONE,
        longest=20,
        personal=True,
        required_for=_DISPATCHED,
        unless=("anonymous", True),
    ),
    Rule(name="occur_time", kind=Kind.LINE, longest=60),
    Rule(name="subject", kind=Kind.LINE, longest=120),
    Rule(name="urgency", kind=Kind.CHOICE, choices=URGENCIES),
    Rule(name="department", kind=Kind.LINE, longest=60),
    Rule(name="confidential", kind=Kind.FLAG),
    Rule(name="anonymous", kind=Kind.FLAG),
    Rule(name="contact_note", kind=Kind.LINE, longest=120, personal=True),
    Rule(name="reply_required", kind=Kind.FLAG),
    Rule(name="amount_yuan", kind=Kind.NUMBER, longest=9),
    Rule(name="people_count", kind=Kind.NUMBER, longest=6),
    Rule(name="is_repeat", kind=Kind.FLAG),
    Rule(name="repeat_count", kind=Kind.NUMBER, longest=4),
    Rule(name="previous_ticket_no", kind=Kind.LINE, longest=24),
    Rule(name="summary", kind=Kind.TEXT, longest=2000),
)
RULES: Mapping[str, Rule] = {rule.name: rule for rule in _RULES}

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u2028\u2029\ud800-\udfff]")
_PHONE = re.compile(r"\+?[0-9][0-9-]*")
_CODE = re.compile(r"[0-9]+")
_ONLY = {
    Kind.PHONE: (_PHONE, "a telephone number"),
    Kind.CODE: (_CODE, "a code of digits"),
    Kind.NUMBER: (_CODE, "a whole number"),
}


def checked(name: str, value: Value) -> Value:
    """The value as it is stored: trimmed, an empty text as None. Raises InvalidField."""
    rule = RULES.get(name)
    if rule is None:
        raise InvalidField("field", "the name of a ticket field")
    if value is None:
        return None
    if rule.kind is Kind.FLAG:
        return _flag(name, value)
    if not isinstance(value, str):
        raise InvalidField(name, "a text")
    return _text(rule, value)


def _flag(name: str, value: str | bool) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return value == "true"
    raise InvalidField(name, "true or false")


def _text(rule: Rule, value: str) -> str | None:
    text = value.strip()
    if rule.kind in (Kind.PHONE, Kind.NUMBER):
        text = re.sub(r"[ \u3000]", "", text)
    if not text:
        return None
    if _UNPRINTABLE.search(text) or (rule.kind is not Kind.TEXT and re.search(r"[\t\n]", text)):
        raise InvalidField(rule.name, "printable text")
    if rule.kind is Kind.CHOICE:
        if text not in rule.choices:
            raise InvalidField(rule.name, f"one of {' '.join(rule.choices)}")
        return text
    if len(text) > rule.longest:
        raise InvalidField(rule.name, f"at most {rule.longest} characters")
    shape, called = _ONLY.get(rule.kind, (None, ""))
    if shape is not None and not shape.fullmatch(text):
        raise InvalidField(rule.name, called)
    return str(int(text)) if rule.kind is Kind.NUMBER else text


def missing(values: Mapping[str, Value], disposition: Disposition) -> tuple[str, ...]:
    """The required fields that are empty, in the order of the form."""
    return tuple(rule.name for rule in _RULES if _is_missing(rule, values, disposition))


def _is_missing(rule: Rule, values: Mapping[str, Value], disposition: Disposition) -> bool:
    if disposition not in rule.required_for or values.get(rule.name) is not None:
        return False
    return rule.unless is None or values.get(rule.unless[0]) != rule.unless[1]
