"""A call to a citizen or department, bound to what it is about before anybody's phone rings; so nobody dials while the
database is away (503)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from api.auth import audit
from api.auth.masking import masked_number
from api.auth.permissions import Action, allowed
from api.auth.sessions import SignedIn
from api.auth.shared import Shared
from api.callbacks import service as callbacks
from api.callbacks.rules import dialable
from api.errors import Forbidden, InvalidField, NotFound, NotNow, answer_to
from api.store.tables import OutboundCall, TicketRecord
from telephony.commands import CommandOutcome, PlaceCall
from telephony.errors import ActionUnanswered, TelephonyError
from telephony.ids import CallId, LineNumber
from telephony.outbound import new_call_id


class Kind(StrEnum):
    CALLBACK = "callback"
    TICKET = "ticket"
    NUMBER = "number"


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """What a call is about. ``object_id`` is masked where it is a number."""

    kind: Kind
    object_id: str
    number: str


async def place(common: Shared, me: SignedIn, kind: Kind, wanted: str) -> tuple[CallId, CommandOutcome]:
    """Ring my phone, then the other's. Raises NotFound, NotNow, InvalidField, and what the switch raises."""
    if kind is Kind.CALLBACK:
        return await callbacks.dial(common, me, wanted, takes=True)
    return await _place(common, me, await _task(common, me, kind, wanted))


async def _place(common: Shared, me: SignedIn, task: Task) -> tuple[CallId, CommandOutcome]:
    own, now = callbacks.agent_of(me), common.now()
    call_id = new_call_id(now, secrets.randbelow(10**6))
    async with common.store.write() as session:
        session.add(
            OutboundCall(call_id=call_id, kind=task.kind.value, object_id=task.object_id, agent_id=own, placed_at=now)
        )
        await session.flush()
        await _audit(session, common, me, task, call_id, "asked")
    line = LineNumber(common.settings.line)
    try:
        outcome = await common.switch.request(PlaceCall(call_id=call_id, agent_id=own, number=task.number, line=line))
    except TelephonyError as error:
        if not isinstance(error, ActionUnanswered):
            async with common.store.write() as session:
                await session.execute(delete(OutboundCall).where(OutboundCall.call_id == call_id))
                await _audit(session, common, me, task, call_id, answer_to(error).code)
        raise
    return call_id, outcome


async def _task(common: Shared, me: SignedIn, kind: Kind, wanted: str) -> Task:
    if kind is Kind.NUMBER:
        numbers = common.topology.numbers
        if numbers is None or not numbers.allows(wanted):
            raise InvalidField("id", "a number that may be dialled")
        return Task(kind=kind, object_id=masked_number(wanted), number=wanted)
    async with common.store.read() as session:
        ticket = await session.get(TicketRecord, wanted)
    number = number_of(me, ticket)
    if not number:
        raise NotNow("the ticket has no number to call")
    return Task(kind=kind, object_id=wanted, number=number)


def number_of(me: SignedIn, ticket: TicketRecord | None) -> str:
    """Empty where there is none that can be called. Raises NotFound, Forbidden."""
    if ticket is None:
        raise NotFound("ticket")
    hidden = ticket.confidential or ticket.anonymous
    if hidden and ticket.author_id != me.user_id and not allowed(me.role, Action.CONFIDENTIAL_READ):
        raise Forbidden(Action.OUTBOUND_PLACE)
    return dialable((ticket.contact_phone or "").replace(" ", "").replace("-", ""))


async def _audit(session: AsyncSession, common: Shared, me: SignedIn, task: Task, call_id: CallId, result: str) -> None:
    await audit.record(
        session,
        common.store.keyring,
        me.actor,
        "outbound.place",
        task.kind.value,
        task.object_id,
        now=common.now(),
        result=result,
        detail={"call_id": call_id},
    )
