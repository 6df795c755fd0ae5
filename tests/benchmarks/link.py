"""Manager events a second from the socket to the model, beside bare panoramisk with a callback that does nothing.

    python -m tests.benchmarks.link [events]

One process speaks as the switch does: queue calls in a burst, recorded once and given new ids. Ours frames, checks
each frame, makes facts, and applies them to calls, queues and people; panoramisk only parses. Also: the longest time
that the loop was kept from everything else, and the memory at the end.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import re
import resource
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from typing import Any

import structlog
from panoramisk.manager import Manager

from telephony.ami.gateway import Gateway
from telephony.ami.timings import Timings
from telephony.events import LinkState
from telephony.runner import Runner
from telephony.switchboard import Switchboard
from tests.fakes.ami import FakeSwitch, event
from tests.telephony.ami.recordings import recorded

RECORDING = "no_answer_then_answered"
EVENTS = 100_000
LAST = "BurstIsOver"
CHUNK = 1 << 16
_UNIQUE_ID = re.compile(rb"\b([0-9]{10})\.([0-9]{1,4})\b")
_LINKED_ID = re.compile(rb"((?:Dest)?)(Linkedid: ([0-9.]+)\r\n)")


def one_call() -> list[bytes]:
    """The events of one call in order, each bound to the call as our dialplan binds it."""
    frames = recorded(RECORDING).split(b"\r\n\r\n")
    told = [frame for frame in frames if frame.startswith(b"Event: ") and b"\r\nTimestamp: " in frame]
    return [_LINKED_ID.sub(rb"\1\2\1ChanVariable: HOTLINE_CALL_ID=\3\r\n", frame + b"\r\n") + b"\r\n" for frame in told]


def burst(events: int) -> tuple[bytes, int]:
    """Whole calls, as many as make that many events; and how many events they are."""
    call, parts, count = b"".join(one_call()), list[bytes](), 0
    for number in range(-(-events // len(one_call()))):
        parts.append(_UNIQUE_ID.sub(lambda found, n=number: b"%d.%d" % (int(found[1]) + n, int(found[2])), call))
        count += len(one_call())
    return b"".join(parts) + event("UserEvent", UserEvent=LAST), count


def talker(port: Any, start: Event, events: int) -> None:
    raw, _ = burst(events)

    async def main() -> None:
        async with FakeSwitch() as switch:
            port.put(switch.port)
            while not start.is_set():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            for place in range(0, len(raw), CHUNK):
                await switch.send(raw[place : place + CHUNK])
            await asyncio.sleep(120)

    with suppress(KeyboardInterrupt):
        asyncio.run(main())


@dataclass(kw_only=True)
class Measured:
    seconds: float
    stall_ms: float
    memory_mib: float
    taken: int


async def longest_stall(until: asyncio.Event) -> float:
    worst = 0.0
    while not until.is_set():
        before = time.monotonic()
        await asyncio.sleep(0.005)
        worst = max(worst, time.monotonic() - before - 0.005)
    return worst * 1000


async def ours(port: int, start: Event, expected: int) -> Measured:
    done, taken = asyncio.Event(), 0
    gateway = Gateway(
        host="127.0.0.1",
        port=port,
        username="hotline",
        secret="loopback-only",
        timings=Timings(resync_every_s=600, ping_every_s=60),
    )
    runner = Runner(gateway=gateway, switchboard=Switchboard(), publish=lambda _: None)
    tasks = [asyncio.create_task(gateway.run()), asyncio.create_task(runner.run())]
    while runner.link is not LinkState.LIVE:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    before = gateway.measures.frames
    stall = asyncio.create_task(longest_stall(done))
    start.set()
    began = None
    quiet_since, seen = time.monotonic(), before
    while True:
        await asyncio.sleep(0.01)
        taken = gateway.measures.frames
        now = time.monotonic()
        if taken > seen or gateway.measures.inbox:
            began = began or now
            seen, quiet_since = taken, now
        elif began is not None and (taken - before >= expected or now - quiet_since > 20):
            break
    done.set()
    worst = await stall
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert gateway.measures.rejected == 0, "every frame of the burst is a good one"
    return Measured(seconds=quiet_since - began, stall_ms=worst, memory_mib=_memory(), taken=taken - before)


async def bare(port: int, start: Event, expected: int) -> Measured:
    done, taken, first, last = asyncio.Event(), 0, 0.0, 0.0
    manager = Manager(
        loop=asyncio.get_running_loop(), host="127.0.0.1", port=port, username="hotline", secret="loopback-only"
    )

    def nothing(_: Any, message: Any) -> None:
        nonlocal taken, first, last
        last = time.monotonic()
        first = first or last
        taken += 1
        if message.get("UserEvent") == LAST:
            done.set()

    await manager.connect()
    await asyncio.sleep(1)
    manager.register_event("*", nothing)
    stall = asyncio.create_task(longest_stall(done))
    start.set()
    await asyncio.wait_for(done.wait(), 300)
    manager.close()
    assert taken >= expected
    return Measured(seconds=last - first, stall_ms=await stall, memory_mib=_memory(), taken=taken)


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def reader(kind: str, events: int, results: Any) -> None:
    """Each reader in a process of its own, so that its memory is its own."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    context = multiprocessing.get_context("spawn")
    port, start = context.Queue(), context.Event()
    process = context.Process(target=talker, args=(port, start, events), daemon=True)
    process.start()
    read: Callable[[int, Event, int], Coroutine[Any, Any, Measured]] = {"ours": ours, "bare": bare}[kind]
    try:
        results.put(asyncio.run(read(port.get(timeout=120), start, burst(events)[1] + 1)))
    finally:
        process.kill()
        process.join()


def measure(kind: str, events: int) -> Measured:
    context = multiprocessing.get_context("spawn")
    results: multiprocessing.Queue[Measured] = context.Queue()
    process = context.Process(target=reader, args=(kind, events, results))
    process.start()
    try:
        return results.get(timeout=400)
    finally:
        process.join(10)
        if process.is_alive():
            process.kill()


def main() -> None:
    events = int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS
    _, count = burst(events)
    print(f"a burst of {count} events, load {os.getloadavg()[0]:.1f}")
    rates = {}
    for kind in ("ours", "bare"):
        measured = measure(kind, events)
        rates[kind] = measured.taken / measured.seconds
        print(
            f"{kind:5} {rates[kind]:10,.0f} events/s  {measured.taken} taken  loop kept at most "
            f"{measured.stall_ms:.0f} ms  {measured.memory_mib:.0f} MiB"
        )
    print(f"ours / panoramisk alone: {rates['ours'] / rates['bare']:.2f}")


if __name__ == "__main__":
    main()
