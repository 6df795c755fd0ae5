"""``/stats``: how a day went, for supervisors."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.auth.access import Require
from api.auth.permissions import Action
from api.auth.sessions import SignedIn
from api.auth.shared import Shared, shared
from api.errors import InvalidField, documented
from api.stats.quarters import Taken, quarters
from api.store.tables import CallRecord
from telephony.events import CallOutcome

router = APIRouter(prefix="/stats", tags=["stats"], responses=documented(422))

FIRST_DAY = date(2000, 1, 1)
LONGEST_WAIT = timedelta(hours=2)
"""Who came so long before midnight and is still in line is not looked for."""


class QuarterView(BaseModel):
    """``waiting``: the most that waited at one moment."""

    at: datetime
    arrived: int
    answered: int
    abandoned: int
    waiting: int


class DayView(BaseModel):
    """``quarters`` from midnight on; of today up to the one that goes on."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "day": "2026-11-21",
                    "quarters": [
                        {"at": "2026-11-20T16:00:00Z", "arrived": 7, "answered": 6, "abandoned": 1, "waiting": 2}
                    ],
                }
            ]
        }
    )

    day: date
    quarters: list[QuarterView]


@router.get("/calls-by-quarter", responses=documented(401, 403, 422))
async def calls_by_quarter(
    me: Annotated[SignedIn, Depends(Require(Action.WALL))],
    common: Annotated[Shared, Depends(shared)],
    day: Annotated[date | None, Query(ge=FIRST_DAY, description="Local day, YYYY-MM-DD; today without it.")] = None,
) -> DayView:
    """Citizens' calls in quarters of an hour. Calls that operators placed are none of them."""
    zone, now = common.settings.zone, common.now()
    wanted = day or now.astimezone(zone).date()
    if wanted > now.astimezone(zone).date():
        raise InvalidField("day", "today or earlier")
    begins, ends = _midnight(wanted, zone), _midnight(wanted + timedelta(days=1), zone)
    async with common.store.read() as session:
        calls = await _taken(session, begins, ends)
    rows = quarters(calls, begins, min(ends, now))
    return DayView(
        day=wanted,
        quarters=[
            QuarterView(
                at=row.at, arrived=row.arrived, answered=row.answered, abandoned=row.abandoned, waiting=row.waiting
            )
            for row in rows
        ],
    )


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(ZoneInfo("UTC"))


async def _taken(session: AsyncSession, begins: datetime, ends: datetime) -> list[Taken]:
    """Also those who came shortly before and were still there."""
    before = CallRecord.arrived_at >= begins - LONGEST_WAIT
    here = or_(CallRecord.arrived_at >= begins, CallRecord.ended_at >= begins, CallRecord.ended_at.is_(None))
    rows = await session.execute(
        select(
            CallRecord.arrived_at,
            CallRecord.queued_at,
            CallRecord.answered_at,
            CallRecord.ended_at,
            CallRecord.outcome,
        ).where(before, here, CallRecord.arrived_at < ends, CallRecord.direction == "inbound")
    )
    return [
        Taken(
            arrived_at=arrived_at,
            queued_at=queued_at,
            answered_at=answered_at,
            ended_at=ended_at,
            abandoned=outcome == CallOutcome.ABANDONED,
        )
        for arrived_at, queued_at, answered_at, ended_at, outcome in rows
    ]
