"""A call is brought together with somebody else: dialling, three-way, private word, hand-over (pure).

What is true of a transfer is read off its channels, so a restart of ours in the middle of it loses nothing: who is in a
bridge with whom, whose leg has ended and how. Only what was wished for (to leave, to drop the target) is remembered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from telephony import facts
from telephony.agents import Agents
from telephony.calls import Calls, channels_of
from telephony.centres import Reach, Route
from telephony.channels import Track
from telephony.commands import BringTogether, CallTarget, Command, DropTarget, GoPrivate, LeaveCall
from telephony.errors import Refused
from telephony.events import AgentStatus, Event, TransferReason, TransferStep, TransferStepped
from telephony.facts import Fact, Snapshot
from telephony.ids import AgentId, CallId, ChannelId, SeatId
from telephony.ledgers import Guest, Ledger, Legs
from telephony.orders import (
    FRONT,
    DialLeg,
    HangUpChannel,
    Order,
    RedirectChannel,
    RedirectPair,
    SetVariable,
)
from telephony.stages import (
    MEETINGS,
    OPEN,
    OURS,
    OUTCOMES,
    STEPS,
    TALKING,
    TRANSITIONS,
    UNMET,
    StepTaken,
    Transfer,
    TransferOutcome,
    TransferSignal,
    TransferState,
)
from telephony.tables import Failure, Machine, Unlisted
from telephony.targets import Target, TargetKind, TransferMode
from telephony.ways import Parcel, Way, dropped, leg_of, next_serial, parcel_of, serial_of, served, why_not

__all__ = ["TRANSITIONS", "StepTaken", "Transfer", "TransferOutcome", "TransferState", "Transfers"]

SETTLES = timedelta(milliseconds=300)
"""Two legs that end together are told of in any order: so long is waited for the other before a conclusion."""
ASKS_AGAIN = timedelta(seconds=1)
"""A leg that is to be hung up and still lives is hung up again."""
LATE = timedelta(seconds=2)
"""The switch itself ends a leg that rings too long; we do it so much later, in case it did not."""


TransferCommand = CallTarget | GoPrivate | BringTogether | LeaveCall | DropTarget

_ALLOWED: Mapping[type[Command], frozenset[TransferState]] = {
    GoPrivate: frozenset({TransferState.JOINED}),
    BringTogether: frozenset({TransferState.PRIVATE}),
    LeaveCall: TALKING,
    DropTarget: OPEN,
}


@dataclass(slots=True)
class News:
    """What follows: events to publish and orders to carry out, both in order."""

    events: list[Event] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)


@dataclass(slots=True)
class _Case:
    """A transfer and what is known of it beyond its channels."""

    transfer: Transfer
    operator: ChannelId
    routes: tuple[Route, ...]
    way: Way
    last_serial: int
    caller_number: str = ""
    others: frozenset[ChannelId] = frozenset()
    """Legs that were in the call before a blind transfer began."""
    leaving: bool = False
    silent: set[ChannelId] = field(default_factory=set)
    """Legs that the dialplan dialled, and of which nothing was heard."""
    unwanted: dict[ChannelId, datetime] = field(default_factory=dict)
    """Legs to be hung up, and when to ask for it again."""

    @property
    def blind(self) -> bool:
        return self.transfer.mode is TransferMode.BLIND

    def why_not(self, leg: Track) -> TransferReason:
        if leg.id in self.silent:
            return TransferReason.SILENT
        return TransferReason.DROPPED if leg.up_at else why_not(leg)


class Transfers:
    """The latest transfer of each call. It never acts by itself: facts, commands and the clock bring what follows."""

    def __init__(self, calls: Calls, agents: Agents, reach: Reach) -> None:
        self.reach = reach
        self._calls = calls
        self._agents = agents
        self._cases: dict[CallId, _Case] = {}
        self._let_go: set[CallId] = set()
        self._failures: list[Failure] = []
        self._machine: Machine[TransferState, TransferSignal] = Machine("transfer", TRANSITIONS)

    @property
    def all(self) -> Mapping[CallId, Transfer]:
        """The latest of each call; one that has ended stays as long as its call."""
        return MappingProxyType({call_id: case.transfer for call_id, case in self._cases.items()})

    def take_unlisted(self) -> tuple[Unlisted, ...]:
        return self._machine.take_unlisted()

    def take_failures(self) -> tuple[Failure, ...]:
        taken, self._failures = tuple(self._failures), []
        return taken

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

    def apply(self, fact: Fact, now: datetime) -> News:
        """What a fact that ``calls`` has taken down means for the transfers of its calls."""
        if isinstance(fact, facts.OriginateResponse) and not fact.ok:
            self._refuse(fact.channel_id)
        news = News()
        touched = {self._calls.call_of(channel.id) for channel in channels_of(fact)}
        for call_id in touched:
            if call_id is not None:
                self._look(call_id, fact.at, news)
        return news

    def tick(self, now: datetime) -> News:
        """What only silence tells; one call that cannot be followed keeps nobody else waiting."""
        news = News()
        for call_id in tuple(self._cases):
            own = News()
            try:
                self._wait(call_id, now, own)
            except Exception as error:
                self._failures.append(Failure(subject=call_id, error=error))
            news.events += own.events
            news.orders += own.orders
        return news

    def reconcile(self, snapshot: Snapshot) -> News:
        """Legs of transfers that we know nothing of, after a restart of ours; then what is new everywhere."""
        kept = {live.channel.id: live.variables for live in snapshot.channels}
        for leg, variables in kept.items():
            parcel = parcel_of(variables.get("HOTLINE_TRANSFER", ""))
            call_id = self._calls.call_of(leg)
            if parcel is not None and call_id is not None and serial_of(leg) is not None:
                self._revive(parcel, call_id, leg, kept, snapshot.at)
        news = News()
        for call_id in tuple(self._cases):
            self._look(call_id, snapshot.at, news)
        return news

    def failed(self, order: Order) -> None:
        """The switch did not carry this order out, or did not say so."""
        if isinstance(order, DialLeg):
            self._refuse(order.leg)
        elif isinstance(order, RedirectChannel) and order.context in ("forward", "forward-number", "waiting"):
            for case in self._cases.values():
                same = order.channel == ChannelId(case.transfer.call_id)
                if case.blind and same and case.transfer.state in UNMET:
                    case.way.refused = True

    def _refuse(self, leg: ChannelId) -> None:
        """The switch did not originate this leg."""
        for case in self._cases.values():
            if case.way.leg == leg:
                case.way.refused = True

    def _look(self, call_id: CallId, at: datetime, news: News) -> None:
        found = self._calls.evidence(call_id)
        if found is None:
            return
        ledger, legs = found
        before = len(news.events)
        self._see(ledger, legs, at, news)
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

    # what operators ask -----------------------------------------------------------------------------------------------

    def _begin(self, command: CallTarget, ledger: Ledger, legs: Legs, now: datetime) -> News:
        if self.under_way(ledger.id) is not None:
            raise Refused(command="CallTarget", state=self._cases[ledger.id].transfer.state, reason="one is under way")
        if command.mode is not TransferMode.BLIND and command.target.kind is TargetKind.QUEUE:
            raise Refused(command="CallTarget", state="talking", reason="nobody talks to a queue")
        seat = self._seat_of(command.target)
        case = self._new_case(command, ledger, legs, now, self._routes(command.target, seat))
        self._cases[ledger.id] = case
        news = News(events=[self._stepped(case, TransferStep.REQUESTED, now)])
        news.orders += self._forward(case, ledger, seat) if case.blind else self._dial(case, ledger)
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
        match command:
            case GoPrivate():
                news.orders += [
                    RedirectChannel(channel=ledger.citizen, context="parked", exten="s"),
                    _pair((case.operator, "room", "s"), (leg, "consult", "s")),
                ]
            case BringTogether():
                news.orders.append(RedirectChannel(channel=ledger.citizen, context="room", exten="back"))
            case LeaveCall():
                case.leaving = True
                if case.transfer.state is TransferState.PRIVATE:
                    news.orders.append(RedirectChannel(channel=ledger.citizen, context="room", exten="back"))
                news.orders.append(RedirectChannel(channel=case.operator, context="leave", exten="s"))
            case DropTarget():
                self._step(case, TransferSignal.CANCELLED, now, news)
                self._drop(case, leg, news, now)
                self._forget_leg(case, ledger, legs, news)
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
    ) -> _Case:
        last = self._cases[ledger.id].last_serial if ledger.id in self._cases else 0
        serial = next_serial(ledger.id, last, now)
        blind = command.mode is TransferMode.BLIND
        leg = None if blind else leg_of(ledger.id, serial)
        talking = ledger.connected
        citizen = legs.get(ledger.citizen)
        number = citizen and ledger.caller_id(citizen).caller_number
        transfer = Transfer(
            id=f"{ledger.id}-t{serial}",
            call_id=ledger.id,
            agent_id=command.agent_id,
            target=command.target,
            mode=command.mode,
            state=TransferState.DIALLING,
            started_at=now,
            routes=len(routes),
            leg=leg,
        )
        return _Case(
            transfer=transfer,
            operator=talking.dest if talking else ChannelId(""),
            routes=routes,
            way=Way(route=routes[0], number=1, leg=leg, dialled_at=now),
            last_serial=serial,
            caller_number=number if number and command.target.kind is TargetKind.CENTRE else self.reach.line,
            others=frozenset(legs),
            leaving=blind,
        )

    def _dial(self, case: _Case, ledger: Ledger) -> list[Order]:
        """The leg first: everything else may come while it rings."""
        way, transfer = case.way, case.transfer
        assert way.leg is not None, "a leg that we dial has its name"
        ledger.guests[way.leg] = _guest(transfer.target)
        parcel = Parcel(
            mode=transfer.mode,
            target=transfer.target,
            route=way.number,
            agent_id=transfer.agent_id,
            serial=serial_of(ChannelId(transfer.id)) or 0,
        )
        return [
            DialLeg(
                leg=way.leg,
                call_id=ledger.id,
                endpoint=way.route.endpoint,
                number=way.route.number,
                context="consult" if transfer.mode is TransferMode.CONSULT else "join",
                exten="s",
                ring_s=way.route.ring_s,
                caller_number=case.caller_number,
                variables={
                    "HOTLINE_TRANSFER": str(parcel),
                    "HOTLINE_OPERATOR": case.operator,
                    "X-Hotline-Call-Id": ledger.id,
                },
            ),
            SetVariable(channel=ledger.citizen, name="HOTLINE_LEG", value=way.leg),
            SetVariable(channel=ledger.citizen, name="HOTLINE_OPERATOR", value=case.operator),
            SetVariable(channel=case.operator, name="HOTLINE_LEG", value=way.leg),
        ]

    def _forward(self, case: _Case, ledger: Ledger, seat: SeatId | None) -> list[Order]:
        """The citizen goes on alone; the dialplan knows what to do where nobody answers."""
        target = case.transfer.target
        match target.kind:
            case TargetKind.QUEUE:
                return to_queue(ledger.citizen, target.value)
            case TargetKind.NUMBER:
                return [RedirectChannel(channel=ledger.citizen, context="forward-number", exten=target.value)]
        return [RedirectChannel(channel=ledger.citizen, context="forward", exten=seat or target.value)]

    # what facts bring -------------------------------------------------------------------------------------------------

    def _see(self, ledger: Ledger, legs: Legs, at: datetime, news: News) -> None:
        """What is new in the evidence about this call."""
        case = self._cases.get(ledger.id)
        if case is None or case.transfer.state is TransferState.ENDED:
            self._let_go_of(ledger, legs, news)
            return
        if case.blind and case.transfer.state in UNMET:
            self._follow(case, ledger, legs, at, news)
        leg = legs.get(case.way.leg) if case.way.leg else None
        if leg is not None and case.transfer.state in OPEN:
            self._see_leg(case, ledger, legs, leg, at, news)
        if case.transfer.state in OPEN:
            self._see_ends(case, ledger, legs, leg, at, news)

    def _see_leg(self, case: _Case, ledger: Ledger, legs: Legs, leg: Track, at: datetime, news: News) -> None:
        """The target's phone rings, is picked up, joins, parts."""
        way, citizen, operator = case.way, legs.get(ledger.citizen), legs.get(case.operator)
        if leg.rung_at is not None and not way.rang:
            way.rang = True
            self._step(case, TransferSignal.RANG, at, news)
        if leg.up_at is not None and not way.picked_up:
            way.picked_up = True
            self._step(case, TransferSignal.PICKED_UP, at, news)
        if not leg.live or citizen is None or not citizen.live:
            return
        if together(leg, citizen):
            self._meet(case, at, news)
        elif together(leg, operator) and parked(citizen) and case.transfer.state is not TransferState.PRIVATE:
            self._step(case, TransferSignal.PARTED, at, news)
        waits = leg.latest.value.context == "consult" and leg.up_at is not None
        if waits and not way.fetched and case.transfer.state is TransferState.RINGING and operator and operator.live:
            way.fetched = True
            news.orders.append(_pair((ledger.citizen, "parked", "s"), (case.operator, "room", "s")))

    def _meet(self, case: _Case, at: datetime, news: News) -> None:
        if case.blind:
            ours = case.transfer.target.kind in OURS
            self._step(case, TransferSignal.TAKEN_OVER if ours else TransferSignal.HANDED_OVER, at, news)
        elif case.transfer.state is not TransferState.JOINED:
            self._step(case, TransferSignal.JOINED, at, news)

    def _see_ends(self, case: _Case, ledger: Ledger, legs: Legs, leg: Track | None, at: datetime, news: News) -> None:
        """Somebody has gone. Who else is still there decides."""
        citizen, operator = legs.get(ledger.citizen), legs.get(case.operator)
        if citizen is not None and not citizen.live:
            self._step(case, TransferSignal.CALLER_LEFT, at, news)
            if not case.way.picked_up:
                self._drop(case, case.way.leg, news, at)
        elif leg is not None and not leg.live:
            self._lose_leg(case, ledger, legs, leg, at, news)
        elif case.transfer.state in TALKING and (operator is None or not operator.live):
            self._lose_operator(case, ledger, operator, at, news)

    def _lose_leg(self, case: _Case, ledger: Ledger, legs: Legs, leg: Track, at: datetime, news: News) -> None:
        if leg.up_at is None and case.blind:
            return
        if leg.up_at is None:
            self._next_way(case, ledger, legs, why_not(leg), at, news)
        elif case.transfer.state in UNMET or dropped(leg):
            self._next_way(case, ledger, legs, TransferReason.DROPPED, at, news)
        else:
            self._step(case, TransferSignal.TARGET_LEFT, at, news)
            self._forget_leg(case, ledger, legs, news)

    def _lose_operator(self, case: _Case, ledger: Ledger, operator: Track | None, at: datetime, news: News) -> None:
        """The citizen is with the target. A phone that is hung up says that its operator wants to leave."""
        hung_up = operator is None or (operator.cause == 16 and case.transfer.state is TransferState.JOINED)
        wished = case.leaving or (hung_up and ledger.kept_by is None)
        if not wished:
            self._step(case, TransferSignal.OPERATOR_LOST, at, news)
        elif case.transfer.target.kind in OURS:
            self._step(case, TransferSignal.TAKEN_OVER, at, news)
        else:
            self._step(case, TransferSignal.HANDED_OVER, at, news)

    def _follow(self, case: _Case, ledger: Ledger, legs: Legs, at: datetime, news: News) -> None:
        """A blind transfer: the dialplan dials one way after the other."""
        started_at = case.transfer.started_at
        if case.transfer.target.kind is TargetKind.QUEUE:
            if ledger.joined_at > started_at and ledger.queue == case.transfer.target.value:
                self._step(case, TransferSignal.TAKEN_OVER, at, news)
            return
        for leg in legs.values():
            rung = leg.id in ledger.attempts or leg.id in ledger.recalls or leg.id in case.others
            if rung or leg.id == case.way.leg or leg.first_at < case.way.dialled_at:
                continue
            before = legs.get(case.way.leg) if case.way.leg else None
            if before is not None:
                self._step(case, TransferSignal.WAY_FAILED, at, news, case.why_not(before))
            number = min(case.way.number + (before is not None), len(case.routes))
            case.way = Way(route=case.routes[number - 1], number=number, leg=leg.id, dialled_at=leg.first_at)
            case.transfer = replace(case.transfer, route=number, leg=leg.id)
            ledger.guests[leg.id] = _guest(case.transfer.target)

    def _next_way(
        self, case: _Case, ledger: Ledger, legs: Legs, reason: TransferReason, at: datetime, news: News
    ) -> None:
        """This way failed: the next one, while the citizen and the operator talk on."""
        operator = legs.get(case.operator)
        if case.way.number >= len(case.routes) or operator is None or not operator.live:
            self._step(case, TransferSignal.FAILED, at, news, reason)
            self._forget_leg(case, ledger, legs, news)
            return
        self._step(case, TransferSignal.WAY_FAILED, at, news, reason)
        case.last_serial = next_serial(ledger.id, case.last_serial, at)
        number = case.way.number + 1
        leg = leg_of(ledger.id, case.last_serial)
        case.way = Way(route=case.routes[number - 1], number=number, leg=leg, dialled_at=at)
        case.transfer = replace(case.transfer, route=number, leg=leg)
        news.orders += self._dial(case, ledger)

    # what the clock brings --------------------------------------------------------------------------------------------

    def _wait(self, call_id: CallId, now: datetime, news: News) -> None:
        case, found = self._cases[call_id], self._calls.evidence(call_id)
        if found is None:
            del self._cases[call_id]
            self._let_go.discard(call_id)
            return
        ledger, legs = found
        leg = legs.get(case.way.leg) if case.way.leg else None
        if case.transfer.state in UNMET:
            self._wait_for_leg(case, ledger, legs, leg, now, news)
        if case.transfer.state in UNMET and not case.blind:
            operator = legs.get(case.operator)
            gone = operator.ended_at if operator is not None else case.way.dialled_at if case.transfer.rebuilt else None
            if gone is not None and gone <= now - SETTLES:
                self._step(case, TransferSignal.OPERATOR_LOST, now, news)
                self._drop(case, case.way.leg, news, now)
        if case.transfer.state is TransferState.HANDED_OVER:
            self._wait_for_end(case, ledger, legs, leg, now, news)
        self._hang_up_again(case, legs, now, news)

    def _wait_for_leg(
        self, case: _Case, ledger: Ledger, legs: Legs, leg: Track | None, now: datetime, news: News
    ) -> None:
        way, since = case.way, now - case.way.dialled_at
        if case.blind:
            self._wait_for_way(case, leg, now, news)
            return
        sign = leg is not None and (leg.rung_at or leg.up_at)
        picked_up = leg is not None and leg.up_at is not None
        reason: TransferReason | None = None
        if leg is None and way.refused:
            reason = TransferReason.SWITCH
        elif not sign and since >= timedelta(seconds=way.route.first_sign_s):
            reason = TransferReason.SILENT
        elif not picked_up and since >= timedelta(seconds=way.route.ring_s) + LATE:
            reason = TransferReason.NO_ANSWER
        if reason is not None:
            self._drop(case, way.leg, news, now)
            self._next_way(case, ledger, legs, reason, now, news)

    def _wait_for_way(self, case: _Case, leg: Track | None, now: datetime, news: News) -> None:
        """The dialplan goes on by itself; only that a way is dead, or the last one failed, is seen here."""
        last = case.way.number >= len(case.routes)
        if leg is None and case.way.refused:
            self._step(case, TransferSignal.FAILED, now, news, TransferReason.SWITCH)
        elif leg is None:
            return
        elif leg.ended_at is not None and last and leg.ended_at <= now - SETTLES:
            self._step(case, TransferSignal.FAILED, now, news, case.why_not(leg))
        elif leg.live and not (leg.rung_at or leg.up_at):
            silent = now - case.way.dialled_at >= timedelta(seconds=case.way.route.first_sign_s)
            if silent and leg.id not in case.silent:
                case.silent.add(leg.id)
                self._drop(case, leg.id, news, now)

    def _wait_for_end(
        self, case: _Case, ledger: Ledger, legs: Legs, leg: Track | None, now: datetime, news: News
    ) -> None:
        citizen = legs.get(ledger.citizen)
        if citizen is None or not citizen.live:
            self._step(case, TransferSignal.COMPLETED, now, news)
        elif leg is None or (leg.ended_at is not None and leg.ended_at <= now - SETTLES):
            since = case.transfer.joined_at or now
            if leg is not None and served(leg, since):
                self._step(case, TransferSignal.COMPLETED, now, news)
                news.orders.append(HangUpChannel(channel=ledger.citizen))
            else:
                self._step(case, TransferSignal.RETURNED, now, news)

    def _hang_up_again(self, case: _Case, legs: Legs, now: datetime, news: News) -> None:
        for unwanted, due in tuple(case.unwanted.items()):
            leg = legs.get(unwanted)
            if leg is not None and not leg.live:
                del case.unwanted[unwanted]
            elif leg is not None and due <= now:
                case.unwanted[unwanted] = now + ASKS_AGAIN
                news.orders.append(HangUpChannel(channel=unwanted))

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
        serial = serial_of(leg_id) or parcel.serial
        if found is None or (known is not None and known.last_serial >= serial):
            return
        ledger, legs = found
        leg, talking = legs[leg_id], ledger.connected
        ledger.guests[leg_id] = _guest(parcel.target)
        operator = kept.get(ledger.citizen, {}).get("HOTLINE_OPERATOR", talking.dest if talking else "")
        try:
            routes = self._routes(parcel.target, SeatId(leg.latest.value.endpoint))
        except Refused:
            routes = (Route(endpoint=leg.latest.value.endpoint),)
        number = min(parcel.route, len(routes))
        rang, up = leg.rung_at is not None, leg.up_at is not None
        transfer = Transfer(
            id=f"{call_id}-t{parcel.serial}",
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
        self._cases[call_id] = _Case(
            transfer=transfer,
            operator=ChannelId(operator),
            routes=routes,
            way=Way(route=routes[number - 1], number=number, leg=leg_id, dialled_at=at, rang=rang or up, picked_up=up),
            last_serial=serial,
            caller_number=self.reach.line,
        )

    # the one place where anything changes -----------------------------------------------------------------------------

    def _step(
        self, case: _Case, signal: TransferSignal, at: datetime, news: News, reason: TransferReason | None = None
    ) -> None:
        was = case.transfer
        state = self._machine.step(was.state, signal)
        if state is None:
            return
        case.transfer = replace(
            was,
            state=state,
            outcome=OUTCOMES.get(signal, was.outcome),
            reason=reason or was.reason,
            ringing_at=was.ringing_at or (at if signal is TransferSignal.RANG else None),
            joined_at=was.joined_at or (at if signal in MEETINGS else None),
            ended_at=at if state is TransferState.ENDED else None,
        )
        news.events.append(self._stepped(case, STEPS[signal], at, reason))

    def _stepped(
        self, case: _Case, step: TransferStep, at: datetime, reason: TransferReason | None = None
    ) -> TransferStepped:
        taken = StepTaken(at=at, step=step, route=case.way.number, reason=reason)
        case.transfer = transfer = replace(case.transfer, steps=(*case.transfer.steps, taken))
        return TransferStepped(
            at=at,
            call_id=transfer.call_id,
            transfer_id=transfer.id,
            step=step,
            agent_id=transfer.agent_id,
            target=transfer.target,
            mode=transfer.mode,
            route=case.way.number,
            leg=case.way.leg,
            reason=reason,
        )

    def _drop(self, case: _Case, leg: ChannelId | None, news: News, now: datetime) -> None:
        if leg is not None:
            case.unwanted[leg] = now + ASKS_AGAIN
            news.orders.append(HangUpChannel(channel=leg))

    def _forget_leg(self, case: _Case, ledger: Ledger, legs: Legs, news: News) -> None:
        """Nobody else is in the call any more: its end is again the end of citizen and operator."""
        citizen, operator = legs.get(ledger.citizen), legs.get(case.operator)
        if citizen is not None and citizen.live and operator is not None and operator.live and not case.blind:
            news.orders.append(SetVariable(channel=ledger.citizen, name="HOTLINE_LEG", value=""))

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


def _guest(target: Target) -> Guest:
    """Whose leg the target's is."""
    if target.kind is TargetKind.AGENT:
        return Guest("operator", AgentId(target.value))
    return Guest(target.kind)


def _is_plain(command: Command) -> bool:
    """It sends no citizen through our dialplan: in a call that we placed the operator's channel runs it."""
    return isinstance(command, LeaveCall | DropTarget)


def to_queue(citizen: ChannelId, queue: str) -> list[Order]:
    """In front of everybody who waits there."""
    return [
        SetVariable(channel=citizen, name="HOTLINE_QUEUE", value=queue),
        SetVariable(channel=citizen, name="HOTLINE_PRIORITY", value=str(FRONT)),
        RedirectChannel(channel=citizen, context="waiting", exten="s"),
    ]


def together(one: Track, other: Track | None) -> bool:
    return other is not None and one.bridge.value is not None and one.bridge.value == other.bridge.value


def parked(citizen: Track) -> bool:
    return citizen.bridge.value is None and citizen.latest.value.context == "parked"


def _pair(one: tuple[ChannelId, str, str], other: tuple[ChannelId, str, str]) -> RedirectPair:
    (channel, context, exten), (other_channel, other_context, other_exten) = one, other
    return RedirectPair(
        channel=channel,
        context=context,
        exten=exten,
        other=other_channel,
        other_context=other_context,
        other_exten=other_exten,
    )
