"""Fakes that need a loop, for tests that run none of their own: it lives in a thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from tests.fakes.sip_phones import Behaviour, SipPhone

Run = Callable[[Coroutine[Any, Any, Any]], Any]


@contextmanager
def loop_apart() -> Iterator[Run]:
    """What runs a coroutine there and waits for its result."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="fakes")
    thread.start()
    try:
        yield lambda made: asyncio.run_coroutine_threadsafe(made, loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextmanager
def far_ends(port: int, will: dict[str, Behaviour]) -> Iterator[dict[str, SipPhone]]:
    """One telephone on each address, which does this with every call. ``talks`` of each may be read at any time."""

    async def opened() -> dict[str, SipPhone]:
        return {host: await SipPhone(host, port, behave).open() for host, behave in will.items()}

    async def closed() -> None:
        for phone in phones.values():
            await phone.close()

    with loop_apart() as run:
        phones: dict[str, SipPhone] = run(opened())
        try:
            yield phones
        finally:
            run(closed())
