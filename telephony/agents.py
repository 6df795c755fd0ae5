"""Everybody who is signed in: what is asked of them, what calls, phones and the clock bring (pure)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from telephony.channels import Latest
from telephony.commands import (
    Command,
    ExtendWrapUp,
    FinishWrapUp,
    ForcePause,
    ForceSignOut,
    LiftPause,
    Pause,
    Ready,
    ReportDevice,
    ServeQueues,
    SignIn,
    SignOut,
    WorkplacePart,
)
from telephony.duties import CHOSEN, FOUND_OUT, IN_A_CALL, TRANSITIONS, Agent, AgentSignal, CallKind, remembered
from telephony.errors import Refused
from telephony.events import (
    AgentEvent,
    AgentLegEnded,
    AgentSignedIn,
    AgentStatus,
    CallAnswered,
    CallEnded,
    CallEvent,
    CallOffered,
    CallOutcome,
    CallPlaced,
    CallQueued,
    OfferEnded,
    OfferOutcome,
    PauseReason,
    SupervisionChanged,
    TransferReason,
    TransferStep,
    TransferStepped,
)
from telephony.ids import AgentId, CallId, SeatId
from telephony.roster import Roster
from telephony.tables import Unlisted
from telephony.targets import SeatKind, TargetKind

__all__ = ["CHOSEN", "TRANSITIONS", "Agent", "Agents"]

RETURN_LIMIT = timedelta(seconds=10)
"""An operator whose leg is being brought back talks on for so long; the dialplan gives up before, see RETURN_RING_S."""

UNHEARD = frozenset({TransferReason.NO_ANSWER, TransferReason.BUSY, TransferReason.DECLINED})
"""Reasons of a failed way to an operator that are that operator's own."""

NO_WINDOW = frozenset({WorkplacePart.CONSOLE})
"""What signing in again does not mend: whether a window is there, its connection tells."""

RINGS_TARGET = frozenset({TransferStep.REQUESTED, TransferStep.RINGING})
REACHES_TARGET = frozenset({TransferStep.ANSWERED, TransferStep.JOINED, TransferStep.PRIVATE})
LOSES_TARGET = frozenset(
    {
        TransferStep.ROUTE_FAILED,
        TransferStep.FAILED,
        TransferStep.CANCELLED,
        TransferStep.TARGET_LEFT,
        TransferStep.RETURNED,
        TransferStep.COMPLETED,
        TransferStep.CALLER_LEFT,
    }
)


@dataclass(slots=True)
class _Return:
    """The switch has been asked to bring this operator back into the call."""

    until: datetime
    leg_ended: bool = False


class Agents:
    """Everybody who is signed in. Changes come from commands, from events of calls, from phones, and from the clock."""

    def __init__(self, *, wrap_up_s: float, more_time_s: float = 0.0) -> None:
        """``more_time_s``: by so much, all told, a wrap-up may be extended."""
        self._wrap_up = timedelta(seconds=wrap_up_s)
        self._roster = Roster(self._wrap_up)
        self._more_time = timedelta(seconds=more_time_s)
        self._returns: dict[AgentId, _Return] = {}
        self._forced: set[AgentId] = set()
        self._phones: dict[SeatId, Latest[bool]] = {}
        self._unreachable: set[SeatId] = set()
        """Desk phones that do not answer the switch's questions."""
        self._obey: Mapping[type[Command], Callable[[Any, datetime], list[AgentEvent]]] = {
            SignOut: self._sign_out,
            Pause: self._pause,
            Ready: self._ready,
            ExtendWrapUp: self._extend_wrap_up,
            FinishWrapUp: self._finish_wrap_up,
            ForcePause: self._force_pause,
            LiftPause: self._lift_pause,
            ForceSignOut: self._force_sign_out,
            ReportDevice: self._report_device,
            ServeQueues: self._serve_queues,
        }
        self._heed: Mapping[type[CallEvent], Callable[[Agent, Any, datetime], list[AgentEvent]]] = {
            CallOffered: self._on_offered,
            OfferEnded: self._on_offer_ended,
            CallAnswered: self._on_answered,
            CallPlaced: self._on_placed,
            SupervisionChanged: self._on_supervision,
            AgentLegEnded: self._on_leg_ended,
        }

    @property
    def all(self) -> Mapping[AgentId, Agent]:
        return self._roster.all

    def take_unlisted(self) -> tuple[Unlisted, ...]:
        return self._roster.take_unlisted()

    def signed_in(self, agent_id: AgentId) -> Agent:
        """Raises UnknownAgent."""
        return self._roster.signed_in(agent_id)

    def seats(self) -> dict[str, AgentId]:
        return {agent.seat: agent.id for agent in self.all.values()}

    # what people ask --------------------------------------------------------------------------------------------------

    def sign_in(self, command: SignIn, now: datetime, *, pause_code: str = "") -> list[AgentEvent]:
        """``pause_code``: what the switch holds of this member from before a restart of ours. Raises Refused.

        Signing in again, from another window, is a new look at the same shift: what it serves may have changed.
        """
        known = self._roster.get(command.agent_id)
        self._check_seat(command, known)
        if known is not None:
            again = replace(known, broken=known.broken & NO_WINDOW, queues=command.queues, levels=command.levels)
            return self._workplace(again, now)
        self._returns.pop(command.agent_id, None)
        agent = Agent(
            id=command.agent_id,
            seat=command.seat,
            kind=command.kind,
            queues=command.queues,
            levels=command.levels,
            status=self._roster.first_status(),
            since=now,
            signed_in_at=now,
        )
        if command.agent_id in self._forced:
            agent = replace(agent, reasons=frozenset({PauseReason.SUPERVISOR}))
        agent = remembered(agent, pause_code, now + self._wrap_up)
        if PauseReason.SUPERVISOR in agent.reasons:
            self._forced.add(agent.id)
        arrived = AgentSignedIn(at=now, agent_id=agent.id, seat=agent.seat)
        return [arrived, *self._workplace(agent, now)]

    def obey(self, command: Command, now: datetime) -> list[AgentEvent]:
        """Carry out what is asked for somebody's status. Raises UnknownAgent, Refused."""
        return self._obey[type(command)](command, now)

    def obeys(self, command: Command) -> bool:
        return type(command) in self._obey

    def _check_seat(self, command: SignIn, known: Agent | None) -> None:
        if known is not None and known.seat != command.seat:
            raise Refused(command="SignIn", state=known.status, reason="signed in at another seat")
        if any(one.seat == command.seat and one.id != command.agent_id for one in self.all.values()):
            raise Refused(command="SignIn", state=AgentStatus.SIGNED_OUT, reason="somebody else sits at this seat")

    def _sign_out(self, command: SignOut, now: datetime) -> list[AgentEvent]:
        agent = self.signed_in(command.agent_id)
        if not self._roster.may(agent, AgentSignal.SIGNED_OUT):
            raise Refused(command="SignOut", state=agent.status, reason="in a call")
        return self._roster.remove(agent, AgentSignal.SIGNED_OUT, now)

    def _pause(self, command: Pause, now: datetime) -> list[AgentEvent]:
        agent = self.signed_in(command.agent_id)
        if command.reason not in CHOSEN:
            raise Refused(command="Pause", state=agent.status, reason="not a reason that a person gives")
        if agent.status in IN_A_CALL or agent.status is AgentStatus.WRAPPING_UP:
            return self._roster.put(replace(agent, next_reason=command.reason), now)
        return self._roster.put(replace(agent, reasons=agent.reasons & FOUND_OUT | {command.reason}), now)

    def _ready(self, command: Ready, now: datetime) -> list[AgentEvent]:
        agent = replace(self.signed_in(command.agent_id), next_reason=None)
        if agent.status in IN_A_CALL:
            return self._roster.put(agent, now)
        agent = replace(agent, reasons=agent.reasons & FOUND_OUT)
        if agent.status is AgentStatus.WRAPPING_UP:
            return self._roster.rest(agent, AgentSignal.WRAP_UP_ENDED, now)
        return self._roster.put(agent, now)

    def _extend_wrap_up(self, command: ExtendWrapUp, now: datetime) -> list[AgentEvent]:
        """As much as is asked for and left; refused where nothing is left."""
        agent = self._wrapping_up(command.agent_id, "ExtendWrapUp")
        more = min(timedelta(seconds=command.seconds), self._more_time - agent.extended)
        if more <= timedelta():
            raise Refused(command="ExtendWrapUp", state=agent.status, reason="no more time")
        until = (agent.wrap_up_until or now) + more
        return self._roster.put(replace(agent, wrap_up_until=until, extended=agent.extended + more), now)

    def _finish_wrap_up(self, command: FinishWrapUp, now: datetime) -> list[AgentEvent]:
        agent = self._wrapping_up(command.agent_id, "FinishWrapUp")
        return self._roster.rest(agent, AgentSignal.WRAP_UP_ENDED, now)

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

    # what supervisors ask, and what is said of the workplace ----------------------------------------------------------

    def _force_pause(self, command: ForcePause, now: datetime) -> list[AgentEvent]:
        """At once, in a call too: the call goes on, and no other follows."""
        agent = self.signed_in(command.agent_id)
        self._forced.add(agent.id)
        return self._roster.put(replace(agent, reasons=agent.reasons | {PauseReason.SUPERVISOR}), now)

    def _lift_pause(self, command: LiftPause, now: datetime) -> list[AgentEvent]:
        agent = self.signed_in(command.agent_id)
        self._forced.discard(agent.id)
        return self._roster.put(replace(agent, reasons=agent.reasons - {PauseReason.SUPERVISOR}), now)

    def _serve_queues(self, command: ServeQueues, now: datetime) -> list[AgentEvent]:
        agent = self.signed_in(command.agent_id)
        return self._roster.put(replace(agent, queues=command.queues, levels=command.levels), now)

    def _force_sign_out(self, command: ForceSignOut, now: datetime) -> list[AgentEvent]:
        agent = self.signed_in(command.agent_id)
        if agent.status in IN_A_CALL:
            return self._roster.put(replace(agent, leaving=True), now)
        return self._roster.remove(agent, AgentSignal.SIGNED_OUT, now, forced=True)

    def _report_device(self, command: ReportDevice, now: datetime) -> list[AgentEvent]:
        agent = self.signed_in(command.agent_id)
        broken = agent.broken - {command.part} if command.works else agent.broken | {command.part}
        return self._workplace(replace(agent, broken=broken), now)

    # what calls bring -------------------------------------------------------------------------------------------------

    def heed(self, event: CallEvent, now: datetime) -> list[AgentEvent]:
        """What an event of a call means for the operators it concerns; nothing for those who are not signed in."""
        if isinstance(event, TransferStepped):
            return self._on_transfer(event, now)
        if isinstance(event, CallQueued | CallEnded):
            return self._on_given_up(event, now)
        heed = self._heed.get(type(event))
        agent = self._roster.get(getattr(event, "agent_id", AgentId("")))
        return heed(agent, event, now) if heed and agent else []

    def take_over(
        self, agent_id: AgentId, call_id: CallId, now: datetime, *, talking: bool, kind: CallKind = CallKind.QUEUED
    ) -> list[AgentEvent]:
        """The seat of somebody who signs in is in a call already."""
        signal = AgentSignal.ANSWERED if talking else AgentSignal.OFFERED
        return self._roster.engage(self.signed_in(agent_id), signal, call_id, kind, now)

    def expect_call(
        self, agent_id: AgentId, call_id: CallId, kind: CallKind, command: str, now: datetime
    ) -> list[AgentEvent]:
        """This person's phone is about to be rung for a call that comes from no queue. Raises UnknownAgent, Refused."""
        agent = self.signed_in(agent_id)
        if agent.status in IN_A_CALL:
            raise Refused(command=command, state=agent.status, reason="in a call")
        if PauseReason.DEVICE_LOST in agent.reasons:
            raise Refused(command=command, state=agent.status, reason="no phone")
        return self._roster.engage(agent, AgentSignal.OFFERED, call_id, kind, now)

    def never_mind(self, agent_id: AgentId, call_id: CallId, now: datetime) -> list[AgentEvent]:
        """Nothing comes of the call that was to be expected."""
        agent = self._roster.get(agent_id)
        rings = agent is not None and agent.status is AgentStatus.RINGING and agent.call_id == call_id
        return self._roster.silence(agent, now) if agent is not None and rings else []

    def _on_offered(self, agent: Agent, event: CallOffered, now: datetime) -> list[AgentEvent]:
        return self._roster.engage(agent, AgentSignal.OFFERED, event.call_id, CallKind.QUEUED, now)

    def _on_offer_ended(self, agent: Agent, event: OfferEnded, now: datetime) -> list[AgentEvent]:
        """A phone that refuses is treated as one that rings out: it would be rung again every second otherwise."""
        if agent.call_id != event.call_id or agent.status is not AgentStatus.RINGING:
            return []
        return self._roster.silence(agent, now, unheard=event.outcome is not OfferOutcome.CANCELLED)

    def _on_answered(self, agent: Agent, event: CallAnswered, now: datetime) -> list[AgentEvent]:
        self._returns.pop(agent.id, None)
        same = agent.call_id == event.call_id
        kind = agent.call_kind if same and agent.call_kind is not CallKind.SUPERVISED else CallKind.QUEUED
        kind = CallKind.HANDED if event.transferred and kind is CallKind.QUEUED else kind
        return self._roster.engage(agent, AgentSignal.ANSWERED, event.call_id, kind, now)

    def _on_placed(self, agent: Agent, event: CallPlaced, now: datetime) -> list[AgentEvent]:
        if agent.call_id == event.call_id:
            return []
        return self._roster.engage(agent, AgentSignal.OFFERED, event.call_id, CallKind.OWN, now)

    def _on_supervision(self, agent: Agent, event: SupervisionChanged, now: datetime) -> list[AgentEvent]:
        if event.mode is not None:
            return self._roster.engage(agent, AgentSignal.ANSWERED, event.call_id, CallKind.SUPERVISED, now)
        return self._roster.let_go(agent, now) if agent.call_kind is CallKind.SUPERVISED else []

    def _on_transfer(self, event: TransferStepped, now: datetime) -> list[AgentEvent]:
        """The operator whom another one brings in."""
        agent = self._roster.get(AgentId(event.target.value)) if event.target.kind is TargetKind.AGENT else None
        if agent is None:
            return []
        here = agent.call_id == event.call_id and agent.call_kind is CallKind.HANDED
        if event.step in RINGS_TARGET and not here and agent.status not in IN_A_CALL:
            return self._roster.engage(agent, AgentSignal.OFFERED, event.call_id, CallKind.HANDED, now)
        if event.step in REACHES_TARGET and not (here and agent.status is AgentStatus.TALKING):
            return self._roster.engage(agent, AgentSignal.ANSWERED, event.call_id, CallKind.HANDED, now)
        rings_on = event.step is TransferStep.OPERATOR_LOST and agent.status is AgentStatus.RINGING
        if here and (event.step in LOSES_TARGET or rings_on):
            return self._roster.lose(agent, now, unheard=event.reason in UNHEARD)
        return []

    def _on_leg_ended(self, agent: Agent, event: AgentLegEnded, now: datetime) -> list[AgentEvent]:
        in_it = agent.call_id == event.call_id and agent.status in IN_A_CALL
        if not in_it or event.replaced or agent.call_kind is CallKind.SUPERVISED:
            return []
        if agent.id in self._returns:
            self._returns[agent.id].leg_ended = True
            return []
        return self._roster.leave(agent, now)

    def _on_given_up(self, event: CallQueued | CallEnded, now: datetime) -> list[AgentEvent]:
        """The call goes on, or ends, without those who were to be brought back; with its end it has nobody in it."""
        concerned = self._roster.engaged_in(event.call_id)
        events = [one for agent in concerned if agent.id in self._returns for one in self._end_return(agent.id, now)]
        if isinstance(event, CallEnded):
            left = (self._roster.get(agent.id) for agent in concerned)
            lose = self._roster.silence if event.outcome is CallOutcome.NOT_PLACED else self._roster.lose
            events += [one for agent in left if agent and agent.status in IN_A_CALL for one in lose(agent, now)]
        return events

    def _end_return(self, agent_id: AgentId, now: datetime) -> list[AgentEvent]:
        expected, agent = self._returns.pop(agent_id), self._roster.get(agent_id)
        return self._roster.leave(agent, now) if agent is not None and expected.leg_ended else []

    # what phones and the clock bring ----------------------------------------------------------------------------------

    def phone(
        self, seat: SeatId, *, there: bool, at: datetime, now: datetime, in_use: bool = False
    ) -> list[AgentEvent]:
        """The phone of a seat is registered and answers the switch, or not; the latest word by ``at`` holds.

        ``in_use``: there because it is in a talk, as the switch says of a desk phone even if it cannot be reached.
        """
        if in_use and seat in self._unreachable:
            return []
        self._unreachable.discard(seat)
        self._phones.setdefault(seat, Latest(False)).put(there, at)
        agent = self._roster.at(seat)
        return [] if agent is None else self._workplace(agent, now)

    def unreachable(self, seat: SeatId, *, at: datetime, now: datetime) -> list[AgentEvent]:
        """A desk phone is there once only, so it is gone, in a talk too. A page that reloads registers anew before its
        old contact goes: of a softphone this says nothing."""
        agent = self._roster.at(seat)
        if agent is None or agent.kind is not SeatKind.DESK_PHONE:
            return []
        events = self.phone(seat, there=False, at=at, now=now)
        self._unreachable.add(seat)
        return events

    def tick(self, now: datetime) -> list[AgentEvent]:
        """End the wrap-ups whose time is over, and the waiting for operators who do not come back.

        Who was to leave after a call that ended while we were away leaves now.
        """
        late = [agent_id for agent_id, expected in self._returns.items() if expected.until <= now]
        events = [event for agent_id in late for event in self._end_return(agent_id, now)]
        leaving = [one for one in self.all.values() if one.leaving and one.status not in IN_A_CALL]
        events += [
            one for agent in leaving for one in self._roster.remove(agent, AgentSignal.SIGNED_OUT, now, forced=True)
        ]
        wrapping_up = [one for one in self.all.values() if one.status is AgentStatus.WRAPPING_UP]
        for agent in wrapping_up:
            if agent.wrap_up_until and agent.wrap_up_until <= now:
                agent = replace(agent, reasons=agent.reasons | {PauseReason.WRAP_UP_OVERRUN})
                events += self._roster.rest(agent, AgentSignal.WRAP_UP_ENDED, now)
        return events

    def _workplace(self, agent: Agent, now: datetime) -> list[AgentEvent]:
        """Keep the agent, with or without a workplace that works."""
        phone = self._phones.get(agent.seat)
        works = phone is not None and phone.value and not agent.broken
        lost = {PauseReason.DEVICE_LOST}
        return self._roster.put(replace(agent, reasons=agent.reasons - lost if works else agent.reasons | lost), now)
