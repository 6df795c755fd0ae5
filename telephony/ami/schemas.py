"""What an intact frame must hold, event by event, so that a forged or torn one is told apart (data only).

The switch prints a caller's number as it came, line breaks included (a value of up to 79 characters). A caller can
therefore end a frame in the middle and write the beginning of another. Three things catch both halves:

* the first half lacks the headers that follow the number, so every consumed event lists what it must hold;
* the second half must state privilege and timestamp first, and has no room left for the rest;
* a frame that the tail of the real one completes holds some single-valued header twice.

Sources: AMI 11.0 of Asterisk 22 (``manager show event NAME``) and recorded traffic.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

CHANNEL_HEADERS = (
    "Channel",
    "ChannelState",
    "ChannelStateDesc",
    "CallerIDNum",
    "CallerIDName",
    "ConnectedLineNum",
    "ConnectedLineName",
    "Language",
    "AccountCode",
    "Context",
    "Exten",
    "Priority",
    "Uniqueid",
    "Linkedid",
)
"""The block by which every event describes a channel; a second channel has the same with the prefix ``Dest``."""

_MEMBER_HEADERS = frozenset(
    (
        "Queue",
        "MemberName",
        "Interface",
        "StateInterface",
        "Membership",
        "Penalty",
        "CallsTaken",
        "LastCall",
        "InCall",
        "Status",
        "Paused",
        "PausedReason",
    )
)
_MEMBER_NUMBERS = frozenset(("Penalty", "Status", "Paused"))


@dataclass(frozen=True, slots=True)
class Schema:
    """``privilege`` is the class that the switch states; ``numbers`` are headers that must be whole numbers."""

    privilege: str
    channel: bool = False
    dest: bool = False
    keys: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()
    timestamped: bool = True


def _schema(
    privilege: str, *keys: str, channel: bool = False, dest: bool = False, numbers: tuple[str, ...] = ()
) -> Schema:
    return Schema(privilege, channel, dest, frozenset((*keys, *numbers)), frozenset(numbers))


_MEMBER = Schema("agent,all", keys=_MEMBER_HEADERS, numbers=_MEMBER_NUMBERS)
_ON_CHANNEL = _schema("call,all", channel=True)

EVENTS: Mapping[str, Schema] = {
    "Newchannel": _ON_CHANNEL,
    "Newstate": _ON_CHANNEL,
    "Hangup": _schema("call,all", "Cause-txt", channel=True, numbers=("Cause",)),
    "HangupRequest": _ON_CHANNEL,
    "Hold": _ON_CHANNEL,
    "Unhold": _ON_CHANNEL,
    "DialBegin": _schema("call,all", "DialString", dest=True),
    "DialState": _schema("call,all", "DialStatus", dest=True),
    "DialEnd": _schema("call,all", "DialStatus", dest=True),
    "BridgeEnter": _schema("call,all", "BridgeUniqueid", "BridgeType", "BridgeTechnology", channel=True),
    "BridgeLeave": _schema("call,all", "BridgeUniqueid", "BridgeType", "BridgeTechnology", channel=True),
    "QueueCallerJoin": _schema("agent,all", "Queue", channel=True, numbers=("Position", "Count")),
    "QueueCallerLeave": _schema("agent,all", "Queue", channel=True, numbers=("Position", "Count")),
    "QueueCallerAbandon": _schema("agent,all", "Queue", channel=True, numbers=("Position", "OriginalPosition")),
    "AgentCalled": _schema("agent,all", "Queue", "Interface", "MemberName", channel=True, dest=True),
    "AgentConnect": _schema(
        "agent,all", "Queue", "Interface", "MemberName", channel=True, dest=True, numbers=("HoldTime", "RingTime")
    ),
    "AgentRingNoAnswer": _schema(
        "agent,all", "Queue", "Interface", "MemberName", channel=True, dest=True, numbers=("RingTime",)
    ),
    "QueueMemberAdded": _MEMBER,
    "QueueMemberRemoved": _MEMBER,
    "QueueMemberStatus": _MEMBER,
    "QueueMemberPause": _MEMBER,
    "QueueMemberPenalty": _MEMBER,
    "QueueMemberRinginuse": _MEMBER,
    "DeviceStateChange": _schema("call,all", "Device", "State"),
    "ContactStatus": _schema("system,all", "URI", "ContactStatus", "AOR", "EndpointName"),
    "OriginateResponse": _schema(
        "call,all", "Response", "Channel", "Uniqueid", "CallerIDNum", "CallerIDName", numbers=("Reason",)
    ),
    "UserEvent": _schema("user,all", "UserEvent"),
    "FullyBooted": Schema("system,all", keys=frozenset(("Status", "Uptime")), timestamped=False),
}
"""Every event that becomes a fact or moves the link."""

ITEMS: Mapping[str, Schema] = {
    "QueueParams": Schema("", keys=frozenset(("Queue", "Strategy", "Calls", "Weight"))),
    "QueueMember": Schema(
        "",
        keys=frozenset(("Queue", "Name", "Location", "StateInterface", "Membership", "PausedReason")) | _MEMBER_NUMBERS,
        numbers=_MEMBER_NUMBERS,
    ),
    "QueueEntry": Schema(
        "",
        keys=frozenset(("Queue", "Channel", "Uniqueid", "CallerIDNum", "CallerIDName", "Wait", "Position", "Priority")),
        numbers=frozenset(("Position", "Wait")),
    ),
    "Status": Schema(
        "Call",
        channel=True,
        keys=frozenset(("Type", "DNID", "BridgeID", "Application", "Data", "Seconds", "Readformat", "Writeformat")),
        numbers=frozenset(("Seconds",)),
    ),
    "DeviceStateChange": Schema("", keys=frozenset(("Device", "State"))),
}
"""Items of the lists that we ask for."""

LISTS: Mapping[str, frozenset[str]] = {
    "QueueStatus": frozenset(("QueueParams", "QueueMember", "QueueEntry")),
    "Status": frozenset(("Status",)),
    "DeviceStateList": frozenset(("DeviceStateChange",)),
}
"""Action -> the items that may answer it. The last item of each is named ``<action>Complete``."""


def ends_list(action: str, event: str) -> bool:
    """``QueueStatusComplete`` for the action ``QueueStatus``, and so on."""
    return action in LISTS and event == f"{action}Complete"
