"""Questions about the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, func, not_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from api.handoffs.ledger import TAKEN
from api.store.tables import HandoffRecord, HandoffStep

SORTS: Mapping[str, InstrumentedAttribute[Any]] = {
    "started_at": HandoffRecord.started_at,
    "number": HandoffRecord.number,
}

OPEN: ColumnElement[bool] = or_(
    HandoffRecord.ended_at.is_(None),
    and_(
        HandoffRecord.centre != "",
        HandoffRecord.outcome.in_(sorted(TAKEN)),
        HandoffRecord.settled.is_(None),
        HandoffRecord.receipt.is_(None),
    ),
)
"""Something is still to be done: it goes on, or a centre has the citizen and has neither agreed nor given a receipt."""


async def list_handoffs(
    session: AsyncSession,
    *,
    open_: bool | None,
    centre: str | None,
    call_id: str | None,
    agent_id: str | None,
    sort: str,
    page: int,
    size: int,
) -> tuple[Sequence[HandoffRecord], int]:
    """``agent_id``: only this operator's own."""
    where: list[ColumnElement[bool]] = []
    if open_ is not None:
        where.append(OPEN if open_ else not_(OPEN))
    for column, value in (
        (HandoffRecord.centre, centre),
        (HandoffRecord.call_id, call_id),
        (HandoffRecord.agent_id, agent_id),
    ):
        if value is not None:
            where.append(column == value)
    column = SORTS[sort.removeprefix("-")]
    order = column.desc() if sort.startswith("-") else column.asc()
    total = await session.scalar(select(func.count()).select_from(HandoffRecord).where(*where))
    rows = await session.scalars(
        select(HandoffRecord).where(*where).order_by(order, HandoffRecord.id).offset((page - 1) * size).limit(size)
    )
    return rows.all(), total or 0


async def steps_of(session: AsyncSession, handoff_id: str) -> Sequence[HandoffStep]:
    """In the order in which they were recorded."""
    rows = await session.scalars(
        select(HandoffStep).where(HandoffStep.handoff_id == handoff_id).order_by(HandoffStep.id)
    )
    return rows.all()


async def still_open(session: AsyncSession, most: int) -> Sequence[HandoffRecord]:
    """Newest first."""
    rows = await session.scalars(
        select(HandoffRecord).where(OPEN).order_by(HandoffRecord.started_at.desc()).limit(most)
    )
    return rows.all()
