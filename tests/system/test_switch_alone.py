"""What a real switch does when our server is dead: it queues, and then it falls back."""

from __future__ import annotations

import time

import pytest

from tests.system.switch import Ami, RunningSwitch, StartSwitch, loudness, pitch, topology

pytestmark = pytest.mark.asterisk

QUICK = {"check_every_s": 2, "answer_within_s": 2, "message_s": 20}


def say_alive(ami: Ami, seconds_ago: int = 0) -> None:
    answer = ami.ask(Action="Setvar", Variable="HOTLINE_ALIVE", Value=str(int(time.time()) - seconds_ago))
    assert answer["Response"] == "Success"


def queue_log(switch: RunningSwitch) -> list[list[str]]:
    text = (switch.asterisk.home / "log" / "queue_log").read_text()
    return [line.split("|") for line in text.splitlines()]


def test_a_caller_whom_nobody_answers_leaves_a_message_and_is_a_missed_call(start_switch: StartSwitch) -> None:
    switch = start_switch(plan=topology(**QUICK), silent=True)
    with switch.ami() as ami, switch.citizen("message", stay_s=8, loops=-1) as citizen:
        call_id = ami.event("UserEvent", UserEvent="HotlineArrived")["CallId"]
        switch.wait_for(lambda: "FALLBACK" in [row[4] for row in queue_log(switch)])
        assert citizen.wait(20) == 0
        left = ami.event("UserEvent", UserEvent="HotlineMessageLeft")
    assert (left["CallId"], left["Line"], left["File"]) == (call_id, "12345", f"{call_id}-message")
    message = switch.recordings / f"{call_id}-message.wav"
    switch.wait_for(lambda: loudness(message)[0] > 2)
    assert pitch(message) == pytest.approx(440, abs=2)
    rows = [row for row in queue_log(switch) if row[1] == call_id]
    events = [row[4] for row in rows]
    assert rows[-1][5:7] == ["12345", "15433061709"]
    assert events[-3:] == ["FALLBACK", "MISSED", "GONE"]
    assert "EXITWITHTIMEOUT" in events


def test_a_phone_still_in_the_queue_is_rung_first(start_switch: StartSwitch) -> None:
    switch = start_switch(plan=topology(**QUICK), silent=True)
    with switch.desk("8011"), switch.ami() as ami:
        ami.ask(Action="QueueAdd", Queue="hotline", Interface="PJSIP/8011", MemberName="8011")
        ami.close()
        with switch.citizen("alone", stay_s=5) as citizen:
            assert citizen.wait(20) == 0
    rows = [row for row in queue_log(switch) if row[4] in ("CONNECT", "COMPLETECALLER", "FALLBACK")]
    assert [row[4] for row in rows] == ["CONNECT", "COMPLETECALLER"]
    call_id = rows[0][1]
    for leg in ("caller", "operator"):
        assert loudness(switch.recordings / f"{call_id}-{leg}.wav")[1] > 0.02


def test_the_duty_phone_is_called_before_a_message_is_asked_for(start_switch: StartSwitch) -> None:
    plan = topology(**QUICK)
    duty_trunk = plan.trunks[0].model_copy(
        update={"name": "duty", "host": "127.0.0.12", "port_offset": 11, "match": ["127.0.0.12"]}
    )
    phones = [{"number": "13900000000", "trunk": "duty", "ring_s": 10}]
    plan = type(plan).model_validate(
        plan.model_dump()
        | {"trunks": [*plan.model_dump()["trunks"], duty_trunk.model_dump()]}
        | {"fallback": plan.fallback.model_dump() | {"duty": phones}}
    )
    switch = start_switch(plan=plan, silent=True)
    with switch.desk("8012"), switch.ami() as ami, switch.citizen("duty", stay_s=7) as citizen:
        call_id = ami.event("UserEvent", UserEvent="HotlineArrived")["CallId"]
        ami.event("DialEnd", DialStatus="ANSWER")
        assert citizen.wait(20) == 0
        ami.event("Hangup", Uniqueid=call_id)
    assert "MISSED" not in [row[4] for row in queue_log(switch)]
    assert loudness(switch.recordings / f"{call_id}-caller.wav")[0] > 2


def test_while_the_server_lives_callers_wait_on_and_keep_their_order(start_switch: StartSwitch) -> None:
    switch = start_switch(plan=topology(**QUICK), silent=True)
    with switch.ami() as ami:
        say_alive(ami, seconds_ago=10)
        with switch.citizen("first", number="15400000001", stay_s=9) as first:
            one = ami.event("UserEvent", UserEvent="HotlineArrived", Caller="15400000001")["CallId"]
            ami.listen(1)
            with switch.citizen("second", number="15400000002", stay_s=7) as second:
                two = ami.event("UserEvent", UserEvent="HotlineArrived", Caller="15400000002")["CallId"]
                say_alive(ami)
                ami.until(lambda frame: frame.get("Event") == "QueueCallerJoin" and frame["Uniqueid"] == two, 5)
                ami.until(lambda frame: frame.get("Event") == "QueueCallerJoin" and frame["Uniqueid"] == one, 5)
                say_alive(ami)
                ami.until(lambda frame: frame.get("Event") == "QueueCallerJoin" and frame["Uniqueid"] == two, 5)
                answer = ami.ask(Action="QueueStatus", Queue="hotline")
                assert answer["Response"] == "Success"
                ami.event("QueueStatusComplete", 5)
                assert first.wait(20) == 0
                assert second.wait(20) == 0
    entries = {frame["Uniqueid"]: frame["Position"] for frame in ami.events if frame.get("Event") == "QueueEntry"}
    assert entries == {one: "1", two: "2"}
    assert not [frame for frame in ami.events if frame.get("UserEvent") == "HotlineMessageLeft"]


def test_a_server_that_dies_while_a_caller_waits_does_not_strand_the_caller(start_switch: StartSwitch) -> None:
    switch = start_switch(plan=topology(**QUICK, stale_after_s=6), silent=True)
    with switch.ami() as ami:
        say_alive(ami, seconds_ago=1)
        with switch.citizen("stranded", stay_s=12) as citizen:
            switch.wait_for(lambda: "FALLBACK" in [row[4] for row in queue_log(switch)], 12)
            ami.listen(0.1)
            joins = [frame for frame in ami.events if frame.get("Event") == "QueueCallerJoin"]
            assert len(joins) >= 2
            assert citizen.wait(20) == 0


def test_a_caller_who_was_moved_keeps_that_place_in_the_next_round(start_switch: StartSwitch) -> None:
    switch = start_switch(plan=topology(**QUICK), silent=True)
    with switch.ami() as ami:
        say_alive(ami, seconds_ago=-60)
        with (
            switch.citizen("first", number="15400000001", stay_s=9),
            switch.citizen("second", number="15400000002", stay_s=9),
        ):
            one = ami.event("UserEvent", UserEvent="HotlineArrived", Caller="15400000001")
            two = ami.event("UserEvent", UserEvent="HotlineArrived", Caller="15400000002")
            ami.listen(0.5)
            setting = {"Channel": two["Channel"], "Variable": "HOTLINE_PRIORITY", "Value": "7"}
            assert ami.ask(Action="Setvar", **setting)["Response"] == "Success"
            moving = {"Queue": "hotline", "Caller": two["Channel"], "Priority": "7000", "Immediate": "yes"}
            assert ami.ask(Action="QueueChangePriorityCaller", **moving)["Response"] == "Success"
            assert _first_in_line(ami) == two["CallId"]
            ami.listen(3)
            assert sum(frame.get("Event") == "QueueCallerJoin" for frame in ami.events) == 4, "a round is over"
            assert _first_in_line(ami) == two["CallId"]
    assert one["CallId"] != two["CallId"]


def _first_in_line(ami: Ami) -> str:
    asked = f"line-{len(ami.events)}"
    ami.send(Action="QueueStatus", Queue="hotline", ActionID=asked)
    return ami.event("QueueEntry", 5, ActionID=asked, Position="1")["Uniqueid"]
