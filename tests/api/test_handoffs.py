"""The ledger of handoffs: written once from what happened, completed by people, its summary sent to the centre."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from api.auth.audit import verify_chain
from api.auth.permissions import Role
from api.calls.recorder import record as record_call
from api.handoffs import push
from api.handoffs.events import HandoffChanged
from api.handoffs.ledger import AFTER, Settled, responsible
from api.handoffs.push import Pusher, signature
from api.handoffs.queries import steps_of
from api.handoffs.recorder import record, tell_after
from api.settings import Settings
from api.store.engine import Store
from api.store.journaled import Codec
from api.store.tables import AuditRecord, HandoffRecord, HandoffStep
from telephony.events import (
    CallArrived,
    CallEnded,
    CallOutcome,
    Event,
    LineKept,
    TransferReason,
    TransferStep,
    TransferStepped,
)
from telephony.ids import AgentId, CallId, ChannelId, LineNumber
from telephony.targets import Target, TargetKind, TransferMode
from telephony.transfers import TransferState
from tests.api.desk import MOBILE, START, Desk, Person

CALL = CallId("1.1")
POLICE = Target(kind=TargetKind.CENTRE, value="110")


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def step(name: TransferStep, seconds: float, **more: Any) -> TransferStepped:
    fields: dict[str, Any] = {
        "transfer_id": "1.1-t1",
        "call_id": CALL,
        "agent_id": AgentId("8001"),
        "target": POLICE,
        "mode": TransferMode.THREE_WAY,
    }
    return TransferStepped(at=at(seconds), step=name, **{**fields, **more})


def handed_over() -> list[Event]:
    return [
        step(TransferStep.REQUESTED, 10),
        step(TransferStep.ROUTE_FAILED, 13, reason=TransferReason.SILENT),
        step(TransferStep.RINGING, 14, route=2),
        step(TransferStep.ANSWERED, 16, route=2),
        step(TransferStep.JOINED, 16.1, route=2),
        step(TransferStep.HANDED_OVER, 60, route=2),
    ]


async def told(store: Store, settings: Settings, events: Iterable[Any]) -> list[object]:
    published: list[object] = []
    for event in events:
        async with store.write() as session:
            tell_after(session, await record(session, settings, event), published.append)
    return published


async def rows(store: Store) -> list[HandoffRecord]:
    async with store.read() as session:
        return list((await session.scalars(select(HandoffRecord).order_by(HandoffRecord.number))).all())


async def only(store: Store) -> HandoffRecord:
    (row,) = await rows(store)
    return row


# the ledger -----------------------------------------------------------------------------------------------------------
def test_the_ledger_knows_where_every_step_leads() -> None:
    assert set(AFTER) == set(TransferStep)


@pytest.mark.parametrize(
    ("settled", "receipt", "who"),
    [
        (None, None, "12345"),
        (Settled.UNCLEAR, None, "12345"),
        (Settled.UNCLEAR, "0042", "12345"),
        (Settled.DECLINED, "0042", "12345"),
        (None, "0042", "110"),
        (Settled.ACCEPTED, None, "110"),
    ],
)
def test_whoever_received_a_matter_first_keeps_it_while_that_is_unclear(
    settled: str | None, receipt: str | None, who: str
) -> None:
    assert responsible(first_receiver="12345", centre="110", settled=settled, receipt=receipt) == who


async def test_every_step_of_a_handoff_is_a_row_and_twice_told_is_once_written(store: Store, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    published = await told(store, settings, handed_over())
    row = await only(store)
    assert (row.number, row.centre, row.state, row.outcome) == ("YJ20261121-001", "110", "handed_over", "handed_over")
    assert (row.reason, row.ended_at, row.first_receiver) == ("silent", None, "12345")
    assert {type(one) for one in published} == {HandoffChanged}
    before = row.version
    assert await told(store, settings, handed_over()) == []
    async with store.read() as session:
        steps = (await session.scalars(select(HandoffStep).order_by(HandoffStep.id))).all()
    assert [one.step for one in steps] == [
        "requested",
        "route_failed",
        "ringing",
        "answered",
        "joined",
        "handed_over",
    ]
    assert (await only(store)).version == before


@pytest.mark.parametrize("event", [*handed_over(), LineKept(at=at(5), call_id=CALL, agent_id=AgentId("8001"), on=True)])
def test_what_waits_for_the_database_comes_back_as_it_was(event: Event) -> None:
    codec: Codec[Event] = Codec((TransferStepped, LineKept))
    assert codec.item(codec.text(event)) == event


async def test_numbers_of_a_day_have_no_gap_and_no_double(store: Store, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    first = [step(TransferStep.REQUESTED, n, transfer_id=f"1.1-t{n}") for n in range(3)]
    tomorrow = step(TransferStep.REQUESTED, 86_400, transfer_id="1.1-t9")
    await told(store, settings, [*first, *first, tomorrow])
    numbers = [row.number for row in await rows(store)]
    assert numbers == ["YJ20261121-001", "YJ20261121-002", "YJ20261121-003", "YJ20261122-001"]


async def test_a_matter_from_another_centre_was_received_there_first(store: Store, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    came = CallArrived(
        at=at(0),
        call_id=CALL,
        caller_number=MOBILE,
        caller_name="",
        line=LineNumber("12345"),
        channel=ChannelId("1.1"),
        centre="119",
    )
    async with store.write() as session:
        await record_call(session, store.keyring, came)
    await told(store, settings, handed_over()[:1])
    assert (await only(store)).first_receiver == "119"


async def test_a_kept_line_has_a_row_of_its_own_where_nothing_is_handed_over(store: Store, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    kept = LineKept(at=at(5), call_id=CALL, agent_id=AgentId("8001"), on=True)
    await told(store, settings, [kept, kept])
    row = await only(store)
    assert (row.state, row.keep_line, row.centre) == ("kept", True, "")
    await told(store, settings, [replace(kept, at=at(90), on=False)])
    row = await only(store)
    assert (row.state, row.outcome, row.keep_line) == ("ended", "released", False)


async def test_a_kept_line_marks_the_handoff_that_goes_on(store: Store, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    kept = LineKept(at=at(20), call_id=CALL, agent_id=AgentId("8001"), on=True)
    await told(store, settings, [*handed_over()[:4], kept])
    assert ((await only(store)).keep_line, (await only(store)).state) == (True, "ringing")


async def test_what_goes_on_in_the_ledger_ends_with_the_call(store: Store, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    lost = CallEnded(at=at(500), call_id=CALL, outcome=CallOutcome.LOST, ended_by="unknown", wait_s=None, talk_s=None)
    await told(store, settings, [*handed_over()[:4], lost])
    assert ((await only(store)).state, (await only(store)).outcome) == ("ended", "lost")
    await told(store, settings, [step(TransferStep.CALLER_LEFT, 500, route=2)])
    assert (await only(store)).outcome == "caller_left"


# over HTTP ------------------------------------------------------------------------------------------------------------
async def a_handoff(desk: Desk) -> str:
    await told(desk.shared.store, desk.shared.settings, handed_over())
    return (await only(desk.shared.store)).id


async def test_an_operator_sees_own_handoffs_and_a_supervisor_all(desk: Desk) -> None:
    mine, other = await desk.person("8001"), await desk.person("8002")
    supervisor = await desk.person("9001", Role.SUPERVISOR)
    handoff_id = await a_handoff(desk)

    async def listed(person: Person, **params: Any) -> int:
        return int((await person.get("/handoffs", params=params)).json()["total"])

    assert [await listed(person) for person in (mine, other, supervisor)] == [1, 0, 1]
    assert await listed(mine, open=True) == 1
    assert await listed(mine, open=False) == 0
    assert await listed(supervisor, centre="119") == 0
    assert (await mine.get("/handoffs", params={"centre": "110;"})).status_code == 422
    statuses = [(await person.get(f"/handoffs/{handoff_id}")).status_code for person in (mine, other, supervisor)]
    assert statuses == [200, 403, 200]
    assert (await mine.get("/handoffs/00000000-0000-0000-0000-000000000000")).status_code == 404


async def test_a_receipt_makes_the_centre_responsible_and_closes_the_row(desk: Desk) -> None:
    person = await desk.person("8001")
    handoff_id = await a_handoff(desk)
    await told(desk.shared.store, desk.shared.settings, [step(TransferStep.COMPLETED, 200, route=2)])
    assert (await person.get("/handoffs", params={"open": True})).json()["total"] == 1
    shown = (await person.get(f"/handoffs/{handoff_id}")).json()
    assert (shown["responsible"], shown["receipt"], len(shown["steps"])) == ("12345", "", 7)
    edit = {"version": shown["version"], "receipt": " 0042 ", "note": "民警已到场"}
    answer = await person.patch(f"/handoffs/{handoff_id}", edit)
    assert answer.status_code == 200
    assert (answer.json()["receipt"], answer.json()["responsible"]) == ("0042", "110")
    assert [one["step"] for one in answer.json()["steps"][7:]] == ["receipt"]
    assert (await person.get("/handoffs", params={"open": True})).json()["total"] == 0
    async with desk.shared.store.read() as session:
        audited = (await session.scalars(select(AuditRecord).where(AuditRecord.action == "handoff.edit"))).one()
        assert (await verify_chain(session, desk.shared.store.keyring)).intact
    assert audited.detail["fields"] == ["note", "receipt"]
    assert "民警" not in json.dumps(audited.detail, ensure_ascii=False)


async def test_receipt_and_agreement_are_steps_each_time_they_change(desk: Desk) -> None:
    person = await desk.person("8001")
    handoff_id = await a_handoff(desk)
    before = (await person.get(f"/handoffs/{handoff_id}")).json()
    shown = before
    for edit in (
        {"receipt": "0042"},
        {"receipt": "0042", "outcome": "accepted"},
        {"note": "民警已到场"},
        {"receipt": None, "outcome": "declined"},
    ):
        shown = (await person.patch(f"/handoffs/{handoff_id}", {"version": shown["version"], **edit})).json()
    steps = [(one["step"], one["reason"]) for one in shown["steps"][len(before["steps"]) :]]
    assert steps == [("receipt", None), ("settled", "accepted"), ("receipt", None), ("settled", "declined")]


async def test_whoever_edits_what_has_changed_is_shown_what_it_is_now(desk: Desk) -> None:
    person = await desk.person("8001")
    handoff_id = await a_handoff(desk)
    version = (await person.get(f"/handoffs/{handoff_id}")).json()["version"]
    await told(desk.shared.store, desk.shared.settings, [step(TransferStep.COMPLETED, 200, route=2)])
    answer = await person.patch(f"/handoffs/{handoff_id}", {"version": version, "outcome": "accepted"})
    assert (answer.status_code, answer.json()["error"]) == (409, "version_conflict")
    current = answer.json()["current"]
    assert current["outcome"] == "completed"
    answer = await person.patch(f"/handoffs/{handoff_id}", {"version": current["version"], "outcome": "accepted"})
    assert (answer.json()["outcome"], answer.json()["settled"]) == ("accepted", "accepted")


@pytest.mark.parametrize("field", ["receipt", "summary", "note", "outcome"])
async def test_a_field_of_the_ledger_that_breaks_its_rule_is_named(desk: Desk, field: str) -> None:
    person = await desk.person("8001")
    handoff_id = await a_handoff(desk)
    answer = await person.patch(f"/handoffs/{handoff_id}", {"version": 1, field: "\x00"})
    assert (answer.status_code, answer.json()["field"]) == (422, field)


async def test_the_number_of_a_free_target_is_masked(desk: Desk) -> None:
    person = await desk.person("8001")
    target = Target(kind=TargetKind.NUMBER, value=MOBILE)
    await told(desk.shared.store, desk.shared.settings, [step(TransferStep.REQUESTED, 1, target=target)])
    answer = await person.get("/handoffs")
    assert answer.json()["items"][0]["target"] == "138****0000"
    assert MOBILE not in answer.text


async def test_the_script_is_from_the_draft_with_the_line_masked(desk: Desk) -> None:
    person = await desk.person("8001")
    desk.switch.talking("1.1", "8001")
    handoff_id = await a_handoff(desk)
    draft = (await person.post("/calls/1.1/draft")).json()
    edit = {"version": draft["version"], "fields": {"address": "人民路1号", "title": "有人持刀"}}
    assert (await person.patch(f"/drafts/{draft['id']}", edit)).status_code == 200
    script = (await person.get(f"/handoffs/{handoff_id}")).json()["script"]
    assert (script["address"], script["event"]) == ("人民路1号", "有人持刀")
    assert MOBILE not in str(script)


async def test_the_two_way_list_says_which_of_it_are_defaults_of_the_project(desk: Desk) -> None:
    person = await desk.person("8001")
    items = (await person.get("/diversion-items", params={"centre": "110"})).json()
    assert {item["direction"] for item in items} == {"to", "from"}
    assert {item["source"] for item in items} == {"project_default"}
    assert (await person.get("/diversion-items", params={"direction": "sideways"})).status_code == 422


# sending the summary --------------------------------------------------------------------------------------------------
class CentreSystem:
    """What a centre's own system answers, and what it was sent."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def pushing(desk: Desk) -> Desk:
    configured = {"centre_push": {"110": "https://110.example/handoffs"}, "centre_push_key": "of the tests"}
    settings = Settings(home=desk.shared.settings.home, **configured)  # type: ignore[arg-type]
    object.__setattr__(desk.shared, "settings", settings)
    return desk


def pusher(desk: Desk, system: CentreSystem) -> Pusher:
    shared = desk.shared
    return Pusher(
        shared.store, shared.settings, desk.published.append, desk.clock, transport=httpx.MockTransport(system)
    )


async def test_the_summary_is_sent_once_the_centre_has_answered(pushing: Desk) -> None:
    system = CentreSystem(httpx.Response(200, json={"receipt": "110-0042"}))
    await told(pushing.shared.store, pushing.shared.settings, handed_over()[:3])
    pushing.clock.forward(60)
    assert await pusher(pushing, system).send_due() == 0
    await told(pushing.shared.store, pushing.shared.settings, handed_over()[3:])
    assert await pusher(pushing, system).send_due() == 1
    assert await pusher(pushing, system).send_due() == 0
    row = await only(pushing.shared.store)
    assert (row.push_state, row.receipt, row.summary_pushed_at) == ("pushed", "110-0042", pushing.clock())
    async with pushing.shared.store.read() as session:
        assert [one.step for one in await steps_of(session, row.id)][-2:] == ["handed_over", "receipt"]
    sent = system.requests[0]
    assert sent.headers["X-Hotline-Signature"] == signature("of the tests", sent.content)
    assert json.loads(sent.content)["number"] == "YJ20261121-001"


async def test_a_summary_that_does_not_arrive_is_sent_again_and_at_last_given_up(pushing: Desk) -> None:
    person = await pushing.person("8001")
    system = CentreSystem(*[httpx.ConnectError("away")] * 5, httpx.Response(200))
    handoff_id = await a_handoff(pushing)
    for _ in range(5):
        pushing.clock.forward(301)
        assert await pusher(pushing, system).send_due() == 1
    pushing.clock.forward(100)
    assert await pusher(pushing, system).send_due() == 0
    shown = (await person.get(f"/handoffs/{handoff_id}")).json()
    assert (shown["push_state"], shown["push_error"]) == ("failed", "ConnectError")
    answer = await person.post(f"/handoffs/{handoff_id}/push", {}, key="again")
    assert (answer.status_code, answer.json()["push_state"]) == (202, "pending")
    assert await pusher(pushing, system).send_due() == 1
    assert (await person.get(f"/handoffs/{handoff_id}")).json()["push_state"] == "pushed"


class Slow(httpx.AsyncBaseTransport):
    """Answers at once but for one centre, which sends a byte now and then for ever."""

    def __init__(self, centre: str) -> None:
        self.centre = centre

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not request.url.host.startswith(self.centre):
            return httpx.Response(200, json={"receipt": "0042"})
        return httpx.Response(200, stream=Drip())


class Drip(httpx.AsyncByteStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0.02)
            yield b" "


async def test_a_centre_that_never_ends_its_answer_keeps_no_other_waiting(
    pushing: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push, "TIMEOUT_S", 0.5)
    shared, addresses = pushing.shared, {code: f"https://{code}.example/in" for code in ("110", "119", "120")}
    object.__setattr__(shared, "settings", Settings(home=shared.settings.home, centre_push=addresses))
    for number, code in enumerate(addresses):
        more: dict[str, Any] = {
            "transfer_id": f"2.{number}-t1",
            "call_id": CallId(f"2.{number}"),
            "target": Target(kind=TargetKind.CENTRE, value=code),
        }
        steps = (TransferStep.REQUESTED, TransferStep.ANSWERED)
        await told(shared.store, shared.settings, [step(name, 10, **more) for name in steps])
    pushing.clock.forward(60)
    sending = Pusher(shared.store, shared.settings, lambda _: None, pushing.clock, transport=Slow("110"))
    async with asyncio.timeout(20):
        assert await sending.send_due() == 3
    states = {row.centre: (row.push_state, row.push_error) for row in await rows(shared.store)}
    assert states == {"110": ("pending", "TimeoutError"), "119": ("pushed", None), "120": ("pushed", None)}


class Flood(httpx.AsyncByteStream):
    def __init__(self) -> None:
        self.given = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b'{"receipt": "0042", "more": "'
        while True:
            self.given += 8192
            yield b"x" * 8192


async def test_an_answer_without_end_is_not_read_to_its_end(pushing: Desk) -> None:
    flood = Flood()
    system = CentreSystem(httpx.Response(200, stream=flood))
    await a_handoff(pushing)
    pushing.clock.forward(60)
    assert await pusher(pushing, system).send_due() == 1
    row = await only(pushing.shared.store)
    assert (row.push_state, row.receipt) == ("pushed", None)
    assert flood.given <= push.MOST_BYTES + 8192


async def test_two_nodes_do_not_send_the_same_summary(pushing: Desk) -> None:
    system = CentreSystem(httpx.Response(500))
    await a_handoff(pushing)
    pushing.clock.forward(60)
    one, two = pusher(pushing, system), pusher(pushing, system)
    assert [len(await node._claim()) for node in (one, two)] == [1, 0]


async def test_nothing_can_be_sent_to_a_centre_without_an_address(desk: Desk) -> None:
    person = await desk.person("8001")
    handoff_id = await a_handoff(desk)
    assert (await person.get(f"/handoffs/{handoff_id}")).json()["push_state"] == "not_configured"
    answer = await person.post(f"/handoffs/{handoff_id}/push", {})
    assert (answer.status_code, answer.json()["error"]) == (409, "not_now")


def test_a_row_that_has_ended_is_in_no_other_state() -> None:
    ends = {name for name, state in AFTER.items() if state is TransferState.ENDED}
    assert TransferStep.HANDED_OVER not in ends
    assert {TransferStep.COMPLETED, TransferStep.RETURNED, TransferStep.FAILED} <= ends
