"""A switchboard with a hand-turned clock, remembering all that came out of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TypeVar

from telephony.agents import Agent
from telephony.ami.frames import Frame, FrameReader
from telephony.ami.messages import fact_of
from telephony.calls import Call
from telephony.centres import NOBODY, Reach
from telephony.commands import Command, SignIn
from telephony.events import Event, LinkChanged, LinkState
from telephony.facts import DeviceStateChange, Echo, Fact, LiveChannel, QueueEntry, QueueMember, Snapshot
from telephony.failures import Failure
from telephony.ids import AgentId, CallId, QueueName, SeatId
from telephony.members import FIRST_LEVEL
from telephony.orders import AskForEcho, Order
from telephony.switchboard import Outcome, Switchboard
from telephony.tables import Unlisted
from tests.fakes.stories import HOTLINE, START
from tests.telephony.ami.recordings import asked, recorded

E = TypeVar("E", bound=Event)
BOOTED = START - timedelta(days=1)


class Stage:
    """``events``, ``orders``, ``told_orders`` and ``unlisted`` grow; ``take_orders`` empties the orders."""

    def __init__(self, *, wrap_up_s: float = 60.0, reach: Reach = NOBODY) -> None:
        self.board = Switchboard(wrap_up_s=wrap_up_s, reach=reach)
        self.now = START
        self.events: list[Event] = []
        self.orders: list[Order] = []
        self.told_orders: list[Order] = []
        self.unlisted: list[Unlisted] = []
        self.failures: list[Failure] = []
        self.echoes = True
        """The link lives: what we ask for comes back at once. False for one that died without a word."""

    def tell(self, facts: Iterable[Fact | LinkChanged]) -> list[Event]:
        """The facts at their own times; returns the events that came out."""
        before = len(self.events)
        for fact in facts:
            self.now = max(self.now, fact.at)
            self._keep(self.board.receive(fact, self.now))
        return self.events[before:]

    def ask(self, command: Command) -> list[Event]:
        return self._keep(self.board.request(command, self.now))

    def wait(self, seconds: float) -> list[Event]:
        self.now += timedelta(seconds=seconds)
        return self._keep(self.board.tick(self.now))

    def go_live(
        self, *members: QueueMember, at: datetime | None = None, channels: Iterable[LiveChannel] = ()
    ) -> list[Event]:
        at = at or self.now
        connecting = LinkChanged(at=at, state=LinkState.CONNECTING)
        found = snapshot(at, members=members, channels=channels)
        return self.tell([connecting, found, LinkChanged(at=at, state=LinkState.LIVE)])

    def sign_in(self, agent: str = "8001", *, phone: bool = True) -> Agent:
        """Signed in to the seat of the same number, by default with its phone there."""
        if phone:
            self.tell([DeviceStateChange(at=self.now, device=f"PJSIP/{agent}", state="NOT_INUSE")])
        self.ask(SignIn(agent_id=AgentId(agent), seat=SeatId(agent), queues=(HOTLINE,)))
        return self.agent(agent)

    def agent(self, agent: str = "8001") -> Agent:
        return self.board.agents[AgentId(agent)]

    def call(self, call_id: CallId | None = None) -> Call:
        return self.board.calls[call_id] if call_id else next(iter(self.board.calls.values()))

    def of_kind(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    def take_orders(self) -> list[Order]:
        taken, self.orders = self.orders, []
        return taken

    def carried_out(self, *orders: Order) -> list[Event]:
        """The switch says that it has done this."""
        return [event for order in orders for event in self._keep(self.board.carried_out(order, self.now))]

    def _keep(self, outcome: Outcome) -> list[Event]:
        orders = [order for order in outcome.orders if not isinstance(order, AskForEcho)]
        self.events += outcome.events
        self.orders += orders
        self.told_orders += orders
        self.unlisted += outcome.unlisted
        self.failures += outcome.failures
        events = list(outcome.events)
        for order in outcome.orders:
            if isinstance(order, AskForEcho) and self.echoes:
                events += self._keep(self.board.receive(Echo(at=self.now, token=order.token), self.now))
        return events


def snapshot(
    at: datetime,
    *,
    channels: Iterable[LiveChannel] = (),
    members: Iterable[QueueMember] = (),
    entries: Iterable[QueueEntry] = (),
    devices: Mapping[str, str] | None = None,
    started_at: datetime = BOOTED,
    all_channels: bool = True,
    all_queues: bool = True,
) -> Snapshot:
    return Snapshot(
        at=at,
        started_at=started_at,
        channels=tuple(channels),
        members=tuple(members),
        entries=tuple(entries),
        devices=devices or {},
        all_channels=all_channels,
        all_queues=all_queues,
    )


def member(
    seat: str,
    at: datetime,
    *,
    name: str = "",
    paused: bool = False,
    reason: str = "",
    status: int = 1,
    penalty: int = FIRST_LEVEL,
) -> QueueMember:
    return QueueMember(
        at=at,
        queue=QueueName("hotline"),
        interface=f"PJSIP/{seat}",
        member=name or seat,
        status=status,
        paused=paused,
        paused_reason=reason,
        penalty=penalty,
    )


def recorded_facts(name: str) -> list[Fact]:
    """What a recorded stream states, without the answers to actions."""
    items = FrameReader(asked(name)).receive(recorded(name))
    frames = [item for item in items if isinstance(item, Frame) and not item.answers]
    return [fact for frame in frames if (fact := fact_of(frame, START)) is not None]
