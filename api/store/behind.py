"""Writing behind: what the live side hands over is written in order, later, and again until the database takes it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import structlog
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.ext.asyncio import AsyncSession

from api.store.engine import Store

log = structlog.get_logger(__name__)

T = TypeVar("T")

FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 5.0
ONLY_READS = "25006"
"""PostgreSQL's read_only_sql_transaction: a standby not promoted yet, or a server that takes no writes."""


class WriteBehind(Generic[T]):
    """``write(session, item)`` runs once for each item, in its own transaction, in the order of ``put``.

    While the database is away the items wait and the oldest is tried again with growing pauses. An item that the
    database refuses for itself (not because it is away) is logged, counted in ``refused`` and passed over.
    """

    def __init__(
        self,
        store: Store,
        write: Callable[[AsyncSession, T], Awaitable[None]],
        *,
        name: str,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._write = write
        self._name = name
        self._sleep = sleep
        self._items: deque[T] = deque()
        self._arrived = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self.refused = 0
        self.away = ""
        """Why nothing can be written now; empty while all is well."""

    @property
    def pending(self) -> int:
        return len(self._items)

    def put(self, item: T) -> None:
        """Never blocks and never raises."""
        self._items.append(item)
        self._arrived.set()
        self._empty.clear()

    async def run(self) -> None:
        """Write for ever, until cancelled. An item is forgotten only after its commit."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._items:
                await self._write_first()
            self._empty.set()

    async def drain(self, timeout_s: float) -> bool:
        """Wait until all is written, while ``run`` is running; False if something is left after the time."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._empty.wait()
        except TimeoutError:
            log.error("records left unwritten", writer=self._name, pending=self.pending)
            return False
        return True

    async def _write_first(self) -> None:
        item = self._items[0]
        wait_s = FIRST_WAIT_S
        while True:
            try:
                async with self._store.write() as session:
                    await self._write(session, item)
                break
            except Exception as error:
                if not _is_away(error):
                    self.refused += 1
                    log.exception("record refused", writer=self._name, item_type=type(item).__name__)
                    break
                if not self.away:
                    log.warning("database is away", writer=self._name, error_type=type(error).__name__)
                self.away = type(error).__name__
                await self._sleep(wait_s)
                wait_s = min(wait_s * 2, LONGEST_WAIT_S)
        if self.away:
            self.away = ""
            log.info("database is back", writer=self._name, pending=self.pending)
        self._items.popleft()


def _is_away(error: Exception) -> bool:
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    if isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) == ONLY_READS:
        return True
    return isinstance(error, OperationalError | InterfaceError | PoolExhausted | OSError)
