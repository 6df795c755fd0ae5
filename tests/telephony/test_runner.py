"""The loop around the switchboard, on a switch without a wire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime, timedelta

import pytest

from telephony.commands import OutcomeKind, Pause, PlaceCall, SendBack, SignIn, SignOut
from telephony.errors import ActionFailed, ActionUnanswered, ChannelMoves, InvalidValue, Refused, SwitchUnavailable
from telephony.events import AgentSignedIn, CallArrived, CallEnded, Event, LinkState, PauseReason
from telephony.facts import Hangup
from telephony.ids import AgentId, LineNumber, SeatId
from telephony.orders import AddMember, DialLeg, Order, PauseMember, RedirectPair, ReportAlive, SetSurge, SetVariable
from telephony.outbound import new_call_id
from telephony.runner import MOST_TRIES, Runner, utc_now
from telephony.switchboard import Outcome, Switchboard
from tests.fakes.gateway import FakeGateway
from tests.fakes.stories import HOTLINE, Story

ME, SEAT = AgentId("8001"), SeatId("8001")
SIGN_IN = SignIn(agent_id=ME, seat=SEAT, queues=(HOTLINE,))


class Running:
    """A runner at work, and what it published."""

    def __init__(self) -> None:
        self.gateway = FakeGateway()
        self.events: list[Event] = []
        self.runner = Runner(gateway=self.gateway, switchboard=Switchboard(), publish=self.publish)

    def publish(self, event: Event) -> None:
        self.events.append(event)

    def orders(self) -> list[Order]:
        return [order for order in self.gateway.orders if not isinstance(order, ReportAlive | SetSurge)]


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    running = Running()
    task = asyncio.create_task(running.runner.run())
    running.gateway.connect()
    await running.gateway.applied()
    yield running
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_a_call_goes_through_the_loop(running: Running) -> None:
    story = Story()
    running.gateway.tell(*story.arrive(), *story.join(), *story.caller_hangs_up())
    await running.gateway.applied()
    told = [type(event) for event in running.events]
    assert told.index(CallArrived) < told.index(CallEnded)


async def test_a_command_is_done_when_the_switch_took_its_orders(running: Running) -> None:
    running.gateway.phone("8001")
    await running.gateway.applied()
    outcome = await running.runner.request(SIGN_IN)
    assert outcome.kind is OutcomeKind.DONE
    assert running.orders() == [AddMember(queue=HOTLINE, seat=SEAT, agent_id=ME, paused=False)]
    assert any(isinstance(event, AgentSignedIn) for event in running.events)


async def test_orders_are_carried_out_in_the_order_of_the_commands(running: Running) -> None:
    running.gateway.phone("8001")
    await running.gateway.applied()
    reasons = (PauseReason.MEAL, PauseReason.REST, PauseReason.BUSY)
    await running.runner.request(SIGN_IN)
    await asyncio.gather(*(running.runner.request(Pause(agent_id=ME, reason=reason)) for reason in reasons))
    told = [order.reason for order in running.orders() if isinstance(order, PauseMember)]
    assert told == ["meal", "rest", "busy"]


async def test_nothing_is_changed_while_the_link_is_down(running: Running) -> None:
    running.gateway.disconnect()
    await running.gateway.applied()
    assert running.runner.link is LinkState.DOWN
    with pytest.raises(SwitchUnavailable):
        await running.runner.request(SIGN_IN)
    assert running.runner.switchboard.agents == {}


async def test_a_refusal_comes_before_anything_is_sent(running: Running) -> None:
    await running.runner.request(SIGN_IN)
    sent = len(running.gateway.orders)
    with pytest.raises(Refused):
        await running.runner.request(Pause(agent_id=ME, reason=PauseReason.DEVICE_LOST))
    assert len(running.gateway.orders) == sent


async def test_an_unanswered_order_leaves_the_outcome_unknown(running: Running) -> None:
    running.gateway.failures[AddMember] = ActionUnanswered("QueueAdd")
    outcome = await running.runner.request(SIGN_IN)
    assert (outcome.kind, outcome.detail) == (OutcomeKind.UNKNOWN, "QueueAdd")


@pytest.mark.parametrize("error", [ActionFailed("QueueAdd", "no"), InvalidValue("seat", "a name"), RuntimeError("bug")])
async def test_an_order_that_fails_is_told_to_whoever_asked_and_the_loop_goes_on(
    running: Running, error: Exception
) -> None:
    running.gateway.failures[AddMember] = error
    with pytest.raises(type(error)):
        await running.runner.request(SIGN_IN)
    assert running.runner.counts["failed_orders"] == 1
    running.gateway.failures.clear()
    assert (await running.runner.request(SIGN_IN)).kind is OutcomeKind.DONE
    assert [type(order) for order in running.orders()] == [AddMember]


@pytest.mark.parametrize(
    ("error", "over"),
    [
        (ActionUnanswered("Originate"), False),
        (RuntimeError("bug"), False),
        (ActionFailed("Originate", "no"), True),
        (SwitchUnavailable("down"), True),
        (InvalidValue("number", "digits"), True),
    ],
)
async def test_a_call_of_which_nobody_knows_whether_it_was_placed_is_not_over(
    running: Running, error: Exception, over: bool
) -> None:
    running.gateway.phone("8001")
    await running.gateway.applied()
    await running.runner.request(SIGN_IN)
    call_id = new_call_id(utc_now(), 4711)
    running.gateway.failures[DialLeg] = error
    asked = running.runner.request(
        PlaceCall(call_id=call_id, agent_id=ME, number="13800000001", line=LineNumber("12345"))
    )
    with suppress(type(error)):
        assert (await asked).kind is OutcomeKind.UNKNOWN
    ended = running.runner.switchboard.tick(utc_now() + timedelta(seconds=20)).events
    assert any(isinstance(event, CallEnded) for event in ended) == over


async def test_a_command_without_orders_is_done_at_once(running: Running) -> None:
    await running.runner.request(SIGN_IN)
    assert (await running.runner.request(SIGN_IN)).kind is OutcomeKind.DONE


async def test_a_publisher_that_raises_loses_only_its_own_event(running: Running) -> None:
    def publish(event: Event) -> None:
        if isinstance(event, CallArrived):
            raise RuntimeError("a reader's fault")
        running.events.append(event)

    running.runner._publish = publish
    story = Story()
    running.gateway.tell(*story.arrive(), *story.join(), *story.caller_hangs_up())
    await running.gateway.applied()
    assert any(isinstance(event, CallEnded) for event in running.events)
    assert running.runner.counts["failed_publications"] == 1


async def test_a_fact_that_the_models_cannot_take_is_dropped_and_counted(running: Running) -> None:
    broken = Hangup(at=Story().now, channel=None, cause=16)  # type: ignore[arg-type]
    running.gateway.tell(broken, *Story().arrive())
    await running.gateway.applied()
    assert running.runner.counts["failed_facts"] == 1
    assert any(isinstance(event, CallArrived) for event in running.events)


async def test_unlisted_transitions_are_counted(running: Running) -> None:
    story = Story()
    running.gateway.tell(*story.arrive(), *story.join(), *story.caller_hangs_up(), *story.ring("8001"))
    await running.gateway.applied()
    assert running.runner.counts["unlisted"] == 1


async def test_an_order_under_way_does_not_hold_up_the_facts(running: Running) -> None:
    answer = asyncio.Event()
    execute = running.gateway.execute

    async def slow(order: Order) -> None:
        await answer.wait()
        await execute(order)

    running.gateway.execute = slow  # type: ignore[method-assign]
    asked = asyncio.create_task(running.runner.request(SIGN_IN))
    story = Story()
    running.gateway.tell(*story.arrive())
    await running.gateway.applied()
    assert any(isinstance(event, CallArrived) for event in running.events)
    assert not asked.done()
    answer.set()
    assert (await asked).kind is OutcomeKind.DONE


async def test_many_facts_leave_the_other_tasks_their_turn(running: Running) -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    for serial in range(200):
        running.gateway.tell(*Story(serial=1000 * serial).arrive())
    await running.gateway.applied()
    task.cancel()
    assert turns >= 3


async def test_what_was_asked_and_not_answered_is_unknown_when_the_loop_stops() -> None:
    running = Running()
    task = asyncio.create_task(running.runner.run())
    running.gateway.connect()
    await running.gateway.applied()

    async def never(order: Order) -> None:
        await asyncio.Event().wait()

    running.gateway.execute = never  # type: ignore[method-assign]
    asked = asyncio.create_task(running.runner.request(SIGN_IN))
    await asyncio.sleep(0)
    task.cancel()
    assert (await asked).kind is OutcomeKind.UNKNOWN
    with suppress(asyncio.CancelledError):
        await task


async def test_a_seat_is_taken_out_of_the_switch_when_its_person_signs_out(running: Running) -> None:
    await running.runner.request(SIGN_IN)
    assert list(running.gateway.members) == [(HOTLINE, SEAT)]
    await running.runner.request(SignOut(agent_id=ME))
    await running.gateway.applied()
    assert running.gateway.members == {}


async def test_an_order_that_has_outlived_its_reason_is_not_carried_out(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running.runner.switchboard, "holds", lambda order: not isinstance(order, AddMember))
    assert (await running.runner.request(SIGN_IN)).kind is OutcomeKind.DONE
    assert running.orders() == []


# what is heard before the link is live ------------------------------------------------------------------------------


@pytest.fixture
async def called_for(running: Running, monkeypatch: pytest.MonkeyPatch) -> Order:
    """An order that follows from what was heard while the link came up, and was given once in vain."""
    story, receive = Story(), running.runner.switchboard.receive
    order = SetVariable(channel=story.citizen.id, name="HOTLINE_KEEP", value="1")
    monkeypatch.setattr(
        running.runner.switchboard,
        "receive",
        lambda fact, now: Outcome(orders=(order,)) if isinstance(fact, Hangup) else receive(fact, now),
    )
    for state in (LinkState.CONNECTING, LinkState.LOGGED_IN, LinkState.SYNCING):
        running.gateway.become(state)
    running.gateway.tell(Hangup(at=story.now, channel=story.citizen, cause=16))
    async with asyncio.timeout(5):
        await running.gateway.turned_away.wait()
    return order


async def test_it_is_acted_upon_once_the_link_is_live(
    running: Running, called_for: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    done, carried_out = asyncio.Event(), running.runner.switchboard.carried_out

    def carry_out(order: Order, now: datetime) -> Outcome:
        if order == called_for:
            done.set()
        return carried_out(order, now)

    monkeypatch.setattr(running.runner.switchboard, "carried_out", carry_out)
    running.gateway.connect()
    async with asyncio.timeout(5):
        await done.wait()
    assert running.orders() == [called_for]
    assert running.runner.counts["failed_orders"] == 0


async def test_it_is_not_done_where_the_link_does_not_come_up(
    running: Running, called_for: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed: list[tuple[Order, bool]] = []
    told = asyncio.Event()

    def fail(order: Order, *, unknown: bool) -> None:
        failed.append((order, unknown))
        told.set()

    monkeypatch.setattr(running.runner.switchboard, "failed", fail)
    running.gateway.disconnect()
    async with asyncio.timeout(5):
        await told.wait()
    assert failed == [(called_for, False)]
    assert running.orders() == []


# a channel on its way elsewhere takes no order, and nothing has been done -----------------------------------------


async def talking(running: Running) -> tuple[Story, SendBack]:
    story = Story()
    running.gateway.tell(*story.arrive(), *story.join(), *story.ring("8001"), *story.answer())
    await running.gateway.applied()
    return story, SendBack(call_id=story.call_id, agent_id=ME)


async def test_a_channel_that_is_on_its_way_is_asked_again_and_the_rest_follows_in_its_order(running: Running) -> None:
    _, back = await talking(running)
    running.gateway.moving = 2
    assert (await running.runner.request(back)).kind is OutcomeKind.DONE
    assert [type(order) for order in running.orders()] == [*[SetVariable] * 3, RedirectPair]
    assert running.runner.counts["failed_orders"] == 0


async def test_others_are_not_kept_waiting_by_a_channel_on_its_way(running: Running) -> None:
    _, back = await talking(running)
    running.gateway.moving = 1
    asked = asyncio.create_task(running.runner.request(back))
    await asyncio.sleep(0)
    assert (await running.runner.request(SIGN_IN)).kind is OutcomeKind.DONE
    assert not asked.done()
    assert (await asked).kind is OutcomeKind.DONE
    kinds = [type(order) for order in running.orders()]
    assert kinds.index(AddMember) < kinds.index(RedirectPair)


async def test_a_channel_that_never_arrives_is_given_up(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    _, back = await talking(running)
    monkeypatch.setattr("telephony.runner.AGAIN_S", 0.0)
    running.gateway.moving = 1000
    with pytest.raises(ChannelMoves):
        await running.runner.request(back)
    assert 1000 - running.gateway.moving == MOST_TRIES + 1
    assert running.runner.counts["failed_orders"] == 1


async def test_a_channel_that_has_ended_is_not_asked_again(running: Running) -> None:
    story, back = await talking(running)
    running.gateway.moving = 1000
    asked = asyncio.create_task(running.runner.request(back))
    await asyncio.sleep(0)
    running.gateway.tell(*story.caller_hangs_up())
    with pytest.raises(ChannelMoves):
        await asked
    assert 1000 - running.gateway.moving <= 2
