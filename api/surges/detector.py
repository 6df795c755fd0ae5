"""Whether it is a surge: many callers within a time, or many who wait; over only after it has been calm (pure)."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

from telephony.dialplan.topology import Surge


class Detector:
    """Tell it of each arrival, and ask it now and then."""

    def __init__(self, rules: Surge) -> None:
        self._rules = rules
        self._window = timedelta(seconds=rules.window_s)
        self._calm = timedelta(seconds=rules.calm_s)
        self._arrivals: deque[datetime] = deque()
        self._loud_at: datetime | None = None
        """When either figure was last above the part at which it ends; None while it is no surge."""

    def arrived(self, at: datetime) -> None:
        self._arrivals.append(at)

    def arrivals(self, now: datetime) -> int:
        """Within the window before ``now``."""
        while self._arrivals and self._arrivals[0] <= now - self._window:
            self._arrivals.popleft()
        return len(self._arrivals)

    def look(self, waiting: int, now: datetime) -> bool:
        """Whether it is one now, with so many who wait."""
        rules = self._rules
        figures = ((self.arrivals(now), rules.arrivals), (waiting, rules.waiting))
        looked_at = [(figure, limit) for figure, limit in figures if limit]
        if rules.mode == "off":
            return False
        begins = any(figure >= limit for figure, limit in looked_at)
        goes_on = any(figure >= limit * rules.ends_below for figure, limit in looked_at)
        if begins or (goes_on and self._loud_at is not None):
            self._loud_at = now
        if self._loud_at is not None and now - self._loud_at >= self._calm:
            self._loud_at = None
        return self._loud_at is not None
