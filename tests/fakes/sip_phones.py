"""Telephones made of one UDP socket each: they call, ring, answer, refuse and hang up exactly when a test says so.

SIPp plays whole scenarios; where many parties must act at chosen moments of one call, these do. They speak just enough
SIP for a switch on the same machine, and send no sound.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

SDP = "v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
SDP += "m=audio {media} RTP/AVP 8\r\na={direction}\r\n"
REASONS = {
    100: "Trying",
    180: "Ringing",
    183: "Session Progress",
    200: "OK",
    404: "Not Found",
    480: "Unavailable",
    486: "Busy Here",
}
REASONS |= {487: "Request Terminated", 503: "Service Unavailable", 603: "Decline"}

Behaviour = Callable[["Talk"], Awaitable[None]]


@dataclass
class Talk:
    """One call as this phone sees it."""

    phone: SipPhone
    id: str
    peer: tuple[str, int]
    caller: str
    """The number that the other side shows, for a call that comes in."""
    invite: dict[str, list[str]]
    invited_at: float = field(default_factory=time.monotonic)
    own: str = ""
    other: str = ""
    target: str = ""
    cseq: int = 1
    outgoing: bool = False
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    status: int = 0
    by_me: bool = False
    sdp: str = ""
    """What the other side said of its sound."""

    @property
    def media(self) -> tuple[str, int] | None:
        """Where the other side takes sound."""
        found = re.search(r"c=IN IP4 (\S+)[^$]*?m=audio (\d+)", self.sdp)
        return (found[1], int(found[2])) if found else None

    def header(self, name: str) -> str:
        return self.invite.get(name.lower(), [""])[0]

    def respond(self, status: int, *, sound: bool = False) -> None:
        """To the INVITE that came in."""
        self.phone.respond(self.invite, status, self.peer, tag=self.own, sound=sound)

    def ring(self) -> None:
        self.respond(180)

    def answer(self) -> None:
        self.respond(200, sound=True)
        self.answered.set()

    def refuse(self, status: int) -> None:
        self.respond(status)
        self.ended.set()

    def hang_up(self, *, reason: str = "") -> None:
        if self.ended.is_set():
            return
        self.by_me = True
        self.cseq += 1
        self.phone.request("BYE", self, more=[f"Reason: {reason}"] if reason else [])
        self.ended.set()

    def hold(self, on: bool) -> None:
        """Put the other side on hold, or take it back."""
        self.cseq += 1
        self.phone.request("INVITE", self, sound=True, direction="sendonly" if on else "sendrecv")

    def cancel(self) -> None:
        """Give up a call of one's own that nobody has answered."""
        self.phone.request("CANCEL", self)
        self.ended.set()


class SipPhone(asyncio.DatagramProtocol):
    """Bind it with ``open``. ``behave`` is run for each call that comes in; without it every call is answered."""

    def __init__(self, host: str, port: int, behave: Behaviour | None = None) -> None:
        self.host, self.port = host, port
        self.behave = behave or answering
        self.talks: dict[str, Talk] = {}
        self._socket: asyncio.DatagramTransport
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> SipPhone:
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=(self.host, self.port))
        return self

    async def close(self) -> None:
        if self._socket.is_closing():
            return
        for talk in self.talks.values():
            if talk.ended.is_set():
                continue
            if talk.answered.is_set():
                talk.hang_up()
            elif (
                not talk.outgoing
            ):  # a switch that hears nothing rings on for half a minute, whoever has the address then
                talk.refuse(480)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._socket.close()
        await asyncio.sleep(0)  # the address is free again after one turn of the loop

    def call(self, number: str, switch: tuple[str, int], *, caller: str, more: tuple[str, ...] = ()) -> Talk:
        talk = Talk(
            phone=self,
            id=secrets.token_hex(8),
            peer=switch,
            caller=caller,
            invite={},
            own=f"<sip:{caller}@{self.host}>;tag={secrets.token_hex(4)}",
            other=f"<sip:{number}@{switch[0]}>",
            target=f"sip:{number}@{switch[0]}:{switch[1]}",
            outgoing=True,
        )
        self.talks[talk.id] = talk
        self.request("INVITE", talk, more=list(more), sound=True)
        return talk

    # the wire ---------------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._socket = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        head, _, body = data.decode("utf-8", "replace").partition("\r\n\r\n")
        first, *lines = head.split("\r\n")
        headers: dict[str, list[str]] = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers.setdefault(name.strip().lower(), []).append(value.strip())
        if first.startswith("SIP/2.0"):
            self._on_response(int(first.split()[1]), headers)
        else:
            self._on_request(first.split()[0], headers, addr)
        talk = self.talks.get(headers.get("call-id", [""])[0])
        if talk is not None and body:
            talk.sdp = body

    def _on_request(self, method: str, headers: dict[str, list[str]], addr: tuple[str, int]) -> None:
        talk = self.talks.get(headers["call-id"][0])
        if method == "INVITE" and talk is None:
            self._ring(headers, addr)
        elif method == "ACK" or (method == "INVITE" and talk and not talk.answered.is_set()):
            return
        elif method == "CANCEL" and talk:
            self.respond(headers, 200, addr, tag=talk.own)
            talk.refuse(487)
        else:
            self.respond(headers, 200, addr, tag=talk.own if talk else "0", sound=method == "INVITE")
            if method == "BYE" and talk:
                talk.ended.set()

    def _ring(self, headers: dict[str, list[str]], addr: tuple[str, int]) -> None:
        caller = re.search(r"sip:([^@>]*)@", headers["from"][0])
        contact = re.search(r"<([^>]*)>", headers.get("contact", [f"<sip:{addr[0]}:{addr[1]}>"])[0])
        talk = Talk(
            phone=self,
            id=headers["call-id"][0],
            peer=addr,
            caller=caller[1] if caller else "",
            invite=headers,
            own=secrets.token_hex(4),
            target=contact[1] if contact else "",
        )
        self.talks[talk.id] = talk
        task = asyncio.get_running_loop().create_task(self._behave(talk))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _behave(self, talk: Talk) -> None:
        await self.behave(talk)

    def _on_response(self, status: int, headers: dict[str, list[str]]) -> None:
        talk = self.talks.get(headers["call-id"][0])
        if talk is None or not headers["cseq"][0].endswith("INVITE") or status < 180:
            return
        talk.status = status
        if status >= 200:
            talk.other = headers["to"][0]
            contact = re.search(r"<([^>]*)>", headers.get("contact", [""])[0])
            talk.target = contact[1] if contact else talk.target
            self.request("ACK", talk)
            (talk.answered if status == 200 else talk.ended).set()

    def respond(
        self, to: dict[str, list[str]], status: int, addr: tuple[str, int], *, tag: str = "", sound: bool = False
    ) -> None:
        [whom] = to["to"]
        lines = [f"SIP/2.0 {status} {REASONS.get(status, 'Other')}"]
        lines += [f"Via: {via}" for via in to["via"]]
        lines += [f"From: {to['from'][0]}", f"To: {whom}" + ("" if "tag=" in whom else f";tag={tag}")]
        lines += [f"Call-ID: {to['call-id'][0]}", f"CSeq: {to['cseq'][0]}"]
        self._send(lines, addr, sound=sound)

    def request(
        self,
        method: str,
        talk: Talk,
        *,
        more: list[str] | None = None,
        sound: bool = False,
        direction: str = "sendrecv",
    ) -> None:
        own, other = talk.own, talk.other
        if not talk.outgoing:
            [whom] = talk.invite["to"]
            own, other = f"{whom};tag={talk.own}", talk.invite["from"][0]
        lines = [f"{method} {talk.target} SIP/2.0"]
        branch = f"{talk.id}{talk.cseq if method not in ('ACK', 'CANCEL') else 1}{method if method == 'ACK' else ''}"
        lines += [f"Via: SIP/2.0/UDP {self.host}:{self.port};branch=z9hG4bK{branch}", "Max-Forwards: 70"]
        lines += [f"From: {own}", f"To: {other}", f"Call-ID: {talk.id}", f"CSeq: {talk.cseq} {method}", *(more or [])]
        self._send(lines, talk.peer, sound=sound, direction=direction)

    def _send(self, lines: list[str], addr: tuple[str, int], *, sound: bool, direction: str = "sendrecv") -> None:
        body = SDP.format(host=self.host, media=self.port + 500, direction=direction) if sound else ""
        lines += [f"Contact: <sip:phone@{self.host}:{self.port}>"]
        lines += ["Content-Type: application/sdp"] if body else []
        self._socket.sendto("\r\n".join([*lines, f"Content-Length: {len(body)}", "", body]).encode(), addr)


async def answering(talk: Talk) -> None:
    talk.ring()
    talk.answer()


async def ringing(talk: Talk) -> None:
    talk.ring()


async def silent(talk: Talk) -> None:
    """Not a word: a trunk that is dead."""


def refusing(status: int) -> Behaviour:
    async def refuse(talk: Talk) -> None:
        talk.refuse(status)

    return refuse


def dropping(after_s: float) -> Behaviour:
    """Picks up and hangs up."""

    async def drop(talk: Talk) -> None:
        await answering(talk)
        await asyncio.sleep(after_s)
        talk.hang_up()

    return drop


async def busy_in_sound(talk: Talk) -> None:
    """A busy tone as early media, and then nothing."""
    talk.respond(183, sound=True)
