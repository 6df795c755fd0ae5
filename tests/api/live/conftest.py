"""The live stream on a real server: our routes, a real database, a hub whose board the test sets by hand."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from api import errors
from api.auth.passwords import Passwords
from api.auth.permissions import Role
from api.auth.routes import router as session_router
from api.auth.sessions import SessionEnded
from api.auth.shared import Shared
from api.auth.users import create_user
from api.bus import Bus
from api.live.hub import Hub
from api.live.routes import Live
from api.live.routes import router as live_router
from api.settings import Settings
from api.store.engine import Store
from api.store.sealing import Keyring
from telephony.calls import CallPhase
from telephony.events import AgentStatus
from tests.api.desk import PASSWORD, FolderOfRecordings, ObedientSwitch
from tests.api.live.stage import CALL, HOTLINE, OPERATOR, START, Board
from tests.api.serving import Browser, serving


@dataclass
class LiveServer:
    url: str
    hub: Hub
    board: Board
    shared: Shared

    @asynccontextmanager
    async def browser(self, username: str = "8001") -> AsyncIterator[Browser]:
        async with Browser(self.url) as browser:
            await browser.sign_in(username, PASSWORD)
            yield browser


@pytest.fixture
def live_settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


@pytest.fixture
async def live_store(sqlite_template: Path, tmp_path: Path, passwords: Passwords) -> AsyncIterator[Store]:
    """With an operator 8001 and a supervisor 9001."""
    path = tmp_path / "live.db"
    shutil.copy(sqlite_template, path)
    store = Store(f"sqlite+aiosqlite:///{path}", Keyring.load(tmp_path / "keys"))
    for username, role in (("8001", Role.OPERATOR), ("9001", Role.SUPERVISOR)):
        await create_user(
            store,
            passwords,
            username=username,
            display_name=f"座席{username}",
            role=role,
            password=PASSWORD,
            agent_id=username,
            seat=username,
            now=datetime.now(UTC),
        )
    yield store
    await store.close()


@asynccontextmanager
async def live_server(
    store: Store, passwords: Passwords, settings: Settings, folder: Path
) -> AsyncIterator[LiveServer]:
    board, bus = Board(), Bus()
    board.arrive()
    board.sign_in(status=AgentStatus.TALKING, call_id=CALL)
    board.change(phase=CallPhase.TALKING, answered_by=OPERATOR, answered_at=START)
    hub = Hub(board=board, clock=time.monotonic, wall=lambda: datetime.now(UTC), ring_s=15, queues=(HOTLINE,))
    switch = ObedientSwitch()
    shared = Shared(
        settings=settings,
        store=store,
        passwords=passwords,
        switch=switch,
        recordings=FolderOfRecordings(folder),
        publish=bus.publish,
    )
    bus.subscribe(SessionEnded, lambda event: hub.session_ended(event.session_hash))

    async def tick() -> None:
        while True:
            await asyncio.sleep(0.05)
            hub.tick()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
        ticking = asyncio.create_task(tick())
        yield {"shared": shared, "live": Live(hub=hub, build="b1")}
        ticking.cancel()

    app = FastAPI(lifespan=lifespan)
    for router in (session_router, live_router):
        app.include_router(router, prefix="/api/v1")
    errors.install(app)
    async with serving(app, settings) as url:
        yield LiveServer(url=url, hub=hub, board=board, shared=shared)


@pytest.fixture
async def server(
    live_store: Store, passwords: Passwords, live_settings: Settings, tmp_path: Path
) -> AsyncIterator[LiveServer]:
    async with live_server(live_store, passwords, live_settings, tmp_path) as running:
        yield running
