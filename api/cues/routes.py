"""``/calls/{id}/cues``: acting on a card or dismissing it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from api.auth import audit, parties
from api.auth.access import Require
from api.auth.idempotency import OnceRoute
from api.auth.permissions import Action
from api.auth.sessions import SignedIn
from api.auth.shared import Shared, shared
from api.cues import ledger
from api.cues.cards import CardState
from api.cues.ear import view
from api.cues.events import CueDecided
from api.errors import InvalidField, documented
from api.ids import UUID, CallIdPath
from api.live.parts import CueData

router = APIRouter(tags=["cues"], route_class=OnceRoute, responses=documented(422))

Common = Annotated[Shared, Depends(shared)]
CuePath = Annotated[str, Path(pattern=UUID)]
_STATES = {"act": CardState.ACTED, "dismiss": CardState.DISMISSED}


class Decision(BaseModel):
    """``reason``: why it was dismissed, which has to be said; what was done."""

    model_config = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra={"examples": [{"action": "dismiss", "reason": "说的是去年的事"}]},
    )

    action: Literal["act", "dismiss"]
    reason: str | None = Field(default=None, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")


class FatesView(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "concern": "fire",
                    "shown": 6,
                    "acted": 3,
                    "dismissed": 1,
                    "reasons": {"past": 1},
                    "cleared": 1,
                    "ignored": 1,
                    "afterwards": 0,
                }
            ]
        }
    )

    concern: str
    shown: int
    acted: int
    dismissed: int
    reasons: dict[str, int]
    cleared: int
    ignored: int
    afterwards: int


@router.post("/calls/{call_id}/cues/{cue_id}", responses=documented(401, 403, 404, 409))
async def decide(
    call_id: CallIdPath,
    cue_id: CuePath,
    body: Decision,
    me: Annotated[SignedIn, Depends(Require(Action.CUE_DECIDE))],
    common: Common,
) -> CueData:
    """Write down what became of a card. The transfer itself is another request. For a party, or who sees any call."""
    reason = body.reason.strip() if body.reason and body.reason.strip() else None
    if body.action == "dismiss" and reason is None:
        raise InvalidField("reason", "said where a card is dismissed")
    async with common.store.write() as session:
        await parties.call_of(session, common, me, call_id, Action.CUE_DECIDE)
        card = await ledger.decide(session, call_id, cue_id, _STATES[body.action], reason, me.user_id, common.now())
        await audit.record(
            session, common.store.keyring, me.actor, f"cue.{body.action}", "cue", card.id, now=common.now(),
            detail={"call_id": call_id, "concern": card.concern, "targets": list(card.targets)},
        )  # fmt: skip
    common.publish(CueDecided(card=card))
    return view(card)


@router.get("/cues/fates", responses=documented(401, 403))
async def fates(
    me: Annotated[SignedIn, Depends(Require(Action.CALL_ANY))],
    common: Common,
    days: Annotated[int, Query(ge=1, le=366)] = 7,
) -> list[FatesView]:
    """What became of the cards, by concern: acted on, dismissed and why, taken back by the caller, ignored; and those
    that came up when the call was over, which ``shown`` does not count."""
    since: datetime = common.now() - timedelta(days=days)
    async with common.store.read() as session:
        found = await ledger.fates(session, since)
    return [FatesView.model_validate(asdict(one)) for one in found]
