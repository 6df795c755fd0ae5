"""The sessions of all open consoles, looked up together: where one has ended, its live stream ends too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from api.auth.access import in_call
from api.auth.sessions import SEEN_EVERY
from api.auth.shared import Switch
from api.auth.standby import Standby
from api.live.hub import Hub

EVERY_S = 10.0

log = structlog.get_logger(__name__)


class ConsoleSessions:
    """A session may run out or be ended elsewhere: its stream ends then, but never in a call."""

    def __init__(self, standby: Standby, hub: Hub, switch: Switch, now: Callable[[], datetime]) -> None:
        self._standby = standby
        self._hub = hub
        self._switch = switch
        self._now = now
        self._kept_at: datetime | None = None

    async def run(self) -> None:
        """For ever, until cancelled."""
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                await self.look()
            except Exception as error:
                log.warning("sessions not looked up", error_type=type(error).__name__)

    async def look(self) -> None:
        """One question for all of them, and once a minute one change."""
        now, viewers = self._now(), self._hub.viewers()
        if not viewers:
            return
        seated = frozenset(one.session for one in viewers if one.agent_id in self._switch.switchboard.agents)
        if seated and (self._kept_at is None or not timedelta() <= now - self._kept_at < SEEN_EVERY):
            self._kept_at = now
            await self._standby.keep(seated, now)
        held = await self._standby.held(
            frozenset(one.session for one in viewers), now, lambda agent_id: in_call(self._switch, agent_id)
        )
        for viewer in viewers:
            if viewer.session not in held:
                self._hub.session_ended(viewer.session)
