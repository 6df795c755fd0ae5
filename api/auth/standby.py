"""What commands about calls need of the database, and how they do without it while it is away.

A session that held a moment ago is honoured, a key of a double click is held in memory, and what was done is written
behind: at once while all is well, from this machine's own disk later. Nothing here turns an answer of the switch into
an error.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import and_, delete, update
from sqlalchemy.ext.asyncio import AsyncSession

from api.auth import audit, sessions
from api.auth.audit import Entry
from api.auth.keys import HeldKeys, KeyClaim, Stored
from api.auth.known import KnownSessions
from api.auth.sessions import SEEN_EVERY, InCall, SignedIn
from api.settings import Settings
from api.store.behind import WriteBehind
from api.store.engine import Store, insert_into
from api.store.reach import DatabaseAway, Reach
from api.store.tables import IdempotencyKey, Shift
from telephony.ids import AgentId

AUDITED_S = 0.5
"""An answer waits so long at most for its audit record."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ShiftEnded:
    """This person has left the seat."""

    agent_id: AgentId
    at: datetime


class Standby:
    """``reads`` and ``writes`` ask the database without waiting for it. ``records`` must run."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self.reads = Reach()
        self.writes = Reach()
        self.sessions = KnownSessions(settings)
        self.keys = HeldKeys()
        self.records: WriteBehind[Entry | KeyClaim | ShiftEnded] = WriteBehind(
            store, self._write, name="commands", keeps=(Entry, KeyClaim, ShiftEnded)
        )

    async def signed_in(
        self, *, session_hash: str, address: str, now: datetime, in_call: InCall, counts_as_use: bool = True
    ) -> SignedIn | None:
        """Who holds this session. While the database is away: who held it a moment ago; unknown ones raise."""

        async def look_up() -> sessions.Held | None:
            return await sessions.look_up(
                self._store, self._settings, session_hash=session_hash, address=address, now=now, in_call=in_call
            )

        known = self.sessions.find(session_hash, address, now)
        try:
            held = await look_up() if known is None else await self.reads.ask(look_up)
        except DatabaseAway:
            return known
        if held is None:
            if known is not None:
                self.sessions.forget(session_hash)
            return None
        self.sessions.learn(held, now)
        if counts_as_use and now - held.seen_at > SEEN_EVERY:
            await self.keep(frozenset({session_hash}), now)
        return held.me

    async def held(self, session_hashes: Collection[str], now: datetime, in_call: InCall) -> Collection[str]:
        """Those that hold, asked for together, which counts as no use; all of them while the database is away."""
        try:
            found = await self.reads.ask(
                lambda: sessions.look_up_all(
                    self._store, self._settings, session_hashes=session_hashes, address="", now=now, in_call=in_call
                )
            )
        except DatabaseAway:
            return session_hashes
        for session_hash in session_hashes:
            if session_hash in found:
                self.sessions.learn(found[session_hash], now)
            else:
                self.sessions.forget(session_hash)
        return found.keys()

    async def keep(self, session_hashes: Collection[str], now: datetime) -> None:
        """Counts as use, if the database can be told."""
        with suppress(DatabaseAway):
            await self.writes.ask(lambda: sessions.keep(self._store, session_hashes=session_hashes, now=now))

    async def audited(self, entry: Entry) -> None:
        """In the audit log before this returns while all is well; from the spool, with its own time, if not."""
        self.records.put(entry)
        await self.records.caught_up(AUDITED_S)

    def settle(self, claim: KeyClaim, answer: Stored | None) -> None:
        """Answered, or given back: in memory at once, in the table behind."""
        self.keys.settle(claim, answer)
        self.keep_answer(claim, answer)

    def keep_answer(self, claim: KeyClaim, answer: Stored | None) -> None:
        if answer is not None:
            claim = replace(claim, status=answer.status, media_type=answer.media_type, body=answer.body)
        self.records.put(claim)

    async def close(self) -> None:
        await self.reads.close()
        await self.writes.close()

    async def _write(self, session: AsyncSession, item: Entry | KeyClaim | ShiftEnded) -> None:
        match item:
            case Entry():
                await audit.append(session, self._store.keyring, item)
            case KeyClaim():
                await _settle(session, item)
            case ShiftEnded():
                await _end_shift(session, item)


async def _end_shift(session: AsyncSession, item: ShiftEnded) -> None:
    own = (Shift.agent_id == item.agent_id, Shift.ended_at.is_(None), Shift.started_at <= item.at)
    await session.execute(update(Shift).where(*own).values(ended_at=item.at))


async def _settle(session: AsyncSession, item: KeyClaim) -> None:
    """A claim that was committed late is settled as well; what has an answer, or belongs to another request, stays."""
    open_claim = (IdempotencyKey.status.is_(None), IdempotencyKey.request_hash == item.request_hash)
    if item.status is None:
        own = (IdempotencyKey.user_id == item.user_id, IdempotencyKey.key == item.key)
        await session.execute(delete(IdempotencyKey).where(*own, *open_claim))
        return
    answered = {"status": item.status, "media_type": item.media_type, "body": item.body}
    row = insert_into(session, IdempotencyKey).values(
        user_id=item.user_id, key=item.key, request_hash=item.request_hash, created_at=item.claimed_at, **answered
    )
    await session.execute(
        row.on_conflict_do_update(
            index_elements=[IdempotencyKey.user_id, IdempotencyKey.key], set_=answered, where=and_(*open_claim)
        )
    )
