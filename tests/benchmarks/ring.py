"""From the switch's own stamp of a ring to the operator's console, with many consoles open and calls coming in.

    python -m tests.benchmarks.ring [calls a second] [seconds] [consoles ...]

Beside it, in the same run, a bare socket to the manager interface that does nothing but split frames. The operators'
consoles are measured; the others are sockets of supervisors that read the queue and the wall, in a process of their
own, so that what they cost the reader does not count as the server's.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import uvloop
from websockets.asyncio.client import connect

from api.auth.permissions import Role
from tests.api.serving import Browser, LiveConsole, eventually
from tests.system.crowd import Scene, calling
from tests.system.switch import Ami, RunningSwitch, starting

RATE, SECONDS = 3.0, 20.0
CONSOLES = (100, 500)


class Stamps:
    """What a bare socket hears: when each seat was called, by the switch's clock and by ours."""

    def __init__(self, switch: RunningSwitch) -> None:
        self._ami = switch.ami()
        self._ended = threading.Event()
        self._heard: list[tuple[int, float]] = []
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        seen = 0
        while not self._ended.is_set():
            with suppress(TimeoutError, ConnectionError):
                self._ami._read(time.monotonic() + 0.1)
            self._heard += [(number, time.time()) for number in range(seen, len(self._ami.events))]
            seen = len(self._ami.events)

    def rings(self) -> dict[tuple[str, str], tuple[float, float]]:
        """(call, seat) -> the switch's stamp, when the bare socket had it."""
        self._ended.set()
        self._thread.join()
        ami: Ami = self._ami
        ami.close()
        found: dict[tuple[str, str], tuple[float, float]] = {}
        for number, at in self._heard:
            frame = ami.events[number]
            if frame.get("Event") == "AgentCalled":
                key = frame["Linkedid"], frame["MemberName"]
                found.setdefault(key, (float(frame["Timestamp"]), at))
        return found


async def watch(url: str, username: str, password: str, shown: dict[tuple[str, str], float]) -> None:
    """When this operator's console showed each ring."""
    async with Browser(url) as browser:
        await browser.sign_in(username, password)
        async with LiveConsole.open(url, await browser.ticket(), "me", "queue") as console:
            while True:
                call = await console.until(
                    lambda seen: (
                        seen.data["me"]["agent"]
                        and seen.data["me"]["agent"]["status"] == "ringing"
                        and (seen.data["me"]["call"], username) not in shown
                        and seen.data["me"]["call"]
                    ),
                    600,
                )
                shown[call, username] = time.time()


async def idle_console(url: str, ticket: str, let_in: Any, read: Any) -> None:
    address = url.replace("http", "ws", 1) + "/api/v1/live"
    async with connect(address, origin=url, subprotocols=["hotline.v1"], proxy=None, max_size=None) as socket:  # type: ignore[arg-type, list-item]
        subs = [{"ch": "queue"}, {"ch": "wall"}]
        await socket.send(json.dumps({"t": "hello", "v": 1, "ticket": ticket, "tab": ticket[:8], "subs": subs}))
        beat_s = time.monotonic()
        await socket.recv()  # the welcome
        let_in.value += 1
        async for _ in socket:
            read.value += 1
            if time.monotonic() - beat_s > 4:
                beat_s = time.monotonic()
                await socket.send(json.dumps({"t": "hb", "now": round(1000 * time.time())}))


def idle_consoles(url: str, tickets: Any, let_in: Any, read: Any) -> None:
    """Until it is killed."""

    async def main() -> None:
        let_in.value = 0
        async with asyncio.TaskGroup() as group:
            while (ticket := await asyncio.to_thread(tickets.get)) is not None:
                group.create_task(idle_console(url, ticket, let_in, read))

    uvloop.run(main())


@asynccontextmanager
async def looking_on(browser: Browser, number: int) -> AsyncIterator[Any]:
    """So many more consoles; what comes out counts the messages that they have read from now on."""
    context = multiprocessing.get_context("spawn")
    tickets, let_in, read = context.Queue(), context.Value("q", -1), context.Value("q", 0)
    process = context.Process(target=idle_consoles, args=(browser.url, tickets, let_in, read), daemon=True)
    process.start()
    try:
        await eventually(lambda: let_in.value == 0, 60)  # a ticket is good for half a minute
        began = time.monotonic()
        for asked in range(number):
            while process.is_alive() and asked > let_in.value + 2:  # noqa: ASYNC110 - few tickets are good at a time
                await asyncio.sleep(0.02)
            tickets.put(await browser.ticket())
        tickets.put(None)
        await eventually(lambda: let_in.value == number, 60)
        print(f"{number} more consoles are open after {time.monotonic() - began:.0f} s")
        assert process.is_alive(), "a console was not let in"
        read.value = 0
        yield read
        assert process.is_alive(), "a console was put out"
    finally:
        process.kill()
        process.join()


async def measure(switch: RunningSwitch, consoles: int, rate: float, seconds: float) -> None:
    scene = await asyncio.to_thread(lambda: Scene(switch, ring_s=1.0))
    supervisor = await asyncio.to_thread(scene.hotline.account, f"watcher{consoles}", Role.SUPERVISOR)
    shown: dict[tuple[str, str], float] = {}
    async with scene.playing(), AsyncExitStack() as stack:
        browser = await stack.enter_async_context(Browser(scene.hotline.url))
        await browser.sign_in(supervisor.username, supervisor.password)
        others = await stack.enter_async_context(looking_on(browser, consoles - len(scene.accounts)))
        watchers = [
            asyncio.create_task(watch(scene.hotline.url, one.username, one.password, shown)) for one in scene.accounts
        ]
        stamps = await asyncio.to_thread(Stamps, switch)
        async with calling(switch, rate) as crowd:
            await asyncio.sleep(seconds)
            await asyncio.to_thread(crowd.finish)
        rings = await asyncio.to_thread(stamps.rings)
        for task in watchers:
            task.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)
    load = f"{os.getloadavg()[0]:.1f}"
    both = rings.keys() & shown.keys()
    ours = sorted(1000 * (shown[key] - rings[key][0]) for key in both)
    bare = sorted(1000 * (rings[key][1] - rings[key][0]) for key in both)
    print(f"{consoles} consoles, {rate:g} calls/s, load {load}: {len(both)} of {len(rings)} rings seen")
    print(f"  the other consoles read {others.value / seconds:,.0f} messages/s")
    for name, values in (("console", ours), ("bare socket", bare)):
        if values:
            print(f"  {name:12} p50 {_part(values, 0.5):7.1f} ms   p99 {_part(values, 0.99):7.1f} ms")
    if ours:
        print(f"  p99 console / bare socket: {_part(ours, 0.99) / max(0.01, _part(bare, 0.99)):.1f}")


def _part(ranked: list[float], part: float) -> float:
    return ranked[round(part * (len(ranked) - 1))]


def main(rate: float = RATE, seconds: float = SECONDS, *consoles: int) -> None:
    for count in consoles or CONSOLES:
        with tempfile.TemporaryDirectory(prefix="hotline-bench-") as place, starting(Path(place)) as switch:
            asyncio.run(measure(switch, count, rate, seconds))


if __name__ == "__main__":
    words = sys.argv[1:]
    main(*(float(word) for word in words[:2]), *(int(word) for word in words[2:]))
