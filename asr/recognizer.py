"""The contract of every speech engine: what it can do, what it is fed, what it says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class SpeechLevel(StrEnum):
    OK = "ok"
    DEGRADED = "degraded"
    """Text comes, but late or with gaps."""
    DOWN = "down"
    """No text comes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Capabilities:
    """``sample_rate`` in Hz is what ``RecognizerStream.feed`` expects; the session resamples."""

    engine: str
    model: str
    languages: tuple[str, ...]
    sample_rate: int = 16_000
    streaming: bool = True
    """Says partial text while the segment is still open."""
    word_times: bool = False
    confidence: bool = False
    punctuation: bool = False
    whole_segments: bool = False
    """Decodes a segment as a whole, and is the better for a longer one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Health:
    level: SpeechLevel
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Partial:
    """Text so far of the open segment; a higher ``rev`` replaces a lower one. Times in seconds since the leg began.

    An empty ``text`` takes back what was said of the segment: the engine thought better of it; no ``Final`` follows.
    """

    seg: int
    rev: int
    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Final:
    """The closed segment; never changes again. ``latency_ms`` from the end of speech to this event.

    ``confidence`` 0..1, or None where the engine gives none. An empty ``text`` is never sent.
    """

    seg: int
    rev: int
    text: str
    start_s: float
    end_s: float
    latency_ms: int
    confidence: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamState:
    """The stream's own health changed."""

    level: SpeechLevel
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Unheard:
    """Somebody spoke and no text came of it. ``answered``: an engine listened and found no words (a cough, a song);
    otherwise none listened, or it failed, and a recording may still tell."""

    seg: int
    start_s: float
    end_s: float
    answered: bool


SpeechEvent = Partial | Final | StreamState | Unheard


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """Times in seconds since the segment's first sound."""

    text: str
    start_s: float
    end_s: float
    confidence: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Hypothesis:
    """What an engine says of the open segment (``final`` False) or of the one just flushed (True).

    ``words`` only in a final, where ``Capabilities.word_times`` says so.
    """

    text: str
    final: bool
    confidence: float | None = None
    words: tuple[Word, ...] = ()


class RecognizerStream(Protocol):
    """One speaker's stream. The session in front of it finds the speech; the engine sees speech only."""

    def feed(self, pcm: bytes) -> None:
        """Speech of the open segment: 16-bit little-endian mono at ``Capabilities.sample_rate``. Never blocks."""

    def flush(self) -> None:
        """The segment ended: exactly one ``Hypothesis(final=True)`` follows, with empty text if nothing was said."""

    def hypotheses(self) -> AsyncIterator[Hypothesis]:
        """In order; ends after ``close``. Raises what the engine raised: the stream is then dead."""

    def lateness_s(self) -> float:
        """How long the oldest audio that is due has been waiting for the engine; 0 when nothing waits."""

    def backlog_s(self) -> float:
        """How much audio was fed that the engine has not taken; who is in no hurry feeds no faster than this allows."""

    async def close(self) -> None:
        """Let a flushed segment finish, then give everything back."""


class Recognizer(Protocol):
    """One engine with its model, shared by all streams."""

    @property
    def capabilities(self) -> Capabilities: ...

    async def start(self) -> None:
        """Load and test the model. Raises ``asr.recognizer.EngineUnavailable`` with a reason a person can act on."""

    async def stop(self) -> None: ...

    def health(self) -> Health: ...

    def open(self, stream_id: str) -> RecognizerStream:
        """Cheap; needs a running loop. Raises ``EngineUnavailable`` when there is no room for another stream."""


class EngineUnavailable(Exception):
    """The engine cannot run here. ``reason`` says why and ``hint`` what to do about it."""

    def __init__(self, engine: str, reason: str, hint: str = "") -> None:
        super().__init__(f"{engine}: {reason}")
        self.engine = engine
        self.reason = reason
        self.hint = hint
