"""What follows from a fact, a command or the time: events to publish and orders to carry out (pure)."""

from __future__ import annotations

from dataclasses import dataclass, field

from telephony.events import Event
from telephony.orders import Order


@dataclass(slots=True)
class News:
    """Both in order. Whoever finds that something follows adds it."""

    events: list[Event] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)

    def extend(self, more: News) -> None:
        self.events += more.events
        self.orders += more.orders
