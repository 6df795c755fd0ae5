"""The operator's page is loaded again while others are in the call: the operator gets back in, and nobody is lost."""

from __future__ import annotations

import pytest

from telephony.commands import LeaveCall, RecoverCall
from telephony.transfers import TransferOutcome, TransferState
from tests.system.parties import Parties, in_one_bridge, reach

pytestmark = pytest.mark.asterisk

LOST = 'Q.850;cause=41;text="media lost"'


# whose page is lost while 110 rings leaves the citizen alone: that is for test_recovery
@pytest.mark.parametrize(
    ("state", "lost"),
    [
        pytest.param(TransferState.RINGING, False, id="ringing-reloaded"),
        pytest.param(TransferState.JOINED, False, id="joined-reloaded"),
        pytest.param(TransferState.JOINED, True, id="joined-lost"),
        pytest.param(TransferState.PRIVATE, False, id="private-reloaded"),
        pytest.param(TransferState.PRIVATE, True, id="private-lost"),
    ],
)
async def test_the_operator_gets_back_into_the_call(everybody: Parties, state: TransferState, lost: bool) -> None:
    talk = await everybody.talk()
    await reach(talk, state)
    first = talk.operator
    if lost:
        first.hang_up(reason=LOST)
        await talk.until(lambda: talk.transfer.outcome is TransferOutcome.OPERATOR_LOST)
    await everybody.ask(RecoverCall(agent_id=talk.agent))
    await talk.until(lambda: list(everybody.desks[talk.agent].talks.values())[-1] is not first)
    rung = list(everybody.desks[talk.agent].talks.values())[-1]
    assert rung.header("X-Hotline-Recover") == "1"
    await talk.until(lambda: first.ended.is_set() and in_one_bridge(talk, "operator"))
    if state is TransferState.RINGING:
        everybody.at_centre("110", talk.number)[-1].answer()
    await talk.until(lambda: talk.transfer.state is TransferState.JOINED)
    await talk.until(lambda: in_one_bridge(talk, "operator") and in_one_bridge(talk, "centre"))
    assert talk.transfer.outcome is None
    assert (talk.call.answered_by, talk.call.agent_left_at) == (talk.agent, None)
    await everybody.ask(LeaveCall(call_id=talk.call_id, agent_id=talk.agent))
    await talk.until(lambda: talk.transfer.state is TransferState.HANDED_OVER and rung.ended.is_set())
    assert in_one_bridge(talk, "centre")
    assert talk.served
    await everybody.clear(talk)
