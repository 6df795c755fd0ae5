"""Calls that ended while the server was away, from what the switch wrote down itself."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from api.calls import queue_log
from api.calls.completion import completed, mend, remember
from api.calls.queue_log import Place, parse, read_on
from api.calls.recorder import CallRecorder
from api.calls.service import close_lost
from api.store.engine import Store
from api.store.tables import CallRecord
from telephony.events import (
    CallAnswered,
    CallArrived,
    CallbackAsked,
    CallEnded,
    CallEvent,
    CallOutcome,
    CallPlaced,
    CallQueued,
    MessageLeft,
)
from telephony.ids import AgentId, CallId, ChannelId, LineNumber, QueueName
from telephony.media.recordings import Recordings

BEGAN = 1_795_297_000
NUMBER = "13800000000"


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(BEGAN, UTC) + timedelta(seconds=seconds)


def call_at(seconds: int) -> CallId:
    return CallId(f"{BEGAN + seconds}.{seconds}")


def line(seconds: int, call: str, agent: str, event: str, *data: object) -> str:
    return "|".join([str(BEGAN + seconds), call, "hotline", agent, event, *map(str, data)]) + "\n"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log" / "queue_log"
    path.parent.mkdir()
    path.write_text(f"{BEGAN - 60}|NONE|NONE|NONE|QUEUESTART|\n")
    return path


def write(path: Path, *lines: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.writelines(lines)


def put_aside(path: Path, number: int) -> None:
    """As ``logger rotate`` does."""
    aside = path.with_name(f"queue_log.{number}")
    os.rename(path, aside)
    os.utime(aside, ns=(number * 10**9, number * 10**9))


async def taken_up(store: Store, log: Path, live: set[CallId] = frozenset()) -> list[CallEvent]:  # type: ignore[assignment]
    """As the server does when its link has come up: what it was told that is new to everybody."""
    news: list[CallEvent] = []
    async for told in completed(store, log, Recordings(log.parent), live):
        await recorded(store, *told.history, *told.news)
        await mend(store, told.answers)
        await remember(store, told.place, at(500))
        news += told.news
    return news


async def recorded(store: Store, *events: CallEvent) -> None:
    recorder = CallRecorder(store)
    running = asyncio.create_task(recorder.run())
    for event in events:
        recorder.put(event)
    assert await recorder.drain(10)
    assert recorder.behind.refused == 0
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def call(store: Store, call_id: CallId) -> CallRecord:
    async with store.read() as session:
        return await session.get_one(CallRecord, call_id)


def arrived(call_id: CallId, seconds: float) -> list[CallEvent]:
    return [
        CallArrived(
            at=at(seconds),
            call_id=call_id,
            caller_number=NUMBER,
            caller_name="",
            line=LineNumber("12345"),
            channel=ChannelId(call_id),
        ),
        CallQueued(at=at(seconds + 0.4), call_id=call_id, queue=QueueName("hotline"), position=1),
    ]


def answered(call_id: CallId, seconds: float, **more: bool) -> CallAnswered:
    return CallAnswered(
        at=at(seconds),
        call_id=call_id,
        agent_id=AgentId("8001"),
        citizen=ChannelId(call_id),
        operator=ChannelId("1.9"),
        wait_s=seconds,
        **more,
    )


async def test_a_talk_that_ended_unseen_is_measured_from_the_exact_answer(store: Store, log: Path) -> None:
    one = call_at(0)
    await recorded(store, *arrived(one, 0.2), answered(one, 5.25))
    write(log, line(0, one, "NONE", "ENTERQUEUE", "", NUMBER, 1), line(5, one, "8001", "CONNECT", 5, "1.9", 2))
    write(log, line(65, one, "8001", "COMPLETEAGENT", 5, 60, 1))
    news = await taken_up(store, log)
    assert [type(event) for event in news] == [CallEnded]
    kept = await call(store, one)
    assert (kept.outcome, kept.ended_by, kept.ended_at, kept.talk_s) == ("answered", "operator", at(65), 59.75)
    assert (kept.answered_at, kept.answered_by) == (at(5.25), "8001")


async def test_a_call_that_came_and_went_unseen_has_a_whole_record(store: Store, log: Path) -> None:
    one = call_at(10)
    write(log, line(12, one, "NONE", "ENTERQUEUE", "", NUMBER, 1), line(20, one, "8002", "CONNECT", 8, "1.9", 2))
    write(log, line(80, one, "8002", "COMPLETECALLER", 8, 60, 1))
    await taken_up(store, log)
    kept = await call(store, one)
    assert (kept.caller_number, kept.arrived_at, kept.queued_at, kept.answered_by) == (NUMBER, at(10), at(12), "8002")
    assert (kept.outcome, kept.ended_by, kept.ended_at) == ("answered", "caller", at(80))
    assert (kept.wait_s, kept.talk_s) == (None, None), "nobody measured them to better than a second at both ends"


async def test_who_gave_up_unseen_is_a_missed_call_with_its_wait(store: Store, log: Path) -> None:
    one = call_at(0)
    await recorded(store, *arrived(one, 0.0))
    write(log, line(0, one, "NONE", "ENTERQUEUE", "", NUMBER, 1), line(30, one, "NONE", "ABANDON", 1, 1, 30))
    [ended] = await taken_up(store, log)
    assert isinstance(ended, CallEnded)
    assert (ended.outcome, ended.ended_by, ended.wait_s) == ("abandoned", "caller", 29.6)


async def test_whom_the_fallback_took_leaves_a_message_and_a_missed_call(store: Store, log: Path) -> None:
    one = call_at(0)
    (log.parent / f"{one}-message.wav").write_bytes(b"RIFF")
    write(log, line(1, one, "NONE", "ENTERQUEUE", "", NUMBER, 1), line(31, one, "NONE", "EXITWITHTIMEOUT", 1, 1, 30))
    write(log, line(31, one, "NONE", "FALLBACK", "12345", NUMBER), line(75, one, "NONE", "MISSED", "12345", NUMBER))
    message, _ = await taken_up(store, log)
    assert isinstance(message, MessageLeft)
    assert (message.line, message.file) == ("12345", f"{one}-message")
    kept = await call(store, one)
    assert (kept.line, kept.outcome, kept.ended_at, kept.wait_s) == ("12345", "abandoned", at(75), 30.0)
    assert kept.caller_number == NUMBER


async def test_who_pressed_1_unseen_is_to_be_called_back(store: Store, log: Path) -> None:
    one = call_at(0)
    write(log, line(1, one, "NONE", "ENTERQUEUE", "", NUMBER, 1), line(31, one, "NONE", "EXITWITHKEY", 1, 2, 1, 30))
    write(log, line(31, one, "NONE", "CALLBACK", "12345", NUMBER))
    asked, ended = await taken_up(store, log)
    assert isinstance(asked, CallbackAsked)
    assert (asked.call_id, asked.queue, asked.number) == (one, "hotline", NUMBER)
    assert isinstance(ended, CallEnded)
    assert (ended.outcome, ended.ended_by, ended.wait_s) == ("abandoned", "switch", 30.0)


@pytest.mark.parametrize(("dialled", "centre"), [("12329", ""), ("12345", "110")])
async def test_which_line_was_dialled_unseen_and_which_centre_sent_the_call_is_known(
    store: Store, log: Path, dialled: str, centre: str
) -> None:
    one = call_at(0)
    write(log, line(0, one, "NONE", "ARRIVED", dialled, NUMBER, *([centre] if centre else [])))
    write(log, line(1, one, "NONE", "ENTERQUEUE", "", NUMBER, 1), line(9, one, "NONE", "ABANDON", 1, 1, 8))
    await taken_up(store, log)
    kept = await call(store, one)
    assert (kept.line, kept.caller_number, kept.centre or "", kept.outcome) == (dialled, NUMBER, centre, "abandoned")


@pytest.mark.parametrize("off_s", [8.0, -2.4])
async def test_a_call_first_seen_at_its_end_arrived_when_the_switch_made_it(store: Store, off_s: float) -> None:
    """Between our log-in and what the switch lists of its channels, calls end that nobody has seen before."""
    one = call_at(0)
    [seen, *_] = arrived(one, off_s)
    await recorded(store, replace(seen, line=LineNumber("s")))  # type: ignore[call-arg]
    kept = await call(store, one)
    assert (kept.arrived_at, kept.line) == (at(0), "")


async def test_who_has_only_arrived_is_not_over(store: Store, log: Path) -> None:
    write(log, line(0, call_at(0), "NONE", "ARRIVED", "12345", NUMBER))
    assert await taken_up(store, log) == []
    async with store.read() as session:
        assert (await session.scalars(select(CallRecord))).all() == []


async def test_whom_a_duty_phone_took_was_answered(store: Store, log: Path) -> None:
    one = call_at(0)
    write(log, line(1, one, "NONE", "ENTERQUEUE", "", NUMBER, 1), line(31, one, "NONE", "FALLBACK", "12345", NUMBER))
    write(log, line(40, one, "NONE", "DUTY", "12345", "13900000000"))
    write(log, line(99, one, "NONE", "GONE", "12345", NUMBER, "switch", 59))
    [ended] = await taken_up(store, log)
    assert isinstance(ended, CallEnded)
    assert (ended.outcome, ended.talk_s, ended.ended_by, ended.at) == ("answered", None, "switch", at(99))
    assert (await call(store, one)).caller_number == NUMBER


async def test_whom_a_duty_phone_dropped_is_a_missed_call(store: Store, log: Path) -> None:
    one = call_at(0)
    write(
        log, line(31, one, "NONE", "FALLBACK", "12345", NUMBER), line(40, one, "NONE", "DUTY", "12345", "13900000000")
    )
    write(log, line(45, one, "NONE", "GONE", "12345", NUMBER, "caller", ""))
    [ended] = await taken_up(store, log)
    assert isinstance(ended, CallEnded)
    assert (ended.outcome, ended.ended_by, ended.at) == ("abandoned", "caller", at(45))


async def test_who_hangs_up_in_the_greeting_is_a_missed_call(store: Store, log: Path) -> None:
    one = call_at(0)
    write(
        log,
        line(0, one, "NONE", "ARRIVED", "12345", NUMBER),
        line(3, one, "NONE", "GONE", "12345", NUMBER, "caller", ""),
    )
    [ended] = await taken_up(store, log)
    assert isinstance(ended, CallEnded)
    assert (ended.outcome, ended.ended_by, ended.wait_s, ended.talk_s) == ("abandoned", "caller", None, None)
    kept = await call(store, one)
    assert (kept.line, kept.caller_number, kept.arrived_at) == ("12345", NUMBER, at(0))


async def test_who_hangs_up_between_two_rounds_of_waiting_has_waited_until_then(store: Store, log: Path) -> None:
    one = call_at(0)
    write(log, line(1, one, "NONE", "ENTERQUEUE", "", NUMBER, 1), line(31, one, "NONE", "EXITWITHTIMEOUT", 1, 1, 30))
    write(log, line(32, one, "NONE", "GONE", "12345", NUMBER, "caller", ""))
    [ended] = await taken_up(store, log)
    assert isinstance(ended, CallEnded)
    assert (ended.outcome, ended.wait_s) == ("abandoned", 31.0)


async def test_a_talk_with_a_branch_is_no_missed_call(store: Store, log: Path) -> None:
    one = call_at(0)
    await recorded(store, *arrived(one, 0.0)[:1])
    write(log, line(5, one, "NONE", "BRANCH", "12366", "12366"))
    assert await taken_up(store, log, {one}) == []
    write(log, line(95, one, "NONE", "GONE", "12366", NUMBER, "caller", 90))
    [ended] = await taken_up(store, log)
    assert isinstance(ended, CallEnded)
    assert (ended.outcome, ended.ended_by, ended.at) == ("answered", "caller", at(95))


async def test_a_citizen_who_talked_on_with_another_after_the_operator_left_ended_it_then(
    store: Store, log: Path
) -> None:
    one = call_at(0)
    await recorded(store, *arrived(one, 0.2), answered(one, 5.25))
    write(log, line(5, one, "8001", "CONNECT", 5, "1795297005.9", 2), line(65, one, "8001", "COMPLETEAGENT", 5, 60, 1))
    write(log, line(300, one, "NONE", "GONE", "12345", NUMBER, "caller", ""))
    [ended] = await taken_up(store, log)
    assert isinstance(ended, CallEnded)
    assert (ended.at, ended.ended_by, ended.talk_s) == (at(300), "caller", 59.75)


# calls that operators place -------------------------------------------------------------------------------------------
PLACED = CallId(f"{BEGAN}.9000001")


@pytest.mark.parametrize(
    ("status", "cause", "outcome", "ended_by"),
    [
        ("BUSY", 17, "busy", "switch"),
        ("NOANSWER", 0, "no_answer", "switch"),
        ("CHANUNAVAIL", 1, "not_found", "switch"),
        ("CONGESTION", 21, "declined", "switch"),
        ("CONGESTION", 34, "unavailable", "switch"),
        ("CANCEL", 0, "cancelled", "operator"),
    ],
)
async def test_what_became_of_a_placed_call_is_known(
    store: Store, log: Path, status: str, cause: int, outcome: str, ended_by: str
) -> None:
    write(log, line(2, PLACED, "NONE", "PLACED", "12345", NUMBER))
    write(log, line(22, PLACED, "NONE", "DIALLED", "12345", NUMBER, status, cause, ended_by, ""))
    [ended] = await taken_up(store, log)
    assert isinstance(ended, CallEnded)
    assert (ended.outcome, ended.ended_by, ended.at, ended.talk_s) == (outcome, ended_by, at(22), None)
    kept = await call(store, PLACED)
    assert (kept.direction, kept.line, kept.caller_number, kept.arrived_at) == ("outbound", "12345", NUMBER, at(0))


@pytest.mark.parametrize("seen", [True, False])
async def test_a_placed_call_that_was_answered_has_its_talk_where_the_answer_was_seen(
    store: Store, log: Path, seen: bool
) -> None:
    placed = CallPlaced(
        at=at(0),
        call_id=PLACED,
        agent_id=AgentId("8001"),
        number=NUMBER,
        line=LineNumber("12345"),
        channel=ChannelId(PLACED),
    )
    await recorded(store, placed)
    if seen:
        await recorded(store, replace(answered(PLACED, 8.25), operator=ChannelId(PLACED)))
    write(log, line(8, PLACED, "NONE", "REACHED", "12345", f"{BEGAN + 3}.7"))
    write(log, line(68, PLACED, "NONE", "DIALLED", "12345", NUMBER, "ANSWER", 16, "caller", 60))
    await taken_up(store, log)
    kept = await call(store, PLACED)
    assert (kept.outcome, kept.ended_by, kept.answered_by) == ("answered", "caller", "8001")
    assert (kept.answered_at, kept.talk_s) == ((at(8.25), 59.75) if seen else (at(8), None))


async def test_a_placed_call_of_whose_answer_only_its_end_tells_was_answered(store: Store, log: Path) -> None:
    write(log, line(68, PLACED, "NONE", "DIALLED", "12345", NUMBER, "ANSWER", 16, "operator", 60))
    await taken_up(store, log)
    kept = await call(store, PLACED)
    assert (kept.outcome, kept.ended_by, kept.talk_s) == ("answered", "operator", None)


# answers that nobody saw ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("lives", [True, False])
async def test_an_answer_that_nobody_saw_gets_its_second(store: Store, log: Path, lives: bool) -> None:
    one, leg = call_at(0), f"{BEGAN + 3}.9"
    await recorded(store, *arrived(one, 0.2), replace(answered(one, 9.5, rebuilt=True), operator=ChannelId(leg)))
    write(log, line(5, one, "8001", "CONNECT", 5, leg, 2))
    if not lives:
        write(log, line(65, one, "8001", "COMPLETEAGENT", 5, 60, 1))
    await taken_up(store, log, {one} if lives else set())
    kept = await call(store, one)
    assert kept.answered_at == at(5)
    assert (kept.wait_s, kept.talk_s) == (None, None)
    assert (kept.ended_at is None) is lives


async def test_an_answer_that_was_seen_is_left_as_it_was(store: Store, log: Path) -> None:
    one, leg = call_at(0), f"{BEGAN + 3}.9"
    await recorded(store, *arrived(one, 0.2), replace(answered(one, 5.75), operator=ChannelId(leg)))
    write(log, line(5, one, "8001", "CONNECT", 5, leg, 2))
    await taken_up(store, log, {one})
    assert (await call(store, one)).answered_at == at(5.75)


async def test_an_answer_that_nobody_recorded_of_a_call_that_ended_before_our_eyes_is_found(
    store: Store, log: Path
) -> None:
    one, leg = call_at(0), f"{BEGAN + 3}.9"
    ended = CallEnded(
        at=at(17.5), call_id=one, outcome=CallOutcome.ANSWERED, ended_by="caller", wait_s=None, talk_s=None
    )
    await recorded(store, *arrived(one, 0.2))
    write(log, line(0, one, "NONE", "ARRIVED", "12345", NUMBER), line(5, one, "8001", "CONNECT", 5, leg, 2))
    await taken_up(store, log, {one})
    assert (await call(store, one)).answered_at is None, "while it goes on the model tells"
    await recorded(store, ended)
    write(
        log, line(17, one, "8001", "COMPLETECALLER", 5, 12, 1), line(17, one, "NONE", "GONE", "12345", NUMBER, "caller")
    )
    for _ in range(2):
        assert await taken_up(store, log) == []
        kept = await call(store, one)
        assert (kept.answered_at, kept.answered_by, kept.ended_at) == (at(5), "8001", at(17.5))


@pytest.mark.parametrize("known", [True, False])
async def test_of_a_call_that_was_read_before_it_ended_the_beginning_is_not_forgotten(
    store: Store, log: Path, known: bool
) -> None:
    one = call_at(0)
    write(log, line(0, one, "NONE", "ARRIVED", "12345", NUMBER), line(1, one, "NONE", "ENTERQUEUE", "", NUMBER, 1))
    assert await taken_up(store, log, {one} if known else set()) == []
    write(log, line(9, one, "NONE", "ABANDON", 1, 1, 8))
    assert [type(event) for event in await taken_up(store, log)] == [CallEnded]
    kept = await call(store, one)
    assert (kept.caller_number, kept.line, kept.outcome) == (NUMBER, "12345", "abandoned")


# much of it -----------------------------------------------------------------------------------------------------------
async def test_a_long_log_is_read_piece_by_piece_and_no_call_is_cut(
    store: Store, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_log, "PIECE_BYTES", 700)
    monkeypatch.setattr("api.calls.completion.AT_ONCE", 3)
    calls = [call_at(number) for number in range(40)]
    await taken_up(store, log)
    began = read_on(log, Place()).place.offset
    write(log, *(line(1, one, "NONE", "ARRIVED", "12345", NUMBER) for one in calls[:20]))
    put_aside(log, 0)
    write(log, *(line(1, one, "NONE", "ARRIVED", "12345", NUMBER) for one in calls[20:]))
    write(log, *(line(9, one, "NONE", "GONE", "12345", "", "caller", "") for one in calls))
    pieces = [told async for told in completed(store, log, Recordings(log.parent), set())]
    assert len(pieces) > 5
    assert {told.place.offset for told in pieces[:3]} == {began}, "not past a call of which there is only a part"
    news = await taken_up(store, log)
    assert {event.call_id for event in news} == set(calls)
    assert {(await call(store, one)).caller_number for one in calls} == {NUMBER}
    assert await taken_up(store, log) == []


async def test_whoever_still_waits_or_talks_is_left_alone(store: Store, log: Path) -> None:
    waits, again = call_at(0), call_at(1)
    write(log, line(1, waits, "NONE", "ENTERQUEUE", "", NUMBER, 1), line(9, waits, "NONE", "ABANDON", 1, 1, 8))
    write(log, line(1, again, "NONE", "ENTERQUEUE", "", NUMBER, 1), line(5, again, "8001", "CONNECT", 4, "1.9", 2))
    write(log, line(9, again, "8001", "COMPLETEAGENT", 4, 4, 1), line(9, again, "NONE", "ENTERQUEUE", "", NUMBER, 1))
    assert await taken_up(store, log, {waits}) == []
    async with store.read() as session:
        assert (await session.scalars(select(CallRecord))).all() == []


async def test_the_log_is_read_on_where_it_stopped_and_telling_twice_changes_nothing(store: Store, log: Path) -> None:
    one, two = call_at(0), call_at(50)
    write(log, line(1, one, "NONE", "ENTERQUEUE", "", NUMBER, 1), line(9, one, "NONE", "ABANDON", 1, 1, 8))
    assert len(await taken_up(store, log)) == 1
    assert await taken_up(store, log) == []
    write(log, line(51, two, "NONE", "ENTERQUEUE", "", NUMBER, 1), line(59, two, "NONE", "ABANDON", 1, 1, 8)[:-1])
    assert await taken_up(store, log) == [], "a line that is still being written is not read"
    write(log, "\n")
    three = call_at(70)
    put_aside(log, 0)
    write(log, line(70, three, "NONE", "ENTERQUEUE", "", NUMBER, 1), line(80, three, "NONE", "ABANDON", 1, 1, 10))
    assert [event.call_id for event in await taken_up(store, log)] == [two, three]


async def test_nothing_is_skipped_when_the_log_was_put_aside_twice(log: Path) -> None:
    calls = [call_at(seconds) for seconds in (0, 10, 20, 30)]

    def gave_up(number: int) -> tuple[str, str]:
        return (
            line(10 * number, calls[number], "NONE", "ENTERQUEUE", "", NUMBER, 1),
            line(10 * number + 5, calls[number], "NONE", "ABANDON", 1, 1, 5),
        )

    write(log, *gave_up(0))
    place = read_on(log, Place()).place
    write(log, *gave_up(1))
    for number in (2, 3):
        put_aside(log, number)
        write(log, *gave_up(number))
    read = read_on(log, place)
    assert [entry.call_id for entry in read.entries] == [one for one in calls[1:] for _ in range(2)]
    assert read_on(log, read.place).entries == []


async def test_an_end_in_the_log_replaces_a_lost_one(store: Store, log: Path) -> None:
    one = call_at(0)
    await recorded(store, *arrived(one, 0.0), answered(one, 5.5))
    assert await close_lost(store, set(), at(100)) == (one,)
    write(log, line(60, one, "8001", "COMPLETECALLER", 5, 55, 1))
    assert len(await taken_up(store, log)) == 1
    kept = await call(store, one)
    assert (kept.outcome, kept.ended_at, kept.talk_s) == ("answered", at(60), 54.5)


@pytest.mark.parametrize("more", [{"rebuilt": True}, {}])
async def test_a_length_is_never_guessed(store: Store, log: Path, more: dict[str, bool]) -> None:
    """The answer was not seen, or another operator answered in between."""
    one = call_at(0)
    await recorded(store, *arrived(one, 0.0), answered(one, 5.0, **more))
    if not more:
        write(log, line(30, one, "8002", "CONNECT", 5, "1.12", 2))
    write(log, line(60, one, "8001", "COMPLETECALLER", 5, 55, 1))
    await taken_up(store, log)
    assert (await call(store, one)).talk_s is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "x|1795297000.1|hotline|NONE|ABANDON|1|1|3\n",
        f"{BEGAN}|../../x|hotline|NONE|ABANDON|1\n",
        f"{BEGAN}|NONE|NONE|NONE|QUEUESTART|\n",
        f"{BEGAN}|REALTIME\n",
        "9" * 40 + "|1795297000.1|hotline|NONE|ABANDON\n",
    ],
)
def test_a_line_that_is_about_no_call_is_passed_over(text: str) -> None:
    assert parse(text) is None


async def test_without_a_log_there_is_nothing_to_say(store: Store, tmp_path: Path) -> None:
    assert await taken_up(store, tmp_path / "none") == []
