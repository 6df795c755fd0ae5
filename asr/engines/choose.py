"""Which engine runs: the configured model, else a Mandarin one on disk, else a download, else whisper, else none.

Whatever happens, a recognizer comes back. Without text the hotline still works; ``NoText`` says why, loudly.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from threading import Event

import structlog

from asr.engines.scripted_engine import Script, ScriptedRecognizer
from asr.engines.vosk_engine import VoskRecognizer
from asr.engines.whisper_engine import WhisperRecognizer
from asr.models import (
    SMALL_MANDARIN,
    Archive,
    ModelError,
    Progress,
    Report,
    assemble_whisper,
    find_mandarin,
    find_whisper,
    pull,
    why_not_vosk,
    why_not_whisper,
)
from asr.pool import LimitedRecognizer
from asr.recognizer import Capabilities, EngineUnavailable, Health, Recognizer, RecognizerStream, SpeechLevel

log = structlog.get_logger(__name__)


class Engine(StrEnum):
    AUTO = "auto"
    VOSK = "vosk"
    WHISPER = "whisper"
    SCRIPTED = "scripted"
    NONE = "none"


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineConfig:
    """``models_dir`` is where models are looked for and fetched to; ``shared_models_dir`` is looked into as well, and
    fetched to instead when given. ``max_streams`` None: measured at start."""

    models_dir: Path
    shared_models_dir: Path | None = None
    engine: Engine = Engine.AUTO
    model_path: Path | None = None
    download: bool = True
    archive: Archive = SMALL_MANDARIN
    language: str = "zh"
    threads: int | None = None
    max_streams: int | None = None
    script: Script = field(default_factory=dict)

    @property
    def folders(self) -> tuple[Path, ...]:
        return (self.models_dir,) if self.shared_models_dir is None else (self.models_dir, self.shared_models_dir)


class NoText:
    """Speech is not recognised on this machine. Every stream is refused with the reason."""

    def __init__(self, reason: str, hint: str = "") -> None:
        self.reason = reason
        self.hint = hint
        self.capabilities = Capabilities(engine="none", model="", languages=(), streaming=False)

    async def start(self) -> None:
        return None

    async def stop(self) -> None:
        return None

    def health(self) -> Health:
        return Health(level=SpeechLevel.DOWN, reason=f"{self.reason}; {self.hint}" if self.hint else self.reason)

    def open(self, stream_id: str) -> RecognizerStream:
        raise EngineUnavailable("none", self.reason, self.hint)


async def choose(config: EngineConfig, *, report: Report | None = None) -> Recognizer:
    """A started recognizer, or ``NoText``. May download: run it beside the start of everything else.

    ``report`` hears of a download's progress, from another thread.
    """
    if config.engine is Engine.NONE:
        return NoText("speech recognition is switched off")
    if config.engine is Engine.SCRIPTED:
        return _scripted(config)
    try:
        return await _limited(await _started(config, report), config)
    except EngineUnavailable as error:
        log.error("no speech recognition", engine=error.engine, reason=error.reason, hint=error.hint)
        return NoText(error.reason, error.hint)
    except Exception as error:
        log.exception("no speech recognition", engine=config.engine.value)
        return NoText(f"the speech engine failed ({type(error).__name__})", "the server's log says where")


async def _limited(recognizer: Recognizer, config: EngineConfig) -> Recognizer:
    if config.max_streams is not None:
        return LimitedRecognizer(recognizer, limit=config.max_streams)
    try:
        return await LimitedRecognizer.measured(recognizer)
    except Exception:
        await recognizer.stop()
        raise


def _scripted(config: EngineConfig) -> Recognizer:
    """Invented text must never reach a real ticket: only a test that hands over a script gets it."""
    if not config.script:
        return NoText("the scripted engine is for tests", "choose another engine")
    return ScriptedRecognizer(config.script)


async def _started(config: EngineConfig, report: Report | None) -> Recognizer:
    if config.model_path is not None:
        return await _start(_configured(config.model_path, config))
    if config.engine is Engine.WHISPER:
        return await _whisper(config)
    try:
        return await _vosk(config, report)
    except EngineUnavailable as vosk_error:
        if config.engine is Engine.VOSK or find_spec("faster_whisper") is None:
            raise
        log.warning("no Vosk model, trying whisper", reason=vosk_error.reason)
        try:
            return await _whisper(config)
        except EngineUnavailable as error:
            reason = f"{vosk_error.reason}; {error.reason}"
            raise EngineUnavailable("auto", reason, vosk_error.hint) from error


def _configured(path: Path, config: EngineConfig) -> Recognizer:
    """A model that was asked for by name runs or is refused; nothing else is put in its place."""
    if config.engine is not Engine.WHISPER and not why_not_vosk(path):
        return VoskRecognizer(path, languages=(config.language,), threads=config.threads)
    if config.engine is not Engine.VOSK and not why_not_whisper(path):
        return WhisperRecognizer(path, language=config.language, workers=config.threads)
    reason = why_not_whisper(path) if config.engine is Engine.WHISPER else why_not_vosk(path)
    raise EngineUnavailable(config.engine.value, reason, "correct HOTLINE_SPEECH_MODEL or run `hotline models pull`")


async def _vosk(config: EngineConfig, report: Report | None) -> Recognizer:
    path = await asyncio.to_thread(find_mandarin, *config.folders)
    if path is None:
        if not config.download:
            raise EngineUnavailable("vosk", "there is no Mandarin model here", "run `hotline models pull`")
        path = await _pulled(config, report)
    return await _start(VoskRecognizer(path, languages=(config.language,), threads=config.threads))


class _Stopped(Exception):
    """The server is going down while a model comes in."""


async def _pulled(config: EngineConfig, report: Report | None) -> Path:
    stopped = Event()

    def tell(progress: Progress) -> None:
        if stopped.is_set():
            raise _Stopped
        if report is not None:
            report(progress)

    try:
        return await asyncio.to_thread(pull, config.archive, config.folders[-1], report=tell)
    except ModelError as error:
        raise EngineUnavailable(
            "vosk", str(error), "put a Mandarin model into the models folder, or run `hotline models pull` later"
        ) from error
    except OSError as error:
        raise EngineUnavailable(
            "vosk", f"a model cannot be kept in {config.folders[-1]}: {error.strerror}", "give the folder room"
        ) from error
    finally:
        stopped.set()


async def _whisper(config: EngineConfig) -> Recognizer:
    path = await asyncio.to_thread(find_whisper, *config.folders)
    if path is None:
        try:
            path = await asyncio.to_thread(assemble_whisper, config.folders[-1])
        except (ModelError, OSError) as error:
            raise EngineUnavailable("whisper", str(error)) from error
    if path is None:
        raise EngineUnavailable("whisper", "there is no whisper model here", "install hotline12345[whisper-base]")
    return await _start(WhisperRecognizer(path, language=config.language, workers=config.threads))


async def _start(recognizer: Recognizer) -> Recognizer:
    await recognizer.start()
    return recognizer
