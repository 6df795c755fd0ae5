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
