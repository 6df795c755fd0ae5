"""One connection to a speech server, over the stock WebSocket protocol of vosk-server, in lock-step.

To each binary message (PCM) exactly one JSON text is answered; ``config`` is answered by nothing; the literal texts
``{"reset" : 1}`` and ``{"eof" : 1}`` by the final result, the latter before the server closes. Servers differ: those
before the end of 2023 break off at a reset, and the C++ one takes every text but the eof for sound. A probe tells them
apart.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

import numpy as np
import soxr
import structlog
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from asr.recognizer import Word

log = structlog.get_logger(__name__)

RATE = 16_000
EOF = '{"eof" : 1}'
RESET = '{"reset" : 1}'
FACTS_HEADER = "X-Hotline-Speech"
"""Our own worker says in the handshake what it runs; a stock server says nothing."""
_FULL = 1013


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """Seconds."""

    connect_s: float = 3.0
    answer_s: float = 5.0
    final_s: float = 10.0
    """A reset or eof may have a whole segment decoded."""
    by_nature_s: float = 1.5
    """Of which so long is no lateness."""
    first_pause_s: float = 0.3
    longest_pause_s: float = 10.0
    give_up_s: float = 8.0
    """A segment that no server has taken for so long is left to its session."""
    probe_every_s: float = 10.0


class Kind(StrEnum):
    """What a server does at the end of a segment."""

    UNKNOWN = "unknown"
    RESETS = "resets"
    CLOSES = "closes"
    """It knows no reset: a connection for each segment."""
    BARE = "bare"
    """No reset and no config: its sample rate is what it was started with."""


class Broken(Exception):
    """The conversation with a server ended before it should have. ``why`` is for a person."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


BREAKS = (ConnectionClosed, InvalidHandshake, InvalidURI, OSError, TimeoutError, ValueError, Broken)


@dataclass(eq=False, kw_only=True, slots=True)
class RemoteServer:
    """``rate`` is what it is sent, in Hz; 8000 for a C++ server that was started so."""

    url: str
    rate: int = RATE
    kind: Kind = Kind.UNKNOWN
    streams: int = 0
    up: bool = False
    reason: str = "not asked yet"
    failures: int = 0
    busy_until_s: float = 0.0
    owing_since_s: float | None = None
    """A segment's final text was asked for then, and none has come since, of any segment."""
    facts: dict[str, Any] = field(default_factory=dict)
    lost: asyncio.Event = field(default_factory=asyncio.Event)

    def failed(self, why: str) -> None:
        if self.up:
            log.warning("speech server lost", reason=why)
        self.up, self.reason = False, why
        self.failures += 1
        self.lost.set()

    def answered(self) -> None:
        if not self.up:
            log.info("speech server answers", kind=self.kind.value)
        self.up, self.reason, self.failures = True, "", 0

    @property
    def room(self) -> int | None:
        """Streams it says it can carry; None where it does not say."""
        limit = self.facts.get("limit")
        return limit if isinstance(limit, int) else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """``text`` None: the segment goes on, and ``partial`` is what there is of it."""

    partial: str = ""
    text: str | None = None
    confidence: float | None = None
    words: tuple[Word, ...] = ()

    @classmethod
    def parse(cls, data: str | bytes) -> Answer:
        """Raises ValueError. Every key may be missing: before any sound even a partial result is called ``text``.

        A key that is there holds what belongs there, or the answer is no result.
        """
        try:
            return cls._of(json_object(data))
        except (TypeError, AttributeError) as error:
            raise ValueError("no result") from error

    @classmethod
    def _of(cls, said: dict[str, Any]) -> Answer:
        if "alternatives" in said:
            first: dict[str, Any] = next(iter(said["alternatives"]), {})
            said = {"text": first.get("text", ""), "result": first.get("result", [])}
        if "text" not in said:
            return cls(partial=text_in(said, "partial"))
        result = said.get("result")
        words = tuple(
            Word(
                text=text_in(word, "word"),
                start_s=_number(word["start"]),
                end_s=_number(word["end"]),
                confidence=_number(word["conf"]) if "conf" in word else None,
            )
            for word in (result if isinstance(result, list) else ())
            if isinstance(word, dict) and {"word", "start", "end"} <= word.keys()
        )
        known = [word.confidence for word in words if word.confidence is not None]
        confidence = said.get("confidence", sum(known) / len(known) if known else None)
        return cls(
            text=text_in(said, "text"),
            confidence=_number(confidence) if isinstance(confidence, int | float) else None,
            words=words,
        )


def text_in(said: dict[str, Any], key: str) -> str:
    """Empty where the key is missing. Raises ValueError for what is no text."""
    text = said.get(key, "")
    if not isinstance(text, str):
        raise ValueError(f"{key} is no text")
    return text


def _number(value: Any) -> float:
    """Raises ValueError, TypeError: infinite is no number either."""
    try:
        number = float(value)
    except OverflowError as error:
        raise ValueError("no number") from error
    if not math.isfinite(number):
        raise ValueError("no number")
    return number


def json_object(data: str | bytes) -> dict[str, Any]:
    """Raises ValueError, whatever a stranger sent."""
    try:
        said = json.loads(data, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("too deep") from error
    if not isinstance(said, dict):
        raise ValueError("no object")
    return said


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


class Link(Protocol):
    """One connection to one server, whatever it speaks. Every method raises one of ``BREAKS``."""

    server: RemoteServer
    heard_s: float
    """Sound it has been sent."""

    async def find_out(self) -> Kind: ...

    async def hear(self, pcm: bytes) -> Answer: ...

    async def finish(self) -> Answer:
        """``text`` is the segment's, all of it that is not in an answer before."""

    async def close(self) -> None: ...


Dial = Callable[[RemoteServer, Patience], Awaitable[Link]]


def is_full(error: BaseException) -> bool:
    return isinstance(error, ConnectionClosed) and error.rcvd is not None and error.rcvd.code == _FULL


def why_broken(error: BaseException) -> str:
    """Our own words: what a stranger's server says goes nowhere."""
    match error:
        case Broken():
            return error.why
        case TimeoutError():
            return "it does not answer in time"
        case ConnectionClosed():
            return "it closed the connection"
        case InvalidHandshake() | InvalidURI():
            return "it does not speak the protocol"
        case ValueError():
            return "its answer is no result"
    return "it cannot be reached"


class VoskLink:
    """One connection to one server."""

    def __init__(self, server: RemoteServer, socket: ClientConnection, patience: Patience) -> None:
        self.server = server
        self._socket = socket
        self._patience = patience
        self.heard_s = 0.0
        """Sound sent: a stock server's word times count from its first."""
        self._downsampler = soxr.ResampleStream(RATE, server.rate, 1, dtype="int16") if server.rate != RATE else None

    @classmethod
    async def open(cls, server: RemoteServer, patience: Patience) -> VoskLink:
        """Raises one of ``BREAKS``."""
        async with asyncio.timeout(patience.connect_s):
            socket = await connect(
                server.url, compression=None, ping_interval=None, max_size=1 << 20, open_timeout=None, proxy=None
            )
        response = socket.response
        said = response.headers.get(FACTS_HEADER, "{}") if response is not None else "{}"
        server.facts = {}
        with suppress(ValueError):
            server.facts = json_object(said)
        link = cls(server, socket, patience)
        if server.kind is not Kind.BARE:
            await link._configure()
        return link

    async def _configure(self) -> None:
        """Answered by nothing. ``segments`` is for our own worker: speech has been found already."""
        wishes = {"sample_rate": self.server.rate, "words": 1, "max_alternatives": 0, "segments": "client"}
        await self._socket.send(json.dumps({"config": wishes}))

    async def find_out(self) -> Kind:
        """By a reset before any sound. Costs one round trip and leaves a fresh recogniser behind."""
        if self.server.kind is Kind.BARE:
            return Kind.BARE
        await self._socket.send(RESET)
        try:
            async with asyncio.timeout(self._patience.answer_s):
                said = json_object(await self._socket.recv())
        except ConnectionClosed as error:
            if is_full(error) or not self._after_a_crash(error):
                raise
            return Kind.CLOSES
        return Kind.BARE if "partial" in said else Kind.RESETS

    @staticmethod
    def _after_a_crash(error: ConnectionClosed) -> bool:
        return error.rcvd is not None and error.rcvd.code == 1011

    async def hear(self, pcm: bytes) -> Answer:
        self.heard_s += len(pcm) / (2 * RATE)
        if self._downsampler is not None:
            pcm = self._downsampler.resample_chunk(np.frombuffer(pcm, "<i2")).astype("<i2").tobytes()
            if not pcm:
                return Answer()
        return await self._ask(pcm, self._patience.answer_s)

    async def finish(self) -> Answer:
        """The final result of the segment. Only a server that resets can be spoken to afterwards."""
        answer = await self._ask(RESET if self.server.kind is Kind.RESETS else EOF, self._patience.final_s)
        if answer.text is None:
            raise Broken("it gives no final result")
        return answer

    async def _ask(self, message: str | bytes, patience_s: float) -> Answer:
        async with asyncio.timeout(patience_s):
            await self._socket.send(message)
            return Answer.parse(await self._socket.recv())

    async def close(self) -> None:
        self._socket.transport.abort()
        with suppress(Exception):
            await self._socket.wait_closed()
