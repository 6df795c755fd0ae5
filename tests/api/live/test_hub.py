"""Events say *look again*; every reader gets what changed for it, and only what it may see."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from api.auth.permissions import Role
from api.live.feeds import RING_S
from api.live.hub import QUEUE_EVERY_S, Hub
from api.live.messages import CloseCode, ErrorCode, SpeechState, server_message
from api.tickets.queries import CallerSummary
from asr.recognizer import SpeechLevel
from asr.transcript import Speaker, Turn
from telephony.calls import CallPhase
from telephony.events import (
    AgentStatus,
    AgentStatusChanged,
    CallAnswered,
    CallOffered,
    CallQueued,
    LinkChanged,
    LinkState,
    OfferEnded,
    OfferOutcome,
)
from telephony.ids import CallId, ChannelId
from tests.api.live.stage import (
    CALL,
    HOTLINE,
    OPERATOR,
    OTHER,
    START,
    Board,
    Clock,
    Memory,
    hub,
    kinds,
    ops,
    supervisor,
    viewer,
)


@pytest.fixture
def board() -> Board:
    return Board()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def live(board: Board, clock: Clock) -> Hub:
    return hub(board, clock)


def offered(board: Board, agent: str = OPERATOR) -> CallOffered:
    board.change(phase=CallPhase.OFFERED, offered_to=agent, offered_at=START)
    return CallOffered(at=START, call_id=CALL, agent_id=OPERATOR, channel=ChannelId("1.2"))


def answered(board: Board) -> CallAnswered:
    board.change(
        phase=CallPhase.TALKING, offered_to=None, answered_by=OPERATOR, answered_at=START + timedelta(seconds=3)
    )
    return CallAnswered(
        at=START + timedelta(seconds=3),
        call_id=CALL,
        agent_id=OPERATOR,
        citizen=ChannelId("1.1"),
        operator=ChannelId("1.2"),
        wait_s=3.0,
    )


def turn(seg: int = 0, rev: int = 1, text: str = "您好", final: bool = False) -> Turn:
    return Turn(seg=seg, rev=rev, speaker=Speaker.CALLER, text=text, start_s=0.123, end_s=1, final=final)


def test_a_subscription_begins_with_a_snapshot_and_goes_on_with_patches(board: Board, live: Hub) -> None:
    board.arrive()
    reader = Memory(viewer())
    live.admit(reader)
    live.handle(offered(board))
    live.subscribe(reader, f"call/{CALL}")
    live.handle(answered(board))
    snapshot, patch = reader.take()
    assert (snapshot["t"], snapshot["seq"]) == ("snap", 0)
    assert snapshot["data"]["call"]["phase"] == "offered"
    assert snapshot["data"]["call"]["caller"]["number"] == "138****0000"
    assert patch["seq"] == 1
    assert ["set", "call/phase", "talking"] in ops(patch)
    assert {op[1].split("/")[0] for op in ops(patch)} == {"call", "parties"}


def test_what_is_sent_satisfies_the_message_models(board: Board, live: Hub) -> None:
    board.arrive()
    board.sign_in(status=AgentStatus.RINGING, call_id=CALL)
    reader = Memory(viewer())
    live.admit(reader)
    channels = ("me", "queue", f"call/{CALL}")
    for channel in channels:
        live.subscribe(reader, channel)
    live.handle(offered(board))
    live.show_turn(CALL, turn())
    live.show_draft(CALL, {"id": "d1", "fields": {}})
    live.show_switch(LinkState.LIVE)
    sent = reader.take()
    for message in sent:
        server_message.validate_python(message)
    told = {(one["t"], one["ch"]) for one in sent}
    assert told == {*(("snap", channel) for channel in channels), ("p", "me"), ("p", f"call/{CALL}")}


def test_an_event_that_changes_nothing_for_a_reader_sends_nothing(board: Board, live: Hub) -> None:
    board.arrive()
    offered(board)
    reader = Memory(viewer())
    live.admit(reader)
    live.subscribe(reader, f"call/{CALL}")
    reader.take()
    live.handle(CallQueued(at=START, call_id=CALL, queue=HOTLINE, position=1))
    assert reader.take() == []


def test_a_returning_reader_replays_what_it_missed(board: Board, live: Hub) -> None:
    board.arrive()
    offered(board)
    first = Memory(viewer())
    live.admit(first)
    live.subscribe(first, f"call/{CALL}")
    epoch = first.take()[0]["epoch"]
    live.leave(first)
    live.handle(answered(board))
    live.show_turn(CALL, turn())
    again = Memory(viewer())
    live.admit(again)
    live.subscribe(again, f"call/{CALL}", epoch, 0)
    assert [(message["t"], message["seq"]) for message in again.take()] == [("p", 1), ("p", 2)]


def test_a_gap_is_filled_by_resync_and_a_too_old_one_by_a_snapshot(board: Board, clock: Clock, live: Hub) -> None:
    board.arrive()
    offered(board)
    reader = Memory(viewer())
    live.admit(reader)
    live.subscribe(reader, f"call/{CALL}")
    for rev in range(1, 4):
        live.show_turn(CALL, turn(rev=rev, text="您" * rev))
    reader.take()
    live.resync(reader, f"call/{CALL}", 1)
    assert [message["seq"] for message in reader.take()] == [2, 3]
    clock.now_s += RING_S + 1
    live.show_turn(CALL, turn(rev=9))
    reader.take()
    live.resync(reader, f"call/{CALL}", 1)
    (snapshot,) = reader.take()
    assert (snapshot["t"], snapshot["seq"]) == ("snap", 4)


def test_a_feed_that_nobody_reads_is_kept_as_long_as_its_ring_and_returns_with_another_epoch(
    board: Board, clock: Clock, live: Hub
) -> None:
    reader = Memory(viewer())
    live.admit(reader)
    live.subscribe(reader, "me")
    epoch = reader.take()[0]["epoch"]
    live.leave(reader)
    clock.now_s += RING_S - 1
    live.tick()
    assert len(live.book) == 1
    clock.now_s += 2
    live.tick()
    assert len(live.book) == 0
    live.admit(reader)
    live.subscribe(reader, "me", epoch, 0)
    (snapshot,) = reader.take()
    assert snapshot["t"] == "snap"
    assert snapshot["epoch"] != epoch


def test_a_stranger_may_not_read_a_call(board: Board, live: Hub) -> None:
    board.arrive()
    offered(board)
    stranger = Memory(viewer(OTHER))
    live.admit(stranger)
    live.subscribe(stranger, f"call/{CALL}")
    assert stranger.take() == [{"t": "err", "ch": f"call/{CALL}", "code": ErrorCode.FORBIDDEN}]
    live.handle(answered(board))
    assert stranger.take() == []


def test_who_loses_the_call_loses_its_channel_before_the_next_patch(board: Board, live: Hub) -> None:
    board.arrive()
    offered(board)
    reader = Memory(viewer())
    live.admit(reader)
    live.subscribe(reader, f"call/{CALL}")
    reader.take()
    board.change(phase=CallPhase.QUEUED, offered_to=None, offered_at=None)
    live.handle(OfferEnded(at=START, call_id=CALL, agent_id=OPERATOR, outcome=OfferOutcome.NO_ANSWER, ring_s=15.0))
    assert reader.take() == [{"t": "err", "ch": f"call/{CALL}", "code": ErrorCode.FORBIDDEN}]
    live.show_turn(CALL, turn())
    assert reader.take() == []


def test_a_supervisor_sees_every_call_and_who_waits_with_masked_numbers(board: Board, live: Hub) -> None:
    board.arrive()
    reader = Memory(supervisor())
    live.admit(reader)
    live.subscribe(reader, f"call/{CALL}")
    live.subscribe(reader, "queue")
    call, queue = reader.take()
    assert call["data"]["call"]["caller"]["number"] == "138****0000"
    assert queue["data"]["queues"]["hotline"]["waiting"][0]["number"] == "138****0000"


def test_a_role_without_calls_has_no_call_channel_at_all(board: Board, live: Hub) -> None:
    board.arrive()
    reader = Memory(viewer(None, role=Role.ADMIN))
    live.admit(reader)
    live.subscribe(reader, f"call/{CALL}")
    assert [message["code"] for message in reader.take()] == ["unknown_channel"]


def test_an_operator_gets_counts_of_the_queue_but_nobody_in_it(board: Board, live: Hub) -> None:
    board.arrive()
    board.sign_in()
    reader = Memory(viewer())
    live.admit(reader)
    live.subscribe(reader, "queue")
    (snapshot,) = reader.take()
    line = snapshot["data"]["queues"]["hotline"]
    assert (line["count"], line["waiting"]) == (1, None)
    assert line["longest_since"] == round(START.timestamp() * 1000)
    assert snapshot["data"]["agents"]["ready"] == 1
    assert "138" not in str(snapshot)


def test_queue_changes_are_gathered(board: Board, clock: Clock, live: Hub) -> None:
    reader = Memory(viewer())
    live.admit(reader)
    live.subscribe(reader, "queue")
    reader.take()
    for number in range(5):
        call_id = CallId(f"1.{number}")
        board.arrive(call_id)
        live.handle(CallQueued(at=START, call_id=call_id, queue=HOTLINE, position=number))
    live.tick()
    assert reader.take() == []
    clock.now_s += QUEUE_EVERY_S
    live.tick()
    (patch,) = reader.take()
    assert ["set", "queues/hotline/count", 5] in ops(patch)


def test_the_same_view_is_encoded_once_for_all_its_readers(board: Board, live: Hub) -> None:
    board.arrive()
    readers = [Memory(supervisor(agent_id=None, user_id=number)) for number in range(20)]
    for reader in readers:
        live.admit(reader)
        live.subscribe(reader, f"call/{CALL}")
    assert len(live.book) == 1
    live.show_turn(CALL, turn())
    assert all(kinds(reader.take()) == ["snap", "p"] for reader in readers)


def test_me_follows_the_agent_the_links_and_the_day(board: Board, live: Hub) -> None:
    board.arrive()
    board.sign_in()
    reader = Memory(viewer())
    live.admit(reader)
    live.subscribe(reader, "me")
    (snapshot,) = reader.take()
    assert snapshot["data"]["agent"]["display_name"] == "座席8001"
    assert snapshot["data"]["links"]["switch"]["state"] == "down"

    live.handle(LinkChanged(at=START, state=LinkState.LIVE))
    (patch,) = reader.take()
    assert ops(patch) == [["set", "links/switch/state", "live"]]

    board.sign_in(status=AgentStatus.TALKING, call_id=CALL)
    live.handle(answered(board))
    (patch,) = reader.take()
    assert ["set", "today/answered", 1] in ops(patch)
    assert ["set", "call", CALL] in ops(patch)

    live.handle(replace(answered(board), at=START + timedelta(seconds=30), returned=True))
    assert reader.take() == [], "back on a new leg: no second answer, and the same handling time"

    board.sign_in(status=AgentStatus.READY)
    live.handle(
        AgentStatusChanged(
            at=START + timedelta(seconds=63),
            agent_id=OPERATOR,
            status=AgentStatus.READY,
            reasons=frozenset(),
            call_id=None,
        )
    )
    (patch, *_) = reader.take()
    assert ["set", "today/handle_s", 60.0] in ops(patch)


def test_a_person_who_is_not_signed_in_to_a_seat_has_no_agent(board: Board, live: Hub) -> None:
    reader = Memory(viewer(None, role=Role.ADMIN))
    live.admit(reader)
    live.subscribe(reader, "me")
    (snapshot,) = reader.take()
    assert snapshot["data"]["agent"] is None
    assert snapshot["data"]["call"] is None


def test_an_unknown_channel_and_a_call_that_is_not_live_are_refused(board: Board, live: Hub) -> None:
    reader = Memory(supervisor())
    live.admit(reader)
    for channel in ("walls", "call/", "call/9.9"):
        live.subscribe(reader, channel)
    assert [message["code"] for message in reader.take()] == ["unknown_channel"] * 3


def test_a_second_window_ends_the_first(board: Board, live: Hub) -> None:
    board.sign_in()
    old, new = Memory(viewer()), Memory(viewer(), tab="tab-2")
    live.admit(old)
    live.subscribe(old, "me")
    live.admit(new)
    live.subscribe(new, "me")
    assert old.dismissed == [CloseCode.SUPERSEDED]
    assert new.dismissed == []
    old.take()
    live.show_switch(LinkState.LIVE)
    assert old.take() == []
    assert kinds(new.take()) == ["snap", "p"]


def test_two_people_without_a_seat_do_not_supersede_each_other(live: Hub) -> None:
    one, two = Memory(viewer(None)), Memory(viewer(None, user_id=2))
    live.admit(one)
    live.admit(two)
    assert one.dismissed == []


def test_a_revoked_session_ends_at_once_out_of_a_call_and_after_it_in_a_call(board: Board, live: Hub) -> None:
    board.sign_in(OTHER)
    board.arrive()
    board.sign_in(OPERATOR, status=AgentStatus.TALKING, call_id=CALL)
    idle, busy = Memory(viewer(OTHER)), Memory(viewer())
    live.admit(idle)
    live.admit(busy)
    live.session_ended(idle.viewer.session)
    live.session_ended(busy.viewer.session)
    assert idle.dismissed == [CloseCode.SESSION_ENDED]
    assert busy.dismissed == []
    board.sign_in(OPERATOR, status=AgentStatus.WRAPPING_UP, call_id=CALL)
    live.handle(
        AgentStatusChanged(
            at=START, agent_id=OPERATOR, status=AgentStatus.WRAPPING_UP, reasons=frozenset(), call_id=CALL
        )
    )
    assert busy.dismissed == [CloseCode.SESSION_ENDED]


def test_the_picture_of_a_call_is_forgotten_with_the_call(board: Board, live: Hub) -> None:
    board.arrive()
    live.show_caller(CALL, CallerSummary(repeat_7d=3))
    live.show_speech(CALL, SpeechState(state=SpeechLevel.OK, engine="scripted"))
    assert live.picture(CALL).caller.repeat_7d == 3
    del board.calls[CALL]
    live.tick()
    assert live.picture(CALL).caller.repeat_7d == 1


def test_nothing_is_remembered_for_a_call_that_does_not_exist(live: Hub) -> None:
    live.show_turn(CallId("9.9"), turn())
    assert live.picture(CallId("9.9")).transcript == ()
