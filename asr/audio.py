"""One leg's telephone audio: level, gaps filled by the clock, 8 to 16 kHz, cut into segments of speech.

``Listener`` is the whole chain and touches no clock: every call brings the time. Stream time is counted in samples
since the leg's first frame, so a segment's times stay true however late or in what lumps the frames came.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import soxr

from asr.voice import CHUNK_BYTES, CHUNK_S, VoiceDetector

LINE_RATE = 8_000
RATE = 16_000
FRAME_S = 0.020
FRAME_BYTES = 320
"""20 ms of 16-bit mono at 8 kHz, as an AudioSocket delivers it."""

LINE_BYTES_PER_S, BYTES_PER_S = 2 * LINE_RATE, 2 * RATE
SILENT_DBFS = -62.0
"""Below this nothing can be understood; the detector is not asked."""


def level_dbfs(pcm: bytes) -> float:
    """Root mean square of 16-bit little-endian audio, 0 dB at full scale; -120 for digital silence and for nothing."""
    samples = np.frombuffer(pcm[: len(pcm) & ~1], dtype="<i2").astype(np.float32)
    if samples.size == 0:
        return -120.0
    power = float(samples @ samples) / samples.size / 32768.0**2
    return max(-120.0, 10.0 * math.log10(power)) if power > 0.0 else -120.0


class GapFiller:
    """A silent leg sends no frames at all. Says how much silence belongs before the next frame.

    A long gap is silence at once. A short one may as well be frames that are late, which catch up soon: it is silence
    only if they are still as late some time after. Words with wrong holes in them are understood as other words.
    """

    _LONG_S = 0.3
    _SOON_S = 0.5

    def __init__(self, *, tolerance_s: float = 0.040) -> None:
        self._tolerance_s = tolerance_s
        self._origin_s: float | None = None
        self._least_lag_s = math.inf
        self._watched_s = 0.0
        self.position_s = 0.0
        """Stream time: how much audio, silence included, has been placed."""

    def place(self, duration_s: float, arrived_s: float) -> float:
        """Audio of ``duration_s`` came. Returns the seconds of silence that go before it, in whole frames."""
        began_s = arrived_s - duration_s
        if self._origin_s is None:
            self._origin_s = began_s
        missing_s = self._sure_gap(began_s, duration_s)
        self.position_s += missing_s + duration_s
        # frames that come faster than time itself were late before: the clock was read too late, not the audio too soon
        self._origin_s = min(self._origin_s, arrived_s - self.position_s)
        return missing_s

    def catch_up(self, now_s: float, *, least_s: float = 0.0) -> float:
        """Nothing came up to now. Returns the silence to insert, leaving room for frames still on their way.

        Less than ``least_s`` is not inserted yet: frames that are only late would find it between their words.
        """
        if self._origin_s is None:
            return 0.0
        missing_s = self._gap(now_s - 2 * self._tolerance_s)
        if missing_s < least_s:
            return 0.0
        self.position_s += missing_s
        return missing_s

    def clock_s(self, position_s: float) -> float:
        """When that point of the stream was heard, on the clock of the arrivals."""
        return (self._origin_s or 0.0) + position_s

    def _sure_gap(self, began_s: float, duration_s: float) -> float:
        lag_s = began_s - self.clock_s(self.position_s)
        self._least_lag_s = min(self._least_lag_s, lag_s)
        self._watched_s += duration_s
        if lag_s <= self._LONG_S and self._watched_s < self._SOON_S:
            return 0.0
        sure_s = lag_s if lag_s > self._LONG_S else self._least_lag_s
        self._least_lag_s, self._watched_s = math.inf, 0.0
        return self._gap(self.clock_s(self.position_s) + sure_s)

    def _gap(self, until_s: float) -> float:
        lag_s = until_s - self.clock_s(self.position_s)
        return FRAME_S * round(lag_s / FRAME_S) if lag_s > self._tolerance_s else 0.0


def runs(frames: Iterable[tuple[bytes, float]], *, tolerance_s: float = 0.040) -> Iterator[tuple[bytes, float]]:
    """Frames joined into stretches without a gap, each with its end time.

    Frames that were held up come in a lump. Each frame says "I began no later than this", and so says every later one
    of the frames before it; the earliest is true. So no silence is put between words because this process was busy.
    """
    latest_s = math.inf
    placed: list[tuple[bytes, float]] = []
    for pcm8k, arrived_s in reversed([(pcm[: len(pcm) & ~1], arrived_s) for pcm, arrived_s in frames]):
        latest_s = min(latest_s, arrived_s) - len(pcm8k) / LINE_BYTES_PER_S
        placed.append((pcm8k, latest_s))
    joined, ended_s = bytearray(), 0.0
    for pcm8k, began_s in reversed(placed):
        if joined and began_s - ended_s > tolerance_s:
            yield bytes(joined), ended_s
            joined.clear()
        joined += pcm8k
        ended_s = began_s + len(pcm8k) / LINE_BYTES_PER_S
    if joined:
        yield bytes(joined), ended_s


class Upsampler:
    """8 to 16 kHz without seams between the pieces.

    Of soxr's qualities LQ keeps back 32 ms of audio on average, MQ and HQ 64 ms; at 3.4 kHz it is still 107 dB clean.
    """

    def __init__(self) -> None:
        self._stream = soxr.ResampleStream(LINE_RATE, RATE, 1, dtype="int16", quality="LQ")

    def convert(self, pcm8k: bytes, *, last: bool = False) -> bytes:
        """May return less than it was given and the rest later; all of it when ``last``."""
        out = self._stream.resample_chunk(np.frombuffer(pcm8k, dtype="<i2"), last=last)
        return bytes(out.astype("<i2", copy=False).tobytes())


@dataclass(frozen=True, kw_only=True, slots=True)
class SegmentOpened:
    """Speech began, ``start_s`` of stream time (pre-roll included)."""

    start_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class SegmentAudio:
    """Audio of the open segment, 16 kHz; ``end_s`` is the stream time after its last sample."""

    pcm: bytes
    end_s: float
    speech: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class SegmentClosed:
    """Speech ended at ``end_s``; the hang-over after it was needed to know."""

    end_s: float


Heard = SegmentOpened | SegmentAudio | SegmentClosed


@dataclass(frozen=True, kw_only=True, slots=True)
class Segmenting:
    """When a segment begins and ends. Probabilities 0..1, times in seconds."""

    on: float = 0.5
    off: float = 0.35
    hang_s: float = 0.5
    short_s: float = 2.0
    short_hang_s: float = 0.5
    """The hang of a segment with less speech than ``short_s``."""
    pre_roll_s: float = 0.3
    split_after_s: float = 11.0
    """From here the first dip below ``off`` ends the segment: a breath is a better place to cut than a word."""
    maximum_s: float = 14.0


PATIENT = Segmenting(short_hang_s=0.75)
"""For engines that decode a segment as a whole: digits are said in groups, and one group alone tells them little."""


def rules_for(*, whole_segments: bool) -> Segmenting:
    return PATIENT if whole_segments else Segmenting()


class Segmenter:
    """Chunks of 16 kHz audio in, segments of speech out."""

    def __init__(self, detector: VoiceDetector, rules: Segmenting | None = None) -> None:
        self._detector = detector
        self._rules = rules or Segmenting()
        self._pre_roll: deque[bytes] = deque(maxlen=max(1, round(self._rules.pre_roll_s / CHUNK_S)))
        self._rest = bytearray()
        self._position_s = 0.0
        self._opened_s: float | None = None
        self._spoke_s = 0.0
        self._deaf = True

    @property
    def open(self) -> bool:
        return self._opened_s is not None

    @property
    def patience_s(self) -> float:
        """How much more silence ends the open segment."""
        return max(0.0, self._hang_s() - (self._position_s - self._spoke_s))

    def feed(self, pcm: bytes) -> Iterator[Heard]:
        self._rest += pcm
        whole = len(self._rest) - len(self._rest) % CHUNK_BYTES
        for at in range(0, whole, CHUNK_BYTES):
            yield from self._chunk(bytes(self._rest[at : at + CHUNK_BYTES]))
        del self._rest[:whole]

    def skip(self, seconds: float) -> Iterator[Heard]:
        """That long nothing was heard; the audio is not even made."""
        yield from self.close()
        self._rest.clear()
        self._pre_roll.clear()
        self._position_s += seconds

    def close(self) -> Iterator[Heard]:
        """The leg ended, perhaps in the middle of a word."""
        if self._opened_s is not None:
            self._opened_s = None
            yield SegmentClosed(end_s=self._spoke_s)

    def _chunk(self, chunk: bytes) -> Iterator[Heard]:
        probability = self._probability(chunk)
        began_s = self._position_s
        self._position_s += CHUNK_S
        if self._opened_s is None:
            if probability < self._rules.on:
                self._pre_roll.append(chunk)
                return
            before = b"".join(self._pre_roll)
            self._pre_roll.clear()
            self._opened_s = began_s - len(before) / (2 * RATE)
            yield SegmentOpened(start_s=self._opened_s)
            chunk = before + chunk
        speech = probability >= self._rules.off
        if speech:
            self._spoke_s = self._position_s
        yield SegmentAudio(pcm=chunk, end_s=self._position_s, speech=speech)
        if self._ends(speech):
            yield from self.close()

    def _ends(self, speech: bool) -> bool:
        length_s = self._position_s - (self._opened_s or 0.0)
        silence_s = self._position_s - self._spoke_s
        return (
            silence_s >= self._hang_s()
            or length_s >= self._rules.maximum_s
            or (not speech and length_s >= self._rules.split_after_s)
        )

    def _hang_s(self) -> float:
        is_short = self._spoke_s - (self._opened_s or 0.0) < self._rules.short_s
        return self._rules.short_hang_s if is_short else self._rules.hang_s

    def _probability(self, chunk: bytes) -> float:
        if level_dbfs(chunk) >= SILENT_DBFS:
            self._deaf = False
            return self._detector.probability(chunk)
        if not self._deaf:
            self._deaf = True
            self._detector.reset()
        return 0.0


class Listener:
    """Frames of one leg in, segments of speech out."""

    _LONG_GAP_S = 2.0

    def __init__(self, detector: VoiceDetector, rules: Segmenting | None = None) -> None:
        self._gaps = GapFiller()
        self._upsampler = Upsampler()
        self._segmenter = Segmenter(detector, rules)

    def clock_s(self, position_s: float) -> float:
        """When that point of the stream was heard."""
        return self._gaps.clock_s(position_s)

    def hear(self, frames: Iterable[tuple[bytes, float]]) -> Iterator[Heard]:
        """Frames with the time at which the last sample of each came in."""
        for pcm8k, arrived_s in runs(frames):
            yield from self._silence(self._gaps.place(len(pcm8k) / LINE_BYTES_PER_S, arrived_s))
            yield from self._segmenter.feed(self._upsampler.convert(pcm8k))

    def idle(self, now_s: float) -> Iterator[Heard]:
        """Call about ten times a second: closes a segment after which no more frames come.

        A switch or a machine in trouble holds frames back for a moment; no silence goes into the words for that.
        """
        if self._segmenter.open:
            yield from self._silence(self._gaps.catch_up(now_s, least_s=self._segmenter.patience_s))

    def end(self) -> Iterator[Heard]:
        """The leg ended; nothing may be fed after this."""
        yield from self._segmenter.feed(self._upsampler.convert(b"", last=True))
        yield from self._segmenter.close()

    def _silence(self, seconds: float) -> Iterator[Heard]:
        if seconds <= 0.0:
            return
        made_s = min(seconds, self._LONG_GAP_S)
        yield from self._segmenter.feed(self._upsampler.convert(bytes(2 * round(made_s * LINE_RATE))))
        if seconds > made_s:
            yield from self._segmenter.skip(seconds - made_s)
