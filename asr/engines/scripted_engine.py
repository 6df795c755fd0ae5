"""A recogniser that says what it was told to say, when it was told to: for tests only.

``ScriptedTalker`` is the other side: the audio of somebody who speaks during the lines of the script.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from asr.audio import FRAME_BYTES, FRAME_S
from asr.recognizer import Capabilities, Health, Hypothesis, SpeechLevel


class ScriptedFailure(Exception):
    """The script asked for it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """Spoken from ``start_s`` to ``end_s``; its final text comes ``delay_s`` after the segment was flushed.

    ``fails`` makes the engine raise instead, ``hangs`` makes it never answer.
    """

    start_s: float
    end_s: float
    text: str
    delay_s: float = 0.0
    fails: bool = False
    hangs: bool = False


Script = Mapping[str, Sequence[Line]]
"""Lines by stream id; ``"*"`` for every other stream. The n-th segment of a stream says its n-th line."""


class ScriptedRecognizer:
    """Partials show the line growing with the audio fed; ``lateness`` is what its streams report."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.lateness = 0.0
        self.opened = 0
        self.closed = 0

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(engine="scripted", model="script", languages=("zh",), confidence=True)

    async def start(self) -> None:
        return None

    async def stop(self) -> None:
        return None

    def health(self) -> Health:
        return Health(level=SpeechLevel.OK)

    def open(self, stream_id: str) -> ScriptedStream:
        self.opened += 1
        return ScriptedStream(self, self._script.get(stream_id, self._script.get("*", ())))


class ScriptedStream:
    def __init__(self, recognizer: ScriptedRecognizer, lines: Sequence[Line]) -> None:
        self._recognizer = recognizer
        self._lines = list(lines)
        self._fed_s = 0.0
        self._said: asyncio.Queue[Hypothesis | ScriptedFailure | None] = asyncio.Queue()
        self._in_order = asyncio.Lock()
        self._flushing: set[asyncio.Task[None]] = set()

    def feed(self, pcm: bytes) -> None:
        line = self._line()
        self._fed_s += len(pcm) / 32_000
        if line.hangs or not line.text:
            return
        share = min(1.0, self._fed_s / max(0.1, line.end_s - line.start_s))
        text = line.text[: max(1, round(share * len(line.text)))]
        self._said.put_nowait(Hypothesis(text=text, final=False))

    def flush(self) -> None:
        line = self._line()
        if self._lines:
            self._lines.pop(0)
        self._fed_s = 0.0
        if line.hangs:
            return
        task = asyncio.get_running_loop().create_task(self._answer(line))
        self._flushing.add(task)
        task.add_done_callback(self._flushing.discard)

    async def _answer(self, line: Line) -> None:
        async with self._in_order:
            await asyncio.sleep(line.delay_s)
            failure = ScriptedFailure(line.text) if line.fails else None
            self._said.put_nowait(failure or Hypothesis(text=line.text, final=True, confidence=0.9))

    async def hypotheses(self) -> AsyncIterator[Hypothesis]:
        while (said := await self._said.get()) is not None:
            if isinstance(said, ScriptedFailure):
                raise said
            yield said

    def lateness_s(self) -> float:
        return self._recognizer.lateness

    def backlog_s(self) -> float:
        return 0.0

    async def close(self) -> None:
        self._recognizer.closed += 1
        try:
            await asyncio.gather(*self._flushing)
        finally:
            for task in self._flushing:
                task.cancel()
        self._said.put_nowait(None)

    def _line(self) -> Line:
        return self._lines[0] if self._lines else Line(start_s=0.0, end_s=1.0, text="")


class ScriptedTalker:
    """20 ms frames of 16-bit 8 kHz audio: loud noise while a line is spoken, nothing at all in between."""

    def __init__(self, lines: Sequence[Line], *, seed: int = 1) -> None:
        self._lines = lines
        self._random = np.random.default_rng(seed)

    def frames(self, *, until_s: float) -> Iterator[tuple[bytes, float]]:
        """Each frame with the time its last sample was spoken."""
        for number in range(round(until_s / FRAME_S)):
            begins_s = number * FRAME_S
            if any(line.start_s <= begins_s < line.end_s for line in self._lines):
                samples = self._random.integers(-8000, 8000, FRAME_BYTES // 2).astype("<i2")
                yield samples.tobytes(), begins_s + FRAME_S
