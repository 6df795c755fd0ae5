"""Citizens to be called back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from api.store.sealing import SealedText
from api.store.tables.base import Base, BigId

_WHERE_UNDONE: Any = {"sqlite_where": text("status = 'open'"), "postgresql_where": text("status = 'open'")}


class CallbackRecord(Base):
    """A citizen to be called back: one open item for each number, however often that number was missed.

    Whoever holds the lease (``owner`` until ``leased_until``) may dial, and nobody else; ``dialling`` is the call that
    has been placed for it and not ended yet.
    """

    __tablename__ = "callbacks"
    __table_args__ = (
        Index("uq_callbacks_open_phone_hash", "phone_hash", unique=True, **_WHERE_UNDONE),
        Index(None, "status", "due_at"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    phone_hash: Mapped[str | None] = mapped_column(String(64))
    """Null where the number was withheld: such an item is never joined."""
    number: Mapped[str | None] = mapped_column(SealedText("callbacks.number"))
    line: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(16))
    calls: Mapped[int]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    due_at: Mapped[datetime]
    owner: Mapped[str | None] = mapped_column(String(16), index=True)
    leased_until: Mapped[datetime | None]
    dialling: Mapped[str | None] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(8))
    outcome: Mapped[str | None] = mapped_column(String(16))
    closed_at: Mapped[datetime | None]
    version: Mapped[int]


class CallbackCall(Base):
    """The missed calls behind an item, each counted once; the one that answered it by itself is here as well."""

    __tablename__ = "callback_calls"

    call_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    callback_id: Mapped[str] = mapped_column(ForeignKey("callbacks.id"), index=True)
    reason: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime]


class CallbackAttempt(Base):
    """One call placed for an item, or one result that an operator wrote down. ``result`` null: it goes on."""

    __tablename__ = "callback_attempts"
    __table_args__ = (Index("uq_callback_attempts_call_id", "call_id", unique=True),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    callback_id: Mapped[str] = mapped_column(ForeignKey("callbacks.id"), index=True)
    at: Mapped[datetime]
    agent_id: Mapped[str] = mapped_column(String(16))
    call_id: Mapped[str | None] = mapped_column(String(64))
    result: Mapped[str | None] = mapped_column(String(16))
    ended_at: Mapped[datetime | None]
    note: Mapped[str | None] = mapped_column(SealedText("callback_attempts.note"))
