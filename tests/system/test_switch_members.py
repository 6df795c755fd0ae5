"""When a real queue rings a member again whose citizen was taken out of it and talks on elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.system.switch import Ami, RunningSwitch

pytestmark = pytest.mark.asterisk

ELSEWHERE = {"Context": "seats", "Exten": "600", "Priority": "1"}
"""An echo: somewhere to stay."""
AWAY = {"ExtraContext": "seats", "ExtraExten": "600", "ExtraPriority": "1"}
WRAP_UP_S = 5.0


@pytest.fixture
def ami(switch: RunningSwitch) -> Iterator[Ami]:
    with switch.desk("8011"), switch.ami() as ami:
        ami.ask(Action="QueueAdd", Queue="hotline", Interface="PJSIP/8011", MemberName="8011")
        yield ami
        ami.ask(Action="QueueRemove", Queue="hotline", Interface="PJSIP/8011")
        ami.ask(Action="Hangup", Channel="/^PJSIP.trunk-/")


def rung_after_s(ami: Ami, call_id: str, free: dict[str, str]) -> float:
    """Seconds from ``free`` until 8011 is rung for this call."""
    rung = ami.event("AgentCalled", 15, Uniqueid=call_id)
    return float(rung["Timestamp"]) - float(free["Timestamp"])


def test_a_member_is_rung_again_while_its_last_citizen_talks_on_elsewhere(switch: RunningSwitch, ami: Ami) -> None:
    with switch.citizen("redirected", number="15400000001", stay_s=60, loops=-1) as citizen:
        connected = ami.event("AgentConnect")
        assert ami.ask(Action="Redirect", Channel=connected["Uniqueid"], **ELSEWHERE)["Response"] == "Success"
        left = ami.event("Hangup", Uniqueid=connected["DestUniqueid"])
        with switch.citizen("next", number="15400000002", stay_s=60, loops=-1):
            call_id = ami.event("UserEvent", UserEvent="HotlineArrived", Caller="15400000002")["CallId"]
            assert WRAP_UP_S - 1.5 < rung_after_s(ami, call_id, left) < WRAP_UP_S + 3
            assert citizen.running


def test_a_member_who_went_along_is_rung_again_after_its_own_leg_has_ended(switch: RunningSwitch, ami: Ami) -> None:
    with switch.citizen("taken along", number="15400000003", stay_s=60, loops=-1) as citizen:
        connected = ami.event("AgentConnect", CallerIDNum="15400000003")
        seat = connected["DestUniqueid"]
        pair = {"Channel": connected["Uniqueid"], "ExtraChannel": seat}
        assert ami.ask(Action="Redirect", **pair, **ELSEWHERE, **AWAY)["Response"] == "Success"
        with switch.citizen("next", number="15400000004", stay_s=60, loops=-1):
            call_id = ami.event("UserEvent", UserEvent="HotlineArrived", Caller="15400000004")["CallId"]
            ami.listen(3)
            assert not [one for one in ami.events if one.get("Event") == "AgentCalled" and one["Uniqueid"] == call_id]
            ami.ask(Action="Hangup", Channel=seat, Cause="16")
            left = ami.event("Hangup", Uniqueid=seat)
            assert WRAP_UP_S - 1.5 < rung_after_s(ami, call_id, left) < WRAP_UP_S + 3
            assert citizen.running
