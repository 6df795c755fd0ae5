"""Signing in and out, sessions, the lock, passes to the live stream, accounts, and the audit chain."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import pytest
from sqlalchemy import select, text

from api.auth import audit, sessions
from api.auth.passwords import Passwords
from api.auth.permissions import Role
from api.auth.sessions import SessionEnded
from api.auth.users import create_user, find_user, list_users, set_password
from api.errors import InvalidField, NotFound, Overloaded, SignInLocked, SignInRefused
from api.settings import Settings
from api.store.engine import Store
from api.store.tables import AuditRecord, SignInSession
from tests.api.desk import PASSWORD, START, Desk

COOKIE = Settings().session_cookie


async def test_signing_in_sets_a_cookie_that_no_script_can_read(desk: Desk) -> None:
    await desk.person("8001")
    answer = await desk.browser().post("/api/v1/session", json={"username": "8001", "password": PASSWORD})
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Path=/" in cookie
    body = answer.json()
    assert body["user"] == {
        "id": 1,
        "username": "8001",
        "display_name": "座席8001",
        "role": "operator",
        "agent_id": "8001",
        "seat": "8001",
    }
    assert "draft.write" in body["permissions"]
    assert "call.read_any" not in body["permissions"]


async def test_everybody_is_given_a_key_of_their_own_for_what_the_browser_keeps(desk: Desk) -> None:
    first, second = await desk.person("8001"), await desk.person("8002")
    again = await desk.sign_in("8001")
    keys = [person.session["local_key"] for person in (first, second, again)]
    assert all(len(bytes.fromhex(key)) == 32 for key in keys)
    assert keys[0] == keys[2] != keys[1]
    assert (await first.get("/session")).json()["local_key"] == keys[0]


async def test_the_token_itself_is_stored_nowhere(desk: Desk) -> None:
    person = await desk.person("8001")
    token = person.client.cookies[COOKIE]
    async with desk.shared.store.read() as session:
        stored = (await session.scalars(select(SignInSession))).one()
    assert token not in stored.token_hash
    assert stored.token_hash == sessions.hashed(token)


async def test_a_wrong_password_and_a_wrong_name_are_answered_alike(desk: Desk) -> None:
    await desk.person("8001")
    answers = [
        await desk.browser().post("/api/v1/session", json={"username": name, "password": "not the right one"})
        for name in ("8001", "nobody")
    ]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json() == {"error": "sign_in_refused", "detail": "wrong name or password", "field": None}


async def test_five_failures_lock_the_account_for_this_address_for_a_quarter_of_an_hour(desk: Desk) -> None:
    await desk.person("8001")

    async def attempt(password: str) -> int:
        answer = await desk.browser().post("/api/v1/session", json={"username": "8001", "password": password})
        return answer.status_code

    assert [await attempt("wrong") for _ in range(5)] == [401] * 5
    assert await attempt(PASSWORD) == 429
    desk.clock.forward(899)
    assert await attempt(PASSWORD) == 429
    desk.clock.forward(2)
    assert await attempt(PASSWORD) == 200


async def test_the_lock_says_how_long_and_does_not_reach_other_addresses(desk: Desk) -> None:
    await desk.person("8001")
    common = desk.shared

    async def attempt(address: str, password: str) -> None:
        await sessions.sign_in(
            common.store,
            common.passwords,
            common.settings,
            username="8001",
            password=password,
            address=address,
            now=common.now(),
        )

    for _ in range(5):
        with pytest.raises(SignInRefused):
            await attempt("10.0.0.1", "wrong")
    with pytest.raises(SignInLocked) as locked:
        await attempt("10.0.0.1", PASSWORD)
    assert 890 <= locked.value.retry_after_s <= 901
    await attempt("10.0.0.2", PASSWORD)


async def test_guesses_made_in_parallel_are_counted_one_by_one(desk: Desk) -> None:
    await desk.person("8001")
    browser = desk.browser()
    answers = await asyncio.gather(
        *(browser.post("/api/v1/session", json={"username": "8001", "password": f"{n}"}) for n in range(20))
    )
    assert sorted(answer.status_code for answer in answers) == [401] * 5 + [429] * 15


async def test_a_success_forgives_earlier_failures(desk: Desk) -> None:
    await desk.person("8001")
    for password in ["wrong"] * 4 + [PASSWORD] + ["wrong"] * 4 + [PASSWORD]:
        answer = await desk.browser().post("/api/v1/session", json={"username": "8001", "password": password})
        assert answer.status_code == (200 if password == PASSWORD else 401)


async def test_signing_out_ends_the_session_on_the_server(desk: Desk) -> None:
    person = await desk.person("8001")
    token = person.client.cookies[COOKIE]
    assert (await person.delete("/session")).status_code == 204
    assert any(isinstance(event, SessionEnded) for event in desk.published)
    person.client.cookies.set(COOKIE, token)
    assert (await person.get("/session")).status_code == 401


@pytest.mark.parametrize("token", ["", "wrong"])
async def test_a_change_without_the_csrf_token_is_refused(desk: Desk, token: str) -> None:
    person = await desk.person("8001")
    person.client.headers["X-CSRF-Token"] = token
    answer = await person.delete("/session")
    assert (answer.status_code, answer.json()["error"]) == (403, "csrf")
    assert (await person.get("/session")).status_code == 200


async def test_an_idle_session_ends_and_a_used_one_goes_on(desk: Desk) -> None:
    used, idle = await desk.person("8001"), await desk.person("8002")
    for _ in range(4):
        desk.clock.forward(1000)
        assert (await used.get("/session")).status_code == 200
    assert (await idle.get("/session")).status_code == 401


async def test_no_session_outlives_twelve_hours(desk: Desk) -> None:
    person = await desk.person("8001")
    for _ in range(12 * 3 - 1):
        desk.clock.forward(1200)
        assert (await person.get("/session")).status_code == 200
    desk.clock.forward(1201)
    assert (await person.get("/session")).status_code == 401


async def test_a_session_does_not_end_in_a_call(desk: Desk) -> None:
    person = await desk.person("8001")
    desk.switch.talking("1.1", "8001")
    desk.clock.forward(50_000)
    assert (await person.get("/session")).status_code == 200
    desk.switch.switchboard.agents.clear()
    desk.clock.forward(50_000)
    assert (await person.get("/session")).status_code == 401


async def test_an_expired_session_does_not_come_back_with_the_next_call(desk: Desk) -> None:
    person = await desk.person("8001")
    desk.clock.forward(7_200)
    later = replace(desk.switch.talking("1.1", "8001"), arrived_at=desk.clock(), answered_at=desk.clock())
    desk.switch.switchboard.calls[later.id] = later
    assert (await person.get("/session")).status_code == 401


async def test_what_has_run_out_is_swept_away(desk: Desk) -> None:
    person = await desk.person("8001")
    await person.delete("/session")
    await desk.sign_in("8001")  # and never out again
    desk.clock.forward(40 * 86_400)
    await sessions.tidy(desk.shared.store, desk.shared.settings, desk.clock())
    async with desk.shared.store.read() as session:
        for table in ("sessions", "login_attempts", "idempotency_keys"):
            assert await session.scalar(text(f"SELECT count(*) FROM {table}")) == 0


async def test_a_new_password_ends_every_session(desk: Desk) -> None:
    person = await desk.person("8001")
    common = desk.shared
    ended = await set_password(
        common.store, common.passwords, username="8001", password="another password", now=desk.clock()
    )
    assert len(ended) == 1
    assert (await person.get("/session")).status_code == 401
    answer = await desk.browser().post("/api/v1/session", json={"username": "8001", "password": "another password"})
    assert answer.status_code == 200


async def test_accounts_have_names_and_work_numbers_of_their_own(store: Store, passwords: Passwords) -> None:
    async def create(username: str, agent_id: str | None, password: str = PASSWORD) -> int:
        return await create_user(
            store,
            passwords,
            username=username,
            display_name=username,
            role=Role.OPERATOR,
            password=password,
            agent_id=agent_id,
            seat=agent_id,
            now=START,
        )

    await create("Desk.8001", "8001")
    for name, agent_id in (("desk.8001", "8002"), ("other", "8001"), ("b c", "8003"), ("d", "80x1")):
        with pytest.raises(InvalidField):
            await create(name, agent_id)
    with pytest.raises(InvalidField, match="password"):
        await create("short", None, "too short")
    with pytest.raises(NotFound):
        await set_password(store, passwords, username="nobody", password=PASSWORD, now=START)
    assert [user.username for user in await list_users(store)] == ["desk.8001"]
    found = await find_user(store, " DESK.8001 ")
    assert found is not None
    assert found.password_hash.startswith("$argon2id$")


async def test_a_rush_of_sign_ins_is_bounded() -> None:
    gate = threading.Event()

    class Slow(Passwords):
        def _matches(self, stored: str, password: str) -> bool:
            gate.wait(5)
            return True

    slow = Slow(threads=1, waiting=2)
    waiting = [asyncio.create_task(slow.verify("stored", "x")) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await slow.verify("stored", "x")
    gate.set()
    assert await asyncio.gather(*waiting) == [True] * 3
    slow.close()


async def test_a_server_that_is_too_busy_to_look_locks_nobody_out(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await desk.person("8001")
    with monkeypatch.context() as busy:
        busy.setattr(desk.shared.passwords, "_places", 0)
        for _ in range(6):
            answer = await desk.browser().post("/api/v1/session", json={"username": "8001", "password": PASSWORD})
            assert (answer.status_code, answer.json()["error"]) == (503, "overloaded")
    await desk.sign_in("8001")
    async with desk.shared.store.read() as session:
        rows = await session.scalars(select(AuditRecord.result).where(AuditRecord.action == "session.sign_in"))
    assert rows.all().count("overloaded") == 6


# audit ----------------------------------------------------------------------------------------------------------------
async def test_every_sign_in_is_in_the_audit_log_whatever_came_of_it(desk: Desk) -> None:
    await desk.person("8001")
    for _ in range(6):
        await desk.browser().post("/api/v1/session", json={"username": "8001", "password": "wrong"})
    async with desk.shared.store.read() as session:
        rows = (await session.scalars(select(AuditRecord).order_by(AuditRecord.seq))).all()
    assert [(row.action, row.result) for row in rows] == [
        ("user.create", "done"),
        ("session.sign_in", "done"),
        *[("session.sign_in", "refused")] * 5,
        ("session.sign_in", "locked"),
    ]
    assert {row.address for row in rows[1:]} == {"127.0.0.1"}


async def some_records(store: Store, count: int) -> None:
    async def add(number: int) -> None:
        async with store.write() as session:
            await audit.record(
                session, store.keyring, audit.SYSTEM, "test", "thing", str(number), now=START, detail={"汉": number}
            )

    await asyncio.gather(*(add(number) for number in range(count)))


async def report(store: Store) -> audit.ChainReport:
    async with store.read() as session:
        return await audit.verify_chain(session, store.keyring)


async def tamper(store: Store, *statements: str) -> None:
    """As somebody with the database's password would, guards taken off."""
    off = (
        ("DROP TRIGGER audit_log_no_UPDATE", "DROP TRIGGER audit_log_no_DELETE")
        if store.is_sqlite
        else ("DROP TRIGGER audit_log_append_only ON audit_log",)
    )
    async with store.write() as session:
        for statement in (*off, *statements):
            await session.execute(text(statement))


async def test_records_added_in_parallel_make_one_chain(store: Store) -> None:
    await some_records(store, 20)
    assert await report(store) == audit.ChainReport(records=20, broken_at=None)


@pytest.mark.parametrize(
    ("statement", "broken_at"),
    [
        ("UPDATE audit_log SET result = 'refused' WHERE seq = 4", 4),
        ("UPDATE audit_log SET username = 'somebody' WHERE seq = 1", 1),
        ("DELETE FROM audit_log WHERE seq = 3", 3),
        ("DELETE FROM audit_log WHERE seq = 6", 6),
        ("UPDATE audit_log SET seq = 9 WHERE seq = 2", 2),
        (
            "INSERT INTO audit_log"
            " (seq, at, user_id, username, address, action, object_type, object_id, result, detail, hash)"
            " SELECT 7, at, user_id, username, address, action, object_type, object_id, result, detail, hash"
            " FROM audit_log WHERE seq = 6",
            7,
        ),
    ],
)
async def test_a_changed_or_missing_record_breaks_the_chain(store: Store, statement: str, broken_at: int) -> None:
    await some_records(store, 6)
    await tamper(store, statement)
    assert (await report(store)).broken_at == broken_at


@pytest.mark.parametrize("statement", ["UPDATE audit_log SET result = 'x'", "DELETE FROM audit_log"])
async def test_the_database_itself_refuses_to_change_the_log(store: Store, statement: str) -> None:
    await some_records(store, 1)

    async def change() -> None:
        async with store.write() as session:
            await session.execute(text(statement))

    with pytest.raises(Exception, match="append-only"):
        await change()


def test_the_cookie_is_secure_by_setting_and_two_copies_on_one_host_do_not_share_it() -> None:
    assert Settings().session_cookie != Settings(port_base=20_000).session_cookie
    assert Settings().cookie_secure is False
    assert Settings(cookie_secure=True).cookie_secure is True
