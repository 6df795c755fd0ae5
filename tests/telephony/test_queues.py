"""Waiting lines."""

from __future__ import annotations

from datetime import timedelta

from telephony.events import CallAnswered, CallEnded, CallOutcome, CallQueued, QueueChanged
from telephony.ids import AgentId, CallId, ChannelId, QueueName
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
