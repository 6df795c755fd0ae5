"""Supervisors in calls of others, and what they do with operators: asked once, audited with the reason."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from api.auth.permissions import Role
from api.store.tables import AuditRecord, UserSkill
from telephony import errors
from telephony.commands import EndSupervision, ForcePause, ForceSignOut, LiftPause, Supervise, TakeOver
from telephony.ids import AgentId, CallId
from telephony.targets import SpyMode
from tests.api.desk import Desk

BOSS, CALL, OPERATOR = AgentId("9001"), CallId("1.1"), AgentId("8001")
WHY = {"reason": "连续三次未应答"}

COMMANDS: list[tuple[str, str, Any, Any]] = [
    (
        "POST",
        "/calls/1.1/supervision",
        {"mode": "whisper"},
        Supervise(call_id=CALL, agent_id=BOSS, mode=SpyMode.WHISPER),
    ),
    ("DELETE", "/calls/1.1/supervision", None, EndSupervision(call_id=CALL, agent_id=BOSS)),
    ("POST", "/calls/1.1/take-over", {}, TakeOver(call_id=CALL, agent_id=BOSS)),
    ("POST", "/agents/8001/pause", WHY, ForcePause(agent_id=OPERATOR)),
    ("POST", "/agents/8001/lift-pause", WHY, LiftPause(agent_id=OPERATOR)),
    ("POST", "/agents/8001/sign-out", WHY, ForceSignOut(agent_id=OPERATOR)),
]
EACH = pytest.mark.parametrize(
    ("method", "path", "body", "command"), COMMANDS, ids=[f"{one[0]} {one[1]}" for one in COMMANDS]
)
pytestmark = pytest.mark.parametrize("url", ["sqlite"], indirect=True)


@EACH
async def test_a_supervisor_asks_once_and_it_is_audited(
    desk: Desk, method: str, path: str, body: Any, command: Any
) -> None:
    await desk.person("8001")
    boss = await desk.person("9001", Role.SUPERVISOR)
    desk.switch.talking(CALL, OPERATOR)
    answer = await boss.client.request(method, f"/api/v1{path}", json=body)
    assert (answer.status_code, answer.json()) == (202, {"outcome": "done"})
    assert desk.switch.asked == [command]
    async with desk.shared.store.read() as session:
        audited = (await session.scalars(select(AuditRecord).order_by(AuditRecord.seq.desc()))).first()
    assert audited is not None
    assert (audited.username, audited.object_id) == ("9001", path.split("/")[2])
    assert audited.detail.get("reason", WHY["reason"]) == WHY["reason"]


@EACH
async def test_an_operator_does_none_of_it(desk: Desk, method: str, path: str, body: Any, command: Any) -> None:
    person = await desk.person("8001")
    desk.switch.talking(CALL, OPERATOR)
    assert (await person.client.request(method, f"/api/v1{path}", json=body)).status_code == 403
    assert desk.switch.asked == []


async def test_a_supervisor_who_sits_at_no_phone_is_told_so(desk: Desk) -> None:
    boss = await desk.person("9001", Role.SUPERVISOR)
    desk.switch.failure = errors.UnknownAgent("9001")
    answer = await boss.post("/calls/1.1/supervision", {"mode": "listen"})
    assert (answer.status_code, answer.json()["error"]) == (404, "not_signed_in_to_a_seat")


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/calls/1.1/supervision", {"mode": "shout"}, "mode"),
        ("/agents/8001/pause", {"reason": ""}, "reason"),
        ("/agents/8001/sign-out", {}, "reason"),
        ("/agents/80;01/pause", WHY, "agent_id"),
    ],
)
async def test_what_breaks_its_rule_is_named(desk: Desk, path: str, body: Any, field: str) -> None:
    boss = await desk.person("9001", Role.SUPERVISOR)
    answer = await boss.post(path, body)
    assert (answer.status_code, answer.json()["field"]) == (422, field)


async def test_everybody_who_takes_calls_is_listed_with_status_and_skills(desk: Desk) -> None:
    await desk.person("8001")
    await desk.person("8002")
    await desk.person("admin", Role.ADMIN, agent=False)
    boss = await desk.person("9001", Role.SUPERVISOR)
    desk.switch.talking(CALL, OPERATOR)
    async with desk.shared.store.write() as session:
        session.add(UserSkill(user_id=1, queue="hotline", level=2))
    rows = (await boss.get("/agents")).json()
    assert [(row["agent_id"], row["status"]) for row in rows] == [
        ("8001", "talking"),
        ("8002", "signed_out"),
        ("9001", "signed_out"),
    ]
    assert rows[0]["skills"] == [{"queue": "hotline", "level": 2}]
    assert (rows[0]["agent"]["call_id"], rows[1]["agent"]) == ("1.1", None)
