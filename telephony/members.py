"""Seats as queue members: what the switch was told, what it says it has, and the orders between the two (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from telephony.duties import IN_CALL, Agent
from telephony.events import DriftRepaired
from telephony.facts import QueueMember, QueueMemberRemoved, Snapshot
from telephony.ids import AgentId, QueueName, SeatId
from telephony.orders import IN_FLIGHT, AddMember, Order, PauseMember, RemoveMember, SetPenalty

INTERFACE = "PJSIP/"
IDLE_NUMBER = 1
"""A phone that is not in use."""
REASON_LENGTH = 79
"""So many characters of the reason of a pause the switch keeps."""
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
            return self._rearrange(agent, told, now)
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
        if isinstance(order, AddMember | PauseMember | SetPenalty):
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
                for kind, mended in self._mend(agent, now).items():
                    orders += mended
                    drifts.append(DriftRepaired(at=now, kind=kind, subject=agent.seat))
        if rebuild:
            return orders, []
        wanted = {(queue, agent.seat) for agent in agents for queue in agent.queues}
        strangers = {place: one for place, one in self._found.items() if place not in wanted}
        if self.strangers_stay:
            seated = {agent.seat for agent in agents}
            away = {place: one for place, one in strangers.items() if place[1] not in seated}
            for seat, code in _in_no_call(away).items():
                orders.append(PauseMember(seat=seat, paused=bool(code), reason=code))
                drifts.append(DriftRepaired(at=now, kind="member_pause", subject=seat))
        elif snapshot.all_queues:
            for queue, seat in strangers:
                orders.append(RemoveMember(queue=queue, seat=seat))
                drifts.append(DriftRepaired(at=now, kind="ghost_member", subject=seat))
        return orders, drifts

    def _mend(self, agent: Agent, now: datetime) -> dict[str, list[Order]]:
        """Kinds of differences, each with its orders."""
        found = [self._found.get((queue, agent.seat)) for queue in agent.queues]
        here = [one for one in found if one is not None and one.member == agent.id]
        if len(here) < len(found):
            return {"member_missing": self._place(agent, now)}
        self._note(agent, now)
        mended: dict[str, list[Order]] = {}
        if levels := [order for queue in agent.queues for order in self._enter(agent, queue)]:
            mended["member_level"] = levels
        if any(one.paused == agent.takes_calls or _held_for(one) != agent.pause_code[:REASON_LENGTH] for one in here):
            mended["member_pause"] = [_pause(agent)]
        return mended

    def _place(self, agent: Agent, now: datetime) -> list[Order]:
        """Put the seat into its queues, and no others, under this name; its pause is set where it is already."""
        self._note(agent, now)
        at_seat = sorted(queue for queue, seat in self._found if seat == agent.seat)
        orders = self._leave(agent.seat, [queue for queue in at_seat if queue not in agent.queues])
        orders += [order for queue in agent.queues for order in self._enter(agent, queue)]
        return [*orders, _pause(agent)] if set(at_seat) & set(agent.queues) else orders

    def _enter(self, agent: Agent, queue: QueueName) -> list[Order]:
        found, penalty = self._found.get((queue, agent.seat)), places_of(agent)[queue]
        if found is None:
            return [_add(agent, queue)]
        if found.member != agent.id:
            return [RemoveMember(queue=queue, seat=agent.seat), _add(agent, queue)]
        return [SetPenalty(queue=queue, seat=agent.seat, penalty=penalty)] if found.penalty != penalty else []

    def _rearrange(self, agent: Agent, told: _Told, now: datetime) -> list[Order]:
        """Out of the queues that this person serves no more, into the new ones, and to the new levels."""
        self._note(agent, now)
        wanted = places_of(agent)
        orders = self._leave(agent.seat, sorted(told.places.keys() - wanted.keys()))
        for queue, penalty in wanted.items():
            if queue not in told.places:
                orders += self._enter(agent, queue)
            elif told.places[queue] != penalty:
                orders.append(SetPenalty(queue=queue, seat=agent.seat, penalty=penalty))
        moved = (told.paused, told.code) != (not agent.takes_calls, agent.pause_code)
        return [*orders, _pause(agent)] if moved and told.places.keys() & wanted.keys() else orders

    def _leave(self, seat: SeatId, queues: Iterable[QueueName]) -> list[Order]:
        orders: list[Order] = []
        for queue in queues:
            self._found.pop((queue, seat), None)
            orders.append(RemoveMember(queue=queue, seat=seat))
        return orders

    def _note(self, agent: Agent, now: datetime) -> None:
        self._told[agent.seat] = _Told(not agent.takes_calls, agent.pause_code, places_of(agent), now)

    def _in_flight(self, agent: Agent, now: datetime) -> bool:
        told = self._told.get(agent.seat)
        return told is not None and abs(now - told.at) < IN_FLIGHT


def places_of(agent: Agent) -> dict[QueueName, int]:
    """The queues that a person serves, each with the switch's penalty: who has the lower one is rung first."""
    return {queue: agent.levels.get(queue, FIRST_LEVEL) for queue in agent.queues}


def _held_for(member: QueueMember) -> str:
    return member.paused_reason if member.paused else ""


def _in_no_call(strangers: Mapping[Place, QueueMember]) -> dict[SeatId, str]:
    """Seats whose pause was to last for a call, and whose phone is idle, each with what is left of the pause.

    Whose process died in such a call may come back late: until then the switch goes on with those who are there.
    """
    idle = {seat: one for (_, seat), one in strangers.items() if one.paused and one.status == IDLE_NUMBER}
    codes = {seat: one.paused_reason.split(",") for seat, one in idle.items()}
    return {
        seat: ",".join(word for word in words if word != IN_CALL) for seat, words in codes.items() if IN_CALL in words
    }


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
