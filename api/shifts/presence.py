"""Whether the operators' windows are open: one that stays away takes its operator out of the line."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

from telephony.agents import Agent
from telephony.commands import Command, CommandOutcome, ReportDevice, WorkplacePart
from telephony.errors import TelephonyError
from telephony.ids import AgentId

GRACE_S = 5.0
"""A page that is loaded again is back by then."""
LOOK_EVERY_S = 0.5

log = structlog.get_logger(__name__)


class Presence:
    """``handle`` what the live streams tell. Who never had a window in this life of the server is not watched: a shift
    may be run without one, and a browser's phone that is gone is told by the switch."""

    def __init__(
        self,
        *,
        agents: Callable[[], Mapping[AgentId, Agent]],
        request: Callable[[Command], Awaitable[CommandOutcome]],
        clock: Callable[[], float],
        grace_s: float = GRACE_S,
    ) -> None:
        self._agents = agents
        self._request = request
        self._clock = clock
        self._grace_s = grace_s
        self._gone_s: dict[AgentId, float | None] = {}
        """Since when nobody is there; None: somebody is."""

    def handle(self, agent_id: AgentId, there: bool) -> None:
        self._gone_s[agent_id] = None if there else self._clock()

    async def run(self) -> None:
        """For ever, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            await self.look()

    async def look(self) -> None:
        """Say what has changed. While the switch cannot be told, it is said again the next time."""
        now = self._clock()
        for agent_id, agent in tuple(self._agents().items()):
            if agent_id not in self._gone_s:
                continue
            gone_s = self._gone_s[agent_id]
            works = gone_s is None or now - gone_s < self._grace_s
            if works == (WorkplacePart.CONSOLE in agent.broken):
                await self._report(agent_id, works=works)

    async def _report(self, agent_id: AgentId, *, works: bool) -> None:
        log.info("shift.window", agent_id=agent_id, there=works)
        try:
            await self._request(ReportDevice(agent_id=agent_id, works=works, part=WorkplacePart.CONSOLE))
        except TelephonyError as error:
            log.warning("shift.window_not_reported", agent_id=agent_id, error_type=type(error).__name__)
