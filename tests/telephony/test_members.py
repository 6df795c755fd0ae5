"""Seats as members of queues: levels and reasons after a restart of ours, and seats of people who are not back yet."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from telephony.commands import Pause, SignIn, Supervise
from telephony.events import AgentStatus, DriftRepaired, PauseReason
from telephony.facts import QueueMember
from telephony.ids import AgentId, QueueName, SeatId
from telephony.members import Members
from telephony.orders import AddMember, PauseMember, RemoveMember, SetPenalty
from telephony.switchboard import Outcome, Switchboard
from telephony.targets import SpyMode
from tests.fakes.stories import HOTLINE, START, Story
from tests.telephony.stage import Stage, member, snapshot
from tests.telephony.test_supervision import Phone, live

ME, SEAT = AgentId("8001"), SeatId("8001")
HOUSING = QueueName("housing")
LATER = timedelta(seconds=30)
SIGN_IN = SignIn(agent_id=ME, seat=SEAT, queues=(HOTLINE, HOUSING), levels={HOTLINE: 2, HOUSING: 11})


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    stage.go_live()
    stage.take_orders()
    return stage


def found(stage: Stage, *members: QueueMember) -> None:
    stage.now += LATER
    stage.take_orders()
    stage.tell([snapshot(stage.now, members=members)])


def kinds(stage: Stage) -> list[str]:
    return [drift.kind for drift in stage.of_kind(DriftRepaired)]


def test_after_a_restart_of_ours_each_level_is_as_it_is_now(stage: Stage) -> None:
    stage.go_live(member("8001", START, penalty=5), replace(member("8001", START, penalty=11), queue=HOUSING))
    stage.take_orders()
    stage.ask(SIGN_IN)
    orders = stage.take_orders()
    assert [one for one in orders if not isinstance(one, PauseMember)] == [
        SetPenalty(queue=HOTLINE, seat=SEAT, penalty=2)
    ]


def test_a_queue_that_is_served_no_more_is_left_at_once_after_a_restart_of_ours(stage: Stage) -> None:
    stage.go_live(member("8001", START), replace(member("8001", START), queue=QueueName("dialect")))
    stage.take_orders()
    stage.sign_in()
    assert RemoveMember(queue=QueueName("dialect"), seat=SEAT) in stage.take_orders()
    found(stage, member("8001", stage.now))
    assert kinds(stage) == []


def test_a_level_that_somebody_changed_by_hand_is_put_right(stage: Stage) -> None:
    stage.sign_in()
    found(stage, member("8001", stage.now, penalty=7))
    assert stage.take_orders() == [SetPenalty(queue=HOTLINE, seat=SEAT, penalty=1)]
    assert kinds(stage) == ["member_level"]


def test_a_pause_with_another_reason_is_put_right(stage: Stage) -> None:
    stage.sign_in()
    stage.ask(Pause(agent_id=ME, reason=PauseReason.MEAL))
    found(stage, member("8001", stage.now, paused=True, reason="rest"))
    assert stage.take_orders() == [PauseMember(seat=SEAT, paused=True, reason="meal")]
    found(stage, member("8001", stage.now, paused=True, reason="meal"))
    assert (stage.take_orders(), kinds(stage)) == ([], ["member_pause"])


def test_of_a_long_reason_the_switch_keeps_the_beginning(stage: Stage) -> None:
    agent = replace(stage.sign_in(), reasons=frozenset(PauseReason), status=AgentStatus.PAUSED)
    assert len(agent.pause_code) > 79
    kept = member("8001", stage.now, paused=True, reason=agent.pause_code[:79])
    for reason, orders in (
        (kept.paused_reason, []),
        ("busy", [PauseMember(seat=SEAT, paused=True, reason=agent.pause_code)]),
    ):
        listed = snapshot(stage.now, members=[replace(kept, paused_reason=reason)])
        assert Members().compare(listed, [agent], stage.now, rebuild=False)[0] == orders


def test_a_new_queue_is_entered_and_the_others_are_left_alone(stage: Stage) -> None:
    stage.sign_in()
    stage.take_orders()
    stage.ask(replace(SIGN_IN, levels={}))
    [added] = stage.take_orders()
    assert isinstance(added, AddMember)
    assert (added.queue, added.penalty) == (HOUSING, 1)


def test_a_level_that_was_not_set_is_set_with_the_next_comparison(stage: Stage) -> None:
    stage.sign_in()
    found(stage, member("8001", stage.now))
    stage.ask(SignIn(agent_id=ME, seat=SEAT, queues=(HOTLINE,), levels={HOTLINE: 4}))
    [order] = stage.take_orders()
    stage.board.failed(order)
    stage.tell([snapshot(stage.now, members=[member("8001", stage.now)])])
    assert stage.take_orders() == [SetPenalty(queue=HOTLINE, seat=SEAT, penalty=4)]


# whose people are not back --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "status", "order"),
    [
        ("in_call", 1, PauseMember(seat=SEAT, paused=False)),
        ("meal,in_call", 1, PauseMember(seat=SEAT, paused=True, reason="meal")),
        ("in_call", 2, None),
        ("meal", 1, None),
        ("wrapping_up", 1, None),
    ],
    ids=["over", "over, and at table", "in the call", "at table", "writing up"],
)
def test_a_pause_for_a_call_that_is_over_is_lifted_though_nobody_is_back(
    code: str, status: int, order: PauseMember | None
) -> None:
    board = Switchboard(strangers_stay=True)
    mine = member("8001", START, paused=True, reason=code, status=status)
    board.receive(snapshot(START, members=[mine]), START)
    outcome = board.receive(snapshot(START + LATER, members=[mine]), START + LATER)
    assert outcome.orders == ((order,) if order else ())
    assert (outcome == Outcome()) is (order is None)


def test_a_pause_for_a_call_stays_with_those_who_are_back() -> None:
    stage = Stage()
    stage.board = Switchboard(strangers_stay=True)
    elsewhere = replace(member("8001", START, paused=True, reason="in_call"), queue=HOUSING)
    stage.go_live(member("8001", START))
    stage.sign_in()
    found(stage, member("8001", stage.now), elsewhere)
    assert (stage.take_orders(), kinds(stage)) == ([], [])


def test_whoever_comes_back_into_somebody_elses_call_still_listens(stage: Stage) -> None:
    stage.sign_in("8001")
    stage.sign_in("8002")
    story = Story(now=stage.now)
    stage.tell(story.arrive() + story.join() + story.ring("8001") + story.answer())
    stage.ask(Supervise(call_id=story.call_id, agent_id=AgentId("8002"), mode=SpyMode.LISTEN))
    phone = Phone(stage, story)
    stage.tell(phone.ring() + phone.answer())
    at = stage.now + LATER
    fresh = Stage()
    fresh.now = at
    boss = member("8002", at, paused=True, reason="in_call", status=2)
    channels = [*story.listed(at), live(phone.channel)]
    fresh.go_live(member("8001", at, status=2), boss, channels=channels)
    agent = fresh.sign_in("8002", phone=False)
    assert (agent.status, agent.call_id, agent.pause_code) == (AgentStatus.TALKING, story.call_id, "in_call")
    fresh.now += LATER
    phone.stage = fresh
    fresh.tell(phone.hang_up())
    assert fresh.agent("8002").status is AgentStatus.READY, "nothing of it is to be written up"
