"""All models behind one door without a wire: facts, commands and the time go in, events and orders come out (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from telephony import facts, outbound
from telephony.agents import Agents
from telephony.branches import Branches
from telephony.calls import Call, CallPhase, Calls
from telephony.centres import NOBODY, Reach
from telephony.commands import (
    AnnounceSurge,
    BringTogether,
    CallTarget,
    Command,
    DropTarget,
    EndSupervision,
    GoPrivate,
    HangUpCall,
    LeaveCall,
    PlaceCall,
    Prioritise,
    RecoverCall,
    SignIn,
    Supervise,
    TakeOver,
    TapLeg,
)
from telephony.controls import Controls
from telephony.drift import drifts_of
from telephony.duties import Agent, CallKind
from telephony.errors import Refused
from telephony.events import (
    AgentEvent,
    AgentSignedOut,
    AgentStatusChanged,
    AheadReason,
    CallEvent,
    Event,
    FrameRejected,
    LinkChanged,
    LinkState,
)
from telephony.facts import Fact, LinkLost, QueueMember, QueueMemberRemoved, Snapshot
from telephony.failures import Failure, Failures
from telephony.hearing import Hearing
from telephony.ids import AgentId, CallId, QueueName
from telephony.members import Members, seat_of
from telephony.news import News
from telephony.orders import (
    RECOVER,
    DialLeg,
    HangUpChannel,
    Order,
    RedirectChannel,
    RedirectPair,
    ReportAlive,
    SetSurge,
    SpyToSocket,
)
from telephony.phones import Phones
from telephony.queues import Queues
from telephony.stages import TALKING, UNMET
from telephony.supervision import Supervision, Supervisions
from telephony.tables import Unlisted
from telephony.targets import Target, TargetKind
from telephony.transfers import Transfer, Transfers

ALIVE_EVERY = timedelta(seconds=5)
WRAP_UP_S = 60.0
MORE_TIME_S = 600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What follows: publish the events, carry out the orders, both in order; log and count what no table lists."""

    events: tuple[Event, ...] = ()
    orders: tuple[Order, ...] = ()
    unlisted: tuple[Unlisted, ...] = ()
    failures: tuple[Failure, ...] = ()


class Switchboard:
    """Calls, agents, queues and members. It touches nothing: the runner carries facts in and orders out."""

    def __init__(
        self,
        *,
        wrap_up_s: float = WRAP_UP_S,
        more_time_s: float = MORE_TIME_S,
        strangers_stay: bool = False,
        reach: Reach = NOBODY,
    ) -> None:
        """``more_time_s``: by so much, all told, one wrap-up may be extended.

        ``strangers_stay``: queue members of nobody who is signed in are left alone until ``seated_everybody``.

        ``reach``: whom calls may be handed to.
        """
        self._hearing = Hearing()
        self._failures = Failures()
        self._calls = Calls(self._hearing, self._failures)
        self._agents = Agents(wrap_up_s=wrap_up_s, more_time_s=more_time_s)
        self._supervisions = Supervisions(self._calls, self._agents, self._hearing)
        self._transfers = Transfers(self._calls, self._agents, reach, self._hearing, self._failures)
        self._branches = Branches(self._calls, reach, self._hearing)
        self._controls = Controls(self._calls, self._transfers)
        self._phones = Phones(self._agents)
        self._queues = Queues()
        self._members = Members(strangers_stay=strangers_stay)
        self._link = LinkState.DOWN
        self._synced = False
        self._alive_at: datetime | None = None
        self._surge = ""
        """The prompt that callers hear before the queue. The switch forgets it when it is restarted."""

    @property
    def calls(self) -> Mapping[CallId, Call]:
        """Live calls, and those that ended in the last ten minutes."""
        return self._calls.all

    @property
    def untold(self) -> frozenset[CallId]:
        """Calls that are over, of which the end is not told here: what they came to was said in a gap."""
        return self._calls.untold

    @property
    def agents(self) -> Mapping[AgentId, Agent]:
        """Everybody who is signed in."""
        return self._agents.all

    @property
    def waiting(self) -> Mapping[QueueName, tuple[CallId, ...]]:
        """Who waits, first in line first."""
        return self._queues.waiting

    @property
    def ahead(self) -> Mapping[CallId, AheadReason]:
        """Of live calls, why they wait, or waited, in front of others."""
        return self._queues.ahead

    @property
    def transfers(self) -> Mapping[CallId, Transfer]:
        """The latest transfer of each call; one that has ended stays as long as its call."""
        return self._transfers.all

    @property
    def reach(self) -> Reach:
        """Whom calls may be handed to."""
        return self._transfers.reach

    @property
    def supervisions(self) -> Mapping[CallId, Supervision]:
        """Supervisors who are in a call, the calls being other people's."""
        return self._supervisions.watching

    @property
    def link(self) -> LinkState:
        return self._link

    @property
    def compared(self) -> bool:
        """Whether, since the link came up, everything has been compared: what is unknown here is not there either."""
        return self._synced

    # the door ---------------------------------------------------------------------------------------------------------

    def receive(self, fact: Fact | LinkChanged | FrameRejected, now: datetime) -> Outcome:
        """One thing that the gateway handed out, in the order in which it did."""
        match fact:
            case LinkChanged():
                return self._on_link(fact, now)
            case FrameRejected():
                return Outcome(events=(fact,))
            case LinkLost():
                self._lose_sight()
                return Outcome()
            case facts.Echo():
                return self.tick(now) if self._hearing.hear(fact.token) else Outcome()
            case Snapshot():
                return self._on_snapshot(fact, now)
            case QueueMember():
                self._members.hear(fact)
                return self._outcome(self._phones.member(fact, now), now)
            case QueueMemberRemoved():
                self._members.hear(fact)
                return Outcome()
            case facts.DeviceStateChange():
                return self._outcome(self._phones.device(fact.device, fact.state, fact.at, now), now)
            case facts.ContactStatus():
                return self._outcome(self._phones.contact(fact, now), now)
        news = News([*self._calls.apply(fact)])
        if isinstance(fact, facts.OriginateResponse) and not fact.ok:
            news.events += self._calls.not_placed(CallId(fact.channel_id), now)
        for apply in (self._supervisions.apply, self._transfers.apply):
            with self._failures.of(type(fact).__name__):
                news.extend(apply(fact, now))
        return self._outcome(news.events, now, news.orders)

    def request(self, command: Command, now: datetime) -> Outcome:
        """What somebody asks for. Raises Refused, UnknownAgent, UnknownCall; then nothing has changed."""
        match command:
            case SignIn():
                return self._sign_in(command, now)
            case HangUpCall():
                return self._hang_up(command, now)
            case RecoverCall():
                return self._recover(command, now)
            case TapLeg():
                return self._tap(command)
            case Supervise():
                steps = self._supervisions.supervise(command, now)
                return self._outcome(steps.events, now, steps.orders)
            case EndSupervision():
                return Outcome(orders=tuple(self._supervisions.end(command).orders))
            case TakeOver():
                return Outcome(orders=tuple(self._supervisions.take_over(command, now).orders))
            case PlaceCall():
                return self._place_call(command, now)
            case AnnounceSurge():
                self._surge = command.prompt
                return Outcome(orders=(SetSurge(prompt=self._surge),))
            case CallTarget() | GoPrivate() | BringTogether() | LeaveCall() | DropTarget():
                passed = self._transfers.obey(command, now)
                return self._outcome(passed.events, now, passed.orders)
        if self._controls.obeys(command):
            asked = self._controls.obey(command, now)
            moved = self._moved(command, now) if isinstance(command, Prioritise) else []
            return self._outcome([*asked.events, *moved], now, asked.orders)
        if not self._agents.obeys(command):
            raise Refused(command=type(command).__name__, state=self._link, reason="no such command")
        return self._outcome(self._agents.obey(command, now), now)

    def tick(self, now: datetime) -> Outcome:
        """What follows from nothing but the time."""
        news = News()
        for tell in (self._calls.tick, self._supervisions.tick, self._agents.tick):
            with self._failures.of("tick"):
                news.events += tell(now)
        controls = [self._controls.tick] if self._link is LinkState.LIVE else []
        for follow in (self._transfers.tick, *controls):
            with self._failures.of("tick"):
                news.extend(follow(now))
        with self._failures.of("tick"):
            news.orders += self._branches.tick(now)
        return self._outcome(news.events, now, [*news.orders, *self._alive(now), *self._hearing.ask(now)])

    def may_be_moved(self, order: Order) -> bool:
        """Whether the channels of a Redirect live, as far as is known."""
        match order:
            case RedirectChannel():
                return self._calls.is_live(order.channel)
            case RedirectPair():
                return self._calls.is_live(order.channel) and self._calls.is_live(order.other)
        return False

    def holds(self, order: Order) -> bool:
        """Whether the reason for an order that has waited in line is still one: nobody who talks by now is hung up."""
        leg = self._calls.track(order.channel) if isinstance(order, HangUpChannel) else None
        return leg is None or (self._transfers.may_hang_up(leg) and self._branches.may_hang_up(leg))

    def carried_out(self, order: Order, now: datetime) -> Outcome:
        """The switch has said that it did this."""
        news = News()
        with self._failures.of(type(order).__name__):
            self._transfers.carried_out(order, now)
            news.extend(self._controls.carried_out(order, now))
        return self._outcome(news.events, now, news.orders)

    def failed(self, order: Order, *, unknown: bool = False) -> None:
        """The switch did not carry this order out; or, with ``unknown``, nobody knows: then the state will tell."""
        with self._failures.of(type(order).__name__):
            self._members.failed(order)
            if isinstance(order, DialLeg):
                self._calls.failed(CallId(order.leg), unknown=unknown)
            self._controls.failed(order, unknown=unknown)
            self._transfers.failed(order, unknown=unknown)
            if not unknown:
                self._supervisions.failed(order)

    def seated_everybody(self) -> None:
        """All whose shifts went on are signed in again: from now on a member of nobody is a ghost."""
        self._members.strangers_stay = False

    # facts ------------------------------------------------------------------------------------------------------------

    def _on_link(self, change: LinkChanged, now: datetime) -> Outcome:
        self._link = change.state
        if change.state in (LinkState.DOWN, LinkState.CONNECTING):
            self._lose_sight()
        if change.state is not LinkState.LIVE:
            self._alive_at = None
            return Outcome(events=(change,))
        return Outcome(events=(change,), orders=(*self._alive(now), SetSurge(prompt=self._surge)))

    def _lose_sight(self) -> None:
        """From here on until the next snapshot nothing is known, and nothing follows from hearing nothing."""
        self._synced = False
        self._hearing.end()
        self._calls.lose_sight()

    def _on_snapshot(self, snapshot: Snapshot, now: datetime) -> Outcome:
        """The first whole one after a connect rebuilds what the gap hid. Whatever a later one brings up is drift."""
        rebuild = not self._synced
        if self._hearing.deaf:
            self._hearing.begin(now)
        self._synced = self._synced or (snapshot.all_channels and snapshot.all_queues)
        news, seats = News(), self._seats(snapshot)
        for member in snapshot.members:
            with self._failures.of(member.interface):
                news.events += self._phones.member(member, now)
        for device, state in snapshot.devices.items():
            with self._failures.of(device):
                news.events += self._phones.device(device, state, snapshot.at, now)
        news.events += self._calls.reconcile(snapshot, seats)
        with self._failures.of("supervisions"):
            news.extend(self._supervisions.reconcile(snapshot, seats, now))
        news.extend(self._transfers.reconcile(snapshot))
        events = self._spread(news.events, now)
        if snapshot.all_queues:
            with self._failures.of("queues"):
                events += self._queues.compare(self._lines(snapshot), snapshot.at)
        orders = [] if rebuild else self._orders(events, now)
        drifts = [] if rebuild else drifts_of(events, snapshot.at)
        with self._failures.of("members"):
            mended, found = self._members.compare(snapshot, self.agents.values(), now, rebuild=rebuild)
            orders, drifts = [*orders, *mended], [*found, *drifts]
        return self._done([*drifts, *events], [*orders, *news.orders])

    def _seats(self, snapshot: Snapshot) -> dict[str, AgentId]:
        """Who sits at which phone: those signed in, and else the names under which the switch keeps its members."""
        seated = ((seat_of(one.interface), AgentId(one.member)) for one in snapshot.members)
        return {str(seat): agent_id for seat, agent_id in seated if seat} | self._agents.seats()

    def _lines(self, snapshot: Snapshot) -> dict[QueueName, list[CallId]]:
        lines: dict[QueueName, list[CallId]] = {}
        for entry in sorted(snapshot.entries, key=lambda entry: entry.position):
            call_id = self._calls.call_of(entry.channel_id)
            if call_id is not None:
                lines.setdefault(entry.queue, []).append(call_id)
        return lines

    # commands ---------------------------------------------------------------------------------------------------------

    def _sign_in(self, command: SignIn, now: datetime) -> Outcome:
        code = self._members.pause_code(command.agent_id, command.seat)
        events = self._agents.sign_in(command, now, pause_code=code)
        if events:
            events += self._resume_call(command.agent_id, now)
        orders = self._members.want(self.agents[command.agent_id], now)
        return self._done(events, orders)

    def _resume_call(self, agent_id: AgentId, now: datetime) -> list[AgentEvent]:
        """Somebody who is signed in again after a restart of ours may be in a call, which has gone on meanwhile."""
        watched = next((one for one in self.supervisions.values() if one.agent_id == agent_id), None)
        if watched is not None:
            return self._agents.take_over(agent_id, watched.call_id, now, talking=True, kind=CallKind.SUPERVISED)
        asked = Target(kind=TargetKind.AGENT, value=agent_id)
        for transfer in self.transfers.values():
            if transfer.target == asked and transfer.state in UNMET | TALKING:
                talking = transfer.state in TALKING
                return self._agents.take_over(agent_id, transfer.call_id, now, talking=talking, kind=CallKind.HANDED)
        for call in self.calls.values():
            talks = call.phase in (CallPhase.TALKING, CallPhase.HELD) and call.answered_by == agent_id
            rings = call.phase is CallPhase.OFFERED and call.offered_to == agent_id
            rings = rings or (call.phase is CallPhase.ARRIVED and call.placed_by == agent_id)
            if rings or (talks and call.agent_left_at is None):
                kind = CallKind.OWN if call.placed_by else CallKind.QUEUED
                return self._agents.take_over(agent_id, call.id, now, talking=talks, kind=kind)
        return []

    def _hang_up(self, command: HangUpCall, now: datetime) -> Outcome:
        call = self._calls.live(command.call_id)
        talks = call.answered_by == command.agent_id and call.agent_left_at is None
        if not talks and call.placed_by != command.agent_id:
            raise Refused(command="HangUpCall", state=call.phase, reason="not a party of this call")
        guest = self._transfers.under_way(call.id)
        others = [HangUpChannel(channel=guest.leg)] if guest is not None and guest.leg is not None else []
        return Outcome(orders=(HangUpChannel(channel=self._calls.hang_up_by_operator(call.id, now)), *others))

    def _recover(self, command: RecoverCall, now: datetime) -> Outcome:
        agent = self._agents.signed_in(command.agent_id)
        found = self._calls.recoverable(agent.call_id, agent.id, now) if agent.call_id else None
        if found is None or agent.call_id is None:
            raise Refused(command="RecoverCall", state=agent.status, reason="no call to recover")
        citizen, others = found
        if others and self._transfers.has_handed_over(agent.call_id):
            raise Refused(command="RecoverCall", state=agent.status, reason="the call was handed over")
        self._agents.expect_return(agent.id, now)
        if others:
            return Outcome(orders=tuple(self._transfers.way_back(agent.call_id, agent, citizen, now)))
        return Outcome(orders=(RedirectChannel(channel=citizen, context=RECOVER, exten=agent.seat),))

    def _place_call(self, command: PlaceCall, now: datetime) -> Outcome:
        ring = outbound.order(command, self._agents.signed_in(command.agent_id).seat)
        if self._calls.knows(command.call_id):
            raise Refused(command="PlaceCall", state=CallPhase.ARRIVED, reason="placed already")
        events = self._agents.expect_call(command.agent_id, command.call_id, CallKind.OWN, "PlaceCall", now)
        placed = outbound.Placed(agent_id=command.agent_id, number=command.number, line=command.line)
        self._calls.expect(command.call_id, placed, now)
        return self._outcome(events, now, [ring])

    def _tap(self, command: TapLeg) -> Outcome:
        call = self._calls.live(command.call_id)
        leg = next((leg for leg in call.legs if leg.channel == command.channel and leg.ended_at is None), None)
        if leg is None:
            raise Refused(command="TapLeg", state=call.phase, reason="no such live leg")
        return Outcome(orders=(SpyToSocket(channel_name=leg.name, tap_id=command.tap_id, address=command.address),))

    def _moved(self, command: Prioritise, now: datetime) -> list[Event]:
        return self._queues.move(command.call_id, command.priority, command.reason, now)

    # what follows from what -------------------------------------------------------------------------------------------

    def _outcome(self, news: Iterable[Event], now: datetime, orders: Iterable[Order] = ()) -> Outcome:
        """Members are paused before a phone of theirs is rung."""
        events = self._spread(news, now)
        return self._done(events, [*self._orders(events, now), *orders])

    def _done(self, events: Iterable[Event], orders: Iterable[Order]) -> Outcome:
        models = (self._calls, self._agents, self._supervisions, self._transfers)
        unlisted = tuple(one for model in models for one in model.take_unlisted())
        return Outcome(events=tuple(events), orders=tuple(orders), unlisted=unlisted, failures=self._failures.take())

    def _spread(self, news: Iterable[Event], now: datetime) -> list[Event]:
        """Hand the events of calls on to the queues and the agents."""
        events: list[Event] = []
        for event in news:
            events.append(event)
            if isinstance(event, CallEvent):
                with self._failures.of(event.call_id):
                    events += self._queues.heed(event)
                    events += self._agents.heed(event, now)
        return events

    def _orders(self, events: Iterable[Event], now: datetime) -> list[Order]:
        """What the changes of agents mean for the members of the switch."""
        orders: list[Order] = []
        for event in events:
            if isinstance(event, CallEvent):
                orders += self._supervisions.heed(event)
            elif isinstance(event, AgentSignedOut):
                orders += self._members.drop(event.seat)
            elif isinstance(event, AgentStatusChanged) and event.agent_id in self.agents:
                orders += self._members.want(self.agents[event.agent_id], now)
        return orders

    def _alive(self, now: datetime) -> list[Order]:
        if self._link is not LinkState.LIVE or (self._alive_at and abs(now - self._alive_at) < ALIVE_EVERY):
            return []
        self._alive_at = now
        return [ReportAlive(epoch_s=int(now.timestamp()))]
