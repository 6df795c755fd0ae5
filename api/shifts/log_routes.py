"""``/shifts/log``: who did what, and for how long; one's own, or everybody's for supervisors."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict

from api.auth.access import Require
from api.auth.permissions import Action, allowed
from api.auth.sessions import SignedIn
from api.auth.shared import Shared, shared
from api.errors import Forbidden, documented
from api.paging import Page, PageNumber, PageSize
from api.shifts import log
from api.shifts.log import Entry
from telephony.events import AgentStatus, PauseReason

router = APIRouter(prefix="/shifts", tags=["shift"])

FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2999, 12, 31)

Me = Annotated[SignedIn, Depends(Require(Action.SHIFT))]
Common = Annotated[Shared, Depends(shared)]


class ShiftLogRow(BaseModel):
    """One change. ``until`` is when the next one came, null while it lasts; ``status`` is null at both ends."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "at": "2026-11-21T06:00:00Z",
                    "until": "2026-11-21T06:12:30Z",
                    "agent_id": "8001",
                    "kind": "status",
                    "seat": None,
                    "status": "paused",
                    "reasons": ["meal"],
                    "call_id": None,
                }
            ]
        }
    )

    at: datetime
    until: datetime | None
    agent_id: str
    kind: str
    seat: str | None
    status: AgentStatus | None
    reasons: list[PauseReason]
    call_id: str | None


@router.get("/log", responses=documented(401, 403, 422))
async def shift_log(
    me: Me,
    common: Common,
    agent_id: Annotated[str | None, Query(pattern=r"^[0-9A-Za-z_-]{1,16}$")] = None,
    day: Annotated[date | None, Query(ge=FIRST_DAY, le=LAST_DAY, description="Local day, YYYY-MM-DD.")] = None,
    sort: Literal["at", "-at"] = "-at",
    page: PageNumber = 1,
    size: PageSize = 50,
) -> Page[ShiftLogRow]:
    """Newest first unless asked otherwise. Without ``agent_id`` a supervisor gets everybody, an operator the own."""
    if not allowed(me.role, Action.SHIFT_LOG_ANY):
        if me.agent_id is None or agent_id not in (None, me.agent_id):
            raise Forbidden(Action.SHIFT_LOG_ANY)
        agent_id = me.agent_id
    async with common.store.read() as session:
        found, total = await log.entries(
            session, agent_id=agent_id, day=day, zone=common.settings.zone, sort=sort, page=page, size=size
        )
    return Page(items=[_row(one) for one in found], total=total, page=page, size=size)


def _row(entry: Entry) -> ShiftLogRow:
    record = entry.record
    return ShiftLogRow(
        at=record.at,
        until=entry.until,
        agent_id=record.agent_id,
        kind=record.kind,
        seat=record.seat,
        status=AgentStatus(record.status) if record.status else None,
        reasons=[PauseReason(reason) for reason in record.reasons],
        call_id=record.call_id,
    )
