"""Which engine is chosen, with the engines themselves played by something quicker."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from asr import pool
from asr.engines import choose as choose_module
from asr.engines import remote_engine
from asr.engines.choose import Engine, EngineConfig, NoText, choose
from asr.engines.isolated_engine import Isolation
from asr.engines.links import Patience, RemoteServer
from asr.engines.scripted_engine import Line, ScriptedRecognizer, ScriptedStream
from asr.fallback import FallbackRecognizer
from asr.fetching import Archive, Report
from asr.models import Unreachable
from asr.pool import LimitedRecognizer
from asr.recognizer import EngineUnavailable, SpeechLevel
from asr.sessions import SpeechSession
from tests.api.serving import eventually
from tests.fakes.vosk_server import StockServer


class Played(ScriptedRecognizer):
    """Stands for an engine; knows which, and for which path."""

    def __init__(self, kind: str, path: Path) -> None:
        super().__init__({"*": [Line(start_s=0, end_s=6, text="一"), Line(start_s=0, end_s=6, text="二")]})
        self.kind = kind
        self.path = path

    async def start(self) -> None:
        if (self.path / "broken").exists():
            raise EngineUnavailable(self.kind, "the model does not load")


@pytest.fixture(autouse=True)
def _played_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choose_module, "VoskRecognizer", lambda path, **_: Played("vosk", path))
    monkeypatch.setattr(choose_module, "WhisperRecognizer", lambda path, **_: Played("whisper", path))
    monkeypatch.setattr(choose_module, "assemble_whisper", lambda folder: None)


def vosk_model(path: Path) -> Path:
    for name in ("am/final.mdl", "graph/HCLG.fst", "conf/mfcc.conf"):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(b"x")
    return path


def whisper_model(path: Path) -> Path:
    path.mkdir(parents=True)
    for name in ("model.bin", "config.json", "tokenizer.json"):
        (path / name).write_bytes(b"x")
    return path


def config(models_dir: Path, **more: object) -> EngineConfig:
    return EngineConfig(models_dir=models_dir, **({"max_streams": 4, "download": False} | more))  # type: ignore[arg-type]


async def chosen(configured: EngineConfig) -> tuple[str, Path]:
    recognizer = await choose(configured)
    engine = getattr(recognizer, "_recognizer", recognizer)
    assert isinstance(engine, Played), engine.health()
    return engine.kind, engine.path


async def refusal(configured: EngineConfig) -> str:
    recognizer = await choose(configured)
    assert isinstance(recognizer, NoText)
    assert recognizer.health().level is SpeechLevel.DOWN
    return recognizer.health().reason


async def test_the_configured_model_comes_first_whatever_else_is_there(tmp_path: Path) -> None:
    vosk_model(tmp_path / "models" / "vosk-model-cn-0.22")
    mine = vosk_model(tmp_path / "mine")
    assert await chosen(config(tmp_path / "models", model_path=mine)) == ("vosk", mine)
    other = whisper_model(tmp_path / "other")
    assert await chosen(config(tmp_path / "models", model_path=other)) == ("whisper", other)


async def test_a_configured_model_that_is_none_is_refused_not_replaced(tmp_path: Path) -> None:
    vosk_model(tmp_path / "models" / "vosk-model-cn-0.22")
    assert "does not exist" in await refusal(config(tmp_path / "models", model_path=tmp_path / "gone"))
    broken = vosk_model(tmp_path / "mine")
    (broken / "broken").write_bytes(b"")
    assert "does not load" in await refusal(config(tmp_path / "models", model_path=broken))
    whisper = whisper_model(tmp_path / "whisper")
    assert "acoustic model" in await refusal(config(tmp_path, model_path=whisper, engine=Engine.VOSK))


async def test_a_mandarin_model_on_disk_comes_before_whisper(tmp_path: Path) -> None:
    whisper_model(tmp_path / "whisper-base")
    path = vosk_model(tmp_path / "vosk-model-small-cn-0.22")
    assert await chosen(config(tmp_path)) == ("vosk", path)


async def test_what_is_missing_is_fetched_into_the_shared_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pulled(archive: Archive, folder: Path, *, report: Report) -> Path:
        return vosk_model(folder / archive.name)

    monkeypatch.setattr(choose_module, "pull", pulled)
    shared = tmp_path / "shared"
    configured = config(tmp_path / "own", shared_models_dir=shared, download=True)
    assert await chosen(configured) == ("vosk", shared / "vosk-model-small-cn-0.22")


async def test_whisper_serves_where_no_model_can_be_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(archive: Archive, folder: Path, *, report: Report) -> Path:
        raise Unreachable("nobody there")

    monkeypatch.setattr(choose_module, "pull", unreachable)
    path = whisper_model(tmp_path / "whisper-base")
    assert await chosen(config(tmp_path, download=True)) == ("whisper", path)
    assert "nobody there" in await refusal(config(tmp_path, download=True, engine=Engine.VOSK))


async def test_without_anything_both_reasons_are_given(tmp_path: Path) -> None:
    reason = await refusal(config(tmp_path))
    assert "no Mandarin model" in reason
    assert "no whisper model" in reason
    assert "hotline models pull" in reason


async def test_whisper_is_not_tried_where_its_extra_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choose_module, "find_spec", lambda name: None)
    whisper_model(tmp_path / "whisper-base")
    assert "no Mandarin model" in await refusal(config(tmp_path))


async def test_whisper_serves_where_there_is_no_place_for_a_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(archive: Archive, folder: Path, *, report: Report) -> Path:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "private/path")

    monkeypatch.setattr(choose_module, "pull", full)
    path = whisper_model(tmp_path / "whisper-base")
    assert await chosen(config(tmp_path, download=True)) == ("whisper", path)
    assert "No space left on device" in await refusal(config(tmp_path, download=True, engine=Engine.VOSK))


async def test_an_engine_that_breaks_while_it_is_measured_is_stopped_and_said_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped: list[Path] = []

    class Breaks(Played):
        def open(self, stream_id: str) -> ScriptedStream:
            raise RuntimeError("decoder")

        async def stop(self) -> None:
            stopped.append(self.path)

    monkeypatch.setattr(choose_module, "VoskRecognizer", lambda path, **_: Breaks("vosk", path))
    path = vosk_model(tmp_path / "vosk-model-small-cn-0.22")
    assert "RuntimeError" in await refusal(config(tmp_path, max_streams=None))
    assert stopped == [path]


async def test_the_scripted_engine_speaks_only_for_who_brings_a_script(tmp_path: Path) -> None:
    assert "for tests" in await refusal(config(tmp_path, engine=Engine.SCRIPTED))
    script = {"*": [Line(start_s=0, end_s=1, text="一")]}
    recognizer = await choose(config(tmp_path, engine=Engine.SCRIPTED, script=script))
    assert isinstance(recognizer, ScriptedRecognizer)


async def test_recognition_can_be_switched_off(tmp_path: Path) -> None:
    assert "switched off" in await refusal(config(tmp_path, engine=Engine.NONE))


async def test_a_session_without_an_engine_is_down_with_the_reason_from_the_first_word(tmp_path: Path) -> None:
    recognizer = await choose(config(tmp_path, engine=Engine.NONE))
    session = SpeechSession(recognizer, stream_id="x")
    assert session.state.level is SpeechLevel.DOWN
    assert "switched off" in session.state.reason
    await session.close()


async def test_servers_are_used_and_this_machines_engine_stands_in_while_they_are_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_engine, "Patience", lambda: Patience(probe_every_s=0.2))
    monkeypatch.setattr(pool, "_PROBE_S", 0.4)
    path = whisper_model(tmp_path / "whisper-base")
    async with StockServer() as server:
        recognizer = await choose(config(tmp_path, engine=Engine.VOSK_SERVER, servers=(server.url,)))
        assert isinstance(recognizer, FallbackRecognizer)
        assert recognizer.capabilities.engine == "vosk_server"
        assert recognizer.health().level is SpeechLevel.OK
    await eventually(lambda: recognizer.health().level is SpeechLevel.DEGRADED, timeout_s=30)
    assert "stands in" in recognizer.health().reason
    played = getattr(recognizer.used, "_recognizer", None)
    assert isinstance(played, Played)
    assert played.path == path
    await recognizer.stop()


@pytest.mark.parametrize("isolated", [False, True])
async def test_names_of_places_go_to_funasr_and_to_a_whisper_that_is_said_to_gain_by_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, isolated: bool
) -> None:
    told: list[tuple[str, tuple[str, ...]]] = []

    def made(kind: str) -> Callable[..., Played]:
        def make(*first: object, hotwords: Sequence[str] = (), **_: object) -> Played:
            names = tuple(first[0].hotwords) if isinstance(first[0], Isolation) else tuple(hotwords)
            told.append((kind, names))
            return Played(kind, tmp_path)

        return make

    for name in ("FunasrRecognizer", "WhisperRecognizer", "VoskRecognizer", "IsolatedRecognizer"):
        monkeypatch.setattr(choose_module, name, made(name))
    monkeypatch.setattr(choose_module, "_limit", lambda recognizer, config: 4)
    whisper_model(tmp_path / "whisper-base")
    names = {"hotwords": ("锦绣花园",), "isolated": isolated, "fallback": False}
    for hinted in (False, True):
        await choose(config(tmp_path, engine=Engine.WHISPER, hint_whisper=hinted, **names))
    await choose(config(tmp_path, engine=Engine.FUNASR, servers=("ws://127.0.0.1:9",), **names))
    vosk_model(tmp_path / "vosk-model-small-cn-0.22")
    await choose(config(tmp_path, engine=Engine.VOSK, hint_whisper=True, **names))
    assert [hotwords for _, hotwords in told] == [(), ("锦绣花园",), ("锦绣花园",), ()]
    assert told[2][0] == "FunasrRecognizer"


async def test_the_limit_grows_with_servers_that_come_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_engine, "Patience", lambda: Patience(first_pause_s=0.02, longest_pause_s=0.1))
    absent = RemoteServer(url="ws://127.0.0.1:9")
    monkeypatch.setattr(choose_module, "_server", lambda url: absent if url == "late" else RemoteServer(url=url))
    async with StockServer() as one, StockServer() as other:
        servers = (one.url, "late")
        configured = config(tmp_path, engine=Engine.VOSK_SERVER, servers=servers, max_streams=None, fallback=False)
        recognizer = await choose(configured)
        assert isinstance(recognizer, LimitedRecognizer)
        assert recognizer.limit == 16
        absent.url = other.url
        await eventually(lambda: recognizer.limit == 32)
        await recognizer.stop()


async def test_without_a_fallback_the_servers_are_all_there_is(tmp_path: Path) -> None:
    recognizer = await choose(config(tmp_path, engine=Engine.FUNASR, servers=("ws://127.0.0.1:9",), fallback=False))
    assert recognizer.health().level is SpeechLevel.DOWN
    assert "no speech server answers" in recognizer.health().reason
    await recognizer.stop()


async def test_an_address_that_is_none_is_refused(tmp_path: Path) -> None:
    assert "no ws:// address" in await refusal(config(tmp_path, engine=Engine.VOSK_SERVER, servers=("localhost",)))


async def test_an_engine_apart_gets_the_model_that_was_found_and_not_the_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[Isolation] = []

    class Apart(Played):
        def __init__(self, isolation: Isolation) -> None:
            assert isolation.model is not None
            super().__init__(isolation.engine, isolation.model)
            begun.append(isolation)

    monkeypatch.setattr(choose_module, "IsolatedRecognizer", Apart)
    path = vosk_model(tmp_path / "vosk-model-small-cn-0.22")
    await choose(config(tmp_path, isolated=True, fallback=False, memory_mib=512))
    assert [(one.engine, one.model, one.memory_mib, one.streams) for one in begun] == [("vosk", path, 512, 4)]


@pytest.mark.parametrize("configured", [False, True])
async def test_a_vosk_model_is_adapted_to_the_lexicon_of_the_home(
    configured: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = vosk_model(tmp_path / "models" / "vosk-model-x-cn")
    asked: list[tuple[Path, ...]] = []

    async def play(model: Path, home: Path, folder: Path, report: Report | None) -> Path:
        asked.append((model, home, folder))
        return vosk_model(folder / "made")

    monkeypatch.setattr(choose_module, "adapted_or_not", play)
    chosen = await choose(
        EngineConfig(
            models_dir=tmp_path / "models",
            model_path=path if configured else None,
            adapt_to=tmp_path,
            max_streams=1,
        )
    )
    assert asked == [(path, tmp_path, tmp_path / "models" / "adapted")]
    played = getattr(chosen, "_recognizer", None)
    assert isinstance(played, Played)
    assert played.path == tmp_path / "models" / "adapted" / "made"
    await chosen.stop()


async def test_a_model_of_another_language_is_not_adapted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = vosk_model(tmp_path / "models" / "vosk-model-x-cn")

    async def refuse(*asked: object) -> Path:
        raise AssertionError("it was to be adapted")

    monkeypatch.setattr(choose_module, "adapted_or_not", refuse)
    config = EngineConfig(models_dir=tmp_path / "models", language="ko", adapt_to=tmp_path, max_streams=1)
    chosen = await choose(config)
    played = getattr(chosen, "_recognizer", None)
    assert isinstance(played, Played)
    assert played.path == path
    await chosen.stop()
