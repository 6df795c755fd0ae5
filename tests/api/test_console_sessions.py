"""Sessions behind open consoles: asked for together, kept while somebody sits at a seat, ended when they have ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select, update

from api.auth.permissions import Role
from api.auth.sessions import hashed
from api.live.sessions import ConsoleSessions
from api.live.viewers import Viewer
from api.store.engine import Store
from api.store.tables import SignInSession
from telephony.ids import AgentId, CallId
from tests.api.desk import Desk, Person
from tests.api.statements import statements
from tests.api.test_shifts import database_away


@dataclass
class Consoles:
    """The hub, as far as it is asked who is there."""

    open: set[Viewer] = field(default_factory=set)
    ended: list[str] = field(default_factory=list)

    def viewers(self) -> frozenset[Viewer]:
        return frozenset(self.open)

    def session_ended(self, session: str) -> None:
        self.ended.append(session)


def watch(desk: Desk, consoles: Consoles) -> ConsoleSessions:
    hub: Any = consoles
    return ConsoleSessions(desk.shared.standby, hub, desk.switch, desk.clock)


def console_of(desk: Desk, person: Person, role: Role = Role.OPERATOR) -> Viewer:
    user = person.session["user"]
    token = person.client.cookies[desk.shared.settings.session_cookie]
    agent_id = AgentId(user["agent_id"]) if user["agent_id"] else None
    return Viewer(session=hashed(token), user_id=user["id"], display_name="", role=role, agent_id=agent_id)


async def seen(store: Store, viewer: Viewer) -> object:
    async with store.read() as session:
        return await session.scalar(select(SignInSession.seen_at).where(SignInSession.token_hash == viewer.session))


async def test_many_consoles_are_one_question_and_once_a_minute_one_change(desk: Desk) -> None:
    consoles = Consoles()
    for name in ("8001", "8002", "8003"):
        consoles.open.add(console_of(desk, await desk.person(name)))
        desk.switch.talking(CallId(f"1.{name}"), name)
    watching = watch(desk, consoles)
    desk.clock.forward(120)
    with statements(desk.shared.store) as asked:
        await watching.look()
    assert [one.split()[0] for one in asked] == ["UPDATE", "SELECT"]
    for viewer in consoles.open:
        assert await seen(desk.shared.store, viewer) == desk.clock()
    with statements(desk.shared.store) as asked:
        for _ in range(5):
            desk.clock.forward(10)
            await watching.look()
    assert [one.split()[0] for one in asked] == ["SELECT"] * 5
    desk.clock.forward(11)
    with statements(desk.shared.store) as asked:
        await watching.look()
    assert [one.split()[0] for one in asked] == ["UPDATE", "SELECT"]
    assert consoles.ended == []


async def test_a_session_that_ended_elsewhere_ends_its_stream_and_others_go_on(desk: Desk) -> None:
    mine, other = console_of(desk, await desk.person("8001")), console_of(desk, await desk.person("8002"))
    consoles = Consoles({mine, other})
    async with desk.shared.store.write() as session:
        await session.execute(
            update(SignInSession).where(SignInSession.token_hash == other.session).values(ended_at=desk.clock())
        )
    await watch(desk, consoles).look()
    assert consoles.ended == [other.session]


async def test_who_only_looks_on_runs_out_and_who_sits_at_a_seat_does_not(desk: Desk) -> None:
    seated, onlooker = console_of(desk, await desk.person("8001")), console_of(desk, await desk.person("8002"))
    consoles = Consoles({seated, onlooker})
    desk.switch.talking(CallId("1.1"), "8001")
    watching = watch(desk, consoles)
    for _ in range(3):
        desk.clock.forward(desk.shared.settings.session_idle_s / 2)
        await watching.look()
    assert set(consoles.ended) == {onlooker.session}


async def test_while_the_database_is_away_nobody_is_put_out(desk: Desk) -> None:
    mine = console_of(desk, await desk.person("8001"))
    consoles = Consoles({mine})

    async with database_away(desk.shared.store):
        await watch(desk, consoles).look()
    assert consoles.ended == []
