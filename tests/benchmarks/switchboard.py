"""How many facts a second the switchboard takes, beside a loop over the same facts that does nothing.

``python -m tests.benchmarks.switchboard [calls]``. The machine's speed cancels out in the ratio; the share of one core
at a real load is computed for 2.4 calls a second, the peak of a city with 87,000 calls a day.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from statistics import median

from telephony.commands import SignIn
from telephony.events import LinkChanged, LinkState
from telephony.facts import DeviceStateChange, Fact
from telephony.ids import AgentId, SeatId
from telephony.switchboard import Switchboard
from tests.fakes.stories import HOTLINE, START, Story

CALLS = 1000
RUNS = 5
AT_ONCE = 50
PEAK_CALLS_PER_S = 2.4


def traffic(calls: int) -> list[Fact]:
    """Calls that follow one another every 400 ms, about fifty of them at a time, one in four rung out once."""
    told: list[Fact] = []
    for index in range(calls):
        story = Story(now=START + index * timedelta(milliseconds=400), serial=10 * index)
        seat = f"{8001 + index % AT_ONCE}"
        told += [*story.arrive(), *story.join(), *story.ring(seat)]
        if index % 4 == 0:
            told += [*story.no_answer(after_s=5.0), *story.ring(seat, after_s=1.0)]
        told += [*story.answer(after_s=2.0), *story.hold(), *story.unhold(), *story.caller_hangs_up(after_s=12.0)]
    return sorted(told, key=lambda fact: fact.at)


def staffed() -> Switchboard:
    board = Switchboard()
    board.receive(LinkChanged(at=START, state=LinkState.LIVE), START)
    for number in range(8001, 8001 + AT_ONCE):
        board.receive(DeviceStateChange(at=START, device=f"PJSIP/{number}", state="NOT_INUSE"), START)
        board.request(SignIn(agent_id=AgentId(f"{number}"), seat=SeatId(f"{number}"), queues=(HOTLINE,)), START)
    return board


def through_the_switchboard(facts: Sequence[Fact]) -> None:
    """With a tick for every 250 ms of the facts' own time, as the runner gives it."""
    board = staffed()
    tick_at = START
    for fact in facts:
        if fact.at >= tick_at:
            board.tick(fact.at)
            tick_at = fact.at + timedelta(milliseconds=250)
        board.receive(fact, fact.at)


def through_nothing(facts: Sequence[Fact]) -> None:
    for fact in facts:
        _nothing(fact)


def _nothing(fact: Fact) -> None:
    pass


def seconds(work: Callable[[Sequence[Fact]], None], facts: Sequence[Fact]) -> float:
    """Of this process's own time; median over the runs."""
    taken = []
    for _ in range(RUNS):
        started = time.process_time()
        work(facts)
        taken.append(time.process_time() - started)
    return median(taken)


def main() -> None:
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else CALLS
    facts = traffic(calls)
    board_s, nothing_s = seconds(through_the_switchboard, facts), seconds(through_nothing, facts)
    per_call = len(facts) / calls
    print(f"{len(facts)} facts of {calls} calls, median of {RUNS} runs")
    print(f"switchboard  {len(facts) / board_s:12,.0f} facts/s   {board_s / len(facts) * 1e6:6.1f} us a fact")
    print(f"nothing      {len(facts) / nothing_s:12,.0f} facts/s   ratio {board_s / nothing_s:.0f}")
    load = PEAK_CALLS_PER_S * per_call * board_s / len(facts)
    print(f"at {PEAK_CALLS_PER_S} calls/s: {load:.2%} of a core")


if __name__ == "__main__":
    main()
