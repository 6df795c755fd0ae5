"""A seat's leg ends in mid-call, with nobody of ours running: a hang-up ends the call, a loss does not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from api.demo.children import Child
from tests.system.switch import Ami, RunningSwitch

pytestmark = pytest.mark.asterisk

LOST = 'Reason: Q.850;cause=41;text="media lost"'


@pytest.fixture
def ami(switch: RunningSwitch) -> Iterator[Ami]:
    with switch.ami() as ami:
        ami.ask(Action="QueueAdd", Queue="hotline", Interface="PJSIP/8011", MemberName="8011")
        yield ami
        ami.ask(Action="QueueRemove", Queue="hotline", Interface="PJSIP/8011")
        ami.ask(Action="Hangup", Channel="/^PJSIP.trunk-/")


@contextmanager
def leaving_desk(switch: RunningSwitch, *, reason: str = "") -> Iterator[Child]:
    """A desk phone that says BYE two seconds after it has answered."""
    desk = switch.desk("8011")
    scenario = switch.phones.run_dir / "desk-8011.xml"
    said = scenario.read_text(encoding="utf-8").replace('<recv request="INVITE" rrs="true"/>', NOTING_THE_PARTIES)
    scenario.write_text(said.split('<label id="1"/>')[0] + SAYING_BYE.replace("REASON", reason), encoding="utf-8")
    with desk:
        yield desk


NOTING_THE_PARTIES = """<recv request="INVITE" rrs="true"><action>
    <ereg regexp=".*" search_in="hdr" header="From:" assign_to="caller"/>
    <ereg regexp=".*" search_in="hdr" header="To:" assign_to="own"/>
  </action></recv>"""
SAYING_BYE = """<pause milliseconds="2000"/>
  <send retrans="500"><![CDATA[
BYE [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From:[$own];tag=[pid]-[call_number]
To:[$caller]
[last_Call-ID:]
CSeq: 1 BYE
Max-Forwards: 70
REASON
Content-Length: 0

]]></send>
  <recv response="200"/>
</scenario>
"""


def joins(ami: Ami, call_id: str) -> list[dict[str, str]]:
    return [
        frame for frame in ami.events if frame.get("Event") == "QueueCallerJoin" and frame.get("Uniqueid") == call_id
    ]


def test_a_hang_up_at_the_seat_ends_the_call(switch: RunningSwitch, ami: Ami) -> None:
    with leaving_desk(switch), switch.citizen("let-go", stay_s=30) as citizen:
        call_id = ami.event("AgentConnect")["Uniqueid"]
        assert ami.event("Hangup", Uniqueid=call_id)["Cause"] == "16"
        assert citizen.wait(5) == 0
    assert len(joins(ami, call_id)) == 1


def test_a_lost_seat_puts_the_citizen_in_front_of_those_who_wait(switch: RunningSwitch, ami: Ami) -> None:
    with leaving_desk(switch, reason=LOST), switch.citizen("kept", stay_s=30) as citizen:
        call_id = ami.event("AgentConnect")["Uniqueid"]
        ami.ask(Action="QueuePause", Interface="PJSIP/8011", Paused="true")
        with switch.citizen("waits", stay_s=30):
            switch.wait_for(lambda: _heard(ami) and len(joins(ami, call_id)) == 2)
            again = joins(ami, call_id)[1]
            assert (again["Position"], again["Count"]) == ("1", "2")
            assert citizen.running


def test_a_citizen_sent_to_a_seat_that_is_not_there_waits_in_front_again(switch: RunningSwitch, ami: Ami) -> None:
    with switch.desk("8011"), switch.citizen("sent", stay_s=30) as citizen:
        connected = ami.event("AgentConnect")
        ami.ask(Action="QueuePause", Interface="PJSIP/8011", Paused="true")
        call_id = connected["Uniqueid"]
        sent = ami.ask(Action="Redirect", Channel=call_id, Context="recover", Exten="8001", Priority="1")
        assert sent["Response"] == "Success"
        switch.wait_for(lambda: _heard(ami) and len(joins(ami, call_id)) == 2)
        assert citizen.running


def _heard(ami: Ami) -> bool:
    ami.listen(0.2)
    return True
