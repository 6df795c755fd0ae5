"""What an operator wished for in a call: a restart of ours finds it on the channel, and only a restart looks there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from telephony.commands import Command, KeepLine, PauseRecording, ResumeRecording
from telephony.events import LinkChanged, LinkState
from telephony.facts import BridgeEnter, LinkLost, LiveChannel
from telephony.orders import MuteRecording, SetVariable
from tests.telephony.stage import Stage, member, snapshot
from tests.telephony.test_outbound import CALL, PLACE, OwnCall
from tests.telephony.test_transfers import ME, Scene

KEPT = {"HOTLINE_KEPT": "8001"}
LATER = timedelta(seconds=30)


def listed(scene: Scene, variables: dict[str, str]) -> list[LiveChannel]:
    """A list in which the citizen's channel keeps this."""
    return [
        replace(live, variables=variables if live.channel.id == scene.parties.citizen else {})
        for live in scene.parties.listed()
    ]


def ask(scene: Scene, kind: Callable[..., Command], **more: object) -> dict[str, str]:
    """What stands on the channels after it."""
    scene.command(kind, **more)
    return {one.name: one.value for one in scene.stage.told_orders if isinstance(one, SetVariable)}


def test_a_line_that_is_kept_no_more_is_not_kept_again_by_an_older_list() -> None:
    scene = Scene()
    marks = ask(scene, KeepLine, on=True)
    assert marks["HOTLINE_KEPT"] == "8001"
    ask(scene, KeepLine, on=False)
    scene.stage.tell([snapshot(scene.stage.now + LATER, channels=listed(scene, marks))])
    assert not scene.stage.call().keep_line


def test_a_recording_that_goes_on_is_not_silenced_again_by_an_older_list() -> None:
    scene = Scene()
    marks = ask(scene, PauseRecording, seconds=60.0)
    ask(scene, ResumeRecording)
    before = len(scene.stage.told_orders)
    scene.stage.tell([snapshot(scene.stage.now + LATER, channels=listed(scene, marks))])
    scene.wait(2.0)
    assert not any(isinstance(one, MuteRecording) for one in scene.stage.told_orders[before:])
    assert scene.stage.call().recording_paused_until is None


def test_a_gap_of_the_link_brings_no_old_wish_back() -> None:
    scene = Scene()
    marks = ask(scene, KeepLine, on=True)
    ask(scene, KeepLine, on=False)
    at = scene.stage.now + LATER
    scene.stage.tell([LinkLost(at=at, reason="away"), LinkChanged(at=at, state=LinkState.DOWN)])
    scene.stage.go_live(member("8001", at, status=2), at=at, channels=listed(scene, marks))
    assert not scene.stage.call().keep_line


@pytest.mark.parametrize("heard_before", [False, True])
def test_a_restart_finds_them_though_something_of_the_call_was_heard_before_the_list(heard_before: bool) -> None:
    scene = Scene()
    channels = listed(scene, KEPT)
    fresh = Stage()
    at = fresh.now = scene.stage.now + timedelta(seconds=5)
    if heard_before:
        citizen = next(live for live in channels if live.channel.id == scene.parties.citizen)
        assert citizen.bridge is not None
        fresh.tell([BridgeEnter(at=at, bridge=citizen.bridge, channel=citizen.channel)])
    fresh.go_live(member("8001", at, status=2), at=at + timedelta(milliseconds=50), channels=channels)
    assert fresh.call().keep_line
    fresh.sign_in()
    fresh.ask(KeepLine(call_id=scene.parties.story.call_id, agent_id=ME, on=False))
    fresh.tell([snapshot(at + LATER, channels=[replace(live, age_s=35) for live in channels])])
    assert not fresh.call().keep_line, "once is enough"


def test_a_restart_finds_them_on_the_citizens_channel_of_a_placed_call_too() -> None:
    stage = Stage()
    stage.go_live()
    stage.sign_in()
    stage.ask(PLACE)
    call = OwnCall(stage)
    stage.tell(call.pick_up() + call.dial() + call.answer())
    own, citizen = call.listed(talking=True)
    fresh = Stage()
    fresh.now = stage.now
    seat = member("8001", stage.now, paused=True, reason="in_call", status=2)
    fresh.go_live(seat, channels=[own, replace(citizen, variables=KEPT)])
    assert fresh.call(CALL).keep_line
