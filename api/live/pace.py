"""Consoles with something to read that can wait are woken a few at a time, so that what cannot wait passes them."""

from __future__ import annotations

import asyncio

AT_ONCE = 20
"""Writing to so many sockets takes about a millisecond."""


class Pace:
    """What everybody reads (the queue, the wall) changes for all of them at once; a ring is for one alone."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._at_once = at_once
        self._waiting: dict[asyncio.Event, None] = {}
        self._under_way = False

    def wake(self, event: asyncio.Event) -> None:
        """Soon, in its turn."""
        self._waiting[event] = None
        if not self._under_way:
            self._under_way = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        """Between two turns the loop looks at what has come in."""
        for event in tuple(self._waiting)[: self._at_once]:
            del self._waiting[event]
            event.set()
        self._under_way = bool(self._waiting)
        if self._under_way:
            asyncio.get_running_loop().call_soon(self._turn)
