"""What a person should see before calling about a ticket: the number, by which line, and what was tried."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from api.auth.masking import masked_number
from api.auth.sessions import SignedIn
from api.auth.shared import Shared
from api.outbound.service import Kind, number_of
from api.store.tables import CallRecord, OutboundCall, TicketRecord

MOST_ATTEMPTS = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """An earlier call about the ticket. ``outcome`` None: it goes on, or its record is still to be written."""

    call_id: str
    at: datetime
    agent_id: str
    outcome: str | None
    talk_s: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """``number`` is masked, and empty where there is none to call. The newest attempt first."""

    number: str
    line: str
    attempts: tuple[Attempt, ...]


async def preview(common: Shared, me: SignedIn, ticket_id: str) -> Preview:
    """Only of a ticket whose person this reader may call. Raises NotFound, Forbidden."""
    async with common.store.read() as session:
        number = number_of(me, await session.get(TicketRecord, ticket_id))
        rows = await session.execute(
            select(OutboundCall, CallRecord.outcome, CallRecord.talk_s)
            .outerjoin(CallRecord, CallRecord.id == OutboundCall.call_id)
            .where(OutboundCall.kind == Kind.TICKET.value, OutboundCall.object_id == ticket_id)
            .order_by(OutboundCall.placed_at.desc(), OutboundCall.call_id)
            .limit(MOST_ATTEMPTS)
        )
        attempts = tuple(
            Attempt(call_id=one.call_id, at=one.placed_at, agent_id=one.agent_id, outcome=outcome, talk_s=talk_s)
            for one, outcome, talk_s in rows
        )
    return Preview(number=masked_number(number), line=common.settings.line, attempts=attempts)
