"""The one ordered, bounded queue between the link's reader and whoever applies what it read."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")

YIELD_EVERY = 200
"""A full inbox must not keep the loop from everything else."""


class Inbox(Generic[T]):
    """Putting never waits: the reader of a socket has nowhere to wait. One reader takes, with ``async for``."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._items: deque[T] = deque()
        self._news = asyncio.Event()
        self._took = asyncio.Event()
        self.taken = 0
        """How many items have been taken so far."""
        self._closed = False

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: T) -> bool:
        """False when the inbox is full: the item was not taken, and there is a gap to be reported."""
        if len(self._items) >= self._limit:
            return False
        self.put_always(item)
        return True

    def put_always(self, item: T) -> None:
        """For the few items that report on the link itself, above all the report of a gap."""
        self._items.append(item)
        self._news.set()

    def close(self) -> None:
        """What is inside can still be taken; then the iteration ends."""
        self._closed = True
        self._news.set()

    async def shrunk_to(self, size: float) -> None:
        """Return when no more than ``size`` items are left."""
        while len(self._items) > size:
            self._took.clear()
            await self._took.wait()

    def __aiter__(self) -> Inbox[T]:
        return self

    async def __anext__(self) -> T:
        while not self._items:
            if self._closed:
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        self.taken += 1
        if self.taken % YIELD_EVERY == 0:
            await asyncio.sleep(0)
        self._took.set()
        return self._items.popleft()
