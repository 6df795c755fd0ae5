"""Calls through a real Asterisk with nobody of ours running."""

from __future__ import annotations

import re

import pytest

from tests.system.switch import RunningSwitch, loudness, pitch, tone

pytestmark = pytest.mark.asterisk


def test_a_citizen_is_queued_answered_and_recorded_in_each_direction(switch: RunningSwitch) -> None:
    operator_voice = tone(switch.speech.with_name("operator.wav"), 1000)
    with (
        switch.ami() as ami,
        switch.desk("8011", speech=operator_voice),
        switch.citizen("answered", stay_s=7) as citizen,
    ):
        ami.ask(Action="QueueAdd", Queue="hotline", Interface="PJSIP/8011", MemberName="8011")
        arrived = ami.event("UserEvent", UserEvent="HotlineArrived")
        call_id = arrived["CallId"]
        assert re.fullmatch(r"[0-9]+\.[0-9]+", call_id)
        assert (arrived["Line"], arrived["Caller"]) == ("12345", "15433061709")
        assert ami.event("QueueCallerJoin")["Queue"] == "hotline"
        connected = ami.event("AgentConnect")
        assert (connected["MemberName"], connected["Uniqueid"]) == ("8011", call_id)
        assert citizen.wait(20) == 0
        ami.event("Hangup", Uniqueid=call_id)
        ami.ask(Action="QueueRemove", Queue="hotline", Interface="PJSIP/8011")
    caller, operator, both = (switch.recordings / f"{call_id}{leg}.wav" for leg in ("-caller", "-operator", ""))
    for leg, frequency in ((caller, 440), (operator, 1000)):
        seconds, level = loudness(leg)
        assert 4 < seconds < 8
        assert level > 0.02
        assert pitch(leg) == pytest.approx(frequency, abs=2)
    assert loudness(both)[1] > 0.02


def test_a_citizen_who_gives_up_is_not_recorded(switch: RunningSwitch) -> None:
    with switch.ami() as ami, switch.citizen("abandoned", stay_s=1) as citizen:
        call_id = ami.event("UserEvent", UserEvent="HotlineArrived")["CallId"]
        ami.event("QueueCallerAbandon", Uniqueid=call_id)
        assert citizen.wait(10) == 0
        ami.event("Hangup", Uniqueid=call_id)
    assert {loudness(path)[0] for path in switch.recordings.glob(f"{call_id}*.wav")} <= {0.0}


def test_channels_of_a_call_name_it_in_every_event(switch: RunningSwitch) -> None:
    with switch.ami() as ami, switch.desk("8011"), switch.citizen("named", stay_s=3) as citizen:
        ami.ask(Action="QueueAdd", Queue="hotline", Interface="PJSIP/8011", MemberName="8011")
        call_id = ami.event("UserEvent", UserEvent="HotlineArrived")["CallId"]
        connected = ami.event("AgentConnect")
        assert citizen.wait(10) == 0
        ami.event("Hangup", Uniqueid=connected["DestUniqueid"])
        ami.ask(Action="QueueRemove", Queue="hotline", Interface="PJSIP/8011")
    assert f"ChanVariable: HOTLINE_CALL_ID={call_id}".encode() in ami.raw
    assert f"DestChanVariable: HOTLINE_CALL_ID={call_id}".encode() in ami.raw


HOSTILE = {
    "a forged frame": "1%0D%0A%0D%0AEvent%3A%20Hangup%0D%0AUniqueid%3A%20victim%0D%0A",
    "a forged shutdown": "1%0D%0AEvent%3A%20Shutdown",
    "a path": "..%2F..%2Ftmp%2Ftrav",
    "an expression": "%24%7BSHELL(id)%7D",
    "quotes and brackets": "1%22)%5D%20%7C%20(",
    "letters": "anonymous",
}


@pytest.mark.parametrize("user", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_caller_number_is_no_number(switch: RunningSwitch, user: str) -> None:
    display = "a)b ${SHELL(id)} 张三, ../../etc <script>"
    before = {path for path in switch.recordings.parent.parent.rglob("*") if "trav" in path.name}
    with switch.ami() as ami, switch.citizen("hostile", number=user, display=display, stay_s=1) as citizen:
        arrived = ami.event("UserEvent", UserEvent="HotlineArrived")
        assert citizen.wait(10) == 0
        ami.event("Hangup", Uniqueid=arrived["CallId"])
    assert arrived["Caller"] == ""
    assert arrived["CallerIDName"] == "ab SHELLid 张三 etc"
    assert {frame["Uniqueid"] for frame in ami.events if frame.get("Event") == "Hangup"} == {arrived["CallId"]}
    assert all("Privilege" in frame for frame in ami.events if "Event" in frame)
    for word in (b"victim", b"Event: Shutdown", b"%0D", b"trav", b"${"):
        assert word not in ami.raw
    assert {path for path in switch.recordings.parent.parent.rglob("*") if "trav" in path.name} == before


def test_a_number_the_trunk_does_not_serve_is_refused_before_the_dialplan(switch: RunningSwitch) -> None:
    with switch.ami() as ami, switch.citizen("wrong", line="110", stay_s=1) as citizen:
        assert citizen.wait(20) != 0
        ami.listen(0.2)
    assert not [frame for frame in ami.events if frame.get("Event") == "Newchannel"]


def test_a_citizen_speaks_when_an_operator_answers(switch: RunningSwitch) -> None:
    with switch.ami() as ami, switch.desk("8011", ring_s=1.5), switch.citizen("polite", stay_s=3, patience_s=15) as one:
        ami.ask(Action="QueueAdd", Queue="hotline", Interface="PJSIP/8011", MemberName="8011")
        call_id = ami.event("AgentConnect")["Uniqueid"]
        assert one.wait(20) == 0
        ami.event("Hangup", Uniqueid=call_id)
        ami.ask(Action="QueueRemove", Queue="hotline", Interface="PJSIP/8011")
    seconds, level = loudness(switch.recordings / f"{call_id}-caller.wav")
    assert 2 < seconds < 4
    assert level > 0.05


def test_a_citizen_whom_nobody_answers_gives_up(switch: RunningSwitch) -> None:
    with switch.ami() as ami, switch.citizen("impatient", patience_s=1.5) as citizen:
        call_id = ami.event("UserEvent", UserEvent="HotlineArrived")["CallId"]
        ami.event("QueueCallerAbandon", Uniqueid=call_id)
        assert citizen.wait(10) == 0
