"""``/outbound``: call a citizen back, call about a ticket, call a department."""

from __future__ import annotations

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
from api.outbound import service
from api.outbound.service import Kind

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


@router.post("", status_code=202, responses=documented(401, 403, 404, 409, 422, 502, 503))
async def place(
    body: OutboundWanted,
    me: Annotated[SignedIn, Depends(Require(Action.OUTBOUND_PLACE))],
    common: Annotated[Shared, Depends(shared)],
) -> PlacedView:
    """Ring my own phone; once I answer, the other's. A callback is taken first, if nobody else has it."""
    call_id, outcome = await service.place(common, me, body.kind, body.id)
    return PlacedView(call_id=call_id, outcome=outcome.kind)
