"""What became of recordings, for whoever watches over them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordingFlawed:
    """A recording is shorter than the talk that it should hold, or is missing: 录音不完整."""

    call_id: str
    length_s: float | None
    talk_s: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class DiskWatched:
    """``low``: the disk of the recordings has less room left than it should; ``free`` is the part that is free."""

    low: bool
    free: float
