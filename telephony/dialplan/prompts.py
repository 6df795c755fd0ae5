"""The sound of the switch: Mandarin prompts spoken by espeak-ng, comfort music of our own, recordings in their place.

Files are 8 kHz mono 16-bit WAV, made once for each wording. ``music/comfort.wav`` is what a waiting caller hears:
music, and then the please-wait prompt, over and over.
"""

from __future__ import annotations

import hashlib
import io
import re
import subprocess
import tomllib
import wave
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
import soxr

RATE = 8000
POSITIONS = 5
"""So many people in front are told by their number; more are ``position-many``."""
Samples = np.ndarray[tuple[int], np.dtype[np.float32]]
"""Mono, -1..1."""


class VoiceMissing(RuntimeError):
    """No espeak-ng: prompts without a recording stay tones. ``remedy`` is the command that installs it."""

    remedy = "apt-get install espeak-ng"

    def __init__(self, prompts: Sequence[str]) -> None:
        super().__init__(
            f"espeak-ng is missing, so these prompts are tones: {', '.join(prompts)}. Install it with: {self.remedy}"
        )
        self.prompts = tuple(prompts)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wording:
    """prompts.toml: what is said, and how."""

    texts: Mapping[str, str]
    language: str
    speed: int
    music_s: float


def wording(text: str | None = None) -> Wording:
    """The packaged prompts.toml, or ``text`` in its place. Raises ValueError for a name that is no file name."""
    if text is None:
        text = resources.files(__package__).joinpath("prompts.toml").read_text(encoding="utf-8")
    parsed = tomllib.loads(text)
    for name in parsed["prompts"]:
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,31}", name):
            raise ValueError(f"prompts.{name}: a prompt's name is small letters, digits and '-'")
    voice, music = parsed["voice"], parsed["music"]
    return Wording(
        texts=parsed["prompts"], language=voice["language"], speed=int(voice["speed"]), music_s=float(music["seconds"])
    )


def build(
    out_dir: Path, *, espeak: Sequence[str] | None, recordings: Path | None = None, words: Wording | None = None
) -> None:
    """Fill ``out_dir`` with every prompt and the music; what is there already and still right is kept.

    ``espeak`` is the command of espeak-ng. Where there is none, the rest is made, and VoiceMissing raised after it.
    """
    words = words or wording()
    (out_dir / "music").mkdir(parents=True, exist_ok=True)
    missing = [name for name in words.texts if not _prompt(out_dir, name, words, espeak, recordings)]
    _music(out_dir, words)
    if missing:
        raise VoiceMissing(missing)


def _prompt(out_dir: Path, name: str, words: Wording, espeak: Sequence[str] | None, recordings: Path | None) -> bool:
    """Whether the prompt has a sound afterwards."""
    target = out_dir / f"{name}.wav"
    recording = recordings / f"{name}.wav" if recordings else None
    if recording is not None and recording.exists():
        return _write_once(target, _mark(recording.read_bytes()), lambda: read_wav(recording.read_bytes()))
    if espeak is None:
        return target.exists()
    text = words.texts[name]
    mark = _mark(f"{words.language} {words.speed} {text}".encode())
    return _write_once(target, mark, lambda: speak(text, espeak, language=words.language, speed=words.speed))


def _music(out_dir: Path, words: Wording) -> None:
    parts = [comfort_music(words.music_s)]
    spoken = out_dir / "please-wait.wav"
    wait = spoken.read_bytes() if spoken.exists() else b""
    if wait:
        parts += [read_wav(wait), np.zeros(RATE, dtype=np.float32)]
    _write_once(
        out_dir / "music" / "comfort.wav", _mark(wait + str(words.music_s).encode()), lambda: np.concatenate(parts)
    )


def speak(text: str, espeak: Sequence[str], *, language: str = "cmn", speed: int = 165) -> Samples:
    """``text`` as espeak-ng says it. Raises subprocess.CalledProcessError."""
    argv = [*espeak, "-v", language, "-s", str(speed), "--stdout", "--", text]
    spoken = subprocess.run(argv, capture_output=True, check=True, timeout=60, stdin=subprocess.DEVNULL).stdout
    samples = read_wav(spoken)
    loudest = float(np.abs(samples).max(initial=1e-6))
    return samples * np.float32(0.5 / loudest)


def comfort_music(seconds: float) -> Samples:
    """Slow soft chords, made here note by note. Starts and ends in silence, so that it may be repeated."""
    chords = ((261.63, 329.63, 392.00), (220.00, 261.63, 329.63), (174.61, 220.00, 261.63), (196.00, 246.94, 293.66))
    bar_s = 3.25
    sound = np.zeros(round(seconds * RATE), dtype=np.float32)
    for bar in range(int(seconds // bar_s)):
        for beat, note in enumerate((*chords[bar % 4], chords[bar % 4][1] * 2)):
            start = round((bar * bar_s + beat * bar_s / 6) * RATE)
            tone = _note(note, 2.4)[: len(sound) - start]
            sound[start : start + len(tone)] += tone
    loudest = float(np.abs(sound).max(initial=1e-6))
    return sound * np.float32(0.22 / loudest)


def _note(frequency: float, seconds: float) -> Samples:
    at = np.arange(round(seconds * RATE), dtype=np.float32) / RATE
    fade = np.minimum(at / 0.03, 1.0) * np.exp(-2.0 * at) * np.minimum((seconds - at) / 0.1, 1.0)
    tone = sum(np.sin(2 * np.pi * frequency * part * at) / part**2 for part in (1, 2, 3))
    return np.asarray(tone * fade, dtype=np.float32)


def read_wav(data: bytes) -> Samples:
    """A 16-bit PCM WAV of any rate as mono at 8 kHz. Raises ValueError for another form."""
    # espeak-ng --stdout cannot seek back to write the length: the header claims more than follows
    with wave.open(io.BytesIO(data)) as file:
        if file.getsampwidth() != 2:
            raise ValueError("a recording must be a 16-bit PCM WAV")
        frames, channels, rate = file.readframes(file.getnframes()), file.getnchannels(), file.getframerate()
    whole = len(frames) // (2 * channels) * 2 * channels
    samples = np.frombuffer(frames[:whole], dtype="<i2").reshape(-1, channels).mean(axis=1).astype(np.float32) / 32768
    return samples if rate == RATE else np.asarray(soxr.resample(samples, rate, RATE), dtype=np.float32)


def write_wav(path: Path, samples: Samples) -> None:
    part = path.with_suffix(".part")
    with wave.open(str(part), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    part.rename(path)


def _write_once(target: Path, mark: str, make: Callable[[], Samples]) -> bool:
    note = target.with_suffix(".mark")
    if not (target.exists() and note.exists() and note.read_text() == mark):
        write_wav(target, make())
        note.write_text(mark)
    return True


def _mark(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
