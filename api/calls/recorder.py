"""Telephony events into call records, in order, behind the call; an event that comes twice changes nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from api.store.behind import WriteBehind
from api.store.engine import Store, insert_into
from api.store.sealing import Keyring
from api.store.tables import CallAgent, CallEventRecord, CallRecord
from telephony import events
from telephony.events import (
    AgentLegEnded,
    CallAnswered,
    CallArrived,
    CallEnded,
    CallEvent,
    CallOffered,
    CallOutcome,
    CallPlaced,
    CallQueued,
    Event,
    TransferStep,
    TransferStepped,
)
from telephony.ids import CallId, ChannelId
from telephony.outbound import placed_by_us
from telephony.targets import Target, TargetKind

SEEN_LATE_S, OLDEST_S = 2.0, 86_400.0
PERSONAL = frozenset({"caller_number", "caller_name", "number", "summary"})
"""Numbers, names and words of people: kept in sealed columns and nowhere else."""

CALL_EVENTS = tuple(kind for kind in vars(events).values() if isinstance(kind, type) and issubclass(kind, CallEvent))
"""Every kind."""

NAMED_BY: Mapping[type[CallEvent], tuple[str, ...]] = {
    CallArrived: (),
    CallPlaced: (),
    CallOffered: ("channel",),
    CallAnswered: ("operator",),
    CallEnded: (),
}
"""What makes two events of one call the same one, whenever they were seen; other kinds: their time and all they say."""


REACHED = frozenset({TransferStep.ANSWERED, TransferStep.JOINED, TransferStep.PRIVATE, TransferStep.HANDED_OVER})


class CallRecorder:
    """``put`` every event of the switchboard; those that are not about a call are passed over."""

    def __init__(self, store: Store) -> None:
        self._keyring = store.keyring
        self.behind: WriteBehind[CallEvent] = WriteBehind(store, self._write, name="calls", keeps=CALL_EVENTS)

    def put(self, event: Event) -> None:
        if isinstance(event, CallEvent):
            self.behind.put(event)

    async def run(self) -> None:
        await self.behind.run()

    async def drain(self, timeout_s: float) -> bool:
        return await self.behind.drain(timeout_s)

    async def _write(self, session: AsyncSession, event: CallEvent) -> None:
        await record(session, self._keyring, event)


async def record(session: AsyncSession, keyring: Keyring, event: CallEvent) -> bool:
    """One event, in the caller's transaction; False if it had been recorded before.

    An end that was seen replaces one that was only inferred (``lost``), never the other way round.
    """
    if await _is_lost_after_its_end(session, event):
        return False
    await session.execute(
        insert_into(session, CallRecord)
        .values(id=event.call_id, line="", arrived_at=event.at, offers=0, direction=_direction(event.call_id))
        .on_conflict_do_nothing()
    )
    new = await session.scalar(
        insert_into(session, CallEventRecord)
        .values(
            call_id=event.call_id,
            at=event.at,
            kind=type(event).__name__,
            data=said_by(event),
            event_key=key_of(event),
        )
        .on_conflict_do_nothing()
        .returning(CallEventRecord.id)
    )
    if new is None:
        return False
    if isinstance(event, AgentLegEnded):
        event = await _measured(session, event)
    await _take_part(session, event)
    change = CHANGES.get(type(event))
    values = change(event, keyring) if change is not None else {}
    if values:
        await session.execute(update(CallRecord).where(CallRecord.id == event.call_id).values(**values))
    return True


async def _take_part(session: AsyncSession, event: CallEvent) -> None:
    """Whoever comes into a call keeps it in sight, also once somebody else has it."""
    agent_id = PARTIES[type(event)](event) if type(event) in PARTIES else None
    if agent_id:
        row = insert_into(session, CallAgent).values(call_id=event.call_id, agent_id=agent_id)
        await session.execute(row.on_conflict_do_nothing())


def _reached(event: TransferStepped) -> str | None:
    """A colleague who has been spoken to."""
    return event.target.value if event.target.kind is TargetKind.AGENT and event.step in REACHED else None


def _direction(call_id: CallId) -> str:
    """The id tells, whichever event of the call is seen first."""
    return "outbound" if placed_by_us(call_id) else "inbound"


async def _is_lost_after_its_end(session: AsyncSession, event: CallEvent) -> bool:
    if not isinstance(event, CallEnded) or event.outcome is not CallOutcome.LOST:
        return False
    return await session.scalar(select(CallRecord.ended_at).where(CallRecord.id == event.call_id)) is not None


async def _measured(session: AsyncSession, event: AgentLegEnded) -> AgentLegEnded:
    """With the talk's length from an answer that an earlier run of ours saw and recorded."""
    if event.talk_s is not None or event.left_at is None or event.leg is None:
        return event
    answer = await session.scalar(
        select(CallEventRecord).where(
            CallEventRecord.call_id == event.call_id,
            CallEventRecord.event_key == key_of_answer(event.leg),
        )
    )
    if answer is None or answer.data.get("rebuilt"):
        return event
    return replace(event, talk_s=(event.left_at - answer.at).total_seconds())


def said_by(event: CallEvent) -> dict[str, Any]:
    """What the event says beyond its call and time, without what is personal; as plain JSON."""
    names = (one.name for one in fields(event) if one.name not in {"at", "call_id", *PERSONAL})
    return {name: _plain(getattr(event, name)) for name in names}


def key_of(event: CallEvent) -> str:
    kind = type(event)
    said = said_by(event)
    if isinstance(event, CallEnded) and event.outcome is CallOutcome.LOST:
        return "CallEnded:lost"
    if kind in NAMED_BY:
        return ":".join([kind.__name__, *(str(said[name]) for name in NAMED_BY[kind])])[:64]
    return f"{kind.__name__}:{_digest(event.at.isoformat(), said)}"


def key_of_answer(operator: ChannelId) -> str:
    """Of the ``CallAnswered`` on this leg of an operator."""
    return f"{CallAnswered.__name__}:{operator}"[:64]


def _digest(at: str, said: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps([at, said], sort_keys=True).encode()).hexdigest()[:32]


def _plain(value: Any) -> Any:
    if isinstance(value, Target):
        private = value.kind is TargetKind.NUMBER
        return {"kind": value.kind.value, "value": "" if private else value.value}
    if isinstance(value, datetime):
        return value.isoformat()
    return value.value if isinstance(value, Enum) else value


# what each kind changes -----------------------------------------------------------------------------------------------
def _arrived(event: CallArrived, keyring: Keyring) -> dict[str, Any]:
    return {
        "line": event.line if event.line.isdecimal() else "",  # first seen at its end, it is anywhere in the dialplan
        "caller_number": event.caller_number,
        "caller_name": event.caller_name,
        "phone_hash": keyring.phone_hash(event.caller_number),
        "arrived_at": _began(event),
        "centre": event.centre or None,
        "summary": event.summary or None,
    }


def _began(event: CallArrived) -> datetime:
    """Of a call that was there before anybody looked: the second in which the switch made it, as its id says.

    What is said of its age then may be some seconds off, in both directions.
    """
    made_s = event.call_id.partition(".")[0]
    if not made_s.isdecimal():
        return event.at
    late_s = event.at.timestamp() - int(made_s)
    off = SEEN_LATE_S < late_s < OLDEST_S or -OLDEST_S < late_s < 0
    return datetime.fromtimestamp(int(made_s), UTC) if off else event.at


def _placed(event: CallPlaced, keyring: Keyring) -> dict[str, Any]:
    return {
        "line": event.line,
        "caller_number": event.number,
        "phone_hash": keyring.phone_hash(event.number),
        "arrived_at": event.at,
    }


def _queued(event: CallQueued, _: Keyring) -> dict[str, Any]:
    return {"queue": event.queue, "queued_at": func.coalesce(CallRecord.queued_at, event.at)}


def _offered(event: CallOffered, _: Keyring) -> dict[str, Any]:
    return {"offered_at": event.at, "offers": CallRecord.offers + 1}


def _answered(event: CallAnswered, _: Keyring) -> dict[str, Any]:
    """Whoever talks is the party; the waiting was over with the first answer, its length is never guessed."""
    waited = {} if event.rebuilt else {"wait_s": func.coalesce(CallRecord.wait_s, event.wait_s)}
    return waited | {
        "answered_at": func.coalesce(CallRecord.answered_at, event.at),
        "answered_by": event.agent_id,
        "agent_left_at": None,
    }


def _agent_left(event: AgentLegEnded, _: Keyring) -> dict[str, Any]:
    """The legs on which operators talked add up."""
    left = {} if event.replaced else {"agent_left_at": event.at}
    talked = {} if event.talk_s is None else {"talk_s": func.coalesce(CallRecord.talk_s, 0.0) + event.talk_s}
    return left | talked


def _ended(event: CallEnded, _: Keyring) -> dict[str, Any]:
    return {
        "ended_at": event.at,
        "outcome": event.outcome.value,
        "ended_by": event.ended_by,
        "wait_s": func.coalesce(CallRecord.wait_s, event.wait_s),
        "talk_s": func.coalesce(CallRecord.talk_s, event.talk_s),
    }


CHANGES: Mapping[type[CallEvent], Callable[[Any, Keyring], dict[str, Any]]] = {
    CallArrived: _arrived,
    CallPlaced: _placed,
    CallQueued: _queued,
    CallOffered: _offered,
    CallAnswered: _answered,
    AgentLegEnded: _agent_left,
    CallEnded: _ended,
}

PARTIES: Mapping[type[CallEvent], Callable[[Any], str | None]] = {
    CallAnswered: lambda event: event.agent_id,
    CallPlaced: lambda event: event.agent_id,
    TransferStepped: _reached,
}
"""Events that bring an operator into the call, and whom."""
