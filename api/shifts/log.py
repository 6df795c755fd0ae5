"""The shift log: every change of what an operator was doing, one row each, written behind; its query."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import ScalarSelect, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from api.store.behind import WriteBehind
from api.store.engine import Store, insert_into
from api.store.tables import AgentLogRecord, Shift
from api.times import midnight
from telephony.events import AgentEvent, AgentSignedIn, AgentSignedOut, AgentStatusChanged, Event
from telephony.ids import AgentId, SeatId

log = structlog.get_logger(__name__)

DAY = timedelta(days=1)

KINDS: dict[type[AgentEvent], str] = {
    AgentSignedIn: "signed_in",
    AgentStatusChanged: "status",
    AgentSignedOut: "signed_out",
}


class ShiftLog:
    """``put`` every event of the switchboard. A shift that a supervisor ended is closed in the same transaction."""

    def __init__(self, store: Store, *, dismissed: Callable[[SeatId], None]) -> None:
        """``dismissed`` is told at once of a seat at which nobody is to register any more. It must not wait."""
        self._dismissed = dismissed
        self._last: dict[AgentId, tuple[object, ...]] = {}
        self.behind: WriteBehind[AgentEvent] = WriteBehind(store, self._write, name="shift-log", keeps=tuple(KINDS))

    def put(self, event: Event) -> None:
        if not isinstance(event, AgentEvent) or type(event) not in KINDS:
            return
        said = _said(event)
        if self._last.get(event.agent_id) != said:
            self._last[event.agent_id] = said
            self.behind.put(event)
        if isinstance(event, AgentSignedOut) and event.forced:
            self._dismissed(event.seat)

    async def run(self) -> None:
        await self.behind.run()

    async def drain(self, timeout_s: float) -> bool:
        return await self.behind.drain(timeout_s)

    async def _write(self, session: AsyncSession, event: AgentEvent) -> None:
        await session.execute(insert_into(session, AgentLogRecord).values(**row_of(event)).on_conflict_do_nothing())
        if isinstance(event, AgentSignedOut) and event.forced:
            await session.execute(
                update(Shift)
                .where(Shift.agent_id == event.agent_id, Shift.ended_at.is_(None), Shift.started_at < event.at)
                .values(ended_at=event.at)
            )


def row_of(event: AgentEvent) -> dict[str, object]:
    changed = event if isinstance(event, AgentStatusChanged) else None
    seat = event.seat if isinstance(event, AgentSignedIn | AgentSignedOut) else None
    said = "|".join([event.at.isoformat(), *map(str, _said(event))])
    return {
        "agent_id": event.agent_id,
        "at": event.at,
        "kind": KINDS[type(event)],
        "seat": seat,
        "status": changed.status if changed else None,
        "reasons": sorted(changed.reasons) if changed else [],
        "call_id": changed.call_id if changed else None,
        "event_key": hashlib.sha256(said.encode()).hexdigest(),
    }


def _said(event: AgentEvent) -> tuple[object, ...]:
    if isinstance(event, AgentStatusChanged):
        return ("status", event.status, tuple(sorted(event.reasons)), event.call_id)
    return (KINDS[type(event)],)


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One change; ``until`` is that of the same person's next one, None while it lasts."""

    record: AgentLogRecord
    until: datetime | None


async def entries(
    session: AsyncSession,
    *,
    agent_id: str | None,
    day: date | None,
    zone: ZoneInfo,
    sort: str = "-at",
    page: int,
    size: int,
) -> tuple[Sequence[Entry], int]:
    """Newest first unless ``sort`` is ``at``, and how many there are in all. ``day`` is local."""
    wanted = []
    if agent_id is not None:
        wanted.append(AgentLogRecord.agent_id == agent_id)
    if day is not None:
        wanted += [AgentLogRecord.at >= midnight(day, zone), AgentLogRecord.at < midnight(day + DAY, zone)]
    total = await session.scalar(select(func.count()).select_from(AgentLogRecord).where(*wanted))
    order = [(column.asc() if sort == "at" else column.desc()) for column in (AgentLogRecord.at, AgentLogRecord.id)]
    page_of_ids = select(AgentLogRecord.id).where(*wanted).order_by(*order).offset((page - 1) * size).limit(size)
    rows = await session.execute(
        select(AgentLogRecord, _until()).where(AgentLogRecord.id.in_(page_of_ids)).order_by(*order)
    )
    return [Entry(record=record, until=until) for record, until in rows], total or 0


def _until() -> ScalarSelect[datetime]:
    """When the same person's next change came, which may lie beyond the page and the day: one look into the index."""
    later = aliased(AgentLogRecord)
    return (
        select(later.at)
        .where(
            later.agent_id == AgentLogRecord.agent_id,
            later.at >= AgentLogRecord.at,
            or_(later.at > AgentLogRecord.at, later.id > AgentLogRecord.id),
        )
        .order_by(later.at, later.id)
        .limit(1)
        .correlate(AgentLogRecord)
        .scalar_subquery()
    )
