"""WAV files as one-channel 16-bit samples: PCM of any width, A-law, mu-law, any rate, mono or stereo.

The standard library refuses A-law, which is what a telephone switch writes.

SoundFileError
├── NotFound       there is no such file, or it may not be read
├── NotSound       it is no WAV file, or one that is broken off before its sound
└── Unsupported    a coding, width, rate or number of channels that nothing here can read
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]

_PCM, _FLOAT, _ALAW, _MULAW, _EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
_RATES = range(4_000, 192_001)
_MOST_CHANNELS = 2
_CHUNK_HEADER = 8


class SoundFileError(Exception):
    """Root of the tree. The text names the file and is for a person."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path}: {why}")
        self.path = path
        self.why = why


class NotFound(SoundFileError):
    """There is no such file, or it may not be read."""


class NotSound(SoundFileError):
    """It is no WAV file, or one that is broken off before its sound."""


class Unsupported(SoundFileError):
    """A coding, width, rate or number of channels that nothing here can read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sound:
    """``channels``: one array of samples each, all of one length, ``rate`` in Hz."""

    rate: int
    channels: tuple[Samples, ...]

    @property
    def seconds(self) -> float:
        return len(self.channels[0]) / self.rate if self.channels else 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class _Format:
    coding: int
    channels: int
    rate: int
    bits: int


def read(path: Path) -> Sound:
    """Raises SoundFileError. A file that was cut off in its sound, or never closed, is read as far as it goes."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise NotFound(path, error.strerror or "cannot be read") from error
    if len(data) < 12 or data[:4] not in (b"RIFF", b"RF64") or data[8:12] != b"WAVE":
        raise NotSound(path, "is not a WAV file")
    found: _Format | None = None
    at = 12
    while at + _CHUNK_HEADER <= len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        at += _CHUNK_HEADER
        if name == b"fmt ":
            found = _format(path, data[at : at + size])
        elif name == b"data":
            if found is None:
                raise NotSound(path, "has sound before its format")
            return _sound(path, found, data[at:] if size == 0 and _is_open(data, at) else data[at : at + size])
        at += size + (size & 1)
    raise NotSound(path, "holds no sound")


def _is_open(data: bytes, at: int) -> bool:
    """Whether sound is behind a size of 0, which is filled in when a file is closed; else chunks are, or nothing."""
    while at + _CHUNK_HEADER <= len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        at += _CHUNK_HEADER + size + (size & 1)
        if at > len(data) + 1 or not all(0x20 <= letter < 0x7F for letter in name):
            return True
    return False


def _format(path: Path, chunk: bytes) -> _Format:
    if len(chunk) < 16:
        raise NotSound(path, "has a broken format chunk")
    coding, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", chunk)
    if coding == _EXTENSIBLE and len(chunk) >= 26:
        (coding,) = struct.unpack_from("<H", chunk, 24)
    if not 1 <= channels <= _MOST_CHANNELS:
        raise Unsupported(path, f"has {channels} channels; one, or two with the caller on the left, can be read")
    if rate not in _RATES:
        raise Unsupported(path, f"has {rate} samples a second")
    return _Format(coding=coding, channels=channels, rate=rate, bits=bits)


def _sound(path: Path, found: _Format, data: bytes) -> Sound:
    frame = max(1, found.channels * found.bits // 8)
    samples = _linear(path, found, data[: len(data) - len(data) % frame])
    table = samples.reshape(-1, found.channels)
    return Sound(rate=found.rate, channels=tuple(np.ascontiguousarray(table[:, n]) for n in range(found.channels)))


def _linear(path: Path, found: _Format, data: bytes) -> Samples:
    match found.coding, found.bits:
        case (1, 8):
            return (np.frombuffer(data, np.uint8).astype(np.int16) - 128) << 8
        case (1, 16):
            return np.frombuffer(data, "<i2").astype(np.int16)
        case (1, 24):
            return np.frombuffer(data, np.uint8).reshape(-1, 3)[:, 1:].copy().view("<i2").reshape(-1).astype(np.int16)
        case (1, 32):
            return (np.frombuffer(data, "<i4") >> 16).astype(np.int16)
        case (3, 32 | 64):
            floats: Any = np.frombuffer(data, f"<f{found.bits // 8}")
            loud: Samples = np.clip(np.nan_to_num(floats) * 32767.0, -32768, 32767).astype(np.int16)
            return loud
        case (6, 8):
            return _ALAW_TABLE[np.frombuffer(data, np.uint8)]
        case (7, 8):
            return _MULAW_TABLE[np.frombuffer(data, np.uint8)]
    raise Unsupported(path, f"is coded in a way nothing here can read (format {found.coding}, {found.bits} bits)")


def _alaw_table() -> Samples:
    """ITU-T G.711: a segment of three bits and a step of four, every other bit turned over."""
    codes = np.arange(256, dtype=np.int32) ^ 0x55
    segment, step = (codes >> 4) & 7, codes & 15
    size = np.where(segment == 0, (step << 4) + 8, ((step << 4) + 0x108) << np.maximum(segment - 1, 0))
    return np.where(codes & 0x80, size, -size).astype(np.int16)


def _mulaw_table() -> Samples:
    """ITU-T G.711: as A-law but for a bias of 0x84, all bits turned over."""
    codes = np.arange(256, dtype=np.int32) ^ 0xFF
    size = ((((codes & 15) << 3) + 0x84) << ((codes >> 4) & 7)) - 0x84
    return np.where(codes & 0x80, -size, size).astype(np.int16)


_ALAW_TABLE, _MULAW_TABLE = _alaw_table(), _mulaw_table()
