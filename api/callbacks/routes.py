"""``/callbacks``: missed callers, and how they are called back."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from api.auth.access import Require
from api.auth.idempotency import OnceRoute
from api.auth.permissions import Action
from api.auth.sessions import SignedIn
from api.auth.shared import Shared, shared
from api.callbacks import messages, queries, service
from api.callbacks.rules import Result
from api.callbacks.views import CallbackView, callback_view
from api.errors import documented
from api.ids import CALL_ID, UuidPath
from api.paging import Page, PageNumber, PageSize
from api.sounds import sound
from api.store.tables import CallbackRecord
from telephony.commands import OutcomeKind
from telephony.media.encoders import MEDIA_TYPES

router = APIRouter(prefix="/callbacks", tags=["callbacks"], route_class=OnceRoute, responses=documented(422))

Common = Annotated[Shared, Depends(shared)]
Reader = Annotated[SignedIn, Depends(Require(Action.CALLBACK_READ))]
Worker = Annotated[SignedIn, Depends(Require(Action.CALLBACK_WORK))]
CallbackSort = Literal["due_at", "-due_at", "first_at", "-first_at", "last_at", "-last_at"]


class AttemptResult(BaseModel):
    model_config = ConfigDict(
        extra="forbid", hide_input_in_errors=True, json_schema_extra={"examples": [{"result": "reached", "note": ""}]}
    )

    result: Result
    note: str = Field(default="", max_length=500, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$")


class PlacedView(BaseModel):
    """``outcome`` unknown: sent and not answered in time; the live state will show whether it rings."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"call_id": "1795297638.9123456", "outcome": "done"}]})

    call_id: str
    outcome: OutcomeKind


@router.get("", responses=documented(401, 403, 422))
async def list_callbacks(
    me: Reader,
    common: Common,
    status: Literal["open", "done"] | None = None,
    mine: Annotated[bool, Query(description="Only what I have taken.")] = False,
    sort: CallbackSort = "due_at",
    page: PageNumber = 1,
    size: PageSize = 20,
) -> Page[CallbackView]:
    """Everybody's: whoever is free takes the next."""
    async with common.store.read() as session:
        rows, attempts, total = await queries.list_callbacks(
            session, status=status, owner=(me.agent_id or "") if mine else None, sort=sort, page=page, size=size
        )
        left = await messages.messages_of(session, [row.id for row in rows])
    items = [callback_view(row, attempts.get(row.id, ()), left.get(row.id, ())) for row in rows]
    return Page(items=items, total=total, page=page, size=size)


@router.get("/{id}", responses=documented(401, 403, 404))
async def read_callback(callback_id: UuidPath, me: Reader, common: Common) -> CallbackView:
    async with common.store.read() as session:
        return await _view(session, await service.find(session, callback_id))


@router.get(
    "/{id}/message",
    response_class=FileResponse,
    responses={
        200: {"content": {MEDIA_TYPES[".wav"]: {}}, "description": "The sound; ranges are served (206)"},
        **documented(401, 403, 404),
    },
)
async def message(
    request: Request,
    callback_id: UuidPath,
    me: Worker,
    common: Common,
    call_id: Annotated[str | None, Query(pattern=CALL_ID, description="One of `messages`; the newest without.")] = None,
) -> FileResponse:
    """What a caller said whom nobody could answer. Every request is audited, with the range it asks for."""
    of, path = await messages.sound(common, me, callback_id, call_id, piece=request.headers.get("range", ""))
    return sound(path, f"{of}-message")


@router.post("/{id}/claim", responses=documented(401, 403, 404, 409))
async def claim(callback_id: UuidPath, me: Worker, common: Common) -> CallbackView:
    """Take it. 409 if somebody else has it, or it is done."""
    async with common.store.write() as session:
        return await _view(session, await service.claim(session, common, me, callback_id))


@router.post("/{id}/release", responses=documented(401, 403, 404, 409))
async def release(callback_id: UuidPath, me: Worker, common: Common) -> CallbackView:
    """Give it back."""
    async with common.store.write() as session:
        return await _view(session, await service.release(session, common, me, callback_id))


@router.post("/{id}/dial", status_code=202, responses=documented(401, 403, 404, 409, 502, 503))
async def dial(callback_id: UuidPath, me: Worker, common: Common) -> PlacedView:
    """Ring my phone, then the citizen's. Only for whoever has taken it, and one call at a time."""
    call_id, outcome = await service.dial(common, me, callback_id)
    return PlacedView(call_id=call_id, outcome=outcome.kind)


@router.post("/{id}/outcome", responses=documented(401, 403, 404, 409, 422))
async def write_outcome(callback_id: UuidPath, body: AttemptResult, me: Worker, common: Common) -> CallbackView:
    """What came of it. Reached, refused, wrong or dead numbers end the item; the others after so many tries."""
    async with common.store.write() as session:
        row = await service.write_outcome(session, common, me, callback_id, body.result, body.note.strip())
        return await _view(session, row)


async def _view(session: AsyncSession, row: CallbackRecord) -> CallbackView:
    attempts = await queries.attempts_of(session, [row.id])
    left = await messages.messages_of(session, [row.id])
    return callback_view(row, attempts.get(row.id, ()), left.get(row.id, ()))
