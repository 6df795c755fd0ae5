"""What a ledger has to tell, as events (pure)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from telephony.channels import Track
from telephony.events import (
    AgentLegEnded,
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
    MachineHeard,
    MessageLeft,
    OfferEnded,
)
from telephony.ids import AgentId, ChannelId, LineNumber, QueueName
from telephony.ledgers import Attempt, Ledger, Legs, call_outcome, ended_by, offer_outcome, talk_s, total_talk_s, wait_s

ORDER = (
    CallArrived,
    CallPlaced,
    CallQueued,
    CallOffered,
    OfferEnded,
    CallLeftQueue,
    CallAnswered,
    CallHeld,
    CallResumed,
    MachineHeard,
    AgentLegEnded,
    CallbackAsked,
    MessageLeft,
    CallEnded,
)
"""The order of events that follow from one and the same fact."""


def first_leg(ledger: Ledger, legs: Legs) -> Track:
    """The citizen's, or the operator's in a call that we placed; where nobody has seen it, the first that was."""
    return legs.get(ChannelId(ledger.id)) or next(iter(legs.values()))


def whom(ledger: Ledger, legs: Legs) -> tuple[str, str, LineNumber]:
    """Number and name of the citizen, and the line."""
    first = first_leg(ledger, legs)
    if not ledger.outbound:
        shown = ledger.caller_id(first)
        return shown.caller_number, shown.caller_name, ledger.line_of(first)
    if ledger.placed is not None:
        return ledger.placed.number, "", ledger.placed.line
    return first.latest.value.exten, "", ledger.line or LineNumber("")


def arrived(ledger: Ledger, legs: Legs, at: datetime) -> CallEvent:
    first = first_leg(ledger, legs)
    number, name, line = whom(ledger, legs)
    since = first.first_at if ledger.rebuilt else at
    if ledger.outbound:
        by = ledger.placed_by or (ledger.placed.agent_id if ledger.placed else AgentId(""))
        return CallPlaced(
            at=since,
            call_id=ledger.id,
            agent_id=by,
            number=number,
            line=line,
            channel=first.id,
            rebuilt=ledger.rebuilt,
        )
    return CallArrived(
        at=since,
        call_id=ledger.id,
        caller_number=number,
        caller_name=name,
        line=line,
        channel=first.id,
        rebuilt=ledger.rebuilt,
        centre=ledger.centre,
        summary=ledger.summary,
    )


def queued(ledger: Ledger, legs: Legs, at: datetime) -> CallEvent:
    joined_at = (ledger.queued_at if ledger.rebuilt else None) or at
    return CallQueued(at=joined_at, call_id=ledger.id, queue=ledger.queue or QueueName(""), position=ledger.position)


def left_queue(ledger: Ledger, legs: Legs, at: datetime) -> CallEvent:
    return CallLeftQueue(at=at, call_id=ledger.id, queue=ledger.queue or QueueName(""))


def answered(ledger: Ledger, legs: Legs, at: datetime) -> CallEvent:
    attempt = ledger.connected
    assert attempt is not None, "told only of an answer"
    assert attempt.connected_at is not None, "an answer has its time"
    began_at = (ledger.answer or attempt).connected_at or attempt.connected_at
    waited = began_at - (ledger.queued_at or began_at)
    return CallAnswered(
        at=attempt.connected_at if not attempt.guessed else at,
        call_id=ledger.id,
        agent_id=attempt.agent_id,
        citizen=ledger.citizen,
        operator=attempt.dest,
        wait_s=waited.total_seconds(),
        rebuilt=attempt.guessed,
        returned=attempt.returned,
        transferred=attempt.transferred,
    )


def held(ledger: Ledger, legs: Legs, at: datetime) -> CallEvent:
    return CallHeld(at=at, call_id=ledger.id, by=ledger.holder or ledger.citizen)


def resumed(ledger: Ledger, legs: Legs, at: datetime) -> CallEvent:
    return CallResumed(at=at, call_id=ledger.id, by=ledger.holder or ledger.citizen)


def ended(ledger: Ledger, legs: Legs, at: datetime) -> CallEvent:
    return CallEnded(
        at=at,
        call_id=ledger.id,
        outcome=call_outcome(ledger, legs),
        ended_by=ended_by(ledger, legs),
        wait_s=wait_s(ledger, legs),
        talk_s=total_talk_s(ledger, legs),
    )


def of_leaving(ledger: Ledger, legs: Legs, at: datetime) -> Iterator[CallEvent]:
    """What a caller left behind who was not answered: the wish to be called, a voice message; and that a mailbox
    seems to have answered us. Once each."""
    if ledger.machine and not ledger.machine_told:
        ledger.machine_told = True
        yield MachineHeard(at=at, call_id=ledger.id)
    if ledger.callback and not ledger.callback_told:
        ledger.callback_told = True
        queue, number = ledger.callback
        yield CallbackAsked(at=at, call_id=ledger.id, queue=queue, number=number)
    if ledger.message and not ledger.message_told:
        ledger.message_told = True
        yield MessageLeft(at=at, call_id=ledger.id, line=ledger.line or LineNumber(""), file=ledger.message)


def of_rings(ledger: Ledger, legs: Legs, at: datetime) -> Iterator[CallEvent]:
    """Every ring of a phone that began, or ended without an answer, and every operator's leg that ended; once each."""
    for attempt in ledger.attempts.values():
        if not attempt.offer_told:
            attempt.offer_told = True
            yield CallOffered(at=at, call_id=ledger.id, agent_id=attempt.agent_id, channel=attempt.dest)
        if not legs[attempt.dest].live:
            yield from _of_silence(attempt, ledger, legs, at)


def _of_silence(attempt: Attempt, ledger: Ledger, legs: Legs, at: datetime) -> Iterator[CallEvent]:
    if attempt.connected_at and not attempt.left_told:
        attempt.left_told = True
        yield _agent_leg_ended(attempt, ledger, legs, at)
    outcome = None if attempt.connected_at or attempt.end_told else offer_outcome(attempt, ledger, legs)
    if outcome is not None:
        attempt.end_told = True
        rung = attempt.ended_at(legs) - attempt.called_at
        yield OfferEnded(
            at=at, call_id=ledger.id, agent_id=attempt.agent_id, outcome=outcome, ring_s=max(0.0, rung.total_seconds())
        )


def _agent_leg_ended(attempt: Attempt, ledger: Ledger, legs: Legs, at: datetime) -> AgentLegEnded:
    now = ledger.connected
    replaced = now is not None and now is not attempt and now.agent_id == attempt.agent_id and legs[now.dest].live
    leg = legs[attempt.dest]
    return AgentLegEnded(
        at=at,
        call_id=ledger.id,
        agent_id=attempt.agent_id,
        talk_s=talk_s(attempt, legs),
        replaced=replaced,
        leg=leg.id,
        left_at=leg.ended_at if leg.end_seen else None,
    )
