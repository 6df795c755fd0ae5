"""Asking the database without waiting for it: what a command about a call does while the database is away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import structlog

from api.store.refusals import is_away

log = structlog.get_logger(__name__)

T = TypeVar("T")

PATIENCE_S = 1.0
"""A database that needs longer counts as away."""
AGAIN_S = 2.0
"""Having been away it is not asked again for so long."""


class DatabaseAway(Exception):
    """It did not answer, or not in time: what was asked of it may still take effect."""


class Reach:
    """``ask`` ends soon, whatever the database does. One for what reads, another for what writes: a locked database
    can be read."""

    def __init__(
        self,
        *,
        patience_s: float = PATIENCE_S,
        again_s: float = AGAIN_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._patience_s = patience_s
        self._again_s = again_s
        self._clock = clock
        self._not_before_s = float("-inf")
        self._late: set[asyncio.Task[Any]] = set()

    async def ask(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What ``work`` gives. Raises DatabaseAway, or what the work raises for itself. Late work goes on unwatched."""
        if self._clock() < self._not_before_s:
            raise DatabaseAway
        task = asyncio.create_task(work())
        self._late.add(task)
        task.add_done_callback(self._ended)
        done, _ = await asyncio.wait({task}, timeout=self._patience_s)
        if not done:
            raise self._away("late")
        try:
            return task.result()
        except Exception as error:
            if is_away(error):
                raise self._away(type(error).__name__) from error
            raise

    def _away(self, why: str) -> DatabaseAway:
        self._not_before_s = self._clock() + self._again_s
        log.warning("a command goes on without the database", error_type=why)
        return DatabaseAway()

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._late.discard(task)
        if not task.cancelled():
            task.exception()  # whoever still waits for it has it, too

    async def close(self) -> None:
        """Wait for nothing that is late."""
        for task in tuple(self._late):
            task.cancel()
        await asyncio.gather(*self._late, return_exceptions=True)
