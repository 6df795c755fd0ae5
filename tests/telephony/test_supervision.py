"""A supervisor comes into somebody else's call, changes the mode, leaves, takes it over; and what can go wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from telephony.calls import CallPhase, LegRole
from telephony.commands import (
    Command,
    EndSupervision,
    FinishWrapUp,
    ForceSignOut,
    SignIn,
    Supervise,
    TakeOver,
)
from telephony.errors import Refused, UnknownAgent, UnknownCall
from telephony.events import (
    AgentLegEnded,
    AgentSignedOut,
    AgentStatus,
    CallAnswered,
    CallEnded,
    DriftRepaired,
    SupervisionChanged,
)
from telephony.facts import (
    BridgeEnter,
    BridgeLeave,
    Channel,
    DeviceStateChange,
    Fact,
    Hangup,
    HangupRequest,
    LiveChannel,
    NewChannel,
    NewState,
    OriginateResponse,
)
from telephony.ids import AgentId, CallId, ChannelId, SeatId
from telephony.orders import DialLeg, HangUpChannel, PauseMember, RedirectChannel
from telephony.targets import SpyMode
from tests.fakes.stories import HOTLINE, Story
from tests.telephony.stage import Stage, member, snapshot

ME, BOSS, THIRD = AgentId("8001"), AgentId("9001"), AgentId("9002")


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    stage.go_live()
    stage.sign_in()
    for agent in (BOSS, THIRD):
        stage.tell([DeviceStateChange(at=stage.now, device=f"PJSIP/{agent}", state="NOT_INUSE")])
        stage.ask(SignIn(agent_id=agent, seat=SeatId(agent), queues=()))
    return stage


@pytest.fixture
def story(stage: Stage) -> Story:
    """Answered by 8001, twenty seconds ago."""
    story = Story()
    stage.tell(story.arrive() + story.join() + story.ring("8001", after_s=4.0) + story.answer())
    stage.wait(20.0)
    story.now = stage.now
    stage.take_orders()
    return story


class Phone:
    """What the switch tells of the supervisor's leg."""

    def __init__(self, stage: Stage, story: Story) -> None:
        self.stage, self.story = stage, story
        [ring] = [order for order in stage.orders if isinstance(order, DialLeg)]
        self.channel = Channel(
            id=ring.leg,
            name=f"PJSIP/{ring.endpoint}-0000009a",
            linked_id=ring.leg,
            state="Ringing",
            call_id=ring.call_id,
            context=ring.context,
            exten=ring.exten,
        )

    def _at(self) -> None:
        self.stage.wait(0.1)

    def ring(self) -> list[Fact]:
        self._at()
        return [NewChannel(at=self.stage.now, channel=self.channel)]

    def answer(self) -> list[Fact]:
        self._at()
        self.channel = replace(self.channel, state="Up")
        return [NewState(at=self.stage.now, channel=self.channel)]

    def join(self) -> list[Fact]:
        self._at()
        assert self.story.bridge is not None
        return [BridgeEnter(at=self.stage.now, bridge=self.story.bridge, channel=self.channel)]

    def hang_up(self, cause: int = 16) -> list[Fact]:
        self._at()
        asked = HangupRequest(at=self.stage.now, channel=self.channel)
        return [asked, Hangup(at=self.stage.now, channel=self.channel, cause=cause)]


def supervise(stage: Stage, story: Story, mode: SpyMode = SpyMode.LISTEN, agent: AgentId = BOSS) -> None:
    stage.ask(Supervise(call_id=story.call_id, agent_id=agent, mode=mode))


def watching(stage: Stage, story: Story, mode: SpyMode = SpyMode.LISTEN) -> Phone:
    supervise(stage, story, mode)
    phone = Phone(stage, story)
    stage.tell(phone.ring() + phone.answer())
    stage.take_orders()
    return phone


def told(stage: Stage) -> list[SpyMode | None]:
    return [event.mode for event in stage.of_kind(SupervisionChanged)]


def test_the_supervisors_own_phone_is_rung_and_hears_the_operators_leg(stage: Stage, story: Story) -> None:
    supervise(stage, story, SpyMode.WHISPER)
    assert story.seat is not None
    [ring] = [order for order in stage.take_orders() if isinstance(order, DialLeg)]
    assert (ring.endpoint, ring.context, ring.exten) == ("9001", "supervise", "whisper")
    assert ring.leg.startswith(f"{story.call_id}-s")
    assert ring.variables["HOTLINE_WATCHED"] == story.seat.name
    assert ring.variables["X-Hotline-Supervise"] == "1"
    assert stage.agent(BOSS).status is AgentStatus.RINGING
    assert stage.board.supervisions == {}, "nobody hears anything yet"


def test_it_begins_with_the_answer_and_the_call_has_no_leg_more(stage: Stage, story: Story) -> None:
    watching(stage, story)
    [one] = stage.board.supervisions.values()
    assert (one.agent_id, one.operator, one.mode) == (BOSS, ME, SpyMode.LISTEN)
    assert (stage.agent(BOSS).status, stage.agent(BOSS).call_id) == (AgentStatus.TALKING, story.call_id)
    assert [leg.role for leg in stage.call().legs] == [LegRole.CITIZEN, LegRole.OPERATOR]
    assert told(stage) == [SpyMode.LISTEN]
    assert stage.unlisted == []


def test_the_mode_changes_in_the_same_session(stage: Stage, story: Story) -> None:
    phone = watching(stage, story)
    for mode in (SpyMode.WHISPER, SpyMode.BARGE, SpyMode.BARGE):
        supervise(stage, story, mode)
    assert stage.take_orders() == [
        RedirectChannel(channel=phone.channel.id, context="supervise", exten="whisper"),
        RedirectChannel(channel=phone.channel.id, context="supervise", exten="barge"),
    ]
    assert told(stage) == [SpyMode.LISTEN, SpyMode.WHISPER, SpyMode.BARGE]


def test_a_mode_that_is_chosen_while_the_phone_rings_comes_with_the_answer(stage: Stage, story: Story) -> None:
    supervise(stage, story)
    phone = Phone(stage, story)
    stage.tell(phone.ring())
    supervise(stage, story, SpyMode.BARGE)
    stage.take_orders()
    stage.tell(phone.answer())
    assert stage.take_orders() == [RedirectChannel(channel=phone.channel.id, context="supervise", exten="barge")]
    assert told(stage) == [SpyMode.BARGE]


def test_a_phone_that_does_not_answer_changes_nothing(stage: Stage, story: Story) -> None:
    supervise(stage, story)
    phone = Phone(stage, story)
    stage.tell(phone.ring() + phone.hang_up(cause=17))
    assert (stage.agent(BOSS).status, told(stage)) == (AgentStatus.READY, [])
    supervise(stage, story)
    assert stage.agent(BOSS).status is AgentStatus.RINGING


@pytest.mark.parametrize("how", ["refused by the switch", "no channel", "silence"])
def test_a_phone_that_was_never_rung_is_given_up(stage: Stage, story: Story, how: str) -> None:
    supervise(stage, story)
    [ring] = [order for order in stage.take_orders() if isinstance(order, DialLeg)]
    if how == "refused by the switch":
        stage.board.failed(ring)
        stage.wait(0.3)
    elif how == "no channel":
        stage.tell([OriginateResponse(at=stage.now, channel_id=ring.leg, ok=False, reason=0)])
    else:
        stage.wait(21.0)
    assert stage.agent(BOSS).status is AgentStatus.READY


def test_it_ends_when_the_supervisor_says_so(stage: Stage, story: Story) -> None:
    phone = watching(stage, story)
    stage.ask(EndSupervision(call_id=story.call_id, agent_id=BOSS))
    assert stage.take_orders() == [HangUpChannel(channel=phone.channel.id)]
    stage.tell(phone.hang_up())
    assert (stage.agent(BOSS).status, stage.board.supervisions) == (AgentStatus.READY, {})
    assert told(stage) == [SpyMode.LISTEN, None]
    assert stage.call().phase is CallPhase.TALKING


def test_a_call_that_ends_while_the_phone_rings_lets_it_go(stage: Stage, story: Story) -> None:
    supervise(stage, story)
    phone = Phone(stage, story)
    stage.tell(phone.ring())
    stage.take_orders()
    stage.tell(story.caller_hangs_up())
    assert HangUpChannel(channel=phone.channel.id) in stage.take_orders()
    stage.tell(phone.hang_up())
    assert stage.agent(BOSS).status is AgentStatus.READY
    assert stage.unlisted == []


def test_the_end_of_the_call_does_not_wait_for_the_supervisors_leg(stage: Stage, story: Story) -> None:
    phone = watching(stage, story)
    stage.tell(story.caller_hangs_up())
    assert len(stage.of_kind(CallEnded)) == 1
    stage.tell(phone.hang_up())
    assert stage.agent(BOSS).status is AgentStatus.READY


def test_whoever_looks_into_a_call_from_a_wrap_up_goes_back_to_it(stage: Stage, story: Story) -> None:
    other = Story(now=stage.now, serial=500)
    stage.tell([*other.arrive(), *other.join(), *other.ring("9001"), *other.answer(), *other.caller_hangs_up()])
    assert stage.agent(BOSS).status is AgentStatus.WRAPPING_UP
    phone = watching(stage, story)
    assert stage.agent(BOSS).status is AgentStatus.TALKING
    stage.tell(phone.hang_up())
    assert (stage.agent(BOSS).status, stage.agent(BOSS).call_id) == (AgentStatus.WRAPPING_UP, other.call_id)
    stage.ask(FinishWrapUp(agent_id=BOSS))
    assert stage.agent(BOSS).status is AgentStatus.READY


def test_taking_over_joins_first_and_lets_the_operator_leave_then(stage: Stage, story: Story) -> None:
    phone = watching(stage, story)
    assert story.seat is not None
    stage.ask(TakeOver(call_id=story.call_id, agent_id=BOSS))
    assert stage.take_orders() == [RedirectChannel(channel=phone.channel.id, context="join", exten="s")]
    stage.tell(phone.join())
    assert RedirectChannel(channel=story.seat.id, context="leave", exten="s") in stage.take_orders()
    answered = stage.of_kind(CallAnswered)[-1]
    assert (answered.agent_id, answered.transferred, answered.operator) == (BOSS, True, phone.channel.id)
    assert answered.wait_s == stage.of_kind(CallAnswered)[0].wait_s
    assert told(stage)[-1] is None
    bridge = story.bridge
    assert bridge is not None
    stage.wait(0.1)
    left = [
        BridgeLeave(at=stage.now, bridge=bridge, channel=story.seat),
        Hangup(at=stage.now, channel=story.seat, cause=16),
    ]
    stage.tell(left)
    assert stage.agent().status is AgentStatus.WRAPPING_UP
    assert (stage.agent(BOSS).status, stage.agent(BOSS).call_id) == (AgentStatus.TALKING, story.call_id)
    assert (stage.call().answered_by, stage.call().agent_left_at) == (BOSS, None)
    stage.tell(phone.hang_up())
    assert stage.agent(BOSS).status is AgentStatus.WRAPPING_UP
    assert [event.agent_id for event in stage.of_kind(AgentLegEnded)] == [ME, BOSS]
    assert stage.unlisted == []


def test_a_takeover_that_fails_leaves_the_call_with_its_operator(stage: Stage, story: Story) -> None:
    phone = watching(stage, story)
    stage.ask(TakeOver(call_id=story.call_id, agent_id=BOSS))
    stage.tell(phone.hang_up(cause=0))
    assert (stage.call().answered_by, stage.agent().status) == (ME, AgentStatus.TALKING)
    assert (stage.agent(BOSS).status, stage.board.supervisions) == (AgentStatus.READY, {})


def test_a_supervisor_who_is_signed_out_meanwhile_is_gone_after_it(stage: Stage, story: Story) -> None:
    phone = watching(stage, story)
    stage.ask(ForceSignOut(agent_id=BOSS))
    assert BOSS in stage.board.agents
    stage.tell(phone.hang_up())
    assert stage.of_kind(AgentSignedOut)[-1].forced


# what the switch does not do ------------------------------------------------------------------------------------------


def refused(stage: Stage) -> RedirectChannel:
    """The switch does not carry out the last order."""
    order = stage.take_orders()[-1]
    assert isinstance(order, RedirectChannel)
    stage.board.failed(order)
    return order


def test_a_mode_that_the_switch_refuses_is_told_to_be_the_one_before(stage: Stage, story: Story) -> None:
    phone = watching(stage, story)
    supervise(stage, story, SpyMode.WHISPER)
    refused(stage)
    stage.wait(0.3)
    assert stage.board.supervisions[story.call_id].mode is SpyMode.LISTEN
    assert told(stage) == [SpyMode.LISTEN, SpyMode.WHISPER, SpyMode.LISTEN]
    supervise(stage, story, SpyMode.WHISPER)
    assert stage.take_orders() == [RedirectChannel(channel=phone.channel.id, context="supervise", exten="whisper")]
    stage.wait(0.3)
    assert told(stage)[-1] is SpyMode.WHISPER


def test_an_old_order_that_fails_undoes_no_newer_one(stage: Stage, story: Story) -> None:
    watching(stage, story)
    supervise(stage, story, SpyMode.WHISPER)
    [old] = stage.take_orders()
    supervise(stage, story, SpyMode.BARGE)
    stage.board.failed(old)
    stage.wait(0.3)
    assert told(stage)[-1] is SpyMode.BARGE


def test_a_mode_that_came_too_late_for_the_answer_and_is_refused_is_the_one_the_phone_went_to(
    stage: Stage, story: Story
) -> None:
    supervise(stage, story)
    phone = Phone(stage, story)
    stage.tell(phone.ring())
    supervise(stage, story, SpyMode.BARGE)
    stage.tell(phone.answer())
    refused(stage)
    stage.wait(0.3)
    assert told(stage) == [SpyMode.BARGE, SpyMode.LISTEN]


def test_a_refused_takeover_can_be_tried_again_or_be_left(stage: Stage, story: Story) -> None:
    phone = watching(stage, story, SpyMode.WHISPER)
    stage.ask(TakeOver(call_id=story.call_id, agent_id=BOSS))
    assert refused(stage).context == "join"
    stage.wait(0.3)
    assert (stage.board.supervisions[story.call_id].mode, told(stage)) == (SpyMode.WHISPER, [SpyMode.WHISPER])
    supervise(stage, story, SpyMode.LISTEN)
    stage.ask(TakeOver(call_id=story.call_id, agent_id=BOSS))
    stage.tell(phone.join())
    assert stage.call().answered_by == BOSS
    assert stage.unlisted == []


# what is refused ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [EndSupervision, TakeOver])
def test_only_who_supervises_a_call_can_leave_it_or_take_it(
    stage: Stage, story: Story, command: type[EndSupervision] | type[TakeOver]
) -> None:
    with pytest.raises(Refused):
        stage.ask(command(call_id=story.call_id, agent_id=BOSS))
    watching(stage, story)
    with pytest.raises(Refused):
        stage.ask(command(call_id=story.call_id, agent_id=THIRD))


def test_a_phone_that_rings_takes_nothing_over(stage: Stage, story: Story) -> None:
    supervise(stage, story)
    with pytest.raises(Refused):
        stage.ask(TakeOver(call_id=story.call_id, agent_id=BOSS))


def test_who_takes_over_cannot_change_the_mode_any_more(stage: Stage, story: Story) -> None:
    watching(stage, story)
    stage.ask(TakeOver(call_id=story.call_id, agent_id=BOSS))
    with pytest.raises(Refused):
        supervise(stage, story, SpyMode.BARGE)


def test_one_supervisor_is_enough(stage: Stage, story: Story) -> None:
    watching(stage, story)
    with pytest.raises(Refused, match="somebody else"):
        supervise(stage, story, agent=THIRD)


def test_nobody_supervises_the_own_call_or_two_at_once(stage: Stage, story: Story) -> None:
    with pytest.raises(Refused, match="party"):
        supervise(stage, story, agent=ME)
    watching(stage, story)
    stage.sign_in("8002")
    other = Story(now=stage.now, serial=500)
    stage.tell([*other.arrive(), *other.join(), *other.ring("8002"), *other.answer()])
    with pytest.raises(Refused):
        supervise(stage, other)


def test_a_call_without_an_operator_or_without_an_end_to_hear_is_not_supervised(stage: Stage) -> None:
    story = Story()
    stage.tell(story.arrive() + story.join())
    with pytest.raises(Refused, match="no operator"):
        supervise(stage, story)
    stage.tell(story.caller_hangs_up())
    with pytest.raises(UnknownCall):
        supervise(stage, story)


def test_a_supervisor_needs_a_phone(stage: Stage, story: Story) -> None:
    with pytest.raises(UnknownAgent):
        supervise(stage, story, agent=AgentId("9009"))
    stage.wait(1.0)
    stage.tell([DeviceStateChange(at=stage.now, device="PJSIP/9001", state="UNAVAILABLE")])
    with pytest.raises(Refused, match="no phone"):
        supervise(stage, story)


# after a gap ----------------------------------------------------------------------------------------------------------


def test_a_restart_of_ours_finds_who_listens(stage: Stage, story: Story) -> None:
    phone = watching(stage, story, SpyMode.WHISPER)
    stage.wait(5.0)
    at = stage.now
    listed = [*story.listed(at), live(phone.channel)]
    fresh = Stage()
    fresh.now = at
    fresh.tell([snapshot(at, channels=listed, members=[member("8001", at, status=2), member("9001", at, status=2)])])
    [one] = fresh.board.supervisions.values()
    assert (one.agent_id, one.operator, one.mode, one.leg) == (BOSS, ME, SpyMode.WHISPER, phone.channel.id)
    assert [leg.role for leg in fresh.call().legs] == [LegRole.CITIZEN, LegRole.OPERATOR]


def test_who_barged_in_by_the_bridge_is_found_again_and_stays(stage: Stage, story: Story) -> None:
    phone = watching(stage, story, SpyMode.LISTEN)
    phone.channel = replace(phone.channel, context="join", exten="s")
    stage.tell(phone.join())
    stage.wait(5.0)
    at = stage.now
    listed = [*story.listed(at), replace(live(phone.channel), bridge=story.bridge, application="BridgeAdd")]
    fresh = Stage()
    fresh.now = at
    seats = [member("8001", at, status=2), member("9001", at, status=2)]
    for each in (stage, fresh):
        each.tell([snapshot(at, channels=listed, members=seats)])
        [one] = each.board.supervisions.values()
        assert (one.agent_id, one.operator, one.leg, one.joined) == (BOSS, ME, phone.channel.id, True)
    assert one.mode is SpyMode.BARGE


def test_who_barged_in_by_the_bridge_is_a_leg_with_a_part_of_its_own(stage: Stage, story: Story) -> None:
    phone = watching(stage, story, SpyMode.BARGE)
    stage.tell(phone.join())
    assert [leg.role for leg in stage.call().legs] == [LegRole.CITIZEN, LegRole.OPERATOR, LegRole.SUPERVISOR]
    stage.ask(TakeOver(call_id=story.call_id, agent_id=BOSS))
    stage.tell(phone.join())
    assert [leg.role for leg in stage.call().legs] == [LegRole.CITIZEN, LegRole.OPERATOR, LegRole.OPERATOR]


def test_a_listener_whose_end_was_missed_is_gone_with_the_next_comparison(stage: Stage, story: Story) -> None:
    watching(stage, story)
    stage.wait(5.0)
    at = stage.now
    seats = [member("8001", at, status=2)]
    stage.tell([snapshot(at, channels=story.listed(at), members=seats)])
    assert (stage.board.supervisions, stage.agent(BOSS).status) == ({}, AgentStatus.READY)
    assert "ghost_leg" not in {event.kind for event in stage.of_kind(DriftRepaired)}


def compared(stage: Stage, story: Story, phone: Phone, *, joined: bool = False) -> None:
    """The switch lists the supervisor's leg where ``phone`` says it is."""
    listed = live(phone.channel)
    if joined:
        listed = replace(listed, bridge=story.bridge, application="BridgeAdd")
    seats = [member("8001", stage.now, status=2)]
    stage.tell([snapshot(stage.now, channels=[*story.listed(stage.now), listed], members=seats)])


@pytest.mark.parametrize("after_s", [2.0, 30.0])
def test_the_switch_knows_the_mode_better_once_an_order_has_had_its_time(
    stage: Stage, story: Story, after_s: float
) -> None:
    phone = watching(stage, story)
    supervise(stage, story, SpyMode.WHISPER)
    stage.wait(after_s)
    compared(stage, story, phone)
    in_time = after_s < 5
    assert stage.board.supervisions[story.call_id].mode is (SpyMode.WHISPER if in_time else SpyMode.LISTEN)
    assert told(stage)[2:] == ([] if in_time else [SpyMode.LISTEN])


def test_a_mode_that_is_as_it_was_asked_for_is_no_news(stage: Stage, story: Story) -> None:
    phone = watching(stage, story)
    supervise(stage, story, SpyMode.WHISPER)
    phone.channel = replace(phone.channel, exten="whisper")
    stage.wait(30.0)
    compared(stage, story, phone)
    assert told(stage) == [SpyMode.LISTEN, SpyMode.WHISPER]
    assert stage.of_kind(DriftRepaired) == []


def test_a_takeover_of_which_nothing_came_is_over_with_the_next_comparison(stage: Stage, story: Story) -> None:
    phone = watching(stage, story)
    stage.ask(TakeOver(call_id=story.call_id, agent_id=BOSS))
    stage.wait(30.0)
    compared(stage, story, phone)
    supervise(stage, story, SpyMode.BARGE)
    assert told(stage) == [SpyMode.LISTEN, SpyMode.BARGE]


def test_a_takeover_whose_joining_was_missed_is_made_good(stage: Stage, story: Story) -> None:
    phone = watching(stage, story)
    stage.ask(TakeOver(call_id=story.call_id, agent_id=BOSS))
    phone.channel = replace(phone.channel, context="join", exten="s")
    stage.take_orders()
    stage.wait(30.0)
    compared(stage, story, phone, joined=True)
    assert story.seat is not None
    assert RedirectChannel(channel=story.seat.id, context="leave", exten="s") in stage.take_orders()
    assert (stage.call().answered_by, told(stage)[-1]) == (BOSS, None)


def test_an_answer_that_was_missed_is_found_in_the_list(stage: Stage, story: Story) -> None:
    supervise(stage, story)
    phone = Phone(stage, story)
    stage.tell(phone.ring())
    phone.answer()
    stage.wait(3.0)
    compared(stage, story, phone)
    assert (told(stage), stage.agent(BOSS).status) == ([SpyMode.LISTEN], AgentStatus.TALKING)


def live(channel: Channel) -> LiveChannel:
    return LiveChannel(channel=channel, bridge=None, age_s=5, application="ChanSpy")


def test_a_member_of_a_queue_is_paused_while_it_listens(stage: Stage, story: Story) -> None:
    stage.sign_in("8002")
    stage.take_orders()
    supervise(stage, story, agent=AgentId("8002"))
    pause, ring = stage.take_orders()
    assert pause == PauseMember(seat=SeatId("8002"), paused=True, reason="in_call")
    assert isinstance(ring, DialLeg)


def test_every_command_needs_a_call_that_is_known(stage: Stage) -> None:
    nowhere = CallId("1.1")
    commands: list[Command] = [
        EndSupervision(call_id=nowhere, agent_id=BOSS),
        TakeOver(call_id=nowhere, agent_id=BOSS),
        Supervise(call_id=nowhere, agent_id=BOSS, mode=SpyMode.LISTEN),
    ]
    for command in commands:
        with pytest.raises((Refused, UnknownCall)):
            stage.ask(command)
    assert ChannelId("1.1") not in stage.board.calls
    assert HOTLINE in stage.agent().queues
