"""Seats as queue members: what the switch was told, what it says it has, and the orders between the two (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from telephony.duties import Agent
from telephony.events import DriftRepaired
from telephony.facts import QueueMember, QueueMemberRemoved, Snapshot
from telephony.ids import AgentId, QueueName, SeatId
from telephony.orders import AddMember, Order, PauseMember, RemoveMember

INTERFACE = "PJSIP/"
IN_FLIGHT = timedelta(seconds=5)
"""An order younger than this may not show in a snapshot yet: no difference is concluded from it."""

FIRST_LEVEL = 1
"""Of a person whose skill in a queue has no level of its own."""

Place = tuple[QueueName, SeatId]


def seat_of(interface: str) -> SeatId | None:
    """``8001`` of ``PJSIP/8001``; ``None`` for what is no seat of ours."""
    return SeatId(interface.removeprefix(INTERFACE)) if interface.startswith(INTERFACE) else None


@dataclass(frozen=True, slots=True)
class _Told:
    """The paused state last ordered for a seat."""

    paused: bool
    code: str
    places: Mapping[QueueName, int]
    """Every queue with the penalty there."""
    at: datetime


class Members:
    """The wanted state is that of the agents. It is ordered again whenever it changes, and compared with snapshots."""

    def __init__(self, *, strangers_stay: bool = False) -> None:
        self.strangers_stay = strangers_stay
        """Nobody knows yet whose shifts go on: a member of nobody may be sitting there and taking calls."""
        self._found: dict[Place, QueueMember] = {}
        self._told: dict[SeatId, _Told] = {}

    def hear(self, fact: QueueMember | QueueMemberRemoved) -> None:
        seat = seat_of(fact.interface)
        if seat is None:
            return
        if isinstance(fact, QueueMember):
            self._found[fact.queue, seat] = fact
        else:
            self._found.pop((fact.queue, seat), None)

    def pause_code(self, agent_id: AgentId, seat: SeatId) -> str:
        """Why the switch says that this member is paused; empty if it is not, or not there under this name."""
        mine = (one for (_, at_seat), one in self._found.items() if at_seat == seat and one.member == agent_id)
        return next((one.paused_reason for one in mine if one.paused), "")

    def want(self, agent: Agent, now: datetime) -> list[Order]:
        """The orders that bring the switch from what it was told to what the agent's state asks for."""
        told = self._told.get(agent.seat)
        if told is None:
            return self._place(agent, now)
        if told.places != places_of(agent):
            return [*self._leave(agent, told.places), *self._place(agent, now)]
        if not agent.queues or (told.paused, told.code) == (not agent.takes_calls, agent.pause_code):
            return []
        self._note(agent, now)
        return [_pause(agent)]

    def drop(self, seat: SeatId) -> list[Order]:
        """Take the seat out of every queue it is in."""
        told = self._told.pop(seat, None)
        queues = {queue for queue, at_seat in self._found if at_seat == seat} | set(told.places if told else ())
        for queue in queues:
            self._found.pop((queue, seat), None)
        return [RemoveMember(queue=queue, seat=seat) for queue in sorted(queues)]

    def failed(self, order: Order) -> None:
        """The switch did not do it: whoever looks next shall not believe that it was told."""
        if isinstance(order, AddMember | PauseMember):
            self._told.pop(order.seat, None)

    def compare(
        self, snapshot: Snapshot, agents: Iterable[Agent], now: datetime, *, rebuild: bool
    ) -> tuple[list[Order], list[DriftRepaired]]:
        """Orders for every difference. With ``rebuild`` (just connected) differences are no drift, and strangers stay:
        their people may be about to be signed in again. Who is missing in a list with gaps is where they were."""
        found = {(one.queue, seat): one for one in snapshot.members if (seat := seat_of(one.interface))}
        self._found = found if snapshot.all_queues or rebuild else self._found | found
        orders: list[Order] = []
        drifts: list[DriftRepaired] = []
        agents = tuple(agents)
        for agent in agents:
            if rebuild or not self._in_flight(agent, now):
                kind, mended = self._mend(agent, now)
                orders += mended
                drifts += [DriftRepaired(at=now, kind=kind, subject=agent.seat)] if kind else []
        if rebuild:
            return orders, []
        if self.strangers_stay or not snapshot.all_queues:
            return orders, drifts
        for queue, seat in self._found.keys() - {(queue, agent.seat) for agent in agents for queue in agent.queues}:
            orders.append(RemoveMember(queue=queue, seat=seat))
            drifts.append(DriftRepaired(at=now, kind="ghost_member", subject=seat))
        return orders, drifts

    def _mend(self, agent: Agent, now: datetime) -> tuple[str, list[Order]]:
        found = [self._found.get((queue, agent.seat)) for queue in agent.queues]
        if any(one is None or one.member != agent.id for one in found):
            return "member_missing", self._place(agent, now)
        if any(one is not None and one.paused == agent.takes_calls for one in found):
            self._note(agent, now)
            return "member_pause", [_pause(agent)]
        self._note(agent, now)
        return "", []

    def _place(self, agent: Agent, now: datetime) -> list[Order]:
        """Put the seat into its queues under this name; where it is already, only its pause is set."""
        self._note(agent, now)
        orders: list[Order] = []
        for queue in agent.queues:
            found = self._found.get((queue, agent.seat))
            if found is not None and found.member != agent.id:
                orders.append(RemoveMember(queue=queue, seat=agent.seat))
            if found is None or found.member != agent.id:
                orders.append(_add(agent, queue))
        known = any((queue, agent.seat) in self._found for queue in agent.queues)
        return [*orders, _pause(agent)] if known else orders

    def _leave(self, agent: Agent, places: Mapping[QueueName, int]) -> list[Order]:
        """Out of the queues that this person serves no more, or at another level."""
        wanted = places_of(agent)
        left = sorted(queue for queue, penalty in places.items() if wanted.get(queue) != penalty)
        for queue in left:
            self._found.pop((queue, agent.seat), None)
        return [RemoveMember(queue=queue, seat=agent.seat) for queue in left]

    def _note(self, agent: Agent, now: datetime) -> None:
        self._told[agent.seat] = _Told(not agent.takes_calls, agent.pause_code, places_of(agent), now)

    def _in_flight(self, agent: Agent, now: datetime) -> bool:
        told = self._told.get(agent.seat)
        return told is not None and abs(now - told.at) < IN_FLIGHT


def places_of(agent: Agent) -> dict[QueueName, int]:
    """The queues that a person serves, each with the switch's penalty: who has the lower one is rung first."""
    return {queue: agent.levels.get(queue, FIRST_LEVEL) for queue in agent.queues}


def _add(agent: Agent, queue: QueueName) -> AddMember:
    return AddMember(
        queue=queue,
        seat=agent.seat,
        agent_id=agent.id,
        paused=not agent.takes_calls,
        reason=agent.pause_code,
        penalty=places_of(agent)[queue],
    )


def _pause(agent: Agent) -> PauseMember:
    return PauseMember(seat=agent.seat, paused=not agent.takes_calls, reason=agent.pause_code)
