"""What is known of one signed-in person, the statuses a shift goes through (TRANSITIONS), and its pause code (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from telephony.commands import WorkplacePart
from telephony.events import AgentStatus, PauseReason
from telephony.ids import AgentId, CallId, QueueName, SeatId
from telephony.targets import SeatKind

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
"""The reasons that a person gives; the others are found out, or a supervisor's."""

FOUND_OUT = frozenset({PauseReason.DEVICE_LOST, PauseReason.SUPERVISOR})
"""The reasons that the person cannot drop."""

IN_A_CALL = frozenset({AgentStatus.RINGING, AgentStatus.TALKING})

WRAPPING_UP = "wrapping_up"
IN_CALL = "in_call"
LEAVING = "leaving"
THEN = "then_"


class CallKind(StrEnum):
    """How somebody came into the present call. While it is not ``QUEUED`` the switch is told to ring nobody here."""

    QUEUED = "queued"
    OWN = "own"
    """Placed by this person."""
    HANDED = "handed"
    """Brought in, or handed over, by another operator."""
    SUPERVISED = "supervised"
    """Somebody else's call; there is nothing to wrap up after it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Agent:
    """What is known of one signed-in person. Immutable: the model replaces it, readers may keep it."""

    id: AgentId
    seat: SeatId
    queues: tuple[QueueName, ...]
    status: AgentStatus
    since: datetime
    signed_in_at: datetime
    kind: SeatKind = SeatKind.SOFTPHONE
    levels: Mapping[QueueName, int] = field(default_factory=dict)
    reasons: frozenset[PauseReason] = frozenset()
    call_id: CallId | None = None
    """The call that rings, is talked on, or is being wrapped up."""
    call_kind: CallKind = CallKind.QUEUED
    next_reason: PauseReason | None = None
    """Chosen during a call or wrap-up: pause with this reason afterwards."""
    wrap_up_until: datetime | None = None
    extended: timedelta = timedelta()
    """How much longer than usual the present wrap-up may take."""
    unfinished: CallId | None = None
    """The call whose wrap-up a ring interrupted: it goes on if nothing comes of the ring."""
    leaving: bool = False
    """Signed out by a supervisor, as soon as the call is over."""
    broken: frozenset[WorkplacePart] = frozenset()

    @property
    def takes_calls(self) -> bool:
        """Whether the switch may ring this seat, as far as we are concerned; it knows itself if the phone is busy."""
        free = self.status is not AgentStatus.WRAPPING_UP and self.unfinished is None
        return free and not self.reasons and not self.leaving and self.call_kind is CallKind.QUEUED

    @property
    def pause_code(self) -> str:
        """Why not, as the switch is told: short words that ``remembered`` reads back after a restart of ours."""
        words: list[str] = sorted(self.reasons)
        if self.status is AgentStatus.WRAPPING_UP or self.unfinished:
            words += [WRAPPING_UP, *([THEN + self.next_reason] if self.next_reason else [])]
        words += [IN_CALL] if self.call_kind is not CallKind.QUEUED else []
        words += [LEAVING] if self.leaving else []
        return "" if self.takes_calls else ",".join(words)


def reasons_of(pause_code: str) -> frozenset[PauseReason]:
    """The reasons in a pause code of ours; a stranger's word counts as OTHER."""
    ours = (WRAPPING_UP, IN_CALL, LEAVING)
    words = [word for word in pause_code.split(",") if word and word not in ours and not word.startswith(THEN)]
    return frozenset(PauseReason(word) if word in set(PauseReason) else PauseReason.OTHER for word in words)


def remembered(agent: Agent, pause_code: str, wrap_up_until: datetime) -> Agent:
    """The agent with all that the switch holds of it from before a restart of ours.

    Somebody who was in a call of which nothing is left has that call to wrap up.
    """
    words = pause_code.split(",")
    chosen = next((word.removeprefix(THEN) for word in words if word.startswith(THEN)), "")
    agent = replace(
        agent,
        reasons=agent.reasons | reasons_of(pause_code) - {PauseReason.DEVICE_LOST},
        next_reason=PauseReason(chosen) if chosen in CHOSEN else None,
        leaving=LEAVING in words,
    )
    if WRAPPING_UP not in words and IN_CALL not in words:
        return agent
    return replace(agent, status=AgentStatus.WRAPPING_UP, wrap_up_until=wrap_up_until)


class AgentSignal(StrEnum):
    """What happens to an operator, or is asked for one."""

    SIGNED_IN = "signed_in"
    SIGNED_OUT = "signed_out"
    OFFERED = "offered"
    OFFER_ENDED = "offer_ended"
    ANSWERED = "answered"
    LEG_ENDED = "leg_ended"
    LET_GO = "let_go"
    """Out of somebody else's call: nothing is wrapped up."""
    WRAP_UP_ENDED = "wrap_up_ended"
    WRAP_UP_RESUMED = "wrap_up_resumed"
    """Nothing came of a ring that had interrupted a wrap-up."""
    DISMISSED = "dismissed"
    """The call is over, and a supervisor has signed this person out."""
    BLOCKED = "blocked"
    """At rest, and a pause reason holds."""
    CLEARED = "cleared"
    """At rest, and no pause reason holds."""


# Why the less obvious rows are as they are:
# * Every way to rest leads to READY; BLOCKED follows at once where a reason holds, so nobody is ready with a reason.
# * PAUSED and WRAPPING_UP x OFFERED: the switch chose this seat before it had read our pause, or the person dials.
# * READY, PAUSED and WRAPPING_UP x ANSWERED: we asked the switch in the middle of a talk, or the ring was never seen.
# * RINGING x OFFERED: the next ring began before the end of the last was told.
# * RINGING x LEG_ENDED: an own call that the citizen did not answer is written up as well.
# * TALKING has no SIGNED_OUT and no BLOCKED: a talk is never cut, and a reason that comes up waits for its end.
# * TALKING x ANSWERED: the operator is back on a new leg after the old one was lost, or took over a call listened to.
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
        AgentSignal.WRAP_UP_RESUMED: AgentStatus.WRAPPING_UP,
        AgentSignal.LEG_ENDED: AgentStatus.WRAPPING_UP,
        AgentSignal.ANSWERED: AgentStatus.TALKING,
        AgentSignal.DISMISSED: AgentStatus.SIGNED_OUT,
    },
    AgentStatus.TALKING: {
        AgentSignal.ANSWERED: AgentStatus.TALKING,
        AgentSignal.LEG_ENDED: AgentStatus.WRAPPING_UP,
        AgentSignal.LET_GO: AgentStatus.READY,
        AgentSignal.WRAP_UP_RESUMED: AgentStatus.WRAPPING_UP,
        AgentSignal.DISMISSED: AgentStatus.SIGNED_OUT,
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
