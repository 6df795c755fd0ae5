"""The drift meter: whatever a timed comparison brings up is counted, with its kind and whom it is about."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from telephony import events
from telephony.commands import CallTarget, ForceSignOut, Supervise
from telephony.drift import KINDS
from telephony.events import (
    AgentEvent,
    AgentSignedIn,
    AgentSignedOut,
    AgentStatusChanged,
    CallEvent,
    CallMovedAhead,
    DriftRepaired,
    Event,
    FrameRejected,
    LineKept,
    LinkChanged,
    RecordingPaused,
    RecordingResumed,
    SupervisionChanged,
    TransferStep,
    TransferStepped,
)
from telephony.facts import Fact, QueueMember
from telephony.ids import AgentId
from telephony.targets import SpyMode, Target, TargetKind, TransferMode
from tests.fakes.stories import HOTLINE, Story
from tests.telephony.stage import Stage, member, snapshot
from tests.telephony.test_supervision import Phone

LATER = timedelta(seconds=30)
ROOTS = {Event, CallEvent, AgentEvent}
NEVER = {AgentSignedIn, CallMovedAhead, DriftRepaired, FrameRejected, LineKept, LinkChanged}
NEVER |= {RecordingPaused, RecordingResumed}
"""What only a command, the link or the clock brings up."""


def drifts(stage: Stage) -> list[tuple[str, str]]:
    return [(drift.kind, drift.subject) for drift in stage.of_kind(DriftRepaired)]


def test_every_event_has_a_kind_or_never_comes_from_a_comparison() -> None:
    kinds = {one for one in vars(events).values() if isinstance(one, type) and issubclass(one, Event)}
    assert KINDS.keys() | NEVER | ROOTS == kinds
    assert not KINDS.keys() & NEVER


ACTS: list[Callable[[Story], list[Fact]]] = [
    Story.arrive,
    Story.join,
    lambda story: story.ring("8001"),
    Story.answer,
    Story.hold,
    Story.unhold,
    Story.caller_hangs_up,
]


def acted(story: Story, count: int) -> list[Fact]:
    return [fact for act in ACTS[:count] for fact in act(story)]


@pytest.mark.parametrize("told", range(8))
@pytest.mark.parametrize("happened", range(8))
def test_each_difference_is_counted_wherever_the_facts_stop(told: int, happened: int) -> None:
    """So many acts were told; the list is taken after so many."""
    stage, story = Stage(), Story()
    stage.go_live()
    stage.sign_in()
    stage.tell(acted(story, told))
    truth = Story()
    acted(truth, happened)
    at = max(stage.now, truth.now) + LATER
    entries = [truth.entry(at)] if happened in (2, 3) else []
    channels = truth.listed(at) if 0 < happened < len(ACTS) else []
    listed = snapshot(at, channels=channels, entries=entries, members=[member("8001", at)])
    news = stage.tell([listed])
    brought = [event for event in news if not isinstance(event, DriftRepaired)]
    counted = [event for event in news if isinstance(event, DriftRepaired)]
    assert [drift.kind for drift in counted if not drift.kind.startswith("member_")] == [
        KINDS[type(event)] for event in brought
    ]
    assert {drift.subject for drift in counted} <= {story.call_id, "8001", HOTLINE}
    assert told != happened or not brought


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    stage.go_live()
    for agent in ("8001", "8002"):
        stage.sign_in(agent)
    return stage


@pytest.fixture
def story(stage: Stage) -> Story:
    story = Story()
    stage.tell(story.arrive() + story.join() + story.ring("8001") + story.answer())
    return story


def seats(stage: Stage) -> list[QueueMember]:
    return [member("8001", stage.now), member("8002", stage.now)]


def test_a_phone_whose_going_was_missed_is_counted_for_its_person(stage: Stage) -> None:
    stage.now += LATER
    gone = member("8002", stage.now, status=5)
    stage.tell([snapshot(stage.now, members=[member("8001", stage.now), gone])])
    assert drifts(stage)[0] == ("agent_status", "8002")
    assert stage.of_kind(AgentStatusChanged)[-1].agent_id == "8002"


def test_a_supervision_that_is_over_unseen_is_counted(stage: Stage, story: Story) -> None:
    stage.ask(Supervise(call_id=story.call_id, agent_id=AgentId("8002"), mode=SpyMode.LISTEN))
    phone = Phone(stage, story)
    stage.tell(phone.ring() + phone.answer())
    stage.now += LATER
    stage.tell([snapshot(stage.now, channels=story.listed(stage.now), members=seats(stage))])
    assert stage.of_kind(SupervisionChanged)[-1].mode is None
    assert ("supervision", story.call_id) in drifts(stage)


def test_a_transfer_whose_end_was_missed_is_counted(stage: Stage, story: Story) -> None:
    target = Target(kind=TargetKind.AGENT, value="8002")
    stage.now = story.now
    stage.ask(CallTarget(call_id=story.call_id, agent_id=AgentId("8001"), target=target, mode=TransferMode.CONSULT))
    assert stage.of_kind(TransferStepped)[-1].step is TransferStep.REQUESTED
    stage.now += LATER
    stage.tell([snapshot(stage.now, members=seats(stage))])
    assert ("missed_transfer_step", story.call_id) in drifts(stage)


def test_a_person_who_was_to_leave_after_a_call_that_is_a_ghost_is_counted(stage: Stage, story: Story) -> None:
    stage.ask(ForceSignOut(agent_id=AgentId("8001")))
    stage.now = story.now + LATER
    stage.tell([snapshot(stage.now, members=seats(stage))])
    assert stage.of_kind(AgentSignedOut)[-1].agent_id == "8001"
    assert ("ghost_agent", "8001") in drifts(stage)
