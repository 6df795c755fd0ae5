"""One operator's shift, through the switchboard: what is asked, what calls bring, what the switch is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from telephony.commands import (
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
from telephony.duties import reasons_of
from telephony.errors import Refused, UnknownAgent
from telephony.events import AgentSignedIn, AgentSignedOut, AgentStatus, AgentStatusChanged, PauseReason
from telephony.facts import ContactStatus, DeviceStateChange, Fact
from telephony.ids import AgentId, QueueName, SeatId
from telephony.orders import AddMember, PauseMember, RemoveMember, SetPenalty
from telephony.targets import SeatKind
from tests.fakes.stories import HOTLINE, Story
from tests.telephony.stage import Stage, member

ME = AgentId("8001")
Moment = Callable[[Stage, Story], None]


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    stage.go_live()
    stage.take_orders()
    return stage


@pytest.fixture
def story() -> Story:
    return Story()


def ring(stage: Stage, story: Story) -> None:
    stage.tell(story.arrive() + story.join() + story.ring("8001"))


def talk(stage: Stage, story: Story) -> None:
    ring(stage, story)
    stage.tell(story.answer())


def wrap_up(stage: Stage, story: Story) -> None:
    talk(stage, story)
    stage.tell(story.caller_hangs_up())


# signing in and out ---------------------------------------------------------------------------------------------------


def test_signing_in_without_a_phone_waits_for_it(stage: Stage) -> None:
    agent = stage.sign_in(phone=False)
    assert (agent.status, agent.reasons) == (AgentStatus.PAUSED, {PauseReason.DEVICE_LOST})
    assert stage.take_orders() == [
        AddMember(queue=HOTLINE, seat=SeatId("8001"), agent_id=ME, paused=True, reason="device_lost")
    ]
    stage.tell([DeviceStateChange(at=stage.now, device="PJSIP/8001", state="NOT_INUSE")])
    assert stage.agent().status is AgentStatus.READY
    assert stage.take_orders() == [PauseMember(seat=SeatId("8001"), paused=False)]


@pytest.mark.parametrize(
    "shown",
    [
        lambda at: DeviceStateChange(at=at, device="PJSIP/8001", state="NOT_INUSE"),
        lambda at: ContactStatus(at=at, endpoint="8001", status="Created"),
        lambda at: member("8001", at, status=1),
    ],
    ids=["device state", "registration", "queue member"],
)
def test_each_of_three_facts_shows_that_the_phone_is_there(stage: Stage, shown: Callable[[datetime], Fact]) -> None:
    stage.sign_in(phone=False)
    stage.tell([shown(stage.now)])
    assert stage.agent().status is AgentStatus.READY


def test_signing_in_with_the_phone_there_is_ready_at_once(stage: Stage) -> None:
    assert stage.sign_in().status is AgentStatus.READY
    assert [type(event) for event in stage.events[-2:]] == [AgentSignedIn, AgentStatusChanged]
    assert stage.take_orders() == [AddMember(queue=HOTLINE, seat=SeatId("8001"), agent_id=ME, paused=False)]


def test_signing_in_twice_changes_nothing(stage: Stage) -> None:
    stage.sign_in()
    events, _ = len(stage.events), stage.take_orders()
    stage.ask(SignIn(agent_id=ME, seat=SeatId("8001"), queues=(HOTLINE,)))
    assert len(stage.events) == events
    assert stage.take_orders() == []


def test_a_seat_takes_one_person_and_a_person_one_seat(stage: Stage) -> None:
    stage.sign_in()
    with pytest.raises(Refused):
        stage.ask(SignIn(agent_id=AgentId("9001"), seat=SeatId("8001"), queues=(HOTLINE,)))
    with pytest.raises(Refused):
        stage.ask(SignIn(agent_id=ME, seat=SeatId("8002"), queues=(HOTLINE,)))


def test_signing_out_takes_the_seat_out_of_the_queue(stage: Stage) -> None:
    stage.sign_in()
    stage.take_orders()
    [signed_out] = stage.ask(SignOut(agent_id=ME))
    assert isinstance(signed_out, AgentSignedOut)
    assert stage.take_orders() == [RemoveMember(queue=HOTLINE, seat=SeatId("8001"))]
    with pytest.raises(UnknownAgent):
        stage.ask(SignOut(agent_id=ME))


@pytest.mark.parametrize("in_a_call", [ring, talk])
def test_signing_out_is_refused_in_a_call(stage: Stage, story: Story, in_a_call: Moment) -> None:
    stage.sign_in()
    in_a_call(stage, story)
    with pytest.raises(Refused):
        stage.ask(SignOut(agent_id=ME))
    assert ME in stage.board.agents


# a call, and what follows it ------------------------------------------------------------------------------------------


def test_a_call_takes_the_operator_through_ringing_talking_and_wrap_up(stage: Stage, story: Story) -> None:
    stage.sign_in()
    stage.take_orders()
    seen = []
    ring(stage, story)
    for act in (list, story.answer, story.caller_hangs_up):
        stage.tell(act())
        seen.append((stage.agent().status, stage.agent().call_id))
    assert seen == [
        (AgentStatus.RINGING, story.call_id),
        (AgentStatus.TALKING, story.call_id),
        (AgentStatus.WRAPPING_UP, story.call_id),
    ]
    assert stage.take_orders() == [PauseMember(seat=SeatId("8001"), paused=True, reason="wrapping_up")]
    assert stage.agent().wrap_up_until == stage.agent().since + timedelta(seconds=60)


def test_wrap_up_begins_with_the_end_of_the_operators_own_leg(stage: Stage, story: Story) -> None:
    stage.sign_in()
    talk(stage, story)
    stage.tell(story.operator_hangs_up())
    assert stage.agent().status is AgentStatus.WRAPPING_UP
    assert stage.call().ended_at is None


def test_ready_ends_the_wrap_up(stage: Stage, story: Story) -> None:
    stage.sign_in()
    wrap_up(stage, story)
    stage.take_orders()
    stage.ask(Ready(agent_id=ME))
    agent = stage.agent()
    assert (agent.status, agent.call_id, agent.wrap_up_until) == (AgentStatus.READY, None, None)
    assert stage.take_orders() == [PauseMember(seat=SeatId("8001"), paused=False)]


def test_a_wrap_up_that_runs_over_pauses(stage: Stage, story: Story) -> None:
    stage.sign_in()
    wrap_up(stage, story)
    stage.take_orders()
    stage.wait(59.0)
    assert stage.agent().status is AgentStatus.WRAPPING_UP
    stage.wait(2.0)
    assert (stage.agent().status, stage.agent().reasons) == (AgentStatus.PAUSED, {PauseReason.WRAP_UP_OVERRUN})
    assert PauseMember(seat=SeatId("8001"), paused=True, reason="wrap_up_overrun") in stage.take_orders()


def test_a_wrap_up_can_be_extended(stage: Stage, story: Story) -> None:
    stage.sign_in()
    wrap_up(stage, story)
    stage.wait(50.0)
    assert any(isinstance(event, AgentStatusChanged) for event in stage.ask(ExtendWrapUp(agent_id=ME, seconds=60)))
    stage.wait(50.0)
    assert stage.agent().status is AgentStatus.WRAPPING_UP
    stage.wait(21.0)
    assert stage.agent().status is AgentStatus.PAUSED


def test_all_extensions_of_one_wrap_up_have_a_limit_together(stage: Stage, story: Story) -> None:
    stage.sign_in()
    wrap_up(stage, story)
    stage.ask(ExtendWrapUp(agent_id=ME, seconds=400))
    stage.ask(ExtendWrapUp(agent_id=ME, seconds=400))
    assert stage.agent().extended == timedelta(seconds=600)
    with pytest.raises(Refused):
        stage.ask(ExtendWrapUp(agent_id=ME, seconds=1))
    stage.wait(661.0)
    assert stage.agent().reasons == {PauseReason.WRAP_UP_OVERRUN}


def test_the_next_wrap_up_may_be_extended_again(stage: Stage, story: Story) -> None:
    stage.sign_in()
    wrap_up(stage, story)
    stage.ask(ExtendWrapUp(agent_id=ME, seconds=600))
    stage.ask(FinishWrapUp(agent_id=ME))
    wrap_up(stage, Story(now=stage.now, serial=100))
    assert stage.ask(ExtendWrapUp(agent_id=ME, seconds=60))


@pytest.mark.parametrize("command", [ExtendWrapUp(agent_id=ME, seconds=60), FinishWrapUp(agent_id=ME)])
def test_only_a_wrap_up_can_be_extended_or_finished(stage: Stage, command: ExtendWrapUp | FinishWrapUp) -> None:
    stage.sign_in()
    with pytest.raises(Refused):
        stage.ask(command)


def test_a_call_that_rings_out_pauses_the_seat(stage: Stage, story: Story) -> None:
    stage.sign_in()
    stage.take_orders()
    ring(stage, story)
    stage.tell(story.no_answer())
    agent = stage.agent()
    assert (agent.status, agent.reasons, agent.call_id) == (AgentStatus.PAUSED, {PauseReason.NO_ANSWER}, None)
    assert stage.take_orders() == [PauseMember(seat=SeatId("8001"), paused=True, reason="no_answer")]
    stage.ask(Ready(agent_id=ME))
    assert stage.agent().status is AgentStatus.READY


def test_a_phone_that_refuses_is_paused_too(stage: Stage, story: Story) -> None:
    stage.sign_in()
    ring(stage, story)
    stage.tell(story.refuse())
    assert stage.agent().reasons == {PauseReason.NO_ANSWER}


def test_a_caller_who_gives_up_leaves_the_operator_ready(stage: Stage, story: Story) -> None:
    stage.sign_in()
    stage.take_orders()
    ring(stage, story)
    stage.tell(story.caller_hangs_up())
    assert stage.agent().status is AgentStatus.READY
    assert stage.take_orders() == []


# pausing --------------------------------------------------------------------------------------------------------------


def test_a_new_reason_replaces_the_one_given_before(stage: Stage) -> None:
    stage.sign_in()
    stage.take_orders()
    stage.ask(Pause(agent_id=ME, reason=PauseReason.MEAL))
    stage.ask(Pause(agent_id=ME, reason=PauseReason.MEETING))
    assert stage.agent().reasons == {PauseReason.MEETING}
    assert [order.reason for order in stage.take_orders() if isinstance(order, PauseMember)] == ["meal", "meeting"]


@pytest.mark.parametrize("reason", [PauseReason.DEVICE_LOST, PauseReason.NO_ANSWER, PauseReason.WRAP_UP_OVERRUN])
def test_a_reason_that_is_found_out_cannot_be_given(stage: Stage, reason: PauseReason) -> None:
    stage.sign_in()
    with pytest.raises(Refused):
        stage.ask(Pause(agent_id=ME, reason=reason))


@pytest.mark.parametrize("moment", [ring, talk, wrap_up])
def test_a_pause_in_a_call_or_wrap_up_comes_afterwards(stage: Stage, story: Story, moment: Moment) -> None:
    stage.sign_in()
    moment(stage, story)
    status = stage.agent().status
    stage.ask(Pause(agent_id=ME, reason=PauseReason.MEAL))
    assert (stage.agent().status, stage.agent().next_reason) == (status, PauseReason.MEAL)
    if status is not AgentStatus.WRAPPING_UP:
        stage.tell(story.caller_hangs_up())
    stage.wait(61.0)
    assert stage.agent().status is AgentStatus.PAUSED
    assert PauseReason.MEAL in stage.agent().reasons
    assert stage.agent().next_reason is None


def test_ready_in_a_call_withdraws_the_pause_that_was_to_come(stage: Stage, story: Story) -> None:
    stage.sign_in()
    talk(stage, story)
    stage.ask(Pause(agent_id=ME, reason=PauseReason.MEAL))
    stage.ask(Ready(agent_id=ME))
    assert (stage.agent().status, stage.agent().next_reason) == (AgentStatus.TALKING, None)


@pytest.mark.parametrize("reason", [None, PauseReason.MEAL])
def test_finishing_the_wrap_up_goes_to_what_was_chosen(stage: Stage, story: Story, reason: PauseReason | None) -> None:
    stage.sign_in()
    wrap_up(stage, story)
    if reason:
        stage.ask(Pause(agent_id=ME, reason=reason))
    stage.ask(FinishWrapUp(agent_id=ME))
    assert stage.agent().status is (AgentStatus.PAUSED if reason else AgentStatus.READY)
    assert stage.agent().reasons == ({reason} if reason else set())


# the phone ------------------------------------------------------------------------------------------------------------


def lose_phone(stage: Stage) -> None:
    stage.tell([DeviceStateChange(at=stage.now, device="PJSIP/8001", state="UNAVAILABLE")])


def test_a_lost_phone_pauses_and_no_person_can_drop_that(stage: Stage) -> None:
    stage.sign_in()
    stage.ask(Pause(agent_id=ME, reason=PauseReason.MEAL))
    stage.wait(1.0)
    lose_phone(stage)
    assert stage.agent().reasons == {PauseReason.MEAL, PauseReason.DEVICE_LOST}
    stage.ask(Ready(agent_id=ME))
    assert (stage.agent().status, stage.agent().reasons) == (AgentStatus.PAUSED, {PauseReason.DEVICE_LOST})


def test_a_phone_lost_in_a_call_does_not_touch_the_call(stage: Stage, story: Story) -> None:
    stage.sign_in()
    talk(stage, story)
    lose_phone(stage)
    assert (stage.agent().status, stage.agent().call_id) == (AgentStatus.TALKING, story.call_id)
    stage.tell(story.caller_hangs_up())
    stage.wait(1.0)
    lose_phone(stage)
    stage.ask(Ready(agent_id=ME))
    assert (stage.agent().status, stage.agent().reasons) == (AgentStatus.PAUSED, {PauseReason.DEVICE_LOST})


def test_an_older_word_about_the_phone_does_not_undo_a_newer_one(stage: Stage) -> None:
    stage.sign_in()
    old = stage.now - timedelta(seconds=1)
    stage.tell([DeviceStateChange(at=old, device="PJSIP/8001", state="UNAVAILABLE")])
    assert stage.agent().status is AgentStatus.READY


def test_a_page_that_reloads_does_not_lose_its_phone(stage: Stage) -> None:
    stage.sign_in()
    stage.tell([ContactStatus(at=stage.now, endpoint="8001", status="Removed")])
    assert stage.agent().status is AgentStatus.READY


@pytest.mark.parametrize("part", list(WorkplacePart))
def test_a_broken_workplace_pauses_until_all_of_it_works_again(stage: Stage, part: WorkplacePart) -> None:
    stage.sign_in()
    stage.take_orders()
    stage.ask(ReportDevice(agent_id=ME, works=False, part=part))
    assert stage.take_orders() == [PauseMember(seat=SeatId("8001"), paused=True, reason="device_lost")]
    stage.ask(Ready(agent_id=ME))
    assert stage.agent().status is AgentStatus.PAUSED
    stage.wait(1.0)
    lose_phone(stage)
    stage.ask(ReportDevice(agent_id=ME, works=True, part=part))
    assert stage.agent().reasons == {PauseReason.DEVICE_LOST}, "the phone is still away"
    stage.wait(1.0)
    stage.tell([DeviceStateChange(at=stage.now, device="PJSIP/8001", state="NOT_INUSE")])
    assert stage.agent().status is AgentStatus.READY


def test_a_second_window_takes_the_shift_over_with_a_microphone_of_its_own(stage: Stage) -> None:
    stage.sign_in()
    stage.ask(ReportDevice(agent_id=ME, works=False))
    stage.ask(SignIn(agent_id=ME, seat=SeatId("8001"), queues=(HOTLINE,)))
    assert stage.agent().status is AgentStatus.READY


# what supervisors say -------------------------------------------------------------------------------------------------


def test_a_forced_pause_stands_beside_the_own_and_only_a_supervisor_lifts_it(stage: Stage) -> None:
    stage.sign_in()
    stage.ask(Pause(agent_id=ME, reason=PauseReason.MEAL))
    stage.ask(ForcePause(agent_id=ME))
    assert stage.agent().reasons == {PauseReason.MEAL, PauseReason.SUPERVISOR}
    stage.ask(Ready(agent_id=ME))
    assert (stage.agent().status, stage.agent().reasons) == (AgentStatus.PAUSED, {PauseReason.SUPERVISOR})
    stage.ask(LiftPause(agent_id=ME))
    assert stage.agent().status is AgentStatus.READY


def test_a_forced_pause_is_not_shaken_off_by_signing_in_anew(stage: Stage) -> None:
    stage.sign_in()
    stage.ask(ForcePause(agent_id=ME))
    stage.ask(SignOut(agent_id=ME))
    assert stage.sign_in().reasons == {PauseReason.SUPERVISOR}


def test_a_forced_pause_in_a_call_lets_the_call_go_on_and_no_other_follow(stage: Stage, story: Story) -> None:
    stage.sign_in()
    talk(stage, story)
    stage.take_orders()
    stage.ask(ForcePause(agent_id=ME))
    assert stage.agent().status is AgentStatus.TALKING
    assert stage.take_orders() == [PauseMember(seat=SeatId("8001"), paused=True, reason="supervisor")]
    stage.tell(story.caller_hangs_up())
    assert stage.agent().status is AgentStatus.WRAPPING_UP
    stage.ask(FinishWrapUp(agent_id=ME))
    assert stage.agent().reasons == {PauseReason.SUPERVISOR}


def test_a_forced_sign_out_of_a_call_is_at_once(stage: Stage) -> None:
    stage.sign_in()
    stage.take_orders()
    [signed_out] = stage.ask(ForceSignOut(agent_id=ME))
    assert isinstance(signed_out, AgentSignedOut)
    assert signed_out.forced
    assert stage.take_orders() == [RemoveMember(queue=HOTLINE, seat=SeatId("8001"))]


@pytest.mark.parametrize("in_a_call", [ring, talk])
def test_a_forced_sign_out_in_a_call_comes_at_its_end_without_wrap_up(
    stage: Stage, story: Story, in_a_call: Moment
) -> None:
    stage.sign_in()
    in_a_call(stage, story)
    stage.take_orders()
    stage.ask(ForceSignOut(agent_id=ME))
    assert stage.agent().status in (AgentStatus.RINGING, AgentStatus.TALKING)
    assert stage.take_orders() == [PauseMember(seat=SeatId("8001"), paused=True, reason="leaving")]
    stage.tell(story.caller_hangs_up())
    assert ME not in stage.board.agents
    assert [event.forced for event in stage.of_kind(AgentSignedOut)] == [True]
    assert RemoveMember(queue=HOTLINE, seat=SeatId("8001")) in stage.take_orders()


# rings that come to nothing -------------------------------------------------------------------------------------------


def test_a_stray_ring_that_is_cancelled_does_not_end_the_wrap_up(stage: Stage, story: Story) -> None:
    stage.sign_in()
    wrap_up(stage, story)
    until = stage.agent().wrap_up_until
    stray = Story(now=stage.now, serial=500)
    stage.tell(stray.arrive() + stray.join() + stray.ring("8001"))
    assert (stage.agent().status, stage.agent().takes_calls) == (AgentStatus.RINGING, False)
    stage.tell(stray.caller_hangs_up())
    agent = stage.agent()
    assert (agent.status, agent.call_id, agent.wrap_up_until) == (AgentStatus.WRAPPING_UP, story.call_id, until)
    stage.wait(61.0)
    assert stage.agent().reasons == {PauseReason.WRAP_UP_OVERRUN}


def test_levels_are_penalties_and_the_member_stays_where_it_is(stage: Stage) -> None:
    stage.sign_in()
    other = QueueName("12329")
    stage.take_orders()
    stage.ask(SignIn(agent_id=ME, seat=SeatId("8001"), queues=(HOTLINE, other), levels={HOTLINE: 3}))
    moved, added = stage.take_orders()
    assert moved == SetPenalty(queue=HOTLINE, seat=SeatId("8001"), penalty=3)
    assert isinstance(added, AddMember)
    assert (added.queue, added.penalty) == (other, 1)


def test_a_shift_that_goes_on_serves_other_queues_at_once_and_its_call_stays(stage: Stage, story: Story) -> None:
    stage.sign_in()
    stage.ask(ReportDevice(agent_id=ME, works=False))
    assert stage.agent().reasons == {PauseReason.DEVICE_LOST}
    stage.take_orders()
    other = QueueName("housing")
    stage.ask(ServeQueues(agent_id=ME, queues=(HOTLINE, other), levels={HOTLINE: 1, other: 2}))
    added = [(one.queue, one.penalty, one.paused) for one in stage.take_orders() if isinstance(one, AddMember)]
    assert (other, 2, True) in added, "the microphone is still gone"
    assert all(paused for *_, paused in added)
    joined = member("8001", stage.now, paused=True)
    stage.tell([joined, replace(joined, queue=other)])
    stage.ask(ReportDevice(agent_id=ME, works=True))
    talk(stage, story)
    stage.take_orders()
    stage.ask(ServeQueues(agent_id=ME, queues=(other,), levels={other: 2}))
    orders = stage.take_orders()
    assert [one for one in orders if isinstance(one, RemoveMember)] == [
        RemoveMember(queue=HOTLINE, seat=SeatId("8001"))
    ]
    assert not any(isinstance(one, AddMember) for one in orders)
    assert (stage.agent().status, stage.agent().call_id) == (AgentStatus.TALKING, story.call_id)
    stage.ask(ServeQueues(agent_id=ME, queues=(other,), levels={other: 2}))
    assert stage.take_orders() == [], "nothing changes"


def test_who_is_not_there_serves_nothing(stage: Stage) -> None:
    with pytest.raises(UnknownAgent):
        stage.ask(ServeQueues(agent_id=ME, queues=(HOTLINE,)))


# what the switch remembers --------------------------------------------------------------------------------------------


def test_a_pause_code_is_read_back() -> None:
    assert reasons_of("device_lost,meal") == {PauseReason.DEVICE_LOST, PauseReason.MEAL}
    assert reasons_of("wrapping_up") == set()
    assert reasons_of("somebody at the console") == {PauseReason.OTHER}


@pytest.mark.parametrize(
    ("code", "status", "reasons"),
    [
        ("meal", AgentStatus.PAUSED, {PauseReason.MEAL}),
        ("device_lost", AgentStatus.READY, set()),
        ("wrapping_up", AgentStatus.WRAPPING_UP, set()),
        ("supervisor,wrapping_up", AgentStatus.WRAPPING_UP, {PauseReason.SUPERVISOR}),
        ("in_call", AgentStatus.WRAPPING_UP, set()),
        ("meal,supervisor", AgentStatus.PAUSED, {PauseReason.MEAL, PauseReason.SUPERVISOR}),
    ],
)
def test_after_a_restart_of_ours_a_pause_is_taken_over_from_the_switch(
    code: str, status: AgentStatus, reasons: set[PauseReason]
) -> None:
    stage = Stage()
    stage.go_live(member("8001", stage.now, paused=True, reason=code))
    stage.take_orders()
    agent = stage.sign_in()
    assert (agent.status, agent.reasons) == (status, reasons)
    assert all(isinstance(order, PauseMember) for order in stage.take_orders())


def test_who_was_to_be_signed_out_when_we_went_away_is_signed_out_when_we_are_back() -> None:
    stage = Stage()
    stage.go_live(member("8001", stage.now, paused=True, reason="leaving"))
    stage.sign_in()
    stage.wait(0.3)
    assert ME not in stage.board.agents
    assert [event.forced for event in stage.of_kind(AgentSignedOut)] == [True]


# desk phones ----------------------------------------------------------------------------------------------------------
@pytest.fixture
def at_a_desk_phone(stage: Stage) -> Stage:
    stage.tell([DeviceStateChange(at=stage.now, device="PJSIP/8101", state="NOT_INUSE")])
    stage.ask(SignIn(agent_id=ME, seat=SeatId("8101"), kind=SeatKind.DESK_PHONE, queues=(HOTLINE,)))
    assert stage.agent(ME).status is AgentStatus.READY
    return stage


def says(stage: Stage, fact: type[ContactStatus | DeviceStateChange], word: str) -> frozenset[PauseReason]:
    stage.wait(1)
    if fact is ContactStatus:
        stage.tell([ContactStatus(at=stage.now, endpoint="8101", status=word)])
    else:
        stage.tell([DeviceStateChange(at=stage.now, device="PJSIP/8101", state=word)])
    return stage.agent(ME).reasons


def test_a_desk_phone_that_gives_no_sign_of_life_is_gone_whatever_it_is_in(at_a_desk_phone: Stage) -> None:
    lost = {PauseReason.DEVICE_LOST}
    assert says(at_a_desk_phone, ContactStatus, "Unreachable") == lost
    for word in ("INUSE", "ONHOLD", "RINGING"):
        assert says(at_a_desk_phone, DeviceStateChange, word) == lost, "a talk keeps it in use"
    assert says(at_a_desk_phone, ContactStatus, "Reachable") == frozenset()
    assert says(at_a_desk_phone, DeviceStateChange, "INUSE") == frozenset()


def test_a_desk_phone_that_is_idle_again_is_there(at_a_desk_phone: Stage) -> None:
    says(at_a_desk_phone, ContactStatus, "Unreachable")
    assert says(at_a_desk_phone, DeviceStateChange, "NOT_INUSE") == frozenset()


def test_of_a_softphone_an_unreachable_contact_says_nothing(stage: Stage) -> None:
    stage.sign_in()
    stage.tell([ContactStatus(at=stage.now, endpoint="8001", status="Unreachable")])
    assert stage.agent().status is AgentStatus.READY
