"""The present, and the local days that figures and lists are made of."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, tzinfo


def utc_now() -> datetime:
    return datetime.now(UTC)


def midnight(day: date, zone: tzinfo) -> datetime:
    """When this local day begins."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def day_of(at: datetime, zone: tzinfo) -> date:
    """The local day of a moment."""
    return at.astimezone(zone).date()
