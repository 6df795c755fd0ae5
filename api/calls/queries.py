"""Questions about recorded calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from api.store.tables import CallAgent, CallEventRecord, CallRecord, DraftRecord, TicketRecord
from telephony.events import CallOutcome
from telephony.ids import CallId

SORTS: Mapping[str, InstrumentedAttribute[Any]] = {
    "arrived_at": CallRecord.arrived_at,
    "wait_s": CallRecord.wait_s,
    "talk_s": CallRecord.talk_s,
}

NO_TICKET = "closed"
"""The state of a draft of which no ticket comes, in the words of its table."""

CallWithTicket = Row[CallRecord, str | None, str | None]
"""The record, the id of the ticket that came of it, the state of its draft."""


async def list_calls(
    session: AsyncSession,
    *,
    missed: bool | None,
    agent_id: str | None,
    sort: str,
    page: int,
    size: int,
    direction: str | None = None,
) -> tuple[Sequence[CallWithTicket], int]:
    """With the id of the ticket each led to. ``agent_id``: only calls this operator had a part in, and missed ones."""
    where = _where(missed, agent_id)
    if direction is not None:
        where.append(CallRecord.direction == direction)
    column = SORTS[sort.removeprefix("-")]
    order = column.desc().nulls_last() if sort.startswith("-") else column.asc().nulls_last()
    total = await session.scalar(select(func.count()).select_from(CallRecord).where(*where))
    rows = await session.execute(
        select(CallRecord, TicketRecord.id, DraftRecord.status)
        .outerjoin(TicketRecord, TicketRecord.call_id == CallRecord.id)
        .outerjoin(DraftRecord, DraftRecord.call_id == CallRecord.id)
        .where(*where)
        .order_by(order, CallRecord.id)
        .offset((page - 1) * size)
        .limit(size)
    )
    return rows.all(), total or 0


def _where(missed: bool | None, agent_id: str | None) -> list[ColumnElement[bool]]:
    is_missed = CallRecord.outcome == CallOutcome.ABANDONED.value
    where: list[ColumnElement[bool]] = []
    if missed is True:
        where.append(is_missed)
    elif missed is False:
        where.append(or_(CallRecord.outcome.is_(None), ~is_missed))
    if agent_id is not None:
        own = select(CallAgent.call_id).where(CallAgent.agent_id == agent_id)
        where.append(or_(CallRecord.id.in_(own), is_missed))
    return where


async def find_call(session: AsyncSession, call_id: str) -> CallWithTicket | None:
    rows = await session.execute(
        select(CallRecord, TicketRecord.id, DraftRecord.status)
        .outerjoin(TicketRecord, TicketRecord.call_id == CallRecord.id)
        .outerjoin(DraftRecord, DraftRecord.call_id == CallRecord.id)
        .where(CallRecord.id == call_id)
    )
    return rows.one_or_none()


async def events_of(session: AsyncSession, call_id: str) -> Sequence[CallEventRecord]:
    """In the order in which they were recorded."""
    rows = await session.scalars(
        select(CallEventRecord).where(CallEventRecord.call_id == call_id).order_by(CallEventRecord.id)
    )
    return rows.all()


async def open_calls(session: AsyncSession) -> tuple[CallId, ...]:
    """Calls whose end has not been recorded: after a restart, compare them with what the switch knows."""
    rows = await session.scalars(select(CallRecord.id).where(CallRecord.ended_at.is_(None)).order_by(CallRecord.id))
    return tuple(CallId(call_id) for call_id in rows)
