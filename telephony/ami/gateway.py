"""The link to the switch: strict framing, one ordered inbox, a deadline for each action, nothing ever sent twice."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from panoramisk.actions import Action
from panoramisk.ami_protocol import AMIProtocol
from panoramisk.manager import Manager
from panoramisk.message import Message

from telephony.ami import actions, resync
from telephony.ami.actions import Headers
from telephony.ami.complaints import Complaints
from telephony.ami.frames import Frame, FrameReader, Rejected
from telephony.ami.inbox import Inbox
from telephony.ami.messages import fact_of, stated_at
from telephony.ami.timings import Backoff, Timings
from telephony.errors import ActionFailed, ActionUnanswered, ChannelMoves, SwitchUnavailable, TelephonyError
from telephony.events import FrameRejected, LinkChanged, LinkState
from telephony.facts import Fact, LinkLost
from telephony.orders import Order

log = structlog.get_logger(__name__)

News = Fact | LinkChanged | FrameRejected
Clock = Callable[[], datetime]

INBOX_LIMIT = 50_000
INBOX_HIGH, INBOX_LOW = 0.1, 0.02
"""Parts of the limit: above the first the socket is not read (the switch can wait some seconds) until the second."""
REMEMBERED_ACTIONS = 4096
LOGIN_REJECTED = "login rejected"
INBOX_FULL = "inbox full"
NOT_UP = ("Redirect failed, channel not up", "Redirect failed, extra channel not up")
"""How Asterisk refuses before it has touched either channel."""


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


class LinkEnded(Exception):
    """This connection is over; the text is the reason, in our own words. Never leaves the gateway."""


class _Protocol(AMIProtocol):  # type: ignore[misc]
    """panoramisk's protocol with the framing replaced: answers go to their actions, events to ``receive``."""

    def __init__(self, receive: Callable[[Frame | Rejected], None], lost: Callable[[str], None]) -> None:
        self.asked: dict[str, str] = {}
        self._reader = FrameReader(self.asked)
        self._receive = receive
        self._lost = lost

    def data_received(self, data: bytes) -> None:
        for item in self._reader.receive(data):
            self._route(item)
        if self._reader.broken:
            self._lost(self._reader.broken)

    def _route(self, item: Frame | Rejected) -> None:
        """An exception that left here would cost the connection and the rest of what was read."""
        try:
            if isinstance(item, Frame) and item.answers:
                self._answer(item)
            else:
                self._receive(item)
        except Exception as error:
            log.error("ami.frame_failed", error=type(error).__name__)

    def _answer(self, frame: Frame) -> None:
        action = self.responses.get(frame.action_id)
        if action is None:
            return  # later than its deadline
        if frame.headers.get("Response") == "Error":
            action.as_list = False  # a list that was refused has no end to wait for
        message = Message(dict(frame.headers))
        message.frame = frame
        if action.add_message(message):
            self.responses.pop(frame.action_id, None)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        unanswered = [*self.responses.values()]
        self.responses.clear()
        for action in unanswered:
            if not action.future.done():
                action.future.set_result(None)
        self._lost("closed by the switch")


class _Link(Manager):  # type: ignore[misc]
    """One connection. panoramisk's own login, pings, queue of unsent actions and reconnecting are all left out."""

    def __init__(self, *, host: str, port: int, clock: Clock, timings: Timings, receive: Callable[[Any], None]) -> None:
        super().__init__(
            loop=asyncio.get_running_loop(),
            host=host,
            port=port,
            protocol_factory=lambda: _Protocol(self._take, self.end),
        )
        self.held = False
        self._clock = clock
        self._timings = timings
        self._receive = receive
        self._ended: asyncio.Future[str] = self.loop.create_future()
        self._booted: asyncio.Future[datetime] = self.loop.create_future()
        self._marks: dict[str, asyncio.Future[datetime]] = {}

    def connection_made(self, f: asyncio.Future[Any]) -> None:
        if f.cancelled() or f.exception() is not None:
            return  # ``open`` reports it; the library would try again by itself
        super().connection_made(f)
        self.pinger.cancel()

    async def open(self) -> None:
        try:
            async with asyncio.timeout(self._timings.connect_s):
                await self.connect()
        except (OSError, TimeoutError) as error:
            raise LinkEnded("not reachable") from error

    async def log_in(self, username: str, secret: str) -> None:
        try:
            await self.ask(actions.login(username, secret))
        except ActionFailed as error:
            raise LinkEnded(LOGIN_REJECTED) from error
        except TelephonyError as error:
            raise LinkEnded("login not answered") from error

    async def until_booted(self) -> None:
        """Logins are taken a moment before the modules are loaded; lists fail until then. Raises ActionUnanswered."""
        try:
            async with asyncio.timeout(self._timings.boot_s):
                await asyncio.shield(self._booted)
        except TimeoutError:
            raise ActionUnanswered("FullyBooted") from None

    async def until_ended(self) -> None:
        raise LinkEnded(await asyncio.shield(self._ended))

    def end(self, reason: str) -> None:
        """Drop the connection now; what was asked and not answered stays unknown."""
        if not self._ended.done():
            self._ended.set_result(reason)
        if self.protocol is not None and not self.protocol.transport.is_closing():
            self.protocol.transport.abort()

    def read_on(self, wanted: bool) -> None:
        """Leave what the switch says in the kernel for a while, or take it again."""
        transport = self.protocol.transport
        if wanted is not self.held or transport.is_closing():
            return
        self.held = not wanted
        if wanted:
            transport.resume_reading()
        else:
            transport.pause_reading()

    def booted_at(self) -> datetime:
        return self._booted.result()

    async def ask(self, headers: Headers, *, within_s: float | None = None) -> Frame:
        """Send one action and return its response. Raises SwitchUnavailable, ActionFailed, ActionUnanswered."""
        [answer] = await self._send(headers, as_list=False, within_s=within_s)
        return answer

    async def ask_list(self, headers: Headers) -> resync.Listing:
        """Errors as ``ask``. An item that had to be refused is missing from the list, and no error of the others."""
        [_, *items, end] = await self._send(headers, as_list=True)
        whole = end.headers.get("ListItems") == str(len(items))
        if not whole:
            log.warning("ami.list_incomplete", action=headers["Action"], items=len(items))
        return resync.Listing(items, whole)

    async def mark(self) -> datetime:
        token = secrets.token_hex(8)
        mark: asyncio.Future[datetime] = self.loop.create_future()
        self._marks[token] = mark
        try:
            await self.ask(actions.barrier(token))
            async with asyncio.timeout(self._timings.answer_s):
                return await mark
        except TimeoutError:
            raise ActionUnanswered("UserEvent") from None
        finally:
            del self._marks[token]

    async def _send(self, headers: Headers, *, as_list: bool, within_s: float | None = None) -> list[Frame]:
        name = headers["Action"]
        if self.protocol is None or self._ended.done():
            raise SwitchUnavailable(LinkState.DOWN.value)
        action = Action(dict(headers), as_list=as_list)
        self._remember(action.id, name)
        try:
            async with asyncio.timeout(self._timings.answer_s if within_s is None else within_s):
                answer = await self.send_action(action, as_list=as_list)
        except TimeoutError:
            raise ActionUnanswered(name) from None
        finally:
            self.protocol.responses.pop(action.id, None)
        return _frames_of(name, answer)

    def _remember(self, action_id: str, name: str) -> None:
        asked = self.protocol.asked
        asked[action_id] = name
        if len(asked) > REMEMBERED_ACTIONS:
            del asked[next(iter(asked))]

    def _take(self, item: Frame | Rejected) -> None:
        if self._ended.done():
            return
        if isinstance(item, Frame) and item.event == "FullyBooted":
            self._note_boot(item)
        elif isinstance(item, Frame) and self._is_mark(item):
            self._note_mark(item)
        else:
            self._receive(item)

    def _note_boot(self, frame: Frame) -> None:
        uptime = frame.headers["Uptime"]
        if not self._booted.done() and uptime.isdecimal():
            self._booted.set_result(self._clock() - timedelta(seconds=int(uptime)))

    def _is_mark(self, frame: Frame) -> bool:
        """A barrier of this link's own; one that was ordered is a fact like others."""
        return frame.headers.get("UserEvent") == actions.BARRIER and frame.headers.get("Token") in self._marks

    def _note_mark(self, frame: Frame) -> None:
        mark = self._marks[frame.headers["Token"]]
        if not mark.done():
            mark.set_result(stated_at(frame) or self._clock())


def _frames_of(name: str, answer: Message | list[Message] | None) -> list[Frame]:
    if answer is None:
        raise ActionUnanswered(name)
    frames: list[Frame] = [message.frame for message in (answer if isinstance(answer, list) else [answer])]
    if frames[0].headers.get("Response") != "Success":
        said = frames[0].headers.get("Message", "")
        raise ChannelMoves(name, said) if said.startswith(NOT_UP) else ActionFailed(name, said)
    return frames


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
        self._link: _Link | None = None
        self._frames = self._rejected = self._connections = 0
        self._lag_s: float | None = None
        self._applied_at: datetime | None = None
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
            lag_s=self._lag_s,
            applied_at=self._applied_at,
            ping_ms=self._ping_ms,
        )

    async def facts(self) -> AsyncIterator[News]:
        """The inbox, for one reader. Ends when ``run`` has ended."""
        async for item in self._inbox:
            yield item
            self._applied_at = item.at
            self._lag_s = (self._clock() - item.at).total_seconds()
            if self._link is not None and len(self._inbox) <= self._low:
                self._link.read_on(True)

    async def execute(self, order: Order) -> None:
        """Send one order, at most once.

        Raises InvalidValue and SwitchUnavailable (nothing was sent), ActionFailed (the switch refused), ChannelMoves
        (it refused and did nothing; ask again while the channel lives) and ActionUnanswered (look at the state, never
        ask again).
        """
        headers = actions.headers(order)
        await self._live_link().ask(headers)

    def _live_link(self) -> _Link:
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
        link = _Link(host=host, port=port, clock=self._clock, timings=self._timings, receive=self._receive)
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

    async def _open(self, link: _Link) -> None:
        self._become(LinkState.CONNECTING)
        await link.open()
        self._connections += 1
        await link.log_in(*self._credentials)
        self._link, self._failed = link, False
        self._become(LinkState.LOGGED_IN)

    async def _serve(self, link: _Link) -> None:
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

    async def _compare(self, link: _Link) -> None:
        """A snapshot now and then shows what was missed; one that fails is no reason to drop the link."""
        while True:
            await asyncio.sleep(self._timings.resync_every_s)
            try:
                self._put(await resync.take_snapshot(link))
            except TelephonyError as error:
                log.warning("ami.snapshot_failed", error=type(error).__name__)

    async def _watch(self, link: _Link) -> None:
        """Half of a connection may die without a word: only an answer proves that the other side is there.

        It also ends a link that is not read because nobody empties the inbox.
        """
        answered = True
        while answered:
            await asyncio.sleep(self._timings.ping_every_s)
            answered = await self._answers(link)
        link.end(INBOX_FULL if link.held else "no answer to pings")

    async def _answers(self, link: _Link) -> bool:
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

    def _close(self, link: _Link, reason: str) -> None:
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
