"""``/surge``: whether far more callers come than usual, and the announcement that tells callers so."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from api.auth.access import Require
from api.auth.idempotency import CommandRoute
from api.auth.permissions import Action
from api.auth.sessions import SignedIn
from api.errors import InvalidField, documented
from api.live.parts import SurgeData
from api.surges.service import Surges

router = APIRouter(prefix="/surge", tags=["surge"], route_class=CommandRoute, responses=documented(422))


def surges(request: Request) -> Surges:
    return cast(Surges, request.state.surges)


Leader = Annotated[SignedIn, Depends(Require(Action.SURGE_CONTROL))]
Common = Annotated[Surges, Depends(surges)]


class AnnouncementWanted(BaseModel):
    """``minutes`` goes with ``on``: the announcement ends by itself after so long."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"on": True, "reason": "暴雨，报修集中", "minutes": 30}]}
    )

    on: bool
    reason: str = Field(min_length=2, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")
    minutes: int | None = Field(default=None, ge=1, le=1440)


@router.get("", responses=documented(401, 403))
async def read_surge(me: Leader, all_: Common) -> SurgeData:
    """As on the wall."""
    return all_.now


@router.post("", responses=documented(401, 403, 409, 502, 503))
async def set_surge(body: AnnouncementWanted, me: Leader, all_: Common) -> SurgeData:
    """Let every caller hear before the queue that many are calling, or no more."""
    if body.on and body.minutes is None:
        raise InvalidField("minutes", "given with on: an announcement ends by itself")
    if not body.on and body.minutes is not None:
        raise InvalidField("minutes", "left out without on")
    if body.on and body.minutes is not None:
        return await all_.announce(me, body.reason.strip(), body.minutes)
    return await all_.end(me, body.reason.strip())
