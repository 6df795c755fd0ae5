"""The stages of a transfer: what is known of one, what may happen to it and what follows; TRANSITIONS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from telephony.events import TransferReason, TransferStep
from telephony.ids import AgentId, CallId, ChannelId
from telephony.targets import Target, TargetKind, TransferMode


class TransferState(StrEnum):
    DIALLING = "dialling"
    RINGING = "ringing"
    """The target's phone rings, or has just been picked up; citizen and operator talk on."""
    JOINED = "joined"
    PRIVATE = "private"
    HANDED_OVER = "handed_over"
    ENDED = "ended"


class TransferOutcome(StrEnum):
    """How it ended; ``HANDED_OVER`` from the hand-over on, until it is known how the talk with the target went."""

    HANDED_OVER = "handed_over"
    CANCELLED = "cancelled"
    FAILED = "failed"
    TARGET_LEFT = "target_left"
    RETURNED = "returned"
    COMPLETED = "completed"
    CALLER_LEFT = "caller_left"
    OPERATOR_LOST = "operator_lost"


@dataclass(frozen=True, kw_only=True, slots=True)
class StepTaken:
    """One row of the ledger; ``route`` counts from 1."""

    at: datetime
    step: TransferStep
    route: int
    reason: TransferReason | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Transfer:
    """What is known of one transfer. Immutable: the model replaces it, readers may keep it.

    ``id`` is unique in time. ``agent_id`` is who asked for it, ``leg`` the target's channel on the present way.
    ``reason`` is why the last way that failed did. ``rebuilt``: found by asking the switch, its beginning unknown.
    """

    id: str
    call_id: CallId
    agent_id: AgentId
    target: Target
    mode: TransferMode
    state: TransferState
    started_at: datetime
    outcome: TransferOutcome | None = None
    reason: TransferReason | None = None
    route: int = 1
    routes: int = 1
    leg: ChannelId | None = None
    ringing_at: datetime | None = None
    joined_at: datetime | None = None
    ended_at: datetime | None = None
    steps: tuple[StepTaken, ...] = ()
    rebuilt: bool = False


class TransferSignal(StrEnum):
    """What the evidence newly amounts to, or what was asked for."""

    RANG = "rang"
    PICKED_UP = "picked_up"
    JOINED = "joined"
    PARTED = "parted"
    """Operator and target are alone together, the citizen hears music."""
    WAY_FAILED = "way_failed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TARGET_LEFT = "target_left"
    HANDED_OVER = "handed_over"
    TAKEN_OVER = "taken_over"
    """Handed over to one of our own: an operator talks on, or the citizen waits in another queue."""
    OPERATOR_LOST = "operator_lost"
    OPERATOR_BACK = "operator_back"
    CALLER_LEFT = "caller_left"
    COMPLETED = "completed"
    RETURNED = "returned"


# Why the less obvious rows are as they are:
# * RINGING x PICKED_UP stays: picked up is not in the call yet, and until then the citizen talks with the operator.
# * RINGING x RANG stays: a phone may be picked up before its ringing was told.
# * JOINED and PRIVATE x WAY_FAILED: the target answered and was gone at once; the next way is tried.
# * JOINED and PRIVATE x OPERATOR_LOST lead to HANDED_OVER: the citizen is with the target. In private the dialplan
#   brings the two together by itself.
# * DIALLING and RINGING x HANDED_OVER: a blind transfer, of which the operator is out from the beginning.
# * HANDED_OVER x OPERATOR_BACK: an operator whose leg was lost is in the call again. One who left has left.
# * ENDED lists nothing. What becomes of the citizen afterwards is the call's story.
TRANSITIONS: Mapping[TransferState, Mapping[TransferSignal, TransferState]] = {
    TransferState.DIALLING: {
        TransferSignal.RANG: TransferState.RINGING,
        TransferSignal.PICKED_UP: TransferState.RINGING,
        TransferSignal.WAY_FAILED: TransferState.DIALLING,
        TransferSignal.FAILED: TransferState.ENDED,
        TransferSignal.CANCELLED: TransferState.ENDED,
        TransferSignal.TAKEN_OVER: TransferState.ENDED,
        TransferSignal.OPERATOR_LOST: TransferState.ENDED,
        TransferSignal.CALLER_LEFT: TransferState.ENDED,
    },
    TransferState.RINGING: {
        TransferSignal.RANG: TransferState.RINGING,
        TransferSignal.PICKED_UP: TransferState.RINGING,
        TransferSignal.JOINED: TransferState.JOINED,
        TransferSignal.PARTED: TransferState.PRIVATE,
        TransferSignal.HANDED_OVER: TransferState.HANDED_OVER,
        TransferSignal.TAKEN_OVER: TransferState.ENDED,
        TransferSignal.WAY_FAILED: TransferState.DIALLING,
        TransferSignal.FAILED: TransferState.ENDED,
        TransferSignal.CANCELLED: TransferState.ENDED,
        TransferSignal.OPERATOR_LOST: TransferState.ENDED,
        TransferSignal.CALLER_LEFT: TransferState.ENDED,
    },
    TransferState.JOINED: {
        TransferSignal.PARTED: TransferState.PRIVATE,
        TransferSignal.HANDED_OVER: TransferState.HANDED_OVER,
        TransferSignal.TAKEN_OVER: TransferState.ENDED,
        TransferSignal.WAY_FAILED: TransferState.DIALLING,
        TransferSignal.FAILED: TransferState.ENDED,
        TransferSignal.TARGET_LEFT: TransferState.ENDED,
        TransferSignal.CANCELLED: TransferState.ENDED,
        TransferSignal.OPERATOR_LOST: TransferState.HANDED_OVER,
        TransferSignal.CALLER_LEFT: TransferState.ENDED,
    },
    TransferState.PRIVATE: {
        TransferSignal.JOINED: TransferState.JOINED,
        TransferSignal.HANDED_OVER: TransferState.HANDED_OVER,
        TransferSignal.TAKEN_OVER: TransferState.ENDED,
        TransferSignal.WAY_FAILED: TransferState.DIALLING,
        TransferSignal.FAILED: TransferState.ENDED,
        TransferSignal.TARGET_LEFT: TransferState.ENDED,
        TransferSignal.CANCELLED: TransferState.ENDED,
        TransferSignal.OPERATOR_LOST: TransferState.HANDED_OVER,
        TransferSignal.CALLER_LEFT: TransferState.ENDED,
    },
    TransferState.HANDED_OVER: {
        TransferSignal.OPERATOR_BACK: TransferState.JOINED,
        TransferSignal.COMPLETED: TransferState.ENDED,
        TransferSignal.RETURNED: TransferState.ENDED,
    },
    TransferState.ENDED: {},
}

STEPS: Mapping[TransferSignal, TransferStep] = {
    TransferSignal.RANG: TransferStep.RINGING,
    TransferSignal.PICKED_UP: TransferStep.ANSWERED,
    TransferSignal.JOINED: TransferStep.JOINED,
    TransferSignal.PARTED: TransferStep.PRIVATE,
    TransferSignal.WAY_FAILED: TransferStep.ROUTE_FAILED,
    TransferSignal.FAILED: TransferStep.FAILED,
    TransferSignal.CANCELLED: TransferStep.CANCELLED,
    TransferSignal.TARGET_LEFT: TransferStep.TARGET_LEFT,
    TransferSignal.HANDED_OVER: TransferStep.HANDED_OVER,
    TransferSignal.TAKEN_OVER: TransferStep.HANDED_OVER,
    TransferSignal.OPERATOR_LOST: TransferStep.OPERATOR_LOST,
    TransferSignal.OPERATOR_BACK: TransferStep.JOINED,
    TransferSignal.CALLER_LEFT: TransferStep.CALLER_LEFT,
    TransferSignal.COMPLETED: TransferStep.COMPLETED,
    TransferSignal.RETURNED: TransferStep.RETURNED,
}
OUTCOMES: Mapping[TransferSignal, TransferOutcome] = {
    TransferSignal.FAILED: TransferOutcome.FAILED,
    TransferSignal.CANCELLED: TransferOutcome.CANCELLED,
    TransferSignal.TARGET_LEFT: TransferOutcome.TARGET_LEFT,
    TransferSignal.HANDED_OVER: TransferOutcome.HANDED_OVER,
    TransferSignal.TAKEN_OVER: TransferOutcome.HANDED_OVER,
    TransferSignal.OPERATOR_LOST: TransferOutcome.OPERATOR_LOST,
    TransferSignal.CALLER_LEFT: TransferOutcome.CALLER_LEFT,
    TransferSignal.COMPLETED: TransferOutcome.COMPLETED,
    TransferSignal.RETURNED: TransferOutcome.RETURNED,
}
OPEN = frozenset({TransferState.DIALLING, TransferState.RINGING, TransferState.JOINED, TransferState.PRIVATE})
UNMET = frozenset({TransferState.DIALLING, TransferState.RINGING})
TALKING = frozenset({TransferState.JOINED, TransferState.PRIVATE})
MEETINGS = frozenset({TransferSignal.JOINED, TransferSignal.HANDED_OVER, TransferSignal.TAKEN_OVER})
OURS = frozenset({TargetKind.AGENT, TargetKind.QUEUE})
