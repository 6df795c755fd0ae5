"""A recorded break of the link in mid-call: what was read before it, the switch's own lists, what came after."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest

from telephony.ami.frames import Frame, FrameReader
from telephony.ami.messages import fact_of
from telephony.ami.resync import Listing, take_snapshot
from telephony.calls import CallPhase
from telephony.events import AgentStatus, CallOutcome, LinkChanged, LinkState
from telephony.facts import Fact, LinkLost, Snapshot
from tests.fakes.stories import START
from tests.telephony.ami.recordings import asked, recorded
from tests.telephony.stage import BOOTED, Stage, recorded_facts
from tests.telephony.test_order_of_facts import shaken

BEFORE, AFTER = "link_drops_mid_call", "link_returns_mid_call"
CUTS = len(recorded_facts(BEFORE))
KNOWN = 4
"""After so many facts the first citizen is known. No channel of this recording says which call it belongs to, so who
talked before we came is nobody's call; the second citizen still waits, and is in the switch's list."""


class RecordedSwitch:
    """The lists that the switch gave after the break, for ``take_snapshot``."""

    def __init__(self, at: datetime) -> None:
        ids = {name: action_id for action_id, name in asked(AFTER).items()}
        items = FrameReader(asked(AFTER)).receive(recorded(AFTER))
        frames = [item for item in items if isinstance(item, Frame) and item.answers]
        self._at = at
        self._core = next(frame for frame in frames if "CoreStartupTime" in frame.headers)
        self._lists = {
            name: [one for one in frames if one.action_id == action_id and one.event and "ListItems" not in one.headers]
            for name, action_id in ids.items()
        }

    async def ask(self, headers: Mapping[str, str]) -> Frame:
        assert headers["Action"] == "CoreStatus"
        return self._core

    async def ask_list(self, headers: Mapping[str, str]) -> Listing:
        return Listing(self._lists[headers["Action"]], True)

    async def mark(self) -> datetime:
        return self._at

    def booted_at(self) -> datetime:
        return BOOTED


def facts_of_cut_bytes(cut: int) -> list[Fact]:
    """What was read of the first so many bytes: the last frame may be torn."""
    items = FrameReader(asked(BEFORE)).receive(recorded(BEFORE)[:cut])
    frames = [item for item in items if isinstance(item, Frame) and not item.answers]
    return [fact for frame in frames if (fact := fact_of(frame, START)) is not None]


async def snapshot_after_the_break() -> Snapshot:
    return await take_snapshot(RecordedSwitch(recorded_facts(BEFORE)[-1].at + timedelta(milliseconds=100)))


def staffed() -> Stage:
    stage = Stage()
    stage.go_live()
    for agent in ("1001", "1002"):
        stage.sign_in(agent)
    return stage


def resumed(read: list[Fact], snapshot: Snapshot, after: list[Fact]) -> Stage:
    stage = staffed()
    stage.tell([*read, LinkLost(at=stage.now, reason="closed by the switch")])
    stage.tell([snapshot, LinkChanged(at=snapshot.at, state=LinkState.LIVE), *after])
    stage.wait(2.0)
    stage.wait(2.0)
    return stage


def ends(stage: Stage) -> list[tuple[object, ...]]:
    calls = sorted(stage.board.calls.values(), key=lambda call: call.id)
    assert all(call.phase is CallPhase.ENDED for call in calls)
    legs = [{(leg.channel, leg.role, leg.ended_at) for leg in call.legs} for call in calls]
    return [
        (call.id, call.outcome, call.answered_by, call.ended_at, call.caller_number, of_call)
        for call, of_call in zip(calls, legs, strict=True)
    ]


async def test_nothing_is_lost_with_a_break_of_the_link_and_everything_ends_as_without_one() -> None:
    snapshot, after = await snapshot_after_the_break(), recorded_facts(AFTER)
    unbroken = staffed()
    unbroken.tell([*recorded_facts(BEFORE), *after])
    unbroken.wait(2.0)
    unbroken.wait(2.0)
    expected = ends(unbroken)
    assert [end[1] for end in expected] == [CallOutcome.ANSWERED, CallOutcome.ABANDONED]
    assert ends(resumed(recorded_facts(BEFORE), snapshot, after)) == expected


@pytest.mark.parametrize("cut", range(KNOWN, CUTS + 1))
async def test_wherever_the_link_breaks_the_calls_end_the_same(cut: int) -> None:
    snapshot, after = await snapshot_after_the_break(), recorded_facts(AFTER)
    expected = ends(resumed(recorded_facts(BEFORE), snapshot, after))
    for seed in range(5):
        chance = random.Random(seed)
        mixed = shaken(recorded_facts(BEFORE)[:cut], chance), shaken(after, chance)
        stage = resumed(mixed[0], snapshot, mixed[1])
        assert ends(stage) == expected
        assert stage.agent("1001").status is AgentStatus.WRAPPING_UP
        assert stage.agent("1002").status is AgentStatus.READY


async def test_a_break_inside_a_frame_costs_that_frame_only() -> None:
    snapshot, after = await snapshot_after_the_break(), recorded_facts(AFTER)
    expected = ends(resumed(recorded_facts(BEFORE), snapshot, after))
    size, chance = len(recorded(BEFORE)), random.Random(1)
    for cut in chance.sample(range(size * 3 // 4, size), 60):
        assert ends(resumed(facts_of_cut_bytes(cut), snapshot, after)) == expected, cut
