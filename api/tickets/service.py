"""What is done to drafts and tickets; each function is one step inside the caller's transaction."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.auth import audit
from api.auth.masking import masked_number
from api.auth.parties import KnownCall
from api.auth.permissions import Action, allowed
from api.auth.sessions import SignedIn
from api.auth.shared import Shared
from api.errors import Forbidden, InvalidField, MissingFields, NotFound, NotNow, VersionConflict
from api.store.engine import insert_into
from api.store.sealing import normal_phone
from api.store.tables import DraftRecord, TicketRecord
from api.tickets import draft as drafts
from api.tickets import lifecycle, stored
from api.tickets.draft import Draft, DraftStatus, Origin
from api.tickets.fields import RULES, Disposition, Kind, NoTicket, Value
from api.tickets.lifecycle import State
from api.tickets.numbers import next_number
from api.tickets.views import PHONE, draft_view
from asr.prefill import Suggestion
from telephony.events import AgentStatus
from telephony.ids import AgentId, CallId
from telephony.targets import Target, TargetKind
from telephony.transfers import TransferState

SHORTEST_PHONE = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Submission:
    version: int
    disposition: Disposition
    summary: str


# reading --------------------------------------------------------------------------------------------------------------
def to_draft(row: DraftRecord) -> Draft:
    return Draft(
        id=row.id,
        call_id=row.call_id,
        author_id=row.author_id,
        caller_number=row.caller_number or "",
        version=row.version,
        updated_at=row.updated_at,
        status=DraftStatus(row.status),
        fields=stored.from_json(row.fields),
    )


async def draft_of_call(session: AsyncSession, call_id: str) -> Draft | None:
    row = await session.scalar(select(DraftRecord).where(DraftRecord.call_id == call_id))
    return None if row is None else to_draft(row)


async def read_draft(session: AsyncSession, common: Shared, me: SignedIn, draft_id: str) -> Draft:
    """Of who writes it, or any for a role that may see any call."""
    row = await session.get(DraftRecord, draft_id)
    if row is None:
        raise NotFound("draft")
    if not _writes(common, me, row) and not allowed(me.role, Action.CALL_ANY):
        raise Forbidden(Action.DRAFT_WRITE)
    return to_draft(row)


async def _own_row(session: AsyncSession, common: Shared, me: SignedIn, draft_id: str, action: Action) -> DraftRecord:
    """Locked until the commit."""
    row = await session.get(DraftRecord, draft_id, with_for_update=True)
    if row is None:
        raise NotFound("draft")
    if not _writes(common, me, row):
        raise Forbidden(action)
    await _taken_over(session, common, me, row)
    return row


def _writes(common: Shared, me: SignedIn, row: DraftRecord) -> bool:
    """Its author; and while a call goes from hand to hand, whoever talks in it or has just left it."""
    if row.author_id == me.user_id or _has_call(common, me, row.call_id):
        return True
    board = common.switch.switchboard
    agent = board.agents.get(AgentId(me.agent_id)) if me.agent_id else None
    if agent is not None and agent.call_id == row.call_id and agent.status is AgentStatus.WRAPPING_UP:
        return True
    transfer = board.transfers.get(CallId(row.call_id))
    if transfer is None or transfer.state not in (TransferState.JOINED, TransferState.PRIVATE):
        return False
    return transfer.target == Target(kind=TargetKind.AGENT, value=me.agent_id or "")


def _has_call(common: Shared, me: SignedIn, call_id: str) -> bool:
    call = common.switch.switchboard.calls.get(CallId(call_id))
    return call is not None and me.agent_id is not None and call.answered_by == me.agent_id


async def _taken_over(session: AsyncSession, common: Shared, me: SignedIn, row: DraftRecord) -> None:
    """An open draft belongs to whoever has the call."""
    if row.author_id == me.user_id or row.status != DraftStatus.OPEN.value or not _has_call(common, me, row.call_id):
        return
    await _audit(session, common, me, "draft.take_over", to_draft(row), {"from_user": row.author_id})
    row.author_id = me.user_id


# writing --------------------------------------------------------------------------------------------------------------
async def open_draft(session: AsyncSession, common: Shared, me: SignedIn, call: KnownCall) -> tuple[Draft, bool]:
    """The call's draft, and whether it was made just now. There is one for each call, whoever asks first.

    Handed to another operator with the call, it becomes that operator's.
    """
    now = common.now()
    made = await session.scalar(
        insert_into(session, DraftRecord)
        .values(
            id=str(uuid.uuid4()),
            call_id=call.id,
            author_id=me.user_id,
            version=1,
            status=DraftStatus.OPEN.value,
            fields={},
            caller_number=call.caller_number,
            created_at=now,
            updated_at=now,
        )
        .on_conflict_do_nothing(index_elements=[DraftRecord.call_id])
        .returning(DraftRecord.id)
    )
    draft = await draft_of_call(session, call.id)
    assert draft is not None
    if made is not None:
        await _audit(session, common, me, "draft.open", draft)
    elif draft.author_id != me.user_id:
        row = await session.get_one(DraftRecord, draft.id, with_for_update=True, populate_existing=True)
        await _taken_over(session, common, me, row)
        draft = to_draft(row)
    return draft, made is not None


async def edit_draft(
    session: AsyncSession,
    common: Shared,
    me: SignedIn,
    draft_id: str,
    *,
    seen_version: int,
    values: Mapping[str, Value],
) -> Draft:
    """What a person typed. VersionConflict only where a *person* changed one of these fields since ``seen_version``.

    The caller's masked number sent back as it was shown is accepted, not typed: what is typed is shown in full, and
    revealing a number is a request of its own.
    """
    row = await _own_row(session, common, me, draft_id, Action.DRAFT_WRITE)
    old = to_draft(row)
    if seen_version > old.version or drafts.clashes(old, values, seen_version):
        raise VersionConflict(draft_view(old, common.label).model_dump(mode="json"))
    as_shown = [name for name, value in values.items() if _is_as_shown(old, name, value)]
    written = {name: value for name, value in values.items() if name not in as_shown}
    new = drafts.type_values(old, written, kept=as_shown)
    return await _save(session, common, me, row, old, new, "draft.edit", {"fields": sorted(values)})


def _is_as_shown(draft: Draft, name: str, value: Value) -> bool:
    """Whether this is a masked number that comes back with its stars."""
    known = draft.fields[name].value if name == PHONE else None
    return isinstance(known, str) and isinstance(value, str) and "*" in value and value == masked_number(known)


async def decide(
    session: AsyncSession,
    common: Shared,
    me: SignedIn,
    draft_id: str,
    *,
    action: str,
    change: Callable[[Draft], Draft],
    field: str | None = None,
    seen_version: int | None = None,
) -> Draft:
    """Accept, dismiss, undo, accept all: a change that needs no value from the person.

    ``seen_version``: VersionConflict where a field, or what is suggested for it, has changed since the person saw it.
    """
    row = await _own_row(session, common, me, draft_id, Action.DRAFT_WRITE)
    old = to_draft(row)
    if seen_version is not None and _decides_unseen(old, field, seen_version):
        raise VersionConflict(draft_view(old, common.label).model_dump(mode="json"))
    return await _save(session, common, me, row, old, change(old), action, {"field": field} if field else {})


def _decides_unseen(draft: Draft, field: str | None, seen_version: int) -> bool:
    """``field`` None: all that a suggestion filled in."""
    names = [field] if field else [name for name, one in draft.fields.items() if one.origin is Origin.SUGGESTED]
    return seen_version > draft.version or any(drafts.unseen(draft, name, seen_version) for name in names)


async def apply_suggestions(
    session: AsyncSession, call_id: str, suggestions: Sequence[Suggestion], *, now: datetime
) -> Draft | None:
    """Merge into the call's draft; the new draft, or None if there is no open one or nothing changed.

    The row is locked for the transaction, so no edit of a person can get lost between reading and writing.
    """
    row = await session.scalar(select(DraftRecord).where(DraftRecord.call_id == call_id).with_for_update())
    if row is None:
        return None
    old = to_draft(row)
    new = drafts.merge(old, suggestions)
    if new is old:
        return None
    return _write(row, new, now)


async def submit(
    session: AsyncSession, common: Shared, me: SignedIn, draft_id: str, submission: Submission
) -> tuple[TicketRecord, Draft]:
    """The ticket. Submitting what has been submitted in the same way answers with the same ticket."""
    row = await _own_row(session, common, me, draft_id, Action.TICKET_SUBMIT)
    old = to_draft(row)
    if old.status is DraftStatus.SUBMITTED:
        return await _already(session, row, submission), old
    if submission.version != old.version:
        raise VersionConflict(draft_view(old, common.label).model_dump(mode="json"))
    missing = old.missing(submission.disposition)
    if missing:
        raise MissingFields(missing)
    _check_phone(old.values)
    now = common.now()
    new = _write(row, drafts.submitted(old), now)
    ticket = _ticket(common, me, new, submission, now)
    ticket.number = await next_number(session, common.settings.ticket_prefix, now, common.settings.zone)
    session.add(ticket)
    await session.flush()
    detail = {"disposition": submission.disposition.value, "number": ticket.number, "state": ticket.state}
    await audit.record(
        session, common.store.keyring, me.actor, "ticket.submit", "ticket", ticket.id, now=now, detail=detail
    )
    return ticket, new


async def close_draft(
    session: AsyncSession, common: Shared, me: SignedIn, draft_id: str, *, seen_version: int, reason: NoTicket
) -> Draft:
    """No ticket comes of the call. The reason is kept in the audit log. Repeated it answers as before."""
    row = await _own_row(session, common, me, draft_id, Action.TICKET_SUBMIT)
    old = to_draft(row)
    if old.status is DraftStatus.CLOSED:
        return old
    if seen_version > old.version or drafts.clashes(old, old.fields, seen_version):
        raise VersionConflict(draft_view(old, common.label).model_dump(mode="json"))
    return await _save(session, common, me, row, old, drafts.closed(old), "draft.close", {"reason": reason.value})


async def reopen_draft(session: AsyncSession, common: Shared, me: SignedIn, draft_id: str) -> Draft:
    """A ticket comes of it after all."""
    row = await _own_row(session, common, me, draft_id, Action.TICKET_SUBMIT)
    old = to_draft(row)
    if old.status is DraftStatus.OPEN:
        return old
    return await _save(session, common, me, row, old, drafts.reopened(old), "draft.reopen", {})


async def _already(session: AsyncSession, row: DraftRecord, submission: Submission) -> TicketRecord:
    ticket = await session.scalar(select(TicketRecord).where(TicketRecord.draft_id == row.id))
    assert ticket is not None
    if ticket.disposition == submission.disposition and row.version == submission.version + 1:
        return ticket
    raise NotNow("the draft has been submitted")


def _check_phone(values: Mapping[str, Value]) -> None:
    phone = values.get("contact_phone")
    if isinstance(phone, str) and len(phone) < SHORTEST_PHONE:
        raise InvalidField("contact_phone", "a whole telephone number")


def _ticket(common: Shared, me: SignedIn, draft: Draft, submission: Submission, now: datetime) -> TicketRecord:
    values: dict[str, Any] = draft.values
    flags = {name: bool(values.pop(name)) for name in ("confidential", "anonymous")}
    written = values.pop("summary")
    for name, value in values.items():
        if value is not None and RULES[name].kind is Kind.NUMBER:
            values[name] = int(value)
    if flags["anonymous"] and _only_the_line_told(draft):
        values[PHONE] = None
    keyring = common.store.keyring
    return TicketRecord(
        id=str(uuid.uuid4()),
        version=1,
        state=lifecycle.after(State.DRAFT, submission.disposition).value,
        disposition=submission.disposition.value,
        draft_id=draft.id,
        call_id=draft.call_id,
        author_id=me.user_id,
        created_at=now,
        updated_at=now,
        summary=submission.summary or written or "",
        phone_hash=None if flags["anonymous"] else keyring.phone_hash(values["contact_phone"] or ""),
        caller_hash=None if flags["anonymous"] else keyring.phone_hash(draft.caller_number),
        **values,
        **flags,
    )


def _only_the_line_told(draft: Draft) -> bool:
    """Whether the number is where the call came from, and nobody typed it."""
    phone = draft.fields[PHONE]
    return phone.origin is not Origin.TYPED and normal_phone(str(phone.value)) == normal_phone(draft.caller_number)


async def _save(
    session: AsyncSession,
    common: Shared,
    me: SignedIn,
    row: DraftRecord,
    old: Draft,
    new: Draft,
    action: str,
    detail: Mapping[str, Any],
) -> Draft:
    if new is old:
        return old
    new = _write(row, new, common.now())
    await _audit(session, common, me, action, new, {**detail, "version": new.version})
    return new


def _write(row: DraftRecord, new: Draft, now: datetime) -> Draft:
    row.version, row.updated_at, row.status = new.version, now, new.status.value
    row.fields = stored.to_json(new.fields)
    return replace(new, updated_at=now)


async def _audit(
    session: AsyncSession,
    common: Shared,
    me: SignedIn,
    action: str,
    draft: Draft,
    detail: Mapping[str, Any] | None = None,
) -> None:
    await audit.record(
        session, common.store.keyring, me.actor, action, "draft", draft.id, now=common.now(), detail=detail
    )
