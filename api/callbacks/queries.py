"""Questions about callbacks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from api.store.tables import CallbackAttempt, CallbackRecord

SORTS: Mapping[str, InstrumentedAttribute[Any]] = {
    "due_at": CallbackRecord.due_at,
    "first_at": CallbackRecord.first_at,
    "last_at": CallbackRecord.last_at,
}

Attempts = Mapping[str, Sequence[CallbackAttempt]]


async def list_callbacks(
    session: AsyncSession, *, status: str | None, owner: str | None, sort: str, page: int, size: int
) -> tuple[Sequence[CallbackRecord], Attempts, int]:
    """With the attempts of each. ``owner``: only what this operator has taken."""
    where: list[ColumnElement[bool]] = []
    if status is not None:
        where.append(CallbackRecord.status == status)
    if owner is not None:
        where.append(CallbackRecord.owner == owner)
    column = SORTS[sort.removeprefix("-")]
    order = column.desc() if sort.startswith("-") else column.asc()
    total = await session.scalar(select(func.count()).select_from(CallbackRecord).where(*where))
    rows = await session.scalars(
        select(CallbackRecord).where(*where).order_by(order, CallbackRecord.id).offset((page - 1) * size).limit(size)
    )
    found = rows.all()
    return found, await attempts_of(session, [row.id for row in found]), total or 0


async def attempts_of(session: AsyncSession, callback_ids: Sequence[str]) -> Attempts:
    """In the order in which they were made."""
    grouped: defaultdict[str, list[CallbackAttempt]] = defaultdict(list)
    if callback_ids:
        rows = await session.scalars(
            select(CallbackAttempt).where(CallbackAttempt.callback_id.in_(callback_ids)).order_by(CallbackAttempt.id)
        )
        for row in rows:
            grouped[row.callback_id].append(row)
    return grouped


async def due_first(session: AsyncSession, most: int) -> tuple[Sequence[CallbackRecord], Attempts]:
    rows, attempts, _ = await list_callbacks(session, status="open", owner=None, sort="due_at", page=1, size=most)
    return rows, attempts


async def counts(session: AsyncSession, now: datetime) -> tuple[int, int]:
    """How many are open, and how many of those overdue."""
    undone = CallbackRecord.status == "open"
    in_all = await session.scalar(select(func.count()).select_from(CallbackRecord).where(undone))
    late = await session.scalar(
        select(func.count()).select_from(CallbackRecord).where(undone, CallbackRecord.due_at < now)
    )
    return in_all or 0, late or 0
