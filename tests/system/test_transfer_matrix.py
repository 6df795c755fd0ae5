"""Whatever becomes of the far end, and whoever hangs up when: no citizen is dropped, and the operator is told why.

Many conversations at once on one real switch. The parties are telephones of ours, so that each acts at its moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from telephony.calls import CallPhase
from telephony.commands import (
    BringTogether,
    CallTarget,
    DropTarget,
    GoPrivate,
    KeepLine,
    LeaveCall,
    PauseRecording,
    ResumeRecording,
    SendBack,
)
from telephony.errors import Refused
from telephony.events import AgentStatus, CallAnswered, RecordingPaused, RecordingResumed
from telephony.ids import AgentId, QueueName
from telephony.targets import Target, TargetKind, TransferMode
from telephony.transfers import TransferOutcome, TransferState
from tests.fakes.sip_phones import Behaviour, answering, busy_in_sound, dropping, refusing, ringing, silent
from tests.system.parties import (
    CENTRES,
    DESKS,
    Conversation,
    Parties,
    centre,
    in_one_bridge,
    reach,
    transfer,
    until,
)

pytestmark = pytest.mark.asterisk

OUTCOMES: dict[str, tuple[Behaviour, str]] = {
    "486": (refusing(486), "busy"),
    "603": (refusing(603), "declined"),
    "503": (refusing(503), "unavailable"),
    "404": (refusing(404), "not_found"),
    "no answer": (ringing, "no_answer"),
    "busy tone as early sound": (busy_in_sound, "no_answer"),
    "silence": (silent, "silent"),
    "answers and is gone": (dropping(0.3), "dropped"),
}
LOST = 'Q.850;cause=41;text="media lost"'


async def at_once(*cases: Coroutine[Any, Any, None]) -> None:
    async with asyncio.TaskGroup() as group:
        for case in cases:
            group.create_task(case)


@pytest.mark.parametrize("code", CENTRES)
async def test_the_next_way_is_taken_while_citizen_and_operator_talk_on(everybody: Parties, code: str) -> None:
    async def case(behaviour: Behaviour, reason: str) -> None:
        talk = await everybody.talk()
        everybody.will["first", talk.number] = behaviour
        everybody.will["second", talk.number] = answering
        await transfer(talk, centre(code))
        await talk.until(lambda: talk.transfer.state is TransferState.JOINED and talk.transfer.route == 2, 20)
        assert ("route_failed", reason) in talk.steps
        assert talk.served
        assert not talk.operator.ended.is_set()
        assert [leg.ended_at for leg in talk.call.legs if leg.role == "centre"].count(None) == 1
        await everybody.ask(LeaveCall(call_id=talk.call_id, agent_id=talk.agent))
        await talk.until(lambda: talk.transfer.state is TransferState.HANDED_OVER)
        [far] = everybody.at_centre(code, talk.number, way=2)
        assert talk.served
        assert not far.ended.is_set()
        await everybody.clear(talk)

    chosen = OUTCOMES if code == "110" else {name: OUTCOMES[name] for name in ("486", "503", "silence")}
    await at_once(*(case(*outcome) for outcome in chosen.values()))


async def test_where_every_way_fails_the_operator_goes_on_with_the_citizen(everybody: Parties) -> None:
    async def case(behaviour: Behaviour, reason: str) -> None:
        talk = await everybody.talk()
        everybody.will["first", talk.number] = everybody.will["second", talk.number] = behaviour
        await transfer(talk, centre("110"))
        await talk.until(lambda: talk.transfer.state is TransferState.ENDED, 30)
        assert talk.steps[-1] == ("failed", reason)
        assert talk.transfer.outcome is TransferOutcome.FAILED
        assert talk.served
        assert talk.call.phase is CallPhase.TALKING
        talk.operator.hang_up()
        await talk.until(talk.citizen.ended.is_set, 3)
        await talk.until(lambda: talk.call.phase is CallPhase.ENDED, 3)
        assert talk.call.ended_by == "operator"
        await everybody.clear(talk)

    await at_once(*(case(*outcome) for outcome in OUTCOMES.values()))


async def test_a_trunk_where_nobody_listens_is_given_up(everybody: Parties) -> None:
    talk = await everybody.talk()
    everybody.will["second", talk.number] = answering
    first, _ = everybody.far["122"]
    await first.close()
    await transfer(talk, centre("122"))
    await talk.until(lambda: talk.transfer.state is TransferState.JOINED)
    assert ("route_failed", "silent") in talk.steps
    assert talk.served
    await everybody.clear(talk)


@pytest.mark.parametrize("mode", [TransferMode.THREE_WAY, TransferMode.CONSULT, TransferMode.BLIND])
async def test_an_operator_who_cannot_come_leaves_the_citizen_served(everybody: Parties, mode: TransferMode) -> None:
    async def case(behaviour: Behaviour, reason: str) -> None:
        talk = await everybody.talk()
        other = await everybody.seat()
        everybody.desks[other].behave = behaviour
        await transfer(talk, Target(kind=TargetKind.AGENT, value=other), mode)
        await talk.until(lambda: talk.transfer.state is TransferState.ENDED, 30)
        if behaviour is OUTCOMES["answers and is gone"][0]:
            assert talk.transfer.outcome in (TransferOutcome.FAILED, TransferOutcome.HANDED_OVER)
        else:
            assert talk.steps[-1] == ("failed", reason)
        assert talk.served
        if mode is TransferMode.BLIND:
            await talk.until(lambda: talk.call.phase is CallPhase.QUEUED, 20)
            assert talk.call_id in everybody.board.waiting[talk.call.queue or QueueName("")]
        else:
            assert not talk.operator.ended.is_set()
            assert talk.call.answered_by == talk.agent
        everybody.desks[other].behave = answering
        await everybody.clear(talk)
        await everybody.leave(other)

    chosen = ("486", "603") if mode is TransferMode.BLIND else tuple(OUTCOMES)
    await at_once(*(case(*OUTCOMES[name]) for name in chosen))


async def test_an_operator_who_comes_takes_the_call_over(everybody: Parties) -> None:
    async def case(mode: TransferMode) -> None:
        talk = await everybody.talk()
        other = await everybody.seat()
        await transfer(talk, Target(kind=TargetKind.AGENT, value=other), mode)
        if mode is not TransferMode.BLIND:
            met = TransferState.PRIVATE if mode is TransferMode.CONSULT else TransferState.JOINED
            await talk.until(lambda: talk.transfer.state is met)
            assert everybody.board.agents[other].status is AgentStatus.TALKING
            assert talk.call.answered_by == talk.agent
            await everybody.ask(LeaveCall(call_id=talk.call_id, agent_id=talk.agent))
        await talk.until(lambda: talk.call.answered_by == other)
        await talk.until(talk.operator.ended.is_set)
        taken = [one for one in everybody.of_kind(CallAnswered) if one.call_id == talk.call_id][-1]
        assert (taken.agent_id, taken.transferred) == (other, True)
        assert everybody.board.agents[other].status is AgentStatus.TALKING
        [phone] = [one for one in everybody.desks[other].talks.values() if not one.ended.is_set()]
        assert mode is TransferMode.BLIND or phone.header("X-Hotline-Call-Id") == talk.call_id
        phone.hang_up()
        await talk.until(talk.citizen.ended.is_set, 3)
        await everybody.clear(talk)
        await everybody.leave(other)

    await at_once(*(case(mode) for mode in TransferMode))


async def test_a_blind_transfer_that_nobody_answers_ends_in_front_of_the_queue(everybody: Parties) -> None:
    async def case(behaviour: Behaviour, reason: str) -> None:
        talk = await everybody.talk()
        everybody.will["first", talk.number] = everybody.will["second", talk.number] = behaviour
        await transfer(talk, centre("119"), TransferMode.BLIND)
        await talk.until(lambda: talk.call.phase is CallPhase.QUEUED, 40)
        assert talk.served
        if behaviour is OUTCOMES["answers and is gone"][0]:
            assert talk.transfer.outcome is TransferOutcome.RETURNED
        else:
            assert talk.steps[-1] == ("failed", reason)
        await everybody.clear(talk)

    await at_once(*(case(*outcome) for outcome in OUTCOMES.values()))


async def test_a_number_and_another_queue_are_reached_blind(everybody: Parties) -> None:
    number = await everybody.talk()
    await transfer(number, Target(kind=TargetKind.NUMBER, value="02083125555"), TransferMode.BLIND)
    await until(lambda: number.transfer.state is TransferState.HANDED_OVER)
    assert [one for one in everybody.outside.talks.values() if "02083125555" in one.header("to")]
    queue = await everybody.talk()
    await transfer(queue, Target(kind=TargetKind.QUEUE, value="hotline"), TransferMode.BLIND)
    await until(lambda: queue.transfer.state is TransferState.ENDED)
    assert queue.transfer.outcome is TransferOutcome.HANDED_OVER
    assert everybody.board.waiting[QueueName("hotline")][0] == queue.call_id
    for value in ("110", "0208312555A", "*98"):
        with pytest.raises(Refused):
            await transfer(queue, Target(kind=TargetKind.NUMBER, value=value))
    for talk in (number, queue):
        await everybody.clear(talk)


Act = Callable[[Conversation], None]
ACTS: dict[str, Act] = {
    "citizen": lambda talk: talk.citizen.hang_up(),
    "operator": lambda talk: talk.operator.hang_up(),
    "operator's page": lambda talk: talk.operator.hang_up(reason=LOST),
    "target": lambda talk: talk.all_.at_centre("110", talk.number)[-1].hang_up(),
}
OUTCOME_OF: dict[tuple[TransferState, str], tuple[TransferOutcome, str]] = {
    (TransferState.RINGING, "citizen"): (TransferOutcome.CALLER_LEFT, "gone"),
    (TransferState.RINGING, "operator"): (TransferOutcome.OPERATOR_LOST, "queued"),
    (TransferState.RINGING, "operator's page"): (TransferOutcome.OPERATOR_LOST, "queued"),
    (TransferState.JOINED, "citizen"): (TransferOutcome.CALLER_LEFT, "gone"),
    (TransferState.JOINED, "operator"): (TransferOutcome.HANDED_OVER, "with the centre"),
    (TransferState.JOINED, "operator's page"): (TransferOutcome.OPERATOR_LOST, "with the centre"),
    (TransferState.JOINED, "target"): (TransferOutcome.TARGET_LEFT, "with the operator"),
    (TransferState.PRIVATE, "citizen"): (TransferOutcome.CALLER_LEFT, "gone"),
    (TransferState.PRIVATE, "operator"): (TransferOutcome.OPERATOR_LOST, "with the centre"),
    (TransferState.PRIVATE, "operator's page"): (TransferOutcome.OPERATOR_LOST, "with the centre"),
    (TransferState.PRIVATE, "target"): (TransferOutcome.TARGET_LEFT, "with the operator"),
    (TransferState.HANDED_OVER, "citizen"): (TransferOutcome.COMPLETED, "gone"),
    (TransferState.HANDED_OVER, "target"): (TransferOutcome.RETURNED, "queued"),
}


async def expect(talk: Conversation, place: str) -> None:
    """Where the citizen is in the end."""
    everybody, own = talk.all_, talk.call_id
    if place == "gone":
        await talk.until(talk.citizen.ended.is_set)
    elif place == "queued":
        await talk.until(lambda: talk.call.phase is CallPhase.QUEUED, 20)
        assert everybody.board.waiting[QueueName("hotline")][0] is not None
    else:
        with_whom = "centre" if place == "with the centre" else "operator"
        await talk.until(lambda: in_one_bridge(talk, with_whom))
        assert own in everybody.board.calls
    assert talk.served or place == "gone"


async def test_whoever_hangs_up_in_whatever_state_the_citizen_is_served(everybody: Parties) -> None:
    async def case(state: TransferState, who: str, outcome: TransferOutcome, place: str) -> None:
        talk = await everybody.talk()
        await reach(talk, state)
        await asyncio.sleep(2.2 if state in (TransferState.JOINED, TransferState.PRIVATE) else 0.3)
        ACTS[who](talk)
        await talk.until(lambda: talk.transfer.outcome is outcome)
        await expect(talk, place)
        await everybody.clear(talk)

    cases = [(*situation, *end) for situation, end in OUTCOME_OF.items()]
    await at_once(*(case(*one) for one in cases))


async def test_what_was_begun_is_taken_back_at_any_moment(everybody: Parties) -> None:
    async def case(state: TransferState) -> None:
        talk = await everybody.talk()
        await reach(talk, state)
        await everybody.ask(DropTarget(call_id=talk.call_id, agent_id=talk.agent))
        assert talk.transfer.outcome is TransferOutcome.CANCELLED
        await talk.until(lambda: in_one_bridge(talk, "operator"))
        if state is not TransferState.DIALLING:  # nothing can be cancelled that has not been heard of
            await talk.until(lambda: all(far.ended.is_set() for far in everybody.at_centre("110", talk.number)), 5)
        assert talk.served
        talk.operator.hang_up()
        await talk.until(talk.citizen.ended.is_set, 4)
        await everybody.clear(talk)

    states = (TransferState.DIALLING, TransferState.RINGING, TransferState.JOINED, TransferState.PRIVATE)
    await at_once(*(case(state) for state in states))


async def test_a_word_in_private_and_back_and_then_the_operator_leaves(everybody: Parties) -> None:
    async def case(mode: TransferMode, *, together_first: bool) -> None:
        talk = await everybody.talk()
        await transfer(talk, centre("120"), mode)
        own = {"call_id": talk.call_id, "agent_id": talk.agent}
        if mode is TransferMode.THREE_WAY:
            await talk.until(lambda: talk.transfer.state is TransferState.JOINED)
            await everybody.ask(GoPrivate(**own))
        await talk.until(lambda: talk.transfer.state is TransferState.PRIVATE)
        if together_first:
            await everybody.ask(BringTogether(**own))
            await talk.until(lambda: talk.transfer.state is TransferState.JOINED)
        await everybody.ask(LeaveCall(**own))
        await talk.until(lambda: talk.transfer.state is TransferState.HANDED_OVER)
        await talk.until(lambda: in_one_bridge(talk, "centre"))
        await talk.until(talk.operator.ended.is_set)
        assert talk.served
        await everybody.clear(talk)

    modes = (TransferMode.THREE_WAY, TransferMode.CONSULT)
    await at_once(*(case(mode, together_first=first) for mode in modes for first in (True, False)))


async def test_a_line_that_is_kept_is_not_handed_on(everybody: Parties) -> None:
    talk = await everybody.talk()
    own = {"call_id": talk.call_id, "agent_id": talk.agent}
    await everybody.ask(KeepLine(**own, on=True))
    await reach(talk, TransferState.JOINED)
    for command in (LeaveCall(**own), SendBack(**own)):
        with pytest.raises(Refused):
            await everybody.ask(command)
    await everybody.restart()
    await talk.until(lambda: talk.transfer.state is TransferState.JOINED)
    assert talk.call.keep_line
    await everybody.ask(KeepLine(**own, on=False))
    await everybody.ask(LeaveCall(**own))
    await talk.until(lambda: talk.transfer.state is TransferState.HANDED_OVER)
    await everybody.clear(talk)


async def test_the_recording_is_silent_for_a_while_and_goes_on_by_itself(everybody: Parties) -> None:
    talk = await everybody.talk()
    own = {"call_id": talk.call_id, "agent_id": talk.agent}
    await everybody.ask(PauseRecording(**own, seconds=1.0))
    assert talk.call.recording_paused_until is not None
    await until(lambda: everybody.of_kind(RecordingResumed))
    assert everybody.of_kind(RecordingResumed)[0].by_itself
    await everybody.ask(PauseRecording(**own, seconds=60.0))
    await everybody.ask(ResumeRecording(**own))
    assert [one.by_itself for one in everybody.of_kind(RecordingResumed)] == [True, False]
    assert len(everybody.of_kind(RecordingPaused)) == 2
    with pytest.raises(Refused):
        await everybody.ask(PauseRecording(**own, seconds=600.0))
    await everybody.clear(talk)


async def test_a_citizen_who_is_sent_back_stands_in_front(everybody: Parties) -> None:
    talk = await everybody.talk()
    waits = everybody.citizens.call("12345", ("127.0.0.1", everybody.switch.ports.sip), caller="13999999999")
    await until(lambda: len(everybody.board.waiting.get(QueueName("hotline"), ())) == 1)
    await everybody.ask(SendBack(call_id=talk.call_id, agent_id=talk.agent))
    await until(lambda: len(everybody.board.waiting[QueueName("hotline")]) == 2)
    assert everybody.board.waiting[QueueName("hotline")][0] == talk.call_id
    await talk.until(talk.operator.ended.is_set)
    assert talk.served
    waits.hang_up()
    await everybody.clear(talk)


async def test_nobody_but_the_talking_operator_hands_a_call_on(everybody: Parties) -> None:
    talk = await everybody.talk()
    with pytest.raises(Refused):
        await everybody.ask(
            CallTarget(
                call_id=talk.call_id,
                agent_id=AgentId(next(desk for desk in DESKS if desk != talk.agent)),
                target=centre("110"),
                mode=TransferMode.THREE_WAY,
            )
        )
    await everybody.clear(talk)
