"""The switch's log is read on every minute, while the link stands."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from api import gap as gap_module
from api.calls.recorder import CallRecorder
from api.gap import Gap
from api.handoffs.recorder import HandoffRecorder
from api.settings import Settings
from api.store.engine import Store
from api.store.tables import LogPosition
from telephony.events import CallEnded, LinkState
from telephony.media.recordings import Recordings
from tests.api.test_completion import NUMBER, at, call, call_at, line, write


async def test_what_is_new_in_the_log_is_taken_up_while_the_link_stands(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gap_module, "READ_ON_S", 0.02)
    settings = Settings(home=tmp_path)
    log = settings.queue_log_file
    log.parent.mkdir(parents=True)
    write(log, line(0, call_at(0), "NONE", "ARRIVED", "12345", NUMBER))
    told: list[object] = []
    came = asyncio.Event()

    def publish(event: object) -> None:
        told.append(event)
        came.set()

    shared: Any = SimpleNamespace(store=store, settings=settings, publish=publish, now=lambda: at(500))
    runner: Any = SimpleNamespace(link=LinkState.DOWN)
    untold = frozenset({call_at(0)})  # it ended before the first list: nobody else tells what it came to
    board: Any = SimpleNamespace(calls=dict.fromkeys(untold), untold=untold, transfers={}, compared=True)
    calls = CallRecorder(store)
    gap = Gap(
        common=shared,
        runner=runner,
        switchboard=board,
        recording_files=Recordings(tmp_path),
        calls=calls,
        handoffs=HandoffRecorder(store, settings, told.append),
    )
    running = [asyncio.create_task(one) for one in (calls.run(), gap.handoffs.run(), gap.read_on())]
    try:
        write(log, line(9, call_at(0), "NONE", "GONE", "12345", NUMBER, "caller", ""))
        await asyncio.sleep(0.1)
        assert told == [], "nothing is read while the switch is out of reach: who knows which calls live"
        runner.link = LinkState.LIVE
        async with asyncio.timeout(20):
            await came.wait()
        for _ in range(500):
            if await _read_up_to(store, log):
                break
            await asyncio.sleep(0.02)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    [ended] = told
    assert isinstance(ended, CallEnded)
    assert (ended.call_id, ended.outcome) == (call_at(0), "abandoned")
    assert (await call(store, call_at(0))).caller_number == NUMBER


async def _read_up_to(store: Store, log: Path) -> bool:
    async with store.read() as session:
        position = await session.get(LogPosition, "queue_log")
    size = (await asyncio.to_thread(log.stat)).st_size
    return position is not None and position.place == size
