"""How far logs and writers have come."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from api.store.tables.base import Base


class SpoolMark(Base):
    """How far the items of one run of one writer have been committed; moved in each item's own transaction."""

    __tablename__ = "spool_marks"

    writer: Mapped[str] = mapped_column(String(32), primary_key=True)
    run: Mapped[str] = mapped_column(String(24), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]


class LogPosition(Base):
    """How far a log has been read, and when: the switch's own (``file_id`` tells a rotated file from the one after
    it), or the audit log."""

    __tablename__ = "log_positions"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    file_id: Mapped[str] = mapped_column(String(64))
    place: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
