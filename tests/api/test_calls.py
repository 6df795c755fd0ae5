"""Call records written from events, and what may be seen of a call and done with it over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text

from api.auth.permissions import Role
from api.auth.sessions import SignedIn
from api.auth.standby import ShiftEnded
from api.calls.recorder import CallRecorder, record
from api.calls.service import close_lost
from api.errors import NotNow
from api.shifts import opened
from api.store.engine import Store
from api.store.tables import AuditRecord, CallAgent, CallEventRecord, CallRecord, Shift
from api.transcripts.recorder import TranscriptRecorder
from asr.transcript import Speaker, Turn
from telephony import errors
from telephony.commands import HangUpCall
from telephony.events import (
    AgentLegEnded,
    AgentSignedIn,
    AheadReason,
    CallAnswered,
    CallArrived,
    CallbackAsked,
    CallEnded,
    CallEvent,
    CallHeld,
    CallLeftQueue,
    CallMovedAhead,
    CallOffered,
    CallOutcome,
    CallPlaced,
    CallQueued,
    CallResumed,
    Event,
    LineKept,
    MachineHeard,
    MessageLeft,
    OfferEnded,
    OfferOutcome,
    RecordingPaused,
    RecordingResumed,
    SupervisionChanged,
    TransferReason,
    TransferStep,
    TransferStepped,
)
from telephony.ids import AgentId, CallId, ChannelId, LineNumber, QueueName, SeatId
from telephony.targets import SpyMode, Target, TargetKind, TransferMode
from tests.api.desk import MOBILE, START, Desk

ANSWERED = CallId("1.1")
MISSED = CallId("1.2")


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def arrived(call_id: CallId, seconds: float = 0) -> CallArrived:
    return CallArrived(
        at=at(seconds),
        call_id=call_id,
        caller_number=MOBILE,
        caller_name="王建国",
        line=LineNumber("12345"),
        channel=ChannelId(call_id),
    )


def queued(call_id: CallId, seconds: float = 4) -> CallQueued:
    return CallQueued(at=at(seconds), call_id=call_id, queue=QueueName("hotline"), position=1)


def story_of_an_answered_call() -> list[Event]:
    agent = AgentId("8001")
    return [
        arrived(ANSWERED),
        queued(ANSWERED),
        CallOffered(at=at(5), call_id=ANSWERED, agent_id=AgentId("8002"), channel=ChannelId("1.3")),
        OfferEnded(at=at(20), call_id=ANSWERED, agent_id=AgentId("8002"), outcome=OfferOutcome.NO_ANSWER, ring_s=15.0),
        CallOffered(at=at(21), call_id=ANSWERED, agent_id=agent, channel=ChannelId("1.4")),
        AgentSignedIn(at=at(22), agent_id=AgentId("8003"), seat=SeatId("8003")),
        CallAnswered(
            at=at(24),
            call_id=ANSWERED,
            agent_id=agent,
            citizen=ChannelId("1.1"),
            operator=ChannelId("1.4"),
            wait_s=20.0,
        ),
        CallLeftQueue(at=at(24), call_id=ANSWERED, queue=QueueName("hotline")),
        CallHeld(at=at(40), call_id=ANSWERED, by=ChannelId("1.4")),
        CallResumed(at=at(50), call_id=ANSWERED, by=ChannelId("1.4")),
        AgentLegEnded(at=at(100), call_id=ANSWERED, agent_id=agent, talk_s=76.0),
        CallEnded(
            at=at(101), call_id=ANSWERED, outcome=CallOutcome.ANSWERED, ended_by="caller", wait_s=None, talk_s=77.0
        ),
    ]


def story_of_a_missed_call() -> list[Event]:
    return [
        arrived(MISSED, 1),
        queued(MISSED),
        CallEnded(
            at=at(30), call_id=MISSED, outcome=CallOutcome.ABANDONED, ended_by="caller", wait_s=26.0, talk_s=None
        ),
    ]


@asynccontextmanager
async def recording_calls(store: Store) -> AsyncIterator[CallRecorder]:
    recorder = CallRecorder(store)
    running = asyncio.create_task(recorder.run())
    yield recorder
    assert await recorder.drain(10)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert recorder.behind.refused == 0


async def told(store: Store, *stories: list[Event]) -> None:
    async with recording_calls(store) as recorder:
        for story in stories:
            for event in story:
                recorder.put(event)


async def everything(store: Store) -> tuple[object, ...]:
    """The two tables as they stand, for comparing."""
    async with store.read() as session:
        calls = (await session.scalars(select(CallRecord).order_by(CallRecord.id))).all()
        events = (await session.scalars(select(CallEventRecord).order_by(CallEventRecord.id))).all()
    columns = CallRecord.__table__.columns.keys()
    return (
        tuple(tuple(getattr(call, name) for name in columns) for call in calls),
        tuple((event.call_id, event.kind, event.at, str(event.data)) for event in events),
    )


# recording ------------------------------------------------------------------------------------------------------------
async def test_the_story_of_a_call_becomes_its_record(store: Store) -> None:
    await told(store, story_of_an_answered_call())
    async with store.read() as session:
        call = await session.get_one(CallRecord, ANSWERED)
        events = (await session.scalars(select(CallEventRecord).order_by(CallEventRecord.id))).all()
    assert (call.line, call.queue, call.caller_number, call.caller_name) == ("12345", "hotline", MOBILE, "王建国")
    assert call.phone_hash == store.keyring.phone_hash(MOBILE)
    assert (call.arrived_at, call.queued_at, call.offered_at, call.answered_at) == (at(0), at(4), at(21), at(24))
    assert (call.agent_left_at, call.ended_at) == (at(100), at(101))
    assert (call.offers, call.answered_by, call.outcome, call.ended_by) == (2, "8001", "answered", "caller")
    assert (call.wait_s, call.talk_s) == (20.0, 76.0)
    assert [event.kind for event in events] == [
        "CallArrived",
        "CallQueued",
        "CallOffered",
        "OfferEnded",
        "CallOffered",
        "CallAnswered",
        "CallLeftQueue",
        "CallHeld",
        "CallResumed",
        "AgentLegEnded",
        "CallEnded",
    ]
    assert events[3].data == {"agent_id": "8002", "outcome": "no_answer", "ring_s": 15.0}
    assert not any(personal in str(event.data) for event in events for personal in (MOBILE, "王建国"))


def story_of_a_lost_leg() -> list[Event]:
    """The operator's page is reloaded after 30 s of talk; on the new leg the talk goes on for another minute."""
    agent, queue = AgentId("8001"), QueueName("hotline")
    first = CallAnswered(
        at=at(10), call_id=ANSWERED, agent_id=agent, citizen=ChannelId("1.1"), operator=ChannelId("1.2"), wait_s=6.0
    )
    return [
        arrived(ANSWERED),
        queued(ANSWERED),
        first,
        CallLeftQueue(at=at(10), call_id=ANSWERED, queue=queue),
        AgentLegEnded(at=at(40), call_id=ANSWERED, agent_id=agent, talk_s=30.0),
        replace(first, at=at(41), operator=ChannelId("1.3"), returned=True),
        AgentLegEnded(at=at(101), call_id=ANSWERED, agent_id=agent, talk_s=60.0),
        CallEnded(
            at=at(102), call_id=ANSWERED, outcome=CallOutcome.ANSWERED, ended_by="operator", wait_s=6.0, talk_s=90.0
        ),
    ]


async def test_a_talk_on_two_legs_is_one_answer_and_its_parts_add_up(store: Store) -> None:
    await told(store, story_of_a_lost_leg(), story_of_a_lost_leg())
    async with store.read() as session:
        call = await session.get_one(CallRecord, ANSWERED)
    assert (call.answered_at, call.agent_left_at, call.wait_s, call.talk_s) == (at(10), at(101), 6.0, 90.0)


async def test_an_operator_who_is_back_has_not_left(store: Store) -> None:
    await told(store, story_of_a_lost_leg()[:6])
    async with store.read() as session:
        assert (await session.get_one(CallRecord, ANSWERED)).agent_left_at is None
    late = AgentLegEnded(at=at(42), call_id=ANSWERED, agent_id=AgentId("8001"), talk_s=1.0, replaced=True)
    await told(store, [late])
    async with store.read() as session:
        call = await session.get_one(CallRecord, ANSWERED)
    assert (call.agent_left_at, call.talk_s) == (None, 31.0)


async def test_an_answer_that_nobody_saw_leaves_the_wait_unknown(store: Store) -> None:
    story = story_of_a_lost_leg()
    answer = story[2]
    assert isinstance(answer, CallAnswered)
    end = CallEnded(
        at=at(102), call_id=ANSWERED, outcome=CallOutcome.ANSWERED, ended_by="caller", wait_s=None, talk_s=None
    )
    await told(store, [*story[:2], replace(answer, wait_s=0.0, rebuilt=True), end])
    async with store.read() as session:
        call = await session.get_one(CallRecord, ANSWERED)
    assert (call.answered_by, call.answered_at, call.wait_s) == ("8001", at(10), None)


@pytest.mark.parametrize(
    ("rebuilt", "left_at", "talk_s"), [(False, 100.5, 76.5), (True, 100.5, None), (False, None, None)]
)
async def test_a_talk_across_a_restart_of_ours_is_measured_from_the_recorded_answer(
    store: Store, rebuilt: bool, left_at: float | None, talk_s: float | None
) -> None:
    story = story_of_an_answered_call()
    answer = story[6]
    assert isinstance(answer, CallAnswered)
    left = AgentLegEnded(
        at=at(101),
        call_id=ANSWERED,
        agent_id=AgentId("8001"),
        talk_s=None,
        leg=ChannelId("1.4"),
        left_at=at(left_at) if left_at else None,
    )
    end = CallEnded(
        at=at(102), call_id=ANSWERED, outcome=CallOutcome.ANSWERED, ended_by="caller", wait_s=None, talk_s=None
    )
    await told(
        store, [*story[:6], replace(answer, rebuilt=rebuilt), replace(answer, rebuilt=True, at=at(25)), left, end]
    )
    async with store.read() as session:
        call = await session.get_one(CallRecord, ANSWERED)
    assert call.talk_s == talk_s


async def test_an_answer_found_again_leaves_the_exact_figures(store: Store) -> None:
    story = story_of_an_answered_call()
    answer = story[6]
    assert isinstance(answer, CallAnswered)
    await told(store, story)
    before = await everything(store)
    await told(store, [replace(answer, at=at(60), wait_s=0.0, rebuilt=True)])
    assert await everything(store) == before


async def test_the_wait_of_a_call_that_waited_twice_is_the_first(store: Store) -> None:
    again = CallAnswered(
        at=at(90),
        call_id=ANSWERED,
        agent_id=AgentId("8002"),
        citizen=ChannelId("1.1"),
        operator=ChannelId("1.5"),
        wait_s=33.0,
    )
    ended = CallEnded(
        at=at(99), call_id=ANSWERED, outcome=CallOutcome.ANSWERED, ended_by="caller", wait_s=33.0, talk_s=39.0
    )
    await told(store, [*story_of_a_lost_leg()[:5], replace(queued(ANSWERED), at=at(57)), again, ended])
    async with store.read() as session:
        call = await session.get_one(CallRecord, ANSWERED)
    assert (call.answered_at, call.answered_by, call.wait_s) == (at(10), "8002", 6.0)


async def test_telling_the_story_twice_changes_nothing(store: Store) -> None:
    await told(store, story_of_an_answered_call(), story_of_a_missed_call())
    before = await everything(store)
    await told(store, story_of_an_answered_call(), story_of_a_missed_call())
    assert await everything(store) == before


async def test_an_end_that_is_seen_again_later_is_the_same_end(store: Store) -> None:
    await told(store, story_of_a_missed_call())
    before = await everything(store)
    late = CallEnded(at=at(90), call_id=MISSED, outcome=CallOutcome.LOST, ended_by="unknown", wait_s=None, talk_s=None)
    await told(store, [late, arrived(MISSED, 80)])
    assert await everything(store) == before


async def test_an_end_that_was_seen_replaces_one_that_was_only_inferred(store: Store) -> None:
    await told(store, story_of_a_missed_call()[:2])
    assert await close_lost(store, set(), at(20)) == (MISSED,)
    await told(store, story_of_a_missed_call())
    async with store.read() as session:
        call = await session.get_one(CallRecord, MISSED)
    assert (call.outcome, call.ended_at, call.wait_s) == ("abandoned", at(30), 26.0)


async def test_who_handed_a_citizen_over_and_what_it_wrote_is_kept_and_the_words_are_sealed(store: Store) -> None:
    summary = "路灯杆倾斜，非警务类"
    await told(store, [replace(arrived(ANSWERED), centre="110", summary=summary)])
    async with store.read() as session:
        call = (await session.scalars(select(CallRecord))).one()
        event = (await session.scalars(select(CallEventRecord))).one()
        raw = await session.scalar(text("SELECT summary FROM calls"))
    assert (call.centre, call.summary) == ("110", summary)
    assert event.data["centre"] == "110"
    assert summary not in str(event.data) + str(raw)


async def test_a_call_of_which_the_start_was_not_seen_still_has_a_record(store: Store) -> None:
    await told(store, [queued(ANSWERED), arrived(ANSWERED)])
    async with store.read() as session:
        call = await session.get_one(CallRecord, ANSWERED)
    assert (call.caller_number, call.arrived_at, call.queue) == (MOBILE, at(0), "hotline")


async def test_a_call_whose_end_nobody_saw_is_lost_and_its_length_not_guessed(store: Store) -> None:
    await told(store, story_of_an_answered_call()[:7], [arrived(MISSED), arrived(CallId("1.9"))])
    lost = await close_lost(store, {CallId("1.9")}, at(500))
    assert lost == (ANSWERED, MISSED)
    async with store.read() as session:
        call = await session.get_one(CallRecord, ANSWERED)
    assert (call.outcome, call.ended_by, call.ended_at, call.talk_s) == ("lost", "unknown", at(500), None)
    assert await close_lost(store, set(), at(600)) == (CallId("1.9"),)
    assert await close_lost(store, set(), at(700)) == ()


PLACED = CallId("1.9000003")
OTHER_NUMBER = "13911112222"
SENT_ALONG = "报警人称楼道有烟"


def what_else_may_happen() -> list[CallEvent]:
    """One of each kind that the two stories do not hold."""
    agent, call = AgentId("8001"), ANSWERED
    desk = Target(kind=TargetKind.NUMBER, value=OTHER_NUMBER)
    return [
        replace(arrived(call, 2), centre="110", summary=SENT_ALONG, rebuilt=True),
        TransferStepped(
            at=at(60),
            call_id=call,
            transfer_id=f"{call}-t1",
            step=TransferStep.ROUTE_FAILED,
            agent_id=agent,
            target=desk,
            mode=TransferMode.THREE_WAY,
            leg=ChannelId("1.1-t1"),
            reason=TransferReason.BUSY,
        ),
        CallMovedAhead(at=at(1), call_id=call, priority=300, reason=AheadReason.ELDER),
        LineKept(at=at(61), call_id=call, agent_id=agent, on=True),
        SupervisionChanged(at=at(62), call_id=call, agent_id=AgentId("9001"), operator=agent, mode=SpyMode.WHISPER),
        SupervisionChanged(at=at(63), call_id=call, agent_id=AgentId("9001"), operator=agent, mode=None),
        RecordingPaused(at=at(64), call_id=call, agent_id=agent, until=at(124)),
        RecordingResumed(at=at(70), call_id=call, by_itself=False),
        CallbackAsked(at=at(71), call_id=call, queue=QueueName("hotline"), number=OTHER_NUMBER),
        MessageLeft(at=at(72), call_id=call, line=LineNumber("12345"), file=f"{call}-message.wav"),
        CallPlaced(
            at=at(80),
            call_id=PLACED,
            agent_id=agent,
            number=OTHER_NUMBER,
            line=LineNumber("12345"),
            channel=ChannelId(PLACED),
        ),
        MachineHeard(at=at(84), call_id=PLACED),
    ]


async def test_every_kind_of_call_event_can_be_recorded_once_and_tells_no_number_or_word(store: Store) -> None:
    from telephony import events

    told_of = [*story_of_an_answered_call(), *story_of_a_missed_call(), *what_else_may_happen()]
    kinds = {kind for kind in vars(events).values() if isinstance(kind, type) and issubclass(kind, CallEvent)}
    assert kinds - {CallEvent} <= {type(event) for event in told_of}
    again = 0
    async with store.write() as session:
        for event in told_of:
            if isinstance(event, CallEvent):
                again += not await record(session, store.keyring, event)
                assert not await record(session, store.keyring, event)
        kept = (await session.scalars(select(CallEventRecord))).all()
        placed = await session.get_one(CallRecord, PLACED)
    assert again == 1, "the arrival that was found anew is the same arrival"
    said = str([(row.event_key, row.data) for row in kept])
    assert not any(private in said for private in (MOBILE, OTHER_NUMBER, "王建国", SENT_ALONG))
    assert (placed.caller_number, placed.line, placed.arrived_at) == (OTHER_NUMBER, "12345", at(80))
    assert placed.direction == "outbound", "nobody called again, so the callback stays open for what came of it"


# over HTTP ------------------------------------------------------------------------------------------------------------
async def test_an_abandoned_call_is_missed_exactly_once(desk: Desk) -> None:
    person = await desk.person("8001")
    await told(desk.shared.store, story_of_an_answered_call(), story_of_a_missed_call(), story_of_a_missed_call())
    missed = (await person.get("/calls", params={"missed": True})).json()
    assert [(item["id"], item["outcome"], item["caller_number"]) for item in missed["items"]] == [
        (MISSED, "abandoned", "138****0000")
    ]
    others = (await person.get("/calls", params={"missed": False})).json()
    assert [item["id"] for item in others["items"]] == [ANSWERED]


async def test_an_operator_sees_own_and_missed_calls_and_a_supervisor_all(desk: Desk) -> None:
    mine, other = await desk.person("8001"), await desk.person("8002")
    supervisor = await desk.person("9001", Role.SUPERVISOR)
    await told(desk.shared.store, story_of_an_answered_call(), story_of_a_missed_call())
    listed = [
        {item["id"] for item in (await person.get("/calls")).json()["items"]} for person in (mine, other, supervisor)
    ]
    assert listed == [{ANSWERED, MISSED}, {MISSED}, {ANSWERED, MISSED}]
    statuses = [(await person.get(f"/calls/{ANSWERED}")).status_code for person in (mine, other, supervisor)]
    assert statuses == [200, 403, 200]
    assert (await mine.get("/calls/9.9")).status_code == 404
    assert (await mine.get("/calls/..%2F..%2Fetc")).status_code in (404, 422)


def brought_in(call_id: CallId, agent_id: str, step: TransferStep, seconds: float) -> TransferStepped:
    return TransferStepped(
        at=at(seconds),
        call_id=call_id,
        transfer_id=f"{call_id}-t1",
        step=step,
        agent_id=AgentId("8001"),
        target=Target(kind=TargetKind.AGENT, value=agent_id),
        mode=TransferMode.THREE_WAY,
    )


async def test_whoever_had_a_part_in_a_call_keeps_it_after_it_was_handed_on(desk: Desk) -> None:
    people = [await desk.person(name) for name in ("8001", "8002", "8003", "8004")]
    story = story_of_an_answered_call()
    on_8002 = replace(next(one for one in story if isinstance(one, CallAnswered)), agent_id=AgentId("8002"))
    handed_on = replace(on_8002, at=at(60), operator=ChannelId("1.7"), transferred=True)
    steps = [
        brought_in(ANSWERED, "8003", TransferStep.RINGING, 50),
        brought_in(ANSWERED, "8002", TransferStep.ANSWERED, 55),
    ]
    await told(desk.shared.store, [*story[:-2], *steps, handed_on, *story[-2:]])
    placed = CallPlaced(
        at=at(200),
        call_id=CallId("1795297638.9000001"),
        agent_id=AgentId("8004"),
        number=MOBILE,
        line=LineNumber("12345"),
        channel=ChannelId("1.9"),
    )
    await told(desk.shared.store, [placed, *steps, handed_on])
    listed = [[item["id"] for item in (await person.get("/calls")).json()["items"]] for person in people]
    assert listed == [[ANSWERED], [ANSWERED], [], [placed.call_id]], "who was rung only has had no part"
    statuses = [(await person.get(f"/calls/{ANSWERED}")).status_code for person in people]
    assert statuses == [200, 200, 403, 403]
    async with desk.shared.store.read() as session:
        parts = (
            await session.execute(select(CallAgent.call_id, CallAgent.agent_id).order_by(CallAgent.agent_id))
        ).all()
    assert [tuple(part) for part in parts] == [
        (ANSWERED, "8001"),
        (ANSWERED, "8002"),
        (placed.call_id, "8004"),
    ]


async def test_calls_are_sorted_and_paged(desk: Desk) -> None:
    supervisor = await desk.person("9001", Role.SUPERVISOR)
    await told(desk.shared.store, story_of_an_answered_call(), story_of_a_missed_call())

    async def order(sort: str) -> list[str]:
        return [item["id"] for item in (await supervisor.get("/calls", params={"sort": sort})).json()["items"]]

    assert await order("arrived_at") == [ANSWERED, MISSED]
    assert await order("-arrived_at") == [MISSED, ANSWERED]
    assert await order("-wait_s") == [MISSED, ANSWERED]
    assert await order("talk_s") == [ANSWERED, MISSED]
    page = (await supervisor.get("/calls", params={"size": 1, "page": 2})).json()
    assert (len(page["items"]), page["total"]) == (1, 2)
    assert (await supervisor.get("/calls", params={"sort": "caller_number"})).status_code == 422


async def test_one_call_shows_what_happened_without_the_number(desk: Desk) -> None:
    person = await desk.person("8001")
    await told(desk.shared.store, story_of_an_answered_call())
    call = (await person.get(f"/calls/{ANSWERED}")).json()
    assert [event["kind"] for event in call["events"]][:2] == ["CallArrived", "CallQueued"]
    assert MOBILE not in str(call)


async def test_a_number_is_revealed_against_a_reason_that_is_kept(desk: Desk) -> None:
    person, other = await desk.person("8001"), await desk.person("8002")
    desk.switch.talking("1.1", "8001")
    path = "/calls/1.1/reveal-number"
    assert (await person.post(path, {"reason": "回拨核实"})).json() == {"number": MOBILE}
    assert (await person.post(path, {"reason": ""})).status_code == 422
    assert (await person.post(path)).status_code == 422
    assert (await other.post(path, {"reason": "好奇"})).status_code == 403
    async with desk.shared.store.read() as session:
        kept = (await session.scalars(select(AuditRecord).where(AuditRecord.action == "number.reveal"))).all()
    assert [(row.username, row.object_id, row.detail) for row in kept] == [("8001", "1.1", {"reason": "回拨核实"})]


async def test_hanging_up_asks_the_switch_once_and_is_audited(desk: Desk) -> None:
    person, other = await desk.person("8001"), await desk.person("8002")
    desk.switch.talking("1.1", "8001")
    answers = await asyncio.gather(*(person.post("/calls/1.1/hang-up", key="once") for _ in range(5)))
    assert {answer.json()["outcome"] for answer in answers} == {"done"}
    assert desk.switch.asked == [HangUpCall(call_id=CallId("1.1"), agent_id=AgentId("8001"))]
    assert (await other.post("/calls/1.1/hang-up")).status_code == 403
    assert len(desk.switch.asked) == 1


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (errors.Refused(command="HangUpCall", state="ended", reason="the call has ended"), 409, "refused"),
        (errors.SwitchUnavailable("down"), 503, "switch_unavailable"),
        (errors.ActionFailed("Hangup", "No such channel 138"), 502, "switch_refused"),
        (errors.ActionUnanswered("Hangup"), 202, "outcome_unknown"),
        (errors.UnknownCall("1.1"), 404, "not_found"),
    ],
)
async def test_what_the_switch_says_becomes_an_answer_and_an_audit_record(
    desk: Desk, failure: Exception, status: int, code: str
) -> None:
    person = await desk.person("8001")
    desk.switch.talking("1.1", "8001")
    desk.switch.failure = failure
    answer = await person.post("/calls/1.1/hang-up", key="k")
    assert (answer.status_code, answer.json()["error"]) == (status, code)
    assert "138" not in answer.text
    async with desk.shared.store.read() as session:
        kept = (await session.scalars(select(AuditRecord).where(AuditRecord.action == "call.hang_up"))).one()
    assert kept.result == code


async def test_an_unknown_outcome_is_not_asked_for_a_second_time(desk: Desk) -> None:
    person = await desk.person("8001")
    desk.switch.talking("1.1", "8001")
    desk.switch.failure = errors.ActionUnanswered("Hangup")
    answers = [await person.post("/calls/1.1/hang-up", key="k") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202] * 3
    assert len(desk.switch.asked) == 1


async def test_a_recording_is_served_in_pieces_to_those_who_may_hear_it(desk: Desk, tmp_path: Path) -> None:
    person, other = await desk.person("8001"), await desk.person("8002")
    await told(desk.shared.store, story_of_an_answered_call())
    path = f"/calls/{ANSWERED}/recording"
    assert (await person.get(path)).status_code == 404
    (tmp_path / f"{ANSWERED}-caller.wav").write_bytes(bytes(range(100)))
    whole = await person.get(path, params={"leg": "caller"})
    assert (whole.status_code, whole.headers["content-type"], whole.content) == (200, "audio/wav", bytes(range(100)))
    piece = await person.get(path, params={"leg": "caller"}, headers={"Range": "bytes=10-19"})
    assert (piece.status_code, piece.content) == (206, bytes(range(10, 20)))
    assert piece.headers["content-range"] == "bytes 10-19/100"
    assert (await other.get(path, params={"leg": "caller"})).status_code == 403
    assert (await person.get(path, params={"leg": "../../etc/passwd"})).status_code == 422
    async with desk.shared.store.read() as session:
        heard = await session.scalars(select(AuditRecord).where(AuditRecord.action == "recording.listen"))
        assert [(row.username, row.detail) for row in heard] == [
            ("8001", {"leg": "caller"}),
            ("8001", {"leg": "caller", "range": "bytes=10-19"}),
        ]


# words ----------------------------------------------------------------------------------------------------------------
def turn(seg: int, words: str, *, final: bool = True, start_s: float | None = None) -> Turn:
    start = float(seg) if start_s is None else start_s
    return Turn(seg=seg, rev=1, speaker=Speaker.CALLER, text=words, start_s=start, end_s=start + 0.5, final=final)


async def test_final_words_are_stored_once_and_sealed(desk: Desk) -> None:
    person, other = await desk.person("8001"), await desk.person("8002")
    store = desk.shared.store
    await told(store, story_of_an_answered_call())
    recorder = TranscriptRecorder(store, desk.clock)
    running = asyncio.create_task(recorder.run())
    for one in (
        turn(2, "垃圾池", start_s=9),
        turn(1, "你好", start_s=1),
        turn(3, "还没说", final=False),
        turn(2, "改了"),
    ):
        recorder.put(ANSWERED, one)
    assert await recorder.drain(5)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    words = (await person.get(f"/calls/{ANSWERED}/transcript")).json()
    assert [(one["seg"], one["who"], one["text"], one["t0"]) for one in words["turns"]] == [
        (1, "caller", "你好", 1.0),
        (2, "caller", "垃圾池", 9.0),
    ]
    assert (await other.get(f"/calls/{ANSWERED}/transcript")).status_code == 403
    async with store.read() as session:
        raw = (await session.execute(text("SELECT text FROM segments"))).all()
    assert not any("垃圾池".encode() in bytes(row[0]) for row in raw)


# shifts ---------------------------------------------------------------------------------------------------------------
async def test_a_shift_outlives_the_process_and_a_seat_has_one_person(desk: Desk) -> None:
    store = desk.shared.store

    def me(user_id: int, agent_id: str) -> SignedIn:
        return SignedIn(
            user_id=user_id,
            username=agent_id,
            display_name="",
            role=Role.OPERATOR,
            agent_id=agent_id,
            seat=agent_id,
            session_hash="",
            csrf="",
            address="",
        )

    await desk.person("8001")
    await desk.person("8002")

    async def sit(person: SignedIn, seat: str) -> bool:
        async with store.write() as session:
            return await opened.open_shift(
                session, store.keyring, person, agent_id=str(person.agent_id), seat=seat, now=START
            )

    assert await sit(me(1, "8001"), "8001")
    assert not await sit(me(1, "8001"), "8001")
    with pytest.raises(NotNow):
        await sit(me(2, "8002"), "8001")
    with pytest.raises(NotNow):
        await sit(me(1, "8001"), "8002")
    async with store.read() as session:
        assert [(shift.agent_id, shift.seat) for shift in await opened.open_shifts(session)] == [("8001", "8001")]
    desk.shared.standby.records.put(ShiftEnded(agent_id=AgentId("8001"), at=at(60)))
    assert await desk.shared.standby.records.caught_up(5)
    assert await sit(me(2, "8002"), "8001")
    async with store.read() as session:
        assert len((await session.scalars(select(Shift))).all()) == 2
