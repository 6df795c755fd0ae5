"""Ways in which a database fails under a server that runs."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import event, text
from sqlalchemy.engine import make_url
from sqlalchemy.util import await_only

from api.store.engine import Store


@contextmanager
def slowed(store: Store, by_s: float) -> Iterator[None]:
    """Every statement takes so much longer."""

    def wait(*_: Any) -> None:
        await_only(asyncio.sleep(by_s))

    event.listen(store.engine.sync_engine, "before_cursor_execute", wait)
    try:
        yield
    finally:
        event.remove(store.engine.sync_engine, "before_cursor_execute", wait)


@asynccontextmanager
async def locked_by_another(store: Store) -> AsyncIterator[None]:
    """A program beside the server writes and does not end; it waits for its turn without holding the server up."""
    address = make_url(store.url)
    if store.is_sqlite:
        other: Any = sqlite3.connect(str(address.database), isolation_level=None, timeout=20, check_same_thread=False)
        begin = "BEGIN EXCLUSIVE"
    else:
        plain = address.set(drivername="postgresql").render_as_string(hide_password=False)
        other = await asyncio.to_thread(psycopg.connect, plain)
        begin = "LOCK TABLE spool_marks IN ACCESS EXCLUSIVE MODE"
    try:
        await asyncio.to_thread(other.execute, begin)
        yield
        await asyncio.to_thread(other.rollback)
    finally:
        other.close()


@asynccontextmanager
async def only_reads(store: Store) -> AsyncIterator[None]:
    """PostgreSQL alone: as a standby that is not promoted yet, for all connections from now on."""
    await read_only(store, "on")
    try:
        yield
    finally:
        await read_only(store, "off")


async def read_only(store: Store, state: str) -> None:
    name = make_url(store.url).database
    async with store.engine.connect() as connection:
        await connection.execute(text("SET default_transaction_read_only = off"))
        await connection.commit()
        await connection.execute(text(f'ALTER DATABASE "{name}" SET default_transaction_read_only = {state}'))
        await connection.commit()
    await store.engine.dispose()


class Shelf:
    """A folder that can be made read-only while files of it are open: mounted over itself."""

    def __init__(self, folder: Path, seen: Path) -> None:
        self._folder = folder
        self.seen = seen

    def turn(self, state: str) -> None:
        _mount("umount", "-l", str(self.seen))
        _mount("mount", "--bind", str(self._folder), str(self.seen))
        _mount("mount", "-o", f"remount,bind,{state}", str(self.seen))


@contextmanager
def shelf(place: Path) -> Iterator[Shelf]:
    """The test is skipped where nobody may mount."""
    folder, seen = place / "shelf", place / "seen"
    folder.mkdir()
    seen.mkdir()
    try:
        _mount("mount", "--bind", str(folder), str(seen))
    except (FileNotFoundError, subprocess.CalledProcessError):
        pytest.skip("no folder can be mounted here")
    try:
        yield Shelf(folder, seen)
    finally:
        _mount("umount", "-l", str(seen))


def _mount(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
