"""Recordings after their calls: each is finished once, checked against its talk, and erased when its time is up.

The work stands in the database, so that it goes on after a crash where it stopped: a call that has ended gets a row,
a row that is due is worked on, one at a time, in a thread of low priority that no live call waits for.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

import structlog
from sqlalchemy import exists, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from api.auth import audit
from api.recordings.events import DiskWatched, RecordingFlawed
from api.recordings.pauses import pauses_of
from api.store.engine import Store, insert_into
from api.store.tables import CallEventRecord, CallRecord, LegalHold, RecordingRecord
from telephony.events import CallArrived, MessageLeft, TransferStepped
from telephony.ids import CallId
from telephony.media.encoders import PLAIN, Encoder
from telephony.media.recordings import Pause, Recordings, is_incomplete, sha256
from telephony.targets import TargetKind

log = structlog.get_logger(__name__)

R = TypeVar("R")

EVERY_S = 10.0
FINISH_AFTER = timedelta(seconds=30)
"""The switch writes its last samples a moment after the end."""
LOOK_BACK = timedelta(days=30)
AT_ONCE = 50
MOST_ATTEMPTS = 8
PLAIN_FROM = 3
"""An encoder that has failed so often is not asked again: the file stays WAV."""
NICE = 10
SHORTEST_S = 2.0
"""A talk that was shorter may be without a recording."""


class Kind(StrEnum):
    """What is kept for how long."""

    CALL = "call"
    EMERGENCY = "emergency"
    """A centre took part: handed on to it, or sent by it."""
    MESSAGE = "message"


class State(StrEnum):
    DUE = "due"
    READY = "ready"
    MISSING = "missing"
    """There should be a recording, and there is none."""
    NONE = "none"
    """Nothing was said with anybody, so nothing was recorded."""
    FAILED = "failed"
    """Its legs are there; they could not be joined."""
    ERASED = "erased"


ERASABLE = tuple(state.value for state in State if state not in (State.DUE, State.ERASED))


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What working on one recording gave."""

    state: State
    length_s: float | None = None
    media_type: str | None = None
    bytes: int | None = None
    sha256: str | None = None
    flawed: bool = False


class RecordingKeeper:
    """``keep_days`` by ``Kind``; ``least_free`` is the part of the disk below which somebody should make room."""

    def __init__(
        self,
        store: Store,
        recordings: Recordings,
        *,
        now: Callable[[], datetime],
        publish: Callable[[object], None],
        keep_days: Mapping[str, int],
        least_free: float = 0.1,
        find_encoder: Callable[[], Encoder] = Encoder.find,
    ) -> None:
        self._store = store
        self._recordings = recordings
        self._now = now
        self._publish = publish
        self._keep_days = keep_days
        self._least_free = least_free
        self._find_encoder = find_encoder
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="recordings", initializer=_step_back)
        self.encoder: Encoder | None = None
        """None until it was looked for."""
        self.free: float | None = None

    @property
    def disk_low(self) -> bool:
        return self.free is not None and self.free < self._least_free

    async def run(self) -> None:
        """For ever, until cancelled. A database that is away delays it, no more."""
        self.encoder = await self._in_thread(self._find_encoder)
        log.info("recordings are stored", encoder=self.encoder.label)
        while True:
            for work in (self.look_at_disk, self.note_ended, self._work_on_all, self.erase_expired):
                try:
                    await work()
                except Exception as error:
                    log.warning("recordings not looked after", part=work.__name__, error_type=type(error).__name__)
            await asyncio.sleep(EVERY_S)

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def look_at_disk(self) -> None:
        was_low = self.disk_low
        self.free = await asyncio.to_thread(self._recordings.free_share)
        if self.disk_low is not was_low:
            log.warning("room for recordings", low=self.disk_low, free=round(self.free, 3))
            self._publish(DiskWatched(low=self.disk_low, free=self.free))

    # what is to be done -----------------------------------------------------------------------------------------------

    async def note_ended(self) -> int:
        """A row for each call that has ended since; how many."""
        async with self._store.read() as session:
            found = await session.scalars(
                select(CallRecord)
                .where(
                    CallRecord.ended_at > self._now() - LOOK_BACK,
                    ~exists().where(RecordingRecord.call_id == CallRecord.id),
                )
                .order_by(CallRecord.ended_at)
                .limit(AT_ONCE)
            )
            calls = found.all()
        if calls:
            async with self._store.write() as session:
                for call in calls:
                    await note_call(session, call, self._keep_days)
        return len(calls)

    async def _work_on_all(self) -> None:
        while await self.work_on_one():
            pass

    async def work_on_one(self) -> bool:
        """The recording that has waited longest; False if none is due. Done twice, it is the same."""
        async with self._store.read() as session:
            row = await session.scalar(
                select(RecordingRecord)
                .where(RecordingRecord.state == State.DUE.value, RecordingRecord.due_at <= self._now())
                .order_by(RecordingRecord.due_at)
                .limit(1)
            )
        if row is None:
            return False
        try:
            async with self._store.read() as session:
                call = await session.get(CallRecord, row.call_id)
                still = await pauses_of(session, row.call_id)
            talk_s = call.talk_s if call is not None else row.talk_s
            answered = call is not None and call.answered_at is not None
            outcome = await self._in_thread(self._make, row, talk_s, answered, still)
        except Exception as error:  # whatever is wrong with this one, the others have their turn
            log.warning("recording not finished", call_id=row.call_id, error_type=type(error).__name__)
            await self._try_again(row)
        else:
            await self._store_outcome(row, talk_s, outcome)
        return True

    def _make(self, row: RecordingRecord, talk_s: float | None, answered: bool, still: tuple[Pause, ...]) -> Outcome:
        call_id = CallId(row.call_id)
        if row.kind == Kind.MESSAGE.value and (message := self._recordings.message(call_id)) is not None:
            size = message.stat().st_size
            return Outcome(state=State.READY, media_type=PLAIN.media_type, bytes=size, sha256=sha256(message))
        encoder = self.encoder or PLAIN
        made = self._recordings.finish(call_id, PLAIN if row.attempts >= PLAIN_FROM else encoder, still)
        if made is None:
            expected = answered and (talk_s is None or talk_s > SHORTEST_S)
            return Outcome(state=State.MISSING if expected else State.NONE, flawed=expected)
        return Outcome(
            state=State.READY,
            length_s=made.length_s,
            media_type=made.media_type,
            bytes=made.bytes,
            sha256=made.sha256,
            flawed=talk_s is not None and is_incomplete(made.length_s, talk_s),
        )

    async def _store_outcome(self, row: RecordingRecord, talk_s: float | None, outcome: Outcome) -> None:
        await self._change(
            row,
            state=outcome.state.value,
            talk_s=talk_s,
            length_s=outcome.length_s,
            media_type=outcome.media_type,
            bytes=outcome.bytes,
            sha256=outcome.sha256,
            incomplete=outcome.flawed,
            made_at=self._now(),
        )
        if outcome.flawed:
            log.warning("a recording is not complete", call_id=row.call_id, state=outcome.state.value)
            self._publish(RecordingFlawed(call_id=row.call_id, length_s=outcome.length_s, talk_s=talk_s))

    async def _try_again(self, row: RecordingRecord) -> None:
        attempts = row.attempts + 1
        if attempts < MOST_ATTEMPTS:
            pause = timedelta(seconds=min(3600, 30 * 2**attempts))
            await self._change(row, attempts=attempts, due_at=self._now() + pause)
            return
        await self._change(row, attempts=attempts, state=State.FAILED.value, incomplete=True)
        self._publish(RecordingFlawed(call_id=row.call_id, length_s=None, talk_s=row.talk_s))

    async def _change(self, row: RecordingRecord, **values: Any) -> None:
        async with self._store.write() as session:
            await session.execute(
                update(RecordingRecord).where(RecordingRecord.call_id == row.call_id).values(**values)
            )

    # keeping ----------------------------------------------------------------------------------------------------------

    async def erase_expired(self) -> int:
        """Recordings whose time is up and that nobody holds; how many. Each is audited."""
        held = exists().where(LegalHold.call_id == RecordingRecord.call_id, LegalHold.lifted_at.is_(None))
        async with self._store.read() as session:
            found = await session.scalars(
                select(RecordingRecord.call_id)
                .where(
                    RecordingRecord.state.in_(ERASABLE),
                    RecordingRecord.erase_at <= self._now(),
                    ~held,
                )
                .limit(AT_ONCE)
            )
            expired = found.all()
        return sum([await self._erased(CallId(call_id)) for call_id in expired])

    async def _erased(self, call_id: CallId) -> bool:
        """False where its files cannot be removed now: the others go all the same."""
        try:
            await self._erase(call_id)
        except OSError as error:
            log.warning("recording not erased", call_id=call_id, error_type=type(error).__name__)
            return False
        return True

    async def _erase(self, call_id: CallId) -> None:
        """The hold is looked at once more in the transaction that marks it: whoever sets one meanwhile comes first."""
        async with self._store.write() as session:
            row = await session.get_one(RecordingRecord, call_id, with_for_update=True)
            if await open_hold(session, call_id) is not None or row.state == State.ERASED.value:
                return
            files = await self._in_thread(self._recordings.erase, call_id)
            row.state, row.erased_at = State.ERASED.value, self._now()
            await audit.record(
                session,
                self._store.keyring,
                audit.SYSTEM,
                "recording.erase",
                "call",
                call_id,
                now=self._now(),
                detail={"kind": row.kind, "files": files},
            )

    async def _in_thread(self, work: Callable[..., R], *args: Any) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *args)


async def note_call(session: AsyncSession, call: CallRecord, keep_days: Mapping[str, int]) -> None:
    """The row of a call that has ended; one that is there already stays as it is."""
    assert call.ended_at is not None
    kind = await _kind_of(session, call)
    await session.execute(
        insert_into(session, RecordingRecord)
        .values(
            call_id=call.id,
            state=State.DUE.value,
            due_at=call.ended_at + FINISH_AFTER,
            attempts=0,
            kind=kind.value,
            ended_at=call.ended_at,
            talk_s=call.talk_s,
            incomplete=False,
            erase_at=call.ended_at + timedelta(days=keep_days[kind.value]),
        )
        .on_conflict_do_nothing()
    )


async def open_hold(session: AsyncSession, call_id: str) -> LegalHold | None:
    found: LegalHold | None = await session.scalar(
        select(LegalHold).where(LegalHold.call_id == call_id, LegalHold.lifted_at.is_(None))
    )
    return found


async def _kind_of(session: AsyncSession, call: CallRecord) -> Kind:
    found = await session.execute(
        select(CallEventRecord.kind, CallEventRecord.data).where(
            CallEventRecord.call_id == call.id,
            CallEventRecord.kind.in_([kind.__name__ for kind in (CallArrived, TransferStepped, MessageLeft)]),
        )
    )
    rows = found.all()
    if any(_names_centre(kind, data) for kind, data in rows):
        return Kind.EMERGENCY
    left = call.answered_at is None and any(kind == MessageLeft.__name__ for kind, _ in rows)
    return Kind.MESSAGE if left else Kind.CALL


def _names_centre(kind: str, data: Mapping[str, Any]) -> bool:
    if kind == CallArrived.__name__:
        return bool(data.get("centre"))
    target = data.get("target") or {}
    return kind == TransferStepped.__name__ and target.get("kind") == TargetKind.CENTRE.value


def _step_back() -> None:
    """On Linux a priority belongs to a thread."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
