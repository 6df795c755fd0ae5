"""How a command came out is said by the order that it comes to, and not by what goes along with it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from telephony.commands import (
    BringTogether,
    CallTarget,
    Command,
    DropTarget,
    GoPrivate,
    HangUpCall,
    KeepLine,
    LeaveCall,
    OutcomeKind,
    PauseRecording,
    PlaceCall,
    Prioritise,
    RecoverCall,
    ResumeRecording,
    SendBack,
    Supervise,
)
from telephony.deciding import KINDS, deciding
from telephony.errors import ActionFailed, ActionUnanswered
from telephony.events import AheadReason
from telephony.ids import LineNumber
from telephony.orders import (
    ChangePriority,
    DialLeg,
    HangUpChannel,
    MuteRecording,
    Order,
    PauseMember,
    RedirectChannel,
    RedirectPair,
    SetVariable,
)
from telephony.outbound import new_call_id
from telephony.stages import TransferState
from telephony.switchboard import Switchboard
from telephony.targets import SpyMode, TransferMode
from tests.fakes.stories import START, Story
from tests.telephony.test_runner import SIGN_IN, Running, running, talking
from tests.telephony.test_supervision import BOSS
from tests.telephony.test_transfers import ME, POLICE, REACH, Scene

__all__ = ["running"]


def ordered(scene: Scene, command: Command) -> tuple[Order, ...]:
    return scene.stage.board.request(command, scene.stage.now).orders


def kinds(command: Command, orders: tuple[Order, ...]) -> list[type[Order]]:
    return [type(order) for order in deciding(command, orders)]


@pytest.mark.parametrize(
    ("state", "kind", "more", "decides"),
    [
        (None, CallTarget, {"target": POLICE, "mode": TransferMode.THREE_WAY}, [DialLeg]),
        (None, CallTarget, {"target": POLICE, "mode": TransferMode.BLIND}, [RedirectChannel]),
        (TransferState.JOINED, GoPrivate, {}, [RedirectChannel, RedirectPair]),
        (TransferState.PRIVATE, BringTogether, {}, [RedirectChannel]),
        (TransferState.JOINED, LeaveCall, {}, [RedirectChannel]),
        (TransferState.RINGING, DropTarget, {}, [HangUpChannel]),
        (None, SendBack, {}, [RedirectPair]),
        (None, KeepLine, {"on": True}, []),
        (None, PauseRecording, {"seconds": 20.0}, [MuteRecording]),
    ],
)
def test_one_order_decides_or_all_of_them(
    state: TransferState | None, kind: Callable[..., Command], more: dict[str, object], decides: list[type[Order]]
) -> None:
    scene = Scene()
    if state is not None:
        scene.reach(state)
    command = kind(call_id=scene.parties.story.call_id, agent_id=ME, **more)
    orders = ordered(scene, command)
    assert kinds(command, orders) == decides
    assert any(isinstance(order, SetVariable) for order in orders) or len(orders) == len(decides)


def test_ending_a_call_is_ending_the_citizens_leg() -> None:
    scene = Scene()
    scene.reach(TransferState.JOINED)
    command = HangUpCall(call_id=scene.parties.story.call_id, agent_id=ME)
    orders = ordered(scene, command)
    assert len(orders) == 2
    assert deciding(command, orders) == (HangUpChannel(channel=scene.parties.citizen),)


def test_a_leg_that_is_to_ring_decides_and_not_the_pause_before_it() -> None:
    scene = Scene()
    scene.stage.sign_in(BOSS)
    watch = Supervise(call_id=scene.parties.story.call_id, agent_id=BOSS, mode=SpyMode.LISTEN)
    orders = ordered(scene, watch)
    assert PauseMember in {type(order) for order in orders}
    assert kinds(watch, orders) == [DialLeg]
    scene.reach(TransferState.JOINED)
    back = RecoverCall(agent_id=ME)
    assert kinds(back, ordered(scene, back)) == [DialLeg]


def test_a_caller_is_moved_where_they_wait_or_marked_before_that() -> None:
    scene, waits, arrives = Scene(), Story(serial=50), Story(serial=60)
    scene.stage.tell([*waits.arrive(), *waits.join(2), *arrives.arrive()])
    for story, decides in ((waits, ChangePriority), (arrives, SetVariable)):
        command = Prioritise(call_id=story.call_id, priority=5, reason=AheadReason.REPEAT)
        assert kinds(command, ordered(scene, command)) == [decides]


def test_more_silence_needs_no_order_that_decides() -> None:
    scene = Scene()
    scene.command(PauseRecording, seconds=20.0)
    more = PauseRecording(call_id=scene.parties.story.call_id, agent_id=ME, seconds=20.0)
    assert kinds(more, ordered(scene, more)) == []
    again = ResumeRecording(call_id=scene.parties.story.call_id, agent_id=ME)
    assert kinds(again, ordered(scene, again)) == [MuteRecording]


def test_every_command_of_the_table_is_one() -> None:
    assert all(issubclass(command, Command) for command in KINDS)
    assert all(issubclass(order, Order) for decides in KINDS.values() for order in decides)


# in the loop ----------------------------------------------------------------------------------------------------------


async def asked(running: Running) -> CallTarget:
    running.runner.switchboard = Switchboard(reach=REACH)
    running.gateway.disconnect()
    running.gateway.connect()
    story, _ = await talking(running)
    return CallTarget(call_id=story.call_id, agent_id=ME, target=POLICE, mode=TransferMode.THREE_WAY)


async def test_a_mark_that_is_refused_does_not_make_the_call_to_110_fail(running: Running) -> None:
    command = await asked(running)
    running.gateway.failures[SetVariable] = ActionFailed("Setvar", "No such channel")
    assert (await running.runner.request(command)).kind is OutcomeKind.DONE
    assert [type(order) for order in running.orders()] == [DialLeg]
    assert running.runner.counts["failed_orders"] == 3


async def test_a_leg_that_is_refused_does_though_all_else_was_done(running: Running) -> None:
    command = await asked(running)
    running.gateway.failures[DialLeg] = ActionFailed("Originate", "no")
    with pytest.raises(ActionFailed, match="Originate"):
        await running.runner.request(command)
    assert [type(order) for order in running.orders()] == [SetVariable] * 3


async def test_a_leg_of_which_nobody_knows_is_unknown_whatever_became_of_the_rest(running: Running) -> None:
    command = await asked(running)
    running.gateway.failures[DialLeg] = ActionUnanswered("Originate")
    running.gateway.failures[SetVariable] = ActionFailed("Setvar", "No such channel")
    assert (await running.runner.request(command)).kind is OutcomeKind.UNKNOWN


async def test_a_call_is_placed_though_the_pause_of_the_seat_was_refused(running: Running) -> None:
    running.gateway.phone("8001")
    await running.gateway.applied()
    await running.runner.request(SIGN_IN)
    running.gateway.failures[PauseMember] = ActionFailed("QueuePause", "no")
    place = PlaceCall(call_id=new_call_id(START, 7), agent_id=ME, number="13800000001", line=LineNumber("12345"))
    assert (await running.runner.request(place)).kind is OutcomeKind.DONE
