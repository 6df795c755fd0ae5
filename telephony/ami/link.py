"""One connection to the switch: panoramisk's sockets and actions with framing, deadlines and marks of our own."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import structlog
from panoramisk.actions import Action
from panoramisk.ami_protocol import AMIProtocol
from panoramisk.manager import Manager
from panoramisk.message import Message

from telephony.ami import actions
from telephony.ami.actions import Headers
from telephony.ami.frames import Frame, FrameReader, Rejected
from telephony.ami.messages import stated_at
from telephony.ami.resync import Listing
from telephony.ami.timings import Timings
from telephony.errors import ActionFailed, ActionUnanswered, ChannelMoves, SwitchUnavailable, TelephonyError
from telephony.events import LinkState

log = structlog.get_logger(__name__)

REMEMBERED_ACTIONS = 4096
LOGIN_REJECTED = "login rejected"
NOT_UP = ("Redirect failed, channel not up", "Redirect failed, extra channel not up")
"""How Asterisk refuses before it has touched either channel."""


class LinkEnded(Exception):
    """This connection is over; the text is the reason, in our own words. Never leaves ``ami``."""


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


class Link(Manager):  # type: ignore[misc]
    """One connection. panoramisk's own login, pings, queue of unsent actions and reconnecting are all left out."""

    def __init__(
        self, *, host: str, port: int, clock: Callable[[], datetime], timings: Timings, receive: Callable[[Any], None]
    ) -> None:
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

    async def ask_list(self, headers: Headers) -> Listing:
        """Errors as ``ask``. An item that had to be refused is missing from the list, and no error of the others."""
        [_, *items, end] = await self._send(headers, as_list=True)
        whole = end.headers.get("ListItems") == str(len(items))
        if not whole:
            log.warning("ami.list_incomplete", action=headers["Action"], items=len(items))
        return Listing(items, whole)

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
        event = item.event if isinstance(item, Frame) else ""
        if isinstance(item, Frame) and event == "FullyBooted":
            self._note_boot(item)
        elif isinstance(item, Frame) and event == "UserEvent" and self._is_mark(item):
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
