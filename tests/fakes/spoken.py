"""Recorded Mandarin (a synthetic voice, 8 kHz A-law) and the measure of what was understood of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rapidfuzz.distance import Levenshtein

FOLDER = Path(__file__).parents[1] / "recorded" / "speech"
NAMES = ("smoke-under-the-window", "leaking-kitchen-ceiling", "which-compound")


@dataclass(frozen=True, kw_only=True, slots=True)
class Spoken:
    path: Path
    text: str
    pcm: bytes
    """16-bit little-endian mono at 8 kHz."""

    @property
    def seconds(self) -> float:
        return len(self.pcm) / 16_000


def spoken(name: str) -> Spoken:
    path = FOLDER / f"{name}.wav"
    text = path.with_suffix(".txt").read_text(encoding="utf-8").strip()
    return Spoken(path=path, text=text, pcm=linear(alaw_of(path)))


def alaw_of(path: Path) -> bytes:
    """The samples of an A-law WAV file."""
    data = path.read_bytes()
    at = data.index(b"data") + 8
    return data[at : at + int.from_bytes(data[at - 4 : at], "little")]


def linear(alaw: bytes) -> bytes:
    """G.711 A-law as 16-bit samples."""
    codes = np.frombuffer(alaw, dtype=np.uint8).astype(np.int32) ^ 0x55
    segment, step = (codes >> 4) & 7, codes & 15
    size = np.where(segment == 0, (step << 4) + 8, ((step << 4) + 0x108) << np.maximum(segment - 1, 0))
    return np.where(codes & 0x80, size, -size).astype("<i2").tobytes()


def letters(text: str) -> str:
    """What counts: hanzi, digits, letters."""
    return re.sub(r"[^0-9a-z\u4e00-\u9fff]", "", text.lower())


def character_errors(said: str, understood: str) -> float:
    """Wrong, missing and invented characters as a share of those said."""
    return Levenshtein.distance(letters(said), letters(understood)) / max(1, len(letters(said)))
