"""A list of the switch with a gap: who is missing in it is not taken for gone, and what it does name still counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from telephony.calls import CallPhase
from telephony.commands import Supervise
from telephony.events import AgentStatus, CallArrived, CallEnded, CallLeftQueue, DriftRepaired, QueueChanged
from telephony.facts import Hold, LinkLost, QueueMember, Snapshot
from telephony.ids import AgentId, CallId
from telephony.orders import AddMember, RemoveMember
from telephony.targets import SpyMode
from tests.fakes.stories import HOTLINE, Story
from tests.telephony.stage import Stage, member, snapshot
from tests.telephony.test_supervision import BOSS, Phone

LATER = timedelta(seconds=30)


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    stage.go_live()
    for agent in ("8001", BOSS):
        stage.sign_in(agent)
    stage.take_orders()
    return stage


@pytest.fixture
def story(stage: Stage) -> Story:
    story = Story()
    stage.tell(story.arrive() + story.join() + story.ring("8001") + story.answer())
    stage.take_orders()
    return story


def seats(at: datetime) -> list[QueueMember]:
    return [member("8001", at, status=2), member(BOSS, at)]


def with_gaps(at: datetime, **lists: Any) -> Snapshot:
    return snapshot(at, all_channels=False, all_queues=False, **lists)


def test_a_call_that_is_missing_in_it_goes_on(stage: Stage, story: Story) -> None:
    at = stage.now + LATER
    stage.tell([with_gaps(at, members=seats(at))])
    assert (stage.call().phase, stage.agent().status) == (CallPhase.TALKING, AgentStatus.TALKING)
    assert stage.of_kind(DriftRepaired) == []
    stage.tell([snapshot(at + LATER, members=seats(at))])
    assert stage.call().phase is CallPhase.ENDED, "the next whole list tells"


def test_a_leg_that_is_missing_in_it_is_not_gone(stage: Stage, story: Story) -> None:
    at = stage.now + LATER
    citizen, _ = story.listed(at)
    stage.tell([with_gaps(at, channels=[citizen], members=seats(at))])
    assert stage.call().agent_left_at is None
    assert stage.agent().status is AgentStatus.TALKING


def test_what_it_names_is_found_all_the_same(stage: Stage) -> None:
    unseen = Story()
    unseen.arrive()
    unseen.join()
    at = unseen.now + LATER
    stage.tell([with_gaps(at, channels=unseen.listed(at), entries=[unseen.entry(at, wait_s=30)])])
    assert [arrived.call_id for arrived in stage.of_kind(CallArrived)] == [unseen.call_id]
    assert stage.call().phase is CallPhase.QUEUED


def test_who_waits_keeps_the_place(stage: Stage) -> None:
    first, second = Story(), Story(serial=500)
    stage.tell(first.arrive() + first.join() + second.arrive() + second.join(position=2))
    at = stage.now + LATER
    changes = len(stage.of_kind(QueueChanged))
    listed = [*first.listed(at), *second.listed(at)]
    stage.tell([with_gaps(at, channels=listed, entries=[second.entry(at, position=1)])])
    assert stage.board.waiting[HOTLINE] == (first.call_id, second.call_id)
    assert (stage.of_kind(CallLeftQueue), len(stage.of_kind(QueueChanged))) == ([], changes)


def test_members_that_are_missing_in_it_are_not_placed_again_and_nobody_is_a_ghost(stage: Stage) -> None:
    at = stage.now + LATER
    stage.tell([snapshot(at, members=[*seats(at), member("8002", at)], all_queues=False)])
    stage.tell([snapshot(at + LATER, members=[member("8002", at)], all_queues=False)])
    assert stage.take_orders() == []
    stage.tell([snapshot(at + 2 * LATER, members=[member("8002", at)])])
    kinds = {type(order) for order in stage.take_orders()}
    assert kinds == {AddMember, RemoveMember}


def test_what_was_heard_of_from_a_switch_that_is_no_more_has_ended(stage: Stage, story: Story) -> None:
    stage.tell([LinkLost(at=stage.now, reason="closed by the switch")])
    at = stage.now + LATER
    stage.tell([with_gaps(at, started_at=at - timedelta(seconds=10))])
    [ended] = stage.of_kind(CallEnded)
    assert ended.ended_by == "switch"


def test_after_a_gap_of_the_link_the_first_whole_list_rebuilds(stage: Stage, story: Story) -> None:
    stage.tell([LinkLost(at=stage.now, reason="closed by the switch")])
    at = stage.now + LATER
    stage.tell([with_gaps(at, members=seats(at))])
    assert not stage.board.compared
    stage.tell([snapshot(at + LATER, members=seats(at))])
    assert stage.board.compared
    assert stage.call().phase is CallPhase.ENDED
    assert stage.of_kind(DriftRepaired) == []


def test_a_supervisor_whose_leg_is_missing_in_it_stays(stage: Stage, story: Story) -> None:
    stage.ask(Supervise(call_id=story.call_id, agent_id=AgentId(BOSS), mode=SpyMode.LISTEN))
    phone = Phone(stage, story)
    stage.tell(phone.ring() + phone.answer())
    at = stage.now + LATER
    stage.tell([with_gaps(at, channels=story.listed(at), members=seats(at))])
    assert set(stage.board.supervisions) == {story.call_id}


def test_a_leg_that_only_a_list_ended_lives_on_when_more_is_heard_of_it(stage: Stage, story: Story) -> None:
    at = stage.now + LATER
    citizen, operator = story.listed(at)
    stage.tell([snapshot(at, channels=[citizen], members=seats(at))])
    assert stage.call().agent_left_at is not None
    stage.tell([Hold(at=at + LATER, channel=operator.channel)])
    leg = next(leg for leg in stage.call().legs if leg.channel == operator.channel.id)
    assert leg.ended_at is None
    stage.tell(story.caller_hangs_up(after_s=90.0))
    assert {leg.ended_at is None for leg in stage.call().legs} == {False}


def test_what_is_heard_late_of_a_leg_that_ended_does_not_bring_it_back(stage: Stage, story: Story) -> None:
    at = stage.now + LATER
    citizen, operator = story.listed(at)
    stage.tell([snapshot(at, channels=[citizen], members=seats(at))])
    stage.tell([Hold(at=at - timedelta(seconds=1), channel=replace(operator.channel, state="Up"))])
    leg = next(leg for leg in stage.call().legs if leg.channel == operator.channel.id)
    assert leg.ended_at == at
    assert stage.call(CallId(story.call_id)).agent_left_at == at
