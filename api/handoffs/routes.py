"""``/handoffs``: the ledger; ``/diversion-items``: what goes to which centre and what comes from it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, select

from api.auth.access import Require
from api.auth.idempotency import OnceRoute
from api.auth.permissions import Action, allowed
from api.auth.sessions import SignedIn
from api.auth.shared import Shared, shared
from api.errors import ConflictBody, documented
from api.handoffs import queries, service
from api.handoffs.ledger import Settled
from api.handoffs.views import HandoffRow, HandoffView, handoff_row
from api.ids import CALL_ID, UuidPath
from api.paging import Page, PageNumber, PageSize
from api.store.tables import DiversionItem

router = APIRouter(tags=["handoffs"], route_class=OnceRoute, responses=documented(422))

Common = Annotated[Shared, Depends(shared)]
Reader = Annotated[SignedIn, Depends(Require(Action.HANDOFF_READ))]
Writer = Annotated[SignedIn, Depends(Require(Action.HANDOFF_WRITE))]
HandoffSort = Literal["started_at", "-started_at", "number", "-number"]
CODE = r"^[0-9]{3,8}$"
PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
WORDS = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
"""Lines may end, nothing else of the control characters may come."""


class HandoffEdit(BaseModel):
    """``version`` is the one that was read. What is left out stays; null empties."""

    model_config = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra={"examples": [{"version": 3, "receipt": "110-20261121-0042", "outcome": "accepted"}]},
    )

    version: int = Field(ge=1)
    receipt: str | None = Field(default=None, max_length=64, pattern=PRINTABLE)
    summary: str | None = Field(default=None, max_length=600, pattern=WORDS)
    outcome: Settled | None = None
    note: str | None = Field(default=None, max_length=1000, pattern=WORDS)

    def values(self) -> dict[str, str | None]:
        """By column; spaces around words are dropped, and empty words are none."""
        columns = {"outcome": "settled"}
        sent: dict[str, Any] = self.model_dump(exclude_unset=True, exclude={"version"}, mode="json")
        return {columns.get(name, name): (value or "").strip() or None for name, value in sent.items()}


class DiversionView(BaseModel):
    """``direction`` to: from this hotline to the centre. ``source`` project_default until the city's list is in."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": 1,
                    "centre": "110",
                    "direction": "to",
                    "item": "刑事、治安、道路交通警情",
                    "rule": "一键转接",
                    "note": "",
                    "source": "project_default",
                }
            ]
        }
    )

    id: int
    centre: str
    direction: Literal["to", "from"]
    item: str
    rule: str
    note: str
    source: str


@router.get("/handoffs", responses=documented(401, 403, 422))
async def list_handoffs(
    me: Reader,
    common: Common,
    open_: Annotated[bool | None, Query(alias="open", description="True: something is still to be done.")] = None,
    centre: Annotated[str | None, Query(pattern=CODE)] = None,
    call_id: Annotated[str | None, Query(pattern=CALL_ID)] = None,
    sort: HandoffSort = "-started_at",
    page: PageNumber = 1,
    size: PageSize = 20,
) -> Page[HandoffRow]:
    """An operator's own, everybody's for a supervisor."""
    agent_id = None if allowed(me.role, Action.CALL_ANY) else me.agent_id or ""
    async with common.store.read() as session:
        rows, total = await queries.list_handoffs(
            session, open_=open_, centre=centre, call_id=call_id, agent_id=agent_id, sort=sort, page=page, size=size
        )
    return Page(items=[handoff_row(row) for row in rows], total=total, page=page, size=size)


@router.get("/handoffs/{id}", responses=documented(401, 403, 404))
async def read_handoff(handoff_id: UuidPath, me: Reader, common: Common) -> HandoffView:
    async with common.store.read() as session:
        row = await service.row_of(session, me, handoff_id, Action.HANDOFF_READ)
        return await service.view_of(session, common, row)


@router.patch(
    "/handoffs/{id}", responses={**documented(401, 403, 404, 422), 409: {"model": ConflictBody, "description": "Stale"}}
)
async def edit_handoff(handoff_id: UuidPath, body: HandoffEdit, me: Writer, common: Common) -> HandoffView:
    """Receipt, summary, what was agreed, a note. 409 with the row as it is if it has changed since it was read."""
    async with common.store.write() as session:
        row = await service.edit(session, common, me, handoff_id, seen_version=body.version, values=body.values())
        return await service.view_of(session, common, row)


@router.post("/handoffs/{id}/push", status_code=202, responses=documented(401, 403, 404, 409))
async def push_handoff(handoff_id: UuidPath, me: Writer, common: Common) -> HandoffView:
    """Send the summary to the centre's system, again if need be; how it goes is shown in ``push_state``."""
    async with common.store.write() as session:
        row = await service.ask_push(session, common, me, handoff_id)
        return await service.view_of(session, common, row)


@router.get("/diversion-items", responses=documented(401, 403, 422))
async def list_diversion_items(
    me: Annotated[SignedIn, Depends(Require(Action.REFERENCE))],
    common: Common,
    centre: Annotated[str | None, Query(pattern=CODE)] = None,
    direction: Literal["to", "from"] | None = None,
) -> list[DiversionView]:
    """双向分流清单, in the order in which it is shown."""
    where: list[ColumnElement[bool]] = [DiversionItem.active.is_(True)]
    if centre is not None:
        where.append(DiversionItem.centre == centre)
    if direction is not None:
        where.append(DiversionItem.direction == direction)
    async with common.store.read() as session:
        rows = await session.scalars(select(DiversionItem).where(*where).order_by(DiversionItem.position))
    names = DiversionView.model_fields
    return [DiversionView(**{name: getattr(row, name) for name in names}) for row in rows]
