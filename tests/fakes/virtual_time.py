"""An event loop whose clock jumps to the next timer: half a minute of talk takes no time at all.

Only for code that waits for timers and for itself; sockets and threads live in real time.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    _now = 1000.0

    def time(self) -> float:
        return self._now

    def _run_once(self) -> None:
        scheduled: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined]
        while scheduled and scheduled[0].cancelled():
            heapq.heappop(scheduled)._scheduled = False  # type: ignore[attr-defined]
            self._timer_cancelled_count = max(0, self._timer_cancelled_count - 1)  # type: ignore[has-type]
        if scheduled and not self._ready:  # type: ignore[attr-defined]
            self._now = max(self._now, scheduled[0].when())
        super()._run_once()  # type: ignore[misc]


def in_virtual_time(story: Coroutine[Any, Any, T]) -> T:
    """Runs ``story`` to its end. Tasks that it leaves behind are an error."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        result = runner.run(story)
        left = [task.get_name() for task in asyncio.all_tasks(runner.get_loop())]
    assert not left, f"tasks left behind: {left}"
    return result
