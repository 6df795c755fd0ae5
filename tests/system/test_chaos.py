"""Our process and the switch are killed while citizens call: nobody is dropped by it, nothing is open or doubled."""

from __future__ import annotations

import random

import pytest

from tests.system.crowd import under_fire
from tests.system.switch import RunningSwitch

pytestmark = pytest.mark.asterisk

KILLS = 5


async def test_a_server_that_is_killed_again_and_again_drops_nobody_and_knows_every_call(
    fresh_switch: RunningSwitch,
) -> None:
    verdict = await under_fire(fresh_switch, kills=KILLS, chance=random.Random(12345))
    print(verdict)
    assert verdict.toll.calls > 2 * KILLS
    assert verdict.toll.dropped == 0, verdict.toll.notes
    assert (verdict.still_open, verdict.doubled) == (0, 0)
    assert verdict.recorded == verdict.toll.calls
    assert verdict.outcomes == verdict.logged, "what the switch itself wrote down of each call"
