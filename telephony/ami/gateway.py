"""The only door to the switch: a link that comes back, one ordered inbox of facts, nothing ever sent twice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from telephony.ami import actions, resync
from telephony.ami.complaints import Complaints
from telephony.ami.frames import Frame, Rejected
from telephony.ami.inbox import Inbox
from telephony.ami.link import LOGIN_REJECTED, Link, LinkEnded
from telephony.ami.messages import fact_of
from telephony.ami.timings import Backoff, Timings
from telephony.errors import ActionUnanswered, SwitchUnavailable, TelephonyError
from telephony.events import FrameRejected, LinkChanged, LinkState
from telephony.facts import Fact, LinkLost
from telephony.orders import Order

log = structlog.get_logger(__name__)

News = Fact | LinkChanged | FrameRejected
Clock = Callable[[], datetime]

INBOX_LIMIT = 50_000
INBOX_HIGH, INBOX_LOW = 0.1, 0.02
"""Parts of the limit: above the first the socket is not read (the switch can wait some seconds) until the second."""
INBOX_FULL = "inbox full"


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Measures:
    """The link's health in numbers. ``lag_s`` is the age that the last fact had when it had been applied."""

    frames: int
    rejected: int
    connections: int
    inbox: int
    lag_s: float | None
    applied_at: datetime | None
    ping_ms: float | None


class Gateway:
    """The only door to the switch's manager interface.

    ``run`` keeps a link up until it is cancelled; ``facts`` gives, in order, what the switch said, what became of the
    link, and which frames were refused. After each connect a Snapshot comes before the state becomes live, and another
    every 30 seconds.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        username: str,
        secret: str,
        clock: Clock = utc_now,
        timings: Timings | None = None,
        inbox_limit: int = INBOX_LIMIT,
    ) -> None:
        actions.login(username, secret)
        self.state = LinkState.DOWN
        self._address = (host, port)
        self._credentials = (username, secret)
        self._clock = clock
        self._timings = timings or Timings()
        self._backoff = Backoff(first_s=self._timings.retry_first_s, most_s=self._timings.retry_most_s)
        self._inbox: Inbox[News] = Inbox(inbox_limit)
        self._high, self._low = inbox_limit * INBOX_HIGH, inbox_limit * INBOX_LOW
        self._link: Link | None = None
        self._frames = self._rejected = self._connections = 0
        self._applied: News | None = None
        self._applied_now = clock()
        self._ping_ms: float | None = None
        self._complaints = Complaints()
        self._told = LinkChanged(at=clock(), state=LinkState.DOWN)
        self._failed = False
        """The last attempt did not get as far as a login."""

    @property
    def measures(self) -> Measures:
        return Measures(
            frames=self._frames,
            rejected=self._rejected,
            connections=self._connections,
            inbox=len(self._inbox),
            lag_s=(self._applied_now - self._applied.at).total_seconds() if self._applied else None,
            applied_at=self._applied.at if self._applied else None,
            ping_ms=self._ping_ms,
        )

    async def facts(self) -> AsyncIterator[News]:
        """The inbox, for one reader. Ends when ``run`` has ended."""
        async for item in self._inbox:
            yield item
            self._applied, self._applied_now = item, self._clock()
            if self._link is not None and self._link.held and len(self._inbox) <= self._low:
                self._link.read_on(True)

    async def execute(self, order: Order) -> None:
        """Send one order, at most once.

        Raises InvalidValue and SwitchUnavailable (nothing was sent), ActionFailed (the switch refused), ChannelMoves
        (it refused and did nothing; ask again while the channel lives) and ActionUnanswered (look at the state, never
        ask again).
        """
        headers = actions.headers(order)
        await self._live_link().ask(headers)

    def _live_link(self) -> Link:
        if self._link is None or self.state is not LinkState.LIVE:
            raise SwitchUnavailable(self.state.value)
        return self._link

    async def run(self) -> None:
        """Connect, and connect again, until cancelled."""
        try:
            while True:
                reason = await self._connection()
                rejected = reason == LOGIN_REJECTED
                await asyncio.sleep(self._timings.retry_rejected_s if rejected else self._backoff.pause_s())
                await self._inbox.shrunk_to(self._low)
        finally:
            self._inbox.close()

    async def _connection(self) -> str:
        """One connection, from the first attempt to its end; returns why it ended."""
        host, port = self._address
        link = Link(host=host, port=port, clock=self._clock, timings=self._timings, receive=self._receive)
        reason = "stopping"
        try:
            async with asyncio.TaskGroup() as group:
                await self._open(link)
                group.create_task(link.until_ended())
                group.create_task(self._watch(link))
                group.create_task(self._serve(link))
        except* LinkEnded as ended:
            [only] = ended.exceptions
            reason = str(only)
        except* Exception as error:
            reason = "internal error"
            log.error("ami.link_failed", errors=[type(each).__name__ for each in error.exceptions])
        finally:
            self._close(link, reason)
        return reason

    async def _open(self, link: Link) -> None:
        self._become(LinkState.CONNECTING)
        await link.open()
        self._connections += 1
        await link.log_in(*self._credentials)
        self._link, self._failed = link, False
        self._become(LinkState.LOGGED_IN)

    async def _serve(self, link: Link) -> None:
        try:
            await link.until_booted()
            self._become(LinkState.SYNCING)
            self._put(await resync.take_snapshot(link))
        except TelephonyError as error:
            log.warning("ami.sync_failed", error=type(error).__name__)
            link.end("sync failed")
            return
        self._become(LinkState.LIVE)
        self._backoff.reset()
        await self._compare(link)

    async def _compare(self, link: Link) -> None:
        """A snapshot now and then shows what was missed; one that fails is no reason to drop the link."""
        while True:
            await asyncio.sleep(self._timings.resync_every_s)
            try:
                self._put(await resync.take_snapshot(link))
            except TelephonyError as error:
                log.warning("ami.snapshot_failed", error=type(error).__name__)

    async def _watch(self, link: Link) -> None:
        """Half of a connection may die without a word: only an answer proves that the other side is there.

        It also ends a link that is not read because nobody empties the inbox.
        """
        answered = True
        while answered:
            await asyncio.sleep(self._timings.ping_every_s)
            answered = await self._answers(link)
        link.end(INBOX_FULL if link.held else "no answer to pings")

    async def _answers(self, link: Link) -> bool:
        """The switch answers after all that it said before: a link on which we are behind is late, and not dead."""
        given_up_s = time.monotonic() + self._timings.backlog_s
        passed = -1
        while passed != self._passed and time.monotonic() < given_up_s:
            for within_s in self._timings.ping_deadlines_s:
                passed, sent_s = self._passed, time.monotonic()
                try:
                    await link.ask(actions.ping(), within_s=within_s)
                except ActionUnanswered:
                    continue
                except TelephonyError:
                    return False
                self._ping_ms = (time.monotonic() - sent_s) * 1000
                return True
        return False

    @property
    def _passed(self) -> int:
        """It grows while anything is read or applied."""
        return self._frames + self._inbox.taken

    def _receive(self, item: Frame | Rejected) -> None:
        self._frames += 1
        now = self._clock()
        if isinstance(item, Rejected):
            self._rejected += 1
            if times := self._complaints.times(f"{item.reason} {item.subject}", now):
                log.warning("ami.frame_rejected", reason=item.reason, subject=item.subject, times=times)
                self._put(FrameRejected(at=now, reason=item.reason))
        elif (fact := fact_of(item, now)) is not None:
            self._put(fact)

    def _put(self, item: News) -> None:
        taken = self._inbox.put(item)
        if self._link is None:
            return
        if not taken:
            self._link.end(INBOX_FULL)
        elif len(self._inbox) > self._high:
            self._link.read_on(False)

    def _close(self, link: Link, reason: str) -> None:
        link.end(reason)
        now = self._clock()
        if self._link is link:
            self._inbox.put_always(LinkLost(at=now, reason=reason))
        else:
            self._failed = True
        self._link = None
        self._become(LinkState.DOWN, reason)

    def _become(self, state: LinkState, reason: str = "") -> None:
        """While the switch stays away, one attempt after another fails: that is told once, with its reason."""
        self.state = state
        again = state is LinkState.CONNECTING and self._failed
        if again or (state, reason) == (self._told.state, self._told.reason):
            return
        if reason == LOGIN_REJECTED:
            log.error("ami.login_rejected")
        log.info("ami.link_changed", state=state.value, reason=reason)
        self._told = LinkChanged(at=self._clock(), state=state, reason=reason)
        self._inbox.put_always(self._told)
