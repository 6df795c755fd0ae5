"""One engine in place of another while that is down. The second is started only when it is needed first."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from asr.recognizer import Capabilities, EngineUnavailable, Health, Recognizer, RecognizerStream, SpeechLevel

log = structlog.get_logger(__name__)

_LOOK_S = 0.5


class FallbackRecognizer:
    """``first`` is started already; ``second`` starts one, or raises EngineUnavailable."""

    def __init__(
        self, first: Recognizer, second: Callable[[], Awaitable[Recognizer]], *, patience_s: float = 3.0
    ) -> None:
        """``patience_s``: the first may be down for so long before the second is started."""
        self._first = first
        self._make_second = second
        self._patience_s = patience_s
        self._second: Recognizer | None = None
        self._why_not = ""
        self._watching = asyncio.get_running_loop().create_task(self._watch(), name="speech stand-in")

    @property
    def used(self) -> Recognizer:
        """The engine that takes the next stream."""
        if self._first.health().level is SpeechLevel.DOWN and self._second is not None:
            return self._second
        return self._first

    @property
    def capabilities(self) -> Capabilities:
        return self.used.capabilities

    @property
    def load(self) -> float:
        """As ``LimitedRecognizer.load``, of the engine that takes the next stream."""
        return float(getattr(self.used, "load", 0.0))

    async def start(self) -> None:
        return None

    async def stop(self) -> None:
        self._watching.cancel()
        await asyncio.gather(self._watching, return_exceptions=True)
        for engine in (self._second, self._first):
            if engine is not None:
                await engine.stop()

    def health(self) -> Health:
        first = self._first.health()
        if first.level is not SpeechLevel.DOWN:
            return first
        if self._second is None or self._second.health().level is SpeechLevel.DOWN:
            return Health(level=SpeechLevel.DOWN, reason="; ".join(filter(None, (first.reason, self._why_not))))
        said = f"{self._second.capabilities.engine} stands in: {first.reason}"
        return Health(level=SpeechLevel.DEGRADED, reason=said)

    def open(self, stream_id: str) -> RecognizerStream:
        return self.used.open(stream_id)

    async def _watch(self) -> None:
        down_since_s: float | None = None
        while self._second is None:
            await asyncio.sleep(_LOOK_S)
            if self._first.health().level is not SpeechLevel.DOWN:
                down_since_s = None
                continue
            now_s = asyncio.get_running_loop().time()
            down_since_s = down_since_s or now_s
            if now_s - down_since_s >= self._patience_s:
                await self._start_second()

    async def _start_second(self) -> None:
        try:
            self._second = await self._make_second()
            log.warning("another speech engine stands in", engine=self._second.capabilities.engine)
        except EngineUnavailable as error:
            self._why_not = error.reason
            await asyncio.sleep(10 * self._patience_s)
        except Exception:
            log.exception("no speech engine stands in")
            await asyncio.sleep(10 * self._patience_s)
