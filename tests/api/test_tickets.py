"""From the first suggestion to the ticket's number, over HTTP and on a real database."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, text

from api.auth import audit
from api.auth.permissions import Role
from api.errors import InvalidField
from api.store.tables import AuditRecord, CallRecord, TicketRecord
from api.tickets import queries, service
from api.tickets.events import DraftChanged, TicketSubmitted
from api.tickets.fields import checked
from api.tickets.numbers import local_day, next_number, numbered
from asr.prefill import Evidence, Option, Suggestion
from tests.api.desk import MOBILE, START, Desk, Person

COMPLAINT: dict[str, Any] = {
    "title": "小区垃圾池异味",
    "appeal_type": "投诉",
    "category_code": "0101",
    "description": "四号楼东面的垃圾池常年臭味难闻",
    "contact_phone": MOBILE,
    "address": "驿后小区4号楼",
}


async def draft_for(desk: Desk, person: Person, call_id: str = "1.1", number: str = MOBILE) -> dict[str, Any]:
    desk.switch.talking(call_id, person.session["user"]["agent_id"], number=number)
    answer = await person.post(f"/calls/{call_id}/draft")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def typed(person: Person, draft: dict[str, Any], **fields: Any) -> dict[str, Any]:
    answer = await person.patch(f"/drafts/{draft['id']}", {"version": draft["version"], "fields": fields})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def submitted(
    person: Person, draft: dict[str, Any], disposition: str = "dispatch", *, key: str | None = None
) -> dict[str, Any]:
    body = {"version": draft["version"], "disposition": disposition, "summary": "小结"}
    answer = await person.post(f"/drafts/{draft['id']}/submit", body, key=key)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def hears(desk: Desk, call_id: str, *suggestions: Suggestion) -> None:
    async with desk.shared.store.write() as session:
        await service.apply_suggestions(session, call_id, suggestions, now=desk.clock())


def heard(field: str, value: str, confidence: float = 0.9) -> Suggestion:
    return Suggestion(field=field, value=value, confidence=confidence, evidence=(Evidence(seg=2, start=0, end=4),))


# drafts ---------------------------------------------------------------------------------------------------------------
async def test_a_call_has_one_draft_whoever_asks_and_however_often(desk: Desk) -> None:
    person = await desk.person("8001")
    desk.switch.talking("1.1", "8001")
    answers = await asyncio.gather(*(person.post("/calls/1.1/draft") for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len([event for event in desk.published if isinstance(event, DraftChanged)]) == 1


async def test_suggestions_fill_the_draft_and_a_correction_stays(desk: Desk) -> None:
    person = await desk.person("8001")
    draft = await draft_for(desk, person)
    await hears(desk, "1.1", heard("address", "驿后小区2号楼"), heard("title", "异味", 0.4))
    draft = (await person.get(f"/drafts/{draft['id']}")).json()
    assert draft["fields"]["address"] == {
        "value": "驿后小区2号楼",
        "origin": "suggested",
        "suggestion": {
            "value": "驿后小区2号楼",
            "label": "驿后小区2号楼",
            "confidence": 0.9,
            "evidence": [{"seg": 2, "start": 0, "end": 4}],
            "status": "filled",
            "options": [],
        },
    }
    assert draft["fields"]["title"]["value"] is None
    assert draft["fields"]["title"]["suggestion"]["status"] == "offered"
    assert "title" in draft["missing"]
    assert "address" not in draft["missing"]
    await typed(person, draft, address="驿后小区3号楼")
    await hears(desk, "1.1", heard("address", "驿后小区2号楼", 1.0))
    after = (await person.get(f"/drafts/{draft['id']}")).json()
    assert (after["fields"]["address"]["value"], after["fields"]["address"]["origin"]) == ("驿后小区3号楼", "typed")


async def test_a_suggestion_between_reading_and_saving_is_no_conflict(desk: Desk) -> None:
    person = await desk.person("8001")
    draft = await draft_for(desk, person)
    await hears(desk, "1.1", heard("title", "异味"))
    after = await typed(person, draft, address="三栋", title="垃圾")
    assert after["fields"]["title"]["value"] == "垃圾"


async def test_two_tabs_do_not_overwrite_each_other(desk: Desk) -> None:
    person = await desk.person("8001")
    draft = await draft_for(desk, person)
    await typed(person, draft, address="一栋")
    body = {"version": draft["version"], "fields": {"address": "二栋"}}
    answer = await person.patch(f"/drafts/{draft['id']}", body)
    assert answer.status_code == 409
    assert answer.json()["error"] == "version_conflict"
    assert answer.json()["current"]["fields"]["address"]["value"] == "一栋"
    body["version"] = answer.json()["current"]["version"]
    assert (await person.patch(f"/drafts/{draft['id']}", body)).json()["fields"]["address"]["value"] == "二栋"


async def test_no_edit_is_lost_among_parallel_edits_and_suggestions(desk: Desk) -> None:
    person = await desk.person("8001")
    draft = await draft_for(desk, person)
    names = ["title", "demand", "subject", "town", "district", "occur_time"]
    edits = [
        person.patch(f"/drafts/{draft['id']}", {"version": draft["version"], "fields": {name: f"写{name}"}})
        for name in names
    ]
    merges = [hears(desk, "1.1", heard("address", f"{n}栋"), heard("title", f"听{n}")) for n in range(10)]
    answers = await asyncio.gather(*edits, *merges)
    assert all(answer.status_code == 200 for answer in answers[: len(edits)])
    fields = (await person.get(f"/drafts/{draft['id']}")).json()["fields"]
    assert {name: fields[name]["value"] for name in names} == {name: f"写{name}" for name in names}


async def test_accepting_dismissing_and_taking_back(desk: Desk) -> None:
    person = await desk.person("8001")
    draft = await draft_for(desk, person)
    await hears(desk, "1.1", heard("address", "二栋"), heard("caller_name", "王建国"))

    async def decide(action: str, field: str = "address") -> dict[str, Any]:
        answer = await person.post(f"/drafts/{draft['id']}/suggestions/{field}", {"action": action})
        assert answer.status_code == 200, answer.text
        return dict(answer.json()["fields"][field])

    assert (await decide("accept"))["origin"] == "accepted"
    assert (await decide("undo"))["origin"] == "suggested"
    assert (await decide("dismiss"))["suggestion"]["status"] == "dismissed"
    everything = (await person.post(f"/drafts/{draft['id']}/accept-all")).json()
    assert everything["fields"]["caller_name"]["origin"] == "accepted"
    assert everything["fields"]["address"]["origin"] == "empty"
    answer = await person.post(f"/drafts/{draft['id']}/suggestions/title", {"action": "accept"})
    assert (answer.status_code, answer.json()["error"]) == (409, "not_now")
    assert (await person.post(f"/drafts/{draft['id']}/suggestions/mood", {"action": "accept"})).status_code == 422


async def test_nobody_accepts_what_was_suggested_after_looking(desk: Desk) -> None:
    person = await desk.person("8001")
    draft = await draft_for(desk, person)
    await hears(desk, "1.1", heard("address", "二栋"), heard("caller_name", "王建国"))
    seen = (await person.get(f"/drafts/{draft['id']}")).json()["version"]
    await hears(desk, "1.1", heard("address", "十二栋"), heard("caller_name", "王建国"))
    accept = {"action": "accept", "version": seen}
    answer = await person.post(f"/drafts/{draft['id']}/suggestions/address", accept)
    assert (answer.status_code, answer.json()["error"]) == (409, "version_conflict")
    current = answer.json()["current"]
    assert (current["fields"]["address"]["origin"], current["fields"]["address"]["value"]) == ("suggested", "十二栋")
    assert (await person.post(f"/drafts/{draft['id']}/accept-all", {"version": seen})).status_code == 409
    name = await person.post(f"/drafts/{draft['id']}/suggestions/caller_name", accept)
    assert (name.status_code, name.json()["fields"]["caller_name"]["origin"]) == (200, "accepted")
    accept["version"] = name.json()["version"]
    again = await person.post(f"/drafts/{draft['id']}/suggestions/address", accept)
    assert (again.status_code, again.json()["fields"]["address"]["origin"]) == (200, "accepted")


async def test_the_callers_number_is_masked_and_sending_the_stars_back_reveals_nothing(desk: Desk) -> None:
    person = await desk.person("8001")
    draft = await draft_for(desk, person)
    await hears(desk, "1.1", heard("contact_phone", MOBILE))
    draft = (await person.get(f"/drafts/{draft['id']}")).json()
    field = draft["fields"]["contact_phone"]
    assert (field["value"], field["suggestion"]["value"], field["suggestion"]["label"]) == ("138****0000",) * 3
    after = await typed(person, draft, contact_phone="138****0000")
    field = after["fields"]["contact_phone"]
    assert (field["value"], field["origin"]) == ("138****0000", "accepted")
    assert MOBILE not in str(after)
    after = await typed(person, after, contact_phone=MOBILE)
    field = after["fields"]["contact_phone"]
    assert (field["value"], field["origin"]) == (MOBILE, "typed")


async def test_a_number_said_aloud_is_shown_in_full_to_be_checked(desk: Desk) -> None:
    person = await desk.person("8001")
    draft = await draft_for(desk, person)
    await hears(desk, "1.1", heard("contact_phone", "13911112222"))
    draft = (await person.get(f"/drafts/{draft['id']}")).json()
    assert draft["fields"]["contact_phone"]["value"] == "13911112222"


async def test_a_draft_is_its_authors_alone_and_a_supervisor_may_look(desk: Desk) -> None:
    author, other = await desk.person("8001"), await desk.person("8002")
    supervisor = await desk.person("9001", Role.SUPERVISOR)
    draft = await draft_for(desk, author)
    edit = {"version": draft["version"], "fields": {"title": "x"}}
    assert (await other.get(f"/drafts/{draft['id']}")).status_code == 403
    assert (await other.patch(f"/drafts/{draft['id']}", edit)).status_code == 403
    assert (await other.post("/calls/1.1/draft")).status_code == 403
    assert (await supervisor.get(f"/drafts/{draft['id']}")).status_code == 200
    assert (await supervisor.patch(f"/drafts/{draft['id']}", edit)).status_code == 403
    assert (await author.get("/drafts/00000000-0000-0000-0000-000000000000")).status_code == 404
    assert (await author.post("/calls/9.9/draft")).status_code == 404


async def test_a_draft_goes_with_its_call_to_the_operator_who_takes_over(desk: Desk) -> None:
    first, second = await desk.person("8001"), await desk.person("8002")
    draft = await typed(first, await draft_for(desk, first), title="油烟扰民")
    desk.switch.talking("1.1", "8002")
    taken = (await second.post("/calls/1.1/draft")).json()
    assert (taken["id"], taken["fields"]["title"]["value"]) == (draft["id"], "油烟扰民")
    await typed(second, taken, address="驿后小区3号楼")
    assert (await second.get("/drafts")).json()["total"] == 1
    assert (await first.get("/drafts")).json()["total"] == 0
    async with desk.shared.store.read() as session:
        told = select(AuditRecord.detail).where(AuditRecord.action == "draft.take_over")
        assert "from_user" in str((await session.scalars(told)).one())


async def test_ones_open_drafts_are_listed(desk: Desk) -> None:
    author, other = await desk.person("8001"), await desk.person("8002")
    supervisor = await desk.person("9001", Role.SUPERVISOR)
    first = await draft_for(desk, author, "1.1")
    second = await typed(author, await draft_for(desk, author, "1.2"), title="异味")
    assert (await other.get("/drafts", params={"mine": True})).json()["items"] == []
    listed = (await author.get("/drafts", params={"mine": True})).json()
    assert {item["id"] for item in listed["items"]} == {first["id"], second["id"]}
    assert {item["title"] for item in listed["items"]} == {None, "异味"}
    assert {item["caller_number"] for item in listed["items"]} == {"138****0000"}
    await submitted(author, second, "invalid")
    assert (await author.get("/drafts")).json()["total"] == 1
    assert (await other.get("/drafts", params={"mine": False})).json()["total"] == 0
    assert (await supervisor.get("/drafts", params={"mine": False})).json()["total"] == 1


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"contact_phone": "138x"}, "contact_phone"),
        ({"appeal_type": "愤怒"}, "appeal_type"),
        ({"title": "\x00"}, "title"),
        ({"title": "一" * 9000}, "title"),
        ({"description": "a\ud800"}, "description"),
        ({"title": {"a": 1}}, "title"),
        ({"mood": "bad"}, "field"),
    ],
)
async def test_a_wrong_value_is_named_and_never_repeated(desk: Desk, fields: dict[str, Any], field: str) -> None:
    person = await desk.person("8001")
    draft = await draft_for(desk, person)
    answer = await person.patch(f"/drafts/{draft['id']}", {"version": 1, "fields": fields})
    assert answer.status_code == 422
    assert (answer.json()["error"], answer.json()["field"]) == ("invalid", field)
    assert "138x" not in answer.text
    assert "愤怒" not in answer.text


# submitting -----------------------------------------------------------------------------------------------------------
async def test_a_submitted_draft_becomes_a_ticket_with_a_number_of_the_day(desk: Desk) -> None:
    person = await desk.person("8001")
    draft = await typed(person, await draft_for(desk, person), **COMPLAINT)
    ticket = await submitted(person, draft)
    assert ticket["ticket_no"] == "GD202611210001"
    assert (ticket["status"], ticket["disposition"], ticket["summary"]) == ("to_dispatch", "dispatch", "小结")
    assert ticket["fields"]["title"] == "小区垃圾池异味"
    assert ticket["fields"]["contact_phone"] == "138****0000"
    assert (ticket["author"], ticket["agent_id"], ticket["call_id"]) == ("座席8001", "8001", "1.1")
    assert (await person.get(f"/tickets/{ticket['id']}")).json() == ticket
    assert [event.number for event in desk.published if isinstance(event, TicketSubmitted)] == ["GD202611210001"]
    edit = {"version": draft["version"] + 1, "fields": {"title": "x"}}
    assert (await person.patch(f"/drafts/{draft['id']}", edit)).status_code == 409
    assert (await person.post(f"/drafts/{draft['id']}/accept-all")).status_code == 409
    async with desk.shared.store.read() as session:
        raw = (await session.execute(text("SELECT contact_phone, address FROM tickets"))).one()
    assert MOBILE.encode() not in bytes(raw[0])
    assert "驿后".encode() not in bytes(raw[1])


async def test_money_people_and_what_came_before_reach_the_ticket(desk: Desk) -> None:
    person = await desk.person("8001")
    draft = await draft_for(desk, person)
    await hears(
        desk,
        "1.1",
        heard("amount_yuan", "3500"),
        heard("people_count", "12"),
        heard("contact_note", "晚上联系"),
        heard("reply_required", "false"),
        heard("is_repeat", "true"),
        heard("repeat_count", "3"),
        heard("previous_ticket_no", "GD202611200007"),
        heard("summary", "来电人反映垃圾池异味。", 0.7),
    )
    after = (await person.get(f"/drafts/{draft['id']}")).json()
    assert after["fields"]["reply_required"]["value"] is False
    assert after["fields"]["summary"]["suggestion"]["status"] == "offered"
    draft = await typed(person, after, **COMPLAINT, people_count="15")
    ticket = await submitted(person, draft)
    fields = (await person.get(f"/tickets/{ticket['id']}")).json()["fields"]
    assert {name: fields[name] for name in ("amount_yuan", "people_count", "repeat_count")} == {
        "amount_yuan": "3500",
        "people_count": "15",
        "repeat_count": "3",
    }
    assert (fields["reply_required"], fields["is_repeat"]) == (False, True)
    assert (fields["contact_note"], fields["previous_ticket_no"]) == ("晚上联系", "GD202611200007")
    assert "summary" not in fields
    async with desk.shared.store.read() as session:
        record = (await session.scalars(select(TicketRecord))).one()
        counted = (await session.execute(text("SELECT sum(amount_yuan), sum(people_count) FROM tickets"))).one()
        sealed = (await session.execute(text("SELECT contact_note FROM tickets"))).scalar_one()
    assert record.contact_note == "晚上联系"
    assert "晚上".encode() not in bytes(sealed)
    assert tuple(counted) == (3500, 15)


async def test_the_note_that_was_written_into_the_draft_is_the_tickets(desk: Desk) -> None:
    person = await desk.person("8001")
    draft = await typed(person, await draft_for(desk, person), **COMPLAINT, summary="写在草稿里的小结")
    body = {"version": draft["version"], "disposition": "dispatch"}
    answer = await person.post(f"/drafts/{draft['id']}/submit", body)
    assert answer.json()["summary"] == "写在草稿里的小结"


async def test_the_values_between_which_to_decide_are_named_as_people_read_them(desk: Desk) -> None:
    person = await desk.person("8001")
    draft = await draft_for(desk, person)
    options = (Option(value="0101", confidence=0.55), Option(value="0102", confidence=0.25))
    await hears(desk, "1.1", replace(heard("category_code", "0101", 0.55), options=options))
    suggestion = (await person.get(f"/drafts/{draft['id']}")).json()["fields"]["category_code"]["suggestion"]
    assert [(one["value"], one["confidence"]) for one in suggestion["options"]] == [("0101", 0.55), ("0102", 0.25)]
    assert all(one["label"] for one in suggestion["options"])


async def test_what_is_missing_is_named(desk: Desk) -> None:
    person = await desk.person("8001")
    draft = await typed(person, await draft_for(desk, person), title="异味", anonymous=True)
    body = {"version": draft["version"], "disposition": "dispatch", "summary": ""}
    answer = await person.post(f"/drafts/{draft['id']}/submit", body)
    assert answer.status_code == 422
    assert answer.json()["error"] == "missing_fields"
    assert answer.json()["fields"] == ["appeal_type", "category_code", "address", "description"]


@pytest.mark.parametrize(("disposition", "status"), [("direct_answer", "answered"), ("invalid", "invalid")])
async def test_a_matter_that_goes_no_further_is_closed_at_once(desk: Desk, disposition: str, status: str) -> None:
    person = await desk.person("8001")
    fields = {"title": "办事时间", "appeal_type": "咨询", "description": "政务大厅几点开门"}
    draft = await typed(person, await draft_for(desk, person), **fields)
    ticket = await submitted(person, draft, disposition)
    assert (ticket["status"], ticket["open"]) == (status, False)


async def test_what_is_submitted_is_what_the_person_saw(desk: Desk) -> None:
    person = await desk.person("8001")
    draft = await typed(person, await draft_for(desk, person), **COMPLAINT)
    await hears(desk, "1.1", heard("demand", "马上清运"))
    body = {"version": draft["version"], "disposition": "dispatch", "summary": ""}
    answer = await person.post(f"/drafts/{draft['id']}/submit", body)
    assert answer.status_code == 409
    assert answer.json()["current"]["fields"]["demand"]["value"] == "马上清运"


@pytest.mark.parametrize("key", [None, "one and the same"])
async def test_twenty_submissions_at_once_make_one_ticket(desk: Desk, key: str | None) -> None:
    person = await desk.person("8001")
    draft = await typed(person, await draft_for(desk, person), **COMPLAINT)
    key = key and "submit-1"
    tickets = await asyncio.gather(*(submitted(person, draft, key=key) for _ in range(20)))
    assert {ticket["ticket_no"] for ticket in tickets} == {"GD202611210001"}
    async with desk.shared.store.read() as session:
        assert len((await session.scalars(select(TicketRecord))).all()) == 1
        done = await session.scalars(select(AuditRecord.action).where(AuditRecord.action == "ticket.submit"))
        assert len(done.all()) == 1


async def test_submitting_again_in_another_way_is_refused(desk: Desk) -> None:
    person = await desk.person("8001")
    draft = await typed(person, await draft_for(desk, person), **COMPLAINT)
    await submitted(person, draft)
    body = {"version": draft["version"], "disposition": "invalid", "summary": ""}
    assert (await person.post(f"/drafts/{draft['id']}/submit", body)).status_code == 409


async def test_half_a_telephone_number_is_not_submitted(desk: Desk) -> None:
    person = await desk.person("8001")
    draft = await typed(person, await draft_for(desk, person), **{**COMPLAINT, "contact_phone": "13"})
    body = {"version": draft["version"], "disposition": "dispatch", "summary": ""}
    answer = await person.post(f"/drafts/{draft['id']}/submit", body)
    assert (answer.status_code, answer.json()["field"]) == (422, "contact_phone")


async def test_every_step_is_audited_and_names_no_values(desk: Desk) -> None:
    person = await desk.person("8001")
    draft = await typed(person, await draft_for(desk, person), **COMPLAINT)
    await submitted(person, draft)
    async with desk.shared.store.read() as session:
        rows = (await session.scalars(select(AuditRecord).order_by(AuditRecord.seq))).all()
        assert (await audit.verify_chain(session, desk.shared.store.keyring)).intact
    actions = [row.action for row in rows]
    assert actions == ["user.create", "session.sign_in", "draft.open", "draft.edit", "ticket.submit"]
    assert rows[3].detail["fields"] == sorted(COMPLAINT)
    assert not any(value in str(row.detail) for row in rows for value in (MOBILE, "驿后小区", "异味"))


# numbers --------------------------------------------------------------------------------------------------------------
async def test_parallel_tickets_get_numbers_without_gaps_or_doubles(desk: Desk) -> None:
    store, settings = desk.shared.store, desk.shared.settings
    numbers: list[str] = []

    async def take(count: int) -> None:
        async with store.write() as session:
            number = await next_number(session, settings.ticket_prefix, START, settings.zone)
            if count % 5 == 4:
                raise RuntimeError
        numbers.append(number)

    await asyncio.gather(*(take(count) for count in range(50)), return_exceptions=True)
    assert sorted(numbers) == [f"GD20261121{ordinal:04d}" for ordinal in range(1, 41)]


def test_a_day_is_the_citys_day() -> None:
    shanghai = ZoneInfo("Asia/Shanghai")
    assert local_day(START.replace(hour=15, minute=59), shanghai) == "20261121"
    assert local_day(START.replace(hour=16), shanghai) == "20261122"
    assert numbered("GD", "20261121", 10_000) == "GD2026112110000"


# finding --------------------------------------------------------------------------------------------------------------
async def some_tickets(desk: Desk, person: Person) -> None:
    for number, (title, phone) in enumerate(
        [("小区垃圾池异味", MOBILE), ("路灯不亮", "13911112222"), ("100%_施工噪音", MOBILE)], start=1
    ):
        draft = await draft_for(desk, person, f"1.{number}", number=phone)
        draft = await typed(person, draft, **{**COMPLAINT, "title": title, "contact_phone": phone})
        await submitted(person, draft)
        desk.clock.forward(60)


@pytest.mark.parametrize(
    ("q", "titles"),
    [
        ("", ["100%_施工噪音", "路灯不亮", "小区垃圾池异味"]),
        ("路灯", ["路灯不亮"]),
        ("100%_", ["100%_施工噪音"]),
        ("_", ["100%_施工噪音"]),
        ("gd2026112100", ["100%_施工噪音", "路灯不亮", "小区垃圾池异味"]),
        ("GD202611210002", ["路灯不亮"]),
        ("138 0000 0000", ["100%_施工噪音", "小区垃圾池异味"]),
        ("+8613911112222", ["路灯不亮"]),
        ("13800000001", []),
        ("' OR 1=1 --", []),
    ],
)
async def test_tickets_are_found_by_number_phone_and_words(desk: Desk, q: str, titles: list[str]) -> None:
    person = await desk.person("8001")
    await some_tickets(desk, person)
    answer = (await person.get("/tickets", params={"q": q})).json()
    assert [item["title"] for item in answer["items"]] == titles
    assert answer["total"] == len(titles)


async def test_lists_are_paged_and_sorted(desk: Desk) -> None:
    person = await desk.person("8001")
    await some_tickets(desk, person)
    answer = (await person.get("/tickets", params={"page": 2, "size": 2, "sort": "number"})).json()
    assert [item["ticket_no"] for item in answer["items"]] == ["GD202611210003"]
    assert (answer["total"], answer["page"], answer["size"]) == (3, 2, 2)
    for wrong in ({"page": 0}, {"size": 101}, {"sort": "caller_name"}, {"q": "\x00"}):
        assert (await person.get("/tickets", params=wrong)).status_code == 422


async def test_no_list_shows_a_whole_number(desk: Desk) -> None:
    person = await desk.person("8001")
    await some_tickets(desk, person)
    desk.switch.talking("1.9", "8001")
    for path in ("/tickets", "/calls/1.9/caller-history", "/drafts", "/calls"):
        assert MOBILE not in (await person.get(path)).text


async def test_a_caller_is_known_by_the_number(desk: Desk) -> None:
    person = await desk.person("8001")
    await some_tickets(desk, person)
    desk.switch.talking("1.9", "8001")
    history = (await person.get("/calls/1.9/caller-history")).json()
    assert [item["title"] for item in history["items"]] == ["100%_施工噪音", "小区垃圾池异味"]
    desk.switch.talking("1.10", "8001", number="anonymous")
    assert (await person.get("/calls/1.10/caller-history")).json()["items"] == []


async def test_the_ringing_screen_says_how_often_and_what_is_open(desk: Desk) -> None:
    person = await desk.person("8001")
    await some_tickets(desk, person)
    store = desk.shared.store
    phone_hash = store.keyring.phone_hash(MOBILE)
    now = desk.clock()
    async with store.write() as session:
        for number, days in enumerate((0, 1, 6, 8)):
            arrived = now - timedelta(days=days)
            session.add(CallRecord(id=f"2.{number}", line="12345", arrived_at=arrived, phone_hash=phone_hash))
    async with store.read() as session:
        summary = await queries.caller_summary(session, phone_hash, call_id="2.0", now=now)
        stranger = await queries.caller_summary(session, None, call_id="2.0", now=now)
    assert (summary.repeat_7d, summary.open_tickets) == (3, 2)
    assert (stranger.repeat_7d, stranger.open_tickets, stranger.name) == (1, 0, "")


async def test_who_is_behind_a_confidential_ticket_is_for_few(desk: Desk) -> None:
    author, other = await desk.person("8001"), await desk.person("8002")
    supervisor = await desk.person("9001", Role.SUPERVISOR)
    dispatcher = await desk.person("dispatcher", Role.DISPATCHER, agent=False)
    draft = await typed(
        author,
        await draft_for(desk, author),
        **{**COMPLAINT, "caller_name": "王建国", "contact_note": "电话是来电人儿子的", "confidential": True},
    )
    ticket = await submitted(author, draft)
    for person, note in ((supervisor, "电话是来电人儿子的"), (other, None), (dispatcher, None)):
        assert (await person.get(f"/tickets/{ticket['id']}")).json()["fields"]["contact_note"] == note

    async def name(person: Person) -> object:
        return (await person.get(f"/tickets/{ticket['id']}")).json()["fields"]["caller_name"]

    assert [await name(person) for person in (author, supervisor, other, dispatcher)] == [
        "王建国",
        "王建国",
        "王**",
        "王**",
    ]

    async def numbers(person: Person) -> tuple[object, ...]:
        """In the ticket, in the list, and how many are found by the number."""
        fields = (await person.get(f"/tickets/{ticket['id']}")).json()["fields"]
        (row,) = (await person.get("/tickets")).json()["items"]
        return fields["contact_phone"], row["contact_phone"], (await person.get(f"/tickets?q={MOBILE}")).json()["total"]

    masked = "138****0000"
    assert [await numbers(person) for person in (author, supervisor)] == [(masked, masked, 1)] * 2
    assert [await numbers(person) for person in (other, dispatcher)] == [(None, "", 0)] * 2
    for person, agent_id, earlier in ((author, "8001", 1), (other, "8002", 0)):
        desk.switch.talking("1.7", agent_id)
        assert (await person.get("/calls/1.7/caller-history")).json()["total"] == earlier
    assert (await supervisor.get("/calls/1.7/caller-history")).json()["total"] == 1
    async with desk.shared.store.read() as session:
        phone_hash = desk.shared.store.keyring.phone_hash(MOBILE)
        summary = await queries.caller_summary(session, phone_hash, call_id="9.9", now=desk.clock())
    assert summary.name == ""


async def test_an_anonymous_ticket_is_nobodys_history(desk: Desk) -> None:
    person = await desk.person("8001")
    draft = await typed(
        person, await draft_for(desk, person), **{**COMPLAINT, "anonymous": True, "contact_phone": None}
    )
    await submitted(person, draft)
    desk.switch.talking("1.2", "8001")
    assert (await person.get("/calls/1.2/caller-history")).json()["total"] == 0
    assert (await person.get("/tickets", params={"q": MOBILE})).json()["total"] == 0


async def test_an_anonymous_ticket_keeps_no_number_that_only_the_line_told(desk: Desk) -> None:
    person = await desk.person("8001")
    matter = {name: value for name, value in COMPLAINT.items() if name != "contact_phone"}
    kept = []
    for call_id, more in (("1.1", {}), ("1.2", {"contact_phone": "13911112222"})):
        draft = await draft_for(desk, person, call_id)
        await hears(desk, call_id, heard("contact_phone", MOBILE))
        draft = await typed(person, draft, **{**matter, **more, "anonymous": True})
        kept.append((await submitted(person, draft))["fields"]["contact_phone"])
    assert kept == [None, "139****2222"]


async def test_the_forms_know_what_to_choose_from(desk: Desk) -> None:
    person = await desk.person("8001")
    reference = (await person.get("/reference")).json()
    assert reference["appeal_types"] == ["咨询", "求助", "投诉", "举报", "建议", "表扬", "其他"]
    assert reference["dispositions"] == ["direct_answer", "dispatch", "invalid"]
    assert reference["pause_reasons"] == ["busy", "meal", "rest", "training", "meeting", "other"]
    categories, departments = reference["categories"], set(reference["departments"])
    assert len({category["code"] for category in categories}) == len(categories) > 50
    assert {category["department"] for category in categories} <= departments
    assert all(checked("category_code", category["code"]) for category in categories)
    assert all(checked("department", department) for department in departments)


async def test_the_forms_know_the_servers_own_rules(desk: Desk) -> None:
    person = await desk.person("8001")
    rules = {rule["name"]: rule for rule in (await person.get("/reference")).json()["fields"]}
    draft = await draft_for(desk, person)
    assert set(rules) == set(draft["fields"])
    assert [name for name, rule in rules.items() if "dispatch" in rule["required_for"]] == draft["missing"]
    assert rules["address"]["unless"] == {"field": "appeal_type", "value": "咨询"}
    assert rules["contact_phone"]["unless"] == {"field": "anonymous", "value": True}
    for name, rule in rules.items():
        if rule["kind"] in ("line", "text", "phone", "number", "code"):
            assert checked(name, "1" * rule["longest"]) is not None
            with pytest.raises(InvalidField):
                checked(name, "1" * (rule["longest"] + 1))
