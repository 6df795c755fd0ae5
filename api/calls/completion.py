"""Calls that ended while this server was away are completed from what the switch wrote down itself: its queue_log.

``complete`` is called when the link has come up, and now and then. It reads what is new in the log and says what the
calls in it became; it says nothing of a call that is known to be over, so it may be called as often as one likes.

* ``history`` goes to the records alone: arrivals, waits and answers that happened long ago.
* ``news`` goes to everybody: ``CallEnded``, ``CallbackAsked`` and ``MessageLeft``. A callback follows from them as from
  any other.

The log states whole seconds. A talk is measured from the exact answer in our records to the second of its end; where
the call was handed on, or nobody recorded the answer, its length stays unknown.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.store.engine import Store, insert_into
from api.store.tables import CallEventRecord, CallRecord, LogPosition
from telephony.events import (
    CallAnswered,
    CallArrived,
    CallbackAsked,
    CallEnded,
    CallEvent,
    CallOutcome,
    CallQueued,
    MessageLeft,
    TransferStepped,
)
from telephony.ids import AgentId, CallId, ChannelId, LineNumber, QueueName
from telephony.media.recordings import Recordings

POSITION = "queue_log"
MOST_BYTES = 16 << 20
"""Of a log that is read for the first time, the end."""

SAME_ANSWER = timedelta(seconds=2)

_CALL_ID = re.compile(r"[0-9]{9,11}\.[0-9]{1,10}")
_AGENT = re.compile(r"[0-9A-Za-z]{1,16}")
_NUMBER = re.compile(r"\+?[0-9]{1,20}")
_FIRST_LINE_BYTES = 256


@dataclass(frozen=True, slots=True)
class Place:
    """Up to where which file has been read."""

    file_id: str = ""
    offset: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One line: ``epoch|call|queue|agent|event|data...``."""

    at: datetime
    call_id: CallId
    queue: QueueName
    agent: str
    event: str
    data: tuple[str, ...]

    def value(self, index: int) -> str:
        return self.data[index] if index < len(self.data) else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Completed:
    history: tuple[CallEvent, ...] = ()
    news: tuple[CallEvent, ...] = ()
    place: Place = Place()


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What our records hold of a call. ``answered_at`` is exact or missing."""

    arrived: bool = False
    answered: bool = False
    answered_at: datetime | None = None
    waiting_since: datetime | None = None
    handed_on: bool = False
    ended: bool = False


@dataclass(slots=True)
class Course:
    """What the log says of one call, the last word counting."""

    call_id: CallId
    line: str = ""
    number: str = ""
    centre: str = ""
    """Of the partner whose trunk it came on."""
    queued: Entry | None = None
    answered: Entry | None = None
    answers: int = 0
    ended: Entry | None = None
    missed: Entry | None = None
    asked: Entry | None = None
    """The caller pressed 1 while waiting: to be called back."""
    gave_up_at: datetime | None = None
    """When the waiting for an operator was over, without an answer."""


def parse(line: str) -> Entry | None:
    """None for what is not about a call of ours."""
    parts = line.rstrip("\r\n").split("|")
    if len(parts) < 5 or not parts[0].isdecimal() or len(parts[0]) > 11 or not _CALL_ID.fullmatch(parts[1]):
        return None
    return Entry(
        at=datetime.fromtimestamp(int(parts[0]), UTC),
        call_id=CallId(parts[1]),
        queue=QueueName(parts[2]),
        agent=parts[3],
        event=parts[4],
        data=tuple(parts[5:]),
    )


def courses(entries: Iterable[Entry]) -> dict[CallId, Course]:
    found: dict[CallId, Course] = {}
    for entry in entries:
        _heed(found.setdefault(entry.call_id, Course(entry.call_id)), entry)
    return found


def _heed(course: Course, entry: Entry) -> None:
    match entry.event:
        case "ARRIVED":
            course.line, course.number = _number(entry.value(0)), _number(entry.value(1))
            course.centre = _number(entry.value(2))
        case "ENTERQUEUE":
            course.queued = course.queued or entry
            course.number = course.number or _number(entry.value(1))
            course.ended = course.gave_up_at = None
        case "CONNECT":
            course.answered, course.ended = entry, None
            course.answers += 1
        case "ABANDON" | "COMPLETECALLER" | "COMPLETEAGENT":
            course.ended = entry
        case "FALLBACK" | "MISSED" | "DUTY" | "CALLBACK":
            course.line = course.line or _number(entry.value(0))
            course.number = course.number or _number(entry.value(1))
            if entry.event == "FALLBACK":
                course.gave_up_at = entry.at
            else:
                course.ended = entry
                course.missed = entry if entry.event == "MISSED" else None
                course.asked = entry if entry.event == "CALLBACK" else None


def _number(text: str) -> str:
    return text if _NUMBER.fullmatch(text) else ""


def told_by(course: Course, known: Known, *, message: bool) -> Completed:
    """What the records lack. ``message``: there is a voice message of this caller."""
    end = course.ended
    if known.ended or end is None:
        return Completed()
    return Completed(history=tuple(_history(course, known)), news=tuple(_news(course, known, end, message=message)))


def _history(course: Course, known: Known) -> Iterable[CallEvent]:
    call_id, answered = course.call_id, course.answered
    if not known.arrived:
        yield CallArrived(
            at=datetime.fromtimestamp(int(call_id.partition(".")[0]), UTC),
            call_id=call_id,
            caller_number=course.number,
            caller_name="",
            line=LineNumber(course.line),
            channel=ChannelId(call_id),
            centre=course.centre,
            rebuilt=True,
        )
    if course.queued is not None and known.waiting_since is None:
        yield CallQueued(at=course.queued.at, call_id=call_id, queue=course.queued.queue, position=0)
    if answered is not None and _AGENT.fullmatch(answered.agent):
        yield CallAnswered(
            at=answered.at,
            call_id=call_id,
            agent_id=AgentId(answered.agent),
            citizen=ChannelId(call_id),
            operator=ChannelId(answered.value(1)),
            wait_s=0.0,
            rebuilt=True,
        )


def _news(course: Course, known: Known, end: Entry, *, message: bool) -> Iterable[CallEvent]:
    if course.missed is not None and message:
        yield MessageLeft(
            at=course.missed.at,
            call_id=course.call_id,
            line=LineNumber(course.line),
            file=f"{course.call_id}-message",
        )
    if course.asked is not None:
        yield CallbackAsked(at=course.asked.at, call_id=course.call_id, queue=course.asked.queue, number=course.number)
    spoke = known.answered or course.answered is not None or end.event == "DUTY"
    outcome = CallOutcome.ANSWERED if spoke else CallOutcome.ABANDONED
    yield CallEnded(
        at=end.at,
        call_id=course.call_id,
        outcome=outcome,
        ended_by=ENDED_BY.get(end.event, "unknown"),
        wait_s=_waited(course, known, end),
        talk_s=_talked(course, known, end),
    )


ENDED_BY = {
    "ABANDON": "caller",
    "COMPLETECALLER": "caller",
    "COMPLETEAGENT": "operator",
    "MISSED": "switch",
    "CALLBACK": "switch",
}


def _waited(course: Course, known: Known, end: Entry) -> float | None:
    """Of a call that nobody answered: until the caller gave up, or until the fallback took over."""
    if known.answered or course.answered is not None:
        return None
    since = known.waiting_since or (course.queued.at if course.queued else None)
    until = course.gave_up_at or (end.at if end.event in ("ABANDON", "CALLBACK") else None)
    return max(0.0, (until - since).total_seconds()) if since and until else None


def _talked(course: Course, known: Known, end: Entry) -> float | None:
    """Of a talk with one operator of which our records hold the answer."""
    answered_at = known.answered_at
    if answered_at is None or known.handed_on or not end.event.startswith("COMPLETE"):
        return None
    same = course.answered is None or abs(course.answered.at - answered_at) <= SAME_ANSWER
    return max(0.0, (end.at - answered_at).total_seconds()) if same and course.answers <= 1 else None


# the log on the disk --------------------------------------------------------------------------------------------------
@dataclass(slots=True)
class Reading:
    entries: list[Entry] = field(default_factory=list)
    place: Place = field(default_factory=Place)


def read_on(path: Path, since: Place) -> Reading:
    """What was written after ``since``, also into files that were put aside meanwhile. Blocks. Raises OSError."""
    asides = [one for one in path.parent.glob(f"{path.name}.*") if one.is_file()]
    files = [*sorted(asides, key=lambda one: one.stat().st_mtime_ns), path]
    ids = [file_id(one) for one in files]
    first = ids.index(since.file_id) if since.file_id in ids else len(files) - 1
    reading = Reading(place=since)
    for one, name in list(zip(files, ids, strict=True))[first:]:
        start = since.offset if name == since.file_id else 0
        if not since.file_id:
            start = max(0, one.stat().st_size - MOST_BYTES)
        reading.place = Place(name, _read_file(one, start, reading.entries))
    return reading


def file_id(path: Path) -> str:
    """The same for a file that was renamed or has grown; empty until its first line is whole."""
    with path.open("rb") as file:
        line, end, _ = file.read(_FIRST_LINE_BYTES).partition(b"\n")
        inode = os.fstat(file.fileno()).st_ino
    return f"{inode}:{hashlib.sha256(line).hexdigest()[:32]}" if end else ""


def _read_file(path: Path, start: int, entries: list[Entry]) -> int:
    with path.open("rb") as file:
        file.seek(start)
        for line in file:
            if not line.endswith(b"\n"):
                break
            start += len(line)
            entry = parse(line.decode("utf-8", "replace"))
            if entry is not None:
                entries.append(entry)
    return start


# records --------------------------------------------------------------------------------------------------------------
async def complete(store: Store, path: Path, recordings: Recordings, live: Collection[CallId]) -> Completed | None:
    """What has become of calls that the switch does not know any more and that our records do not show as over.

    ``live`` are the calls of the model, also those that ended a moment ago: it has told, or will tell, of them itself.
    None where there is no such log. ``remember`` its ``place`` once everything said is safe.
    """
    async with store.read() as session:
        row = await session.get(LogPosition, POSITION)
    since = Place(row.file_id, row.place) if row is not None else Place()
    try:
        reading = await asyncio.to_thread(read_on, path, since)
    except FileNotFoundError:
        return None
    history: list[CallEvent] = []
    news: list[CallEvent] = []
    async with store.read() as session:
        for call_id, course in courses(reading.entries).items():
            if call_id in live:
                continue
            message = await asyncio.to_thread(recordings.message, call_id) if course.missed else None
            told = told_by(course, await _known(session, call_id), message=message is not None)
            history += told.history
            news += told.news
    return Completed(history=tuple(history), news=tuple(news), place=reading.place)


async def remember(store: Store, place: Place, now: datetime) -> None:
    """The next reading begins here."""
    if not place.file_id:
        return
    values = {"file_id": place.file_id, "place": place.offset, "at": now}
    async with store.write() as session:
        statement = insert_into(session, LogPosition).values(name=POSITION, **values)
        await session.execute(statement.on_conflict_do_update(index_elements=[LogPosition.name], set_=values))


async def _known(session: AsyncSession, call_id: CallId) -> Known:
    record = await session.get(CallRecord, call_id)
    if record is None:
        return Known()
    found = await session.execute(
        select(CallEventRecord.kind, CallEventRecord.at, CallEventRecord.data).where(
            CallEventRecord.call_id == call_id,
            CallEventRecord.kind.in_((CallArrived.__name__, CallAnswered.__name__, TransferStepped.__name__)),
        )
    )
    rows = found.all()
    answers = [row for row in rows if row.kind == CallAnswered.__name__]
    return Known(
        arrived=any(row.kind == CallArrived.__name__ for row in rows),
        answered=bool(answers),
        answered_at=answers[0].at if len(answers) == 1 and not answers[0].data.get("rebuilt") else None,
        waiting_since=record.queued_at,
        handed_on=any(row.kind == TransferStepped.__name__ for row in rows),
        ended=record.ended_at is not None and record.outcome != CallOutcome.LOST.value,
    )
