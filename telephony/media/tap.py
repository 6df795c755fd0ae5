"""Live audio of each leg: a loopback server for Asterisk's AudioSocket channels.

For each leg the switch originates ``AudioSocket/<host>:<port>/<tap id>`` running ``ChanSpy``: it stands beside the
call, so nothing here can reach the talk. The server reads at once whatever comes, whether or not anybody consumes it;
only ids it has given out moments ago are let in, once; anything else is closed.

Frame: kind (1 byte), length (2 bytes, big-endian), payload. Asterisk documents it as *AudioSocket*, channel driver.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from enum import IntEnum

import structlog

from telephony.ids import TapId

log = structlog.get_logger(__name__)

FRAME_BYTES = 320
"""20 ms of 16-bit little-endian mono at 8 kHz."""

_MOST_PAYLOAD = 8 * 1024
_FRAME_TIMEOUT_S = 2.0
_QUEUED_FRAMES = 250
"""5 s of audio for a consumer that has fallen behind; the oldest is dropped beyond it."""
_MOST_STRANGERS = 32
"""Connections that have not said who they are."""


class Kind(IntEnum):
    """The frames we understand; every other kind ends the connection."""

    HANG_UP = 0x00
    ID = 0x01
    DTMF = 0x03
    AUDIO_8K = 0x10
    ERROR = 0xFF


class _Rejected(Exception):
    """The peer does not speak the protocol, or is not expected. ``why`` is one of our own words."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Tap:
    """One leg's audio. Made by ``TapServer.expect``; ``id`` goes into the switch's Originate."""

    def __init__(self, tap_id: TapId, *, expires_at: float) -> None:
        self.id = tap_id
        self.expires_at = expires_at
        self.connected = False
        self.dropped = 0
        """Frames thrown away because nobody took them in time."""
        self._frames: deque[tuple[bytes, float]] = deque(maxlen=_QUEUED_FRAMES)
        self._news = asyncio.Event()
        self._ended = asyncio.Event()
        self._connection: asyncio.Task[None] | None = None

    @property
    def ended(self) -> bool:
        """No further frame will come."""
        return self._ended.is_set()

    async def frames(self) -> AsyncIterator[tuple[bytes, float]]:
        """``FRAME_BYTES`` each with its arrival by the monotonic clock; ends when the leg ends or never came.

        A silent leg sends nothing at all, for as long as it is silent.
        """
        while True:
            while self._frames:
                yield self._frames.popleft()
            if self.ended:
                return
            self._news.clear()
            await self._news.wait()

    def close(self) -> None:
        """Ends the tap from our side; the call does not notice."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.cancel()
        self._end()

    def _put(self, frame: bytes, arrived_s: float) -> None:
        if len(self._frames) == _QUEUED_FRAMES:
            self.dropped += 1
        self._frames.append((frame, arrived_s))
        self._news.set()

    def _end(self) -> None:
        self._ended.set()
        self._news.set()


class TapServer:
    """Listens on a loopback address. ``expect`` first, then tell the switch."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._server: asyncio.Server | None = None
        self._expected: dict[TapId, Tap] = {}
        self._expiries: dict[TapId, asyncio.TimerHandle] = {}
        self._connections: set[asyncio.Task[None]] = set()
        self._strangers = 0
        self.rejected = 0
        """Connections turned away since the start."""
        self.host = ""
        self.port = 0

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Raises ValueError for an address that is not loopback, OSError if it cannot be bound."""
        if not host.startswith("127.") and host != "::1":
            raise ValueError("the tap server listens on loopback only")
        self._server = await asyncio.start_server(self._connected, host, port, limit=4 * _MOST_PAYLOAD)
        self.host, self.port = self._server.sockets[0].getsockname()[:2]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._connections:
            task.cancel()
        if self._connections:
            await asyncio.wait(self._connections)
        if self._server is not None:
            await self._server.wait_closed()
            self._server = None
        for tap in list(self._expected.values()):
            self._expire(tap)

    def expect(self, ttl_s: float = 30.0) -> Tap:
        """A tap that may connect within ``ttl_s``; after that its ``frames`` end empty."""
        tap = Tap(TapId(str(uuid.uuid4())), expires_at=self._clock() + ttl_s)
        self._expected[tap.id] = tap
        self._expiries[tap.id] = asyncio.get_running_loop().call_later(ttl_s, self._expire, tap)
        return tap

    def _expire(self, tap: Tap) -> None:
        self._forget(tap)
        tap._end()

    def _forget(self, tap: Tap) -> None:
        self._expected.pop(tap.id, None)
        if timer := self._expiries.pop(tap.id, None):
            timer.cancel()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            await self._serve(reader, task)
        except _Rejected as rejection:
            self.rejected += 1
            log.warning("tap connection rejected", why=rejection.why)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # Asterisk ends a tap by closing the socket; a cancelled one was closed by us
        finally:
            self._connections.discard(task)
            writer.transport.abort()
            with suppress(Exception, asyncio.CancelledError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, task: asyncio.Task[None]) -> None:
        tap = await self._identified(reader)
        tap.connected = True
        tap._connection = task
        try:
            await self._pump(reader, tap)
        finally:
            tap._end()

    async def _identified(self, reader: asyncio.StreamReader) -> Tap:
        if self._strangers >= _MOST_STRANGERS:
            raise _Rejected("too many unidentified connections")
        self._strangers += 1
        try:
            async with asyncio.timeout(_FRAME_TIMEOUT_S):
                kind, payload = await _frame(reader)
        except TimeoutError:
            raise _Rejected("no id in time") from None
        finally:
            self._strangers -= 1
        if kind is not Kind.ID or len(payload) != 16:
            raise _Rejected("first frame is not an id")
        tap = self._expected.get(TapId(str(uuid.UUID(bytes=payload))))
        if tap is None or tap.ended or self._clock() > tap.expires_at:
            raise _Rejected("unknown, used, closed or expired id")
        self._forget(tap)
        return tap

    async def _pump(self, reader: asyncio.StreamReader, tap: Tap) -> None:
        rest = b""
        while True:
            first = await reader.readexactly(1)  # a silent leg may take any time until here
            try:
                async with asyncio.timeout(_FRAME_TIMEOUT_S):
                    kind, payload = await _frame(reader, first)
            except TimeoutError:
                raise _Rejected("frame broken off") from None
            match kind:
                case Kind.AUDIO_8K:
                    rest = self._audio(tap, rest + payload)
                case Kind.DTMF:
                    pass
                case Kind.HANG_UP:
                    return
                case Kind.ERROR:
                    log.warning("tap reports an error", code=payload[:1].hex())
                    return
                case Kind.ID:
                    raise _Rejected("second id")

    def _audio(self, tap: Tap, audio: bytes) -> bytes:
        """Whole frames go on; what is left over waits for the next payload."""
        arrived_s = self._clock()
        whole = len(audio) - len(audio) % FRAME_BYTES
        for at in range(0, whole, FRAME_BYTES):
            tap._put(audio[at : at + FRAME_BYTES], arrived_s)
        return audio[whole:]


async def _frame(reader: asyncio.StreamReader, first: bytes = b"") -> tuple[Kind, bytes]:
    header = first + await reader.readexactly(3 - len(first))
    try:
        kind = Kind(header[0])
    except ValueError:
        raise _Rejected("unknown kind") from None
    length = int.from_bytes(header[1:], "big")
    if length > _MOST_PAYLOAD:
        raise _Rejected("frame too long")
    return kind, await reader.readexactly(length)
