"""Whisper by faster-whisper: segments decoded whole when they close, and in between as often as there is time for.

Whisper pads every segment to 30 s, and most of its time goes into that silence: short padding makes a segment three to
six times cheaper. A final always goes before any partial, and a stream's partial runs only when a worker is idle, so
text grows slower under load but sentences do not come late. A breath may be the end of the segment: it is decoded then
as if it were, and if it was, the final is there.
"""

from __future__ import annotations

import asyncio
import math
import os
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import structlog

from asr.audio import BYTES_PER_S, RATE
from asr.engines.breaths import Voice
from asr.engines.whisper_inventions import (
    Decoded,
    believable,
    believable_so_far,
    is_foreign,
    leaked,
    mistaken_for_english,
)
from asr.models import why_not_whisper
from asr.recognizer import Capabilities, EngineUnavailable, Health, Hypothesis, SpeechLevel
from asr.voice import VoiceDetector, silero

log = structlog.get_logger(__name__)

ENGINE = "whisper"
_FRAMES_PER_S = 100
_LONGEST_S = 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Decoding:
    """How hard to try. Whisper sees ``pad_s`` of silence after the speech, more if the whole is under ``whole_s``."""

    beam: int
    pad_s: float
    whole_s: float = 0.0
    no_repeat: int = 0
    hurried: bool = False
    """Limit the tokens by the length of the audio: a runaway partial would hold a worker."""
    only_hanzi: bool = False
    """Of Chinese no letters but its own; digits and marks stay."""


PARTIAL = Decoding(beam=1, pad_s=0.5, whole_s=5.0, no_repeat=4, hurried=True)
"""Of a second of speech (67 turns) 58 made believable text, 40 of them what was said; without ``whole_s`` 25 and 10. It
costs 40 ms. After 1.9 s 52 are what was said, and 46 without."""
FIRST = replace(PARTIAL, only_hanzi=True)
"""English made of Chinese is not believed, and nothing is shown. Of the first second of 106 turns 92 made believable
text (59 of them what was said), with all letters 86 (58); of the first second and a half 98 (76) and 95 (74)."""
FINAL = Decoding(beam=2, pad_s=3.0)
"""Of 106 turns of telephone speech 22.2 % of the characters were wrong; with five beams and 5 s it is 23.8 %, and a
sixth more work."""

_MOST_HOTWORDS = 40

_FIRST_PARTIAL_S = 1.0
"""Of it 0.3 s are what came before the voice; of less speech than the rest, too much of what is made is not true."""
_FIRST_AGAIN_S = 0.2
"""While nothing believable has come of the segment."""
_PARTIAL_EVERY_S = 1.0
_QUICK_S = 0.7
"""A final takes half of that where nothing else runs."""


class WhisperRecognizer:
    """``workers`` segments are decoded at a time, one thread each.

    ``hotwords``, forty at most, are hinted at in finals. With this city's place names the base model made more mistakes
    than without (0.239 of the characters for 0.215) and took half as long again: for larger models, measured first.
    """

    def __init__(
        self,
        model_path: Path,
        *,
        language: str = "zh",
        workers: int | None = None,
        hotwords: Sequence[str] = (),
        detector: Callable[[], VoiceDetector] | None = None,
    ) -> None:
        self._path = model_path
        self._detector = detector or silero()
        self._language = language
        self._hotwords = tuple(hotwords)
        self._workers = workers or os.cpu_count() or 1
        self._decoder: _Decoder | None = None
        self._desk: _Desk | None = None
        self._health = Health(level=SpeechLevel.DOWN, reason="not started")
        self.capabilities = Capabilities(
            engine=ENGINE,
            model=model_path.name,
            languages=(language,),
            sample_rate=RATE,
            confidence=True,
            punctuation=True,
            whole_segments=True,
        )

    async def start(self) -> None:
        if reason := why_not_whisper(self._path):
            raise EngineUnavailable(ENGINE, reason, "install the extra hotline12345[whisper-base], or set a model path")
        executor = ThreadPoolExecutor(self._workers, thread_name_prefix="whisper")
        decoder = _Decoder(self._path, language=self._language, workers=self._workers, hotwords=self._hotwords)
        try:
            await asyncio.get_running_loop().run_in_executor(executor, decoder.load)
        except ImportError as error:
            executor.shutdown(wait=False)
            raise EngineUnavailable(
                ENGINE, "faster-whisper is not installed", "install hotline12345[whisper]"
            ) from error
        except Exception as error:
            executor.shutdown(wait=False)
            raise EngineUnavailable(ENGINE, f"the model in {self._path} does not load: {error}") from error
        self._desk = _Desk(decoder, executor, workers=self._workers)
        self._health = Health(level=SpeechLevel.OK)

    async def stop(self) -> None:
        self._health = Health(level=SpeechLevel.DOWN, reason="stopped")
        desk, self._desk = self._desk, None
        if desk is not None:
            await desk.close()

    def health(self) -> Health:
        return self._health

    def open(self, stream_id: str) -> WhisperStream:
        if self._desk is None:
            raise EngineUnavailable(ENGINE, "not running")
        return WhisperStream(self._desk, self._detector())


@dataclass(eq=False, kw_only=True, slots=True)
class _Try:
    """What there was of a segment at some moment, and what was made of it: a partial, or perhaps the final."""

    segment: int
    pcm: bytes
    decoding: Decoding
    decoded: Decoded | None = None


@dataclass(eq=False, kw_only=True, slots=True)
class _Job:
    """One segment to decode for good. ``tried`` is being decoded already and will be its text."""

    stream: WhisperStream
    pcm: bytes
    tried: _Try | None = None
    due_at: float = field(default_factory=time.monotonic)


class WhisperStream:
    def __init__(self, desk: _Desk, detector: VoiceDetector) -> None:
        self._desk = desk
        self._open = bytearray()
        self._segment = 0
        self._voice = Voice(detector)
        self._partial_bytes = 0  # length of the open segment when its last partial was decoded
        self._shown_bytes = 0  # of the open segment what its latest text was made of
        self._breath: _Try | None = None
        self._said: asyncio.Queue[Hypothesis | Exception | None] = asyncio.Queue()
        self.jobs: deque[_Job] = deque()
        self._settled = asyncio.Event()
        self._settled.set()
        desk.join(self)

    def feed(self, pcm: bytes) -> None:
        self._open += pcm
        self._voice.feed(pcm)
        if self.wants_breath or self.wants_partial:
            self._desk.wake()

    def flush(self) -> None:
        job = _Job(stream=self, pcm=bytes(self._open), tried=self._breath if self._is_tried else None)
        self._open.clear()
        self._segment += 1
        self._voice.begin_again()
        self._partial_bytes = 0
        self._shown_bytes = 0
        self._breath = None
        self.jobs.append(job)
        self._settled.clear()
        if job.tried is None:
            self._desk.put(job)
        elif job.tried.decoded is not None:
            self.final_decoded(job, job.tried.decoded)

    async def hypotheses(self) -> AsyncIterator[Hypothesis]:
        while (said := await self._said.get()) is not None:
            if isinstance(said, Exception):
                raise said
            yield said

    def lateness_s(self) -> float:
        """A final takes about a second of decoding by nature; only what is beyond that is late."""
        return max(0.0, time.monotonic() - self.jobs[0].due_at - 1.0) if self.jobs else 0.0

    def backlog_s(self) -> float:
        """The open segment is not waiting for anything: it is decoded when it closes."""
        return sum(len(job.pcm) for job in self.jobs) / BYTES_PER_S

    async def close(self) -> None:
        try:
            await self._settled.wait()
        finally:
            self._desk.leave(self)
        self._said.put_nowait(None)

    @property
    def _is_tried(self) -> bool:
        """All that was spoken of the open segment has been decoded in a breath, or is being."""
        return self._breath is not None and len(self._breath.pcm) >= self._voice.spoken_bytes

    @property
    def wants_breath(self) -> bool:
        return not self.jobs and self._voice.breathes and not self._is_tried and not self._breath_is_decoded

    @property
    def _breath_is_decoded(self) -> bool:
        """At this moment."""
        return self._breath is not None and self._breath.decoded is None

    def take_breath(self) -> _Try:
        self._breath = self._tried(FINAL)
        return self._breath

    def breath_decoded(self, tried: _Try, decoded: Decoded) -> None:
        """The final of a segment that has ended meanwhile; else what there is of it so far."""
        tried.decoded = decoded
        job = next((job for job in self.jobs if job.tried is tried), None)
        if job is not None:
            self.final_decoded(job, decoded)
        else:
            self.partial_decoded(tried, decoded.text if believable_so_far(decoded) else "")

    @property
    def wants_partial(self) -> bool:
        if self.jobs or (self._voice.breathes and self._is_tried):  # a final is on its way, of that segment or this one
            return False
        if self._shown_bytes and self._breath_is_decoded:  # more text is on its way; without any, the first is due
            return False
        step_s = _FIRST_AGAIN_S if self._partial_bytes else _FIRST_PARTIAL_S
        if self._shown_bytes:
            step_s = _PARTIAL_EVERY_S
        return len(self._open) - self._partial_bytes >= step_s * BYTES_PER_S

    def take_partial(self) -> _Try:
        return self._tried(PARTIAL if self._shown_bytes else FIRST)

    def _tried(self, decoding: Decoding) -> _Try:
        self._partial_bytes = len(self._open)
        return _Try(segment=self._segment, pcm=bytes(self._open), decoding=decoding)

    def partial_decoded(self, tried: _Try, text: str) -> None:
        """Dropped if the segment was flushed meanwhile: its final is on the way; or if more of it is shown already."""
        if text and tried.segment == self._segment and len(tried.pcm) > self._shown_bytes:
            self._shown_bytes = len(tried.pcm)
            self._said.put_nowait(Hypothesis(text=text, final=False))

    def final_decoded(self, job: _Job, decoded: Decoded) -> None:
        self.jobs.remove(job)
        text = decoded.text if believable(decoded) else ""
        confidence = min(1.0, math.exp(decoded.log_probability)) if text else None
        self._said.put_nowait(Hypothesis(text=text, final=True, confidence=confidence))
        if not self.jobs:
            self._settled.set()

    def failed(self, error: Exception) -> None:
        self.jobs.clear()
        self._settled.set()
        self._said.put_nowait(error)


class _Desk:
    """Hands work to the workers: finals in the order they fell due, then the partial that has waited longest. What may
    prove to be a final goes before partials, but only where there is time for it."""

    def __init__(self, decoder: _Decoder, executor: ThreadPoolExecutor, *, workers: int) -> None:
        self._decoder = decoder
        self._executor = executor
        self._streams: deque[WhisperStream] = deque()
        self._finals: deque[_Job] = deque()
        self._busy: set[WhisperStream] = set()
        """With a partial."""
        self._workers = workers
        self._decoding = 0
        self._final_took_s = 0.0
        self._woken = asyncio.Event()
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._run(), name=f"whisper worker {n}") for n in range(workers)]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        for stream in self._streams:
            stream.failed(EngineUnavailable(ENGINE, "stopped"))
        self._executor.shutdown(wait=False, cancel_futures=True)

    def join(self, stream: WhisperStream) -> None:
        self._streams.append(stream)

    def leave(self, stream: WhisperStream) -> None:
        """What it has not been answered yet is not worth a worker's time any more."""
        self._streams.remove(stream)
        self._finals = deque(job for job in self._finals if job.stream is not stream)

    def put(self, job: _Job) -> None:
        self._finals.append(job)
        self.wake()

    def wake(self) -> None:
        self._woken.set()

    async def _run(self) -> None:
        while True:
            if job := self._next_final():
                await self._final(job)
            elif self._has_time and (stream := self._next(lambda stream: stream.wants_breath)):
                await self._breath(stream)
            elif stream := self._next(lambda stream: stream.wants_partial and stream not in self._busy):
                await self._partial(stream)
            else:
                self._woken.clear()
                await self._woken.wait()

    @property
    def _has_time(self) -> bool:
        """Another worker stays free, and the last final was quick: a machine that is short of time makes no guesses."""
        return self._decoding + 1 < self._workers and self._final_took_s < _QUICK_S

    def _next_final(self) -> _Job | None:
        """One stream's segments are decoded one after the other, so that their texts keep their order."""
        for job in self._finals:
            if next(iter(job.stream.jobs), None) is job:
                self._finals.remove(job)
                return job
        return None

    def _next(self, wanted: Callable[[WhisperStream], bool]) -> WhisperStream | None:
        for stream in self._streams:
            if wanted(stream):
                self._streams.remove(stream)
                self._streams.append(stream)
                return stream
        return None

    async def _final(self, job: _Job) -> None:
        try:
            job.stream.final_decoded(job, await self._decode(job.pcm, FINAL))
        except Exception as error:
            job.stream.failed(error)

    async def _breath(self, stream: WhisperStream) -> None:
        tried = stream.take_breath()
        try:
            stream.breath_decoded(tried, await self._decode(tried.pcm, tried.decoding))
        except Exception as error:
            stream.failed(error)

    async def _partial(self, stream: WhisperStream) -> None:
        tried = stream.take_partial()
        self._busy.add(stream)
        try:
            decoded = await self._decode(tried.pcm, tried.decoding)
            stream.partial_decoded(tried, decoded.text if believable_so_far(decoded) else "")
        except Exception as error:
            stream.failed(error)
        finally:
            self._busy.discard(stream)

    async def _decode(self, pcm: bytes, decoding: Decoding) -> Decoded:
        loop, began_s = asyncio.get_running_loop(), time.monotonic()
        self._decoding += 1
        try:
            return await loop.run_in_executor(self._executor, self._decoder.decode, pcm, decoding)
        finally:
            self._decoding -= 1
            if decoding is FINAL:
                self._final_took_s = time.monotonic() - began_s


class _Decoder:
    """The model. ``load`` and ``decode`` run in threads."""

    def __init__(self, path: Path, *, language: str, workers: int, hotwords: Sequence[str] = ()) -> None:
        self._path = path
        self._hotwords = "、".join(hotwords[:_MOST_HOTWORDS])
        self._language = language
        self._workers = workers
        self._model: Any = None
        self._tokenizer: Any = None
        self._prompt: list[int] = []
        self._hot_prompt: list[int] = []
        self._suppressed: tuple[int, ...] = ()
        self._suppressed_but_hanzi: tuple[int, ...] = ()

    def load(self) -> None:
        """Proves on a second of silence that decoding works. Never asks the network: the path is a folder."""
        from faster_whisper import WhisperModel
        from faster_whisper.tokenizer import Tokenizer
        from faster_whisper.transcribe import get_suppressed_tokens

        self._model = WhisperModel(
            str(self._path),
            device="cpu",
            compute_type="int8",
            cpu_threads=1,
            num_workers=self._workers,
            local_files_only=True,
        )
        self._tokenizer = Tokenizer(
            self._model.hf_tokenizer, self._model.model.is_multilingual, task="transcribe", language=self._language
        )
        self._prompt = self._model.get_prompt(self._tokenizer, [], without_timestamps=True)
        self._hot_prompt = (
            self._model.get_prompt(self._tokenizer, [], without_timestamps=True, hotwords=self._hotwords)
            if self._hotwords
            else self._prompt
        )
        self._suppressed = get_suppressed_tokens(self._tokenizer, [-1])
        tokens = range(self._tokenizer.eot) if self._language == "zh" else ()
        foreign = (token for token in tokens if is_foreign(self._tokenizer.decode([token])))
        self._suppressed_but_hanzi = (*self._suppressed, *foreign)
        self.decode(bytes(BYTES_PER_S), PARTIAL)

    def decode(self, pcm: bytes, decoding: Decoding) -> Decoded:
        samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32) / 32768.0
        samples = samples[: int(_LONGEST_S * RATE)]
        if not samples.size:
            return Decoded(text="", log_probability=0.0, no_speech=1.0)
        seconds = len(samples) / RATE
        whole_s = min(_LONGEST_S, max(seconds + decoding.pad_s, decoding.whole_s))
        output = self._model.encode(self._features(samples, whole_s))
        if self._hotwords and not decoding.hurried:
            decoded = self._generate(output, self._hot_prompt, seconds, decoding)
            if not leaked(decoded.text, self._hotwords):
                return decoded
        return self._generate(output, self._prompt, seconds, decoding)

    def _generate(self, output: Any, prompt: list[int], seconds: float, decoding: Decoding) -> Decoded:
        most = len(prompt) + (round(6 * seconds) + 8 if decoding.hurried else 224)
        result = self._model.model.generate(
            output,
            [prompt],
            beam_size=decoding.beam,
            max_length=most,
            no_repeat_ngram_size=decoding.no_repeat,
            return_scores=True,
            return_no_speech_prob=True,
            suppress_blank=True,
            suppress_tokens=self._suppressed_but_hanzi if decoding.only_hanzi else self._suppressed,
        )[0]
        tokens = result.sequences_ids[0]
        decoded = Decoded(
            text=self._tokenizer.decode(tokens).rstrip("\ufffd").strip(),  # the tokens may end inside a character
            log_probability=result.scores[0] * len(tokens) / (len(tokens) + 1),
            no_speech=result.no_speech_prob,
        )
        return replace(decoded, text="") if self._language == "zh" and mistaken_for_english(decoded) else decoded

    def _features(self, samples: Any, seconds: float) -> Any:
        """Log-mel features of the speech and as much silence as makes ``seconds``; an even number of frames.

        The encoder makes one position of two frames, and CTranslate2 takes what it has encoded into as many positions
        as there are mel bands for features not encoded yet: one position more, then.
        """
        mel = self._model.feature_extractor(samples)
        positions = round(seconds * _FRAMES_PER_S / 2)
        frames = 2 * (positions + (positions == len(mel)))
        mel = mel[:, :frames]
        return np.pad(mel, ((0, 0), (0, frames - mel.shape[1])))
