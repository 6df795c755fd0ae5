from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.ami.frames import MAX_FRAME_BYTES, MAX_FRAME_LINES, Frame, FrameReader, Rejected
from tests.fakes.ami import BANNER, channel, event, frame, listed_channel, listed_member
from tests.telephony.ami.recordings import NAMES, asked, recorded

CALL = channel("1795297515.0", "PJSIP/trunk-00000000", CallerIDName="张女士")
NEWCHANNEL = event("Newchannel", **CALL)


def read(*chunks: bytes, asked: dict[str, str] | None = None) -> list[Frame | Rejected]:
    reader = FrameReader(asked or {})
    return [item for chunk in (BANNER, *chunks) for item in reader.receive(chunk)]


def reasons(*chunks: bytes, asked: dict[str, str] | None = None) -> list[str]:
    return [item.reason if isinstance(item, Rejected) else "" for item in read(*chunks, asked=asked)]


@pytest.mark.parametrize("name", NAMES)
def test_recorded_traffic_reads_the_same_whole_and_byte_by_byte(name: str) -> None:
    raw = recorded(name)
    whole = FrameReader(asked(name)).receive(raw)
    reader = FrameReader(asked(name))
    assert [item for i in range(len(raw)) for item in reader.receive(raw[i : i + 1])] == whole
    assert reader.version == "11.0.0"


@pytest.mark.parametrize("name", NAMES)
def test_no_frame_of_ordinary_traffic_is_refused(name: str) -> None:
    odd = {"channel_variables": ["repeated header"] * 2, "raw_bytes_and_odd_headers": ["repeated header"]}
    items = FrameReader(asked(name)).receive(recorded(name))
    refused = [item.reason for item in items if isinstance(item, Rejected)]
    assert len(items) > 5
    assert len(refused) <= len(odd.get(name, []))
    assert set(refused) <= {"repeated header"}


def test_recorded_traffic_cut_at_random_places_reads_the_same() -> None:
    raw, chance = recorded("channel_variables"), random.Random(1)
    whole = FrameReader({"a1": ""}).receive(raw)
    for _ in range(50):
        cuts = sorted(chance.sample(range(len(raw)), 20))
        reader = FrameReader({"a1": ""})
        pieces = [raw[i:j] for i, j in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
        assert [item for piece in pieces for item in reader.receive(piece)] == whole


def test_a_chinese_name_survives_a_cut_at_every_byte() -> None:
    for cut in range(len(NEWCHANNEL)):
        [item] = read(NEWCHANNEL[:cut], NEWCHANNEL[cut:])
        assert isinstance(item, Frame)
        assert item.headers["CallerIDName"] == "张女士"


def test_each_value_is_decoded_by_itself() -> None:
    raw = event("DeviceStateChange", Device="PJSIP/8001", State="INUSE", Utf="张女士")
    raw = raw[:-2] + b"Old: " + "王建国".encode("gb18030") + b"\r\nBroken: \xff\xff\xff\r\n\r\n"
    [item] = read(raw)
    assert isinstance(item, Frame)
    assert (item.headers["Utf"], item.headers["Old"]) == ("张女士", "王建国")
    assert "�" in item.headers["Broken"]


def test_repeatable_headers_become_a_mapping() -> None:
    raw = NEWCHANNEL[:-2] + b"ChanVariable: HOTLINE_LINE=12345\r\nChanVariable: A=b=c\r\n\r\n"
    [item] = read(raw)
    assert isinstance(item, Frame)
    assert item.variables["ChanVariable"] == {"HOTLINE_CALL_ID": "", "HOTLINE_LINE": "12345", "A": "b=c"}


def test_the_key_of_an_originated_channel_s_variables_may_hold_a_colon() -> None:
    tap = "ChanVariable(AudioSocket/127.0.0.1:12349-0d7c8d2e)"
    raw = NEWCHANNEL[:-2] + f"{tap}: HOTLINE_CALL_ID=\r\n{tap}: HOTLINE_LINE=1\r\n\r\n".encode()
    [item] = read(raw)
    assert isinstance(item, Frame)
    assert item.variables[tap] == {"HOTLINE_CALL_ID": "", "HOTLINE_LINE": "1"}


def test_a_frame_may_end_with_a_bare_line_feed_and_empty_values_may_lack_the_space() -> None:
    raw = event("DeviceStateChange", Device="PJSIP/8001", State="INUSE")[:-2] + b"Empty:\r\n\n"
    [item] = read(raw)
    assert isinstance(item, Frame)
    assert item.headers["Empty"] == ""


def test_a_stream_without_a_banner_is_given_up() -> None:
    for first in (b"HTTP/1.1 400 Bad Request\r\n\r\n", b"Asterisk Call Manager/" + b"1" * 200, b"SSH-2.0"):
        reader = FrameReader({})
        assert reader.receive(first) == []
        assert reader.broken == "not a manager interface"


def test_a_frame_without_an_end_is_given_up_at_the_limit() -> None:
    reader = FrameReader({})
    reader.receive(BANNER)
    for _ in range(MAX_FRAME_BYTES // 1024 + 1):
        assert reader.receive(b"x" * 1024) == []
    assert reader.broken == "frame too long"
    assert reader.receive(NEWCHANNEL) == []


def test_too_many_lines_are_given_up_and_the_most_allowed_are_read() -> None:
    head = b"Event: Odd\r\nPrivilege: call,all\r\n"
    most = head + b"".join(b"H%d: 1\r\n" % i for i in range(MAX_FRAME_LINES - 2)) + b"\r\n"
    [item] = read(most)
    assert isinstance(item, Frame)
    reader = FrameReader({})
    assert reader.receive(BANNER + b"H: 1\r\n" + most) == []
    assert reader.broken == "frame has too many lines"


def test_reading_takes_linear_time() -> None:
    """A 60 kB frame in single bytes, and a megabyte of frames at once, within a generous second each."""
    long = b"Event: Odd\r\nPrivilege: call,all\r\nBig: " + b"x" * 60_000 + b"\r\n\r\n"
    for chunks in ([long[i : i + 1] for i in range(len(long))], [NEWCHANNEL * 2500]):
        started = time.process_time()
        assert all(isinstance(item, Frame) for item in read(*chunks))
        assert time.process_time() - started < 1


@given(st.lists(st.binary(max_size=80)))
def test_no_bytes_make_the_reader_raise(chunks: list[bytes]) -> None:
    read(*chunks)


_PIECES = st.sampled_from(
    [
        b"\r\n", b"\n", b"\r", b": ", b"\r\n\r\n", b"\xff\xfe", b"Event: Hangup", b"Event:", b"Response: Success",
        b"Privilege: call,all", b"ActionID: a1", b"Timestamp: 1795297515.848802", b"Cause: 16", b"Uniqueid: 1.1",
    ]
)  # fmt: skip


@given(st.lists(_PIECES, max_size=30))
def test_no_arrangement_of_plausible_pieces_makes_the_reader_raise_or_states_an_event(pieces: list[bytes]) -> None:
    items = read(b"".join(pieces), asked={"a1": "Status"})
    assert not [item for item in items if isinstance(item, Frame) and item.event == "Hangup"]


# --- what a caller can put into a number -----------------------------------------------------------------------------

FORGED = {
    "a hang-up of somebody else": "1\r\n\r\nEvent: Hangup\r\nChannel: PJSIP/8001-00000001\r\nUniqueid: 1.1",
    "a hang-up, ended": "1\r\n\r\nEvent: Hangup\r\nUniqueid: 1.1\r\nCause: 16\r\n\r\n",
    "with a privilege": "1\r\n\r\nEvent: Hangup\r\nPrivilege: call,all\r\nUniqueid: 1.1\r\nCause: 16\r\n\r\n",
    "a contact": "1\r\n\r\nEvent: ContactStatus\r\n\r\n",
    "a contact with a privilege": "1\r\n\r\nEvent: ContactStatus\r\nPrivilege: system,all\r\nAOR: 8001\r\n\r\n",
    "a phone lost": "1\r\n\r\nEvent: DeviceStateChange\r\nDevice: PJSIP/8001\r\nState: UNAVAILABLE\r\n\r\n",
    "a repeated header": "1\r\nUniqueid: 1795297515.7",
    "an answer": "1\r\n\r\nResponse: Success\r\nActionID: 1\r\n\r\n",
    "the end of a list": "1\r\n\r\nEvent: StatusComplete\r\nEventList: Complete\r\nListItems: 0",
    "bare line feeds": "1\r\n\nEvent: Hangup\r\nUniqueid: 1.1\r\n\n",
}
CALL_EVENTS = ("Newchannel", "Newstate", "BridgeEnter", "QueueCallerJoin", "AgentCalled", "NewConnectedLine")
EXTRAS = {
    "BridgeEnter": {"BridgeUniqueid": "b", "BridgeType": "basic", "BridgeTechnology": "simple_bridge"},
    "QueueCallerJoin": {"Queue": "hotline", "Position": "1", "Count": "1"},
    "AgentCalled": {
        **channel("1795297516.1", "PJSIP/8001-00000001", prefix="Dest"),
        "Queue": "hotline",
        "Interface": "PJSIP/8001",
        "MemberName": "8001",
    },
}


@pytest.mark.parametrize("number", FORGED.values(), ids=FORGED)
@pytest.mark.parametrize("header", ["CallerIDNum", "ConnectedLineNum"])
@pytest.mark.parametrize("name", CALL_EVENTS)
def test_a_number_with_line_breaks_states_nothing(name: str, header: str, number: str) -> None:
    block = channel("1795297515.0", "PJSIP/trunk-00000000", call_id="1795297515.0")
    raw = event(name, **{**block, **EXTRAS.get(name, {}), header: number})
    items = read(raw, asked={"action/1": "Status"})
    assert items
    assert all(isinstance(item, Rejected) for item in items)
    assert isinstance(read(event(name, **block, **EXTRAS.get(name, {})))[0], Frame)


@pytest.mark.parametrize("number", FORGED.values(), ids=FORGED)
def test_a_number_with_line_breaks_states_nothing_inside_a_list(number: str) -> None:
    asked_for = {"q": "QueueStatus", "s": "Status"}
    entry = {"Queue": "hotline", "Position": "1", "Channel": "PJSIP/trunk-00000000", "Uniqueid": "1795297515.0",
             "CallerIDNum": number, "CallerIDName": "x", "ConnectedLineNum": "1", "ConnectedLineName": "x",
             "Wait": "2", "Priority": "0", "ActionID": "q"}  # fmt: skip
    live = {**listed_channel("1795297515.0", "PJSIP/trunk-00000000", CallerIDNum=number), "ActionID": "s"}
    for kind, headers in (("QueueEntry", entry), ("Status", live)):
        items = read(frame([("Event", kind), *headers.items()]), asked=asked_for)
        assert items
        assert all(isinstance(item, Rejected) for item in items)


def test_no_forgery_that_fits_a_number_passes_the_shortest_schema() -> None:
    """79 characters are what a caller has; privilege and timestamp alone leave no room for the rest."""
    assert len(b"\r\n\r\n" + event("DeviceStateChange", Device="PJSIP/1", State="UNKNOWN")) > 79


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"Event: X\r\n\r\n", "event without a privilege"),
        (b"Event: X\r\nStatus: 1\r\nPrivilege: call,all\r\n\r\n", "event without a privilege"),
        (b"Hello: X\r\n\r\n", "neither event nor response"),
        (b"\r\n\r\n", "line without a header"),
        (b"Event: X\r\nno colon\r\n\r\n", "line without a header"),
        (b"Response: Success\r\n\r\n", "response to nothing that was asked"),
        (b"Response: Success\r\nActionID: b\r\n\r\n", "response to nothing that was asked"),
        (event("Hangup", **CALL, Cause="16"), "header missing"),
        (event("Hangup", **CALL, Cause="a", Cause_txt=""), "number expected"),
        (event("Newstate"), "channel missing"),
        (event("Newstate", at="1.1", **CALL), "event without a timestamp"),
        (event("Newstate", **{**CALL, "Uniqueid": "1"}).replace(b"call,all", b"user,all"), "wrong privilege"),
        (frame([("Event", "DeviceStateChange"), ("Device", "d"), ("ActionID", "q")]), "item of another list"),
        (frame([("Event", "QueueMember"), ("Queue", "q"), ("ActionID", "q")]), "header missing"),
        (frame([("Event", "QueueStatusComplete"), ("ListItems", "0"), ("ActionID", "q")]), "end of a list in disorder"),
    ],
)  # fmt: skip
def test_each_objection_has_its_reason(raw: bytes, reason: str) -> None:
    assert reasons(raw, asked={"q": "QueueStatus"}) == [reason]


def test_items_and_ends_of_the_lists_that_were_asked_for_are_taken() -> None:
    item = frame([("Event", "QueueMember"), *listed_member("hotline", "PJSIP/8001", "8001").items(), ("ActionID", "q")])
    end = frame([("Event", "QueueStatusComplete"), ("ActionID", "q"), ("ListItems", "1")])
    assert reasons(item, end, asked={"q": "QueueStatus"}) == ["", ""]
    assert reasons(item, end) == ["event without a privilege"] * 2
