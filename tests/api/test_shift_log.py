"""The shift log: what operators did, each change once; shifts that a supervisor ended; who may read it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select, text

from api.auth.permissions import Role
from api.shifts.log import ShiftLog
from api.shifts.log_routes import router as log_router
from api.shifts.opened import open_shifts
from api.store.tables import AgentLogRecord, Shift, User
from telephony.commands import ForceSignOut, Pause
from telephony.events import PauseReason
from telephony.ids import AgentId, SeatId
from tests.api.desk import START, Desk
from tests.api.statements import statements
from tests.fakes.stories import Story
from tests.telephony.stage import Stage

ME = AgentId("8001")


class Book:
    """A shift log on a real database, behind a real switchboard."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.locked: list[SeatId] = []
        self.log = ShiftLog(desk.shared.store, dismissed=self.locked.append)
        self.stage = Stage()
        self.stage.go_live()

    async def write(self) -> None:
        for event in self.stage.events:
            self.log.put(event)
        assert await self.log.drain(10)


@pytest.fixture
async def book(desk: Desk, app: FastAPI) -> AsyncIterator[Book]:
    app.include_router(log_router, prefix="/api/v1")
    made = Book(desk)
    running = asyncio.create_task(made.log.run())
    yield made
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def rows(book: Book, path: str, username: str, role: Role) -> httpx.Response:
    person = await book.desk.person(username, role)
    return await person.get(path)


async def test_every_change_is_a_row_with_its_span(book: Book) -> None:
    story = Story()
    book.stage.sign_in()
    book.stage.tell(story.arrive() + story.join() + story.ring("8001") + story.answer() + story.caller_hangs_up(30.0))
    book.stage.ask(Pause(agent_id=ME, reason=PauseReason.MEAL))
    book.stage.wait(61.0)
    await book.write()
    answer = await rows(book, "/shifts/log", "8001", Role.OPERATOR)
    assert answer.status_code == 200
    found = answer.json()["items"][::-1]
    assert [row["status"] or row["kind"] for row in found] == [
        "signed_in",
        "ready",
        "ringing",
        "talking",
        "wrapping_up",
        "paused",
    ]
    assert found[-1]["reasons"] == ["meal", "wrap_up_overrun"]
    assert found[-1]["until"] is None
    assert [row["until"] for row in found[:-1]] == [row["at"] for row in found[1:]]
    assert {row["call_id"] for row in found if row["status"] in ("ringing", "talking")} == {story.call_id}


async def test_a_change_that_comes_twice_is_one_row(book: Book) -> None:
    book.stage.sign_in()
    await book.write()
    again = ShiftLog(book.desk.shared.store, dismissed=book.locked.append)
    running = asyncio.create_task(again.run())
    for event in book.stage.events:
        again.put(event)
    assert await again.drain(10)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    async with book.desk.shared.store.read() as session:
        assert await session.scalar(select(func.count()).select_from(AgentLogRecord)) == 2


async def test_a_shift_that_a_supervisor_ended_is_closed_and_its_seat_locked(book: Book) -> None:
    await book.desk.person("8001")
    async with book.desk.shared.store.write() as session:
        user_id = await session.scalar(select(User.id).where(User.username == "8001"))
        session.add(Shift(user_id=user_id, agent_id="8001", seat="8001", started_at=START - timedelta(hours=1)))
    book.stage.sign_in()
    book.stage.ask(ForceSignOut(agent_id=ME))
    await book.write()
    async with book.desk.shared.store.read() as session:
        assert await open_shifts(session) == []
    assert book.locked == ["8001"]


async def test_an_operator_reads_the_own_log_and_a_supervisor_all(book: Book) -> None:
    for agent in ("8001", "8002"):
        book.stage.sign_in(agent)
    await book.write()
    own = await rows(book, "/shifts/log", "8001", Role.OPERATOR)
    assert {row["agent_id"] for row in own.json()["items"]} == {"8001"}
    other = await rows(book, "/shifts/log?agent_id=8001", "8003", Role.OPERATOR)
    assert other.status_code == 403
    everybody = await rows(book, "/shifts/log", "9001", Role.SUPERVISOR)
    assert {row["agent_id"] for row in everybody.json()["items"]} == {"8001", "8002"}
    admin = await book.desk.person("admin", Role.ADMIN, agent=False)
    assert (await admin.get("/shifts/log")).status_code == 403


async def test_a_day_is_a_local_one(book: Book) -> None:
    book.stage.sign_in()
    await book.write()
    supervisor = await book.desk.person("9001", Role.SUPERVISOR)
    day = START.astimezone(book.desk.shared.settings.zone).date()
    for shift, count in ((0, 2), (1, 0), (-1, 0)):
        answer = await supervisor.get(f"/shifts/log?day={day + timedelta(days=shift)}")
        assert answer.json()["total"] == count


async def test_the_log_is_read_from_either_end_and_of_days_that_there_are(book: Book) -> None:
    for agent in ("8001", "8002"):
        book.stage.sign_in(agent)
    await book.write()
    boss = await book.desk.person("9001", Role.SUPERVISOR)
    found = [(await boss.get(f"/shifts/log?sort={sort}")).json()["items"] for sort in ("at", "-at")]
    assert [row["at"] for row in found[0]] == sorted(row["at"] for row in found[0])
    assert found[1] == found[0][::-1]
    for day in ("0001-01-01", "9999-12-31", "today"):
        answer = await boss.get(f"/shifts/log?day={day}")
        assert (answer.status_code, answer.json()["field"]) == (422, "day")


async def test_a_span_ends_with_the_next_change_wherever_that_stands(book: Book) -> None:
    """On another page, on another day, or in the same moment; other people's changes end nothing."""
    moments = [("8001", 0), ("8002", 5), ("8001", 10), ("8001", 10), ("8001", 86_400), ("8002", 86_405)]
    async with book.desk.shared.store.write() as session:
        for number, (agent_id, seconds) in enumerate(moments):
            session.add(
                AgentLogRecord(
                    agent_id=agent_id,
                    at=START + timedelta(seconds=seconds),
                    kind="status",
                    status="ready",
                    reasons=[],
                    event_key=str(number),
                )
            )
            await session.flush()
    boss = await book.desk.person("9001", Role.SUPERVISOR)
    zone = book.desk.shared.settings.zone
    spans = []
    for page in (1, 2, 3):
        params = {"sort": "at", "size": 2, "page": page, "day": str(START.astimezone(zone).date())}
        for row in (await boss.get("/shifts/log", params=params)).json()["items"]:
            spans.append((row["agent_id"], *(seconds_since(row[name]) for name in ("at", "until"))))
    assert spans == [("8001", 0, 10), ("8002", 5, 86_405), ("8001", 10, 10), ("8001", 10, 86_400)]


async def test_the_next_change_is_looked_up_in_the_index(book: Book) -> None:
    store = book.desk.shared.store
    boss = await book.desk.person("9001", Role.SUPERVISOR)
    with statements(store) as asked:
        assert (await boss.get("/shifts/log")).status_code == 200
    (question,) = [one for one in asked if "agent_log" in one and "count(" not in one]
    assert "OVER" not in question.upper(), "no window over the whole log"
    if store.engine.dialect.name == "sqlite":
        async with store.read() as session:
            plan = await session.execute(text(f"EXPLAIN QUERY PLAN {question}".replace("?", "0")))
            said = [row[-1] for row in plan]
        assert any("USING INDEX ix_agent_log_agent_id_at" in one or "USING COVERING INDEX" in one for one in said), said


def seconds_since(at: str) -> float:
    return (datetime.fromisoformat(at) - START).total_seconds()
