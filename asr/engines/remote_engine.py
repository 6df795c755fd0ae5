"""Recognition by vosk-servers elsewhere: any number of them, over the stock WebSocket protocol, in lock-step.

To each binary message (PCM) exactly one JSON text is answered; ``config`` is answered by nothing; the literal texts
``{"reset" : 1}`` and ``{"eof" : 1}`` by the final result, the latter before the server closes. Servers differ: those
before the end of 2023 break off at a reset, and the C++ one takes every text but the eof for sound. A probe tells them
apart, and those without a reset get a connection for each segment.

A segment's sound is kept until its final text has come: a connection that breaks is replaced, by another server where
there is one, and what the segment had said is said again.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Protocol

import numpy as np
import soxr
import structlog
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from asr.recognizer import Capabilities, EngineUnavailable, Health, Hypothesis, SpeechLevel, Word

log = structlog.get_logger(__name__)

ENGINE = "vosk_server"
RATE = 16_000
EOF = '{"eof" : 1}'
RESET = '{"reset" : 1}'
FACTS_HEADER = "X-Hotline-Speech"
"""Our own worker says in the handshake what it runs; a stock server says nothing."""

_PIECE_BYTES = 3_200
"""100 ms, the least that is sent while somebody speaks."""
_BITE_BYTES = 25_600
"""0.8 s, the most that is sent at once after a delay."""
_KEPT_BYTES = 30 * 2 * RATE
"""Sound without an answer that is kept; beyond it the oldest goes."""
_FULL = 1013
_BUSY_S = 5.0


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
        """Raises ValueError. Every key may be missing: before any sound even a partial result is called ``text``."""
        said = json.loads(data)
        if not isinstance(said, dict):
            raise ValueError
        if "alternatives" in said:
            first: dict[str, Any] = next(iter(said["alternatives"]), {})
            said = {"text": first.get("text", ""), "result": first.get("result", [])}
        if "text" not in said:
            return cls(partial=str(said.get("partial", "")))
        result = said.get("result")
        words = tuple(
            Word(
                text=str(word["word"]),
                start_s=float(word["start"]),
                end_s=float(word["end"]),
                confidence=float(word["conf"]) if "conf" in word else None,
            )
            for word in (result if isinstance(result, list) else ())
            if isinstance(word, dict) and {"word", "start", "end"} <= word.keys()
        )
        known = [word.confidence for word in words if word.confidence is not None]
        confidence = said.get("confidence", sum(known) / len(known) if known else None)
        return cls(
            text=str(said["text"]),
            confidence=float(confidence) if isinstance(confidence, int | float) else None,
            words=words,
        )


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


Dial = Callable[["RemoteServer", "Patience"], Awaitable[Link]]


class RemoteRecognizer:
    """Streams go to the healthy server with the fewest of them for its size."""

    def __init__(
        self,
        servers: Sequence[RemoteServer],
        *,
        languages: tuple[str, ...] = ("zh",),
        patience: Patience | None = None,
        engine: str = ENGINE,
        dial: Dial | None = None,
    ) -> None:
        self.servers = list(servers)
        self._patience = patience or Patience()
        self.dial: Dial = dial or _VoskLink.open
        self._tasks: list[asyncio.Task[None]] = []
        self._capabilities = Capabilities(
            engine=engine, model="", languages=languages, sample_rate=RATE, word_times=True, confidence=True
        )

    @property
    def capabilities(self) -> Capabilities:
        facts = next((server.facts for server in self.servers if server.up and server.facts), {})
        return replace(
            self._capabilities,
            model=str(facts.get("model", "")),
            punctuation=bool(facts.get("punctuation", False)),
            whole_segments=bool(facts.get("whole_segments", False)),
        )

    @property
    def room(self) -> int | None:
        """Streams that the servers which are up can carry together; None where one of them does not say."""
        rooms = [server.room for server in self.servers if server.up]
        return None if not rooms or None in rooms else sum(room for room in rooms if room is not None)

    async def start(self) -> None:
        """Asks every server once; one that is away is asked again for ever. Raises for an address that is none."""
        for server in self.servers:
            if not server.url.startswith(("ws://", "wss://")):
                raise EngineUnavailable(
                    self._capabilities.engine, f"{server.url} is no ws:// address", "correct HOTLINE_SPEECH_SERVERS"
                )
        if not self.servers:
            raise EngineUnavailable(self._capabilities.engine, "no server is configured", "set HOTLINE_SPEECH_SERVERS")
        await asyncio.gather(*(self._probe(server) for server in self.servers))
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._watch(server), name="speech server watch") for server in self.servers]

    async def stop(self) -> None:
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for server in self.servers:
            server.up, server.reason = False, "stopped"

    def health(self) -> Health:
        down = [server for server in self.servers if not server.up]
        if len(down) == len(self.servers):
            return Health(level=SpeechLevel.DOWN, reason=f"no speech server answers: {down[0].reason if down else ''}")
        if down:
            said = f"{len(down)} of {len(self.servers)} speech servers are away: {down[0].reason}"
            return Health(level=SpeechLevel.DEGRADED, reason=said)
        return Health(level=SpeechLevel.OK)

    def open(self, stream_id: str) -> RemoteStream:
        if self.choose() is None:
            health = self.health()
            raise EngineUnavailable(ENGINE, health.reason or "no room: every speech server is full")
        return RemoteStream(self, self._patience, stream_id=stream_id)

    def choose(self) -> RemoteServer | None:
        """None: all are away or full."""
        now_s = time.monotonic()
        fit = [
            server
            for server in self.servers
            if server.up and server.busy_until_s <= now_s and (server.room is None or server.streams < server.room)
        ]
        return min(fit, key=lambda server: server.streams / (server.room or 16), default=None)

    async def _watch(self, server: RemoteServer) -> None:
        while True:
            server.lost.clear()
            if server.up:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._patience.probe_every_s):
                        await server.lost.wait()
            if not server.up:
                await asyncio.sleep(_pause_s(self._patience, server.failures - 1))
            await self._probe(server)

    async def _probe(self, server: RemoteServer) -> None:
        try:
            link = await self.dial(server, self._patience)
            try:
                server.kind = await link.find_out()
            finally:
                await link.close()
        except BREAKS as error:
            if _is_full(error):
                server.answered()
                server.busy_until_s = time.monotonic() + _BUSY_S
            else:
                server.failed(_why(error))
        else:
            server.answered()


def _pause_s(patience: Patience, failures: int) -> float:
    return min(patience.longest_pause_s, patience.first_pause_s * 2.0 ** min(max(0, failures), 10))


def _is_full(error: BaseException) -> bool:
    return isinstance(error, ConnectionClosed) and error.rcvd is not None and error.rcvd.code == _FULL


def _why(error: BaseException) -> str:
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


class _VoskLink:
    """One connection to one server."""

    def __init__(self, server: RemoteServer, socket: ClientConnection, patience: Patience) -> None:
        self.server = server
        self._socket = socket
        self._patience = patience
        self.heard_s = 0.0
        """Sound sent: a stock server's word times count from its first."""
        self._downsampler = soxr.ResampleStream(RATE, server.rate, 1, dtype="int16") if server.rate != RATE else None

    @classmethod
    async def open(cls, server: RemoteServer, patience: Patience) -> _VoskLink:
        """Raises one of ``BREAKS``."""
        async with asyncio.timeout(patience.connect_s):
            socket = await connect(
                server.url, compression=None, ping_interval=None, max_size=1 << 20, open_timeout=None, proxy=None
            )
        response = socket.response
        said = response.headers.get(FACTS_HEADER, "{}") if response is not None else "{}"
        with suppress(ValueError):
            facts = json.loads(said)
            server.facts = facts if isinstance(facts, dict) else {}
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
                said = json.loads(await self._socket.recv())
        except ConnectionClosed as error:
            if _is_full(error) or not self._after_a_crash(error):
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


@dataclass(eq=False, slots=True)
class _Segment:
    """Its sound, until it has been answered."""

    pcm: bytearray = field(default_factory=bytearray)
    sent: int = 0
    fed: deque[tuple[int, float]] = field(default_factory=deque)
    """How long the sound was at which times, of what is not sent."""
    flushed: bool = False
    began_s: float = 0.0
    """Where it begins in what the connection has been sent."""
    parts: list[Answer] = field(default_factory=list)
    """A server may end an utterance of its own inside our segment."""

    @property
    def unsent(self) -> int:
        return len(self.pcm) - self.sent

    def again(self) -> None:
        self.sent = 0
        self.parts.clear()
        self.fed.clear()


class RemoteStream:
    def __init__(self, owner: RemoteRecognizer, patience: Patience, *, stream_id: str) -> None:
        self._owner = owner
        self._patience = patience
        self._log = log.bind(stream=stream_id)
        self._segments: deque[_Segment] = deque()
        self._wake = asyncio.Event()
        self._closing = False
        self._finishing_since_s: float | None = None
        self._said: asyncio.Queue[Hypothesis | Exception | None] = asyncio.Queue()
        self.dropped_s = 0.0
        self._task = asyncio.get_running_loop().create_task(self._run(), name=f"remote {stream_id}")

    # ---- in

    def feed(self, pcm: bytes) -> None:
        if not self._segments or self._segments[-1].flushed:
            self._segments.append(_Segment())
        segment = self._segments[-1]
        segment.pcm += pcm
        segment.fed.append((len(segment.pcm), time.monotonic()))
        self._bound()
        if segment.unsent >= _PIECE_BYTES:
            self._wake.set()

    def flush(self) -> None:
        if not self._segments or self._segments[-1].flushed:
            self._segments.append(_Segment())
        self._segments[-1].flushed = True
        self._wake.set()

    def _bound(self) -> None:
        """The oldest sound goes first; each segment is still answered, by what is left of it."""
        excess = sum(len(segment.pcm) for segment in self._segments) - _KEPT_BYTES
        for segment in self._segments:
            if excess <= 0:
                return
            gone = min(excess, len(segment.pcm)) & ~1
            del segment.pcm[:gone]
            segment.sent = max(0, segment.sent - gone)
            segment.fed = deque((end - gone, at) for end, at in segment.fed if end > gone)
            self.dropped_s += gone / (2 * RATE)
            excess -= gone

    # ---- out

    async def hypotheses(self) -> AsyncIterator[Hypothesis]:
        while (said := await self._said.get()) is not None:
            if isinstance(said, Exception):
                raise said
            yield said

    def lateness_s(self) -> float:
        since_s = next((segment.fed[0][1] for segment in self._segments if segment.fed), None)
        if since_s is None:
            return 0.0
        if self._finishing_since_s is not None:
            since_s = max(since_s, self._finishing_since_s + self._patience.by_nature_s)
        return max(0.0, time.monotonic() - since_s)

    def backlog_s(self) -> float:
        return sum(segment.unsent for segment in self._segments) / (2 * RATE)

    async def close(self) -> None:
        self._closing = True
        self._wake.set()
        try:
            await asyncio.wait([self._task])
        finally:
            self._task.cancel()

    # ---- the conversation

    async def _run(self) -> None:
        failing_since_s: float | None = None
        tries = 0
        try:
            while self._segments or not self._closing:
                server = self._owner.choose()
                try:
                    if server is None:
                        raise Broken("no speech server has room")
                    await self._converse(server)
                    failing_since_s, tries = None, 0
                    continue
                except BREAKS as error:
                    self._lost(server, error)
                    if self._closing and not any(segment.flushed for segment in self._segments):
                        return
                    failing_since_s = failing_since_s or time.monotonic()
                    if time.monotonic() - failing_since_s > self._patience.give_up_s:
                        raise EngineUnavailable(ENGINE, _why(error)) from error
                if server is None or self._owner.choose() is None:
                    await asyncio.sleep(min(1.0, _pause_s(self._patience, tries)))
                    tries += 1
        except Exception as error:
            self._said.put_nowait(error)
        finally:
            self._said.put_nowait(None)

    def _lost(self, server: RemoteServer | None, error: BaseException) -> None:
        for segment in self._segments:
            segment.again()
        self._finishing_since_s = None
        if server is None:
            return
        if _is_full(error):
            server.busy_until_s = time.monotonic() + _BUSY_S
        else:
            server.failed(_why(error))
        self._log.warning("speech server left", reason=_why(error))

    async def _converse(self, server: RemoteServer) -> None:
        """Until the stream is closed, or, with a server that knows no reset, until a segment has been answered."""
        server.streams += 1
        try:
            await self._something_to_say(server)
            if self._closing and not self._segments:
                return
            link = await self._owner.dial(server, self._patience)
            try:
                while await self._step(link):
                    pass
            finally:
                await link.close()
        finally:
            server.streams -= 1

    async def _something_to_say(self, server: RemoteServer) -> None:
        """Servers that close after each segment may also close after a while of silence: they are met when needed."""
        while server.kind is not Kind.RESETS and not self._segments and not self._closing:
            self._wake.clear()
            await self._wake.wait()

    async def _step(self, link: Link) -> bool:
        """False: this connection has served its time."""
        segment = self._segments[0] if self._segments else None
        if segment is not None and (segment.unsent >= _PIECE_BYTES or (segment.flushed and segment.unsent)):
            await self._send_piece(link, segment)
        elif segment is not None and segment.flushed:
            await self._finish(link, segment)
            link.server.answered()
            return link.server.kind is Kind.RESETS
        elif self._closing:
            self._segments.clear()
            return False
        else:
            self._wake.clear()
            await self._wake.wait()
        return True

    async def _send_piece(self, link: Link, segment: _Segment) -> None:
        if not segment.sent:
            segment.began_s = 0.0 if link.server.facts else link.heard_s
        piece = bytes(segment.pcm[segment.sent : segment.sent + _BITE_BYTES])
        segment.sent += len(piece)
        while segment.fed and segment.fed[0][0] <= segment.sent:
            segment.fed.popleft()
        answer = await link.hear(piece)
        if answer.text:
            segment.parts.append(answer)
        open_text = answer.partial if answer.text is None else ""
        text = " ".join(filter(None, [*(part.text for part in segment.parts), open_text]))
        if text:
            self._said.put_nowait(Hypothesis(text=text, final=False))

    async def _finish(self, link: Link, segment: _Segment) -> None:
        if not segment.pcm:
            self._said.put_nowait(Hypothesis(text="", final=True))
            self._segments.popleft()
            return
        self._finishing_since_s = time.monotonic()
        last = await link.finish()
        self._finishing_since_s = None
        parts = [part for part in (*segment.parts, last) if part.text]
        known = [part.confidence for part in parts if part.confidence is not None]
        self._said.put_nowait(
            Hypothesis(
                text=" ".join(part.text or "" for part in parts),
                final=True,
                confidence=sum(known) / len(known) if known else None,
                words=tuple(_earlier(word, segment.began_s) for part in parts for word in part.words),
            )
        )
        self._segments.popleft()


def _earlier(word: Word, seconds: float) -> Word:
    return replace(word, start_s=max(0.0, word.start_s - seconds), end_s=max(0.0, word.end_s - seconds))
