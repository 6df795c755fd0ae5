from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.centres import Centre, Reach, Route
from telephony.commands import (
    BringTogether,
    CallTarget,
    Command,
    DropTarget,
    GoPrivate,
    HangUpCall,
    KeepLine,
    LeaveCall,
    Prioritise,
    RecoverCall,
    SendBack,
)
from telephony.errors import Refused, TelephonyError, UnknownAgent
from telephony.events import (
    AgentStatus,
    AheadReason,
    CallAnswered,
    LineKept,
    TransferReason,
    TransferStep,
    TransferStepped,
)
from telephony.facts import Fact, OriginateResponse, UserEvent
from telephony.ids import AgentId, QueueName
from telephony.orders import (
    ChangePriority,
    DialLeg,
    HangUpChannel,
    RedirectChannel,
    RedirectPair,
    SetVariable,
)
from telephony.stages import TRANSITIONS, Transfer, TransferOutcome, TransferState
from telephony.targets import Target, TargetKind, TransferMode
from telephony.ways import parcel_of
from tests.fakes.stories import HOTLINE, Story
from tests.fakes.three_parties import ThreeParties
from tests.telephony.stage import Stage, member

ME = AgentId("8001")
POLICE = Target(kind=TargetKind.CENTRE, value="110")
REACH = Reach(
    centres={
        "110": Centre(code="110", name="police", routes=(Route(endpoint="110"), Route(endpoint="110-2"))),
        "120": Centre(code="120", name="ambulance", routes=(Route(endpoint="120"),)),
    },
    queues=frozenset({HOTLINE, QueueName("tax")}),
    numbers={"12320": "health"},
    number_rule="0[0-9]{9,11}",
    trunk="trunk",
    line="12345",
)


class Scene:
    """A stage and three parties; ``do`` lets facts happen, carries out what is ordered, and so on until it is quiet."""

    def __init__(self) -> None:
        self.stage = Stage(reach=REACH)
        self.stage.go_live()
        self.stage.sign_in()
        self.parties = ThreeParties(Story())
        self.do(self.parties.begin())

    @property
    def transfer(self) -> Transfer:
        return self.stage.board.transfers[self.parties.story.call_id]

    @property
    def steps(self) -> list[TransferStep]:
        return [one.step for one in self.stage.of_kind(TransferStepped)]

    def do(self, facts: list[Fact]) -> None:
        self.stage.tell(facts)
        self._settle()

    def ask(self, command: Command) -> None:
        self.stage.now = max(self.stage.now, self.parties.story.now)
        self.stage.ask(command)
        self._settle()

    def _settle(self) -> None:
        while orders := self.stage.take_orders():
            self.stage.tell(self.parties.carry_out(orders))
            if not self.parties.deaf:
                self.stage.carried_out(*orders)

    def wait(self, seconds: float) -> None:
        """In ticks, as the runner does."""
        for _ in range(round(seconds / 0.25)):
            self.parties.wait(0.25)
            self.stage.now = max(self.stage.now, self.parties.story.now - timedelta(seconds=0.25))
            self.stage.wait(0.25)
            self._settle()

    def call(self, target: Target = POLICE, mode: TransferMode = TransferMode.THREE_WAY) -> None:
        self.ask(CallTarget(call_id=self.parties.story.call_id, agent_id=ME, target=target, mode=mode))

    def command(self, kind: Callable[..., Command], **more: object) -> None:
        self.ask(kind(call_id=self.parties.story.call_id, agent_id=ME, **more))

    def reach(self, state: TransferState) -> None:
        self.call()
        if state is TransferState.DIALLING:
            return
        self.do(self.parties.rings())
        if state is not TransferState.RINGING:
            self.do(self.parties.answers())
        if state is TransferState.PRIVATE:
            self.command(GoPrivate)
        elif state is TransferState.HANDED_OVER:
            self.command(LeaveCall)
        assert self.transfer.state is state


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_three_talk_and_the_operator_leaves(scene: Scene) -> None:
    scene.reach(TransferState.HANDED_OVER)
    assert scene.steps == [
        TransferStep.REQUESTED,
        TransferStep.RINGING,
        TransferStep.ANSWERED,
        TransferStep.JOINED,
        TransferStep.HANDED_OVER,
    ]
    assert [step.step for step in scene.transfer.steps] == scene.steps
    assert scene.parties.with_whom(scene.parties.citizen) == {scene.parties.target}
    assert scene.stage.agent().status is AgentStatus.WRAPPING_UP


def test_the_first_order_dials_and_the_rest_follows() -> None:
    stage = Stage(reach=REACH)
    stage.go_live()
    stage.sign_in()
    parties = ThreeParties(Story())
    stage.tell(parties.begin())
    stage.take_orders()
    stage.ask(CallTarget(call_id=parties.story.call_id, agent_id=ME, target=POLICE, mode=TransferMode.THREE_WAY))
    dial, *marks = stage.take_orders()
    assert isinstance(dial, DialLeg)
    assert (dial.endpoint, dial.context, dial.caller_number) == ("110", "join", parties.story.number)
    assert all(isinstance(mark, SetVariable) for mark in marks)


@pytest.mark.parametrize(
    ("cause", "rings", "reason"),
    [
        (17, False, TransferReason.BUSY),
        (21, True, TransferReason.DECLINED),
        (34, False, TransferReason.UNAVAILABLE),
        (1, False, TransferReason.NOT_FOUND),
        (19, True, TransferReason.NO_ANSWER),
        (0, True, TransferReason.NO_ANSWER),
        (0, False, TransferReason.UNAVAILABLE),
    ],
)
def test_why_a_way_failed_is_told_and_the_next_is_tried(
    scene: Scene, cause: int, rings: bool, reason: TransferReason
) -> None:
    scene.call()
    if rings:
        scene.do(scene.parties.rings())
    scene.do(scene.parties.fails(cause))
    assert (scene.transfer.reason, scene.transfer.route, scene.transfer.state) == (reason, 2, TransferState.DIALLING)
    scene.do(scene.parties.fails(cause))
    assert scene.transfer.outcome is TransferOutcome.FAILED
    assert scene.parties.with_whom(scene.parties.citizen) == {scene.parties.operator}
    assert scene.stage.unlisted == []


def test_a_way_that_stays_silent_is_given_up(scene: Scene) -> None:
    scene.call()
    scene.wait(2.5)
    assert scene.transfer.route == 1
    scene.wait(1.0)
    assert (scene.transfer.route, scene.transfer.reason) == (2, TransferReason.SILENT)
    scene.do(scene.parties.rings())
    scene.wait(21.0)
    assert scene.transfer.state is TransferState.RINGING
    scene.wait(2.0)
    assert (scene.transfer.outcome, scene.transfer.reason) == (TransferOutcome.FAILED, TransferReason.NO_ANSWER)


def test_an_order_that_was_not_carried_out_is_a_way_that_failed(scene: Scene) -> None:
    scene.parties.deaf = True
    scene.call()
    assert scene.transfer.leg is not None
    scene.stage.tell([OriginateResponse(at=scene.stage.now, channel_id=scene.transfer.leg, ok=False, reason=0)])
    scene.wait(0.25)
    assert (scene.transfer.route, scene.transfer.reason) == (2, TransferReason.SWITCH)


def test_who_answers_and_is_gone_did_not_take_the_call(scene: Scene) -> None:
    scene.reach(TransferState.JOINED)
    scene.parties.wait(1.0)
    scene.do(scene.parties.fails(16))
    assert (scene.transfer.reason, scene.transfer.route) == (TransferReason.DROPPED, 2)


def test_the_target_who_leaves_later_leaves_citizen_and_operator_together(scene: Scene) -> None:
    scene.reach(TransferState.JOINED)
    scene.parties.wait(5.0)
    scene.do(scene.parties.fails(16))
    assert scene.transfer.outcome is TransferOutcome.TARGET_LEFT
    assert scene.parties.with_whom(scene.parties.citizen) == {scene.parties.operator}


@pytest.mark.parametrize(("talk_s", "outcome"), [(3.0, TransferOutcome.RETURNED), (30.0, TransferOutcome.COMPLETED)])
def test_a_target_who_goes_early_did_not_serve_the_citizen(
    scene: Scene, talk_s: float, outcome: TransferOutcome
) -> None:
    scene.reach(TransferState.HANDED_OVER)
    scene.parties.wait(talk_s)
    scene.do(scene.parties.fails(16))
    scene.wait(1.0)
    assert scene.transfer.outcome is outcome
    assert (scene.parties.citizen in scene.parties.legs) == (outcome is TransferOutcome.RETURNED)


def test_a_word_in_private_and_back(scene: Scene) -> None:
    scene.reach(TransferState.PRIVATE)
    assert scene.parties.with_whom(scene.parties.operator) == {scene.parties.target}
    scene.command(BringTogether)
    assert scene.transfer.state is TransferState.JOINED
    assert len(scene.parties.with_whom(scene.parties.citizen)) == 2


def parked_and_before(scene: Scene) -> tuple[list[Fact], list[Fact]]:
    """What is told of a citizen who is sent to the music: until it plays, and that it plays."""
    scene.reach(TransferState.JOINED)
    scene.stage.ask(GoPrivate(call_id=scene.parties.story.call_id, agent_id=ME))
    told = scene.parties.carry_out(scene.stage.take_orders())
    plays = [fact for fact in told if isinstance(fact, UserEvent) and fact.name == "HotlineParked"]
    assert len(plays) == 1
    return [fact for fact in told if fact not in plays], plays


def test_who_is_still_on_the_way_to_the_music_takes_no_other_order_yet(scene: Scene) -> None:
    """The switch names the new place of a channel from the order on, and sends it nowhere else until it is there."""
    before, plays = parked_and_before(scene)
    scene.do(before)
    assert scene.parties.legs[scene.parties.citizen].context == "parked"
    assert scene.transfer.state is TransferState.JOINED
    scene.do(plays)
    assert scene.transfer.state is TransferState.PRIVATE


@pytest.mark.parametrize(
    ("application", "state"), [("Queue", TransferState.RINGING), ("MusicOnHold", TransferState.PRIVATE)]
)
def test_a_restart_finds_out_whether_the_music_plays(scene: Scene, application: str, state: TransferState) -> None:
    before, plays = parked_and_before(scene)
    citizen = scene.parties.citizen
    listed = [
        replace(live, application=application) if live.channel.id == citizen else live
        for live in scene.parties.listed()
    ]
    scene.stage = Stage(reach=REACH)
    scene.stage.now = scene.parties.story.now
    scene.stage.go_live(member("8001", scene.stage.now, status=2), channels=listed)
    assert scene.transfer.state is state
    scene.do([*before, *plays])
    assert scene.transfer.state is TransferState.PRIVATE


def test_an_operator_who_leaves_in_private_stays_until_the_citizen_is_back(scene: Scene) -> None:
    scene.reach(TransferState.PRIVATE)
    citizen, operator = scene.parties.citizen, scene.parties.operator
    back = RedirectChannel(channel=citizen, context="room", exten="back")
    scene.stage.ask(LeaveCall(call_id=scene.parties.story.call_id, agent_id=ME))
    assert scene.stage.orders == [back]
    scene._settle()
    assert scene.steps[-3:] == [TransferStep.PRIVATE, TransferStep.JOINED, TransferStep.HANDED_OVER]
    assert RedirectChannel(channel=operator, context="leave", exten="s") in scene.stage.told_orders
    assert scene.parties.with_whom(citizen) == {scene.parties.target}


@pytest.mark.parametrize("state", [TransferState.JOINED, TransferState.PRIVATE])
def test_who_leaves_may_say_so_again_and_nothing_else(scene: Scene, state: TransferState) -> None:
    scene.reach(state)
    leave = LeaveCall(call_id=scene.parties.story.call_id, agent_id=ME)
    scene.stage.ask(leave)
    ordered = scene.stage.take_orders()
    assert len(ordered) == 1
    for _ in range(2):
        scene.stage.ask(leave)
    assert scene.stage.take_orders() == [], "asked once of the switch, and done"
    for kind in (DropTarget, BringTogether if state is TransferState.PRIVATE else GoPrivate):
        with pytest.raises(Refused, match="leaves"):
            scene.command(kind)
    scene.do(scene.parties.carry_out(ordered))
    assert scene.transfer.state is TransferState.HANDED_OVER
    with pytest.raises(Refused, match="not a party"):
        scene.command(LeaveCall)


@pytest.mark.parametrize("unknown", [True, False])
def test_who_could_not_leave_may_try_again(scene: Scene, unknown: bool) -> None:
    scene.reach(TransferState.JOINED)
    leave = LeaveCall(call_id=scene.parties.story.call_id, agent_id=ME)
    scene.stage.ask(leave)
    [order] = scene.stage.take_orders()
    scene.stage.board.failed(order, unknown=unknown)
    scene.stage.ask(leave)
    assert scene.stage.orders == [order]
    scene._settle()
    assert scene.transfer.state is TransferState.HANDED_OVER


@pytest.mark.parametrize(
    ("unknown", "outcome"), [(True, TransferOutcome.HANDED_OVER), (False, TransferOutcome.OPERATOR_LOST)]
)
def test_an_operator_whose_leaving_was_refused_is_lost_like_any_other(
    scene: Scene, unknown: bool, outcome: TransferOutcome
) -> None:
    scene.reach(TransferState.JOINED)
    scene.stage.ask(LeaveCall(call_id=scene.parties.story.call_id, agent_id=ME))
    [order] = scene.stage.take_orders()
    scene.stage.board.failed(order, unknown=unknown)
    scene.do(scene.parties.end(scene.parties.operator, cause=44, asked=False))
    assert scene.transfer.outcome is outcome


def test_an_operator_who_leaves_in_private_does_not_wait_for_ever(scene: Scene) -> None:
    scene.reach(TransferState.PRIVATE)
    operator, scene.parties.deaf = scene.parties.operator, True
    scene.command(LeaveCall)
    leaves = RedirectChannel(channel=operator, context="leave", exten="s")
    scene.wait(1.5)
    assert leaves not in scene.stage.told_orders
    scene.wait(1.0)
    assert scene.stage.told_orders.count(leaves) == 1
    scene.wait(3.0)
    assert scene.stage.told_orders.count(leaves) == 1


def test_a_consultation_begins_in_private(scene: Scene) -> None:
    scene.call(mode=TransferMode.CONSULT)
    scene.do(scene.parties.rings())
    scene.do(scene.parties.answers())
    assert scene.transfer.state is TransferState.PRIVATE
    assert scene.parties.with_whom(scene.parties.citizen) == set()
    scene.command(LeaveCall)
    assert scene.transfer.state is TransferState.HANDED_OVER
    assert scene.parties.with_whom(scene.parties.citizen) == {scene.parties.target}


@pytest.mark.parametrize("cause", [16, 44])
def test_an_operator_who_is_lost_in_private_leaves_the_citizen_with_the_target(scene: Scene, cause: int) -> None:
    scene.reach(TransferState.PRIVATE)
    scene.do(scene.parties.end(scene.parties.operator, cause=cause, asked=False))
    assert (scene.transfer.state, scene.transfer.outcome) == (
        TransferState.HANDED_OVER,
        TransferOutcome.OPERATOR_LOST,
    )
    assert scene.parties.with_whom(scene.parties.citizen) == {scene.parties.target}


def test_an_operator_who_goes_while_it_rings_does_not_take_the_citizen_along(scene: Scene) -> None:
    scene.reach(TransferState.RINGING)
    scene.do(scene.parties.end(scene.parties.operator))
    scene.wait(0.75)
    assert scene.transfer.outcome is TransferOutcome.OPERATOR_LOST
    assert scene.parties.target is None, "nobody is rung for nobody"
    assert scene.parties.legs[scene.parties.citizen].context == "after"


def test_a_citizen_who_goes_while_it_rings_is_not_called_for(scene: Scene) -> None:
    scene.reach(TransferState.RINGING)
    scene.do(scene.parties.end(scene.parties.citizen))
    assert scene.transfer.outcome is TransferOutcome.CALLER_LEFT
    assert scene.parties.target is None


@pytest.mark.parametrize("state", [TransferState.DIALLING, TransferState.RINGING, TransferState.JOINED])
def test_what_was_begun_is_taken_back(scene: Scene, state: TransferState) -> None:
    scene.reach(state)
    scene.command(DropTarget)
    assert scene.transfer.outcome is TransferOutcome.CANCELLED
    assert scene.parties.with_whom(scene.parties.citizen) == {scene.parties.operator}
    scene.call()
    assert scene.transfer.outcome is None, "and begun again"


def test_a_leg_that_comes_up_after_it_was_cancelled_is_hung_up_again(scene: Scene) -> None:
    scene.parties.deaf = True
    scene.call()
    dial = next(one for one in scene.stage.told_orders if isinstance(one, DialLeg))
    scene.command(DropTarget)
    scene.parties.deaf = False
    scene.do(scene.parties.carry_out([dial]))
    assert scene.parties.target is not None
    scene.wait(1.5)
    assert scene.parties.target is None


def test_a_new_transfer_forgets_no_leg_of_the_one_before(scene: Scene) -> None:
    scene.parties.deaf = True
    scene.call()
    late = next(one for one in scene.stage.told_orders if isinstance(one, DialLeg))
    scene.command(DropTarget)
    scene.parties.deaf = False
    scene.call()
    wanted = scene.transfer.leg
    scene.do(scene.parties.carry_out([late]))
    assert {late.leg, wanted} <= scene.parties.legs.keys()
    scene.wait(1.5)
    assert wanted in scene.parties.legs
    assert late.leg not in scene.parties.legs


def test_one_transfer_at_a_time(scene: Scene) -> None:
    scene.reach(TransferState.JOINED)
    with pytest.raises(Refused, match="under way"):
        scene.call()


REFUSED: dict[str, tuple[TransferState, Callable[..., Command]]] = {
    "private before an answer": (TransferState.RINGING, GoPrivate),
    "together when together": (TransferState.JOINED, BringTogether),
    "leave before an answer": (TransferState.RINGING, LeaveCall),
    "send back in the middle": (TransferState.JOINED, SendBack),
}


@pytest.mark.parametrize(("state", "kind"), REFUSED.values(), ids=REFUSED.keys())
def test_what_makes_no_sense_is_refused(scene: Scene, state: TransferState, kind: Callable[..., Command]) -> None:
    scene.reach(state)
    before = scene.transfer
    with pytest.raises(Refused):
        scene.command(kind)
    assert scene.transfer == before


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (TargetKind.CENTRE, "911"),
        (TargetKind.NUMBER, "110"),
        (TargetKind.NUMBER, "02083125555\r\n"),
        (TargetKind.NUMBER, "0２083125555"),
        (TargetKind.QUEUE, "hotline"),
    ],
)
def test_whom_nobody_may_be_handed_to_is_refused(scene: Scene, kind: TargetKind, value: str) -> None:
    with pytest.raises(Refused):
        scene.call(Target(kind=kind, value=value))
    assert scene.parties.story.call_id not in scene.stage.board.transfers


def test_a_colleague_must_be_ready(scene: Scene) -> None:
    colleague = Target(kind=TargetKind.AGENT, value="8002")
    with pytest.raises(UnknownAgent):
        scene.call(colleague)
    scene.stage.sign_in("8002", phone=False)
    with pytest.raises(Refused):
        scene.call(colleague)


@pytest.mark.parametrize("mode", [TransferMode.THREE_WAY, TransferMode.CONSULT])
def test_a_colleague_takes_the_call_over(scene: Scene, mode: TransferMode) -> None:
    scene.stage.sign_in("8002")
    scene.call(Target(kind=TargetKind.AGENT, value="8002"), mode)
    assert scene.stage.agent("8002").status is AgentStatus.RINGING
    scene.do(scene.parties.rings())
    scene.do(scene.parties.answers())
    assert scene.stage.agent("8002").status is AgentStatus.TALKING
    call_id = scene.parties.story.call_id
    assert scene.stage.call(call_id).answered_by == ME
    scene.command(LeaveCall)
    assert scene.transfer.outcome is TransferOutcome.HANDED_OVER
    assert scene.stage.call(call_id).answered_by == "8002"
    assert scene.stage.of_kind(CallAnswered)[-1].transferred
    assert scene.stage.agent().status is AgentStatus.WRAPPING_UP
    scene.do(scene.parties.fails(16))
    scene.wait(0.5)
    assert scene.parties.citizen not in scene.parties.legs, "the colleague hung up as usual"
    assert scene.stage.unlisted == []


def test_a_kept_line_can_be_left_by_nobody(scene: Scene) -> None:
    scene.command(KeepLine, on=True)
    assert scene.stage.call().keep_line
    scene.reach(TransferState.JOINED)
    for kind in (LeaveCall,):
        with pytest.raises(Refused, match="kept"):
            scene.command(kind)
    scene.do(scene.parties.end(scene.parties.operator))
    assert scene.transfer.outcome is TransferOutcome.OPERATOR_LOST, "a phone that is hung up was no wish to leave"
    assert len(scene.stage.of_kind(LineKept)) == 1


def test_a_citizen_is_sent_back_while_the_operator_leaves(scene: Scene) -> None:
    scene.command(SendBack, queue=QueueName("tax"))
    pair = next(one for one in scene.stage.told_orders if isinstance(one, RedirectPair))
    assert (pair.channel, pair.context, pair.other_context) == (scene.parties.citizen, "waiting", "leave")
    set_ = {one.name: one.value for one in scene.stage.told_orders if isinstance(one, SetVariable)}
    assert (set_["HOTLINE_QUEUE"], set_["HOTLINE_PRIORITY"]) == ("tax", "1000")


def test_an_unknown_queue_is_no_way_back(scene: Scene) -> None:
    with pytest.raises(Refused):
        scene.command(SendBack, queue=QueueName("nowhere"))


def test_who_waits_is_moved_and_who_talks_is_not(scene: Scene) -> None:
    waits = Story(serial=50)
    scene.stage.tell([*waits.arrive(), *waits.join(2)])
    scene.ask(Prioritise(call_id=waits.call_id, priority=5, reason=AheadReason.REPEAT))
    moved = next(one for one in scene.stage.told_orders if isinstance(one, ChangePriority))
    assert (moved.queue, moved.channel) == (HOTLINE, waits.citizen.name)
    with pytest.raises(Refused):
        scene.ask(Prioritise(call_id=scene.parties.story.call_id, priority=5, reason=AheadReason.REPEAT))


def test_to_end_the_whole_call_is_to_end_the_target_too(scene: Scene) -> None:
    scene.reach(TransferState.JOINED)
    target = scene.parties.target
    scene.command(HangUpCall)
    ended = {one.channel for one in scene.stage.told_orders if isinstance(one, HangUpChannel)}
    assert ended >= {scene.parties.citizen, target}


@pytest.mark.parametrize("mode", [TransferMode.BLIND])
@pytest.mark.parametrize(
    ("target", "context", "exten"),
    [
        (POLICE, "forward", "110"),
        (Target(kind=TargetKind.NUMBER, value="12320"), "forward-number", "12320"),
        (Target(kind=TargetKind.QUEUE, value="tax"), "waiting", "s"),
    ],
)
def test_a_blind_transfer_is_the_dialplans(
    scene: Scene, mode: TransferMode, target: Target, context: str, exten: str
) -> None:
    scene.parties.deaf = True
    scene.call(target, mode)
    sent = next(one for one in scene.stage.told_orders if isinstance(one, RedirectChannel))
    assert (sent.channel, sent.context, sent.exten) == (scene.parties.citizen, context, exten)


def test_a_call_that_cannot_be_followed_keeps_nobody_else_waiting(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.reach(TransferState.RINGING)

    def broken(*_: object) -> None:
        raise ValueError("broken")

    monkeypatch.setattr("telephony.cases.Case.wait", broken)
    outcome = scene.stage.board.tick(scene.stage.now + timedelta(seconds=6))
    assert [failure.subject for failure in outcome.failures] == [scene.parties.story.call_id]
    assert outcome.orders, "the sign of life among them"


@pytest.mark.parametrize(
    "state", [TransferState.RINGING, TransferState.JOINED, TransferState.PRIVATE, TransferState.HANDED_OVER]
)
def test_a_restart_of_ours_finds_the_transfer_as_it_is(scene: Scene, state: TransferState) -> None:
    scene.reach(state)
    was, parties = scene.transfer, scene.parties
    restart(scene)
    assert (scene.transfer.id, scene.transfer.state) == (was.id, state)
    assert (scene.transfer.target, scene.transfer.agent_id, scene.transfer.rebuilt) == (POLICE, ME, True)
    if state is TransferState.PRIVATE:
        scene.command(BringTogether)
        assert scene.transfer.state is TransferState.JOINED
    elif state is TransferState.RINGING:
        scene.command(DropTarget)
        assert parties.target is None
    assert scene.stage.unlisted == []


@given(st.text(max_size=60))
def test_a_variable_of_somebody_elses_making_is_no_transfer(text: str) -> None:
    parcel = parcel_of(text)
    assert parcel is None or str(parcel) == text


ACTS: dict[str, Callable[[Scene], None]] = {
    "rings": lambda scene: scene.do(scene.parties.rings()),
    "answers": lambda scene: scene.do(scene.parties.answers()),
    "busy": lambda scene: scene.do(scene.parties.fails(17)),
    "target goes": lambda scene: scene.do(scene.parties.fails(16)),
    "operator goes": lambda scene: scene.do(scene.parties.end(scene.parties.operator)),
    "operator is lost": lambda scene: scene.do(scene.parties.end(scene.parties.operator, cause=44, asked=False)),
    "citizen goes": lambda scene: scene.do(scene.parties.end(scene.parties.citizen)),
    "time": lambda scene: scene.wait(3.5),
    "call": lambda scene: scene.call(),
    "consult": lambda scene: scene.call(mode=TransferMode.CONSULT),
    "private": lambda scene: scene.command(GoPrivate),
    "together": lambda scene: scene.command(BringTogether),
    "leave": lambda scene: scene.command(LeaveCall),
    "drop": lambda scene: scene.command(DropTarget),
    "keep": lambda scene: scene.command(KeepLine, on=True),
    "restart": lambda scene: restart(scene),
}
PEOPLE = frozenset({"rings", "answers", "busy", "target goes", "operator goes", "operator is lost", "citizen goes"})


def restart(scene: Scene) -> None:
    scene.stage = Stage(reach=REACH)
    scene.stage.now = scene.parties.story.now
    scene.stage.go_live(member("8001", scene.stage.now, status=2), channels=scene.parties.listed())
    scene.stage.sign_in()


def possible(scene: Scene, act: str) -> bool:
    parties = scene.parties
    if act in ("rings", "answers", "busy"):
        return parties.target is not None and parties.legs[parties.target].state != "Up"
    if act == "target goes":
        return parties.target is not None
    if act in ("operator goes", "operator is lost"):
        return parties.operator in parties.legs
    return act != "citizen goes" or parties.citizen in parties.legs


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(sorted(ACTS)), max_size=14))
def test_whatever_happens_in_whatever_order_the_citizen_is_somewhere(acts: list[str]) -> None:
    scene = Scene()
    scene.call()
    gone_by_will = False
    for act in acts:
        if not possible(scene, act):
            continue
        gone_by_will |= act == "citizen goes"
        try:
            ACTS[act](scene)
        except TelephonyError:
            assert act not in PEOPLE
        scene.parties.wait(0.02)
    scene.wait(1.0)
    assert scene.stage.unlisted == []
    transfer = scene.stage.board.transfers.get(scene.parties.story.call_id)
    assert transfer is None or transfer.state in TRANSITIONS
    parties = scene.parties
    if parties.citizen in parties.legs:
        place = parties.legs[parties.citizen].context
        parked_with_somebody = place == "parked" and len(parties.legs) > 1
        assert parties.with_whom(parties.citizen) or parked_with_somebody or place == "after"
    elif not gone_by_will:
        assert transfer is None or transfer.outcome in (
            TransferOutcome.COMPLETED,
            TransferOutcome.TARGET_LEFT,
            TransferOutcome.CANCELLED,
            TransferOutcome.FAILED,
        ), "hung up only where the operator or a target who had served long enough hung up"


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False), st.sampled_from(["leaves", "drops", "target goes", "private"]))
def test_the_order_of_the_switchs_topics_changes_nothing(chance: random.Random, end: str) -> None:
    """Facts less than five milliseconds apart may come in any order, and twice."""

    def told(shuffled: bool) -> tuple[TransferState, TransferOutcome | None, list[TransferStep]]:
        scene = Scene()
        scene.call()
        for act in (scene.parties.rings, scene.parties.answers):
            scene.do(mixed(act(), shuffled))
            scene.parties.wait(0.02)
        scene.parties.wait(5.0)
        if end == "leaves":
            scene.command(LeaveCall)
        elif end == "drops":
            scene.command(DropTarget)
        elif end == "private":
            scene.command(GoPrivate)
        else:
            scene.do(mixed(scene.parties.fails(16), shuffled))
        scene.wait(1.0)
        assert scene.stage.unlisted == []
        return scene.transfer.state, scene.transfer.outcome, scene.steps

    def mixed(facts: list[Fact], shuffled: bool) -> list[Fact]:
        if not shuffled:
            return facts
        facts = facts + chance.sample(facts, k=len(facts) // 2)
        chance.shuffle(facts)
        return facts

    assert told(shuffled=True) == told(shuffled=False)


# the operator's page is loaded again while others are in the call -----------------------------------------------------


def recover(scene: Scene) -> None:
    scene.ask(RecoverCall(agent_id=ME))
    scene.do(scene.parties.comes_back())


def joined() -> Scene:
    scene = Scene()
    scene.call()
    scene.do(scene.parties.rings())
    scene.do(scene.parties.answers())
    scene.wait(3.0)
    return scene


def test_an_operator_comes_back_into_a_talk_of_three_and_the_old_leg_goes() -> None:
    scene = joined()
    old, target = scene.parties.operator, scene.parties.target
    recover(scene)
    assert scene.parties.operator != old
    assert old not in scene.parties.legs
    assert scene.parties.with_whom(scene.parties.citizen) == {scene.parties.operator, target}
    assert scene.transfer.state is TransferState.JOINED
    assert TransferStep.OPERATOR_LOST not in scene.steps
    assert scene.stage.agent().status is AgentStatus.TALKING
    assert [event.returned for event in scene.stage.of_kind(CallAnswered)] == [False, True]
    [ring] = [one for one in scene.stage.told_orders if isinstance(one, DialLeg) and one.endpoint == "8001"]
    assert (ring.context, ring.variables["X-Hotline-Recover"], ring.variables["HOTLINE_LEG"]) == ("join", "1", target)


def test_who_came_back_can_leave_like_before() -> None:
    scene = joined()
    recover(scene)
    scene.command(LeaveCall)
    assert scene.transfer.state is TransferState.HANDED_OVER
    assert scene.parties.with_whom(scene.parties.citizen) == {scene.parties.target}
    with pytest.raises(Refused):
        scene.ask(RecoverCall(agent_id=ME))


def test_an_operator_whose_leg_was_lost_is_again_one_of_three() -> None:
    scene = joined()
    scene.do(scene.parties.end(scene.parties.operator, cause=41))
    assert (scene.transfer.state, scene.transfer.outcome) == (TransferState.HANDED_OVER, TransferOutcome.OPERATOR_LOST)
    recover(scene)
    assert (scene.transfer.state, scene.transfer.outcome) == (TransferState.JOINED, None)
    assert scene.steps[-2:] == [TransferStep.OPERATOR_LOST, TransferStep.JOINED]
    assert scene.stage.agent().status is AgentStatus.TALKING


def test_a_citizen_who_hears_music_is_brought_in_before_the_operator_is() -> None:
    scene = joined()
    scene.command(GoPrivate)
    assert scene.transfer.state is TransferState.PRIVATE
    recover(scene)
    assert scene.transfer.state is TransferState.JOINED
    assert scene.parties.with_whom(scene.parties.citizen) == {scene.parties.operator, scene.parties.target}


def test_the_target_may_ring_on_meanwhile() -> None:
    scene = Scene()
    scene.call()
    scene.do(scene.parties.rings())
    recover(scene)
    assert scene.transfer.state is TransferState.RINGING
    scene.do(scene.parties.answers())
    assert scene.transfer.state is TransferState.JOINED
    assert scene.parties.with_whom(scene.parties.citizen) == {scene.parties.operator, scene.parties.target}


def test_a_talk_of_two_that_is_left_ends_when_who_came_back_hangs_up() -> None:
    scene = joined()
    recover(scene)
    assert scene.parties.target is not None
    scene.do(scene.parties.end(scene.parties.target))
    assert scene.transfer.outcome is TransferOutcome.TARGET_LEFT
    assert scene.parties.with_whom(scene.parties.citizen) == {scene.parties.operator}
    scene.do(scene.parties.end(scene.parties.operator))
    assert scene.parties.legs == {}


def test_a_page_that_does_not_answer_changes_nothing() -> None:
    scene = joined()
    old = scene.parties.operator
    scene.ask(RecoverCall(agent_id=ME))
    with pytest.raises(Refused):
        scene.ask(RecoverCall(agent_id=ME))
    assert scene.parties.back is not None
    scene.do(scene.parties.end(scene.parties.back, cause=19))
    scene.wait(11.0)
    assert scene.parties.with_whom(scene.parties.citizen) == {old, scene.parties.target}
    assert scene.stage.agent().status is AgentStatus.TALKING
