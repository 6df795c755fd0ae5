"""An operator's leg is lost in mid-call: the citizen stays, and the operator is brought back or the queue goes on."""

from __future__ import annotations

import pytest

from telephony.calls import CallPhase, LegRole
from telephony.commands import RecoverCall, SignOut
from telephony.errors import Refused, UnknownAgent
from telephony.events import (
    AgentLegEnded,
    AgentStatus,
    AgentStatusChanged,
    CallAnswered,
    CallEnded,
    CallOffered,
    CallOutcome,
    CallQueued,
    PauseReason,
)
from telephony.facts import DeviceStateChange
from telephony.ids import AgentId
from telephony.orders import PauseMember, RedirectChannel
from tests.fakes.stories import HOTLINE, Story
from tests.telephony.stage import Stage, member, snapshot

ME = AgentId("8001")


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    stage.go_live()
    stage.sign_in()
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


def recover(stage: Stage) -> list[RedirectChannel]:
    stage.take_orders()
    stage.ask(RecoverCall(agent_id=ME))
    return [order for order in stage.take_orders() if isinstance(order, RedirectChannel)]


def statuses(stage: Stage) -> list[AgentStatus]:
    return [event.status for event in stage.of_kind(AgentStatusChanged)]


def test_a_reload_sends_the_citizen_to_the_operators_phone(stage: Stage, story: Story) -> None:
    assert recover(stage) == [RedirectChannel(channel=story.citizen.id, context="recover", exten="8001")]


def test_the_operator_who_is_back_talks_on_as_if_nothing_had_been(stage: Stage, story: Story) -> None:
    recover(stage)
    stage.tell(story.redirect() + story.ring_again("8001") + story.come_back())
    assert (stage.call().phase, stage.call().agent_left_at) == (CallPhase.TALKING, None)
    assert statuses(stage)[-1] is AgentStatus.TALKING
    assert AgentStatus.WRAPPING_UP not in statuses(stage)
    assert len(stage.of_kind(CallOffered)) == 1
    assert stage.take_orders() == []
    assert stage.unlisted == []


def test_the_answer_is_told_again_with_the_new_leg_and_the_first_wait(stage: Stage, story: Story) -> None:
    answered_at = stage.call().answered_at
    recover(stage)
    stage.tell(story.redirect() + story.ring_again("8001") + story.come_back())
    first, again = stage.of_kind(CallAnswered)
    assert story.seat is not None
    assert (again.operator, again.agent_id, again.wait_s) == (story.seat.id, ME, first.wait_s)
    assert (first.returned, again.returned) == (False, True)
    assert stage.call().answered_at == answered_at
    new = next(leg for leg in stage.call().legs if leg.channel == story.seat.id)
    assert (new.role, new.agent_id, new.ended_at) == (LegRole.OPERATOR, ME, None)


def test_both_legs_count_as_talk_and_one_wrap_up_follows(stage: Stage, story: Story) -> None:
    recover(stage)
    stage.tell(story.redirect(0.0) + story.ring_again("8001") + story.come_back())
    stage.tell(story.operator_hangs_up(10.0) + story.dialplan_hangs_up())
    [ended] = stage.of_kind(CallEnded)
    assert (ended.outcome, ended.ended_by) == (CallOutcome.ANSWERED, "operator")
    assert ended.talk_s == pytest.approx(30.0, abs=0.1)
    assert ended.wait_s == pytest.approx(stage.of_kind(CallAnswered)[0].wait_s)
    assert [leg.talk_s for leg in stage.of_kind(AgentLegEnded)] == pytest.approx([20.0, 10.0], abs=0.1)
    assert statuses(stage).count(AgentStatus.WRAPPING_UP) == 1


def test_the_end_of_the_old_leg_may_be_told_after_the_answer_on_the_new_one(stage: Stage, story: Story) -> None:
    recover(stage)
    ended = story.redirect()
    stage.tell(story.ring_again("8001") + story.come_back() + ended)
    assert stage.agent().status is AgentStatus.TALKING
    assert [leg.replaced for leg in stage.of_kind(AgentLegEnded)] == [True]


def test_a_seat_that_stays_away_gives_the_citizen_back_to_the_queue(stage: Stage, story: Story) -> None:
    recover(stage)
    stage.tell(story.redirect() + story.ring_again("8001") + story.stay_away() + story.join(after_s=1.0))
    stage.tell([DeviceStateChange(at=story.now, device="PJSIP/8001", state="UNAVAILABLE")])
    assert stage.call().phase is CallPhase.QUEUED
    assert stage.board.waiting[HOTLINE] == (story.call_id,)
    assert stage.of_kind(CallEnded) == []
    assert stage.agent().status is AgentStatus.WRAPPING_UP
    stage.wait(61.0)
    assert stage.agent().status is AgentStatus.PAUSED
    assert PauseReason.DEVICE_LOST in stage.agent().reasons


def test_an_operator_who_is_not_back_in_time_is_no_longer_talking(stage: Stage, story: Story) -> None:
    recover(stage)
    stage.tell(story.redirect(0.0) + story.ring_again("8001") + story.stay_away())
    stage.wait(1.0)
    assert stage.agent().status is AgentStatus.TALKING
    stage.wait(2.0)
    assert stage.agent().status is AgentStatus.WRAPPING_UP
    assert stage.call().phase is CallPhase.TALKING, "the citizen hears the apology"


def test_a_citizen_who_hangs_up_meanwhile_was_answered(stage: Stage, story: Story) -> None:
    recover(stage)
    stage.tell(story.redirect() + story.ring_again("8001") + story.caller_hangs_up(1.0))
    [ended] = stage.of_kind(CallEnded)
    assert (ended.outcome, ended.ended_by) == (CallOutcome.ANSWERED, "caller")
    assert stage.agent().status is AgentStatus.WRAPPING_UP


def test_a_lost_leg_alone_puts_the_citizen_back_without_an_end(stage: Stage, story: Story) -> None:
    stage.tell(story.lose_operator())
    assert (stage.call().phase, stage.agent().status) == (CallPhase.TALKING, AgentStatus.WRAPPING_UP)
    stage.tell(story.join(after_s=6.0))
    assert stage.call().phase is CallPhase.QUEUED
    assert len(stage.of_kind(CallQueued)) == 2
    assert stage.of_kind(CallEnded) == []


def test_a_slow_reload_fetches_the_citizen_out_of_the_queue(stage: Stage, story: Story) -> None:
    stage.tell(story.lose_operator() + story.join(after_s=6.0))
    stage.now = story.now
    assert recover(stage) == [RedirectChannel(channel=story.citizen.id, context="recover", exten="8001")]
    stage.tell(story.leave_queue(0.01) + story.ring_again("8001"))
    stage.wait(1.5)
    stage.tell(story.come_back(2.0))
    assert (stage.call().phase, stage.agent().status) == (CallPhase.TALKING, AgentStatus.TALKING)
    assert stage.of_kind(CallAnswered)[-1].returned
    assert stage.of_kind(CallAnswered)[-1].wait_s >= 0
    assert stage.board.waiting[HOTLINE] == ()
    assert stage.unlisted == []


def test_a_leg_that_is_lost_twice_is_brought_back_twice(stage: Stage, story: Story) -> None:
    for _ in range(2):
        assert len(recover(stage)) == 1
        stage.tell(story.redirect() + story.ring_again("8001") + story.come_back())
    stage.tell(story.caller_hangs_up())
    assert stage.agent().status is AgentStatus.WRAPPING_UP
    assert len(stage.of_kind(CallAnswered)) == 3
    assert stage.of_kind(CallEnded)[0].talk_s is not None


def test_a_recovery_under_way_is_not_begun_again(stage: Stage, story: Story) -> None:
    recover(stage)
    with pytest.raises(Refused, match="RecoverCall"):
        stage.ask(RecoverCall(agent_id=ME))
    stage.wait(11.0)
    assert stage.agent().status is AgentStatus.TALKING, "nothing came of it, and the talk goes on"
    assert len(recover(stage)) == 1


def test_there_is_nothing_to_recover_without_a_call(stage: Stage) -> None:
    with pytest.raises(Refused):
        stage.ask(RecoverCall(agent_id=ME))
    with pytest.raises(UnknownAgent):
        stage.ask(RecoverCall(agent_id=AgentId("8009")))


def test_a_call_that_is_over_or_was_lost_long_ago_is_not_recovered(stage: Stage, story: Story) -> None:
    stage.tell(story.lose_operator())
    stage.now = story.now
    stage.wait(31.0)
    with pytest.raises(Refused):
        stage.ask(RecoverCall(agent_id=ME))
    stage.tell(story.caller_hangs_up())
    with pytest.raises(Refused):
        stage.ask(RecoverCall(agent_id=ME))


def test_a_citizen_whom_another_phone_rings_for_is_left_to_it(stage: Stage, story: Story) -> None:
    stage.sign_in("8002")
    stage.tell(story.lose_operator() + story.join(after_s=6.0) + story.ring("8002"))
    with pytest.raises(Refused):
        stage.ask(RecoverCall(agent_id=ME))
    stage.tell(story.answer())
    assert stage.call().answered_by == "8002"
    with pytest.raises(Refused):
        stage.ask(RecoverCall(agent_id=ME))


def test_somebody_who_signs_out_is_not_waited_for(stage: Stage, story: Story) -> None:
    stage.tell(story.lose_operator())
    stage.now = story.now
    recover(stage)
    stage.ask(SignOut(agent_id=ME))
    stage.wait(11.0)
    assert ME not in stage.board.agents


def test_a_return_of_which_the_answer_was_missed_is_found_by_asking(stage: Stage, story: Story) -> None:
    recover(stage)
    stage.tell(story.redirect() + story.ring_again("8001"))
    story.come_back()
    at = story.now
    stage.now = at
    stage.tell([snapshot(at, channels=story.listed(at), members=[member("8001", at, status=2)])])
    assert (stage.call().phase, stage.agent().status) == (CallPhase.TALKING, AgentStatus.TALKING)
    assert stage.of_kind(CallAnswered)[-1].returned


def test_a_server_that_comes_back_in_the_middle_of_it_finds_the_talk(story: Story) -> None:
    ring = [*story.redirect(), *story.ring_again("8001")]
    stage = Stage()
    stage.go_live()
    stage.tell(ring[-4:])
    story.come_back()
    at = story.now
    stage.tell([snapshot(at, channels=story.listed(at), members=[member("8001", at, status=2)])])
    assert stage.call().answered_by == ME
    assert stage.sign_in(phone=False).status is AgentStatus.TALKING


def test_the_seat_is_paused_while_the_call_is_wrapped_up_for_lack_of_a_phone(stage: Stage, story: Story) -> None:
    stage.tell(story.lose_operator())
    [pause] = stage.take_orders()
    assert isinstance(pause, PauseMember)
    assert pause.paused
