"""The audit log is read once a week, whatever restarts come between, and a log that does not hold is told of."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from sqlalchemy import text

from api.auth.audit import ChainReport
from api.auth.chain_watch import EVERY, ChainWatch
from api.store.engine import Store
from tests.api.desk import START
from tests.api.test_auth import some_records, tamper


class Week:
    """A watch that is made anew at each look, as after a restart."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now = START
        self.told: list[object] = []

    async def look(self) -> bool:
        """Whether the log was read."""
        return await ChainWatch(self.store, lambda: self.now, self.told.append).look() is not None


async def test_the_log_is_read_once_a_week(store: Store) -> None:
    week = Week(store)
    await some_records(store, 3)
    assert await week.look()
    week.now += EVERY - timedelta(minutes=1)
    assert not await week.look()
    week.now += timedelta(minutes=1)
    await some_records(store, 2)
    assert await week.look()
    assert week.told == [ChainReport(records=3, broken_at=None), ChainReport(records=5, broken_at=None)]


async def test_a_log_that_does_not_hold_is_told_of_until_it_does(store: Store) -> None:
    week = Week(store)
    await some_records(store, 6)
    await tamper(store, "UPDATE audit_log SET result = 'refused' WHERE seq = 4")
    for _ in range(2):
        assert await week.look()
        week.now += timedelta(hours=1)
    assert week.told == [ChainReport(records=4, broken_at=4)] * 2
    async with store.write() as session:
        await session.execute(text("UPDATE audit_log SET result = 'done' WHERE seq = 4"))
    assert await week.look()
    assert week.told[-1] == ChainReport(records=6, broken_at=None)


async def test_what_is_added_while_it_is_read_breaks_nothing(store: Store) -> None:
    await some_records(store, 30)
    week = Week(store)
    _, read = await asyncio.gather(some_records(store, 20), week.look())
    assert read
    [checked] = week.told
    assert isinstance(checked, ChainReport)
    assert checked.broken_at is None
