"""What an operator has done since local midnight: calls that came in, and the mean time one took (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo

from api.live.messages import Today
from api.times import day_of
from telephony.events import AgentEvent, AgentStatus, AgentStatusChanged, CallAnswered, Event
from telephony.ids import AgentId, CallId
from telephony.outbound import placed_by_us


@dataclass(kw_only=True)
class _Count:
    answered: int = 0
    handled: int = 0
    handle_s: float = 0.0
    answered_at: datetime | None = None


@dataclass(kw_only=True)
class DayCounts:
    """Counts of the present day; a new day begins with the first event or question after midnight."""

    zone: tzinfo
    day: date | None = None
    _by_agent: dict[AgentId, _Count] = field(default_factory=dict)
    _counted: set[tuple[CallId, AgentId]] = field(default_factory=set)

    def seed(self, handled: Iterable[tuple[CallId, AgentId, float | None]], now: datetime) -> None:
        """Calls that the records already hold of today: who answered, and the seconds it took.

        Those that were counted as they happened are passed over: the records may be read late, or twice.
        """
        self._turn(now)
        for call_id, agent_id, handle_s in handled:
            if (call_id, agent_id) in self._counted:
                continue
            self._counted.add((call_id, agent_id))
            count = self._of(agent_id)
            count.answered += 1
            if handle_s is not None:
                count.handled += 1
                count.handle_s += handle_s

    def apply(self, event: Event) -> AgentId | None:
        """The agent whose figures may have changed."""
        if isinstance(event, CallAnswered):
            if event.returned or placed_by_us(event.call_id):
                return None
            self._turn(event.at)
            self._counted.add((event.call_id, event.agent_id))
            count = self._of(event.agent_id)
            count.answered += 1
            count.answered_at = event.at
            return event.agent_id
        if isinstance(event, AgentStatusChanged) and event.status not in (
            AgentStatus.TALKING,
            AgentStatus.WRAPPING_UP,
        ):
            return self._handled(event)
        return None

    def of(self, agent_id: AgentId | None, now: datetime) -> Today:
        self._turn(now)
        count = self._by_agent.get(agent_id) if agent_id is not None else None
        if count is None:
            return Today(answered=0, handle_s=None)
        mean = round(count.handle_s / count.handled, 1) if count.handled else None
        return Today(answered=count.answered, handle_s=mean)

    def _handled(self, event: AgentEvent) -> AgentId | None:
        count = self._by_agent.get(event.agent_id)
        if count is None or count.answered_at is None:
            return None
        count.handled += 1
        count.handle_s += (event.at - count.answered_at).total_seconds()
        count.answered_at = None
        return event.agent_id

    def _of(self, agent_id: AgentId) -> _Count:
        return self._by_agent.setdefault(agent_id, _Count())

    def _turn(self, now: datetime) -> None:
        today = day_of(now, self.zone)
        if self.day is not None and today <= self.day:
            return  # a late event of yesterday does not bring yesterday back
        self.day = today
        self._counted.clear()
        still_talking = {key: count.answered_at for key, count in self._by_agent.items() if count.answered_at}
        self._by_agent = {key: _Count(answered_at=at) for key, at in still_talking.items()}
