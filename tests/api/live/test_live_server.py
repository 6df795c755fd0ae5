"""``hotline.v1`` over a real server and a real client."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from api.auth.passwords import Passwords
from api.live import consoles
from api.live.messages import CloseCode
from api.settings import Settings
from api.store.engine import Store
from asr.transcript import Speaker, Turn
from telephony.calls import CallPhase
from telephony.events import AgentStatus, AgentStatusChanged, CallHeld
from telephony.ids import ChannelId
from tests.api.live.conftest import LiveServer, live_server
from tests.api.live.stage import CALL, OPERATOR, START
from tests.api.serving import LiveConsole, eventually

CHANNEL = f"call/{CALL}"


def say(server: LiveServer, rev: int, text: str = "您好") -> None:
    server.hub.show_turn(CALL, Turn(seg=0, rev=rev, speaker=Speaker.CALLER, text=text, start_s=0, end_s=1, final=False))


async def test_a_console_gets_snapshots_and_then_every_change(server: LiveServer) -> None:
    async with server.browser() as me, LiveConsole.open(server.url, await me.ticket(), "me", CHANNEL) as console:
        await console.until(lambda seen: seen.data[CHANNEL]["call"]["phase"] == "talking")
        assert console.data["me"]["call"] == CALL
        assert console.socket.subprotocol == "hotline.v1"
        server.board.change(phase=CallPhase.HELD, held_since=START)
        server.hub.handle(CallHeld(at=START, call_id=CALL, by=ChannelId("1.2")))
        await console.until(lambda seen: seen.data[CHANNEL]["call"]["phase"] == "held")
        for rev in range(1, 30):
            say(server, rev, "您好" * rev)
        await console.until(lambda seen: seen.data[CHANNEL]["transcript"][0]["rev"] == 29)
        assert console.seqs[CHANNEL] == 30


async def test_a_lost_patch_is_asked_for_again_and_not_by_snapshot(server: LiveServer) -> None:
    async with server.browser() as me, LiveConsole.open(server.url, await me.ticket(), CHANNEL) as console:
        await console.until(lambda seen: seen.data[CHANNEL])
        epoch = console.epochs[CHANNEL]
        console.lose_next = 2
        for rev in range(1, 6):
            say(server, rev)
            await asyncio.sleep(0.01)
        await console.until(lambda seen: seen.data[CHANNEL]["transcript"][0]["rev"] == 5)
        assert console.epochs[CHANNEL] == epoch
        assert console.seqs[CHANNEL] == 5


async def test_a_lost_tail_shows_in_the_heartbeat(server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consoles, "HEARTBEAT_MS", 200)
    async with server.browser() as me, LiveConsole.open(server.url, await me.ticket(), CHANNEL) as console:
        await console.until(lambda seen: seen.data[CHANNEL])
        console.lose_next = 1
        say(server, 1)

        def behind(seen: LiveConsole) -> bool:
            return any(beat["t"] == "hb" and beat["seqs"][CHANNEL] == 1 for beat in seen.others)

        await console.until(behind)
        assert console.seqs[CHANNEL] == 0


async def test_a_console_that_comes_back_replays_and_a_restarted_server_has_another_epoch(
    live_store: Store, passwords: Passwords, live_settings: Settings, tmp_path: Path
) -> None:
    async with live_server(live_store, passwords, live_settings, tmp_path) as server, server.browser() as me:
        async with LiveConsole.open(server.url, await me.ticket(), CHANNEL) as console:
            await console.until(lambda seen: seen.data[CHANNEL])
            epoch, seq, data = console.epochs[CHANNEL], console.seqs[CHANNEL], console.data[CHANNEL]
        say(server, 1)
        back: dict[str, Any] = {"ch": CHANNEL, "epoch": epoch, "seq": seq}
        async with LiveConsole.open(server.url, await me.ticket()) as console:
            console.data[CHANNEL], console.seqs[CHANNEL] = data, seq
            await console.say({"t": "sub", **back})
            await console.until(lambda seen: seen.data[CHANNEL]["transcript"])
            assert CHANNEL not in console.epochs, "replayed, no snapshot"
    async with live_server(live_store, passwords, live_settings, tmp_path) as server, server.browser() as me:  # noqa: SIM117
        async with LiveConsole.open(server.url, await me.ticket(), back) as console:
            await console.until(lambda seen: seen.epochs[CHANNEL] != epoch)


async def test_a_page_of_another_origin_is_refused_before_the_handshake(server: LiveServer) -> None:
    address = server.url.replace("http", "ws", 1) + "/api/v1/live"
    for origin in ("http://evil.example", "null", None):
        with pytest.raises(InvalidStatus) as refused:
            await connect(address, origin=origin, proxy=None)  # type: ignore[arg-type]
        assert refused.value.response.status_code == 403


async def test_a_ticket_opens_one_socket_and_an_invented_one_none(server: LiveServer) -> None:
    async with server.browser() as me:
        ticket = await me.ticket()
        async with LiveConsole.open(server.url, ticket, "me") as first:
            await first.until(lambda seen: seen.data["me"])
            for bad in (ticket, "invented"):
                async with LiveConsole.open(server.url, bad, "me") as second:
                    assert await second.closed() == CloseCode.TICKET
                    assert second.data == {}


@pytest.mark.parametrize("change", ["UPDATE users SET role = 'supervisor'", "UPDATE sessions SET ended_at = seen_at"])
async def test_a_ticket_is_bound_to_the_session_and_its_role(server: LiveServer, change: str) -> None:
    async with server.browser() as me:
        ticket = await me.ticket()
        async with server.shared.store.write() as session:
            await session.execute(text(change))
        async with LiveConsole.open(server.url, ticket, "me") as console:
            assert await console.closed() == CloseCode.TICKET


async def test_a_reconnect_writes_nothing(server: LiveServer) -> None:
    """So that hundreds of consoles can come back at once."""
    async with server.browser() as me, server.shared.store.write() as session:
        await session.execute(text("SELECT 1"))
        async with LiveConsole.open(server.url, await me.ticket(), "me") as console:
            await console.until(lambda seen: seen.data["me"])


async def test_a_second_window_takes_over(server: LiveServer) -> None:
    async with server.browser() as me, LiveConsole.open(server.url, await me.ticket(), "me") as older:
        await older.until(lambda seen: seen.data["me"])
        async with LiveConsole.open(server.url, await me.ticket(), "me", tab="tab-2") as newer:
            assert await older.closed() == CloseCode.SUPERSEDED
            await newer.until(lambda seen: seen.data["me"])
            assert newer.close_code is None


async def test_signing_out_ends_the_stream_but_not_in_a_call(server: LiveServer) -> None:
    async with server.browser() as me, LiveConsole.open(server.url, await me.ticket(), "me") as console:
        await console.until(lambda seen: seen.data["me"])
        assert (await me.http.delete("/session")).status_code == 204
        await asyncio.sleep(0.2)
        assert console.close_code is None, "in a call"
        server.board.sign_in(status=AgentStatus.WRAPPING_UP, call_id=CALL)
        server.hub.handle(
            AgentStatusChanged(
                at=START, agent_id=OPERATOR, status=AgentStatus.WRAPPING_UP, reasons=frozenset(), call_id=CALL
            )
        )
        assert await console.closed() == CloseCode.SESSION_ENDED


async def test_a_server_that_stops_says_when_to_come_back(
    live_store: Store, passwords: Passwords, live_settings: Settings, tmp_path: Path
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        async with live_server(live_store, passwords, live_settings, tmp_path) as server:
            me = await stack.enter_async_context(server.browser())
            console = await stack.enter_async_context(LiveConsole.open(server.url, await me.ticket(), "me"))
            await console.until(lambda seen: seen.data["me"])
        assert await console.closed() == CloseCode.DRAINING
        assert console.others[-1] == {"t": "bye", "code": CloseCode.DRAINING, "retry": [0, 3000]}


async def stalled_reader(server: LiveServer, ticket: str) -> socket.socket:
    """A supervisor's socket that upgrades, says hello, and then never reads a byte."""
    address = urlsplit(server.url)
    link = socket.socket()
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    link.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(link, (address.hostname, address.port))
    key = "AAAAAAAAAAAAAAAAAAAAAA=="
    handshake = (
        f"GET /api/v1/live HTTP/1.1\r\nHost: {address.netloc}\r\nOrigin: {server.url}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    await loop.sock_sendall(link, handshake.encode())
    await loop.sock_recv(link, 400)
    hello = json.dumps({"t": "hello", "v": 1, "ticket": ticket, "tab": "stalled", "subs": [{"ch": CHANNEL}]}).encode()
    frame = b"\x81\xfe" + len(hello).to_bytes(2, "big") + bytes(4) + hello  # masked with zeros
    await loop.sock_sendall(link, frame)
    return link


async def test_a_reader_that_stalls_is_put_out_while_others_notice_nothing(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consoles, "STUCK_S", 0.5)
    async with server.browser() as me, server.browser("9001") as boss:
        stalled = await stalled_reader(server, await boss.ticket())
        async with LiveConsole.open(server.url, await me.ticket(), CHANNEL) as good:
            await good.until(lambda seen: seen.data[CHANNEL])
            delays = []
            text = "一" * 10_000
            for rev in range(1, 400):
                if server.hub.sockets == 1:
                    break
                said = time.monotonic()
                say(server, rev, text + str(rev))
                await good.until(lambda seen, rev=rev: seen.data[CHANNEL]["transcript"][0]["rev"] == rev)  # type: ignore[misc]
                delays.append(good.heard_at[CHANNEL] - said)
            await eventually(lambda: server.hub.sockets == 1)
            assert good.close_code is None
            assert sorted(delays)[round(0.95 * (len(delays) - 1))] < 0.25
        stalled.close()
