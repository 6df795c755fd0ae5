"""Who reads a ticket, what is kept from whom, and what the audit log says of it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from api.auth.permissions import Role
from api.store.tables import AuditRecord
from tests.api.desk import Desk, Person
from tests.api.test_tickets import COMPLAINT, draft_for, submitted, typed

WHERE = {"address": "驿后小区4号楼", "district": "城东区"}


async def a_ticket(desk: Desk, author: Person, **more: Any) -> str:
    draft = await typed(author, await draft_for(desk, author), **{**COMPLAINT, **WHERE, **more})
    return str((await submitted(author, draft))["id"])


async def where(person: Person, ticket_id: str) -> tuple[object, object]:
    fields = (await person.get(f"/tickets/{ticket_id}")).json()["fields"]
    return fields["address"], fields["district"]


@pytest.mark.parametrize("kept", ["confidential", "anonymous"])
async def test_where_a_person_lives_who_is_not_to_be_known_is_for_few(desk: Desk, kept: str) -> None:
    author, other = await desk.person("8001"), await desk.person("8002")
    supervisor = await desk.person("9001", Role.SUPERVISOR)
    dispatcher = await desk.person("dispatcher", Role.DISPATCHER, agent=False)
    ticket_id = await a_ticket(desk, author, **{kept: True})
    for person in (author, supervisor):
        assert await where(person, ticket_id) == (WHERE["address"], WHERE["district"])
    for person in (other, dispatcher):
        assert await where(person, ticket_id) == (None, WHERE["district"])
        assert WHERE["address"] not in (await person.get("/tickets")).text


async def test_every_reading_of_a_ticket_is_audited(desk: Desk) -> None:
    author, other = await desk.person("8001"), await desk.person("8002")
    clerk = await desk.person("clerk", Role.ADMIN, agent=False)
    ticket_id = await a_ticket(desk, author, confidential=True)
    for person, status in ((author, 200), (other, 200), (clerk, 403)):
        assert (await person.get(f"/tickets/{ticket_id}")).status_code == status
    assert (await author.get("/tickets/00000000-0000-0000-0000-000000000000")).status_code == 404
    async with desk.shared.store.read() as session:
        read = (await session.scalars(select(AuditRecord).where(AuditRecord.action == "ticket.read"))).all()
    assert [(one.username, one.object_id, one.detail) for one in read] == [
        ("8001", ticket_id, {"shown": "all"}),
        ("8002", ticket_id, {"shown": "masked"}),
    ]


async def test_a_ticket_that_hides_nobody_is_shown_with_its_address(desk: Desk) -> None:
    author, other = await desk.person("8001"), await desk.person("8002")
    ticket_id = await a_ticket(desk, author)
    assert await where(other, ticket_id) == (WHERE["address"], WHERE["district"])
    async with desk.shared.store.read() as session:
        read = (await session.scalars(select(AuditRecord).where(AuditRecord.action == "ticket.read"))).one()
    assert (read.username, read.detail) == ("8002", {})
