"""One call that cannot be followed: what was told of it stays told, and everybody else goes on."""

from __future__ import annotations

from typing import Any

import pytest

from telephony import announcements, calls
from telephony import testimony as said
from telephony.agents import Agents
from telephony.calls import CallPhase
from telephony.cases import Case
from telephony.commands import Pause
from telephony.errors import ActionFailed
from telephony.events import AgentStatus, CallArrived, CallEnded, CallQueued, PauseReason
from telephony.members import Members
from telephony.orders import AddMember, PauseMember
from telephony.supervision import Supervisions
from tests.fakes.stories import Story
from tests.telephony.stage import Stage, snapshot
from tests.telephony.test_runner import ME, SIGN_IN, Running, running
from tests.telephony.test_transfers import Scene

__all__ = ["running"]


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    stage.go_live()
    stage.sign_in()
    return stage


def breaks(monkeypatch: pytest.MonkeyPatch, holder: Any, name: str, call_id: object) -> None:
    """What bears this name there raises, where it is handed something of this call."""
    real = getattr(holder, name)

    def broken(*given: Any, **named: Any) -> Any:
        if call_id is None or any(getattr(one, "call_id", getattr(one, "id", None)) == call_id for one in given):
            raise ValueError("broken")
        return real(*given, **named)

    monkeypatch.setattr(holder, name, broken)


def two_wait(stage: Stage) -> tuple[Story, Story]:
    bad, good = Story(), Story(serial=500)
    stage.tell(bad.arrive() + bad.join() + good.arrive() + good.join(position=2))
    return bad, good


def test_what_was_told_before_a_call_broke_comes_out(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story()
    breaks(monkeypatch, announcements, "of_leaving", story.call_id)
    stage.tell(story.arrive())
    assert len(stage.of_kind(CallArrived)) == 1
    assert {failure.subject for failure in stage.failures} == {story.call_id}
    monkeypatch.undo()
    stage.tell(story.join())
    assert [type(event) for event in (*stage.of_kind(CallArrived), *stage.of_kind(CallQueued))] == [
        CallArrived,
        CallQueued,
    ]


def test_a_comparison_tells_of_all_others_and_of_this_one_when_it_can(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = two_wait(stage)
    breaks(monkeypatch, announcements, "of_leaving", bad.call_id)
    at = good.now.replace(minute=30)
    stage.tell([snapshot(at)])
    assert [event.call_id for event in stage.of_kind(CallEnded)] == [good.call_id]
    assert bad.call_id in {failure.subject for failure in stage.failures}
    monkeypatch.undo()
    stage.tell([snapshot(at.replace(minute=31))])
    assert [event.call_id for event in stage.of_kind(CallEnded)] == [good.call_id, bad.call_id]


@pytest.mark.parametrize("name", ["_see_channel", "_find_operators"])
def test_a_channel_that_cannot_be_taken_down_hides_no_other(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    bad, good = Story(), Story(serial=500)
    for story in (bad, good):
        story.arrive()
        story.join()
    at = good.now
    listed = [*bad.listed(at), *good.listed(at)]
    real = getattr(said.Testimony, name)

    def broken(testimony: said.Testimony, about: Any, *more: Any) -> None:
        if getattr(about, "id", None) == bad.call_id or getattr(about, "channel", None) == bad.citizen:
            raise ValueError("broken")
        real(testimony, about, *more)

    monkeypatch.setattr(said.Testimony, name, broken)
    stage.tell([snapshot(at, channels=listed)])
    assert good.call_id in {event.call_id for event in stage.of_kind(CallArrived)}
    assert len(stage.failures) == 1


def test_a_call_that_cannot_be_shown_hides_no_other(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = two_wait(stage)
    breaks(monkeypatch, calls, "view", bad.call_id)
    stage.tell(bad.caller_hangs_up() + good.caller_hangs_up())
    assert stage.call(good.call_id).phase is CallPhase.ENDED
    stage.wait(1.0)
    assert {failure.subject for failure in stage.failures} == {bad.call_id}


@pytest.mark.parametrize(("holder", "name"), [(Case, "see"), (Supervisions, "apply")])
def test_what_a_fact_means_for_the_call_is_told_though_another_model_fails(
    monkeypatch: pytest.MonkeyPatch, holder: type, name: str
) -> None:
    scene = Scene()
    scene.call()
    breaks(monkeypatch, holder, name, None)
    scene.stage.tell(scene.parties.end(scene.parties.citizen))
    assert scene.parties.target is not None
    scene.stage.tell(scene.parties.end(scene.parties.target))
    assert len(scene.stage.of_kind(CallEnded)) == 1
    assert scene.stage.agent().status is AgentStatus.WRAPPING_UP
    assert scene.stage.failures != []


@pytest.mark.parametrize(("holder", "name"), [(Case, "see"), (Supervisions, "reconcile"), (Members, "compare")])
def test_a_comparison_comes_out_though_one_model_fails(
    monkeypatch: pytest.MonkeyPatch, holder: type, name: str
) -> None:
    scene, waits = Scene(), Story(serial=500)
    scene.call()
    breaks(monkeypatch, holder, name, None)
    waits.now = scene.parties.story.now
    waits.arrive()
    at = waits.now
    scene.stage.tell([snapshot(at, channels=[*scene.parties.listed(), *waits.listed(at)])])
    assert waits.call_id in {event.call_id for event in scene.stage.of_kind(CallArrived)}
    assert len(scene.stage.failures) == 1


def test_what_an_agents_model_makes_of_one_call_is_no_other_calls_matter(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = Story(), Story(serial=500)
    breaks(monkeypatch, Agents, "heed", bad.call_id)
    stage.tell(bad.arrive() + good.arrive())
    assert len(stage.of_kind(CallArrived)) == 2
    assert {failure.subject for failure in stage.failures} == {bad.call_id}


def test_a_model_that_fails_with_the_time_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene()
    scene.call()
    breaks(monkeypatch, Supervisions, "tick", None)
    scene.wait(4.0)
    assert scene.transfer.route == 2
    assert {failure.subject for failure in scene.stage.failures} == {"tick"}


async def test_an_order_whose_failure_cannot_be_taken_is_not_the_last_one(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    running.gateway.failures[AddMember] = ActionFailed("QueueAdd", "no")
    breaks(monkeypatch, Members, "failed", None)
    with pytest.raises(ActionFailed):
        await running.runner.request(SIGN_IN)
    running.gateway.failures.clear()
    await running.runner.request(Pause(agent_id=ME, reason=PauseReason.MEAL))
    assert [order.reason for order in running.orders() if isinstance(order, PauseMember)] == ["device_lost,meal"]
