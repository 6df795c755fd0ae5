"""Writing behind: what the live side hands over is written in order, later, and once.

While the database takes what it is given, items go from memory straight into it. An item that is not written within a
moment goes to the spool as well, on this machine's own disk, and is forgotten there after its commit. What a spool
holds when the server starts is written first. Each transaction also moves a mark, so that what was committed just
before a crash is not written again. An item that the database refuses for itself is put aside, sealed; whatever else
keeps it from being written is waited for.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Generic, TypeVar

import structlog
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from api.store.aside import Refused, RefusedFile
from api.store.engine import Store, insert_into
from api.store.journaled import Codec
from api.store.refusals import is_refused
from api.store.spool import Spool
from api.store.tables import SpoolMark
from api.times import utc_now

log = structlog.get_logger(__name__)

T = TypeVar("T")
R = TypeVar("R")

FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 5.0
KEEP_AFTER_S = 0.2
"""An item that the database has not taken by then goes to the spool."""
KEEP_AGAIN_S = 1.0
DIED_S = 5.0
"""A part that ended by an error begins again after this."""
WRITE_S = 30.0
"""A transaction that takes longer is given up and tried again with fewer items; twice as long for one alone."""
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
    has_text: bool = True
    """False once it turned out that it cannot be written as text."""


class WriteBehind(Generic[T]):
    """``write(session, item)`` takes effect once for each item, in the order of ``put``; it may be rolled back and run
    again. Items that wait share a transaction.

    While the database is away the items wait and the oldest is tried again with growing pauses. An item that the
    database refuses for itself (``is_refused``) is logged, counted in ``refused``, put aside and passed over.
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
        place = store.spool_dir if self._codec else None
        self._folder = place / name if place is not None else None
        self._aside = RefusedFile(place, name, store.keyring) if place is not None else None
        self._sleep = sleep
        self._keep_after_s = keep_after_s
        self._in_memory = in_memory
        self._front: deque[_Waiting[T]] = deque()
        self._backlog = 0
        """How many items are in the spool alone; their turn comes after those in front."""
        self._tail: deque[_Waiting[T]] = deque()
        """Items whose turn comes after the backlog."""
        self._together = TOGETHER
        """As many as a transaction has had time for of late."""
        self._in_flight: list[_Waiting[T]] = []
        """The first items of the front, while a transaction writes them."""
        self._seq = 0
        self._run = ""
        self._found: Spool | None = None
        """Opened, and used from between two transactions on."""
        self._spool: Spool | None = None
        self._earlier_runs: tuple[str, ...] = ()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"spool-{name}")
        self._turn = asyncio.Lock()
        """Of the spool: items move between memory and spool one way at a time."""
        self._arrived = asyncio.Event()
        self._unkept = asyncio.Event()
        self._adopted = asyncio.Event()
        self._empty = asyncio.Event()
        if self._folder is None:
            self._empty.set()
        self.refused = 0
        """How many items stand aside or cannot be opened, those of earlier runs with them."""
        self.away = ""
        """Why nothing can be written now; empty while all is well."""
        self.problem = ""
        """Why nothing can be kept in the spool; empty while all is well."""
        self._died: dict[str, str] = {}

    @property
    def died(self) -> str:
        """Why a part of it has ended and begins again; empty once it has got something done since."""
        return next(iter(self._died.values()), "")

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
        """Write for ever, until cancelled; an error that nobody foresaw delays it. An item is forgotten only after its
        commit."""
        if self._folder is not None and self._aside is not None:
            await self._find(self._folder)
            with suppress(OSError):
                self.refused += await self._in_thread(self._aside.count)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._again_and_again("writing", self._write_all), name=f"{self._name}: writing")
                if self._folder is not None:
                    tasks.create_task(self._again_and_again("keeping", self._keep_all), name=f"{self._name}: keeping")
        finally:
            self._close()

    async def _again_and_again(self, part: str, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await work()
            except Exception as error:
                log.exception("a writer died and begins again", writer=self._name, part=part)
                self._died[part] = type(error).__name__
                await self._sleep(DIED_S)

    async def drain(self, timeout_s: float) -> bool:
        """Wait until all is written, while ``run`` is running; False if something is left after the time.

        What is left is in the spool, where there is one, and written after the next start.
        """
        try:
            async with asyncio.timeout(timeout_s):
                await self._empty.wait()
        except TimeoutError:
            if self._spool is not None:
                await self._keep()
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
            self._adopt()
            while self.pending:
                if self._front:
                    await self._write_first()
                else:
                    await self._read_back()
                self._died.pop("writing", None)
                await self._forget_earlier()
                self._adopt()
            await self._forget_earlier()
            self._empty.set()
            self._arrived.clear()
            await self._arrived.wait()

    async def _write_first(self) -> None:
        """What waits, as many as fit into one transaction; one by one where the database refuses one of them."""
        self._in_flight = list(islice(self._front, self._together))
        try:
            if await self._is_written():
                await self._forget(self._in_flight)
        finally:
            self._in_flight = []

    async def _is_written(self) -> bool:
        """What is in flight, or its first alone, is written or put aside; False where a spool was found meanwhile."""
        wait_s = FIRST_WAIT_S
        while True:
            try:
                await self._write_together(self._in_flight)
                break
            except Exception as error:
                if is_refused(error):
                    if len(self._in_flight) > 1:
                        self._in_flight = self._in_flight[:1]
                        continue
                    await self._refuse(self._in_flight[0], error)
                    break
                if isinstance(error, TimeoutError):
                    self._together = max(1, len(self._in_flight) // 4)
                    self._in_flight = self._in_flight[: self._together]
                if not self.away:
                    log.warning("database is away", writer=self._name, error_type=type(error).__name__)
                self.away = type(error).__name__
                self._unkept.set()
                await self._sleep(wait_s)
                wait_s = min(wait_s * 2, LONGEST_WAIT_S)
                if self._found is not None:
                    return False
        if self.away:
            self.away = ""
            log.info("database is back", writer=self._name, pending=self.pending)
        return True

    async def _forget(self, batch: list[_Waiting[T]]) -> None:
        for one in batch:
            if self._front and self._front[0] is one:
                self._front.popleft()
        last = batch[-1]
        if self._spool is not None and any(one.kept for one in batch):
            try:
                await self._in_thread(self._spool.done, last.run, last.seq)
            except OSError as error:  # the mark keeps it from being written again
                self._has_problem(error)

    async def _write_together(self, batch: list[_Waiting[T]]) -> None:
        limit_s = WRITE_S if len(batch) > 1 else 2 * WRITE_S
        async with asyncio.timeout(limit_s) as limit, self._store.write() as session:
            for waiting in batch:
                if await self._is_new(session, waiting):
                    await self._write(session, waiting.item)
        spare_s = (limit.when() or 0.0) - asyncio.get_running_loop().time()
        if spare_s > limit_s * 3 / 4:
            self._together = min(TOGETHER, 2 * self._together)

    async def _is_new(self, session: AsyncSession, waiting: _Waiting[T]) -> bool:
        """Move the mark. False where it stands there already: it was committed before, and the answer got lost."""
        if not waiting.run:
            return True
        mark = insert_into(session, SpoolMark).values(writer=self._name, run=waiting.run, seq=waiting.seq, at=utc_now())
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
            before = self._spool.unreadable
            found = await self._in_thread(self._spool.read, AT_ONCE)
            self.refused += self._spool.unreadable - before
            self._backlog = max(0, self._backlog - len(found)) if found else 0
            for kept in found:
                try:
                    item = self._codec.item(kept.text)
                except Exception as error:
                    log.error("record of the spool refused", writer=self._name, error_type=type(error).__name__)
                    await self._put_aside(kept.text, error)
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
        try:
            await self._in_thread(self._spool.forget_earlier)
            async with self._store.write() as session:
                await session.execute(delete(SpoolMark).where(SpoolMark.writer == self._name, SpoolMark.run.in_(runs)))
        except Exception as error:
            log.warning("marks not removed", writer=self._name, error_type=type(error).__name__)

    # aside ------------------------------------------------------------------------------------------------------------

    async def _refuse(self, waiting: _Waiting[T], error: Exception) -> None:
        kind = type(waiting.item).__name__
        log.exception("record refused", writer=self._name, item_type=kind)
        try:
            text = self._codec.text(waiting.item)
        except (KeyError, ValueError):
            text = f"{kind}\n"
        await self._put_aside(text, error)

    async def _put_aside(self, text: str, error: Exception) -> None:
        self.refused += 1
        await self._lay_aside(Refused(at=utc_now(), writer=self._name, error_type=type(error).__name__, text=text))

    async def _lay_aside(self, *new: Refused) -> bool:
        """These, and what the disk did not take before; False while it takes nothing."""
        if self._aside is not None:
            try:
                await self._in_thread(self._aside.add, *new)
            except OSError as error:
                self._has_problem(error)
                self._unkept.set()
                return False
        return True

    # into the spool ---------------------------------------------------------------------------------------------------

    async def _find(self, folder: Path) -> None:
        try:
            self._found = await self._in_thread(Spool, folder, self._store.keyring)
        except OSError as error:
            self._has_problem(error)

    def _adopt(self) -> None:
        """Only while no transaction is under way: what waits gets its place in the spool that was found."""
        spool, self._found = self._found, None
        if spool is None:
            return
        self._spool, self._run, self._earlier_runs = spool, spool.run, spool.earlier_runs
        self.refused += spool.unreadable
        for waiting in self._front:
            waiting.run = spool.run
        if spool.earlier:
            log.warning("records of an earlier run are written", writer=self._name, records=spool.earlier)
            self._backlog, self._tail, self._front = spool.earlier, self._front, deque()
            self._empty.clear()
        self._adopted.set()

    async def _keep_all(self) -> None:
        """Nobody waits for this: it looks after what the database has not taken a moment later."""
        assert self._folder is not None
        while self._spool is None and self._found is None:
            await self._sleep(KEEP_AGAIN_S)
            await self._find(self._folder)
            self._arrived.set()
        await self._adopted.wait()
        self._unkept.set()
        while True:
            await self._unkept.wait()
            await self._sleep(0 if self.away else self._keep_after_s)
            self._unkept.clear()
            if not await self._keep():
                self._unkept.set()
                await self._sleep(KEEP_AGAIN_S)
            self._died.pop("keeping", None)

    async def _keep(self) -> bool:
        """All that waits now is in the spool; False if it could not be written there."""
        spool = self._spool
        assert spool is not None
        if not await self._lay_aside():
            return False
        async with self._turn:
            line = self._tail if self._backlog else self._front
            new = [one for one in line if not one.kept and one.has_text and self._codec.takes(one.item)]
            kept = await self._append(spool, new)
            if kept:
                await self._settle_kept(spool, line, kept[0])
            left = any(one.has_text and not one.kept for one in new)
            if left or (self.problem and not await self._has_room(spool)):
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
                texts = [(one, text) for one in new[start : start + TOGETHER] if (text := self._text(one)) is not None]
                if not texts:
                    continue
                await self._in_thread(spool.append, [(one.seq, text) for one, text in texts])
                for one, _ in texts:
                    one.kept = True
                kept += [one for one, _ in texts]
        except OSError as error:
            self._has_problem(error)
        return kept

    def _text(self, one: _Waiting[T]) -> str | None:
        """None where it has none (broken characters in a name): it waits in memory alone."""
        try:
            return self._codec.text(one.item)
        except ValueError as error:
            one.has_text = False
            log.error("a record cannot be kept", writer=self._name, error_type=type(error).__name__)
            return None

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
        elif len(self._front) > self._in_memory and first in islice(self._front, len(self._in_flight) or 1, None):
            self._shorten_front(first)
        else:
            await self._in_thread(spool.pass_over)

    def _drop_kept_of(self, line: deque[_Waiting[T]]) -> None:
        while line and line[0].kept:
            line.popleft()
            self._backlog += 1

    def _shorten_front(self, first: _Waiting[T]) -> None:
        """From ``first`` on, which is where the reading of the spool goes on, items are in the spool alone.

        Those in flight stay: they leave the front when their transaction ends.
        """
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
        for spool in (self._spool, self._found):
            if spool is not None:
                self._thread.submit(spool.close)
        self._spool = self._found = None
        self._thread.shutdown()
