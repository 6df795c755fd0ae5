"""A call is brought together with somebody else: dialling, three-way, private word, hand-over (pure).

What is true of a transfer is read off its channels, so a restart of ours in the middle of it loses nothing: who is in a
bridge with whom, whose leg has ended and how. Only what was wished for (to leave, to drop the target) is remembered.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from telephony import facts
from telephony.agents import Agents
from telephony.calls import Calls
from telephony.cases import COMES_BACK_WITHIN, Case, guest_of
from telephony.centres import Reach, Route
from telephony.channels import PARKED, Track
from telephony.commands import BringTogether, CallTarget, Command, DropTarget, GoPrivate, LeaveCall
from telephony.duties import Agent
from telephony.errors import Refused
from telephony.events import AgentStatus, Event, TransferStep, TransferStepped
from telephony.facts import Fact, Snapshot
from telephony.failures import Failures
from telephony.hearing import Hearing
from telephony.ids import AgentId, CallId, ChannelId, SeatId
from telephony.ledgers import Ledger, Legs
from telephony.legs import Purpose, is_target, is_way_back, leg_of, serial_of
from telephony.news import News
from telephony.orders import DialLeg, HangUpChannel, Order, RedirectChannel
from telephony.routings import LEAVE, forward, is_forwarding, pair
from telephony.stages import (
    OPEN,
    TALKING,
    TRANSITIONS,
    UNMET,
    StepTaken,
    Transfer,
    TransferOutcome,
    TransferSignal,
    TransferState,
)
from telephony.tables import Machine, Unlisted
from telephony.targets import Target, TargetKind, TransferMode
from telephony.testimony import channels_of
from telephony.ways import Parcel, Way, parcel_of

__all__ = ["TRANSITIONS", "StepTaken", "Transfer", "TransferOutcome", "TransferState", "Transfers"]

TransferCommand = CallTarget | GoPrivate | BringTogether | LeaveCall | DropTarget

RETURN_RING_S = 8.0
"""The page of an operator who comes back answers by itself."""

_ALLOWED: Mapping[type[Command], frozenset[TransferState]] = {
    GoPrivate: frozenset({TransferState.JOINED}),
    BringTogether: frozenset({TransferState.PRIVATE}),
    LeaveCall: TALKING,
    DropTarget: OPEN,
}


class Transfers:
    """The latest transfer of each call. It never acts by itself: facts, commands and the clock bring what follows."""

    def __init__(self, calls: Calls, agents: Agents, reach: Reach, hearing: Hearing, failures: Failures) -> None:
        self.reach = reach
        self._hearing = hearing
        self._failures = failures
        self._calls = calls
        self._agents = agents
        self._cases: dict[CallId, Case] = {}
        self._let_go: set[CallId] = set()
        self._machine: Machine[TransferState, TransferSignal] = Machine("transfer", TRANSITIONS)

    @property
    def all(self) -> Mapping[CallId, Transfer]:
        """The latest of each call; one that has ended stays as long as its call."""
        return MappingProxyType({call_id: case.transfer for call_id, case in self._cases.items()})

    def take_unlisted(self) -> tuple[Unlisted, ...]:
        return self._machine.take_unlisted()

    def has_handed_over(self, call_id: CallId) -> bool:
        """The operator wanted to leave, and the citizen is with somebody else."""
        case = self._cases.get(call_id)
        return case is not None and case.transfer.outcome is TransferOutcome.HANDED_OVER

    def under_way(self, call_id: CallId) -> Transfer | None:
        """A transfer of which the operator is still a part."""
        case = self._cases.get(call_id)
        return case.transfer if case is not None and case.transfer.state in OPEN else None

    # the door ---------------------------------------------------------------------------------------------------------

    def obey(self, command: TransferCommand, now: datetime) -> News:
        """CallTarget, GoPrivate, BringTogether, LeaveCall, DropTarget. Raises Refused, UnknownCall, UnknownAgent."""
        ledger, legs = self._calls.talk_of(command.call_id, command.agent_id, type(command).__name__)
        plain = command.mode is TransferMode.THREE_WAY if isinstance(command, CallTarget) else _is_plain(command)
        if ledger.outbound and not plain:
            raise Refused(command=type(command).__name__, state="outbound", reason="in calls that come in only")
        leaves = isinstance(command, LeaveCall)
        leaves |= isinstance(command, CallTarget) and command.mode is TransferMode.BLIND
        if leaves and ledger.kept_by is not None:
            raise Refused(command=type(command).__name__, state="kept", reason="the line is to be kept")
        if isinstance(command, CallTarget):
            return self._begin(command, ledger, legs, now)
        return self._change(command, ledger, legs, now)

    def way_back(self, call_id: CallId, agent: Agent, citizen: ChannelId, now: datetime) -> list[Order]:
        """A new leg for this operator into the call, in which others talk on or ring."""
        case = self._cases.get(call_id)
        transfer = case.transfer if case is not None else None
        private = transfer is not None and transfer.state is TransferState.PRIVATE
        together: list[Order] = [RedirectChannel(channel=citizen, context="room", exten="back")] if private else []
        leg = self._calls.expect_back(call_id, agent.id, now)
        ours = transfer is not None and transfer.leg is not None and is_target(transfer.leg)
        guest = {"HOTLINE_LEG": str(transfer.leg)} if transfer is not None and ours else {}
        ring = DialLeg(
            leg=leg,
            call_id=call_id,
            endpoint=agent.seat,
            context="join",
            exten="back",
            ring_s=RETURN_RING_S,
            variables={**guest, "X-Hotline-Recover": "1", "X-Hotline-Call-Id": call_id},
        )
        return [*together, ring]

    def apply(self, fact: Fact, now: datetime) -> News:
        """What a fact that ``calls`` has taken down means for the transfers of its calls."""
        if isinstance(fact, facts.OriginateResponse) and not fact.ok:
            self._refuse(fact.channel_id, unknown=False)
        news = News()
        touched = {self._calls.call_of(channel.id) for channel in channels_of(fact)}
        for call_id in touched:
            if call_id is not None:
                with self._failures.of(call_id):
                    self._look(call_id, fact.at, news)
        return news

    def tick(self, now: datetime) -> News:
        """What only silence tells, while we hear; one call that cannot be followed keeps nobody else waiting."""
        news = News()
        if self._hearing.deaf:
            return news
        for call_id in tuple(self._cases):
            with self._failures.of(call_id):
                self._wait(call_id, now, news)
        return news

    def reconcile(self, snapshot: Snapshot) -> News:
        """Legs of transfers that we know nothing of, after a restart of ours; then what is new everywhere."""
        kept = {live.channel.id: live.variables for live in snapshot.channels}
        for leg, variables in kept.items():
            parcel = parcel_of(variables.get("HOTLINE_TRANSFER", ""))
            call_id = self._calls.call_of(leg)
            if parcel is not None and call_id is not None and is_target(leg):
                with self._failures.of(call_id):
                    self._revive(parcel, call_id, leg, kept, snapshot.at)
        news = News()
        for call_id in tuple(self._cases):
            with self._failures.of(call_id):
                self._look(call_id, snapshot.at, news)
        return news

    def failed(self, order: Order, *, unknown: bool) -> None:
        """The switch did not carry this order out, or nobody knows."""
        if isinstance(order, DialLeg):
            self._refuse(order.leg, unknown=unknown)
        elif isinstance(order, RedirectChannel) and order.context == LEAVE:
            for case in self._cases.values():
                if case.let_go and case.operator == order.channel:
                    case.let_go, case.leaving = False, unknown
        elif isinstance(order, RedirectChannel) and (is_forwarding(order.context) or order.context == "waiting"):
            for case in self._cases.values():
                same = order.channel == ChannelId(case.transfer.call_id)
                if case.blind and same and case.transfer.state in UNMET:
                    case.way.refused = not unknown

    def carried_out(self, order: Order, now: datetime) -> None:
        """A leg that waited in line to be dialled has its whole time from now on."""
        if isinstance(order, DialLeg):
            for case in self._cases.values():
                if case.way.leg == order.leg:
                    case.way.dialled_at = now

    def may_hang_up(self, leg: Track) -> bool:
        """Whether nothing has come between the order to hang this leg up and its being carried out."""
        call_id = self._calls.call_of(leg.id)
        case = self._cases.get(call_id) if call_id is not None else None
        return case is None or case.may_hang_up(leg)

    def _refuse(self, leg: ChannelId, *, unknown: bool) -> None:
        """The switch did not originate this leg, or nobody knows."""
        for case in self._cases.values():
            if case.way.leg == leg:
                case.way.refused, case.way.unsure = not unknown, unknown

    def _look(self, call_id: CallId, at: datetime, news: News) -> None:
        found = self._calls.evidence(call_id)
        if found is None:
            return
        ledger, legs = found
        _relieve(ledger, legs, news)
        case, before = self._cases.get(call_id), len(news.events)
        if case is None or case.transfer.state is TransferState.ENDED:
            self._let_go_of(ledger, legs, news)
            return
        case.see(ledger, legs, at, news)
        for event in news.events[before:]:
            taken = self._taken_over_by(event)
            if taken is not None:
                news.events += self._calls.hand_over(call_id, *taken, at)

    def _taken_over_by(self, event: Event) -> tuple[ChannelId, AgentId] | None:
        """The leg and the name of an operator with whom the citizen is alone from now on."""
        if not isinstance(event, TransferStepped) or event.target.kind is not TargetKind.AGENT or event.leg is None:
            return None
        transfer = self._cases[event.call_id].transfer
        handed = event.step is TransferStep.HANDED_OVER
        lost = event.step is TransferStep.OPERATOR_LOST and transfer.state is TransferState.HANDED_OVER
        return (event.leg, AgentId(event.target.value)) if handed or lost else None

    def _wait(self, call_id: CallId, now: datetime, news: News) -> None:
        found = self._calls.evidence(call_id)
        if found is None:
            del self._cases[call_id]
            self._let_go.discard(call_id)
        else:
            self._cases[call_id].wait(*found, now, news)

    # what operators ask -----------------------------------------------------------------------------------------------

    def _begin(self, command: CallTarget, ledger: Ledger, legs: Legs, now: datetime) -> News:
        if self.under_way(ledger.id) is not None:
            raise Refused(command="CallTarget", state=self._cases[ledger.id].transfer.state, reason="one is under way")
        if command.mode is not TransferMode.BLIND and command.target.kind is TargetKind.QUEUE:
            raise Refused(command="CallTarget", state="talking", reason="nobody talks to a queue")
        seat = self._seat_of(command.target)
        case = self._new_case(command, ledger, legs, now, self._routes(command.target, seat))
        self._cases[ledger.id] = case
        news = News(events=[case.stepped(TransferStep.REQUESTED, now)])
        news.orders += forward(ledger.citizen, command.target, seat) if case.blind else case.dial(ledger)
        return news

    def _seat_of(self, target: Target) -> SeatId | None:
        """Raises UnknownAgent, and Refused where that operator takes no call now."""
        if target.kind is not TargetKind.AGENT:
            return None
        agent = self._agents.signed_in(AgentId(target.value))
        if agent.status is not AgentStatus.READY:
            raise Refused(command="CallTarget", state=agent.status, reason="not ready")
        return agent.seat

    def _change(self, command: TransferCommand, ledger: Ledger, legs: Legs, now: datetime) -> News:
        name, case = type(command).__name__, self._cases.get(ledger.id)
        state = case.transfer.state if case else "talking"
        if case is None or state not in _ALLOWED[type(command)] or (case.blind and not isinstance(command, DropTarget)):
            raise Refused(command=name, state=state, reason="not now")
        leg = case.way.leg
        if leg is None:
            raise Refused(command=name, state=state, reason="the citizen is on the way already")
        news = News()
        if case.goes:
            if isinstance(command, LeaveCall):
                return news
            raise Refused(command=name, state=state, reason="the operator leaves")
        match command:
            case GoPrivate():
                news.orders += [
                    RedirectChannel(channel=ledger.citizen, context=PARKED, exten="s"),
                    pair((case.operator, "room", "s"), (leg, "consult", "s")),
                ]
            case BringTogether():
                news.orders.append(RedirectChannel(channel=ledger.citizen, context="room", exten="back"))
            case LeaveCall():
                case.leaving = True
                if case.transfer.state is TransferState.PRIVATE:
                    case.leaves_by = now + COMES_BACK_WITHIN
                    news.orders.append(RedirectChannel(channel=ledger.citizen, context="room", exten="back"))
                else:
                    case.let_operator_go(news)
            case DropTarget():
                case.step(TransferSignal.CANCELLED, now, news)
                case.forget_leg(ledger, legs, news)
                case.drop(leg, news, now)
        return news

    def _routes(self, target: Target, seat: SeatId | None) -> tuple[Route, ...]:
        """Raises Refused where the target cannot be reached."""
        match target.kind:
            case TargetKind.CENTRE if target.value in self.reach.centres:
                return self.reach.centres[target.value].routes
            case TargetKind.AGENT if seat is not None:
                return (self.reach.seat(seat),)
            case TargetKind.NUMBER if self.reach.allows_number(target.value):
                return (self.reach.to_number(target.value),)
            case TargetKind.QUEUE if target.value in self.reach.queues:
                return (Route(endpoint=target.value),)
        raise Refused(command="CallTarget", state="talking", reason="no such target")

    def _new_case(
        self, command: CallTarget, ledger: Ledger, legs: Legs, now: datetime, routes: tuple[Route, ...]
    ) -> Case:
        before = self._cases.get(ledger.id)
        first = ledger.new_leg(Purpose.TARGET, now)
        blind = command.mode is TransferMode.BLIND
        leg = None if blind else first
        talking = ledger.connected
        citizen = legs.get(ledger.citizen)
        number = citizen and ledger.caller_id(citizen).caller_number
        transfer = Transfer(
            id=first,
            call_id=ledger.id,
            agent_id=command.agent_id,
            target=command.target,
            mode=command.mode,
            state=TransferState.DIALLING,
            started_at=now,
            routes=len(routes),
            leg=leg,
        )
        return Case(
            transfer=transfer,
            machine=self._machine,
            hearing=self._hearing,
            operator=talking.dest if talking else ChannelId(""),
            routes=routes,
            way=Way(route=routes[0], number=1, leg=leg, dialled_at=now),
            last_serial=serial_of(first),
            caller_number=number if number and command.target.kind is TargetKind.CENTRE else self.reach.line,
            others=set(legs),
            leaving=blind,
            unwanted=dict(before.unwanted) if before else {},
        )

    # a restart of ours ------------------------------------------------------------------------------------------------

    def _revive(
        self,
        parcel: Parcel,
        call_id: CallId,
        leg_id: ChannelId,
        kept: Mapping[ChannelId, Mapping[str, str]],
        at: datetime,
    ) -> None:
        """A leg of a transfer that we know nothing of any more; how far it is, the evidence tells."""
        known, found = self._cases.get(call_id), self._calls.evidence(call_id)
        if found is None:
            return
        ledger, legs = found
        leg, talking = legs[leg_id], ledger.connected
        serial = serial_of(leg_id)
        if known is not None and known.last_serial >= serial and not known.has_lost(leg, legs.get(ledger.citizen)):
            return
        ledger.guests[leg_id] = guest_of(parcel.target)
        operator = kept.get(ledger.citizen, {}).get("HOTLINE_OPERATOR", talking.dest if talking else "")
        try:
            routes = self._routes(parcel.target, SeatId(leg.latest.value.endpoint))
        except Refused:
            routes = (Route(endpoint=leg.latest.value.endpoint),)
        number = min(parcel.route, len(routes))
        rang, up = leg.rung_at is not None, leg.up_at is not None
        transfer = Transfer(
            id=leg_of(call_id, Purpose.TARGET, parcel.serial),
            call_id=call_id,
            agent_id=parcel.agent_id,
            target=parcel.target,
            mode=parcel.mode,
            state=TransferState.RINGING if rang or up else TransferState.DIALLING,
            started_at=leg.first_at,
            route=number,
            routes=len(routes),
            leg=leg_id,
            ringing_at=leg.rung_at,
            rebuilt=True,
        )
        self._cases[call_id] = Case(
            transfer=transfer,
            machine=self._machine,
            hearing=self._hearing,
            operator=ChannelId(operator),
            routes=routes,
            way=Way(route=routes[number - 1], number=number, leg=leg_id, dialled_at=at, rang=rang or up, picked_up=up),
            last_serial=max(serial, known.last_serial if known else 0),
            caller_number=self.reach.line,
            unwanted={leg: one for leg, one in known.unwanted.items() if leg != leg_id} if known else {},
        )

    # the one place where anything changes -----------------------------------------------------------------------------

    def _let_go_of(self, ledger: Ledger, legs: Legs, news: News) -> None:
        """The citizen is alone in the dialplan. Where an operator has hung up after a talk, there is nothing to add."""
        citizen = legs.get(ledger.citizen)
        if citizen is None or not citizen.live or citizen.latest.value.context != "after":
            self._let_go.discard(ledger.id)
            return
        case = self._cases.get(ledger.id)
        lost = case is not None and case.transfer.outcome in (TransferOutcome.OPERATOR_LOST, TransferOutcome.RETURNED)
        met = [leg for leg in legs.values() if leg is not citizen and not leg.bridges.isdisjoint(citizen.bridges)]
        if lost or ledger.id in self._let_go or not met or any(leg.live for leg in met):
            return
        last = max(met, key=lambda leg: leg.ended_at or citizen.first_at)
        talked = ledger.attempts.get(last.id)
        if talked is not None and talked.connected_at is not None and last.cause == 16:
            self._let_go.add(ledger.id)
            news.orders.append(HangUpChannel(channel=citizen.id))


def _relieve(ledger: Ledger, legs: Legs, news: News) -> None:
    """The operator is back on a leg of our own: the one before, of which nobody heard that it ended, goes."""
    talking = ledger.connected
    if talking is None or not is_way_back(talking.dest):
        return
    for before in ledger.attempts.values():
        same = before is not talking and before.agent_id == talking.agent_id and before.connected_at is not None
        if same and legs[before.dest].live and not before.relieved:
            before.relieved = True
            news.orders.append(HangUpChannel(channel=before.dest))


def _is_plain(command: Command) -> bool:
    """It sends no citizen through our dialplan: in a call that we placed the operator's channel runs it."""
    return isinstance(command, LeaveCall | DropTarget)
