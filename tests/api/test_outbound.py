"""Calls that operators place: bound to what they are about, to numbers that may be called, and audited."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from api.auth.permissions import Role
from api.callbacks.rules import Reason
from api.store.tables import AuditRecord, CallbackRecord, CallRecord, OutboundCall
from telephony import errors
from telephony.commands import PlaceCall
from telephony.dialplan.topology import Topology
from telephony.outbound import placed_by_us
from tests.api.desk import MOBILE, START, Desk, Person
from tests.api.test_callbacks import missed, told


async def a_ticket(desk: Desk, person: Person, **fields: Any) -> str:
    draft = (await person.post("/calls/1.1/draft")).json()
    values = {"title": "路灯不亮", "contact_phone": MOBILE, **fields}
    edited = await person.patch(f"/drafts/{draft['id']}", {"version": draft["version"], "fields": values})
    assert edited.status_code == 200, edited.text
    body = {"version": edited.json()["version"], "disposition": "invalid", "summary": ""}
    ticket = await person.post(f"/drafts/{draft['id']}/submit", body)
    assert ticket.status_code in (200, 201), ticket.text
    return str(ticket.json()["id"])


async def bindings(desk: Desk) -> list[tuple[str, str, str]]:
    async with desk.shared.store.read() as session:
        rows = (await session.scalars(select(OutboundCall))).all()
    return [(row.call_id, row.kind, row.object_id) for row in rows]


async def test_a_call_about_a_ticket_is_bound_to_it(desk: Desk) -> None:
    person = await desk.person("8001")
    desk.switch.talking("1.1", "8001")
    ticket_id = await a_ticket(desk, person)
    answer = await person.post("/outbound", {"kind": "ticket", "id": ticket_id}, key="one")
    assert answer.status_code == 202, answer.text
    call_id = answer.json()["call_id"]
    assert placed_by_us(call_id)
    assert await bindings(desk) == [(call_id, "ticket", ticket_id)]
    (command,) = desk.switch.asked
    assert isinstance(command, PlaceCall)
    assert (command.number, command.line, command.call_id) == (MOBILE, "12345", call_id)
    assert (await person.post("/outbound", {"kind": "ticket", "id": ticket_id}, key="one")).json() == answer.json()
    assert len(desk.switch.asked) == 1
    async with desk.shared.store.read() as session:
        audited = (await session.scalars(select(AuditRecord).where(AuditRecord.action == "outbound.place"))).all()
    assert [(one.object_type, one.object_id, one.detail) for one in audited] == [
        ("ticket", ticket_id, {"call_id": call_id})
    ]


async def test_a_call_that_was_never_placed_is_bound_to_nothing(desk: Desk) -> None:
    person = await desk.person("8001")
    desk.switch.talking("1.1", "8001")
    ticket_id = await a_ticket(desk, person)
    desk.switch.failure = errors.Refused(command="PlaceCall", state="talking", reason="in a call")
    assert (await person.post("/outbound", {"kind": "ticket", "id": ticket_id})).status_code == 409
    assert await bindings(desk) == []


async def test_nobody_else_calls_the_person_behind_a_confidential_ticket(desk: Desk) -> None:
    person, other = await desk.person("8001"), await desk.person("8002")
    boss = await desk.person("9001", Role.SUPERVISOR)
    desk.switch.talking("1.1", "8001")
    ticket_id = await a_ticket(desk, person, confidential=True)
    body = {"kind": "ticket", "id": ticket_id}
    statuses = [(await one.post("/outbound", body)).status_code for one in (other, person, boss)]
    assert statuses == [403, 202, 202]


async def test_a_ticket_without_a_number_cannot_be_called_about(desk: Desk) -> None:
    person = await desk.person("8001")
    desk.switch.talking("1.1", "8001", number="")
    ticket_id = await a_ticket(desk, person, contact_phone=None)
    answer = await person.post("/outbound", {"kind": "ticket", "id": ticket_id})
    assert (answer.status_code, answer.json()["error"]) == (409, "not_now")
    assert (await person.post("/outbound", {"kind": "ticket", "id": "0" * 36})).status_code == 404


async def test_a_callback_is_taken_and_dialled_in_one_step(desk: Desk) -> None:
    person, other = await desk.person("8001"), await desk.person("8002")
    await told(desk.shared.store, [missed()], desk.shared.settings)
    async with desk.shared.store.read() as session:
        callback_id = (await session.scalars(select(CallbackRecord.id))).one()
    body = {"kind": "callback", "id": callback_id}
    answer = await person.post("/outbound", body)
    assert answer.status_code == 202, answer.text
    assert (await other.post("/outbound", body)).status_code == 409
    assert (await person.get(f"/callbacks/{callback_id}")).json()["dialling"] == answer.json()["call_id"]


async def test_a_callback_whose_call_the_switch_refused_is_for_others_to_take_at_once(desk: Desk) -> None:
    person, other = await desk.person("8001"), await desk.person("8002")
    item = await an_item(desk)
    body = {"kind": "callback", "id": item}
    desk.switch.failure = errors.Refused(command="PlaceCall", state="talking", reason="in a call")
    assert (await person.post("/outbound", body)).status_code == 409
    assert await held_by(desk, item) is None
    async with desk.shared.store.read() as session:
        released = await session.scalars(select(AuditRecord.result).where(AuditRecord.action == "callback.release"))
        assert released.all() == ["done"]
    desk.switch.failure = None
    assert (await other.post("/outbound", body)).status_code == 202
    assert await held_by(desk, item) == "8002"


async def test_a_callback_that_was_taken_before_stays_with_its_person(desk: Desk) -> None:
    person = await desk.person("8001")
    item = await an_item(desk)
    assert (await person.post(f"/callbacks/{item}/claim")).status_code == 200
    desk.switch.failure = errors.Refused(command="PlaceCall", state="talking", reason="in a call")
    assert (await person.post("/outbound", {"kind": "callback", "id": item})).status_code == 409
    assert await held_by(desk, item) == "8001"


async def test_a_callback_of_which_nobody_knows_whether_it_rings_is_not_given_back(desk: Desk) -> None:
    person = await desk.person("8001")
    item = await an_item(desk)
    desk.switch.failure = errors.ActionUnanswered("Originate")
    await person.post("/outbound", {"kind": "callback", "id": item})
    assert await held_by(desk, item) == "8001"


async def test_a_callback_without_a_number_is_held_by_nobody_afterwards(desk: Desk) -> None:
    person = await desk.person("8001")
    item = await an_item(desk, number="", reason=Reason.MESSAGE)
    refused = await person.post("/outbound", {"kind": "callback", "id": item})
    assert (refused.status_code, refused.json()["detail"]) == (409, "the number was withheld")
    assert await held_by(desk, item) is None


async def an_item(desk: Desk, number: str = MOBILE, reason: Reason = Reason.ABANDONED) -> str:
    await told(desk.shared.store, [missed(number=number, reason=reason)], desk.shared.settings)
    async with desk.shared.store.read() as session:
        return (await session.scalars(select(CallbackRecord.id))).one()


async def held_by(desk: Desk, callback_id: str) -> str | None:
    async with desk.shared.store.read() as session:
        return (await session.get_one(CallbackRecord, callback_id)).owner


async def test_only_numbers_that_the_topology_allows_are_dialled(desk: Desk) -> None:
    person = await desk.person("8001")
    numbers = {"trunk": desk.shared.topology.trunks[0].name, "named": [{"name": "城管局", "number": "03560000001"}]}
    whole = desk.shared.topology.model_dump(mode="python") | {"numbers": numbers}
    object.__setattr__(desk.shared, "topology", Topology.model_validate(whole))
    assert (await person.post("/outbound", {"kind": "number", "id": "03560000001"})).status_code == 202
    for refused in ("110", MOBILE, "0035600000010"):
        answer = await person.post("/outbound", {"kind": "number", "id": refused})
        assert (answer.status_code, answer.json()["field"]) == (422, "id")
    assert len(desk.switch.asked) == 1
    assert [kind for _, kind, _ in await bindings(desk)] == ["number"]


@pytest.mark.parametrize("body", [{"kind": "ticket"}, {"kind": "star", "id": "000"}, {"kind": "number", "id": "1;3"}])
async def test_what_breaks_its_rule_calls_nobody(desk: Desk, body: Any) -> None:
    person = await desk.person("8001")
    assert (await person.post("/outbound", body)).status_code == 422
    assert desk.switch.asked == []


async def test_before_calling_about_a_ticket_one_sees_the_masked_number_the_line_and_what_was_tried(desk: Desk) -> None:
    person = await desk.person("8001")
    desk.switch.talking("1.1", "8001")
    ticket_id = await a_ticket(desk, person)
    before = await person.get(f"/outbound/tickets/{ticket_id}")
    assert before.json() == {"number": "138****0000", "line": "12345", "attempts": []}
    call_ids = []
    for _ in range(2):
        call_ids.append((await person.post("/outbound", {"kind": "ticket", "id": ticket_id})).json()["call_id"])
        desk.clock.forward(60)
    async with desk.shared.store.write() as session:
        session.add(CallRecord(id=call_ids[0], line="12345", arrived_at=START, direction="outbound", outcome="busy"))
    attempts = (await person.get(f"/outbound/tickets/{ticket_id}")).json()["attempts"]
    assert [(one["call_id"], one["outcome"]) for one in attempts] == [(call_ids[1], None), (call_ids[0], "busy")]
    assert attempts[0]["agent_id"] == "8001"


async def test_who_may_not_call_the_person_behind_a_ticket_sees_no_number_either(desk: Desk) -> None:
    person, other = await desk.person("8001"), await desk.person("8002")
    desk.switch.talking("1.1", "8001")
    ticket_id = await a_ticket(desk, person, confidential=True)
    assert (await other.get(f"/outbound/tickets/{ticket_id}")).status_code == 403
    assert (await person.get(f"/outbound/tickets/{ticket_id}")).json()["number"] == "138****0000"
    assert (await person.get(f"/outbound/tickets/{'0' * 8}-0000-0000-0000-{'0' * 12}")).status_code == 404
