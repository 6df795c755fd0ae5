"""A manager interface on a real loopback socket that does as it is told: answers, falls silent, lies, drops.

It is not a model of the switch: it keeps no calls. What it says beside the standard answers, the test says::

    async with FakeSwitch() as switch:
        gateway = Gateway(host=switch.host, port=switch.port, username="hotline", secret=switch.secret)
        ...
        await switch.send_event("Newchannel", **channel("1795297515.1", "PJSIP/8001-00000001"))
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType

BANNER = b"Asterisk Call Manager/11.0.0\r\n"
STAMP = "1795297515.848802"
PRIVILEGES = {
    "Queue": "agent,all",
    "Agent": "agent,all",
    "User": "user,all",
    "Contact": "system,all",
    "Shut": "system,all",
}

Headers = Mapping[str, str]
Items = Sequence[tuple[str, Headers]]


def frame(headers: Iterable[tuple[str, str]]) -> bytes:
    """One frame of these headers, in this order."""
    return "".join(f"{key}: {value}\r\n" for key, value in headers).encode() + b"\r\n"


def event(name: str, *, at: str = STAMP, **headers: str) -> bytes:
    """One event as the switch frames it: name, privilege, timestamp (six decimals), then the rest."""
    privilege = next((value for start, value in PRIVILEGES.items() if name.startswith(start)), "call,all")
    return frame([("Event", name), ("Privilege", privilege), ("Timestamp", at), *_headers(headers)])


def channel(uniqueid: str, name: str, *, prefix: str = "", call_id: str = "", **changed: str) -> dict[str, str]:
    """The block of headers that describes one channel; ``changed`` names headers without the prefix."""
    block = {
        "Channel": name,
        "ChannelState": "6",
        "ChannelStateDesc": "Up",
        "CallerIDNum": "13800001234",
        "CallerIDName": "<unknown>",
        "ConnectedLineNum": "<unknown>",
        "ConnectedLineName": "<unknown>",
        "Language": "zh",
        "AccountCode": "",
        "Context": "inbound",
        "Exten": "12345",
        "Priority": "1",
        "Uniqueid": uniqueid,
        "Linkedid": uniqueid,
        **changed,
        "ChanVariable": f"HOTLINE_CALL_ID={call_id}",
    }
    return {prefix + key: value for key, value in block.items()}


def member(queue: str, interface: str, name: str, *, status: int = 1, paused: bool = False) -> dict[str, str]:
    """The headers of QueueMemberAdded, QueueMemberStatus, QueueMemberPause ..."""
    return {
        "Queue": queue,
        "MemberName": name,
        "Interface": interface,
        "StateInterface": interface,
        "Membership": "dynamic",
        "Penalty": "0",
        "CallsTaken": "0",
        "LastCall": "0",
        "LastPause": "0",
        "LoginTime": "1795297473",
        "InCall": "0",
        "Status": str(status),
        "Paused": str(int(paused)),
        "PausedReason": "",
        "Ringinuse": "0",
        "Wrapuptime": "5",
    }


def listed_member(queue: str, interface: str, name: str, *, status: int = 1, paused: bool = False) -> dict[str, str]:
    """One QueueMember of a QueueStatus list."""
    headers = member(queue, interface, name, status=status, paused=paused)
    del headers["MemberName"], headers["Interface"], headers["Ringinuse"]
    return {"Queue": queue, "Name": name, "Location": interface, **headers}


def listed_channel(uniqueid: str, name: str, *, call_id: str = "", bridge: str = "", **changed: str) -> dict[str, str]:
    """One item of a Status list."""
    return {
        "Privilege": "Call",
        **channel(uniqueid, name, call_id=call_id, **changed),
        "Type": "PJSIP",
        "DNID": "",
        "EffectiveConnectedLineNum": "<unknown>",
        "EffectiveConnectedLineName": "<unknown>",
        "TimeToHangup": "0",
        "BridgeID": bridge,
        "Application": "Queue",
        "Data": "hotline,c",
        "Nativeformats": "(alaw)",
        "Readformat": "alaw",
        "Readtrans": "",
        "Writeformat": "alaw",
        "Writetrans": "",
        "Callgroup": "0",
        "Pickupgroup": "0",
        "Seconds": "7",
        "Variable": f"HOTLINE_CALL_ID={call_id or '(null)'}",
    }


def _headers(headers: Headers) -> list[tuple[str, str]]:
    """Python has no keyword with a hyphen: ``Cause_txt`` stands for ``Cause-txt``."""
    return [(key.replace("_", "-") if key == "Cause_txt" else key, value) for key, value in headers.items()]


@dataclass
class FakeSwitch:
    """Change the public attributes at any time; they hold for the next action that arrives."""

    secret: str = "loopback-only"
    booted: bool = True
    """False: logins are taken, FullyBooted is not sent, and lists fail, until ``boot()``."""
    mute: set[str] = field(default_factory=set)
    """Actions that are received and not answered; ``*`` for all of them."""
    answers: dict[str, bytes] = field(default_factory=dict)
    """Action -> raw bytes instead of the standard answer; ``{id}`` in them stands for the action's id."""
    lists: dict[str, Items] = field(default_factory=dict)
    """Action -> items (event, headers) of its list."""
    slice_bytes: int = 0
    """Write this many bytes at a time (the network may join some of them again)."""
    started: tuple[str, str] = ("2026-11-21", "21:44:32")

    def __post_init__(self) -> None:
        self.host = "127.0.0.1"
        self.port = 0
        self.connections = 0
        self.received: list[tuple[int, dict[str, str]]] = []
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._heard = asyncio.Condition()

    @property
    def actions(self) -> list[str]:
        """Names of the actions received, in order, over all connections."""
        return [headers["Action"] for _, headers in self.received]

    async def __aenter__(self) -> FakeSwitch:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and drop everybody; ``start`` listens on the same port again."""
        if self._server is not None:
            self._server.close()
        self.drop()
        await asyncio.gather(*self._tasks)

    def drop(self) -> None:
        """Cut all connections without a word."""
        for writer in self._writers:
            writer.transport.abort()

    async def heard(self, action: str, *, times: int = 1) -> None:
        """Wait until this action has arrived so many times in all."""
        async with asyncio.timeout(5), self._heard:
            await self._heard.wait_for(lambda: self.actions.count(action) >= times)

    async def boot(self) -> None:
        self.booted = True
        await self.send(_fully_booted())

    async def send_event(self, name: str, *, at: str = STAMP, **headers: str) -> None:
        await self.send(event(name, at=at, **headers))

    async def send(self, raw: bytes) -> None:
        """Raw bytes to everybody who is connected, as far as they stay."""
        for writer in [*self._writers]:
            with suppress(ConnectionError):
                await self._write(writer, raw)

    async def _write(self, writer: asyncio.StreamWriter, raw: bytes) -> None:
        step = self.slice_bytes or len(raw) or 1
        for start in range(0, len(raw), step):
            writer.write(raw[start : start + step])
            await writer.drain()
            if self.slice_bytes:
                await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        self.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._converse(self.connections, reader, writer)
        self._writers.discard(writer)
        self._tasks.discard(task)
        writer.close()

    async def _converse(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._write(writer, BANNER)
        while True:
            raw = (await reader.readuntil(b"\r\n\r\n")).decode()
            action = dict(line.split(": ", 1) for line in raw.split("\r\n") if ": " in line)
            async with self._heard:
                self.received.append((number, action))
                self._heard.notify_all()
            if not self.mute & {"*", action["Action"]}:
                await self._write(writer, self._answer(action))

    def _answer(self, action: Mapping[str, str]) -> bytes:
        name, action_id = action["Action"], action.get("ActionID", "")
        if name in self.answers:
            return self.answers[name].replace(b"{id}", action_id.encode())
        if name == "Login":
            return self._login(action, action_id)
        if name in ("QueueStatus", "Status", "DeviceStateList"):
            return self._list(name, action_id)
        if name == "UserEvent":
            return _response(action_id, Message="Event Sent") + _echo(action)
        if name == "CoreStatus":
            date, clock = self.started
            return _response(action_id, CoreStartupDate=date, CoreStartupTime=clock)
        return _response(action_id, **({"Ping": "Pong"} if name == "Ping" else {}))

    def _login(self, action: Mapping[str, str], action_id: str) -> bytes:
        if action.get("Secret") != self.secret:
            return _response(action_id, "Error", Message="Authentication failed")
        greeting = _response(action_id, Message="Authentication accepted")
        return greeting + (_fully_booted() if self.booted else b"")

    def _list(self, name: str, action_id: str) -> bytes:
        if not self.booted:
            return _response(action_id, "Error", Message=f"Invalid/unknown command: {name}.")
        items = self.lists.get(name, ())
        parts = [_response(action_id, EventList="start", Message="will follow")]
        for kind, headers in items:
            parts.append(frame([("Event", kind), *headers.items(), ("ActionID", action_id)]))
        end = [("ActionID", action_id), ("EventList", "Complete"), ("ListItems", str(len(items)))]
        return b"".join(parts) + frame([("Event", f"{name}Complete"), *end])


def _fully_booted() -> bytes:
    return frame([("Event", "FullyBooted"), ("Privilege", "system,all"), ("Uptime", "307"), ("Status", "Fully Booted")])


def _response(action_id: str, kind: str = "Success", **headers: str) -> bytes:
    return frame([("Response", kind), ("ActionID", action_id), *headers.items()])


def _echo(action: Mapping[str, str]) -> bytes:
    own = {key: value for key, value in action.items() if key not in ("Action", "UserEvent")}
    return event("UserEvent", **{"UserEvent": action["UserEvent"], **own})
