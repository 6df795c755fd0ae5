"""One door to the database: an engine for SQLite or PostgreSQL, and a transaction for each request or event."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from api.store.sealing import Keyring, bind_keyring
from api.store.tables import Base

LINE_S = 5.0
"""Who has stood in the line of writers for so long is told that the database is busy."""
_WRITES = "hotline_writes"
_INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


class Store:
    """The database of one server.

    ``read()`` and ``write()`` each hand out a session inside one transaction, committed at the end of the block and
    rolled back by any exception. On SQLite a writing transaction takes the write lock at its start, so it never fails
    half-way because another one wrote in between; on PostgreSQL a row that is read to be changed is locked by
    ``with_for_update``. In ``spool_dir`` waits what is written behind, while the database is away.
    """

    def __init__(
        self,
        url: str,
        keyring: Keyring,
        *,
        busy_timeout_s: float = 5.0,
        pool_size: int = 10,
        spool_dir: Path | None = None,
    ) -> None:
        self.url = url
        self.spool_dir = spool_dir
        self.keyring = keyring
        self.is_sqlite = make_url(url).get_backend_name() == "sqlite"
        connect: dict[str, Any] = {"timeout": busy_timeout_s} if self.is_sqlite else {"connect_timeout": 5}
        self.engine = create_async_engine(
            url,
            connect_args=connect,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_timeout=10,
            pool_pre_ping=not self.is_sqlite,
            hide_parameters=True,  # an error's text may be logged; what people said may not
        )
        bind_keyring(self.engine.dialect, keyring)
        if self.is_sqlite:
            event.listen(self.engine.sync_engine, "connect", _prepare_sqlite)
            event.listen(self.engine.sync_engine, "begin", _begin_sqlite)
            event.listen(self.engine.sync_engine, "invalidate", _let_go_sqlite)
        self._writer = asyncio.Lock()
        self._reading = async_sessionmaker(self.engine, expire_on_commit=False)
        self._writing = async_sessionmaker(self.engine.execution_options(**{_WRITES: True}), expire_on_commit=False)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """A transaction that changes nothing."""
        async with self._reading() as session:
            yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """A transaction that may change things; committed when the block ends well."""
        async with self._turn(), self._writing() as session, session.begin():
            yield session

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """SQLite takes one writer at a time: ours line up here, instead of polling for its lock, and not for ever."""
        if not self.is_sqlite:
            yield
            return
        try:
            async with asyncio.timeout(LINE_S):
                await self._writer.acquire()
        except TimeoutError:
            raise PoolExhausted("too many writers are in front") from None
        try:
            yield
        finally:
            self._writer.release()

    async def check(self) -> None:
        """One trivial question. Raises whatever the database raises."""
        async with self.read() as session:
            await session.execute(text("SELECT 1"))

    async def close(self) -> None:
        await self.engine.dispose()


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """WAL, so that readers and the writer do not wait for each other; a commit is on the disk before it is answered."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _let_go_sqlite(connection: Any, _record: Any, _error: BaseException | None) -> None:
    """Before a connection is closed in the middle of its work: a close does not end the transaction while anybody keeps
    a cursor, as the traceback of a cancelled task does, and nobody else could write until that is garbage."""
    with suppress(Exception, asyncio.CancelledError):  # it is asked for, even where nobody waits for the answer
        connection.rollback()


def insert_into(session: AsyncSession, table: type[Base]) -> Any:
    """``INSERT`` in the words of this session's database, with ``on_conflict_do_nothing`` and ``.._do_update``."""
    return _INSERTS[session.get_bind().dialect.name](table)


async def take_turn(session: AsyncSession, name: str) -> None:
    """One transaction after another for this name, until each commits; on SQLite every writing one has its turn anyway.

    Call it first: what was read before may be out of date.
    """
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name})
    else:
        await session.connection()
