"""Whisper by faster-whisper: segments decoded whole when they close, and in between as often as there is time for.

Whisper pads every segment to 30 s, and most of its time goes into that silence: short padding makes a segment three to
six times cheaper. A final always goes before any partial, and a stream's partial runs only when a worker is idle, so
text grows slower under load but sentences do not come late. Several guards drop what whisper invents out of noise.
"""

from __future__ import annotations

import asyncio
import math
import os
import re
import time
import zlib
from collections import deque
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import structlog

from asr.models import why_not_whisper
from asr.recognizer import Capabilities, EngineUnavailable, Health, Hypothesis, SpeechLevel

log = structlog.get_logger(__name__)

ENGINE = "whisper"
RATE = 16_000
_BYTES_PER_S = 2 * RATE
_FRAMES_PER_S = 100
_LONGEST_S = 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Decoding:
    """How hard to try. ``pad_s`` is the silence whisper sees after the speech."""

    beam: int
    pad_s: float
    no_repeat: int = 0
    hurried: bool = False
    """Limit the tokens by the length of the audio: a runaway partial would hold a worker."""


PARTIAL = Decoding(beam=1, pad_s=0.5, no_repeat=4, hurried=True)
FINAL = Decoding(beam=5, pad_s=5.0)

_MOST_HOTWORDS = 40
_TELLING_CHARACTERS = 6

_FIRST_PARTIAL_S = 1.1
"""Of it 0.3 s are what came before the voice; of less speech than the rest, nothing believable is made."""
_FIRST_AGAIN_S = 0.4
"""While nothing believable has come of the segment."""
_PARTIAL_EVERY_S = 1.0

_LEAST_LOG_PROBABILITY = -1.4
"""Voice activity has been found already: groups of digits and a lone 对 come at -1.0 to -1.3, inventions below."""
_DOUBTFUL_LOG_PROBABILITY = -1.1
_MOST_COMPRESSION = 2.4
_NO_SPEECH = 0.6
_THANKS = re.compile(r"(?:谢谢|感谢|多谢|謝謝|感謝|多謝)(?:大家|您|你|妳)?[。.！!]?")
"""What whisper says most often to noise."""
_FOREIGN = re.compile(r"[A-Za-z']+(?:[\s,.?!;:-]+[A-Za-z']+){2,}[\s,.?!;:-]*")
_FOREIGN_LOG_PROBABILITY = -0.8
"""Whole English sentences where Chinese is spoken: what whisper makes of Chinese with holes in it lies below."""
_REPEATED = re.compile(r"(.{2,10}?)\1{4,}")
_CREDITS = re.compile(
    r"字幕(?:志愿者|组|由|by|提供)|订阅.{0,6}(?:转发|打赏|点赞)|明镜与点点|Amara\.org|谢谢(?:大家)?(?:观看|收看)",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Decoded:
    """``log_probability`` is the mean over the tokens, ``no_speech`` 0..1."""

    text: str
    log_probability: float
    no_speech: float


def believable(decoded: Decoded) -> bool:
    """False for what whisper is known to make up from noise, music and silence."""
    text = decoded.text
    if not text or decoded.log_probability < _LEAST_LOG_PROBABILITY:
        return False
    if decoded.no_speech > _NO_SPEECH and decoded.log_probability < _DOUBTFUL_LOG_PROBABILITY:
        return False
    if decoded.no_speech > _NO_SPEECH and _THANKS.fullmatch(text):
        return False
    data = text.encode()
    if len(data) / len(zlib.compress(data)) > _MOST_COMPRESSION:
        return False
    return not _REPEATED.search(text) and not _CREDITS.search(text)


def believable_so_far(decoded: Decoded) -> bool:
    """As ``believable``, for the beginning of a segment: less is known, and a wrong word on the screen distracts."""
    latin = decoded.text.isascii() and decoded.log_probability < _FOREIGN_LOG_PROBABILITY
    return believable(decoded) and not latin and "\ufffd" not in decoded.text


def mistaken_for_english(decoded: Decoded) -> bool:
    """Three Latin words or more, nothing else, and no certainty; names, plates, 5G and who speaks English stay."""
    return decoded.log_probability < _FOREIGN_LOG_PROBABILITY and _FOREIGN.fullmatch(decoded.text) is not None


def leaked(text: str, hotwords: str) -> bool:
    """True for a text that repeats the list it was given rather than what was said: three of its words on end."""
    words = [word for word in re.split(r"[、，,。\s]+", text) if word]
    known = set(hotwords.split("、"))
    runs = "".join("x" if word in known else "." for word in words)
    return "xxx" in runs or (len(text) >= _TELLING_CHARACTERS and text in hotwords and "、" in text)


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
    ) -> None:
        self._path = model_path
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
        return WhisperStream(self._desk)


@dataclass(eq=False, kw_only=True, slots=True)
class _Job:
    """One segment to decode for good."""

    stream: WhisperStream
    pcm: bytes
    due_at: float = field(default_factory=time.monotonic)


class WhisperStream:
    def __init__(self, desk: _Desk) -> None:
        self._desk = desk
        self._open = bytearray()
        self._partial_bytes = 0  # length of the open segment when its last partial was decoded
        self._begun = False  # the open segment has text already
        self._said: asyncio.Queue[Hypothesis | Exception | None] = asyncio.Queue()
        self.jobs: deque[_Job] = deque()
        self._settled = asyncio.Event()
        self._settled.set()
        desk.join(self)

    def feed(self, pcm: bytes) -> None:
        self._open += pcm
        if self.wants_partial:
            self._desk.wake()

    def flush(self) -> None:
        job = _Job(stream=self, pcm=bytes(self._open))
        self._open.clear()
        self._partial_bytes = 0
        self._begun = False
        self.jobs.append(job)
        self._settled.clear()
        self._desk.put(job)

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
        return sum(len(job.pcm) for job in self.jobs) / _BYTES_PER_S

    async def close(self) -> None:
        try:
            await self._settled.wait()
        finally:
            self._desk.leave(self)
        self._said.put_nowait(None)

    @property
    def wants_partial(self) -> bool:
        if self.jobs:  # the segment before is not finished: its text comes first
            return False
        step_s = _FIRST_AGAIN_S if self._partial_bytes else _FIRST_PARTIAL_S
        if self._begun:
            step_s = _PARTIAL_EVERY_S
        return len(self._open) - self._partial_bytes >= step_s * _BYTES_PER_S

    def take_partial(self) -> bytes:
        self._partial_bytes = len(self._open)
        return bytes(self._open)

    def partial_decoded(self, pcm: bytes, text: str) -> None:
        """Dropped if the segment was flushed meanwhile: its final is on the way."""
        if text and not self.jobs and self._partial_bytes >= len(pcm):
            self._begun = True
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
    """Hands work to the workers: finals in the order they fell due, then the partial that has waited longest."""

    def __init__(self, decoder: _Decoder, executor: ThreadPoolExecutor, *, workers: int) -> None:
        self._decoder = decoder
        self._executor = executor
        self._streams: deque[WhisperStream] = deque()
        self._finals: deque[_Job] = deque()
        self._busy: set[WhisperStream] = set()
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
            elif stream := self._next_partial():
                await self._partial(stream)
            else:
                self._woken.clear()
                await self._woken.wait()

    def _next_final(self) -> _Job | None:
        """One stream's segments are decoded one after the other, so that their texts keep their order."""
        for job in self._finals:
            if job.stream not in self._busy:
                self._finals.remove(job)
                return job
        return None

    def _next_partial(self) -> WhisperStream | None:
        for stream in self._streams:
            if stream not in self._busy and stream.wants_partial:
                self._streams.remove(stream)
                self._streams.append(stream)
                return stream
        return None

    async def _final(self, job: _Job) -> None:
        try:
            job.stream.final_decoded(job, await self._decode(job.stream, job.pcm, FINAL))
        except Exception as error:
            job.stream.failed(error)

    async def _partial(self, stream: WhisperStream) -> None:
        pcm = stream.take_partial()
        try:
            decoded = await self._decode(stream, pcm, PARTIAL)
            stream.partial_decoded(pcm, decoded.text if believable_so_far(decoded) else "")
        except Exception as error:
            stream.failed(error)

    async def _decode(self, stream: WhisperStream, pcm: bytes, decoding: Decoding) -> Decoded:
        self._busy.add(stream)
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._executor, self._decoder.decode, pcm, decoding)
        finally:
            self._busy.discard(stream)
            self.wake()


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
        self.decode(bytes(_BYTES_PER_S), PARTIAL)

    def decode(self, pcm: bytes, decoding: Decoding) -> Decoded:
        samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32) / 32768.0
        samples = samples[: int(_LONGEST_S * RATE)]
        if not samples.size:
            return Decoded(text="", log_probability=0.0, no_speech=1.0)
        seconds = len(samples) / RATE
        output = self._model.encode(self._features(samples, min(_LONGEST_S, seconds + decoding.pad_s)))
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
            suppress_tokens=self._suppressed,
        )[0]
        tokens = result.sequences_ids[0]
        decoded = Decoded(
            text=self._tokenizer.decode(tokens).rstrip("\ufffd").strip(),  # the tokens may end inside a character
            log_probability=result.scores[0] * len(tokens) / (len(tokens) + 1),
            no_speech=result.no_speech_prob,
        )
        return replace(decoded, text="") if self._language == "zh" and mistaken_for_english(decoded) else decoded

    def _features(self, samples: Any, seconds: float) -> Any:
        """Log-mel features of the speech and as much silence as makes ``seconds``; an even number of frames."""
        frames = 2 * round(seconds * _FRAMES_PER_S / 2)
        mel = self._model.feature_extractor(samples)[:, :frames]
        return np.pad(mel, ((0, 0), (0, frames - mel.shape[1])))
