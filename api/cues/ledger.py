"""Cards in the database: written as they stand, decided once, counted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.cues.cards import Card, CardState
from api.errors import NotFound, NotNow
from api.store.tables import CueCard
from asr.cues import Action


@dataclass(frozen=True, kw_only=True, slots=True)
class Fates:
    """How many cards of one concern came to what; the dismissed ones are false alarms."""

    concern: str
    shown: int
    acted: int
    dismissed: int


async def cards_of(session: AsyncSession, call_id: str) -> tuple[Card, ...]:
    """In the order in which they came up."""
    rows = await session.scalars(select(CueCard).where(CueCard.call_id == call_id).order_by(CueCard.at, CueCard.id))
    return tuple(_card(row) for row in rows)


async def write(session: AsyncSession, card: Card) -> None:
    """A card that a person has decided is not written over."""
    row = await session.get(CueCard, card.id, with_for_update=True)
    if row is None:
        row = CueCard(id=card.id, call_id=card.call_id, kind=card.kind, at=card.at)
        session.add(row)
    elif row.state in (CardState.ACTED, CardState.DISMISSED):
        return
    row.targets, row.action, row.concern = list(card.targets), card.action.value, card.concern
    row.seg, row.start, row.end, row.text = card.seg, card.start, card.end, card.text
    row.state = card.state.value


async def decide(
    session: AsyncSession, call_id: str, card_id: str, state: CardState, reason: str | None, user_id: int, now: datetime
) -> Card:
    """Raises NotFound, or NotNow if somebody else has decided otherwise."""
    row = await session.get(CueCard, card_id, with_for_update=True)
    if row is None or row.call_id != call_id:
        raise NotFound("cue")
    if row.state in (CardState.ACTED, CardState.DISMISSED):
        if row.state == state:
            return _card(row)
        raise NotNow("the cue has been decided")
    row.state, row.reason = state.value, reason
    row.decided_by, row.decided_at = user_id, now
    await session.flush()
    return _card(row)


async def fates(session: AsyncSession, since: datetime) -> list[Fates]:
    """By concern, the most shown first."""
    rows = await session.execute(
        select(CueCard.concern, CueCard.state, func.count())
        .where(CueCard.at >= since)
        .group_by(CueCard.concern, CueCard.state)
    )
    counted: dict[str, dict[str, int]] = {}
    for concern, state, number in rows:
        counted.setdefault(concern, {})[state] = number
    found = [
        Fates(
            concern=concern,
            shown=sum(states.values()),
            acted=states.get(CardState.ACTED, 0),
            dismissed=states.get(CardState.DISMISSED, 0),
        )
        for concern, states in counted.items()
    ]
    return sorted(found, key=lambda one: (-one.shown, one.concern))


def _card(row: CueCard) -> Card:
    return Card(
        id=row.id,
        call_id=row.call_id,
        kind=row.kind,
        targets=tuple(row.targets),
        action=Action(row.action),
        concern=row.concern,
        seg=row.seg,
        start=row.start,
        end=row.end,
        text=row.text,
        at=row.at,
        state=CardState(row.state),
        reason=row.reason,
    )
