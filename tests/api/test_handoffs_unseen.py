"""Transfers of which no leg was left when our process came back: the ledger says how they ended."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from api.calls.recorder import CallRecorder
from api.gap import Gap
from api.handoffs.events import HandoffChanged
from api.handoffs.recorder import HandoffRecorder
from api.handoffs.unseen import ended_unseen, last_step
from api.settings import Settings
from api.store.engine import Store
from api.store.tables import CallRecord
from telephony.calls import Call, CallPhase, Leg, LegRole
from telephony.events import LineKept, LinkState, TransferStep
from telephony.ids import AgentId, CallId, ChannelId, LineNumber
from telephony.media.recordings import Recordings
from telephony.stages import OPEN, Transfer, TransferState
from telephony.targets import Target, TargetKind, TransferMode
from tests.api.desk import START
from tests.api.test_handoffs import CALL, at, handed_over, only, rows, step, told

ME, OTHER = AgentId("8001"), AgentId("8002")
OTHER_CALL = CallId("1.9")
POLICE = Target(kind=TargetKind.CENTRE, value="110")
COLLEAGUE = Target(kind=TargetKind.AGENT, value="8002")
HERE = frozenset({*OPEN, TransferState.HANDED_OVER})


def leg(role: LegRole, *, live: bool = True) -> Leg:
    channel = ChannelId(f"1.{len(role)}")
    return Leg(channel=channel, name="", role=role, started_at=START, ended_at=None if live else START)


def call(answered_by: AgentId | None = ME, *, left: bool = False, third: bool = False) -> Call:
    return Call(
        id=CALL,
        phase=CallPhase.TALKING if answered_by else CallPhase.QUEUED,
        caller_number="",
        caller_name="",
        line=LineNumber("12345"),
        arrived_at=START,
        answered_by=answered_by,
        agent_left_at=START if left else None,
        legs=(leg(LegRole.CITIZEN), leg(LegRole.OPERATOR, live=not left), leg(LegRole.CENTRE, live=third)),
    )


@pytest.mark.parametrize("state", sorted(HERE))
def test_what_goes_on_has_no_end(state: TransferState) -> None:
    assert last_step(state, POLICE, ME, call(third=True)) is None


@pytest.mark.parametrize(
    ("state", "now", "end"),
    [
        (TransferState.DIALLING, call(), TransferStep.FAILED),
        (TransferState.RINGING, call(), TransferStep.FAILED),
        (TransferState.RINGING, call(None), TransferStep.FAILED),
        (TransferState.JOINED, call(), TransferStep.TARGET_LEFT),
        (TransferState.PRIVATE, call(), TransferStep.TARGET_LEFT),
        (TransferState.JOINED, call(left=True), TransferStep.RETURNED),
        (TransferState.HANDED_OVER, call(None), TransferStep.RETURNED),
        (TransferState.HANDED_OVER, call(OTHER), TransferStep.RETURNED),
    ],
)
def test_with_whom_the_citizen_is_says_how_it_ended(state: TransferState, now: Call, end: TransferStep) -> None:
    assert last_step(state, POLICE, ME, now) is end


def test_a_supervisor_who_has_barged_in_is_no_target_that_talks_on() -> None:
    now = replace(call(), legs=(*call().legs, leg(LegRole.SUPERVISOR)))
    assert last_step(TransferState.JOINED, POLICE, ME, now) is TransferStep.TARGET_LEFT


@pytest.mark.parametrize("state", sorted(OPEN))
@pytest.mark.parametrize("target", [COLLEAGUE, Target(kind=TargetKind.QUEUE, value="tax")], ids=["agent", "queue"])
def test_a_citizen_who_talks_with_a_colleague_was_handed_over(state: TransferState, target: Target) -> None:
    assert last_step(state, target, ME, call(OTHER)) is TransferStep.HANDED_OVER


def test_a_supervisor_in_the_call_is_no_target_that_goes_on() -> None:
    listened_to = call()
    listened_to = replace(listened_to, legs=(*listened_to.legs, leg(LegRole.SUPERVISOR)))
    assert last_step(TransferState.JOINED, POLICE, ME, listened_to) is TransferStep.TARGET_LEFT


@pytest.mark.parametrize("now", [call(None), call(OTHER), call(OTHER, left=True)])
def test_what_was_handed_to_our_own_ends_with_the_call(now: Call) -> None:
    assert last_step(TransferState.HANDED_OVER, COLLEAGUE, ME, now) is None


async def test_a_row_whose_transfer_is_gone_is_closed_once(store: Store, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    await told(store, settings, handed_over()[:5])
    async with store.read() as session:
        [end] = await ended_unseen(session, {CALL: call()}, {}, at(100))
    assert (end.step, end.route, end.transfer_id) == (TransferStep.TARGET_LEFT, 2, "1.1-t1")
    await told(store, settings, [end])
    row = await only(store)
    assert (row.state, row.outcome, row.ended_at) == ("ended", "target_left", at(100))
    async with store.read() as session:
        assert await ended_unseen(session, {CALL: call()}, {}, at(200)) == []


async def test_a_row_whose_transfer_is_known_or_whose_call_is_over_is_left_alone(store: Store, tmp_path: Path) -> None:
    await told(store, Settings(home=tmp_path), [step(TransferStep.REQUESTED, 10)])
    known = Transfer(
        id="1.1-t1",
        call_id=CALL,
        agent_id=ME,
        target=POLICE,
        mode=TransferMode.THREE_WAY,
        state=TransferState.DIALLING,
        started_at=START,
    )
    later = replace(known, id="1.1-t9")
    calls: dict[CallId, Call] = {CALL: call()}
    async with store.read() as session:
        assert await ended_unseen(session, calls, {CALL: known}, at(100)) == []
        assert await ended_unseen(session, {}, {}, at(100)) == []
        [end] = await ended_unseen(session, calls, {CALL: later}, at(100))
    assert (end.step, end.transfer_id) == (TransferStep.FAILED, "1.1-t1")


# a server that was killed between two records ---------------------------------------------------------------------
async def test_a_handoff_whose_call_is_over_in_the_records_ends_with_it(store: Store, tmp_path: Path) -> None:
    """The end of the call had been written with the calls, and not with the handoffs, when the server was killed."""
    settings = Settings(home=tmp_path)
    await told(store, settings, [*handed_over(), LineKept(at=at(5), call_id=OTHER_CALL, agent_id=ME, on=True)])
    await over(store, CALL, OTHER_CALL)
    published: list[object] = []
    recorder = HandoffRecorder(store, settings, published.append)
    live = {CALL: call(), OTHER_CALL: replace(call(), id=OTHER_CALL)}
    assert await recorder.close_with_calls(live) == 0, "the switch knows better"
    live[CALL] = replace(live[CALL], phase=CallPhase.ENDED)
    assert await recorder.close_with_calls(live) == 1
    assert await recorder.close_with_calls({}) == 1
    assert await recorder.close_with_calls({}) == 0
    ends = {row.call_id: (row.state, row.outcome, row.ended_at) for row in await rows(store)}
    assert ends == {CALL: ("ended", "handed_over", at(90)), OTHER_CALL: ("ended", "released", at(90))}
    assert [type(one) for one in published] == [HandoffChanged, HandoffChanged]


async def test_a_step_that_comes_after_the_end_of_the_call_does_not_open_its_handoff_again(
    store: Store, tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path)
    await told(store, settings, handed_over()[:5])
    await over(store, CALL)
    assert await HandoffRecorder(store, settings, lambda _: None).close_with_calls({}) == 1
    assert (await only(store)).outcome == "lost"
    await told(store, settings, handed_over()[5:])
    row = await only(store)
    assert (row.state, row.outcome, row.ended_at) == ("ended", "handed_over", at(90))


async def test_after_a_kill_nothing_of_a_call_that_is_over_goes_on(store: Store, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    await told(store, settings, handed_over())
    await over(store, CALL)
    published: list[object] = []
    handoffs = HandoffRecorder(store, settings, published.append)
    shared: Any = SimpleNamespace(store=store, settings=settings, publish=published.append, now=lambda: at(200))
    runner: Any = SimpleNamespace(link=LinkState.LIVE)
    board: Any = SimpleNamespace(calls={}, untold=frozenset(), transfers={}, compared=True)
    gap = Gap(
        common=shared,
        runner=runner,
        switchboard=board,
        recording_files=Recordings(tmp_path),
        calls=CallRecorder(store),
        handoffs=handoffs,
    )
    running = [asyncio.create_task(one.run()) for one in (gap.calls, gap.handoffs)]
    async with asyncio.timeout(20):
        await gap.close_unseen()
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    assert (await only(store)).ended_at == at(90)


async def over(store: Store, *calls: CallId) -> None:
    async with store.write() as session:
        for call_id in calls:
            session.add(CallRecord(id=call_id, line="12345", direction="inbound", arrived_at=START, ended_at=at(90)))
