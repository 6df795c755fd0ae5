"""The sound of one telephone: it speaks a tone or what it is given, and remembers what it hears, and when."""

from __future__ import annotations

import asyncio
import struct
import time
from collections import deque
from collections.abc import Iterator
from itertools import cycle

import numpy as np
from numpy.typing import NDArray

from api.demo.sipp import alaw_of

RATE = 8000
SAMPLES = 160
"""20 ms, what a packet holds."""
LOUD = 0.02
"""Amplitude from which a tone counts as heard; the phones speak at 0.25."""


def _decoded() -> NDArray[np.float64]:
    grid = np.linspace(-1.0, 1.0, 1 << 15, dtype=np.float32)
    codes = np.frombuffer(alaw_of(grid), dtype=np.uint8)
    return np.array([grid[codes == code].mean() if (codes == code).any() else 0.0 for code in range(256)])


class Sound(asyncio.DatagramProtocol):
    """Bind it with ``open`` to the address that the phone's SDP gives. Use as an async context manager."""

    _table: NDArray[np.float64] | None = None

    def __init__(self, host: str, port: int, tone_hz: float, *, rest_s: float = 0.0) -> None:
        """``rest_s``: of silence after each second of tone."""
        self.host, self.port, self.tone_hz, self.rest_s = host, port, tone_hz, rest_s
        self.heard: list[tuple[float, bytes]] = []
        """When each packet came (``time.monotonic``), and its sound."""
        self._peer: tuple[str, int] | None = None
        self._socket: asyncio.DatagramTransport
        self._speaking: asyncio.Task[None]

    async def __aenter__(self) -> Sound:
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=(self.host, self.port))
        self._speaking = loop.create_task(self._speak())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._speaking.cancel()
        await asyncio.gather(self._speaking, return_exceptions=True)
        self._socket.close()

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._socket = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if len(data) > 12 and data[1] & 0x7F == 8:
            self._peer = addr
            self.heard.append((time.monotonic(), data[12:]))

    def speak_to(self, media: tuple[str, int] | None) -> None:
        """Somebody has to begin; later it goes to wherever sound comes from."""
        self._peer = media

    def _sounds(self) -> Iterator[bytes]:
        """Packet by packet, without end."""
        at = np.arange(RATE) / RATE
        tone = 0.25 * np.sin(2 * np.pi * self.tone_hz * at)
        turn = alaw_of(np.concatenate((tone, np.zeros(round(self.rest_s * RATE)))).astype(np.float32))
        return cycle([turn[start : start + SAMPLES] for start in range(0, len(turn), SAMPLES)])

    async def _speak(self) -> None:
        sounds = self._sounds()
        begun, sent = time.monotonic(), 0
        while True:
            await asyncio.sleep(max(0.0, begun + sent * 0.02 - time.monotonic()))
            if self._peer is not None:
                head = struct.pack(
                    "!BBHII", 0x80, 8, sent & 0xFFFF, sent * SAMPLES & 0xFFFFFFFF, 0x5EED0000 + self.port
                )
                self._socket.sendto(head + next(sounds), self._peer)
            sent += 1

    # what was heard ---------------------------------------------------------------------------------------------------

    def loudness(self, tone_hz: float, since: float, until: float) -> float:
        """Amplitude (0..1) of a tone in what came in between."""
        samples = self._samples([sound for at, sound in self.heard if since <= at < until])
        if len(samples) < SAMPLES:
            return 0.0
        wave = np.exp(-2j * np.pi * tone_hz * np.arange(len(samples)) / RATE)
        return float(2 * abs(np.mean(samples * wave)))

    def hears(self, tone_hz: float, since: float, until: float) -> bool:
        """Looked at in steps of a tenth of a second, in most of which it must be loud enough."""
        steps = np.arange(since, until, 0.1)
        loud = [self.loudness(tone_hz, at, at + 0.1) > LOUD for at in steps]
        return sum(loud) > 0.6 * len(steps)

    def longest_silence_s(self, tones_hz: tuple[float, ...], since: float, until: float) -> float:
        """The longest time in which no packet held any of these tones."""
        last, longest = since, 0.0
        for at, sound in self.heard:
            if since <= at < until and any(self._of_packet(sound, tone) > LOUD for tone in tones_hz):
                longest, last = max(longest, at - last), at
        return max(longest, until - last)

    def _of_packet(self, sound: bytes, tone_hz: float) -> float:
        samples = self._samples([sound])
        return float(2 * abs(np.mean(samples * np.exp(-2j * np.pi * tone_hz * np.arange(len(samples)) / RATE))))

    def _samples(self, sounds: list[bytes]) -> NDArray[np.float64]:
        if Sound._table is None:
            Sound._table = _decoded()
        return Sound._table[np.frombuffer(b"".join(sounds), dtype=np.uint8)]


class Voice(Sound):
    """Says what it is given, and is silent in between."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port, tone_hz=0.0)
        self._words: deque[bytes] = deque()
        self._quiet = asyncio.Event()

    async def say(self, alaw: bytes) -> None:
        """A-law at 8 kHz; returns when the last of it has been spoken."""
        self._quiet.clear()
        self._words.extend(alaw[at : at + SAMPLES].ljust(SAMPLES, _SILENT) for at in range(0, len(alaw), SAMPLES))
        await self._quiet.wait()

    def _sounds(self) -> Iterator[bytes]:
        while True:
            if not self._words:
                self._quiet.set()
            yield self._words.popleft() if self._words else _SILENT * SAMPLES


_SILENT = b"\xd5"
