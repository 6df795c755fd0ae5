"""Drift: what a timed comparison with the switch brings up had been missed before, and is counted (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from telephony.events import (
    AgentEvent,
    AgentLegEnded,
    AgentSignedOut,
    AgentStatusChanged,
    CallAnswered,
    CallArrived,
    CallbackAsked,
    CallEnded,
    CallEvent,
    CallHeld,
    CallLeftQueue,
    CallOffered,
    CallPlaced,
    CallQueued,
    CallResumed,
    DriftRepaired,
    Event,
    MachineHeard,
    MessageLeft,
    OfferEnded,
    QueueChanged,
    SupervisionChanged,
    TransferStepped,
)

KINDS: Mapping[type[Event], str] = {
    CallArrived: "missed_call",
    CallPlaced: "missed_call",
    CallQueued: "missed_queueing",
    CallLeftQueue: "missed_leaving",
    CallOffered: "missed_ring",
    OfferEnded: "ghost_ring",
    CallAnswered: "missed_answer",
    CallHeld: "missed_hold",
    CallResumed: "ghost_hold",
    CallbackAsked: "missed_wish",
    MachineHeard: "missed_machine",
    MessageLeft: "missed_message",
    AgentLegEnded: "ghost_leg",
    CallEnded: "ghost_call",
    TransferStepped: "missed_transfer_step",
    SupervisionChanged: "supervision",
    AgentStatusChanged: "agent_status",
    AgentSignedOut: "ghost_agent",
    QueueChanged: "queue_order",
}
"""Of every event that a comparison can bring up."""


def drifts_of(events: Iterable[Event], at: datetime) -> list[DriftRepaired]:
    """One for each event that a comparison has brought up."""
    return [
        DriftRepaired(at=at, kind=kind, subject=_subject(event))
        for event in events
        if (kind := KINDS.get(type(event))) is not None
    ]


def _subject(event: Event) -> str:
    """Call, agent or queue."""
    match event:
        case CallEvent():
            return event.call_id
        case AgentEvent():
            return event.agent_id
        case QueueChanged():
            return event.queue
    return ""
