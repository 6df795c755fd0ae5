"""Which rule puts a caller in front, and how far (pure)."""

from __future__ import annotations

from dataclasses import dataclass

from telephony.dialplan.topology import Priority
from telephony.events import AheadReason


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What the records say of a number: calls that count before this one, and whether it is on the list."""

    calls: int
    listed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Ahead:
    priority: int
    reason: AheadReason


def ahead(rules: Priority, known: Known, *, line_priority: int = 0) -> Ahead | None:
    """The rule that puts this caller furthest in front; None where none does, or the line itself stands higher."""
    found = []
    if known.listed:
        found.append(Ahead(priority=rules.elders, reason=AheadReason.ELDER))
    if known.calls >= rules.repeat_calls:
        found.append(Ahead(priority=rules.repeat, reason=AheadReason.REPEAT))
    best = max(found, key=lambda one: one.priority, default=None)
    return best if best is not None and best.priority > line_priority else None
