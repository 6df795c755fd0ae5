"""The database goes away in the middle of the work and comes back: nothing is lost, nothing is doubled."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncSession

from api.calls.recorder import CallRecorder
from api.store.behind import WriteBehind
from api.store.engine import Store
from api.store.migrate import migrate
from api.store.sealing import Keyring
from telephony.events import CallArrived, CallEnded, CallOutcome
from telephony.ids import CallId, ChannelId, LineNumber
from tests.api.desk import MOBILE, START
from tests.api.postgres import cluster, make_database

CALLS = 150


def story(number: int) -> tuple[CallArrived, CallEnded]:
    call_id = CallId(f"1.{number}")
    arrived = CallArrived(
        at=START,
        call_id=call_id,
        caller_number=MOBILE,
        caller_name="",
        line=LineNumber("12345"),
        channel=ChannelId(call_id),
    )
    ended = CallEnded(
        at=START + timedelta(seconds=9),
        call_id=call_id,
        outcome=CallOutcome.ABANDONED,
        ended_by="caller",
        wait_s=5.0,
        talk_s=None,
    )
    return arrived, ended


async def reached(behind: WriteBehind[object], *, away: bool) -> None:
    async with asyncio.timeout(20):
        while bool(behind.away) is not away:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.mark.postgres
async def test_call_records_survive_a_crash_of_postgresql(keyring: Keyring) -> None:
    with cluster() as server:
        url = make_database(server.url, "hotline")
        await migrate(url)
        store = Store(url, keyring)
        recorder = CallRecorder(store)
        running = asyncio.create_task(recorder.run())
        for number in range(CALLS):
            for event in story(number):
                recorder.put(event)
            if number == CALLS // 3:
                await asyncio.to_thread(server.stop, at_once=True)
            if number == CALLS // 2:
                await reached(recorder.behind, away=True)  # type: ignore[arg-type]
                await asyncio.to_thread(server.start)
        assert await recorder.drain(60)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        async with store.read() as session:
            kinds = await session.execute(text("SELECT kind, count(*) FROM call_events GROUP BY kind ORDER BY kind"))
            missed = await session.scalar(text("SELECT count(*) FROM calls WHERE outcome = 'abandoned'"))
        assert [tuple(row) for row in kinds] == [("CallArrived", CALLS), ("CallEnded", CALLS)]
        assert (missed, recorder.behind.refused, recorder.behind.away) == (CALLS, 0, "")
        await store.close()


# what is kept on this machine meanwhile -------------------------------------------------------------------------------
Waiting = WriteBehind[CallArrived]


def arrival(number: int) -> CallArrived:
    return story(number)[0]


class Ledger:
    """A writer that would notice if something were written twice: each item adds one line."""

    async def write(self, session: AsyncSession, item: CallArrived) -> None:
        await session.execute(text("INSERT INTO ledger (id, number) VALUES (NULL, :n)"), {"n": item.call_id})


async def soon(_: float) -> None:
    await asyncio.sleep(0.01)


@pytest.fixture
def spooled(url: str, keyring: Keyring, tmp_path: Path) -> Callable[[], Store]:
    """The same database again, as after a start of the server."""
    return lambda: Store(url, keyring, busy_timeout_s=0.05, spool_dir=tmp_path / "spool")


@asynccontextmanager
async def writing(store: Store, **options: int) -> AsyncIterator[Waiting]:
    """Ends as a crash does: what is in memory is gone."""
    async with store.write() as session:
        kind = "INTEGER PRIMARY KEY" if store.is_sqlite else "INTEGER"
        await session.execute(text(f"CREATE TABLE IF NOT EXISTS ledger (id {kind}, number TEXT)"))
    async with resumed(store, **options) as behind:
        yield behind


@asynccontextmanager
async def resumed(store: Store, **options: int) -> AsyncIterator[Waiting]:
    behind: Waiting = WriteBehind(
        store, Ledger().write, name="calls", keeps=(CallArrived,), sleep=soon, keep_after_s=0, **options
    )
    running = asyncio.create_task(behind.run())
    try:
        yield behind
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await store.close()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def written(store: Store) -> list[str]:
    async with store.read() as session:
        found = list(await session.scalars(text("SELECT number FROM ledger")))
    await store.close()
    return found


def numbered(count: int) -> list[str]:
    return [f"1.{number}" for number in range(count)]


@contextmanager
def locked(store: Store) -> Iterator[None]:
    """Somebody else writes and does not end."""
    address = make_url(store.url)
    if store.is_sqlite:
        with closing(sqlite3.connect(str(address.database), isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            yield
            other.execute("ROLLBACK")
        return
    import psycopg

    plain = address.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as session:
        session.execute("LOCK TABLE spool_marks IN ACCESS EXCLUSIVE MODE")
        yield
        session.rollback()


async def test_what_waits_for_a_locked_database_outlives_this_process(spooled: Callable[[], Store]) -> None:
    first = spooled()
    async with writing(first) as behind:
        behind.put(arrival(0))
        assert await behind.drain(10)
        with locked(first):
            for number in range(1, 40):
                behind.put(arrival(number))
            await until(lambda: behind.kept == 39)
            assert behind.pending == 39
    async with resumed(spooled()) as behind:
        behind.put(arrival(40))
        assert await behind.drain(20)
        assert (behind.kept, behind.refused, behind.problem) == (0, 0, "")
    assert await written(spooled()) == numbered(41)


async def test_more_than_the_memory_may_hold_is_read_back_in_order(spooled: Callable[[], Store]) -> None:
    first = spooled()
    async with writing(first, in_memory=10) as behind:
        with locked(first):
            for number in range(200):
                behind.put(arrival(number))
                if number % 20 == 0:
                    await until(lambda: behind.kept == behind.pending)
            await until(lambda: behind.kept == 200)
            assert len(behind._front) < 40
        for number in range(200, 260):
            behind.put(arrival(number))
        assert await behind.drain(30)
    assert await written(spooled()) == numbered(260)


async def test_what_was_committed_just_before_a_crash_is_not_written_again(spooled: Callable[[], Store]) -> None:
    first = spooled()
    async with writing(first) as behind:
        with locked(first):
            for number in range(200):
                behind.put(arrival(number))
            await until(lambda: behind.kept == 200)
        await until(lambda: behind.pending < 150)
    assert 50 <= len(await written(spooled())) < 200
    async with resumed(spooled()) as behind:
        assert await behind.drain(20)
    assert await written(spooled()) == numbered(200)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_a_commit_whose_answer_got_lost_is_not_repeated(spooled: Callable[[], Store]) -> None:
    store = spooled()
    lost = 0

    def lose(_: object) -> None:
        nonlocal lost
        lost += 1
        if lost in (2, 5):
            raise OSError("the answer did not come")

    async with writing(store) as behind:
        event.listen(store._writing.kw["bind"].sync_engine, "commit", lose)  # fires in front of the commit
        real = store.write

        @asynccontextmanager
        async def unsure() -> AsyncIterator[AsyncSession]:
            async with real() as session:
                yield session
            if lost in (3, 7):
                raise OSError("the answer did not come")

        store.write = unsure  # type: ignore[method-assign]
        for number in range(10):
            behind.put(arrival(number))
        assert await behind.drain(20)
    assert await written(spooled()) == numbered(10)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_a_full_disk_under_the_database_is_waited_for(spooled: Callable[[], Store]) -> None:
    store = spooled()
    async with writing(store) as behind:
        behind.put(arrival(0))
        assert await behind.drain(10)

        def no_more_pages(connection: sqlite3.Connection, _: object) -> None:
            connection.execute("PRAGMA max_page_count = 1")

        event.listen(store.engine.sync_engine, "connect", no_more_pages)
        await store.engine.dispose()
        for number in range(1, 400):
            behind.put(arrival(number))
        await until(lambda: behind.away and behind.kept == behind.pending)
        assert behind.refused == 0
        event.remove(store.engine.sync_engine, "connect", no_more_pages)
        await store.engine.dispose()
        assert await behind.drain(30)
    assert await written(spooled()) == numbered(400)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_a_database_that_became_read_only_is_waited_for(spooled: Callable[[], Store]) -> None:
    store = spooled()
    async with writing(store) as behind:

        def only_reads(connection: sqlite3.Connection, _: object) -> None:
            connection.execute("PRAGMA query_only = ON")

        event.listen(store.engine.sync_engine, "connect", only_reads)
        await store.engine.dispose()
        for number in range(30):
            behind.put(arrival(number))
        await until(lambda: behind.away and behind.kept == 30)
        event.remove(store.engine.sync_engine, "connect", only_reads)
        await store.engine.dispose()
        assert await behind.drain(20)
        assert behind.refused == 0
    assert await written(spooled()) == numbered(30)


@pytest.mark.postgres
async def test_what_waits_for_a_crashed_postgresql_outlives_this_process(keyring: Keyring, tmp_path: Path) -> None:
    with cluster() as server:
        url = make_database(server.url, "hotline")
        await migrate(url)

        def again() -> Store:
            return Store(url, keyring, spool_dir=tmp_path / "spool")

        async with writing(again()) as behind:
            for number in range(20):
                behind.put(arrival(number))
            await until(lambda: behind.pending < 15)
            await asyncio.to_thread(server.stop, at_once=True)
            for number in range(20, 60):
                behind.put(arrival(number))
            await until(lambda: behind.away and behind.kept == behind.pending)
        async with resumed(again()) as behind:
            for number in range(60, 70):
                behind.put(arrival(number))
            await until(lambda: behind.away and behind.kept == behind.pending)
            await asyncio.to_thread(server.start)
            assert await behind.drain(30)
        assert await written(again()) == numbered(70)


async def test_where_nothing_can_be_kept_it_is_said_and_the_items_wait_in_memory(
    url: str, keyring: Keyring, tmp_path: Path
) -> None:
    (tmp_path / "spool").write_text("not a folder")
    store = Store(url, keyring, busy_timeout_s=0.05, spool_dir=tmp_path / "spool")
    async with writing(store) as behind:
        await until(lambda: behind.problem)
        for number in range(5):
            behind.put(arrival(number))
        assert await behind.drain(10)
    assert await written(store) == numbered(5)
