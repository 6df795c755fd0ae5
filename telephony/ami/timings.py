"""How long the link to the switch waits for what, and how it paces its attempts to come back (pure)."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Timings:
    """All in seconds. A peer that fell silent is noticed after at most ``ping_every_s`` plus both ping deadlines."""

    connect_s: float = 5.0
    answer_s: float = 5.0
    boot_s: float = 120.0
    ping_every_s: float = 5.0
    ping_deadlines_s: tuple[float, ...] = (3.0, 1.5)
    backlog_s: float = 60.0
    """So long a ping may stay unanswered while there is still something to read that was said before the answer."""
    resync_every_s: float = 30.0
    retry_first_s: float = 0.2
    retry_most_s: float = 5.0
    retry_rejected_s: float = 30.0
    """After a refused login: the secret will not become right by asking often, and the switch counts attempts."""


class Backoff:
    """Growing pauses between attempts: doubled each time, up to a limit, each shortened at random by up to half."""

    def __init__(self, *, first_s: float, most_s: float, chance: Callable[[], float] = random.random) -> None:
        self._first_s = first_s
        self._most_s = most_s
        self._chance = chance
        self._next_s = first_s

    def pause_s(self) -> float:
        pause_s = self._next_s * (1 - self._chance() / 2)
        self._next_s = min(self._next_s * 2, self._most_s)
        return pause_s

    def reset(self) -> None:
        self._next_s = self._first_s
