"""A gateway that runs for the length of a test, and what it has said so far."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from telephony.ami.gateway import Gateway, News
from telephony.ami.resync import take_snapshot
from telephony.ami.timings import Timings
from telephony.events import LinkChanged, LinkState
from telephony.facts import Snapshot

CALM = Timings(answer_s=0.3, ping_every_s=30, retry_first_s=0.02, retry_most_s=0.05)
"""No pings and no repeated snapshots while a short test lasts."""


class Running:
    """A gateway that runs, and what it has said so far."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.news: list[News] = []
        self._grown = asyncio.Condition()
        self._reading = asyncio.Event()
        self._reading.set()

    def pause(self) -> None:
        """Take nothing more out of the inbox."""
        self._reading.clear()

    def resume(self) -> None:
        self._reading.set()

    async def read(self) -> None:
        async for item in self.gateway.facts():
            await self._reading.wait()
            async with self._grown:
                self.news.append(item)
                self._grown.notify_all()

    async def until(self, reached: Callable[[list[News]], object]) -> None:
        async with asyncio.timeout(5), self._grown:
            await self._grown.wait_for(lambda: reached(self.news))

    async def until_state(self, state: LinkState, *, times: int = 1) -> None:
        await self.until(lambda news: self.states().count(state) >= times)

    def states(self) -> list[LinkState]:
        return [item.state for item in self.news if isinstance(item, LinkChanged)]

    def reasons(self) -> list[str]:
        return [item.reason for item in self.news if isinstance(item, LinkChanged) and item.reason]


async def asked_now(gateway: Gateway) -> Snapshot:
    """What the switch says at this moment, beside the comparisons that the gateway makes by itself."""
    return await take_snapshot(gateway._live_link())


@asynccontextmanager
async def connected(port: int, secret: str, timings: Timings = CALM, **options: Any) -> AsyncIterator[Running]:
    """At its end nothing of the gateway may be left."""
    gateway = Gateway(host="127.0.0.1", port=port, username="hotline", secret=secret, timings=timings, **options)
    before = asyncio.all_tasks()
    run, session = asyncio.create_task(gateway.run()), Running(gateway)
    reader = asyncio.create_task(session.read())
    try:
        yield session
    finally:
        run.cancel()
        await asyncio.wait([run, reader], timeout=2)
        left = {task.get_coro().__qualname__ for task in asyncio.all_tasks() - before}  # type: ignore[union-attr]
        assert not [name for name in left if name.startswith(("Gateway.", "Link."))], "the gateway left tasks behind"
        assert reader.done()
        assert reader.exception() is None
