"""``/priority-numbers``: the city's list of elders, whose calls stand in front."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from api.auth import audit
from api.auth.access import Require
from api.auth.idempotency import OnceRoute
from api.auth.masking import masked_number
from api.auth.permissions import Action
from api.auth.sessions import SignedIn
from api.auth.shared import Shared, shared
from api.errors import InvalidField, NotFound, NotNow, documented
from api.ids import UuidPath
from api.paging import Page, PageNumber, PageSize
from api.priorities import queries
from api.store.engine import insert_into
from api.store.tables import PriorityNumber
from api.times import day_of

router = APIRouter(prefix="/priority-numbers", tags=["priorities"], route_class=OnceRoute, responses=documented(422))

Common = Annotated[Shared, Depends(shared)]
Keeper = Annotated[SignedIn, Depends(Require(Action.PRIORITY_NUMBERS))]

_EXAMPLE: dict[str, Any] = {
    "id": "0c6c8a3e-6c0e-4d0f-9a53-5c3b1a2f7d11",
    "number": "138****0000",
    "note": "高龄独居，社区报送",
    "added_by": "9001",
    "added_at": "2026-11-21T06:00:00Z",
    "expires_on": "2027-12-31",
}


class NumberWanted(BaseModel):
    """``expires_on`` is the last day on which it counts; null: until it is taken off the list."""

    model_config = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra={"examples": [{"number": "13800000000", "note": "高龄独居", "expires_on": "2027-12-31"}]},
    )

    number: str = Field(pattern=r"^\+?[0-9]{3,20}$")
    note: str = Field(default="", max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")
    expires_on: date | None = None


class NumberView(BaseModel):
    """``number`` is masked; nobody reads the whole one here."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: str
    number: str
    note: str
    added_by: str
    added_at: datetime
    expires_on: date | None


@router.get("", responses=documented(401, 403))
async def list_numbers(me: Keeper, common: Common, page: PageNumber = 1, size: PageSize = 20) -> Page[NumberView]:
    """Newest first."""
    async with common.store.read() as session:
        rows, total = await queries.list_numbers(session, page=page, size=size)
    return Page(items=[_view(row) for row in rows], total=total, page=page, size=size)


@router.post("", status_code=201, responses=documented(401, 403, 409))
async def add_number(body: NumberWanted, me: Keeper, common: Common) -> NumberView:
    """From now on calls of this number stand in front. One that has expired is taken up again."""
    now = common.now()
    today = day_of(now, common.settings.zone)
    if body.expires_on is not None and body.expires_on < today:
        raise InvalidField("expires_on", "today or later")
    phone_hash = common.store.keyring.phone_hash(body.number)
    if phone_hash is None:
        raise InvalidField("number", "a telephone number")
    row = PriorityNumber(
        id=str(uuid.uuid4()),
        phone_hash=phone_hash,
        number=body.number,
        note=body.note.strip(),
        added_by=me.username,
        added_at=now,
        expires_on=body.expires_on,
    )
    async with common.store.write() as session:
        expired = (PriorityNumber.phone_hash == phone_hash, PriorityNumber.expires_on < today)
        await session.execute(delete(PriorityNumber).where(*expired))
        values = {column.key: getattr(row, column.key) for column in PriorityNumber.__table__.columns}
        made = await session.scalar(
            insert_into(session, PriorityNumber).values(**values).on_conflict_do_nothing().returning(PriorityNumber.id)
        )
        if made is None:
            raise NotNow("the number is on the list")
        await _audited(session, common, me, "priority_number.add", row.id)
    return _view(row)


@router.delete("/{id}", status_code=204, responses=documented(401, 403, 404))
async def remove_number(number_id: UuidPath, me: Keeper, common: Common) -> None:
    """Its calls wait in turn again; nothing of it is kept but that it was removed."""
    async with common.store.write() as session:
        gone = await session.scalar(
            delete(PriorityNumber).where(PriorityNumber.id == number_id).returning(PriorityNumber.id)
        )
        if gone is None:
            raise NotFound("number on the list")
        await _audited(session, common, me, "priority_number.remove", number_id)


def _view(row: PriorityNumber) -> NumberView:
    return NumberView(
        id=row.id,
        number=masked_number(row.number),
        note=row.note,
        added_by=row.added_by,
        added_at=row.added_at,
        expires_on=row.expires_on,
    )


async def _audited(session: AsyncSession, common: Shared, me: SignedIn, action: str, number_id: str) -> None:
    await audit.record(session, common.store.keyring, me.actor, action, "priority_number", number_id, now=common.now())
