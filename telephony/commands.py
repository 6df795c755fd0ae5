"""What people (through the server) may ask of the switchboard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from telephony.events import AheadReason, PauseReason
from telephony.ids import AgentId, CallId, ChannelId, LineNumber, QueueName, SeatId, TapId
from telephony.targets import SeatKind, SpyMode, Target, TransferMode


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """Root of what people (through the server) ask of the switchboard."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SignIn(Command):
    """Without queues the seat is there for own calls and supervision only."""

    agent_id: AgentId
    seat: SeatId
    queues: tuple[QueueName, ...]
    kind: SeatKind = SeatKind.SOFTPHONE
    levels: Mapping[QueueName, int] = field(default_factory=dict)
    """How soon this person is rung in each queue, of all who are free: the lowest first; 1 where it is not named."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ServeQueues(Command):
    """What somebody serves from now on, in a shift that goes on; ``levels`` as of ``SignIn``. Calls are not touched."""

    agent_id: AgentId
    queues: tuple[QueueName, ...]
    levels: Mapping[QueueName, int] = field(default_factory=dict)


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
    """Refused once the wrap-up has been extended by all that one may be."""

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


@dataclass(frozen=True, kw_only=True, slots=True)
class CallTarget(Command):
    """Bring somebody else into the call that ``agent_id`` talks in. Refused while another is under way."""

    call_id: CallId
    agent_id: AgentId
    target: Target
    mode: TransferMode


@dataclass(frozen=True, kw_only=True, slots=True)
class GoPrivate(Command):
    """A word with the target alone; the citizen hears music."""

    call_id: CallId
    agent_id: AgentId


@dataclass(frozen=True, kw_only=True, slots=True)
class BringTogether(Command):
    """The citizen comes back in: all three talk."""

    call_id: CallId
    agent_id: AgentId


@dataclass(frozen=True, kw_only=True, slots=True)
class LeaveCall(Command):
    """Hand over: the operator leaves, the citizen stays with the target. Refused while the line is to be kept."""

    call_id: CallId
    agent_id: AgentId


@dataclass(frozen=True, kw_only=True, slots=True)
class DropTarget(Command):
    """Cancel, or end the target's leg: the operator goes on with the citizen."""

    call_id: CallId
    agent_id: AgentId


@dataclass(frozen=True, kw_only=True, slots=True)
class SendBack(Command):
    """The citizen goes to the front of a queue (the call's own, where none is given); the operator leaves."""

    call_id: CallId
    agent_id: AgentId
    queue: QueueName | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class KeepLine(Command):
    """Somebody in danger is not to be handed on: while it holds, the operator can neither leave nor send back."""

    call_id: CallId
    agent_id: AgentId
    on: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class PauseRecording(Command):
    """Record silence while a card or identity number is said; goes on by itself after ``seconds``."""

    call_id: CallId
    agent_id: AgentId
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ResumeRecording(Command):
    call_id: CallId
    agent_id: AgentId


@dataclass(frozen=True, kw_only=True, slots=True)
class Prioritise(Command):
    """Move a caller who waits, or is about to: higher stands in front. By rule of the server, never by an operator."""

    call_id: CallId
    priority: int
    reason: AheadReason


@dataclass(frozen=True, kw_only=True, slots=True)
class AnnounceSurge(Command):
    """From now on every caller hears this prompt before the queue; an empty one ends it."""

    prompt: str = "surge"


@dataclass(frozen=True, kw_only=True, slots=True)
class Supervise(Command):
    """Join the call by the supervisor's own phone in this mode, or change the mode of a supervision that goes on."""

    call_id: CallId
    agent_id: AgentId
    mode: SpyMode


@dataclass(frozen=True, kw_only=True, slots=True)
class EndSupervision(Command):
    call_id: CallId
    agent_id: AgentId


@dataclass(frozen=True, kw_only=True, slots=True)
class TakeOver(Command):
    """The supervisor talks with the citizen from now on, and the operator leaves."""

    call_id: CallId
    agent_id: AgentId


@dataclass(frozen=True, kw_only=True, slots=True)
class ForcePause(Command):
    """A supervisor pauses somebody: kept beside that person's own reasons, and lifted by ``LiftPause`` only."""

    agent_id: AgentId


@dataclass(frozen=True, kw_only=True, slots=True)
class LiftPause(Command):
    agent_id: AgentId


@dataclass(frozen=True, kw_only=True, slots=True)
class ForceSignOut(Command):
    """Out of a call at once, in one at its end and without wrap-up."""

    agent_id: AgentId


class WorkplacePart(StrEnum):
    """What a person needs beside the phone, of which the switch knows by itself."""

    CONSOLE = "console"
    """A window that is open and connected."""
    MICROPHONE = "microphone"


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportDevice(Command):
    """What the console (or its silence) says of the workplace: without it nobody is left ready."""

    agent_id: AgentId
    works: bool
    part: WorkplacePart = WorkplacePart.MICROPHONE


@dataclass(frozen=True, kw_only=True, slots=True)
class PlaceCall(Command):
    """Ring the operator's own phone, and once it is answered call ``number``. ``call_id`` is minted by the server."""

    call_id: CallId
    agent_id: AgentId
    number: str
    line: LineNumber
    """The caller id that the citizen sees."""


class OutcomeKind(StrEnum):
    DONE = "done"
    UNKNOWN = "unknown"
    """Sent and unanswered: the state will show it; never asked a second time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandOutcome:
    """What became of a command. A refusal is an exception (``errors.Refused``), before anything is sent."""

    kind: OutcomeKind
    detail: str = ""
