"""Simulated citizens: now and then one calls and speaks recorded Mandarin when an operator answers."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

from api.demo.children import Child
from api.demo.sipp import Phone

SPEECH = Path(str(resources.files("api.demo").joinpath("speech")))


@dataclass(frozen=True, kw_only=True, slots=True)
class Visit:
    """One call to come. ``after_s`` is the pause since the call before it.

    ``centre`` is the code of the centre that hands this citizen over, with ``summary``.
    """

    after_s: float
    speech: str
    number: str
    patience_s: float
    line: str = "12345"
    centre: str = ""
    summary: str = ""


STORIES = (("kitchen-smoke", "15433061709"), ("bus-passed-by", "16440926673"), ("leaking-ceiling", "15422904447"))
"""Packaged speech, and the number its speaker calls from. The prefixes 154 and 164 belong to nobody."""
CALLED_MEDIA = 100
"""The media ports of a citizen who is called, counted from the first that a desk may take."""
EVERY = 8
"""So many calls, and the same begins again."""
MERGED = (6, "12369")
HANDED_OVER = (5, "110", "楼上漏水引起邻里争吵，民警已到场，不属于警情，请12345受理。")


def visits(chance: random.Random) -> Iterator[Visit]:
    """For ever: the stories in turn, a few seconds apart; every fourth caller does not wait for an answer.

    One of eight is handed over by 110, another dials a number that was merged into 12345.
    """
    number = 0
    while True:
        turn = number % EVERY
        speech, caller = STORIES[turn % len(STORIES)]
        impatient = turn % 4 == 3
        visit = Visit(
            after_s=8.0 if number == 0 else chance.uniform(15, 40),
            speech=speech,
            number=caller,
            patience_s=chance.uniform(8, 15) if impatient else 180.0,
        )
        if turn == HANDED_OVER[0]:
            visit = replace(visit, centre=HANDED_OVER[1], summary=HANDED_OVER[2])
        elif turn == MERGED[0]:
            visit = replace(visit, line=MERGED[1])
        yield visit
        number += 1


def called_back(phone: Phone) -> Child:
    """The phone of whoever is called: it rings a while, answers and says what it had to say."""
    own = replace(phone, media_port=phone.media_port + CALLED_MEDIA)
    return own.desk("called-back", SPEECH / f"{STORIES[1][0]}.wav", ring_s=3.0)


class Citizens:
    """One caller at a time, moved on by ``tick``.

    ``centres`` are addresses from which simulated centres call, by code; where one is missing the citizen calls alone.
    """

    def __init__(
        self,
        phone: Phone,
        plan: Iterator[Visit],
        *,
        talk_s: float = 95.0,
        centres: Mapping[str, str] | None = None,
        lines: frozenset[str] = frozenset({"12345"}),
    ) -> None:
        self._phone = phone
        self._centres = centres or {}
        self._lines = lines
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
        handed_over = visit.centre in self._centres
        phone = replace(self._phone, host=self._centres[visit.centre]) if handed_over else self._phone
        summary = base64.urlsafe_b64encode(visit.summary.encode()).decode().rstrip("=")
        return phone.citizen(
            "citizen",
            SPEECH / f"{visit.speech}.wav",
            number=visit.centre if handed_over else visit.number,
            line=visit.line if visit.line in self._lines else "12345",
            stay_s=self._talk_s,
            patience_s=visit.patience_s,
            pause_s=0.5,
            headers={"X-Handover-Number": visit.number, "X-Handover-Summary": summary} if handed_over else None,
        )
