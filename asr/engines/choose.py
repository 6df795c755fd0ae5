"""Which engine runs: the configured servers or model, else a Mandarin one on disk, else a download, else whisper.

Engines of this machine may run in a process of their own. Whatever happens, a recognizer comes back. Without text the
hotline still works; ``NoText`` says why, loudly.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from threading import Event

import structlog

from asr.engines.adapting import adapted_or_not
from asr.engines.funasr_engine import FunasrRecognizer
from asr.engines.isolated_engine import IsolatedRecognizer, Isolation
from asr.engines.links import RemoteServer
from asr.engines.remote_engine import RemoteRecognizer
from asr.engines.scripted_engine import Script, ScriptedRecognizer
from asr.engines.vosk_engine import VoskRecognizer
from asr.engines.whisper_engine import WhisperRecognizer
from asr.fallback import FallbackRecognizer
from asr.fetching import SMALL_MANDARIN, Archive, Progress, Report, pull
from asr.models import ModelError, assemble_whisper, find_mandarin, find_whisper, why_not_vosk, why_not_whisper
from asr.pool import LimitedRecognizer, beginning
from asr.recognizer import Capabilities, EngineUnavailable, Health, Recognizer, RecognizerStream, SpeechLevel
from asr.soundfiles import SoundFileError

log = structlog.get_logger(__name__)

ADAPTED = "adapted"
"""The folder among the models where adapted ones are kept."""
_WARM_UP_S = 8.0
"""After less a recognizer still is slow at its first words."""


class Engine(StrEnum):
    AUTO = "auto"
    VOSK = "vosk"
    WHISPER = "whisper"
    VOSK_SERVER = "vosk_server"
    FUNASR = "funasr"
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
    servers: tuple[str, ...] = ()
    """Of ``vosk_server`` and ``funasr``: ws:// addresses; ``#8000`` at the end of one is the rate of a C++ server."""
    isolated: bool = False
    """Engines of this machine run in a process of their own."""
    memory_mib: int = 3072
    """What such a process may hold."""
    fallback: bool = True
    """Another engine stands in while the first is down."""
    hotwords: tuple[str, ...] = ()
    """Names that the callers will say, the likeliest to be misheard first."""
    hint_whisper: bool = False
    """Whisper gets them too: its base model makes more mistakes by them and takes half as long again."""
    probe: Path | None = None
    """Recorded speech, by which engines warm up and it is measured how many streams fit."""
    urgent: Callable[[str], bool] = field(default=lambda stream_id: False)
    """Whether a stream's call must keep its text when others lose theirs."""
    limited: bool = True
    """False: what fits is measured and told, and who asks keeps to it."""
    script: Script = field(default_factory=dict)
    adapt_to: Path | None = None
    """The home folder whose lexicon a Mandarin Vosk model here is made to expect; None: it stays as it is."""

    @property
    def folders(self) -> tuple[Path, ...]:
        return (self.models_dir,) if self.shared_models_dir is None else (self.models_dir, self.shared_models_dir)


class NoText:
    """Speech is not recognised on this machine. Every stream is refused with the reason.

    Unless it was ``wanted`` so, choose again later: a model may have been put in place, or a disk have been cleared.
    """

    def __init__(self, reason: str, hint: str = "", *, wanted: bool = False) -> None:
        self.reason = reason
        self.hint = hint
        self.wanted = wanted
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
        return NoText("speech recognition is switched off", wanted=True)
    if config.engine is Engine.SCRIPTED:
        return _scripted(config)
    try:
        first = await _limited(await _started(config, report), config)
    except EngineUnavailable as error:
        log.error("no speech recognition", engine=error.engine, reason=error.reason, hint=error.hint)
        return NoText(error.reason, error.hint)
    except Exception as error:
        log.exception("no speech recognition", engine=config.engine.value)
        return NoText(f"the speech engine failed ({type(error).__name__})", "the server's log says where")
    return _with_stand_in(first, config)


def _with_stand_in(first: Recognizer, config: EngineConfig) -> Recognizer:
    """Servers elsewhere are stood in for by what runs here; an engine here by whisper, if it is not whisper."""
    other = replace(config, servers=(), model_path=None, max_streams=None, download=False)
    if config.engine in (Engine.VOSK_SERVER, Engine.FUNASR):
        other = replace(other, engine=Engine.AUTO)
    elif first.capabilities.engine == Engine.VOSK.value and config.isolated and find_spec("faster_whisper") is not None:
        other = replace(other, engine=Engine.WHISPER)
    else:
        return first
    if not config.fallback:
        return first

    async def second() -> Recognizer:
        return await _limited(await _started(other, None), other)

    return FallbackRecognizer(first, second)


async def _limited(recognizer: Recognizer, config: EngineConfig) -> Recognizer:
    """An engine elsewhere, or in its own process, knows its limit; one in this process is measured."""
    limit = _limit(recognizer, config)
    if limit is not None:
        return LimitedRecognizer(recognizer, limit=limit, urgent=config.urgent, enforced=config.limited)
    try:
        return await LimitedRecognizer.measured(
            recognizer, urgent=config.urgent, speech=config.probe, enforced=config.limited
        )
    except Exception:
        await recognizer.stop()
        raise


def _limit(recognizer: Recognizer, config: EngineConfig) -> int | Callable[[], int] | None:
    """None: it must be measured. Servers come and go, and with them their room."""
    if config.max_streams is None and isinstance(recognizer, IsolatedRecognizer | RemoteRecognizer):
        return lambda: recognizer.room
    return config.max_streams


def _scripted(config: EngineConfig) -> Recognizer:
    """Invented text must never reach a real ticket: only a test that hands over a script gets it."""
    if not config.script:
        return NoText("the scripted engine is for tests", "choose another engine", wanted=True)
    return ScriptedRecognizer(config.script)


async def _started(config: EngineConfig, report: Report | None) -> Recognizer:
    if config.engine is Engine.VOSK_SERVER:
        return await _start(RemoteRecognizer([_server(url) for url in config.servers], languages=(config.language,)))
    if config.engine is Engine.FUNASR:
        return await _start(FunasrRecognizer(config.servers, hotwords=config.hotwords))
    if config.model_path is not None:
        return await _start(await _configured(config.model_path, config, report))
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


async def _configured(path: Path, config: EngineConfig, report: Report | None) -> Recognizer:
    """A model that was asked for by name runs or is refused; nothing else is put in its place."""
    if config.engine is not Engine.WHISPER and not why_not_vosk(path):
        return _local(Engine.VOSK, await _adapted(path, config, report), config)
    if config.engine is not Engine.VOSK and not why_not_whisper(path):
        return _local(Engine.WHISPER, path, config)
    reason = why_not_whisper(path) if config.engine is Engine.WHISPER else why_not_vosk(path)
    raise EngineUnavailable(config.engine.value, reason, "correct HOTLINE_SPEECH_MODEL or run `hotline models pull`")


def _local(engine: Engine, path: Path, config: EngineConfig) -> Recognizer:
    hotwords = config.hotwords if engine is Engine.WHISPER and config.hint_whisper else ()
    if config.isolated:
        isolation = Isolation(
            engine=engine.value,
            model=path,
            language=config.language,
            threads=config.threads,
            streams=config.max_streams,
            memory_mib=config.memory_mib,
            hotwords=hotwords,
            probe=config.probe,
        )
        return IsolatedRecognizer(isolation)
    if engine is Engine.VOSK:
        warm_up = _speech(config.probe) if config.language == "zh" else b""
        return VoskRecognizer(path, languages=(config.language,), threads=config.threads, warm_up=warm_up)
    return WhisperRecognizer(path, language=config.language, workers=config.threads, hotwords=hotwords)


def _speech(probe: Path | None) -> bytes:
    """Nothing of a recording that cannot be read: an engine starts without."""
    if probe is None:
        return b""
    try:
        return beginning(probe, _WARM_UP_S)
    except SoundFileError as error:
        log.warning("no speech to warm up with", reason=str(error))
        return b""


def _server(url: str) -> RemoteServer:
    address, _, rate = url.partition("#")
    return RemoteServer(url=address, rate=int(rate) if rate.isdecimal() else 16_000)


async def _vosk(config: EngineConfig, report: Report | None) -> Recognizer:
    path = await asyncio.to_thread(find_mandarin, *config.folders)
    if path is None:
        if not config.download:
            raise EngineUnavailable("vosk", "there is no Mandarin model here", "run `hotline models pull`")
        path = await _pulled(config, report)
    return await _start(_local(Engine.VOSK, await _adapted(path, config, report), config))


async def _adapted(path: Path, config: EngineConfig, report: Report | None) -> Path:
    if config.adapt_to is None or config.language != "zh":
        return path
    return await adapted_or_not(path, config.adapt_to, config.folders[-1] / ADAPTED, report)


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
    return await _start(_local(Engine.WHISPER, path, config))


async def _start(recognizer: Recognizer) -> Recognizer:
    await recognizer.start()
    return recognizer
