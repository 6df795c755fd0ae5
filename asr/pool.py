"""How many streams fit on this machine: measured at start, watched while they run. Recordings that are read give way
first, then the newest calls.

A refused stream raises ``EngineUnavailable`` from ``open``, a shed one from ``hypotheses``; its session says so on the
console and tries again later, and what was not heard comes from the recording after the call.
"""

from __future__ import annotations

import asyncio
import math
import os
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import soxr
import structlog

from asr.recognizer import (
    Capabilities,
    EngineUnavailable,
    Health,
    Hypothesis,
    Recognizer,
    RecognizerStream,
    SpeechLevel,
)
from asr.soundfiles import read

log = structlog.get_logger(__name__)

USABLE_SHARE = 0.7
"""Of the processors: the rest is for the switch, the server and unlucky moments."""
TALKING_SHARE = 0.5
"""Of the time on average one leg of a two-leg call has somebody speaking."""
_PROBE_S = 5.0
_PIECE_BYTES = 3_200

_LOOK_S = 1.0
_STRAINED_S = 2.0
"""Half of the streams this late, for so many looks: there are too many."""
_STRAINED_LOOKS = 3
_CALM_LOOKS = 30
_REMEMBERED_S = 10.0
"""So long the console still says that somebody was turned away."""
SHED = "this call gives way to others: its text will come from the recording"
BACKGROUND = "reread "
"""How the names of streams begin that no live call waits for."""


class NoRoom(EngineUnavailable):
    """All places are taken, or this one went to somebody else; there may be one later."""


def streams_that_fit(real_time_factor: float, *, cores: int) -> int:
    """``real_time_factor`` is processor seconds for a second of speech. Never fewer than one call's two legs."""
    return max(2, math.floor(cores * USABLE_SHARE / (real_time_factor * TALKING_SHARE)))


async def real_time_factor(
    recognizer: Recognizer, *, speech: Path | None = None, cpu_s: Callable[[], float] = time.process_time
) -> float:
    """What this engine costs here, partial texts included, on recorded ``speech`` in a language it understands.

    Without a recording it is noise with the rhythm of speech, which is cheaper for whisper: it finds no words in it.
    Played at the pace of speech: an engine that is fed faster gives fewer partials and seems cheaper than it is. Counts
    the processor time of the whole process: measure before calls come.
    """
    probe = await asyncio.to_thread(beginning, speech, _PROBE_S) if speech is not None else _noise()
    stream = recognizer.open("probe")
    hypotheses = stream.hypotheses()
    try:
        await _listen(
            stream, hypotheses, probe, pace=0.1
        )  # warm up: the first seconds of a cold model cost twice as much
        began_s = cpu_s()
        await _listen(stream, hypotheses, probe, pace=1.0)
        return max(1e-3, (cpu_s() - began_s) / _PROBE_S)
    finally:
        await stream.close()
        async for _ in hypotheses:
            pass


async def _listen(
    stream: RecognizerStream, hypotheses: AsyncIterator[Hypothesis], probe: bytes, *, pace: float
) -> None:
    clock = asyncio.get_running_loop().time
    began_s = clock()
    for at in range(0, len(probe), _PIECE_BYTES):
        stream.feed(probe[at : at + _PIECE_BYTES])
        due_s = began_s + pace * (at + _PIECE_BYTES) / 32_000
        await asyncio.sleep(max(0.0, due_s - clock()))
    stream.flush()
    async for hypothesis in hypotheses:
        if hypothesis.final:
            return


def beginning(path: Path, seconds: float) -> bytes:
    """Of a recording, as often as it takes, 16-bit mono at 16 kHz; noise for an empty one. Raises SoundFileError."""
    sound = read(path)
    samples = sound.channels[0][: round(seconds * sound.rate)]
    samples = soxr.resample(samples, sound.rate, 16_000).astype("<i2", copy=False)
    return bytes(np.resize(samples, round(seconds * 16_000)).tobytes()) if samples.size else _noise()


def _noise() -> bytes:
    """Noise with four syllables a second, 16 kHz."""
    samples = round(_PROBE_S * 16_000)
    seconds = np.arange(samples) / 16_000
    rhythm = np.clip(np.sin(2 * np.pi * 4 * seconds), 0, 1)
    noise = np.random.default_rng(1).normal(0, 3000, samples)
    return bytes((noise * rhythm).clip(-32768, 32767).astype("<i2").tobytes())


def _never(stream_id: str) -> bool:
    return False


class LimitedRecognizer:
    """A recognizer that never has more than ``limit`` streams open, and fewer where they prove too many.

    At the limit a live call takes the place of a ``BACKGROUND`` stream. Where there is none the stream that comes last
    is refused; one that is ``urgent`` takes the place of the newest call that is not. Where streams fall behind for
    seconds, background streams and then the newest calls that are not urgent are shed, one after the other, and the
    limit is lowered until it has been calm for a while.
    """

    def __init__(
        self,
        recognizer: Recognizer,
        *,
        limit: int | Callable[[], int],
        urgent: Callable[[str], bool] = _never,
        enforced: bool = True,
    ) -> None:
        """``limit`` may change from one moment to the next: servers come and go. ``urgent`` is asked with a stream's
        id, ``<call>/<leg>``. Not ``enforced``, it only tells the limit: who opens the streams keeps to it, and knows
        which calls are urgent."""
        self._recognizer = recognizer
        self._urgent = urgent
        self._enforced = enforced
        self._open: dict[_CountedStream, None] = {}
        self._most: Callable[[], int] = limit if callable(limit) else lambda: limit
        self._eased: int | None = None
        """Fewer than that, because so many proved too many."""
        self._next_look: asyncio.TimerHandle | None = None
        self._strained_looks = self._calm_looks = 0
        self._turned_away_at: float | None = None
        self.refused = 0
        self.shed = 0
        """Streams that were ended for others' sake."""

    @classmethod
    async def measured(
        cls,
        recognizer: Recognizer,
        *,
        cores: int | None = None,
        urgent: Callable[[str], bool] = _never,
        speech: Path | None = None,
        enforced: bool = True,
    ) -> LimitedRecognizer:
        """``recognizer`` is started already; ``speech`` as in ``real_time_factor``."""
        factor = await real_time_factor(recognizer, speech=speech)
        limit = streams_that_fit(factor, cores=cores or os.cpu_count() or 1)
        log.info("speech capacity", real_time_factor=round(factor, 3), streams=limit)
        return cls(recognizer, limit=limit, urgent=urgent, enforced=enforced)

    @property
    def capabilities(self) -> Capabilities:
        return self._recognizer.capabilities

    @property
    def open_streams(self) -> int:
        return len(self._open)

    @property
    def limit(self) -> int:
        """Streams that fit now."""
        return self._most() if self._eased is None else min(self._eased, self._most())

    @property
    def load(self) -> float:
        """Share of the places that are taken, 0..1. Who is in no hurry asks, and waits while there is little room."""
        return len(self._open) / self.limit if self.limit > 0 else 1.0

    async def start(self) -> None:
        await self._recognizer.start()

    async def stop(self) -> None:
        if self._next_look is not None:
            self._next_look.cancel()
        await self._recognizer.stop()

    def health(self) -> Health:
        health = self._recognizer.health()
        turned_away = self._turned_away_at is not None and time.monotonic() - self._turned_away_at < _REMEMBERED_S
        if health.level is SpeechLevel.OK and turned_away:
            said = f"at its limit of {self.limit} streams: the newest calls get their text from the recording"
            return Health(level=SpeechLevel.DEGRADED, reason=said)
        return health

    def open(self, stream_id: str) -> RecognizerStream:
        says_why_itself = self._recognizer.health().level is SpeechLevel.DOWN
        full = self._enforced and not says_why_itself and len(self._open) >= self.limit
        if full and not self._place_for(stream_id):
            if not _is_background(stream_id):
                self.refused += 1
                self._turned_away_at = time.monotonic()
            raise NoRoom(self.capabilities.engine, f"no room: all {self.limit} streams of this machine are in use")
        stream = _CountedStream(self._recognizer.open(stream_id), stream_id, self._left)
        self._open[stream] = None
        if self._enforced and self._next_look is None:
            self._look_later()
        return stream

    def _left(self, stream: _CountedStream) -> None:
        self._open.pop(stream, None)

    def _place_for(self, stream_id: str) -> bool:
        """Somebody made room for it. There may be more streams than the limit by now: it has fallen."""
        if _is_background(stream_id):
            return False
        while len(self._open) >= self.limit and self._shed_background():
            pass
        if len(self._open) < self.limit:
            return True
        return self._urgent(stream_id) and self._shed_newest(besides=stream_id)

    def _shed_background(self) -> bool:
        """The newest stream that no live call waits for loses its place. False if there is none."""
        found = next((stream for stream in reversed(self._open) if _is_background(stream.id)), None)
        if found is None:
            return False
        found.shed(self.capabilities.engine)
        self._left(found)
        return True

    def _shed_newest(self, *, besides: str = "") -> bool:
        """The newest call that is not urgent loses its streams. False if there is none."""
        ordinary = [_call(stream.id) for stream in self._open if not self._urgent(stream.id)]
        calls = [call for call in dict.fromkeys(ordinary) if call != _call(besides)]
        if not calls:
            return False
        for stream in [stream for stream in self._open if _call(stream.id) == calls[-1]]:
            stream.shed(self.capabilities.engine)
            self._left(stream)
            self.shed += 1
        self._turned_away_at = time.monotonic()
        log.warning("speech streams shed", streams=len(self._open), limit=self.limit)
        return True

    def _look_later(self) -> None:
        self._next_look = asyncio.get_running_loop().call_later(_LOOK_S, self._look)

    def _look(self) -> None:
        """Once a second while streams are open: do they keep pace?"""
        self._next_look = None
        if not self._open:
            self._eased = None
            self._strained_looks = self._calm_looks = 0
            return
        self._look_later()
        late = sum(1 for stream in self._open if stream.lateness_s() > _STRAINED_S)
        if late >= max(1, len(self._open) / 2):
            self._strained_looks, self._calm_looks = self._strained_looks + 1, 0
        elif late == 0:
            self._strained_looks, self._calm_looks = 0, self._calm_looks + 1
        if self._strained_looks >= _STRAINED_LOOKS and (
            self._shed_background() or (len(self._open) > 2 and self._shed_newest())
        ):
            self._strained_looks = 0
            self._eased = max(2, len(self._open))
        if self._calm_looks >= _CALM_LOOKS and self._eased is not None:
            self._calm_looks = 0
            self._eased = self._eased + 1 if self._eased + 1 < self._most() else None


def _is_background(stream_id: str) -> bool:
    return stream_id.startswith(BACKGROUND)


def _call(stream_id: str) -> str:
    return stream_id.partition("/")[0]


class _CountedStream:
    """Gives its place back once, when it is closed or shed."""

    def __init__(self, stream: RecognizerStream, stream_id: str, left: Callable[[_CountedStream], None]) -> None:
        self.id = stream_id
        self._stream = stream
        self._left = left
        self._shed = asyncio.Event()
        self._engine = ""

    def shed(self, engine: str) -> None:
        self._engine = engine
        self._shed.set()

    def feed(self, pcm: bytes) -> None:
        if not self._shed.is_set():
            self._stream.feed(pcm)

    def flush(self) -> None:
        if not self._shed.is_set():
            self._stream.flush()

    async def hypotheses(self) -> AsyncIterator[Hypothesis]:
        said = self._stream.hypotheses()
        shed = asyncio.ensure_future(self._shed.wait())
        try:
            while True:
                coming = asyncio.ensure_future(anext(said, None))
                try:
                    await asyncio.wait((coming, shed), return_when=asyncio.FIRST_COMPLETED)
                finally:
                    if not coming.done():
                        coming.cancel()
                        await asyncio.wait((coming,))
                if coming.cancelled():
                    raise NoRoom(self._engine, SHED)
                hypothesis = coming.result()
                if hypothesis is None:
                    return
                yield hypothesis
        finally:
            shed.cancel()

    def lateness_s(self) -> float:
        return self._stream.lateness_s()

    def backlog_s(self) -> float:
        return 0.0 if self._shed.is_set() else self._stream.backlog_s()

    async def close(self) -> None:
        try:
            await self._stream.close()
        finally:
            self._left(self)
