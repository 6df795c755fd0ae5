"""The server's recogniser: chosen and started beside everything else; what it can do now is told when it changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from importlib import resources
from pathlib import Path

from api.live.messages import SpeechState
from api.settings import Settings
from asr.engines.choose import Engine, EngineConfig, NoText, choose
from asr.fetching import Progress
from asr.lexicon import Lexicon, LexiconError
from asr.recognizer import Recognizer, SpeechLevel

PROBE = Path(str(resources.files("api.demo") / "speech" / "kitchen-smoke.wav"))
"""Mandarin, by which it is measured what an engine costs here."""
LOOK_S = 1.0
AGAIN_S = 180.0
"""Without an engine it is looked for one anew: somebody may have followed the hint."""


def engine_config(settings: Settings) -> EngineConfig:
    """With the names of the places that the city has now."""
    return EngineConfig(
        models_dir=settings.models_dir,
        shared_models_dir=settings.shared_models_dir,
        engine=Engine(settings.speech_engine),
        model_path=settings.speech_model,
        download=settings.speech_download,
        language=settings.speech_language,
        servers=settings.speech_servers,
        isolated=settings.speech_isolated,
        memory_mib=settings.speech_memory_mib,
        max_streams=settings.speech_streams,
        fallback=settings.speech_fallback,
        hotwords=_place_names(settings.home),
        hint_whisper=settings.speech_whisper_places,
        probe=PROBE if PROBE.is_file() else None,
        adapt_to=settings.home if settings.speech_adapt else None,
    )


def _place_names(home: Path) -> tuple[str, ...]:
    """None of a gazetteer that cannot be used: who reads the talks tells of it."""
    try:
        return Lexicon.of_home(home).place_names
    except LexiconError:
        return ()


class Speech:
    """``run`` for as long as the server runs."""

    def __init__(self, config: EngineConfig, *, told: Callable[[SpeechState], None]) -> None:
        self._config = config
        self._told = told
        self._chosen: Recognizer | None = None
        self.state = SpeechState(state=SpeechLevel.DOWN, reason="the speech engine is starting")

    @property
    def recognizer(self) -> Recognizer | None:
        """None while there is none."""
        return None if isinstance(self._chosen, NoText) else self._chosen

    async def run(self) -> None:
        self._told(self.state)
        loop = asyncio.get_running_loop()

        def report(progress: Progress) -> None:
            loop.call_soon_threadsafe(self._report, progress)

        while True:
            self._chosen = await choose(self._config, report=report)
            again_at_s = loop.time() + AGAIN_S
            while self._settled or loop.time() < again_at_s:
                self._look()
                await asyncio.sleep(LOOK_S)

    @property
    def _settled(self) -> bool:
        return not isinstance(self._chosen, NoText) or self._chosen.wanted

    async def stop(self) -> None:
        if self._chosen is not None:
            await self._chosen.stop()

    def _look(self) -> None:
        assert self._chosen is not None
        health = self._chosen.health()
        self._become(SpeechState(state=health.level, reason=health.reason, engine=self._chosen.capabilities.engine))

    def _report(self, progress: Progress) -> None:
        if self.recognizer is None:
            share = round(100 * progress.done / max(1, progress.total))
            self._become(SpeechState(state=SpeechLevel.DOWN, reason=f"{progress.step} of the speech model: {share} %"))

    def _become(self, state: SpeechState) -> None:
        if state != self.state:
            self.state = state
            self._told(state)
