"""In-process publish and subscribe: whoever publishes is never stopped or delayed by whoever listens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import structlog

log = structlog.get_logger(__name__)

E = TypeVar("E")
Listener = Callable[[Any], None]


class Bus:
    """Listeners are plain functions, called at once and in the order of subscription.

    A listener that has to wait puts the event into a queue of its own. One that raises is logged, the others hear.
    """

    def __init__(self) -> None:
        self._listeners: list[tuple[type[Any], Listener]] = []
        self.failures = 0
        """How many times a listener raised; must stay 0."""

    def subscribe(self, kind: type[E], listener: Callable[[E], None]) -> Callable[[], None]:
        """Call ``listener`` with every event of this class or a subclass; the answer ends the subscription."""
        entry: tuple[type[Any], Listener] = (kind, listener)
        self._listeners.append(entry)

        def unsubscribe() -> None:
            if entry in self._listeners:
                self._listeners.remove(entry)

        return unsubscribe

    def publish(self, event: object) -> None:
        for kind, listener in tuple(self._listeners):
            if not isinstance(event, kind):
                continue
            try:
                listener(event)
            except Exception:
                self.failures += 1
                log.exception(
                    "bus.listener_failed",
                    event_type=type(event).__name__,
                    listener=getattr(listener, "__qualname__", repr(listener)),
                )
