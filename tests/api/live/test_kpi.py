"""Today's figures: each call once, by dialled number, from midnight to midnight of the city."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from api.live.kpi import DayKpi
from telephony.events import CallAnswered, CallArrived, CallEnded, CallOutcome
from telephony.ids import AgentId, CallId, ChannelId, LineNumber
from telephony.queues import Taken

CITY = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 21, 16, 0, tzinfo=UTC)


def arrived(call_id: str, at: datetime = NOON, line: str = "12345") -> CallArrived:
    return CallArrived(
        at=at,
        call_id=CallId(call_id),
        caller_number="",
        caller_name="",
        line=LineNumber(line),
        channel=ChannelId(call_id),
    )


def answered(call_id: str, wait_s: float, *, at: datetime = NOON, rebuilt: bool = False) -> CallAnswered:
    return CallAnswered(
        at=at,
        call_id=CallId(call_id),
        agent_id=AgentId("8001"),
        citizen=ChannelId(call_id),
        operator=ChannelId("9.9"),
        wait_s=wait_s,
        rebuilt=rebuilt,
    )


def abandoned(call_id: str, wait_s: float, at: datetime = NOON) -> CallEnded:
    return CallEnded(
        at=at, call_id=CallId(call_id), outcome=CallOutcome.ABANDONED, ended_by="caller", wait_s=wait_s, talk_s=None
    )


def test_a_call_counts_once_however_often_it_is_told_of() -> None:
    kpi = DayKpi(zone=CITY)
    for event in [arrived("1.1"), answered("1.1", 15.0), arrived("1.2"), abandoned("1.2", 40.0)] * 2:
        kpi.apply(event)
    now = kpi.now(NOON)
    assert (now.arrived, now.answered, now.abandoned, now.within_15s, now.longest_wait_s) == (2, 1, 1, 1, 40.0)


def test_a_call_of_no_known_line_counts_in_the_sums_alone() -> None:
    kpi = DayKpi(zone=CITY)
    for event in [arrived("1.1", line=""), answered("1.1", 5.0), arrived("1.2")]:
        kpi.apply(event)
    now = kpi.now(NOON)
    assert (now.arrived, now.answered, set(now.lines)) == (2, 1, {"12345"})


def test_fifteen_seconds_are_in_time_and_an_answer_nobody_saw_is_not_counted_as_such() -> None:
    kpi = DayKpi(zone=CITY)
    for call_id, wait_s, rebuilt in (("1.1", 15.0, False), ("1.2", 15.1, False), ("1.3", 0.0, True)):
        kpi.apply(arrived(call_id))
        kpi.apply(answered(call_id, wait_s, rebuilt=rebuilt))
    assert (kpi.now(NOON).answered, kpi.now(NOON).within_15s) == (3, 1)


def test_a_merged_number_keeps_figures_of_its_own() -> None:
    kpi = DayKpi(zone=CITY)
    for event in (arrived("1.1"), arrived("1.2", line="12329"), answered("1.2", 3.0)):
        kpi.apply(event)
    assert {line: (one.arrived, one.answered) for line, one in kpi.now(NOON).lines.items()} == {
        "12345": (1, 0),
        "12329": (1, 1),
    }


def test_midnight_begins_anew_with_those_who_wait_and_yesterday_does_not_come_back() -> None:
    kpi = DayKpi(zone=CITY)
    for event in (arrived("1.1"), arrived("1.2"), answered("1.1", 2.0)):
        kpi.apply(event)
    kpi.apply(answered("1.2", 20.0, at=MIDNIGHT + timedelta(seconds=1)))
    kpi.apply(arrived("1.3", at=MIDNIGHT - timedelta(seconds=1)))
    now = kpi.now(MIDNIGHT + timedelta(seconds=2))
    assert (now.arrived, now.answered) == (2, 1)


def test_midnight_is_that_of_the_zone() -> None:
    """Kiritimati is fourteen hours ahead: its day begins at ten."""
    begins = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
    for zone, arrivals in ((ZoneInfo("Pacific/Kiritimati"), 1), (CITY, 2), (UTC, 2)):
        kpi = DayKpi(zone=zone)
        for event in (arrived("1.1", NOON), answered("1.1", 2.0), arrived("1.2", begins)):
            kpi.apply(event)
        assert kpi.now(begins).arrived == arrivals, zone


def test_calls_that_operators_place_are_none_of_it() -> None:
    kpi = DayKpi(zone=CITY)
    kpi.apply(answered("1795297638.9123456", 2.0))
    kpi.apply(abandoned("1795297638.9123456", 2.0))
    assert (kpi.now(NOON).arrived, kpi.now(NOON).answered, kpi.now(NOON).abandoned) == (0, 0, 0)


def test_what_the_records_hold_of_today_is_counted_after_a_restart_and_not_again() -> None:
    kpi = DayKpi(zone=CITY)
    taken = Taken(line=LineNumber("12345"), answered=True, abandoned=False, wait_s=4.0)
    kpi.seed([(CallId("1.1"), taken)], NOON)
    kpi.apply(answered("1.1", 4.0))
    assert (kpi.now(NOON).arrived, kpi.now(NOON).answered, kpi.now(NOON).within_15s) == (1, 1, 1)
