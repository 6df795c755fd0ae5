"""The stored words of a call."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.store.tables import Segment
from asr.transcript import Speaker, Turn

RECORDING = "recording"


async def turns_of(session: AsyncSession, call_id: str) -> tuple[Turn, ...]:
    """In the order in which they were said."""
    rows = await session.scalars(
        select(Segment).where(Segment.call_id == call_id).order_by(Segment.start_s, Segment.seg)
    )
    return tuple(_turn(row) for row in rows)


def share(voiced_s: float, text_s: float, reread_s: float) -> float | None:
    """Of a call's speech, what has become text, 0..1; None where nobody was heard to speak."""
    return min(1.0, (text_s + reread_s) / voiced_s) if voiced_s else None


def _turn(row: Segment) -> Turn:
    return Turn(
        seg=row.seg,
        rev=row.rev,
        speaker=Speaker(row.speaker),
        text=row.text,
        start_s=row.start_s,
        end_s=row.end_s,
        final=True,
        recorded=row.source == RECORDING,
    )
