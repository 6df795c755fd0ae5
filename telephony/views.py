"""One conversation as its readers see it: a Call with its legs, made of the evidence alone (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from telephony.announcements import first_leg, whom
from telephony.channels import Track
from telephony.events import CallOutcome
from telephony.ids import AgentId, CallId, ChannelId, LineNumber, QueueName
from telephony.ledgers import Ledger, Legs, Standing, call_outcome, ended_by
from telephony.legs import is_supervisors
from telephony.phases import CallPhase


class LegRole(StrEnum):
    CITIZEN = "citizen"
    OPERATOR = "operator"
    CENTRE = "centre"
    NUMBER = "number"
    SUPERVISOR = "supervisor"
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
    """On joining the queue, 1 = next; 0 where nobody saw the joining. The order now is in ``Switchboard.waiting``."""
    queued_at: datetime | None = None
    offered_to: AgentId | None = None
    offered_at: datetime | None = None
    answered_by: AgentId | None = None
    answered_at: datetime | None = None
    held_since: datetime | None = None
    agent_left_at: datetime | None = None
    keep_line: bool = False
    """Nobody may hand this citizen on."""
    recording_paused_until: datetime | None = None
    placed_by: AgentId | None = None
    """Who called the citizen; the number and the line are then whom, and as whom."""
    ended_at: datetime | None = None
    outcome: CallOutcome | None = None
    ended_by: str | None = None
    rebuilt: bool = False
    """Known only from asking the switch: times before that are computed from ages in whole seconds."""
    direction: str = "inbound"
    """Or ``outbound``: an operator placed it."""
    centre: str = ""
    """Code of the partner centre that handed the citizen over, and what it wrote."""
    summary: str = ""
    machine: bool = False
    """Whoever answered a call of ours sounds like a mailbox."""


def view(ledger: Ledger, legs: Legs, phase: CallPhase, now: Standing) -> Call:
    """The call as its readers see it, from the evidence alone."""
    connected, answer, ringing = ledger.connected, ledger.answer, ledger.ringing(legs)
    offered = answer or ringing
    ended_at = max((leg.ended_at for leg in legs.values() if leg.ended_at), default=None) if now.ended else None
    held = legs[now.held] if now.held and not now.ended else None
    number, name, line = whom(ledger, legs)
    return Call(
        id=ledger.id,
        phase=phase,
        caller_number=number,
        caller_name=name,
        line=line,
        arrived_at=first_leg(ledger, legs).first_at,
        legs=tuple(_leg(leg, ledger) for leg in legs.values()),
        queue=ledger.queue,
        position=ledger.position if ledger.queued_at else None,
        queued_at=ledger.queued_at,
        offered_to=offered.agent_id if offered else None,
        offered_at=offered.called_at if offered else None,
        answered_by=connected.agent_id if connected else None,
        answered_at=answer.connected_at if answer else None,
        held_since=held.on_hold.at if held else None,
        agent_left_at=legs[connected.dest].ended_at if connected else None,
        ended_at=ended_at,
        outcome=call_outcome(ledger, legs) if now.ended else None,
        ended_by=ended_by(ledger, legs) if now.ended else None,
        rebuilt=ledger.rebuilt,
        direction="outbound" if ledger.outbound else "inbound",
        centre=ledger.centre,
        summary=ledger.summary,
        machine=ledger.machine,
        placed_by=ledger.placed_by,
        keep_line=ledger.kept_by is not None,
        recording_paused_until=ledger.silent_until if not now.ended else None,
    )


def _leg(track: Track, ledger: Ledger) -> Leg:
    attempt = ledger.attempts.get(track.id)
    guest = ledger.guests.get(track.id)
    return Leg(
        channel=track.id,
        name=track.name,
        role=_role(track, ledger),
        started_at=track.first_at,
        agent_id=attempt.agent_id if attempt else guest.agent_id if guest else None,
        answered_at=track.up_at,
        ended_at=track.ended_at,
        cause=track.cause,
    )


def _role(track: Track, ledger: Ledger) -> LegRole:
    """A supervisor who took the call over is its operator; one who barged in by the bridge is nobody's target."""
    if track.id == ledger.citizen:
        return LegRole.CITIZEN
    if track.id in ledger.attempts:
        return LegRole.OPERATOR
    if track.id in ledger.guests:
        return LegRole(ledger.guests[track.id].role)
    return LegRole.SUPERVISOR if is_supervisors(track.id) else LegRole.OTHER
