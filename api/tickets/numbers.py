"""Ticket numbers: prefix, local day, four digits from 0001, without gaps or doubles."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from api.store.engine import insert_into
from api.store.tables import HandoffDay, TicketDay
from api.times import day_of


def local_day(now: datetime, zone: ZoneInfo) -> str:
    return day_of(now, zone).strftime("%Y%m%d")


def numbered(prefix: str, day: str, ordinal: int) -> str:
    """``GD202611210001``. A day with more than 9,999 tickets gets a fifth digit."""
    return f"{prefix}{day}{ordinal:04d}"


async def next_number(session: AsyncSession, prefix: str, now: datetime, zone: ZoneInfo) -> str:
    """The day's row stays locked until the commit, and a rollback gives the number back: no gap, no double."""
    day = local_day(now, zone)
    return numbered(prefix, day, await next_of_day(session, TicketDay, day))


async def next_of_day(session: AsyncSession, table: type[TicketDay] | type[HandoffDay], day: str) -> int:
    statement = insert_into(session, table).values(day=day, last=1)
    raised = statement.on_conflict_do_update(index_elements=[table.day], set_={"last": table.last + 1}).returning(
        table.last
    )
    return int((await session.execute(raised)).scalar_one())
