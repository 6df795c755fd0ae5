"""Our process and the switch are killed while citizens call: nobody is dropped by it, nothing is open or doubled."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress

import pytest

from tests.api.postgres import cluster, make_database
from tests.system.crowd import Outage, Scene, calling, crashed_postgresql, locked_sqlite, under_fire, without_database
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
    assert (verdict.still_open, verdict.doubled, verdict.open_handoffs) == (0, 0, 0)
    assert verdict.recorded == verdict.toll.calls
    assert verdict.outcomes == verdict.logged, "what the switch itself wrote down of each call"


AWAY_S = 12.0


async def test_a_locked_database_costs_no_record_and_the_console_says_so(fresh_switch: RunningSwitch) -> None:
    scene = await asyncio.to_thread(Scene, fresh_switch)
    outage = await without_database(scene, locked_sqlite(scene), away_s=AWAY_S)
    print(outage)
    check(outage)


@pytest.mark.postgres
async def test_a_database_server_that_crashed_costs_no_record(fresh_switch: RunningSwitch) -> None:
    with cluster() as server:
        url = make_database(server.url, "hotline")
        scene = await asyncio.to_thread(lambda: Scene(fresh_switch, database_url=url))
        outage = await without_database(scene, crashed_postgresql(server), away_s=AWAY_S)
        print(outage)
    check(outage)


def check(outage: Outage) -> None:
    verdict = outage.verdict
    assert any("wait on this machine" in said for said in outage.states) or outage.states[-1].startswith("down")
    assert verdict.toll.dropped == 0, verdict.toll.notes
    assert (verdict.still_open, verdict.open_handoffs, verdict.doubled, verdict.drift) == (0, 0, 0, 0)
    assert verdict.recorded == verdict.toll.calls
    assert verdict.outcomes == verdict.logged


async def test_a_switch_that_is_killed_leaves_every_call_closed_and_everybody_to_be_called_back(
    fresh_switch: RunningSwitch,
) -> None:
    scene = await asyncio.to_thread(Scene, fresh_switch)
    async with scene.playing():
        async with calling(fresh_switch):
            await settles(lambda: len(still_open(scene)) >= 5, 40)
            await asyncio.to_thread(fresh_switch.asterisk.kill)
        await asyncio.to_thread(fresh_switch.asterisk.start)
        await asyncio.to_thread(scene.hotline.wait_until_live, 60, speech=False)
        with suppress(TimeoutError):
            await settles(lambda: is_settled(scene), 60)
    rows = scene.ask("SELECT outcome, ended_at, talk_s FROM calls")  # the server has written all that it knew
    called_back = callbacks(scene)
    lost = [row for row in rows if row[0] == "lost"]
    assert lost, rows
    assert all(ended_at is not None for _, ended_at, _ in rows)
    assert [talk_s for _, _, talk_s in lost if talk_s is not None] == []
    assert called_back == missed(scene)


async def settles(condition: Callable[[], bool], timeout_s: float) -> None:
    """The records are asked beside the loop, and not so often that nobody else gets a turn."""
    for _ in range(round(timeout_s / 0.2)):
        if await asyncio.to_thread(condition):
            return
        await asyncio.sleep(0.2)
    raise TimeoutError("the records did not say so")


def missed(scene: Scene) -> set[str]:
    return {call_id for [call_id] in scene.ask("SELECT id FROM calls WHERE outcome IN ('lost', 'abandoned')")}


def callbacks(scene: Scene) -> set[str]:
    return {call_id for [call_id] in scene.ask("SELECT call_id FROM callback_calls")}


def is_settled(scene: Scene) -> bool:
    """Every call of before is over, and whoever was missed is to be called back."""
    return not still_open(scene) and callbacks(scene) == missed(scene)


def still_open(scene: Scene) -> list[str]:
    return [call_id for [call_id] in scene.ask("SELECT id FROM calls WHERE ended_at IS NULL")]
