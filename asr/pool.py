"""How many streams fit on this machine: measured at start, and a newest stream too many is refused, never the others.

A refused stream raises ``EngineUnavailable`` from ``open``; its session says so on the console and tries again later.
"""

from __future__ import annotations

import asyncio
import math
import os
import time
from collections.abc import AsyncIterator, Callable

import numpy as np
import structlog

from asr.recognizer import Capabilities, EngineUnavailable, Health, Hypothesis, Recognizer, RecognizerStream

log = structlog.get_logger(__name__)

USABLE_SHARE = 0.7
"""Of the processors: the rest is for the switch, the server and unlucky moments."""
TALKING_SHARE = 0.5
"""Of the time on average one leg of a two-leg call has somebody speaking."""
_PROBE_S = 6.0


def streams_that_fit(real_time_factor: float, *, cores: int) -> int:
    """``real_time_factor`` is processor seconds for a second of speech. Never fewer than one call's two legs."""
    return max(2, math.floor(cores * USABLE_SHARE / (real_time_factor * TALKING_SHARE)))


async def real_time_factor(recognizer: Recognizer, *, cpu_s: Callable[[], float] = time.process_time) -> float:
    """What this engine costs here, on noise with the rhythm of speech (for Vosk dearer than real speech, by a fifth).

    Counts the processor time of the whole process: measure before calls come.
    """
    stream = recognizer.open("probe")
    hypotheses = stream.hypotheses()
    try:
        await _listen(stream, hypotheses)  # warm up: the first seconds of a cold model cost twice as much
        began_s = cpu_s()
        await _listen(stream, hypotheses)
        return max(1e-3, (cpu_s() - began_s) / _PROBE_S)
    finally:
        await stream.close()
        async for _ in hypotheses:
            pass


async def _listen(stream: RecognizerStream, hypotheses: AsyncIterator[Hypothesis]) -> None:
    probe = _probe()
    for at in range(0, len(probe), 6_400):
        stream.feed(probe[at : at + 6_400])
        await asyncio.sleep(0.02)
    stream.flush()
    async for hypothesis in hypotheses:
        if hypothesis.final:
            return


def _probe() -> bytes:
    """Noise with four syllables a second, 16 kHz."""
    samples = round(_PROBE_S * 16_000)
    seconds = np.arange(samples) / 16_000
    rhythm = np.clip(np.sin(2 * np.pi * 4 * seconds), 0, 1)
    noise = np.random.default_rng(1).normal(0, 3000, samples)
    return bytes((noise * rhythm).clip(-32768, 32767).astype("<i2").tobytes())


class LimitedRecognizer:
    """A recognizer that never has more than ``limit`` streams open."""

    def __init__(self, recognizer: Recognizer, *, limit: int) -> None:
        self._recognizer = recognizer
        self.limit = limit
        self.open_streams = 0
        self.refused = 0

    @classmethod
    async def measured(cls, recognizer: Recognizer, *, cores: int | None = None) -> LimitedRecognizer:
        """``recognizer`` is started already."""
        factor = await real_time_factor(recognizer)
        limit = streams_that_fit(factor, cores=cores or os.cpu_count() or 1)
        log.info("speech capacity", real_time_factor=round(factor, 3), streams=limit)
        return cls(recognizer, limit=limit)

    @property
    def capabilities(self) -> Capabilities:
        return self._recognizer.capabilities

    async def start(self) -> None:
        await self._recognizer.start()

    async def stop(self) -> None:
        await self._recognizer.stop()

    def health(self) -> Health:
        return self._recognizer.health()

    def open(self, stream_id: str) -> RecognizerStream:
        if self.open_streams >= self.limit:
            self.refused += 1
            raise EngineUnavailable(
                self.capabilities.engine, f"no room: all {self.limit} streams of this machine are in use"
            )
        stream = _CountedStream(self._recognizer.open(stream_id), self._left)
        self.open_streams += 1
        return stream

    def _left(self) -> None:
        self.open_streams -= 1


class _CountedStream:
    """Gives its place back once, when it is closed."""

    def __init__(self, stream: RecognizerStream, left: Callable[[], None]) -> None:
        self._stream = stream
        self._left: Callable[[], None] | None = left

    def feed(self, pcm: bytes) -> None:
        self._stream.feed(pcm)

    def flush(self) -> None:
        self._stream.flush()

    def hypotheses(self) -> AsyncIterator[Hypothesis]:
        return self._stream.hypotheses()

    def lateness_s(self) -> float:
        return self._stream.lateness_s()

    def backlog_s(self) -> float:
        return self._stream.backlog_s()

    async def close(self) -> None:
        left, self._left = self._left, None
        try:
            await self._stream.close()
        finally:
            if left is not None:
                left()
