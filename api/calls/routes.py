"""``/calls``: the list, one call, its recording, its number, hanging up."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field

from api.auth import parties
from api.auth.access import Require
from api.auth.idempotency import CommandRoute
from api.auth.masking import masked_number
from api.auth.permissions import Action, allowed
from api.auth.sessions import SignedIn
from api.auth.shared import Shared, shared
from api.calls import queries, service
from api.calls.queries import CallWithTicket
from api.errors import NotFound, documented
from api.ids import CallIdPath
from api.paging import Page, PageNumber, PageSize
from api.sounds import sound
from telephony.commands import OutcomeKind
from telephony.events import CallOutcome
from telephony.media.encoders import MEDIA_TYPES

router = APIRouter(prefix="/calls", tags=["calls"], route_class=parties.CallRoute, responses=documented(422))
commands = APIRouter(prefix="/calls", tags=["calls"], route_class=CommandRoute, responses=documented(422))
"""What works while the database is away, too."""

Common = Annotated[Shared, Depends(shared)]

CallSort = Literal["arrived_at", "-arrived_at", "wait_s", "-wait_s", "talk_s", "-talk_s"]


_EXAMPLE: dict[str, Any] = {
    "id": "1795297638.32",
    "caller_number": "138****0000",
    "line": "12345",
    "queue": "hotline",
    "outcome": "answered",
    "ended_by": "caller",
    "answered_by": "8001",
    "arrived_at": "2026-11-21T06:00:00Z",
    "queued_at": "2026-11-21T06:00:04Z",
    "answered_at": "2026-11-21T06:00:11Z",
    "ended_at": "2026-11-21T06:03:52Z",
    "wait_s": 7.1,
    "talk_s": 221.4,
    "ticket_id": None,
    "direction": "inbound",
    "no_ticket": False,
}


class CallRow(BaseModel):
    """``caller_number`` is masked. ``outcome`` null: the call goes on. ``wait_s``, ``talk_s`` null: nobody saw them."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: str
    caller_number: str
    line: str
    queue: str | None
    outcome: CallOutcome | None
    ended_by: str | None
    answered_by: str | None
    arrived_at: datetime
    queued_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    wait_s: float | None
    talk_s: float | None
    ticket_id: str | None
    direction: Literal["inbound", "outbound"]
    no_ticket: bool
    """It was said that none is needed."""


class CallEventView(BaseModel):
    at: datetime
    kind: str
    data: dict[str, Any]


class CallView(CallRow):
    """With everything that happened, in order."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **_EXAMPLE,
                    "events": [
                        {"at": "2026-11-21T06:00:04Z", "kind": "CallQueued", "data": {"queue": "hotline"}},
                    ],
                }
            ]
        }
    )

    events: list[CallEventView]


class Reason(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "回拨核实地址"}]})

    reason: str = Field(min_length=2, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")


class Nothing(BaseModel):
    """``{}``: the route says it all."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{}]})


class RevealedNumber(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"number": "13800000000"}]})

    number: str


class CommandView(BaseModel):
    """``unknown``: sent, and not answered in time; the live state will show what came of it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"outcome": "done"}]})

    outcome: OutcomeKind


def _row(found: CallWithTicket) -> dict[str, Any]:
    call, ticket_id, draft = found
    return {
        "id": call.id,
        "caller_number": masked_number(call.caller_number),
        "line": call.line,
        "queue": call.queue,
        "outcome": call.outcome,
        "ended_by": call.ended_by,
        "answered_by": call.answered_by,
        "arrived_at": call.arrived_at,
        "queued_at": call.queued_at,
        "answered_at": call.answered_at,
        "ended_at": call.ended_at,
        "wait_s": call.wait_s,
        "talk_s": call.talk_s,
        "ticket_id": ticket_id,
        "direction": call.direction,
        "no_ticket": draft == queries.NO_TICKET,
    }


@router.get("", responses=documented(401, 403, 422))
async def list_calls(
    me: Annotated[SignedIn, Depends(Require(Action.CALL_LIST))],
    common: Common,
    missed: Annotated[bool | None, Query(description="True: only calls whose caller gave up before an answer.")] = None,
    direction: Literal["inbound", "outbound"] | None = None,
    sort: CallSort = "-arrived_at",
    page: PageNumber = 1,
    size: PageSize = 20,
) -> Page[CallRow]:
    """An operator sees the calls he or she had a part in, and the missed ones; a supervisor all."""
    agent_id = None if allowed(me.role, Action.CALL_ANY) else me.agent_id or ""
    async with common.store.read() as session:
        found, total = await queries.list_calls(
            session, missed=missed, direction=direction, agent_id=agent_id, sort=sort, page=page, size=size
        )
    return Page(items=[CallRow(**_row(row)) for row in found], total=total, page=page, size=size)


@router.get("/{call_id}", responses=documented(401, 403, 404))
async def read_call(
    call_id: CallIdPath, me: Annotated[SignedIn, Depends(Require(Action.CALL_READ))], common: Common
) -> CallView:
    """The record. For a party to the call, or who may see any call."""
    async with common.store.read() as session:
        await parties.call_of(session, common, me, call_id, Action.CALL_READ)
        found = await queries.find_call(session, call_id)
        if found is None:
            raise NotFound("call record yet")
        events = await queries.events_of(session, call_id)
    views = [CallEventView(at=event.at, kind=event.kind, data=event.data) for event in events]
    return CallView(**_row(found), events=views)


@router.get(
    "/{call_id}/recording",
    response_class=FileResponse,
    responses={
        200: {
            "content": {media_type: {} for media_type in sorted(set(MEDIA_TYPES.values()))},
            "description": "The sound; ranges are served (206)",
        },
        **documented(401, 403, 404),
    },
)
async def recording(
    request: Request,
    call_id: CallIdPath,
    me: Annotated[SignedIn, Depends(Require(Action.RECORDING_LISTEN))],
    common: Common,
    leg: Annotated[Literal["caller", "operator", "both"], Query()] = "both",
) -> FileResponse:
    """One leg, or both as left and right. Every request is audited, with the range it asks for."""
    path = await service.recording(common, me, call_id, leg, piece=request.headers.get("range", ""))
    return sound(path, f"{call_id}-{leg}")


@commands.post("/{call_id}/hang-up", responses=documented(401, 403, 404, 409, 502, 503))
async def hang_up(
    call_id: CallIdPath, me: Annotated[SignedIn, Depends(Require(Action.CALL_HANG_UP))], common: Common
) -> CommandView:
    """End the whole call from the server. For a party to it."""
    outcome = await service.hang_up(common, me, call_id)
    return CommandView(outcome=outcome.kind)


@router.post("/{call_id}/reveal-number", responses=documented(401, 403, 404, 422))
async def reveal_number(
    call_id: CallIdPath,
    body: Reason,
    me: Annotated[SignedIn, Depends(Require(Action.NUMBER_REVEAL))],
    common: Common,
) -> RevealedNumber:
    """The caller's whole number, against a reason that is kept."""
    async with common.store.write() as session:
        number = await service.reveal_number(session, common, me, call_id, body.reason.strip())
    return RevealedNumber(number=number)
