"""Transactions, instants, sealed columns, and writing behind."""

from __future__ import annotations

import asyncio
import stat
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, select, text
from sqlalchemy.exc import InternalError, OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from api.store.behind import WriteBehind
from api.store.engine import Store
from api.store.sealing import KeyFileUnusable, Keyring, Unreadable, normal_phone
from api.store.tables import CallRecord

ARRIVED = datetime(2026, 11, 21, 14, 0, tzinfo=timezone(timedelta(hours=8)))
A_KEYRING = Keyring(bytes(32))


def call(call_id: str) -> CallRecord:
    return CallRecord(id=call_id, line="12345", arrived_at=ARRIVED, caller_number="13800000000", caller_name="王建国")


async def test_a_number_is_not_readable_in_the_file_and_readable_with_the_key(store: Store) -> None:
    async with store.write() as session:
        session.add(call("1.1"))
    async with store.read() as session:
        raw = (await session.execute(text("SELECT caller_number, caller_name FROM calls"))).one()
        assert b"13800000000" not in bytes(raw[0])
        assert "王".encode() not in bytes(raw[1])
        found = await session.get_one(CallRecord, "1.1")
        assert (found.caller_number, found.caller_name) == ("13800000000", "王建国")


async def test_instants_come_back_in_utc(store: Store) -> None:
    async with store.write() as session:
        session.add(call("1.1"))
    async with store.read() as session:
        found = await session.get_one(CallRecord, "1.1")
        assert found.arrived_at == ARRIVED
        assert found.arrived_at.tzinfo is UTC


async def test_a_naive_instant_is_refused(store: Store) -> None:
    with pytest.raises(Exception, match="without a time zone"):
        async with store.write() as session:
            session.add(CallRecord(id="1.1", line="", arrived_at=datetime(2026, 1, 1)))  # noqa: DTZ001


async def test_an_exception_rolls_the_whole_block_back(store: Store) -> None:
    async def fail_half_way() -> None:
        async with store.write() as session:
            session.add(call("1.1"))
            await session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail_half_way()
    async with store.read() as session:
        assert (await session.scalars(select(CallRecord))).all() == []


async def test_parallel_writers_wait_for_each_other(store: Store) -> None:
    async def write(number: int) -> None:
        async with store.write() as session:
            await session.execute(text("SELECT count(*) FROM calls"))
            session.add(call(f"1.{number}"))

    await asyncio.gather(*(write(number) for number in range(30)))
    async with store.read() as session:
        assert await session.scalar(text("SELECT count(*) FROM calls")) == 30


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_readers_do_not_wait_for_a_writer_on_sqlite(store: Store) -> None:
    async with store.write() as writing:
        writing.add(call("1.1"))
        await writing.flush()
        async with asyncio.timeout(1), store.read() as reading:
            assert await reading.scalar(text("SELECT count(*) FROM calls")) == 0


async def test_a_writer_that_is_cancelled_in_the_middle_gives_the_database_back(tmp_path: Path) -> None:
    """Even while somebody holds what it was cancelled with, and with that its cursors."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'hotline.db'}"
    first, second = (Store(url, A_KEYRING, busy_timeout_s=0.1) for _ in range(2))
    async with first.write() as session:
        await session.execute(text("CREATE TABLE numbers (n INTEGER)"))
    begun = asyncio.Event()
    event.listen(
        first.engine.sync_engine, "before_cursor_execute", lambda *told: begun.set() if "RECURSIVE" in told[2] else None
    )

    async def write() -> None:
        many = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 500000)"
        async with first.write() as session:
            await session.execute(text(f"INSERT INTO numbers {many} SELECT n FROM c RETURNING n"))

    writing = asyncio.create_task(write())
    await begun.wait()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError) as _held:
        await writing
    async with second.write() as session:
        await session.execute(text("INSERT INTO numbers VALUES (1)"))
    async with second.read() as session:
        assert await session.scalar(text("SELECT count(*) FROM numbers")) == 1
    for one in (first, second):
        await one.close()


def test_the_key_file_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    first, second = Keyring.load(tmp_path / "keys"), Keyring.load(tmp_path / "keys")
    assert second.unseal(first.seal("王", context="x"), context="x") == "王"
    assert stat.S_IMODE((tmp_path / "keys" / "records.key").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["records.key"]


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    Keyring.load(tmp_path)
    (tmp_path / "records.key").chmod(0o644)
    with pytest.raises(KeyFileUnusable):
        Keyring.load(tmp_path)


@given(st.text(), st.integers(min_value=0))
def test_a_sealed_value_opens_only_whole_and_in_its_own_column(value: str, place: int) -> None:
    if any("\ud800" <= letter <= "\udfff" for letter in value):
        return
    sealed = A_KEYRING.seal(value, context="calls.caller_name")
    assert A_KEYRING.unseal(sealed, context="calls.caller_name") == value
    with pytest.raises(Unreadable):
        A_KEYRING.unseal(sealed, context="tickets.caller_name")
    spoilt = bytearray(sealed)
    spoilt[place % len(sealed)] ^= 1
    with pytest.raises(Unreadable):
        A_KEYRING.unseal(bytes(spoilt), context="calls.caller_name")


@pytest.mark.parametrize(
    ("written", "digits"),
    [
        ("13800000000", "13800000000"),
        ("+86 138-0000-0000", "13800000000"),
        ("008613800000000", "13800000000"),
        ("013800000000", "13800000000"),
        ("0357-1234567", "03571234567"),
        ("12345", "12345"),
        ("anonymous", ""),
    ],
)
def test_numbers_meet_however_they_are_written(written: str, digits: str) -> None:
    assert normal_phone(written) == digits
    assert A_KEYRING.phone_hash(written) == (A_KEYRING.phone_hash(digits) if digits else None)


# writing behind -------------------------------------------------------------------------------------------------------
class Shelf:
    """Takes items down as calls, and refuses or is away when told."""

    def __init__(self) -> None:
        self.away_for = 0
        self.failure: Exception = OperationalError("INSERT", {}, Exception("away"))
        self.order: list[int] = []

    async def write(self, session: AsyncSession, item: int) -> None:
        if self.away_for:
            self.away_for -= 1
            raise self.failure
        if item < 0:
            raise ValueError("no such item")
        session.add(call(f"1.{item}"))
        self.order.append(item)


async def no_pause(_: float) -> None:
    await asyncio.sleep(0)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


async def written(behind: WriteBehind[int], items: list[int]) -> None:
    running = asyncio.create_task(behind.run())
    for item in items:
        behind.put(item)
    assert await behind.drain(5)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_items_are_written_in_order_across_an_outage(store: Store, shelf: Shelf) -> None:
    behind = WriteBehind(store, shelf.write, name="test", sleep=no_pause)
    shelf.away_for = 7
    await written(behind, list(range(20)))
    assert shelf.order == list(range(20))
    assert (behind.pending, behind.refused, behind.away) == (0, 0, "")
    async with store.read() as session:
        assert await session.scalar(text("SELECT count(*) FROM calls")) == 20


async def test_a_database_that_only_reads_for_a_while_is_waited_for(store: Store, shelf: Shelf) -> None:
    """PostgreSQL answers so while it is a standby, or when its disk was made read-only."""

    class OnlyReads(Exception):
        sqlstate = "25006"

    shelf.failure = InternalError("INSERT", {}, OnlyReads())
    shelf.away_for = 3
    behind = WriteBehind(store, shelf.write, name="test", sleep=no_pause)
    await written(behind, [1, 2])
    assert (shelf.order, behind.refused) == ([1, 2], 0)


async def test_an_item_that_cannot_be_written_does_not_stop_the_others(store: Store, shelf: Shelf) -> None:
    behind = WriteBehind(store, shelf.write, name="test", sleep=no_pause)
    await written(behind, [1, -1, 2])
    async with store.read() as session:
        kept = (await session.scalars(text("SELECT id FROM calls ORDER BY id"))).all()
    assert (kept, behind.refused) == (["1.1", "1.2"], 1)


async def test_draining_gives_up_after_its_time_while_the_database_is_away(store: Store, shelf: Shelf) -> None:
    behind = WriteBehind(store, shelf.write, name="test")
    shelf.away_for = 1_000_000
    running = asyncio.create_task(behind.run())
    behind.put(1)
    assert not await behind.drain(0.05)
    assert (behind.pending, behind.away) == (1, "OperationalError")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_a_locked_database_is_waited_for(tmp_path: Path, store: Store, shelf: Shelf) -> None:
    impatient = Store(store.url, store.keyring, busy_timeout_s=0.01)
    behind = WriteBehind(impatient, shelf.write, name="test", sleep=no_pause)
    running = asyncio.create_task(behind.run())
    async with store.write() as session:
        await session.execute(text("SELECT 1"))
        behind.put(1)
        assert not await behind.drain(0.2)
        assert behind.away
    assert await behind.drain(5)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await impatient.close()
