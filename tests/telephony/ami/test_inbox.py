from __future__ import annotations

import asyncio

import pytest

from telephony.ami.inbox import YIELD_EVERY, Inbox


async def test_what_was_put_first_is_taken_first_and_closing_ends_it() -> None:
    inbox: Inbox[int] = Inbox(10)
    for number in range(3):
        assert inbox.put(number)
    inbox.close()
    assert [number async for number in inbox] == [0, 1, 2]


async def test_a_full_inbox_takes_only_news_of_the_link() -> None:
    inbox: Inbox[int] = Inbox(2)
    assert [inbox.put(number) for number in range(4)] == [True, True, False, False]
    inbox.put_always(9)
    assert len(inbox) == 3


async def test_after_an_overflow_there_is_room_when_half_is_taken() -> None:
    inbox: Inbox[int] = Inbox(4)
    await inbox.room()
    for number in range(5):
        inbox.put(number)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await inbox.room()
    for _ in range(2):
        await anext(inbox)
    await inbox.room()


async def test_a_long_backlog_lets_others_run() -> None:
    inbox: Inbox[int] = Inbox(10 * YIELD_EVERY)
    for number in range(3 * YIELD_EVERY):
        inbox.put(number)
    inbox.close()
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    assert len([number async for number in inbox]) == 3 * YIELD_EVERY
    task.cancel()
    assert turns >= 2
