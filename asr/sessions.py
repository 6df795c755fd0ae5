"""One leg's speech: frames in, speech events out; bounded, never in the way of a call, and never silent about trouble.

The feeder only ever appends to a bounded buffer. One task listens (gaps, resampling, voice activity) and hands speech
to the engine; another turns the engine's hypotheses into numbered events. Whatever an engine does (raise, hang, fall
behind, say nothing) becomes a ``StreamState``; after a failure a later segment gets a fresh engine stream.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

import structlog

from asr.audio import (
    LINE_BYTES_PER_S,
    RATE,
    Heard,
    Listener,
    SegmentAudio,
    SegmentClosed,
    Segmenting,
    SegmentOpened,
    rules_for,
)
from asr.pauses import text_of
from asr.recognizer import (
    EngineUnavailable,
    Final,
    Hypothesis,
    Partial,
    Recognizer,
    RecognizerStream,
    SpeechEvent,
    SpeechLevel,
    StreamState,
    Unheard,
)
from asr.voice import VoiceDetector, silero

log = structlog.get_logger(__name__)

_WORTH_A_LOOK_BYTES = 960
"""60 ms: looking at every frame by itself costs three times as many errands."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Seconds."""

    buffer_s: float = 3.0
    """Audio that may wait before the listener; the oldest is dropped beyond it."""
    late_s: float = 1.0
    """An engine this far behind gets its partials dropped and the stream called degraded."""
    silent_s: float = 8.0
    """Speech heard for so long without a word of text: degraded."""
    answer_s: float = 10.0
    """A flushed segment unanswered for so long: down."""
    reopen_s: float = 5.0
    """After a failure no new engine stream is tried before this."""
    drain_s: float = 10.0
    """How long ``close`` waits for text still owed; at least 1.5. Nobody waits for it but the transcript."""
    tick_s: float = 0.1


@dataclass(eq=False, kw_only=True, slots=True)
class _Segment:
    """What the session remembers of a segment until its final text."""

    seg: int
    start_s: float
    end_s: float
    rev: int = 0
    text: str = ""
    closed_at: float | None = None
    heard_to_s: float | None = None
    """The engine gave up here; what it had said until then is kept."""


class SpeechSession:
    """Feed it one leg's frames; iterate ``events``. Everything runs on the loop that created it."""

    def __init__(
        self,
        recognizer: Recognizer,
        *,
        stream_id: str,
        clock: Callable[[], float] = time.monotonic,
        detector: VoiceDetector | None = None,
        segmenting: Segmenting | None = None,
        limits: Limits | None = None,
    ) -> None:
        """``clock`` is the clock of ``arrived_s``."""
        self._recognizer = recognizer
        self._stream_id = stream_id
        self._clock = clock
        self._limits = limits or Limits()
        self._listener = Listener(
            detector or silero()(), segmenting or rules_for(whole_segments=recognizer.capabilities.whole_segments)
        )
        self._log = log.bind(stream=stream_id)

        self._inbound: deque[tuple[bytes, float]] = deque()
        self._inbound_bytes = 0
        self._arrived = asyncio.Event()
        self._closing = False
        self._looked_at = clock()

        self._stream: RecognizerStream | None = None
        self._reading: asyncio.Task[None] | None = None
        self._abandoned: set[asyncio.Task[None]] = set()
        self._leaving = False
        self._failed_at: float | None = None
        self._failure = ""
        self._segments = 0
        self._owed: deque[_Segment] = deque()  # oldest first; the last may still be open
        self._settled = asyncio.Event()  # nothing is owed
        self._settled.set()
        self._open: _Segment | None = None
        self._unheard_s = 0.0  # speech since the last word of text
        self._late = False

        self._state = StreamState(level=SpeechLevel.OK)
        self._out: deque[SpeechEvent] = deque()
        self._said = asyncio.Event()
        self._finished = False
        self.dropped_s = 0.0
        """Audio given up because the listener could not keep pace."""
        self._dropped_seen_s = 0.0
        self._dropped_at: float | None = None

        self._open_stream()
        self._listening = asyncio.get_running_loop().create_task(self._listen(), name=f"speech {stream_id}")

    # ---- in

    def feed(self, pcm8k: bytes, arrived_s: float) -> None:
        """One frame, 16-bit mono at 8 kHz, and when it came. Never blocks, never raises."""
        if self._closing:
            return
        self._inbound.append((pcm8k, arrived_s))
        self._inbound_bytes += len(pcm8k)
        while self._inbound_bytes > self._limits.buffer_s * LINE_BYTES_PER_S:
            dropped, _ = self._inbound.popleft()
            self._inbound_bytes -= len(dropped)
            self.dropped_s += len(dropped) / LINE_BYTES_PER_S
        if self._inbound_bytes >= _WORTH_A_LOOK_BYTES:
            self._arrived.set()

    async def close(self) -> None:
        """The leg ended. Waits for the text still owed, ``Limits.drain_s`` at most; then ``events`` ends."""
        if not self._closing:
            self._closing = True
            self._arrived.set()
        await asyncio.wait([self._listening])

    # ---- out

    async def events(self) -> AsyncIterator[SpeechEvent]:
        """In order; a waiting partial is replaced by a newer one of the same segment. For one reader."""
        while True:
            while self._out:
                yield self._out.popleft()
            if self._finished:
                return
            self._said.clear()
            await self._said.wait()

    @property
    def state(self) -> StreamState:
        return self._state

    def _say(self, event: SpeechEvent) -> None:
        last = self._out[-1] if self._out else None
        if isinstance(event, Partial) and isinstance(last, Partial) and last.seg == event.seg:
            self._out.pop()
        self._out.append(event)
        self._said.set()

    # ---- listening

    async def _listen(self) -> None:
        try:
            while not (self._closing and not self._inbound):
                await self._next_frames()
                self._take_inbound()
                self._watch()
            self._hear_all(self._listener.end())
            await self._drain()
        except Exception:
            self._log.exception("speech session failed")
            self._become(StreamState(level=SpeechLevel.DOWN, reason="the speech session failed"))
        finally:
            await self._leave_stream()
            self._finished = True
            self._said.set()

    async def _next_frames(self) -> None:
        if not self._closing:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._limits.tick_s):
                    await self._arrived.wait()
        self._arrived.clear()

    def _take_inbound(self) -> None:
        frames, self._inbound = self._inbound, deque()
        self._inbound_bytes = 0
        self._hear_all(self._listener.hear(frames))
        now_s = self._clock()
        held_up = now_s - self._looked_at > 2.5 * self._limits.tick_s  # frames may still be in the socket
        self._looked_at = now_s
        if not self._closing and not held_up:
            self._hear_all(self._listener.idle(now_s))

    def _hear_all(self, heard: Iterable[Heard]) -> None:
        for item in heard:
            match item:
                case SegmentOpened():
                    self._segment_opened(item)
                case SegmentAudio():
                    self._segment_audio(item)
                case SegmentClosed():
                    self._segment_closed(item)

    def _segment_opened(self, opened: SegmentOpened) -> None:
        self._segments += 1
        self._open = _Segment(seg=self._segments, start_s=opened.start_s, end_s=opened.start_s)
        if self._stream is None:
            self._open_stream()
        if self._stream is not None:
            self._owed.append(self._open)
            self._settled.clear()

    def _segment_audio(self, audio: SegmentAudio) -> None:
        if self._open is None:
            return
        if audio.speech:
            self._open.end_s = audio.end_s
            self._unheard_s += len(audio.pcm) / (2 * RATE)
        if self._stream is not None and self._open in self._owed:
            self._tell(lambda stream: stream.feed(audio.pcm))

    def _segment_closed(self, closed: SegmentClosed) -> None:
        segment, self._open = self._open, None
        if segment is None:
            return
        segment.end_s = closed.end_s
        segment.closed_at = self._clock()
        if segment not in self._owed:
            self._say_unheard(segment)
        elif self._stream is not None:
            self._tell(lambda stream: stream.flush())

    # ---- the engine

    def _open_stream(self) -> None:
        if self._failed_at is not None and self._clock() - self._failed_at < self._limits.reopen_s:
            return
        try:
            self._stream = self._recognizer.open(self._stream_id)
        except EngineUnavailable as error:
            self._engine_failed(error.reason)
        except Exception:
            self._log.exception("speech engine refused a stream")
            self._engine_failed("the speech engine failed")
        else:
            task = self._read(self._stream)
            self._reading = asyncio.get_running_loop().create_task(task, name=f"hypotheses {self._stream_id}")

    def _tell(self, call: Callable[[RecognizerStream], None]) -> None:
        if self._stream is None:
            return
        try:
            call(self._stream)
        except Exception:
            self._log.exception("speech engine raised")
            self._engine_failed("the speech engine failed")

    async def _read(self, stream: RecognizerStream) -> None:
        reason = "the speech engine failed"
        try:
            async for hypothesis in stream.hypotheses():
                if stream is not self._stream:
                    return
                self._hypothesis(hypothesis)
        except EngineUnavailable as error:
            reason = error.reason
        except Exception:
            self._log.exception("speech engine raised")
        if stream is self._stream and not self._leaving:
            self._engine_failed(reason)

    def _hypothesis(self, hypothesis: Hypothesis) -> None:
        if not self._owed:
            self._log.warning("hypothesis without a segment", final=hypothesis.final)
            return
        self._failure = ""
        segment = self._owed[0]
        text = text_of(hypothesis, self._recognizer.capabilities)
        if text:
            self._unheard_s = 0.0
        if hypothesis.final:
            self._owed.popleft()
            self._say_final(segment, text, hypothesis.confidence)
            if not text:
                self._say(Unheard(seg=segment.seg, start_s=segment.start_s, end_s=segment.end_s, answered=True))
            if not self._owed:
                self._settled.set()
        elif text and text != segment.text and not self._falls_behind():
            self._say_partial(segment, text)

    def _say_partial(self, segment: _Segment, text: str) -> None:
        segment.rev += 1
        segment.text = text
        self._say(Partial(seg=segment.seg, rev=segment.rev, text=text, start_s=segment.start_s, end_s=segment.end_s))

    def _say_final(self, segment: _Segment, text: str, confidence: float | None) -> None:
        if not text:
            if segment.text:
                self._say_partial(segment, "")
            return
        late_s = max(0.0, self._clock() - self._listener.clock_s(segment.end_s))
        self._say(
            Final(
                seg=segment.seg,
                rev=segment.rev + 1,
                text=text,
                start_s=segment.start_s,
                end_s=segment.end_s,
                latency_ms=round(1000 * late_s),
                confidence=confidence,
            )
        )

    def _say_unheard(self, segment: _Segment) -> None:
        """What no engine has heard of a closed segment."""
        start_s = segment.start_s if segment.heard_to_s is None else segment.heard_to_s
        if segment.end_s > start_s:
            self._say(Unheard(seg=segment.seg, start_s=start_s, end_s=segment.end_s, answered=False))

    def _engine_failed(self, reason: str) -> None:
        """The stream is given up; what it had said so far of unfinished segments is kept as their text."""
        self._failure = reason
        self._failed_at = self._clock()
        stream, self._stream = self._stream, None
        if self._reading is not None and self._reading is not asyncio.current_task():
            self._reading.cancel()
        self._reading = None
        self._give_up_owed()
        if stream is not None:
            task = asyncio.get_running_loop().create_task(_close(stream), name=f"close {self._stream_id}")
            self._abandoned.add(task)
            task.add_done_callback(self._abandoned.discard)
        self._become(StreamState(level=SpeechLevel.DOWN, reason=reason))

    async def _drain(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(max(1.5, self._limits.drain_s)):
                await self._settled.wait()
        self._give_up_owed()

    def _give_up_owed(self) -> None:
        while self._owed:
            segment = self._owed.popleft()
            self._say_final(segment, segment.text, None)
            segment.heard_to_s = segment.end_s if segment.text else segment.start_s
            if segment.closed_at is not None:
                self._say_unheard(segment)
        self._settled.set()

    async def _leave_stream(self) -> None:
        self._leaving = True
        stream, self._stream = self._stream, None
        if stream is not None:
            await _close(stream)
        tasks = {*self._abandoned, *([self._reading] if self._reading else [])}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    # ---- the watchdog

    def _watch(self) -> None:
        waiting = next((segment.closed_at for segment in self._owed if segment.closed_at is not None), None)
        if waiting is not None and self._clock() - waiting > self._limits.answer_s:
            self._engine_failed("the speech engine does not answer")
        self._late = self._falls_behind()
        if self.dropped_s > self._dropped_seen_s:
            self._dropped_seen_s = self.dropped_s
            self._dropped_at = self._clock()
        self._become(self._judge())

    def _falls_behind(self) -> bool:
        """Half the limit is enough to stay late, so that the state does not flicker."""
        lateness_s = self._stream.lateness_s() if self._stream is not None else 0.0
        return lateness_s > (self._limits.late_s / 2 if self._late else self._limits.late_s)

    def _judge(self) -> StreamState:
        if self._failure:
            return StreamState(level=SpeechLevel.DOWN, reason=self._failure)
        if self._dropped_at is not None and self._clock() - self._dropped_at < self._limits.reopen_s:
            return StreamState(level=SpeechLevel.DEGRADED, reason="audio was lost: this machine cannot keep pace")
        if self._late:
            return StreamState(level=SpeechLevel.DEGRADED, reason="text is late: the speech engine is overloaded")
        if self._unheard_s > self._limits.silent_s:
            return StreamState(level=SpeechLevel.DEGRADED, reason="talking but no text")
        return StreamState(level=SpeechLevel.OK)

    def _become(self, state: StreamState) -> None:
        if state == self._state:
            return
        self._state = state
        self._log.info("speech stream state", speech=state.level.value, reason=state.reason)
        self._say(state)


async def _close(stream: RecognizerStream) -> None:
    """An engine that hangs must not hang its session."""
    try:
        async with asyncio.timeout(1.0):
            await stream.close()
    except Exception as error:
        log.warning("speech engine did not give a stream back", error_type=type(error).__name__)
