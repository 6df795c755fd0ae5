"""What the switch said, typed, in Asterisk's words. Made by ``ami.messages`` and ``ami.resync``; read by the models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from telephony.ids import BridgeId, CallId, ChannelId, QueueName


@dataclass(frozen=True, kw_only=True, slots=True)
class Channel:
    """One channel as a frame describes it (headers ``Channel``, ``Uniqueid``, ``Linkedid``, ``ChanVariable`` ...).

    ``call_id`` is the channel variable ``HOTLINE_CALL_ID``, ``None`` where the channel has none (yet).
    ``state`` is ``ChannelStateDesc``: Down, Ring, Ringing, Up, Busy ... Empty strings stand for ``<unknown>``.
    """

    id: ChannelId
    name: str
    linked_id: ChannelId
    state: str
    call_id: CallId | None = None
    caller_number: str = ""
    caller_name: str = ""
    context: str = ""
    exten: str = ""

    @property
    def endpoint(self) -> str:
        """``8001`` of ``PJSIP/8001-0000001a``; the whole name where it has not that form."""
        technology, _, rest = self.name.partition("/")
        return rest.rpartition("-")[0] or rest or technology


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """``at`` is the server's ``Timestamp`` (aware UTC), or the time of receipt where a frame has none."""

    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class NewChannel(Fact):
    channel: Channel


@dataclass(frozen=True, kw_only=True, slots=True)
class NewState(Fact):
    channel: Channel


@dataclass(frozen=True, kw_only=True, slots=True)
class Hangup(Fact):
    """``cause`` is the Q.850 number (16 normal, 17 busy, 0 not given)."""

    channel: Channel
    cause: int


@dataclass(frozen=True, kw_only=True, slots=True)
class HangupRequest(Fact):
    """The far end of this channel asked to end it: this is who hung up."""

    channel: Channel


@dataclass(frozen=True, kw_only=True, slots=True)
class DialBegin(Fact):
    """``channel`` is absent when the switch itself dials (Originate)."""

    channel: Channel | None
    dest: Channel


@dataclass(frozen=True, kw_only=True, slots=True)
class DialEnd(Fact):
    """``status`` is ``DialStatus``: ANSWER, BUSY, NOANSWER, CANCEL, CONGESTION, CHANUNAVAIL ..."""

    channel: Channel | None
    dest: Channel
    status: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DialState(Fact):
    """A sign of life from a phone that is being called; ``status`` is RINGING, PROGRESS (sound before an answer) ..."""

    channel: Channel | None
    dest: Channel
    status: str


@dataclass(frozen=True, kw_only=True, slots=True)
class BridgeEnter(Fact):
    bridge: BridgeId
    channel: Channel


@dataclass(frozen=True, kw_only=True, slots=True)
class BridgeLeave(Fact):
    bridge: BridgeId
    channel: Channel


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueCallerJoin(Fact):
    queue: QueueName
    channel: Channel
    position: int


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueCallerLeave(Fact):
    queue: QueueName
    channel: Channel


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueCallerAbandon(Fact):
    """Also sent when a waiting caller is redirected: not an abandonment unless a Hangup of the channel follows."""

    queue: QueueName
    channel: Channel


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentCalled(Fact):
    """A member starts to be rung. ``interface`` is ``PJSIP/8001``; ``member`` is ``MemberName`` = our AgentId."""

    queue: QueueName
    channel: Channel
    dest: Channel
    interface: str
    member: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentConnect(Fact):
    queue: QueueName
    channel: Channel
    dest: Channel
    interface: str
    member: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentRingNoAnswer(Fact):
    """``ring_ms`` is ``RingTime`` in milliseconds; 0 when the phone refused at once (busy)."""

    queue: QueueName
    channel: Channel
    dest: Channel
    interface: str
    member: str
    ring_ms: int


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueMember(Fact):
    """QueueMemberAdded / Status / Pause / Penalty, or one member of QueueStatus. Of lower penalties are rung first.

    ``status`` is the device state number: 1 not in use, 2 in use, 5 unavailable, 6 ringing, 0 unknown, 4 invalid.
    """

    queue: QueueName
    interface: str
    member: str
    status: int
    paused: bool
    paused_reason: str = ""
    penalty: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueMemberRemoved(Fact):
    queue: QueueName
    interface: str
    member: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceStateChange(Fact):
    """``device`` e.g. ``PJSIP/8001``; ``state``: NOT_INUSE, INUSE, RINGING, ONHOLD, UNAVAILABLE, INVALID, UNKNOWN."""

    device: str
    state: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ContactStatus(Fact):
    """A phone's registration: ``status`` Created, Removed, Reachable, Unreachable, NonQualified, Updated."""

    endpoint: str
    status: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Hold(Fact):
    """``channel`` is the leg that pressed hold."""

    channel: Channel


@dataclass(frozen=True, kw_only=True, slots=True)
class Unhold(Fact):
    channel: Channel


@dataclass(frozen=True, kw_only=True, slots=True)
class OriginateResponse(Fact):
    """``reason`` 4 answered, 3 no answer, 0 busy or bad endpoint, 8 refused. ``channel_id`` is the one we gave."""

    channel_id: ChannelId
    ok: bool
    reason: int


@dataclass(frozen=True, kw_only=True, slots=True)
class UserEvent(Fact):
    """An event of our own dialplan (``HotlineArrived`` ...); ``fields`` are its headers as sent."""

    name: str
    fields: Mapping[str, str]
    channel: Channel | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Echo(Fact):
    """What ``orders.AskForEcho`` sent has come back: everything that the switch said before it has been heard."""

    token: str


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueEntry:
    """One waiting caller of a QueueStatus answer."""

    queue: QueueName
    channel_id: ChannelId
    position: int
    wait_s: int


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveChannel:
    """One channel of a ``Status`` answer. ``age_s`` is ``Seconds``, ``application`` that of the dialplan it is in.

    ``variables`` are those of ``ami.messages.KEPT_VARIABLES`` that the channel has.
    """

    channel: Channel
    bridge: BridgeId | None
    age_s: int
    application: str
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot(Fact):
    """Everything the switch knows, asked in one go (``at`` = server time just *before* asking).

    Newer facts win over it; a channel of ours that it does not list and whose last fact is older has ended.
    ``all_channels``, ``all_queues``: False where a part of that list was refused or lost on its way; what is not in it
    may be there all the same.
    """

    started_at: datetime
    channels: tuple[LiveChannel, ...] = ()
    members: tuple[QueueMember, ...] = ()
    entries: tuple[QueueEntry, ...] = ()
    devices: Mapping[str, str] = field(default_factory=dict)
    all_channels: bool = True
    all_queues: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkLost(Fact):
    """Made by the gateway, not by Asterisk: from here on until the next Snapshot nothing is known."""

    reason: str
