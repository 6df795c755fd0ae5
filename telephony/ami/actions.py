"""Orders to headers of manager actions; every value is on the allow-list of its field (pure).

The interface is line-based and takes patterns: a line break in a value would start an action of somebody else's
choosing, and ``/.*/`` as a channel would hang up everybody. So nothing is escaped and nothing is cleaned here; a value
that is not of the plain form of its field is refused. The lists are in ASCII, hence no other separator gets through.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from telephony.errors import InvalidValue
from telephony.orders import (
    RECOVER,
    AddMember,
    HangUpChannel,
    Order,
    PauseMember,
    RedirectChannel,
    RemoveMember,
    ReportAlive,
    SpyToSocket,
)

Headers = Mapping[str, str]

MAX_VALUE_BYTES = 900
"""The switch refuses a line of about 1,000 bytes."""

BARRIER = "HotlineBarrier"
ALIVE_VARIABLE = "HOTLINE_ALIVE"
CONTEXTS = frozenset({RECOVER})
"""Where a channel may be sent. Anything else would be a way to dial."""

_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}", re.ASCII)
_REASON = re.compile(r"[0-9A-Za-z_,-]{0,128}", re.ASCII)
_UNIQUE_ID = re.compile(r"([0-9A-Za-z_-]{1,64}-)?[0-9]{1,12}\.[0-9]{1,10}", re.ASCII)
_CHANNEL_NAME = re.compile(r"(PJSIP|AudioSocket)/[0-9A-Za-z][0-9A-Za-z_.:+@-]{0,127}-[0-9a-f]{8,12}", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_ADDRESS = re.compile(r"[0-9A-Za-z]([0-9A-Za-z.-]{0,251}[0-9A-Za-z])?:([1-9][0-9]{0,4})", re.ASCII)
_CREDENTIAL = re.compile(r"[!-~]{1,128}", re.ASCII)
_SEAT_NUMBER = re.compile(r"[0-9]{1,10}", re.ASCII)
_TOKEN = re.compile(r"[0-9a-f]{1,64}", re.ASCII)


def headers(order: Order) -> Headers:
    """The action that carries out ``order``. Raises InvalidValue."""
    return _BUILDERS[type(order)](order)


def login(username: str, secret: str) -> Headers:
    """Plain login with the event classes that the models need. Raises InvalidValue."""
    return {
        "Action": "Login",
        "Username": _matching("username", username, _CREDENTIAL, "printable ASCII without spaces"),
        "Secret": _matching("secret", secret, _CREDENTIAL, "printable ASCII without spaces"),
        "Events": "system,call,agent,user",
    }


def ping() -> Headers:
    return {"Action": "Ping"}


def barrier(token: str) -> Headers:
    """An event to ourselves: when it comes back, everything that happened before has been read."""
    return {
        "Action": "UserEvent",
        "UserEvent": BARRIER,
        "Token": _matching("token", token, _TOKEN, "hexadecimal digits"),
    }


def core_status() -> Headers:
    return {"Action": "CoreStatus"}


def channel_status(variable: str) -> Headers:
    """All channels, each with the value of one variable."""
    return {"Action": "Status", "Variables": _matching("variable", variable, _NAME, "a name")}


def queue_status() -> Headers:
    return {"Action": "QueueStatus"}


def device_states() -> Headers:
    return {"Action": "DeviceStateList"}


def _add_member(order: AddMember) -> Headers:
    interface = _interface(order.seat)
    return {
        "Action": "QueueAdd",
        "Queue": _queue(order.queue),
        "Interface": interface,
        "StateInterface": interface,
        "MemberName": _matching("agent_id", order.agent_id, _NAME, "a work number"),
        "Penalty": "0",
        "Paused": _yes_or_no(order.paused),
        **_reason(order.reason),
    }


def _remove_member(order: RemoveMember) -> Headers:
    return {"Action": "QueueRemove", "Queue": _queue(order.queue), "Interface": _interface(order.seat)}


def _pause_member(order: PauseMember) -> Headers:
    return {
        "Action": "QueuePause",
        "Interface": _interface(order.seat),
        "Paused": _yes_or_no(order.paused),
        **_reason(order.reason),
    }


def _hang_up(order: HangUpChannel) -> Headers:
    return {"Action": "Hangup", "Channel": _channel("channel", order.channel), "Cause": "16"}


def _redirect(order: RedirectChannel) -> Headers:
    context = _matching("context", order.context, _NAME, "a name")
    if context not in CONTEXTS:
        raise InvalidValue("context", "one that is made for it")
    return {
        "Action": "Redirect",
        "Channel": _channel("channel", order.channel),
        "Context": context,
        "Exten": _matching("exten", order.exten, _SEAT_NUMBER, "the digits of a seat"),
        "Priority": "1",
    }


def _spy(order: SpyToSocket) -> Headers:
    """ChanSpy options: quiet, only what the channel says, stop with it (``E``, ``S``), exactly this channel (``u``)."""
    tap_id = _matching("tap_id", order.tap_id, _UUID, "a lower-case UUID")
    return {
        "Action": "Originate",
        "Channel": f"AudioSocket/{_address(order.address)}/{tap_id}",
        "Application": "ChanSpy",
        "Data": f"{_channel('channel_name', order.channel_name)},qoESu",
        "Timeout": "5000",
        "Async": "true",
    }


def _report_alive(order: ReportAlive) -> Headers:
    if type(order.epoch_s) is not int or not 0 <= order.epoch_s < 10**12:
        raise InvalidValue("epoch_s", "a count of seconds since 1970")
    return {"Action": "Setvar", "Variable": ALIVE_VARIABLE, "Value": str(order.epoch_s)}


_BUILDERS: Mapping[type[Order], Callable[[Any], Headers]] = {
    AddMember: _add_member,
    RemoveMember: _remove_member,
    PauseMember: _pause_member,
    HangUpChannel: _hang_up,
    RedirectChannel: _redirect,
    SpyToSocket: _spy,
    ReportAlive: _report_alive,
}


def _matching(field: str, value: object, pattern: re.Pattern[str], rule: str) -> str:
    if not isinstance(value, str) or len(value) > MAX_VALUE_BYTES or not pattern.fullmatch(value):
        raise InvalidValue(field, rule)
    return value


def _queue(name: str) -> str:
    return _matching("queue", name, _NAME, "a name of letters, digits, - and _")


def _interface(seat: str) -> str:
    return "PJSIP/" + _matching("seat", seat, _NAME, "a name of letters, digits, - and _")


def _reason(reason: str) -> Headers:
    checked = _matching("reason", reason, _REASON, "a short code")
    return {"Reason": checked} if checked else {}


def _channel(field: str, value: str) -> str:
    pattern = _CHANNEL_NAME if "/" in str(value) else _UNIQUE_ID
    return _matching(field, value, pattern, "a Uniqueid or a full channel name")


def _address(value: str) -> str:
    _matching("address", value, _ADDRESS, "host:port")
    if int(value.rpartition(":")[2]) > 65535:
        raise InvalidValue("address", "host:port")
    return value


def _yes_or_no(value: object) -> str:
    if not isinstance(value, bool):
        raise InvalidValue("paused", "true or false")
    return "true" if value else "false"
