"""Asterisk's side of an AudioSocket, for tests: says what it is told to say, byte for byte."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterable
from contextlib import suppress
from types import TracebackType

ID, DTMF, AUDIO, HANG_UP, ERROR = 0x01, 0x03, 0x10, 0x00, 0xFF


def frame(kind: int, payload: bytes) -> bytes:
    return bytes([kind]) + len(payload).to_bytes(2, "big") + payload


class AudioSocketClient:
    """``async with`` connects; leaving closes the socket without a word, as Asterisk does."""

    def __init__(self, host: str, port: int) -> None:
        self._address = host, port

    async def __aenter__(self) -> AudioSocketClient:
        self._reader, self._writer = await asyncio.open_connection(*self._address)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        with suppress(ConnectionError):
            await self._writer.drain()

    async def identify(self, tap_id: str) -> None:
        await self.send(frame(ID, uuid.UUID(tap_id).bytes))

    async def speak(self, pcm: bytes, *, size: int = 320) -> None:
        for at in range(0, len(pcm), size):
            await self.send(frame(AUDIO, pcm[at : at + size]))

    async def dribble(self, data: Iterable[int], *, every_s: float) -> None:
        for byte in data:
            await self.send(bytes([byte]))
            await asyncio.sleep(every_s)

    async def closed_by_peer(self, *, within_s: float = 5.0) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                with suppress(ConnectionError):
                    while await self._reader.read(4096):
                        pass
                return True
        return False
