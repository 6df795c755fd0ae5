"""All models behind one door: the link, comparisons with the switch, commands on calls, and what survives a restart."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from telephony.calls import CallPhase
from telephony.commands import AnnounceSurge, HangUpCall, Pause, SignOut, TapLeg
from telephony.errors import Refused, UnknownCall
from telephony.events import (
    AgentStatus,
    CallAnswered,
    CallArrived,
    CallEnded,
    CallEvent,
    CallOutcome,
    CallQueued,
    DriftRepaired,
    FrameRejected,
    LinkChanged,
    LinkState,
    PauseReason,
)
from telephony.facts import Hangup, LinkLost, OriginateResponse, QueueMemberRemoved
from telephony.ids import AgentId, CallId, ChannelId, SeatId, TapId
from telephony.orders import AddMember, HangUpChannel, PauseMember, RemoveMember, ReportAlive, SetSurge, SpyToSocket
from telephony.switchboard import Outcome, Switchboard
from tests.fakes.stories import HOTLINE, START, Story
from tests.telephony.stage import Stage, member, recorded_facts, snapshot

ME, SEAT = AgentId("8001"), SeatId("8001")
LATER = timedelta(seconds=30)


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    stage.go_live()
    stage.take_orders()
    stage.events.clear()
    return stage


@pytest.fixture
def story() -> Story:
    return Story()


def talking(stage: Stage, story: Story) -> None:
    stage.sign_in()
    stage.tell(story.arrive() + story.join() + story.ring("8001") + story.answer())
    stage.take_orders()


# the link -------------------------------------------------------------------------------------------------------------


def test_changes_of_the_link_and_refused_frames_pass_through_in_order(stage: Stage) -> None:
    rejected = FrameRejected(at=START, reason="torn")
    down = LinkChanged(at=START, state=LinkState.DOWN)
    assert stage.tell([rejected, down]) == [rejected, down]
    assert stage.board.link is LinkState.DOWN


def test_signs_of_life_are_given_every_five_seconds_while_the_link_is_live(stage: Stage) -> None:
    stage = Stage()
    stage.wait(10.0)
    assert stage.take_orders() == []
    stage.go_live()
    assert stage.take_orders() == [ReportAlive(epoch_s=int(stage.now.timestamp())), SetSurge(prompt="")]
    for _ in range(40):
        stage.wait(0.25)
    assert len(stage.take_orders()) == 2


def test_facts_without_a_meaning_for_the_models_change_nothing(stage: Stage) -> None:
    assert stage.tell([OriginateResponse(at=START, channel_id=ChannelId("1.1"), ok=True, reason=4)]) == []


# comparing with the switch --------------------------------------------------------------------------------------------


def test_a_switch_that_agrees_gives_no_drift_and_no_orders(stage: Stage, story: Story) -> None:
    talking(stage, story)
    events = len(stage.events)
    at = stage.now + LATER
    stage.tell([snapshot(at, channels=story.listed(at), members=[member("8001", at, status=2)])])
    assert stage.events[events:] == []
    assert stage.take_orders() == []
    assert stage.unlisted == []


def test_what_a_timed_comparison_finds_is_reported_as_drift(stage: Stage, story: Story) -> None:
    stage.tell(story.arrive())
    story.join()
    at = story.now + LATER
    stage.tell([snapshot(at, channels=story.listed(at), entries=[story.entry(at, wait_s=30)])])
    kinds = [drift.kind for drift in stage.of_kind(DriftRepaired)]
    assert kinds == ["missed_queueing", "queue_order"]
    assert stage.call().phase is CallPhase.QUEUED


def test_a_ghost_call_is_ended_and_reported(stage: Stage, story: Story) -> None:
    talking(stage, story)
    at = stage.now + LATER
    stage.tell([snapshot(at, members=[member("8001", at)])])
    assert {"ghost_leg", "ghost_call"} <= {drift.kind for drift in stage.of_kind(DriftRepaired)}
    assert stage.agent().status is AgentStatus.WRAPPING_UP


def test_after_a_gap_differences_are_no_drift(stage: Stage, story: Story) -> None:
    stage.sign_in()
    stage.tell([LinkLost(at=stage.now, reason="closed by the switch"), LinkChanged(at=stage.now, state=LinkState.DOWN)])
    stage.take_orders()
    for act in (story.arrive, story.join, lambda: story.ring("8001"), story.answer):
        act()
    at = story.now + LATER
    stage.tell([snapshot(at, channels=story.listed(at), members=[member("8001", at, status=2)])])
    assert stage.of_kind(DriftRepaired) == []
    assert stage.call().phase is CallPhase.TALKING
    assert (stage.agent().status, stage.agent().call_id) == (AgentStatus.TALKING, story.call_id)


def test_members_are_rebuilt_after_a_restart_of_the_switch(stage: Stage) -> None:
    stage.sign_in()
    stage.ask(Pause(agent_id=ME, reason=PauseReason.MEAL))
    stage.take_orders()
    stage.tell([LinkLost(at=stage.now, reason="closed by the switch")])
    at = stage.now + timedelta(seconds=3)
    stage.tell([snapshot(at, started_at=at, devices={"PJSIP/8001": "NOT_INUSE"})])
    assert stage.take_orders() == [AddMember(queue=HOTLINE, seat=SEAT, agent_id=ME, paused=True, reason="meal")]


def test_a_member_that_somebody_removed_or_paused_by_hand_is_put_right(stage: Stage) -> None:
    stage.sign_in()
    stage.take_orders()
    for wrong, order in (
        ([], AddMember(queue=HOTLINE, seat=SEAT, agent_id=ME, paused=False)),
        ([member("8001", START, paused=True)], PauseMember(seat=SEAT, paused=False)),
    ):
        stage.wait(30.0)
        stage.take_orders()
        stage.tell([snapshot(stage.now, members=wrong)])
        assert stage.take_orders() == [order]
    assert [drift.kind for drift in stage.of_kind(DriftRepaired)] == ["member_missing", "member_pause"]


def test_an_order_under_way_is_no_drift(stage: Stage) -> None:
    stage.sign_in()
    stage.take_orders()
    stage.tell([snapshot(stage.now + timedelta(seconds=1))])
    assert stage.take_orders() == []
    assert stage.of_kind(DriftRepaired) == []


def test_an_order_that_failed_is_given_again_at_the_next_comparison(stage: Stage) -> None:
    stage.sign_in()
    [order] = stage.take_orders()
    stage.board.failed(order)
    stage.tell([snapshot(stage.now + timedelta(seconds=1))])
    assert stage.take_orders() == [order]


def test_an_order_that_failed_is_given_again_when_one_signs_in_again(stage: Stage) -> None:
    stage.sign_in()
    [order] = stage.take_orders()
    stage.board.failed(order)
    stage.sign_in()
    assert stage.take_orders() == [order]


def test_a_member_under_another_name_is_replaced(stage: Stage) -> None:
    stage.tell([member("8001", stage.now, name="9001")])
    stage.sign_in()
    first, second, *_ = stage.take_orders()
    assert first == RemoveMember(queue=HOTLINE, seat=SEAT)
    assert isinstance(second, AddMember)


def test_a_member_of_nobody_is_left_alone_first_and_removed_later(stage: Stage) -> None:
    stage = Stage()
    stage.go_live(member("8001", START), member("8002", START))
    stage.sign_in("8002")
    stage.take_orders()
    at = stage.now + LATER
    stage.tell([snapshot(at, members=[member("8001", at), member("8002", at)])])
    assert stage.take_orders() == [RemoveMember(queue=HOTLINE, seat=SEAT)]
    stage.tell([QueueMemberRemoved(at=at, queue=HOTLINE, interface="PJSIP/8001", member="8001")])
    stage.tell([snapshot(at + LATER, members=[member("8002", at)])])
    assert stage.take_orders() == []


def test_members_stay_until_it_is_known_whose_shifts_go_on() -> None:
    board = Switchboard(strangers_stay=True)
    board.receive(snapshot(START, members=[member("8001", START)]), START)
    at = START + LATER
    assert board.receive(snapshot(at, members=[member("8001", at)]), at) == Outcome()
    board.seated_everybody()
    outcome = board.receive(snapshot(at + LATER, members=[member("8001", at)]), at + LATER)
    assert outcome.orders == (RemoveMember(queue=HOTLINE, seat=SEAT),)


def test_a_surge_is_announced_until_it_is_over_also_by_a_switch_that_was_restarted(stage: Stage) -> None:
    stage.take_orders()
    stage.ask(AnnounceSurge())
    assert stage.take_orders() == [SetSurge(prompt="surge")]
    stage.tell([LinkChanged(at=stage.now, state=LinkState.DOWN)])
    assert stage.take_orders() == []
    stage.go_live()
    assert SetSurge(prompt="surge") in stage.take_orders()
    stage.ask(AnnounceSurge(prompt=""))
    assert stage.take_orders() == [SetSurge(prompt="")]


def test_signs_of_life_go_on_when_the_clock_is_set_back(stage: Stage) -> None:
    stage.wait(10.0)
    stage.take_orders()
    stage.wait(-3600.0)
    assert stage.take_orders() == [ReportAlive(epoch_s=int(stage.now.timestamp()))]


def test_a_clock_set_back_does_not_put_off_what_is_mended(stage: Stage) -> None:
    stage.sign_in()
    at = stage.now + LATER
    stage.now -= timedelta(hours=1)
    outcome = stage.board.receive(snapshot(at, members=[]), stage.now)
    assert [type(order) for order in outcome.orders] == [AddMember]


def test_who_signs_in_again_at_once_is_put_into_the_queue_again(stage: Stage) -> None:
    at = stage.now
    stage.tell([member("8001", at)])
    stage.sign_in()
    stage.take_orders()
    stage.ask(SignOut(agent_id=ME))
    assert stage.take_orders() == [RemoveMember(queue=HOTLINE, seat=SEAT)]
    stage.sign_in()
    assert AddMember(queue=HOTLINE, seat=SEAT, agent_id=ME, paused=False) in stage.take_orders()


# a restart of ours ----------------------------------------------------------------------------------------------------


def test_a_restart_of_ours_finds_the_talk_again_and_leaves_it_alone(story: Story) -> None:
    for act in (story.arrive, story.join, lambda: story.ring("8001"), story.answer):
        act()
    stage = Stage()
    at = story.now + LATER
    stage.tell(
        [
            LinkChanged(at=at, state=LinkState.SYNCING),
            snapshot(
                at,
                channels=story.listed(at),
                members=[member("8001", at, status=2)],
                devices={"PJSIP/8001": "INUSE"},
            ),
            LinkChanged(at=at, state=LinkState.LIVE),
        ]
    )
    stage.take_orders()
    assert [event.rebuilt for event in stage.of_kind(CallArrived)] == [True]
    assert [event.rebuilt for event in stage.of_kind(CallAnswered)] == [True]
    agent = stage.sign_in(phone=False)
    assert (agent.status, agent.call_id) == (AgentStatus.TALKING, story.call_id)
    assert stage.take_orders() == [PauseMember(seat=SEAT, paused=False)]
    stage.tell(story.caller_hangs_up(after_s=60.0))
    assert stage.agent().status is AgentStatus.WRAPPING_UP
    [ended] = stage.of_kind(CallEnded)
    assert (ended.outcome, ended.talk_s) == (CallOutcome.ANSWERED, None)


@pytest.mark.parametrize("known", [True, False])
def test_what_became_of_a_call_that_ends_before_the_list_is_there_is_not_guessed(story: Story, known: bool) -> None:
    stage = Stage()
    waiting = [*story.arrive(), *story.join(), *story.ring("8001")]
    stage.tell(waiting if known else [])
    stage.tell([LinkLost(at=story.now, reason="closed by the switch")])
    story.answer(after_s=6.0)
    stage.tell(story.caller_hangs_up(after_s=60.0))
    stage.go_live()
    assert (stage.of_kind(CallEnded), stage.of_kind(CallAnswered)) == ([], [])
    assert stage.board.untold == {story.call_id}, "the switch's own log has to tell"


def test_who_calls_is_not_told_before_the_citizens_own_channel_is_known(story: Story) -> None:
    for act in (story.arrive, story.join, lambda: story.ring("8001")):
        act()
    stage = Stage()
    stage.tell([LinkLost(at=story.now, reason="closed by the switch"), *story.answer()[:1]])
    assert stage.events == []
    stage.go_live(at=story.now, channels=story.listed(story.now))
    assert [event.caller_number for event in stage.of_kind(CallArrived)] == [story.number]


def test_a_call_of_which_only_the_operators_end_was_heard_is_told_by_nobody_here(story: Story) -> None:
    for act in (story.arrive, story.join, lambda: story.ring("8001"), story.answer):
        act()
    assert story.seat is not None
    stage = Stage()
    stage.tell([LinkLost(at=story.now, reason="closed by the switch")])
    stage.tell([Hangup(at=story.now, channel=story.seat, cause=16)])
    stage.go_live(at=story.now)
    assert not [event for event in stage.events if isinstance(event, CallEvent)]
    assert stage.board.untold == {story.call_id}
    stage.wait(3600)
    assert stage.board.untold == frozenset(), "and forgotten"


def test_a_call_that_was_heard_from_its_begin_to_its_end_is_whole_without_a_list(story: Story) -> None:
    stage = Stage()
    stage.tell([LinkLost(at=story.now, reason="closed by the switch")])
    for act in (story.arrive, story.join):
        stage.tell(act())
    stage.tell(story.caller_hangs_up(after_s=9.0))
    assert [ended.outcome for ended in stage.of_kind(CallEnded)] == [CallOutcome.ABANDONED]


def test_a_restart_of_ours_finds_a_ringing_phone_again(story: Story) -> None:
    for act in (story.arrive, story.join, lambda: story.ring("8001")):
        act()
    stage = Stage()
    at = story.now + timedelta(seconds=4)
    listed, entry = story.listed(at), story.entry(at, wait_s=4)
    stage.tell([snapshot(at, channels=listed, entries=[entry], members=[member("8001", at, status=6)])])
    assert stage.sign_in(phone=False).status is AgentStatus.RINGING
    stage.tell(story.answer(after_s=6.0))
    assert stage.agent().status is AgentStatus.TALKING
    assert not stage.of_kind(CallAnswered)[0].rebuilt


def test_a_call_found_late_arrived_and_waits_since_its_channel_and_the_queue_say(story: Story) -> None:
    story.arrive()
    story.join()
    stage = Stage()
    at = story.now + timedelta(minutes=5)
    stage.tell([snapshot(at, channels=story.listed(at), entries=[story.entry(at, wait_s=300)])])
    [arrived], [queued] = stage.of_kind(CallArrived), stage.of_kind(CallQueued)
    assert arrived.rebuilt
    assert (arrived.at, queued.at) == (stage.call().arrived_at, stage.call().queued_at)
    assert at - queued.at == timedelta(minutes=5)


@pytest.mark.parametrize(
    ("kept", "known"),
    [
        ({"HOTLINE_LINE": "12329"}, ("12329", "", "")),
        (
            {"HOTLINE_LINE": "12345", "HOTLINE_CENTRE": "110", "HOTLINE_SUMMARY": "5pyJ5Lq65Y-X5Lyk"},
            ("12345", "110", "有人受伤"),
        ),
        ({"HOTLINE_CENTRE": "110", "HOTLINE_SUMMARY": "not base64!"}, ("12345", "110", "")),
        ({"HOTLINE_LINE": "1\r\n2", "HOTLINE_CENTRE": "a b", "HOTLINE_SUMMARY": "5pyJ"}, ("12345", "", "")),
    ],
    ids=["a line of its own", "from a centre", "a malformed summary", "malformed altogether"],
)
def test_a_restart_of_ours_reads_off_the_channel_how_the_call_came_in(
    story: Story, kept: dict[str, str], known: tuple[str, str, str]
) -> None:
    story.arrive()
    story.join()
    at = story.now + LATER
    [citizen] = story.listed(at)
    stage = Stage()
    stage.tell([snapshot(at, channels=[replace(citizen, variables=kept)], entries=[story.entry(at, wait_s=4)])])
    [arrived], call = stage.of_kind(CallArrived), stage.call()
    assert (arrived.line, arrived.centre, arrived.summary) == known
    assert (call.line, call.centre, call.summary) == known


def test_a_recorded_link_drop_in_mid_call_is_made_good() -> None:
    stage = Stage()
    stage.tell(recorded_facts("link_drops_mid_call"))
    talk = next(call for call in stage.board.calls.values() if call.answered_by)
    assert talk.phase is CallPhase.HELD
    stage.tell([LinkLost(at=stage.now, reason="closed by the switch")])
    stage.tell(recorded_facts("link_returns_mid_call"))
    assert {call.phase for call in stage.board.calls.values()} == {CallPhase.ENDED}
    assert {call.outcome for call in stage.board.calls.values()} == {CallOutcome.ANSWERED, CallOutcome.ABANDONED}


# commands on calls ----------------------------------------------------------------------------------------------------


def test_the_operator_of_a_call_can_end_it(stage: Stage, story: Story) -> None:
    talking(stage, story)
    stage.ask(HangUpCall(call_id=story.call_id, agent_id=ME))
    assert stage.take_orders() == [HangUpChannel(channel=story.citizen.id)]
    stage.tell(story.server_hangs_up())
    [ended] = stage.of_kind(CallEnded)
    assert ended.ended_by == "operator"


def test_nobody_else_can_end_a_call(stage: Stage, story: Story) -> None:
    talking(stage, story)
    with pytest.raises(Refused):
        stage.ask(HangUpCall(call_id=story.call_id, agent_id=AgentId("8002")))
    with pytest.raises(UnknownCall):
        stage.ask(HangUpCall(call_id=CallId("1.1"), agent_id=ME))
    stage.tell(story.caller_hangs_up())
    with pytest.raises(UnknownCall):
        stage.ask(HangUpCall(call_id=story.call_id, agent_id=ME))


def test_a_tap_names_the_channel_as_it_is_called_now(stage: Stage, story: Story) -> None:
    talking(stage, story)
    assert story.seat is not None
    tap = TapId("6f1c2f0e-0d6c-4a57-9d5a-0a3c7a1d2e3f")
    stage.ask(TapLeg(call_id=story.call_id, channel=story.seat.id, tap_id=tap, address="127.0.0.1:12349"))
    assert stage.take_orders() == [SpyToSocket(channel_name=story.seat.name, tap_id=tap, address="127.0.0.1:12349")]
    with pytest.raises(Refused):
        stage.ask(TapLeg(call_id=story.call_id, channel=ChannelId("1.1"), tap_id=tap, address="127.0.0.1:12349"))


def test_an_ended_leg_cannot_be_tapped(stage: Stage, story: Story) -> None:
    talking(stage, story)
    assert story.seat is not None
    seat = story.seat.id
    stage.tell(story.operator_hangs_up())
    with pytest.raises(Refused):
        stage.ask(TapLeg(call_id=story.call_id, channel=seat, tap_id=TapId("x"), address="127.0.0.1:12349"))
