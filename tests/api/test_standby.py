"""Call control while the database is away: sessions, keys and the audit log do without it, and catch up once each."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import select

from api.auth import audit
from api.auth.keys import HeldKeys, KeyClaim, Stored
from api.auth.known import KnownSessions
from api.auth.passwords import Passwords
from api.auth.permissions import Role
from api.auth.sessions import Held, SignedIn
from api.errors import KeyReused, StillRunning
from api.handoffs.events import ReceiptGiven
from api.handoffs.recorder import HandoffRecorder
from api.settings import Settings
from api.store.engine import Store
from api.store.migrate import migrate
from api.store.reach import DatabaseAway, Reach
from api.store.sealing import Keyring
from api.store.tables import AuditRecord, HandoffRecord, IdempotencyKey
from telephony import errors
from telephony.commands import CallTarget, HangUpCall
from telephony.ids import AgentId, CallId
from telephony.targets import Target, TargetKind, TransferMode
from tests.api.conftest import desk_on
from tests.api.desk import START, Desk, Person
from tests.api.postgres import cluster, make_database

CALL, ME = CallId("1.1"), AgentId("8001")
POLICE = {"target": {"kind": "centre", "value": "110"}, "mode": "three_way"}
TO_THE_POLICE = CallTarget(
    call_id=CALL, agent_id=ME, target=Target(kind=TargetKind.CENTRE, value="110"), mode=TransferMode.THREE_WAY
)
DONE = {"outcome": "done", "transfer": None}


class Outage:
    """A desk whose database can be taken away."""

    def __init__(self, desk: Desk, away: Callable[[], Any], back: Callable[[], Any]) -> None:
        self.desk = desk
        self._away, self._back = away, back

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[None]:
        await asyncio.to_thread(self._away)
        yield
        await asyncio.to_thread(self._back)

    async def operator(self) -> Person:
        """Has just asked for something, and talks."""
        person = await self.desk.person("8001")
        assert (await person.get("/session")).status_code == 200
        self.desk.switch.talking(CALL, ME)
        return person

    async def recorded(self, model: type[Any]) -> list[Any]:
        """Once all that waited is written."""
        assert await self.desk.shared.standby.records.drain(30)
        async with self.desk.shared.store.read() as session:
            return list((await session.scalars(select(model))).all())

    async def audited(self) -> list[tuple[str, str, Any]]:
        """What was done to the call; the whole chain must hold."""
        rows = await self.recorded(AuditRecord)
        async with self.desk.shared.store.read() as session:
            assert (await audit.verify_chain(session, self.desk.shared.store.keyring)).intact
        return [(row.action, row.result, row.at) for row in rows if row.object_id == CALL]


@asynccontextmanager
async def locked_sqlite(folder: Path, **more: Any) -> AsyncIterator[Outage]:
    """Somebody else writes and does not end."""
    path = folder / "hotline.db"
    url = f"sqlite+aiosqlite:///{path}"
    await migrate(url)
    store = Store(url, Keyring.load(folder / "keys"), busy_timeout_s=0.3, spool_dir=folder / "spool")
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    with closing(other):
        async with desk_on(store, folder=folder, **more) as desk:
            yield Outage(desk, lambda: other.execute("BEGIN EXCLUSIVE"), lambda: other.execute("ROLLBACK"))
        await store.close()


@asynccontextmanager
async def stopped_postgresql(folder: Path, **more: Any) -> AsyncIterator[Outage]:
    with cluster() as server:
        url = make_database(server.url, "hotline")
        await migrate(url)
        store = Store(url, Keyring.load(folder / "keys"), spool_dir=folder / "spool")
        async with desk_on(store, folder=folder, **more) as desk:
            yield Outage(desk, lambda: server.stop(at_once=True), server.start)
        await store.close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def outage(
    request: pytest.FixtureRequest, tmp_path: Path, passwords: Passwords, app: FastAPI
) -> AsyncIterator[Outage]:
    opened = locked_sqlite if request.param == "sqlite" else stopped_postgresql
    async with opened(tmp_path, passwords=passwords, app=app) as made:
        yield made


# commands while it is away --------------------------------------------------------------------------------------------
async def test_a_caller_is_sent_to_the_police_and_the_call_ended_without_a_database(outage: Outage) -> None:
    desk = outage.desk
    person = await outage.operator()
    async with outage():
        began = time.monotonic()
        sent = await person.post("/calls/1.1/transfers", POLICE, key="one")
        first_s = time.monotonic() - began
        assert (sent.status_code, sent.json()) == (202, DONE), sent.text
        desk.clock.forward(7)
        ended = await person.post("/calls/1.1/hang-up", key="two")
        assert (ended.status_code, ended.json()) == (200, {"outcome": "done"}), ended.text
        assert first_s < 4
        assert desk.switch.asked == [TO_THE_POLICE, HangUpCall(call_id=CALL, agent_id=ME)]
        assert (await person.get("/transfer-targets")).json()["centres"][0]["code"] == "110"
    desk.clock.forward(60)
    assert await outage.audited() == [
        ("call.transfer", "done", START),
        ("call.hang_up", "done", START + timedelta(seconds=7)),
    ]
    keys = await outage.recorded(IdempotencyKey)
    assert sorted((row.key, row.status) for row in keys) == [("one", 202), ("two", 200)]


async def test_a_double_click_dials_once_also_across_the_moment_when_it_comes_back(outage: Outage) -> None:
    person = await outage.operator()
    async with outage():
        both = await asyncio.gather(*(person.post("/calls/1.1/transfers", POLICE, key="one") for _ in range(2)))
        assert [answer.json() for answer in both] == [DONE] * 2
        other = await person.post("/calls/1.1/transfers", POLICE | {"mode": "consult"}, key="one")
        assert (other.status_code, other.json()["error"]) == (422, "key_reused")
    again = await person.post("/calls/1.1/transfers", POLICE, key="one")
    assert (again.json(), again.headers["Idempotency-Replayed"]) == (DONE, "true")
    assert outage.desk.switch.asked == [TO_THE_POLICE]
    assert len(await outage.audited()) == 1


async def test_a_refusal_of_the_switch_is_told_and_audited_and_the_key_is_free_again(outage: Outage) -> None:
    person = await outage.operator()
    async with outage():
        outage.desk.switch.failure = errors.Refused(command="X", state="held", reason="another is under way")
        refused = await person.post("/calls/1.1/transfers", POLICE, key="one")
        assert (refused.status_code, refused.json()["error"]) == (409, "refused")
        outage.desk.switch.failure = None
        assert (await person.post("/calls/1.1/transfers", POLICE, key="one")).status_code == 202
    assert [result for _, result, _ in await outage.audited()] == ["refused", "done"]


async def test_a_receipt_given_on_leaving_is_kept_for_the_ledger(outage: Outage) -> None:
    desk, person = outage.desk, await outage.operator()
    desk.switch.transferring(CALL, ME, TO_THE_POLICE.target)
    ledger = HandoffRecorder(desk.shared.store, desk.shared.settings, desk.published.append)
    running = asyncio.create_task(ledger.run())
    async with outage():
        left = await person.post("/calls/1.1/transfer/leave", {"receipt": "0042"}, key="one")
        assert (left.status_code, left.json()["outcome"]) == (202, "done")
        for given in [one for one in desk.published if isinstance(one, ReceiptGiven)]:
            ledger.put(given)
        assert ledger.behind.pending == 1
    assert await ledger.drain(30)
    [row] = await outage.recorded(HandoffRecord)
    assert (row.receipt, row.transfer_id, row.version) == ("0042", "1.1-t1", 2)
    receipts = [one for one in await outage.recorded(AuditRecord) if one.action == "handoff.receipt"]
    assert [one.username for one in receipts] == ["8001"]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_what_needs_records_says_that_there_are_none(outage: Outage) -> None:
    person = await outage.operator()
    async with outage():
        answer = await person.post("/calls/1.1/reveal-number", {"reason": "核实地址"}, key="one")
        assert (answer.status_code, answer.json()["error"]) == (503, "records_unavailable")
        assert answer.headers["Retry-After"]
    assert await outage.audited() == []


async def test_who_has_no_part_in_a_call_commands_it_no_sooner(outage: Outage) -> None:
    await outage.operator()
    other = await outage.desk.person("8002")
    await other.get("/session")
    async with outage():
        assert (await other.post("/calls/1.1/hang-up")).status_code in (403, 503)
    assert outage.desk.switch.asked == []


@pytest.mark.postgres
async def test_a_session_is_honoured_without_a_database_for_a_while_and_never_once_it_was_ended(
    tmp_path: Path, passwords: Passwords, app: FastAPI
) -> None:
    async with stopped_postgresql(tmp_path, passwords=passwords, app=app) as outage:
        person = await outage.operator()
        leaving = await outage.desk.person("8002")
        await leaving.get("/session")
        async with outage():
            assert (await leaving.delete("/session")).status_code == 503
            assert (await leaving.get("/session")).status_code == 503
            forged = Person(outage.desk.browser(), person.session | {"csrf": "wrong"})
            forged.client.cookies = person.client.cookies
            assert (await forged.post("/calls/1.1/hang-up")).status_code == 403
            outage.desk.clock.forward(899)
            assert (await person.get("/session")).status_code == 200
            outage.desk.clock.forward(2)
            assert (await person.get("/session")).status_code == 503


SQLITE = pytest.mark.parametrize("outage", ["sqlite"], indirect=True)


@SQLITE
async def test_what_the_switch_did_is_recorded_by_the_next_process_if_this_one_ends(outage: Outage) -> None:
    person = await outage.operator()
    standby = outage.desk.shared.standby
    async with outage():
        assert (await person.post("/calls/1.1/hang-up", key="one")).status_code == 200
        async with asyncio.timeout(10):
            while standby.records.kept < standby.records.pending:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        kept = [path.read_bytes() for path in (outage.desk.shared.settings.home / "spool").rglob("*") if path.is_file()]
        assert kept
        assert not any(b"hang_up" in one or b"8001" in one for one in kept), "sealed"


@SQLITE
async def test_an_answer_of_an_earlier_process_is_given_again(outage: Outage) -> None:
    person = await outage.operator()
    assert (await person.post("/calls/1.1/hang-up", key="one")).status_code == 200
    assert await outage.desk.shared.standby.records.drain(10)
    outage.desk.shared.standby.keys = HeldKeys()
    again = await person.post("/calls/1.1/hang-up", key="one")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(outage.desk.switch.asked) == 1


# sessions in memory ---------------------------------------------------------------------------------------------------
def held(name: str, *, ends_s: float = 40_000) -> Held:
    me = SignedIn(
        user_id=1,
        username=name,
        display_name=name,
        role=Role.OPERATOR,
        agent_id=name,
        seat=name,
        session_hash=name,
        csrf="c",
        address="1.2.3.4",
    )
    return Held(me=me, seen_at=START, ends_at=START + timedelta(seconds=ends_s))


def later(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_a_session_is_remembered_for_a_quarter_of_an_hour_and_not_beyond_its_own_end(tmp_path: Path) -> None:
    known = KnownSessions(Settings(home=tmp_path))
    known.learn(held("a"), START)
    known.learn(held("b", ends_s=60), START)
    found = known.find("a", "5.6.7.8", later(900))
    assert found is not None
    assert found.address == "5.6.7.8"
    assert known.find("a", "", later(901)) is None
    assert known.find("b", "", later(60)) is not None
    assert known.find("b", "", later(61)) is None
    known.learn(held("a"), later(800))
    assert known.find("a", "", later(1700)) is not None


def test_an_idle_limit_that_is_shorter_holds(tmp_path: Path) -> None:
    known = KnownSessions(Settings(home=tmp_path, session_idle_s=30))
    known.learn(held("a"), START)
    assert known.find("a", "", later(31)) is None


def test_a_session_that_ended_is_not_remembered_again_by_a_late_answer(tmp_path: Path) -> None:
    known = KnownSessions(Settings(home=tmp_path))
    known.learn(held("a"), START)
    known.forget("a")
    known.learn(held("a"), START)
    assert known.find("a", "", START) is None


def test_no_more_sessions_are_remembered_than_may_be(tmp_path: Path) -> None:
    known = KnownSessions(Settings(home=tmp_path), most=2)
    for name in ("a", "b", "a", "c"):
        known.learn(held(name), START)
    assert [known.find(name, "", START) is not None for name in "abc"] == [True, False, True]
    assert len(known) == 2


# keys in memory -------------------------------------------------------------------------------------------------------
ANSWER = Stored(status=202, media_type="application/json", body="{}")


def claim(key: str = "k", request: str = "r") -> KeyClaim:
    return KeyClaim(user_id=1, key=key, request_hash=request, claimed_at=START)


async def test_a_key_in_memory_is_one_request_waited_for_and_given_back_when_it_failed() -> None:
    keys = HeldKeys()
    assert await keys.claim(claim(), wait_s=1) is None
    with pytest.raises(KeyReused):
        await keys.claim(claim(request="other"), wait_s=1)
    with pytest.raises(StillRunning):
        await keys.claim(claim(), wait_s=0.01)
    second = asyncio.create_task(keys.claim(claim(), wait_s=5))
    await asyncio.sleep(0)
    keys.settle(claim(), None)
    assert await second is None
    keys.settle(claim(), ANSWER)
    assert await keys.claim(claim(), wait_s=1) is ANSWER


async def test_of_too_many_keys_the_oldest_answered_go_and_never_one_that_is_worked_on() -> None:
    keys = HeldKeys(most=2)
    assert await keys.claim(claim("running"), wait_s=1) is None
    for name in ("a", "b", "c"):
        assert await keys.claim(claim(name), wait_s=1) is None
        keys.settle(claim(name), ANSWER)
    assert len(keys) == 2
    assert await keys.claim(claim("c"), wait_s=1) is ANSWER
    with pytest.raises(StillRunning):
        await keys.claim(claim("running"), wait_s=0.01)


# asking without waiting -----------------------------------------------------------------------------------------------
async def test_a_database_that_is_late_is_not_waited_for_nor_asked_again_at_once() -> None:
    clock, asked, answer = [0.0], 0, asyncio.Event()
    reach = Reach(patience_s=0.01, again_s=2, clock=lambda: clock[0])

    async def ask() -> str:
        nonlocal asked
        asked += 1
        await answer.wait()
        return "here"

    for _ in range(3):
        with pytest.raises(DatabaseAway):
            await reach.ask(ask)
    assert asked == 1
    clock[0], _ = 3.0, answer.set()
    assert await reach.ask(ask) == "here"
    answer.clear()
    clock[0] = 6.0
    with pytest.raises(DatabaseAway):
        await reach.ask(ask)
    await reach.close()


async def test_an_error_of_the_work_itself_is_no_absence() -> None:
    async def wrong() -> None:
        raise KeyReused

    reach = Reach()
    with pytest.raises(KeyReused):
        await reach.ask(wrong)
    with pytest.raises(KeyReused):
        await reach.ask(wrong)
