"""Waiting lines."""

from __future__ import annotations

from datetime import timedelta

import pytest

from telephony.commands import Prioritise
from telephony.errors import Refused
from telephony.events import CallAnswered, CallArrived, CallEnded, CallOutcome, CallQueued, QueueChanged
from telephony.ids import AgentId, CallId, ChannelId, LineNumber, QueueName
from telephony.orders import ChangePriority, SetVariable
from telephony.queues import Queues
from tests.fakes.stories import HOTLINE, START, Story
from tests.telephony.stage import Stage, snapshot

TAX = QueueName("tax")


def joins(call: str, position: int, queue: QueueName = HOTLINE) -> CallQueued:
    return CallQueued(at=START, call_id=CallId(call), queue=queue, position=position)


def answered(call: str) -> CallAnswered:
    return CallAnswered(
        at=START,
        call_id=CallId(call),
        agent_id=AgentId("8001"),
        citizen=ChannelId("1.0"),
        operator=ChannelId("1.1"),
        wait_s=1.0,
    )


def test_callers_stand_where_the_switch_puts_them() -> None:
    queues = Queues()
    for event in (joins("a", 1), joins("b", 2), joins("urgent", 1)):
        queues.heed(event)
    assert queues.waiting == {HOTLINE: ("urgent", "a", "b")}


def test_a_caller_whose_joining_nobody_saw_stands_last() -> None:
    queues = Queues()
    for event in (joins("a", 1), joins("b", 0)):
        queues.heed(event)
    assert queues.waiting[HOTLINE] == ("a", "b")


def test_an_answer_and_an_end_take_a_caller_out_of_the_line() -> None:
    queues = Queues()
    for event in (joins("a", 1), joins("b", 2), joins("c", 3)):
        queues.heed(event)
    ended = CallEnded(
        at=START, call_id=CallId("b"), outcome=CallOutcome.ABANDONED, ended_by="caller", wait_s=1.0, talk_s=None
    )
    assert queues.heed(answered("a")) == [QueueChanged(at=START, queue=HOTLINE, waiting=(CallId("b"), CallId("c")))]
    assert queues.heed(ended) == [QueueChanged(at=START, queue=HOTLINE, waiting=(CallId("c"),))]
    assert queues.heed(ended) == []


def test_a_caller_waits_in_one_queue_only() -> None:
    queues = Queues()
    queues.heed(joins("a", 1))
    changes = queues.heed(joins("a", 1, TAX))
    assert queues.waiting == {HOTLINE: (), TAX: ("a",)}
    assert [change.queue for change in changes] == [HOTLINE, TAX]


def test_a_caller_moved_ahead_is_found_by_comparing() -> None:
    stage = Stage()
    stage.go_live()
    first, second = Story(), Story(number="13800000002", serial=50)
    stage.tell(first.arrive() + second.arrive() + first.join(1) + second.join(2))
    at = stage.now + timedelta(seconds=30)
    stage.tell(
        [
            snapshot(
                at,
                channels=first.listed(at) + second.listed(at),
                entries=[second.entry(at, position=1), first.entry(at, position=2)],
            )
        ]
    )
    assert stage.board.waiting[HOTLINE] == (second.call_id, first.call_id)
    assert isinstance(stage.events[-1], QueueChanged)


def handed_over(call: str) -> CallArrived:
    return CallArrived(
        at=START,
        call_id=CallId(call),
        caller_number="13800000001",
        caller_name="",
        line=LineNumber("12345"),
        channel=ChannelId(call),
        centre="110",
    )


def test_a_caller_who_is_moved_stands_before_all_with_less_and_behind_all_with_as_much() -> None:
    queues = Queues()
    for event in (handed_over("police"), joins("a", 1), joins("b", 2), joins("c", 3), joins("police", 1)):
        queues.heed(event)
    assert queues.move(CallId("c"), 5, START)[0].waiting == ("police", "c", "a", "b")
    assert queues.move(CallId("b"), 5, START)[0].waiting == ("police", "c", "b", "a")
    assert queues.move(CallId("b"), 5, START) == []
    assert queues.move(CallId("nobody"), 5, START) == []


def test_a_caller_whose_talk_was_cut_off_is_not_overtaken_by_a_rule() -> None:
    queues = Queues()
    for event in (joins("cut", 1), answered("cut"), joins("a", 1), joins("cut", 1), joins("b", 3)):
        queues.heed(event)
    assert queues.move(CallId("b"), 100, START)[0].waiting == ("cut", "b", "a")


def test_moving_a_waiting_caller_tells_the_switch_for_this_round_and_those_to_come() -> None:
    stage, one, two = Stage(), Story(), Story(number="13800000002", serial=20)
    stage.tell(one.arrive() + one.join() + two.arrive() + two.join(position=2))
    stage.ask(Prioritise(call_id=two.call_id, priority=7))
    assert stage.take_orders() == [
        SetVariable(channel=two.citizen.id, name="HOTLINE_PRIORITY", value="7"),
        ChangePriority(queue=HOTLINE, channel=ChannelId(two.citizen.name), priority=7000),
    ]
    assert stage.of_kind(QueueChanged)[-1].waiting == (two.call_id, one.call_id)


def test_who_does_not_wait_is_not_moved() -> None:
    stage, story = Stage(), Story()
    stage.tell(story.arrive())
    with pytest.raises(Refused):
        stage.ask(Prioritise(call_id=story.call_id, priority=7))
