"""What became of recordings, and what keeps them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from api.store.sealing import SealedText
from api.store.tables.base import Base


class RecordingRecord(Base):
    """What became of one call's recording. No foreign key: it may be known before the call's first event is written."""

    __tablename__ = "recordings"
    __table_args__ = (Index(None, "state", "due_at"), Index(None, "state", "erase_at"))

    call_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    kind: Mapped[str] = mapped_column(String(16))
    ended_at: Mapped[datetime]
    talk_s: Mapped[float | None]
    """How long the recording must be, as far as that is known."""
    length_s: Mapped[float | None]
    incomplete: Mapped[bool] = mapped_column(default=False)
    media_type: Mapped[str | None] = mapped_column(String(32))
    bytes: Mapped[int | None] = mapped_column(BigInteger)
    sha256: Mapped[str | None] = mapped_column(String(64))
    made_at: Mapped[datetime | None]
    erase_at: Mapped[datetime]
    erased_at: Mapped[datetime | None]


class LegalHold(Base):
    """Keeps a call's recording from being erased until it is lifted."""

    __tablename__ = "legal_holds"
    __table_args__ = (
        Index(
            "uq_legal_holds_open_call",
            "call_id",
            unique=True,
            sqlite_where=text("lifted_at IS NULL"),
            postgresql_where=text("lifted_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[str] = mapped_column(String(64), index=True)
    reason: Mapped[str] = mapped_column(SealedText("legal_holds.reason"))
    set_by: Mapped[int] = mapped_column(ForeignKey("users.id"))
    set_at: Mapped[datetime]
    lift_reason: Mapped[str | None] = mapped_column(SealedText("legal_holds.lift_reason"))
    lifted_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    lifted_at: Mapped[datetime | None]
