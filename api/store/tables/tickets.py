"""Drafts and tickets."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from api.store.sealing import SealedJson, SealedText
from api.store.tables.base import Base


class DraftRecord(Base):
    """The ticket being written during one call. ``fields`` holds values, suggestions and evidence together."""

    __tablename__ = "drafts"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    call_id: Mapped[str] = mapped_column(String(64), unique=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    version: Mapped[int]
    status: Mapped[str] = mapped_column(String(16))
    fields: Mapped[dict[str, Any]] = mapped_column(SealedJson("drafts.fields"))
    caller_number: Mapped[str | None] = mapped_column(SealedText("drafts.caller_number"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class TicketRecord(Base):
    """A ticket (工单). ``version`` grows with every change."""

    __tablename__ = "tickets"
    __table_args__ = (Index(None, "phone_hash", "created_at"), Index(None, "caller_hash", "created_at"))

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    number: Mapped[str] = mapped_column(String(24), unique=True)
    version: Mapped[int]
    state: Mapped[str] = mapped_column(String(24), index=True)
    disposition: Mapped[str] = mapped_column(String(24))
    draft_id: Mapped[str] = mapped_column(ForeignKey("drafts.id"), unique=True)
    call_id: Mapped[str] = mapped_column(String(64), index=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(index=True)
    updated_at: Mapped[datetime]
    summary: Mapped[str] = mapped_column(Text)
    title: Mapped[str | None] = mapped_column(String(200))
    appeal_type: Mapped[str | None] = mapped_column(String(8))
    category_code: Mapped[str | None] = mapped_column(String(8))
    address: Mapped[str | None] = mapped_column(SealedText("tickets.address"))
    district: Mapped[str | None] = mapped_column(String(64))
    town: Mapped[str | None] = mapped_column(String(64))
    description: Mapped[str | None] = mapped_column(Text)
    demand: Mapped[str | None] = mapped_column(Text)
    caller_name: Mapped[str | None] = mapped_column(SealedText("tickets.caller_name"))
    caller_gender: Mapped[str | None] = mapped_column(String(8))
    contact_phone: Mapped[str | None] = mapped_column(SealedText("tickets.contact_phone"))
    phone_hash: Mapped[str | None] = mapped_column(String(64))
    caller_hash: Mapped[str | None] = mapped_column(String(64))
    occur_time: Mapped[str | None] = mapped_column(String(64))
    subject: Mapped[str | None] = mapped_column(String(120))
    urgency: Mapped[str | None] = mapped_column(String(8))
    department: Mapped[str | None] = mapped_column(String(64))
    confidential: Mapped[bool] = mapped_column(default=False)
    anonymous: Mapped[bool] = mapped_column(default=False)
    contact_note: Mapped[str | None] = mapped_column(SealedText("tickets.contact_note"))
    reply_required: Mapped[bool | None]
    amount_yuan: Mapped[int | None]
    people_count: Mapped[int | None]
    is_repeat: Mapped[bool | None]
    repeat_count: Mapped[int | None]
    previous_ticket_no: Mapped[str | None] = mapped_column(String(24))


class TicketDay(Base):
    """The last number given out on one local day; raised in the transaction that makes the ticket."""

    __tablename__ = "ticket_days"

    day: Mapped[str] = mapped_column(String(8), primary_key=True)
    last: Mapped[int]
