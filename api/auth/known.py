"""Sessions that held a moment ago, for when the database cannot be asked (pure)."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from api.auth.sessions import Held, SignedIn
from api.settings import Settings

TRUSTED_S = 900.0
"""So long after the database last vouched for it a session is still honoured, while there is nobody to ask."""
MOST = 2_000
"""More sessions are not remembered: the ones that were asked for longest ago go."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Known:
    me: SignedIn
    until: datetime


class KnownSessions:
    """Tell it what the database says. One that was seen to end is never honoured again."""

    def __init__(self, settings: Settings, *, most: int = MOST) -> None:
        self._trusted = timedelta(seconds=min(TRUSTED_S, settings.session_idle_s))
        self._most = most
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._ended: OrderedDict[str, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def learn(self, held: Held, now: datetime) -> None:
        """The database vouches for this one now."""
        session_hash = held.me.session_hash
        if session_hash in self._ended:
            return
        self._known[session_hash] = _Known(me=held.me, until=min(now + self._trusted, held.ends_at))
        self._known.move_to_end(session_hash)
        while len(self._known) > self._most:
            self._known.popitem(last=False)

    def forget(self, session_hash: str) -> None:
        """It has ended, or somebody has tried to end it."""
        self._known.pop(session_hash, None)
        self._ended[session_hash] = None
        while len(self._ended) > self._most:
            self._ended.popitem(last=False)

    def find(self, session_hash: str, address: str, now: datetime) -> SignedIn | None:
        """Who held it when the database could last be asked, if that is not too long ago."""
        known = self._known.get(session_hash)
        if known is None or now > known.until:
            return None
        return replace(known.me, address=address)
