"""Matters handed over to centres, and which goes where."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from api.store.sealing import SealedText
from api.store.tables.base import Base, BigId


class HandoffRecord(Base):
    """A way of a call to somebody else, from the key that was pressed to its outcome. ``version`` grows with each edit.

    ``outcome`` is what the switch saw, ``settled`` what people agreed on.
    """

    __tablename__ = "handoffs"
    __table_args__ = (Index(None, "centre", "started_at"), Index(None, "agent_id", "started_at"))

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    number: Mapped[str] = mapped_column(String(24), unique=True)
    transfer_id: Mapped[str] = mapped_column(String(80), unique=True)
    call_id: Mapped[str] = mapped_column(String(64), index=True)
    centre: Mapped[str] = mapped_column(String(16), default="")
    """Code of the centre; empty for operators, queues and numbers."""
    target_kind: Mapped[str] = mapped_column(String(16))
    target_value: Mapped[str] = mapped_column(SealedText("handoffs.target_value"))
    mode: Mapped[str] = mapped_column(String(16))
    agent_id: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16), index=True)
    outcome: Mapped[str | None] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(16))
    settled: Mapped[str | None] = mapped_column(String(16))
    first_receiver: Mapped[str] = mapped_column(String(16))
    """The hotline or centre that the citizen called first: it keeps the matter while nobody has taken it over."""
    keep_line: Mapped[bool] = mapped_column(default=False)
    receipt: Mapped[str | None] = mapped_column(String(64))
    summary: Mapped[str | None] = mapped_column(SealedText("handoffs.summary"))
    note: Mapped[str | None] = mapped_column(SealedText("handoffs.note"))
    push_state: Mapped[str] = mapped_column(String(16))
    push_tries: Mapped[int] = mapped_column(default=0)
    push_due_at: Mapped[datetime | None]
    """When the summary is sent, or sent again; null: nothing to send."""
    push_error: Mapped[str | None] = mapped_column(String(48))
    summary_pushed_at: Mapped[datetime | None]
    started_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]
    version: Mapped[int]


class HandoffStep(Base):
    """One row of the ledger. ``event_key`` makes a replay harmless."""

    __tablename__ = "handoff_steps"
    __table_args__ = (UniqueConstraint("handoff_id", "event_key"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    handoff_id: Mapped[str] = mapped_column(ForeignKey("handoffs.id"))
    at: Mapped[datetime]
    step: Mapped[str] = mapped_column(String(16))
    route: Mapped[int]
    reason: Mapped[str | None] = mapped_column(String(16))
    leg: Mapped[str | None] = mapped_column(String(64))
    event_key: Mapped[str] = mapped_column(String(64))


class HandoffDay(Base):
    """The last handoff number given out on one local day."""

    __tablename__ = "handoff_days"

    day: Mapped[str] = mapped_column(String(8), primary_key=True)
    last: Mapped[int]


class DiversionItem(Base):
    """双向分流清单: which matters go from this hotline to a centre (``to``), and which come from it (``from``)."""

    __tablename__ = "diversion_items"

    id: Mapped[int] = mapped_column(primary_key=True)
    centre: Mapped[str] = mapped_column(String(16), index=True)
    direction: Mapped[str] = mapped_column(String(8))
    item: Mapped[str] = mapped_column(String(200))
    rule: Mapped[str] = mapped_column(String(200))
    note: Mapped[str] = mapped_column(String(400), default="")
    source: Mapped[str] = mapped_column(String(32))
    """``project_default`` until the city's own list replaces it."""
    active: Mapped[bool] = mapped_column(default=True)
    position: Mapped[int] = mapped_column(default=0)
