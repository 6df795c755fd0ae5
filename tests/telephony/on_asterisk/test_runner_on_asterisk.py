"""Gateway, switchboard and runner on a real switch, with simulated citizens and a desk phone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TypeVar

import pytest

from telephony.ami.gateway import Gateway
from telephony.ami.timings import Timings
from telephony.calls import CallPhase
from telephony.commands import HangUpCall, OutcomeKind, SignIn, SignOut
from telephony.events import (
    AgentLegEnded,
    AgentStatus,
    CallAnswered,
    CallEnded,
    CallOutcome,
    DriftRepaired,
    Event,
    FrameRejected,
    LinkChanged,
    LinkState,
    PauseReason,
)
from telephony.facts import Echo, Fact
from telephony.ids import AgentId, SeatId
from telephony.orders import AskForEcho
from telephony.runner import Runner
from telephony.switchboard import Outcome, Switchboard
from tests.fakes.stories import HOTLINE
from tests.system.switch import RunningSwitch
from tests.telephony.ami.running import asked_now

pytestmark = pytest.mark.asterisk

ME = AgentId("9011")
SIGN_IN = SignIn(agent_id=ME, seat=SeatId("8011"), queues=(HOTLINE,))
E = TypeVar("E", bound=Event)


class Process:
    """One life of our process beside the switch."""

    def __init__(self, switch: RunningSwitch) -> None:
        timings = Timings(resync_every_s=1.0)
        self.gateway = Gateway(
            host="127.0.0.1", port=switch.ports.ami, username="hotline", secret=switch.secrets.ami, timings=timings
        )
        self.board = Switchboard()
        self.events: list[Event] = []
        self.runner = Runner(gateway=self.gateway, switchboard=self.board, publish=self.events.append)

    def of_kind(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    def status(self) -> AgentStatus | None:
        return self.board.agents[ME].status if ME in self.board.agents else None

    async def until(self, condition: Callable[[], object], within_s: float = 20.0) -> None:
        for _ in range(int(within_s / 0.02)):
            if condition():
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"did not come true; the last events: {self.events[-8:]}")

    async def comparisons(self) -> None:
        """Let the switch be compared with the model twice."""
        await asyncio.sleep(2.5)

    def assert_in_step(self) -> None:
        assert self.of_kind(DriftRepaired) == []
        assert {key: count for key, count in self.runner.counts.items() if key != "facts"} == {}


@asynccontextmanager
async def process(switch: RunningSwitch) -> AsyncIterator[Process]:
    one = Process(switch)
    tasks = [asyncio.create_task(one.gateway.run()), asyncio.create_task(one.runner.run())]
    try:
        await one.until(lambda: one.runner.link is LinkState.LIVE)
        yield one
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_real_call_from_ring_to_wrap_up(switch: RunningSwitch) -> None:
    async with process(switch) as one:
        assert (await one.runner.request(SIGN_IN)).kind is OutcomeKind.DONE
        await one.until(lambda: one.status() is AgentStatus.READY)
        with switch.desk("8011", ring_s=1.0), switch.citizen("talks", stay_s=5) as citizen:
            await one.until(lambda: one.status() is AgentStatus.RINGING)
            await one.until(lambda: one.status() is AgentStatus.TALKING)
            await one.comparisons()
            await one.until(lambda: one.status() is AgentStatus.WRAPPING_UP)
            await one.until(lambda: one.of_kind(CallEnded))
            assert await asyncio.to_thread(citizen.wait, 20) == 0
        await one.comparisons()
        [answered], [left], [ended] = one.of_kind(CallAnswered), one.of_kind(AgentLegEnded), one.of_kind(CallEnded)
        assert (answered.agent_id, answered.rebuilt) == (ME, False)
        assert left.talk_s is not None
        assert 2.0 < left.talk_s < 6.0
        assert (ended.outcome, ended.ended_by) == (CallOutcome.ANSWERED, "caller")
        [member] = (await asked_now(one.gateway)).members
        assert (member.paused, member.paused_reason) == (True, "wrapping_up")
        one.assert_in_step()
        await one.runner.request(SignOut(agent_id=ME))
        assert (await asked_now(one.gateway)).members == ()


async def test_a_real_caller_who_gives_up_is_missed(switch: RunningSwitch) -> None:
    async with process(switch) as one:
        with switch.citizen("gives up", number="15433061710", stay_s=1) as citizen:
            await one.until(lambda: one.of_kind(CallEnded))
            assert await asyncio.to_thread(citizen.wait, 20) == 0
        [ended] = one.of_kind(CallEnded)
        assert (ended.outcome, ended.ended_by) == (CallOutcome.ABANDONED, "caller")
        [call] = one.board.calls.values()
        assert call.caller_number == "15433061710"
        assert one.board.waiting[HOTLINE] == ()
        await one.comparisons()
        one.assert_in_step()


async def test_a_real_phone_that_nobody_picks_up_is_paused(switch: RunningSwitch) -> None:
    """The desk phone is not there: its address answers nothing, or refuses."""
    async with process(switch) as one:
        await one.runner.request(SIGN_IN)
        await one.until(lambda: one.status() is AgentStatus.READY)
        with switch.desk("8011", ring_s=40.0), switch.citizen("waits", stay_s=20, patience_s=20) as citizen:
            await one.until(lambda: one.status() is AgentStatus.RINGING)
            await one.until(lambda: one.status() is AgentStatus.PAUSED, within_s=25)
            assert one.board.agents[ME].reasons == {PauseReason.NO_ANSWER}
            [call] = one.board.calls.values()
            assert call.phase is CallPhase.QUEUED
            assert await asyncio.to_thread(citizen.wait, 40) == 0
        await one.runner.request(SignOut(agent_id=ME))
        await one.comparisons()
        one.assert_in_step()


async def test_a_real_talk_survives_a_restart_of_ours(switch: RunningSwitch) -> None:
    with switch.desk("8011"), switch.citizen("goes on", stay_s=30) as citizen:
        async with process(switch) as first:
            await first.runner.request(SIGN_IN)
            await first.until(lambda: first.status() is AgentStatus.TALKING)
        async with process(switch) as second:
            [answered] = second.of_kind(CallAnswered)
            assert (answered.agent_id, answered.rebuilt) == (ME, True)
            assert (await second.runner.request(SIGN_IN)).kind is OutcomeKind.DONE
            assert second.status() is AgentStatus.TALKING
            await second.comparisons()
            second.assert_in_step()
            [call] = second.board.calls.values()
            await second.runner.request(HangUpCall(call_id=call.id, agent_id=ME))
            await second.until(lambda: second.of_kind(CallEnded))
            assert second.of_kind(CallEnded)[0].ended_by == "operator"
            assert second.status() is AgentStatus.WRAPPING_UP
            await second.runner.request(SignOut(agent_id=ME))
        await asyncio.to_thread(citizen.wait, 20)


async def test_a_real_echo_comes_back_behind_what_was_said_before(switch: RunningSwitch) -> None:
    async with process(switch) as one:
        heard: list[str] = []
        receive = one.board.receive

        def listen(fact: Fact | LinkChanged | FrameRejected, now: datetime) -> Outcome:
            heard.append(fact.token if isinstance(fact, Echo) else type(fact).__name__)
            return receive(fact, now)

        one.board.receive = listen  # type: ignore[method-assign]
        with switch.citizen("waits", stay_s=1) as citizen:
            await one.until(lambda: "QueueCallerJoin" in heard)
            for token in ("1", "2"):
                await one.gateway.execute(AskForEcho(token=token))
            await one.until(lambda: "2" in heard, within_s=2.0)
            assert heard.index("QueueCallerJoin") < heard.index("1") < heard.index("2")
            await asyncio.to_thread(citizen.wait, 20)
        await one.until(lambda: one.of_kind(CallEnded))


async def test_a_switch_that_is_killed_in_mid_call_loses_the_call_and_gets_its_members_back(
    fresh_switch: RunningSwitch,
) -> None:
    switch = fresh_switch
    async with process(switch) as one:
        await one.runner.request(SIGN_IN)
        with switch.desk("8011"), switch.citizen("cut off", stay_s=5):
            await one.until(lambda: one.status() is AgentStatus.TALKING)
            switch.asterisk.kill()
            await one.until(lambda: one.runner.link is not LinkState.LIVE)
            await asyncio.to_thread(switch.asterisk.start)
            await one.until(lambda: one.of_kind(CallEnded), within_s=30)
        [ended] = one.of_kind(CallEnded)
        assert (ended.outcome, ended.ended_by, ended.talk_s) == (CallOutcome.LOST, "switch", None)
        assert one.status() is AgentStatus.WRAPPING_UP
        await one.until(lambda: one.runner.link is LinkState.LIVE)
        await one.comparisons()
        [member] = (await asked_now(one.gateway)).members
        assert (member.member, member.paused) == (ME, True)
        assert one.of_kind(DriftRepaired) == []
