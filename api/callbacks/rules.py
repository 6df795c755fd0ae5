"""Who is called back, why, until when, and what ends it (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from telephony.calls import Call
from telephony.events import CallAnswered, CallbackAsked, CallEnded, CallEvent, CallOutcome, MessageLeft

DIALABLE = re.compile(r"\+?[0-9]{3,20}", re.ASCII)


class Reason(StrEnum):
    """Why somebody is to be called back, the weakest first: where several hold, the strongest stays."""

    ABANDONED = "abandoned"
    """Hung up while waiting."""
    FALLBACK = "fallback"
    """The dialplan alone had the caller and found nobody."""
    MESSAGE = "message"
    ASKED = "asked"
    """Pressed 1 while waiting."""
    CUT_OFF = "cut_off"
    """The switch died, or nobody saw the end."""


class Result(StrEnum):
    """What came of one attempt."""

    REACHED = "reached"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    MACHINE = "machine"
    """A mailbox answered: the operator hears that, the switch takes it for an answer like any other."""
    REFUSED = "refused"
    WRONG_NUMBER = "wrong_number"
    UNREACHABLE = "unreachable"


CLOSING = frozenset({Result.REACHED, Result.REFUSED, Result.WRONG_NUMBER, Result.UNREACHABLE})
"""Results after which nobody calls again; the others end an item only after so many tries."""

ANSWERED_LATER = "answered_later"
"""Outcome: the same number called again and was answered."""
NOT_NEEDED = "not_needed"
"""Outcome: the end that nobody had seen turned out to be an ordinary one."""
NO_NUMBER = "no_number"
"""Outcome: the number was withheld, so nobody can be called."""

CAME_OUT: Mapping[str, Result] = {
    "answered": Result.REACHED,
    "no_answer": Result.NO_ANSWER,
    "busy": Result.BUSY,
    "declined": Result.REFUSED,
    "not_found": Result.UNREACHABLE,
    "unavailable": Result.UNREACHABLE,
}
"""What the outcome of the placed call says; what is not here (cancelled, lost) is no try."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Matter:
    """What an event of a call means for calling back. ``number`` is empty where it was withheld."""

    at: datetime
    call_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Missed(Matter):
    number: str
    line: str
    reason: Reason


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered(Matter):
    """An operator talks with this number now."""

    number: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Over(Matter):
    """A placed call has ended, or an answered one whose end was seen."""

    outcome: str


def matter_of(event: CallEvent, call: Call | None) -> Matter | None:
    """None for an event that brings nobody a call back.

    ``call`` is what the switchboard knows of it. Where it knows nothing the call ended while nobody looked: who called
    stands in the records, and ``recorder.find_missed`` finds it there.
    """
    if call is None or call.direction == "outbound":
        return _placed(event)
    match event:
        case CallbackAsked():
            return _missed(event, call, Reason.ASKED, number=event.number)
        case MessageLeft():
            return _missed(event, call, Reason.MESSAGE)
        case CallAnswered() if call.caller_number:
            return Answered(at=event.at, call_id=event.call_id, number=call.caller_number)
        case CallEnded(outcome=CallOutcome.ABANDONED):
            alone = event.ended_by not in ("caller", "unknown")
            return _missed(event, call, Reason.FALLBACK if alone else Reason.ABANDONED)
        case CallEnded(outcome=CallOutcome.LOST):
            return _missed(event, call, Reason.CUT_OFF)
        case CallEnded():
            return Over(at=event.at, call_id=event.call_id, outcome=event.outcome.value)
    return None


def _placed(event: CallEvent) -> Matter | None:
    if not isinstance(event, CallEnded):
        return None
    return Over(at=event.at, call_id=event.call_id, outcome=event.outcome.value)


def _missed(event: CallEvent, call: Call, reason: Reason, *, number: str = "") -> Matter:
    number = dialable(number or call.caller_number)
    return Missed(at=event.at, call_id=event.call_id, number=number, line=call.line, reason=reason)


def dialable(number: str) -> str:
    """The number, or nothing where it cannot be called."""
    return number if DIALABLE.fullmatch(number) else ""


def stronger(one: str, other: str) -> str:
    order = list(Reason)
    return max(Reason(one), Reason(other), key=order.index).value


def after_result(result: Result, *, tries: int, most: int) -> str | None:
    """The item's outcome once it is done; None while somebody should call again."""
    if result in CLOSING or tries >= most:
        return result.value
    return None
