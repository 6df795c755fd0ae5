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
from telephony.legs import MARK, TARGET_MARK
from telephony.orders import (
    RECOVER,
    AddMember,
    AskForEcho,
    ChangePriority,
    DialLeg,
    HangUpChannel,
    MuteRecording,
    Order,
    PauseMember,
    RedirectChannel,
    RedirectPair,
    RemoveMember,
    ReportAlive,
    SetPenalty,
    SetSurge,
    SetVariable,
    SpyToSocket,
)

Headers = Mapping[str, str]

MAX_VALUE_BYTES = 900
"""The switch refuses a line of about 1,000 bytes."""

BARRIER = "HotlineBarrier"
ALIVE_VARIABLE = "HOTLINE_ALIVE"
SURGE_VARIABLE = "HOTLINE_SURGE"
CONTEXTS: Mapping[str, re.Pattern[str]] = {
    RECOVER: re.compile(r"[0-9]{1,10}|again", re.ASCII),
    "waiting": re.compile("s"),
    "parked": re.compile("s"),
    "room": re.compile("s|back"),
    "consult": re.compile("s"),
    "join": re.compile("s|back"),
    "leave": re.compile("s"),
    "forward": re.compile(r"[0-9]{2,20}", re.ASCII),
    "forward-number": re.compile(r"\+?[0-9]{3,20}", re.ASCII),
    "supervise": re.compile("listen|whisper|barge"),
    "outbound": re.compile(r"\+?[0-9]{3,20}", re.ASCII),
}
"""Where a channel may be sent, and to which extensions there. Anything else would be a way to dial."""

VARIABLES: Mapping[str, re.Pattern[str]] = {
    "HOTLINE_LEG": re.compile(rf"(?:[0-9]{{1,12}}\.[0-9]{{1,10}}(?:{TARGET_MARK})?)?", re.ASCII),
    "HOTLINE_OPERATOR": re.compile(rf"[0-9]{{1,12}}\.[0-9]{{1,10}}(?:{MARK})?", re.ASCII),
    "HOTLINE_TRANSFER": re.compile(r"[0-9A-Za-z_.:+-]{0,128}", re.ASCII),
    "HOTLINE_QUEUE": re.compile(r"[a-z][0-9a-z-]{0,31}", re.ASCII),
    "HOTLINE_PRIORITY": re.compile(r"[0-9]{1,4}", re.ASCII),
    "HOTLINE_KEPT": re.compile(r"[0-9A-Za-z_-]{0,64}", re.ASCII),
    "HOTLINE_SILENT_UNTIL": re.compile(r"[0-9]{0,12}", re.ASCII),
    "HOTLINE_LINE": re.compile(r"[0-9]{2,20}", re.ASCII),
    "HOTLINE_WATCHED": re.compile(r"PJSIP/[0-9A-Za-z][0-9A-Za-z_.:+@-]{0,127}-[0-9a-f]{8,12}", re.ASCII),
}
"""What may be put into which variable of the dialplan: each becomes part of an expression there."""

SIP_HEADERS: Mapping[str, re.Pattern[str]] = {
    "X-Hotline-Call-Id": re.compile(r"[0-9]{1,12}\.[0-9]{1,10}", re.ASCII),
    "X-Hotline-Recover": re.compile("1"),
    "X-Hotline-Outbound": re.compile("1"),
    "X-Hotline-Supervise": re.compile("1"),
}
"""Headers of the INVITE that a leg may carry, named in ``DialLeg.variables`` as they are on the wire."""

PICKS_UP = frozenset({"X-Hotline-Recover", "X-Hotline-Outbound", "X-Hotline-Supervise"})
"""By these the console's page answers by itself."""
DESK_PHONE_PICKS_UP = (
    "PJSIP_HEADER(add,Call-Info)=<sip:hotline.invalid>;answer-after=0",
    "PJSIP_HEADER(add,Alert-Info)=<http://hotline.invalid>;info=alert-autoanswer;delay=0",
)
"""The same in the two ways that desk phones know; a page does not look at them."""

_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}", re.ASCII)
_REASON = re.compile(r"[0-9A-Za-z_,-]{0,128}", re.ASCII)
_UNIQUE_ID = re.compile(rf"([0-9A-Za-z_-]{{1,64}}-)?[0-9]{{1,12}}\.[0-9]{{1,10}}({MARK})?", re.ASCII)
_CALL_ID = re.compile(r"[0-9]{1,12}\.[0-9]{1,10}", re.ASCII)
_PHONE_NUMBER = re.compile(r"\+?[0-9]{2,20}", re.ASCII)
_CHANNEL_NAME = re.compile(r"(PJSIP|AudioSocket)/[0-9A-Za-z][0-9A-Za-z_.:+@-]{0,127}-[0-9a-f]{8,12}", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_ADDRESS = re.compile(r"[0-9A-Za-z]([0-9A-Za-z.-]{0,251}[0-9A-Za-z])?:([1-9][0-9]{0,4})", re.ASCII)
_CREDENTIAL = re.compile(r"[!-~]{1,128}", re.ASCII)
_PROMPT = re.compile(r"(?:[a-z][a-z0-9-]{0,31})?", re.ASCII)
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


def channel_status(*variables: str) -> Headers:
    """All channels, each with the values of these variables."""
    return {"Action": "Status", "Variables": ",".join(_matching("variable", one, _NAME, "a name") for one in variables)}


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
        "Penalty": _penalty(order.penalty),
        "Paused": _yes_or_no(order.paused),
        **_reason(order.reason),
    }


def _remove_member(order: RemoveMember) -> Headers:
    return {"Action": "QueueRemove", "Queue": _queue(order.queue), "Interface": _interface(order.seat)}


def _set_penalty(order: SetPenalty) -> Headers:
    return {
        "Action": "QueuePenalty",
        "Queue": _queue(order.queue),
        "Interface": _interface(order.seat),
        "Penalty": _penalty(order.penalty),
    }


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
    context, exten = _place("", order.context, order.exten)
    return {
        "Action": "Redirect",
        "Channel": _channel("channel", order.channel),
        "Context": context,
        "Exten": exten,
        "Priority": "1",
    }


def _redirect_pair(order: RedirectPair) -> Headers:
    context, exten = _place("", order.context, order.exten)
    other_context, other_exten = _place("other_", order.other_context, order.other_exten)
    return {
        "Action": "Redirect",
        "Channel": _channel("channel", order.channel),
        "Context": context,
        "Exten": exten,
        "Priority": "1",
        "ExtraChannel": _channel("other", order.other),
        "ExtraContext": other_context,
        "ExtraExten": other_exten,
        "ExtraPriority": "1",
    }


def _dial_leg(order: DialLeg) -> Headers:
    """Answered by the switch at once; what becomes of the leg is told by events of the channel named ``leg``."""
    endpoint = _matching("endpoint", order.endpoint, _NAME, "a name of letters, digits, - and _")
    number = _matching("number", order.number, _PHONE_NUMBER, "digits") if order.number != "" else ""
    context, exten = _place("", order.context, order.exten)
    call_id = _matching("call_id", order.call_id, _CALL_ID, "a call id")
    if type(order.ring_s) not in (int, float) or not 1 <= order.ring_s <= 120:
        raise InvalidValue("ring_s", "1 to 120 seconds")
    return {
        "Action": "Originate",
        "Channel": f"PJSIP/{number}@{endpoint}" if number else f"PJSIP/{endpoint}",
        "ChannelId": _matching("leg", order.leg, _UNIQUE_ID, "a Uniqueid"),
        "Context": context,
        "Exten": exten,
        "Priority": "1",
        "Timeout": str(round(order.ring_s * 1000)),
        "Variable": ",".join([f"__HOTLINE_CALL_ID={call_id}", *_settings(order.variables)]),
        "Async": "true",
        **_caller(order.caller_number),
    }


def _caller(number: str) -> Headers:
    return {} if number == "" else {"CallerID": _matching("caller_number", number, _PHONE_NUMBER, "digits")}


def _settings(variables: Mapping[str, str]) -> list[str]:
    picks_up = DESK_PHONE_PICKS_UP if PICKS_UP & variables.keys() else ()
    return [*(_setting(*pair) for pair in variables.items()), *picks_up]


def _setting(name: str, value: str) -> str:
    """One pair of ``DialLeg.variables``: a SIP header of the INVITE, or a variable of the leg."""
    if name in SIP_HEADERS:
        return f"PJSIP_HEADER(add,{name})={_matching('variables', value, SIP_HEADERS[name], 'plain')}"
    return f"{_variable(name)}={_matching('variables', value, VARIABLES[name], 'plain')}"


def _set_variable(order: SetVariable) -> Headers:
    name = _variable(order.name)
    return {
        "Action": "Setvar",
        "Channel": _channel("channel", order.channel),
        "Variable": name,
        "Value": _matching("value", order.value, VARIABLES[name], "of the form of that variable"),
    }


def _variable(name: str) -> str:
    if not isinstance(name, str) or name not in VARIABLES:
        raise InvalidValue("name", "a variable that is made for it")
    return name


def _mute_recording(order: MuteRecording) -> Headers:
    if not isinstance(order.muted, bool):
        raise InvalidValue("muted", "true or false")
    return {
        "Action": "MixMonitorMute",
        "Channel": _channel("channel", order.channel),
        "Direction": "both",
        "State": "1" if order.muted else "0",
    }


def _change_priority(order: ChangePriority) -> Headers:
    if type(order.priority) is not int or not 0 <= order.priority < 10**8:
        raise InvalidValue("priority", "a count from 0 up")
    return {
        "Action": "QueueChangePriorityCaller",
        "Queue": _queue(order.queue),
        "Caller": _channel("channel", order.channel),
        "Priority": str(order.priority),
        "Immediate": "yes",  # without it only later callers would notice
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


def _ask_for_echo(order: AskForEcho) -> Headers:
    return barrier(order.token)


def _report_alive(order: ReportAlive) -> Headers:
    if type(order.epoch_s) is not int or not 0 <= order.epoch_s < 10**12:
        raise InvalidValue("epoch_s", "a count of seconds since 1970")
    return {"Action": "Setvar", "Variable": ALIVE_VARIABLE, "Value": str(order.epoch_s)}


def _set_surge(order: SetSurge) -> Headers:
    prompt = _matching("prompt", order.prompt, _PROMPT, "the name of a prompt")
    return {"Action": "Setvar", "Variable": SURGE_VARIABLE, "Value": prompt}


_BUILDERS: Mapping[type[Order], Callable[[Any], Headers]] = {
    AddMember: _add_member,
    RemoveMember: _remove_member,
    SetPenalty: _set_penalty,
    PauseMember: _pause_member,
    HangUpChannel: _hang_up,
    RedirectChannel: _redirect,
    RedirectPair: _redirect_pair,
    DialLeg: _dial_leg,
    SetVariable: _set_variable,
    MuteRecording: _mute_recording,
    ChangePriority: _change_priority,
    SpyToSocket: _spy,
    AskForEcho: _ask_for_echo,
    ReportAlive: _report_alive,
    SetSurge: _set_surge,
}


def _place(prefix: str, context: str, exten: str) -> tuple[str, str]:
    if not isinstance(context, str) or context not in CONTEXTS:
        raise InvalidValue(f"{prefix}context", "one that is made for it")
    return context, _matching(f"{prefix}exten", exten, CONTEXTS[context], "an extension of that context")


def _matching(field: str, value: object, pattern: re.Pattern[str], rule: str) -> str:
    if not isinstance(value, str) or len(value) > MAX_VALUE_BYTES or not pattern.fullmatch(value):
        raise InvalidValue(field, rule)
    return value


def _queue(name: str) -> str:
    return _matching("queue", name, _NAME, "a name of letters, digits, - and _")


def _penalty(value: int) -> str:
    if type(value) is not int or not 0 <= value <= 99:
        raise InvalidValue("penalty", "0 to 99")
    return str(value)


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
