"""What the live picture shows of the records: open handoffs, callbacks that are due, and how people are called."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

import structlog
from sqlalchemy import select

from api.auth.masking import masked_number
from api.callbacks import queries as callbacks
from api.callbacks.queries import Attempts
from api.handoffs import queries as handoffs
from api.handoffs.events import HandoffChanged
from api.handoffs.views import shown_target
from api.live.callparts import Listed, epoch_ms, ms
from api.live.hub import Hub
from api.live.parts import CallbackCounts, CallbackHead, HandoffHead
from api.store.engine import Store
from api.store.tables import CallbackRecord, HandoffRecord, User
from telephony.ids import AgentId, CallId

log = structlog.get_logger(__name__)

SHOWN_HANDOFFS = 100
SHOWN_CALLBACKS = 50
EVERY_S = 10.0
"""Something becomes overdue, or another server changes it, without any event here."""
GATHER_S = 0.3
ANSWER_S = 5.0


class Worklists:
    """Read again soon after each change, and now and then. Late or never is no harm."""

    def __init__(self, store: Store, hub: Hub, now: Callable[[], datetime]) -> None:
        self._store = store
        self._hub = hub
        self._now = now
        self._wanted = asyncio.Event()

    def on_handoff(self, event: HandoffChanged) -> None:
        listed = Listed(id=event.handoff_id, number=event.number)
        self._hub.show_listed(CallId(event.call_id), event.transfer_id, listed)
        self._wanted.set()

    def changed(self, _: object) -> None:
        self._wanted.set()

    async def run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(ANSWER_S):
                    await self.read()
            except Exception as error:
                log.warning("work lists not read", error_type=type(error).__name__)
            try:
                async with asyncio.timeout(EVERY_S):
                    await self._wanted.wait()
            except TimeoutError:
                continue
            await asyncio.sleep(GATHER_S)
            self._wanted.clear()

    async def read(self) -> None:
        async with self._store.read() as session:
            open_handoffs = await handoffs.still_open(session, SHOWN_HANDOFFS)
            due, attempts = await callbacks.due_first(session, SHOWN_CALLBACKS)
            in_all, overdue = await callbacks.counts(session, self._now())
            people = await session.execute(select(User.agent_id, User.display_name).where(User.agent_id.is_not(None)))
            names = {AgentId(agent_id): name for agent_id, name in people if agent_id is not None}
        self._hub.show_names(names)
        self._hub.show_handoffs([handoff_head(row) for row in open_handoffs])
        self._hub.show_callbacks(
            [callback_head(row, attempts) for row in due], CallbackCounts(open=in_all, overdue=overdue)
        )
        for row in open_handoffs:
            self._hub.show_listed(CallId(row.call_id), row.transfer_id, Listed(id=row.id, number=row.number))


def handoff_head(row: HandoffRecord) -> HandoffHead:
    return HandoffHead(
        id=row.id,
        number=row.number,
        call_id=row.call_id,
        centre=row.centre,
        target=shown_target(row),
        agent_id=row.agent_id,
        state=row.state,
        outcome=row.settled or row.outcome,
        receipt=row.receipt or "",
        push_state=row.push_state,
        keep_line=row.keep_line,
        started_at=ms(row.started_at),
        ended_at=epoch_ms(row.ended_at),
        version=row.version,
    )


def callback_head(row: CallbackRecord, attempts: Attempts) -> CallbackHead:
    return CallbackHead(
        id=row.id,
        number=masked_number(row.number),
        line=row.line,
        reason=row.reason,
        calls=row.calls,
        first_at=ms(row.first_at),
        last_at=ms(row.last_at),
        due_at=ms(row.due_at),
        owner=row.owner,
        leased_until=epoch_ms(row.leased_until),
        tries=len(attempts.get(row.id, ())),
        status=row.status,
        version=row.version,
    )
