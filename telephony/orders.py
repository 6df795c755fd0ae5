"""What the switchboard tells the switch to do; ``ami.actions`` writes each order as the headers of one action."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from telephony.ids import AgentId, CallId, ChannelId, QueueName, SeatId, TapId

RECOVER = "recover"
"""The context of the dialplan that brings an operator back whose leg was lost; its extensions are the seats."""

FRONT = 1000
"""The priority of a citizen whose talk was cut off or who is sent on: in front of everybody but other such."""


IN_FLIGHT = timedelta(seconds=5)
"""An order younger than this may not show in a snapshot yet: no difference is concluded from it."""


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
    penalty: int = 1
    """Of all who are free, those with the lowest are rung first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoveMember(Order):
    queue: QueueName
    seat: SeatId


@dataclass(frozen=True, kw_only=True, slots=True)
class SetPenalty(Order):
    """Of a member where it is."""

    queue: QueueName
    seat: SeatId
    penalty: int


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


@dataclass(frozen=True, kw_only=True, slots=True)
class AskForEcho(Order):
    """An event to ourselves; it comes back as the fact ``Echo`` behind everything that the switch said before."""

    token: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SetSurge(Order):
    """Set the global HOTLINE_SURGE: the prompt that every caller hears before the queue; empty for none."""

    prompt: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DialLeg(Order):
    """Originate ``PJSIP/<endpoint>`` (``PJSIP/<number>@<endpoint>`` with a number); once answered it runs the context.

    ``leg`` becomes its Uniqueid, so that its fate is known whether or not the switch answers; ``variables`` are names
    of the dialplan's README.
    """

    leg: ChannelId
    call_id: CallId
    endpoint: str
    context: str
    exten: str
    ring_s: float
    number: str = ""
    caller_number: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class RedirectPair(Order):
    """Two channels go on elsewhere in the same moment, so that neither is alone in between."""

    channel: ChannelId
    context: str
    exten: str
    other: ChannelId
    other_context: str
    other_exten: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SetVariable(Order):
    """``name`` is one of the dialplan's README."""

    channel: ChannelId
    name: str
    value: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MuteRecording(Order):
    """Silence in both directions of the recording on this channel, or sound again; its length goes on."""

    channel: ChannelId
    muted: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangePriority(Order):
    queue: QueueName
    channel: ChannelId
    priority: int
