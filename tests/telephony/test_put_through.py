"""A citizen who is sent on alone: the dialplan dials one way after the other, or none, and goes on by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from telephony.commands import CallTarget
from telephony.events import AgentStatus, LinkChanged, LinkState, TransferReason, TransferStep
from telephony.facts import (
    AgentCalled,
    BridgeEnter,
    BridgeLeave,
    Channel,
    DialBegin,
    DialState,
    Hangup,
    LinkLost,
    LiveChannel,
    NewChannel,
    NewState,
    QueueCallerJoin,
)
from telephony.ids import BridgeId, ChannelId
from telephony.stages import TransferOutcome, TransferState
from telephony.targets import Target, TargetKind, TransferMode
from tests.fakes.stories import HOTLINE
from tests.telephony.stage import member
from tests.telephony.test_transfers import ME, POLICE, Scene

COLLEAGUE = Target(kind=TargetKind.AGENT, value="8002")


class PutThrough:
    """What the switch tells of the citizen on the way, act by act. Its clock is that of the stage."""

    def __init__(self, target: Target = POLICE) -> None:
        self.scene = Scene()
        self.stage, self.story = self.scene.stage, self.scene.parties.story
        self.stage.sign_in("8002")
        self.scene.parties.deaf = True
        self.scene.call(target, TransferMode.BLIND)
        self.citizen, self.operator = self.story.citizen, self.story.seat
        self.leg: Channel | None = None
        self._number = 0

    @property
    def state(self) -> tuple[TransferState, TransferOutcome | None, TransferReason | None]:
        transfer = self.scene.transfer
        return transfer.state, transfer.outcome, transfer.reason

    def wait(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.25)):
            self.stage.wait(0.25)

    def leaves(self, exten: str = "110") -> None:
        assert self.operator is not None
        assert self.story.bridge is not None
        self.stage.now += timedelta(milliseconds=5)
        self.citizen = replace(self.citizen, context="forward", exten=exten)
        for channel in (self.citizen, self.operator):
            self.stage.tell([BridgeLeave(at=self.stage.now, bridge=self.story.bridge, channel=channel)])
        self.stage.tell([Hangup(at=self.stage.now, channel=self.operator, cause=16)])

    def new(self, endpoint: str) -> Channel:
        self._number += 1
        leg = Channel(
            id=ChannelId(f"1795240900.{self._number}"),
            name=f"PJSIP/{endpoint}-{self._number:08x}",
            linked_id=self.citizen.id,
            state="Down",
            call_id=self.story.call_id,
            context="centres",
        )
        self.stage.tell([NewChannel(at=self.stage.now, channel=leg)])
        return leg

    def dials(self, endpoint: str) -> None:
        self.leg = self.new(endpoint)
        self.stage.tell([DialBegin(at=self.stage.now, channel=self.citizen, dest=self.leg)])

    def rings(self) -> None:
        assert self.leg is not None
        self.stage.tell([DialState(at=self.stage.now, channel=self.citizen, dest=self.leg, status="RINGING")])

    def answers(self) -> None:
        assert self.leg is not None
        self.leg = replace(self.leg, state="Up")
        self.stage.tell([NewState(at=self.stage.now, channel=self.leg)])
        for channel in (self.leg, self.citizen):
            self.stage.tell([BridgeEnter(at=self.stage.now, bridge=BridgeId("through"), channel=channel)])

    def fails(self, cause: int) -> None:
        assert self.leg is not None
        self.stage.tell([Hangup(at=self.stage.now, channel=self.leg, cause=cause)])

    def waits_again(self) -> None:
        """The dialplan gave up: in front of the queue."""
        self.citizen = replace(self.citizen, context="waiting", exten="s")
        self.stage.tell([QueueCallerJoin(at=self.stage.now, queue=HOTLINE, channel=self.citizen, position=1)])


def test_one_way_after_the_other_is_followed() -> None:
    through = PutThrough()
    through.leaves()
    through.dials("110")
    through.rings()
    through.fails(17)
    through.dials("110-2")
    through.answers()
    transfer = through.scene.transfer
    assert (transfer.state, transfer.route, transfer.reason) == (TransferState.HANDED_OVER, 2, TransferReason.BUSY)
    assert through.scene.steps.count(TransferStep.ROUTE_FAILED) == 1
    assert through.stage.unlisted == []


def test_where_no_channel_is_made_it_ends_when_the_citizen_has_gone_on() -> None:
    through = PutThrough(COLLEAGUE)
    assert through.stage.agent("8002").status is AgentStatus.RINGING
    through.leaves("8002")
    through.wait(1.0)
    assert through.state[0] is TransferState.DIALLING
    through.waits_again()
    through.wait(1.0)
    assert through.state == (TransferState.ENDED, TransferOutcome.FAILED, TransferReason.UNAVAILABLE)
    assert through.stage.agent("8002").status is AgentStatus.READY
    through.stage.tell(through.story.ring("8001") + through.story.answer())
    again = CallTarget(call_id=through.story.call_id, agent_id=ME, target=COLLEAGUE, mode=TransferMode.BLIND)
    through.stage.now = through.story.now
    through.stage.ask(again)
    assert through.scene.transfer.state is TransferState.DIALLING


def test_where_nothing_at_all_is_heard_it_ends_too() -> None:
    through = PutThrough(COLLEAGUE)
    through.wait(21.0)
    assert through.state[0] is TransferState.DIALLING
    through.wait(2.0)
    assert through.state == (TransferState.ENDED, TransferOutcome.FAILED, TransferReason.UNAVAILABLE)


def test_a_second_way_of_which_no_channel_is_made_ends_it() -> None:
    through = PutThrough()
    through.leaves()
    through.dials("110")
    through.rings()
    through.fails(17)
    through.wait(1.0)
    assert through.state[0] is not TransferState.ENDED
    through.waits_again()
    through.wait(1.0)
    assert through.state == (TransferState.ENDED, TransferOutcome.FAILED, TransferReason.BUSY)


@pytest.mark.parametrize("known", ["the dialplan's recovery", "a supervisor", "the queue"])
def test_a_leg_of_another_making_is_no_way(known: str) -> None:
    through = PutThrough()
    through.leaves()
    if known == "the dialplan's recovery":
        leg = through.new("8001")
        caller = replace(through.citizen, context="recover", exten="8001")
        through.stage.tell([DialBegin(at=through.stage.now, channel=caller, dest=leg)])
    elif known == "a supervisor":
        leg = through.new("9001")
        through.stage.tell([DialBegin(at=through.stage.now, channel=None, dest=leg)])
    else:
        leg = through.new("8003")
        caller = replace(through.citizen, context="waiting", exten="s")
        called = AgentCalled(
            at=through.stage.now, queue=HOTLINE, channel=caller, dest=leg, interface="PJSIP/8003", member="8003"
        )
        through.stage.tell([called, DialBegin(at=through.stage.now, channel=caller, dest=leg)])
    assert through.scene.transfer.leg is None
    assert TransferStep.ROUTE_FAILED not in through.scene.steps


def test_a_way_that_came_up_in_a_gap_is_found() -> None:
    through = PutThrough()
    through.leaves()
    at = through.stage.now
    through.stage.tell([LinkLost(at=at, reason="away"), LinkChanged(at=at, state=LinkState.DOWN)])
    through.wait(60.0)
    assert through.state[0] is TransferState.DIALLING
    at = through.stage.now
    leg = Channel(
        id=ChannelId("1795240900.9"),
        name="PJSIP/110-00000099",
        linked_id=through.citizen.id,
        state="Up",
        call_id=through.story.call_id,
        context="centres",
        exten="110",
    )
    bridge = BridgeId("through")
    listed = [
        LiveChannel(channel=channel, bridge=bridge, age_s=20, application=application)
        for channel, application in ((through.citizen, "Dial"), (leg, "AppDial"))
    ]
    through.stage.go_live(member("8001", at), member("8002", at), channels=listed)
    through.wait(30.0)
    assert (through.scene.transfer.state, through.scene.transfer.leg) == (TransferState.HANDED_OVER, leg.id)


def test_a_clock_of_the_switch_that_is_behind_ours_hides_no_way() -> None:
    through = PutThrough()
    through.leaves()
    behind = through.stage.now.replace(minute=0, second=0)
    leg = Channel(
        id=ChannelId("1795240900.9"),
        name="PJSIP/110-00000099",
        linked_id=through.citizen.id,
        state="Ringing",
        call_id=through.story.call_id,
    )
    through.stage.tell([NewChannel(at=behind, channel=leg), DialBegin(at=behind, channel=through.citizen, dest=leg)])
    assert through.scene.transfer.leg == leg.id
