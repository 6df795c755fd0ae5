"""What people do with the ledger: read a row, complete it, have its summary sent."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from api.auth import audit
from api.auth.permissions import Action, allowed
from api.auth.sessions import SignedIn
from api.auth.shared import Shared
from api.errors import Forbidden, NotFound, NotNow, VersionConflict
from api.handoffs.events import ReceiptGiven
from api.handoffs.ledger import RECEIPT, SETTLED, PushState
from api.handoffs.queries import steps_of
from api.handoffs.recorder import people_stepped, receipt_given, tell_after
from api.handoffs.views import NO_SCRIPT, HandoffView, ScriptView, handoff_view, script_of
from api.store.reach import DatabaseAway
from api.store.tables import HandoffRecord
from api.tickets.service import draft_of_call
from api.tickets.views import draft_view
from telephony.transfers import Transfer


async def row_of(
    session: AsyncSession, me: SignedIn, handoff_id: str, action: Action, *, lock: bool = False
) -> HandoffRecord:
    """The row, if this person asked for the handoff, or may see any call."""
    row = await session.get(HandoffRecord, handoff_id, with_for_update=True if lock else None)
    if row is None:
        raise NotFound("handoff")
    if row.agent_id != me.agent_id and not allowed(me.role, Action.CALL_ANY):
        raise Forbidden(action)
    return row


async def view_of(session: AsyncSession, common: Shared, row: HandoffRecord) -> HandoffView:
    return handoff_view(row, await steps_of(session, row.id), await script(session, common, row.call_id))


async def script(session: AsyncSession, common: Shared, call_id: str) -> ScriptView:
    """From the draft of the call, as its author sees it: the number of the line is masked."""
    draft = await draft_of_call(session, call_id)
    if draft is None:
        return NO_SCRIPT
    return script_of({name: one.value for name, one in draft_view(draft, common.label).fields.items()})


async def edit(
    session: AsyncSession,
    common: Shared,
    me: SignedIn,
    handoff_id: str,
    *,
    seen_version: int,
    values: Mapping[str, str | None],
) -> HandoffRecord:
    """``values`` by column. VersionConflict if anybody, or the switch, has changed the row since ``seen_version``."""
    row = await row_of(session, me, handoff_id, Action.HANDOFF_WRITE, lock=True)
    if row.version != seen_version:
        current = await view_of(session, common, row)
        raise VersionConflict(current.model_dump(mode="json"))
    changed = sorted(name for name, value in values.items() if getattr(row, name) != value)
    if not changed:
        return row
    for name in changed:
        setattr(row, name, values[name])
    row.version += 1
    for column, step in (("receipt", RECEIPT), ("settled", SETTLED)):
        if column in changed:
            await people_stepped(session, row, step, common.now(), row.settled if step == SETTLED else None)
    await _changed(session, common, me, "handoff.edit", row, {"fields": changed, "version": row.version})
    return row


async def ask_push(session: AsyncSession, common: Shared, me: SignedIn, handoff_id: str) -> HandoffRecord:
    """Have the summary sent, or sent again, as soon as possible."""
    row = await row_of(session, me, handoff_id, Action.HANDOFF_WRITE, lock=True)
    if row.centre not in common.settings.centre_push:
        raise NotNow("no address is set for this centre")
    row.push_state, row.push_due_at = PushState.PENDING.value, common.now()
    row.push_tries, row.push_error = 0, None
    row.version += 1
    await _changed(session, common, me, "handoff.push", row, {"centre": row.centre})
    return row


async def write_receipt(common: Shared, me: SignedIn, transfer: Transfer, receipt: str) -> None:
    """What the centre said while the operator was leaving; written behind while the database is away."""
    given = ReceiptGiven(
        at=common.now(),
        actor=me.actor,
        transfer_id=transfer.id,
        call_id=transfer.call_id,
        agent_id=transfer.agent_id,
        target=transfer.target,
        mode=transfer.mode.value,
        started_at=transfer.started_at,
        receipt=receipt,
    )

    async def write() -> None:
        async with common.store.write() as session:
            changed = await receipt_given(session, common.store.keyring, common.settings, given)
            tell_after(session, changed, common.publish)

    try:
        await common.standby.writes.ask(write)
    except DatabaseAway:
        common.publish(given)


async def _changed(
    session: AsyncSession, common: Shared, me: SignedIn, action: str, row: HandoffRecord, detail: Mapping[str, object]
) -> None:
    tell_after(session, [row], common.publish)
    await audit.record(
        session, common.store.keyring, me.actor, action, "handoff", row.id, now=common.now(), detail=detail
    )
