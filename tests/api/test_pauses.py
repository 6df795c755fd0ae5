"""A recording stands still while the citizen is with nobody; the events of the call say when that was."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from api.calls.recorder import said_by
from api.recordings.pauses import in_talk_s, pauses
from telephony.events import (
    AgentLegEnded,
    CallAnswered,
    CallEnded,
    CallEvent,
    CallOutcome,
    TransferReason,
    TransferStep,
    TransferStepped,
)
from telephony.ids import AgentId, CallId, ChannelId
from telephony.media.recordings import Pause
from telephony.targets import Target, TargetKind, TransferMode

CALL, ANNA, BERTA = CallId("1795297638.32"), AgentId("8001"), AgentId("8002")
ANSWERED_AT = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return ANSWERED_AT + timedelta(seconds=seconds)


def answered(seconds: float, agent: AgentId = ANNA, *, call_id: str = CALL, began: datetime = ANSWERED_AT) -> CallEvent:
    return CallAnswered(
        at=began + timedelta(seconds=seconds),
        call_id=CallId(call_id),
        agent_id=agent,
        citizen=ChannelId(call_id),
        operator=ChannelId(f"1.{agent}"),
        wait_s=3.0,
    )


def stepped(
    seconds: float,
    step: TransferStep,
    *,
    call_id: str = CALL,
    began: datetime = ANSWERED_AT,
    mode: TransferMode = TransferMode.THREE_WAY,
) -> CallEvent:
    return TransferStepped(
        at=began + timedelta(seconds=seconds),
        call_id=CallId(call_id),
        transfer_id="one",
        step=step,
        agent_id=ANNA,
        target=Target(kind=TargetKind.NUMBER, value="66668888"),
        mode=mode,
        reason=TransferReason.BUSY if step is TransferStep.FAILED else None,
    )


def left(seconds: float, *, replaced: bool = False) -> CallEvent:
    return AgentLegEnded(at=at(seconds), call_id=CALL, agent_id=ANNA, talk_s=seconds, replaced=replaced)


def ended(seconds: float) -> CallEvent:
    return CallEnded(
        at=at(seconds), call_id=CALL, outcome=CallOutcome.ANSWERED, ended_by="caller", wait_s=None, talk_s=None
    )


def parked_talk(call_id: str, began: datetime, *, parked_s: float, back_s: float) -> Iterator[CallEvent]:
    """Answered; a third person is called in, and the citizen hears music from ``parked_s`` to ``back_s``."""
    yield answered(0, call_id=call_id, began=began)
    for seconds, step in (
        (parked_s - 4, TransferStep.REQUESTED),
        (parked_s - 1, TransferStep.JOINED),
        (parked_s, TransferStep.PRIVATE),
        (back_s, TransferStep.JOINED),
        (back_s + 1, TransferStep.TARGET_LEFT),
    ):
        yield stepped(seconds, step, call_id=call_id, began=began)


STORIES = {
    "a talk": ([answered(0), left(60), ended(60.1)], ()),
    "a private word": ([*parked_talk(CALL, ANSWERED_AT, parked_s=20, back_s=50), left(80), ended(80)], ((20, 30),)),
    "two private words": (
        [
            *parked_talk(CALL, ANSWERED_AT, parked_s=20, back_s=30),
            *list(parked_talk(CALL, ANSWERED_AT, parked_s=50, back_s=55))[1:],
        ],
        ((20, 10), (50, 5)),
    ),
    "the target leaves in private": (
        [answered(0), *(stepped(*one) for one in [(5, TransferStep.PRIVATE), (9, TransferStep.TARGET_LEFT)])],
        ((5, 4),),
    ),
    "handed over to a centre": (
        [answered(0), stepped(5, TransferStep.JOINED), stepped(9, TransferStep.HANDED_OVER), left(9.1), ended(60)],
        (),
    ),
    "handed over out of a private word": (
        [answered(0), stepped(5, TransferStep.PRIVATE), stepped(9, TransferStep.HANDED_OVER), left(8.9), ended(60)],
        ((5, 4),),
    ),
    "the operator is lost in private": (
        [
            answered(0),
            stepped(2, TransferStep.JOINED),
            stepped(5, TransferStep.PRIVATE),
            left(9),
            stepped(9.2, TransferStep.OPERATOR_LOST),
            ended(20),
        ],
        ((5, 4.2),),
    ),
    "put through while nobody is with the citizen": (
        [
            answered(0),
            stepped(5, TransferStep.REQUESTED, mode=TransferMode.BLIND),
            left(5.2),
            stepped(12.2, TransferStep.HANDED_OVER, mode=TransferMode.BLIND),
            ended(60),
        ],
        ((5.2, 7),),
    ),
    "put through, nobody there, back into the queue": (
        [
            answered(0),
            left(5),
            stepped(15, TransferStep.FAILED, mode=TransferMode.BLIND),
            answered(25, BERTA),
            ended(60),
        ],
        ((5, 20),),
    ),
    "an operator on another leg": ([answered(0), left(5, replaced=True), ended(60)], ()),
    "it ends in music": ([answered(0), stepped(5, TransferStep.PRIVATE), ended(9)], ()),
    "the target goes, the operator stays": (
        [answered(0), stepped(5, TransferStep.JOINED), stepped(9, TransferStep.CANCELLED), left(30), ended(30)],
        (),
    ),
    "a call of which only steps are known": ([stepped(5, TransferStep.PRIVATE), ended(9)], ()),
}


@pytest.mark.parametrize(("story", "expected"), STORIES.values(), ids=STORIES.keys())
def test_it_stands_still_while_the_citizen_is_with_nobody(
    story: list[CallEvent], expected: tuple[tuple[float, float], ...]
) -> None:
    found = pauses((type(event).__name__, event.at, said_by(event)) for event in story)
    assert [(pause.start_s, pause.length_s) for pause in found] == [pytest.approx(one) for one in expected]


def test_a_moment_of_the_recording_is_later_in_the_talk_by_every_pause_before_it() -> None:
    still = (Pause(20, 10), Pause(50, 5))
    assert [in_talk_s(moment, still) for moment in (0, 19, 20, 39, 40, 60)] == [0, 19, 30, 49, 55, 75]
