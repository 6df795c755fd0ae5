"""Vosk: streaming recognition on this machine's processors, from a model folder. The only module that knows vosk.

One model is shared; each stream borrows a recognizer from a pool and keeps it until its call ends. Decoding runs in a
thread for each core (vosk releases the interpreter lock), never two jobs of one stream at a time. A recognizer composes
its graph as it goes: its first second of speech costs four times as much as later ones. It keeps up to 0.2 GB of that
after use: the pool is capped, and memory is given back to the system when it shrinks.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

import structlog

from asr.audio import BYTES_PER_S, RATE
from asr.models import why_not_vosk
from asr.recognizer import Capabilities, EngineUnavailable, Health, Hypothesis, SpeechLevel, Word

log = structlog.get_logger(__name__)

T = TypeVar("T")

ENGINE = "vosk"
_MANDARIN = ("你", "这", "這", "吗", "嗎", "说", "說", "没有", "沒有", "我们", "我們")
"""Every model that understands Mandarin knows some of these words, and no model of another language."""
_BITE_S = 0.4
"""Audio decoded in one job, so that a backlog of one stream does not hold a thread from the others."""
_WORTH_A_JOB_BYTES = 2 * 1024
"""64 ms: smaller jobs cost more in errands between threads than they win in time."""
_WARM_A_THREAD, _MOST_WARM = 2, 8
"""Recognizers that have heard speech before the first call, for each thread, as a call has two legs, and in all: each
holds 0.12 GB then."""
_PARTIALS_UP_TO_S = 1.0
"""A stream further behind than this is not asked for partials."""
_BACKLOG_S = 3.0
"""Audio that may wait for the decoder; beyond it the oldest is dropped."""

_PIECE_BYTES = 1024
"""What vosk makes of audio depends a little on the pieces it comes in; equal pieces give equal text however late."""
_RIGHT_CONTEXT = bytes(round(0.3 * BYTES_PER_S))
"""The network looks ahead: without this the end of a segment would be decoded as the beginning of the next."""


class VoskRecognizer:
    """``languages`` is what the model is to understand; a model folder does not say. Mandarin (zh) is looked for.

    ``warm_up`` is speech that the first recognizers hear before a call does: 16-bit mono at 16 kHz, some seconds of it.
    """

    def __init__(
        self,
        model_path: Path,
        *,
        languages: tuple[str, ...] = ("zh",),
        threads: int | None = None,
        pooled: int | None = None,
        warm_up: bytes = b"",
    ) -> None:
        self._path = model_path
        self._threads = threads or os.cpu_count() or 1
        self._pool = _RecognizerPool(kept=pooled if pooled is not None else 4 * self._threads)
        self._executor: ThreadPoolExecutor | None = None
        self._warm_up = warm_up
        self._health = Health(level=SpeechLevel.DOWN, reason="not started")
        self.capabilities = Capabilities(
            engine=ENGINE,
            model=model_path.name,
            languages=languages,
            sample_rate=RATE,
            word_times=True,
            confidence=True,
        )

    async def start(self) -> None:
        if reason := why_not_vosk(self._path):
            raise EngineUnavailable(
                ENGINE, reason, "run `hotline models pull`, or set HOTLINE_SPEECH_MODEL to a model folder"
            )
        self._executor = ThreadPoolExecutor(self._threads, thread_name_prefix="vosk")
        try:
            await asyncio.get_running_loop().run_in_executor(self._executor, self._pool.load, self._path)
        except Exception as error:
            self._executor.shutdown(wait=False)
            self._executor = None
            raise EngineUnavailable(ENGINE, f"the model in {self._path} does not load: {error}") from error
        if "zh" in self.capabilities.languages and not self._pool.knows(_MANDARIN):
            await self.stop()
            raise EngineUnavailable(
                ENGINE,
                f"the model in {self._path} knows no Chinese words: it is of another language",
                "put a Mandarin model there, or set HOTLINE_SPEECH_LANGUAGE to what it understands",
            )
        if self._warm_up:
            count = min(_MOST_WARM, _WARM_A_THREAD * self._threads)
            await asyncio.gather(*(self._warm() for _ in range(count)))
        self._health = Health(level=SpeechLevel.OK)

    async def _warm(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._executor, self._pool.add, self._warm_up)

    async def stop(self) -> None:
        self._health = Health(level=SpeechLevel.DOWN, reason="stopped")
        executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown(wait=False, cancel_futures=True)
            self._pool.unload()

    def health(self) -> Health:
        return self._health

    def open(self, stream_id: str) -> VoskStream:
        if self._executor is None:
            raise EngineUnavailable(ENGINE, "not running")
        return VoskStream(self._pool, self._executor, stream_id=stream_id)


class VoskStream:
    def __init__(self, pool: _RecognizerPool, executor: ThreadPoolExecutor, *, stream_id: str) -> None:
        self._pool = pool
        self._executor = executor
        self._log = log.bind(stream=stream_id)
        self._todo: deque[tuple[bytes, float] | None] = deque()  # audio with its time, None to flush
        self._waiting_bytes = 0
        self._closing = False
        self._wake = asyncio.Event()
        self._said: asyncio.Queue[Hypothesis | Exception | None] = asyncio.Queue()
        self._decoder: _Decoder | None = None
        self.dropped_s = 0.0
        self._task = asyncio.get_running_loop().create_task(self._decode(), name=f"vosk {stream_id}")

    def feed(self, pcm: bytes) -> None:
        self._todo.append((pcm, time.monotonic()))
        self._waiting_bytes += len(pcm)
        if self._waiting_bytes > _BACKLOG_S * BYTES_PER_S:
            self._drop_oldest()
        if self._waiting_bytes >= _WORTH_A_JOB_BYTES:
            self._wake.set()

    def flush(self) -> None:
        self._todo.append(None)
        self._wake.set()

    async def hypotheses(self) -> AsyncIterator[Hypothesis]:
        while (said := await self._said.get()) is not None:
            if isinstance(said, Exception):
                raise said
            yield said

    def lateness_s(self) -> float:
        oldest = next((item[1] for item in self._todo if item is not None), None)
        return 0.0 if oldest is None else time.monotonic() - oldest

    def backlog_s(self) -> float:
        return self._waiting_bytes / BYTES_PER_S

    async def close(self) -> None:
        self._closing = True
        self._wake.set()
        await asyncio.wait([self._task])

    def _drop_oldest(self) -> None:
        for at, item in enumerate(self._todo):
            if item is not None:
                del self._todo[at]
                self._waiting_bytes -= len(item[0])
                self.dropped_s += len(item[0]) / BYTES_PER_S
                return

    async def _decode(self) -> None:
        try:
            while True:
                while self._waiting_bytes >= _WORTH_A_JOB_BYTES or None in self._todo or (self._closing and self._todo):
                    await self._job()
                if self._closing:
                    return
                self._wake.clear()
                await self._wake.wait()
        except Exception as error:
            self._said.put_nowait(error)
        finally:
            await self._give_back()
            self._said.put_nowait(None)

    async def _job(self) -> None:
        late = self.lateness_s() > _PARTIALS_UP_TO_S
        if self._todo[0] is None:
            self._todo.popleft()
            self._said.put_nowait(await self._in_thread(lambda: self._borrowed().finish()))
            return
        pcm = self._bite()
        text = await self._in_thread(lambda: self._borrowed().accept(pcm, partial=not late))
        if text:
            self._said.put_nowait(Hypothesis(text=text, final=False))

    def _bite(self) -> bytes:
        taken = bytearray()
        while self._todo and len(taken) < _BITE_S * BYTES_PER_S:
            item = self._todo[0]
            if item is None:
                break
            taken += item[0]
            self._todo.popleft()
        self._waiting_bytes -= len(taken)
        return bytes(taken)

    def _borrowed(self) -> _Decoder:
        """In a thread: making a recognizer takes 50 ms."""
        if self._decoder is None:
            self._decoder = self._pool.borrow()
        return self._decoder

    async def _give_back(self) -> None:
        decoder, self._decoder = self._decoder, None
        if decoder is not None:
            with suppress(RuntimeError):  # the engine was stopped meanwhile
                await self._in_thread(lambda: self._pool.give_back(decoder))

    async def _in_thread(self, job: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, job)


class _Decoder:
    """One recognizer, working for one stream at a time. Its methods run in threads, one at a time."""

    def __init__(self, recognizer: Any) -> None:
        self._recognizer = recognizer
        self._parts: list[str] = []  # vosk may end an utterance of its own inside our segment
        self._words: list[Word] = []
        self._heard = False
        self._fed_bytes = 0
        self._began_s = 0.0
        """Vosk counts a word's time from the first sound it was ever given."""

    def accept(self, pcm: bytes, *, partial: bool) -> str:
        """Text so far of the segment, empty if not asked for."""
        if not self._heard:
            self._heard, self._began_s = True, self._fed_bytes / BYTES_PER_S
        for at in range(0, len(pcm), _PIECE_BYTES):
            if self._feed(pcm[at : at + _PIECE_BYTES]):
                self._keep(json.loads(self._recognizer.Result()))
        if not partial:
            return ""
        open_text = json.loads(self._recognizer.PartialResult()).get("partial", "")
        return " ".join(filter(None, [*self._parts, open_text]))

    def finish(self) -> Hypothesis:
        if not self._heard:
            return Hypothesis(text="", final=True)
        self._heard = False
        self._feed(_RIGHT_CONTEXT)
        self._keep(json.loads(self._recognizer.Result()))
        known = [word.confidence for word in self._words if word.confidence is not None]
        hypothesis = Hypothesis(
            text=" ".join(self._parts),
            final=True,
            confidence=sum(known) / len(known) if known else None,
            words=tuple(self._words),
        )
        self._parts, self._words = [], []
        return hypothesis

    def forget(self) -> None:
        """``FinalResult`` makes it forget what it learnt of the speaker, so the next caller starts clean.

        It does so only in the middle of an utterance, hence the breath of silence; ``Reset`` never does.
        """
        self._feed(_RIGHT_CONTEXT)
        self._recognizer.FinalResult()
        self._parts, self._words, self._heard = [], [], False

    def _feed(self, pcm: bytes) -> bool:
        self._fed_bytes += len(pcm) & ~1
        return bool(self._recognizer.AcceptWaveform(pcm))

    def _keep(self, result: dict[str, Any]) -> None:
        if text := result.get("text", ""):
            self._parts.append(text)
        self._words += [
            Word(
                text=word["word"],
                start_s=max(0.0, word["start"] - self._began_s),
                end_s=max(0.0, word["end"] - self._began_s),
                confidence=float(word["conf"]) if "conf" in word else None,
            )
            for word in result.get("result", ())
        ]


class _RecognizerPool:
    """Recognizers of one model: warm ones first, at most ``kept`` idle ones. All methods run in threads."""

    def __init__(self, *, kept: int) -> None:
        self._kept = kept
        self._model: Any = None
        self._idle: list[_Decoder] = []
        self._lock = Lock()

    def load(self, path: Path) -> None:
        """Raises whatever vosk raises. The first recognizer proves on a second of silence that audio is accepted."""
        import vosk

        vosk.SetLogLevel(-1)
        self._model = vosk.Model(str(path))
        self.add(bytes(BYTES_PER_S))

    def add(self, pcm: bytes) -> None:
        """One more recognizer, which has heard this."""
        decoder = self._make()
        decoder.accept(pcm, partial=False)
        self.give_back(decoder)

    def knows(self, words: Iterable[str]) -> bool:
        """Whether any of them is in the model's vocabulary."""
        return any(self._model.vosk_model_find_word(word) >= 0 for word in words)

    def unload(self) -> None:
        with self._lock:
            self._idle.clear()
        self._model = None
        _return_memory()

    def borrow(self) -> _Decoder:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return self._make()

    def give_back(self, decoder: _Decoder) -> None:
        decoder.forget()
        with self._lock:
            if len(self._idle) < self._kept and self._model is not None:
                self._idle.append(decoder)
                return
        del decoder
        _return_memory()

    def _make(self) -> _Decoder:
        import vosk

        recognizer = vosk.KaldiRecognizer(self._model, RATE)
        recognizer.SetWords(True)
        return _Decoder(recognizer)


def _return_memory() -> None:
    """glibc keeps freed graph caches, about 0.1 GB a recognizer, until told otherwise."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
