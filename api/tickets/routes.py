"""Drafts, tickets, the earlier tickets of a caller, and what the forms choose from."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from api.auth import audit, parties
from api.auth.access import Require
from api.auth.permissions import Action, allowed
from api.auth.sessions import SignedIn
from api.auth.shared import Shared, shared
from api.errors import ConflictBody, MissingFieldsBody, NotFound, documented
from api.ids import CallIdPath, UuidPath
from api.paging import Page, PageNumber, PageSize
from api.store.tables import TicketRecord
from api.tickets import draft as drafts
from api.tickets import queries, service
from api.tickets.draft import Draft
from api.tickets.events import DraftChanged, TicketSubmitted
from api.tickets.fields import RULES, Disposition, NoTicket, Value
from api.tickets.reference import ReferenceView, reference
from api.tickets.service import Submission
from api.tickets.views import (
    DraftRow,
    DraftView,
    TicketRow,
    TicketView,
    draft_row,
    draft_view,
    ticket_row,
    ticket_view,
)
from asr.lexicon import Lexicon

router = APIRouter(tags=["tickets"], route_class=parties.CallRoute, responses=documented(422))

Common = Annotated[Shared, Depends(shared)]
Writer = Annotated[SignedIn, Depends(Require(Action.DRAFT_WRITE))]
FieldName = Annotated[str, Path(pattern="^(" + "|".join(RULES) + ")$", description="The name of a ticket field.")]

TicketSort = Literal["created_at", "-created_at", "number", "-number", "status", "-status"]

_CHANGES = {
    "accept": drafts.accept,
    "dismiss": drafts.dismiss,
    "undo": drafts.undo,
}


def _scalar(value: object) -> Value:
    if value is None or isinstance(value, str | bool):
        return value
    raise ValueError("a text, true, false or null")


Scalar = Annotated[
    Any,
    AfterValidator(_scalar),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "boolean"}, {"type": "null"}]}),
]


class Edit(BaseModel):
    """``version``: the draft as it was when the person wrote this. Only the fields the person touched."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"version": 3, "fields": {"address": "驿后小区3号楼"}}]}
    )

    version: int = Field(ge=1)
    fields: dict[str, Scalar] = Field(max_length=len(RULES))


class Seen(BaseModel):
    """``version``: the draft as the person saw it; 409 where something else is suggested by now. May be left out."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"version": 4}]})

    version: int | None = Field(default=None, ge=1)


class Decision(Seen):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"action": "accept", "version": 4}]})

    action: Literal["accept", "dismiss", "undo"]


class Submit(BaseModel):
    """``version``: the draft as the person saw it; it is submitted exactly so or not at all."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"version": 9, "disposition": "dispatch", "summary": "反映垃圾池异味，要求及时清运。"}]
        },
    )

    version: int = Field(ge=1)
    disposition: Disposition
    summary: str = Field(default="", max_length=2000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$")


class Close(BaseModel):
    """``version``: the draft as the person saw it; 409 where somebody wrote into it since."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"version": 2, "reason": "wrong_number"}]}
    )

    version: int = Field(ge=1)
    reason: NoTicket


def _changed(common: Shared, draft: Draft) -> DraftView:
    common.publish(DraftChanged(call_id=draft.call_id, draft=draft))
    return draft_view(draft, common.label)


def _reader(me: SignedIn) -> int | None:
    """Whose confidential tickets this person may recognise: the own ones, or (None) those of everybody."""
    return None if allowed(me.role, Action.CONFIDENTIAL_READ) else me.user_id


def _may_know(me: SignedIn, ticket: TicketRecord) -> bool:
    return _reader(me) in (None, ticket.author_id)


def _ticket_row(common: Shared, me: SignedIn, ticket: TicketRecord) -> TicketRow:
    return ticket_row(ticket, common.label, may_know=_may_know(me, ticket))


@router.post("/calls/{call_id}/draft", responses=documented(401, 403, 404, 503))
async def open_draft(call_id: CallIdPath, me: Writer, common: Common) -> DraftView:
    """The call's draft; made now if there is none yet. For a party to the call; who talks in it becomes its author."""
    async with common.store.write() as session:
        call = await parties.call_of_party(session, common, me, call_id, Action.DRAFT_WRITE)
        draft, made = await service.open_draft(session, common, me, call)
    return _changed(common, draft) if made else draft_view(draft, common.label)


@router.get("/drafts", responses=documented(401, 403))
async def list_drafts(
    me: Writer,
    common: Common,
    mine: Annotated[bool, Query(description="False lists everybody's, for roles that may see any call.")] = True,
    page: PageNumber = 1,
    size: PageSize = 20,
) -> Page[DraftRow]:
    """Open drafts, newest first."""
    author_id = None if not mine and allowed(me.role, Action.CALL_ANY) else me.user_id
    async with common.store.read() as session:
        found, total = await queries.drafts_of(session, author_id, page=page, size=size)
    return Page(items=[draft_row(draft) for draft in found], total=total, page=page, size=size)


@router.get("/drafts/{id}", responses=documented(401, 403, 404))
async def read_draft(draft_id: UuidPath, me: Writer, common: Common) -> DraftView:
    async with common.store.read() as session:
        return draft_view(await service.read_draft(session, common, me, draft_id), common.label)


@router.patch(
    "/drafts/{id}",
    responses={
        **documented(401, 403, 404, 422),
        409: {"model": ConflictBody, "description": "Changed by somebody else"},
    },
)
async def edit_draft(draft_id: UuidPath, edit: Edit, me: Writer, common: Common) -> DraftView:
    """What a person typed: from now on no suggestion changes these fields. For who writes the draft: its author,
    or an operator who has the call after them."""
    async with common.store.write() as session:
        draft = await service.edit_draft(session, common, me, draft_id, seen_version=edit.version, values=edit.fields)
    return _changed(common, draft)


@router.post(
    "/drafts/{id}/suggestions/{field}",
    responses={**documented(401, 403, 404, 422), 409: {"model": ConflictBody, "description": "Changed meanwhile"}},
)
async def decide(draft_id: UuidPath, field: FieldName, decision: Decision, me: Writer, common: Common) -> DraftView:
    """Accept or dismiss the suggestion that is shown with a field, or take the last such decision back."""
    change = _CHANGES[decision.action]
    async with common.store.write() as session:
        draft = await service.decide(
            session,
            common,
            me,
            draft_id,
            action=f"suggestion.{decision.action}",
            change=lambda old: change(old, field),
            field=field,
            seen_version=decision.version,
        )
    return _changed(common, draft)


@router.post(
    "/drafts/{id}/accept-all",
    responses={**documented(401, 403, 404, 422), 409: {"model": ConflictBody, "description": "Changed meanwhile"}},
)
async def accept_all(draft_id: UuidPath, me: Writer, common: Common, seen: Seen | None = None) -> DraftView:
    """Accept every value that a suggestion filled in; what is only offered stays offered."""
    async with common.store.write() as session:
        draft = await service.decide(
            session,
            common,
            me,
            draft_id,
            action="suggestion.accept_all",
            change=drafts.accept_all,
            seen_version=None if seen is None else seen.version,
        )
    return _changed(common, draft)


@router.post(
    "/drafts/{id}/submit",
    status_code=201,
    responses={
        **documented(401, 403, 404),
        409: {"model": ConflictBody, "description": "Changed since it was read, or submitted in another way"},
        422: {"model": MissingFieldsBody, "description": "Required fields are empty"},
    },
)
async def submit(
    draft_id: UuidPath,
    body: Submit,
    me: Annotated[SignedIn, Depends(Require(Action.TICKET_SUBMIT))],
    common: Common,
) -> TicketView:
    """Make the ticket. Repeating a submission answers with the ticket it made."""
    submission = Submission(version=body.version, disposition=body.disposition, summary=body.summary.strip())
    async with common.store.write() as session:
        ticket, draft = await service.submit(session, common, me, draft_id, submission)
    common.publish(DraftChanged(call_id=draft.call_id, draft=draft))
    common.publish(
        TicketSubmitted(
            call_id=ticket.call_id,
            ticket_id=ticket.id,
            number=ticket.number,
            author_id=me.user_id,
            agent_id=me.agent_id,
        )
    )
    return ticket_view(ticket, me.display_name, me.agent_id, common.label, may_know=True)


@router.post(
    "/drafts/{id}/close",
    responses={**documented(401, 403, 404), 409: {"model": ConflictBody, "description": "Changed, or submitted"}},
)
async def close_draft(
    draft_id: UuidPath,
    body: Close,
    me: Annotated[SignedIn, Depends(Require(Action.TICKET_SUBMIT))],
    common: Common,
) -> DraftView:
    """No ticket comes of this call, and why. It uses up no ticket number."""
    async with common.store.write() as session:
        draft = await service.close_draft(session, common, me, draft_id, seen_version=body.version, reason=body.reason)
    return _changed(common, draft)


@router.post("/drafts/{id}/reopen", responses=documented(401, 403, 404, 409))
async def reopen_draft(
    draft_id: UuidPath, me: Annotated[SignedIn, Depends(Require(Action.TICKET_SUBMIT))], common: Common
) -> DraftView:
    """A ticket comes of it after all: the draft is open again, with all that was written."""
    async with common.store.write() as session:
        draft = await service.reopen_draft(session, common, me, draft_id)
    return _changed(common, draft)


@router.get("/tickets", responses=documented(401, 403, 422))
async def list_tickets(
    me: Annotated[SignedIn, Depends(Require(Action.TICKET_LIST))],
    common: Common,
    q: Annotated[
        str,
        Query(
            max_length=80,
            pattern=r"^[^\x00-\x1f\x7f]*$",
            description="The beginning of a ticket number, a whole telephone number, or words of the matter.",
        ),
    ] = "",
    sort: TicketSort = "-created_at",
    page: PageNumber = 1,
    size: PageSize = 20,
) -> Page[TicketRow]:
    """Confidential tickets are found by the caller's number by their author and by those who may know."""
    async with common.store.read() as session:
        found, total = await queries.search_tickets(
            session, common.store.keyring, q=q, reader_id=_reader(me), sort=sort, page=page, size=size
        )
    return Page(items=[_ticket_row(common, me, ticket) for ticket in found], total=total, page=page, size=size)


@router.get("/tickets/{id}", responses=documented(401, 403, 404))
async def read_ticket(
    ticket_id: UuidPath,
    me: Annotated[SignedIn, Depends(Require(Action.TICKET_READ))],
    common: Common,
) -> TicketView:
    """Numbers are masked; who is behind a confidential ticket, and where, is shown to its author and to those who may
    know. Every reading is audited."""
    async with common.store.write() as session:
        found = await queries.find_ticket(session, ticket_id)
        if found is None:
            raise NotFound("ticket")
        ticket, author = found
        may_know = _may_know(me, ticket)
        detail = {"shown": "all" if may_know else "masked"} if ticket.confidential or ticket.anonymous else None
        await audit.record(
            session,
            common.store.keyring,
            me.actor,
            "ticket.read",
            "ticket",
            ticket.id,
            now=common.now(),
            detail=detail,
        )
        return ticket_view(ticket, author.display_name, author.agent_id, common.label, may_know=may_know)


@router.get("/calls/{call_id}/caller-history", responses=documented(401, 403, 404))
async def caller_history(
    call_id: CallIdPath,
    me: Annotated[SignedIn, Depends(Require(Action.CALLER_HISTORY))],
    common: Common,
    page: PageNumber = 1,
    size: PageSize = 10,
) -> Page[TicketRow]:
    """Earlier tickets of the number this call came from, newest first. For a party, or who may see any call.

    Without confidential ones, but for their author and for those who may know whose they are.
    """
    async with common.store.read() as session:
        call = await parties.call_of(session, common, me, call_id, Action.CALLER_HISTORY)
        found, total = await queries.history(
            session, call.phone_hash, call_id=call.id, reader_id=_reader(me), page=page, size=size
        )
    return Page(items=[_ticket_row(common, me, ticket) for ticket in found], total=total, page=page, size=size)


@router.get("/reference", responses=documented(401))
async def read_reference(me: Annotated[SignedIn, Depends(Require(Action.REFERENCE))]) -> ReferenceView:
    """The packaged defaults of the city."""
    return reference(await asyncio.to_thread(Lexicon.load))
