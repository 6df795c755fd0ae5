"""``/stats``: how a day went, for supervisors."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict

from api.auth.access import Require
from api.auth.permissions import Action
from api.auth.sessions import SignedIn
from api.auth.shared import Shared, shared
from api.errors import InvalidField, documented
from api.stats.days import DayFigures
from api.times import day_of

router = APIRouter(prefix="/stats", tags=["stats"], responses=documented(422))

FIRST_DAY = date(2000, 1, 1)


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
    """Citizens' calls in quarters of an hour, some seconds old. Calls that operators placed are none of them."""
    today = day_of(common.now(), common.settings.zone)
    wanted = day or today
    if wanted > today:
        raise InvalidField("day", "today or earlier")
    rows = await common.part(DayFigures).of(wanted)
    return DayView(
        day=wanted,
        quarters=[
            QuarterView(
                at=row.at, arrived=row.arrived, answered=row.answered, abandoned=row.abandoned, waiting=row.waiting
            )
            for row in rows
        ],
    )
