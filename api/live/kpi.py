"""Today's figures of the whole hotline and of each dialled number: arrived, answered, abandoned, in time (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo

from api.live.parts import Kpi, LineKpi
from api.times import day_of
from telephony.events import CallAnswered, CallArrived, CallEnded, CallOutcome, Event
from telephony.ids import CallId, LineNumber
from telephony.queues import PROMISED_S, Taken


@dataclass(kw_only=True, slots=True)
class _Count:
    arrived: int = 0
    answered: int = 0
    abandoned: int = 0
    in_time: int = 0
    longest_wait_s: float = 0.0


@dataclass(kw_only=True, slots=True)
class _Seen:
    """One call of today."""

    line: LineNumber
    answered: bool = False
    abandoned: bool = False
    ended: bool = False


@dataclass(kw_only=True)
class DayKpi:
    """Each call counts once, however often it is told of; a new day begins at local midnight.

    Calls that an operator placed are none of these figures, and those of no known line stand in the sums alone. Whoever
    waits over midnight is a call of the new day.
    """

    zone: tzinfo
    day: date | None = None
    _calls: dict[CallId, _Seen] = field(default_factory=dict)
    _lines: dict[LineNumber, _Count] = field(default_factory=dict)

    def seed(self, calls: Iterable[tuple[CallId, Taken]], now: datetime) -> None:
        """What the records hold of today already."""
        self._turn(now)
        for call_id, taken in calls:
            self._arrive(call_id, taken.line)
            if taken.answered:
                self._answer(call_id, taken.wait_s)
            elif taken.abandoned:
                self._abandon(call_id, taken.wait_s)

    def apply(self, event: Event) -> None:
        match event:
            case CallArrived():
                self._turn(event.at)
                self._arrive(event.call_id, event.line)
            case CallAnswered() if not (event.returned or event.transferred):
                self._turn(event.at)
                self._answer(event.call_id, None if event.rebuilt else event.wait_s)
            case CallEnded():
                self._turn(event.at)
                if event.outcome is CallOutcome.ABANDONED:
                    self._abandon(event.call_id, event.wait_s)
                if event.call_id in self._calls:
                    self._calls[event.call_id].ended = True

    def now(self, at: datetime) -> Kpi:
        self._turn(at)
        shown = {str(line): _shown(count) for line, count in sorted(self._lines.items())}
        in_all = shown.values()
        return Kpi(
            answered=sum(one.answered for one in in_all),
            arrived=sum(one.arrived for one in in_all),
            abandoned=sum(one.abandoned for one in in_all),
            within_15s=sum(one.within_15s for one in in_all),
            longest_wait_s=max((one.longest_wait_s for one in in_all), default=0.0),
            lines={line: one for line, one in shown.items() if line},
        )

    def _arrive(self, call_id: CallId, line: LineNumber) -> None:
        if call_id not in self._calls:
            self._calls[call_id] = _Seen(line=line)
            self._lines.setdefault(line, _Count()).arrived += 1

    def _answer(self, call_id: CallId, wait_s: float | None) -> None:
        call = self._calls.get(call_id)
        if call is None or call.answered:
            return
        call.answered = True
        count = self._lines[call.line]
        count.answered += 1
        count.in_time += wait_s is not None and wait_s <= PROMISED_S
        count.longest_wait_s = max(count.longest_wait_s, wait_s or 0.0)

    def _abandon(self, call_id: CallId, wait_s: float | None) -> None:
        call = self._calls.get(call_id)
        if call is None or call.abandoned or call.answered:
            return
        call.abandoned = True
        count = self._lines[call.line]
        count.abandoned += 1
        count.longest_wait_s = max(count.longest_wait_s, wait_s or 0.0)

    def _turn(self, now: datetime) -> None:
        """A late event of yesterday does not bring yesterday back."""
        today = day_of(now, self.zone)
        if self.day is not None and today <= self.day:
            return
        self.day = today
        waiting = {key: one for key, one in self._calls.items() if not (one.answered or one.ended)}
        self._calls, self._lines = {}, {}
        for call_id, call in waiting.items():
            self._arrive(call_id, call.line)


def _shown(count: _Count) -> LineKpi:
    return LineKpi(
        answered=count.answered,
        arrived=count.arrived,
        abandoned=count.abandoned,
        within_15s=count.in_time,
        longest_wait_s=round(count.longest_wait_s, 1),
    )
