"""漏接回拨: one open item for each number, closed by itself when the citizen gets through, and never dialled twice."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from api.auth.permissions import Role
from api.callbacks import rules
from api.callbacks.events import CallbackChanged
from api.callbacks.recorder import CallbackRecorder, record, settle, tell_after
from api.callbacks.rules import Answered, Matter, Missed, Over, Reason, matter_of
from api.calls.recorder import record as record_call
from api.settings import Settings
from api.store.engine import Store
from api.store.journaled import Codec
from api.store.tables import AuditRecord, CallbackAttempt, CallbackCall, CallbackRecord, RecordingRecord
from telephony import errors
from telephony.calls import Call, CallPhase
from telephony.commands import PlaceCall
from telephony.events import (
    CallAnswered,
    CallArrived,
    CallbackAsked,
    CallEnded,
    CallEvent,
    CallOutcome,
    MessageLeft,
)
from telephony.ids import AgentId, CallId, ChannelId, LineNumber, QueueName
from telephony.outbound import placed_by_us
from tests.api.desk import MOBILE, START, Desk, Person

OTHER = "13900000001"


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def missed(call_id: str = "1.1", seconds: float = 0, number: str = MOBILE, reason: Reason = Reason.ABANDONED) -> Missed:
    return Missed(at=at(seconds), call_id=call_id, number=number, line="12345", reason=reason)


async def told(store: Store, matters: Iterable[Matter], settings: Settings | None = None) -> list[object]:
    published: list[object] = []
    settings = settings or Settings(home=Path("/nowhere"))
    for matter in matters:
        async with store.write() as session:
            tell_after(session, await record(session, store.keyring, settings, matter), published.append)
    return published


async def items(store: Store) -> list[CallbackRecord]:
    async with store.read() as session:
        return list((await session.scalars(select(CallbackRecord).order_by(CallbackRecord.first_at))).all())


async def only(store: Store) -> CallbackRecord:
    (item,) = await items(store)
    return item


# what an event means --------------------------------------------------------------------------------------------------
CALL = Call(
    id=CallId("1.1"),
    phase=CallPhase.QUEUED,
    caller_number=MOBILE,
    caller_name="",
    line=LineNumber("12345"),
    arrived_at=START,
)


def ended(outcome: CallOutcome, by: str = "caller") -> CallEnded:
    return CallEnded(at=at(30), call_id=CALL.id, outcome=outcome, ended_by=by, wait_s=26.0, talk_s=None)


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (ended(CallOutcome.ABANDONED), Reason.ABANDONED),
        (ended(CallOutcome.ABANDONED, by="switch"), Reason.FALLBACK),
        (ended(CallOutcome.LOST, by="switch"), Reason.CUT_OFF),
        (CallbackAsked(at=at(9), call_id=CALL.id, queue=QueueName("hotline"), number=OTHER), Reason.ASKED),
        (MessageLeft(at=at(9), call_id=CALL.id, line=LineNumber("12345"), file="m.wav"), Reason.MESSAGE),
    ],
)
def test_every_caller_whom_nobody_served_is_to_be_called_back(event: Any, reason: Reason) -> None:
    matter = matter_of(event, CALL)
    assert isinstance(matter, Missed)
    assert (matter.reason, matter.line) == (reason, "12345")
    assert matter.number == (OTHER if reason is Reason.ASKED else MOBILE)


def test_an_ordinary_end_brings_nobody_a_call() -> None:
    assert matter_of(ended(CallOutcome.ANSWERED), CALL) == Over(at=at(30), call_id="1.1", outcome="answered")
    assert matter_of(ended(CallOutcome.BUSY), replace(CALL, direction="outbound")) == Over(
        at=at(30), call_id="1.1", outcome="busy"
    )


@pytest.mark.parametrize("number", ["", "anonymous", "12", "0" * 21, "１３８００００００００", "138 0000"])
def test_what_cannot_be_dialled_is_no_number(number: str) -> None:
    matter = matter_of(ended(CallOutcome.ABANDONED), replace(CALL, caller_number=number))
    assert isinstance(matter, Missed)
    assert matter.number == ""


def test_of_several_reasons_the_strongest_stays() -> None:
    assert rules.stronger("asked", "abandoned") == "asked"
    assert rules.stronger("abandoned", "cut_off") == "cut_off"


# one item for each number ---------------------------------------------------------------------------------------------
async def test_a_number_that_is_missed_again_is_joined_not_doubled(store: Store) -> None:
    published = await told(store, [missed("1.1", 0), missed("1.2", 60), missed("1.3", 90, number=OTHER)])
    first, other = await items(store)
    assert (first.calls, first.first_at, first.last_at, first.due_at) == (2, at(0), at(60), at(1800))
    assert (other.calls, other.number) == (1, OTHER)
    assert len(published) == 3
    assert all(isinstance(one, CallbackChanged) for one in published)


async def test_telling_of_a_missed_call_twice_changes_nothing(store: Store) -> None:
    await told(store, [missed("1.1", 0)])
    version = (await only(store)).version
    assert await told(store, [missed("1.1", 0), missed("1.1", 5)]) == []
    assert ((await only(store)).version, (await only(store)).calls) == (version, 1)


async def test_one_number_however_it_is_written_has_one_item(store: Store) -> None:
    await told(
        store, [missed("1.1", 0), missed("1.2", 5, number=f"+86{MOBILE}"), missed("1.3", 6, number=f"0{MOBILE}")]
    )
    assert (await only(store)).calls == 3


async def test_whoever_asked_to_be_called_and_then_hung_up_counts_once(store: Store) -> None:
    await told(store, [missed("1.1", 5, reason=Reason.ASKED), missed("1.1", 8)])
    item = await only(store)
    assert (item.calls, item.reason) == (1, "asked")


async def test_many_calls_of_one_number_at_the_same_moment_are_one_item(store: Store) -> None:
    await asyncio.gather(*(told(store, [missed(f"1.{n}", n)]) for n in range(12)))
    assert (await only(store)).calls == 12


async def test_an_answer_later_closes_the_item_by_itself(store: Store) -> None:
    await told(store, [missed("1.1", 0), Answered(at=at(100), call_id="1.2", number=f"+86{MOBILE}")])
    item = await only(store)
    assert (item.status, item.outcome, item.closed_at) == ("done", "answered_later", at(100))
    await told(store, [missed("1.3", 200)])
    assert [one.status for one in await items(store)] == ["done", "open"]


async def test_an_answer_before_the_missed_call_closes_nothing(store: Store) -> None:
    await told(store, [missed("1.1", 50), Answered(at=at(40), call_id="1.0", number=MOBILE)])
    assert (await only(store)).status == "open"


async def test_a_withheld_number_is_recorded_and_joined_with_nobody(store: Store) -> None:
    await told(store, [missed("1.1", 0, number=""), missed("1.2", 1, number="")])
    assert [(one.status, one.outcome, one.number) for one in await items(store)] == [("done", "no_number", None)] * 2
    await told(store, [missed("1.3", 2, number="", reason=Reason.MESSAGE)])
    assert (await items(store))[-1].status == "open"


def arrived(call_id: str, seconds: float) -> CallArrived:
    return CallArrived(
        at=at(seconds),
        call_id=CallId(call_id),
        caller_number=MOBILE,
        caller_name="",
        line=LineNumber("12345"),
        channel=ChannelId(call_id),
    )


async def recorded(store: Store, *events: CallEvent) -> None:
    async with store.write() as session:
        for event in events:
            await record_call(session, store.keyring, event)


def keeper(store: Store, calls: dict[CallId, Call] | None = None) -> CallbackRecorder:
    settings = Settings(home=Path("/nowhere"))
    return CallbackRecorder(store, settings, lambda: calls or {}, lambda _: None, lambda: START)


async def test_a_call_that_ended_unseen_is_called_back_and_not_if_its_end_is_found(store: Store) -> None:
    lost = replace(ended(CallOutcome.LOST, by="unknown"), at=at(500))
    await recorded(store, arrived("1.1", 0), lost)
    for _ in range(2):
        await keeper(store).look_after(at(600))
    item = await only(store)
    assert (item.reason, item.number, item.line, item.status) == ("cut_off", MOBILE, "12345", "open")
    assert (item.calls, item.first_at) == (1, at(500))
    await told(store, [Over(at=at(90), call_id="1.1", outcome="answered")])
    assert ((await only(store)).status, (await only(store)).outcome) == ("done", "not_needed")


async def test_what_only_the_records_know_is_joined_and_closed_as_well(store: Store) -> None:
    asked = CallbackAsked(at=at(9), call_id=CallId("1.1"), queue=QueueName("hotline"), number=MOBILE)
    await recorded(store, arrived("1.1", 0), asked, ended(CallOutcome.ABANDONED))
    await recorded(store, arrived("1.2", 60), replace(ended(CallOutcome.ABANDONED), call_id=CallId("1.2"), at=at(80)))
    await keeper(store).look_after(at(100))
    item = await only(store)
    assert (item.calls, item.reason, item.last_at) == (2, "asked", at(80))
    answer = CallAnswered(
        at=at(120),
        call_id=CallId("1.3"),
        agent_id=AgentId("8001"),
        citizen=ChannelId("1.3"),
        operator=ChannelId("1.4"),
        wait_s=2.0,
    )
    await recorded(store, arrived("1.3", 110), answer)
    await keeper(store).look_after(at(130))
    item = await only(store)
    assert (item.status, item.outcome, item.closed_at) == ("done", "answered_later", at(120))
    await keeper(store).look_after(at(140))
    assert len(await items(store)) == 1


async def test_a_missed_call_of_last_week_is_not_dug_up(store: Store) -> None:
    await recorded(store, arrived("1.1", 0), ended(CallOutcome.ABANDONED))
    await keeper(store).look_after(at(7 * 86_400))
    assert await items(store) == []


async def test_an_event_becomes_an_item_through_the_recorder(store: Store) -> None:
    recorder = keeper(store, {CALL.id: CALL})
    running = asyncio.create_task(recorder.run())
    recorder.put(ended(CallOutcome.ABANDONED))
    assert await recorder.drain(10)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert recorder.behind.refused == 0
    assert ((await only(store)).number, (await only(store)).reason) == (MOBILE, "abandoned")


async def test_somebody_cut_off_after_being_served_once_has_a_new_item(store: Store) -> None:
    await told(
        store,
        [
            missed("1.1", 5, reason=Reason.ASKED),
            Answered(at=at(20), call_id="1.1", number=MOBILE),
            missed("1.1", 60, reason=Reason.CUT_OFF),
        ],
    )
    done, new = await items(store)
    assert (done.outcome, new.reason, new.status) == ("answered_later", "cut_off", "open")
    async with store.read() as session:
        assert (await session.get_one(CallbackCall, "1.1")).callback_id == new.id


def test_the_operator_who_answers_a_placed_call_answers_no_citizens_call() -> None:
    answered = CallAnswered(
        at=at(3),
        call_id=CALL.id,
        agent_id=AgentId("8001"),
        citizen=ChannelId("1.1"),
        operator=ChannelId("1.2"),
        wait_s=0.0,
    )
    assert matter_of(answered, CALL) == Answered(at=at(3), call_id="1.1", number=MOBILE)


@pytest.mark.parametrize(
    "matter",
    [
        missed("1.1", 5, reason=Reason.ASKED),
        Answered(at=at(20), call_id="1.2", number=MOBILE),
        Over(at=at(90), call_id="1.1", outcome="answered"),
    ],
    ids=lambda matter: type(matter).__name__,
)
def test_what_waits_for_the_database_comes_back_as_it_was(matter: Matter) -> None:
    codec: Codec[Matter] = Codec((Missed, Answered, Over))
    assert codec.item(codec.text(matter)) == matter


# the lease ------------------------------------------------------------------------------------------------------------
async def an_item(desk: Desk, **more: Any) -> str:
    await told(desk.shared.store, [missed(**more)], desk.shared.settings)
    return (await items(desk.shared.store))[-1].id


async def claimed(person: Person, callback_id: str) -> int:
    return (await person.post(f"/callbacks/{callback_id}/claim", {})).status_code


async def test_of_twenty_who_reach_for_it_at_once_one_gets_it(desk: Desk) -> None:
    people = [await desk.person(str(8001 + n)) for n in range(20)]
    callback_id = await an_item(desk)
    statuses = await asyncio.gather(*(claimed(person, callback_id) for person in people))
    assert sorted(statuses) == [200] + [409] * 19
    winner = str(8001 + statuses.index(200))
    assert (await only(desk.shared.store)).owner == winner


async def test_of_twenty_clicks_one_rings_the_citizen(desk: Desk) -> None:
    """All of one person, each under its own key: another window, a double click, a second server."""
    person = await desk.person("8001")
    callback_id = await an_item(desk)
    assert await claimed(person, callback_id) == 200
    answers = await asyncio.gather(
        *(person.post(f"/callbacks/{callback_id}/dial", {}, key=f"click-{n}") for n in range(20))
    )
    assert sorted(answer.status_code for answer in answers) == [202] + [409] * 19
    (command,) = desk.switch.asked
    assert isinstance(command, PlaceCall)
    assert (command.number, command.agent_id, command.line) == (MOBILE, "8001", "12345")
    assert placed_by_us(command.call_id)


async def test_nobody_dials_without_a_live_lease(desk: Desk) -> None:
    person, other = await desk.person("8001"), await desk.person("8002")
    callback_id = await an_item(desk)
    answer = await person.post(f"/callbacks/{callback_id}/dial", {})
    assert (answer.status_code, answer.json()["detail"]) == (409, "take it first")
    assert await claimed(person, callback_id) == 200
    assert (await other.post(f"/callbacks/{callback_id}/dial", {})).status_code == 409
    desk.clock.forward(desk.shared.settings.callback_lease_s)
    answer = await person.post(f"/callbacks/{callback_id}/dial", {})
    assert (answer.status_code, answer.json()["detail"]) == (409, "the lease has run out")
    assert await claimed(other, callback_id) == 200
    assert desk.switch.asked == []


async def test_the_same_key_dials_once_and_is_answered_alike(desk: Desk) -> None:
    person = await desk.person("8001")
    callback_id = await an_item(desk)
    assert await claimed(person, callback_id) == 200
    first = await person.post(f"/callbacks/{callback_id}/dial", {}, key="one")
    again = await person.post(f"/callbacks/{callback_id}/dial", {}, key="one")
    assert first.json() == again.json()
    assert len(desk.switch.asked) == 1


async def test_a_call_that_the_switch_refused_rang_nobody_and_may_be_tried_again(desk: Desk) -> None:
    person = await desk.person("8001")
    callback_id = await an_item(desk)
    assert await claimed(person, callback_id) == 200
    desk.switch.failure = errors.Refused(command="PlaceCall", state="paused", reason="not ready")
    answer = await person.post(f"/callbacks/{callback_id}/dial", {})
    assert (answer.status_code, answer.json()["error"]) == (409, "refused")
    shown = (await person.get(f"/callbacks/{callback_id}")).json()
    assert (shown["dialling"], shown["attempts"]) == (None, [])
    desk.switch.failure = None
    assert (await person.post(f"/callbacks/{callback_id}/dial", {})).status_code == 202


async def test_a_call_of_which_nobody_knows_is_never_placed_again_while_it_may_ring(desk: Desk) -> None:
    """The order was sent and not answered, or the server died just then."""
    person, other = await desk.person("8001"), await desk.person("8002")
    callback_id = await an_item(desk)
    assert await claimed(person, callback_id) == 200
    desk.switch.failure = errors.ActionUnanswered("Originate")
    assert (await person.post(f"/callbacks/{callback_id}/dial", {})).status_code == 202
    desk.switch.failure = None
    assert (await person.post(f"/callbacks/{callback_id}/dial", {})).status_code == 409
    call_id = (await only(desk.shared.store)).dialling
    desk.clock.forward(desk.shared.settings.callback_lease_s + 1)
    assert await claimed(other, callback_id) == 409
    assert await settled(desk, live={str(call_id)}) == 0
    assert await settled(desk) == 1
    assert await claimed(other, callback_id) == 200


async def settled(desk: Desk, live: Iterable[str] = ()) -> int:
    async with desk.shared.store.write() as session:
        return len(await settle(session, desk.shared.settings, desk.clock(), live=frozenset(live)))


async def dialled(desk: Desk, person: Person, callback_id: str) -> str:
    assert await claimed(person, callback_id) == 200
    answer = await person.post(f"/callbacks/{callback_id}/dial", {})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["call_id"])


# what came of it ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("outcome", "result"),
    [("answered", "reached"), ("busy", "busy"), ("declined", "refused"), ("cancelled", None), ("lost", None)],
)
async def test_the_end_of_the_call_fills_the_attempt(desk: Desk, outcome: str, result: str | None) -> None:
    person = await desk.person("8001")
    callback_id = await an_item(desk)
    call_id = await dialled(desk, person, callback_id)
    desk.clock.forward(60)
    over = Over(at=desk.clock(), call_id=call_id, outcome=outcome)
    await told(desk.shared.store, [over, over], desk.shared.settings)
    shown = (await person.get(f"/callbacks/{callback_id}")).json()
    assert (shown["status"], shown["dialling"], shown["owner"]) == ("open", None, "8001")
    assert [(one["result"], one["call_id"]) for one in shown["attempts"]] == [(result, call_id)]


async def test_who_was_reached_is_done_even_if_nobody_writes_it_down(desk: Desk) -> None:
    person = await desk.person("8001")
    callback_id = await an_item(desk)
    call_id = await dialled(desk, person, callback_id)
    await told(desk.shared.store, [Over(at=at(60), call_id=call_id, outcome="answered")], desk.shared.settings)
    desk.clock.forward(3600)
    assert await settled(desk) == 1
    assert ((await only(desk.shared.store)).status, (await only(desk.shared.store)).outcome) == ("done", "reached")


async def test_what_a_person_writes_goes_before_what_the_switch_took_it_for(desk: Desk) -> None:
    """An answering machine answers, too."""
    person = await desk.person("8001")
    callback_id = await an_item(desk)
    call_id = await dialled(desk, person, callback_id)
    await told(desk.shared.store, [Over(at=at(60), call_id=call_id, outcome="answered")], desk.shared.settings)
    answer = await person.post(f"/callbacks/{callback_id}/outcome", {"result": "machine", "note": "答录机"})
    assert (answer.status_code, answer.json()["status"], answer.json()["owner"]) == (200, "open", None)
    assert [one["result"] for one in answer.json()["attempts"]] == ["machine"]


async def test_after_so_many_tries_without_an_answer_nobody_calls_any_more(desk: Desk) -> None:
    person = await desk.person("8001")
    callback_id = await an_item(desk)
    for n in range(desk.shared.settings.callback_tries):
        call_id = await dialled(desk, person, callback_id)
        await told(desk.shared.store, [Over(at=at(60 + n), call_id=call_id, outcome="busy")], desk.shared.settings)
        answer = await person.post(f"/callbacks/{callback_id}/outcome", {"result": "busy"})
    assert (answer.json()["status"], answer.json()["outcome"]) == ("done", "busy")
    assert len(answer.json()["attempts"]) == 3
    assert await claimed(person, callback_id) == 409


async def test_an_outcome_written_while_the_call_goes_on_keeps_others_away(desk: Desk) -> None:
    person, other = await desk.person("8001"), await desk.person("8002")
    callback_id = await an_item(desk)
    call_id = await dialled(desk, person, callback_id)
    answer = await person.post(f"/callbacks/{callback_id}/outcome", {"result": "no_answer"})
    assert (answer.json()["status"], answer.json()["dialling"]) == ("open", call_id)
    assert await claimed(other, callback_id) == 409
    await told(desk.shared.store, [Over(at=at(60), call_id=call_id, outcome="no_answer")], desk.shared.settings)
    desk.clock.forward(3600)
    assert await settled(desk) == 1
    async with desk.shared.store.read() as session:
        assert len((await session.scalars(select(CallbackAttempt))).all()) == 1


async def test_only_the_holder_or_a_supervisor_gives_an_item_back(desk: Desk) -> None:
    person, other = await desk.person("8001"), await desk.person("8002")
    supervisor = await desk.person("9001", Role.SUPERVISOR)
    callback_id = await an_item(desk)
    assert await claimed(person, callback_id) == 200
    assert (await other.post(f"/callbacks/{callback_id}/release", {})).status_code == 409
    assert (await other.post(f"/callbacks/{callback_id}/outcome", {"result": "reached"})).status_code == 409
    assert (await supervisor.post(f"/callbacks/{callback_id}/release", {})).json()["owner"] is None
    assert await claimed(other, callback_id) == 200


async def test_the_number_is_masked_everywhere_and_every_step_audited(desk: Desk) -> None:
    person = await desk.person("8001")
    callback_id = await an_item(desk)
    await dialled(desk, person, callback_id)
    for answer in (await person.get("/callbacks"), await person.get(f"/callbacks/{callback_id}")):
        assert MOBILE not in answer.text
        assert "138****0000" in answer.text
    async with desk.shared.store.read() as session:
        actions = (await session.scalars(select(AuditRecord.action).where(AuditRecord.object_id == callback_id))).all()
    assert list(actions) == ["callback.claim", "callback.dial"]


async def test_callbacks_are_paged_sorted_and_mine_are_mine(desk: Desk) -> None:
    person = await desk.person("8001")
    matters = [missed("1.1", 0), missed("1.2", 60, number=OTHER)]
    await told(desk.shared.store, matters, desk.shared.settings)
    first, second = [one.id for one in await items(desk.shared.store)]

    async def listed(**params: Any) -> list[str]:
        answer = await person.get("/callbacks", params=params)
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json()["items"]]

    assert await listed(status="open") == [first, second]
    assert await listed(sort="-due_at") == [second, first]
    assert await listed(mine=True) == []
    assert await claimed(person, second) == 200
    assert await listed(mine=True) == [second]
    assert await listed(status="done") == []
    assert await listed(size=1, page=2) == [second]
    assert (await person.get("/callbacks", params={"sort": "number"})).status_code == 422


async def test_a_withheld_number_with_a_message_cannot_be_dialled(desk: Desk) -> None:
    person = await desk.person("8001")
    callback_id = await an_item(desk, number="", reason=Reason.MESSAGE)
    assert await claimed(person, callback_id) == 200
    answer = await person.post(f"/callbacks/{callback_id}/dial", {})
    assert (answer.status_code, answer.json()["detail"]) == (409, "the number was withheld")
    assert not (await person.get(f"/callbacks/{callback_id}")).json()["dialable"]


async def test_a_result_that_is_none_is_named(desk: Desk) -> None:
    person = await desk.person("8001")
    callback_id = await an_item(desk)
    answer = await person.post(f"/callbacks/{callback_id}/outcome", {"result": "happy"})
    assert (answer.status_code, answer.json()["field"]) == (422, "result")


# voice messages -------------------------------------------------------------------------------------------------------
async def left_a_message(desk: Desk, call_id: str, seconds: float, sound: bytes | None, folder: Path) -> str:
    """The item of this caller, whom nobody could answer."""
    message = MessageLeft(at=at(seconds), call_id=CallId(call_id), line=LineNumber("12345"), file=f"{call_id}-message")
    async with desk.shared.store.write() as session:
        await record_call(session, desk.shared.store.keyring, message)
    await told(desk.shared.store, [missed(call_id, seconds, reason=Reason.MESSAGE)], desk.shared.settings)
    if sound is not None:
        (folder / f"{call_id}-message.wav").write_bytes(sound)
    return (await only(desk.shared.store)).id


async def test_a_voice_message_is_heard_whole_and_in_pieces_by_who_calls_back(desk: Desk, tmp_path: Path) -> None:
    person, clerk = await desk.person("8001"), await desk.person("clerk", Role.DISPATCHER, agent=False)
    callback_id = await left_a_message(desk, "1.1", 0, bytes(range(100)), tmp_path)
    shown = (await person.get(f"/callbacks/{callback_id}")).json()
    (listed,) = (await person.get("/callbacks")).json()["items"]
    assert shown == listed
    assert shown["messages"] == [{"call_id": "1.1", "at": "2026-11-21T06:00:00Z"}]
    path = f"/callbacks/{callback_id}/message"
    whole = await person.get(path)
    assert (whole.status_code, whole.headers["content-type"], whole.content) == (200, "audio/wav", bytes(range(100)))
    assert whole.headers["cache-control"] == "private, no-store"
    piece = await person.get(path, headers={"Range": "bytes=10-19"})
    assert (piece.status_code, piece.content) == (206, bytes(range(10, 20)))
    assert (await clerk.get(path)).status_code == 403
    async with desk.shared.store.read() as session:
        heard = await session.scalars(select(AuditRecord).where(AuditRecord.action == "recording.listen"))
        assert [(row.username, row.object_id, row.detail) for row in heard] == [
            ("8001", "1.1", {"leg": "message", "callback_id": callback_id}),
            ("8001", "1.1", {"leg": "message", "callback_id": callback_id, "range": "bytes=10-19"}),
        ]


async def test_of_several_messages_the_newest_is_played_and_each_can_be_asked_for(desk: Desk, tmp_path: Path) -> None:
    person = await desk.person("8001")
    await left_a_message(desk, "1.1", 0, b"first", tmp_path)
    await told(desk.shared.store, [missed("1.2", 60)], desk.shared.settings)
    callback_id = await left_a_message(desk, "1.3", 120, b"third", tmp_path)
    (tmp_path / "9.9-message.wav").write_bytes(b"of somebody else")
    shown = (await person.get(f"/callbacks/{callback_id}")).json()
    assert [one["call_id"] for one in shown["messages"]] == ["1.3", "1.1"]
    path = f"/callbacks/{callback_id}/message"
    assert (await person.get(path)).content == b"third"
    assert (await person.get(path, params={"call_id": "1.1"})).content == b"first"
    for other in ("1.2", "9.9"):
        assert (await person.get(path, params={"call_id": other})).status_code == 404
    answer = await person.get(path, params={"call_id": "../9.9"})
    assert (answer.status_code, answer.json()["field"]) == (422, "call_id")


async def test_a_message_stays_known_where_a_stronger_reason_came_after_it(desk: Desk, tmp_path: Path) -> None:
    person = await desk.person("8001")
    callback_id = await left_a_message(desk, "1.1", 0, b"sound", tmp_path)
    await told(desk.shared.store, [missed("1.1", 5, reason=Reason.CUT_OFF)], desk.shared.settings)
    shown = (await person.get(f"/callbacks/{callback_id}")).json()
    assert (shown["reason"], [one["call_id"] for one in shown["messages"]]) == ("cut_off", ["1.1"])


async def test_without_a_message_or_after_its_time_there_is_nothing_to_hear(desk: Desk, tmp_path: Path) -> None:
    person = await desk.person("8001")
    plain = await an_item(desk)
    assert (await person.get(f"/callbacks/{plain}")).json()["messages"] == []
    assert (await person.get(f"/callbacks/{plain}/message")).status_code == 404
    callback_id = await left_a_message(desk, "1.2", 60, b"sound", tmp_path)
    async with desk.shared.store.write() as session:
        session.add(
            RecordingRecord(
                call_id="1.2",
                state="erased",
                due_at=at(90),
                attempts=0,
                kind="message",
                ended_at=at(60),
                erase_at=at(90),
            )
        )
    assert (await person.get(f"/callbacks/{callback_id}")).json()["messages"] == []
    assert (await person.get(f"/callbacks/{callback_id}/message")).status_code == 404
    async with desk.shared.store.read() as session:
        assert (await session.scalars(select(AuditRecord).where(AuditRecord.action == "recording.listen"))).all() == []
