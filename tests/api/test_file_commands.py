"""``hotline understand`` and ``hotline transcribe``: engines that fail, Ctrl-C, outputs, and other codings."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from api.cli import app
from api.commands import engines as engine_of_commands
from api.commands import understand as understand_command
from api.commands.engines import HearingEngine
from asr.engines.choose import Engine, EngineConfig, NoText
from asr.engines.scripted_engine import Line, ScriptedRecognizer, ScriptedTalker
from asr.recognizer import EngineUnavailable, Recognizer
from asr.soundfiles import Sound
from asr.soundfiles import read as read_sound
from asr.understanding import Understood
from asr.understanding import understand as understood
from tests.asr.wavs import write
from tests.fakes.loudness import LevelDetector

LINE = Line(start_s=0.5, end_s=2.5, text="着火了快来人")


class Engines:
    """Instead of the real ones; ``on_open`` is called with the number of each stream that is opened."""

    def __init__(self) -> None:
        self.asked: list[EngineConfig] = []
        self.on_open: Callable[[int], None] = lambda number: None
        self.missing = ""
        self.stopped = 0

    async def choose(self, config: EngineConfig) -> Recognizer:
        self.asked.append(config)
        return NoText(self.missing, "look elsewhere") if self.missing else Told(self)


class Told(ScriptedRecognizer):
    def __init__(self, engines: Engines) -> None:
        super().__init__({"*": [LINE]})
        self._engines = engines

    def open(self, stream_id: str):  # type: ignore[no-untyped-def]
        stream = super().open(stream_id)
        self._engines.on_open(self.opened)
        return stream

    async def stop(self) -> None:
        self._engines.stopped += 1


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> Engines:
    engines = Engines()
    monkeypatch.setattr(engine_of_commands, "choose", engines.choose)
    monkeypatch.setattr("asr.offline.silero", lambda: LevelDetector)
    return engines


def run(tmp_path: Path, *words: str, typed: bytes = b"", settings: Mapping[str, str] | None = None) -> Result:
    env = {"HOTLINE_HOME": str(tmp_path / "home"), "HOTLINE_CACHE": str(tmp_path / "cache"), "COLUMNS": "200"}
    return CliRunner().invoke(app, list(words), input=typed, env=env | dict(settings or {}))


def spoken(path: Path) -> Path:
    samples = np.zeros(8_000 * 4, dtype=np.int16)
    for frame, ends_s in ScriptedTalker((LINE,)).frames(until_s=4.0):
        end = round(8_000 * ends_s)
        samples[end - 160 : end] = np.frombuffer(frame, "<i2")
    return write(path, samples)


def talks(tmp_path: Path, *names: str) -> Path:
    """Recorded ones, and one in writing behind them."""
    for name in names:
        spoken(tmp_path / f"{name}.wav")
    items: list[dict[str, Any]] = [{"id": name, "file": f"{name}.wav"} for name in names]
    source = tmp_path / "in.json"
    source.write_text(json.dumps([*items, {"id": "W", "text": "路灯不亮"}]), encoding="utf-8")
    return source


def ids(out: Path) -> list[str]:
    return [item.get("id") or Path(item["file"]).stem for item in json.loads(out.read_text(encoding="utf-8"))]


def interrupted_at(number: int) -> Callable[[int], None]:
    def ctrl_c(opened: int) -> None:
        if opened == number:
            signal.raise_signal(signal.SIGINT)

    return ctrl_c


def fails_at(number: int, error: Exception) -> Callable[[int], None]:
    def fail(opened: int) -> None:
        if opened == number:
            raise error

    return fail


# failures -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("error", "said"),
    [
        (EngineUnavailable("scripted", "no room", "wait"), "no room; wait"),
        (ConnectionError("the link broke"), "ConnectionError: the link broke"),
    ],
)
def test_an_engine_that_fails_on_a_talk_costs_that_talk(
    tmp_path: Path, engines: Engines, error: Exception, said: str
) -> None:
    engines.on_open = fails_at(2, error)
    out = tmp_path / "out.json"
    answer = run(tmp_path, "understand", str(talks(tmp_path, "a", "b", "c")), "--out", str(out))
    assert answer.exit_code == 1, answer.output
    assert f"item 2 (b): {said}" in answer.stderr
    assert ids(out) == ["a", "c", "W"]
    assert engines.stopped == 1


def test_an_engine_that_hangs_costs_that_talk(
    tmp_path: Path, engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("asr.offline.ANSWER_S", 0.05)
    hanging = Line(start_s=0.5, end_s=2.5, text="着火了", hangs=True)

    async def choose(config: EngineConfig) -> Recognizer:
        return ScriptedRecognizer({"*": [hanging]})

    monkeypatch.setattr(engine_of_commands, "choose", choose)
    out = tmp_path / "out.json"
    answer = run(tmp_path, "understand", str(talks(tmp_path, "a")), "--out", str(out))
    assert (answer.exit_code, ids(out)) == (1, ["W"])
    assert "item 1 (a): the speech engine does not answer for 0.05 s" in answer.stderr


def test_a_file_that_goes_away_on_the_way_costs_itself(tmp_path: Path, engines: Engines) -> None:
    paths = [spoken(tmp_path / name) for name in ("a.wav", "b.wav", "c.wav")]
    engines.on_open = lambda opened: paths[1].unlink() if opened == 1 else None
    answer = run(tmp_path, "transcribe", *map(str, paths), "--json", str(tmp_path / "out.json"))
    assert (answer.exit_code, ids(tmp_path / "out.json")) == (1, ["a", "c"])
    assert f"{paths[1]}: No such file" in answer.stderr


def test_without_an_engine_recordings_are_not_begun(tmp_path: Path, engines: Engines) -> None:
    engines.missing = "no model here"
    out = tmp_path / "out.json"
    answer = run(tmp_path, "understand", str(talks(tmp_path, "a")), "--out", str(out))
    assert (answer.exit_code, out.exists()) == (3, False)
    assert "No speech engine: no model here; look elsewhere" in answer.stderr


# Ctrl-C -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("command", ["understand", "transcribe"])
def test_what_was_done_before_ctrl_c_is_written(tmp_path: Path, engines: Engines, command: str) -> None:
    engines.on_open = interrupted_at(3)
    source, out = talks(tmp_path, "a", "b", "c"), tmp_path / "out.json"
    files = [str(tmp_path / f"{name}.wav") for name in ("a", "b", "c", "a")]
    words = [str(source), "--out"] if command == "understand" else [*files, "--json"]
    answer = run(tmp_path, command, *words, str(out))
    assert answer.exit_code == 130, answer.output
    assert "Stopped: 2 of 4 are done and written." in answer.stderr
    assert ids(out) == ["a", "b"]
    assert engines.stopped == 1


def test_ctrl_c_ends_the_reading_of_a_text_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = []

    def understand(*args: Any, **more: Any) -> Understood:
        begun.append(args)
        if len(begun) == 2:
            signal.raise_signal(signal.SIGINT)
        return understood(*args, **more)

    monkeypatch.setattr(understand_command, "understand", understand)
    content = json.dumps([{"id": name, "text": "路灯不亮"} for name in "xyz"]).encode()
    answer = run(tmp_path, "understand", "-", typed=content)
    assert (answer.exit_code, len(begun)) == (130, 2)
    assert [item["id"] for item in json.loads(answer.stdout)] == ["x"]
    assert "Stopped: 1 of 3" in answer.stderr


def test_ctrl_c_before_the_first_is_done_leaves_the_old_answers(tmp_path: Path, engines: Engines) -> None:
    engines.on_open = interrupted_at(1)
    out = tmp_path / "out.json"
    out.write_text("before")
    answer = run(tmp_path, "transcribe", str(spoken(tmp_path / "a.wav")), "--json", str(out))
    assert (answer.exit_code, out.read_text()) == (130, "before")
    assert "Stopped: 0 of 1 are done." in answer.stderr


# outputs ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("command", ["understand", "transcribe"])
def test_an_output_that_cannot_be_written_is_known_before_the_work(
    tmp_path: Path, engines: Engines, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(understand_command, "understand", lambda *_, **__: pytest.fail("it began"))
    source = talks(tmp_path, "a")
    words = [str(source), "--out"] if command == "understand" else [str(tmp_path / "a.wav"), "--json"]
    answer = run(tmp_path, command, *words, str(tmp_path))
    assert (answer.exit_code, engines.asked) == (2, [])
    assert f"{tmp_path}: cannot be written: is a folder" in answer.stderr


@pytest.mark.parametrize("command", ["understand", "transcribe"])
def test_a_pipe_gets_the_answers_and_stays(tmp_path: Path, engines: Engines, command: str) -> None:
    source, pipe = talks(tmp_path, "a"), tmp_path / "pipe"
    os.mkfifo(pipe)
    words = [str(source), "--out"] if command == "understand" else [str(tmp_path / "a.wav"), "--json"]
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert run(tmp_path, command, *words, str(pipe)).exit_code == 0
        assert json.loads(os.read(reader, 1 << 16))[0]
    finally:
        os.close(reader)
    assert pipe.is_fifo()


# engines ------------------------------------------------------------------------------------------------------------
def test_talks_are_heard_by_the_same_engine_as_files(tmp_path: Path, engines: Engines) -> None:
    source = talks(tmp_path, "a")
    more = {"HOTLINE_SPEECH_ENGINE": "vosk_server", "HOTLINE_SPEECH_SERVERS": '["ws://127.0.0.1:2700"]'}
    assert run(tmp_path, "understand", str(source), settings=more).exit_code == 0
    assert run(tmp_path, "transcribe", str(tmp_path / "a.wav"), settings=more).exit_code == 0
    assert run(tmp_path, "understand", str(source), "--engine", "whisper", "--model", str(tmp_path)).exit_code == 0
    talk, file, told = engines.asked
    assert talk.engine is Engine.VOSK_SERVER
    assert talk.servers == ("ws://127.0.0.1:2700",)
    assert "锦绣花园" in talk.hotwords
    assert (talk.max_streams, talk.isolated, talk.fallback) == (os.cpu_count(), False, False)
    assert {name: getattr(talk, name) for name in talk.__slots__ if name != "urgent"} == {
        name: getattr(file, name) for name in file.__slots__ if name != "urgent"
    }
    assert (told.engine, told.model_path) == (Engine.WHISPER, tmp_path)


@pytest.mark.parametrize("command", [("understand",), ("transcribe",), ("asr", "serve")], ids=" ".join)
def test_only_engines_that_hear_something_are_offered(tmp_path: Path, command: tuple[str, ...]) -> None:
    said = run(tmp_path, *command, "--help").output
    assert "vosk_server" in said
    assert "scripted" not in said
    assert {each.value for each in Engine} - {each.value for each in HearingEngine} == {"scripted", "none"}


def test_one_files_samples_are_held_at_a_time(
    tmp_path: Path, engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[weakref.ref[Any]] = []
    held: list[int] = []

    def remembered(path: Path) -> Sound:
        sound = read_sound(path)
        read.append(weakref.ref(sound.channels[0]))
        return sound

    monkeypatch.setattr("api.commands.transcribe.read", remembered)
    monkeypatch.setattr("asr.offline.read", remembered)
    engines.on_open = lambda opened: held.append(sum(each() is not None for each in read))
    paths = [str(spoken(tmp_path / name)) for name in ("a.wav", "b.wav", "c.wav")]
    assert run(tmp_path, "transcribe", *paths).exit_code == 0
    assert (len(read), held) == (6, [1, 1, 1])


def test_a_recording_may_come_through_a_pipe(tmp_path: Path, engines: Engines) -> None:
    source, sink = os.pipe()
    os.write(sink, spoken(tmp_path / "a.wav").read_bytes())
    os.close(sink)
    try:
        answer = run(tmp_path, "transcribe", f"/dev/fd/{source}")
    finally:
        os.close(source)
    assert (answer.exit_code, "着火了快来人" in answer.stdout) == (0, True), answer.output


# other codings ------------------------------------------------------------------------------------------------------
def in_ascii(tmp_path: Path, *words: str, typed: str) -> subprocess.CompletedProcess[bytes]:
    env = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "HOTLINE_HOME": str(tmp_path / "home"), "COLUMNS": "200"}
    command = [sys.executable, "-m", "api.cli", *words]
    return subprocess.run(command, input=typed.encode(), capture_output=True, env=env, timeout=120, check=False)


def test_a_terminal_of_another_coding_gets_utf_8(tmp_path: Path) -> None:
    answer = in_ascii(tmp_path, "understand", "-", typed='[{"id": "甲", "text": "着火了，快来人"}]')
    assert answer.returncode == 0, answer.stderr
    (item,) = json.loads(answer.stdout.decode("utf-8"))
    assert (item["id"], item["cues"][0]["target"]) == ("甲", "119")


def test_in_another_coding_mistakes_are_named_too(tmp_path: Path) -> None:
    answer = in_ascii(tmp_path, "understand", "-", typed='[{"id": "甲", "file": "没有.wav"}]')
    assert answer.returncode == 2, answer.stderr
    assert b"file: there is no" in answer.stderr
    answer = in_ascii(tmp_path, "transcribe", str(tmp_path / "没有.wav"), typed="")
    assert (answer.returncode, b"No such file" in answer.stderr) == (2, True), answer.stderr
