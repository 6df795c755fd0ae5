"""The disk of recordings and journal is full, and the database takes nothing: the calls go on, and it is said."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.fakes.small_disks import small_disk
from tests.system.crowd import Scene, calling, locked_sqlite
from tests.system.switch import RunningSwitch

pytestmark = pytest.mark.asterisk

JOURNAL, SOUND = 1 << 20, 64 << 20
FULL_S = 15.0
"""Longer than the server's own look at the disk takes to come round."""


async def test_a_full_disk_and_a_locked_database_end_no_call_and_cost_no_record(fresh_switch: RunningSwitch) -> None:
    home = fresh_switch.recordings.parent
    with (
        small_disk(home / "spool", bytes=JOURNAL) as journal,
        small_disk(fresh_switch.recordings, bytes=SOUND) as sound,
    ):
        scene = await asyncio.to_thread(Scene, fresh_switch)
        said: list[dict[str, dict[str, str]]] = []
        async with scene.playing():
            async with calling(fresh_switch) as crowd:
                await asyncio.sleep(2)
                journal.fill()
                sound.fill()
                async with locked_sqlite(scene):
                    until = time.monotonic() + FULL_S
                    while time.monotonic() < until:
                        await asyncio.sleep(0.5)
                        said.append(await asyncio.to_thread(scene.hotline.parts))
                sound.empty()
                journal.empty()
                toll = await asyncio.to_thread(crowd.finish)
            await scene.settle(toll)
            await asyncio.to_thread(fresh_switch.wait_for, lambda: is_well(scene.hotline.parts()), 60)
            verdict = await scene.verdict(crowd, toll, [])
    print(verdict)
    assert verdict.toll.calls > 10
    assert verdict.toll.dropped == 0, verdict.toll.notes
    assert verdict.reckoning.is_right, verdict.reckoning
    assert (verdict.still_open, verdict.doubled) == (0, 0)
    assert any(parts["recordings"]["state"] == "disk low" for parts in said)
    assert any("nothing can be kept on this machine" in parts["database"]["detail"] for parts in said), said[-1]


def is_well(parts: dict[str, dict[str, str]]) -> bool:
    return parts["database"]["state"] == "ok" and parts["recordings"]["state"] == "ok"
