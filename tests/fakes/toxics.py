"""A TCP path with something wrong on it, each way for itself: slow, cut into bytes, half-open, mute, garbled, reset.

    async with Toxic(switch.ports.ami) as path:
        path.down = Slicer(1)            # what the switch says, byte by byte
        ...
        path.reset()                     # every connection ends with a RST

``down`` is from the target to whoever connected, ``up`` the other way. What is set holds from the next bytes on.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self


class Way(Protocol):
    def pieces(self, data: bytes) -> AsyncIterator[bytes]:
        """What arrives of ``data``, when it arrives. Raises ConnectionError to end the connection."""


@dataclass
class Clear:
    async def pieces(self, data: bytes) -> AsyncIterator[bytes]:
        yield data


@dataclass
class Slicer:
    """So many bytes at a time; the loop gets its turn between two pieces."""

    size: int = 1

    async def pieces(self, data: bytes) -> AsyncIterator[bytes]:
        for start in range(0, len(data), self.size):
            yield data[start : start + self.size]
            await asyncio.sleep(0)


@dataclass
class Latency:
    seconds: float

    async def pieces(self, data: bytes) -> AsyncIterator[bytes]:
        await asyncio.sleep(self.seconds)
        yield data


@dataclass
class Mute:
    """Nothing arrives any more, and nobody is told: one way of it is a mute peer, both a half-open connection."""

    swallowed: bytearray = field(default_factory=bytearray)

    async def pieces(self, data: bytes) -> AsyncIterator[bytes]:
        self.swallowed += data
        return
        yield b""


@dataclass
class Limit:
    """The connection ends after so many bytes, wherever that is."""

    left: int

    async def pieces(self, data: bytes) -> AsyncIterator[bytes]:
        piece, self.left = data[: self.left], self.left - len(data)
        if piece:
            yield piece
        if self.left <= 0:
            raise ConnectionResetError


@dataclass
class Garbage:
    """Once, before the next bytes."""

    noise: bytes

    async def pieces(self, data: bytes) -> AsyncIterator[bytes]:
        noise, self.noise = self.noise, b""
        yield noise + data


class Toxic:
    """Listens on a free loopback port and forwards to ``target`` there. ``sent`` is what came from our side."""

    def __init__(self, target: int) -> None:
        self.up: Way = Clear()
        self.down: Way = Clear()
        self.refusing = False
        self.connections = 0
        self.sent = bytearray()
        self.port = 0
        self._target = target
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def heal(self) -> None:
        self.up, self.down, self.refusing = Clear(), Clear(), False

    def drop(self) -> None:
        """Every connection ends in order, as when the far process ends."""
        for writer in self._writers:
            writer.close()

    def reset(self) -> None:
        """Every connection ends with a RST."""
        for writer in self._writers:
            _no_farewell(writer)
            writer.transport.abort()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        self.reset()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if self.refusing:
            writer.transport.abort()
            return
        self.connections += 1
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers |= {writer, far_writer}
        try:
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._pump(reader, far_writer, upwards=True))
                ways.create_task(self._pump(far_reader, writer, upwards=False))
        except* (ConnectionError, OSError):
            pass
        finally:
            for end in (writer, far_writer):
                self._writers.discard(end)
                end.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, upwards: bool) -> None:
        while data := await reader.read(65_536):
            if upwards:
                self.sent += data
            async for piece in (self.up if upwards else self.down).pieces(data):
                writer.write(piece)
                await writer.drain()
        raise ConnectionResetError  # one end has closed: so does the other


def _no_farewell(writer: asyncio.StreamWriter) -> None:
    end = writer.get_extra_info("socket")
    if end is not None:
        with suppress(OSError):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
