"""Waiting lines."""

from __future__ import annotations

from datetime import timedelta

import pytest

from telephony.commands import Prioritise
from telephony.errors import UnknownCall
from telephony.events import (
    AheadReason,
    CallAnswered,
    CallArrived,
    CallEnded,
    CallMovedAhead,
    CallOutcome,
    CallQueued,
    QueueChanged,
)
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


def moved(queues: Queues, call: str, priority: int) -> tuple[str, ...] | None:
    """The line after it, where it is another one."""
    told = queues.move(CallId(call), priority, AheadReason.REPEAT, START)
    return next((one.waiting for one in told if isinstance(one, QueueChanged)), None)


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
    assert moved(queues, "c", 5) == ("police", "c", "a", "b")
    assert moved(queues, "b", 5) == ("police", "c", "b", "a")
    assert moved(queues, "b", 5) is None
    assert moved(queues, "nobody", 5) is None


def test_a_caller_whose_talk_was_cut_off_is_not_overtaken_by_a_rule() -> None:
    queues = Queues()
    for event in (joins("cut", 1), answered("cut"), joins("a", 1), joins("cut", 1), joins("b", 3)):
        queues.heed(event)
    assert moved(queues, "b", 100) == ("cut", "b", "a")


def test_moving_a_waiting_caller_tells_the_switch_for_this_round_and_those_to_come() -> None:
    stage, one, two = Stage(), Story(), Story(number="13800000002", serial=20)
    stage.tell(one.arrive() + one.join() + two.arrive() + two.join(position=2))
    stage.ask(Prioritise(call_id=two.call_id, priority=7, reason=AheadReason.ELDER))
    assert stage.take_orders() == [
        SetVariable(channel=two.citizen.id, name="HOTLINE_PRIORITY", value="7"),
        ChangePriority(queue=HOTLINE, channel=ChannelId(two.citizen.name), priority=7000),
    ]
    assert stage.of_kind(QueueChanged)[-1].waiting == (two.call_id, one.call_id)


def test_who_only_arrives_is_moved_before_the_waiting_begins() -> None:
    stage, story = Stage(), Story()
    stage.tell(story.arrive())
    stage.ask(Prioritise(call_id=story.call_id, priority=7, reason=AheadReason.ELDER))
    assert stage.take_orders() == [SetVariable(channel=story.citizen.id, name="HOTLINE_PRIORITY", value="7")]
    assert stage.board.ahead == {story.call_id: AheadReason.ELDER}
    stage.tell(story.join())
    stage.ask(Prioritise(call_id=story.call_id, priority=7, reason=AheadReason.ELDER))
    assert [one.reason for one in stage.of_kind(CallMovedAhead)] == [AheadReason.ELDER], "told once"


def test_who_talks_or_has_gone_is_not_moved() -> None:
    stage, story = Stage(), Story()
    with pytest.raises(UnknownCall):
        stage.ask(Prioritise(call_id=story.call_id, priority=7, reason=AheadReason.ELDER))
    assert stage.board.ahead == {}


def test_why_somebody_waits_in_front_is_known_while_the_call_lives() -> None:
    queues = Queues()
    for event in (handed_over("police"), joins("police", 1), joins("cut", 1), answered("cut")):
        queues.heed(event)
    assert queues.ahead == {"police": AheadReason.CENTRE}
    queues.heed(joins("cut", 1))
    queues.heed(answered("police"))
    queues.heed(joins("police", 1))
    moved(queues, "again", 200)
    assert queues.ahead == {"police": AheadReason.CENTRE, "cut": AheadReason.CUT_OFF, "again": AheadReason.REPEAT}
    for call in ("police", "cut", "again"):
        over = CallEnded(
            at=START, call_id=CallId(call), outcome=CallOutcome.ANSWERED, ended_by="caller", wait_s=1.0, talk_s=1.0
        )
        queues.heed(over)
    assert queues.ahead == {}
