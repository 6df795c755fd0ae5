"""A call that an operator places, through the switchboard: roles, outcomes, statuses, restarts."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.calls import CallPhase, LegRole
from telephony.commands import HangUpCall, Pause, PlaceCall
from telephony.errors import InvalidValue, Refused, UnknownAgent
from telephony.events import (
    AgentLegEnded,
    AgentStatus,
    CallAnswered,
    CallArrived,
    CallEnded,
    CallOffered,
    CallOutcome,
    CallPlaced,
    CallQueued,
    LinkChanged,
    LinkState,
    MachineHeard,
    PauseReason,
)
from telephony.facts import (
    BridgeEnter,
    BridgeLeave,
    Channel,
    DeviceStateChange,
    DialBegin,
    DialEnd,
    Fact,
    Hangup,
    HangupRequest,
    LinkLost,
    LiveChannel,
    NewChannel,
    NewState,
    OriginateResponse,
    UserEvent,
)
from telephony.ids import AgentId, BridgeId, CallId, ChannelId, LineNumber, SeatId
from telephony.orders import DialLeg, HangUpChannel, PauseMember
from telephony.outbound import new_call_id, outcome, placed_by_us
from tests.fakes.stories import START
from tests.telephony.stage import Stage, member, snapshot

ME = AgentId("8001")
NUMBER = "13800000001"
CALL = new_call_id(START, 4711)
PLACE = PlaceCall(call_id=CALL, agent_id=ME, number=NUMBER, line=LineNumber("12345"))


class OwnCall:
    """What the switch tells of it, act by act."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.own = self._channel(ChannelId(CALL), "8001")
        self.citizen = self._channel(ChannelId("1795297638.7"), "trunk")
        self.bridge = BridgeId("own")

    def _channel(self, own_id: ChannelId, endpoint: str) -> Channel:
        return Channel(
            id=own_id,
            name=f"PJSIP/{endpoint}-0000007a",
            linked_id=ChannelId(CALL),
            state="Down",
            call_id=CALL,
            context="outbound",
            exten=NUMBER if endpoint == "8001" else "",
        )

    def pick_up(self) -> list[Fact]:
        ringing = NewChannel(at=self._next(), channel=self.own)
        self.own = replace(self.own, state="Up")
        return [ringing, NewState(at=self._next(), channel=self.own)]

    def dial(self) -> list[Fact]:
        made = NewChannel(at=self._next(), channel=self.citizen)
        return [made, DialBegin(at=self._next(), channel=self.own, dest=self.citizen)]

    def answer(self) -> list[Fact]:
        self.citizen = replace(self.citizen, state="Up")
        return [
            NewState(at=self._next(), channel=self.citizen),
            DialEnd(at=self._next(), channel=self.own, dest=self.citizen, status="ANSWER"),
            BridgeEnter(at=self._next(), bridge=self.bridge, channel=self.citizen),
            BridgeEnter(at=self._next(), bridge=self.bridge, channel=self.own),
        ]

    def refuse(self, cause: int, status: str) -> list[Fact]:
        return [
            Hangup(at=self._next(), channel=self.citizen, cause=cause),
            DialEnd(at=self._next(), channel=self.own, dest=self.citizen, status=status),
            *self.own_leg_ends(),
        ]

    def own_leg_ends(self) -> list[Fact]:
        return [Hangup(at=self._next(), channel=self.own, cause=16)]

    def operator_hangs_up(self) -> list[Fact]:
        return [HangupRequest(at=self._next(), channel=self.own)]

    def citizen_hangs_up(self) -> list[Fact]:
        return [
            HangupRequest(at=self._next(20.0), channel=self.citizen),
            BridgeLeave(at=self._next(), bridge=self.bridge, channel=self.citizen),
            Hangup(at=self._next(), channel=self.citizen, cause=16),
            BridgeLeave(at=self._next(), bridge=self.bridge, channel=self.own),
            *self.own_leg_ends(),
        ]

    def listed(self, *, talking: bool) -> list[LiveChannel]:
        return [
            LiveChannel(
                channel=channel,
                bridge=self.bridge if talking else None,
                age_s=30,
                application="Dial",
            )
            for channel in (self.own, self.citizen)
        ]

    def _next(self, after_s: float = 0.001) -> datetime:
        self.stage.now += timedelta(seconds=after_s)
        return self.stage.now


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    stage.go_live()
    stage.sign_in()
    stage.take_orders()
    return stage


@pytest.fixture
def call(stage: Stage) -> OwnCall:
    stage.ask(PLACE)
    return OwnCall(stage)


def test_the_own_phone_is_rung_first_by_the_id_of_the_call_and_the_queue_rings_it_no_more(stage: Stage) -> None:
    stage.ask(PLACE)
    pause, ring = stage.take_orders()
    assert pause == PauseMember(seat=SeatId("8001"), paused=True, reason="in_call")
    assert isinstance(ring, DialLeg)
    assert (ring.leg, ring.endpoint, ring.context, ring.exten) == (CALL, "8001", "outbound", NUMBER)
    assert (ring.variables["HOTLINE_LINE"], ring.variables["X-Hotline-Outbound"]) == ("12345", "1")
    assert (stage.agent().status, stage.agent().call_id) == (AgentStatus.RINGING, CALL)


def test_the_citizen_answers_and_the_roles_are_the_other_way_round(stage: Stage, call: OwnCall) -> None:
    stage.tell(call.pick_up() + call.dial())
    [placed] = stage.of_kind(CallPlaced)
    assert (placed.number, placed.line, placed.agent_id, placed.channel) == (NUMBER, "12345", ME, CALL)
    assert (stage.agent().status, stage.call().phase) == (AgentStatus.RINGING, CallPhase.ARRIVED)
    stage.tell(call.answer())
    [answered] = stage.of_kind(CallAnswered)
    assert (answered.citizen, answered.operator, answered.agent_id) == (call.citizen.id, CALL, ME)
    shown = stage.call()
    assert (shown.direction, shown.placed_by, shown.answered_by) == ("outbound", ME, ME)
    assert (shown.caller_number, shown.line, shown.phase) == (NUMBER, "12345", CallPhase.TALKING)
    assert [leg.role for leg in shown.legs] == [LegRole.OPERATOR, LegRole.CITIZEN]
    assert stage.agent().status is AgentStatus.TALKING
    stage.tell(call.citizen_hangs_up())
    [ended] = stage.of_kind(CallEnded)
    assert (ended.outcome, ended.ended_by, ended.wait_s) == (CallOutcome.ANSWERED, "caller", None)
    assert ended.talk_s == pytest.approx(20.0, abs=0.1)
    assert stage.agent().status is AgentStatus.WRAPPING_UP
    assert len(stage.of_kind(AgentLegEnded)) == 1
    for never in (CallArrived, CallOffered, CallQueued):
        assert stage.of_kind(never) == []
    assert stage.unlisted == []


@pytest.mark.parametrize(
    ("cause", "status", "expected"),
    [
        (17, "BUSY", CallOutcome.BUSY),
        (21, "NOANSWER", CallOutcome.DECLINED),
        (1, "CHANUNAVAIL", CallOutcome.NOT_FOUND),
        (19, "NOANSWER", CallOutcome.NO_ANSWER),
        (0, "NOANSWER", CallOutcome.NO_ANSWER),
        (34, "CONGESTION", CallOutcome.UNAVAILABLE),
        (0, "CHANUNAVAIL", CallOutcome.UNAVAILABLE),
    ],
)
def test_why_nobody_answered(stage: Stage, call: OwnCall, cause: int, status: str, expected: CallOutcome) -> None:
    stage.tell(call.pick_up() + call.dial() + call.refuse(cause, status))
    [ended] = stage.of_kind(CallEnded)
    assert (ended.outcome, ended.talk_s) == (expected, None)
    assert stage.agent().status is AgentStatus.WRAPPING_UP
    assert stage.unlisted == []


def test_who_hangs_up_before_an_answer_has_cancelled_it(stage: Stage, call: OwnCall) -> None:
    stage.tell(call.pick_up() + call.dial() + call.operator_hangs_up() + call.refuse(0, "CANCEL"))
    [ended] = stage.of_kind(CallEnded)
    assert (ended.outcome, ended.ended_by) == (CallOutcome.CANCELLED, "operator")


def test_an_own_phone_that_does_not_answer_calls_nobody(stage: Stage, call: OwnCall) -> None:
    stage.tell([NewChannel(at=stage.now, channel=call.own), Hangup(at=stage.now, channel=call.own, cause=19)])
    assert [event.outcome for event in stage.of_kind(CallEnded)] == [CallOutcome.NOT_PLACED]
    assert (stage.agent().status, stage.agent().call_id) == (AgentStatus.READY, None)


@pytest.mark.parametrize("how", ["refused by the switch", "no channel", "silence"])
def test_a_call_that_never_began_is_placed_and_over(stage: Stage, how: str) -> None:
    stage.ask(PLACE)
    [ring] = [order for order in stage.take_orders() if isinstance(order, DialLeg)]
    if how == "refused by the switch":
        stage.board.failed(ring)
        stage.wait(0.3)
    elif how == "no channel":
        stage.tell([OriginateResponse(at=stage.now, channel_id=ring.leg, ok=False, reason=0)])
    else:
        stage.wait(26.0)
    assert len(stage.of_kind(CallPlaced)) == 1
    assert [event.outcome for event in stage.of_kind(CallEnded)] == [CallOutcome.NOT_PLACED]
    assert stage.agent().status is AgentStatus.READY
    stage.wait(60.0)
    assert len(stage.of_kind(CallEnded)) == 1


def placed(stage: Stage) -> DialLeg:
    stage.ask(PLACE)
    [ring] = [order for order in stage.take_orders() if isinstance(order, DialLeg)]
    return ring


def test_an_order_that_was_not_answered_may_have_been_carried_out(stage: Stage) -> None:
    stage.board.failed(placed(stage), unknown=True)
    stage.wait(20.0)
    assert stage.of_kind(CallEnded) == []
    assert stage.agent().status is AgentStatus.RINGING, "nobody calls the citizen a second time"
    call = OwnCall(stage)
    stage.tell(call.pick_up() + call.dial() + call.answer())
    assert stage.agent().status is AgentStatus.TALKING
    assert len(stage.of_kind(CallPlaced)) == 1


def test_one_of_which_no_channel_comes_while_we_listen_was_not_placed(stage: Stage) -> None:
    stage.board.failed(placed(stage), unknown=True)
    stage.tell([snapshot(stage.now, members=[member("8001", stage.now, paused=True, reason="in_call")])])
    assert stage.of_kind(CallEnded) == [], "this list may be older than the order"
    stage.wait(26.0)
    assert [event.outcome for event in stage.of_kind(CallEnded)] == [CallOutcome.NOT_PLACED]
    assert stage.agent().status is AgentStatus.READY


def lose_the_link(stage: Stage) -> None:
    stage.tell([LinkLost(at=stage.now, reason="away"), LinkChanged(at=stage.now, state=LinkState.DOWN)])


@pytest.mark.parametrize("answered", [True, False])
def test_a_gap_gives_up_nobody_and_its_end_shows_the_call(stage: Stage, answered: bool) -> None:
    ring = placed(stage)
    if not answered:
        stage.board.failed(ring, unknown=True)
    lose_the_link(stage)
    stage.wait(300.0)
    assert stage.of_kind(CallPlaced) == []
    call = OwnCall(stage)
    call.pick_up()
    call.dial()
    call.answer()
    stage.go_live(member("8001", stage.now, paused=True, status=2), channels=call.listed(talking=True))
    stage.wait(30.0)
    assert stage.call().phase is CallPhase.TALKING
    assert stage.agent().status is AgentStatus.TALKING
    assert stage.of_kind(CallEnded) == []


def test_what_a_gap_may_have_hidden_is_lost_and_not_said_to_have_never_been(stage: Stage) -> None:
    stage.board.failed(placed(stage), unknown=True)
    lose_the_link(stage)
    stage.wait(300.0)
    listed = snapshot(stage.now, members=[member("8001", stage.now, paused=True, reason="in_call")])
    stage.tell([replace(listed, all_channels=False)])
    assert stage.of_kind(CallEnded) == [], "it may be in the gap of the list"
    lose_the_link(stage)
    stage.tell([listed])
    assert [(event.outcome, event.ended_by) for event in stage.of_kind(CallEnded)] == [(CallOutcome.LOST, "unknown")]
    assert stage.agent().status is AgentStatus.WRAPPING_UP


@pytest.mark.parametrize("how", ["refused", "no channel"])
def test_what_the_switch_did_not_do_was_not_placed_though_there_was_a_gap(stage: Stage, how: str) -> None:
    ring = placed(stage)
    lose_the_link(stage)
    if how == "refused":
        stage.board.failed(ring)
        stage.wait(0.3)
    else:
        stage.go_live(member("8001", stage.now, paused=True, reason="in_call"))
        stage.tell([OriginateResponse(at=stage.now, channel_id=ring.leg, ok=False, reason=0)])
    assert [event.outcome for event in stage.of_kind(CallEnded)] == [CallOutcome.NOT_PLACED]


def test_an_order_that_was_carried_out_and_of_which_a_gap_hid_the_rest_has_its_time_anew(stage: Stage) -> None:
    placed(stage)
    lose_the_link(stage)
    stage.wait(300.0)
    stage.go_live(member("8001", stage.now, paused=True, reason="in_call"))
    stage.wait(24.0)
    assert stage.of_kind(CallEnded) == []
    stage.wait(1.5)
    assert [event.outcome for event in stage.of_kind(CallEnded)] == [CallOutcome.LOST]


def test_a_word_that_comes_late_does_not_end_it_twice(stage: Stage, call: OwnCall) -> None:
    stage.tell(call.pick_up() + call.dial() + call.refuse(17, "BUSY"))
    stage.tell([OriginateResponse(at=stage.now, channel_id=ChannelId(CALL), ok=False, reason=0)])
    assert len(stage.of_kind(CallEnded)) == 1


def test_a_pause_stays_behind_the_own_call_and_its_wrap_up(stage: Stage, call: OwnCall) -> None:
    stage.ask(Pause(agent_id=ME, reason=PauseReason.MEAL))
    stage.tell(call.pick_up() + call.dial() + call.answer() + call.citizen_hangs_up())
    stage.wait(61.0)
    assert PauseReason.MEAL in stage.agent().reasons


def test_the_server_hangs_up_for_who_placed_it(stage: Stage, call: OwnCall) -> None:
    stage.tell(call.pick_up() + call.dial())
    stage.take_orders()
    stage.ask(HangUpCall(call_id=CALL, agent_id=ME))
    assert stage.take_orders() == [HangUpChannel(channel=call.citizen.id)]
    with pytest.raises(Refused):
        stage.ask(HangUpCall(call_id=CALL, agent_id=AgentId("8002")))


def test_a_paused_person_may_call_and_is_paused_again_afterwards(stage: Stage) -> None:
    stage.ask(Pause(agent_id=ME, reason=PauseReason.TRAINING))
    stage.ask(PLACE)
    call = OwnCall(stage)
    stage.tell([NewChannel(at=stage.now, channel=call.own), Hangup(at=stage.now, channel=call.own, cause=19)])
    assert (stage.agent().status, stage.agent().reasons) == (AgentStatus.PAUSED, {PauseReason.TRAINING})


# what is refused ------------------------------------------------------------------------------------------------------


def test_nobody_calls_in_a_call_without_a_phone_or_without_having_signed_in(stage: Stage, call: OwnCall) -> None:
    again = new_call_id(START, 4712)
    with pytest.raises(Refused, match="in a call"):
        stage.ask(replace(PLACE, call_id=again))
    with pytest.raises(UnknownAgent):
        stage.ask(replace(PLACE, call_id=again, agent_id=AgentId("8009")))
    stage.sign_in("8002")
    stage.wait(1.0)
    stage.tell([DeviceStateChange(at=stage.now, device="PJSIP/8002", state="UNAVAILABLE")])
    with pytest.raises(Refused, match="no phone"):
        stage.ask(replace(PLACE, call_id=again, agent_id=AgentId("8002")))


@pytest.mark.parametrize("bad", ["", "110;x", "12", "+86 138", "1" * 21, "１３８００００００"])
def test_only_digits_are_called(stage: Stage, bad: str) -> None:
    with pytest.raises(InvalidValue):
        stage.ask(replace(PLACE, number=bad))
    assert stage.agent().status is AgentStatus.READY


@pytest.mark.parametrize("bad", ["1795297638.32", "1795297638.9", "x"])
def test_only_minted_ids_are_taken(stage: Stage, bad: str) -> None:
    with pytest.raises(InvalidValue):
        stage.ask(replace(PLACE, call_id=CallId(bad)))


def test_an_id_is_used_once(stage: Stage, call: OwnCall) -> None:
    stage.tell(call.pick_up() + call.dial() + call.refuse(17, "BUSY"))
    stage.wait(61.0)
    with pytest.raises(Refused, match="already"):
        stage.ask(PLACE)
    assert stage.agent().status is not AgentStatus.RINGING, "nothing has changed"


# a gap, and any order -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("talking", [True, False])
def test_a_restart_of_ours_finds_it_and_its_operator(stage: Stage, call: OwnCall, talking: bool) -> None:
    stage.tell(call.pick_up() + call.dial() + (call.answer() if talking else []))
    at = stage.now
    fresh = Stage()
    fresh.now = at
    seat = member("8001", at, paused=True, reason="in_call", status=2)
    fresh.tell([snapshot(at, channels=call.listed(talking=talking), members=[seat])])
    [placed] = fresh.of_kind(CallPlaced)
    assert (placed.agent_id, placed.number, placed.rebuilt) == (ME, NUMBER, True)
    fresh.go_live(seat)
    agent = fresh.sign_in(phone=False)
    assert agent.status is (AgentStatus.TALKING if talking else AgentStatus.RINGING)
    assert agent.pause_code == "in_call"
    assert [event.rebuilt for event in fresh.of_kind(CallAnswered)] == [True] * talking


def test_ids_of_placed_calls_are_told_from_the_switchs_own() -> None:
    assert placed_by_us(CALL)
    assert not placed_by_us(CallId("1795297638.32"))
    assert not placed_by_us(CallId("1795297638.9000"))


def test_an_unknown_end_is_not_guessed() -> None:
    assert outcome(own_answered=True, asked_to_end=False, cause=None, status="") is CallOutcome.LOST


@settings(max_examples=100, deadline=None)
@given(chance=st.randoms(use_true_random=False), answered=st.booleans())
def test_it_ends_the_same_in_every_order(chance: random.Random, answered: bool) -> None:
    ends = []
    for mixed in (False, True):
        stage = Stage()
        stage.go_live()
        stage.sign_in()
        stage.ask(PLACE)
        call = OwnCall(stage)
        told = call.pick_up() + call.dial()
        told += call.answer() + call.citizen_hangs_up() if answered else call.refuse(17, "BUSY")
        if mixed:
            chance.shuffle(told)
        stage.tell(told)
        stage.wait(2.0)
        ends.append((stage.call(), stage.agent().status, len(stage.of_kind(CallEnded)), len(stage.of_kind(CallPlaced))))
    assert ends[0] == ends[1]


EAR = Channel(
    id=ChannelId("1795297639.9"),
    name="Local/s@machine-ear-00000001;1",
    linked_id=ChannelId("1795297639.9"),
    state="Up",
    context="machine",
    exten="s",
)


@pytest.mark.parametrize(
    ("cause", "machine"),
    [("LONGGREETING-2500-2500", True), ("INITIALSILENCE-4000-4000", False), ("HUMAN-800-800", False), ("", False)],
)
def test_only_who_speaks_on_and_on_is_taken_for_a_mailbox(
    stage: Stage, call: OwnCall, cause: str, machine: bool
) -> None:
    stage.tell(call.pick_up() + call.dial() + call.answer())
    heard = UserEvent(at=stage.now, name="HotlineMachine", fields={"CallId": CALL, "Cause": cause}, channel=EAR)
    stage.tell([heard, heard])
    assert len(stage.of_kind(MachineHeard)) == machine
    assert stage.board.calls[CALL].machine is machine
    assert len(stage.board.calls[CALL].legs) == 2


@pytest.mark.parametrize("call_id", ["", "x", "1795297638.0", "1795297638.9999999"])
def test_a_word_about_a_mailbox_in_no_call_of_ours_changes_nothing(stage: Stage, call_id: str) -> None:
    fields = {"CallId": call_id, "Cause": "LONGGREETING-2500-2500"}
    stage.tell([UserEvent(at=stage.now, name="HotlineMachine", fields=fields, channel=EAR)])
    assert stage.of_kind(MachineHeard) == []
    assert not stage.board.calls
