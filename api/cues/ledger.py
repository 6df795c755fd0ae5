"""Cards in the database: written as they stand, decided once, counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from api.cues.cards import TOUCHED, Card, CardState
from api.errors import NotFound, NotNow
from api.store.tables import CallRecord, CueCard
from asr.cues import Action


@dataclass(frozen=True, kw_only=True, slots=True)
class Fates:
    """How many cards of one concern came to what.

    ``shown`` while the call ran. The ``dismissed`` ones are false alarms, ``reasons`` counts why; ``cleared`` by the
    caller's own words; ``ignored``: the call ended and nobody had decided; ``afterwards``: it had ended already.
    """

    concern: str
    shown: int
    acted: int
    dismissed: int
    reasons: dict[str, int]
    cleared: int
    ignored: int
    afterwards: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CallOver:
    """The cards of this call that are open have been ignored."""

    call_id: str


async def cards_of(session: AsyncSession, call_id: str) -> tuple[Card, ...]:
    """In the order in which they came up."""
    rows = await session.scalars(select(CueCard).where(CueCard.call_id == call_id).order_by(CueCard.at, CueCard.id))
    return tuple(_card(row) for row in rows)


async def write(session: AsyncSession, item: Card | CallOver) -> None:
    """A card that a person has decided is not written over."""
    if isinstance(item, CallOver):
        await _ignore(session, CueCard.call_id == item.call_id)
        return
    card = item
    row = await session.get(CueCard, card.id, with_for_update=True)
    if row is None:
        row = CueCard(id=card.id, call_id=card.call_id, kind=card.kind, at=card.at)
        session.add(row)
    elif row.state in TOUCHED:
        return
    row.targets, row.action, row.concern = list(card.targets), card.action.value, card.concern
    row.seg, row.start, row.end, row.text = card.seg, card.start, card.end, card.text
    row.state = card.state.value


async def ignore_left_open(session: AsyncSession) -> None:
    """Open cards of any call that has ended."""
    await _ignore(session, CueCard.call_id.in_(select(CallRecord.id).where(CallRecord.ended_at.is_not(None))))


async def _ignore(session: AsyncSession, which: ColumnElement[bool]) -> None:
    await session.execute(
        update(CueCard).where(CueCard.state == CardState.OPEN, which).values(state=CardState.IGNORED.value)
    )


async def decide(
    session: AsyncSession, call_id: str, card_id: str, state: CardState, reason: str | None, user_id: int, now: datetime
) -> Card:
    """Raises NotFound, or NotNow if somebody else has decided otherwise."""
    row = await session.get(CueCard, card_id, with_for_update=True)
    if row is None or row.call_id != call_id:
        raise NotFound("cue")
    if row.state in TOUCHED:
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
    counted: dict[str, Counter[str]] = {}
    for concern, state, number in rows:
        counted.setdefault(concern, Counter())[state] = number
    why: dict[str, Counter[str]] = {}
    dismissed = select(CueCard.concern, CueCard.reason).where(CueCard.at >= since, CueCard.state == CardState.DISMISSED)
    for concern, reason in await session.execute(dismissed):  # sealed: the database cannot count them
        why.setdefault(concern, Counter())[reason or ""] += 1
    found = [
        Fates(
            concern=concern,
            shown=states.total() - states[CardState.AFTERWARDS],
            acted=states[CardState.ACTED],
            dismissed=states[CardState.DISMISSED],
            reasons=dict(why.get(concern, Counter()).most_common()),
            cleared=states[CardState.CLEARED],
            ignored=states[CardState.IGNORED],
            afterwards=states[CardState.AFTERWARDS],
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
