"""Levels and pauses of a real switch's members over restarts of ours."""

from __future__ import annotations

from dataclasses import replace

import pytest

from telephony.commands import Pause, SignOut
from telephony.events import AgentStatus, DriftRepaired, PauseReason
from telephony.orders import PauseMember, SetPenalty
from tests.fakes.stories import HOTLINE
from tests.system.switch import RunningSwitch
from tests.telephony.ami.running import asked_now
from tests.telephony.on_asterisk.test_runner_on_asterisk import ME, SIGN_IN, Process, process

pytestmark = pytest.mark.asterisk


async def only_member(one: Process) -> tuple[int, bool, str]:
    [member] = (await asked_now(one.gateway)).members
    return member.penalty, member.paused, member.paused_reason


async def test_a_level_that_changes_while_we_are_away_is_the_switchs_after_it(switch: RunningSwitch) -> None:
    async with process(switch) as first:
        await first.runner.request(replace(SIGN_IN, levels={HOTLINE: 7}))
        await first.until(lambda: first.status() is AgentStatus.READY)
        assert (await only_member(first))[0] == 7
        await first.runner.request(replace(SIGN_IN, levels={HOTLINE: 3}))
        assert (await only_member(first))[0] == 3, "in the middle of a shift too"
        await first.comparisons()
        first.assert_in_step()
    async with process(switch) as second:
        await second.runner.request(replace(SIGN_IN, levels={HOTLINE: 90}))
        assert await only_member(second) == (90, False, "")
        await second.comparisons()
        second.assert_in_step()
        await second.runner.request(SignOut(agent_id=ME))


async def test_a_level_and_a_reason_that_somebody_changes_behind_our_back_are_put_right(switch: RunningSwitch) -> None:
    async with process(switch) as one:
        await one.runner.request(SIGN_IN)
        await one.runner.request(Pause(agent_id=ME, reason=PauseReason.MEAL))
        await one.gateway.execute(SetPenalty(queue=HOTLINE, seat=SIGN_IN.seat, penalty=40))
        await one.gateway.execute(PauseMember(seat=SIGN_IN.seat, paused=True, reason="rest"))
        await one.until(lambda: len(one.of_kind(DriftRepaired)) >= 2, within_s=10)
        assert {drift.kind for drift in one.of_kind(DriftRepaired)} == {"member_level", "member_pause"}
        assert await only_member(one) == (1, True, "meal")
        await one.comparisons()
        assert len(one.of_kind(DriftRepaired)) == 2
        await one.runner.request(SignOut(agent_id=ME))
