"""Writing behind: what the live side hands over is written in order, later, and once.

While the database takes what it is given, items go from memory straight into it. An item that is not written within a
moment goes to the spool as well, on this machine's own disk, and is forgotten there after its commit. What a spool
holds when the server starts is written first. Each transaction also moves a mark, so that what was committed just
before a crash is not written again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Generic, TypeVar

import structlog
from sqlalchemy import delete
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.ext.asyncio import AsyncSession

from api.errors import ONLY_READS
from api.store.engine import Store, insert_into
from api.store.journaled import Codec
from api.store.spool import Spool
from api.store.tables import SpoolMark

log = structlog.get_logger(__name__)

T = TypeVar("T")
R = TypeVar("R")

FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 5.0
KEEP_AFTER_S = 0.2
"""An item that the database has not taken by then goes to the spool."""
KEEP_AGAIN_S = 1.0
WRITE_S = 30.0
"""A transaction that takes longer is given up and tried again."""
IN_MEMORY = 5_000
"""So many items at most are kept in memory as well as in the spool; the rest is read back when its turn comes."""
AT_ONCE = 500
TOGETHER = 50
"""Of items that wait, so many share a transaction."""


@dataclass(slots=True, eq=False)
class _Waiting(Generic[T]):
    run: str
    seq: int
    item: T
    kept: bool = False
    """It is in the spool."""


class WriteBehind(Generic[T]):
    """``write(session, item)`` takes effect once for each item, in the order of ``put``; it may be rolled back and run
    again. Items that wait share a transaction.

    While the database is away the items wait and the oldest is tried again with growing pauses. An item that the
    database refuses for itself (not because it is away) is logged, counted in ``refused`` and passed over.
    ``keeps`` names the classes of the items: they then survive the end of this process, in the store's spool folder.
    """

    def __init__(
        self,
        store: Store,
        write: Callable[[AsyncSession, T], Awaitable[None]],
        *,
        name: str,
        keeps: Iterable[type[T]] = (),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        keep_after_s: float = KEEP_AFTER_S,
        in_memory: int = IN_MEMORY,
    ) -> None:
        self._store = store
        self._write = write
        self._name = name
        self._codec: Codec[T] = Codec(keeps)
        self._spools = bool(self._codec) and store.spool_dir is not None
        self._sleep = sleep
        self._keep_after_s = keep_after_s
        self._in_memory = in_memory
        self._front: deque[_Waiting[T]] = deque()
        self._backlog = 0
        """How many items are in the spool alone; their turn comes after those in front."""
        self._tail: deque[_Waiting[T]] = deque()
        """Items whose turn comes after the backlog."""
        self._seq = 0
        self._run = ""
        self._spool: Spool | None = None
        self._earlier_runs: tuple[str, ...] = ()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"spool-{name}")
        self._turn = asyncio.Lock()
        """Of the spool: items move between memory and spool one way at a time."""
        self._arrived = asyncio.Event()
        self._unkept = asyncio.Event()
        self._empty = asyncio.Event()
        if not self._spools:
            self._empty.set()
        self.refused = 0
        self.away = ""
        """Why nothing can be written now; empty while all is well."""
        self.problem = ""
        """Why nothing can be kept in the spool; empty while all is well."""

    @property
    def pending(self) -> int:
        return len(self._front) + self._backlog + len(self._tail)

    @property
    def kept(self) -> int:
        """How many of those that wait are in the spool."""
        return self._backlog + sum(one.kept for one in self._front)

    def put(self, item: T) -> None:
        """Never blocks and never raises."""
        self._seq += 1
        line = self._tail if self._backlog else self._front
        line.append(_Waiting(self._run, self._seq, item))
        self._arrived.set()
        self._unkept.set()
        self._empty.clear()

    async def run(self) -> None:
        """Write for ever, until cancelled. An item is forgotten only after its commit."""
        if self._spools and self._store.spool_dir is not None:
            await self._open(self._store.spool_dir / self._name)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._write_all(), name=f"{self._name}: writing")
                if self._spool is not None:
                    tasks.create_task(self._keep_all(self._spool), name=f"{self._name}: keeping")
        finally:
            self._close()

    async def drain(self, timeout_s: float) -> bool:
        """Wait until all is written, while ``run`` is running; False if something is left after the time.

        What is left is in the spool, where there is one, and written after the next start.
        """
        try:
            async with asyncio.timeout(timeout_s):
                await self._empty.wait()
        except TimeoutError:
            if self._spool is not None:
                await self._keep(self._spool)
            log.error("records left unwritten", writer=self._name, pending=self.pending, kept=self.kept)
            return False
        return True

    async def caught_up(self, timeout_s: float) -> bool:
        """Whether all is written, waited for no longer than that, and not at all while the database is away."""
        if not self.away:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._empty.wait(), timeout_s)
        return self._empty.is_set()

    # into the database ------------------------------------------------------------------------------------------------

    async def _write_all(self) -> None:
        while True:
            while self.pending:
                if self._front:
                    await self._write_first()
                else:
                    await self._read_back()
                await self._forget_earlier()
            await self._forget_earlier()
            self._empty.set()
            self._arrived.clear()
            await self._arrived.wait()

    async def _write_first(self) -> None:
        """What waits, as many as fit into one transaction; one by one where the database refuses one of them."""
        batch = list(islice(self._front, TOGETHER))
        wait_s = FIRST_WAIT_S
        while True:
            try:
                await self._write_together(batch)
                break
            except Exception as error:
                if not is_away(error):
                    if len(batch) > 1:
                        batch = batch[:1]
                        continue
                    self.refused += 1
                    log.exception("record refused", writer=self._name, item_type=type(batch[0].item).__name__)
                    break
                if not self.away:
                    log.warning("database is away", writer=self._name, error_type=type(error).__name__)
                self.away = type(error).__name__
                self._unkept.set()
                await self._sleep(wait_s)
                wait_s = min(wait_s * 2, LONGEST_WAIT_S)
        if self.away:
            self.away = ""
            log.info("database is back", writer=self._name, pending=self.pending)
        for _ in batch:
            self._front.popleft()
        last = batch[-1]
        if self._spool is not None and any(one.kept for one in batch):
            await self._in_thread(self._spool.done, last.run, last.seq)

    async def _write_together(self, batch: list[_Waiting[T]]) -> None:
        async with asyncio.timeout(WRITE_S), self._store.write() as session:
            for waiting in batch:
                if await self._is_new(session, waiting):
                    await self._write(session, waiting.item)

    async def _is_new(self, session: AsyncSession, waiting: _Waiting[T]) -> bool:
        """Move the mark. False where it stands there already: it was committed before, and the answer got lost."""
        if not waiting.run:
            return True
        mark = insert_into(session, SpoolMark).values(
            writer=self._name, run=waiting.run, seq=waiting.seq, at=datetime.now(UTC)
        )
        moved = mark.on_conflict_do_update(
            index_elements=[SpoolMark.writer, SpoolMark.run],
            set_={"seq": mark.excluded.seq, "at": mark.excluded.at},
            where=SpoolMark.seq < mark.excluded.seq,
        ).returning(SpoolMark.seq)
        return await session.scalar(moved) is not None

    # out of the spool -------------------------------------------------------------------------------------------------

    async def _read_back(self) -> None:
        """Nothing is left in memory in front of what is in the spool alone."""
        assert self._spool is not None
        async with self._turn:
            found = await self._in_thread(self._spool.read, AT_ONCE)
            self._backlog = max(0, self._backlog - len(found)) if found else 0
            for kept in found:
                try:
                    item = self._codec.item(kept.text)
                except (KeyError, ValueError) as error:
                    self.refused += 1
                    log.error("record of the spool refused", writer=self._name, error_type=type(error).__name__)
                else:
                    self._front.append(_Waiting(kept.run, kept.seq, item, kept=True))
            if not self._backlog:
                self._front += self._tail
                self._tail.clear()
                await self._in_thread(self._spool.pass_over)

    async def _forget_earlier(self) -> None:
        """Once nothing of the runs before this one waits any more."""
        if not self._earlier_runs or self._backlog or (self._front and self._front[0].run != self._run):
            return
        assert self._spool is not None
        runs, self._earlier_runs = self._earlier_runs, ()
        await self._in_thread(self._spool.forget_earlier)
        try:
            async with self._store.write() as session:
                await session.execute(delete(SpoolMark).where(SpoolMark.writer == self._name, SpoolMark.run.in_(runs)))
        except Exception as error:
            log.warning("marks not removed", writer=self._name, error_type=type(error).__name__)

    # into the spool ---------------------------------------------------------------------------------------------------

    async def _open(self, folder: Path) -> None:
        try:
            spool = await self._in_thread(Spool, folder, self._store.keyring)
        except OSError as error:
            self._has_problem(error)
            return
        self._spool, self._run, self._earlier_runs = spool, spool.run, spool.earlier_runs
        for waiting in self._front:
            waiting.run = spool.run
        if spool.earlier:
            log.warning("records of an earlier run are written", writer=self._name, records=spool.earlier)
            self._backlog, self._tail, self._front = spool.earlier, self._front, deque()

    async def _keep_all(self, spool: Spool) -> None:
        """Nobody waits for this: it looks after what the database has not taken a moment later."""
        while True:
            await self._unkept.wait()
            await self._sleep(0 if self.away else self._keep_after_s)
            self._unkept.clear()
            if not await self._keep(spool):
                self._unkept.set()
                await self._sleep(KEEP_AGAIN_S)

    async def _keep(self, spool: Spool) -> bool:
        """All that waits now is in the spool; False if it could not be written there."""
        async with self._turn:
            line = self._tail if self._backlog else self._front
            new = [one for one in line if not one.kept and self._codec.takes(one.item)]
            kept = await self._append(spool, new)
            if kept:
                await self._settle_kept(spool, line, kept[0])
            if len(kept) < len(new) or (self.problem and not await self._has_room(spool)):
                return False
        if self.problem:
            self.problem = ""
            log.info("the spool takes records again", writer=self._name)
        return True

    async def _append(self, spool: Spool, new: list[_Waiting[T]]) -> list[_Waiting[T]]:
        """Those that are on the disk now: on one that fills up, as many as fit."""
        kept: list[_Waiting[T]] = []
        try:
            for start in range(0, len(new), TOGETHER):
                some = new[start : start + TOGETHER]
                await self._in_thread(spool.append, [(one.seq, self._codec.text(one.item)) for one in some])
                for one in some:
                    one.kept = True
                kept += some
        except OSError as error:
            self._has_problem(error)
        return kept

    async def _has_room(self, spool: Spool) -> bool:
        """Also asked when the database has taken everything meanwhile: what was said of the disk holds no longer."""
        try:
            await self._in_thread(spool.check_room)
        except OSError:
            return False
        return True

    async def _settle_kept(self, spool: Spool, line: deque[_Waiting[T]], first: _Waiting[T]) -> None:
        """What is kept from ``first`` on is read back later, or need not be."""
        if line is self._tail:
            self._drop_kept_of(self._tail)
        elif len(self._front) > self._in_memory and first in islice(self._front, 1, None):
            self._shorten_front(first)
        else:
            await self._in_thread(spool.pass_over)

    def _drop_kept_of(self, line: deque[_Waiting[T]]) -> None:
        while line and line[0].kept:
            line.popleft()
            self._backlog += 1

    def _shorten_front(self, first: _Waiting[T]) -> None:
        """From ``first`` on, which is where the reading of the spool goes on, items are in the spool alone."""
        while self._front[-1] is not first:
            self._tail.appendleft(self._front.pop())
        self._tail.appendleft(self._front.pop())
        self._drop_kept_of(self._tail)

    def _has_problem(self, error: OSError) -> None:
        if not self.problem:
            log.error("records cannot be kept in the spool", writer=self._name, error_number=error.errno)
        self.problem = type(error).__name__

    async def _in_thread(self, work: Callable[..., R], *args: Any) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *args)

    def _close(self) -> None:
        if self._spool is not None:
            self._thread.submit(self._spool.close)
            self._spool = None
        self._thread.shutdown()


def trouble_of(writers: Iterable[WriteBehind[Any]]) -> str:
    """What a person should know of the records that wait; empty while all is well."""
    all_of = tuple(writers)
    away = next((one.away for one in all_of if one.away), "")
    kept = sum(one.kept for one in all_of)
    problem = next((one.problem for one in all_of if one.problem), "")
    parts = (
        away or ("slow" if kept else ""),
        f"{kept} records wait on this machine" if kept else "",
        f"nothing can be kept on this machine: {problem}" if problem else "",
    )
    return "; ".join(part for part in parts if part)


def is_away(error: Exception) -> bool:
    """Whether the same may well succeed later: it is the database that is not there, or takes nothing."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    if isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) == ONLY_READS:
        return True
    return isinstance(error, OperationalError | InterfaceError | PoolExhausted | OSError)
