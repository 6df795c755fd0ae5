"""Conversations: their records, who had a part in them, and calls that operators placed."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from api.store.sealing import SealedText
from api.store.tables.base import Base, BigId


class CallRecord(Base):
    """One conversation, written behind the call from its events."""

    __tablename__ = "calls"
    __table_args__ = (Index(None, "phone_hash", "arrived_at"), Index(None, "outcome", "arrived_at"))

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    line: Mapped[str] = mapped_column(String(16))
    queue: Mapped[str | None] = mapped_column(String(32))
    caller_number: Mapped[str | None] = mapped_column(SealedText("calls.caller_number"))
    caller_name: Mapped[str | None] = mapped_column(SealedText("calls.caller_name"))
    phone_hash: Mapped[str | None] = mapped_column(String(64))
    arrived_at: Mapped[datetime] = mapped_column(index=True)
    queued_at: Mapped[datetime | None]
    offered_at: Mapped[datetime | None]
    offers: Mapped[int] = mapped_column(default=0)
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[str | None] = mapped_column(String(16), index=True)
    agent_left_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None] = mapped_column(index=True)
    ended_by: Mapped[str | None] = mapped_column(String(16))
    outcome: Mapped[str | None] = mapped_column(String(16))
    wait_s: Mapped[float | None]
    talk_s: Mapped[float | None]
    direction: Mapped[str] = mapped_column(String(8), default="inbound", server_default="inbound")
    centre: Mapped[str | None] = mapped_column(String(16))
    """Code of the partner centre that sent the call; null for a citizen's own."""
    summary: Mapped[str | None] = mapped_column(SealedText("calls.summary"))
    """What that centre sent along."""


class CallAgent(Base):
    """An operator who has had a part in a call: answered it, placed it, was brought into it or took it over."""

    __tablename__ = "call_agents"
    __table_args__ = (Index(None, "agent_id", "call_id"),)

    call_id: Mapped[str] = mapped_column(ForeignKey("calls.id"), primary_key=True)
    agent_id: Mapped[str] = mapped_column(String(16), primary_key=True)


class CallEventRecord(Base):
    """One event of a call, in order, without the caller's number and name. ``event_key`` makes a replay harmless."""

    __tablename__ = "call_events"
    __table_args__ = (UniqueConstraint("call_id", "event_key"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    call_id: Mapped[str] = mapped_column(ForeignKey("calls.id"))
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(32))
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    event_key: Mapped[str] = mapped_column(String(64))


class OutboundCall(Base):
    """What a placed call is about, written before anybody's phone rings; callbacks keep their own attempts."""

    __tablename__ = "outbound_calls"
    __table_args__ = (Index(None, "kind", "object_id"),)

    call_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    object_id: Mapped[str] = mapped_column(String(64))
    agent_id: Mapped[str] = mapped_column(String(16))
    placed_at: Mapped[datetime]


class PriorityNumber(Base):
    """A number whose calls stand in front: the city's list of elders. ``expires_on`` is the last day it counts."""

    __tablename__ = "priority_numbers"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    phone_hash: Mapped[str] = mapped_column(String(64), unique=True)
    number: Mapped[str] = mapped_column(SealedText("priority_numbers.number"))
    note: Mapped[str] = mapped_column(SealedText("priority_numbers.note"))
    added_by: Mapped[str] = mapped_column(String(64))
    added_at: Mapped[datetime]
    expires_on: Mapped[date | None]
