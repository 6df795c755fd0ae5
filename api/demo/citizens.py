"""Simulated citizens: now and then one calls 12345 and speaks recorded Mandarin when an operator answers."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from api.demo.children import Child
from api.demo.sipp import Phone

SPEECH = Path(str(resources.files("api.demo").joinpath("speech")))


@dataclass(frozen=True, kw_only=True, slots=True)
class Visit:
    """One call to come. ``after_s`` is the pause since the call before it."""

    after_s: float
    speech: str
    number: str
    patience_s: float


STORIES = (("kitchen-smoke", "15433061709"), ("bus-passed-by", "16440926673"), ("leaking-ceiling", "15422904447"))
"""Packaged speech, and the number its speaker calls from. The prefixes 154 and 164 belong to nobody."""


def visits(chance: random.Random) -> Iterator[Visit]:
    """For ever: the stories in turn, a few seconds apart; every fourth caller does not wait for an answer."""
    number = 0
    while True:
        speech, caller = STORIES[number % len(STORIES)]
        impatient = number % 4 == 3
        yield Visit(
            after_s=8.0 if number == 0 else chance.uniform(15, 40),
            speech=speech,
            number=caller,
            patience_s=chance.uniform(8, 15) if impatient else 180.0,
        )
        number += 1


class Citizens:
    """One caller at a time, moved on by ``tick``."""

    def __init__(self, phone: Phone, plan: Iterator[Visit], *, talk_s: float = 95.0) -> None:
        self._phone = phone
        self._plan = plan
        self._talk_s = talk_s
        self._next = next(plan)
        self._free_at: float | None = None
        self._calling: Child | None = None
        self.calls = 0

    def tick(self, now: float) -> None:
        """``now`` is monotonic seconds."""
        if self._calling is not None:
            if self._calling.running:
                return
            self._calling.stop()
            self._calling, self._free_at = None, now
        if self._free_at is None:
            self._free_at = now
        if now - self._free_at >= self._next.after_s:
            self._calling = self._call(self._next)
            self._calling.start()
            self._next = next(self._plan)

    def stop(self) -> None:
        if self._calling is not None:
            self._calling.stop(grace_s=3)

    def _call(self, visit: Visit) -> Child:
        self.calls += 1
        speech = SPEECH / f"{visit.speech}.wav"
        return self._phone.citizen(
            "citizen", speech, number=visit.number, stay_s=self._talk_s, patience_s=visit.patience_s, pause_s=0.5
        )
