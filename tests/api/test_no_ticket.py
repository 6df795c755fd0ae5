"""Calls of which no ticket comes: closed with a reason, opened again, and no number used up."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from api.auth.permissions import Role
from api.store.tables import AuditRecord, CallAgent, CallRecord, TicketRecord
from tests.api.desk import START, Desk
from tests.api.test_tickets import COMPLAINT, draft_for, heard, hears, submitted, typed


async def test_a_wrong_number_is_closed_without_a_ticket_and_its_reason_is_kept(desk: Desk) -> None:
    person = await desk.person("8001")
    draft = await draft_for(desk, person)
    answer = await person.post(f"/drafts/{draft['id']}/close", {"version": 1, "reason": "wrong_number"})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["status"], answer.json()["version"]) == ("closed", 2)
    assert (await person.get("/drafts")).json()["total"] == 0
    assert (await person.get("/calls/1.1/draft")).status_code == 405
    async with desk.shared.store.read() as session:
        assert await session.scalar(select(func.count()).select_from(TicketRecord)) == 0
        entry = (await session.scalars(select(AuditRecord).where(AuditRecord.action == "draft.close"))).one()
    assert entry.detail == {"reason": "wrong_number", "version": 2}


async def test_closing_twice_is_closing_once_and_nothing_is_written_into_it(desk: Desk) -> None:
    person = await desk.person("8001")
    draft = await draft_for(desk, person)
    path = f"/drafts/{draft['id']}"
    for _ in range(2):
        answer = await person.post(f"{path}/close", {"version": 1, "reason": "nobody_spoke"})
        assert (answer.status_code, answer.json()["version"]) == (200, 2)
    await hears(desk, "1.1", heard("title", "异味"))
    assert (await person.get(path)).json()["fields"]["title"]["value"] is None
    assert (await person.patch(path, {"version": 2, "fields": {"title": "异味"}})).status_code == 409
    refused = await person.post(f"{path}/submit", {"version": 2, "disposition": "invalid", "summary": ""})
    assert refused.status_code == 409


async def test_what_was_closed_by_mistake_is_written_on_and_submitted(desk: Desk) -> None:
    person = await desk.person("8001")
    draft = await typed(person, await draft_for(desk, person), **COMPLAINT)
    path = f"/drafts/{draft['id']}"
    await person.post(f"{path}/close", {"version": draft["version"], "reason": "answered_back"})
    for _ in range(2):
        again = await person.post(f"{path}/reopen")
        assert (again.status_code, again.json()["status"]) == (200, "open")
    assert again.json()["fields"]["title"]["value"] == COMPLAINT["title"]
    await submitted(person, again.json())
    late = await person.post(f"{path}/close", {"version": 99, "reason": "nuisance"})
    assert late.status_code == 409
    assert (await person.post(f"{path}/reopen")).status_code == 409


async def test_what_somebody_wrote_meanwhile_is_not_closed_unseen(desk: Desk) -> None:
    person = await desk.person("8001")
    draft = await draft_for(desk, person)
    await typed(person, draft, title="路灯不亮")
    answer = await person.post(f"/drafts/{draft['id']}/close", {"version": 1, "reason": "nuisance"})
    assert (answer.status_code, answer.json()["error"]) == (409, "version_conflict")
    assert answer.json()["current"]["fields"]["title"]["value"] == "路灯不亮"


@pytest.mark.parametrize("body", [{}, {"version": 1}, {"version": 1, "reason": "bored"}, {"version": 0, "reason": ""}])
async def test_a_reason_is_one_of_those_that_there_are(desk: Desk, body: dict[str, object]) -> None:
    person = await desk.person("8001")
    draft = await draft_for(desk, person)
    assert (await person.post(f"/drafts/{draft['id']}/close", body)).status_code == 422


async def test_only_whoever_writes_the_draft_closes_it(desk: Desk) -> None:
    person, other = await desk.person("8001"), await desk.person("8002")
    boss = await desk.person("9001", Role.SUPERVISOR)
    draft = await draft_for(desk, person)
    for somebody in (other, boss):
        body = {"version": 1, "reason": "wrong_number"}
        assert (await somebody.post(f"/drafts/{draft['id']}/close", body)).status_code == 403
        assert (await somebody.post(f"/drafts/{draft['id']}/reopen")).status_code == 403


async def test_the_list_of_calls_says_which_way_they_went_and_that_no_ticket_was_needed(desk: Desk) -> None:
    person = await desk.person("8001")
    draft = await draft_for(desk, person)
    await person.post(f"/drafts/{draft['id']}/close", {"version": 1, "reason": "answered_back"})
    async with desk.shared.store.write() as session:
        for call_id, direction in (("1.1", "outbound"), ("1.2", "inbound")):
            session.add(CallRecord(id=call_id, line="12345", arrived_at=START, answered_by="8001", direction=direction))
            await session.flush()
            session.add(CallAgent(call_id=call_id, agent_id="8001"))
    found = (await person.get("/calls")).json()["items"]
    assert {row["id"]: (row["direction"], row["no_ticket"]) for row in found} == {
        "1.1": ("outbound", True),
        "1.2": ("inbound", False),
    }
    outbound = (await person.get("/calls?direction=outbound")).json()
    assert (outbound["total"], [row["id"] for row in outbound["items"]]) == (1, ["1.1"])
    assert (await person.get("/calls?direction=sideways")).status_code == 422
    assert (await person.get("/calls/1.1")).json()["no_ticket"] is True
