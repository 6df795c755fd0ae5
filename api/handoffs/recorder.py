"""Steps of transfers into the ledger, in order, behind the call; a step that comes twice changes nothing."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from api.auth import audit
from api.calls.recorder import key_of
from api.handoffs.events import HandoffChanged, ReceiptGiven
from api.handoffs.ledger import (
    AFTER,
    KEPT,
    LINE_KEPT,
    LINE_RELEASED,
    LOST,
    OUTCOMES,
    REACHED,
    RECEIPT,
    RELEASED,
    PushState,
)
from api.settings import Settings
from api.store.behind import WriteBehind
from api.store.committed import publish_after
from api.store.engine import Store, insert_into, take_turn
from api.store.sealing import Keyring
from api.store.tables import CallRecord, HandoffDay, HandoffRecord, HandoffStep
from api.tickets.numbers import local_day, next_of_day
from telephony.calls import Call, CallPhase
from telephony.events import CallEnded, Event, LineKept, TransferStepped
from telephony.ids import CallId
from telephony.targets import Target, TargetKind
from telephony.transfers import TransferState

PREFIX = "YJ"

Recorded = TransferStepped | LineKept | CallEnded


class HandoffRecorder:
    """``put`` every event of the switchboard. What changed is told through ``publish`` after its commit."""

    def __init__(self, store: Store, settings: Settings, publish: Callable[[object], None]) -> None:
        self._store = store
        self._settings = settings
        self._publish = publish
        self._keyring = store.keyring
        self.behind: WriteBehind[Recorded | ReceiptGiven] = WriteBehind(
            store, self._write, name="handoffs", keeps=(TransferStepped, LineKept, CallEnded, ReceiptGiven)
        )

    def put(self, event: Event | ReceiptGiven) -> None:
        if isinstance(event, TransferStepped | LineKept | CallEnded | ReceiptGiven):
            self.behind.put(event)

    async def run(self) -> None:
        await self.behind.run()

    async def drain(self, timeout_s: float) -> bool:
        return await self.behind.drain(timeout_s)

    async def close_with_calls(self, calls: Mapping[CallId, Call]) -> int:
        """Rows that go on though their call is over; how many. ``calls`` are those that the switch knows.

        Calls and handoffs are written apart: who is killed in between leaves the end of a call in one place only.
        """
        async with self._store.read() as session:
            over = [row for row in await over_without_end(session) if not _goes_on(calls.get(CallId(row[0])))]
        if not over:
            return 0
        async with self._store.write() as session:
            changed = [row for call_id, at in over for row in await end_with_call(session, call_id, at)]
            tell_after(session, changed, self._publish)
        return len(changed)

    async def _write(self, session: AsyncSession, event: Recorded | ReceiptGiven) -> None:
        if isinstance(event, ReceiptGiven):
            changed = await receipt_given(session, self._keyring, self._settings, event)
        else:
            changed = await record(session, self._settings, event)
        tell_after(session, changed, self._publish)


def tell_after(session: AsyncSession, changed: list[HandoffRecord], publish: Callable[[object], None]) -> None:
    """Publish what changed once this transaction has been committed, and never if it is not."""
    news = [
        HandoffChanged(handoff_id=row.id, number=row.number, call_id=row.call_id, transfer_id=row.transfer_id)
        for row in changed
    ]
    publish_after(session, news, publish)


async def record(session: AsyncSession, settings: Settings, event: Recorded) -> list[HandoffRecord]:
    """The rows that the event changed, in the caller's transaction; none if it had been recorded before."""
    match event:
        case TransferStepped():
            return await _stepped(session, settings, event)
        case LineKept():
            return await _line_kept(session, settings, event)
    return await end_with_call(session, event.call_id, event.at)


async def receipt_given(
    session: AsyncSession, keyring: Keyring, settings: Settings, given: ReceiptGiven
) -> list[HandoffRecord]:
    """The row is made if no step of it has been recorded yet. The same receipt again changes nothing."""
    row = await ensure(
        session,
        settings,
        transfer_id=given.transfer_id,
        call_id=given.call_id,
        agent_id=given.agent_id,
        target=given.target,
        mode=given.mode,
        at=given.started_at,
    )
    if row.receipt == given.receipt:
        return []
    row.receipt = given.receipt
    row.version += 1
    await people_stepped(session, row, RECEIPT, given.at)
    await audit.record(
        session,
        keyring,
        given.actor,
        "handoff.receipt",
        "handoff",
        row.id,
        now=given.at,
        detail={"version": row.version},
    )
    return [row]


async def ensure(
    session: AsyncSession,
    settings: Settings,
    *,
    transfer_id: str,
    call_id: str,
    agent_id: str,
    target: Target | None,
    mode: str,
    at: datetime,
) -> HandoffRecord:
    """The row of this transfer, locked until the commit; made, with the day's next number, if there is none yet."""
    await take_turn(session, f"handoff {transfer_id}")
    known = await session.scalar(
        select(HandoffRecord).where(HandoffRecord.transfer_id == transfer_id).with_for_update()
    )
    if known is not None:
        return known
    centre = target.value if target is not None and target.kind is TargetKind.CENTRE else ""
    sent_by = await session.scalar(select(CallRecord.centre).where(CallRecord.id == call_id))
    day = local_day(at, settings.zone)
    configured = centre in settings.centre_push
    row = HandoffRecord(
        id=str(uuid.uuid4()),
        number=f"{PREFIX}{day}-{await next_of_day(session, HandoffDay, day):03d}",
        transfer_id=transfer_id,
        call_id=call_id,
        centre=centre,
        target_kind=KEPT if target is None else target.kind.value,
        target_value="" if target is None else target.value,
        mode=mode,
        agent_id=agent_id,
        state=KEPT if target is None else TransferState.DIALLING.value,
        first_receiver=sent_by or settings.line,
        keep_line=target is None,
        push_state=(PushState.PENDING if configured else PushState.NOT_CONFIGURED).value,
        push_tries=0,
        started_at=at,
        version=1,
    )
    session.add(row)
    await session.flush()
    return row


async def _stepped(session: AsyncSession, settings: Settings, event: TransferStepped) -> list[HandoffRecord]:
    row = await ensure(
        session,
        settings,
        transfer_id=event.transfer_id,
        call_id=event.call_id,
        agent_id=event.agent_id,
        target=event.target,
        mode=event.mode.value,
        at=event.at,
    )
    reason = None if event.reason is None else event.reason.value
    new = await _add_step(
        session, row, event.at, event.step.value, key_of(event), route=event.route, reason=reason, leg=event.leg
    )
    if not new:
        return []
    state = AFTER[event.step]
    row.reason = reason or row.reason
    outcome = OUTCOMES[event.step].value if event.step in OUTCOMES else None
    over_at = await session.scalar(select(CallRecord.ended_at).where(CallRecord.id == event.call_id))
    if row.ended_at is not None and state is not TransferState.ENDED and over_at is not None:
        row.outcome = outcome or row.outcome  # a step that comes after the end of its call opens nothing again
    else:
        row.state, row.outcome = state.value, outcome
        row.ended_at = event.at if state is TransferState.ENDED else None
    if event.step in REACHED and row.push_state == PushState.PENDING and row.push_due_at is None:
        row.push_due_at = event.at
    row.version += 1
    return [row]


async def _line_kept(session: AsyncSession, settings: Settings, event: LineKept) -> list[HandoffRecord]:
    """Kept beside a handoff that goes on, or as a row of its own for the supervisor to report by."""
    rows = await _going(session, event.call_id)
    if event.on and not rows:
        rows = [
            await ensure(
                session,
                settings,
                transfer_id=f"{event.call_id}-line-{round(event.at.timestamp() * 1000)}",
                call_id=event.call_id,
                agent_id=event.agent_id,
                target=None,
                mode="",
                at=event.at,
            )
        ]
    changed = []
    for row in rows:
        if not await _add_step(session, row, event.at, LINE_KEPT if event.on else LINE_RELEASED, key_of(event)):
            continue
        row.keep_line = event.on
        if row.state == KEPT and not event.on:
            row.state, row.outcome, row.ended_at = TransferState.ENDED.value, RELEASED, event.at
        row.version += 1
        changed.append(row)
    return changed


async def end_with_call(session: AsyncSession, call_id: str, at: datetime) -> list[HandoffRecord]:
    """What still goes on in the ledger ended with the call; the steps of the switch, if they come, say it better."""
    rows = await _going(session, call_id)
    for row in rows:
        row.outcome = row.outcome or (RELEASED if row.state == KEPT else LOST)
        row.state, row.ended_at = TransferState.ENDED.value, at
        row.version += 1
    return rows


async def over_without_end(session: AsyncSession) -> list[tuple[str, datetime]]:
    """Calls that are over, with their end, of which a row of the ledger goes on."""
    found = await session.execute(
        select(CallRecord.id, CallRecord.ended_at)
        .where(
            CallRecord.ended_at.is_not(None),
            CallRecord.id.in_(select(HandoffRecord.call_id).where(HandoffRecord.ended_at.is_(None))),
        )
        .order_by(CallRecord.ended_at)
    )
    return [(call_id, ended_at) for call_id, ended_at in found if ended_at is not None]


def _goes_on(call: Call | None) -> bool:
    return call is not None and call.phase is not CallPhase.ENDED


async def _going(session: AsyncSession, call_id: str) -> list[HandoffRecord]:
    rows = await session.scalars(
        select(HandoffRecord)
        .where(HandoffRecord.call_id == call_id, HandoffRecord.ended_at.is_(None))
        .order_by(HandoffRecord.started_at)
        .with_for_update()
    )
    return list(rows)


async def _add_step(
    session: AsyncSession,
    row: HandoffRecord,
    at: datetime,
    step: str,
    key: str,
    *,
    route: int = 1,
    reason: str | None = None,
    leg: str | None = None,
) -> bool:
    """False if the ledger has it already."""
    made = await session.scalar(
        insert_into(session, HandoffStep)
        .values(handoff_id=row.id, at=at, step=step, route=route, reason=reason, leg=leg, event_key=key)
        .on_conflict_do_nothing(index_elements=[HandoffStep.handoff_id, HandoffStep.event_key])
        .returning(HandoffStep.id)
    )
    return made is not None


async def people_stepped(
    session: AsyncSession, row: HandoffRecord, step: str, at: datetime, reason: str | None = None
) -> None:
    """A step that no event of the switch stands for; the row's version, which has just grown, tells it from others."""
    await _add_step(session, row, at, step, f"{step} of version {row.version}", reason=reason)


async def mark_pushed(session: AsyncSession, handoff_id: str, *, at: datetime, receipt: str | None) -> None:
    """The centre has taken the summary; the receipt it gave is kept where nobody wrote one down before."""
    values: dict[str, Any] = {"push_state": PushState.PUSHED.value, "summary_pushed_at": at, "push_due_at": None}
    await session.execute(
        update(HandoffRecord)
        .where(HandoffRecord.id == handoff_id)
        .values(**values, push_error=None, version=HandoffRecord.version + 1)
    )
    if receipt:
        kept = await session.execute(
            update(HandoffRecord)
            .where(HandoffRecord.id == handoff_id, HandoffRecord.receipt.is_(None))
            .values(receipt=receipt)
            .returning(HandoffRecord.id)
        )
        if kept.first() is not None:
            row = await session.get_one(HandoffRecord, handoff_id, populate_existing=True)
            await people_stepped(session, row, RECEIPT, at)
