"""Missed callers into items to be called back, behind the call: one open item for each number, however often told."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import structlog
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.callbacks.events import CallbackChanged
from api.callbacks.rules import (
    ANSWERED_LATER,
    CAME_OUT,
    NO_NUMBER,
    NOT_NEEDED,
    Answered,
    Matter,
    Missed,
    Over,
    Reason,
    Result,
    after_result,
    dialable,
    matter_of,
    stronger,
)
from api.settings import Settings
from api.store.behind import WriteBehind
from api.store.committed import publish_after
from api.store.engine import Store, take_turn
from api.store.sealing import Keyring
from api.store.tables import CallbackAttempt, CallbackCall, CallbackRecord, CallEventRecord, CallRecord
from telephony.calls import Call, CallPhase
from telephony.events import CallbackAsked, CallEvent, CallOutcome, Event, MessageLeft
from telephony.ids import CallId

log = structlog.get_logger(__name__)

OPEN, DONE = "open", "done"
LOOKS_BACK = timedelta(days=1)
LOOK_EVERY_S = 5.0


class CallbackRecorder:
    """``put`` every event of the switchboard, after the models have taken it: who called is read off the model then."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        calls: Callable[[], Mapping[CallId, Call]],
        publish: Callable[[object], None],
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._now = now
        self._keyring = store.keyring
        self._settings = settings
        self._calls = calls
        self._publish = publish
        self.behind: WriteBehind[Matter] = WriteBehind(
            store, self._write, name="callbacks", keeps=(Missed, Answered, Over)
        )

    def put(self, event: Event) -> None:
        if not isinstance(event, CallEvent):
            return
        # what the switchboard does not know any more is found in the records, by look_after
        matter = matter_of(event, self._calls().get(event.call_id))
        if matter is not None:
            self.behind.put(matter)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.behind.run(), name="callbacks: writing")
            tasks.create_task(self._look_after_all(), name="callbacks: looking after")

    async def look_after(self, now: datetime) -> None:
        """Missed calls that only the records know, and leases that have run out."""
        live = frozenset(str(call.id) for call in self._calls().values() if call.phase is not CallPhase.ENDED)
        async with self._store.write() as session:
            changed = await find_missed(session, self._keyring, self._settings, now)
            changed += await settle(session, self._settings, now, live=live)
            for item in changed:
                tell_after(session, item, self._publish)

    async def _look_after_all(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self.look_after(self._now())
            except Exception as error:
                log.warning("callbacks not looked after", error_type=type(error).__name__)

    async def drain(self, timeout_s: float) -> bool:
        return await self.behind.drain(timeout_s)

    async def _write(self, session: AsyncSession, matter: Matter) -> None:
        tell_after(session, await record(session, self._keyring, self._settings, matter), self._publish)


def tell_after(session: AsyncSession, changed: CallbackRecord | None, publish: Callable[[object], None]) -> None:
    """Publish once this transaction has been committed, and never if it is not."""
    if changed is not None:
        publish_after(session, [CallbackChanged(callback_id=changed.id)], publish)


async def record(session: AsyncSession, keyring: Keyring, settings: Settings, matter: Matter) -> CallbackRecord | None:
    """The item that it made or changed, in the caller's transaction."""
    match matter:
        case Missed():
            return await missed(session, keyring, settings, matter)
        case Answered():
            return await _answered(session, keyring, matter)
        case Over():
            return await _over(session, settings, matter)
    return None


async def missed(session: AsyncSession, keyring: Keyring, settings: Settings, matter: Missed) -> CallbackRecord | None:
    """Joined to the open item of the same number; each call counts once, whatever is told of it."""
    phone_hash = keyring.phone_hash(matter.number)
    await take_turn(session, f"callback {phone_hash or matter.call_id}")
    link = await session.get(CallbackCall, matter.call_id, with_for_update=True)
    if link is not None:
        counted = await session.get_one(CallbackRecord, link.callback_id, with_for_update=True)
        if counted.status == OPEN:
            return _strengthened(counted, link, matter)
        if counted.closed_at is None or matter.at <= counted.closed_at:
            return None
    item = await _open_item(session, phone_hash)
    if item is None:
        item = _new(settings, matter, phone_hash)
        session.add(item)
    else:
        item.calls += 1
        item.last_at = max(item.last_at, matter.at)
        item.reason = stronger(item.reason, matter.reason)
        item.version += 1
    await session.flush()
    if link is not None:
        link.callback_id, link.reason, link.at = item.id, matter.reason.value, matter.at
    else:
        session.add(CallbackCall(call_id=matter.call_id, callback_id=item.id, reason=matter.reason.value, at=matter.at))
    return item


def _strengthened(item: CallbackRecord, link: CallbackCall, matter: Missed) -> CallbackRecord | None:
    """The same call, and more is known of why (asked to be called back, and hung up then)."""
    if stronger(link.reason, matter.reason) == link.reason:
        return None
    link.reason = matter.reason.value
    item.reason = stronger(item.reason, matter.reason)
    item.version += 1
    return item


def _new(settings: Settings, matter: Missed, phone_hash: str | None) -> CallbackRecord:
    """A caller who withheld the number can be called only if a message says how."""
    nobody = not matter.number and matter.reason is not Reason.MESSAGE
    return CallbackRecord(
        id=str(uuid.uuid4()),
        phone_hash=phone_hash,
        number=matter.number or None,
        line=matter.line,
        reason=matter.reason.value,
        calls=1,
        first_at=matter.at,
        last_at=matter.at,
        due_at=matter.at + timedelta(seconds=settings.callback_due_s),
        status=DONE if nobody else OPEN,
        outcome=NO_NUMBER if nobody else None,
        closed_at=matter.at if nobody else None,
        version=1,
    )


async def _answered(session: AsyncSession, keyring: Keyring, matter: Answered) -> CallbackRecord | None:
    phone_hash = keyring.phone_hash(dialable(matter.number))
    await take_turn(session, f"callback {phone_hash}")
    item = await _open_item(session, phone_hash)
    if item is None or item.last_at > matter.at:
        return None
    close(item, ANSWERED_LATER, matter.at)
    return item


async def _over(session: AsyncSession, settings: Settings, matter: Over) -> CallbackRecord | None:
    attempt = await session.scalar(
        select(CallbackAttempt).where(CallbackAttempt.call_id == matter.call_id).with_for_update()
    )
    if attempt is not None:
        return await _attempt_over(session, settings, attempt, matter)
    if matter.outcome != CallOutcome.ANSWERED:
        return None
    return await _seen_after_all(session, matter)


async def _attempt_over(
    session: AsyncSession, settings: Settings, attempt: CallbackAttempt, matter: Over
) -> CallbackRecord | None:
    """Whoever called still has the lease, to write down what came of it; what was written before stays."""
    item = await session.get_one(CallbackRecord, attempt.callback_id, with_for_update=True)
    if attempt.ended_at is not None and item.dialling != matter.call_id:
        return None
    attempt.ended_at = matter.at
    result = CAME_OUT.get(matter.outcome)
    if attempt.result is None and result is not None:
        attempt.result = result.value
    if item.dialling == matter.call_id:
        item.dialling = None
    if item.status == OPEN and item.owner is not None:
        item.leased_until = matter.at + timedelta(seconds=settings.callback_lease_s)
    item.version += 1
    return item


async def _seen_after_all(session: AsyncSession, matter: Over) -> CallbackRecord | None:
    """The end of a call that was taken as cut off has been found: it was an ordinary one."""
    link = await session.get(CallbackCall, matter.call_id, with_for_update=True)
    if link is None or link.reason != Reason.CUT_OFF:
        return None
    item = await session.get_one(CallbackRecord, link.callback_id, with_for_update=True)
    await session.delete(link)
    item.calls -= 1
    item.version += 1
    if item.status == OPEN and item.calls <= 0:
        close(item, NOT_NEEDED, matter.at)
    return item


def close(item: CallbackRecord, outcome: str, at: datetime) -> None:
    """Done. Nobody holds it any more; a call that has been placed for it goes on."""
    item.status, item.outcome, item.closed_at = DONE, outcome, at
    item.leased_until = None
    item.version += 1


async def find_missed(
    session: AsyncSession, keyring: Keyring, settings: Settings, now: datetime
) -> list[CallbackRecord]:
    """Items for the calls of the last day that ended while nobody looked, from their records; then those closed whose
    citizens got through. What is counted already is not counted again, so this may be done as often as one likes."""
    calls = await session.scalars(
        select(CallRecord)
        .outerjoin(CallbackCall, CallbackCall.call_id == CallRecord.id)
        .where(
            CallbackCall.call_id.is_(None),
            CallRecord.direction == "inbound",
            CallRecord.outcome.in_([CallOutcome.ABANDONED.value, CallOutcome.LOST.value]),
            CallRecord.arrived_at >= now - LOOKS_BACK,
            CallRecord.ended_at.is_not(None),
        )
        .order_by(CallRecord.ended_at)
    )
    changed = []
    for call in calls.all():
        assert call.ended_at is not None
        matter = Missed(
            at=call.ended_at,
            call_id=call.id,
            number=dialable(call.caller_number or ""),
            line=call.line,
            reason=await _recorded_reason(session, call),
        )
        item = await missed(session, keyring, settings, matter)
        if item is not None:
            changed.append(item)
    return [*changed, *await _close_answered(session, now)]


async def _recorded_reason(session: AsyncSession, call: CallRecord) -> Reason:
    if call.outcome == CallOutcome.LOST:
        return Reason.CUT_OFF
    kinds = set(await session.scalars(select(CallEventRecord.kind).where(CallEventRecord.call_id == call.id)))
    if CallbackAsked.__name__ in kinds:
        return Reason.ASKED
    return Reason.MESSAGE if MessageLeft.__name__ in kinds else Reason.ABANDONED


async def _close_answered(session: AsyncSession, now: datetime) -> list[CallbackRecord]:
    """Open items of numbers that were answered after they were last missed."""
    rows = await session.execute(
        select(CallbackRecord, func.max(CallRecord.answered_at))
        .join(CallRecord, CallRecord.phone_hash == CallbackRecord.phone_hash)
        .where(
            CallbackRecord.status == OPEN,
            CallRecord.direction == "inbound",
            CallRecord.answered_at > CallbackRecord.last_at,
            CallRecord.answered_at >= now - LOOKS_BACK,
        )
        .group_by(CallbackRecord.id)
    )
    closed = []
    for item, answered_at in rows.all():
        assert answered_at is not None, "compared in the question"
        close(item, ANSWERED_LATER, answered_at)
        closed.append(item)
    return closed


async def settle(
    session: AsyncSession, settings: Settings, now: datetime, *, live: frozenset[str]
) -> list[CallbackRecord]:
    """Items whose lease has run out: take what the switch said as the result, and let others call.

    A call that was placed and of which neither the switch nor the records know anything was never made.
    """
    late = await session.scalars(
        select(CallbackRecord)
        .where(CallbackRecord.status == OPEN, CallbackRecord.leased_until <= now)
        .with_for_update(skip_locked=True)
    )
    settled = []
    for item in late.all():
        if item.dialling is not None and not await _dialling_is_over(session, item, now, live):
            continue
        attempt = await last_attempt(session, item.id)
        item.owner, item.leased_until = None, None
        item.version += 1
        settled.append(item)
        result = attempt.result if attempt is not None else None
        if result is not None:
            conclude(item, result, await tries_of(session, item.id), settings, now)
    return settled


async def _dialling_is_over(session: AsyncSession, item: CallbackRecord, now: datetime, live: frozenset[str]) -> bool:
    assert item.dialling is not None
    if item.dialling in live:
        return False
    call = await session.get(CallRecord, item.dialling)
    if call is not None and call.ended_at is None:
        return False
    attempt = await session.scalar(select(CallbackAttempt).where(CallbackAttempt.call_id == item.dialling))
    if attempt is not None:
        attempt.ended_at = attempt.ended_at or (call.ended_at if call is not None else now)
        came_out = CAME_OUT.get(call.outcome or "") if call is not None else None
        attempt.result = attempt.result or (None if came_out is None else came_out.value)
    item.dialling = None
    return True


def conclude(item: CallbackRecord, result: str, tries: int, settings: Settings, now: datetime) -> None:
    """Done after this result, or due again."""
    outcome = after_result(Result(result), tries=tries, most=settings.callback_tries)
    if outcome is not None:
        close(item, outcome, now)
    else:
        item.due_at = now + timedelta(seconds=settings.callback_due_s)


async def last_attempt(session: AsyncSession, callback_id: str) -> CallbackAttempt | None:
    found: CallbackAttempt | None = await session.scalar(
        select(CallbackAttempt)
        .where(CallbackAttempt.callback_id == callback_id)
        .order_by(CallbackAttempt.id.desc())
        .limit(1)
    )
    return found


async def tries_of(session: AsyncSession, callback_id: str) -> int:
    """Attempts that came to something."""
    count = await session.scalar(
        select(func.count())
        .select_from(CallbackAttempt)
        .where(CallbackAttempt.callback_id == callback_id, CallbackAttempt.result.is_not(None))
    )
    return count or 0


async def _open_item(session: AsyncSession, phone_hash: str | None) -> CallbackRecord | None:
    if phone_hash is None:
        return None
    found: CallbackRecord | None = await session.scalar(
        select(CallbackRecord)
        .where(CallbackRecord.phone_hash == phone_hash, CallbackRecord.status == OPEN)
        .with_for_update()
    )
    return found
