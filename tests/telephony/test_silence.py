"""The link breaks, or dies without a word: what is not heard meanwhile is no silence, and nobody is hung up for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.commands import DropTarget, Supervise
from telephony.events import AgentStatus, LinkChanged, LinkState, OfferEnded, TransferReason, TransferStep
from telephony.facts import DialState, Echo, Hangup, LinkLost, LiveChannel
from telephony.hearing import AGAIN_AFTER, Hearing
from telephony.ids import ChannelId
from telephony.orders import DialLeg, HangUpChannel, Order, SetVariable
from telephony.stages import TransferOutcome, TransferState
from telephony.supervision import GIVEN_UP
from telephony.targets import SpyMode, Target, TargetKind
from tests.fakes.stories import START, Story
from tests.telephony.stage import Stage, snapshot
from tests.telephony.test_branches import TAX, Line
from tests.telephony.test_supervision import BOSS
from tests.telephony.test_transfers import ACTS as TRANSFER_ACTS
from tests.telephony.test_transfers import Scene, possible

HOW = ("broken", "dead")
"""How the link ends: told at once, or a good while later."""


class Gap:
    """From here on nothing of a scene is heard and no order arrives, until ``over``."""

    def __init__(self, scene: Scene, how: str) -> None:
        self.scene, self.stage, self.parties = scene, scene.stage, scene.parties
        self.stage.take_orders()
        self.ordered_before = len(self.stage.told_orders)
        self.parties.deaf, self.stage.echoes = True, False
        if how == "broken":
            self.lose()

    def lose(self) -> None:
        at = self.stage.now
        self.stage.tell([LinkLost(at=at, reason="away"), LinkChanged(at=at, state=LinkState.DOWN)])

    @property
    def ordered(self) -> list[Order]:
        return [
            one for one in self.stage.told_orders[self.ordered_before :] if isinstance(one, DialLeg | HangUpChannel)
        ]

    def over(self) -> None:
        at = self.stage.now = self.parties.story.now
        self.parties.deaf, self.stage.echoes = False, True
        self.lose()
        self.stage.tell(
            [
                LinkChanged(at=at, state=LinkState.CONNECTING),
                snapshot(at, channels=self.parties.listed()),
                LinkChanged(at=at, state=LinkState.LIVE),
            ]
        )
        self.scene._settle()


def three_talk(scene: Scene) -> bool:
    parties = scene.parties
    return parties.with_whom(parties.citizen) == {parties.operator, parties.target} and parties.target is not None


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("rang_before", [False, True])
def test_a_centre_that_answers_while_we_are_deaf_stays_in_the_call(scene: Scene, how: str, rang_before: bool) -> None:
    scene.call()
    if rang_before:
        scene.do(scene.parties.rings())
    gap = Gap(scene, how)
    scene.wait(2.0)
    scene.parties.rings()
    scene.parties.answers()
    scene.wait(30.0)
    assert gap.ordered == []
    gap.over()
    scene.wait(10.0)
    assert three_talk(scene)
    assert (scene.transfer.state, scene.transfer.route) == (TransferState.JOINED, 1)
    assert gap.ordered == []


def test_what_was_held_up_on_a_link_that_recovers_counts(scene: Scene) -> None:
    scene.call()
    gap = Gap(scene, "dead")
    held_up = [*scene.parties.rings(), *scene.parties.answers()]
    scene.wait(7.0)
    scene.stage.echoes, scene.parties.deaf = True, False
    scene.do(held_up)
    scene.wait(10.0)
    assert three_talk(scene)
    assert gap.ordered == []
    assert scene.transfer.state is TransferState.JOINED


@pytest.mark.parametrize("how", HOW)
def test_after_a_gap_a_way_has_its_whole_time_again(scene: Scene, how: str) -> None:
    scene.call()
    scene.wait(2.0)
    gap = Gap(scene, how)
    scene.wait(20.0)
    gap.over()
    scene.wait(2.5)
    assert scene.transfer.route == 1
    scene.wait(0.75)
    assert (scene.transfer.route, scene.transfer.reason) == (2, TransferReason.SILENT)


def test_the_time_that_a_target_may_ring_begins_anew_too(scene: Scene) -> None:
    scene.reach(TransferState.RINGING)
    gap = Gap(scene, "broken")
    scene.wait(60.0)
    gap.over()
    scene.wait(21.0)
    assert scene.transfer.route == 1
    scene.wait(2.0)
    assert (scene.transfer.route, scene.transfer.reason) == (2, TransferReason.NO_ANSWER)


def test_an_order_to_dial_that_was_not_answered_is_no_refusal(scene: Scene) -> None:
    scene.parties.deaf = True
    scene.call()
    [dial] = [one for one in scene.stage.told_orders if isinstance(one, DialLeg)]
    scene.stage.board.failed(dial, unknown=True)
    scene.wait(2.0)
    assert scene.transfer.route == 1
    scene.parties.deaf = False
    scene.do(scene.parties.carry_out([dial]))
    scene.do(scene.parties.rings())
    scene.do(scene.parties.answers())
    assert three_talk(scene)
    assert (scene.transfer.state, scene.transfer.route) == (TransferState.JOINED, 1)


def test_one_of_which_no_leg_comes_is_silent_like_any_other(scene: Scene) -> None:
    scene.parties.deaf = True
    scene.call()
    [dial] = [one for one in scene.stage.told_orders if isinstance(one, DialLeg)]
    scene.stage.board.failed(dial, unknown=True)
    scene.wait(3.5)
    assert (scene.transfer.route, scene.transfer.reason) == (2, TransferReason.SILENT)


@pytest.mark.parametrize("how", HOW)
def test_a_refusal_does_not_use_up_the_ways_while_we_are_deaf(scene: Scene, how: str) -> None:
    scene.parties.deaf = True
    scene.call()
    gap = Gap(scene, how)
    gap.lose()
    [dial] = [one for one in scene.stage.told_orders if isinstance(one, DialLeg)]
    scene.stage.board.failed(dial)
    scene.wait(20.0)
    assert (scene.transfer.state, scene.transfer.route) == (TransferState.DIALLING, 1)
    gap.over()
    scene.wait(0.5)
    assert (scene.transfer.reason, scene.transfer.route) == (TransferReason.SWITCH, 2)


def test_a_leg_that_waited_in_line_to_be_dialled_has_its_whole_time(scene: Scene) -> None:
    scene.parties.deaf = True
    scene.call()
    [dial] = [one for one in scene.stage.told_orders if isinstance(one, DialLeg)]
    scene.stage.echoes = False  # the echo stands in the same line
    scene.wait(4.0)
    scene.parties.deaf, scene.stage.echoes = False, True
    scene.do(scene.parties.carry_out([dial]))
    scene.stage.carried_out(dial)
    scene.wait(2.75)
    assert scene.transfer.route == 1
    scene.wait(0.5)
    assert (scene.transfer.route, scene.transfer.reason) == (2, TransferReason.SILENT)


def test_an_order_to_hang_up_that_waited_in_line_spares_who_has_been_picked_up(scene: Scene) -> None:
    scene.call()
    scene.wait(2.75)
    scene.parties.deaf = True
    scene.wait(0.5)
    hang_up = next(one for one in scene.stage.told_orders if isinstance(one, HangUpChannel))
    assert scene.stage.board.holds(hang_up)
    scene.parties.deaf = False
    pick_up(scene, hang_up.channel)
    assert not scene.stage.board.holds(hang_up)
    scene.command(DropTarget)
    assert scene.stage.board.holds(hang_up), "who says so is obeyed"


def given_up(scene: Scene) -> ChannelId:
    """The first way has been given up for its silence, and the order to hang it up got lost; the second is dialled."""
    scene.call()
    first = scene.transfer.leg
    assert first is not None
    scene.wait(2.75)
    scene.parties.deaf = True
    scene.wait(0.5)
    assert (scene.transfer.route, scene.transfer.reason) == (2, TransferReason.SILENT)
    [*_, dial] = [one for one in scene.stage.told_orders if isinstance(one, DialLeg)]
    scene.parties.deaf = False
    scene.do(scene.parties.carry_out([dial]))
    return first


def pick_up(scene: Scene, leg: ChannelId) -> None:
    """As ``answers``, on a leg that is not the latest."""
    scene.parties.legs[leg] = scene.parties.legs.pop(leg)
    scene.do(scene.parties.answers())


def test_a_way_that_was_given_up_and_is_picked_up_is_the_way_again(scene: Scene) -> None:
    first = given_up(scene)
    second = scene.transfer.leg
    scene.do(scene.parties.rings())
    pick_up(scene, first)
    assert (scene.transfer.state, scene.transfer.route, scene.transfer.leg) == (TransferState.JOINED, 1, first)
    assert second not in scene.parties.legs, "nobody is called to a talk that has begun"
    named = [one for one in scene.stage.told_orders if isinstance(one, SetVariable) and one.name == "HOTLINE_LEG"]
    assert {one.value for one in named[-2:]} == {first}, "the dialplan finds it"
    scene.wait(10.0)
    assert three_talk(scene)
    assert scene.stage.unlisted == []


def test_a_leg_that_was_to_be_hung_up_and_joined_in_a_gap_is_let_be(scene: Scene) -> None:
    first = given_up(scene)
    gap = Gap(scene, "broken")
    pick_up_unheard(scene, first)
    gap.over()
    scene.wait(10.0)
    assert first in scene.parties.with_whom(scene.parties.citizen)
    assert (scene.transfer.state, scene.transfer.leg) == (TransferState.JOINED, first)


def pick_up_unheard(scene: Scene, leg: ChannelId) -> None:
    scene.parties.legs[leg] = scene.parties.legs.pop(leg)
    scene.parties.answers()


def test_a_transfer_that_failed_goes_on_if_its_target_joined_in_a_gap(scene: Scene) -> None:
    first = given_up(scene)
    scene.do(scene.parties.fails(17))
    assert scene.transfer.outcome is TransferOutcome.FAILED
    gap = Gap(scene, "broken")
    pick_up_unheard(scene, first)
    gap.over()
    scene.wait(10.0)
    assert three_talk(scene)
    assert (scene.transfer.state, scene.transfer.leg) == (TransferState.JOINED, first)
    assert scene.steps[-1] is TransferStep.JOINED


def test_a_way_of_another_transfer_is_not_taken_for_one_of_this(scene: Scene) -> None:
    first = given_up(scene)
    scene.do(scene.parties.fails(17))
    fire = Target(kind=TargetKind.CENTRE, value="120")
    scene.parties.deaf = True
    scene.call(fire)
    scene.parties.deaf = False
    dial = scene.stage.told_orders[-4]
    assert isinstance(dial, DialLeg)
    scene.do(scene.parties.carry_out([dial]))
    pick_up(scene, first)
    scene.wait(1.0)
    assert (scene.transfer.target, scene.transfer.leg, scene.transfer.state) == (fire, dial.leg, TransferState.DIALLING)
    assert first in scene.parties.with_whom(scene.parties.citizen), "who is in the call is not hung up"


def test_what_the_operator_took_back_is_hung_up_though_it_was_picked_up(scene: Scene) -> None:
    scene.reach(TransferState.RINGING)
    leg, scene.parties.deaf = scene.transfer.leg, True
    scene.command(DropTarget)
    scene.parties.deaf = False
    scene.do(scene.parties.answers())
    scene.wait(2.0)
    assert leg not in scene.parties.legs


ACTS: dict[str, Callable[[Scene], object]] = {
    "rings": lambda scene: scene.parties.rings(),
    "answers": lambda scene: scene.parties.answers(),
    "busy": lambda scene: scene.parties.fails(17),
    "operator goes": lambda scene: scene.parties.end(scene.parties.operator),
    "time": lambda scene: scene.wait(4.0),
}


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from(["rings", "time"]), max_size=3),
    st.lists(st.sampled_from(sorted(ACTS)), max_size=6),
    st.sampled_from(HOW),
)
def test_whatever_happens_while_we_are_deaf_nobody_in_the_call_is_hung_up(
    before: list[str], unheard: list[str], how: str
) -> None:
    scene = Scene()
    scene.call()
    for act in before:
        if act == "time" or possible(scene, act):
            TRANSFER_ACTS[act](scene)
    gap = Gap(scene, how)
    for act in unheard:
        if act == "time" or possible(scene, act):
            ACTS[act](scene)
            scene.parties.wait(0.02)
    assert gap.ordered == []
    with_citizen = scene.parties.with_whom(scene.parties.citizen)
    gap.over()
    scene.wait(6.0)
    assert with_citizen <= scene.parties.with_whom(scene.parties.citizen)
    if scene.parties.target in with_citizen:
        assert scene.transfer.state in (TransferState.JOINED, TransferState.HANDED_OVER)
    assert scene.stage.unlisted == []


# the others who wait for a sign ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", HOW)
def test_a_branch_that_rings_unheard_is_not_given_up(how: str) -> None:
    line = Line()
    leg = line.dials(TAX)
    line.stage.echoes = False
    if how == "broken":
        line.stage.tell([LinkLost(at=line.stage.now, reason="away")])
    assert line.hung_up(20.0) == []
    line.stage.echoes = True
    at = line.stage.now
    line.stage.tell([LinkLost(at=at, reason="away"), snapshot(at, channels=listed(line, at))])
    assert line.hung_up(2.75) == []
    assert line.hung_up(0.5) == [leg]


def test_an_order_to_give_up_a_branch_that_waited_in_line_spares_one_that_rings() -> None:
    line = Line()
    leg = line.dials(TAX)
    assert line.hung_up(3.0) == [leg]
    hang_up = HangUpChannel(channel=leg)
    assert line.stage.board.holds(hang_up)
    line.stage.tell([DialState(at=line.stage.now, channel=line.story.citizen, dest=line.leg, status="RINGING")])
    assert not line.stage.board.holds(hang_up)


def listed(line: Line, at: datetime) -> list[LiveChannel]:
    dialled = LiveChannel(channel=line.leg, bridge=None, age_s=20, application="AppDial")
    return [*line.story.listed(at), dialled]


@pytest.mark.parametrize("how", HOW)
def test_a_phone_that_fell_silent_may_still_be_answered_in_what_we_do_not_hear(how: str) -> None:
    stage, story = Stage(), Story()
    stage.go_live()
    stage.sign_in()
    stage.tell(story.arrive() + story.join() + story.ring("8001"))
    assert story.seat is not None
    stage.tell([Hangup(at=story.now, channel=story.seat, cause=0)])
    stage.echoes = False
    if how == "broken":
        stage.tell([LinkLost(at=stage.now, reason="away")])
    stage.wait(30.0)
    assert stage.of_kind(OfferEnded) == []
    stage.echoes = True
    at = stage.now
    stage.tell([LinkLost(at=at, reason="away"), snapshot(at, channels=story.listed(at)[:1], entries=[story.entry(at)])])
    stage.wait(2.0)
    assert len(stage.of_kind(OfferEnded)) == 1
    assert stage.agent().status is AgentStatus.READY


@pytest.mark.parametrize("how", HOW)
def test_a_supervisors_phone_that_rings_unheard_is_not_given_up(how: str) -> None:
    stage, story = Stage(), Story()
    stage.go_live()
    stage.sign_in()
    stage.sign_in(BOSS)
    stage.tell(story.arrive() + story.join() + story.ring("8001") + story.answer())
    stage.ask(Supervise(call_id=story.call_id, agent_id=BOSS, mode=SpyMode.LISTEN))
    stage.echoes = False
    if how == "broken":
        stage.tell([LinkLost(at=stage.now, reason="away")])
    stage.wait(GIVEN_UP.total_seconds() + 5)
    assert stage.agent(BOSS).status is AgentStatus.RINGING
    stage.echoes = True
    stage.wait(3.0)
    assert (stage.agent(BOSS).status is AgentStatus.READY) == (how == "dead"), "a link that was only slow"


# the hearing itself ---------------------------------------------------------------------------------------------------

S = timedelta(seconds=1)


def test_silence_lasts_from_the_first_list_on_and_no_longer_than_the_last_echo() -> None:
    hearing = Hearing()
    assert not hearing.lasted(START, S, START + 9 * S)
    assert hearing.ask(START) == [], "who hears nothing asks nothing"
    hearing.begin(START + 5 * S)
    assert not hearing.lasted(START, 3 * S, START + 7 * S)
    assert hearing.ask(START + 7 * S) == [], "nobody waits for it"
    assert not hearing.lasted(START, 3 * S, START + 8 * S)
    [ask] = hearing.ask(START + 8 * S)
    assert not hearing.hear("beef"), "somebody else's"
    assert hearing.hear(ask.token)
    assert not hearing.hear(ask.token)
    assert hearing.lasted(START, 3 * S, START + 9 * S)
    assert not hearing.lasted(START, 4 * S, START + 9 * S)
    hearing.end()
    assert not hearing.lasted(START, 3 * S, START + 99 * S)


def test_an_echo_that_does_not_come_is_asked_for_again_now_and_then() -> None:
    hearing, now = Hearing(), START
    hearing.begin(START)
    asked = []
    for _ in range(40):
        now += timedelta(seconds=0.25)
        hearing.lasted(START, S, now)
        asked += hearing.ask(now)
    assert len(asked) == len({one.token for one in asked}) == 10 * S // AGAIN_AFTER


def test_a_gap_makes_an_old_echo_worthless() -> None:
    hearing = Hearing()
    hearing.begin(START)
    hearing.lasted(START, S, START + 2 * S)
    [ask] = hearing.ask(START + 2 * S)
    hearing.end()
    hearing.begin(START + 3 * S)
    assert not hearing.hear(ask.token)
    assert not hearing.lasted(START, S, START + 4 * S)


def test_an_echo_is_nobodys_call() -> None:
    stage = Stage()
    stage.go_live()
    assert stage.tell([Echo(at=stage.now, token="beef")]) == []
