"""A day's calls in quarters of an hour: arrived, answered, abandoned, and how many waited at once (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

QUARTER = timedelta(minutes=15)


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """One call of a citizen, as far as its record goes."""

    arrived_at: datetime
    queued_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    abandoned: bool


@dataclass(kw_only=True, slots=True)
class Quarter:
    """From ``at``. ``waiting`` is the most that waited at one moment of it."""

    at: datetime
    arrived: int = 0
    answered: int = 0
    abandoned: int = 0
    waiting: int = 0


def quarters(calls: Iterable[Taken], begins: datetime, until: datetime) -> tuple[Quarter, ...]:
    """Of ``begins`` (a full quarter) to ``until``, the last one begun and maybe not over.

    Each thing counts when it happened; what happened outside counts nowhere, but who waited then is still waiting.
    """
    rows = list(_empty(begins, until))
    if not rows:
        return ()
    changes: list[tuple[datetime, int]] = []
    for call in calls:
        _count(rows, begins, call.arrived_at, "arrived")
        _count(rows, begins, call.answered_at, "answered")
        if call.abandoned:
            _count(rows, begins, call.ended_at, "abandoned")
        if call.queued_at is not None:
            changes.append((call.queued_at, 1))
            gone = call.answered_at or call.ended_at
            if gone is not None:
                changes.append((max(gone, call.queued_at), -1))
    _wait(rows, begins, until, changes)
    return tuple(rows)


def _empty(begins: datetime, until: datetime) -> Iterator[Quarter]:
    at = begins
    while at < until:
        yield Quarter(at=at)
        at += QUARTER


def _place(begins: datetime, at: datetime) -> int:
    return (at - begins) // QUARTER


def _count(rows: list[Quarter], begins: datetime, at: datetime | None, what: str) -> None:
    if at is not None and 0 <= (place := _place(begins, at)) < len(rows):
        setattr(rows[place], what, getattr(rows[place], what) + 1)


def _wait(rows: list[Quarter], begins: datetime, until: datetime, changes: list[tuple[datetime, int]]) -> None:
    """Whoever leaves the line at the moment at which another joins it waits beside nobody."""
    now, reached = 0, 0
    for at, change in sorted(changes, key=lambda each: (each[0], each[1])):
        if at >= until:
            break
        place = max(0, _place(begins, at))
        for row in rows[reached + 1 : place + 1]:
            row.waiting = max(row.waiting, now)
        reached = max(reached, place)
        now += change
        if at >= begins:
            rows[place].waiting = max(rows[place].waiting, now)
        else:
            rows[0].waiting = now
    for row in rows[reached + 1 :]:
        row.waiting = max(row.waiting, now)
