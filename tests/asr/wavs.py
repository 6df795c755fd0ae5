"""WAV files of every coding a switch, a phone system or a person may hand over, made from 16-bit samples."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt


def write(
    path: Path,
    *channels: npt.NDArray[np.int16],
    rate: int = 8_000,
    coding: int = 1,
    bits: int = 16,
    extensible: bool = False,
    odd_chunk: bool = False,
) -> Path:
    """``coding``: 1 PCM, 3 float, 6 A-law, 7 mu-law; the last two take the codes themselves, 0..255."""
    table = np.stack(channels, axis=1).reshape(-1)
    data = _coded(table, coding, bits)
    head = struct.pack(
        "<HHIIHH",
        0xFFFE if extensible else coding,
        len(channels),
        rate,
        rate * len(channels) * bits // 8,
        len(channels) * bits // 8,
        bits,
    )
    if extensible:
        head += struct.pack("<HHIH14s", 22, bits, 0, coding, b"\x00" * 14)
    chunks = b"fmt " + struct.pack("<I", len(head)) + head
    if odd_chunk:
        chunks += b"LIST" + struct.pack("<I", 3) + b"abc\x00"
    chunks += b"data" + struct.pack("<I", len(data)) + data
    path.write_bytes(b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks)
    return path


def unclosed(path: Path, *, riff: int = 0, size: int = 0) -> Path:
    """As a switch leaves it that ended before it closed the file: the plain header's sizes are not filled in."""
    whole = path.read_bytes()
    path.write_bytes(whole[:4] + struct.pack("<I", riff) + whole[8:40] + struct.pack("<I", size) + whole[44:])
    return path


def _coded(samples: npt.NDArray[np.int16], coding: int, bits: int) -> bytes:
    wide = samples.astype(np.int64)
    match coding, bits:
        case (1, 8):
            return ((wide >> 8) + 128).astype(np.uint8).tobytes()
        case (1, 24):
            return (wide << 8).astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
        case (1, 32):
            return (wide << 16).astype("<i4").tobytes()
        case (3, _):
            return (wide / 32767.0).astype(f"<f{bits // 8}").tobytes()
        case (6 | 7, 8):
            return samples.astype(np.uint8).tobytes()
    return samples.astype("<i2").tobytes()
