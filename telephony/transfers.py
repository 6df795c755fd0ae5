"""One transfer of a call to somebody else: dialling, three-way, private word, hand-over; TRANSITIONS."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from telephony.events import TransferReason, TransferStep
from telephony.ids import AgentId, CallId, ChannelId
from telephony.targets import Target, TransferMode


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
