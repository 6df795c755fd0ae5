"""The drift meter on a real switch: still while everything is told, moved by what happens behind our back."""

from __future__ import annotations

import asyncio

import pytest

from telephony.ami.gateway import Gateway
from telephony.ami.timings import Timings
from telephony.commands import SignIn
from telephony.events import AgentStatus, CallEnded, CallOutcome, DriftRepaired, Event, LinkState
from telephony.ids import AgentId, SeatId
from telephony.runner import Runner
from telephony.switchboard import Switchboard
from tests.api.serving import eventually
from tests.fakes.stories import HOTLINE
from tests.system.switch import RunningSwitch

pytestmark = pytest.mark.asterisk

OFTEN = Timings(resync_every_s=0.1)
CALLS = 5


async def test_several_calls_are_compared_again_and_again_without_a_difference(fresh_switch: RunningSwitch) -> None:
    told: list[Event] = []
    gateway = Gateway(
        host="127.0.0.1",
        port=fresh_switch.ports.ami,
        username="hotline",
        secret=fresh_switch.secrets.ami,
        timings=OFTEN,
    )
    board = Switchboard(wrap_up_s=0.2)
    runner = Runner(gateway=gateway, switchboard=board, publish=told.append)
    tasks = [asyncio.create_task(gateway.run()), asyncio.create_task(runner.run())]
    me = AgentId("9011")

    def ended() -> list[CallEnded]:
        return [event for event in told if isinstance(event, CallEnded)]

    try:
        await eventually(lambda: runner.link is LinkState.LIVE, 15)
        with fresh_switch.desk("8011"), fresh_switch.desk("8012"):
            for agent, seat in ((me, "8011"), (AgentId("9012"), "8012")):
                await runner.request(SignIn(agent_id=agent, seat=SeatId(seat), queues=(HOTLINE,)))
            await eventually(lambda: board.agents[me].status is AgentStatus.READY, 15)
            for number in range(CALLS):
                fresh_switch.citizen(f"c{number}", stay_s=1.0 + 0.5 * number).start()
                await asyncio.sleep(0.4)
            await eventually(lambda: len(ended()) == CALLS, 30)
            await asyncio.sleep(1)
            assert [event for event in told if isinstance(event, DriftRepaired)] == []
            assert (runner.drift.count, runner.drift.last_at) == (0, None)
            outcomes = {event.outcome for event in ended()}
            assert CallOutcome.ANSWERED in outcomes
            assert CallOutcome.LOST not in outcomes

            with fresh_switch.ami() as ami:
                ami.ask(Action="QueueAdd", Queue="hotline", Interface="PJSIP/8013", MemberName="9013")
            await eventually(lambda: runner.drift.count == 1, 10)
        assert runner.drift.last_kind == "ghost_member"
        assert runner.counts["drift ghost_member"] == 1
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
