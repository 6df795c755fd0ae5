"""One conversation: what a citizen and an operator do, and what the model makes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from telephony.calls import CallPhase, LegRole
from telephony.commands import (
    Command,
    HangUpCall,
    KeepLine,
    LeaveCall,
    PauseRecording,
    Prioritise,
    Supervise,
    TapLeg,
)
from telephony.errors import UnknownCall
from telephony.events import (
    AgentLegEnded,
    AheadReason,
    CallAnswered,
    CallArrived,
    CallEnded,
    CallHeld,
    CallLeftQueue,
    CallOffered,
    CallOutcome,
    CallQueued,
    CallResumed,
    LinkChanged,
    OfferEnded,
    OfferOutcome,
    QueueChanged,
)
from telephony.facts import BridgeEnter, Hangup, HangupRequest, NewChannel, NewState
from telephony.ids import AgentId, BridgeId, CallId, ChannelId, TapId
from telephony.targets import SpyMode
from tests.fakes.stories import START, Story
from tests.telephony.stage import Stage, member, recorded_facts, snapshot

ME, NOBODYS = AgentId("8001"), CallId("1795240800.77")


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    stage.go_live()
    return stage


@pytest.fixture
def story() -> Story:
    return Story()


def test_a_call_goes_from_arrival_to_its_end(stage: Stage, story: Story) -> None:
    phases = []
    for act in (story.arrive, story.join, lambda: story.ring("8001"), story.answer, story.caller_hangs_up):
        stage.tell(act())
        phases.append(stage.call().phase)
    assert phases == [CallPhase.ARRIVED, CallPhase.QUEUED, CallPhase.OFFERED, CallPhase.TALKING, CallPhase.ENDED]
    told = [type(event) for event in stage.events if not isinstance(event, QueueChanged | LinkChanged)]
    assert told == [CallArrived, CallQueued, CallOffered, CallAnswered, AgentLegEnded, CallEnded]
    assert stage.unlisted == []


@pytest.mark.parametrize("place", ["s", "h", "again", "", "12345;x"])
def test_a_place_of_the_dialplan_is_no_line(stage: Stage, place: str) -> None:
    story = Story(named=False)
    story.citizen = replace(story.citizen, exten=place)
    stage.tell(story.arrive())
    stage.tell(story.join())
    [arrived] = stage.of_kind(CallArrived)
    assert (arrived.line, stage.call().line) == ("", "")


def test_the_arrival_names_line_caller_and_channel(stage: Stage, story: Story) -> None:
    stage.tell(story.arrive())
    [arrived] = stage.of_kind(CallArrived)
    assert (arrived.line, arrived.caller_number, arrived.channel) == ("12345", "13800000001", story.citizen.id)
    assert not arrived.rebuilt


def test_without_channel_variables_a_call_begins_with_the_queue(stage: Stage) -> None:
    story = Story(named=False)
    assert stage.tell(story.arrive()) == []
    stage.tell(story.join())
    [arrived] = stage.of_kind(CallArrived)
    assert arrived.call_id == story.citizen.id
    assert stage.call().arrived_at < arrived.at


def test_a_missed_announcement_is_made_up_for_by_the_first_channel_fact_with_a_call_id(
    stage: Stage, story: Story
) -> None:
    _, _, state = story.arrive()
    stage.tell([state])
    assert stage.call().line == "12345"


def test_waiting_and_talking_are_measured_on_the_switchs_clock(stage: Stage, story: Story) -> None:
    stage.tell(story.arrive() + story.join() + story.ring("8001") + story.answer(after_s=4.0))
    stage.tell(story.caller_hangs_up(after_s=9.0))
    [answered], [left], [ended] = stage.of_kind(CallAnswered), stage.of_kind(AgentLegEnded), stage.of_kind(CallEnded)
    assert answered.wait_s == pytest.approx(4.0, abs=0.02)
    assert left.talk_s == pytest.approx(9.0, abs=0.02)
    assert (ended.outcome, ended.ended_by) == (CallOutcome.ANSWERED, "caller")
    assert (ended.wait_s, ended.talk_s) == (answered.wait_s, left.talk_s)


def test_a_caller_who_gives_up_is_a_missed_call(stage: Stage, story: Story) -> None:
    stage.tell(story.arrive() + story.join() + story.caller_hangs_up(after_s=8.0))
    [ended] = stage.of_kind(CallEnded)
    assert (ended.outcome, ended.ended_by, ended.talk_s) == (CallOutcome.ABANDONED, "caller", None)
    assert ended.wait_s == pytest.approx(8.0, abs=0.01)


def test_a_caller_who_hangs_up_during_the_greeting_is_a_missed_call_without_a_wait(stage: Stage, story: Story) -> None:
    stage.tell(story.arrive())
    stage.tell([HangupRequest(at=story.now, channel=story.citizen), *story.dialplan_hangs_up()])
    [ended] = stage.of_kind(CallEnded)
    assert (ended.outcome, ended.wait_s) == (CallOutcome.ABANDONED, None)


def test_a_redirected_waiting_caller_has_not_abandoned(stage: Stage, story: Story) -> None:
    stage.tell(story.arrive() + story.join() + story.leave_queue())
    stage.wait(2.0)
    assert stage.call().phase is CallPhase.ARRIVED
    assert len(stage.of_kind(CallLeftQueue)) == 1
    assert stage.of_kind(CallEnded) == []
    assert stage.board.waiting == {"hotline": ()}


def test_a_redirected_caller_who_spoke_with_another_desk_was_answered() -> None:
    stage = Stage()
    stage.tell(recorded_facts("redirected_while_waiting"))
    [ended] = stage.of_kind(CallEnded)
    assert ended.outcome is CallOutcome.ANSWERED
    assert stage.call().answered_by is None


def test_waiting_in_rounds_is_one_waiting(stage: Stage, story: Story) -> None:
    stage.tell(story.arrive() + story.join() + story.leave_queue(after_s=120.0) + story.join(after_s=0.003))
    stage.wait(2.0)
    stage.tell(story.ring("8001", after_s=10.0) + story.answer())
    assert len(stage.of_kind(CallQueued)) == 1
    assert stage.of_kind(CallLeftQueue) == []
    assert stage.of_kind(CallAnswered)[0].wait_s == pytest.approx(131.0, abs=0.1)


def test_a_ring_that_times_out_is_told_with_its_length(stage: Stage, story: Story) -> None:
    stage.tell(story.arrive() + story.join() + story.ring("8001") + story.no_answer(after_s=15.0))
    [ended] = stage.of_kind(OfferEnded)
    assert (ended.agent_id, ended.outcome) == ("8001", OfferOutcome.NO_ANSWER)
    assert ended.ring_s == pytest.approx(15.0, abs=0.01)
    assert stage.call().phase is CallPhase.QUEUED


def test_a_phone_that_refuses_is_busy_though_the_switch_calls_it_no_answer(stage: Stage, story: Story) -> None:
    stage.tell(story.arrive() + story.join() + story.ring("8001") + story.refuse())
    assert [event.outcome for event in stage.of_kind(OfferEnded)] == [OfferOutcome.BUSY]


def test_a_ring_that_the_caller_ends_is_cancelled(stage: Stage, story: Story) -> None:
    stage.tell(story.arrive() + story.join() + story.ring("8001") + story.caller_hangs_up())
    assert [event.outcome for event in stage.of_kind(OfferEnded)] == [OfferOutcome.CANCELLED]
    assert isinstance(stage.of_kind(CallEnded)[-1], CallEnded)


def test_a_ring_of_which_nobody_says_why_it_ended_is_cancelled_after_a_moment(stage: Stage, story: Story) -> None:
    stage.tell(story.arrive() + story.join() + story.ring("8001"))
    assert story.seat is not None
    stage.tell([Hangup(at=story.now + timedelta(seconds=2), channel=story.seat, cause=0)])
    assert stage.of_kind(OfferEnded) == []
    stage.wait(2.0)
    assert [event.outcome for event in stage.of_kind(OfferEnded)] == [OfferOutcome.CANCELLED]


def test_every_ring_is_a_leg_of_its_own(stage: Stage, story: Story) -> None:
    stage.tell(story.arrive() + story.join() + story.ring("8001") + story.no_answer())
    stage.tell(story.ring("8001", after_s=1.0) + story.no_answer() + story.ring("8002", after_s=1.0) + story.answer())
    legs = [(leg.role, leg.agent_id, leg.answered_at is not None) for leg in stage.call().legs]
    assert legs == [
        (LegRole.CITIZEN, None, True),
        (LegRole.OPERATOR, "8001", False),
        (LegRole.OPERATOR, "8001", False),
        (LegRole.OPERATOR, "8002", True),
    ]
    assert len(stage.of_kind(CallOffered)) == 3


def test_hold_and_resume_name_the_leg_that_pressed(stage: Stage, story: Story) -> None:
    stage.tell(story.arrive() + story.join() + story.ring("8001") + story.answer())
    stage.tell(story.hold())
    assert stage.call().phase is CallPhase.HELD
    assert stage.call().held_since == story.now
    stage.tell(story.unhold())
    assert stage.call().phase is CallPhase.TALKING
    assert story.seat is not None
    assert [event.by for event in stage.of_kind(CallHeld)] == [story.seat.id]
    assert [event.by for event in stage.of_kind(CallResumed)] == [story.seat.id]


def test_a_call_that_ends_on_hold_is_not_resumed(stage: Stage, story: Story) -> None:
    stage.tell(story.arrive() + story.join() + story.ring("8001") + story.answer() + story.hold())
    stage.tell(story.caller_hangs_up())
    assert stage.of_kind(CallResumed) == []
    assert stage.call().phase is CallPhase.ENDED


def test_when_the_operator_hangs_up_the_citizen_is_still_on_the_line(stage: Stage, story: Story) -> None:
    stage.tell(story.arrive() + story.join() + story.ring("8001") + story.answer() + story.operator_hangs_up())
    assert stage.call().phase is CallPhase.TALKING
    assert stage.call().agent_left_at is not None
    stage.tell(story.dialplan_hangs_up())
    [ended] = stage.of_kind(CallEnded)
    assert (ended.outcome, ended.ended_by) == (CallOutcome.ANSWERED, "operator")


def test_a_citizen_put_back_into_the_queue_is_answered_a_second_time(stage: Stage, story: Story) -> None:
    stage.tell(story.arrive() + story.join() + story.ring("8001") + story.answer() + story.operator_hangs_up())
    stage.tell(story.join(after_s=0.2))
    assert stage.call().phase is CallPhase.QUEUED
    stage.tell(story.ring("8002") + story.answer(after_s=2.0))
    first, second = stage.of_kind(CallAnswered)
    assert (first.agent_id, second.agent_id) == ("8001", "8002")
    assert second.wait_s == pytest.approx(2.0, abs=0.02)
    assert stage.call().answered_by == "8002"


def test_a_hang_up_is_final(stage: Stage, story: Story) -> None:
    stage.tell(story.arrive() + story.join() + story.ring("8001") + story.answer() + story.caller_hangs_up())
    before = stage.call()
    late = story.now + timedelta(seconds=1)
    stage.tell(
        [
            NewState(at=late, channel=story.citizen),
            BridgeEnter(at=late, bridge=BridgeId("late"), channel=story.citizen),
            Hangup(at=late, channel=story.citizen, cause=16),
        ]
    )
    assert stage.call() == before
    assert stage.unlisted == []


def test_news_that_no_table_lists_is_counted_and_changes_nothing(stage: Stage, story: Story) -> None:
    stage.tell(story.arrive() + story.join() + story.caller_hangs_up())
    events = len(stage.events)
    stage.tell(story.ring("8001"))
    assert stage.call().phase is CallPhase.ENDED
    assert len(stage.events) == events
    assert [(one.machine, one.state, one.signal) for one in stage.unlisted] == [("call", "ended", "offered")]


def test_an_ended_call_is_kept_for_ten_minutes(stage: Stage, story: Story) -> None:
    stage.tell(story.arrive() + story.join() + story.caller_hangs_up())
    stage.wait(590.0)
    assert len(stage.board.calls) == 1
    stage.wait(20.0)
    assert len(stage.board.calls) == 0


def test_a_channel_that_is_no_citizens_begins_no_call(stage: Stage) -> None:
    seat = Story(named=False)
    stage.tell([NewChannel(at=seat.now, channel=seat.citizen), Hangup(at=seat.now, channel=seat.citizen, cause=16)])
    assert len(stage.board.calls) == 0


def test_calls_are_kept_apart(stage: Stage) -> None:
    one, other = Story(), Story(number="13800000002", serial=100)
    stage.tell(one.arrive() + other.arrive() + one.join() + other.join(position=2) + one.ring("8001") + one.answer())
    assert [call.phase for call in stage.board.calls.values()] == [CallPhase.TALKING, CallPhase.QUEUED]
    stage.tell(one.caller_hangs_up())
    assert stage.call(other.call_id).phase is CallPhase.QUEUED


# what the switch says when it is asked --------------------------------------------------------------------------------


def test_a_call_that_the_switch_does_not_know_any_more_is_lost_without_a_duration(stage: Stage, story: Story) -> None:
    stage.go_live()
    stage.tell(story.arrive() + story.join() + story.ring("8001") + story.answer())
    stage.tell([snapshot(story.now + timedelta(seconds=30))])
    [left], [ended] = stage.of_kind(AgentLegEnded), stage.of_kind(CallEnded)
    assert left.talk_s is None
    assert (ended.outcome, ended.ended_by, ended.talk_s) == (CallOutcome.LOST, "unknown", None)


def test_a_restart_of_the_switch_ends_every_call(stage: Stage, story: Story) -> None:
    stage.go_live()
    stage.tell(story.arrive() + story.join())
    later = story.now + timedelta(seconds=30)
    stage.tell([snapshot(later, started_at=later - timedelta(seconds=3))])
    [ended] = stage.of_kind(CallEnded)
    assert (ended.outcome, ended.ended_by) == (CallOutcome.LOST, "switch")


def test_facts_newer_than_the_snapshot_win_over_it(stage: Stage, story: Story) -> None:
    stage.go_live()
    asked_at = story.now
    stage.tell(story.arrive() + story.join())
    stage.tell([snapshot(asked_at)])
    assert stage.call().phase is CallPhase.QUEUED


def test_a_snapshot_does_not_revive_what_has_hung_up(stage: Stage, story: Story) -> None:
    stage.go_live()
    stage.tell(story.arrive() + story.join())
    listed, entry = story.listed(story.now), story.entry(story.now)
    asked_at = story.now
    stage.tell(story.caller_hangs_up(after_s=0.001))
    stage.tell([snapshot(asked_at, channels=listed, entries=[entry])])
    assert stage.call().phase is CallPhase.ENDED


def test_a_talk_is_rebuilt_from_a_snapshot(story: Story) -> None:
    for act in (story.arrive, story.join, lambda: story.ring("8001"), story.answer):
        act()
    stage = Stage()
    at = story.now + timedelta(seconds=40)
    stage.tell([snapshot(at, channels=story.listed(at), members=[member("8001", at, status=2)])])
    [arrived], [answered] = stage.of_kind(CallArrived), stage.of_kind(CallAnswered)
    assert arrived.rebuilt
    assert answered.rebuilt
    assert story.seat is not None
    assert (answered.agent_id, answered.citizen, answered.operator) == ("8001", story.citizen.id, story.seat.id)
    assert stage.call().phase is CallPhase.TALKING
    assert stage.call().caller_number == "13800000001"
    assert abs(stage.call().arrived_at - START) < timedelta(seconds=2)


def test_a_waiting_caller_is_rebuilt_with_the_time_already_waited(story: Story) -> None:
    story.arrive()
    story.join()
    stage = Stage()
    at = story.now + timedelta(seconds=20)
    stage.tell([snapshot(at, channels=story.listed(at), entries=[story.entry(at, wait_s=20)])])
    assert stage.call().phase is CallPhase.QUEUED
    assert stage.call().queued_at == at - timedelta(seconds=20)
    assert stage.board.waiting == {"hotline": (story.call_id,)}


@pytest.mark.parametrize(
    "command",
    [
        HangUpCall(call_id=NOBODYS, agent_id=ME),
        TapLeg(call_id=NOBODYS, channel=ChannelId("1.1"), tap_id=TapId("t"), address="127.0.0.1:1"),
        Supervise(call_id=NOBODYS, agent_id=ME, mode=SpyMode.LISTEN),
        Prioritise(call_id=NOBODYS, priority=1, reason=AheadReason.REPEAT),
        KeepLine(call_id=NOBODYS, agent_id=ME, on=True),
        PauseRecording(call_id=NOBODYS, agent_id=ME, seconds=5.0),
        LeaveCall(call_id=NOBODYS, agent_id=ME),
    ],
    ids=lambda command: type(command).__name__,
)
def test_a_call_that_is_not_there_or_is_over_is_unknown_to_every_command(
    stage: Stage, story: Story, command: Command
) -> None:
    stage.sign_in()
    with pytest.raises(UnknownCall):
        stage.ask(command)
    stage.tell(story.arrive() + story.caller_hangs_up())
    with pytest.raises(UnknownCall):
        stage.ask(replace(command, call_id=story.call_id))  # type: ignore[call-arg]
