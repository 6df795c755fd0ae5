"""One-time passes to the live stream. They live in memory alone: a restart ends every socket that used one (pure)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from api.live.viewers import Viewer

LIFE_S = 30
TOKEN_BYTES = 32
PER_SESSION = 8
"""A browser opens one socket at a time; asking for more passes than this takes the oldest back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pass:
    """Made out to one session in one role. ``until_s`` by the monotonic clock."""

    viewer: Viewer
    until_s: float


class Passes:
    """As many as there are sessions, times ``PER_SESSION``; those that ran out go when the next one is made."""

    def __init__(self) -> None:
        self._passes: dict[str, Pass] = {}

    def __len__(self) -> int:
        return len(self._passes)

    def issue(self, viewer: Viewer, now_s: float) -> str:
        self._passes = {ticket: one for ticket, one in self._passes.items() if one.until_s > now_s}
        own = [ticket for ticket, one in self._passes.items() if one.viewer.session == viewer.session]
        if len(own) >= PER_SESSION:
            del self._passes[own[0]]
        ticket = secrets.token_urlsafe(TOKEN_BYTES)
        self._passes[ticket] = Pass(viewer=viewer, until_s=now_s + LIFE_S)
        return ticket

    def redeem(self, ticket: str, now_s: float) -> Viewer | None:
        """Who asked for it; None if it is unknown, used, or too old. The session may have ended since."""
        one = self._passes.pop(ticket, None)
        return one.viewer if one is not None and one.until_s > now_s else None
