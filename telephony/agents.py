"""One operator's shift: signed out, ready, ringing, talking, wrapping up, paused (a set of reasons); TRANSITIONS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from telephony.channels import Latest
from telephony.commands import Command, ExtendWrapUp, FinishWrapUp, Pause, Ready, SignIn, SignOut
from telephony.errors import Refused, UnknownAgent
from telephony.events import (
    AgentEvent,
    AgentLegEnded,
    AgentSignedIn,
    AgentSignedOut,
    AgentStatus,
    AgentStatusChanged,
    CallAnswered,
    CallEnded,
    CallEvent,
    CallOffered,
    CallQueued,
    OfferEnded,
    OfferOutcome,
    PauseReason,
)
from telephony.ids import AgentId, CallId, QueueName, SeatId
from telephony.tables import Machine, Unlisted

CHOSEN = frozenset(
    {
        PauseReason.BUSY,
        PauseReason.MEAL,
        PauseReason.REST,
        PauseReason.TRAINING,
        PauseReason.MEETING,
        PauseReason.OTHER,
    }
)
"""The reasons that a person gives; the others are found out."""

RETURN_LIMIT = timedelta(seconds=10)
"""An operator whose leg is being brought back talks on for so long; the dialplan gives up after 8 s."""

WRAPPING_UP = "wrapping_up"
"""The word by which the switch is told why a member in wrap-up is paused."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Agent:
    """What is known of one signed-in person. Immutable: the model replaces it, readers may keep it."""

    id: AgentId
    seat: SeatId
    queues: tuple[QueueName, ...]
    status: AgentStatus
    since: datetime
    signed_in_at: datetime
    reasons: frozenset[PauseReason] = frozenset()
    call_id: CallId | None = None
    """The call that rings, is talked on, or is being wrapped up."""
    next_reason: PauseReason | None = None
    """Chosen during a call or wrap-up: pause with this reason afterwards."""
    wrap_up_until: datetime | None = None

    @property
    def takes_calls(self) -> bool:
        """Whether the switch may ring this seat, as far as we are concerned; it knows itself if the phone is busy."""
        return not self.reasons and self.status is not AgentStatus.WRAPPING_UP

    @property
    def pause_code(self) -> str:
        """Why not, as the switch is told: a short code that ``resumed`` reads back after a restart of ours."""
        if self.takes_calls:
            return ""
        return ",".join(sorted(self.reasons)) or WRAPPING_UP


def reasons_of(pause_code: str) -> frozenset[PauseReason]:
    """The reasons in a pause code of ours; a stranger's word counts as OTHER."""
    words = [word for word in pause_code.split(",") if word and word != WRAPPING_UP]
    return frozenset(PauseReason(word) if word in set(PauseReason) else PauseReason.OTHER for word in words)


class AgentSignal(StrEnum):
    """What happens to an operator, or is asked for one."""

    SIGNED_IN = "signed_in"
    SIGNED_OUT = "signed_out"
    OFFERED = "offered"
    OFFER_ENDED = "offer_ended"
    ANSWERED = "answered"
    LEG_ENDED = "leg_ended"
    WRAP_UP_ENDED = "wrap_up_ended"
    BLOCKED = "blocked"
    """At rest, and a pause reason holds."""
    CLEARED = "cleared"
    """At rest, and no pause reason holds."""


# Why the less obvious rows are as they are:
# * Every way to rest leads to READY; BLOCKED follows at once where a reason holds, so nobody is ready with a reason.
# * PAUSED and WRAPPING_UP x OFFERED: the switch chose this seat before it had read our pause; the phone does ring.
# * READY, PAUSED and WRAPPING_UP x ANSWERED: we asked the switch in the middle of a talk, or the ring was never seen.
# * RINGING x OFFERED: the next ring began before the end of the last was told.
# * TALKING has no SIGNED_OUT and no BLOCKED: a talk is never cut, and a reason that comes up waits for its end.
# * TALKING x ANSWERED: the operator is back on a new leg after the old one was lost.
# * RINGING has no SIGNED_OUT: somebody is being called.
TRANSITIONS: Mapping[AgentStatus, Mapping[AgentSignal, AgentStatus]] = {
    AgentStatus.SIGNED_OUT: {
        AgentSignal.SIGNED_IN: AgentStatus.READY,
    },
    AgentStatus.READY: {
        AgentSignal.BLOCKED: AgentStatus.PAUSED,
        AgentSignal.OFFERED: AgentStatus.RINGING,
        AgentSignal.ANSWERED: AgentStatus.TALKING,
        AgentSignal.SIGNED_OUT: AgentStatus.SIGNED_OUT,
    },
    AgentStatus.RINGING: {
        AgentSignal.OFFERED: AgentStatus.RINGING,
        AgentSignal.OFFER_ENDED: AgentStatus.READY,
        AgentSignal.ANSWERED: AgentStatus.TALKING,
    },
    AgentStatus.TALKING: {
        AgentSignal.ANSWERED: AgentStatus.TALKING,
        AgentSignal.LEG_ENDED: AgentStatus.WRAPPING_UP,
    },
    AgentStatus.WRAPPING_UP: {
        AgentSignal.WRAP_UP_ENDED: AgentStatus.READY,
        AgentSignal.OFFERED: AgentStatus.RINGING,
        AgentSignal.ANSWERED: AgentStatus.TALKING,
        AgentSignal.SIGNED_OUT: AgentStatus.SIGNED_OUT,
    },
    AgentStatus.PAUSED: {
        AgentSignal.CLEARED: AgentStatus.READY,
        AgentSignal.OFFERED: AgentStatus.RINGING,
        AgentSignal.ANSWERED: AgentStatus.TALKING,
        AgentSignal.SIGNED_OUT: AgentStatus.SIGNED_OUT,
    },
}

IN_A_CALL = frozenset({AgentStatus.RINGING, AgentStatus.TALKING})


@dataclass(slots=True)
class _Return:
    """The switch has been asked to bring this operator back into the call."""

    until: datetime
    leg_ended: bool = False


class Agents:
    """Everybody who is signed in. Changes come from commands, from events of calls, from phones, and from the clock."""

    def __init__(self, *, wrap_up_s: float) -> None:
        self._wrap_up = timedelta(seconds=wrap_up_s)
        self._agents: dict[AgentId, Agent] = {}
        self._returns: dict[AgentId, _Return] = {}
        self._phones: dict[SeatId, Latest[bool]] = {}
        self._machine: Machine[AgentStatus, AgentSignal] = Machine("agent", TRANSITIONS)
        self._obey: Mapping[type[Command], Callable[[Any, datetime], list[AgentEvent]]] = {
            SignOut: self._sign_out,
            Pause: self._pause,
            Ready: self._ready,
            ExtendWrapUp: self._extend_wrap_up,
            FinishWrapUp: self._finish_wrap_up,
        }
        self._heed: Mapping[type[CallEvent], Callable[[Agent, Any, datetime], list[AgentEvent]]] = {
            CallOffered: self._on_offered,
            OfferEnded: self._on_offer_ended,
            CallAnswered: self._on_answered,
            AgentLegEnded: self._on_leg_ended,
        }

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

    def seats(self) -> dict[str, AgentId]:
        return {agent.seat: agent.id for agent in self._agents.values()}

    # what people ask --------------------------------------------------------------------------------------------------

    def sign_in(self, command: SignIn, now: datetime, *, pause_code: str = "") -> list[AgentEvent]:
        """``pause_code``: what the switch holds of this member from before a restart of ours. Raises Refused."""
        known = self._agents.get(command.agent_id)
        self._check_seat(command, known)
        if known is not None:
            return []
        reasons = reasons_of(pause_code) - {PauseReason.DEVICE_LOST}
        if not self._there(command.seat):
            reasons |= {PauseReason.DEVICE_LOST}
        status = self._machine.step(AgentStatus.SIGNED_OUT, AgentSignal.SIGNED_IN)
        assert status is not None, "a person who is signed out can sign in"
        agent = Agent(
            id=command.agent_id,
            seat=command.seat,
            queues=command.queues,
            status=status,
            since=now,
            signed_in_at=now,
            reasons=reasons,
        )
        if pause_code == WRAPPING_UP:
            agent = replace(agent, status=AgentStatus.WRAPPING_UP, wrap_up_until=now + self._wrap_up)
        arrived = AgentSignedIn(at=now, agent_id=agent.id, seat=agent.seat)
        return [arrived, *self._put(agent, now)]

    def obey(self, command: Command, now: datetime) -> list[AgentEvent]:
        """Carry out what is asked for one's own status. Raises UnknownAgent, Refused."""
        return self._obey[type(command)](command, now)

    def obeys(self, command: Command) -> bool:
        return type(command) in self._obey

    def _check_seat(self, command: SignIn, known: Agent | None) -> None:
        if known is not None and known.seat != command.seat:
            raise Refused(command="SignIn", state=known.status, reason="signed in at another seat")
        if any(one.seat == command.seat and one.id != command.agent_id for one in self._agents.values()):
            raise Refused(command="SignIn", state=AgentStatus.SIGNED_OUT, reason="somebody else sits at this seat")

    def _sign_out(self, command: SignOut, now: datetime) -> list[AgentEvent]:
        agent = self.signed_in(command.agent_id)
        if not self._machine.allows(agent.status, AgentSignal.SIGNED_OUT):
            raise Refused(command="SignOut", state=agent.status, reason="in a call")
        del self._agents[agent.id]
        self._returns.pop(agent.id, None)
        return [AgentSignedOut(at=now, agent_id=agent.id, seat=agent.seat)]

    def _pause(self, command: Pause, now: datetime) -> list[AgentEvent]:
        agent = self.signed_in(command.agent_id)
        if command.reason not in CHOSEN:
            raise Refused(command="Pause", state=agent.status, reason="not a reason that a person gives")
        if agent.status in IN_A_CALL or agent.status is AgentStatus.WRAPPING_UP:
            return self._put(replace(agent, next_reason=command.reason), now)
        return self._put(replace(agent, reasons=_found_out(agent) | {command.reason}), now)

    def _ready(self, command: Ready, now: datetime) -> list[AgentEvent]:
        agent = replace(self.signed_in(command.agent_id), next_reason=None)
        if agent.status in IN_A_CALL:
            return self._put(agent, now)
        agent = replace(agent, reasons=_found_out(agent))
        if agent.status is AgentStatus.WRAPPING_UP:
            return self._rest(agent, AgentSignal.WRAP_UP_ENDED, now)
        return self._put(agent, now)

    def _extend_wrap_up(self, command: ExtendWrapUp, now: datetime) -> list[AgentEvent]:
        agent = self._wrapping_up(command.agent_id, "ExtendWrapUp")
        until = (agent.wrap_up_until or now) + timedelta(seconds=command.seconds)
        return self._put(replace(agent, wrap_up_until=until), now)

    def _finish_wrap_up(self, command: FinishWrapUp, now: datetime) -> list[AgentEvent]:
        agent = self._wrapping_up(command.agent_id, "FinishWrapUp")
        return self._rest(agent, AgentSignal.WRAP_UP_ENDED, now)

    def _wrapping_up(self, agent_id: AgentId, command: str) -> Agent:
        agent = self.signed_in(agent_id)
        if agent.status is not AgentStatus.WRAPPING_UP:
            raise Refused(command=command, state=agent.status, reason="not in wrap-up")
        return agent

    def expect_return(self, agent_id: AgentId, now: datetime) -> None:
        """A new leg is on its way: until it is there the end of the old one ends no talk. Raises Refused."""
        agent = self.signed_in(agent_id)
        if agent_id in self._returns:
            raise Refused(command="RecoverCall", state=agent.status, reason="under way")
        self._returns[agent_id] = _Return(until=now + RETURN_LIMIT)

    # what calls bring -------------------------------------------------------------------------------------------------

    def heed(self, event: CallEvent, now: datetime) -> list[AgentEvent]:
        """What an event of a call means for the operator it names; nothing where that person is not signed in."""
        heed = self._heed.get(type(event))
        agent = self._agents.get(getattr(event, "agent_id", AgentId("")))
        if isinstance(event, CallQueued | CallEnded):
            return self._on_given_up(event, now)
        return heed(agent, event, now) if heed and agent else []

    def take_over(self, agent_id: AgentId, call_id: CallId, now: datetime, *, talking: bool) -> list[AgentEvent]:
        """The seat of somebody who signs in is in a call already."""
        signal = AgentSignal.ANSWERED if talking else AgentSignal.OFFERED
        return self._move(self._agents[agent_id], signal, now, call_id=call_id, wrap_up_until=None)

    def _on_offered(self, agent: Agent, event: CallOffered, now: datetime) -> list[AgentEvent]:
        return self._move(agent, AgentSignal.OFFERED, now, call_id=event.call_id, wrap_up_until=None)

    def _on_offer_ended(self, agent: Agent, event: OfferEnded, now: datetime) -> list[AgentEvent]:
        """A phone that refuses is treated as one that rings out: it would be rung again every second otherwise."""
        if agent.call_id != event.call_id:
            return []
        if event.outcome is not OfferOutcome.CANCELLED:
            agent = replace(agent, reasons=agent.reasons | {PauseReason.NO_ANSWER})
        return self._rest(agent, AgentSignal.OFFER_ENDED, now)

    def _on_answered(self, agent: Agent, event: CallAnswered, now: datetime) -> list[AgentEvent]:
        self._returns.pop(agent.id, None)
        return self._move(agent, AgentSignal.ANSWERED, now, call_id=event.call_id, wrap_up_until=None)

    def _on_leg_ended(self, agent: Agent, event: AgentLegEnded, now: datetime) -> list[AgentEvent]:
        if agent.call_id != event.call_id or event.replaced:
            return []
        if agent.id in self._returns:
            self._returns[agent.id].leg_ended = True
            return []
        return self._leave(agent, now)

    def _on_given_up(self, event: CallQueued | CallEnded, now: datetime) -> list[AgentEvent]:
        """The call goes on, or ends, without the operator who was to be brought back."""
        awaited = [agent for agent in self._agents.values() if agent.id in self._returns]
        return [one for agent in awaited if agent.call_id == event.call_id for one in self._end_return(agent, now)]

    def _end_return(self, agent: Agent, now: datetime) -> list[AgentEvent]:
        expected = self._returns.pop(agent.id)
        return self._leave(agent, now) if expected.leg_ended else []

    def _leave(self, agent: Agent, now: datetime) -> list[AgentEvent]:
        return self._move(agent, AgentSignal.LEG_ENDED, now, wrap_up_until=now + self._wrap_up)

    # what phones and the clock bring ----------------------------------------------------------------------------------

    def phone(self, seat: SeatId, *, there: bool, at: datetime, now: datetime) -> list[AgentEvent]:
        """The phone of a seat is registered and answers the switch, or not; the latest word by ``at`` holds."""
        self._phones.setdefault(seat, Latest(False)).put(there, at)
        agent = next((one for one in self._agents.values() if one.seat == seat), None)
        if agent is None:
            return []
        lost = {PauseReason.DEVICE_LOST}
        reasons = agent.reasons - lost if self._there(seat) else agent.reasons | lost
        return self._put(replace(agent, reasons=reasons), now)

    def tick(self, now: datetime) -> list[AgentEvent]:
        """End the wrap-ups whose time is over, and the waiting for operators who do not come back."""
        late = [self._agents[agent_id] for agent_id, expected in self._returns.items() if expected.until <= now]
        events = [event for agent in late for event in self._end_return(agent, now)]
        over = [one for one in self._agents.values() if one.wrap_up_until and one.wrap_up_until <= now]
        for agent in over:
            agent = replace(agent, reasons=agent.reasons | {PauseReason.WRAP_UP_OVERRUN})
            events += self._rest(agent, AgentSignal.WRAP_UP_ENDED, now)
        return events

    def _there(self, seat: SeatId) -> bool:
        phone = self._phones.get(seat)
        return phone is not None and phone.value

    # the one place where anything changes -----------------------------------------------------------------------------

    def _rest(self, agent: Agent, signal: AgentSignal, now: datetime) -> list[AgentEvent]:
        """Back to rest, with the reason that was chosen meanwhile."""
        chosen = {agent.next_reason} if agent.next_reason else set()
        agent = replace(agent, reasons=agent.reasons | chosen)
        return self._move(agent, signal, now, next_reason=None, call_id=None, wrap_up_until=None)

    def _move(self, agent: Agent, signal: AgentSignal, now: datetime, **changes: Any) -> list[AgentEvent]:
        target = self._machine.step(agent.status, signal)
        return [] if target is None else self._put(replace(agent, status=target, **changes), now)

    def _put(self, agent: Agent, now: datetime) -> list[AgentEvent]:
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


def _found_out(agent: Agent) -> frozenset[PauseReason]:
    """The reasons that no person can drop."""
    return agent.reasons & {PauseReason.DEVICE_LOST}
