"""One operator's shift: signed out, ready, ringing, talking, wrapping up, paused (a set of reasons)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from telephony.events import AgentStatus, PauseReason
from telephony.ids import AgentId, CallId, QueueName, SeatId


@dataclass(frozen=True, kw_only=True, slots=True)
class Agent:
    """What is known of one signed-in person. Immutable: the model replaces it, readers may keep it."""

    id: AgentId
    seat: SeatId
    queues: tuple[QueueName, ...]
    status: AgentStatus
    since: datetime
    signed_in_at: datetime
    reasons: frozenset[PauseReason] = frozenset()
    call_id: CallId | None = None
    """The call that rings, is talked on, or is being wrapped up."""
    next_reason: PauseReason | None = None
    """Chosen during a call or wrap-up: pause with this reason afterwards."""
    wrap_up_until: datetime | None = None
