"""Idempotency keys, error answers, masking, settings, and the description of the interface."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from sqlalchemy import text

from api import errors
from api.app import create_app
from api.auth.masking import masked_name, masked_number
from api.recordings.keeping import Kind
from api.settings import KEEP_DAYS, Settings
from api.tickets.service import apply_suggestions
from asr.prefill import Suggestion
from telephony import errors as telephony_errors
from telephony.ids import AgentId
from tests.api.desk import MOBILE, Desk


# Idempotency-Key ------------------------------------------------------------------------------------------------------
async def test_the_same_request_under_the_same_key_gets_the_same_answer(desk: Desk) -> None:
    person = await desk.person("8001")
    desk.switch.talking("1.1", "8001")
    first = await person.post("/calls/1.1/reveal-number", {"reason": "核实地址"}, key="k1")
    again = await person.post("/calls/1.1/reveal-number", {"reason": "核实地址"}, key="k1")
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["content-type"] == "application/json"
    async with desk.shared.store.read() as session:
        raw = (await session.execute(text("SELECT body FROM idempotency_keys"))).scalar_one()
    assert MOBILE.encode() not in bytes(raw)


async def test_a_key_belongs_to_one_request(desk: Desk) -> None:
    person = await desk.person("8001")
    desk.switch.talking("1.1", "8001")
    await person.post("/calls/1.1/reveal-number", {"reason": "核实地址"}, key="k1")
    answer = await person.post("/calls/1.1/reveal-number", {"reason": "别的原因"}, key="k1")
    assert (answer.status_code, answer.json()["error"]) == (422, "key_reused")
    answer = await person.post("/calls/1.1/hang-up", key="k1")
    assert (answer.status_code, answer.json()["error"]) == (422, "key_reused")


async def test_a_key_belongs_to_one_person(desk: Desk) -> None:
    person, other = await desk.person("8001"), await desk.person("8002")
    desk.switch.talking("1.1", "8001")
    await person.post("/calls/1.1/reveal-number", {"reason": "核实地址"}, key="k1")
    assert (await other.post("/calls/1.1/reveal-number", {"reason": "核实地址"}, key="k1")).status_code == 403


async def test_an_answer_is_not_given_again_to_who_may_not_ask_any_more(desk: Desk) -> None:
    person = await desk.person("8001")
    desk.switch.talking("1.1", "8001")
    first = await person.post("/calls/1.1/reveal-number", {"reason": "核实地址"}, key="k1")
    assert first.json()["number"] == MOBILE
    async with desk.shared.store.write() as session:
        await session.execute(text("UPDATE users SET role = 'department'"))
    again = await person.post("/calls/1.1/reveal-number", {"reason": "核实地址"}, key="k1")
    assert (again.status_code, again.json()["error"]) == (403, "forbidden")


async def test_an_answer_about_a_call_is_not_given_again_to_who_has_no_part_in_it_any_more(desk: Desk) -> None:
    person = await desk.person("8001")
    desk.switch.talking("1.1", "8001")
    for path, body in (("reveal-number", {"reason": "核实地址"}), ("draft", None)):
        assert (await person.post(f"/calls/1.1/{path}", body, key=path)).status_code == 200
    desk.switch.talking("1.1", "8002")
    del desk.switch.switchboard.agents[AgentId("8001")]
    for path, body in (("reveal-number", {"reason": "核实地址"}), ("draft", None)):
        again = await person.post(f"/calls/1.1/{path}", body, key=path)
        assert (again.status_code, again.json()["error"]) == (403, "forbidden")


async def test_a_refused_request_leaves_its_key_free(desk: Desk) -> None:
    person = await desk.person("8001")
    assert (await person.post("/calls/1.1/draft", key="k1")).status_code == 404
    desk.switch.talking("1.1", "8001")
    assert (await person.post("/calls/1.1/draft", key="k1")).status_code == 200


async def test_the_answer_of_a_request_that_is_still_running_is_waited_for(desk: Desk) -> None:
    person = await desk.person("8001")
    desk.switch.talking("1.1", "8001")
    answers = await asyncio.gather(
        *(person.post("/calls/1.1/reveal-number", {"reason": "核实地址"}, key="k1") for _ in range(6))
    )
    assert [answer.status_code for answer in answers] == [200] * 6
    async with desk.shared.store.read() as session:
        reveals = "SELECT count(*) FROM audit_log WHERE action = 'number.reveal'"
        assert await session.scalar(text(reveals)) == 1


async def test_a_claim_of_a_process_that_died_is_taken_over(desk: Desk) -> None:
    person = await desk.person("8001")
    desk.switch.talking("1.1", "8001")
    await person.post("/calls/1.1/reveal-number", {"reason": "核实地址"}, key="k1")
    async with desk.shared.store.write() as session:
        await session.execute(text("UPDATE idempotency_keys SET status = NULL"))
    desk.clock.forward(61)
    assert (await person.post("/calls/1.1/reveal-number", {"reason": "核实地址"}, key="k1")).status_code == 200


@pytest.mark.parametrize("key", ["a b", "x" * 129])
async def test_a_key_is_short_and_visible(desk: Desk, key: str) -> None:
    person = await desk.person("8001")
    answer = await person.post("/calls/1.1/draft", key=key)
    assert (answer.status_code, answer.json()["field"]) == (422, "Idempotency-Key")


# errors ---------------------------------------------------------------------------------------------------------------
def test_every_error_of_both_trees_has_a_row() -> None:
    for root in (errors.ServerError, telephony_errors.TelephonyError):
        for kind in root.__subclasses__():
            assert errors.answer_to(kind.__new__(kind)) is not errors.UNEXPECTED, kind


@given(value=st.text(min_size=3))
def test_no_error_body_repeats_what_was_sent(value: str) -> None:
    body = errors.body_of_validation([{"loc": ("body", "fields", value), "msg": "wrong", "input": value}])
    assert body["field"] is None or errors._OUR_NAME.fullmatch(body["field"])
    assert body["detail"] == "wrong"


async def test_every_error_has_the_same_shape(desk: Desk) -> None:
    person = await desk.person("8001")
    answers = [
        await person.get("/nowhere"),
        await person.client.put("/api/v1/session"),
        await person.get("/calls", params={"page": "first"}),
        await person.client.post("/api/v1/session", content=b"{"),
        await desk.browser().get("/api/v1/tickets"),
    ]
    assert [answer.status_code for answer in answers] == [404, 405, 422, 422, 401]
    for answer in answers:
        assert set(answer.json()) == {"error", "detail", "field"}
    assert [answer.json()["field"] for answer in answers] == [None, None, "page", None, None]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_an_unexpected_error_tells_nothing_about_itself(desk: Desk) -> None:
    person = await desk.person("8001")
    desk.switch.talking("1.1", "8001")
    desk.switch.failure = RuntimeError("secret 13800000000")
    with pytest.raises(RuntimeError):  # the test transport raises it again, after the answer
        await person.post("/calls/1.1/hang-up")
    assert errors.body_of(RuntimeError("secret")) == {
        "error": "internal",
        "detail": "an unexpected error; it has been logged",
        "field": None,
    }


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_a_database_that_is_away_is_a_503_with_a_time_to_come_back(desk: Desk) -> None:
    person = await desk.person("8001")
    async with desk.shared.store.write() as session:
        await session.execute(text("ALTER TABLE sessions RENAME TO gone"))
    answer = await person.get("/session")
    assert (answer.status_code, answer.json()["error"]) == (503, "records_unavailable")
    assert "Retry-After" in answer.headers


HOSTILE: tuple[Any, ...] = (
    None,
    [],
    "x",
    -1,
    10**400,
    {},
    {"version": "1"},
    {"version": 2**80, "fields": {"title": "x"}},
    {"version": 1, "fields": []},
    {"version": 1, "fields": {"title": ["x"]}},
    {"version": 1, "fields": {"\x00": "\x00"}},
    {"version": 1, "fields": {f"f{n}": "x" for n in range(100)}},
    {"version": 1, "disposition": "\ud800", "summary": "\x00"},
    {"version": 1, "disposition": "invalid", "summary": "\ud800"},
    {"version": 1, "disposition": "invalid", "summary": "", "extra": True},
    {"action": {"accept": True}},
    {"reason": "\x00\x00"},
    {"reason": "\ud800\ud800"},
    {"username": "8001\x00", "password": "\ud800"},
    {"username": "\ud800", "password": "x"},
)


async def test_no_body_however_hostile_makes_the_server_fail(desk: Desk) -> None:
    person = await desk.person("8001")
    desk.switch.talking("1.1", "8001")
    draft_id = (await person.post("/calls/1.1/draft")).json()["id"]
    paths = [
        ("POST", "/session"),
        ("POST", "/calls/1.1/reveal-number"),
        ("PATCH", f"/drafts/{draft_id}"),
        ("POST", f"/drafts/{draft_id}/suggestions/title"),
        ("POST", f"/drafts/{draft_id}/submit"),
    ]
    for method, path in paths:
        for body in HOSTILE:
            answer = await person.client.request(
                method, f"/api/v1{path}", content=json.dumps(body), headers={"Content-Type": "application/json"}
            )
            assert answer.status_code in (401, 404, 409, 422), (method, path, body, answer.text)
            assert {"error", "detail", "field"} <= set(answer.json())


@pytest.mark.parametrize("place", ["/calls/{}", "/drafts/{}", "/tickets/{}", "/tickets?q={}", "/calls?sort={}"])
@pytest.mark.parametrize("value", ["%00", "%ff", "..%2f..%2fetc", "1.1%0d%0aX:1", "'--", "%F0%9F%98%80", "9" * 500])
async def test_no_address_however_hostile_makes_the_server_fail(desk: Desk, place: str, value: str) -> None:
    person = await desk.person("8001")
    assert (await person.get(place.format(value))).status_code in (200, 404, 422)


async def test_every_change_leaves_exactly_one_record_of_it(desk: Desk) -> None:
    person = await desk.person("8001")
    desk.switch.talking("1.1", "8001")

    async def records() -> int:
        async with desk.shared.store.read() as session:
            return int(await session.scalar(text("SELECT count(*) FROM audit_log")) or 0)

    draft_id = (await person.post("/calls/1.1/draft")).json()["id"]
    told = Suggestion(field="title", value="异味", confidence=0.9)
    async with desk.shared.store.write() as session:
        await apply_suggestions(session, "1.1", [told], now=desk.clock())
    changes: list[tuple[str, str, Any]] = [
        ("POST", f"/drafts/{draft_id}/suggestions/title", {"action": "dismiss"}),
        ("POST", f"/drafts/{draft_id}/suggestions/title", {"action": "undo"}),
        ("POST", f"/drafts/{draft_id}/accept-all", None),
        ("PATCH", f"/drafts/{draft_id}", {"version": 5, "fields": {"title": "异味", "demand": "清运"}}),
        ("POST", f"/drafts/{draft_id}/submit", {"version": 6, "disposition": "invalid", "summary": ""}),
        ("POST", "/calls/1.1/reveal-number", {"reason": "回拨核实"}),
        ("POST", "/calls/1.1/hang-up", None),
        ("DELETE", "/session", None),
    ]
    for method, path, body in changes:
        before = await records()
        answer = await person.client.request(method, f"/api/v1{path}", json=body)
        assert answer.is_success, (path, answer.text)
        assert await records() == before + 1, path


# the description ------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def operations() -> dict[tuple[str, str], dict[str, Any]]:
    """By method and path; the health page, which always answers, is left out."""
    paths = create_app(Settings()).openapi()["paths"]
    return {
        (method, path): operation
        for path, methods in paths.items()
        for method, operation in methods.items()
        if path != "/healthz"
    }


@pytest.fixture(scope="module")
def schemas() -> dict[str, Any]:
    return dict(create_app(Settings()).openapi()["components"]["schemas"])


def name_of(schema: dict[str, Any]) -> str:
    """Of the model itself, of a list's items, or of what may also be null."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    inner = schema.get("items") or next(one for one in schema["anyOf"] if one.get("type") != "null")
    return name_of(inner)


def test_every_route_describes_its_errors_in_our_shape(operations: dict[tuple[str, str], dict[str, Any]]) -> None:
    for place, operation in operations.items():
        refused = {code for code in operation["responses"] if code[0] in "45"}
        assert {"422", "503"} <= refused, place
        for code in refused:
            name = name_of(operation["responses"][code]["content"]["application/json"]["schema"])
            assert name in {"ErrorBody", "ConflictBody", "MissingFieldsBody"}, (place, code)


def test_every_header_that_a_change_needs_is_described(operations: dict[tuple[str, str], dict[str, Any]]) -> None:
    not_repeatable = {("post", "/api/v1/session"), ("post", "/api/v1/ws-ticket")}
    for (method, path), operation in operations.items():
        headers = [one["name"] for one in operation.get("parameters", []) if one["in"] == "header"]
        needs_csrf = method != "get" and (method, path) != ("post", "/api/v1/session")
        takes_key = method == "post" and (method, path) not in not_repeatable
        assert headers == ["Idempotency-Key"] * takes_key + ["X-CSRF-Token"] * needs_csrf, (method, path)
        if takes_key:
            assert {"409", "422"} <= set(operation["responses"]), path


def test_every_body_has_an_example(operations: dict[tuple[str, str], dict[str, Any]], schemas: dict[str, Any]) -> None:
    def has_example(name: str) -> bool:
        items = schemas[name].get("properties", {}).get("items")
        return bool(schemas[name].get("examples")) or (items is not None and has_example(name_of(items["items"])))

    for place, operation in operations.items():
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        for body in bodies:
            described = body.get("content", {}).get("application/json")
            assert described is None or has_example(name_of(described["schema"])), place


def described_models(kind: type[BaseModel] = BaseModel) -> Iterator[type[BaseModel]]:
    for model in kind.__subclasses__():
        if model.__module__.startswith("api.") and model.model_config.get("json_schema_extra"):
            yield model
        yield from described_models(model)


@pytest.mark.parametrize("model", list(described_models()), ids=lambda model: model.__name__)
def test_every_example_is_one(model: type[BaseModel]) -> None:
    extra = model.model_config["json_schema_extra"]
    assert isinstance(extra, dict)
    examples: Any = extra["examples"]
    for example in examples:
        model.model_validate(example)
        assert set(example) <= set(model.model_fields)


# masking --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (MOBILE, "138****0000"),
        ("+8613800000000", "+86****0000"),
        ("03571234567", "035****4567"),
        ("1234567", "12***67"),
        ("12345", "1***5"),
        ("110", "1*0"),
        ("12", "1*"),
        ("1", "1*"),
        ("", ""),
        (None, ""),
    ],
)
def test_a_number_is_masked(number: str | None, shown: str) -> None:
    assert masked_number(number) == shown


def test_a_name_is_masked() -> None:
    assert (masked_name("王建国"), masked_name(""), masked_name(None)) == ("王**", "", "")


# settings -------------------------------------------------------------------------------------------------------------
def test_places_and_ports_follow_from_two_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOTLINE_HOME", str(tmp_path))
    monkeypatch.setenv("HOTLINE_PORT_BASE", "20000")
    settings = Settings()
    assert settings.database == f"sqlite+aiosqlite:///{tmp_path}/hotline.db"
    assert settings.keys_dir == tmp_path / "keys"
    assert settings.url == "http://127.0.0.1:20000"
    assert (settings.asterisk_http_port, settings.ami_port, settings.sip_port, settings.tap_port) == (
        20001,
        20002,
        20003,
        20004,
    )
    assert (settings.rtp_ports, settings.sipp_ports) == (range(21000, 21400), range(21400, 21600))


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_a_postgresql_address_gets_its_driver_and_is_not_shown(scheme: str) -> None:
    settings = Settings(database_url=f"{scheme}://hotline:secret@db/hotline")  # type: ignore[arg-type]
    assert settings.database == "postgresql+psycopg://hotline:secret@db/hotline"
    assert "secret" not in repr(settings)


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().port_base = 1


def test_days_of_recordings_that_are_not_set_are_the_projects(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().recording_keep_days == KEEP_DAYS
    assert set(KEEP_DAYS) == {kind.value for kind in Kind}
    monkeypatch.setenv("HOTLINE_RECORDING_KEEP_DAYS", '{"emergency": 3650}')
    assert Settings().recording_keep_days == {"call": 730, "emergency": 3650, "message": 730}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("recording_keep_days", {"calls": 5}),
        ("recording_keep_days", {"call": 0}),
        ("timezone", "Asia/Nowhere"),
        ("timezone", "../etc/passwd"),
        ("timezone", ""),
        ("centre_push", {"110": "ftp://centre"}),
    ],
)
def test_a_setting_that_cannot_be_is_named(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=field):
        Settings.model_validate({field: value})
