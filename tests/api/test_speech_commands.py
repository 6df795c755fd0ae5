"""``hotline transcribe`` and ``hotline asr serve``, run as people run them."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from api.cli import app
from api.commands import engines as engine_of_commands
from api.settings import Settings
from api.speech import engine_config
from asr.engines.choose import EngineConfig, NoText
from asr.engines.scripted_engine import Line, ScriptedRecognizer, ScriptedTalker
from asr.recognizer import EngineUnavailable, Recognizer
from tests.asr.wavs import write
from tests.fakes.loudness import LevelDetector
from tests.fakes.spoken import FOLDER, character_errors, spoken
from tests.fakes.vosk_clients import recognise

LINE = Line(start_s=0.5, end_s=2.5, text="我住三号楼")


def run(tmp_path: Path, *words: str) -> Result:
    env = {"HOTLINE_HOME": str(tmp_path / "home"), "HOTLINE_CACHE": str(tmp_path / "cache"), "COLUMNS": "200"}
    return CliRunner().invoke(app, list(words), env=env)


def noise(lines: Sequence[Line] = (LINE,)) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    samples = np.zeros(8_000 * 4, dtype=np.int16)
    for frame, ends_s in ScriptedTalker(lines).frames(until_s=4.0):
        end = round(8_000 * ends_s)
        samples[end - 160 : end] = np.frombuffer(frame, "<i2")
    return samples


@pytest.fixture(params=["vosk", "whisper"])
def real(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Options that name an engine and its model."""
    model = request.getfixturevalue({"vosk": "mandarin_model", "whisper": "whisper_model"}[request.param])
    return ("--engine", request.param, "--model", str(model))


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> list[EngineConfig]:
    """What was asked for; instead of it a scripted one runs, and finds loud to be speech."""
    asked: list[EngineConfig] = []

    async def choose(config: EngineConfig) -> Recognizer:
        asked.append(config)
        return ScriptedRecognizer({"*": [LINE]})

    monkeypatch.setattr(engine_of_commands, "choose", choose)
    monkeypatch.setattr("asr.offline.silero", lambda: LevelDetector)
    return asked


def test_text_is_printed_and_json_holds_speaker_words_digits_and_times(
    tmp_path: Path, engines: list[EngineConfig]
) -> None:
    path, out = write(tmp_path / "a.wav", noise(), noise(())), tmp_path / "out.json"
    printed = run(tmp_path, "transcribe", str(path))
    assert printed.exit_code == 0, printed.output
    assert re.search(r"caller +我住3号楼", printed.stdout)
    assert run(tmp_path, "transcribe", str(path), "--engine", "whisper", "--json", str(out)).exit_code == 0
    (one,) = json.loads(out.read_text(encoding="utf-8"))
    assert (one["file"], one["seconds"], one["engine"]) == (str(path), 4.0, "scripted")
    (turn,) = one["turns"]
    assert (turn["speaker"], turn["text"], turn["raw"], turn["confidence"]) == (
        "caller",
        "我住3号楼",
        "我住三号楼",
        0.9,
    )
    assert 0.0 <= turn["start"] < turn["end"] <= 4.0
    assert [config.engine.value for config in engines] == ["auto", "whisper"]
    assert not any(config.isolated for config in engines)


def test_several_files_come_in_their_order_and_json_may_go_to_standard_output(
    tmp_path: Path, engines: list[EngineConfig]
) -> None:
    paths = [str(write(tmp_path / name, noise())) for name in ("b.wav", "a.wav")]
    answer = run(tmp_path, "transcribe", *paths, "--json", "-")
    assert [one["file"] for one in json.loads(answer.stdout)] == paths


def test_every_wrong_file_is_named_before_anything_begins(tmp_path: Path, engines: list[EngineConfig]) -> None:
    good, bad = write(tmp_path / "good.wav", noise()), tmp_path / "bad.wav"
    bad.write_text("not sound")
    answer = run(tmp_path, "transcribe", str(good), str(bad), str(tmp_path / "gone.wav"))
    assert answer.exit_code == 2
    assert "bad.wav: is not a WAV file" in answer.stderr
    assert "gone.wav: No such file" in answer.stderr
    assert engines == []


def test_an_output_that_cannot_be_written_is_known_beforehand(tmp_path: Path, engines: list[EngineConfig]) -> None:
    path = write(tmp_path / "a.wav", noise())
    answer = run(tmp_path, "transcribe", str(path), "--json", str(tmp_path / "no" / "out.json"))
    assert (answer.exit_code, engines) == (2, [])
    assert "folder does not exist" in answer.stderr


def test_a_machine_without_an_engine_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def choose(config: EngineConfig) -> Recognizer:
        return NoText("there is no Mandarin model here", "run `hotline models pull`")

    monkeypatch.setattr(engine_of_commands, "choose", choose)
    answer = run(tmp_path, "transcribe", str(write(tmp_path / "a.wav", noise())))
    assert answer.exit_code == 3
    assert "no Mandarin model here; run `hotline models pull`" in answer.stderr


def test_an_engine_that_fails_on_one_file_leaves_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Fails(ScriptedRecognizer):
        def open(self, stream_id: str):  # type: ignore[no-untyped-def]
            self.opened += 1
            if self.opened == 1:
                raise EngineUnavailable("scripted", "no room")
            return super().open(stream_id)

    async def choose(config: EngineConfig) -> Recognizer:
        return Fails({"*": [LINE]})

    monkeypatch.setattr(engine_of_commands, "choose", choose)
    monkeypatch.setattr("asr.offline.silero", lambda: LevelDetector)
    paths = [str(write(tmp_path / name, noise())) for name in ("a.wav", "b.wav")]
    answer = run(tmp_path, "transcribe", *paths, "--json", "-")
    assert answer.exit_code == 1
    assert "a.wav: no room" in answer.stderr
    assert [one["file"] for one in json.loads(answer.stdout)] == paths[1:]


@pytest.mark.speech
def test_a_stock_client_gets_mandarin_from_our_worker(tmp_path: Path, real: tuple[str, ...]) -> None:
    env = {**os.environ, "HOTLINE_HOME": str(tmp_path / "home"), "HOTLINE_CACHE": str(tmp_path / "cache")}
    words = ["asr", "serve", "--port", "0", *real, "--streams", "2"]
    server = subprocess.Popen(
        [sys.executable, "-m", "api.cli", *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env, text=True
    )
    try:
        assert server.stdout is not None
        for line in server.stdout:
            if found := re.search(r"ws://\S+", line):
                break
        else:
            raise AssertionError("it never listened")
        clip = spoken("which-compound")
        dialogue = asyncio.run(recognise(found[0], clip.pcm, rate=8_000))
        assert character_errors(clip.text, dialogue.text.replace(" ", "")) < 0.5
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait(10) == 0
        assert server.stdout is not None
        server.stdout.close()


@pytest.mark.speech
def test_a_recording_in_a_law_is_understood(tmp_path: Path, real: tuple[str, ...]) -> None:
    clip = "leaking-kitchen-ceiling"
    answer = run(tmp_path, "transcribe", str(FOLDER / f"{clip}.wav"), *real, "--json", "-")
    assert answer.exit_code == 0, answer.output
    (one,) = json.loads(answer.stdout)
    assert character_errors(spoken(clip).text, "".join(turn["raw"] for turn in one["turns"])) < 0.45


def test_engines_are_told_the_places_of_the_city_and_whisper_only_if_it_is_wished(tmp_path: Path) -> None:
    assert "锦绣花园" in engine_config(Settings(home=tmp_path)).hotwords
    places = {
        "city": "试验市",
        "districts": [{"name": "东区", "towns": [{"name": "河口镇", "communities": ["柳林新村"]}]}],
    }
    (tmp_path / "gazetteer.json").write_text(json.dumps(places), encoding="utf-8")
    told = engine_config(Settings(home=tmp_path, speech_whisper_places=True))
    assert (told.hotwords, told.hint_whisper) == (("柳林新村", "河口镇", "东区"), True)
    (tmp_path / "gazetteer.json").write_text("{", encoding="utf-8")
    broken = engine_config(Settings(home=tmp_path))
    assert (broken.hotwords, broken.hint_whisper) == ((), False)


def test_the_server_runs_its_engine_apart_unless_told_otherwise() -> None:
    assert engine_config(Settings()).isolated
    told = engine_config(Settings(speech_isolated=False, speech_servers=("ws://127.0.0.1:2700",)))
    assert not told.isolated
    assert told.servers == ("ws://127.0.0.1:2700",)
