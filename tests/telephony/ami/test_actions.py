from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from telephony.ami import actions
from telephony.errors import InvalidValue
from telephony.orders import (
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

TAP = "0d7c8d2e-6a41-4c3e-9b0f-0123456789ab"


def _pair(**changed: Any) -> RedirectPair:
    plain = RedirectPair(
        channel="1795297515.0", context="parked", exten="s", other="1795297515.1", other_context="room", other_exten="s"
    )
    return replace(plain, **changed)


def _leg(**changed: Any) -> DialLeg:
    plain = DialLeg(
        leg="1795297515.0-t7", call_id="1795297515.0", endpoint="110-2", context="join", exten="s", ring_s=20
    )
    return replace(plain, **changed)


ORDERS: dict[str, Callable[[Any], Order]] = {
    "AddMember.queue": lambda v: AddMember(queue=v, seat="8001", agent_id="8001", paused=False),
    "AddMember.seat": lambda v: AddMember(queue="hotline", seat=v, agent_id="8001", paused=False),
    "AddMember.agent_id": lambda v: AddMember(queue="hotline", seat="8001", agent_id=v, paused=False),
    "AddMember.paused": lambda v: AddMember(queue="hotline", seat="8001", agent_id="8001", paused=v),
    "SetPenalty.queue": lambda v: SetPenalty(queue=v, seat="8001", penalty=1),
    "SetPenalty.seat": lambda v: SetPenalty(queue="hotline", seat=v, penalty=1),
    "SetPenalty.penalty": lambda v: SetPenalty(queue="hotline", seat="8001", penalty=v),
    "AddMember.reason": lambda v: AddMember(queue="hotline", seat="8001", agent_id="8001", paused=True, reason=v),
    "RemoveMember.queue": lambda v: RemoveMember(queue=v, seat="8001"),
    "RemoveMember.seat": lambda v: RemoveMember(queue="hotline", seat=v),
    "PauseMember.seat": lambda v: PauseMember(seat=v, paused=True),
    "PauseMember.paused": lambda v: PauseMember(seat="8001", paused=v),
    "PauseMember.reason": lambda v: PauseMember(seat="8001", paused=True, reason=v),
    "HangUpChannel.channel": lambda v: HangUpChannel(channel=v),
    "RedirectChannel.channel": lambda v: RedirectChannel(channel=v, context="recover", exten="8001"),
    "RedirectChannel.context": lambda v: RedirectChannel(channel="1795297515.0", context=v, exten="8001"),
    "RedirectChannel.exten": lambda v: RedirectChannel(channel="1795297515.0", context="recover", exten=v),
    "RedirectPair.channel": lambda v: _pair(channel=v),
    "RedirectPair.context": lambda v: _pair(context=v),
    "RedirectPair.exten": lambda v: _pair(exten=v),
    "RedirectPair.other": lambda v: _pair(other=v),
    "RedirectPair.other_context": lambda v: _pair(other_context=v),
    "RedirectPair.other_exten": lambda v: _pair(other_exten=v),
    "DialLeg.leg": lambda v: _leg(leg=v),
    "DialLeg.call_id": lambda v: _leg(call_id=v),
    "DialLeg.endpoint": lambda v: _leg(endpoint=v),
    "DialLeg.context": lambda v: _leg(context=v),
    "DialLeg.exten": lambda v: _leg(exten=v),
    "DialLeg.ring_s": lambda v: _leg(ring_s=v),
    "DialLeg.number": lambda v: _leg(number=v),
    "DialLeg.caller_number": lambda v: _leg(caller_number=v),
    "DialLeg.variables": lambda v: _leg(variables={"X-Hotline-Call-Id": v}),
    "SetVariable.channel": lambda v: SetVariable(channel=v, name="HOTLINE_QUEUE", value="hotline"),
    "SetVariable.name": lambda v: SetVariable(channel="1795297515.0", name=v, value="hotline"),
    "SetVariable.value": lambda v: SetVariable(channel="1795297515.0", name="HOTLINE_QUEUE", value=v),
    "MuteRecording.channel": lambda v: MuteRecording(channel=v, muted=True),
    "MuteRecording.muted": lambda v: MuteRecording(channel="1795297515.0", muted=v),
    "ChangePriority.queue": lambda v: ChangePriority(queue=v, channel="PJSIP/trunk-0000000a", priority=1),
    "ChangePriority.channel": lambda v: ChangePriority(queue="hotline", channel=v, priority=1),
    "ChangePriority.priority": lambda v: ChangePriority(queue="hotline", channel="PJSIP/trunk-0000000a", priority=v),
    "SpyToSocket.channel_name": lambda v: SpyToSocket(channel_name=v, tap_id=TAP, address="127.0.0.1:12349"),
    "SpyToSocket.tap_id": lambda v: SpyToSocket(channel_name="PJSIP/8001-0000000a", tap_id=v, address="127.0.0.1:1"),
    "SpyToSocket.address": lambda v: SpyToSocket(channel_name="PJSIP/8001-0000000a", tap_id=TAP, address=v),
    "AskForEcho.token": lambda v: AskForEcho(token=v),
    "ReportAlive.epoch_s": lambda v: ReportAlive(epoch_s=v),
    "SetSurge.prompt": lambda v: SetSurge(prompt=v),
}
HOSTILE = (
    "8001\r\nAction: Hangup", "8001\n", "8001\r", "8001\0", "8001\u2028Action: x", "8001\u2029", "8001\x85", "8001\x0b",
    "x" * 2048, "/.*/", "PJSIP/.*-0000000a", "PJSIP/8001-0000000a,w", "PJSIP/8001-0000000a\n", "", " 8001", "８００１",
    "PJSIP/8001", "SIP/8001&SIP/8002", "${SHELL(id)}", "127.0.0.1:99999", "127.0.0.1:12349/x",
    TAP.upper() + "\n", None, 8001, b"8001",
)  # fmt: skip
SAFE_LINE = re.compile(r"[ -~]*", re.ASCII)
anything = st.one_of(
    st.text(), st.text("0123456789abcdefPJSIP/-._:,;&\r\n\0\u2028", max_size=60), st.sampled_from(HOSTILE)
)


@pytest.mark.parametrize("field", ORDERS)
@given(value=anything)
@example(value="8001\r\n\r\nAction: Originate")
@example(value="8001\n\n")
@example(value="/.*/")
@example(value="x" * 2048)
def test_whatever_a_value_is_it_stays_on_its_line_or_is_refused(field: str, value: Any) -> None:
    try:
        headers = actions.headers(ORDERS[field](value))
    except InvalidValue:
        return
    for key, line in headers.items():
        assert SAFE_LINE.fullmatch(key + line)
        assert len(line.encode()) <= actions.MAX_VALUE_BYTES
        assert not line.startswith("/")


@pytest.mark.parametrize("field", ORDERS)
@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_values_are_refused(field: str, value: object) -> None:
    harmless = field.endswith(("reason", "SetSurge.prompt", "DialLeg.number", "DialLeg.caller_number")) and value == ""
    harmless |= value == 8001 and field in ("ReportAlive.epoch_s", "ChangePriority.priority")
    harmless |= field.endswith("Channel.channel") and value == "PJSIP/8001-0000000a"
    if not harmless:
        with pytest.raises(InvalidValue) as refused:
            actions.headers(ORDERS[field](value))
        assert refused.value.field == field.partition(".")[2]


def test_a_refusal_does_not_repeat_the_value() -> None:
    with pytest.raises(InvalidValue) as refused:
        actions.headers(HangUpChannel(channel="13800001234\r\n"))
    assert "13800001234" not in str(refused.value)


def test_a_member_is_added_under_the_work_number() -> None:
    order = AddMember(queue="hotline", seat="8002", agent_id="8001", paused=True, reason="rest")
    assert actions.headers(order) == {
        "Action": "QueueAdd",
        "Queue": "hotline",
        "Interface": "PJSIP/8002",
        "StateInterface": "PJSIP/8002",
        "MemberName": "8001",
        "Penalty": "1",
        "Paused": "true",
        "Reason": "rest",
    }


def test_a_pause_holds_in_every_queue() -> None:
    assert actions.headers(PauseMember(seat="8001", paused=False)) == {
        "Action": "QueuePause",
        "Interface": "PJSIP/8001",
        "Paused": "false",
    }


def test_a_tap_listens_to_exactly_one_channel_beside_the_call() -> None:
    order = SpyToSocket(channel_name="PJSIP/trunk-0000000a", tap_id=TAP, address="127.0.0.1:12349")
    headers = actions.headers(order)
    assert headers["Channel"] == f"AudioSocket/127.0.0.1:12349/{TAP}"
    assert (headers["Application"], headers["Data"]) == ("ChanSpy", "PJSIP/trunk-0000000a,qoESu")
    assert headers["Async"] == "true"


def test_a_citizen_is_sent_to_the_seat_that_talked() -> None:
    order = RedirectChannel(channel="1795297515.0", context="recover", exten="8001")
    assert actions.headers(order) == {
        "Action": "Redirect",
        "Channel": "1795297515.0",
        "Context": "recover",
        "Exten": "8001",
        "Priority": "1",
    }


@pytest.mark.parametrize(
    ("context", "exten"),
    [("lines", "12345"), ("fallback", "s"), ("Recover", "8001"), ("room", "again"), ("recover", "1,1"), ([], "1")],
)
def test_a_channel_is_sent_nowhere_else(context: Any, exten: str) -> None:
    with pytest.raises(InvalidValue):
        actions.headers(RedirectChannel(channel="1795297515.0", context=context, exten=exten))


def test_a_leg_is_dialled_under_a_name_of_ours() -> None:
    order = replace(
        _leg(),
        number="13800000001",
        caller_number="12345",
        variables={"HOTLINE_TRANSFER": "consult.centre.110.1.8001.7", "X-Hotline-Call-Id": "1795297515.0"},
    )
    assert actions.headers(order) == {
        "Action": "Originate",
        "Channel": "PJSIP/13800000001@110-2",
        "ChannelId": "1795297515.0-t7",
        "Context": "join",
        "Exten": "s",
        "Priority": "1",
        "Timeout": "20000",
        "CallerID": "12345",
        "Variable": "__HOTLINE_CALL_ID=1795297515.0,HOTLINE_TRANSFER=consult.centre.110.1.8001.7,"
        "PJSIP_HEADER(add,X-Hotline-Call-Id)=1795297515.0",
        "Async": "true",
    }


@pytest.mark.parametrize("sign", ["X-Hotline-Outbound", "X-Hotline-Recover", "X-Hotline-Supervise"])
def test_what_a_page_answers_by_itself_a_desk_phone_is_asked_to(sign: str) -> None:
    written = actions.headers(replace(_leg(), variables={sign: "1"}))["Variable"]
    assert "PJSIP_HEADER(add,Call-Info)=<sip:hotline.invalid>;answer-after=0" in written
    assert "PJSIP_HEADER(add,Alert-Info)=<http://hotline.invalid>;info=alert-autoanswer;delay=0" in written
    by_hand = actions.headers(replace(_leg(), variables={"X-Hotline-Call-Id": "1795297515.0"}))["Variable"]
    assert "answer-after" not in by_hand


@pytest.mark.parametrize("name", ["CHANNEL(musicclass)", "SHELL(id)", "GLOBAL(HOTLINE_ALIVE)", "hotline_queue", "A,B"])
def test_no_other_variable_is_set(name: str) -> None:
    with pytest.raises(InvalidValue):
        actions.headers(SetVariable(channel="1795297515.0", name=name, value="1"))
    with pytest.raises(InvalidValue):
        actions.headers(_leg(variables={name: "1"}))


def test_a_recording_is_silenced_in_both_directions() -> None:
    headers = actions.headers(MuteRecording(channel="1795297515.0", muted=True))
    assert (headers["Direction"], headers["State"]) == ("both", "1")
    assert actions.headers(MuteRecording(channel="1795297515.0", muted=False))["State"] == "0"


@pytest.mark.parametrize("channel", ["1795297515.0", "hotline-1795297515.12", "PJSIP/8001-0000001a"])
def test_a_channel_is_hung_up_by_its_id_or_full_name(channel: str) -> None:
    assert actions.headers(HangUpChannel(channel=channel))["Channel"] == channel


def test_the_credentials_of_the_login_are_checked_too() -> None:
    with pytest.raises(InvalidValue):
        actions.login("hotline", "secret\r\nEvents: off")
    with pytest.raises(InvalidValue):
        actions.login("hot line", "secret")
