"""A migrated database on each engine, and the HTTP interface on top of it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI

from api import errors
from api.auth.passwords import Passwords
from api.auth.routes import router as session_router
from api.auth.shared import Shared
from api.callbacks.routes import router as callbacks_router
from api.calls.routes import commands as call_commands_router
from api.calls.routes import router as calls_router
from api.cues.routes import router as cues_router
from api.handoffs.routes import router as handoffs_router
from api.outbound.routes import router as outbound_router
from api.priorities.routes import router as priorities_router
from api.recordings.routes import router as recordings_router
from api.settings import Settings
from api.shifts.skill_routes import router as skills_router
from api.stats.routes import router as stats_router
from api.store.engine import Store
from api.store.migrate import migrate
from api.store.sealing import Keyring
from api.supervision.routes import router as supervision_router
from api.tickets.routes import router as tickets_router
from api.transcripts.routes import router as transcripts_router
from api.transfers.routes import router as transfers_router
from tests.api.desk import Clock, Desk, FolderOfRecordings, ObedientSwitch
from tests.api.postgres import cluster, drop_database, make_database
from tests.asr.engines.conftest import mandarin_model, whisper_model

__all__ = ["mandarin_model", "whisper_model"]

ENGINES = ("sqlite", pytest.param("postgresql", marks=pytest.mark.postgres))
_names = count(1)
ROUTERS = (
    session_router,
    calls_router,
    call_commands_router,
    recordings_router,
    cues_router,
    transcripts_router,
    tickets_router,
    handoffs_router,
    callbacks_router,
    transfers_router,
    supervision_router,
    skills_router,
    outbound_router,
    stats_router,
    priorities_router,
)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    with cluster() as running:
        yield running.url


@pytest.fixture(params=ENGINES)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database with nothing in it."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path / 'hotline.db'}"
        return
    address = make_database(request.getfixturevalue("postgres_server"), f"t{next(_names)}")
    yield address
    drop_database(address)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "hotline.db"
    asyncio.run(migrate(f"sqlite+aiosqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> str:
    asyncio.run(migrate(make_database(postgres_server, "template")))
    return "template"


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring.load(tmp_path / "keys")


@pytest.fixture(params=ENGINES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database at the newest migration."""
    if request.param == "sqlite":
        path = tmp_path / "hotline.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite+aiosqlite:///{path}"
        return
    template = request.getfixturevalue("postgres_template")
    address = make_database(request.getfixturevalue("postgres_server"), f"t{next(_names)}", template)
    yield address
    drop_database(address)


@pytest.fixture
async def store(url: str, keyring: Keyring) -> AsyncIterator[Store]:
    opened = Store(url, keyring, pool_size=20)
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def passwords() -> Iterator[Passwords]:
    """Argon2 at its cheapest: what is tested is not how slow it is."""
    cheap = Passwords(hasher=PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    yield cheap
    cheap.close()


@pytest.fixture(scope="session")
def app() -> FastAPI:
    return make_app()


@pytest.fixture
async def desk(store: Store, passwords: Passwords, tmp_path: Path, app: FastAPI) -> AsyncIterator[Desk]:
    async with desk_on(store, folder=tmp_path, passwords=passwords, app=app) as made:
        yield made


@asynccontextmanager
async def desk_on(store: Store, *, folder: Path, passwords: Passwords, app: FastAPI) -> AsyncIterator[Desk]:
    """What commands leave to be recorded is recorded behind."""
    clock, switch = Clock(), ObedientSwitch()
    published: list[object] = []
    shared = Shared(
        settings=Settings(home=folder),
        store=store,
        passwords=passwords,
        switch=switch,
        recordings=FolderOfRecordings(folder),
        publish=published.append,
        now=clock,
    )

    async def with_state(scope: Any, receive: Any, send: Any) -> None:
        scope["state"] = {"shared": shared}
        await app(scope, receive, send)

    running = asyncio.create_task(shared.standby.records.run())
    yield Desk(shared=shared, switch=switch, clock=clock, app=with_state, published=published)
    assert await shared.standby.records.drain(30)
    await shared.standby.close()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def make_app() -> FastAPI:
    app = FastAPI()
    for router in ROUTERS:
        app.include_router(router, prefix="/api/v1")
    errors.install(app)
    return app
