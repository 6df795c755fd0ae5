"""Idempotency keys of commands about calls, held in memory: a double click is one command without the database, too."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime

from api.errors import KeyReused, StillRunning

MOST = 2_000
"""The oldest that have been answered are forgotten; they are in the database by then."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """An answer as it goes out again."""

    status: int
    media_type: str | None
    body: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyClaim:
    """What came of a request under this key; ``status`` None: nothing yet, or nothing at all."""

    user_id: int
    key: str
    request_hash: str
    claimed_at: datetime
    status: int | None = None
    media_type: str | None = None
    body: str = field(default="", repr=False)


@dataclass(slots=True, eq=False)
class _Held:
    """``ended`` without an answer: the work failed, and the same may be asked again."""

    request_hash: str
    answer: Stored | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class HeldKeys:
    """One claim for each person and key. ``settle`` ends what ``claim`` began."""

    def __init__(self, *, most: int = MOST) -> None:
        self._most = most
        self._held: OrderedDict[tuple[int, str], _Held] = OrderedDict()

    def __len__(self) -> int:
        return len(self._held)

    async def claim(self, claim: KeyClaim, *, wait_s: float) -> Stored | None:
        """None: the work is ours. Otherwise the answer, waited for if the first request is still at it.

        Raises KeyReused, or StillRunning.
        """
        place = (claim.user_id, claim.key)
        while (held := self._held.get(place)) is not None:
            if held.request_hash != claim.request_hash:
                raise KeyReused
            try:
                await asyncio.wait_for(held.ended.wait(), wait_s)
            except TimeoutError:
                raise StillRunning from None
            if held.answer is not None:
                return held.answer
        self._held[place] = _Held(claim.request_hash)
        self._shorten()
        return None

    def settle(self, claim: KeyClaim, answer: Stored | None) -> None:
        """``None`` gives the key back."""
        place = (claim.user_id, claim.key)
        held = self._held[place]
        held.answer = answer
        if answer is None:
            del self._held[place]
        held.ended.set()

    def _shorten(self) -> None:
        excess = len(self._held) - self._most
        answered = [place for place, held in self._held.items() if held.answer is not None] if excess > 0 else []
        for place in answered[:excess]:
            del self._held[place]
