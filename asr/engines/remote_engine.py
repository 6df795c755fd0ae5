"""Recognition by speech servers elsewhere, any number of them: each stream is with one, and changes when it fails.

A segment's sound is kept until its final text has come: a connection that breaks is replaced, by another server where
there is one, and what the segment had said is said again. Servers that know no reset get a connection for each segment.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

import structlog
from websockets.exceptions import ConnectionClosed

from asr.engines.links import (
    BREAKS,
    RATE,
    Answer,
    Broken,
    Dial,
    Kind,
    Link,
    Patience,
    RemoteServer,
    VoskLink,
    is_full,
    why_broken,
)
from asr.recognizer import Capabilities, EngineUnavailable, Health, Hypothesis, SpeechLevel, Word

log = structlog.get_logger(__name__)

ENGINE = "vosk_server"

_PIECE_BYTES = 3_200
"""100 ms, the least that is sent to a stock server while somebody speaks."""
_OUR_PIECE_BYTES = 1_920
"""60 ms: text comes only as the answer to a piece, and our worker waits with the answer for what is about to come."""
_BITE_BYTES = 25_600
"""0.8 s, the most that is sent at once after a delay."""
_KEPT_BYTES = 30 * 2 * RATE
"""Sound without an answer that is kept; beyond it the oldest goes."""
_BUSY_S = 5.0
_UNTOLD_ROOM = 16
"""Streams of a server that does not say how many it can carry."""


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
        self.dial: Dial = dial or VoskLink.open
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
    def room(self) -> int:
        """Streams that the servers which are up can carry together."""
        rooms = [server.room for server in self.servers if server.up]
        return sum(_UNTOLD_ROOM if room is None else room for room in rooms)

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
        return min(fit, key=lambda server: server.streams / (server.room or _UNTOLD_ROOM), default=None)

    async def _watch(self, server: RemoteServer) -> None:
        while True:
            server.lost.clear()
            if server.up:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._patience.probe_every_s):
                        await server.lost.wait()
            if not server.up:
                await asyncio.sleep(_pause_s(self._patience, server.failures - 1))
            try:
                await self._probe(server)
            except Exception:
                log.exception("speech server not looked at")
                server.failed("it could not be looked at")

    async def _probe(self, server: RemoteServer) -> None:
        try:
            link = await self.dial(server, self._patience)
            try:
                server.kind = await link.find_out()
            finally:
                await link.close()
        except BREAKS as error:
            if is_full(error):
                server.answered()
                server.busy_until_s = time.monotonic() + _BUSY_S
            else:
                server.failed(why_broken(error))
        else:
            server.answered()


def _pause_s(patience: Patience, failures: int) -> float:
    return min(patience.longest_pause_s, patience.first_pause_s * 2.0 ** min(max(0, failures), 10))


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
        self._resting = False
        """The connection has nothing of the open segment, and owes nothing: its end is no fault of the server's."""
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
        if segment.unsent >= _OUR_PIECE_BYTES:
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
                        raise EngineUnavailable(ENGINE, why_broken(error)) from error
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
        if self._resting and isinstance(error, ConnectionClosed) and not is_full(error):
            self._log.info("quiet connection closed by the speech server")
            return
        if is_full(error):
            server.busy_until_s = time.monotonic() + _BUSY_S
        else:
            server.failed(why_broken(error))
        self._log.warning("speech server left", reason=why_broken(error))

    async def _converse(self, server: RemoteServer) -> None:
        """Until the stream is closed, or, with a server that knows no reset, until a segment has been answered."""
        server.streams += 1
        self._resting = False
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
        least_bytes = _OUR_PIECE_BYTES if link.server.facts else _PIECE_BYTES
        if segment is not None and (segment.unsent >= least_bytes or (segment.flushed and segment.unsent)):
            await self._send_piece(link, segment)
        elif segment is not None and segment.flushed:
            await self._finish(link, segment)
            link.server.answered()
            return link.server.kind is Kind.RESETS
        elif self._closing:
            self._segments.clear()
            return False
        else:
            self._resting = segment is None or not segment.sent
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
        self._resting = False
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
        link.server.owing_since_s = link.server.owing_since_s or self._finishing_since_s
        last = await link.finish()
        self._resting = False
        self._finishing_since_s = link.server.owing_since_s = None
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
