"""Ids of legs that we originate: none is given twice in a call, and the switch takes every one of them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.ami import actions
from telephony.commands import EndSupervision, RecoverCall, Supervise
from telephony.ids import CallId, ChannelId
from telephony.legs import Purpose, is_target, leg_of, next_serial, purpose_of, serial_of
from telephony.orders import DialLeg, SetVariable
from telephony.stages import TransferState
from telephony.targets import SpyMode
from tests.fakes.stories import START
from tests.telephony.test_supervision import BOSS
from tests.telephony.test_transfers import ME, Scene, restart

CALL = CallId("1795240800.0")


@given(st.sampled_from(list(Purpose)), st.integers(min_value=1, max_value=10**9 - 1))
def test_what_is_written_into_an_id_is_read_from_it_and_taken_by_the_switch(purpose: Purpose, serial: int) -> None:
    leg = leg_of(CALL, purpose, serial)
    assert (purpose_of(leg), serial_of(leg)) == (purpose, serial)
    dial = DialLeg(leg=leg, call_id=CALL, endpoint="110", context="join", exten="s", ring_s=20.0)
    assert actions.headers(dial)["ChannelId"] == leg
    assert actions.headers(SetVariable(channel=leg, name="HOTLINE_OPERATOR", value=leg))["Value"] == leg
    if is_target(leg):
        assert actions.headers(SetVariable(channel=leg, name="HOTLINE_LEG", value=leg))["Value"] == leg


@pytest.mark.parametrize("other", ["1795240800.1", "1795240800.1-x5", "1795240800.1-t", "1795240800.1-t５", "-t1", ""])
def test_other_channels_are_for_nothing(other: str) -> None:
    assert (purpose_of(ChannelId(other)), serial_of(ChannelId(other))) == (None, 0)


@given(
    st.lists(st.floats(min_value=0, max_value=3 * 86400), min_size=1, max_size=20).map(sorted),
    st.sampled_from([CALL, CallId("1.1"), CallId("9999999999.7"), CallId("pbx-1795240800.0")]),
)
def test_numbers_only_grow_and_fit(ages_s: list[float], call_id: CallId) -> None:
    last = 0
    for age_s in ages_s:
        serial = next_serial(call_id, last, START + timedelta(seconds=age_s))
        assert last < serial < 10**9
        last = serial


def test_a_restart_gives_no_number_again() -> None:
    first = next_serial(CALL, 0, START + timedelta(seconds=5))
    assert next_serial(CALL, 0, START + timedelta(seconds=6)) > first


def hours_later(scene: Scene, hours: float) -> None:
    """Nothing happens meanwhile, and nobody is hung up."""
    scene.parties.wait(hours * 3600)
    scene.stage.now = scene.parties.story.now


@pytest.mark.parametrize("hours", [0.0, 2.9, 30.0])
def test_every_leg_of_a_long_call_is_dialled(hours: float) -> None:
    scene = Scene()
    hours_later(scene, hours)
    scene.call()
    scene.do(scene.parties.fails(17))
    scene.do(scene.parties.rings())
    scene.do(scene.parties.answers())
    assert (scene.transfer.state, scene.transfer.route) == (TransferState.JOINED, 2)
    for order in scene.stage.told_orders:
        if isinstance(order, DialLeg | SetVariable):
            assert actions.headers(order)


def test_no_leg_of_a_call_bears_the_name_of_another_whatever_it_is_for() -> None:
    """All within one second, and then again after a restart of ours."""
    scene = Scene()
    scene.stage.sign_in(BOSS)
    frozen = scene.stage.now

    def ask_for_all() -> None:
        for _ in range(3):
            scene.stage.ask(Supervise(call_id=scene.parties.story.call_id, agent_id=BOSS, mode=SpyMode.LISTEN))
            scene.stage.ask(EndSupervision(call_id=scene.parties.story.call_id, agent_id=BOSS))
            [*_, ring] = [one for one in scene.stage.told_orders if isinstance(one, DialLeg)]
            scene.stage.board.failed(ring)
            scene.stage.wait(0.0)

    ask_for_all()
    scene.call()
    scene.do(scene.parties.fails(17))
    scene.ask(RecoverCall(agent_id=ME))
    legs = [one.leg for one in scene.stage.told_orders if isinstance(one, DialLeg)]
    assert len(set(legs)) == len(legs) == 6
    assert len({serial_of(leg) for leg in legs}) == 6
    assert scene.stage.now - frozen < timedelta(seconds=1)
    restart(scene)
    scene.stage.sign_in(BOSS)
    ask_for_all()
    again = [one.leg for one in scene.stage.told_orders if isinstance(one, DialLeg)]
    listed = {leg for leg in legs if leg in scene.parties.legs}
    assert listed
    assert listed.isdisjoint(again)
