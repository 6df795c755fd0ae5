"""Supervisors in other people's calls: listen, whisper, barge, take over; TRANSITIONS.

The supervisor's own phone is rung and runs ChanSpy on the operator's leg. It is no leg of the call until it takes over:
then it joins the citizen's bridge first, and the operator leaves after that, so the citizen is never alone. ChanSpy
speaks to two parties at most, so where more than two talk, barging in is joining the bridge as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from telephony import facts
from telephony.agents import Agents
from telephony.calls import Call, Calls
from telephony.channels import LONG_AGO
from telephony.commands import EndSupervision, Supervise, TakeOver
from telephony.duties import CallKind
from telephony.errors import Refused
from telephony.events import AgentLegEnded, CallEnded, CallEvent, Event, SupervisionChanged
from telephony.facts import Fact, LiveChannel, Snapshot
from telephony.hearing import Hearing
from telephony.ids import AgentId, CallId, ChannelId
from telephony.legs import Purpose, is_supervisors
from telephony.news import News
from telephony.orders import IN_FLIGHT, DialLeg, HangUpChannel, Order, RedirectChannel
from telephony.routings import LEAVE
from telephony.tables import Machine, Unlisted
from telephony.targets import SpyMode

SUPERVISE = "supervise"
"""The context of the dialplan with one extension for each mode."""
JOIN = "join"
"""The context by which a leg comes into the citizen's bridge."""
RING_S = 15.0
GIVEN_UP = timedelta(seconds=RING_S + 5)


class SupervisionState(StrEnum):
    DIALLING = "dialling"
    """The supervisor's phone rings."""
    WATCHING = "watching"
    TAKING_OVER = "taking_over"
    """On the way into the citizen's bridge."""
    ENDED = "ended"


class SupervisionSignal(StrEnum):
    ANSWERED = "answered"
    TAKES_OVER = "takes_over"
    JOINED = "joined"
    """In the citizen's bridge: from here on the supervisor is the operator of the call."""
    REFUSED = "refused"
    """The switch did not move the leg: it is where it was."""
    GONE = "gone"


# DIALLING has no TAKES_OVER: a phone that is not picked up cannot talk with a citizen.
TRANSITIONS: Mapping[SupervisionState, Mapping[SupervisionSignal, SupervisionState]] = {
    SupervisionState.DIALLING: {
        SupervisionSignal.ANSWERED: SupervisionState.WATCHING,
        SupervisionSignal.GONE: SupervisionState.ENDED,
    },
    SupervisionState.WATCHING: {
        SupervisionSignal.TAKES_OVER: SupervisionState.TAKING_OVER,
        SupervisionSignal.GONE: SupervisionState.ENDED,
    },
    SupervisionState.TAKING_OVER: {
        SupervisionSignal.JOINED: SupervisionState.ENDED,
        SupervisionSignal.REFUSED: SupervisionState.WATCHING,
        SupervisionSignal.GONE: SupervisionState.ENDED,
    },
    SupervisionState.ENDED: {},
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Supervision:
    """One supervisor in one call. ``agent_id`` is the supervisor, ``leg`` that phone's channel."""

    call_id: CallId
    agent_id: AgentId
    operator: AgentId
    watched: ChannelId
    """The operator's channel."""
    leg: ChannelId
    mode: SpyMode
    state: SupervisionState
    since: datetime
    bound_for: tuple[str, str] = ("", "")
    """Context and extension to which the phone, once answered, goes by itself."""
    joined: bool = False
    """In the citizen's bridge: ChanSpy does not end it there."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """The last order to move a supervisor's leg, and what is true where the switch refuses it."""

    order: RedirectChannel
    before: Supervision
    at: datetime


class Supervisions:
    """At most one for each call and for each supervisor."""

    def __init__(self, calls: Calls, agents: Agents, hearing: Hearing) -> None:
        self._calls = calls
        self._agents = agents
        self._hearing = hearing
        self._open: dict[CallId, Supervision] = {}
        self._asked: dict[CallId, _Asked] = {}
        self._untold: set[CallId] = set()
        """Supervisions whose mode is another one than was told."""
        self._machine: Machine[SupervisionState, SupervisionSignal] = Machine("supervision", TRANSITIONS)

    @property
    def watching(self) -> Mapping[CallId, Supervision]:
        """Those that have begun: the supervisor is in the call, in the ``mode``."""
        return {key: one for key, one in self._open.items() if one.state is not SupervisionState.DIALLING}

    def take_unlisted(self) -> tuple[Unlisted, ...]:
        return self._machine.take_unlisted()

    # what supervisors ask ---------------------------------------------------------------------------------------------

    def supervise(self, command: Supervise, now: datetime) -> News:
        """Ring the supervisor's phone; or change the mode. Raises Refused, UnknownAgent, UnknownCall."""
        supervisor = self._agents.signed_in(command.agent_id)
        known = self._open.get(command.call_id)
        if known is not None and known.agent_id == supervisor.id:
            return self._change(known, command.mode, now)
        call = self._calls.live(command.call_id)
        watched = _operators_leg(call)
        if known is not None:
            raise _refused("Supervise", call, "somebody else supervises it")
        if watched is None or call.answered_by is None:
            raise _refused("Supervise", call, "no operator is in it")
        if call.answered_by == supervisor.id:
            raise _refused("Supervise", call, "a party to the call")
        events = self._agents.expect_call(supervisor.id, call.id, CallKind.SUPERVISED, "Supervise", now)
        leg = self._calls.new_leg(call.id, Purpose.SUPERVISOR, now)
        place = _place(leg, command.mode, call)
        self._open[call.id] = Supervision(
            call_id=call.id,
            agent_id=supervisor.id,
            operator=call.answered_by,
            watched=watched.channel,
            leg=leg,
            mode=command.mode,
            state=SupervisionState.DIALLING,
            since=now,
            bound_for=(place.context, place.exten),
        )
        ring = DialLeg(
            leg=leg,
            call_id=call.id,
            endpoint=supervisor.seat,
            context=place.context,
            exten=place.exten,
            ring_s=RING_S,
            caller_number=supervisor.seat,
            variables={"HOTLINE_WATCHED": watched.name, "X-Hotline-Supervise": "1", "X-Hotline-Call-Id": call.id},
        )
        return News(list(events), [ring])

    def end(self, command: EndSupervision) -> News:
        """Hang up the supervisor's phone. Raises Refused."""
        return News(orders=[HangUpChannel(channel=self._own(command.call_id, command.agent_id, "EndSupervision").leg)])

    def take_over(self, command: TakeOver, now: datetime) -> News:
        """Into the citizen's bridge; once there the operator leaves. Raises Refused."""
        known = self._own(command.call_id, command.agent_id, "TakeOver")
        if not self._machine.allows(known.state, SupervisionSignal.TAKES_OVER):
            raise Refused(command="TakeOver", state=known.state, reason="the supervisor is not in the call yet")
        self._step(known, SupervisionSignal.TAKES_OVER)
        return News(orders=[self._move(RedirectChannel(channel=known.leg, context=JOIN, exten="s"), known, now)])

    def _change(self, known: Supervision, mode: SpyMode, now: datetime) -> News:
        """While the phone still rings the new mode is taken up after the answer."""
        if known.state is SupervisionState.TAKING_OVER:
            raise Refused(command="Supervise", state=known.state, reason="taking the call over")
        to_mode = _place(known.leg, mode, self._calls.all[known.call_id])
        joins = to_mode.context == JOIN
        if known.mode is mode and joins == known.joined:
            return News()
        self._open[known.call_id] = changed = replace(known, mode=mode, joined=known.joined and joins)
        if known.state is SupervisionState.DIALLING:
            return News()
        told = [_told(changed, now, mode)] if known.mode is not mode else []
        return News(list(told), [self._move(to_mode, known, now)])

    def _move(self, order: RedirectChannel, before: Supervision, now: datetime) -> RedirectChannel:
        self._asked[before.call_id] = _Asked(order, before, now)
        return order

    def _own(self, call_id: CallId, agent_id: AgentId, command: str) -> Supervision:
        known = self._open.get(call_id)
        if known is None or known.agent_id != agent_id:
            raise Refused(command=command, state=SupervisionState.ENDED, reason="not supervising this call")
        return known

    # what the switch says ---------------------------------------------------------------------------------------------

    def apply(self, fact: Fact, now: datetime) -> News:
        if not self._open:
            return News()
        match fact:
            case facts.NewState(channel=channel) if channel.state == "Up":
                return self._answered(self._of_leg(channel.id), fact.at)
            case facts.BridgeEnter(channel=channel):
                return self._joined(self._of_leg(channel.id), fact.at)
            case facts.Hangup(channel=channel):
                gone = self._gone(self._of_leg(channel.id), fact.at)
                return News(gone.events, self._left_alone(channel.id))
            case facts.OriginateResponse(channel_id=leg, ok=False):
                return self._gone(self._of_leg(leg), now)
        return News()

    def _left_alone(self, gone: ChannelId) -> list[Order]:
        """Who barged in by the bridge goes with the operator, and with the citizen."""
        return [
            HangUpChannel(channel=one.leg)
            for one in self._open.values()
            if one.joined and one.state is SupervisionState.WATCHING and gone in (one.watched, one.call_id)
        ]

    def heed(self, event: CallEvent) -> list[Order]:
        """A phone that still rings for a talk that is over is let go; ChanSpy ends by itself with the leg it hears."""
        known = self._open.get(event.call_id)
        if known is None or known.state is not SupervisionState.DIALLING:
            return []
        over = isinstance(event, CallEnded) or (isinstance(event, AgentLegEnded) and event.agent_id == known.operator)
        return [HangUpChannel(channel=known.leg)] if over else []

    def failed(self, order: Order) -> None:
        """The supervisor's phone was not even rung, or stays in the mode that it was in; the next tick tells."""
        if isinstance(order, DialLeg):
            known = self._of_leg(order.leg)
            if known is not None:
                self._open[known.call_id] = replace(known, since=LONG_AGO)
        elif isinstance(order, RedirectChannel):
            known = self._of_leg(order.channel)
            asked = self._asked.get(known.call_id) if known else None
            if known is not None and asked is not None and asked.order == order:
                self._restore(known, asked.before)

    def _restore(self, known: Supervision, before: Supervision) -> None:
        del self._asked[known.call_id]
        if known.state is SupervisionState.TAKING_OVER:
            self._step(known, SupervisionSignal.REFUSED)
        back = self._open[known.call_id]
        self._open[known.call_id] = replace(back, mode=before.mode, joined=before.joined)
        if known.mode is not before.mode:
            self._untold.add(known.call_id)

    def tick(self, now: datetime) -> list[Event]:
        """Give up phones of which nothing more is heard, and tell what an order that failed has not changed."""
        dialling = (one for one in self._open.values() if one.state is SupervisionState.DIALLING)
        silent = self._hearing.lasted
        late = [one for one in dialling if one.since == LONG_AGO or silent(one.since, GIVEN_UP, now)]
        events = [event for one in late for event in self._gone(one, now).events]
        events += [_told(one, now, one.mode) for one in self._open.values() if one.call_id in self._untold]
        self._untold.clear()
        return events

    def reconcile(self, snapshot: Snapshot, seats: Mapping[str, AgentId], now: datetime) -> News:
        """What a restart of ours, or a gap, hid: legs that listen without our knowing, legs that are gone, and where
        those that we know of really are."""
        listed = {live.channel.id: live for live in snapshot.channels}
        steps = News()
        for known in tuple(self._open.values()):
            live = listed.get(known.leg)
            if live is not None:
                steps.extend(self._compared(known, live, snapshot.at, now))
            elif snapshot.all_channels and known.since < snapshot.at:
                steps.extend(self._gone(known, snapshot.at))
        for live in snapshot.channels:
            mode = _mode_of(live)
            if mode is not None:
                steps.events.extend(self._found(live, mode, seats, snapshot.at))
        return steps

    def _compared(self, known: Supervision, live: LiveChannel, at: datetime, now: datetime) -> News:
        """An answer or an arrival in the bridge that was missed; and the mode, whatever we had asked for."""
        if known.state is SupervisionState.DIALLING:
            return self._answered(known, at) if live.channel.state == "Up" else News()
        mode, asked = _mode_of(live), self._asked.get(known.call_id)
        if mode is None or (asked is not None and abs(now - asked.at) < IN_FLIGHT):
            return News()
        joined = live.channel.context == JOIN
        if known.state is SupervisionState.TAKING_OVER:
            if joined:
                return self._joined(known, at) if live.bridge is not None else News()
            self._step(known, SupervisionSignal.REFUSED)
        self._open[known.call_id] = found = replace(self._open[known.call_id], mode=mode, joined=joined)
        return News([_told(found, at, mode)] if mode is not known.mode else [])

    def _found(self, live: LiveChannel, mode: SpyMode, seats: Mapping[str, AgentId], at: datetime) -> list[Event]:
        call_id = live.channel.call_id
        agent_id, call = seats.get(live.channel.endpoint), self._calls.all.get(call_id) if call_id else None
        watched = _operators_leg(call) if call else None
        if call is None or watched is None or agent_id is None or call.answered_by is None or call.id in self._open:
            return []
        if watched.channel == live.channel.id:
            return []  # has taken the call over
        self._open[call.id] = found = Supervision(
            call_id=call.id,
            agent_id=agent_id,
            operator=call.answered_by,
            watched=watched.channel,
            leg=live.channel.id,
            mode=mode,
            state=SupervisionState.WATCHING,
            since=at,
            joined=live.channel.context == JOIN,
        )
        return [_told(found, at, found.mode)]

    def _of_leg(self, leg: ChannelId) -> Supervision | None:
        return next((one for one in self._open.values() if one.leg == leg), None)

    def _answered(self, known: Supervision | None, at: datetime) -> News:
        if known is None or known.state is not SupervisionState.DIALLING:
            return News()
        self._step(known, SupervisionSignal.ANSWERED)
        changed = replace(self._open[known.call_id], since=at)
        self._open[known.call_id] = changed
        call = self._calls.all.get(known.call_id)
        wanted = _place(known.leg, known.mode, call) if call else None
        if wanted is None or (wanted.context, wanted.exten) == known.bound_for:
            return News([_told(changed, at, known.mode)])
        context, exten = known.bound_for
        there = replace(changed, mode=SpyMode.BARGE if context == JOIN else SpyMode(exten))
        return News([_told(changed, at, known.mode)], [self._move(wanted, there, at)])

    def _joined(self, known: Supervision | None, at: datetime) -> News:
        if known is None:
            return News()
        if known.state is not SupervisionState.TAKING_OVER:
            self._open[known.call_id] = replace(known, joined=True)
            return News()
        self._step(known, SupervisionSignal.JOINED)
        handed = self._calls.hand_over(known.call_id, known.leg, known.agent_id, at)
        leave = RedirectChannel(channel=known.watched, context=LEAVE, exten="s")
        return News([*handed, _told(known, at, None)], [leave])

    def _gone(self, known: Supervision | None, at: datetime) -> News:
        if known is None:
            return News()
        begun = known.state is not SupervisionState.DIALLING
        self._step(known, SupervisionSignal.GONE)
        over: list[Event] = [_told(known, at, None)] if begun else []
        return News(over or list(self._agents.never_mind(known.agent_id, known.call_id, at)))

    def _step(self, known: Supervision, signal: SupervisionSignal) -> None:
        state = self._machine.step(known.state, signal)
        if state is SupervisionState.ENDED:
            del self._open[known.call_id]
            self._asked.pop(known.call_id, None)
            self._untold.discard(known.call_id)
        elif state is not None:
            self._open[known.call_id] = replace(known, state=state)


def _operators_leg(call: Call) -> _Watched | None:
    """The live leg of the operator who talks."""
    own = (leg for leg in call.legs if leg.agent_id == call.answered_by and leg.answered_at and leg.ended_at is None)
    leg = max(own, key=lambda leg: leg.started_at, default=None)
    return None if leg is None or call.answered_by is None else _Watched(leg.channel, leg.name)


@dataclass(frozen=True, slots=True)
class _Watched:
    channel: ChannelId
    name: str


def _mode_of(live: LiveChannel) -> SpyMode | None:
    """In what mode a leg of ours is where the switch says it is; None for everybody else's."""
    if live.channel.context == SUPERVISE and live.channel.exten in set(SpyMode):
        return SpyMode(live.channel.exten)
    return SpyMode.BARGE if live.channel.context == JOIN and is_supervisors(live.channel.id) else None


def _told(one: Supervision, at: datetime, mode: SpyMode | None) -> SupervisionChanged:
    return SupervisionChanged(at=at, call_id=one.call_id, agent_id=one.agent_id, operator=one.operator, mode=mode)


def _place(leg: ChannelId, mode: SpyMode, call: Call) -> RedirectChannel:
    """Where the supervisor's leg goes to be in this mode: where more than two talk, barging in means joining them."""
    talking = [one for one in call.legs if one.answered_at and one.ended_at is None and one.channel != leg]
    if mode is SpyMode.BARGE and len(talking) > 2:
        return RedirectChannel(channel=leg, context=JOIN, exten="s")
    return RedirectChannel(channel=leg, context=SUPERVISE, exten=mode)


def _refused(command: str, call: Call, reason: str) -> Refused:
    return Refused(command=command, state=call.phase, reason=reason)
