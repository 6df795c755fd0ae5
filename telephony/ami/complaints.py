"""What may come in floods is said once, and then now and then with how often it came (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

QUIET = timedelta(seconds=10)
MOST_SUBJECTS = 100


@dataclass(slots=True)
class _Said:
    at: datetime
    times: int = 0


class Complaints:
    """One subject is said at once, and again after ``quiet`` at the earliest."""

    def __init__(self, quiet: timedelta = QUIET) -> None:
        self._quiet = quiet
        self._said: dict[str, _Said] = {}

    def times(self, subject: str, now: datetime) -> int:
        """How many to report now, this one included; 0 while it is too early."""
        said = self._said.get(subject)
        if said is None or not timedelta(0) <= now - said.at < self._quiet:
            if said is None and len(self._said) >= MOST_SUBJECTS:
                del self._said[next(iter(self._said))]
            self._said[subject] = _Said(now)
            return 1 + (said.times if said else 0)
        said.times += 1
        return 0
