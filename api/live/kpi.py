"""Today's figures of the whole hotline: arrived, answered, abandoned, within 15 seconds (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from api.live.parts import Kpi
from api.live.today import SHANGHAI
from telephony.events import CallAnswered, CallArrived, CallEnded, CallOutcome, Event
from telephony.ids import CallId

PROMISED_S = 15.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """A recorded call of today. ``wait_s`` None: nobody saw it."""

    call_id: CallId
    answered: bool
    abandoned: bool
    wait_s: float | None


@dataclass(kw_only=True)
class DayKpi:
    """Each call counts once, whichever way it comes to be known; a new day begins at midnight in Shanghai."""

    day: date | None = None
    arrived: set[CallId] = field(default_factory=set)
    answered: set[CallId] = field(default_factory=set)
    abandoned: set[CallId] = field(default_factory=set)
    quick: set[CallId] = field(default_factory=set)
    going: set[CallId] = field(default_factory=set)
    longest_wait_s: float = 0.0

    def seed(self, calls: Iterable[Taken], now: datetime) -> None:
        self._turn(now)
        for call in calls:
            self.arrived.add(call.call_id)
            if call.answered:
                self._answer(call.call_id, call.wait_s)
            elif call.abandoned:
                self._abandon(call.call_id, call.wait_s)

    def apply(self, event: Event) -> None:
        match event:
            case CallArrived():
                self._turn(event.at)
                self.arrived.add(event.call_id)
                self.going.add(event.call_id)
            case CallAnswered() if event.call_id in self.arrived and not (event.returned or event.transferred):
                self._turn(event.at)
                self._answer(event.call_id, None if event.rebuilt else event.wait_s)
            case CallEnded():
                self.going.discard(event.call_id)
                if event.outcome is CallOutcome.ABANDONED and event.call_id in self.arrived:
                    self._turn(event.at)
                    self._abandon(event.call_id, event.wait_s)

    def now(self, at: datetime) -> Kpi:
        self._turn(at)
        return Kpi(
            answered=len(self.answered),
            arrived=len(self.arrived),
            abandoned=len(self.abandoned),
            within_15s=len(self.quick),
            longest_wait_s=round(self.longest_wait_s, 1),
        )

    def _answer(self, call_id: CallId, wait_s: float | None) -> None:
        if call_id in self.answered:
            return
        self.answered.add(call_id)
        if wait_s is not None and wait_s <= PROMISED_S:
            self.quick.add(call_id)
        self.longest_wait_s = max(self.longest_wait_s, wait_s or 0.0)

    def _abandon(self, call_id: CallId, wait_s: float | None) -> None:
        self.abandoned.add(call_id)
        self.longest_wait_s = max(self.longest_wait_s, wait_s or 0.0)

    def _turn(self, now: datetime) -> None:
        today = now.astimezone(SHANGHAI).date()
        if self.day is not None and today <= self.day:
            return
        waiting = self.going - self.answered
        self.day = today
        self.arrived, self.answered, self.abandoned, self.quick = waiting, set(), set(), set()
        self.longest_wait_s = 0.0
