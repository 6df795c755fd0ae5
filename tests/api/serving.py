"""A whole server on a free loopback port in the test's own loop, and a console that speaks ``hotline.v1`` to it."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Self

import httpx
import uvicorn
from fastapi import FastAPI
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from api.app import server_config
from api.live.messages import server_message
from api.live.patches import apply
from api.settings import Settings


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def serving(app: FastAPI, settings: Settings, **changes: Any) -> AsyncIterator[str]:
    """Its address ``http://127.0.0.1:PORT``; stopped as a signal would stop it."""
    config = server_config(app, settings, **{"port": free_port(), "loop": "asyncio", **changes})
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    try:
        async with asyncio.timeout(30):
            while not server.started:
                assert not task.done(), "the server did not start"
                await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{config.port}"
    finally:
        server.should_exit = True
        await task


async def eventually(condition: Callable[[], Any], timeout_s: float = 5.0) -> Any:
    """For what announces itself in no other way. What ``condition`` gives, once it is true."""
    for _ in range(round(timeout_s / 0.02)):
        if found := condition():
            return found
        await asyncio.sleep(0.02)
    raise TimeoutError("it did not come true")


class Browser:
    """One signed-in person over HTTP."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = httpx.AsyncClient(base_url=f"{url}/api/v1", trust_env=False, timeout=20)

    async def sign_in(self, username: str, password: str) -> dict[str, Any]:
        answer = await self.http.post("/session", json={"username": username, "password": password})
        assert answer.status_code == 200, answer.text
        session: dict[str, Any] = answer.json()
        self.http.headers["X-CSRF-Token"] = session["csrf"]
        return session

    async def ticket(self) -> str:
        answer = await self.http.post("/ws-ticket")
        assert answer.status_code == 200, answer.text
        return str(answer.json()["ticket"])

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()


class LiveConsole:
    """Keeps every channel as the protocol says: snapshot, patches in sequence, resync on a gap."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.data: dict[str, dict[str, Any]] = {}
        self.seqs: dict[str, int] = {}
        self.epochs: dict[str, str] = {}
        self.others: list[dict[str, Any]] = []
        self.heard_at: dict[str, float] = {}
        self.close_code: int | None = None
        self.lose_next = 0
        """So many patches are thrown away, as if they had never come."""
        self._changed = asyncio.Condition()

    @classmethod
    @asynccontextmanager
    async def open(
        cls, url: str, ticket: str, *subs: str | dict[str, Any], origin: str | None = None, tab: str = "tab-1"
    ) -> AsyncIterator[LiveConsole]:
        address = url.replace("http", "ws", 1) + "/api/v1/live"
        async with connect(address, origin=origin or url, subprotocols=["hotline.v1"], proxy=None) as socket:  # type: ignore[arg-type, list-item]
            console = cls(socket)
            wanted = [{"ch": sub} if isinstance(sub, str) else sub for sub in subs]
            await console.say({"t": "hello", "v": 1, "ticket": ticket, "tab": tab, "subs": wanted})
            tasks = [asyncio.create_task(console._read()), asyncio.create_task(console._beat())]
            try:
                yield console
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def say(self, message: dict[str, Any]) -> None:
        await self.socket.send(json.dumps(message))

    async def until(self, wanted: Callable[[LiveConsole], Any], timeout_s: float = 10) -> Any:
        """What ``wanted`` gives, once it is true."""
        async with asyncio.timeout(timeout_s), self._changed:
            while not (found := _seen(wanted, self)):
                assert self.close_code is None, f"closed with {self.close_code}"
                await self._changed.wait()
            return found

    async def closed(self, timeout_s: float = 10) -> int:
        """The code with which the server closed."""
        async with asyncio.timeout(timeout_s), self._changed:
            while self.close_code is None:
                await self._changed.wait()
            return self.close_code

    def kinds(self) -> list[str]:
        return [message["t"] for message in self.others]

    async def _read(self) -> None:
        try:
            async for text in self.socket:
                message = json.loads(text)
                server_message.validate_python(message)
                await self._take(message)
        except ConnectionClosed:
            pass
        async with self._changed:
            self.close_code = self.socket.close_code or 1006
            self._changed.notify_all()

    async def _beat(self) -> None:
        while self.close_code is None:
            await asyncio.sleep(4)
            await self.say({"t": "hb", "now": round(time.time() * 1000)})

    async def _take(self, message: dict[str, Any]) -> None:
        patches = message["p"] if message["t"] == "b" else [message] if message["t"] == "p" else []
        for patch in patches:
            await self._patch(patch)
        if message["t"] == "snap":
            channel = message["ch"]
            self.data[channel], self.seqs[channel] = message["data"], message["seq"]
            self.epochs[channel] = message["epoch"]
            self.heard_at[channel] = time.monotonic()
        elif not patches:
            self.others.append(message)
        async with self._changed:
            self._changed.notify_all()

    async def _patch(self, patch: dict[str, Any]) -> None:
        if self.lose_next:
            self.lose_next -= 1
            return
        channel, seq = patch["ch"], patch["seq"]
        have = self.seqs.get(channel, -1)
        if seq == have + 1:
            self.data[channel] = apply(self.data[channel], patch["ops"])
            self.seqs[channel] = seq
            self.heard_at[channel] = time.monotonic()
        elif seq > have:
            await self.say({"t": "resync", "ch": channel, "have": have})


def _seen(wanted: Callable[[LiveConsole], Any], console: LiveConsole) -> Any:
    try:
        return wanted(console)
    except (KeyError, IndexError, TypeError):
        return None
