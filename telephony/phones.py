"""What the switch says of a phone, told to the agent who sits at it (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from telephony.agents import Agents
from telephony.events import AgentEvent
from telephony.facts import ContactStatus, QueueMember
from telephony.ids import SeatId
from telephony.members import IDLE_NUMBER, seat_of

ABSENT_STATES = frozenset({"UNAVAILABLE", "INVALID"})
ABSENT_NUMBERS = frozenset({4, 5})
IDLE = "NOT_INUSE"
SAYS_NOTHING = frozenset({"UNKNOWN"})
SAYS_NOTHING_NUMBER = 0
PRESENT_CONTACTS = frozenset({"Created", "Updated", "Reachable", "NonQualified"})
"""A removed contact proves nothing: a page that reloads registers anew before its old contact goes."""
UNREACHABLE = "Unreachable"


class Phones:
    """It keeps nothing: three ways in which the switch speaks of a phone, and one in which the agents are told."""

    def __init__(self, agents: Agents) -> None:
        self._agents = agents

    def member(self, fact: QueueMember, now: datetime) -> Sequence[AgentEvent]:
        seat = seat_of(fact.interface)
        if seat is None or fact.status == SAYS_NOTHING_NUMBER:
            return ()
        there = fact.status not in ABSENT_NUMBERS
        return self._agents.phone(seat, there=there, in_use=there and fact.status != IDLE_NUMBER, at=fact.at, now=now)

    def device(self, device: str, state: str, at: datetime, now: datetime) -> Sequence[AgentEvent]:
        seat = seat_of(device)
        if seat is None or state in SAYS_NOTHING:
            return ()
        there = state not in ABSENT_STATES
        return self._agents.phone(seat, there=there, in_use=there and state != IDLE, at=at, now=now)

    def contact(self, fact: ContactStatus, now: datetime) -> Sequence[AgentEvent]:
        if fact.status == UNREACHABLE:
            return self._agents.unreachable(SeatId(fact.endpoint), at=fact.at, now=now)
        if fact.status not in PRESENT_CONTACTS:
            return ()
        return self._agents.phone(SeatId(fact.endpoint), there=True, at=fact.at, now=now)
