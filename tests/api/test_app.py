"""The application as a whole, with nothing beside it: no switch, no speech model, sometimes no database."""

from __future__ import annotations

import asyncio
import gc
import re
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text, update

from api import pages, wiring
from api.app import create_app, server_config
from api.auth.permissions import Role
from api.auth.users import create_user
from api.guards import content_policy
from api.live import sessions as console_sessions
from api.live.messages import CloseCode
from api.live.sockets import DroppableProtocol
from api.pages import build_id, console_router
from api.settings import Settings
from api.store.behind import WriteBehind
from api.store.tables import SignInSession
from api.wiring import Parts
from asr.engines.choose import Engine, EngineConfig
from telephony.commands import SignIn
from telephony.ids import AgentId, QueueName, SeatId
from tests.api.desk import PASSWORD
from tests.api.serving import Browser, LiveConsole, eventually, free_port, serving
from tests.api.test_outage import story


def make_settings(home: Path, **changes: Any) -> Settings:
    """Ports on which nobody answers."""
    return Settings(
        home=home, cache=home / "cache", port_base=min(free_port(), 60_000), speech_download=False, **changes
    )


async def operator(parts: Parts) -> None:
    await create_user(
        parts.store,
        parts.passwords,
        username="8001",
        display_name="座席8001",
        role=Role.OPERATOR,
        password=PASSWORD,
        agent_id="8001",
        seat="8001",
        now=datetime.now(UTC),
    )


@asynccontextmanager
async def running(settings: Settings, *, migrates: bool = False) -> AsyncIterator[tuple[str, Parts]]:
    made: list[Parts] = []

    def make(chosen: Settings) -> Parts:
        engine = EngineConfig(models_dir=chosen.models_dir, engine=Engine.NONE)
        made.append(Parts(chosen, engine=engine, build="b1", migrates=migrates))
        return made[0]

    async with serving(create_app(settings, make_parts=make), settings) as url:
        yield url, made[0]


@pytest.fixture
async def migrated(sqlite_template: Path, tmp_path: Path) -> Settings:
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(sqlite_template, home / "hotline.db")
    return make_settings(home)


async def test_the_server_is_up_and_takes_sign_ins_while_nothing_else_is(migrated: Settings) -> None:
    async with running(migrated) as (url, parts):
        await operator(parts)
        async with Browser(url) as me:
            await me.sign_in("8001", PASSWORD)
            async with LiveConsole.open(url, await me.ticket(), "me", "queue") as console:
                await console.until(lambda seen: seen.data["me"]["links"]["database"]["state"] == "ok")
                links = console.data["me"]["links"]
                assert links["switch"]["state"] in ("down", "connecting")
                assert (links["speech"]["state"], links["speech"]["engine"]) == ("down", "none")
                assert console.data["queue"]["queues"]["hotline"]["count"] == 0
            refused = await me.http.post("/shift/sign-in", json={})
            assert (refused.status_code, refused.json()["error"]) == (503, "switch_unavailable")
            health = (await me.http.get(f"{url}/healthz")).json()
    assert health["status"] == "degraded"
    assert health["parts"]["database"] == {"state": "ok", "detail": ""}
    assert health["parts"]["speech"]["detail"] == "speech recognition is switched off"
    assert set(health["parts"]) == {"switch", "speech", "taps", "places", "database", "recordings", "drift", "console"}


async def test_the_figures_begin_anew_at_midnight_of_the_zone_that_was_set(migrated: Settings) -> None:
    async with running(migrated.model_copy(update={"timezone": "Pacific/Kiritimati"})) as (_, parts):
        assert parts.hub.kpi.zone == parts.hub.today.zone == ZoneInfo("Pacific/Kiritimati")


async def test_without_a_database_the_health_page_says_so(tmp_path: Path) -> None:
    settings = make_settings(tmp_path / "home", database_url="postgresql://nobody@127.0.0.1:1/none")
    async with running(settings) as (url, parts), httpx.AsyncClient(trust_env=False) as client:
        await eventually(lambda: parts.database.state == "down", timeout_s=10)
        answer = await client.get(f"{url}/healthz")
        signing_in = await client.post(f"{url}/api/v1/session", json={"username": "8001", "password": "x"})
    assert answer.status_code == 200
    assert answer.json()["status"] == "down"
    assert signing_in.status_code == 503


async def test_a_database_that_comes_late_is_brought_up_to_date_and_takes_what_has_waited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wiring, "DATABASE_EVERY_S", 0.05)
    settings = make_settings(tmp_path / "home")
    (settings.home / "hotline.db").mkdir(parents=True)  # no file can be opened under this name
    async with running(settings, migrates=True) as (url, parts), httpx.AsyncClient(trust_env=False) as client:
        for event in story(1):
            parts.bus.publish(event)
        await eventually(lambda: parts.database.state == "down" and parts.call_recorder.behind.kept == 2, timeout_s=10)
        (settings.home / "hotline.db").rmdir()
        await eventually(lambda: parts.database.state == "ok", timeout_s=20)
        assert await parts.call_recorder.drain(10)
        answer = (await client.get(f"{url}/healthz")).json()
        async with parts.store.read() as session:
            assert await session.scalar(text("SELECT outcome FROM calls")) == "abandoned"
    assert answer["parts"]["database"] == {"state": "ok", "detail": ""}


async def test_what_an_earlier_run_left_is_an_alarm_and_counts_in_todays_figures_once_it_is_written(
    migrated: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wiring, "DATABASE_EVERY_S", 0.05)
    now = datetime.now(UTC)
    with closing(sqlite3.connect(migrated.home / "hotline.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        async with running(migrated) as (_, parts):
            for event in story(1):
                parts.bus.publish(replace(event, at=now))
            await eventually(lambda: parts.records.wait and parts.call_recorder.behind.kept == 2, timeout_s=20)
        async with running(migrated) as (_, parts):
            await eventually(lambda: "records_behind" in kinds_of_alerts(parts), timeout_s=20)
            await eventually(lambda: "4 records wait on this machine" in parts.records.trouble, timeout_s=20)
            assert parts.hub.kpi.now(now).arrived == 0
            other.execute("ROLLBACK")
            await eventually(lambda: parts.hub.kpi.now(now).arrived == 1, timeout_s=30)
            await eventually(lambda: "records_behind" not in kinds_of_alerts(parts), timeout_s=20)
            assert parts.hub.kpi.now(now).abandoned == 1


def kinds_of_alerts(parts: Parts) -> list[str]:
    return [one.kind for one in parts.hub.alerts.all()]


async def test_every_writer_of_the_server_is_run_and_looked_after(migrated: Settings) -> None:
    async with running(migrated) as (_, parts):
        listed = {one.behind for one in parts.records}
        made = {found for found in gc.get_objects() if type(found) is WriteBehind and found._store is parts.store}
        assert listed == made
        tasks = {task.get_name() for task in asyncio.all_tasks()}
        assert {f"server: {one.name}" for one in parts.records} <= tasks
        shift = next(one.behind for one in parts.records if one.name == "shift log")
        shift.away = "OperationalError"
        assert parts.records.wait
        assert parts.records.trouble == "OperationalError"


@pytest.mark.parametrize("seated", [True, False])
async def test_an_idle_session_ends_with_its_stream_unless_its_person_sits_at_a_seat(
    migrated: Settings, monkeypatch: pytest.MonkeyPatch, seated: bool
) -> None:
    monkeypatch.setattr(console_sessions, "EVERY_S", 0.1)
    monkeypatch.setattr(console_sessions, "SEEN_EVERY", timedelta())
    async with running(migrated) as (url, parts), Browser(url) as me:
        await operator(parts)
        await me.sign_in("8001", PASSWORD)
        if seated:
            sign_in = SignIn(agent_id=AgentId("8001"), seat=SeatId("8001"), queues=(QueueName("hotline"),))
            parts.switchboard.request(sign_in, datetime.now(UTC))
        async with LiveConsole.open(url, await me.ticket(), "me") as console:
            await console.until(lambda seen: seen.data["me"])
            async with parts.store.write() as session:
                await session.execute(update(SignInSession).values(seen_at=datetime.now(UTC) - timedelta(hours=1)))
            if seated:
                await asyncio.sleep(0.5)
                assert console.close_code is None
                assert (await me.http.get("/session")).status_code == 200
            else:
                assert await console.closed() == CloseCode.SESSION_ENDED
                assert (await me.http.get("/session")).status_code == 401


async def test_a_tap_port_that_is_taken_costs_the_text_and_no_more(migrated: Settings) -> None:
    blocker = await asyncio.start_server(lambda _r, w: w.close(), migrated.tap_host, migrated.tap_port)
    async with blocker, running(migrated) as (url, _), httpx.AsyncClient(trust_env=False) as client:
        health = (await client.get(f"{url}/healthz")).json()
    assert health["parts"]["taps"]["state"] == "down"


async def test_a_gazetteer_that_cannot_be_read_is_told_by_the_health_page(migrated: Settings) -> None:
    (migrated.home / "gazetteer.json").write_text('{"city": "试验市",\n', encoding="utf-8")
    async with running(migrated) as (url, parts), httpx.AsyncClient(trust_env=False) as client:
        await eventually(lambda: parts.understanding.problem, timeout_s=10)
        health = (await client.get(f"{url}/healthz")).json()
    assert health["status"] == "degraded"
    assert health["parts"]["places"]["state"] == "not used"
    assert "gazetteer.json is not used: line 2" in health["parts"]["places"]["detail"]


async def test_nothing_of_the_server_outlives_it(migrated: Settings) -> None:
    before = asyncio.all_tasks()
    async with running(migrated):
        assert len(asyncio.all_tasks()) > len(before) + 5
    assert asyncio.all_tasks() <= before


@pytest.fixture
async def client(migrated: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with running(migrated) as (url, _), httpx.AsyncClient(base_url=url, trust_env=False) as opened:
        yield opened


@pytest.mark.parametrize("path", ["/", "/healthz", "/api/v1/session", "/nowhere.js", "/api/v1/nothing"])
async def test_every_answer_binds_the_browser(client: httpx.AsyncClient, path: str, migrated: Settings) -> None:
    headers = (await client.get(path)).headers
    assert headers["content-security-policy"] == content_policy(migrated.sip_ws)
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert "server" not in headers
    if path.startswith("/api/"):
        assert headers["cache-control"] == "no-store"


def test_the_policy_lets_in_our_own_scripts_and_the_phone_alone() -> None:
    policy = dict(rule.split(" ", 1) for rule in content_policy("wss://sip.example:8443/ws").split("; "))
    assert policy["default-src"] == policy["script-src"] == "'self'"
    assert policy["connect-src"] == "'self' wss://sip.example:8443"
    assert policy["frame-ancestors"] == policy["object-src"] == policy["base-uri"] == "'none'"


async def test_an_unknown_address_of_the_interface_is_an_error_and_not_the_console(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/nothing")
    assert answer.status_code == 404
    assert answer.json() == {"error": "not_found", "detail": "no such address", "field": None}


async def test_a_body_that_is_too_long_is_refused_whether_it_says_so_or_not(client: httpx.AsyncClient) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 65_536

    stated = await client.post("/api/v1/session", content=b" " * (2 << 20))
    assert (stated.status_code, stated.json()["error"]) == (413, "too_large")
    unstated = await client.post("/api/v1/session", content=pieces())
    assert (unstated.status_code, unstated.json()["error"]) == (413, "too_large")


def test_every_operation_is_described(tmp_path: Path) -> None:
    spec = create_app(make_settings(tmp_path)).openapi()
    tags = {tag["name"] for tag in spec["tags"]}
    operations = [
        (path, method, operation) for path, item in spec["paths"].items() for method, operation in item.items()
    ]
    assert operations
    for path, method, operation in operations:
        assert operation["tags"], (path, method)
        assert set(operation["tags"]) <= tags, (path, method)


# the console's pages --------------------------------------------------------------------------------------------------


@asynccontextmanager
async def console(folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.include_router(console_router(folder))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hotline.test") as opened:
        yield opened


@pytest.fixture
def built(tmp_path: Path) -> Path:
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>12345</title>", encoding="utf-8")
    (folder / "assets" / "index-abc.js").write_text("1", encoding="utf-8")
    (folder / "ring.mp3").write_bytes(b"1")
    (folder / ".build-id").write_text("abc123\n", encoding="ascii")
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    return folder


@pytest.mark.parametrize("path", ["/", "/index.html", "/desk", "/desk/calls/1795297638.32/", "/sign-in"])
async def test_every_address_inside_the_console_is_its_one_page(built: Path, path: str) -> None:
    async with console(built) as client:
        answer = await client.get(path)
    if path.endswith("1795297638.32/") or "." not in path:
        assert "12345" in answer.text
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-cache"


async def test_files_of_a_build_are_kept_and_others_asked_for_again(built: Path) -> None:
    async with console(built) as client:
        asset, ring = await client.get("/assets/index-abc.js"), await client.get("/ring.mp3")
    assert "immutable" in asset.headers["cache-control"]
    assert ring.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path", ["/assets/gone.js", "/gone.png", "/../secret.txt", "/%2e%2e/secret.txt", "/assets/..%2f..%2fsecret.txt"]
)
async def test_a_file_that_is_not_of_the_console_is_not_found(built: Path, path: str) -> None:
    async with console(built) as client:
        answer = await client.get(path)
    assert answer.status_code == 404
    assert "secret" not in answer.text


async def test_a_console_that_was_not_built_says_how_to_build_it(tmp_path: Path) -> None:
    async with console(tmp_path / "none") as client:
        answer = await client.get("/desk")
    assert answer.status_code == 503
    assert "控制台未构建" in answer.text
    assert "make console" in answer.text


def test_the_build_id_is_what_the_build_wrote(built: Path, tmp_path: Path) -> None:
    assert build_id(built) == "abc123"
    assert build_id(tmp_path) == ""


def test_the_page_without_a_console_brings_no_script() -> None:
    assert not re.search(r"<script|style=|https?://", pages.NOT_BUILT)


def test_the_server_can_drop_a_stalled_socket(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    config = server_config(create_app(settings), settings)
    assert config.ws is DroppableProtocol
    assert config.host == "127.0.0.1"
