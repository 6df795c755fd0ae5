from __future__ import annotations

import asyncio

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


async def test_one_can_wait_until_a_backlog_has_shrunk() -> None:
    inbox: Inbox[int] = Inbox(4)
    await inbox.shrunk_to(0)
    for number in range(4):
        inbox.put(number)
    waiting = asyncio.create_task(inbox.shrunk_to(2))
    await anext(inbox)
    await asyncio.sleep(0)
    assert not waiting.done()
    await anext(inbox)
    await waiting


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
