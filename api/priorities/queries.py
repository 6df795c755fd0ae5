"""Questions about numbers that may stand in front."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.priorities.rules import Known
from api.store.tables import CallRecord, PriorityNumber
from telephony.events import CallOutcome

IN_VAIN = (CallOutcome.ABANDONED.value, CallOutcome.LOST.value)


async def known_of(
    session: AsyncSession, phone_hash: str, *, call_id: str, since: datetime, missed_only: bool, today: date
) -> Known:
    """What counts for this number, the call itself left out."""
    earlier = [
        CallRecord.phone_hash == phone_hash,
        CallRecord.direction == "inbound",
        CallRecord.arrived_at >= since,
        CallRecord.id != call_id,
    ]
    if missed_only:
        earlier.append(CallRecord.outcome.in_(IN_VAIN))
    calls = await session.scalar(select(func.count()).select_from(CallRecord).where(*earlier))
    holds = or_(PriorityNumber.expires_on.is_(None), PriorityNumber.expires_on >= today)
    listed = await session.scalar(select(PriorityNumber.id).where(PriorityNumber.phone_hash == phone_hash, holds))
    return Known(calls=calls or 0, listed=listed is not None)


async def list_numbers(session: AsyncSession, *, page: int, size: int) -> tuple[Sequence[PriorityNumber], int]:
    """Newest first, those that have expired as well."""
    total = await session.scalar(select(func.count()).select_from(PriorityNumber))
    rows = await session.scalars(
        select(PriorityNumber)
        .order_by(PriorityNumber.added_at.desc(), PriorityNumber.id)
        .offset((page - 1) * size)
        .limit(size)
    )
    return rows.all(), total or 0
