"""Manager events a second from the socket to the model, beside bare panoramisk with a callback that does nothing.

    python -m tests.benchmarks.link [events]

One process speaks as the switch does: queue calls in a burst, recorded once and given new ids and today's date. Ours
frames, checks each frame, makes facts, and applies them to calls, queues and people; panoramisk only parses. Also: the
longest time that the loop was kept from everything else, the memory at the end, and how long orders given meanwhile
waited for their answer. It fails where the link dropped, a frame was refused, or a call did not end as it should.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import re
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing.synchronize import Event
from typing import Any

import structlog
from panoramisk.manager import Manager

from api import garbage
from telephony.ami.gateway import Gateway
from telephony.calls import CallPhase
from telephony.events import CallOutcome, LinkState
from telephony.orders import ReportAlive
from telephony.runner import Runner
from telephony.switchboard import Switchboard
from tests.fakes.ami import FakeSwitch, event
from tests.telephony.ami.recordings import recorded

RECORDING = "no_answer_then_answered"
EVENTS = 100_000
LAST = "BurstIsOver"
CHUNK = 1 << 16
PATIENCE_S = 60
_UNIQUE_ID = re.compile(rb"\b([0-9]{10})\.([0-9]{1,4})\b")
_STAMP = re.compile(rb"(?<=Timestamp: )([0-9]{10})")
_BRIDGE_ID = re.compile(rb"(?<=BridgeUniqueid: )[0-9a-f]{8}")
_LINKED_ID = re.compile(rb"((?:Dest)?)(Linkedid: ([0-9.]+)\r\n)")


def one_call() -> list[bytes]:
    """The events of one call in order, each bound to the call as our dialplan binds it."""
    frames = recorded(RECORDING).split(b"\r\n\r\n")
    told = [frame for frame in frames if frame.startswith(b"Event: ") and b"\r\nTimestamp: " in frame]
    bound = rb"\1\2\1ChanVariable: HOTLINE_CALL_ID=\3\r\n\1ChanVariable: HOTLINE_LINE=12345\r\n"
    return [_LINKED_ID.sub(bound, frame + b"\r\n") + b"\r\n" for frame in told]


def burst(events: int) -> tuple[bytes, int]:
    """Whole calls, as many as make that many events; and how many events they are."""
    frames = one_call()
    call, parts = b"".join(frames), list[bytes]()
    first = _STAMP.search(call)
    assert first is not None
    ago = int(time.time()) - 60 - int(first[1])
    call = _STAMP.sub(lambda found: b"%d" % (int(found[1]) + ago), call)
    for number in range(-(-events // len(frames))):
        named = _UNIQUE_ID.sub(partial(_renamed, number), call)
        parts.append(_BRIDGE_ID.sub(b"%08x" % number, named))
    return b"".join(parts) + event("UserEvent", UserEvent=LAST), len(parts) * len(frames)


def _renamed(number: int, found: re.Match[bytes]) -> bytes:
    return b"%b.%d" % (found[1], 10 * number + int(found[2]))


def chunks(raw: bytes) -> Iterator[bytes]:
    """The switch writes whole frames: its answers stand between them."""
    start = 0
    while start < len(raw):
        end = raw.rindex(b"\r\n\r\n", start, start + CHUNK) + 4
        yield raw[start:end]
        start = end


def talker(port: Any, start: Event, events: int) -> None:
    raw, _ = burst(events)

    async def main() -> None:
        async with FakeSwitch() as switch:
            port.put(switch.port)
            while not start.is_set():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            for chunk in chunks(raw):
                await switch.send(chunk)
            await asyncio.sleep(120)

    with suppress(KeyboardInterrupt):
        asyncio.run(main())


@dataclass(kw_only=True)
class Measured:
    seconds: float
    stall_ms: float
    memory_mib: float
    taken: int
    order_ms: float = 0.0


async def longest_stall(until: asyncio.Event) -> float:
    worst = 0.0
    while not until.is_set():
        before = time.monotonic()
        await asyncio.sleep(0.005)
        worst = max(worst, time.monotonic() - before - 0.005)
    return worst * 1000


async def slowest_order(gateway: Gateway, until: asyncio.Event) -> float:
    """Seconds; raises where one is not answered."""
    worst = 0.0
    while not until.is_set():
        before = time.monotonic()
        await gateway.execute(ReportAlive(epoch_s=int(time.time())))
        worst = max(worst, time.monotonic() - before)
        await asyncio.sleep(0.1)
    return worst


async def ours(port: int, start: Event, expected: int) -> Measured:
    done = asyncio.Event()
    gateway = Gateway(host="127.0.0.1", port=port, username="hotline", secret="loopback-only")
    board = Switchboard()
    runner = Runner(gateway=gateway, switchboard=board, publish=lambda _: None)
    tasks = [asyncio.create_task(gateway.run()), asyncio.create_task(runner.run())]
    while runner.link is not LinkState.LIVE:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    before = gateway.measures.frames
    stall = asyncio.create_task(longest_stall(done))
    orders = asyncio.create_task(slowest_order(gateway, done))
    start.set()
    began, seen, at = 0.0, before, 0.0
    async with asyncio.timeout(PATIENCE_S):
        while seen - before < expected or gateway.measures.inbox:
            await asyncio.sleep(0.005)
            seen, at = gateway.measures.frames, time.monotonic()
            began = began or (at if seen > before else 0.0)
    done.set()
    measures = gateway.measures
    ended = Counter((call.phase, call.outcome) for call in board.calls.values())
    assert (measures.connections, measures.rejected) == (1, 0), "the link holds, and every frame is a good one"
    assert ended == {(CallPhase.ENDED, CallOutcome.ANSWERED): (expected - 1) // len(one_call())}
    result = Measured(
        seconds=at - began,
        stall_ms=await stall,
        memory_mib=_memory(),
        taken=seen - before,
        order_ms=1000 * await orders,
    )
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return result


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
    await asyncio.wait_for(done.wait(), PATIENCE_S)
    manager.close()
    assert taken >= expected
    return Measured(seconds=last - first, stall_ms=await stall, memory_mib=_memory(), taken=taken)


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def reader(kind: str, events: int, results: Any) -> None:
    """Each reader in a process of its own, so that its memory is its own."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    garbage.seldom()  # as the server does
    context = multiprocessing.get_context("spawn")
    port, start = context.Queue(), context.Event()
    process = context.Process(target=talker, args=(port, start, events), daemon=True)
    process.start()
    read: Callable[[int, Event, int], Coroutine[Any, Any, Measured]] = {"ours": ours, "bare": bare}[kind]
    try:
        results.put(asyncio.run(read(port.get(timeout=PATIENCE_S), start, burst(events)[1] + 1)))
    finally:
        process.kill()
        process.join()


def measure(kind: str, events: int) -> Measured:
    context = multiprocessing.get_context("spawn")
    results: multiprocessing.Queue[Measured] = context.Queue()
    process = context.Process(target=reader, args=(kind, events, results))
    process.start()
    try:
        return results.get(timeout=2 * PATIENCE_S)
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
        if kind == "ours":
            print(f"      one link, all calls ended right; slowest answer to an order {measured.order_ms:.0f} ms")
    print(f"ours / panoramisk alone: {rates['ours'] / rates['bare']:.2f}")


if __name__ == "__main__":
    main()
