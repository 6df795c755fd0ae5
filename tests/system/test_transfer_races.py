"""Moves of a transfer that overtake each other on a real switch: the citizen ends with somebody all the same."""

from __future__ import annotations

import asyncio

import pytest

from telephony.calls import CallPhase
from telephony.commands import GoPrivate, LeaveCall
from telephony.errors import ChannelMoves
from telephony.ids import ChannelId
from telephony.orders import Order, RedirectChannel
from telephony.runner import AGAIN_S
from telephony.transfers import TransferState
from tests.system.parties import Conversation, Parties, in_one_bridge, reach

pytestmark = pytest.mark.asterisk

APART_S = (0.0, 0.05, 0.2, 0.45, 0.48, 0.5, 0.52, 0.55, 0.8)
"""Around the half second after which a target that is alone seeks the citizen."""


def back(talk: Conversation) -> Order:
    return RedirectChannel(channel=ChannelId(talk.call_id), context="room", exten="back")


async def give(everybody: Parties, order: Order) -> None:
    """As the runner does: a channel that is on its way elsewhere takes no order yet."""
    async with asyncio.timeout(5):
        while True:
            try:
                return await everybody.process.gateway.execute(order)
            except ChannelMoves:
                await asyncio.sleep(AGAIN_S)


async def in_private(everybody: Parties) -> tuple[Conversation, ChannelId]:
    """And the operator's channel."""
    talk = await everybody.talk()
    await reach(talk, TransferState.PRIVATE)
    [operator] = [leg.channel for leg in talk.call.legs if leg.agent_id == talk.agent and leg.ended_at is None]
    return talk, operator


@pytest.mark.parametrize("citizen_first", [True, False], ids=["citizen first", "operator first"])
async def test_a_citizen_who_is_called_in_while_the_operator_goes_is_with_the_target_or_in_front(
    everybody: Parties, citizen_first: bool
) -> None:
    """Forced: our server waits for the citizen to be back in before it lets the operator go. Where the two just miss
    each other the target gives up after two seconds, and the citizen stands in front of the queue."""

    async def race(apart_s: float) -> Conversation:
        talk, operator = await in_private(everybody)
        orders = [back(talk), RedirectChannel(channel=operator, context="leave", exten="s")]
        first, second = orders if citizen_first else reversed(orders)
        await give(everybody, first)
        await asyncio.sleep(apart_s)
        await give(everybody, second)
        await talk.until(lambda: with_target(talk) or talk.call.phase is CallPhase.QUEUED)
        await asyncio.sleep(1.0)  # whoever was alone for a moment has looked for the other by then
        await talk.until(lambda: with_target(talk) or talk.call.phase is CallPhase.QUEUED, 5)
        assert talk.served
        return talk

    async with asyncio.TaskGroup() as group:
        races = [group.create_task(race(apart_s)) for apart_s in APART_S]
    talks = [each.result() for each in races]
    met = [talk for talk in talks if with_target(talk)]
    print(f"{len(met)} of {len(talks)} stayed with the target")
    assert len(met) > len(talks) / 2
    for talk in talks:
        await everybody.clear(talk)


def with_target(talk: Conversation) -> bool:
    return talk.transfer.state is TransferState.HANDED_OVER and in_one_bridge(talk, "centre")


async def test_an_operator_may_leave_the_moment_the_private_word_began(everybody: Parties) -> None:
    async def leave() -> Conversation:
        talk = await everybody.talk()
        await reach(talk, TransferState.JOINED)
        own = {"call_id": talk.call_id, "agent_id": talk.agent}
        await everybody.ask(GoPrivate(**own))
        await everybody.ask(LeaveCall(**own))
        await talk.until(lambda: talk.transfer.state is TransferState.HANDED_OVER)
        await talk.until(lambda: in_one_bridge(talk, "centre"))
        return talk

    async with asyncio.TaskGroup() as group:
        talks = [group.create_task(leave()) for _ in range(8)]
    for each in talks:
        await everybody.clear(each.result())
