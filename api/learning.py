"""Every night the tickets that people have finished teach the category and the department of the next ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import select

from api.store.engine import Store
from api.store.tables import TicketRecord
from api.tickets.lifecycle import TRANSITIONS, State
from asr.learning import Example, LearningError, Learnt, Shelf, learn

log = structlog.get_logger(__name__)

AT_HOUR = 3
LOOK_S = 5.0
MOST_TICKETS = 20_000
_FINISHED = tuple(state for state, following in TRANSITIONS.items() if not following and state is not State.INVALID)
"""Nothing follows: what the ticket says is the last word on what it was about. All are read anew each night."""


class Learning:
    """``run`` until cancelled; ``learnt`` is what is in use, at most ``LOOK_S`` after a command chose another."""

    def __init__(self, *, store: Store, folder: Path, zone: ZoneInfo, now: Callable[[], datetime]) -> None:
        self._store = store
        self._shelf = Shelf(folder)
        self._zone = zone
        self._now = now
        self._mark: tuple[int, ...] | None = None
        self.learnt: Learnt | None = None

    async def run(self) -> None:
        await self.load()
        while True:
            await self._look_until(self._now() + timedelta(seconds=wait_s(self._now(), self._zone)))
            try:
                await self.learn_now()
            except LearningError as error:
                log.info("nothing learnt", problem=error.problem)
            except Exception as error:
                log.warning("learning failed", error_type=type(error).__name__)

    async def _look_until(self, due: datetime) -> None:
        while (left_s := (due - self._now()).total_seconds()) > 0:
            await asyncio.sleep(min(LOOK_S, left_s))
            await self.look()

    async def look(self) -> None:
        """Takes up what another process has put in use."""
        if await asyncio.to_thread(lambda: self._shelf.mark) != self._mark:
            await self.load()
            log.warning("learnt weights changed", version=self.learnt.version if self.learnt else None)

    async def load(self) -> None:
        self._mark = self._shelf.mark
        try:
            self.learnt = await asyncio.to_thread(self._shelf.load)
        except LearningError as error:
            self.learnt = None
            log.error("learnt weights not used", problem=error.problem)

    @property
    def held(self) -> bool:
        """Somebody went back to the version in use: what is learnt is kept, and not used."""
        return self._shelf.held

    async def learn_now(self) -> Learnt:
        """What was learnt, in use unless an earlier version is held. Raises LearningError for too few tickets."""
        examples = await self._examples()
        wanted = self._now().astimezone(self._zone).strftime("%Y%m%d-%H%M%S")
        version = await asyncio.to_thread(self._shelf.next_version, wanted)
        learnt = await asyncio.to_thread(learn, examples, version=version)
        await asyncio.to_thread(self._shelf.put, learnt)
        await self.load()
        used = self.learnt.version if self.learnt else None
        log.info("learnt from tickets", version=version, used=used, tickets=learnt.examples)
        return learnt

    async def roll_back(self) -> str | None:
        """Back to the version before; None where the keywords stand alone now. It stays so until ``take_newest``.

        Raises LearningError where nothing learnt is in use.
        """
        version = await asyncio.to_thread(self._shelf.roll_back)
        await self.load()
        log.warning("learnt weights rolled back", version=version)
        return version

    async def take_newest(self) -> str:
        """The newest version is in use again, and each that is learnt after it. Raises LearningError for none."""
        version = await asyncio.to_thread(self._shelf.take_newest)
        await self.load()
        return version

    async def _examples(self) -> list[Example]:
        """The newest, of whom no name, number or address is read."""
        wanted = (TicketRecord.title, TicketRecord.description, TicketRecord.category_code, TicketRecord.department)
        query = (
            select(*wanted)
            .where(TicketRecord.state.in_(_FINISHED), TicketRecord.category_code.is_not(None))
            .order_by(TicketRecord.created_at.desc())
            .limit(MOST_TICKETS)
        )
        async with self._store.read() as session:
            rows = (await session.execute(query)).all()
        return [
            Example(text=f"{title or ''}，{description or ''}", category=category or "", department=department or "")
            for title, description, category, department in rows
        ]


def wait_s(now: datetime, zone: ZoneInfo) -> float:
    """Until the next night's hour on the city's clock."""
    local = now.astimezone(zone)
    due = local.replace(hour=AT_HOUR, minute=0, second=0, microsecond=0)
    due = due if due > local else due + timedelta(days=1)
    return (due - now).total_seconds()
