"""Signing in to a seat: a SIP password, a row, a member of the queue; all or nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import event, select, update
from sqlalchemy.exc import OperationalError

from api import errors
from api.auth.permissions import Role
from api.auth.routes import router as session_router
from api.shifts.opened import open_shifts
from api.shifts.routes import router as shifts_router
from api.shifts.service import Phones, SeatLeft, kind_of, lock, resumed
from api.store.engine import Store
from api.store.tables import AuditRecord, User, UserSkill
from telephony.agents import Agent
from telephony.commands import (
    ExtendWrapUp,
    FinishWrapUp,
    Pause,
    Ready,
    RecoverCall,
    ReportDevice,
    SignIn,
    SignOut,
    WorkplacePart,
)
from telephony.dialplan.topology import RESERVE, DeskPhone
from telephony.errors import ActionUnanswered, Refused, SwitchUnavailable, UnknownAgent
from telephony.events import AgentStatus, PauseReason
from telephony.ids import AgentId, QueueName, SeatId
from telephony.targets import SeatKind
from tests.api.desk import Desk, Person

SKILLS = {"housing": 3, "hotline": 1}


@dataclass
class Keys:
    """Remembers what the switch would."""

    minted: list[str] = field(default_factory=list)
    revoked: list[str] = field(default_factory=list)
    failure: Exception | None = None
    unlockable: Exception | None = None

    async def mint(self, seat: SeatId) -> str:
        if self.failure is not None:
            raise self.failure
        self.minted.append(seat)
        return f"password-{len(self.minted)}"

    async def revoke(self, seat: SeatId) -> None:
        if self.unlockable is not None:
            raise self.unlockable
        self.revoked.append(seat)


@dataclass
class ShiftDesk:
    desk: Desk
    keys: Keys

    async def open_seats(self) -> list[str]:
        async with self.desk.shared.store.read() as session:
            return [shift.seat for shift in await open_shifts(session)]

    def seat(self, agent_id: str = "8001", status: AgentStatus = AgentStatus.READY, *, seat: str = "") -> None:
        """What the switchboard would know after a sign-in."""
        now, kind = self.desk.clock(), kind_of(self.desk.shared.topology, seat)
        agent = Agent(
            id=AgentId(agent_id),
            seat=SeatId(seat or agent_id),
            kind=kind,
            queues=(),
            status=status,
            since=now,
            signed_in_at=now,
        )
        self.desk.switch.switchboard.agents[agent.id] = agent


@pytest.fixture
def shifts(desk: Desk) -> ShiftDesk:
    keys = Keys()
    phones = Phones(keys=keys, ws_url="ws://127.0.0.1:12346/ws", domain="127.0.0.1")
    app = FastAPI()
    for router in (session_router, shifts_router):
        app.include_router(router, prefix="/api/v1")
    errors.install(app)

    async def with_state(scope: Any, receive: Any, send: Any) -> None:
        scope["state"] = {"shared": desk.shared, "phones": phones}
        await app(scope, receive, send)

    return ShiftDesk(desk=replace(desk, app=with_state), keys=keys)


async def test_signing_in_gives_the_phone_what_it_registers_with(shifts: ShiftDesk) -> None:
    me = await shifts.desk.person("8001")
    answer = await me.post("/shift/sign-in", {})
    assert answer.status_code == 200
    assert answer.json() == {
        "agent_id": "8001",
        "seat": "8001",
        "seat_kind": "softphone",
        "sip": {
            "uri": "sip:8001@127.0.0.1",
            "ws_url": "ws://127.0.0.1:12346/ws",
            "password": "password-1",
            "realm": "asterisk",
        },
        "agent": None,
    }
    assert answer.headers["cache-control"] == "no-store"
    assert shifts.desk.switch.asked == [
        SignIn(
            agent_id=AgentId("8001"),
            seat=SeatId("8001"),
            queues=(QueueName("hotline"), QueueName("housing")),
            levels={QueueName("hotline"): 1, QueueName("housing"): 11},
        )
    ]
    assert await shifts.open_seats() == ["8001"]


async def test_a_reloaded_page_gets_a_new_password_and_changes_nothing_else(shifts: ShiftDesk) -> None:
    me = await shifts.desk.person("8001")
    await me.post("/shift/sign-in", {})
    shifts.seat(status=AgentStatus.TALKING)
    answer = await me.post("/shift/sign-in", {})
    assert answer.json()["sip"]["password"] == "password-2"
    assert answer.json()["agent"]["status"] == "talking"
    assert len(shifts.desk.switch.asked) == 1
    assert await shifts.open_seats() == ["8001"]
    async with shifts.desk.shared.store.read() as session:
        done = await session.scalars(select(AuditRecord.action).where(AuditRecord.object_type == "seat"))
    assert done.all() == ["shift.sign_in", "shift.new_password"]


async def test_a_retried_request_gets_the_same_password(shifts: ShiftDesk) -> None:
    me = await shifts.desk.person("8001")
    first = await me.post("/shift/sign-in", {}, key="k1")
    again = await me.post("/shift/sign-in", {}, key="k1")
    assert first.json() == again.json()
    assert shifts.keys.minted == ["8001"]


@pytest.mark.parametrize("failing", ["keys", "switch"])
async def test_a_switch_that_is_away_leaves_no_shift_behind(shifts: ShiftDesk, failing: str) -> None:
    me = await shifts.desk.person("8001")
    part = shifts.keys if failing == "keys" else shifts.desk.switch
    part.failure = SwitchUnavailable("down")
    answer = await me.post("/shift/sign-in", {})
    assert answer.status_code == 503
    assert answer.json()["error"] == "switch_unavailable"
    assert await shifts.open_seats() == []


async def test_a_sign_in_whose_outcome_is_unknown_is_kept(shifts: ShiftDesk) -> None:
    me = await shifts.desk.person("8001")
    shifts.desk.switch.failure = ActionUnanswered("QueueAdd")
    answer = await me.post("/shift/sign-in", {})
    assert answer.status_code == 202
    assert await shifts.open_seats() == ["8001"]


async def test_signing_out_voids_the_password_and_ends_the_shift(shifts: ShiftDesk) -> None:
    me = await shifts.desk.person("8001")
    await me.post("/shift/sign-in", {})
    answer = await me.post("/shift/sign-out")
    assert answer.status_code == 204
    assert shifts.desk.switch.asked[-1] == SignOut(agent_id=AgentId("8001"))
    assert shifts.keys.revoked == ["8001"]
    assert await shifts.open_seats() == []


async def test_nobody_signs_out_of_a_call(shifts: ShiftDesk) -> None:
    me = await shifts.desk.person("8001")
    await me.post("/shift/sign-in", {})
    shifts.desk.switch.failure = Refused(command="SignOut", state="talking", reason="in a call")
    answer = await me.post("/shift/sign-out")
    assert answer.status_code == 409
    assert shifts.keys.revoked == []
    assert await shifts.open_seats() == ["8001"]


async def test_a_seat_has_one_person(shifts: ShiftDesk) -> None:
    me = await shifts.desk.person("8001")
    await me.post("/shift/sign-in", {})
    async with colleague_at(shifts, seat="8001") as other:
        answer = await other.post("/shift/sign-in", {})
    assert answer.status_code == 409
    assert await shifts.open_seats() == ["8001"]


@asynccontextmanager
async def colleague_at(shifts: ShiftDesk, *, seat: str) -> AsyncIterator[Person]:
    """Another person whose account names the same phone."""
    from api.auth.users import create_user
    from tests.api.desk import PASSWORD

    common = shifts.desk.shared
    await create_user(
        common.store,
        common.passwords,
        username="8002",
        display_name="座席8002",
        role=Role.OPERATOR,
        password=PASSWORD,
        agent_id="8002",
        seat=seat,
        now=shifts.desk.clock(),
    )
    person = await shifts.desk.sign_in("8002")
    yield person
    await person.client.aclose()


@pytest.mark.parametrize(
    ("path", "body", "command"),
    [
        ("/shift/status", {"status": "ready"}, Ready(agent_id=AgentId("8001"))),
        (
            "/shift/status",
            {"status": "paused", "reason": "meal"},
            Pause(agent_id=AgentId("8001"), reason=PauseReason.MEAL),
        ),
        ("/shift/wrap-up/extend", {"seconds": 60}, ExtendWrapUp(agent_id=AgentId("8001"), seconds=60)),
        ("/shift/wrap-up/finish", None, FinishWrapUp(agent_id=AgentId("8001"))),
        ("/shift/recover", None, RecoverCall(agent_id=AgentId("8001"))),
    ],
)
async def test_each_request_is_one_command(shifts: ShiftDesk, path: str, body: Any, command: object) -> None:
    me = await shifts.desk.person("8001")
    shifts.seat()
    answer = await me.post(path, body)
    assert answer.status_code == 200
    assert answer.json()["outcome"] == "done"
    assert answer.json()["agent"]["id"] == "8001"
    assert shifts.desk.switch.asked == [command]


@pytest.mark.parametrize(
    "body",
    [
        {"status": "paused"},
        {"status": "paused", "reason": "device_lost"},
        {"status": "ready", "reason": "meal"},
        {"status": "gone"},
    ],
)
async def test_a_status_that_nobody_can_choose_is_refused(shifts: ShiftDesk, body: Any) -> None:
    me = await shifts.desk.person("8001")
    answer: httpx.Response = await me.post("/shift/status", body)
    assert answer.status_code == 422
    assert shifts.desk.switch.asked == []


async def test_a_call_is_recovered_once_however_often_it_is_asked(shifts: ShiftDesk) -> None:
    me = await shifts.desk.person("8001")
    shifts.seat(status=AgentStatus.TALKING)
    answers = await asyncio.gather(*(me.post("/shift/recover", key="once") for _ in range(3)))
    assert {(answer.status_code, answer.json()["outcome"]) for answer in answers} == {(200, "done")}
    assert shifts.desk.switch.asked == [RecoverCall(agent_id=AgentId("8001"))]


@pytest.mark.parametrize(
    ("failure", "status", "result"),
    [
        (Refused(command="RecoverCall", state="ready", reason="no call to recover"), 409, "refused"),
        (UnknownAgent("8001"), 404, "not_signed_in_to_a_seat"),
        (None, 200, "done"),
    ],
)
async def test_a_recovery_is_audited_with_what_became_of_it(
    shifts: ShiftDesk, failure: Exception | None, status: int, result: str
) -> None:
    me = await shifts.desk.person("8001")
    shifts.desk.switch.failure = failure
    assert (await me.post("/shift/recover")).status_code == status
    async with shifts.desk.shared.store.read() as session:
        kept = (await session.scalars(select(AuditRecord).where(AuditRecord.action == "shift.recover"))).one()
    assert (kept.username, kept.object_id, kept.result) == ("8001", "8001", result)


async def test_only_who_takes_calls_can_recover_one(shifts: ShiftDesk) -> None:
    for role in (Role.DISPATCHER, Role.ADMIN):
        person = await shifts.desk.person(role.value, role, agent=False)
        assert (await person.post("/shift/recover")).status_code == 403
    assert (await shifts.desk.browser().post("/api/v1/shift/recover")).status_code == 401
    assert shifts.desk.switch.asked == []


async def test_an_account_without_a_seat_or_a_role_without_shifts_has_none(shifts: ShiftDesk) -> None:
    for username, role in (("dispatcher", Role.DISPATCHER), ("supervisor", Role.SUPERVISOR)):
        person = await shifts.desk.person(username, role, agent=False)
        assert (await person.post("/shift/sign-in", {})).status_code == 403
    assert shifts.desk.switch.asked == []


async def test_a_server_that_comes_back_seats_everybody_again(shifts: ShiftDesk) -> None:
    for username in ("8001", "8002"):
        person = await shifts.desk.person(username)
        await person.post("/shift/sign-in", {})
    async with shifts.desk.shared.store.read() as session:
        again = await resumed(session, await open_shifts(session), "hotline", shifts.desk.shared.topology)
    assert [sign_in.agent_id for sign_in in again] == ["8001", "8002"]
    assert [sign_in.levels for sign_in in again] == 2 * [{"hotline": 1, "housing": 11}], "housing overflows into it"


# what a person serves, and with what --------------------------------------------------------------------------------


async def test_skills_say_which_queues_a_person_serves_and_at_which_level(shifts: ShiftDesk) -> None:
    me = await shifts.desk.person("8001")
    async with shifts.desk.shared.store.write() as session:
        user_id = await session.scalar(select(User.id).where(User.username == "8001"))
        session.add_all([UserSkill(user_id=user_id, queue=queue, level=level) for queue, level in SKILLS.items()])
    await me.post("/shift/sign-in", {})
    [sign_in] = shifts.desk.switch.asked
    assert isinstance(sign_in, SignIn)
    assert (set(sign_in.queues), dict(sign_in.levels)) == (set(SKILLS), SKILLS)
    async with shifts.desk.shared.store.read() as session:
        again = await resumed(session, await open_shifts(session), "hotline", shifts.desk.shared.topology)
    assert again == (sign_in,)


async def test_a_supervisor_without_skills_is_the_reserve_and_has_a_phone(shifts: ShiftDesk) -> None:
    me = await shifts.desk.person("9001", Role.SUPERVISOR)
    assert (await me.post("/shift/sign-in", {})).status_code == 200
    [sign_in] = shifts.desk.switch.asked
    assert isinstance(sign_in, SignIn)
    assert (sign_in.agent_id, sign_in.levels) == ("9001", {"hotline": RESERVE})


@pytest.mark.parametrize("works", [True, False])
async def test_the_page_says_whether_its_microphone_works(shifts: ShiftDesk, works: bool) -> None:
    me = await shifts.desk.person("8001")
    answer = await me.post("/shift/device", {"works": works})
    assert (answer.status_code, answer.json()["outcome"]) == (200, "done")
    assert shifts.desk.switch.asked == [ReportDevice(agent_id=AgentId("8001"), works=works)]


async def test_a_new_page_forgets_that_the_old_one_had_no_microphone(shifts: ShiftDesk) -> None:
    me = await shifts.desk.person("8001")
    await me.post("/shift/sign-in", {})
    shifts.seat(status=AgentStatus.PAUSED)
    agents = shifts.desk.switch.switchboard.agents
    agents[AgentId("8001")] = replace(agents[AgentId("8001")], broken=frozenset({WorkplacePart.MICROPHONE}))
    await me.post("/shift/sign-in", {})
    assert shifts.desk.switch.asked[-1] == ReportDevice(agent_id=AgentId("8001"), works=True)


async def test_a_seat_is_locked_unless_somebody_has_sat_down_there_again(shifts: ShiftDesk) -> None:
    phones = Phones(keys=shifts.keys, ws_url="", domain="")
    await lock(shifts.desk.shared, phones, SeatId("8001"))
    assert shifts.keys.revoked == ["8001"]
    shifts.seat("8002")
    await lock(shifts.desk.shared, phones, SeatId("8002"))
    assert shifts.keys.revoked == ["8001"]


# desk phones ----------------------------------------------------------------------------------------------------------
@pytest.fixture
def desk_phones(shifts: ShiftDesk) -> ShiftDesk:
    """Two desk phones beside the browsers' seats."""
    phones = [DeskPhone(seat=seat, allow=["192.0.2.0/24"]) for seat in ("8101", "8102")]
    common = shifts.desk.shared
    object.__setattr__(common, "topology", common.topology.model_copy(update={"desk_phones": phones}))
    return shifts


async def test_at_a_desk_phone_no_password_is_made_and_none_taken_away(desk_phones: ShiftDesk) -> None:
    me = await desk_phones.desk.person("8001")
    answer = await me.post("/shift/sign-in", {"seat": "8101"})
    assert answer.status_code == 200
    assert (answer.json()["seat"], answer.json()["seat_kind"], answer.json()["sip"]) == ("8101", "desk_phone", None)
    [asked] = desk_phones.desk.switch.asked
    assert isinstance(asked, SignIn)
    assert (asked.seat, asked.kind, set(asked.queues)) == ("8101", SeatKind.DESK_PHONE, {"hotline", "housing"})
    assert await desk_phones.open_seats() == ["8101"]
    desk_phones.seat(seat="8101")
    again = await me.post("/shift/sign-in", {})
    assert (again.json()["seat"], again.json()["seat_kind"]) == ("8101", "desk_phone"), "a reloaded page need not know"
    assert again.json()["agent"]["seat_kind"] == "desk_phone"
    assert (await me.post("/shift/sign-out")).status_code == 204
    assert (desk_phones.keys.minted, desk_phones.keys.revoked) == ([], [])
    assert await desk_phones.open_seats() == []


async def test_a_person_with_a_work_number_and_no_seat_sits_down_at_a_desk_phone(desk_phones: ShiftDesk) -> None:
    await desk_phones.desk.person("9001", Role.SUPERVISOR)
    async with desk_phones.desk.shared.store.write() as session:
        await session.execute(update(User).where(User.username == "9001").values(seat=None))
    me = await desk_phones.desk.sign_in("9001")
    assert (me.session["user"]["agent_id"], me.session["user"]["seat"]) == ("9001", None)
    assert [one["seat"] for one in (await me.get("/shift/seats")).json()] == ["8101", "8102"]
    unsaid = await me.post("/shift/sign-in", {})
    assert (unsaid.status_code, unsaid.json()["field"]) == (422, "seat")
    assert (await me.post("/shift/sign-in", {"seat": "8001"})).status_code == 422, "a browser's seat is its owner's"
    answer = await me.post("/shift/sign-in", {"seat": "8101"})
    assert (answer.status_code, answer.json()["seat"], answer.json()["seat_kind"]) == (200, "8101", "desk_phone")
    desk_phones.seat("9001", seat="8101")
    assert (await me.post("/shift/sign-in", {})).json()["seat"] == "8101"
    assert (await me.post("/shift/status", {"status": "paused", "reason": "meal"})).status_code == 200
    assert (await me.post("/shift/sign-out")).status_code == 204
    assert await desk_phones.open_seats() == []


async def test_who_may_sit_where(desk_phones: ShiftDesk) -> None:
    me = await desk_phones.desk.person("8001")
    for seat in ("8002", "8103"):
        refused = await me.post("/shift/sign-in", {"seat": seat})
        assert (refused.status_code, refused.json()["field"]) == (422, "seat")
    await me.post("/shift/sign-in", {"seat": "8102"})
    desk_phones.seat(seat="8102")
    async with colleague_at(desk_phones, seat="8002") as other:
        assert (await other.post("/shift/sign-in", {"seat": "8102"})).status_code == 409
        seats = await other.get("/shift/seats")
    assert seats.json() == [
        {"seat": "8002", "kind": "softphone", "own": True, "taken_by": None},
        {"seat": "8101", "kind": "desk_phone", "own": False, "taken_by": None},
        {"seat": "8102", "kind": "desk_phone", "own": False, "taken_by": "8001"},
    ]


async def test_a_server_that_comes_back_knows_what_phone_it_is(desk_phones: ShiftDesk) -> None:
    me = await desk_phones.desk.person("8001")
    await me.post("/shift/sign-in", {"seat": "8101"})
    common = desk_phones.desk.shared
    async with common.store.read() as session:
        [again] = await resumed(session, await open_shifts(session), "hotline", common.topology)
    assert (again.seat, again.kind) == ("8101", SeatKind.DESK_PHONE)


async def test_a_desk_phone_is_never_locked(desk_phones: ShiftDesk) -> None:
    phones = Phones(keys=desk_phones.keys, ws_url="", domain="")
    await lock(desk_phones.desk.shared, phones, SeatId("8101"))
    assert desk_phones.keys.revoked == []


async def test_whoever_revisits_is_served_no_queue_whatever_the_skills(shifts: ShiftDesk) -> None:
    me = await shifts.desk.person("7001", Role.REVISIT)
    async with shifts.desk.shared.store.write() as session:
        user_id = await session.scalar(select(User.id).where(User.username == "7001"))
        assert user_id is not None
        session.add(UserSkill(user_id=user_id, queue="hotline"))
    assert (await me.post("/shift/sign-in", {})).status_code == 200
    [asked] = shifts.desk.switch.asked
    assert isinstance(asked, SignIn)
    assert asked.queues == ()


# ending a shift while something is away -------------------------------------------------------------------------------
async def test_a_seat_that_cannot_be_locked_now_ends_the_shift_and_is_told(shifts: ShiftDesk) -> None:
    me = await shifts.desk.person("8001")
    await me.post("/shift/sign-in", {})
    shifts.keys.unlockable = ActionUnanswered("revoke")
    assert (await me.post("/shift/sign-out")).status_code == 204
    assert await shifts.open_seats() == []
    assert SeatLeft(seat=SeatId("8001")) in shifts.desk.published


async def test_a_shift_ends_while_the_database_is_away_and_is_closed_when_it_is_back(shifts: ShiftDesk) -> None:
    me = await shifts.desk.person("8001")
    await me.post("/shift/sign-in", {})
    common = shifts.desk.shared
    async with database_away(common.store):
        answer = await me.post("/shift/sign-out")
        assert answer.status_code == 204
        assert shifts.desk.switch.asked[-1] == SignOut(agent_id=AgentId("8001"))
        refused = await me.post("/shift/sign-in", {})
        assert (refused.status_code, refused.json()["error"]) == (503, "records_unavailable")
    assert await common.standby.records.drain(30)
    assert await shifts.open_seats() == []
    async with common.store.read() as session:
        done = await session.scalars(select(AuditRecord.action).where(AuditRecord.object_type == "seat"))
    assert done.all() == ["shift.sign_in", "shift.sign_out"]


@asynccontextmanager
async def database_away(store: Store) -> AsyncIterator[None]:
    """Every new transaction fails as it does when nobody listens there."""

    def refuse(*_: object) -> None:
        raise OperationalError("BEGIN", {}, ConnectionRefusedError())

    event.listen(store.engine.sync_engine, "begin", refuse)
    try:
        yield
    finally:
        event.remove(store.engine.sync_engine, "begin", refuse)
