"""What was said in a call: its text, what is still to be read, and dangers heard."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from api.store.sealing import SealedText
from api.store.tables.base import Base


class Segment(Base):
    """A final turn of the transcript. No foreign key: the words may be written before the call's first event is."""

    __tablename__ = "segments"

    call_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    seg: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    rev: Mapped[int]
    speaker: Mapped[str] = mapped_column(String(16))
    text: Mapped[str] = mapped_column(SealedText("segments.text"))
    start_s: Mapped[float]
    end_s: Mapped[float]
    recorded_at: Mapped[datetime]
    source: Mapped[str] = mapped_column(String(16), default="live", server_default="live")
    """``live``, or ``recording`` for what was not heard while it was said."""


class TranscriptRecord(Base):
    """How much of a call's speech has become text, and what is still to be read from its recording.

    Written when the call is over; no foreign key, for the reason above.
    """

    __tablename__ = "transcripts"
    __table_args__ = (Index(None, "state", "due_at"),)

    call_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    """``complete``, ``pending``, ``reread``, ``no_recording``, ``unreadable`` or ``failed``."""
    voiced_s: Mapped[float]
    text_s: Mapped[float]
    reread_s: Mapped[float] = mapped_column(default=0.0)
    """Of speech that became text from the recording."""
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class CueCard(Base):
    """A danger heard in a call and what became of it. Written behind the call, so without a foreign key to it."""

    __tablename__ = "cue_cards"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    call_id: Mapped[str] = mapped_column(String(64), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    targets: Mapped[list[str]] = mapped_column(JSON)
    action: Mapped[str] = mapped_column(String(16))
    concern: Mapped[str] = mapped_column(String(48))
    seg: Mapped[int]
    start: Mapped[int]
    end: Mapped[int]
    text: Mapped[str] = mapped_column(SealedText("cue_cards.text"))
    at: Mapped[datetime] = mapped_column(index=True)
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(SealedText("cue_cards.reason"))
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    decided_at: Mapped[datetime | None]
