"""The only loop: facts of the gateway in, switchboard, events out, orders to the gateway.

The gateway's own connection is kept up by whoever wires the two together. Three tasks run here, and none waits for
another: facts are read as they come, the clock ticks, and one worker carries orders out in their order. A publisher
that raises loses nothing but its own event; a fact that the models cannot take is dropped and logged, and the next
comparison with the switch mends what it meant.
"""

from __future__ import annotations

import asyncio
import traceback
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

import structlog

from telephony.commands import Command, CommandOutcome, OutcomeKind
from telephony.deciding import deciding
from telephony.errors import (
    ActionFailed,
    ActionUnanswered,
    ChannelMoves,
    InvalidValue,
    SwitchUnavailable,
    TelephonyError,
)
from telephony.events import DriftRepaired, Event, FrameRejected, LinkChanged, LinkState
from telephony.facts import Fact
from telephony.orders import Order
from telephony.switchboard import Outcome, Switchboard

TICK_S = 0.25
FACTS_PER_TURN = 200
"""So many facts are taken before the other tasks of the process get their turn."""

AGAIN_S = 0.05
MOST_TRIES = 40
"""A channel that is on its way elsewhere arrives within a few milliseconds; on a machine short of time, later."""

COMING_UP = (LinkState.LOGGED_IN, LinkState.SYNCING)
"""What is heard then may call for an order already; it is given once the link is live."""
NOT_DONE = (ActionFailed, SwitchUnavailable, InvalidValue)
"""After any other error nobody knows whether the switch has done it."""

TRACED_FRAMES = 5

log = structlog.get_logger(__name__)


class Gateway(Protocol):
    """What the runner needs of ``ami.gateway.Gateway``."""

    def facts(self) -> AsyncIterator[Fact | LinkChanged | FrameRejected]:
        """Everything in the order of the stream, for ever."""

    async def execute(self, order: Order) -> None:
        """Raises SwitchUnavailable, ActionFailed, ChannelMoves, ActionUnanswered, InvalidValue."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Drift:
    """Differences from the switch that timed comparisons have found and mended since the start; 0 in normal running."""

    count: int = 0
    last_at: datetime | None = None
    last_kind: str = ""


@dataclass(frozen=True, slots=True)
class _Work:
    """Orders that belong together; whoever asked waits for ``done``, nobody where it is ``None``.

    ``deciding`` are those that say how it came out. ``tries``: so often the first has been refused because its channel
    was moving; ``failure`` is of those before it.
    """

    orders: tuple[Order, ...]
    done: asyncio.Future[CommandOutcome] | None = None
    deciding: tuple[Order, ...] = ()
    tries: int = 0
    failure: Exception | None = None


def utc_now() -> datetime:
    return datetime.now(UTC)


class Runner:
    """``counts``: facts, unlisted transitions, and failures of each kind since the start."""

    def __init__(
        self,
        *,
        gateway: Gateway,
        switchboard: Switchboard,
        publish: Callable[[Event], None],
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.switchboard = switchboard
        self.counts: Counter[str] = Counter()
        self.drift = Drift()
        self._gateway = gateway
        self._publish = publish
        self._clock = clock
        self._work: asyncio.Queue[_Work] = asyncio.Queue()
        self._asked: set[asyncio.Future[CommandOutcome]] = set()

    @property
    def link(self) -> LinkState:
        return self.switchboard.link

    async def run(self) -> None:
        """Until cancelled. What was asked for and not answered by then has an unknown outcome."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._listen(), name="switchboard facts")
                tasks.create_task(self._tick(), name="switchboard clock")
                tasks.create_task(self._execute_all(), name="switchboard orders")
        finally:
            for done in tuple(self._asked):
                _answer(done, ActionUnanswered("stopped"))

    async def request(self, command: Command) -> CommandOutcome:
        """DONE once the switch accepted what the command comes to, UNKNOWN where it did not answer.

        Raises SwitchUnavailable before anything has changed; Refused, UnknownAgent, UnknownCall; and ActionFailed or
        InvalidValue where the switch or the allow-list said no, which the next comparison with the switch settles.
        """
        if self.link is not LinkState.LIVE:
            raise SwitchUnavailable(self.link)
        outcome = self.switchboard.request(command, self._clock())
        done: asyncio.Future[CommandOutcome] = asyncio.get_running_loop().create_future()
        self._asked.add(done)
        done.add_done_callback(self._asked.discard)
        self._settle(outcome, done, deciding(command, outcome.orders))
        return await done

    async def _listen(self) -> None:
        async for fact in self._gateway.facts():
            self.counts["facts"] += 1
            try:
                outcome = self.switchboard.receive(fact, self._clock())
            except Exception as error:
                self.counts["failed_facts"] += 1
                log.error("a fact could not be taken", fact=type(fact).__name__, **_trace(error))
            else:
                self._settle(outcome)
            if self.counts["facts"] % FACTS_PER_TURN == 0:
                await asyncio.sleep(0)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            try:
                self._settle(self.switchboard.tick(self._clock()))
            except Exception as error:
                self.counts["failed_ticks"] += 1
                log.error("a tick failed", **_trace(error))

    def _settle(
        self,
        outcome: Outcome,
        done: asyncio.Future[CommandOutcome] | None = None,
        decide: tuple[Order, ...] = (),
    ) -> None:
        for pair in outcome.unlisted:
            self.counts["unlisted"] += 1
            log.warning("unlisted transition", machine=pair.machine, state=pair.state, signal=pair.signal)
        for failure in outcome.failures:
            self.counts["failed_calls"] += 1
            log.error("something could not be followed", subject=failure.subject, **_trace(failure.error))
        for event in outcome.events:
            self._publish_one(event)
        if outcome.orders or done is not None:
            self._work.put_nowait(_Work(outcome.orders, done, decide))

    def _publish_one(self, event: Event) -> None:
        if isinstance(event, DriftRepaired):
            self.drift = Drift(count=self.drift.count + 1, last_at=event.at, last_kind=event.kind)
            self.counts[f"drift {event.kind}"] += 1
        try:
            self._publish(event)
        except Exception as error:
            self.counts["failed_publications"] += 1
            log.error("an event could not be published", event_kind=type(event).__name__, **_trace(error))

    async def _execute_all(self) -> None:
        while True:
            await self._carry_out(await self._work.get())

    async def _carry_out(self, work: _Work) -> None:
        failure, tries = work.failure, work.tries
        for place, order in enumerate(work.orders):
            try:
                failed = await self._execute(order, last=tries >= MOST_TRIES, waits=work.done is None)
            except (ChannelMoves, SwitchUnavailable) as error:
                tries += isinstance(error, ChannelMoves)
                rest = replace(work, orders=work.orders[place:], tries=tries, failure=failure)
                asyncio.get_running_loop().call_later(AGAIN_S, self._work.put_nowait, rest)
                return
            tries = 0
            if failed is not None and any(order is one for one in work.deciding):
                failure = failed
        if work.done is not None:
            _answer(work.done, failure)

    async def _execute(self, order: Order, *, last: bool, waits: bool) -> Exception | None:
        """Raises ChannelMoves where the order may be given again in a moment: nothing was done, and its channel lives.

        SwitchUnavailable, where it ``waits`` for a link that is on its way up. Others' orders are carried out
        meanwhile. ``last``: it has been given often enough.
        """
        if not self.switchboard.holds(order):
            log.info("an order has outlived its reason", order=type(order).__name__)
            return None
        try:
            await self._gateway.execute(order)
        except TelephonyError as error:
            if isinstance(error, ChannelMoves) and not last and self.switchboard.may_be_moved(order):
                log.info("a channel is on its way", order=type(order).__name__)
                raise
            if isinstance(error, SwitchUnavailable) and waits and self.link in COMING_UP:
                raise
            log.warning("an order was not carried out", order=type(order).__name__, error=type(error).__name__)
            failure: Exception = error
        except Exception as error:
            log.error("an order failed", order=type(order).__name__, **_trace(error))
            failure = error
        else:
            self._settle(self.switchboard.carried_out(order, self._clock()))
            return None
        self.counts["failed_orders"] += 1
        self.switchboard.failed(order, unknown=not isinstance(failure, NOT_DONE))
        return failure


def _answer(done: asyncio.Future[CommandOutcome], failure: Exception | None) -> None:
    if done.done():
        return
    if isinstance(failure, ActionUnanswered):
        done.set_result(CommandOutcome(kind=OutcomeKind.UNKNOWN, detail=failure.action))
    elif failure is not None:
        done.set_exception(failure)
    else:
        done.set_result(CommandOutcome(kind=OutcomeKind.DONE))


def _trace(error: Exception) -> dict[str, object]:
    """Where it happened. The text of an error may hold what a caller said, so it is left out."""
    frames = traceback.extract_tb(error.__traceback__)[-TRACED_FRAMES:]
    return {"error": type(error).__name__, "trace": [f"{frame.filename}:{frame.lineno}" for frame in frames]}
