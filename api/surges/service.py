"""The surge announcement: who wants it and until when, and seeing to it that the switch plays it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal, Protocol

import structlog
from pydantic import TypeAdapter, ValidationError

from api.auth.audit import SYSTEM, Entry
from api.auth.sessions import SignedIn
from api.auth.shared import Shared
from api.calls.service import ask
from api.live.callparts import epoch_ms
from api.live.parts import SurgeData
from api.surges.detector import Detector
from telephony.commands import AnnounceSurge, OutcomeKind
from telephony.errors import TelephonyError
from telephony.events import CallArrived, Event
from telephony.ids import CallId, QueueName

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 1.0
PROMPT = "surge"


@dataclass(frozen=True, kw_only=True, slots=True)
class Announcement:
    by: Literal["rule", "person"]
    reason: str
    since: datetime
    until: datetime


_kept: TypeAdapter[Announcement | None] = TypeAdapter(Announcement | None)


class Lines(Protocol):
    @property
    def waiting(self) -> Mapping[QueueName, tuple[CallId, ...]]: ...


class Surges:
    """``handle`` every event of the switchboard. An announcement outlives this process: it is kept in ``place``."""

    def __init__(self, common: Shared, board: Lines, *, show: Callable[[SurgeData], None], place: Path) -> None:
        self._common = common
        self._rules = common.topology.surge
        self._detector = Detector(self._rules)
        self._board = board
        self._show = show
        self._place = place
        self._surging_since: datetime | None = None
        self._declined = False
        """A person has ended the announcement of this surge: no rule begins it again."""
        self._announced = self._read()
        self._told: bool | None = None
        """Whether the switch plays it, as it has said itself; None where that is not known. What is not known is asked
        for again: the switch may still play what an earlier run of ours began."""
        self._vain = False

    def handle(self, event: Event) -> None:
        if isinstance(event, CallArrived) and not event.rebuilt:
            self._detector.arrived(self._common.now())

    @property
    def now(self) -> SurgeData:
        told, proposed = self._announced, self._announced is None and self._surging_since is not None
        since = told.since if told else self._surging_since
        return SurgeData(
            state="announced" if told else "proposed" if proposed else "quiet",
            by=told.by if told else "rule" if proposed else None,
            reason=told.reason if told else "",
            since=epoch_ms(since),
            until=epoch_ms(told.until) if told else None,
            arrivals=self._detector.arrivals(self._common.now()),
            waiting=self._waiting(),
            arrivals_limit=self._rules.arrivals,
            waiting_limit=self._rules.waiting,
        )

    async def announce(self, me: SignedIn, reason: str, minutes: int) -> SurgeData:
        """Every caller hears it from now on. Raises what the switch raises; then nothing has changed."""
        detail = {"reason": reason, "minutes": minutes}
        await self._asked(me, "surge.announce", PROMPT, detail)
        now = self._common.now()
        self._keep(Announcement(by="person", reason=reason, since=now, until=now + timedelta(minutes=minutes)))
        return self._shown()

    async def end(self, me: SignedIn, reason: str) -> SurgeData:
        """Nobody hears it any more, and no rule begins it again before it has been calm."""
        await self._asked(me, "surge.end", "", {"reason": reason})
        self._declined = self._surging_since is not None
        self._keep(None)
        return self._shown()

    async def _asked(self, me: SignedIn, action: str, prompt: str, detail: Mapping[str, Any]) -> None:
        """By a person. Where no answer comes, ``look`` asks again."""
        self._told = None
        command = AnnounceSurge(prompt=prompt)
        outcome = await ask(self._common, me, action, "surge", PROMPT, command, detail=detail)
        self._told = bool(prompt) if outcome.kind is OutcomeKind.DONE else None

    async def run(self) -> None:
        """For ever, until cancelled."""
        while True:
            try:
                await self.look()
            except Exception as error:
                log.warning("surge not looked at", error_type=type(error).__name__)
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Begin and end what the rules and the clock say; ask the switch again for what it has not been told."""
        now = self._common.now()
        surging = self._detector.look(self._waiting(), now)
        self._surging_since = (self._surging_since or now) if surging else None
        self._declined = self._declined and surging
        told = self._announced
        if told is not None and (told.until <= now or (told.by == "rule" and not surging)):
            self._declined = surging
            await self._decide(None, "surge.ended")
        elif told is None and surging and self._rules.mode == "announce" and not self._declined:
            until = now + timedelta(minutes=self._rules.at_most_min)
            await self._decide(Announcement(by="rule", reason="", since=now, until=until), "surge.announced")
        await self._tell()
        self._shown()

    async def _decide(self, announcement: Announcement | None, action: str) -> None:
        self._keep(announcement)
        entry = Entry(at=self._common.now(), actor=SYSTEM, action=action, object_type="surge", object_id=PROMPT)
        await self._common.standby.audited(entry)

    async def _tell(self) -> None:
        wanted = self._announced is not None
        if wanted is self._told:
            return
        try:
            outcome = await self._common.switch.request(AnnounceSurge(prompt=PROMPT if wanted else ""))
            failure = "" if outcome.kind is OutcomeKind.DONE else outcome.kind.value
        except TelephonyError as error:
            failure = type(error).__name__
        self._told = None if failure else wanted
        if failure and not self._vain:
            log.warning("surge announcement not set", error_type=failure)
        self._vain = bool(failure)

    def _waiting(self) -> int:
        return sum(len(line) for line in self._board.waiting.values())

    def _shown(self) -> SurgeData:
        data = self.now
        self._show(data)
        return data

    def _keep(self, announcement: Announcement | None) -> None:
        """On a full disk it holds all the same, but not beyond this process."""
        self._announced = announcement
        part = self._place.with_suffix(".part")
        try:
            part.write_bytes(_kept.dump_json(announcement))
            part.rename(self._place)
        except OSError as error:
            log.warning("surge announcement not kept", error_type=type(error).__name__)

    def _read(self) -> Announcement | None:
        try:
            return _kept.validate_json(self._place.read_bytes())
        except (OSError, ValidationError):
            return None
