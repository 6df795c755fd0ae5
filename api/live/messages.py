"""Every message of ``hotline.v1`` and the data of every channel, as models: the console is held to their JSON schema.

Times are milliseconds since the epoch; a time or figure that is not known is null.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from pydantic.json_schema import models_json_schema

from api.live.parts import (
    Alert,
    CallbackCounts,
    CallbackHead,
    CueData,
    DriftData,
    HandoffHead,
    Kpi,
    PartyData,
    SupervisionData,
    SurgeData,
    TransferData,
)
from asr.recognizer import SpeechLevel
from telephony.calls import CallPhase
from telephony.events import AgentStatus, AheadReason, CallOutcome, LinkState, PauseReason
from telephony.targets import SeatKind

PROTOCOL = "hotline.v1"
MAX_MESSAGE_BYTES = 16 * 1024
HEARTBEAT_MS = 5_000


class CloseCode(IntEnum):
    """Why the server closes. The console comes back by itself after SLOW and DRAINING only."""

    TICKET = 4001
    SUPERSEDED = 4002
    SESSION_ENDED = 4003
    PROTOCOL = 4004
    SLOW = 4008
    DRAINING = 4010


class ErrorCode(StrEnum):
    FORBIDDEN = "forbidden"
    UNKNOWN_CHANNEL = "unknown_channel"
    """No such channel, or a call that is neither live nor ended within the last minutes."""
    TOO_MANY = "too_many"


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


# -- what a console sends


class Subscription(_Message):
    """``epoch`` and ``seq`` of what it already has: patches since then, if the server still has them."""

    ch: str = Field(min_length=1, max_length=80)
    epoch: str | None = Field(default=None, max_length=40)
    seq: int | None = Field(default=None, ge=0)


class Hello(_Message):
    """The first message, within 5 s. ``tab`` is a random id of the browser tab, ``build`` the console's build."""

    t: Literal["hello"]
    v: Literal[1]
    ticket: str = Field(min_length=1, max_length=120)
    tab: str = Field(min_length=1, max_length=64)
    build: str = Field(default="", max_length=64)
    subs: list[Subscription] = Field(default_factory=list, max_length=16)


class ClientHeartbeat(_Message):
    t: Literal["hb"]
    now: int


class Subscribe(_Message):
    t: Literal["sub"]
    ch: str = Field(min_length=1, max_length=80)
    epoch: str | None = Field(default=None, max_length=40)
    seq: int | None = Field(default=None, ge=0)


class Unsubscribe(_Message):
    t: Literal["unsub"]
    ch: str = Field(min_length=1, max_length=80)


class Resync(_Message):
    """A gap: everything after ``have`` again (or a snapshot)."""

    t: Literal["resync"]
    ch: str = Field(min_length=1, max_length=80)
    have: int = Field(ge=0)


ClientMessage = Annotated[
    Hello | ClientHeartbeat | Subscribe | Unsubscribe | Resync,
    Field(discriminator="t"),
]
client_message: TypeAdapter[Hello | ClientHeartbeat | Subscribe | Unsubscribe | Resync] = TypeAdapter(ClientMessage)


# -- what the channels hold


class SwitchState(_Message):
    state: LinkState
    reason: str = ""


class DatabaseState(_Message):
    state: Literal["ok", "degraded", "down"]
    reason: str = ""


class SpeechState(_Message):
    """``complete``: of a call, the share of its speech that has become text, in tenths; null where nobody was heard to
    speak. ``recording``: what is or was done to read the rest from the recording."""

    state: SpeechLevel
    reason: str = ""
    engine: str = ""
    complete: float | None = None
    recording: Literal["", "pending", "reread", "no_recording", "unreadable", "failed"] = ""


class Links(_Message):
    switch: SwitchState
    speech: SpeechState
    database: DatabaseState


class AgentData(_Message):
    id: str
    display_name: str
    seat: str
    seat_kind: SeatKind
    status: AgentStatus
    reasons: list[PauseReason]
    since: int
    call_id: str | None
    next_reason: PauseReason | None
    wrap_up_until: int | None


class Today(_Message):
    """Since local midnight; ``handle_s`` is the mean from answer to the end of wrap-up."""

    answered: int
    handle_s: float | None


class MeData(_Message):
    """Channel ``me``. ``call`` is the call that rings, is talked on or is wrapped up: subscribe ``call/{id}``."""

    agent: AgentData | None
    call: str | None
    links: Links
    today: Today
    alerts: list[Alert]
    callbacks: CallbackCounts


class CallerData(_Message):
    number: str
    name: str
    repeat_7d: int
    open_tickets: int


class CallInfo(_Message):
    id: str
    phase: CallPhase
    caller: CallerData
    line: str
    queue: str | None
    arrived_at: int
    queued_at: int | None
    offered_at: int | None
    ring_s: float
    answered_at: int | None
    held_since: int | None
    agent_left_at: int | None
    ended_at: int | None
    ended_by: str | None
    outcome: CallOutcome | None
    answered_by: str | None
    direction: Literal["inbound", "outbound"]
    centre: str
    """Code of the partner centre that sent the call; empty for a citizen's own."""
    summary: str
    """What that centre sent along."""
    machine: bool
    """Whoever answered an operator's call sounds like a mailbox: a hint."""
    keep_line: bool
    recording_paused_until: int | None
    priority_reason: AheadReason | None
    """Why this citizen waits, or waited, in front of others."""


class Segment(_Message):
    """One turn. A higher ``rev`` replaces a lower one of the same ``seg``; a final one never changes again."""

    seg: int
    rev: int
    who: Literal["caller", "agent", "centre"]
    text: str
    t0: float
    t1: float
    final: bool


class CallData(_Message):
    """Channel ``call/{id}``. ``draft`` is the ticket draft exactly as ``GET /api/v1/drafts/{id}`` gives it."""

    call: CallInfo
    speech: SpeechState
    transcript: list[Segment]
    draft: dict[str, Any] | None
    transfer: TransferData | None
    parties: list[PartyData]
    supervision: SupervisionData | None
    """Operators see it only where the policy says so."""
    cues: list[CueData]


class Waiting(_Message):
    call_id: str
    since: int | None
    number: str
    priority_reason: AheadReason | None


class QueueLine(_Message):
    """``waiting`` only for those who may see it; first in line first."""

    count: int
    longest_since: int | None
    waiting: list[Waiting] | None = None


class AgentCounts(_Message):
    ready: int
    talking: int
    wrapping_up: int
    paused: int
    signed_in: int


class QueueData(_Message):
    """Channel ``queue``."""

    queues: dict[str, QueueLine]
    agents: AgentCounts


class WallAgent(AgentData):
    """``line`` and ``call_since`` are of the call this person is in."""

    line: str | None
    call_since: int | None


class WallCall(_Message):
    """``since`` is when the present phase began, as far as it is known. ``number`` is masked."""

    id: str
    phase: CallPhase
    line: str
    agent_id: str | None
    since: int
    number: str
    transfer: TransferData | None
    direction: Literal["inbound", "outbound"]
    centre: str
    keep_line: bool
    supervision: SupervisionData | None
    priority_reason: AheadReason | None


class WallData(_Message):
    """Channel ``wall``, for supervisors: everybody and every call at once."""

    agents: list[WallAgent]
    calls: list[WallCall]
    queues: dict[str, QueueLine]
    kpi: Kpi
    alarms: list[Alert]
    drift: DriftData
    surge: SurgeData


class EmergencyData(_Message):
    """Channel ``emergency``: handoffs that are not settled, newest first; operators see their own."""

    handoffs: list[HandoffHead]


class TasksData(_Message):
    """Channel ``tasks``: the callbacks that are due first."""

    callbacks: list[CallbackHead]
    counts: CallbackCounts


# -- what the server sends


class Welcome(_Message):
    """``hb`` is the heartbeat in milliseconds, ``now`` the server's clock."""

    t: Literal["welcome"] = "welcome"
    sid: str
    role: str
    perms: list[str]
    hb: int = HEARTBEAT_MS
    now: int
    build: str


class MeSnapshot(_Message):
    t: Literal["snap"] = "snap"
    ch: Literal["me"] = "me"
    epoch: str
    seq: int
    data: MeData


class QueueSnapshot(_Message):
    t: Literal["snap"] = "snap"
    ch: Literal["queue"] = "queue"
    epoch: str
    seq: int
    data: QueueData


class WallSnapshot(_Message):
    t: Literal["snap"] = "snap"
    ch: Literal["wall"] = "wall"
    epoch: str
    seq: int
    data: WallData


class EmergencySnapshot(_Message):
    t: Literal["snap"] = "snap"
    ch: Literal["emergency"] = "emergency"
    epoch: str
    seq: int
    data: EmergencyData


class TasksSnapshot(_Message):
    t: Literal["snap"] = "snap"
    ch: Literal["tasks"] = "tasks"
    epoch: str
    seq: int
    data: TasksData


class CallSnapshot(_Message):
    t: Literal["snap"] = "snap"
    ch: str = Field(pattern=r"^call/.+$")
    epoch: str
    seq: int
    data: CallData


SetOp = tuple[Literal["set"], str, Any]
DelOp = tuple[Literal["del"], str]
AppOp = tuple[Literal["app"], Literal["transcript"], Segment]


class PatchMessage(_Message):
    """``seq`` is one more than the last of this channel; ``ts`` when it happened here."""

    t: Literal["p"] = "p"
    ch: str
    seq: int
    ts: int
    ops: list[SetOp | DelOp | AppOp]


class BatchMessage(_Message):
    """Patches of one or several channels, order kept."""

    t: Literal["b"] = "b"
    p: list[PatchMessage]


class ServerHeartbeat(_Message):
    """``seqs`` of every subscribed channel: shows that a patch is missing even when none follows."""

    t: Literal["hb"] = "hb"
    now: int
    seqs: dict[str, int]


class ErrorMessage(_Message):
    t: Literal["err"] = "err"
    ch: str
    code: ErrorCode


class Bye(_Message):
    """The last message before the socket closes with ``code``. Come back after a random time within ``retry`` (ms)."""

    t: Literal["bye"] = "bye"
    code: CloseCode
    retry: tuple[int, int] | None = None


ServerMessage = (
    Welcome
    | MeSnapshot
    | QueueSnapshot
    | WallSnapshot
    | EmergencySnapshot
    | TasksSnapshot
    | CallSnapshot
    | PatchMessage
    | BatchMessage
    | ServerHeartbeat
    | ErrorMessage
    | Bye
)
server_message: TypeAdapter[ServerMessage] = TypeAdapter(ServerMessage)


def json_schema() -> dict[str, Any]:
    """One document: ``$defs`` of every model, and which of them each side may send."""
    sent_by_client: list[type[BaseModel]] = [Hello, ClientHeartbeat, Subscribe, Unsubscribe, Resync]
    sent_by_server: list[type[BaseModel]] = [
        Welcome,
        MeSnapshot,
        QueueSnapshot,
        WallSnapshot,
        EmergencySnapshot,
        TasksSnapshot,
        CallSnapshot,
        PatchMessage,
        BatchMessage,
        ServerHeartbeat,
        ErrorMessage,
        Bye,
    ]
    refs, definitions = models_json_schema(
        [
            *((model, "validation") for model in sent_by_client),
            *((model, "serialization") for model in sent_by_server),
        ],
        title=PROTOCOL,
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": PROTOCOL,
        "client": {"oneOf": [refs[model, "validation"] for model in sent_by_client]},
        "server": {"oneOf": [refs[model, "serialization"] for model in sent_by_server]},
        "closeCodes": {code.name: int(code) for code in CloseCode},
        **{key: value for key, value in definitions.items() if key == "$defs"},
    }
