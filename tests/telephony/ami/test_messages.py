from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony import facts
from telephony.ami import messages, schemas
from telephony.ami.frames import Frame, FrameReader, parse
from telephony.facts import Channel, Fact
from tests.fakes.ami import channel, event, listed_channel
from tests.telephony.ami.recordings import NAMES, asked, recorded

RECEIVED = datetime(2026, 11, 21, 12, tzinfo=UTC)


def stated(raw: bytes) -> Fact | None:
    item = parse(raw.removesuffix(b"\r\n\r\n"), {})
    assert isinstance(item, Frame)
    return messages.fact_of(item, RECEIVED)


def facts_in(name: str) -> list[Fact]:
    items = FrameReader(asked(name)).receive(recorded(name))
    frames = [item for item in items if isinstance(item, Frame) and not item.answers]
    return [fact for frame in frames if (fact := messages.fact_of(frame, RECEIVED)) is not None]


@pytest.mark.parametrize("name", NAMES)
def test_every_event_of_recorded_traffic_becomes_a_fact_or_nothing(name: str) -> None:
    for fact in facts_in(name):
        assert fact.at.tzinfo is UTC


def test_every_event_that_is_read_has_a_schema() -> None:
    assert set(messages._BUILDERS) == set(schemas.EVENTS) - {"FullyBooted"}


def test_an_answered_call_is_told_in_the_words_of_the_switch() -> None:
    told = facts_in("no_answer_then_answered")
    kinds = Counter(type(fact).__name__ for fact in told)
    assert (kinds["AgentCalled"], kinds["AgentRingNoAnswer"], kinds["AgentConnect"]) == (2, 1, 1)
    [rang_out] = [fact for fact in told if isinstance(fact, facts.AgentRingNoAnswer)]
    assert (rang_out.member, rang_out.interface, rang_out.ring_ms) == ("1001", "PJSIP/1001", 4000)
    [joined] = [fact for fact in told if isinstance(fact, facts.QueueCallerJoin)]
    assert (joined.queue, joined.position, joined.channel.endpoint) == ("hotline", 1, "trunk")
    assert joined.at == datetime(2026, 11, 21, 21, 45, 16, 350851, tzinfo=UTC)


def test_a_channel_is_described_whole() -> None:
    fact = stated(event("Newstate", **channel("1.5", "PJSIP/trunk-0000000a", call_id="1.4", CallerIDName="张女士")))
    assert fact == facts.NewState(
        at=datetime(2026, 11, 21, 21, 45, 15, 848802, tzinfo=UTC),
        channel=Channel(
            id="1.5",  # type: ignore[arg-type]
            name="PJSIP/trunk-0000000a",
            linked_id="1.5",  # type: ignore[arg-type]
            state="Up",
            call_id="1.4",  # type: ignore[arg-type]
            caller_number="13800001234",
            caller_name="张女士",
            context="inbound",
            exten="12345",
        ),
    )


@given(st.integers(10**9, 10**10 - 1), st.integers(0, 999_999))
def test_a_time_is_taken_to_the_microsecond(seconds: int, micros: int) -> None:
    told = messages.stated_at(Frame({"Timestamp": f"{seconds}.{micros:06}"}))
    assert told == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds, microseconds=micros)


@pytest.mark.parametrize("stamp", ["", "nan", "1e9", "1795297515", "1795297515.", "-1.5", "\uff11.5", "1" * 400 + ".0"])
def test_what_is_no_time_is_none(stamp: str) -> None:
    assert messages.stated_at(Frame({"Timestamp": stamp})) is None


def test_unknown_values_and_unset_variables_are_empty() -> None:
    fact = stated(event("Newstate", **channel("1.5", "PJSIP/trunk-0000000a", CallerIDNum="<unknown>")))
    assert isinstance(fact, facts.NewState)
    assert (fact.channel.caller_number, fact.channel.caller_name, fact.channel.call_id) == ("", "", None)


def test_a_name_is_freed_of_the_switch_s_escapes() -> None:
    escaped = r"李\\\"\n\'b"
    fact = stated(event("Newstate", **channel("1.5", "PJSIP/trunk-0000000a", CallerIDName=escaped)))
    assert isinstance(fact, facts.NewState)
    assert fact.channel.caller_name == "李\\\" 'b"


def test_our_own_taps_are_no_part_of_any_call() -> None:
    tap = channel("1.9", "AudioSocket/127.0.0.1:12349-0d7c8d2e")
    assert stated(event("Newchannel", **tap)) is None
    assert stated(event("Hangup", **tap, Cause="16", Cause_txt="Normal")) is None
    dialled = {f"Dest{key}": value for key, value in tap.items()}
    assert stated(event("DialBegin", **dialled, DialString="x")) is None


def test_only_phones_are_devices() -> None:
    assert stated(event("DeviceStateChange", Device="Queue:hotline_avail", State="INUSE")) is None
    fact = stated(event("DeviceStateChange", Device="PJSIP/8001", State="INUSE"))
    assert isinstance(fact, facts.DeviceStateChange)
    assert (fact.device, fact.state) == ("PJSIP/8001", "INUSE")


def test_a_user_event_counts_only_on_a_channel() -> None:
    block = channel("1.5", "PJSIP/trunk-0000000a", call_id="1.5")
    fact = stated(event("UserEvent", **block, UserEvent="HotlineArrived", CallId="1.5", Line="12345", Caller="138"))
    assert isinstance(fact, facts.UserEvent)
    assert (fact.name, fact.fields) == ("HotlineArrived", {"CallId": "1.5", "Line": "12345", "Caller": "138"})
    assert fact.channel is not None
    assert stated(event("UserEvent", UserEvent="HotlineArrived", CallId="1.5")) is None


def test_what_we_sent_ourselves_is_an_echo() -> None:
    fact = stated(event("UserEvent", UserEvent="HotlineBarrier", Token="beef"))
    assert isinstance(fact, facts.Echo)
    assert fact.token == "beef"


def test_a_dialling_without_a_caller_is_the_switch_s_own() -> None:
    fact = stated(event("DialBegin", **channel("1.6", "PJSIP/110-0000000b", prefix="Dest"), DialString="110"))
    assert isinstance(fact, facts.DialBegin)
    assert fact.channel is None
    assert fact.dest.endpoint == "110"


def test_a_listed_channel_takes_its_call_from_the_variable_that_was_asked_for() -> None:
    item = Frame(listed_channel("1.5", "PJSIP/trunk-0000000a", bridge="b1"), {"Variable": {"HOTLINE_CALL_ID": "1.4"}})
    live = messages.live_channel(item)
    assert live is not None
    assert (live.channel.call_id, live.bridge, live.age_s, live.application) == ("1.4", "b1", 7, "Queue")
    unset = Frame(listed_channel("1.5", "PJSIP/x-0000000a"), {"Variable": {"HOTLINE_CALL_ID": "(null)"}})
    live = messages.live_channel(unset)
    assert live is not None
    assert (live.channel.call_id, live.bridge) == (None, None)
