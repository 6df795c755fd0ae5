"""Since when, and until when, all that the switch said has been heard: only then does silence mean anything (pure).

A link that broke is silent, and so is one that died without a word. So nothing follows from silence until an echo has
come back: an event to ourselves, which the switch sends after everything that it said before.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from telephony.orders import AskForEcho

AGAIN_AFTER = timedelta(seconds=2)
"""An echo that has not come by then is asked for again."""


class Hearing:
    """``lasted`` is asked by the models when they are given the time; what they need then is ordered by ``ask``."""

    def __init__(self) -> None:
        self._since: datetime | None = None
        self._until: datetime | None = None
        self._asked: tuple[str, datetime] | None = None
        self._needed = False
        self.interrupted = False
        """Between a gap and the first list after it: what was said before may have been missed."""

    @property
    def deaf(self) -> bool:
        """Nothing that happens now would be heard."""
        return self._since is None

    def missed(self, since: datetime) -> bool:
        """Whether there was a gap after ``since``, or there is one."""
        return self._since is None or since < self._since

    def begin(self, now: datetime) -> None:
        """After a gap, with the first list of everything. Whoever waits for a sign waits anew."""
        self._since, self._until, self._asked = now, None, None
        self.interrupted = False

    def end(self) -> None:
        self._since = None
        self.interrupted = True

    def lasted(self, since: datetime, span: timedelta, now: datetime) -> bool:
        """Whether for so long after ``since`` there would have been something to hear, and nothing was missed."""
        if self._since is None:
            return False
        began = max(since, self._since)
        due = began <= now - span
        heard = self._until is not None and began <= self._until - span
        self._needed = self._needed or (due and not heard)
        return due and heard

    def ask(self, now: datetime) -> list[AskForEcho]:
        """What is to be ordered so that ``lasted`` can tell more."""
        needed, self._needed = self._needed and not self.deaf, False
        if not needed or (self._asked is not None and abs(now - self._asked[1]) < AGAIN_AFTER):
            return []
        token = f"{int(now.timestamp() * 1_000_000):x}"
        self._asked = token, now
        return [AskForEcho(token=token)]

    def hear(self, token: str) -> bool:
        """An echo has come back; whether it is the one that was asked for."""
        if self._asked is None or self._asked[0] != token:
            return False
        self._until, self._asked = self._asked[1], None
        return True
