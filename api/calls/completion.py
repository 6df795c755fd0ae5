"""Calls that ended while this server was away are completed from what the switch wrote down itself: its queue_log.

``completed`` is asked when the link has come up, and every minute. It reads what is new in the log and says what
the calls in it became; of a call that is known to be over it tells at most an answer that nobody recorded, so it may be
asked as often as one likes. What is said of a call that goes on is read again once it is over.

* ``history`` goes to the records alone: arrivals, waits and answers that happened long ago.
* ``news`` goes to everybody: ``CallEnded``, ``CallbackAsked`` and ``MessageLeft``. A callback follows from them as from
  any other.
* ``answers`` mend the time of an answer that nobody saw: until then it is told by the ages of channels.

The log states whole seconds. A talk is measured from the exact answer in our records to the second of its end; where
the call was handed on, or nobody recorded the answer, its length stays unknown.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from api.calls.queue_log import Course, Entry, Place, follow, read_on
from api.calls.recorder import key_of_answer
from api.store.engine import Store, insert_into
from api.store.tables import CallEventRecord, CallRecord, LogPosition
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
    TransferStepped,
)
from telephony.ids import AgentId, CallId, ChannelId, LineNumber
from telephony.media.recordings import Recordings
from telephony.outbound import outcome as outcome_of_placed
from telephony.outbound import placed_by_us

POSITION = "queue_log"
AT_ONCE = 500
"""Calls that are looked up in one statement."""

SAME_ANSWER = timedelta(seconds=2)
UNHEARD_OF = timedelta(hours=1)
"""So long the lines of a call without an end are read again though the model does not know it, or not yet."""

_AGENT = re.compile(r"[0-9A-Za-z]{1,16}")


@dataclass(frozen=True, kw_only=True, slots=True)
class AnswerTime:
    """The second in which an operator answered."""

    call_id: CallId
    operator: ChannelId
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Completed:
    """``remember`` its ``place`` once everything said is safe."""

    history: tuple[CallEvent, ...] = ()
    news: tuple[CallEvent, ...] = ()
    answers: tuple[AnswerTime, ...] = ()
    place: Place = field(default_factory=Place)


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What our records hold of a call. ``answered_at`` is exact or missing; ``guessed``: answers that nobody saw."""

    arrived: bool = False
    answered: bool = False
    answered_at: datetime | None = None
    guessed: Mapping[ChannelId, datetime] = field(default_factory=dict)
    placed_by: AgentId | None = None
    waiting_since: datetime | None = None
    handed_on: bool = False
    ended: bool = False
    outcome: str | None = None


UNKNOWN = Known()


def told_by(course: Course, known: Known, *, message: bool) -> tuple[tuple[CallEvent, ...], tuple[CallEvent, ...]]:
    """History and news that the records lack. ``message``: there is a voice message of this caller."""
    end = course.end
    if known.ended and known.outcome == CallOutcome.ANSWERED.value and not known.answered:
        return tuple(_answers(course, known)), ()
    if known.ended or end is None:
        return (), ()
    return tuple(_history(course, known)), tuple(_news(course, known, end, message=message))


def mended(course: Course, known: Known) -> Iterable[AnswerTime]:
    """Answers in our records that nobody saw, with the second that the switch wrote down."""
    for operator, at in known.guessed.items():
        written = course.answers.get(operator)
        if written is not None and written != at:
            yield AnswerTime(call_id=course.call_id, operator=operator, at=written)


def _history(course: Course, known: Known) -> Iterable[CallEvent]:
    call_id = course.call_id
    if not known.arrived:
        yield _began(course)
    if course.queued is not None and known.waiting_since is None:
        yield CallQueued(at=course.queued.at, call_id=call_id, queue=course.queued.queue, position=0)
    yield from _answers(course, known)


def _answers(course: Course, known: Known) -> Iterable[CallEvent]:
    call_id = course.call_id
    answered, reached = course.answered, course.reached
    if reached is not None and known.placed_by and not known.answered:
        yield _answered(call_id, reached.at, known.placed_by, ChannelId(reached.value(1)), ChannelId(call_id))
    if answered is not None and _AGENT.fullmatch(answered.agent):
        yield _answered(call_id, answered.at, AgentId(answered.agent), ChannelId(call_id), ChannelId(answered.value(1)))


def _began(course: Course) -> CallEvent:
    """In the second in which the switch, or we, made its id."""
    call_id, at = course.call_id, _made_at(course.call_id)
    if placed_by_us(call_id):
        return CallPlaced(
            at=at,
            call_id=call_id,
            agent_id=AgentId(""),
            number=course.number,
            line=LineNumber(course.line),
            channel=ChannelId(call_id),
            rebuilt=True,
        )
    return CallArrived(
        at=at,
        call_id=call_id,
        caller_number=course.number,
        caller_name="",
        line=LineNumber(course.line),
        channel=ChannelId(call_id),
        centre=course.centre,
        rebuilt=True,
    )


def _made_at(call_id: CallId) -> datetime:
    return datetime.fromtimestamp(int(call_id.partition(".")[0]), UTC)


def _answered(
    call_id: CallId, at: datetime, agent_id: AgentId, citizen: ChannelId, operator: ChannelId
) -> CallAnswered:
    return CallAnswered(
        at=at, call_id=call_id, agent_id=agent_id, citizen=citizen, operator=operator, wait_s=0.0, rebuilt=True
    )


def _news(course: Course, known: Known, end: Entry, *, message: bool) -> Iterable[CallEvent]:
    ended_at = course.ended_at or end.at
    if course.missed is not None and message:
        yield MessageLeft(
            at=ended_at, call_id=course.call_id, line=LineNumber(course.line), file=f"{course.call_id}-message"
        )
    if course.asked is not None:
        yield CallbackAsked(at=course.asked.at, call_id=course.call_id, queue=course.asked.queue, number=course.number)
    yield CallEnded(
        at=ended_at,
        call_id=course.call_id,
        outcome=_outcome(course, known, end),
        ended_by=_ended_by(course, end),
        wait_s=_waited(course, known, end),
        talk_s=_talked(course, known, end),
    )


def _outcome(course: Course, known: Known, end: Entry) -> CallOutcome:
    reached = end.event == "DIALLED" and end.value(5) != ""
    if known.answered or course.answers or course.served_s is not None or reached:
        return CallOutcome.ANSWERED
    if end.event == "DIALLED":
        status, cause = end.value(2), end.value(3)
        return outcome_of_placed(
            own_answered=True,
            asked_to_end=status == "CANCEL",
            cause=int(cause) if cause.isdecimal() and len(cause) < 4 else 0,
            status=status,
        )
    return CallOutcome.ABANDONED


def _ended_by(course: Course, end: Entry) -> str:
    """Where the citizen talked on with somebody else, the end of the channel tells."""
    gone = course.gone
    if gone is not None and end.event.startswith("COMPLETE") and gone.at - end.at > SAME_ANSWER:
        end = gone
    said = {"DIALLED": end.value(4), "GONE": end.value(2)}.get(end.event)
    return said if said in ("caller", "operator", "switch") else ENDED_BY.get(end.event, "unknown")


ENDED_BY = {
    "ABANDON": "caller",
    "COMPLETECALLER": "caller",
    "COMPLETEAGENT": "operator",
    "MISSED": "switch",
    "CALLBACK": "switch",
}


def _waited(course: Course, known: Known, end: Entry) -> float | None:
    """Of a call that nobody answered: until the caller gave up, or until the fallback took over."""
    if known.answered or course.answers:
        return None
    since = known.waiting_since or (course.queued.at if course.queued else None)
    until = course.gave_up_at or (end.at if end.event in ("ABANDON", "CALLBACK", "GONE") else None)
    return max(0.0, (until - since).total_seconds()) if since and until else None


def _talked(course: Course, known: Known, end: Entry) -> float | None:
    """Of a talk with one operator of which our records hold the answer."""
    answered_at = known.answered_at
    if answered_at is None or known.handed_on or end.event not in ("COMPLETECALLER", "COMPLETEAGENT", "DIALLED"):
        return None
    same = all(abs(at - answered_at) <= SAME_ANSWER for at in course.answers.values())
    return max(0.0, (end.at - answered_at).total_seconds()) if same and len(course.answers) <= 1 else None


# records --------------------------------------------------------------------------------------------------------------
async def completed(
    store: Store, path: Path, recordings: Recordings, live: Collection[CallId]
) -> AsyncIterator[Completed]:
    """What has become of calls that the switch does not know any more and that our records do not show as over.

    ``live`` are the calls of the model, also those that ended a moment ago: it has told, or will tell, of them itself.
    The log is read piece by piece; nothing comes where there is none. Before the next piece is asked for, what the last
    one said must be recorded.
    """
    async with store.read() as session:
        row = await session.get(LogPosition, POSITION)
    since = Place(row.file_id, row.place) if row is not None else Place()
    begun: dict[CallId, Course] = {}
    more = True
    while more:
        try:
            reading = await asyncio.to_thread(read_on, path, since)
        except FileNotFoundError:
            return
        follow(reading.entries, begun)
        history: list[CallEvent] = []
        news: list[CallEvent] = []
        answers: list[AnswerTime] = []
        more = reading.more
        asked = [course for course in begun.values() if course.answers or _is_over(course, more=more)]
        known = await _all_known(store, [course.call_id for course in asked])
        for course in asked:
            its = known.get(course.call_id, UNKNOWN)
            answers += mended(course, its)
            if course.call_id not in live and _is_over(course, more=more):
                message = await asyncio.to_thread(recordings.message, course.call_id) if course.missed else None
                past, new = told_by(course, its, message=message is not None)
                history += past
                news += new
        begun = {one.call_id: one for one in begun.values() if one.call_id in live or not _is_over(one, more=more)}
        since = reading.place
        # a call that goes on, or stands half in this piece, is read from its beginning the next time
        until = reading.entries[-1].at if reading.entries else datetime.min.replace(tzinfo=UTC)
        held = (
            one for one in begun.values() if more or one.call_id in live or until - _made_at(one.call_id) < UNHEARD_OF
        )
        first = next(held, None)
        safe = first.begins if first is not None else since
        yield Completed(history=tuple(history), news=tuple(news), answers=tuple(answers), place=safe)


def _is_over(course: Course, *, more: bool) -> bool:
    """Only the last word of a channel is final; where there is no more to read, any end is."""
    final = course.gone is not None or (course.ended is not None and course.ended.event == "DIALLED")
    return final or (course.end is not None and not more)


async def remember(store: Store, place: Place, now: datetime) -> None:
    """The next reading begins here."""
    if not place.file_id:
        return
    values = {"file_id": place.file_id, "place": place.offset, "at": now}
    async with store.write() as session:
        statement = insert_into(session, LogPosition).values(name=POSITION, **values)
        await session.execute(statement.on_conflict_do_update(index_elements=[LogPosition.name], set_=values))


async def mend(store: Store, answers: Sequence[AnswerTime]) -> None:
    """Only answers that nobody saw are changed, and the call's own where it is told by one of them."""
    if not answers:
        return
    async with store.write() as session:
        for answer in answers:
            record = await session.scalar(
                select(CallEventRecord).where(
                    CallEventRecord.call_id == answer.call_id,
                    CallEventRecord.event_key == key_of_answer(answer.operator),
                )
            )
            if record is None or not record.data.get("rebuilt"):
                continue
            await session.execute(
                update(CallRecord)
                .where(CallRecord.id == answer.call_id, CallRecord.answered_at == record.at)
                .values(answered_at=answer.at)
            )
            record.at = answer.at


async def _all_known(store: Store, call_ids: Sequence[CallId]) -> dict[CallId, Known]:
    found: dict[CallId, Known] = {}
    async with store.read() as session:
        for start in range(0, len(call_ids), AT_ONCE):
            found |= await _known(session, call_ids[start : start + AT_ONCE])
    return found


async def _known(session: AsyncSession, call_ids: Sequence[CallId]) -> dict[CallId, Known]:
    calls = await session.execute(
        select(CallRecord.id, CallRecord.queued_at, CallRecord.ended_at, CallRecord.outcome).where(
            CallRecord.id.in_(call_ids)
        )
    )
    kinds = (CallArrived.__name__, CallPlaced.__name__, CallAnswered.__name__, TransferStepped.__name__)
    events = await session.execute(
        select(CallEventRecord.call_id, CallEventRecord.kind, CallEventRecord.at, CallEventRecord.data).where(
            CallEventRecord.call_id.in_(call_ids), CallEventRecord.kind.in_(kinds)
        )
    )
    told: dict[str, list[tuple[str, datetime, dict[str, object]]]] = {}
    for call_id, kind, at, data in events:
        told.setdefault(call_id, []).append((kind, at, data))
    return {
        CallId(call_id): _known_of(
            told.get(call_id, []),
            waiting_since=queued_at,
            ended=ended_at is not None and outcome != CallOutcome.LOST.value,
            outcome=outcome,
        )
        for call_id, queued_at, ended_at, outcome in calls
    }


def _known_of(
    told: Sequence[tuple[str, datetime, dict[str, object]]],
    *,
    waiting_since: datetime | None,
    ended: bool,
    outcome: str | None,
) -> Known:
    answers = [(at, data) for kind, at, data in told if kind == CallAnswered.__name__]
    placed = [data for kind, _, data in told if kind == CallPlaced.__name__]
    return Known(
        arrived=bool(placed) or any(kind == CallArrived.__name__ for kind, _, _ in told),
        answered=bool(answers),
        answered_at=answers[0][0] if len(answers) == 1 and not answers[0][1].get("rebuilt") else None,
        guessed={ChannelId(str(data.get("operator"))): at for at, data in answers if data.get("rebuilt")},
        placed_by=AgentId(str(placed[0]["agent_id"])) if placed and placed[0].get("agent_id") else None,
        waiting_since=waiting_since,
        handed_on=any(kind == TransferStepped.__name__ for kind, _, _ in told),
        ended=ended,
        outcome=outcome,
    )
