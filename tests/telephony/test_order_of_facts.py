"""Whatever the order in which the switch's topics reach us, and however often, a call ends the same."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Mapping
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony import agents
from telephony.calls import Call, CallPhase
from telephony.commands import Command, ExtendWrapUp, FinishWrapUp, Pause, Ready, SignIn, SignOut
from telephony.errors import TelephonyError
from telephony.events import AgentStatus, PauseReason
from telephony.facts import DeviceStateChange, Fact, Hangup
from telephony.ids import AgentId, SeatId
from telephony.testimony import channels_of
from tests.fakes.stories import HOTLINE, Story
from tests.telephony.ami.recordings import NAMES
from tests.telephony.stage import Stage, recorded_facts

WINDOW = timedelta(milliseconds=5)
OPERATORS = ("1001", "1002", "1003")
"""Who sits at the phones of the recordings."""
ABANDONED, ANSWERED = "abandoned", "answered"
RECORDED: Mapping[str, Mapping[str, list[str | None]]] = {
    "abandoned_and_busy": {"calls": [ABANDONED], "paused": ["1001", "1002"]},
    "attended_transfer_cancelled": {"calls": [ANSWERED], "wrapping_up": ["1001"]},
    "attended_transfer_completed": {"calls": [ANSWERED], "wrapping_up": ["1001"]},
    "attended_transfer_to_three_way": {"calls": [ANSWERED], "wrapping_up": ["1001"]},
    "attended_transfer_unanswered": {"calls": [ANSWERED], "wrapping_up": ["1001"]},
    "attended_transfer_without_sound": {"calls": [ANSWERED], "wrapping_up": ["1001"]},
    "blind_transfer_to_centre": {"calls": [ANSWERED], "wrapping_up": ["1001"]},
    "bridged_by_hand": {"calls": [ANSWERED], "wrapping_up": ["1001"]},
    "centre_joined_centre_leaves": {"calls": [ANSWERED], "wrapping_up": ["1001"]},
    "centre_joined_citizen_leaves": {"calls": [ANSWERED], "wrapping_up": ["1001"]},
    "centre_joined_operator_leaves": {"calls": [ANSWERED], "wrapping_up": ["1001"]},
    "channel_variables": {"calls": [None], "talking": ["1001"]},
    "hold_and_resume": {"calls": [ANSWERED], "wrapping_up": ["1001"]},
    "link_drops_mid_call": {"calls": [None, None], "talking": ["1001"], "ringing": ["1002"]},
    "link_returns_mid_call": {"calls": [ABANDONED]},
    "members_pause_add_remove": {"calls": [], "paused": ["1003"]},
    "no_answer_then_answered": {"calls": [ANSWERED], "paused": ["1001"], "wrapping_up": ["1002"]},
    "operator_hangs_up": {"calls": [ANSWERED], "wrapping_up": ["1001"]},
    "originate_busy": {"calls": [ANSWERED], "wrapping_up": ["1001"]},
    "originate_unanswered": {"calls": [ANSWERED], "wrapping_up": ["1001"]},
    "phone_unreachable": {"calls": [], "paused": ["1003"]},
    "raw_bytes_and_odd_headers": {"calls": []},
    "redirected_to_centre": {"calls": [ANSWERED], "wrapping_up": ["1001"]},
    "redirected_while_waiting": {"calls": [ANSWERED]},
    "room_of_three_operator_leaves": {"calls": [ANSWERED], "wrapping_up": ["1001"]},
    "switch_killed": {"calls": [None], "talking": ["1001"], "paused": ["1003"]},
    "switch_starts": {"calls": []},
    "switch_stops": {"calls": [ANSWERED], "wrapping_up": ["1001"], "paused": ["1003"]},
    "three_waiting": {"calls": [ABANDONED, ABANDONED, ABANDONED]},
    "transfer_to_nowhere": {"calls": [ANSWERED], "wrapping_up": ["1001"]},
    "withdrawn_while_ringing": {"calls": [ABANDONED]},
}
"""How each recording ends: the outcomes of its calls (None while one goes on), and the operators who are not ready."""


def answered(story: Story) -> list[Fact]:
    return [*story.arrive(), *story.join(), *story.ring("8001"), *story.answer(), *story.caller_hangs_up()]


def refused_then_held(story: Story) -> list[Fact]:
    rung = [*story.arrive(), *story.join(), *story.ring("8001"), *story.refuse(), *story.ring("8002", after_s=0.0)]
    return [*rung, *story.answer(), *story.hold(0.001), *story.unhold(0.001), *story.operator_hangs_up()]


def abandoned_while_ringing(story: Story) -> list[Fact]:
    return [*story.arrive(), *story.join(after_s=0.0), *story.ring("8001"), *story.caller_hangs_up(after_s=0.001)]


def waited_in_rounds(story: Story) -> list[Fact]:
    rounds = [*story.leave_queue(), *story.join(after_s=0.001), *story.leave_queue(), *story.join(after_s=0.001)]
    return [*story.arrive(), *story.join(), *rounds, *story.ring("8001"), *story.no_answer(), *story.caller_hangs_up()]


def lost_and_back(story: Story) -> list[Fact]:
    talked = [*story.arrive(), *story.join(), *story.ring("8001"), *story.answer()]
    back = [*story.redirect(), *story.ring_again("8001", after_s=0.001), *story.come_back(0.01)]
    return [*talked, *back, *story.operator_hangs_up(), *story.dialplan_hangs_up()]


def lost_and_queued_again(story: Story) -> list[Fact]:
    talked = [*story.arrive(), *story.join(), *story.ring("8001"), *story.answer(), *story.lose_operator()]
    away = [*story.ring_again("8001", after_s=0.001), *story.stay_away()]
    again = [*story.join(after_s=0.01), *story.ring("8002"), *story.answer()]
    return [*talked, *away, *again, *story.caller_hangs_up()]


STORIES = [
    answered,
    refused_then_held,
    abandoned_while_ringing,
    waited_in_rounds,
    lost_and_back,
    lost_and_queued_again,
]


def shaken(facts: list[Fact], chance: random.Random) -> list[Fact]:
    """Every fact moved by up to the window, a fifth of them told twice."""
    doubled = [fact for fact in facts for _ in range(2 if chance.random() < 0.2 else 1)]
    return sorted(doubled, key=lambda fact: fact.at + chance.random() * WINDOW)


def end_of(
    facts: list[Fact], agents: tuple[str, ...] = ("8001", "8002")
) -> tuple[list[Call], dict[AgentId, AgentStatus]]:
    """All calls as they stand after a while, and every operator's status."""
    stage = Stage()
    stage.go_live()
    for agent in agents:
        stage.sign_in(agent)
    stage.tell(facts)
    stage.wait(2.0)
    stage.wait(2.0)
    known = sorted(stage.board.calls.values(), key=lambda call: call.id)
    return known, {agent.id: agent.status for agent in stage.board.agents.values()}


@pytest.mark.parametrize("tell", STORIES)
@settings(max_examples=60, deadline=None)
@given(chance=st.randoms(use_true_random=False))
def test_a_call_ends_the_same_in_every_order(tell: Callable[[Story], list[Fact]], chance: random.Random) -> None:
    facts = tell(Story())
    assert end_of(shaken(facts, chance)) == end_of(facts)


def test_every_recording_has_its_end() -> None:
    assert sorted(RECORDED) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_recorded_calls_end_the_same_in_every_order(name: str) -> None:
    facts = recorded_facts(name)
    expected = end_of(facts, OPERATORS)
    calls, statuses = expected
    busy = {
        str(status): [agent for agent in OPERATORS if statuses[AgentId(agent)] is status]
        for status in statuses.values()
        if status is not AgentStatus.READY
    }
    assert {"calls": [call.outcome for call in calls], **busy} == RECORDED[name]
    for seed in range(20):
        assert end_of(shaken(facts, random.Random(seed)), OPERATORS) == expected, seed


@settings(max_examples=100, deadline=None)
@given(cut=st.integers(0, 30), chance=st.randoms(use_true_random=False))
def test_hang_ups_in_any_order_at_any_moment_end_the_call_in_a_legal_state(cut: int, chance: random.Random) -> None:
    story = Story()
    facts = answered(story)[:cut]
    channels = {channel.id: channel for fact in facts for channel in channels_of(fact)}
    ends: list[Fact] = [Hangup(at=story.now, channel=channel, cause=16) for channel in channels.values()]
    chance.shuffle(ends)
    [*known], _ = end_of([*facts, *ends])
    assert all(call.phase is CallPhase.ENDED for call in known)
    assert all(call.outcome is not None and all(leg.ended_at for leg in call.legs) for call in known)


@pytest.mark.parametrize("tell", [answered, lost_and_back, lost_and_queued_again])
@settings(max_examples=60, deadline=None)
@given(chance=st.randoms(use_true_random=False))
def test_even_a_full_shuffle_leaves_the_same_record(tell: Callable[[Story], list[Fact]], chance: random.Random) -> None:
    facts = tell(Story())
    mixed = list(facts)
    chance.shuffle(mixed)
    [expected], _ = end_of(facts)
    [call], _ = end_of(mixed)
    assert call == expected


# agents ---------------------------------------------------------------------------------------------------------------

ME = AgentId("8001")
Act = Callable[[Stage, Story], None]


def ask(command: Command) -> Act:
    def act(stage: Stage, _: Story) -> None:
        with contextlib.suppress(TelephonyError):
            stage.ask(command)

    return act


def phone(state: str) -> Act:
    return lambda stage, _: stage.tell([DeviceStateChange(at=stage.now, device="PJSIP/8001", state=state)]) and None


def play(stage: Stage, story: Story, act: Callable[[], list[Fact]]) -> None:
    story.now = max(story.now, stage.now)
    stage.tell(act())


def next_act(stage: Stage, story: Story) -> None:
    """The call goes on by one act, or a new one comes."""
    if story.bridge is not None:
        play(stage, story, story.caller_hangs_up)
    elif story.seat is not None:
        play(stage, story, story.answer)
    else:
        play(stage, story, lambda: [*story.arrive(), *story.join(), *story.ring("8001")])


def ring_out(stage: Stage, story: Story) -> None:
    if story.seat is not None and story.bridge is None:
        play(stage, story, story.no_answer)


ACTS = st.sampled_from(
    [
        ask(SignIn(agent_id=ME, seat=SeatId("8001"), queues=(HOTLINE,))),
        ask(SignOut(agent_id=ME)),
        ask(Ready(agent_id=ME)),
        ask(FinishWrapUp(agent_id=ME)),
        ask(ExtendWrapUp(agent_id=ME, seconds=30)),
        *(ask(Pause(agent_id=ME, reason=reason)) for reason in (PauseReason.MEAL, PauseReason.REST)),
        phone("NOT_INUSE"),
        phone("UNAVAILABLE"),
        next_act,
        ring_out,
        lambda stage, _: stage.wait(45.0) and None,
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(ACTS, max_size=30))
def test_nobody_is_ever_ready_with_a_reason_or_paused_without_one(acts: list[Act]) -> None:
    stage, story = Stage(), Story()
    stage.go_live()
    for act in acts:
        if story.citizen.id in stage.board.calls and stage.call(story.call_id).phase is CallPhase.ENDED:
            story = Story(now=stage.now, serial=1000 * len(stage.board.calls))
        act(stage, story)
        for agent in stage.board.agents.values():
            assert not (agent.status is AgentStatus.READY and agent.reasons)
            assert not (agent.status is AgentStatus.PAUSED and not agent.reasons)
            wraps_up = agent.status is AgentStatus.WRAPPING_UP or agent.unfinished is not None
            assert (agent.wrap_up_until is not None) == wraps_up
            assert not (agent.status in agents.IN_A_CALL and agent.call_id is None)
