"""Calls that operators place: their ids, what is asked of the switch, and how each came out (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from telephony.commands import PlaceCall
from telephony.errors import InvalidValue
from telephony.events import CallOutcome
from telephony.ids import AgentId, CallId, ChannelId, LineNumber, SeatId
from telephony.orders import DialLeg

OUTBOUND = "outbound"
"""The context of the dialplan that calls the number, once the operator's own phone has answered."""
OWN_RING_S = 15.0
"""The operator's page answers by itself; a desk phone is picked up."""
APPEARS_WITHIN = timedelta(seconds=25)
"""Nothing was heard of the operator's own leg for so long: there is none."""

_CALL_ID = re.compile(r"[0-9]{1,12}\.9[0-9]{6}", re.ASCII)
_NUMBER = re.compile(r"\+?[0-9]{3,20}", re.ASCII)

_OUTCOMES: Mapping[int, CallOutcome] = {
    1: CallOutcome.NOT_FOUND,
    2: CallOutcome.NOT_FOUND,
    3: CallOutcome.NOT_FOUND,
    17: CallOutcome.BUSY,
    18: CallOutcome.NO_ANSWER,
    19: CallOutcome.NO_ANSWER,
    21: CallOutcome.DECLINED,
    22: CallOutcome.NOT_FOUND,
    28: CallOutcome.NOT_FOUND,
}
"""Q.850 causes of a leg that was not answered. All others say nothing, or that it could not be reached."""

_STATUSES: Mapping[str, CallOutcome] = {
    "NOANSWER": CallOutcome.NO_ANSWER,
    "CANCEL": CallOutcome.CANCELLED,
    "BUSY": CallOutcome.BUSY,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Placed:
    """What was asked for. After a restart of ours it is read off the channel, where nobody says who asked."""

    agent_id: AgentId
    number: str
    line: LineNumber


@dataclass(slots=True)
class Expected:
    """A call that is about to be placed; none of its channels has been heard of yet."""

    placed: Placed
    since: datetime
    refused: bool = False
    """The switch did not take the order, or nothing was sent."""
    unsure: bool = False
    """Whether it did, nobody said."""


def new_call_id(now: datetime, serial: int) -> CallId:
    """``<epoch second>.9<six digits>``: the switch's own counter does not get there. ``serial`` is chosen at random."""
    return CallId(f"{int(now.timestamp())}.9{serial % 10**6:06}")


def placed_by_us(call_id: CallId) -> bool:
    return _CALL_ID.fullmatch(call_id) is not None


def order(command: PlaceCall, seat: SeatId) -> DialLeg:
    """Ring the operator's own phone; the rest is the dialplan's. Raises InvalidValue."""
    if not placed_by_us(command.call_id):
        raise InvalidValue("call_id", "an id minted for a placed call")
    if not _NUMBER.fullmatch(command.number):
        raise InvalidValue("number", "digits")
    return DialLeg(
        leg=ChannelId(command.call_id),
        call_id=command.call_id,
        endpoint=seat,
        context=OUTBOUND,
        exten=command.number,
        ring_s=OWN_RING_S,
        caller_number=command.line,
        variables={"HOTLINE_LINE": command.line, "X-Hotline-Outbound": "1", "X-Hotline-Call-Id": command.call_id},
    )


def outcome(*, own_answered: bool, asked_to_end: bool, cause: int | None, status: str) -> CallOutcome:
    """Of a call that the citizen did not answer. ``asked_to_end``: the operator hung up first; ``cause`` is that of the
    citizen's leg, None where it was never called or nobody saw its end; ``status`` is what Dial said."""
    if not own_answered:
        return CallOutcome.NOT_PLACED
    if asked_to_end:
        return CallOutcome.CANCELLED
    if cause is None:
        return CallOutcome.LOST
    return _OUTCOMES.get(cause) or _STATUSES.get(status, CallOutcome.UNAVAILABLE)
