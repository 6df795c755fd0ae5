"""The speech engine of a command that hears recordings: which may be asked for, and with what settings."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from api.settings import Settings
from api.speech import engine_config
from asr.engines.choose import Engine, EngineConfig, choose
from asr.recognizer import EngineUnavailable, Recognizer, SpeechLevel


class HearingEngine(StrEnum):
    """Those of ``Engine`` that hear something."""

    AUTO = Engine.AUTO.value
    VOSK = Engine.VOSK.value
    WHISPER = Engine.WHISPER.value
    VOSK_SERVER = Engine.VOSK_SERVER.value
    FUNASR = Engine.FUNASR.value


EngineOption = Annotated[HearingEngine | None, typer.Option("--engine", help="Instead of HOTLINE_SPEECH_ENGINE.")]
ModelOption = Annotated[Path | None, typer.Option("--model", help="A model folder, instead of looking for one.")]


def config_for_files(
    settings: Settings, *, engine: HearingEngine | None = None, model: Path | None = None
) -> EngineConfig:
    """The server's, in this process and with every core: there are no calls to be protected, nor to be warm for."""
    return replace(
        engine_config(settings),
        isolated=False,
        fallback=False,
        max_streams=os.cpu_count() or 1,
        probe=None,
        engine=Engine(engine or settings.speech_engine),
        model_path=model or settings.speech_model,
    )


@contextmanager
def hearing(runner: asyncio.Runner, config: EngineConfig) -> Iterator[Recognizer]:
    """Started, and stopped at the end. Raises EngineUnavailable with the reason and what to do about it."""
    recognizer = runner.run(choose(config))
    try:
        health = recognizer.health()
        if health.level is SpeechLevel.DOWN:
            raise EngineUnavailable(config.engine.value, health.reason)
        yield recognizer
    finally:
        runner.run(recognizer.stop())
