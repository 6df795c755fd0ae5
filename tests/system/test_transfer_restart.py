"""Our process is killed in the middle of a transfer, somebody acts while it is away, and it knows all of it again."""

from __future__ import annotations

import asyncio

import pytest

from telephony.calls import CallPhase
from telephony.commands import BringTogether, DropTarget, GoPrivate, LeaveCall, SignIn
from telephony.events import DriftRepaired
from telephony.ids import QueueName, SeatId
from telephony.transfers import TransferOutcome, TransferState
from tests.fakes.stories import HOTLINE
from tests.system.parties import Conversation, Parties, in_one_bridge, reach

pytestmark = pytest.mark.asterisk

AWAY = {
    "nobody": lambda talk: None,
    "the citizen hangs up": lambda talk: talk.citizen.hang_up(),
    "the operator hangs up": lambda talk: talk.operator.hang_up(),
    "the target hangs up": lambda talk: talk.all_.at_centre("110", talk.number)[-1].hang_up(),
    "the target answers": lambda talk: talk.all_.at_centre("110", talk.number)[-1].answer(),
}
STATES = (TransferState.RINGING, TransferState.JOINED, TransferState.PRIVATE, TransferState.HANDED_OVER)


def makes_sense(state: TransferState, who: str) -> bool:
    if state is TransferState.HANDED_OVER and who == "the operator hangs up":
        return False
    answered = state is not TransferState.RINGING
    return who != ("the target answers" if answered else "the target hangs up")


async def settle(talk: Conversation, state: TransferState, who: str) -> None:
    """Where the citizen must be some moments after our process is back."""
    if who == "the citizen hangs up":
        await talk.until(talk.citizen.ended.is_set)
        return
    if who == "nobody":
        await talk.until(lambda: talk.transfer.state is state)
        assert talk.transfer.target.value == "110"
        assert talk.transfer.agent_id == talk.agent
    elif who == "the target answers":
        await talk.until(lambda: talk.transfer.state is TransferState.JOINED)
    elif who == "the target hangs up" and state is not TransferState.HANDED_OVER:
        await talk.until(lambda: in_one_bridge(talk, "operator"))
    elif who == "the operator hangs up" and state is not TransferState.RINGING:
        await talk.until(lambda: in_one_bridge(talk, "centre"))
        await talk.until(lambda: talk.transfer.state is TransferState.HANDED_OVER)
    else:
        await talk.until(lambda: talk.call.phase in (CallPhase.QUEUED, CallPhase.OFFERED) or _by_another_leg(talk), 20)
    assert talk.served


def _by_another_leg(talk: Conversation) -> bool:
    """Somebody else answered, or the same operator once more: all phones of the first talk are gone."""
    return talk.call.phase is CallPhase.TALKING and talk.operator.ended.is_set() and in_one_bridge(talk, "operator")


async def test_a_restart_in_any_state_of_a_transfer_loses_nobody(everybody: Parties) -> None:
    cases = [(state, who) for state in STATES for who in AWAY if makes_sense(state, who)]
    talks: list[Conversation] = []

    async def begin(state: TransferState, who: str) -> None:
        talk = await everybody.talk()
        await reach(talk, state)
        talks.append(talk)

    async with asyncio.TaskGroup() as group:
        places = [group.create_task(begin(*case)) for case in cases]
    assert len(places) == len(talks)
    of_state = {state: [talk for talk in talks if talk.transfer.state is state] for state in STATES}
    given = [(of_state[state].pop(), state, who) for state, who in cases]
    await asyncio.sleep(2.2)
    await everybody.process.kill()
    for talk, _, who in given:
        AWAY[who](talk)
    await asyncio.sleep(0.5)
    await everybody.start_again()
    for talk, state, who in given:
        gone = who == "the citizen hangs up" or (state is TransferState.HANDED_OVER)
        if not gone and not talk.operator.ended.is_set():
            await everybody.ask(SignIn(agent_id=talk.agent, seat=SeatId(talk.agent), queues=(HOTLINE,)))
    async with asyncio.TaskGroup() as group:
        for case in given:
            group.create_task(settle(*case))
    assert [one for one in everybody.of_kind(DriftRepaired) if one.kind != "member_missing"] == []
    for talk, _, _ in given:
        if talk.call_id in everybody.board.calls:
            talk.citizen.hang_up()
            talk.operator.hang_up()


@pytest.mark.parametrize("state", [TransferState.RINGING, TransferState.JOINED, TransferState.PRIVATE])
async def test_what_was_begun_before_a_restart_is_finished_after_it(everybody: Parties, state: TransferState) -> None:
    drops, hands_over = await everybody.talk(), await everybody.talk()
    for talk in (drops, hands_over):
        await reach(talk, state)
    await everybody.restart()
    for talk in (drops, hands_over):
        await talk.until(lambda talk=talk: talk.transfer.state is state)  # type: ignore[misc]
    await everybody.ask(DropTarget(call_id=drops.call_id, agent_id=drops.agent))
    await drops.until(lambda: drops.transfer.outcome is TransferOutcome.CANCELLED)
    await drops.until(lambda: in_one_bridge(drops, "operator"))
    own = {"call_id": hands_over.call_id, "agent_id": hands_over.agent}
    if state is TransferState.RINGING:
        everybody.at_centre("110", hands_over.number)[-1].answer()
        await hands_over.until(lambda: hands_over.transfer.state is TransferState.JOINED)
        await everybody.ask(GoPrivate(**own))
        await hands_over.until(lambda: hands_over.transfer.state is TransferState.PRIVATE)
    elif state is TransferState.PRIVATE:
        await everybody.ask(BringTogether(**own))
        await hands_over.until(lambda: hands_over.transfer.state is TransferState.JOINED)
    await everybody.ask(LeaveCall(**own))
    await hands_over.until(lambda: hands_over.transfer.state is TransferState.HANDED_OVER)
    await hands_over.until(lambda: in_one_bridge(hands_over, "centre"))
    assert drops.served
    assert hands_over.served
    assert everybody.board.waiting.get(QueueName("hotline"), ()) == ()
    for talk in (drops, hands_over):
        await everybody.clear(talk)
