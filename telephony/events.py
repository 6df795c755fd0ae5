"""What happened, in our words and in the past tense. The models make them; the server publishes and records them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from telephony.ids import AgentId, CallId, ChannelId, LineNumber, QueueName, SeatId
from telephony.targets import SpyMode, Target, TransferMode


class CallOutcome(StrEnum):
    """How a conversation ended."""

    ANSWERED = "answered"
    ABANDONED = "abandoned"
    """The caller hung up before an operator answered: a missed call, to be called back."""
    LOST = "lost"
    """Nobody saw the end (the switch died, or we were away); never given a guessed duration."""
    NO_ANSWER = "no_answer"
    """From here on: of a call that an operator placed, and that the citizen did not answer."""
    BUSY = "busy"
    DECLINED = "declined"
    UNAVAILABLE = "unavailable"
    """Switched off, out of reach, or the network could not get there."""
    NOT_FOUND = "not_found"
    """There is no such number."""
    CANCELLED = "cancelled"
    """The operator hung up before anything else came of it."""
    NOT_PLACED = "not_placed"
    """The operator's own phone did not answer: nobody was called."""


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
    SUPERVISOR = "supervisor"
    """A supervisor said so; only a supervisor lifts it."""
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
    centre: str = ""
    """Code of the partner centre whose trunk the call came in by; empty for a citizen's own call."""
    summary: str = ""
    """What that centre sent along, as plain text of at most 200 characters."""


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
    transferred: bool = False
    """Another operator handed the call over; no answer of the queue."""


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
    ``left_at``: when ``leg`` ended, None where nobody saw it: with an answer that was recorded by an earlier run of
    ours, its length is exact after all.
    """

    agent_id: AgentId
    talk_s: float | None
    replaced: bool = False
    leg: ChannelId | None = None
    left_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CallEnded(CallEvent):
    """``ended_by``: caller, operator, switch, or unknown. ``wait_s``/``talk_s`` are None where nobody saw them."""

    outcome: CallOutcome
    ended_by: str
    wait_s: float | None
    talk_s: float | None


class TransferStep(StrEnum):
    """What happened on the way of a call to somebody else: one row of the handoff ledger each."""

    REQUESTED = "requested"
    """The operator pressed the key; the target is being dialled."""
    RINGING = "ringing"
    ANSWERED = "answered"
    """The target picked up."""
    JOINED = "joined"
    """All three talk."""
    PRIVATE = "private"
    """Operator and target alone, the citizen hears music."""
    ROUTE_FAILED = "route_failed"
    """This way to the target failed (``reason``); the next one is tried."""
    FAILED = "failed"
    """No way to the target worked (``reason`` of the last); the citizen is where they were."""
    CANCELLED = "cancelled"
    """The operator took it back, or ended the target's leg."""
    TARGET_LEFT = "target_left"
    """The target hung up while the operator was still there."""
    HANDED_OVER = "handed_over"
    """The operator left, the citizen is with the target."""
    OPERATOR_LOST = "operator_lost"
    """The operator's leg ended without a wish to leave; the citizen is with the target, or waits in front."""
    RETURNED = "returned"
    """The target went too early after the hand-over: the citizen waits in front of everybody."""
    COMPLETED = "completed"
    """The talk of citizen and target is over."""
    CALLER_LEFT = "caller_left"
    """The citizen hung up before it was decided."""


class TransferReason(StrEnum):
    """Why a way to the target failed, as far as the switch can tell."""

    BUSY = "busy"
    DECLINED = "declined"
    UNAVAILABLE = "unavailable"
    """Its side answered that it cannot take the call (503, congestion)."""
    NOT_FOUND = "not_found"
    NO_ANSWER = "no_answer"
    SILENT = "silent"
    """Nothing at all came back: the trunk is dead."""
    DROPPED = "dropped"
    """It answered, and hung up at once."""
    SWITCH = "switch"
    """The switch refused or lost the action."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TransferStepped(CallEvent):
    """``transfer_id`` is unique in time; ``route`` counts from 1. ``agent_id`` is who asked for the transfer."""

    transfer_id: str
    step: TransferStep
    agent_id: AgentId
    target: Target
    mode: TransferMode
    route: int = 1
    leg: ChannelId | None = None
    reason: TransferReason | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LineKept(CallEvent):
    """The citizen is not to be handed on (``on``), or may be again."""

    agent_id: AgentId
    on: bool


class AheadReason(StrEnum):
    """Why a citizen waits in front of others, the strongest first."""

    CENTRE = "centre"
    """Handed over by a partner centre."""
    CUT_OFF = "cut_off"
    """The talk was lost, or the citizen is sent on."""
    ELDER = "elder"
    """On the list that the city keeps."""
    REPEAT = "repeat"
    """Has called in vain before."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CallMovedAhead(CallEvent):
    """By a rule of ours; the switch tells nobody."""

    priority: int
    reason: AheadReason


@dataclass(frozen=True, kw_only=True, slots=True)
class SupervisionChanged(CallEvent):
    """``agent_id`` is the supervisor; ``mode`` None when it is over. ``operator`` is whose call it is."""

    agent_id: AgentId
    operator: AgentId
    mode: SpyMode | None


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordingPaused(CallEvent):
    agent_id: AgentId
    until: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordingResumed(CallEvent):
    """``by_itself``: the time was up."""

    by_itself: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class CallPlaced(CallEvent):
    """An operator's own call to a citizen began: what ``CallArrived`` is for a call that comes in."""

    agent_id: AgentId
    number: str
    line: LineNumber
    channel: ChannelId
    rebuilt: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class MachineHeard(CallEvent):
    """Whoever answered a call that an operator placed speaks on and on, as a mailbox does. A hint, no more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CallbackAsked(CallEvent):
    """A waiting caller pressed 1: keeps the place in line and is called back."""

    queue: QueueName
    number: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageLeft(CallEvent):
    """The fallback took a voice message (maybe without sound) of a caller whom nobody could answer."""

    line: LineNumber
    file: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentEvent(Event):
    agent_id: AgentId


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentSignedIn(AgentEvent):
    seat: SeatId


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentSignedOut(AgentEvent):
    """``forced``: a supervisor did it, so the shift is still open in the records and its phone can still register."""

    seat: SeatId
    forced: bool = False


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
