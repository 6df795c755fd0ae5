"""Writing behind when something goes wrong that is no outage: what waits, what is put aside, and what begins again."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import (
    DatabaseError,
    DataError,
    IntegrityError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    StatementError,
)
from sqlalchemy.ext.asyncio import AsyncSession

from api.calls.recorder import CallRecorder
from api.store import behind as behind_module
from api.store import spool as spools
from api.store.aside import Refused, RefusedFile, refused_files
from api.store.behind import WriteBehind
from api.store.engine import Store
from api.store.migrate import migrate
from api.store.refusals import is_away, is_refused
from api.store.sealing import Keyring
from api.store.spool import Kept, Spool, unreadable_files
from api.store.writers import trouble_of
from telephony.events import CallArrived
from tests.api.desk import MOBILE
from tests.api.faults import slowed
from tests.api.test_outage import (
    Ledger,
    Waiting,
    arrival,
    locked,
    numbered,
    resumed,
    story,
    until,
    writing,
    written,
)


def said_by(kind: type[Exception]) -> Exception:
    return kind("INSERT", {}, Exception("whatever"))


PASSES = [
    *map(said_by, (ProgrammingError, DatabaseError, InternalError, NotSupportedError)),
    RuntimeError("a fault of ours"),
    KeyError("nothing"),
    TimeoutError(),
]
STAYS = [
    *map(said_by, (IntegrityError, DataError)),
    ValueError(),
    TypeError(),
    OverflowError(),
    StatementError("", "", {}, ValueError()),
]


class Moody(Ledger):
    """Fails for one of the calls."""

    def __init__(self, failure: Exception, *, times: int = 1_000_000, call: str = "1.3") -> None:
        self.failure = failure
        self.times = times
        self.call = call

    async def write(self, session: AsyncSession, item: CallArrived) -> None:
        if item.call_id == self.call and self.times:
            self.times -= 1
            raise self.failure
        await super().write(session, item)


@pytest.fixture
def spooled(url: str, keyring: Keyring, tmp_path: Path) -> Callable[[], Store]:
    """The same database again, as after a start of the server."""
    return lambda: Store(url, keyring, busy_timeout_s=0.05, spool_dir=tmp_path / "spool")


@asynccontextmanager
async def moody(store: Store, ledger: Moody) -> AsyncIterator[Waiting]:
    async with writing(store) as ready:
        ready._write = ledger.write
        yield ready


@pytest.mark.parametrize("failure", PASSES, ids=lambda error: type(error).__name__)
async def test_whatever_is_not_the_items_own_fault_is_waited_for(
    spooled: Callable[[], Store], failure: Exception
) -> None:
    assert not is_refused(failure)
    async with moody(spooled(), Moody(failure, times=4)) as behind:
        for number in range(8):
            behind.put(arrival(number))
        await until(lambda: behind.away == type(failure).__name__)
        assert await behind.drain(20)
        assert (behind.refused, behind.away) == (0, "")
    assert await written(spooled()) == numbered(8)


@pytest.mark.parametrize("failure", STAYS, ids=lambda error: type(error).__name__)
async def test_an_item_that_can_never_be_written_stands_aside_sealed(
    spooled: Callable[[], Store], keyring: Keyring, tmp_path: Path, failure: Exception
) -> None:
    assert not is_away(failure)
    async with moody(spooled(), Moody(failure)) as behind:
        for number in range(6):
            behind.put(arrival(number))
        assert await behind.drain(20)
        assert (behind.refused, behind.away) == (1, "")
        assert trouble_of([behind]) == "1 records were refused: `hotline refused`"
    assert await written(spooled()) == [number for number in numbered(6) if number != "1.3"]
    [path] = (tmp_path / "spool" / "refused").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert MOBILE.encode() not in path.read_bytes()
    [file] = refused_files(tmp_path / "spool", keyring)
    [aside] = file.read()
    assert (aside.writer, aside.item_type, aside.error_type) == ("calls", "CallArrived", type(failure).__name__)
    assert MOBILE in aside.text
    async with resumed(spooled()) as again:
        assert await again.drain(10)
        assert again.refused == 1, "it is said after a restart too"
    file.forget(1)
    assert refused_files(tmp_path / "spool", keyring) == []


def test_a_torn_record_does_not_hide_those_that_come_after_it(keyring: Keyring, tmp_path: Path) -> None:
    file = RefusedFile(tmp_path, "calls", keyring)
    one = Refused(at=datetime(2026, 11, 1, tzinfo=UTC), writer="calls", error_type="ValueError", text="A\n{}")
    file.add(one, one)
    [path] = (tmp_path / "refused").iterdir()
    path.write_bytes(path.read_bytes()[:-3])
    file.add(one)
    assert file.read() == [one, one]
    other = RefusedFile(tmp_path, "calls", Keyring(bytes(31) + b"\1"))
    assert (other.count(), other.read()) == (2, [])


async def test_what_cannot_be_put_aside_on_the_disk_waits_in_memory_for_it(
    spooled: Callable[[], Store], keyring: Keyring, tmp_path: Path
) -> None:
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool" / "refused").write_text("not a folder")
    async with moody(spooled(), Moody(ValueError())) as behind:
        for number in range(6):
            behind.put(arrival(number))
        assert await behind.drain(20)
        await until(lambda: "nothing can be kept on this machine" in trouble_of([behind]))
        (tmp_path / "spool" / "refused").unlink()
        await until(lambda: not behind.problem)
    [file] = refused_files(tmp_path / "spool", keyring)
    assert len(file.read()) == 1


async def test_records_of_a_database_without_tables_wait_for_them(
    empty_url: str, keyring: Keyring, tmp_path: Path
) -> None:
    """PostgreSQL's UndefinedTable is a ProgrammingError: nothing of it is the records' fault."""
    store = Store(empty_url, keyring, spool_dir=tmp_path / "spool")
    recorder = CallRecorder(store)
    running = asyncio.create_task(recorder.run())
    for number in range(30):
        for event in story(number):
            recorder.put(event)
    await until(lambda: recorder.behind.away and recorder.behind.kept == 60)
    await migrate(empty_url)
    assert await recorder.drain(30)
    assert (recorder.behind.refused, trouble_of([recorder.behind])) == (0, "")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    async with store.read() as session:
        assert await session.scalar(text("SELECT count(*) FROM calls WHERE outcome = 'abandoned'")) == 30
    await store.close()


# the batch in flight --------------------------------------------------------------------------------------------------
class Gate(Ledger):
    """Each transaction waits for leave."""

    def __init__(self) -> None:
        self.inside = asyncio.Event()
        self.open = asyncio.Event()

    async def write(self, session: AsyncSession, item: CallArrived) -> None:
        self.inside.set()
        await self.open.wait()
        await super().write(session, item)


async def never(_: float) -> None:
    await asyncio.Event().wait()


async def test_the_memory_is_not_shortened_below_what_is_being_written(spooled: Callable[[], Store]) -> None:
    store = spooled()
    async with writing(store):
        pass
    store = spooled()
    gate = Gate()
    behind: Waiting = WriteBehind(
        store, gate.write, name="calls", keeps=(CallArrived,), sleep=never, keep_after_s=0, in_memory=10
    )
    running = asyncio.create_task(behind.run())
    behind.put(arrival(0))
    await gate.inside.wait()  # the first is under way alone
    behind.put(arrival(1))
    assert await behind._keep()
    gate.inside.clear()
    for number in range(2, 40):
        behind.put(arrival(number))
    gate.open.set()
    await until(lambda: len(behind._in_flight) == 39)
    gate.open.clear()
    assert await behind._keep()  # of those in flight all but the first are new in the spool
    assert [one.item.call_id for one in behind._in_flight] == numbered(40)[1:]
    assert list(behind._front)[:39] == behind._in_flight
    for number in range(40, 90):
        behind.put(arrival(number))
    assert await behind._keep()
    assert len(behind._front) == 39, "what is not in flight is read back from the spool"
    gate.open.set()
    assert await behind.drain(20)
    assert (behind.died, behind.pending) == ("", 0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await store.close()
    assert await written(spooled()) == numbered(90)


async def test_a_database_that_is_slow_gets_less_at_a_time_until_it_is_in_time(
    spooled: Callable[[], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(behind_module, "WRITE_S", 0.6)
    store = spooled()
    async with writing(store) as behind:
        with slowed(store, 0.04):  # of two seconds, were the time of a transaction thirty
            for number in range(60):
                behind.put(arrival(number))
            await until(lambda: "60 records wait" in trouble_of([behind]))
            await until(lambda: behind.pending < 40)
            assert behind._together < 10
        assert await behind.drain(30)
        assert (behind.refused, behind.died) == (0, "")
    assert await written(spooled()) == numbered(60)


# what dies, and what is not there at the start ------------------------------------------------------------------------
async def left_in_spool(store: Store, count: int) -> None:
    """By a process that ended as a crash does."""
    async with writing(store) as behind:
        with locked(store):
            for number in range(count):
                behind.put(arrival(number))
            await until(lambda: behind.kept == count)


async def test_a_writer_that_dies_is_said_and_begins_again(
    spooled: Callable[[], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    await left_in_spool(spooled(), 30)
    broken = asyncio.Event()
    broken.set()
    real = Spool.read

    def read(spool: Spool, most: int) -> list[Kept]:
        if broken.is_set():
            raise RuntimeError("nobody foresaw this")
        return real(spool, most)

    monkeypatch.setattr(spools.Spool, "read", read)
    async with resumed(spooled()) as behind:
        await until(lambda: behind.died == "RuntimeError")
        assert "a writer begins again: RuntimeError" in trouble_of([behind])
        broken.clear()
        assert await behind.drain(20)
        assert (behind.died, trouble_of([behind])) == ("", "")
    assert await written(spooled()) == numbered(30)


async def test_a_keeper_that_dies_begins_again(spooled: Callable[[], Store], monkeypatch: pytest.MonkeyPatch) -> None:
    real, failures = Spool.append, [RuntimeError("nobody foresaw this")] * 3

    def append(spool: Spool, items: list[tuple[int, str]]) -> None:
        if failures:
            raise failures.pop()
        real(spool, items)

    monkeypatch.setattr(spools.Spool, "append", append)
    store = spooled()
    async with writing(store) as behind:
        with locked(store):
            for number in range(10):
                behind.put(arrival(number))
            await until(lambda: behind.kept == 10 and not behind.died)
            assert failures == []
    async with resumed(spooled()) as behind:
        assert await behind.drain(20)
    assert await written(spooled()) == numbered(10)


def put_back(aside: Path, folder: Path) -> None:
    """In one step: the writer looks for it all the time, and makes it where there is none."""
    there = aside.with_name("there")
    there.symlink_to(aside)
    there.replace(folder)


async def test_a_spool_that_could_not_be_opened_is_opened_as_soon_as_it_can_be(
    spooled: Callable[[], Store], tmp_path: Path
) -> None:
    """What an earlier run left in it is written then, and so is what has come meanwhile; each once."""
    await left_in_spool(spooled(), 20)
    folder, aside = tmp_path / "spool" / "calls", tmp_path / "spool" / "elsewhere"
    folder.rename(aside)
    folder.write_text("not a folder")
    async with resumed(spooled()) as behind:
        behind._write = Moody(said_by(OperationalError), call="1.20").write
        await until(lambda: behind.problem)
        for number in range(20, 50):
            behind.put(arrival(number))
        await until(lambda: behind.away)
        put_back(aside, folder)
        await until(lambda: behind.kept == behind.pending == 50)
        await until(lambda: not behind.problem)
        assert behind.away == "OperationalError"
    async with resumed(spooled()) as behind:  # the second one ended as a crash does
        assert await behind.drain(20)
    assert await written(spooled()) == numbered(50)


async def test_an_idle_writer_takes_up_a_spool_that_comes_late(spooled: Callable[[], Store], tmp_path: Path) -> None:
    await left_in_spool(spooled(), 1)
    folder, aside = tmp_path / "spool" / "calls", tmp_path / "spool" / "elsewhere"
    folder.rename(aside)
    folder.write_text("not a folder")
    async with resumed(spooled()) as behind:
        behind.put(arrival(1))
        assert await behind.drain(10)
        put_back(aside, folder)
        await until(lambda: not behind.problem and behind.pending == 0)
        assert await behind.drain(10)
    assert await written(spooled()) == ["1.1", "1.0"]


async def test_a_spool_of_another_key_is_said_and_stays(spooled: Callable[[], Store], url: str, tmp_path: Path) -> None:
    await left_in_spool(spooled(), 5)
    other = Store(url, Keyring(bytes(31) + b"\1"), spool_dir=tmp_path / "spool")
    async with resumed(other) as behind:
        behind.put(arrival(5))
        assert await behind.drain(10)
        assert behind.refused == 5
    assert await written(spooled()) == ["1.5"]
    [left] = unreadable_files(tmp_path / "spool" / "calls", other.keyring)
    assert (left.path.suffix, left.records) == (".unreadable", 5)
    async with resumed(other) as again:
        await until(lambda: again.refused == 5)
    left.path.unlink()
    async with resumed(other) as again:
        assert await again.drain(10)
        assert again.refused == 0


async def test_a_name_that_cannot_be_kept_as_text_does_not_stop_the_keeping(spooled: Callable[[], Store]) -> None:
    store = spooled()
    async with writing(store) as behind:
        with locked(store):
            behind.put(replace(arrival(0), caller_name="\ud800"))
            for number in range(1, 10):
                behind.put(arrival(number))
            await until(lambda: behind.kept == 9)
        assert await behind.drain(10)
    assert await written(spooled()) == numbered(10)
