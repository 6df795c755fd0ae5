"""A person in calls of every kind, told in any order: no status that lies to the switch, none that is never left."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.agents import Agents
from telephony.channels import LONG_AGO
from telephony.commands import (
    Command,
    ExtendWrapUp,
    FinishWrapUp,
    ForcePause,
    ForceSignOut,
    LiftPause,
    Pause,
    Ready,
    ReportDevice,
    ServeQueues,
    SignIn,
    SignOut,
    WorkplacePart,
)
from telephony.duties import IN_A_CALL, Agent, CallKind, remembered
from telephony.errors import TelephonyError
from telephony.events import (
    AgentLegEnded,
    AgentStatus,
    CallAnswered,
    CallEnded,
    CallEvent,
    CallOffered,
    CallOutcome,
    CallPlaced,
    OfferEnded,
    OfferOutcome,
    PauseReason,
    SupervisionChanged,
    TransferReason,
    TransferStep,
    TransferStepped,
)
from telephony.ids import AgentId, CallId, ChannelId, LineNumber, QueueName, SeatId
from telephony.targets import SpyMode, Target, TargetKind, TransferMode
from tests.fakes.stories import HOTLINE, START

ME, OTHER, SEAT = AgentId("8001"), AgentId("8002"), SeatId("8001")
CALLS = (CallId("1795297638.1"), CallId("1795297638.2"), CallId("1795297638.9000003"))
WRAP_UP_S = 60.0


class World:
    """``Agents`` alone, with the time that passes and what has been said of the person."""

    def __init__(self) -> None:
        self.agents = Agents(wrap_up_s=WRAP_UP_S)
        self.now = START
        self.forced = False
        self.phone = True
        self.agents.phone(SEAT, there=True, at=self.now, now=self.now)
        self.ask(SIGN_IN)

    def ask(self, command: Command) -> None:
        with contextlib.suppress(TelephonyError):
            if isinstance(command, SignIn):
                self.agents.sign_in(command, self.now)
            else:
                self.agents.obey(command, self.now)
            if isinstance(command, ForcePause | LiftPause):
                self.forced = isinstance(command, ForcePause)

    def tell(self, event: CallEvent) -> None:
        self.agents.heed(replace(event, at=self.now), self.now)

    def hear_phone(self, there: bool) -> None:
        self.phone = there
        self.now += timedelta(milliseconds=1)
        self.agents.phone(SEAT, there=there, at=self.now, now=self.now)

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.agents.tick(self.now)

    @property
    def me(self) -> Agent | None:
        return self.agents.all.get(ME)


SIGN_IN = SignIn(agent_id=ME, seat=SEAT, queues=(HOTLINE,))
COMMANDS: list[Command] = [
    SIGN_IN,
    SignOut(agent_id=ME),
    Ready(agent_id=ME),
    Pause(agent_id=ME, reason=PauseReason.MEAL),
    ExtendWrapUp(agent_id=ME, seconds=30),
    FinishWrapUp(agent_id=ME),
    ForcePause(agent_id=ME),
    LiftPause(agent_id=ME),
    ForceSignOut(agent_id=ME),
    *(ServeQueues(agent_id=ME, queues=queues) for queues in ((), (HOTLINE, QueueName("housing")))),
    *(ReportDevice(agent_id=ME, works=works, part=part) for works in (True, False) for part in WorkplacePart),
]


def events_of(call: CallId) -> list[CallEvent]:
    at, leg = LONG_AGO, ChannelId(f"{call}0")
    brought_in = Target(kind=TargetKind.AGENT, value=ME)
    return [
        CallOffered(at=at, call_id=call, agent_id=ME, channel=leg),
        *(OfferEnded(at=at, call_id=call, agent_id=ME, outcome=outcome, ring_s=1.0) for outcome in OfferOutcome),
        CallPlaced(at=at, call_id=call, agent_id=ME, number="10086", line=LineNumber("12345"), channel=leg),
        *(
            CallAnswered(
                at=at, call_id=call, agent_id=ME, citizen=leg, operator=leg, wait_s=1.0, transferred=given_over
            )
            for given_over in (False, True)
        ),
        AgentLegEnded(at=at, call_id=call, agent_id=ME, talk_s=1.0),
        *(SupervisionChanged(at=at, call_id=call, agent_id=ME, operator=OTHER, mode=mode) for mode in (*SpyMode, None)),
        *(
            TransferStepped(
                at=at,
                call_id=call,
                transfer_id="t",
                step=step,
                agent_id=OTHER,
                target=brought_in,
                mode=TransferMode.THREE_WAY,
                reason=TransferReason.NO_ANSWER if step is TransferStep.FAILED else None,
            )
            for step in TransferStep
        ),
        ended(call),
        ended(call, CallOutcome.NOT_PLACED),
    ]


def ended(call: CallId, outcome: CallOutcome = CallOutcome.ANSWERED) -> CallEnded:
    return CallEnded(at=LONG_AGO, call_id=call, outcome=outcome, ended_by="caller", wait_s=None, talk_s=None)


Act = Callable[[World], None]
ACTS: st.SearchStrategy[Act] = st.one_of(
    st.sampled_from(COMMANDS).map(lambda command: lambda world: world.ask(command)),
    st.sampled_from([event for call in CALLS for event in events_of(call)]).map(
        lambda event: lambda world: world.tell(event)
    ),
    st.booleans().map(lambda there: lambda world: world.hear_phone(there)),
    st.sampled_from([1.0, 20.0, 61.0]).map(lambda seconds: lambda world: world.wait(seconds)),
)


def check(world: World) -> None:
    me = world.me
    if me is None:
        return
    busy = me.status in IN_A_CALL
    lost = not world.phone or bool(me.broken)
    assert (PauseReason.DEVICE_LOST in me.reasons) == lost
    assert (PauseReason.SUPERVISOR in me.reasons) == world.forced
    assert not (me.status is AgentStatus.READY and me.reasons)
    assert not (me.status is AgentStatus.PAUSED and not me.reasons)
    assert me.takes_calls == (not me.pause_code)
    assert not (me.takes_calls and me.status in (AgentStatus.PAUSED, AgentStatus.WRAPPING_UP))
    assert (me.call_id is not None) == (busy or me.status is AgentStatus.WRAPPING_UP)
    assert busy or (me.call_kind is CallKind.QUEUED and me.unfinished is None and not me.leaving)
    assert (me.wrap_up_until is not None) == (me.status is AgentStatus.WRAPPING_UP or me.unfinished is not None)
    assert len(me.pause_code) <= 128, "the switch takes no longer reason"


def check_memory(world: World) -> None:
    """After a restart of ours at this moment the switch's pause code says the same of the person."""
    me = world.me
    if me is None or me.takes_calls:
        return
    fresh = Agent(id=me.id, seat=me.seat, queues=me.queues, status=AgentStatus.READY, since=START, signed_in_at=START)
    again = remembered(fresh, me.pause_code, world.now)
    assert again.reasons == me.reasons - {PauseReason.DEVICE_LOST}
    assert again.leaving == me.leaving
    wraps_up = me.status is AgentStatus.WRAPPING_UP or me.unfinished or me.call_kind is not CallKind.QUEUED
    assert (again.status is AgentStatus.WRAPPING_UP) == bool(wraps_up)
    if me.status is AgentStatus.WRAPPING_UP:
        assert again.next_reason == me.next_reason


@settings(max_examples=300, deadline=None)
@given(st.lists(ACTS, max_size=30))
def test_whatever_happens_the_switch_is_told_the_truth(acts: list[Act]) -> None:
    world = World()
    for act in acts:
        act(world)
        check(world)
        check_memory(world)


@settings(max_examples=200, deadline=None)
@given(st.lists(ACTS, max_size=30))
def test_when_all_calls_are_over_nobody_is_left_in_one(acts: list[Act]) -> None:
    world = World()
    for act in acts:
        act(world)
    for call in CALLS:
        world.tell(ended(call))
    for _ in range(20):
        world.wait(WRAP_UP_S)
    assert world.me is None or world.me.status in (AgentStatus.READY, AgentStatus.PAUSED)


@settings(max_examples=200, deadline=None)
@given(st.lists(ACTS, max_size=30))
def test_what_a_supervisor_says_holds_until_a_supervisor_takes_it_back(acts: list[Act]) -> None:
    world = World()
    world.ask(ForcePause(agent_id=ME))
    for act in acts:
        act(world)
        if not world.forced:
            world.ask(ForcePause(agent_id=ME))
        assert world.me is None or PauseReason.SUPERVISOR in world.me.reasons
