"""Which encoder this machine has for finished recordings, and using it: PyAV, else the ffmpeg program, else none.

Looked for once; ``Encoder.find`` says what was found. Blocks; nothing here belongs near a live call.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OPUS_BITS = 32_000
MP3_BITS = 48_000
LONGEST_S = 600


class EncodingFailed(Exception):
    """The encoder ended with an error; the text names the encoder."""


@dataclass(frozen=True, slots=True)
class Encoder:
    """``extension`` of the files it makes; ``by`` says who does it. Without one, files stay WAV."""

    extension: str
    media_type: str
    by: str
    work: Callable[[Path, Path], None] | None = None

    @property
    def label(self) -> str:
        return f"{self.extension} by {self.by}" if self.by else self.extension

    def encode(self, wav: Path, target: Path) -> None:
        """Raises EncodingFailed, OSError."""
        if self.work is None:
            shutil.copyfile(wav, target)
            return
        self.work(wav, target)

    @classmethod
    def find(cls) -> Encoder:
        return _by_av() or _by_ffmpeg() or PLAIN


PLAIN = Encoder("wav", "audio/wav", "")

MEDIA_TYPES = {".opus": "audio/ogg", ".mp3": "audio/mpeg", ".wav": "audio/wav"}
"""By the end of a file's name."""


def _by_av() -> Encoder | None:
    try:
        import av
    except ImportError:
        return None
    for codec, extension, bits in (("libopus", "opus", OPUS_BITS), ("libmp3lame", "mp3", MP3_BITS)):
        if codec in av.codecs_available:
            return Encoder(extension, MEDIA_TYPES[f".{extension}"], "PyAV", _av_work(codec, bits))
    return None


def _av_work(codec: str, bits: int) -> Callable[[Path, Path], None]:
    def work(wav: Path, target: Path) -> None:
        import av

        try:
            with av.open(str(wav)) as source, av.open(str(target), "w", format=_container(target)) as sink:
                stream: Any = sink.add_stream(codec, rate=48_000 if codec == "libopus" else 16_000)
                stream.bit_rate = bits
                stream.layout = source.streams.audio[0].layout.name
                resampler = av.AudioResampler(
                    format=stream.codec_context.format, layout=stream.layout, rate=stream.codec_context.rate
                )
                for frame in source.decode(audio=0):
                    for piece in resampler.resample(frame):
                        sink.mux(stream.encode(piece))
                for piece in resampler.resample(None):
                    sink.mux(stream.encode(piece))
                sink.mux(stream.encode(None))
        except av.FFmpegError as error:
            raise EncodingFailed("PyAV") from error

    return work


def _container(target: Path) -> str:
    return "ogg" if target.suffix == ".opus" else "mp3"


def _by_ffmpeg() -> Encoder | None:
    program = shutil.which("ffmpeg")
    if program is None:
        return None
    known = subprocess.run([program, "-hide_banner", "-encoders"], capture_output=True, text=True, timeout=20).stdout
    for codec, extension, bits in (("libopus", "opus", OPUS_BITS), ("libmp3lame", "mp3", MP3_BITS)):
        if codec in known:
            return Encoder(extension, MEDIA_TYPES[f".{extension}"], "ffmpeg", _ffmpeg_work(program, codec, bits))
    return None


def _ffmpeg_work(program: str, codec: str, bits: int) -> Callable[[Path, Path], None]:
    def work(wav: Path, target: Path) -> None:
        made = subprocess.run(
            [
                *(program, "-nostdin", "-hide_banner", "-loglevel", "error", "-y", "-i", str(wav)),
                *("-c:a", codec, "-b:a", str(bits), "-f", _container(target), str(target)),
            ],
            capture_output=True,
            timeout=LONGEST_S,
        )
        if made.returncode:
            raise EncodingFailed("ffmpeg")

    return work
