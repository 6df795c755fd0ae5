"""Every route for every role: done where the table says so, refused everywhere else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from api.app import create_app
from api.auth.access import Require, anyone
from api.auth.permissions import PERMISSIONS, Action, Role, actions_of, allowed
from api.live.routes import router as live_router
from api.recordings.routes import router as recordings_router
from api.settings import Settings
from api.shifts.log_routes import router as shift_log_router
from api.shifts.routes import router as shifts_router
from api.surges.routes import router as surges_router
from tests.api.conftest import ROUTERS
from tests.api.desk import Desk

APP_ROUTERS = (*ROUTERS, shifts_router, shift_log_router, recordings_router, surges_router, live_router)
UUID = "00000000-0000-0000-0000-000000000000"
OWN_ONLY = {
    "/calls/{call_id}/draft",
    "/calls/{call_id}/hang-up",
    "/calls/{call_id}/transfers",
    "/calls/{call_id}/transfer/private",
    "/calls/{call_id}/transfer/together",
    "/calls/{call_id}/transfer/leave",
    "/calls/{call_id}/transfer/cancel",
    "/calls/{call_id}/send-back",
    "/calls/{call_id}/keep-line",
    "/calls/{call_id}/recording/pause",
    "/calls/{call_id}/recording/resume",
}
"""Not even a role that may see any call does this with a call of others."""
TALKING = {Role.OPERATOR: "8002", Role.REVISIT: "7002"}
"""Work numbers of those who reach nothing but their own calls."""
BODIES: dict[str, Any] = {
    "/calls/{call_id}/cues/{cue_id}": {"action": "act"},
    "/calls/{call_id}/reveal-number": {"reason": "回拨核实"},
    "/drafts/{id}": {"version": 1, "fields": {}},
    "/drafts/{id}/suggestions/{field}": {"action": "accept"},
    "/calls/{call_id}/transfers": {"target": {"kind": "centre", "value": "110"}, "mode": "three_way"},
    "/calls/{call_id}/transfer/private": {},
    "/calls/{call_id}/transfer/together": {},
    "/calls/{call_id}/transfer/leave": {},
    "/calls/{call_id}/transfer/cancel": {},
    "/calls/{call_id}/send-back": {},
    "/calls/{call_id}/keep-line": {"on": True},
    "/calls/{call_id}/recording/pause": {"seconds": 30},
    "/calls/{call_id}/recording/resume": {},
    "/calls/{call_id}/supervision": {"mode": "listen"},
    "/calls/{call_id}/take-over": {},
    "/handoffs/{id}": {"version": 1},
    "/handoffs/{id}/push": {},
    "/callbacks/{id}/outcome": {"result": "reached"},
    "/agents/{agent_id}/pause": {"reason": "连续三次未应答"},
    "/agents/{agent_id}/lift-pause": {"reason": "已谈过"},
    "/agents/{agent_id}/sign-out": {"reason": "忘记签出"},
    "/agents/{agent_id}/skills": {"skills": [{"queue": "hotline", "level": 1}]},
    "/priority-numbers": {"number": "13800000000", "note": "高龄独居"},
    "/outbound": {"kind": "ticket", "id": UUID},
    "/drafts/{id}/close": {"version": 1, "reason": "wrong_number"},
    "/drafts/{id}/submit": {"version": 1, "disposition": "invalid", "summary": ""},
}


def dependencies(dependant: Dependant) -> Iterator[Any]:
    for inner in dependant.dependencies:
        yield inner.call
        yield from dependencies(inner)


def routes() -> list[APIRoute]:
    return [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]


def action_of(route: APIRoute) -> Action | None:
    """None: open to anyone. A route that declares nothing, or two things, fails here."""
    declared = [call for call in dependencies(route.dependant) if isinstance(call, Require) or call is anyone]
    assert len(declared) == 1, f"{route.path} declares {len(declared)} permissions"
    return declared[0].action if isinstance(declared[0], Require) else None


ROUTES = [pytest.param(route, method, id=f"{method} {route.path}") for route in routes() for method in route.methods]


async def ask(client: Any, route: APIRoute, method: str) -> Any:
    path = (
        route.path.replace("{call_id}", "1.1")
        .replace("{cue_id}", UUID)
        .replace("{id}", UUID)
        .replace("{field}", "title")
        .replace("{agent_id}", "8001")
    )
    body = BODIES.get(route.path)
    return await client.request(method, f"/api/v1{path}", json=body)


def test_no_route_of_the_whole_application_forgets_to_declare() -> None:
    """Beyond the routers above: shifts, live stream. The health page and the console's files are open to anyone."""
    paths = {route.path for router in APP_ROUTERS for route in router.routes if isinstance(route, APIRoute)}
    for router in APP_ROUTERS:
        for route in router.routes:
            if isinstance(route, APIRoute):
                action_of(route)
    described = {path.removeprefix("/api/v1") for path in create_app(Settings()).openapi()["paths"]}
    assert described == paths | {"/healthz"}


def test_the_matrix_knows_every_route() -> None:
    assert len(ROUTES) >= 45
    assert {action_of(route) for route in routes()} >= {None, Action.DRAFT_WRITE, Action.RECORDING_LISTEN}
    open_to_anyone = [route.path for route in routes() if action_of(route) is None]
    assert open_to_anyone == ["/session"]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("route", "method"), ROUTES)
async def test_every_route_for_every_role(desk: Desk, route: APIRoute, method: str) -> None:
    action = action_of(route)
    if action is None:
        return
    assert (await ask(desk.browser(), route, method)).status_code == 401
    for role in Role:
        person = await desk.person(role.value if role is not Role.OPERATOR else "8001", role, agent=False)
        if role in TALKING:
            person = await desk.person(TALKING[role], role)
            desk.switch.talking("1.1", TALKING[role])
        answer = await ask(person.client, route, method)
        own_only = route.path in OWN_ONLY and role is Role.SUPERVISOR
        if not allowed(role, action) or own_only:
            assert answer.status_code == 403, (role, answer.text)
            assert answer.json()["error"] == "forbidden"
        else:
            assert answer.status_code not in (401, 403, 500), (role, answer.text)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("route", "method"), [p for p in ROUTES if "{call_id}" in p.values[0].path])  # type: ignore[union-attr]
async def test_a_call_of_somebody_else_is_out_of_reach(desk: Desk, route: APIRoute, method: str) -> None:
    await desk.person("8001")
    stranger = await desk.person("8002")
    desk.switch.talking("1.1", "8001")
    answer = await ask(stranger.client, route, method)
    assert (answer.status_code, answer.json()["error"]) == (403, "forbidden")


def test_whoever_is_not_in_the_table_may_do_nothing() -> None:
    assert not any(allowed("mayor", action) for action in Action)
    assert set(PERMISSIONS) == set(Role)


def test_departments_and_administrators_see_no_citizens_matters() -> None:
    harmless = {Action.SESSION, Action.LIVE, Action.REFERENCE}
    for role in (Role.DEPARTMENT, Role.ADMIN):
        assert set(actions_of(role)) == harmless


def test_only_supervisors_reach_calls_of_others() -> None:
    assert {role for role in Role if allowed(role, Action.CALL_ANY)} == {Role.SUPERVISOR}
