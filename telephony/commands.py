"""What may be asked: commands of people to the switchboard, and orders of the switchboard to the switch."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from telephony.events import PauseReason
from telephony.ids import AgentId, CallId, ChannelId, QueueName, SeatId, TapId

RECOVER = "recover"
"""The context of the dialplan that brings an operator back whose leg was lost; its extensions are the seats."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """Root of what people (through the server) ask of the switchboard."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SignIn(Command):
    agent_id: AgentId
    seat: SeatId
    queues: tuple[QueueName, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class SignOut(Command):
    agent_id: AgentId


@dataclass(frozen=True, kw_only=True, slots=True)
class Pause(Command):
    """Take no calls for this reason. During a call or wrap-up it is kept as the next status."""

    agent_id: AgentId
    reason: PauseReason


@dataclass(frozen=True, kw_only=True, slots=True)
class Ready(Command):
    """Drop every reason that a person can drop (not DEVICE_LOST). Ends a wrap-up; in a call it clears the next one."""

    agent_id: AgentId


@dataclass(frozen=True, kw_only=True, slots=True)
class ExtendWrapUp(Command):
    agent_id: AgentId
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class FinishWrapUp(Command):
    """End the wrap-up: pause with the reason chosen meanwhile, if one was, else ready."""

    agent_id: AgentId


@dataclass(frozen=True, kw_only=True, slots=True)
class HangUpCall(Command):
    """End the whole call from the server (the phone's own hang-up is the usual way)."""

    call_id: CallId
    agent_id: AgentId


@dataclass(frozen=True, kw_only=True, slots=True)
class RecoverCall(Command):
    """Ring my own phone for the call I am in: its leg is dead or about to die, and the citizen is on the line."""

    agent_id: AgentId


@dataclass(frozen=True, kw_only=True, slots=True)
class TapLeg(Command):
    """Bring the sound that comes *from* one leg to our AudioSocket server, beside the call."""

    call_id: CallId
    channel: ChannelId
    tap_id: TapId
    address: str
    """``host:port`` of our AudioSocket server as the switch reaches it."""


class OutcomeKind(StrEnum):
    DONE = "done"
    UNKNOWN = "unknown"
    """Sent and unanswered: the state will show it; never asked a second time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandOutcome:
    """What became of a command. A refusal is an exception (``errors.Refused``), before anything is sent."""

    kind: OutcomeKind
    detail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """Root of what the switchboard tells the switch to do; ``ami.actions`` writes it as headers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AddMember(Order):
    queue: QueueName
    seat: SeatId
    agent_id: AgentId
    paused: bool
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoveMember(Order):
    queue: QueueName
    seat: SeatId


@dataclass(frozen=True, kw_only=True, slots=True)
class PauseMember(Order):
    """In every queue of the seat."""

    seat: SeatId
    paused: bool
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class HangUpChannel(Order):
    """By exact Uniqueid or full name, never a pattern."""

    channel: ChannelId


@dataclass(frozen=True, kw_only=True, slots=True)
class RedirectChannel(Order):
    """Let the channel go on at another place of the dialplan; whatever it was doing ends."""

    channel: ChannelId
    context: str
    exten: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SpyToSocket(Order):
    """Originate ``AudioSocket/<address>/<tap_id>`` running ``ChanSpy(<channel name>, qoES...)``."""

    channel_name: str
    tap_id: TapId
    address: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportAlive(Order):
    """Set the global HOTLINE_ALIVE to the epoch second, so that the dialplan knows that we live."""

    epoch_s: int
