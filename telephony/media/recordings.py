"""Finished recordings: find by call id, length, completeness, both legs as one even stereo file, peaks, hash.

Files are named by the call id alone: ``<id>-caller.wav`` and ``<id>-operator.wav`` are the switch's,
``<id>-both.<opus, mp3 or wav>`` and ``<id>-peaks.json`` ours. The only module that knows pydub, which is never used
while a call is live.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import json
import math
import os
import re
import struct
import tempfile
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from telephony.errors import InvalidValue
from telephony.ids import CallId
from telephony.media.encoders import MEDIA_TYPES, Encoder

_CALL_ID = re.compile(r"[0-9]{1,12}\.[0-9]{1,10}")
LENGTH_TOLERANCE_S = 2.0
TARGET_DBFS, PEAK_DBFS = -20.0, -1.0
MOST_GAIN_DB, LEAST_GAIN_DB = 24.0, -20.0
SPEECH_DBFS = -50.0
"""Parts of a leg that are softer are pauses: they do not count for its loudness."""
_FRAME = 160
_PCM_CODING = 1
_ENDINGS = (".opus", ".mp3", ".wav")


class RecordedLeg(StrEnum):
    CALLER = "caller"
    OPERATOR = "operator"
    BOTH = "both"
    """Stereo, the caller on the left."""
    MESSAGE = "message"
    """What a caller said whom nobody could answer; no part of a talk."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recording:
    """One finished file."""

    leg: RecordedLeg
    path: Path
    length_s: float
    bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """What was made of one call's legs."""

    path: Path
    media_type: str
    length_s: float
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Pause:
    """A while in which nothing was recorded, in seconds from the answer: the citizen heard music alone."""

    start_s: float
    length_s: float


_LEGS = (RecordedLeg.CALLER, RecordedLeg.OPERATOR)


def is_incomplete(recorded_s: float, talk_s: float, *, tolerance_s: float = LENGTH_TOLERANCE_S) -> bool:
    """True if a recording is shorter than the talk it should hold: a full disk is silent on the switch's side."""
    return recorded_s < talk_s - tolerance_s


class Recordings:
    """The folder into which the switch records. Every method blocks briefly; the slow ones are coroutines."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def find(self, call_id: CallId, leg: RecordedLeg) -> Recording | None:
        """None if there is no such file or it is not a recording. Raises InvalidValue for a name that is no call id."""
        path = self._path(call_id, leg)
        if path is None or not path.is_file():
            return None
        pcm = _pcm_in(path)
        if pcm is None:
            return None
        return Recording(leg=leg, path=path, length_s=pcm.length_s, bytes=path.stat().st_size)

    def of(self, call_id: CallId) -> tuple[Recording, ...]:
        """What the switch has written of a call."""
        found = (self.find(call_id, leg) for leg in _LEGS)
        return tuple(recording for recording in found if recording is not None)

    def message(self, call_id: CallId) -> Path | None:
        """The voice message that the fallback took of this caller. Raises InvalidValue as ``find``."""
        path = self._path(call_id, RecordedLeg.MESSAGE)
        return path if path is not None and path.is_file() else None

    def finished(self, call_id: CallId) -> Path | None:
        """The stereo file that ``finish`` has made."""
        paths = (self._path(call_id, RecordedLeg.BOTH, ending) for ending in _ENDINGS)
        return next((path for path in paths if path is not None and path.is_file()), None)

    def finish(self, call_id: CallId, encoder: Encoder, pauses: Sequence[Pause] = ()) -> Finished | None:
        """Both legs joined, evened and encoded, with their peaks; None without two legs and any sound. Blocks.

        ``pauses`` become silence, so that each moment of the file is that moment of the talk. It may be asked for
        again: each file appears whole or not at all. Raises EncodingFailed, OSError.
        """
        caller, operator = (self.find(call_id, leg) for leg in _LEGS)
        target = self._path(call_id, RecordedLeg.BOTH, f".{encoder.extension}")
        if caller is None or operator is None or target is None or not caller.length_s + operator.length_s:
            return None
        with tempfile.TemporaryDirectory(dir=self._root, prefix=".finishing-") as place:
            stereo, encoded, levels = (Path(place) / name for name in ("stereo.wav", target.name, "peaks.json"))
            length_s = _join(caller.path, operator.path, stereo, pauses)
            levels.write_text(json.dumps({"length_s": round(length_s, 3), "channels": peaks(stereo)}), "ascii")
            encoder.encode(stereo, encoded)
            digest = sha256(encoded)
            os.replace(levels, self._root / f"{call_id}-peaks.json")
            os.replace(encoded, target)
        for ending in _ENDINGS:
            if ending != target.suffix:
                (self._root / f"{call_id}-both{ending}").unlink(missing_ok=True)
        return Finished(
            path=target,
            media_type=MEDIA_TYPES[target.suffix],
            length_s=length_s,
            bytes=target.stat().st_size,
            sha256=digest,
        )

    def peaks_file(self, call_id: CallId) -> Path | None:
        """JSON: ``length_s``, and for each channel the levels of ``peaks``."""
        self._path(call_id, RecordedLeg.BOTH)  # refuses what is no call id
        path = (self._root / f"{call_id}-peaks.json").resolve()
        return path if path.parent == self._root and path.is_file() else None

    def erase(self, call_id: CallId) -> int:
        """Every file of this call; how many there were. Nothing but names of our own making is touched."""
        self._path(call_id, RecordedLeg.BOTH)
        names = [f"{call_id}.wav", f"{call_id}-peaks.json"]
        names += [f"{call_id}-{leg.value}{ending}" for leg in RecordedLeg for ending in _ENDINGS]
        erased = 0
        for name in names:
            path = self._root / name
            if path.is_file() or path.is_symlink():
                path.unlink()
                erased += 1
        return erased

    async def both(self, call_id: CallId) -> Recording | None:
        """Both legs in one stereo file, made at the first asking; the shorter leg is filled up with silence."""
        made, caller, operator = (self.find(call_id, leg) for leg in (RecordedLeg.BOTH, *_LEGS))
        target = self._path(call_id, RecordedLeg.BOTH)
        if caller is None or operator is None or target is None:
            return made
        if made is not None and all(_written_s(made) >= _written_s(leg) for leg in (caller, operator)):
            return made
        await asyncio.to_thread(_join, caller.path, operator.path, target)
        return self.find(call_id, RecordedLeg.BOTH)

    def free_share(self) -> float:
        """Free part of the disk that holds the recordings, 0..1."""
        disk = os.statvfs(self._root)
        return disk.f_bavail / disk.f_blocks if disk.f_blocks else 0.0

    def _path(self, call_id: CallId, leg: RecordedLeg, ending: str = ".wav") -> Path | None:
        """None where a link leads out of the folder."""
        if not _CALL_ID.fullmatch(call_id):
            raise InvalidValue("call id", "digits, a point, digits")
        path = (self._root / f"{call_id}-{leg.value}{ending}").resolve()
        return path if path.parent == self._root else None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Pcm:
    """``width``: bytes of one sample of one channel; ``begins`` and ``size``: where it stands in the file, in bytes."""

    rate: int
    width: int
    channels: int
    begins: int
    size: int

    @property
    def length_s(self) -> float:
        return self.size / (self.width * self.channels * self.rate)

    def read(self, path: Path) -> bytes:
        with path.open("rb") as file:
            file.seek(self.begins)
            data = file.read(self.size)
        return data[: len(data) - len(data) % (self.width * self.channels)]


def _pcm_in(path: Path) -> _Pcm | None:
    """None: it is no WAV file of PCM.

    The switch fills the sizes in when it closes a file: one that it never closed says 0. There, and where more is
    promised than there is, the sound goes on to the end of the file.
    """
    with path.open("rb") as file:
        end = os.fstat(file.fileno()).st_size
        riff = file.read(12)
        if riff[:4] != b"RIFF" or riff[8:] != b"WAVE":
            return None
        coding = channels = rate = bits = 0
        while len(header := file.read(8)) == 8:
            name, size = struct.unpack("<4sI", header)
            begins = file.tell()
            if name == b"fmt " and size >= 16:
                coding, channels, rate, _, _, bits = struct.unpack("<HHIIHH", file.read(16).ljust(16, b"\0"))
            elif name == b"data":
                if coding != _PCM_CODING or not channels or not rate or bits not in (8, 16, 24, 32):
                    return None
                size = min(size or end, end - begins)
                return _Pcm(rate=rate, width=bits // 8, channels=channels, begins=begins, size=size)
            file.seek(begins + size + (size & 1))
    return None


def _written_s(recording: Recording) -> float:
    """When, in epoch seconds."""
    return recording.path.stat().st_mtime


def _join(left: Path, right: Path, target: Path, pauses: Sequence[Pause] = ()) -> float:
    """Both legs, each evened, as one stereo file that appears whole; its length in seconds."""
    from pydub import AudioSegment

    legs = []
    for path in (left, right):
        pcm = _pcm_in(path)
        if pcm is None:
            raise OSError(errno.EINVAL, "no WAV file of PCM any more", str(path))
        leg = AudioSegment(data=pcm.read(path), sample_width=pcm.width, frame_rate=pcm.rate, channels=pcm.channels)
        leg = leg.set_channels(1).set_sample_width(2)
        legs.append(leg.apply_gain(gain_db(np.frombuffer(leg.raw_data, dtype="<i2"))))
    longest = max(leg.frame_count() for leg in legs)
    same = [leg._spawn(leg.raw_data + bytes(round(longest - leg.frame_count()) * leg.frame_width)) for leg in legs]
    stereo = AudioSegment.from_mono_audiosegments(*same)
    frame_bytes, rate = stereo.frame_width, stereo.frame_rate
    stereo = stereo._spawn(with_silence(stereo.raw_data, pauses, frame_bytes=frame_bytes, rate=rate))
    descriptor, scratch = tempfile.mkstemp(dir=target.parent, prefix=".joining-", suffix=".wav")
    os.close(descriptor)
    try:
        stereo.export(scratch, format="wav").close()
        os.replace(scratch, target)
    finally:
        Path(scratch).unlink(missing_ok=True)
    return float(stereo.frame_count() / stereo.frame_rate)


def with_silence(sound: bytes, pauses: Sequence[Pause], *, frame_bytes: int, rate: int) -> bytes:
    """With each pause at its place. One that would begin behind the end is no part of the recording."""
    for pause in pauses:
        place = round(pause.start_s * rate) * frame_bytes
        if 0 <= place < len(sound):
            sound = sound[:place] + bytes(round(pause.length_s * rate) * frame_bytes) + sound[place:]
    return sound


def gain_db(samples: np.ndarray[Any, np.dtype[np.int16]]) -> float:
    """What brings speech to the target loudness without clipping; 0 where there is none."""
    frames = samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME).astype(np.float64) / 32768
    power = np.mean(frames**2, axis=1)
    spoken = power[power > 10 ** (SPEECH_DBFS / 10)]
    if not len(spoken):
        return 0.0
    wanted = TARGET_DBFS - 10 * math.log10(float(np.mean(spoken)))
    room = PEAK_DBFS - 20 * math.log10(float(np.max(np.abs(samples.astype(np.int32)))) / 32768)
    return max(LEAST_GAIN_DB, min(MOST_GAIN_DB, wanted, room))


def peaks(path: Path, *, points: int = 1000) -> list[list[float]]:
    """For each channel the loudest level, 0..1, in each of ``points`` equal parts. Blocks; call it in a thread."""
    with wave.open(str(path), "rb") as file:
        channels = file.getnchannels()
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").reshape(-1, channels)
    if not len(samples):
        return [[] for _ in range(channels)]
    edges = np.linspace(0, len(samples), min(points, len(samples)), endpoint=False).astype(int)
    loudest = np.maximum.reduceat(np.abs(samples.astype(np.int32)), edges, axis=0) / 32768.0
    return [[round(float(level), 4) for level in loudest[:, channel]] for channel in range(channels)]


def sha256(path: Path) -> str:
    """Hex digest of the file. Blocks; call it in a thread."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
