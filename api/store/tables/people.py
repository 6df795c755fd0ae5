"""Accounts, their sessions, and who sits where and serves what."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from api.store.tables.base import WHERE_OPEN, Base, BigId


class User(Base):
    """Who may sign in. ``agent_id`` is the work number (工号) of those who take calls, ``seat`` their phone."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(64), unique=True)
    display_name: Mapped[str] = mapped_column(String(64))
    role: Mapped[str] = mapped_column(String(16))
    agent_id: Mapped[str | None] = mapped_column(String(16), unique=True)
    seat: Mapped[str | None] = mapped_column(String(16))
    password_hash: Mapped[str] = mapped_column(String(256))
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]
    password_changed_at: Mapped[datetime]


class SignInSession(Base):
    """A signed-in browser. Only a hash of its token is kept."""

    __tablename__ = "sessions"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    address: Mapped[str] = mapped_column(String(64))


class SignInAttempt(Base):
    """One try to sign in; failures of one account from one address lock it for a while."""

    __tablename__ = "login_attempts"
    __table_args__ = (Index(None, "username", "address", "at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    username: Mapped[str] = mapped_column(String(64))
    address: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
    succeeded: Mapped[bool]


class Shift(Base):
    """Who sat where, from when to when; ``ended_at`` is null while the person is signed in to the seat."""

    __tablename__ = "shifts"
    __table_args__ = (
        Index("uq_shifts_open_agent", "agent_id", unique=True, **WHERE_OPEN),
        Index("uq_shifts_open_seat", "seat", unique=True, **WHERE_OPEN),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    agent_id: Mapped[str] = mapped_column(String(16))
    seat: Mapped[str] = mapped_column(String(16))
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class UserSkill(Base):
    """Which waiting lines a person serves; of two free operators the one with the lower ``level`` is rung first."""

    __tablename__ = "user_skills"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    queue: Mapped[str] = mapped_column(String(32), primary_key=True)
    level: Mapped[int] = mapped_column(default=1)


class AgentLogRecord(Base):
    """One change of what an operator was doing: the shift log. ``event_key`` makes a replay harmless."""

    __tablename__ = "agent_log"
    __table_args__ = (UniqueConstraint("agent_id", "event_key"), Index(None, "agent_id", "at"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    agent_id: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(16))
    """``signed_in``, ``status`` or ``signed_out``."""
    seat: Mapped[str | None] = mapped_column(String(16))
    status: Mapped[str | None] = mapped_column(String(16))
    reasons: Mapped[list[str]] = mapped_column(JSON)
    call_id: Mapped[str | None] = mapped_column(String(64))
    event_key: Mapped[str] = mapped_column(String(64))
