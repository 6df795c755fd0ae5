"""What everybody reads is sent a few sockets at a time: a ring for one operator passes between them."""

from __future__ import annotations

import asyncio
from itertools import count

from api.live.pace import Pace


async def woken(pace: Pace, consoles: int) -> list[int]:
    """In which turn of the loop each console was woken."""
    events = [asyncio.Event() for _ in range(consoles)]
    for event in events:
        pace.wake(event)
    turns = [0] * consoles
    for turn in count(1):
        await asyncio.sleep(0)
        for number, event in enumerate(events):
            if event.is_set() and not turns[number]:
                turns[number] = turn
        if all(turns):
            return turns
    raise AssertionError


async def test_a_few_are_woken_in_each_turn_of_the_loop_and_all_in_their_order() -> None:
    turns = await woken(Pace(at_once=3), 10)
    assert turns == sorted(turns)
    assert [turns.count(turn) for turn in dict.fromkeys(turns)] == [3, 3, 3, 1]


async def test_what_comes_in_meanwhile_waits_for_one_turn_alone() -> None:
    pace, order = Pace(at_once=2), list[str]()

    async def console(number: int, event: asyncio.Event) -> None:
        await event.wait()
        order.append(f"wall {number}")

    events = [asyncio.Event() for _ in range(20)]
    writers = [asyncio.create_task(console(number, event)) for number, event in enumerate(events)]
    await asyncio.sleep(0)
    for event in events:
        pace.wake(event)
    asyncio.get_running_loop().call_soon(order.append, "ring")
    await asyncio.gather(*writers)
    assert order.index("ring") <= 2
    assert [one for one in order if one != "ring"] == [f"wall {number}" for number in range(20)]


async def test_who_waits_already_is_woken_once_and_the_pace_begins_anew() -> None:
    pace = Pace(at_once=1)
    first, second = asyncio.Event(), asyncio.Event()
    for event in (first, second, first):
        pace.wake(event)
    for _ in range(4):
        await asyncio.sleep(0)
    assert first.is_set()
    assert second.is_set()
    first.clear()
    await asyncio.sleep(0)
    assert not first.is_set()
    pace.wake(first)
    await asyncio.wait_for(first.wait(), 5)
