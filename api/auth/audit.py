"""The audit log: append-only, each record chained to the one before by a keyed hash.

Call ``record`` in the transaction of the change itself and as its last step: it locks the end of the chain until then.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.store.sealing import Keyring
from api.store.tables import AuditHead, AuditRecord


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """Who did it and from where. ``user_id`` None: nobody signed in, or the server itself."""

    user_id: int | None
    username: str
    address: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """What one record says. ``detail`` holds names of fields, counts and reasons, and no personal data."""

    at: datetime
    actor: Actor
    action: str
    object_type: str
    object_id: str
    result: str = "done"
    detail: Mapping[str, Any] = field(default_factory=dict)


AT_ONCE = 500
"""Records are read in pieces: the log is longer than what should be held at a time."""

SYSTEM = Actor(user_id=None, username="system", address="local")


@dataclass(frozen=True, kw_only=True, slots=True)
class ChainReport:
    """``broken_at``: the first record that does not follow from the one before; None if the chain holds."""

    records: int
    broken_at: int | None

    @property
    def intact(self) -> bool:
        return self.broken_at is None


async def record(
    session: AsyncSession,
    keyring: Keyring,
    actor: Actor,
    action: str,
    object_type: str,
    object_id: str,
    *,
    now: datetime,
    result: str = "done",
    detail: Mapping[str, Any] | None = None,
) -> None:
    """``detail`` holds names of fields, counts and reasons, and no personal data."""
    entry = Entry(
        at=now,
        actor=actor,
        action=action,
        object_type=object_type,
        object_id=object_id,
        result=result,
        detail=dict(detail or {}),
    )
    await append(session, keyring, entry)


async def append(session: AsyncSession, keyring: Keyring, entry: Entry) -> None:
    """The next link of the chain. ``at`` may lie before that of the last one: what waited comes late."""
    head = await session.get_one(AuditHead, 1, with_for_update=True, populate_existing=True)
    row = AuditRecord(
        seq=head.seq + 1,
        at=entry.at,
        user_id=entry.actor.user_id,
        username=entry.actor.username,
        address=entry.actor.address,
        action=entry.action,
        object_type=entry.object_type,
        object_id=entry.object_id,
        result=entry.result,
        detail=dict(entry.detail),
    )
    row.hash = keyring.chain(head.hash, _canonical(row))
    session.add(row)
    head.seq, head.hash = row.seq, row.hash
    await session.flush()


async def verify_chain(session: AsyncSession, keyring: Keyring) -> ChainReport:
    """Walk the log up to its present end. Finds a changed, removed, added or reordered record, and a cut-off end.

    What is added meanwhile is none of it: the end is looked at first, and whoever adds moves it in the same breath.
    """
    newest = await session.scalar(select(func.max(AuditRecord.seq))) or 0
    head = await session.get_one(AuditHead, 1, populate_existing=True)
    end, hash_there = head.seq, head.hash
    previous, count = "", 0
    rows = await session.stream_scalars(
        select(AuditRecord).where(AuditRecord.seq <= end).order_by(AuditRecord.seq).execution_options(yield_per=AT_ONCE)
    )
    try:
        async for entry in rows:
            count += 1
            if entry.seq != count or entry.hash != keyring.chain(previous, _canonical(entry)):
                return ChainReport(records=count, broken_at=count)
            previous = entry.hash
    finally:
        await rows.close()
    intact = (end, hash_there) == (count, previous) and newest <= end
    return ChainReport(records=count, broken_at=None if intact else count + 1)


def _canonical(entry: AuditRecord) -> str:
    values = [
        entry.seq,
        entry.at.astimezone(UTC).isoformat(),
        entry.user_id,
        entry.username,
        entry.address,
        entry.action,
        entry.object_type,
        entry.object_id,
        entry.result,
        entry.detail,
    ]
    return json.dumps(values, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
