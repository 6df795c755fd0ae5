"""Two or more legs' speech as one list of turns with speaker and time (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Speaker(StrEnum):
    CALLER = "caller"
    AGENT = "agent"
    CENTRE = "centre"


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """One segment of one speaker. ``seg`` counts through the call and names the turn everywhere (live, database, evidence).

    A higher ``rev`` replaces a lower one; a final turn never changes. Times in seconds since the conversation was answered.
    """

    seg: int
    rev: int
    speaker: Speaker
    text: str
    start_s: float
    end_s: float
    final: bool
