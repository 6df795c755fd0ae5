"""A switch without a wire: an inbox that tests fill, and orders that are written down and come back as facts.

It does what the real one does with members and nothing else: a call is told by ``fakes.stories``. Unrealistic is that
it answers at once, that facts never come while an order is under way, and that no frame is ever lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import UTC, datetime

from telephony.errors import ChannelMoves, SwitchUnavailable
from telephony.events import FrameRejected, LinkChanged, LinkState
from telephony.facts import (
    DeviceStateChange,
    Echo,
    Fact,
    LinkLost,
    LiveChannel,
    QueueEntry,
    QueueMember,
    QueueMemberRemoved,
    Snapshot,
)
from telephony.ids import QueueName, SeatId
from telephony.orders import (
    AddMember,
    AskForEcho,
    Order,
    PauseMember,
    RedirectChannel,
    RedirectPair,
    RemoveMember,
    SetPenalty,
)

News = Fact | LinkChanged | FrameRejected


class FakeGateway:
    """``orders`` is everything that was carried out; ``failures`` maps a kind of order to the error it meets."""

    def __init__(self, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.state = LinkState.DOWN
        self.orders: list[Order] = []
        self.failures: dict[type[Order], Exception] = {}
        self.turned_away = asyncio.Event()
        """Somebody gave an order before the link was live."""
        self.moving = 0
        """So often a Redirect still meets a channel that is on its way elsewhere."""
        self.members: dict[tuple[QueueName, SeatId], QueueMember] = {}
        self.penalties: dict[tuple[QueueName, SeatId], int] = {}
        self.devices: dict[str, str] = {}
        self.started_at = clock()
        self._clock = clock
        self._inbox: asyncio.Queue[News] = asyncio.Queue()

    async def run(self) -> None:
        """As the real one: a link is up until this is cancelled."""
        self.connect()
        try:
            await asyncio.Event().wait()
        finally:
            self.disconnect()

    async def facts(self) -> AsyncIterator[News]:
        while True:
            item = await self._inbox.get()
            yield item
            self._inbox.task_done()

    async def applied(self) -> None:
        """Return when everything told so far has been taken."""
        await self._inbox.join()

    async def execute(self, order: Order) -> None:
        if self.state is not LinkState.LIVE:
            self.turned_away.set()
            raise SwitchUnavailable(self.state)
        failure = self.failures.get(type(order))
        if failure is not None:
            raise failure
        if isinstance(order, RedirectChannel | RedirectPair) and self.moving:
            self.moving -= 1
            raise ChannelMoves("Redirect", "Redirect failed, channel not up.")
        if not isinstance(order, AskForEcho):
            self.orders.append(order)
        for fact in self._answer(order):
            self.tell(fact)

    async def snapshot(self) -> Snapshot:
        return self._snapshot()

    def tell(self, *news: News) -> None:
        for item in news:
            self._inbox.put_nowait(item)

    def connect(self, channels: Iterable[LiveChannel] = (), entries: Iterable[QueueEntry] = ()) -> None:
        for state in (LinkState.CONNECTING, LinkState.LOGGED_IN, LinkState.SYNCING):
            self.become(state)
        self.tell(self._snapshot(channels, entries))
        self.become(LinkState.LIVE)

    def disconnect(self, reason: str = "closed by the switch") -> None:
        self.tell(LinkLost(at=self._clock(), reason=reason))
        self.become(LinkState.DOWN, reason)

    def phone(self, seat: str, state: str = "NOT_INUSE") -> None:
        """A phone registers, or with UNAVAILABLE is gone."""
        self.devices[f"PJSIP/{seat}"] = state
        self.tell(DeviceStateChange(at=self._clock(), device=f"PJSIP/{seat}", state=state))

    def become(self, state: LinkState, reason: str = "") -> None:
        self.state = state
        self.tell(LinkChanged(at=self._clock(), state=state, reason=reason))

    def _snapshot(self, channels: Iterable[LiveChannel] = (), entries: Iterable[QueueEntry] = ()) -> Snapshot:
        return Snapshot(
            at=self._clock(),
            started_at=self.started_at,
            channels=tuple(channels),
            members=tuple(self.members.values()),
            entries=tuple(entries),
            devices=dict(self.devices),
        )

    def _answer(self, order: Order) -> list[Fact]:
        if isinstance(order, AskForEcho):
            return [Echo(at=self._clock(), token=order.token)]
        if isinstance(order, AddMember):
            self.penalties[order.queue, order.seat] = order.penalty
            return [self._member(order.queue, order.seat, order.agent_id, order.paused, order.reason)]
        if isinstance(order, SetPenalty):
            self.penalties[order.queue, order.seat] = order.penalty
            one = self.members[order.queue, order.seat]
            return [self._member(order.queue, order.seat, one.member, one.paused, one.paused_reason)]
        if isinstance(order, PauseMember):
            mine = [one for (_, seat), one in self.members.items() if seat == order.seat]
            return [self._member(one.queue, order.seat, one.member, order.paused, order.reason) for one in mine]
        if isinstance(order, RemoveMember):
            gone = self.members.pop((order.queue, order.seat), None)
            name = gone.member if gone else ""
            interface = f"PJSIP/{order.seat}"
            return [QueueMemberRemoved(at=self._clock(), queue=order.queue, interface=interface, member=name)]
        return []

    def _member(self, queue: QueueName, seat: SeatId, name: str, paused: bool, reason: str) -> QueueMember:
        interface = f"PJSIP/{seat}"
        member = QueueMember(
            at=self._clock(),
            queue=queue,
            interface=interface,
            member=name,
            status=5 if self.devices.get(interface, "UNAVAILABLE") == "UNAVAILABLE" else 1,
            paused=paused,
            paused_reason=reason,
            penalty=self.penalties.get((queue, seat), 0),
        )
        self.members[queue, seat] = member
        return member
