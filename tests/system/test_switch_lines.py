"""Lines of every mode and calls from centres, through a real Asterisk with nobody of ours running."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

import pytest

from telephony.dialplan.topology import Topology, default_text, parse
from telephony.handovers import summary_of
from tests.system.switch import DESKS, Ami, RunningSwitch, loudness

pytestmark = pytest.mark.asterisk

TODAY = (datetime.now(UTC) + timedelta(hours=8)).date()
DAY = timedelta(days=1)
POLICE = "127.0.0.3"


MERGED: dict[str, tuple[date, date]] = {
    "12391": (TODAY, TODAY),
    "12392": (TODAY - 90 * DAY, TODAY - DAY),
    "12393": (TODAY + DAY, TODAY + 90 * DAY),
}
LINES = """
[[lines]]
number = "12345"
queue = "hotline"
prompts = []

[[lines]]
number = "12329"
mode = "parallel"
queue = "housing"
prompts = []

[[lines]]
number = "12366"
mode = "branch"
centre = "12366"
queue = "hotline"
prompts = []

[[queues]]
name = "hotline"

[[queues]]
name = "housing"
overflow = [{ queue = "hotline", after_s = 5 }]

"""


def topology() -> Topology:
    """12345 and other lines without greetings; 12391, 12392 and 12393 merged today, long ago and soon."""
    text = default_text().replace('prompts = ["greeting", "recording-notice"]', "prompts = []")
    text = text[: text.index("[[lines]]")] + LINES + text[text.index("[seats]") :]
    for number, (first, last) in MERGED.items():
        text += f'\n[[lines]]\nnumber = "{number}"\nmode = "merged"\nqueue = "hotline"\nprompts = []\n'
        text += f"transition = {{ first_day = {first}, last_day = {last} }}\n"
    for seat, host in DESKS.items():
        text += f'\n[[centres]]\ncode = "{seat}"\nname = "desk"\nhost = "{host}"\nport_offset = 11\n'
    text, branch = text.split('code = "12366"')
    text += 'code = "12366"' + branch.replace("ring_s = 20", "ring_s = 5", 1)
    return parse(text.replace("reserve_after_s = 10", "reserve_after_s = 5"))


PLAN = topology()


@pytest.fixture(scope="module", autouse=True)
def server_lives(switch: RunningSwitch) -> None:
    """As far as the dialplan knows: where it does not, every seat is rung at once."""
    with switch.ami() as ami:
        ami.ask(Action="Setvar", Variable="HOTLINE_ALIVE", Value=str(int(time.time()) + 3600))


@pytest.fixture(autouse=True)
def nobody_is_left(switch: RunningSwitch) -> Iterator[None]:
    """A simulated citizen who is stopped says no BYE: without this the next test's would not stand first."""
    yield
    switch.asterisk.console("channel request hangup all")
    switch.wait_for(lambda: not switch.asterisk.console("core show channels concise").strip(), 5)


@contextmanager
def member(ami: Ami, seat: str, *, penalty: int = 0, queue: str = "hotline") -> Iterator[None]:
    place = {"Queue": queue, "Interface": f"PJSIP/{seat}"}
    added = ami.ask(Action="QueueAdd", MemberName=seat, Penalty=str(penalty), **place)
    assert added["Response"] == "Success", added
    try:
        yield
    finally:
        ami.ask(Action="QueueRemove", **place)


def arrived(ami: Ami, **fields: str) -> dict[str, str]:
    return ami.event("UserEvent", UserEvent="HotlineArrived", **fields)


def joined(ami: Ami, call_id: str, timeout_s: float = 10) -> dict[str, str]:
    return ami.event("QueueCallerJoin", timeout_s, Uniqueid=call_id)


def stamp(frame: dict[str, str]) -> float:
    return float(frame["Timestamp"])


def in_header(text: str) -> str:
    """``text`` as X-Handover-Summary carries it."""
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def plays(switch: RunningSwitch, prompt: str) -> bool:
    return f"/{prompt}" in switch.asterisk.console("core show channels concise")


# -- lines -------------------------------------------------------------------------------------------------------------


def test_a_merged_line_tells_of_it_only_on_the_days_of_its_transition(switch: RunningSwitch) -> None:
    waited = {}
    with switch.ami() as ami:
        for number in MERGED:
            with switch.citizen(f"merged-{number}", line=number, stay_s=9):
                call = arrived(ami, Line=number)
                if number == "12391":
                    switch.wait_for(lambda: plays(switch, "line-merged"), 3)
                join = joined(ami, call["CallId"])
                assert join["Queue"] == "hotline"
                waited[number] = stamp(join) - stamp(call)
    assert waited["12391"] > 2
    assert max(waited["12392"], waited["12393"]) < 0.5


def test_a_parallel_line_waits_in_its_own_queue_and_reaches_the_hotlines_seats_after_a_while(
    switch: RunningSwitch,
) -> None:
    with (
        switch.ami() as ami,
        switch.desk("8012"),
        member(ami, "8012", penalty=11, queue="housing"),
        switch.citizen("housing", line="12329", stay_s=9) as citizen,
    ):
        call_id = arrived(ami, Line="12329")["CallId"]
        first = joined(ami, call_id)
        assert first["Queue"] == "housing"
        connected = ami.event("AgentConnect", 15, Uniqueid=call_id)
        assert connected["MemberName"] == "8012"
        assert 4 < stamp(connected) - stamp(first) < 9
        assert citizen.wait(20) == 0


def test_seats_of_the_skill_are_rung_at_once_and_the_best_first(switch: RunningSwitch) -> None:
    with switch.ami() as ami, switch.desk("8011"), switch.desk("8012"), switch.desk("8013"):
        seats = {"8011": 2, "8012": 11, "8013": 1}
        with (
            member(ami, "8011", penalty=seats["8011"], queue="housing"),
            member(ami, "8012", penalty=seats["8012"], queue="housing"),
            member(ami, "8013", penalty=seats["8013"], queue="housing"),
            switch.citizen("first", line="12329", stay_s=4),
            switch.citizen("second", line="12329", number="15400000002", stay_s=4),
        ):
            switch.wait_for(lambda: ami.listen(0.1) or _connected(ami) == {"8013", "8011"}, 5)


def _connected(ami: Ami) -> set[str]:
    return {frame["MemberName"] for frame in ami.events if frame.get("Event") == "AgentConnect"}


def test_a_branch_takes_its_own_calls(switch: RunningSwitch) -> None:
    with (
        switch.ami() as ami,
        switch.desk("12366", host="127.0.0.7"),
        switch.citizen("branch", line="12366", stay_s=4) as citizen,
    ):
        call_id = arrived(ami, Line="12366")["CallId"]
        ami.event("DialEnd", DialStatus="ANSWER", Uniqueid=call_id)
        assert citizen.wait(20) == 0
    assert not [frame for frame in ami.events if frame.get("Event") == "QueueCallerJoin"]


def test_a_branch_that_does_not_answer_leaves_nobody_alone(switch: RunningSwitch) -> None:
    with switch.ami() as ami, switch.citizen("branch-away", line="12366", stay_s=14):
        call_id = arrived(ami, Line="12366")["CallId"]
        assert joined(ami, call_id, 13)["Queue"] == "hotline"


def test_a_surge_is_announced_while_it_lasts(switch: RunningSwitch) -> None:
    with switch.ami() as ami:
        ami.ask(Action="Setvar", Variable="HOTLINE_SURGE", Value="surge")
        try:
            with switch.citizen("surge", stay_s=9):
                call = arrived(ami)
                switch.wait_for(lambda: plays(switch, "surge"), 3)
                assert stamp(joined(ami, call["CallId"])) - stamp(call) > 2
        finally:
            ami.ask(Action="Setvar", Variable="HOTLINE_SURGE", Value="")
        with switch.citizen("no-surge", number="15400000003", stay_s=2):
            call = arrived(ami, Caller="15400000003")
            assert stamp(joined(ami, call["CallId"])) - stamp(call) < 0.5


# -- calls from centres ------------------------------------------------------------------------------------------------


def test_a_citizen_whom_a_centre_hands_over_goes_first_and_reaches_the_reserve(switch: RunningSwitch) -> None:
    summary = "泽州路路灯杆倾斜，已到场，非警务类"
    headers = {"X-Handover-Summary": in_header(summary), "X-Handover-Number": "15400000009"}
    with (
        switch.ami() as ami,
        switch.desk("8011"),
        member(ami, "8011", penalty=90),
        switch.citizen("first", number="15400000001", stay_s=16),
        switch.citizen("second", number="15400000002", stay_s=16),
    ):
        for caller in ("15400000001", "15400000002"):
            joined(ami, arrived(ami, Caller=caller)["CallId"])
        with switch.citizen("police", number="110", host=POLICE, headers=headers, stay_s=9) as police:
            handed = arrived(ami, Centre="110")
            assert (handed["Line"], handed["Caller"], handed["Number"]) == ("12345", "15400000009", "15400000009")
            assert base64.urlsafe_b64decode(handed["Summary"] + "==").decode() == summary
            join = joined(ami, handed["CallId"])
            assert (join["Position"], join["Count"]) == ("1", "3")
            connected = ami.event("AgentConnect", 12)
            assert connected["Uniqueid"] == handed["CallId"]
            assert stamp(connected) - stamp(join) > 4
            assert police.wait(20) == 0
        ami.event("Hangup", Uniqueid=connected["DestUniqueid"])
    assert loudness(switch.recordings / f"{handed['CallId']}-caller.wav")[0] > 2
    assert len(_connected(ami)) == 1


def test_who_only_says_to_be_a_centre_is_a_citizen(switch: RunningSwitch) -> None:
    headers = {"X-Handover-Summary": in_header("请优先"), "X-Handover-Number": "15400000009"}
    with switch.ami() as ami, switch.citizen("waiting", number="15400000001", stay_s=5):
        joined(ami, arrived(ami, Caller="15400000001")["CallId"])
        with switch.citizen("forged", number="110", display="110", headers=headers, stay_s=2):
            forged = arrived(ami, Caller="110")
            assert joined(ami, forged["CallId"])["Position"] == "2"
    assert "Centre" not in forged
    assert "Summary" not in forged


@pytest.mark.parametrize("user", ["110", "trunk", "8011"])
def test_a_caller_from_nowhere_is_not_taken_for_whom_it_names(switch: RunningSwitch, user: str) -> None:
    with switch.ami() as ami, switch.citizen("nowhere", number=user, host="127.0.0.9", stay_s=1) as caller:
        assert caller.wait(20) != 0
        ami.listen(0.2)
    assert not [frame for frame in ami.events if frame.get("Event") == "Newchannel"]


@pytest.mark.parametrize(
    ("summary", "number"),
    [
        ("no base64!", "1;2"),
        ('") | 1 = 1 & (', "${SHELL(id)}"),
        ("A" * 801, "1" * 21),
        ("${EPOCH}", "+"),
        ("QQ===", "12"),
    ],
)
def test_a_header_of_another_form_counts_nothing(switch: RunningSwitch, summary: str, number: str) -> None:
    headers = {"X-Handover-Summary": summary, "X-Handover-Number": number}
    with switch.ami() as ami, switch.citizen("odd", number="15400000004", host=POLICE, headers=headers, stay_s=1):
        handed = arrived(ami, Centre="110")
        joined(ami, handed["CallId"])
    assert (handed["Summary"], handed["Number"], handed["Caller"]) == ("", "", "15400000004")
    assert handed["Refused"] == "summary+number"


@pytest.mark.parametrize("end", ["", "a", "ab"])
def test_the_longest_summary_arrives_with_whatever_padding(switch: RunningSwitch, end: str) -> None:
    summary = ("泽州路路灯杆倾斜，已到场，非警务类。" * 12)[: 200 - len(end)] + end
    headers = {"X-Handover-Summary": base64.urlsafe_b64encode(summary.encode()).decode()}
    with switch.ami() as ami, switch.citizen("long", number="110", host=POLICE, headers=headers, stay_s=1):
        handed = arrived(ami, Centre="110")
    assert summary_of(handed["Summary"]) == summary
    assert handed["Refused"] == ""


def test_a_centre_hands_over_to_the_lines_it_may_and_no_other(switch: RunningSwitch) -> None:
    with switch.ami() as ami, switch.citizen("elsewhere", line="12329", host=POLICE, stay_s=1) as caller:
        assert caller.wait(20) != 0
        ami.listen(0.2)
    assert not [frame for frame in ami.events if frame.get("UserEvent") == "HotlineArrived"]


# -- pressing 1 while waiting ------------------------------------------------------------------------------------------


def test_a_waiting_caller_presses_1_and_is_to_be_called_back(switch: RunningSwitch) -> None:
    with switch.ami() as ami, switch.citizen("asks", number="15400000005", press="1", stay_s=15) as citizen:
        call = arrived(ami)
        joined(ami, call["CallId"])
        asked = ami.event("UserEvent", UserEvent="HotlineCallback")
        assert [asked[name] for name in ("CallId", "Line", "Queue", "Number")] == [
            call["CallId"],
            "12345",
            "hotline",
            "15400000005",
        ]
        switch.wait_for(lambda: plays(switch, "call-back"), 3)
        assert citizen.wait(12) == 0
        assert ami.event("Hangup", Uniqueid=call["CallId"])["Cause"] == "16"
    log = (switch.asterisk.home / "log" / "queue_log").read_text()
    assert f"|{call['CallId']}|hotline|NONE|CALLBACK|12345|15400000005" in log


def test_a_caller_without_a_number_who_presses_1_waits_on_in_front(switch: RunningSwitch) -> None:
    with switch.ami() as ami, switch.citizen("anonymous", number="anonymous", press="1", stay_s=9):
        call = arrived(ami)
        joined(ami, call["CallId"])
        with switch.citizen("behind", number="15400000006", press="5", stay_s=8):
            joined(ami, arrived(ami, Caller="15400000006")["CallId"])
            again = ami.until(lambda f: f.get("Event") == "QueueCallerJoin" and f["Uniqueid"] == call["CallId"], 10)
            assert again["Position"] == "1"
    assert not [frame for frame in ami.events if frame.get("UserEvent") == "HotlineCallback"]


# -- how many stand in front -------------------------------------------------------------------------------------------


def test_the_music_says_how_many_stand_in_front_and_is_plain_music_once_somebody_answered(
    switch: RunningSwitch,
) -> None:
    with switch.ami() as ami, switch.desk("8011"), switch.citizen("first", number="15400000001", stay_s=4):
        joined(ami, arrived(ami, Caller="15400000001")["CallId"])
        with switch.citizen("second", number="15400000002", stay_s=15):
            second = arrived(ami, Caller="15400000002")
            joined(ami, second["CallId"])
            assert ami.event("MusicOnHoldStart", Uniqueid=second["CallId"])["Class"] == "position-1"
            assert _music_of(ami, second["Channel"]) == "position-1"
            with member(ami, "8011"):
                ami.event("AgentConnect", 20, Uniqueid=second["CallId"])
                switch.wait_for(lambda: _music_of(ami, second["Channel"]) == "default", 3)


def _music_of(ami: Ami, channel: str) -> str:
    return ami.ask(Action="Getvar", Channel=channel, Variable="CHANNEL(musicclass)")["Value"]
