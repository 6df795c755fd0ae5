"""``/recordings``: what became of each, the picture of its sound, and holds that keep it from being erased."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.auth import audit, parties
from api.auth.access import Require
from api.auth.idempotency import OnceRoute
from api.auth.permissions import Action
from api.auth.sessions import SignedIn
from api.auth.shared import Shared, shared
from api.errors import ConflictBody, NotFound, NotNow, VersionConflict, documented
from api.ids import CALL_ID, CallIdPath
from api.paging import Page, PageNumber, PageSize
from api.recordings.keeping import Kind, State, note_call, open_hold
from api.store.engine import insert_into
from api.store.tables import CallRecord, LegalHold, RecordingRecord

router = APIRouter(prefix="/recordings", tags=["recordings"], route_class=OnceRoute, responses=documented(422))

Common = Annotated[Shared, Depends(shared)]
Keeper = Annotated[SignedIn, Depends(Require(Action.RECORDING_KEEP))]


class HoldReason(BaseModel):
    model_config = ConfigDict(
        extra="forbid", hide_input_in_errors=True, json_schema_extra={"examples": [{"reason": "法院调取"}]}
    )

    reason: str = Field(min_length=2, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")


class HoldView(BaseModel):
    reason: str
    set_at: datetime


class RecordingView(BaseModel):
    """``incomplete``: shorter than its talk, or missing. ``talk_s`` null: nobody saw how long the talk was."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "call_id": "1795297638.32",
                    "state": "ready",
                    "kind": "call",
                    "incomplete": False,
                    "length_s": 221.1,
                    "talk_s": 221.4,
                    "media_type": "audio/ogg",
                    "bytes": 884213,
                    "ended_at": "2026-11-21T06:03:52Z",
                    "erase_at": "2028-11-20T06:03:52Z",
                    "erased_at": None,
                    "hold": {"reason": "法院调取", "set_at": "2026-11-22T01:10:00Z"},
                }
            ]
        }
    )

    call_id: str
    state: State
    kind: Kind
    incomplete: bool
    length_s: float | None
    talk_s: float | None
    media_type: str | None
    bytes: int | None
    ended_at: datetime
    erase_at: datetime
    erased_at: datetime | None
    hold: HoldView | None


class PeaksView(BaseModel):
    """``channels``: for each side levels of 0..1, from the begin to the end."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"length_s": 221.1, "channels": [[0.0, 0.42, 0.31], [0.12, 0.0, 0.55]]}]}
    )

    length_s: float
    channels: list[list[float]]


def _view(row: RecordingRecord, hold: LegalHold | None) -> RecordingView:
    return RecordingView(
        call_id=row.call_id,
        state=State(row.state),
        kind=Kind(row.kind),
        incomplete=row.incomplete,
        length_s=row.length_s,
        talk_s=row.talk_s,
        media_type=row.media_type,
        bytes=row.bytes,
        ended_at=row.ended_at,
        erase_at=row.erase_at,
        erased_at=row.erased_at,
        hold=HoldView(reason=hold.reason, set_at=hold.set_at) if hold is not None else None,
    )


@router.get("", responses=documented(401, 403, 422))
async def list_recordings(
    me: Keeper,
    common: Common,
    state: State | None = None,
    incomplete: Annotated[bool | None, Query(description="True: only those that are not whole.")] = None,
    held: Annotated[bool | None, Query(description="True: only those under a hold.")] = None,
    call_id: Annotated[str | None, Query(pattern=CALL_ID, description="Only this call's.")] = None,
    page: PageNumber = 1,
    size: PageSize = 20,
) -> Page[RecordingView]:
    """The newest first."""
    where: list[ColumnElement[bool]] = []
    if state is not None:
        where.append(RecordingRecord.state == state.value)
    if incomplete is not None:
        where.append(RecordingRecord.incomplete.is_(incomplete))
    if call_id is not None:
        where.append(RecordingRecord.call_id == call_id)
    if held is not None:
        where.append(LegalHold.id.is_not(None) if held else LegalHold.id.is_(None))
    joined = (LegalHold.call_id == RecordingRecord.call_id) & LegalHold.lifted_at.is_(None)
    async with common.store.read() as session:
        total = await session.scalar(
            select(func.count()).select_from(RecordingRecord).outerjoin(LegalHold, joined).where(*where)
        )
        rows = await session.execute(
            select(RecordingRecord, LegalHold)
            .outerjoin(LegalHold, joined)
            .where(*where)
            .order_by(RecordingRecord.ended_at.desc(), RecordingRecord.call_id)
            .offset((page - 1) * size)
            .limit(size)
        )
        items = [_view(row, hold) for row, hold in rows]
    return Page(items=items, total=total or 0, page=page, size=size)


@router.get(
    "/{call_id}/peaks",
    response_class=FileResponse,
    responses={
        200: {"model": PeaksView, "description": "The picture of the sound"},
        **documented(401, 403, 404),
    },
)
async def peaks(
    call_id: CallIdPath, me: Annotated[SignedIn, Depends(Require(Action.RECORDING_LISTEN))], common: Common
) -> FileResponse:
    """The picture of the sound, left the caller. For a party to the call, or who may see any call."""
    async with common.store.read() as session:
        call = await parties.call_of(session, common, me, call_id, Action.RECORDING_LISTEN)
    path = await common.recordings.find(call.id, "peaks")
    if path is None:
        raise NotFound("recording")
    return FileResponse(path, media_type="application/json", headers={"Cache-Control": "private, no-store"})


@router.post(
    "/{call_id}/hold",
    responses={
        **documented(401, 403, 404),
        409: {"model": ConflictBody, "description": "It is held already (``current``), or there is nothing to keep"},
    },
)
async def hold(call_id: CallIdPath, body: HoldReason, me: Keeper, common: Common) -> RecordingView:
    """Keep it whatever its time says, until the hold is lifted."""
    async with common.store.write() as session:
        row = await _noted(session, call_id, common.settings.recording_keep_days)
        if row.state == State.ERASED.value:
            raise NotNow("the recording has been erased")
        set_now = await session.scalar(
            insert_into(session, LegalHold)
            .values(call_id=call_id, reason=body.reason.strip(), set_by=me.user_id, set_at=common.now())
            .on_conflict_do_nothing()
            .returning(LegalHold.id)
        )
        held = await open_hold(session, call_id)
        if set_now is None:
            raise VersionConflict(_view(row, held).model_dump(mode="json"))
        await audit.record(session, common.store.keyring, me.actor, "recording.hold", "call", call_id, now=common.now())
        return _view(row, held)


async def _noted(session: AsyncSession, call_id: str, keep_days: Mapping[str, int]) -> RecordingRecord:
    """The row of this recording, locked; made where its call has ended a moment ago. Raises NotFound, NotNow."""
    row = await session.get(RecordingRecord, call_id, with_for_update=True)
    if row is not None:
        return row
    call = await session.get(CallRecord, call_id)
    if call is None:
        raise NotFound("recording")
    if call.ended_at is None:
        raise NotNow("the call goes on")
    await note_call(session, call, keep_days)
    return await session.get_one(RecordingRecord, call_id, with_for_update=True)


@router.post("/{call_id}/hold/lift", responses=documented(401, 403, 404, 409))
async def lift(call_id: CallIdPath, body: HoldReason, me: Keeper, common: Common) -> RecordingView:
    """Its time counts again: a recording whose time was up meanwhile is erased soon."""
    async with common.store.write() as session:
        row = await session.get(RecordingRecord, call_id, with_for_update=True)
        held = await open_hold(session, call_id)
        if row is None:
            raise NotFound("recording")
        if held is None:
            raise NotNow("there is no hold")
        held.lift_reason, held.lifted_by, held.lifted_at = body.reason.strip(), me.user_id, common.now()
        await audit.record(
            session, common.store.keyring, me.actor, "recording.lift_hold", "call", call_id, now=common.now()
        )
        return _view(row, None)
