"""Who sits where, in the database, so that a shift outlives this process."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.auth import audit
from api.auth.sessions import SignedIn
from api.errors import NotNow
from api.store.engine import insert_into
from api.store.sealing import Keyring
from api.store.tables import Shift


async def open_shift(
    session: AsyncSession, keyring: Keyring, me: SignedIn, *, agent_id: str, seat: str, now: datetime
) -> bool:
    """False if this person already sits there. Raises NotNow if somebody else does, or the person sits elsewhere."""
    made = await session.scalar(
        insert_into(session, Shift)
        .values(user_id=me.user_id, agent_id=agent_id, seat=seat, started_at=now)
        .on_conflict_do_nothing()
        .returning(Shift.id)
    )
    if made is None:
        held = await session.scalar(select(Shift).where(Shift.ended_at.is_(None), Shift.agent_id == agent_id))
        if held is None or held.seat != seat or held.user_id != me.user_id:
            raise NotNow("the seat is taken")
        return False
    await audit.record(session, keyring, me.actor, "shift.sign_in", "seat", seat, now=now)
    return True


async def open_shifts(session: AsyncSession) -> Sequence[Shift]:
    """Everybody who is signed in to a seat: what to tell the switchboard after our restart."""
    return (await session.scalars(select(Shift).where(Shift.ended_at.is_(None)).order_by(Shift.id))).all()
