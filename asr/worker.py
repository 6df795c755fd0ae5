"""``hotline asr serve``: any engine behind the stock vosk-server's WebSocket protocol, in a process of its own.

Stock clients send a whole telephone call as it is: here the speech is found in it, and each segment's final text is the
answer to the next message. Our own server asks for ``"segments": "client"`` and marks the ends itself, by resets.
A client never names a path: ``config.model`` and ``phrase_list`` change nothing. ``GET /health`` tells the state.
"""

from __future__ import annotations

import asyncio
import http
import itertools
import json
import math
import resource
import time
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import soxr
import structlog
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from asr.audio import RATE, Heard, SegmentAudio, SegmentClosed, Segmenter, rules_for
from asr.recognizer import EngineUnavailable, Hypothesis, Recognizer, RecognizerStream, SpeechLevel
from asr.voice import VoiceDetector, silero

log = structlog.get_logger(__name__)

FACTS_HEADER = "X-Hotline-Speech"
_RATES = range(8_000, 48_001)
_MOST_MESSAGE = 1 << 20
_MOST_AHEAD_S = 0.5
_LOOK_S = 0.004
_FRESH_S = 0.05
"""So long an answer waits for what the engine makes of the sound it answers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerLimits:
    """``peer_streams``: connections of one address at a time; None: what the recognizer carries. Seconds."""

    peer_streams: float | None = None
    idle_s: float | None = 120.0
    """A connection that says nothing for so long is closed; None: never."""
    answer_s: float = 30.0


class Worker:
    """Serves ``recognizer``, which is started already. ``start`` listens, ``stop`` ends every connection."""

    def __init__(
        self,
        recognizer: Recognizer,
        *,
        limits: WorkerLimits | None = None,
        detector: Callable[[], VoiceDetector] | None = None,
    ) -> None:
        self.recognizer = recognizer
        self.limits = limits or WorkerLimits()
        self.detector = detector or silero()
        self.streams = 0
        self.numbers = itertools.count(1)
        self._peers: Counter[str] = Counter()
        self._server: Server | None = None

    async def start(self, host: str, port: int) -> int:
        """The port it listens on. Raises OSError."""
        self._server = await serve(
            self._converse,
            host,
            port,
            compression=None,
            ping_interval=None,
            max_size=_MOST_MESSAGE,
            max_queue=4,
            process_request=self._health,
            process_response=self._introduce,
        )
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    def facts(self) -> dict[str, Any]:
        can, health = self.recognizer.capabilities, self.recognizer.health()
        return {
            "engine": can.engine,
            "model": can.model,
            "languages": list(can.languages),
            "punctuation": can.punctuation,
            "word_times": can.word_times,
            "whole_segments": can.whole_segments,
            "limit": getattr(self.recognizer, "limit", None),
            "streams": self.streams,
            "state": health.level.value,
            "reason": health.reason,
        }

    def _health(self, connection: ServerConnection, request: Request) -> Response | None:
        if request.path != "/health":
            return None
        facts = self.facts() | {"rss_mib": resident_bytes() >> 20}
        level = http.HTTPStatus.SERVICE_UNAVAILABLE if facts["state"] == SpeechLevel.DOWN else http.HTTPStatus.OK
        response = connection.respond(level, json.dumps(facts))
        del response.headers["Content-Type"]
        response.headers["Content-Type"] = "application/json"
        return response

    def _introduce(self, connection: ServerConnection, request: Request, response: Response) -> Response:
        response.headers[FACTS_HEADER] = json.dumps(self.facts())
        return response

    async def _converse(self, connection: ServerConnection) -> None:
        peer = str(connection.remote_address[0]) if connection.remote_address else ""
        if self._peers[peer] >= self._most_of_peer():
            await connection.close(1013, "no room")
            return
        self._peers[peer] += 1
        talk = _Talk(self)
        try:
            await self._answer_all(connection, talk)
        except EngineUnavailable as error:
            log.warning("speech stream refused", reason=error.reason)
            await connection.close(1013, "no room")
        except ConnectionClosed:
            pass
        except _Idle:
            await connection.close(1001, "idle")
        except _Refused as refused:
            await connection.close(1003, refused.why)
        except TimeoutError:
            log.error("the engine does not answer", within_s=self.limits.answer_s)
            await connection.close(1011, "the engine does not answer")
        except Exception:
            log.exception("speech stream failed")
            await connection.close(1011, "failed")
        finally:
            await talk.close()
            self._peers[peer] -= 1
            if not self._peers[peer]:
                del self._peers[peer]

    def _most_of_peer(self) -> float:
        """One more than there are streams: who asks how it is must be answered while all of them are taken."""
        if self.limits.peer_streams is not None:
            return self.limits.peer_streams
        limit: int | None = getattr(self.recognizer, "limit", None)
        return math.inf if limit is None else limit + 1

    async def _answer_all(self, connection: ServerConnection, talk: _Talk) -> None:
        while True:
            try:
                async with asyncio.timeout(self.limits.idle_s):
                    message = await connection.recv()
            except TimeoutError as error:
                raise _Idle from error
            if isinstance(message, bytes):
                await connection.send(await talk.hear(message))
                continue
            match _command(message):
                case {"config": dict(wishes)}:
                    talk.configure(wishes)
                case {"reset": _}:
                    await connection.send(await talk.finish())
                case {"eof": _}:
                    await connection.send(await talk.finish())
                    return
                case _:
                    raise _Refused("unknown text")


class _Idle(Exception):
    """A client says nothing any more."""


class _Refused(Exception):
    """What a client sends is not understood. ``why`` is told to it: one line, 120 bytes at most."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def _command(message: str) -> Any:
    """Spaces do not matter to us as they do to a stock server. Raises _Refused."""
    try:
        return json.loads(message)
    except RecursionError as error:
        raise _Refused("the text is nested too deep") from error
    except ValueError as error:
        raise _Refused("the text is no JSON") from error


def _rate(given: Any) -> int:
    """In Hz; a number as text will do, as it does for a stock server. Raises _Refused."""
    why = f"sample_rate must be {_RATES.start} to {_RATES.stop - 1}"
    try:
        rate = int(float(given))
    except (TypeError, ValueError, OverflowError) as error:
        raise _Refused(why) from error
    if isinstance(given, bool) or rate not in _RATES:
        raise _Refused(why)
    return rate


@dataclass(slots=True)
class _Wishes:
    rate: int = 8_000
    words: bool = False
    alternatives: int = 0
    segmented: bool = False
    """The client finds the speech itself and marks its ends."""


class _Talk:
    """One connection: sound in, one answer to each message."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._wishes = _Wishes()
        self._stream: RecognizerStream | None = None
        self._id = f"served {next(worker.numbers)}"
        self._reading: asyncio.Task[None] | None = None
        self._segmenter: Segmenter | None = None
        self._resampler: Any = None
        self._odd = b""
        self._partial = ""
        self._finals: deque[Hypothesis] = deque()
        self._owed = 0
        self._unflushed = False
        self._news = asyncio.Event()
        self._failure: Exception | None = None
        self._heard_at_s = 0.0

    def configure(self, wishes: dict[str, Any]) -> None:
        """As the stock server: what is not known is passed over. A model is none of a client's business.

        Raises _Refused for a rate that would make the sound another one.
        """
        if "sample_rate" in wishes:
            self._wishes.rate = _rate(wishes["sample_rate"])
            self._resampler = None
        self._wishes.words = bool(wishes.get("words", self._wishes.words))
        alternatives = wishes.get("max_alternatives", self._wishes.alternatives)
        if isinstance(alternatives, int):
            self._wishes.alternatives = max(0, min(10, alternatives))
        self._wishes.segmented = wishes.get("segments") == "client"
        if "model" in wishes:
            log.warning("a client asked for a model of its own")

    async def hear(self, message: bytes) -> str:
        now_s = time.monotonic()
        pcm = self._resampled(message)
        in_pace = now_s - self._heard_at_s >= 0.5 * len(pcm) / (2 * RATE)
        self._heard_at_s = now_s
        stream = self._opened()
        self._news.clear()
        if self._wishes.segmented:
            stream.feed(pcm)
            self._unflushed = True
        else:
            self._hear_all(self._own_segmenter().feed(pcm))
        await self._taken(stream)
        if in_pace and self._unflushed and not self._finals:
            with suppress(TimeoutError):
                async with asyncio.timeout(_FRESH_S):
                    await self._news.wait()
        self._raise_failure()
        if self._finals:
            return self._final(self._finals.popleft())
        return json.dumps({"partial": self._partial}, ensure_ascii=False)

    async def finish(self) -> str:
        """Everything that is owed, as one result."""
        if self._segmenter is not None:
            self._hear_all(self._segmenter.close())
        if self._unflushed:
            self._flush()
        async with asyncio.timeout(self._worker.limits.answer_s):
            while self._owed and self._failure is None:
                self._news.clear()
                await self._news.wait()
        self._raise_failure()
        parts = [final for final in self._finals if final.text]
        self._finals.clear()
        known = [part.confidence for part in parts if part.confidence is not None]
        return self._final(
            Hypothesis(
                text=" ".join(part.text for part in parts),
                final=True,
                confidence=sum(known) / len(known) if known else None,
                words=tuple(word for part in parts for word in part.words),
            )
        )

    async def close(self) -> None:
        if self._stream is not None:
            with suppress(Exception):
                async with asyncio.timeout(self._worker.limits.answer_s):
                    await self._stream.close()
            self._worker.streams -= 1
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    # ---- the engine

    def _opened(self) -> RecognizerStream:
        if self._stream is None:
            self._stream = self._worker.recognizer.open(self._id)
            self._worker.streams += 1
            self._reading = asyncio.get_running_loop().create_task(self._read(self._stream), name="served stream")
        return self._stream

    def _own_segmenter(self) -> Segmenter:
        if self._segmenter is None:
            rules = rules_for(whole_segments=self._worker.recognizer.capabilities.whole_segments)
            self._segmenter = Segmenter(self._worker.detector(), rules)
        return self._segmenter

    def _hear_all(self, heard: Any) -> None:
        item: Heard
        for item in heard:
            match item:
                case SegmentAudio():
                    self._opened().feed(item.pcm)
                    self._unflushed = True
                case SegmentClosed():
                    self._flush()
                case _:
                    pass

    def _flush(self) -> None:
        self._unflushed = False
        self._owed += 1
        self._opened().flush()

    async def _read(self, stream: RecognizerStream) -> None:
        try:
            async for hypothesis in stream.hypotheses():
                if hypothesis.final:
                    self._owed -= 1
                    self._partial = ""
                    if hypothesis.text or self._wishes.segmented:
                        self._finals.append(hypothesis)
                else:
                    self._partial = hypothesis.text
                self._news.set()
        except Exception as error:
            self._failure = error
        self._news.set()

    async def _taken(self, stream: RecognizerStream) -> None:
        """Lock-step is the brake: who sends a file gets its answers as fast as the engine works."""
        async with asyncio.timeout(self._worker.limits.answer_s):
            while stream.backlog_s() > _MOST_AHEAD_S and self._failure is None:  # noqa: ASYNC110 - engines tell how much
                await asyncio.sleep(_LOOK_S)

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _resampled(self, message: bytes) -> bytes:
        pcm = self._odd + message
        whole = len(pcm) & ~1
        self._odd, pcm = pcm[whole:], pcm[:whole]
        if self._wishes.rate == RATE:
            return pcm
        if self._resampler is None:
            self._resampler = soxr.ResampleStream(self._wishes.rate, RATE, 1, dtype="int16", quality="LQ")
        out = self._resampler.resample_chunk(np.frombuffer(pcm, dtype="<i2"))
        return bytes(out.astype("<i2", copy=False).tobytes())

    def _final(self, hypothesis: Hypothesis) -> str:
        words = [
            {
                "conf": round(word.confidence if word.confidence is not None else 1.0, 6),
                "end": round(word.end_s, 3),
                "start": round(word.start_s, 3),
                "word": word.text,
            }
            for word in hypothesis.words
        ]
        result: dict[str, Any] = {}
        if self._wishes.words and words:
            result["result"] = words
        if self._wishes.alternatives:
            one = {"confidence": hypothesis.confidence or 0.0, "text": hypothesis.text, **result}
            return json.dumps({"alternatives": [one]}, ensure_ascii=False)
        result["text"] = hypothesis.text
        if self._wishes.segmented and hypothesis.confidence is not None:
            result["confidence"] = hypothesis.confidence
        return json.dumps(result, ensure_ascii=False)


def resident_bytes() -> int:
    """Memory this process holds; 0 where the system does not tell."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * resource.getpagesize()
    except OSError:
        return 0
