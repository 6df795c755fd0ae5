"""What happened, in our words and in the past tense. The models make them; the server publishes and records them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from telephony.ids import AgentId, CallId, ChannelId, LineNumber, QueueName, SeatId


class CallOutcome(StrEnum):
    """How a conversation ended."""

    ANSWERED = "answered"
    ABANDONED = "abandoned"
    """The caller hung up before an operator answered: a missed call, to be called back."""
    LOST = "lost"
    """Nobody saw the end (the switch died, or we were away); never given a guessed duration."""


class OfferOutcome(StrEnum):
    """How one attempt to ring one operator ended, when it was not answered."""

    NO_ANSWER = "no_answer"
    BUSY = "busy"
    CANCELLED = "cancelled"


class LinkState(StrEnum):
    """The link to the switch, in the order in which it comes up."""

    DOWN = "down"
    CONNECTING = "connecting"
    LOGGED_IN = "logged_in"
    SYNCING = "syncing"
    LIVE = "live"


class AgentStatus(StrEnum):
    """What an operator is doing. ``PAUSED`` always goes with at least one pause reason."""

    SIGNED_OUT = "signed_out"
    READY = "ready"
    RINGING = "ringing"
    TALKING = "talking"
    WRAPPING_UP = "wrapping_up"
    PAUSED = "paused"


class PauseReason(StrEnum):
    """Why an operator gets no calls. Several may hold at once."""

    BUSY = "busy"
    MEAL = "meal"
    REST = "rest"
    TRAINING = "training"
    MEETING = "meeting"
    OTHER = "other"
    NO_ANSWER = "no_answer"
    """A call rang out at this seat."""
    WRAP_UP_OVERRUN = "wrap_up_overrun"
    """The wrap-up limit passed with nothing submitted."""
    DEVICE_LOST = "device_lost"
    """The phone is not registered or does not answer the switch."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """``at`` is aware UTC, by the switch's clock where a fact of the switch caused it."""

    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class CallEvent(Event):
    call_id: CallId


@dataclass(frozen=True, kw_only=True, slots=True)
class CallArrived(CallEvent):
    """A citizen's call reached the dialplan (from here on there is a call record).

    ``rebuilt``: found by asking the switch, after a restart of ours or a gap; what was told of it before still holds.
    ``at`` is then from the age of its channel, in whole seconds.
    """

    caller_number: str
    caller_name: str
    line: LineNumber
    channel: ChannelId
    rebuilt: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class CallQueued(CallEvent):
    queue: QueueName
    position: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CallOffered(CallEvent):
    agent_id: AgentId
    channel: ChannelId


@dataclass(frozen=True, kw_only=True, slots=True)
class OfferEnded(CallEvent):
    agent_id: AgentId
    outcome: OfferOutcome
    ring_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class CallAnswered(CallEvent):
    """``citizen`` and ``operator`` are the two legs; ``wait_s`` runs from joining the queue.

    ``rebuilt``: nobody saw the moment; the times are from ages of channels in whole seconds, too rough for statistics.
    ``returned``: the same operator on a new leg, after the old one was lost; no answer of its own for statistics.
    """

    agent_id: AgentId
    citizen: ChannelId
    operator: ChannelId
    wait_s: float
    rebuilt: bool = False
    returned: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class CallLeftQueue(CallEvent):
    """No longer waiting, and not answered: redirected, timed out or about to end. Not an abandonment by itself."""

    queue: QueueName


@dataclass(frozen=True, kw_only=True, slots=True)
class CallHeld(CallEvent):
    by: ChannelId


@dataclass(frozen=True, kw_only=True, slots=True)
class CallResumed(CallEvent):
    by: ChannelId


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentLegEnded(CallEvent):
    """The operator's own leg ended. ``talk_s`` is measured on it; None where nobody saw it begin or end.

    ``replaced``: the operator talks on already, on another leg of the same call.
    """

    agent_id: AgentId
    talk_s: float | None
    replaced: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class CallEnded(CallEvent):
    """``ended_by``: caller, operator, switch, or unknown. ``wait_s``/``talk_s`` are None where nobody saw them."""

    outcome: CallOutcome
    ended_by: str
    wait_s: float | None
    talk_s: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentEvent(Event):
    agent_id: AgentId


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentSignedIn(AgentEvent):
    seat: SeatId


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentSignedOut(AgentEvent):
    seat: SeatId


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentStatusChanged(AgentEvent):
    status: AgentStatus
    reasons: frozenset[PauseReason]
    call_id: CallId | None


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueChanged(Event):
    """Who waits, first in line first."""

    queue: QueueName
    waiting: tuple[CallId, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkChanged(Event):
    state: LinkState
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class DriftRepaired(Event):
    """A timed comparison with the switch found a difference and mended it. ``kind`` e.g. ``ghost_call``."""

    kind: str
    subject: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FrameRejected(Event):
    """A malformed or forged frame in the switch's stream; it changed nothing. ``reason`` is ours, never its text."""

    reason: str
