"""One conversation and its legs, from the ring to the last hang-up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from telephony.events import CallOutcome
from telephony.ids import AgentId, CallId, ChannelId, LineNumber, QueueName


class CallPhase(StrEnum):
    ARRIVED = "arrived"
    """In the dialplan: greeting and recording notice."""
    QUEUED = "queued"
    OFFERED = "offered"
    """Still waiting; one operator's phone is ringing."""
    TALKING = "talking"
    HELD = "held"
    ENDED = "ended"


class LegRole(StrEnum):
    CITIZEN = "citizen"
    OPERATOR = "operator"
    CENTRE = "centre"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True, slots=True)
class Leg:
    """One channel in a call. A leg that rang and was not answered has ``ended_at`` and no ``answered_at``."""

    channel: ChannelId
    name: str
    role: LegRole
    started_at: datetime
    agent_id: AgentId | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    cause: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """What is known of one conversation. Immutable: the model replaces it, readers may keep it."""

    id: CallId
    phase: CallPhase
    caller_number: str
    caller_name: str
    line: LineNumber
    arrived_at: datetime
    legs: tuple[Leg, ...] = ()
    queue: QueueName | None = None
    position: int | None = None
    queued_at: datetime | None = None
    offered_to: AgentId | None = None
    offered_at: datetime | None = None
    answered_by: AgentId | None = None
    answered_at: datetime | None = None
    held_since: datetime | None = None
    agent_left_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: CallOutcome | None = None
    ended_by: str | None = None
