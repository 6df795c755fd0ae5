"""Frames to facts: one table of what each event of the manager interface means (pure)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache, partial
from operator import itemgetter

from telephony import facts
from telephony.ami.actions import BARRIER
from telephony.ami.frames import Frame
from telephony.ami.schemas import CHANNEL_HEADERS
from telephony.facts import Channel, Fact, LiveChannel
from telephony.ids import BridgeId, CallId, ChannelId, QueueName

CALL_ID_VARIABLE = "HOTLINE_CALL_ID"
KEPT_VARIABLES = (
    "HOTLINE_LINE",
    "HOTLINE_CENTRE",
    "HOTLINE_SUMMARY",
    "HOTLINE_TRANSFER",
    "HOTLINE_OPERATOR",
    "HOTLINE_KEPT",
    "HOTLINE_SILENT_UNTIL",
)
"""What a channel keeps for us over a restart of ours."""
TAP_PREFIX = "AudioSocket/"
"""Our own listening channels: they are no part of any call."""
PHONE_PREFIX = "PJSIP/"

_UNKNOWN = "<unknown>"
_UNSET = ("", "(null)")
_ESCAPED = re.compile(r"\\(.)")
_STAMP = re.compile(r"[0-9]{1,11}\.[0-9]{1,6}", re.ASCII)
_ENVELOPE = frozenset((*CHANNEL_HEADERS, "Event", "Privilege", "Timestamp", "UserEvent", "ActionID"))

_CHANNEL = (
    "Uniqueid",
    "Channel",
    "Linkedid",
    "ChannelStateDesc",
    "CallerIDNum",
    "CallerIDName",
    "Context",
    "Exten",
)
_READ = {prefix: itemgetter(*(prefix + key for key in _CHANNEL)) for prefix in ("", "Dest")}

Builder = Callable[[Frame, datetime], Fact | None]


def fact_of(frame: Frame, received_at: datetime) -> Fact | None:
    """The fact that an event states; ``None`` for an event that nothing follows from, and for our taps."""
    builder = _BUILDERS.get(frame.event)
    if builder is None or _is_tap(frame):
        return None
    return builder(frame, stated_at(frame) or received_at)


def stated_at(frame: Frame) -> datetime | None:
    """The header ``Timestamp`` (epoch seconds with microseconds) as aware UTC."""
    stamp = frame.headers.get("Timestamp")
    if stamp is None or not _STAMP.fullmatch(stamp):
        return None
    seconds, _, fraction = stamp.partition(".")
    return _second(seconds).replace(microsecond=int(fraction.ljust(6, "0")))


@lru_cache(maxsize=16)
def _second(seconds: str) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)


def live_channel(frame: Frame) -> LiveChannel | None:
    """One item of a ``Status`` list; ``None`` for our taps."""
    if _is_tap(frame):
        return None
    headers = frame.headers
    variables = {name: text for name, text in frame.variables.get("Variable", {}).items() if text not in _UNSET}
    call_id = variables.get(CALL_ID_VARIABLE)
    return LiveChannel(
        channel=_channel(frame, "", CallId(call_id) if call_id else None),
        bridge=BridgeId(headers["BridgeID"]) if _text(headers["BridgeID"]) else None,
        age_s=int(headers["Seconds"]),
        application=headers["Application"],
        variables={name: text for name, text in variables.items() if name in KEPT_VARIABLES},
    )


def listed_member(frame: Frame, at: datetime) -> facts.QueueMember:
    """One member of a ``QueueStatus`` list."""
    return _member_of(frame, at, interface="Location", name="Name")


def queue_entry(frame: Frame) -> facts.QueueEntry:
    """One waiting caller of a ``QueueStatus`` list."""
    headers = frame.headers
    return facts.QueueEntry(
        queue=QueueName(headers["Queue"]),
        channel_id=ChannelId(headers["Uniqueid"]),
        position=int(headers["Position"]),
        wait_s=int(headers["Wait"]),
    )


def _is_tap(frame: Frame) -> bool:
    headers = frame.headers
    return (
        headers.get("Channel", "").startswith(TAP_PREFIX)
        or headers.get("DestChannel", "").startswith(TAP_PREFIX)
        or headers.get("Device", "").startswith(TAP_PREFIX)
    )


def _text(value: str) -> str:
    return "" if value == _UNKNOWN else value


def _channel(frame: Frame, prefix: str = "", call_id: CallId | None = None) -> Channel:
    values: tuple[str, ...] = _READ[prefix](frame.headers)
    if _UNKNOWN in values:
        values = tuple([_text(value) for value in values])
    if call_id is None and (of_channel := frame.variables.get(f"{prefix}ChanVariable")):
        variable = of_channel.get(CALL_ID_VARIABLE, "")
        call_id = None if variable in _UNSET else CallId(variable)
    return _described(values, call_id)


@lru_cache(maxsize=4096)
def _described(values: tuple[str, ...], call_id: CallId | None) -> Channel:
    """Several events in a row describe a channel in the same words."""
    unique_id, name, linked_id, state, number, display, context, exten = values
    return Channel(
        id=ChannelId(unique_id),
        name=name,
        linked_id=ChannelId(linked_id),
        state=state,
        call_id=call_id,
        caller_number=number,
        caller_name=_ESCAPED.sub(_plain, display) if "\\" in display else display,
        context=context,
        exten=exten,
    )


def _plain(escape: re.Match[str]) -> str:
    """The switch writes names as C strings: a quote as ``\\"``, a line break as ``\\n``."""
    return " " if escape[1] in "abfnrtv" else escape[1]


def _channel_if_any(frame: Frame) -> Channel | None:
    return _channel(frame) if "ChannelState" in frame.headers else None


def _on_channel(
    kind: type[facts.NewChannel | facts.NewState | facts.HangupRequest | facts.Hold | facts.Unhold],
    frame: Frame,
    at: datetime,
) -> Fact:
    return kind(at=at, channel=_channel(frame))


def _hangup(frame: Frame, at: datetime) -> Fact:
    return facts.Hangup(at=at, channel=_channel(frame), cause=int(frame.headers["Cause"]))


def _dial_begin(frame: Frame, at: datetime) -> Fact:
    return facts.DialBegin(at=at, channel=_channel_if_any(frame), dest=_channel(frame, "Dest"))


def _dial_state(frame: Frame, at: datetime) -> Fact:
    return facts.DialState(
        at=at, channel=_channel_if_any(frame), dest=_channel(frame, "Dest"), status=frame.headers["DialStatus"]
    )


def _dial_end(frame: Frame, at: datetime) -> Fact:
    return facts.DialEnd(
        at=at, channel=_channel_if_any(frame), dest=_channel(frame, "Dest"), status=frame.headers["DialStatus"]
    )


def _in_bridge(kind: type[facts.BridgeEnter | facts.BridgeLeave], frame: Frame, at: datetime) -> Fact:
    return kind(at=at, bridge=BridgeId(frame.headers["BridgeUniqueid"]), channel=_channel(frame))


def _queue(frame: Frame) -> QueueName:
    return QueueName(frame.headers["Queue"])


def _caller_join(frame: Frame, at: datetime) -> Fact:
    position = int(frame.headers["Position"])
    return facts.QueueCallerJoin(at=at, queue=_queue(frame), channel=_channel(frame), position=position)


def _caller_goes(kind: type[facts.QueueCallerLeave | facts.QueueCallerAbandon], frame: Frame, at: datetime) -> Fact:
    return kind(at=at, queue=_queue(frame), channel=_channel(frame))


def _agent_called(kind: type[facts.AgentCalled | facts.AgentConnect], frame: Frame, at: datetime) -> Fact:
    return kind(
        at=at,
        queue=_queue(frame),
        channel=_channel(frame),
        dest=_channel(frame, "Dest"),
        interface=frame.headers["Interface"],
        member=frame.headers["MemberName"],
    )


def _rang_out(frame: Frame, at: datetime) -> Fact:
    return facts.AgentRingNoAnswer(
        at=at,
        queue=_queue(frame),
        channel=_channel(frame),
        dest=_channel(frame, "Dest"),
        interface=frame.headers["Interface"],
        member=frame.headers["MemberName"],
        ring_ms=int(frame.headers["RingTime"]),
    )


def _member(frame: Frame, at: datetime) -> facts.QueueMember:
    return _member_of(frame, at, interface="Interface", name="MemberName")


def _member_of(frame: Frame, at: datetime, *, interface: str, name: str) -> facts.QueueMember:
    headers = frame.headers
    return facts.QueueMember(
        at=at,
        queue=_queue(frame),
        interface=headers[interface],
        member=headers[name],
        status=int(headers["Status"]),
        paused=headers["Paused"] == "1",
        paused_reason=headers["PausedReason"],
        penalty=int(headers["Penalty"]),
    )


def _member_removed(frame: Frame, at: datetime) -> Fact:
    return facts.QueueMemberRemoved(
        at=at, queue=_queue(frame), interface=frame.headers["Interface"], member=frame.headers["MemberName"]
    )


def _device(frame: Frame, at: datetime) -> Fact | None:
    """Only phones: the switch also reports queues, pauses and mailboxes as devices."""
    device = frame.headers["Device"]
    if not device.startswith(PHONE_PREFIX):
        return None
    return facts.DeviceStateChange(at=at, device=device, state=frame.headers["State"])


def _contact(frame: Frame, at: datetime) -> Fact:
    headers = frame.headers
    return facts.ContactStatus(at=at, endpoint=headers["EndpointName"], status=headers["ContactStatus"])


def _originated(frame: Frame, at: datetime) -> Fact:
    headers = frame.headers
    return facts.OriginateResponse(
        at=at,
        channel_id=ChannelId(headers["Uniqueid"]),
        ok=headers["Response"] == "Success",
        reason=int(headers["Reason"]),
    )


def _user_event(frame: Frame, at: datetime) -> Fact | None:
    """Only those of the dialplan, which stand on a channel, and what we ourselves have sent."""
    if "ChannelState" not in frame.headers:
        ours = frame.headers["UserEvent"] == BARRIER
        return facts.Echo(at=at, token=frame.headers.get("Token", "")) if ours else None
    fields = {key: value for key, value in frame.headers.items() if key not in _ENVELOPE}
    return facts.UserEvent(at=at, name=frame.headers["UserEvent"], fields=fields, channel=_channel(frame))


_BUILDERS: Mapping[str, Builder] = {
    "Newchannel": partial(_on_channel, facts.NewChannel),
    "Newstate": partial(_on_channel, facts.NewState),
    "Hangup": _hangup,
    "HangupRequest": partial(_on_channel, facts.HangupRequest),
    "Hold": partial(_on_channel, facts.Hold),
    "Unhold": partial(_on_channel, facts.Unhold),
    "DialBegin": _dial_begin,
    "DialState": _dial_state,
    "DialEnd": _dial_end,
    "BridgeEnter": partial(_in_bridge, facts.BridgeEnter),
    "BridgeLeave": partial(_in_bridge, facts.BridgeLeave),
    "QueueCallerJoin": _caller_join,
    "QueueCallerLeave": partial(_caller_goes, facts.QueueCallerLeave),
    "QueueCallerAbandon": partial(_caller_goes, facts.QueueCallerAbandon),
    "AgentCalled": partial(_agent_called, facts.AgentCalled),
    "AgentConnect": partial(_agent_called, facts.AgentConnect),
    "AgentRingNoAnswer": _rang_out,
    "QueueMemberAdded": _member,
    "QueueMemberStatus": _member,
    "QueueMemberPause": _member,
    "QueueMemberPenalty": _member,
    "QueueMemberRinginuse": _member,
    "QueueMemberRemoved": _member_removed,
    "DeviceStateChange": _device,
    "ContactStatus": _contact,
    "OriginateResponse": _originated,
    "UserEvent": _user_event,
}
"""Event of the switch -> its fact. Each is also in ``schemas.EVENTS``, so every header read here is there."""
