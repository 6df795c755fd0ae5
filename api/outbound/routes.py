"""``/outbound``: call a citizen back, call about a ticket, call a department."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from api.auth.access import Require
from api.auth.idempotency import OnceRoute
from api.auth.permissions import Action
from api.auth.sessions import SignedIn
from api.auth.shared import Shared, shared
from api.callbacks.routes import PlacedView
from api.errors import documented
from api.ids import UuidPath
from api.outbound import service
from api.outbound.preview import preview
from api.outbound.service import Kind
from telephony.events import CallOutcome

router = APIRouter(prefix="/outbound", tags=["outbound"], route_class=OnceRoute, responses=documented(422))


class OutboundWanted(BaseModel):
    """``id`` of a callback or ticket; of a number its digits."""

    model_config = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra={"examples": [{"kind": "ticket", "id": "8f9f1b1e-6b1b-4d57-9f0a-0f2f1f6f7d11"}]},
    )

    kind: Kind
    id: str = Field(min_length=3, max_length=36, pattern=r"^[+0-9a-f-]+$")


class AttemptView(BaseModel):
    """``outcome`` null: it goes on, or its record is still to be written."""

    call_id: str
    at: datetime
    agent_id: str
    outcome: CallOutcome | None
    talk_s: float | None


class PreviewView(BaseModel):
    """``number`` is masked, and empty where there is none to call; ``line`` is what the citizen's phone shows."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"number": "138****0000", "line": "12345", "attempts": []}]}
    )

    number: str
    line: str
    attempts: list[AttemptView]


@router.get("/tickets/{id}", responses=documented(401, 403, 404))
async def preview_ticket(
    ticket_id: UuidPath,
    me: Annotated[SignedIn, Depends(Require(Action.OUTBOUND_PLACE))],
    common: Annotated[Shared, Depends(shared)],
) -> PreviewView:
    """Before calling about a ticket: what would be called, by which line, and what was tried, newest first."""
    found = await preview(common, me, ticket_id)
    attempts = [
        AttemptView(
            call_id=one.call_id,
            at=one.at,
            agent_id=one.agent_id,
            outcome=None if one.outcome is None else CallOutcome(one.outcome),
            talk_s=one.talk_s,
        )
        for one in found.attempts
    ]
    return PreviewView(number=found.number, line=found.line, attempts=attempts)


@router.post("", status_code=202, responses=documented(401, 403, 404, 409, 422, 502, 503))
async def place(
    body: OutboundWanted,
    me: Annotated[SignedIn, Depends(Require(Action.OUTBOUND_PLACE))],
    common: Annotated[Shared, Depends(shared)],
) -> PlacedView:
    """Ring my own phone; once I answer, the other's. A callback is taken first, if nobody else has it."""
    call_id, outcome = await service.place(common, me, body.kind, body.id)
    return PlacedView(call_id=call_id, outcome=outcome.kind)
