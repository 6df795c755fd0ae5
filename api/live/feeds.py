"""One channel as one kind of reader sees it: its data, its sequence, and recent patches for a returning reader."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from api.live.patches import Data, Op, diff
from api.live.viewers import Viewer

RING_PATCHES = 512
RING_S = 60.0


def encode(message: Any) -> str:
    """JSON as it goes over the wire: no spaces, Chinese as itself."""
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Patch:
    """Encoded once for every socket that reads this feed. ``size`` in bytes, ``made_s`` by the monotonic clock."""

    seq: int
    text: str
    size: int
    made_s: float


@dataclass(kw_only=True, eq=False)
class Feed:
    """``variant`` says which kind of reader it is made for: full or masked numbers, counts only, or one person's own.

    ``last_value`` feeds may skip states (a newer one says it all); the others must be read whole.
    """

    channel: str
    variant: str
    epoch: str
    data: Data
    last_value: bool
    owner: Viewer | None = None
    """Whose own channel it is."""
    seq: int = 0
    unread_since_s: float | None = None
    """When the last reader left; None while somebody reads."""
    ring: deque[Patch] = field(default_factory=deque)
    _snapshot: str | None = None

    def advance(self, data: Data, *, now_s: float, ts_ms: int) -> Patch | None:
        """Take the new state; the patch that leads to it, or None where nothing changed."""
        ops = diff(self.data, data)
        self.data = data
        if not ops:
            return None
        self.seq += 1
        self._snapshot = None
        patch = self._keep(ops, now_s, ts_ms)
        while len(self.ring) > RING_PATCHES or now_s - self.ring[0].made_s > RING_S:
            self.ring.popleft()
        return patch

    def _keep(self, ops: list[Op], now_s: float, ts_ms: int) -> Patch:
        text = encode({"t": "p", "ch": self.channel, "seq": self.seq, "ts": ts_ms, "ops": ops})
        patch = Patch(seq=self.seq, text=text, size=len(text.encode()), made_s=now_s)
        self.ring.append(patch)
        return patch

    def replay(self, epoch: str | None, have: int | None) -> Sequence[Patch] | None:
        """The patches after ``have``, or None where the ring does not reach back to it (or it is of another epoch)."""
        if epoch != self.epoch or have is None or not 0 <= have <= self.seq:
            return None
        if have == self.seq:
            return ()
        if not self.ring or self.ring[0].seq > have + 1:
            return None
        return tuple(patch for patch in self.ring if patch.seq > have)

    def snapshot(self) -> str:
        """The whole state, encoded at most once for each sequence number."""
        if self._snapshot is None:
            self._snapshot = encode(
                {"t": "snap", "ch": self.channel, "epoch": self.epoch, "seq": self.seq, "data": self.data}
            )
        return self._snapshot
