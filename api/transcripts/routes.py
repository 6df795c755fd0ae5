"""``/calls/{id}/transcript``."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict

from api.auth import audit, parties
from api.auth.access import Require
from api.auth.permissions import Action
from api.auth.sessions import SignedIn
from api.auth.shared import Shared, shared
from api.errors import documented
from api.ids import CallIdPath
from api.store.tables import TranscriptRecord
from api.transcripts import queries
from asr.numerals import with_digits
from asr.transcript import Speaker

router = APIRouter(tags=["transcripts"], responses=documented(422))


class TurnView(BaseModel):
    """As in the live stream: ``t0`` and ``t1`` in seconds since the conversation was answered.

    ``digits`` is ``text`` with spoken numbers as digits. ``source`` is ``recording`` for what was not heard live and
    was read from the recording after the call.
    """

    seg: int
    rev: int
    who: Speaker
    text: str
    digits: str = ""
    source: Literal["live", "recording"] = "live"
    t0: float
    t1: float
    final: bool


class Completeness(BaseModel):
    """Of a call that is over; seconds of speech. ``complete`` 0..1, null where nobody was heard to speak.

    ``voiced_s`` counts a leg that nobody listened to as speech until its recording tells. ``state``: ``complete``,
    nothing is to be read from the recording; ``pending`` while it is; ``reread``; ``no_recording``; ``unreadable``,
    the recording cannot be decoded; ``failed``, it is tried once a day.
    """

    state: str
    voiced_s: float
    text_s: float
    reread_s: float
    complete: float | None


class TranscriptView(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "call_id": "1795297638.32",
                    "turns": [
                        {
                            "seg": 1,
                            "rev": 3,
                            "who": "caller",
                            "text": "我们小区四号楼东面的垃圾池常年臭味难闻",
                            "t0": 1.2,
                            "t1": 4.9,
                            "final": True,
                        }
                    ],
                }
            ]
        }
    )

    call_id: str
    turns: list[TurnView]
    completeness: Completeness | None = None


@router.get("/calls/{call_id}/transcript", responses=documented(401, 403, 404))
async def transcript(
    call_id: CallIdPath,
    me: Annotated[SignedIn, Depends(Require(Action.TRANSCRIPT_READ))],
    common: Annotated[Shared, Depends(shared)],
) -> TranscriptView:
    """The final words. For a party to the call, or who may see any call; each look is audited."""
    async with common.store.write() as session:
        call = await parties.call_of(session, common, me, call_id, Action.TRANSCRIPT_READ)
        turns = await queries.turns_of(session, call.id)
        kept = await session.get(TranscriptRecord, call.id)
        await audit.record(
            session, common.store.keyring, me.actor, "transcript.read", "call", call.id, now=common.now()
        )
    views = [
        TurnView(
            seg=turn.seg,
            rev=turn.rev,
            who=turn.speaker,
            text=turn.text,
            digits=with_digits(turn.text),
            source="recording" if turn.recorded else "live",
            t0=round(turn.start_s, 2),
            t1=round(turn.end_s, 2),
            final=turn.final,
        )
        for turn in turns
    ]
    return TranscriptView(call_id=call.id, turns=views, completeness=None if kept is None else _completeness(kept))


def _completeness(kept: TranscriptRecord) -> Completeness:
    complete = queries.share(kept.voiced_s, kept.text_s, kept.reread_s)
    return Completeness(
        state=kept.state,
        voiced_s=kept.voiced_s,
        text_s=kept.text_s,
        reread_s=kept.reread_s,
        complete=None if complete is None else round(complete, 3),
    )
