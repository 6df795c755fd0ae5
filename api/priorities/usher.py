"""Looks a caller up beside the call, and asks the switch to put forward who is to stand in front. Late or never is no
harm: the caller waits in turn meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

import structlog

from api.priorities import queries
from api.priorities.rules import Ahead, ahead
from api.store.engine import Store
from api.tasks import Tasks
from api.times import day_of
from telephony.calls import Call, CallPhase
from telephony.commands import Command, CommandOutcome, Prioritise
from telephony.dialplan.topology import Topology
from telephony.errors import TelephonyError
from telephony.events import CallArrived, CallEnded, CallQueued, Event
from telephony.ids import CallId

log = structlog.get_logger(__name__)

ANSWER_S = 2.0
"""Records that need longer decide nothing any more."""
WAITS = frozenset({CallPhase.QUEUED, CallPhase.OFFERED})


class Calls(Protocol):
    @property
    def calls(self) -> Mapping[CallId, Call]: ...


class Usher:
    """``handle`` every event of the switchboard, after the models have taken it."""

    def __init__(
        self,
        store: Store,
        topology: Topology,
        board: Calls,
        request: Callable[[Command], Awaitable[CommandOutcome]],
        now: Callable[[], datetime],
        zone: ZoneInfo,
    ) -> None:
        self._store = store
        self._rules = topology.priority
        self._lines = {line.number: line.priority for line in topology.lines}
        self._board = board
        self._request = request
        self._now = now
        self._zone = zone
        self._wanted: dict[CallId, Ahead] = {}
        """For calls that do not wait yet: asked for again once they do, as the first request may have come too late."""
        self.tasks = Tasks("usher")

    def handle(self, event: Event) -> None:
        match event:
            case CallArrived() if not event.centre and event.caller_number:
                self.tasks.start(self._look_up(event), f"usher of {event.call_id}")
            case CallQueued() if event.call_id in self._wanted:
                self.tasks.start(self._ask(event.call_id, self._wanted[event.call_id]), f"usher of {event.call_id}")
            case CallEnded():
                self._wanted.pop(event.call_id, None)

    async def close(self) -> None:
        await self.tasks.close()

    async def _look_up(self, event: CallArrived) -> None:
        now = self._now()
        phone_hash = self._store.keyring.phone_hash(event.caller_number)
        if phone_hash is None:
            return
        try:
            async with asyncio.timeout(ANSWER_S), self._store.read() as session:
                known = await queries.known_of(
                    session,
                    phone_hash,
                    call_id=event.call_id,
                    since=now - timedelta(hours=self._rules.repeat_within_h),
                    missed_only=self._rules.repeat_counts == "missed",
                    today=day_of(now, self._zone),
                )
        except Exception as error:
            log.warning("caller waits in turn", call_id=event.call_id, error_type=type(error).__name__)
            return
        wanted = ahead(self._rules, known, line_priority=self._lines.get(event.line, 0))
        if wanted is not None:
            self._wanted[event.call_id] = wanted
            await self._ask(event.call_id, wanted)

    async def _ask(self, call_id: CallId, wanted: Ahead) -> None:
        call = self._board.calls.get(call_id)
        if call is None or call.phase is not CallPhase.ARRIVED:
            self._wanted.pop(call_id, None)
        if call is None or call.answered_at is not None or call.phase not in WAITS | {CallPhase.ARRIVED}:
            return
        try:
            await self._request(Prioritise(call_id=call_id, priority=wanted.priority, reason=wanted.reason))
        except TelephonyError as error:
            log.warning("caller not put forward", call_id=call_id, error_type=type(error).__name__)
