"""Who is signed in, and the one place where anything about them changes: into a call, out of it, to rest (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from telephony.duties import IN_A_CALL, TRANSITIONS, Agent, AgentSignal, CallKind
from telephony.errors import UnknownAgent
from telephony.events import AgentEvent, AgentSignedOut, AgentStatus, AgentStatusChanged, PauseReason
from telephony.ids import AgentId, CallId, SeatId
from telephony.tables import Machine, Unlisted

_NORMAL = CallKind.QUEUED


class Roster:
    """Everybody who is signed in. Each change is a step of the table of ``duties`` and gives its events."""

    def __init__(self, wrap_up: timedelta) -> None:
        self._wrap_up = wrap_up
        self._agents: dict[AgentId, Agent] = {}
        self._machine: Machine[AgentStatus, AgentSignal] = Machine("agent", TRANSITIONS)

    @property
    def all(self) -> Mapping[AgentId, Agent]:
        return MappingProxyType(self._agents)

    def take_unlisted(self) -> tuple[Unlisted, ...]:
        return self._machine.take_unlisted()

    def signed_in(self, agent_id: AgentId) -> Agent:
        """Raises UnknownAgent."""
        try:
            return self._agents[agent_id]
        except KeyError:
            raise UnknownAgent(agent_id) from None

    def get(self, agent_id: AgentId) -> Agent | None:
        return self._agents.get(agent_id)

    def at(self, seat: SeatId) -> Agent | None:
        return next((one for one in self._agents.values() if one.seat == seat), None)

    def engaged_in(self, call_id: CallId) -> list[Agent]:
        """Whose phones ring for this call, who talks in it, and who is writing it up."""
        return [agent for agent in self._agents.values() if agent.call_id == call_id]

    def may(self, agent: Agent, signal: AgentSignal) -> bool:
        return self._machine.allows(agent.status, signal)

    def first_status(self) -> AgentStatus:
        """Of somebody who signs in."""
        status = self._machine.step(AgentStatus.SIGNED_OUT, AgentSignal.SIGNED_IN)
        assert status is not None, "a person who is signed out can sign in"
        return status

    def engage(
        self, agent: Agent, signal: AgentSignal, call_id: CallId, kind: CallKind, now: datetime
    ) -> list[AgentEvent]:
        """Into a call. A ring, or a look at somebody else's call, only interrupts a wrap-up."""
        unfinished = agent.call_id if agent.status is AgentStatus.WRAPPING_UP else agent.unfinished
        keeps = signal is AgentSignal.OFFERED or kind is CallKind.SUPERVISED
        until = agent.wrap_up_until if keeps and unfinished else None
        return self._move(
            agent,
            signal,
            now,
            call_id=call_id,
            call_kind=kind,
            unfinished=unfinished if keeps else None,
            wrap_up_until=until,
        )

    def rest(self, agent: Agent, signal: AgentSignal, now: datetime) -> list[AgentEvent]:
        """Back to rest, with the reason that was chosen meanwhile."""
        chosen = {agent.next_reason} if agent.next_reason else set()
        agent = replace(agent, reasons=agent.reasons | chosen)
        return self._move(
            agent, signal, now, next_reason=None, call_id=None, wrap_up_until=None, unfinished=None, call_kind=_NORMAL
        )

    def remove(self, agent: Agent, signal: AgentSignal, now: datetime, *, forced: bool = False) -> list[AgentEvent]:
        self._machine.step(agent.status, signal)
        del self._agents[agent.id]
        return [AgentSignedOut(at=now, agent_id=agent.id, seat=agent.seat, forced=forced)]

    def _move(self, agent: Agent, signal: AgentSignal, now: datetime, **changes: Any) -> list[AgentEvent]:
        target = self._machine.step(agent.status, signal)
        return [] if target is None else self.put(replace(agent, status=target, **changes), now)

    def put(self, agent: Agent, now: datetime) -> list[AgentEvent]:
        """Keep the agent as it is now, after READY and PAUSED have been brought in line with the reasons."""
        known = self._agents.get(agent.id)
        if agent.status is AgentStatus.READY and agent.reasons:
            agent = replace(agent, status=self._machine.step(agent.status, AgentSignal.BLOCKED) or agent.status)
        elif agent.status is AgentStatus.PAUSED and not agent.reasons:
            agent = replace(agent, status=self._machine.step(agent.status, AgentSignal.CLEARED) or agent.status)
        if known is not None and known.status is not agent.status:
            agent = replace(agent, since=now)
        if agent == known:
            return []
        self._agents[agent.id] = agent
        changed = AgentStatusChanged(
            at=now, agent_id=agent.id, status=agent.status, reasons=agent.reasons, call_id=agent.call_id
        )
        return [changed]

    # out of a call, one way or another --------------------------------------------------------------------------------

    def lose(self, agent: Agent, now: datetime, *, unheard: bool = False) -> list[AgentEvent]:
        """The call is over for this person, however far it had come."""
        if agent.call_kind is CallKind.SUPERVISED:
            return self.let_go(agent, now)
        if agent.status is AgentStatus.RINGING and agent.call_kind is not CallKind.OWN:
            return self.silence(agent, now, unheard=unheard)
        return self.leave(agent, now) if agent.status in IN_A_CALL else []

    def leave(self, agent: Agent, now: datetime) -> list[AgentEvent]:
        if agent.leaving:
            return self.remove(agent, AgentSignal.DISMISSED, now, forced=True)
        until = now + self._wrap_up
        return self._move(
            agent,
            AgentSignal.LEG_ENDED,
            now,
            wrap_up_until=until,
            extended=timedelta(),
            unfinished=None,
            call_kind=_NORMAL,
        )

    def silence(self, agent: Agent, now: datetime, *, unheard: bool = False) -> list[AgentEvent]:
        """The phone rings no more. ``unheard`` is this person's own doing, unless a wrap-up was interrupted by it."""
        if agent.leaving:
            return self.remove(agent, AgentSignal.DISMISSED, now, forced=True)
        if agent.unfinished:
            return self._resume_wrap_up(agent, now)
        if unheard:
            agent = replace(agent, reasons=agent.reasons | {PauseReason.NO_ANSWER})
        return self.rest(agent, AgentSignal.OFFER_ENDED, now)

    def let_go(self, agent: Agent, now: datetime) -> list[AgentEvent]:
        if agent.status is AgentStatus.RINGING:
            return self.silence(agent, now)
        if agent.leaving:
            return self.remove(agent, AgentSignal.DISMISSED, now, forced=True)
        return self._resume_wrap_up(agent, now) if agent.unfinished else self.rest(agent, AgentSignal.LET_GO, now)

    def _resume_wrap_up(self, agent: Agent, now: datetime) -> list[AgentEvent]:
        call_id = agent.unfinished
        return self._move(agent, AgentSignal.WRAP_UP_RESUMED, now, call_id=call_id, unfinished=None, call_kind=_NORMAL)
