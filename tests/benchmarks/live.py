"""How long a patch takes to every console, beside the plain ``broadcast`` of the websockets library in the same run.

    python -m tests.benchmarks.live [consoles] [patches a second] [seconds] [rounds]

One process serves, this one reads: both servers are read by the same clients. The live stream does what a broadcast
does not: it finds the difference, keeps sequence and ring, asks for permission at each patch, bounds every mailbox.
"""

from __future__ import annotations

import asyncio
import json
import logging
import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
import uvicorn
import uvloop
from fastapi import FastAPI, WebSocket
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, broadcast, serve

from api.auth.permissions import Role
from api.live.consoles import Console
from api.live.hub import Hub
from api.live.sockets import DroppableProtocol, SocketPeer
from api.live.viewers import Viewer
from asr.transcript import Speaker, Turn
from tests.api.live.stage import CALL, Board
from tests.api.serving import eventually, free_port

TEXT = "我们小区四号楼东面的垃圾池常年臭味难闻，路灯也不亮，找了物业好几次都没有人管。" * 2
CHANNEL = f"call/{CALL}"


@dataclass(frozen=True, kw_only=True)
class Load:
    consoles: int
    rate: float
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Milliseconds from the change to the client; processor seconds of the server for each second."""

    p50: float
    p99: float
    received: int
    cpu: float


# -- the servers, each in a process of its own -------------------------------------------------------------------------


async def at_rate(load: Load, publish: Callable[[int], None]) -> None:
    """Steady: a late one is not made up for by a rush."""
    began = time.monotonic()
    for number in range(round(load.rate * load.seconds)):
        await asyncio.sleep(max(0.0, began + number / load.rate - time.monotonic()))
        publish(number)


def live_server(port: int, load: Load, cpu: multiprocessing.Queue[float]) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    board = Board()
    board.arrive()
    hub = Hub(board=board, clock=time.monotonic, wall=lambda: datetime.now(UTC), ring_s=15)
    app = FastAPI()

    async def redeem(ticket: str) -> Viewer:
        user = int(ticket)
        return Viewer(session=ticket, user_id=user, display_name=ticket, role=Role.SUPERVISOR, agent_id=None)

    @app.websocket("/")
    async def live(websocket: WebSocket) -> None:
        await websocket.accept()
        await Console(SocketPeer(websocket), hub, redeem=redeem, clock=time.monotonic, build="").run()

    def say(number: int) -> None:
        text = f"{time.monotonic_ns()} {TEXT}"
        turn = Turn(seg=0, rev=number, speaker=Speaker.CALLER, text=text, start_s=0, end_s=1, final=False)
        hub.show_turn(CALL, turn)

    async def main() -> None:
        config = uvicorn.Config(
            app, port=port, ws=DroppableProtocol, log_level="warning", ws_per_message_deflate=False, lifespan="off"
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())
        await eventually(lambda: hub.sockets == load.consoles, timeout_s=60)
        await asyncio.sleep(0.5)
        before = time.process_time()
        await at_rate(load, say)
        cpu.put((time.process_time() - before) / load.seconds)
        await asyncio.sleep(1)
        server.should_exit = True
        await serving

    uvloop.run(main())


def plain_server(port: int, load: Load, cpu: multiprocessing.Queue[float]) -> None:
    sockets: set[ServerConnection] = set()

    async def handle(connection: ServerConnection) -> None:
        sockets.add(connection)
        try:
            await connection.wait_closed()
        finally:
            sockets.discard(connection)

    def say(number: int) -> None:
        segment = {"seg": 0, "rev": number, "text": f"{time.monotonic_ns()} {TEXT}"}
        message = {"t": "p", "ch": CHANNEL, "seq": number, "ts": 0, "ops": [["app", "transcript", segment]]}
        broadcast(sockets, json.dumps(message, ensure_ascii=False))

    async def main() -> None:
        async with serve(handle, "127.0.0.1", port, compression=None):
            await eventually(lambda: len(sockets) == load.consoles, timeout_s=60)
            await asyncio.sleep(0.5)
            before = time.process_time()
            await at_rate(load, say)
            cpu.put((time.process_time() - before) / load.seconds)
            await asyncio.sleep(1)

    uvloop.run(main())


# -- the consoles ------------------------------------------------------------------------------------------------------


async def read(port: int, load: Load, *, hello: bool) -> list[float]:
    """Milliseconds of every patch at every console."""
    delays: list[float] = []

    async def one(number: int, stack: AsyncExitStack) -> asyncio.Task[None]:
        socket = await stack.enter_async_context(
            connect(f"ws://127.0.0.1:{port}/", compression=None, proxy=None, max_size=None)
        )
        if hello:
            subs = [{"ch": CHANNEL}]
            await socket.send(json.dumps({"t": "hello", "v": 1, "ticket": str(number), "tab": "t", "subs": subs}))

        async def listen() -> None:
            async for text in socket:
                now = time.monotonic_ns()
                assert isinstance(text, str)
                message = json.loads(text)
                for patch in message["p"] if message["t"] == "b" else [message] if message["t"] == "p" else []:
                    sent = int(patch["ops"][0][2]["text"].split(" ", 1)[0])
                    delays.append((now - sent) / 1e6)

        return asyncio.create_task(listen())

    async with AsyncExitStack() as stack:
        listeners = [await one(number, stack) for number in range(load.consoles)]
        await asyncio.sleep(load.seconds + 1.2)
        for listener in listeners:
            listener.cancel()
        await asyncio.gather(*listeners, return_exceptions=True)
    return delays


def measure(server: Callable[..., None], load: Load, *, hello: bool) -> Measured:
    context = multiprocessing.get_context("spawn")
    cpu: multiprocessing.Queue[float] = context.Queue()
    port = free_port()
    process = context.Process(target=server, args=(port, load, cpu))
    process.start()
    try:
        wait_for(port)
        delays = sorted(uvloop.run(read(port, load, hello=hello)))
        share = cpu.get(timeout=30)
    finally:
        process.join(10)
        if process.is_alive():
            process.kill()
    return Measured(
        p50=delays[len(delays) // 2], p99=delays[round(0.99 * (len(delays) - 1))], received=len(delays), cpu=share
    )


def wait_for(port: int) -> None:
    import socket

    for _ in range(400):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError("the server did not start")


def main(consoles: int = 100, rate: float = 25, seconds: float = 5, rounds: int = 3) -> None:
    load = Load(consoles=consoles, rate=rate, seconds=seconds)
    results: dict[str, list[Measured]] = {"live": [], "plain": []}
    for _ in range(rounds):
        results["live"].append(measure(live_server, load, hello=True))
        results["plain"].append(measure(plain_server, load, hello=False))
    expected = round(rate * seconds) * consoles
    print(f"{consoles} consoles, {rate:g} patches/s, {rounds} rounds of {seconds:g} s, load {os.getloadavg()[0]:.1f}")
    medians = {}
    for name, measured in results.items():
        p50, p99, cpu = (
            statistics.median(getattr(one, figure) for one in measured) for figure in ("p50", "p99", "cpu")
        )
        medians[name] = p99
        got = min(one.received for one in measured) / expected
        print(f"{name:6} p50 {p50:6.2f} ms  p99 {p99:6.2f} ms  {cpu:5.1%} of a core  {got:.1%} received")
    print(f"p99 live / plain: {medians['live'] / medians['plain']:.2f}")


if __name__ == "__main__":
    numbers = [float(word) for word in sys.argv[1:]]
    main(*(int(numbers[0]),) if numbers else (), *numbers[1:3], *(int(number) for number in numbers[3:4]))
