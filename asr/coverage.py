"""How much of what was spoken has become text, and what of a recording was not heard live (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from rapidfuzz import fuzz

from asr.transcript import Turn

_NO_WORD_S = 1.0
"""Shorter sounds without words (a cough, a click) are not held against the transcript."""
_WORTH_IT_S = 1.0
"""Speech nobody listened to, in all, from which the recording is asked."""
_DEAF_S = 3.0
"""A leg without sound from the switch for so long while it was up: nobody knows what was said."""
_HEARD_SHARE = 0.3
"""A stretch of a recording of which so much lies in turns that were heard live was heard."""
_SAME_TEXT = 80.0
_NEAR_S = 3.0
_TELLING_CHARACTERS = 4


class Span(Protocol):
    @property
    def start_s(self) -> float: ...

    @property
    def end_s(self) -> float: ...


S = TypeVar("S", bound=Span)


class Coverage:
    """One call's account, all its legs together. Seconds."""

    def __init__(self) -> None:
        self.text_s = 0.0
        """Of speech that became text."""
        self.wordless_s = 0.0
        """Of speech in which an engine found no words."""
        self.unheard_s = 0.0
        """Of speech that no engine listened to."""
        self.deaf_s = 0.0
        """During which a leg was up and nobody listened to it."""

    @property
    def voiced_s(self) -> float:
        return self.text_s + self.wordless_s + self.unheard_s

    @property
    def unknown_s(self) -> float:
        """``deaf_s``, where it is more than the moment a leg takes to be heard: somebody may have spoken all along."""
        return self.deaf_s if self.deaf_s >= _DEAF_S else 0.0

    @property
    def complete(self) -> float | None:
        """0..1 of what was spoken or not listened to; None while nobody has been heard to speak."""
        whole_s = self.voiced_s + self.unknown_s
        return self.text_s / whole_s if whole_s > 0.0 else None

    @property
    def wants_recording(self) -> bool:
        return self.unheard_s >= _WORTH_IT_S or self.unknown_s > 0.0

    def text(self, seconds: float) -> None:
        self.text_s += max(0.0, seconds)

    def unheard(self, seconds: float, *, answered: bool) -> None:
        if not answered:
            self.unheard_s += max(0.0, seconds)
        elif seconds >= _NO_WORD_S:
            self.wordless_s += seconds

    def deaf(self, seconds: float) -> None:
        self.deaf_s += max(0.0, seconds)

    def found(self, seconds: float) -> None:
        """Somebody else has listened: text of so much that counted as deaf."""
        self.text_s += seconds
        self.deaf_s = max(0.0, self.deaf_s - seconds)


def missing(recorded: Iterable[S], turns: Sequence[Turn]) -> list[S]:
    """Stretches of one speaker's recording that lie in none of that speaker's ``turns``."""
    return [span for span in recorded if _overlap_s(span, turns) < _HEARD_SHARE * max(0.01, span.end_s - span.start_s)]


def _overlap_s(span: Span, turns: Sequence[Turn]) -> float:
    return sum(max(0.0, min(span.end_s, turn.end_s) - max(span.start_s, turn.start_s)) for turn in turns)


def is_repeat(text: str, start_s: float, turns: Sequence[Turn], *, skipped_s: float) -> bool:
    """The same words were heard live at that moment of the recording.

    A recording knows no time in which a leg had no partner: what was heard live lies up to ``skipped_s`` later.
    Elsewhere the same words are somebody who repeats himself.
    """
    return len(text) >= _TELLING_CHARACTERS and any(
        -_NEAR_S <= turn.start_s - start_s <= skipped_s + _NEAR_S
        and len(turn.text) >= _TELLING_CHARACTERS
        and fuzz.partial_ratio(text, turn.text) >= _SAME_TEXT
        for turn in turns
    )
