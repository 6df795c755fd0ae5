"""A mailbox that answers a placed call is told from a person by ears beside the talk, which waits for nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from api.demo.sipp import alaw_of, wav_of
from telephony.dialplan.prompts import RATE, speak
from tests.system.switch import RunningSwitch

pytestmark = pytest.mark.asterisk

PERSON = "喂，你好。"
MAILBOX = "您好，这里是语音信箱，主人现在不在，请留下您的姓名和电话，我们会尽快回复您。"


def voice(path: Path, text: str, *, before_s: float = 0.5, after_s: float = 10.0) -> Path:
    said = speak(text, ["espeak-ng"], language="cmn", speed=180)
    silence = [np.zeros(round(seconds * RATE), dtype=np.float32) for seconds in (before_s, after_s)]
    path.write_bytes(wav_of(alaw_of(np.concatenate([silence[0], said, silence[1]]))))
    return path


@pytest.mark.parametrize(
    ("text", "status", "cause"),
    [(PERSON, "HUMAN", "HUMAN"), (MAILBOX, "MACHINE", "LONGGREETING"), ("", "MACHINE", "INITIALSILENCE")],
    ids=["a person", "a mailbox", "nobody says anything"],
)
def test_what_answers_is_heard_beside_the_talk(
    switch: RunningSwitch, tmp_path: Path, text: str, status: str, cause: str
) -> None:
    said = tmp_path / f"{cause}.wav"
    speech = voice(said, text) if text else voice(said, PERSON, before_s=8.0)
    with switch.ami() as ami, switch.desk("8011"), switch.called("called", ring_s=0.3, speech=speech):
        call_id = ami.place("13800000001")
        answered = ami.event("DialEnd", 10, DialStatus="ANSWER", Uniqueid=call_id)
        together = ami.event("BridgeEnter", 10, Uniqueid=call_id)
        heard = ami.event("UserEvent", 12, UserEvent="HotlineMachine")
        assert heard["CallId"] == call_id
        assert heard["Status"] == status
        assert heard["Cause"].startswith(cause)
        assert float(together["Timestamp"]) - float(answered["Timestamp"]) < 0.1, "nobody's first words are lost"
        switch.wait_for(lambda: "Local/" not in switch.asterisk.console("core show channels concise"))
        assert {one["Uniqueid"] for one in ami.listed("Status", "Status")} == {call_id, answered["DestUniqueid"]}
        ami.ask(Action="Hangup", Channel=answered["DestChannel"])
        ami.event("Hangup", 10, Uniqueid=call_id)
