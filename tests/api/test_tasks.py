"""Background work is named, its failures are told, and nothing outlives its owner."""

from __future__ import annotations

import asyncio

from structlog.testing import capture_logs

from api.tasks import Tasks


async def test_a_failing_task_is_logged_and_the_others_go_on() -> None:
    tasks, done = Tasks("test"), asyncio.Event()

    async def fails() -> None:
        raise ValueError("broken")

    async def works() -> None:
        done.set()

    with capture_logs() as logs:
        tasks.start(fails(), "one")
        tasks.start(works(), "two")
        await done.wait()
        await asyncio.sleep(0)
    assert [entry["task"] for entry in logs] == ["test: one"]
    assert len(tasks) == 0


async def test_closing_ends_every_task_also_one_that_starts_another_while_it_ends() -> None:
    tasks, ended = Tasks("test"), []

    async def last() -> None:
        ended.append("last")

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("waits")
            tasks.start(last(), "too late")

    tasks.start(waits(), "waits")
    await asyncio.sleep(0)
    await tasks.close()
    assert ended == ["waits"]
    assert len(tasks) == 0
