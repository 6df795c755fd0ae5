"""The figures of days, counted from the records and kept: a wall asks for the same day again and again."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.auth.shared import Shared
from api.stats.quarters import Quarter, Taken, quarters
from api.store.tables import CallRecord
from api.times import day_of, midnight
from telephony.events import CallOutcome

LONGEST_WAIT = timedelta(hours=2)
"""Who came so long before midnight and is still in line is not looked for."""
TODAY_KEPT = timedelta(seconds=15)
YESTERDAY_KEPT = timedelta(minutes=5)
EARLIER_KEPT = timedelta(hours=1)
"""Calls whose end nobody saw are completed later, however old they are."""
MOST_DAYS = 400
AT_ONCE = 500
"""Rows are taken in pieces, so that the live stream goes on between two of them."""


@dataclass(frozen=True, slots=True)
class _Kept:
    rows: tuple[Quarter, ...]
    at: datetime
    until: datetime


class DayFigures:
    """``of`` a local day up to now. Whoever asks while it is being counted waits for the same answer."""

    def __init__(self, common: Shared) -> None:
        self._common = common
        self._kept: OrderedDict[date, _Kept] = OrderedDict()
        self._counting = asyncio.Lock()

    async def of(self, day: date) -> tuple[Quarter, ...]:
        async with self._counting:
            now = self._common.now()
            kept = self._kept.get(day)
            if kept is None or not kept.at <= now < kept.until:
                kept = _Kept(await self._count(day, now), now, now + self._kept_for(day, now))
                self._kept[day] = kept
            self._kept.move_to_end(day)
            while len(self._kept) > MOST_DAYS:
                self._kept.popitem(last=False)
            return kept.rows

    def _kept_for(self, day: date, now: datetime) -> timedelta:
        ago = day_of(now, self._common.settings.zone) - day
        if ago > timedelta(days=1):
            return EARLIER_KEPT
        return YESTERDAY_KEPT if ago else TODAY_KEPT

    async def _count(self, day: date, now: datetime) -> tuple[Quarter, ...]:
        zone = self._common.settings.zone
        begins, ends = midnight(day, zone), midnight(day + timedelta(days=1), zone)
        async with self._common.store.read() as session:
            calls = [call async for call in _taken(session, begins, ends)]
        return await asyncio.to_thread(quarters, calls, begins, min(ends, now))


async def _taken(session: AsyncSession, begins: datetime, ends: datetime) -> AsyncIterator[Taken]:
    """Also those who came shortly before and were still there."""
    before = CallRecord.arrived_at >= begins - LONGEST_WAIT
    here = or_(CallRecord.arrived_at >= begins, CallRecord.ended_at >= begins, CallRecord.ended_at.is_(None))
    rows = await session.stream(
        select(
            CallRecord.arrived_at,
            CallRecord.queued_at,
            CallRecord.answered_at,
            CallRecord.ended_at,
            CallRecord.outcome,
        )
        .where(before, here, CallRecord.arrived_at < ends, CallRecord.direction == "inbound")
        .execution_options(yield_per=AT_ONCE)
    )
    async for piece in rows.partitions():
        for arrived_at, queued_at, answered_at, ended_at, outcome in piece:
            yield Taken(
                arrived_at=arrived_at,
                queued_at=queued_at,
                answered_at=answered_at,
                ended_at=ended_at,
                abandoned=outcome == CallOutcome.ABANDONED,
            )
