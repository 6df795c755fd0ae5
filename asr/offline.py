"""Finished sound to turns: a file, or one leg's samples, as fast as the engine takes it.

The same finding of speech and the same engines as in a live call, without its clock: no partial text is asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import soxr

from asr.audio import RATE, SegmentAudio, SegmentClosed, Segmenter, Segmenting, SegmentOpened, rules_for
from asr.numerals import with_digits
from asr.pauses import text_of
from asr.recognizer import Capabilities, Hypothesis, Recognizer, RecognizerStream
from asr.soundfiles import Samples, Sound, read
from asr.transcript import Speaker, Turn
from asr.voice import VoiceDetector, silero

T = TypeVar("T")

_BITE_BYTES = RATE  # half a second
_MOST_AHEAD_S = 1.0
"""Audio an engine may have before it that it has not taken: engines drop what is more than a few seconds."""
_LOOK_S = 0.01
ANSWER_S = 60.0
"""A segment without an answer for so long: the engine hangs."""

SPEAKERS = (Speaker.CALLER, Speaker.AGENT)
"""Of a stereo file: the caller on the left."""


class NoAnswer(Exception):
    """The engine did not answer a segment; what was heard until then is lost with it. The text is for a person."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SpokenSegment:
    """Speech as it was cut out: 16 kHz, 16 bit; times in seconds since the sound began."""

    start_s: float
    end_s: float
    pcm: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class HeardTurn:
    """``raw`` is what was recognised, in simplified characters with full-width punctuation; ``text`` the same with
    spoken numbers as digits. ``confidence`` 0..1, or None where the engine gives none."""

    speaker: Speaker
    text: str
    raw: str
    start_s: float
    end_s: float
    confidence: float | None = None

    def as_turn(self, seg: int) -> Turn:
        """What ``asr.prefill`` reads: the words as they were said."""
        return Turn(
            seg=seg,
            rev=1,
            speaker=self.speaker,
            text=self.raw,
            start_s=self.start_s,
            end_s=self.end_s,
            final=True,
        )


Told = Callable[[float], None]
"""Hears of the seconds of sound that are done, each time some more are."""


async def transcribe(
    source: Path | Sound | bytes,
    recognizer: Recognizer,
    *,
    speakers: tuple[Speaker, ...] = SPEAKERS,
    told: Told | None = None,
    streams: int = 2,
    detector: Callable[[], VoiceDetector] | None = None,
) -> list[HeardTurn]:
    """Every turn in the order in which they began.

    ``source``: a WAV file, its sound, or the samples of one leg (16-bit little-endian mono, 8 kHz). ``speakers`` names
    its channels; ``streams`` are used at a time. Raises SoundFileError, EngineUnavailable, NoAnswer.
    """
    sound = await asyncio.to_thread(_sound, source)
    done_s = 0.0

    def progress(seconds: float) -> None:
        nonlocal done_s
        done_s += seconds / len(sound.channels)
        if told is not None:
            told(min(sound.seconds, done_s))

    each = max(1, streams // max(1, len(sound.channels)))
    legs = await _together(
        _leg(samples, sound.rate, speaker, recognizer, each, detector, progress)
        for samples, speaker in zip(sound.channels, speakers, strict=False)
    )
    turns = [turn for leg in legs for turn in leg]
    return sorted(turns, key=lambda turn: (turn.start_s, turn.speaker))


async def _together(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """All results, or the first error once the others have ended."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each) for each in work]
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from None
    return [task.result() for task in tasks]


def _sound(source: Path | Sound | bytes) -> Sound:
    match source:
        case Path():
            return read(source)
        case Sound():
            return source
        case _:
            return Sound(rate=8_000, channels=(np.frombuffer(source[: len(source) & ~1], "<i2").astype(np.int16),))


async def _leg(
    samples: Samples,
    rate: int,
    speaker: Speaker,
    recognizer: Recognizer,
    streams: int,
    detector: Callable[[], VoiceDetector] | None,
    progress: Told,
) -> list[HeardTurn]:
    rules = rules_for(whole_segments=recognizer.capabilities.whole_segments)
    segments = await asyncio.to_thread(lambda: list(spoken_segments(samples, rate, (detector or silero())(), rules)))
    length_s = len(samples) / rate
    waiting = iter(segments)
    turns: list[HeardTurn] = []
    told_s = 0.0

    async def listen(number: int) -> None:
        nonlocal told_s
        async for segment, hypothesis in recognised(recognizer, waiting, stream_id=f"file {speaker.value} {number}"):
            if turn := _turn(segment, hypothesis, speaker, recognizer.capabilities):
                turns.append(turn)
            progress(max(0.0, segment.end_s - told_s))
            told_s = max(told_s, segment.end_s)

    await _together(listen(number) for number in range(min(streams, len(segments))))
    progress(max(0.0, length_s - told_s))
    return turns


def _turn(segment: SpokenSegment, hypothesis: Hypothesis, speaker: Speaker, engine: Capabilities) -> HeardTurn | None:
    raw = text_of(hypothesis, engine)
    if not raw:
        return None
    return HeardTurn(
        speaker=speaker,
        text=with_digits(raw),
        raw=raw,
        start_s=round(segment.start_s, 3),
        end_s=round(segment.end_s, 3),
        confidence=hypothesis.confidence,
    )


def spoken_segments(
    samples: Samples, rate: int, detector: VoiceDetector, rules: Segmenting | None = None
) -> Iterator[SpokenSegment]:
    """The speech in one channel, as a live call would be cut. Blocks: a minute of sound takes about 0.3 s."""
    segmenter = Segmenter(detector, rules)
    upsampler = soxr.ResampleStream(rate, RATE, 1, dtype="int16", quality="LQ") if rate != RATE else None
    start_s, pcm = 0.0, bytearray()
    for at in range(0, len(samples) + 1, rate):
        piece = samples[at : at + rate]
        last = at + rate > len(samples)
        if upsampler is not None:
            piece = upsampler.resample_chunk(piece, last=last)
        heard = list(segmenter.feed(piece.astype("<i2", copy=False).tobytes()))
        for item in [*heard, *(segmenter.close() if last else ())]:
            match item:
                case SegmentOpened():
                    start_s, pcm = item.start_s, bytearray()
                case SegmentAudio():
                    pcm += item.pcm
                case SegmentClosed():
                    yield SpokenSegment(start_s=max(0.0, start_s), end_s=item.end_s, pcm=bytes(pcm))


async def recognised(
    recognizer: Recognizer, segments: Iterable[SpokenSegment], *, stream_id: str
) -> AsyncIterator[tuple[SpokenSegment, Hypothesis]]:
    """Each segment with the engine's last word on it, one after the other through one stream."""
    stream = recognizer.open(stream_id)
    hypotheses = stream.hypotheses()
    try:
        for segment in segments:
            await _feed(stream, segment.pcm)
            stream.flush()
            yield segment, await _final(hypotheses)
    finally:
        closing = asyncio.ensure_future(stream.close())
        await asyncio.wait([closing], timeout=5.0)
        closing.cancel()


async def _feed(stream: RecognizerStream, pcm: bytes) -> None:
    for at in range(0, len(pcm), _BITE_BYTES):
        async with _answering("takes no more sound"):
            while stream.backlog_s() > _MOST_AHEAD_S:  # noqa: ASYNC110 - engines tell how much waits, not when less does
                await asyncio.sleep(_LOOK_S)
        stream.feed(pcm[at : at + _BITE_BYTES])


async def _final(hypotheses: AsyncIterator[Hypothesis]) -> Hypothesis:
    async with _answering("does not answer"):
        async for hypothesis in hypotheses:
            if hypothesis.final:
                return hypothesis
    raise NoAnswer("the speech engine ended without an answer")


@asynccontextmanager
async def _answering(hanging: str) -> AsyncIterator[None]:
    """Raises NoAnswer after ``ANSWER_S``; a TimeoutError that is the engine's own stays what it is."""
    try:
        async with asyncio.timeout(ANSWER_S) as limit:
            yield
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise NoAnswer(f"the speech engine {hanging} for {ANSWER_S:g} s") from error
