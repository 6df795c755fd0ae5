"""One console's socket: hello in time, then patches out and heartbeats in; one that does not read is put out."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog
from pydantic import ValidationError

from api.live.feeds import Feed, Patch, encode
from api.live.hub import Hub
from api.live.mailbox import Mailbox
from api.live.messages import (
    HEARTBEAT_MS,
    MAX_MESSAGE_BYTES,
    Bye,
    ClientHeartbeat,
    CloseCode,
    ErrorCode,
    ErrorMessage,
    Hello,
    Resync,
    ServerHeartbeat,
    Subscribe,
    Unsubscribe,
    Welcome,
    client_message,
)
from api.live.pace import Pace
from api.live.viewers import Viewer

log = structlog.get_logger(__name__)

HELLO_S = 5.0
SILENT_S = 15.0
"""A console says something every 5 s; one that says nothing for so long has gone."""
STUCK_S = 5.0
"""One send that takes so long means that nobody reads."""
MAX_CHANNELS = 32
READ_BY_ALL = frozenset({"queue", "wall", "tasks"})
"""Channels of which everybody gets the same at the same moment."""


class PeerGone(Exception):
    """The other side has closed, or the connection is lost."""


class Peer(Protocol):
    """The socket itself."""

    async def receive(self) -> str:
        """Raises ``PeerGone``."""

    async def send(self, text: str) -> None:
        """Waits while the other side does not read. Raises ``PeerGone``."""

    async def close(self, code: int) -> None: ...

    def abort(self) -> None:
        """Drop the connection at once, whatever is still unsent; a waiting ``send`` and ``receive`` then end."""


class Console:
    """A ``hub.Reader``: everything the hub calls only puts something into the mailbox."""

    def __init__(
        self,
        peer: Peer,
        hub: Hub,
        *,
        redeem: Callable[[str], Awaitable[Viewer | None]],
        clock: Callable[[], float],
        build: str,
        hello_s: float = HELLO_S,
        pace: Pace | None = None,
    ) -> None:
        """``redeem`` turns a good ticket, once, into who asked for it. ``pace`` is that of all consoles together."""
        self._pace = pace or Pace()
        self._hello_s = hello_s
        self._peer = peer
        self._redeem = redeem
        self._hub = hub
        self._clock = clock
        self._build = build
        self._mailbox = Mailbox()
        self._wake = asyncio.Event()
        self._closing: CloseCode | None = None
        self._heard_s = clock()
        self._beat_s = clock()
        self._sending_s: float | None = None
        self._closing_s = 0.0
        self._viewer: Viewer | None = None
        self._tab = ""
        self.sid = secrets.token_hex(8)
        self.feeds: dict[str, Feed] = {}

    @property
    def viewer(self) -> Viewer:
        assert self._viewer is not None, "not admitted yet"
        return self._viewer

    @property
    def tab(self) -> str:
        return self._tab

    # -- the life of the socket --------------------------------------------------------------------------------------

    async def run(self) -> None:
        """From the first message to the end; never raises for what the other side does."""
        try:
            hello = await self._hello()
            if hello is None:
                return
            await self._serve(hello)
        except PeerGone:
            pass

    async def _hello(self) -> Hello | None:
        """The first message with a good ticket; anything else is answered with a close."""
        try:
            async with asyncio.timeout(self._hello_s):
                text = await self._peer.receive()
        except TimeoutError:
            await self._peer.close(CloseCode.PROTOCOL)
            return None
        message = _parse(text)
        if not isinstance(message, Hello):
            await self._peer.close(CloseCode.PROTOCOL)
            return None
        self._viewer = await self._redeem(message.ticket)
        if self._viewer is None:
            await self._peer.send(_encoded(Bye(code=CloseCode.TICKET)))
            await self._peer.close(CloseCode.TICKET)
            return None
        self._tab = message.tab
        return message

    async def _serve(self, hello: Hello) -> None:
        self._heard_s = self._beat_s = self._clock()
        self._hub.admit(self)
        self._put(
            Welcome(
                sid=self.sid,
                role=self.viewer.role,
                perms=list(self.viewer.permissions),
                now=self._hub.now_ms(),
                build=self._build,
            )
        )
        for wanted in hello.subs:
            self._hub.subscribe(self, wanted.ch, wanted.epoch, wanted.seq)
        writer = asyncio.create_task(self._write(), name=f"live-writer-{self.sid}")
        log.info("live.console_joined", sid=self.sid, user_id=self.viewer.user_id, sockets=self._hub.sockets)
        try:
            await self._read()
        finally:
            self._hub.leave(self)
            writer.cancel()
            with contextlib.suppress(asyncio.CancelledError, PeerGone):
                await writer
            log.info("live.console_left", sid=self.sid, code=self._closing, sockets=self._hub.sockets)

    async def _read(self) -> None:
        while True:
            text = await self._peer.receive()
            self._heard_s = self._clock()
            if self._closing is not None:
                continue
            message = _parse(text)
            match message:
                case ClientHeartbeat():
                    pass
                case Subscribe():
                    if len(self.feeds) >= MAX_CHANNELS and message.ch not in self.feeds:
                        self.refuse(message.ch, ErrorCode.TOO_MANY)
                    else:
                        self._hub.subscribe(self, message.ch, message.epoch, message.seq)
                case Unsubscribe():
                    self._hub.unsubscribe(self, message.ch)
                case Resync():
                    self._hub.resync(self, message.ch, message.have)
                case _:
                    self.dismiss(CloseCode.PROTOCOL)

    async def _write(self) -> None:
        """Ends after the bye; the reading side then sees the socket close."""
        while True:
            while (text := self._mailbox.take()) is not None:
                self._sending_s = self._clock()
                await self._peer.send(text)
                self._sending_s = None
            if self._closing is not None:
                await self._peer.close(self._closing)
                return
            self._wake.clear()
            await self._wake.wait()

    # -- what the hub calls ------------------------------------------------------------------------------------------

    def deliver(self, feed: Feed, patch: Patch) -> None:
        if self._closing is not None:
            return
        if not self._mailbox.put_patch(feed, patch):
            self._overflow()
        if feed.channel in READ_BY_ALL:
            self._pace.wake(self._wake)
        else:
            self._wake.set()

    def deliver_snapshot(self, feed: Feed) -> None:
        if self._closing is not None:
            return
        if not self._mailbox.put_snapshot(feed):
            self._overflow()
        self._wake.set()

    def refuse(self, channel: str, code: ErrorCode) -> None:
        self._put(ErrorMessage(ch=channel, code=code))

    def dismiss(self, code: CloseCode, *, retry: tuple[int, int] | None = None) -> None:
        """Say bye and close; what still waits is not sent."""
        if self._closing is not None:
            return
        self._mailbox.clear()
        self._put(Bye(code=code, retry=retry))
        self._closing = code
        self._closing_s = self._clock()
        self._wake.set()

    def tick(self, now_s: float) -> None:
        """Heartbeat when due; a socket that is stuck or silent is cut from here, since its own tasks only wait."""
        if self._sending_s is not None and now_s - self._sending_s > STUCK_S:
            self._cut("stuck", CloseCode.SLOW)
        elif now_s - self._heard_s > SILENT_S:
            self._cut("silent", None)
        elif self._closing is not None and now_s - self._closing_s > STUCK_S:
            self._cut("unclosed", self._closing)
        elif self._closing is None and (now_s - self._beat_s) * 1000 >= HEARTBEAT_MS:
            self._beat_s = now_s
            seqs = {channel: feed.seq for channel, feed in self.feeds.items()}
            self._put(ServerHeartbeat(now=self._hub.now_ms(), seqs=seqs))

    # -- inside ------------------------------------------------------------------------------------------------------

    def _put(self, message: Welcome | ServerHeartbeat | ErrorMessage | Bye) -> None:
        if self._closing is not None:
            return
        if not self._mailbox.put(_encoded(message)):
            self._overflow()
        self._wake.set()

    def _overflow(self) -> None:
        """A channel that must be read whole has no room left."""
        log.warning("live.console_too_slow", sid=self.sid, waiting_bytes=self._mailbox.size)
        self.dismiss(CloseCode.SLOW, retry=(0, 3000))

    def _cut(self, reason: str, code: CloseCode | None) -> None:
        log.warning("live.console_cut", sid=self.sid, reason=reason)
        self._closing = self._closing or code
        self._mailbox.clear()
        self._peer.abort()


def _parse(text: str) -> Hello | ClientHeartbeat | Subscribe | Unsubscribe | Resync | None:
    if len(text) > MAX_MESSAGE_BYTES:
        return None
    try:
        return client_message.validate_json(text)
    except ValidationError:
        return None


def _encoded(message: Welcome | ServerHeartbeat | ErrorMessage | Bye) -> str:
    return encode(message.model_dump(mode="json"))
