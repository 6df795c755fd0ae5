"""What the live picture asks of the records: who calls, and what has been done today. Late or never is no harm."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import select

from api.live.hub import Hub
from api.store.engine import Store
from api.store.tables import CallRecord
from api.tasks import Tasks
from api.tickets.queries import caller_summary
from api.times import day_of, midnight
from telephony.calls import Call, CallPhase
from telephony.events import CallEvent, CallOutcome, Event
from telephony.ids import AgentId, CallId, LineNumber
from telephony.queues import Taken

log = structlog.get_logger(__name__)

ANSWER_S = 5.0


class Callers:
    """Once for each call: name, calls of seven days, open tickets of its number."""

    def __init__(
        self, store: Store, hub: Hub, calls: Callable[[], Mapping[CallId, Call]], now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._hub = hub
        self._calls = calls
        self._now = now
        self._asked: set[CallId] = set()
        self._tasks = Tasks("callers")

    def handle(self, event: Event) -> None:
        if isinstance(event, CallEvent):
            self.look(event.call_id)

    def look(self, call_id: CallId) -> None:
        call = self._calls().get(call_id)
        if call is None or call.phase is CallPhase.ENDED:
            self._asked.discard(call_id)
        elif call_id not in self._asked:
            self._asked.add(call_id)
            self._tasks.start(self._ask(call), f"caller of {call_id}")

    async def close(self) -> None:
        await self._tasks.close()

    async def _ask(self, call: Call) -> None:
        phone_hash = self._store.keyring.phone_hash(call.caller_number)
        try:
            async with asyncio.timeout(ANSWER_S), self._store.read() as session:
                known = await caller_summary(session, phone_hash, call_id=call.id, now=self._now())
        except Exception as error:
            log.warning("caller not looked up", call_id=call.id, error_type=type(error).__name__)
            return
        self._hub.show_caller(call.id, known)


async def handled_today(store: Store, zone: ZoneInfo, now: datetime) -> list[tuple[CallId, AgentId, float | None]]:
    """The calls that today's operators answered and have left: who, and for how many seconds they talked."""
    today = day_of(now, zone)
    async with store.read() as session:
        rows = await session.execute(
            select(CallRecord.id, CallRecord.answered_by, CallRecord.talk_s).where(
                CallRecord.answered_at >= midnight(today, zone),
                CallRecord.answered_at < midnight(today + timedelta(days=1), zone),
                CallRecord.direction == "inbound",
                CallRecord.answered_by.is_not(None),
                CallRecord.agent_left_at.is_not(None),
            )
        )
    return [(CallId(call_id), AgentId(agent_id), talk_s) for call_id, agent_id, talk_s in rows if agent_id is not None]


async def taken_today(store: Store, zone: ZoneInfo, now: datetime) -> list[tuple[CallId, Taken]]:
    """Today's calls of citizens, as the figures see them."""
    begins = midnight(day_of(now, zone), zone)
    columns = (CallRecord.id, CallRecord.line, CallRecord.answered_at, CallRecord.outcome, CallRecord.wait_s)
    async with store.read() as session:
        rows = await session.execute(
            select(*columns).where(CallRecord.arrived_at >= begins, CallRecord.direction == "inbound")
        )
    return [
        (
            CallId(call_id),
            Taken(
                line=LineNumber(line),
                answered=answered_at is not None,
                abandoned=outcome == CallOutcome.ABANDONED,
                wait_s=wait_s,
            ),
        )
        for call_id, line, answered_at, outcome, wait_s in rows
    ]
