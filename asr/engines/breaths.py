"""Where the speaker of an open segment takes a breath, which may be its end (pure)."""

from __future__ import annotations

from asr.audio import BYTES_PER_S, PATIENT, SILENT_DBFS, level_dbfs
from asr.voice import CHUNK_BYTES, VoiceDetector

_BREATH = 0.5
"""After so much of the silence that ends a segment it is worth decoding as a final: most often the rest follows."""
_VOICE = PATIENT.off


class Voice:
    """How much of the open segment has been spoken, and how long it has been quiet since."""

    def __init__(self, detector: VoiceDetector) -> None:
        self._detector = detector
        self._rest = bytearray()
        self._heard_bytes = 0
        self.spoken_bytes = 0

    def feed(self, pcm: bytes) -> None:
        self._rest += pcm
        whole = len(self._rest) - len(self._rest) % CHUNK_BYTES
        for at in range(0, whole, CHUNK_BYTES):
            chunk = bytes(self._rest[at : at + CHUNK_BYTES])
            self._heard_bytes += CHUNK_BYTES
            if level_dbfs(chunk) >= SILENT_DBFS and self._detector.probability(chunk) >= _VOICE:
                self.spoken_bytes = self._heard_bytes
        del self._rest[:whole]

    @property
    def breathes(self) -> bool:
        is_short = self.spoken_bytes < PATIENT.short_s * BYTES_PER_S
        ends_after_s = PATIENT.short_hang_s if is_short else PATIENT.hang_s
        quiet_bytes = self._heard_bytes - self.spoken_bytes
        return bool(self.spoken_bytes) and quiet_bytes >= _BREATH * ends_after_s * BYTES_PER_S

    def begin_again(self) -> None:
        self._rest.clear()
        self._heard_bytes = self.spoken_bytes = 0
        self._detector.reset()
