"""Prompts: spoken, recorded, or missing; and music that may be played for ever."""

from __future__ import annotations

import shutil
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from telephony.dialplan.prompts import (
    RATE,
    VoiceMissing,
    Wording,
    build,
    comfort_music,
    read_wav,
    wording,
    write_wav,
)

# says anything as 0.3 s of a tone, with a header that claims more, as espeak-ng's does when it writes to a pipe
VOICE = """
import math, struct, sys
sound = b"".join(struct.pack("<h", int(9000 * math.sin(n / 9))) for n in range(6615))
form = struct.pack("<IHHIIHH", 16, 1, 1, 22050, 44100, 2, 16)
head = b"RIFF" + struct.pack("<I", 0x7FFFF024) + b"WAVEfmt " + form + b"data" + struct.pack("<I", 0x7FFFF000)
sys.stdout.buffer.write(head + sound)
"""


@pytest.fixture
def voice(tmp_path: Path) -> list[str]:
    script = tmp_path / "voice.py"
    script.write_text(VOICE)
    return [sys.executable, str(script)]


WORDS = Wording(texts={"greeting": "您好", "please-wait": "请稍候"}, language="cmn", speed=200, music_s=7)


def form(path: Path) -> tuple[int, int, int, float]:
    with wave.open(str(path)) as file:
        seconds = file.getnframes() / file.getframerate()
        return file.getframerate(), file.getnchannels(), file.getsampwidth(), seconds


def test_prompts_are_spoken_in_the_form_of_the_telephone(tmp_path: Path, voice: list[str]) -> None:
    build(tmp_path / "out", espeak=voice, words=WORDS)
    for name in ("greeting", "please-wait"):
        assert form(tmp_path / "out" / f"{name}.wav") == (8000, 1, 2, pytest.approx(0.3, abs=0.01))
    assert form(tmp_path / "out" / "music" / "comfort.wav")[3] == pytest.approx(7 + 0.3 + 1, abs=0.01)


def test_a_prompt_is_spoken_again_only_when_its_wording_changes(tmp_path: Path, voice: list[str]) -> None:
    out = tmp_path / "out"
    build(out, espeak=voice, words=WORDS)
    before = {path.name: path.stat().st_mtime_ns for path in out.rglob("*.wav")}
    build(out, espeak=voice, words=WORDS)
    assert {path.name: path.stat().st_mtime_ns for path in out.rglob("*.wav")} == before
    changed = Wording(texts={**WORDS.texts, "greeting": "您好！"}, language="cmn", speed=200, music_s=7)
    build(out, espeak=voice, words=changed)
    after = {path.name: path.stat().st_mtime_ns for path in out.rglob("*.wav")}
    assert {name for name in after if after[name] != before[name]} == {"greeting.wav"}


def test_a_recording_takes_the_place_of_the_voice(tmp_path: Path) -> None:
    recordings = tmp_path / "recordings"
    recordings.mkdir()
    with wave.open(str(recordings / "greeting.wav"), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(b"\0\x10" * 2 * 16000)
    with pytest.raises(VoiceMissing) as caught:
        build(tmp_path / "out", espeak=None, recordings=recordings, words=WORDS)
    assert caught.value.prompts == ("please-wait",)
    assert form(tmp_path / "out" / "greeting.wav") == (8000, 1, 2, pytest.approx(1.0, abs=0.01))


def test_without_a_voice_the_remedy_is_named_and_music_is_there(tmp_path: Path) -> None:
    with pytest.raises(VoiceMissing, match="apt-get install espeak-ng"):
        build(tmp_path / "out", espeak=None, words=WORDS)
    assert form(tmp_path / "out" / "music" / "comfort.wav")[3] == pytest.approx(7, abs=0.01)


def test_music_starts_and_ends_in_silence_and_is_never_loud() -> None:
    music = comfort_music(26)
    assert len(music) == 26 * RATE
    assert abs(float(music[0])) < 0.01
    assert abs(float(music[-1])) < 0.01
    assert float(np.abs(music).max()) == pytest.approx(0.22, abs=0.01)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    sound = comfort_music(1)
    write_wav(tmp_path / "a.wav", sound)
    assert np.allclose(read_wav((tmp_path / "a.wav").read_bytes()), sound, atol=1e-3)


def test_the_packaged_wording_is_whole() -> None:
    assert "12345" in wording().texts["greeting"]
    assert "录音" in wording().texts["recording-notice"]
    with pytest.raises(ValueError, match="prompts"):
        wording('[prompts]\n"../x" = "a"\n')


@pytest.mark.asterisk
def test_espeak_speaks_the_packaged_wording(tmp_path: Path) -> None:
    espeak = shutil.which("espeak-ng")
    assert espeak is not None, "apt-get install espeak-ng"
    build(tmp_path, espeak=[espeak])
    assert subprocess.run([espeak, "--version"], capture_output=True, check=True).returncode == 0
    for name in wording().texts:
        assert 1 < form(tmp_path / f"{name}.wav")[3] < 15
