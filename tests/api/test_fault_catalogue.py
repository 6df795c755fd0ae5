"""A whole server whose database fails in each of several ways: nothing is lost, it is said, all is written once."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from api import wiring
from api.auth.audit import SYSTEM, Entry
from api.settings import Settings
from api.store.engine import Store
from api.times import utc_now
from api.wiring import Parts
from asr.transcript import Speaker, Turn
from tests.api.faults import locked_by_another, only_reads, shelf, slowed
from tests.api.serving import eventually
from tests.api.test_app import make_settings, running
from tests.api.test_outage import story

SLOW_S, LOCKED_S = 2.0, 30.0
BEFORE, MEANWHILE = 5, 25
"""Calls that come before the fault, and while it lasts."""


def happen(parts: Parts, first: int, last: int) -> None:
    """So many missed calls, with a word each, and something that is audited."""
    now = utc_now()
    for number in range(first, last):
        for event in story(number):
            parts.bus.publish(event)
        turn = Turn(seg=1, rev=1, speaker=Speaker.CALLER, text="喂", start_s=0.0, end_s=1.0, final=True)
        parts.transcript_recorder.put(f"1.{number}", turn)
        entry = Entry(at=now, actor=SYSTEM, action="fault", object_type="call", object_id=f"1.{number}")
        parts.shared.standby.records.put(entry)


async def counted(store: Store) -> dict[str, int]:
    questions = {
        "calls": "SELECT count(*) FROM calls WHERE outcome = 'abandoned'",
        "events": "SELECT count(*) FROM call_events",
        "words": "SELECT count(*) FROM segments",
        "audited": "SELECT count(*) FROM audit_log WHERE action = 'fault'",
    }
    async with store.read() as session:
        return {name: await session.scalar(text(question)) or 0 for name, question in questions.items()}


def whole(calls: int) -> dict[str, int]:
    return {"calls": calls, "events": 2 * calls, "words": calls, "audited": calls}


async def comes_through(parts: Parts, url: str, fault: AbstractAsyncContextManager[None], *, lasts_s: float) -> None:
    happen(parts, 0, BEFORE)
    assert await parts.records.drain(30)
    async with fault, httpx.AsyncClient(trust_env=False) as client:
        began = asyncio.get_running_loop().time()
        happen(parts, BEFORE, MEANWHILE)
        await eventually(lambda: parts.database.state != "ok" and parts.call_recorder.behind.kept, timeout_s=30)
        said = (await client.get(f"{url}/healthz")).json()
        assert said["status"] != "ok"
        assert said["parts"]["database"]["state"] in ("degraded", "down")
        assert "records_behind" in [one.kind for one in parts.hub.alerts.all()]
        assert "wait on this machine" in parts.records.trouble
        await asyncio.sleep(began + lasts_s - asyncio.get_running_loop().time())
    await eventually(lambda: parts.database.state == "ok", timeout_s=90)
    assert await parts.records.drain(90)
    assert (parts.records.refused, parts.records.trouble) == (0, "")
    assert await counted(parts.store) == whole(MEANWHILE)


@asynccontextmanager
async def served(settings: Settings) -> AsyncIterator[tuple[str, Parts]]:
    async with running(settings) as (url, parts):
        await eventually(lambda: parts.database.state == "ok", timeout_s=30)
        yield url, parts
    async with running(settings) as (_, again):  # what a second run finds is written already
        await eventually(lambda: again.database.state == "ok", timeout_s=30)
        assert await counted(again.store) == whole(MEANWHILE)


@pytest.fixture(autouse=True)
def asked_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring, "DATABASE_EVERY_S", 0.2)


@pytest.fixture
def settings(url: str, tmp_path: Path) -> Settings:
    return make_settings(tmp_path / "home", database_url=url)


async def test_every_statement_takes_two_seconds(settings: Settings) -> None:
    async with served(settings) as (url, parts):
        await comes_through(parts, url, slow(parts.store), lasts_s=10)


@asynccontextmanager
async def slow(store: Store) -> AsyncIterator[None]:
    with slowed(store, SLOW_S):
        yield


async def test_the_database_is_locked_for_half_a_minute(settings: Settings) -> None:
    async with served(settings) as (url, parts):
        await comes_through(parts, url, locked_by_another(parts.store), lasts_s=LOCKED_S)


@pytest.mark.postgres
@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
async def test_a_postgresql_that_takes_no_writes_any_more(settings: Settings) -> None:
    async with served(settings) as (url, parts):
        await comes_through(parts, url, only_reads(parts.store), lasts_s=5)


async def test_a_database_file_that_turns_read_only_under_the_server(sqlite_template: Path, tmp_path: Path) -> None:
    with shelf(tmp_path) as place:
        shutil.copy(sqlite_template, place.seen / "hotline.db")
        settings = make_settings(tmp_path / "home", database_url=f"sqlite:///{place.seen / 'hotline.db'}")

        @asynccontextmanager
        async def unwritable() -> AsyncIterator[None]:
            for state in ("ro", "rw"):
                place.turn(state)
                await parts.store.engine.dispose()  # what is open stays writable: Linux looks when it is opened
                if state == "ro":
                    yield

        async with served(settings) as (url, parts):
            await comes_through(parts, url, unwritable(), lasts_s=5)
