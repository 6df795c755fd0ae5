"""Questions about drafts, tickets and callers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from api.store.sealing import Keyring, normal_phone
from api.store.tables import CallRecord, DraftRecord, TicketRecord, User
from api.tickets.draft import Draft, DraftStatus
from api.tickets.lifecycle import OPEN
from api.tickets.service import to_draft

REPEAT_WINDOW = timedelta(days=7)
SHORTEST_NUMBER = 7
"""Fewer digits are searched for in ticket numbers and texts, not among telephone numbers."""

SORTS: Mapping[str, InstrumentedAttribute[Any]] = {
    "created_at": TicketRecord.created_at,
    "number": TicketRecord.number,
    "status": TicketRecord.state,
}

_TICKET_NUMBER = re.compile(r"[A-Za-z]{1,4}[0-9]{1,20}")


@dataclass(frozen=True, kw_only=True, slots=True)
class CallerSummary:
    """What the records know of a number. ``repeat_7d`` counts the calls of seven days, the present one included."""

    name: str = ""
    repeat_7d: int = 1
    open_tickets: int = 0


async def search_tickets(
    session: AsyncSession, keyring: Keyring, *, q: str, reader_id: int | None, sort: str, page: int, size: int
) -> tuple[Sequence[TicketRecord], int]:
    """``q``: the beginning of a ticket number, a whole telephone number, or words of title, text or subject.

    By a number, only ``reader_id``'s own confidential tickets are found; those of everybody where it is None.
    """
    matching = _matching(keyring, q, reader_id)
    column = SORTS[sort.removeprefix("-")]
    order = column.desc() if sort.startswith("-") else column.asc()
    total = await session.scalar(select(func.count()).select_from(TicketRecord).where(*matching))
    rows = await session.scalars(
        select(TicketRecord).where(*matching).order_by(order, TicketRecord.id).offset((page - 1) * size).limit(size)
    )
    return rows.all(), total or 0


def _matching(keyring: Keyring, q: str, reader_id: int | None) -> tuple[ColumnElement[bool], ...]:
    q = q.strip()
    if not q:
        return ()
    if _TICKET_NUMBER.fullmatch(q):
        return (TicketRecord.number.startswith(q.upper(), autoescape=True),)
    places = [
        column.icontains(q, autoescape=True)
        for column in (TicketRecord.title, TicketRecord.description, TicketRecord.subject)
    ]
    if re.fullmatch(r"[+0-9 -]+", q):
        places.append(TicketRecord.number.contains(q, autoescape=True))
        if len(normal_phone(q)) >= SHORTEST_NUMBER:
            places.append(and_(_of_phone(keyring.phone_hash(q)), _known_to(reader_id)))
    return (or_(*places),)


def _of_phone(phone_hash: str | None) -> ColumnElement[bool]:
    return or_(TicketRecord.phone_hash == phone_hash, TicketRecord.caller_hash == phone_hash)


def _known_to(reader_id: int | None) -> ColumnElement[bool]:
    """Tickets of which this person may know whose they are."""
    return true() if reader_id is None else or_(~TicketRecord.confidential, TicketRecord.author_id == reader_id)


async def find_ticket(session: AsyncSession, ticket_id: str) -> Row[TicketRecord, User] | None:
    """The ticket with its author."""
    statement = select(TicketRecord, User).join(User, User.id == TicketRecord.author_id)
    return (await session.execute(statement.where(TicketRecord.id == ticket_id))).one_or_none()


async def history(
    session: AsyncSession, phone_hash: str | None, *, call_id: str, reader_id: int | None, page: int, size: int
) -> tuple[Sequence[TicketRecord], int]:
    """Tickets of one number from other calls, newest first. Anonymous tickets are nobody's history.

    Confidential ones are ``reader_id``'s own alone; those of everybody where it is None.
    """
    if phone_hash is None:
        return (), 0
    earlier = (_of_phone(phone_hash), _known_to(reader_id), TicketRecord.call_id != call_id)
    total = await session.scalar(select(func.count()).select_from(TicketRecord).where(*earlier))
    rows = await session.scalars(
        select(TicketRecord)
        .where(*earlier)
        .order_by(TicketRecord.created_at.desc(), TicketRecord.id)
        .offset((page - 1) * size)
        .limit(size)
    )
    return rows.all(), total or 0


async def caller_summary(
    session: AsyncSession, phone_hash: str | None, *, call_id: str, now: datetime
) -> CallerSummary:
    """For the ringing screen. The record of ``call_id`` itself may or may not have been written yet."""
    if phone_hash is None:
        return CallerSummary()
    mine = _of_phone(phone_hash)
    calls = await session.scalar(
        select(func.count())
        .select_from(CallRecord)
        .where(
            CallRecord.phone_hash == phone_hash,
            CallRecord.direction == "inbound",
            CallRecord.id != call_id,
            CallRecord.arrived_at > now - REPEAT_WINDOW,
        )
    )
    open_tickets = await session.scalar(
        select(func.count()).select_from(TicketRecord).where(mine, TicketRecord.state.in_(sorted(OPEN)))
    )
    name = await session.scalar(
        select(TicketRecord.caller_name)
        .where(TicketRecord.phone_hash == phone_hash, TicketRecord.caller_name.is_not(None))
        .where(~TicketRecord.confidential)
        .order_by(TicketRecord.created_at.desc())
        .limit(1)
    )
    return CallerSummary(name=name or "", repeat_7d=(calls or 0) + 1, open_tickets=open_tickets or 0)


async def drafts_of(
    session: AsyncSession, author_id: int | None, *, page: int, size: int
) -> tuple[Sequence[Draft], int]:
    """Open drafts, newest first; of everybody where ``author_id`` is None."""
    where = [DraftRecord.status == DraftStatus.OPEN.value]
    if author_id is not None:
        where.append(DraftRecord.author_id == author_id)
    total = await session.scalar(select(func.count()).select_from(DraftRecord).where(*where))
    rows = await session.scalars(
        select(DraftRecord)
        .where(*where)
        .order_by(DraftRecord.updated_at.desc(), DraftRecord.id)
        .offset((page - 1) * size)
        .limit(size)
    )
    return [to_draft(row) for row in rows], total or 0
