"""One socket from hello to bye, over a peer that can be slow, silent or gone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from api.live.consoles import SILENT_S, STUCK_S, Console, PeerGone
from api.live.hub import Hub
from api.live.mailbox import MAX_MESSAGES
from api.live.messages import HEARTBEAT_MS, CloseCode, server_message
from api.live.viewers import Viewer
from asr.transcript import Speaker, Turn
from telephony.calls import CallPhase
from telephony.events import LinkState
from tests.api.live.stage import CALL, OPERATOR, START, Board, Clock, hub, viewer

HELLO = {"t": "hello", "v": 1, "ticket": "good", "tab": "tab-1", "subs": [{"ch": "me"}, {"ch": f"call/{CALL}"}]}


class LoopPeer:
    """The other side, in this process. ``stall`` makes every send wait, as a full TCP buffer does."""

    def __init__(self) -> None:
        self._inbound: asyncio.Queue[str | None] = asyncio.Queue()
        self.sent: list[dict[str, Any]] = []
        self.closed: int | None = None
        self.aborted = False
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._sent = asyncio.Condition()

    def say(self, message: object) -> None:
        self._inbound.put_nowait(message if isinstance(message, str) else json.dumps(message))

    def leave(self) -> None:
        self._inbound.put_nowait(None)

    def stall(self) -> None:
        self._flowing.clear()

    def read_again(self) -> None:
        self._flowing.set()

    async def receive(self) -> str:
        text = await self._inbound.get()
        if text is None:
            raise PeerGone
        return text

    async def send(self, text: str) -> None:
        await self._flowing.wait()
        if self.aborted:
            raise PeerGone
        async with self._sent:
            self.sent.append(server_message.dump_python(server_message.validate_json(text), mode="json"))
            self._sent.notify_all()

    async def close(self, code: int) -> None:
        self.closed = code
        self.leave()

    def abort(self) -> None:
        self.aborted = True
        self._flowing.set()
        self.leave()

    async def until(self, kind: str) -> dict[str, Any]:
        """The first message of this kind, waited for."""
        async with asyncio.timeout(5), self._sent:
            while True:
                for message in self.sent:
                    if message["t"] == kind:
                        return message
                await self._sent.wait()

    def kinds(self) -> list[str]:
        return [message["t"] for message in self.sent]


class Stage:
    def __init__(self) -> None:
        self.board, self.clock = Board(), Clock()
        self.board.arrive()
        self.board.sign_in()
        self.board.change(phase=CallPhase.TALKING, answered_by=OPERATOR, answered_at=START)
        self.hub: Hub = hub(self.board, self.clock)
        self.tickets = {"good": viewer(), "good too": viewer()}
        self.tasks: list[asyncio.Task[None]] = []

    async def redeem(self, ticket: str) -> Viewer | None:
        return self.tickets.pop(ticket, None)

    def connect(self, *, hello_s: float = 5.0) -> LoopPeer:
        peer = LoopPeer()
        console = Console(peer, self.hub, redeem=self.redeem, clock=self.clock, build="b1", hello_s=hello_s)
        self.tasks.append(asyncio.create_task(console.run()))
        return peer

    async def ended(self) -> None:
        async with asyncio.timeout(5):
            await asyncio.gather(*self.tasks)

    def talk(self, rev: int, text: str = "您好") -> None:
        self.hub.show_turn(
            CALL, Turn(seg=0, rev=rev, speaker=Speaker.CALLER, text=text, start_s=0, end_s=1, final=False)
        )


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    made = Stage()
    yield made
    for task in made.tasks:
        task.cancel()
    await asyncio.gather(*made.tasks, return_exceptions=True)
    assert made.hub.sockets == 0


async def test_hello_is_answered_with_welcome_and_the_snapshots_asked_for(stage: Stage) -> None:
    peer = stage.connect()
    peer.say(HELLO)
    await peer.until("snap")
    stage.talk(1)
    await peer.until("p")
    assert peer.kinds() == ["welcome", "snap", "snap", "p"]
    welcome = peer.sent[0]
    assert welcome["role"] == "operator"
    assert "shift.use" in welcome["perms"]
    assert welcome["hb"] == HEARTBEAT_MS
    assert peer.sent[1]["data"]["agent"]["id"] == OPERATOR


async def test_no_hello_in_time_is_the_end(stage: Stage) -> None:
    peer = stage.connect(hello_s=0.01)
    await stage.ended()
    assert peer.closed == CloseCode.PROTOCOL
    assert peer.sent == []


@pytest.mark.parametrize(
    "first",
    [
        "no json",
        "[]",
        {"t": "sub", "ch": "me"},
        {**HELLO, "v": 2},
        {**HELLO, "extra": 1},
        {"t": "hello"},
        "x" * 20_000,
    ],
)
async def test_a_first_message_that_is_no_hello_is_the_end(stage: Stage, first: object) -> None:
    peer = stage.connect()
    peer.say(first)
    await stage.ended()
    assert peer.closed == CloseCode.PROTOCOL
    assert peer.sent == []


async def test_a_ticket_is_good_once(stage: Stage) -> None:
    first, second = stage.connect(), stage.connect()
    first.say(HELLO)
    await first.until("welcome")
    second.say(HELLO)
    assert (await second.until("bye"))["code"] == CloseCode.TICKET
    assert second.closed == CloseCode.TICKET
    assert first.closed is None


async def test_nonsense_after_the_hello_closes_with_4004(stage: Stage) -> None:
    peer = stage.connect()
    peer.say(HELLO)
    await peer.until("snap")
    peer.say({"t": "command", "hang_up": True})
    await stage.ended()
    assert peer.closed == CloseCode.PROTOCOL
    assert peer.sent[-1]["code"] == CloseCode.PROTOCOL


async def test_subscribe_and_unsubscribe(stage: Stage) -> None:
    peer = stage.connect()
    peer.say({**HELLO, "subs": []})
    peer.say({"t": "sub", "ch": f"call/{CALL}"})
    await peer.until("snap")
    stage.talk(1)
    await peer.until("p")
    peer.say({"t": "unsub", "ch": f"call/{CALL}"})
    peer.say({"t": "sub", "ch": "nowhere"})
    await peer.until("err")
    stage.talk(2)
    await asyncio.sleep(0)
    assert peer.kinds() == ["welcome", "snap", "p", "err"]


async def test_the_heartbeat_names_the_sequence_of_every_channel(stage: Stage) -> None:
    peer = stage.connect()
    peer.say(HELLO)
    await peer.until("snap")
    stage.talk(1)
    stage.clock.now_s += HEARTBEAT_MS / 1000
    stage.hub.tick()
    beat = await peer.until("hb")
    assert beat["seqs"] == {"me": 0, f"call/{CALL}": 1}


async def test_a_console_that_says_nothing_for_15_s_is_cut(stage: Stage) -> None:
    peer = stage.connect()
    peer.say(HELLO)
    await peer.until("welcome")
    stage.clock.now_s += SILENT_S - 1
    stage.hub.tick()
    peer.say({"t": "hb", "now": 1})
    await asyncio.sleep(0.01)
    stage.clock.now_s += SILENT_S - 1
    stage.hub.tick()
    assert not peer.aborted
    stage.clock.now_s += 2
    stage.hub.tick()
    await stage.ended()
    assert peer.aborted


async def test_a_reader_that_stalls_is_cut_from_outside_after_5_s(stage: Stage) -> None:
    peer = stage.connect()
    peer.say(HELLO)
    await peer.until("snap")
    peer.stall()
    stage.talk(1)
    await asyncio.sleep(0.01)
    stage.clock.now_s += STUCK_S
    stage.hub.tick()
    assert not peer.aborted
    stage.clock.now_s += 0.1
    stage.hub.tick()
    await stage.ended()
    assert peer.aborted
    assert stage.hub.sockets == 0


async def test_a_reader_too_slow_for_its_call_is_closed_with_4008(stage: Stage) -> None:
    peer = stage.connect()
    peer.say(HELLO)
    await peer.until("snap")
    peer.stall()
    stage.talk(1)
    await asyncio.sleep(0.01)
    for rev in range(2, MAX_MESSAGES + 4):
        stage.talk(rev)
    peer.read_again()
    await stage.ended()
    assert peer.closed == CloseCode.SLOW
    assert peer.sent[-1]["code"] == CloseCode.SLOW


async def test_a_reader_too_slow_for_last_values_gets_one_snapshot_instead(stage: Stage) -> None:
    peer = stage.connect()
    peer.say({**HELLO, "subs": [{"ch": "me"}]})
    await peer.until("snap")
    peer.stall()
    stage.hub.show_switch(LinkState.LIVE, "0")
    await asyncio.sleep(0.01)
    for number in range(1, 2 * MAX_MESSAGES):
        stage.hub.show_switch(LinkState.LIVE, str(number))
    peer.sent.clear()
    peer.read_again()
    snapshot = await peer.until("snap")
    assert snapshot["data"]["links"]["switch"]["reason"] == str(2 * MAX_MESSAGES - 1)
    assert peer.closed is None
    assert not peer.aborted


async def test_one_stalled_reader_does_not_delay_another(stage: Stage) -> None:
    stalled, good = stage.connect(), stage.connect()
    stalled.say(HELLO)
    await stalled.until("snap")
    stalled.stall()
    stage.tickets["good too"] = viewer(None, user_id=7)
    good.say({**HELLO, "ticket": "good too", "subs": [{"ch": "me"}]})
    await good.until("snap")
    stage.talk(1)
    stage.hub.show_switch(LinkState.LIVE)
    patch = await good.until("p")
    assert patch["ops"] == [["set", "links/switch/state", "live"]]


async def test_the_older_window_is_told_that_it_is_superseded(stage: Stage) -> None:
    older, newer = stage.connect(), stage.connect()
    older.say(HELLO)
    await older.until("snap")
    newer.say({**HELLO, "ticket": "good too", "tab": "tab-2"})
    assert (await older.until("bye"))["code"] == CloseCode.SUPERSEDED
    await newer.until("snap")
    assert newer.closed is None


async def test_a_peer_that_does_not_finish_closing_is_cut(stage: Stage) -> None:
    peer = stage.connect()
    peer.say(HELLO)
    await peer.until("snap")
    peer.stall()
    stage.hub.session_ended(viewer().session)
    await asyncio.sleep(0.01)
    stage.clock.now_s += STUCK_S + 0.1
    stage.hub.tick()
    await stage.ended()
    assert peer.aborted
