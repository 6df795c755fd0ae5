"""Two or more legs' speech as one list of turns with speaker and time (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from asr.recognizer import Final, Partial


class Speaker(StrEnum):
    CALLER = "caller"
    AGENT = "agent"
    CENTRE = "centre"


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """One segment of one speaker. ``seg`` counts through the call and names the turn everywhere.

    A higher ``rev`` replaces a lower one; a final turn never changes. Times in seconds since the call was answered.
    """

    seg: int
    rev: int
    speaker: Speaker
    text: str
    start_s: float
    end_s: float
    final: bool
    recorded: bool = False
    """Not heard live: read from the recording afterwards."""


class Transcript:
    """All legs of one call. Each leg's recogniser counts its own segments; here they get numbers of the whole call."""

    def __init__(self, turns: Iterable[Turn] = (), *, first: int = 0) -> None:
        """``turns`` are what is known of the call already; new segments are numbered after them, from ``first`` on."""
        self._turns: dict[int, Turn] = {turn.seg: turn for turn in turns}
        self._numbers: dict[tuple[str, int], int] = {}
        self._first = max(first, max(self._turns, default=-1) + 1)

    @property
    def turns(self) -> tuple[Turn, ...]:
        """By the time they began; two that began together in the order in which they were first heard."""
        return tuple(sorted(self._turns.values(), key=lambda turn: (turn.start_s, turn.seg)))

    @property
    def finals(self) -> tuple[Turn, ...]:
        """What ``asr.prefill.suggest`` reads."""
        return tuple(turn for turn in self.turns if turn.final)

    def apply(self, speaker: Speaker, stream: str, event: Partial | Final, offset_s: float = 0.0) -> Turn:
        """Take what one stream said and return the turn as it now stands.

        ``stream`` names one tapped leg, ``offset_s`` is when that tap began on the call's clock. Late news (a lower
        revision, anything after the final) changes nothing: the turn comes back as it was.
        """
        seg = self._numbers.setdefault((stream, event.seg), self._first + len(self._numbers))
        known = self._turns.get(seg)
        if known is not None and (known.final or (isinstance(event, Partial) and event.rev <= known.rev)):
            return known
        turn = Turn(
            seg=seg,
            rev=event.rev if known is None else max(event.rev, known.rev + 1),
            speaker=speaker,
            text=event.text,
            start_s=event.start_s + offset_s,
            end_s=event.end_s + offset_s,
            final=isinstance(event, Final),
        )
        self._turns[seg] = turn
        return turn
