from __future__ import annotations

import asyncio
import os
import signal
import uuid
from collections import Counter

import pytest

from telephony import facts
from telephony.ami.timings import Timings
from telephony.errors import ActionFailed
from telephony.events import FrameRejected, LinkState
from telephony.orders import AddMember, HangUpChannel, PauseMember, RemoveMember, ReportAlive, SpyToSocket
from tests.system.switch import RunningSwitch, StartSwitch
from tests.telephony.ami.running import asked_now, connected

pytestmark = pytest.mark.asterisk

DESK = AddMember(queue="hotline", seat="8011", agent_id="9011", paused=False)  # type: ignore[arg-type]
DESK_LEAVES = RemoveMember(queue="hotline", seat="8011")  # type: ignore[arg-type]


async def test_the_link_to_a_real_switch_comes_up_and_orders_take_effect(switch: RunningSwitch) -> None:
    async with connected(switch.ports.ami, switch.secrets.ami, Timings()) as session:
        await session.until_state(LinkState.LIVE)
        gateway = session.gateway
        added = AddMember(queue="hotline", seat="8001", agent_id="8001", paused=True, reason="rest")  # type: ignore[arg-type]
        await gateway.execute(added)
        with pytest.raises(ActionFailed, match="Already there"):
            await gateway.execute(added)
        [member] = (await asked_now(gateway)).members
        assert (member.interface, member.member, member.paused_reason) == ("PJSIP/8001", "8001", "rest")
        await gateway.execute(PauseMember(seat="8001", paused=False))  # type: ignore[arg-type]
        [member] = (await asked_now(gateway)).members
        assert not member.paused
        await gateway.execute(RemoveMember(queue="hotline", seat="8001"))  # type: ignore[arg-type]
        assert (await asked_now(gateway)).members == ()
        await gateway.execute(ReportAlive(epoch_s=1795297515))
        with pytest.raises(ActionFailed):
            await gateway.execute(HangUpChannel(channel="1795297515.0"))  # type: ignore[arg-type]
    with switch.ami() as other:
        assert other.ask(Action="Getvar", Variable="HOTLINE_ALIVE")["Value"] == "1795297515"


class TapEars:
    """Counts the audio frames of each tap."""

    def __init__(self) -> None:
        self.frames: Counter[str] = Counter()
        self.sizes: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tap = ""
        try:
            while True:
                kind, *size = await reader.readexactly(3)
                payload = await reader.readexactly(int.from_bytes(bytes(size), "big"))
                if kind == 0x01:
                    tap = str(uuid.UUID(bytes=payload))
                elif kind == 0x10:
                    self.frames[tap] += 1
                    self.sizes.add(len(payload))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


async def test_a_call_is_told_whole_and_both_its_legs_can_be_heard(switch: RunningSwitch) -> None:
    ears = TapEars()
    taps = [str(uuid.uuid4()), str(uuid.uuid4())]
    server = await asyncio.start_server(ears.hear, "127.0.0.1", switch.ports.taps)
    async with server, connected(switch.ports.ami, switch.secrets.ami, Timings()) as session:
        await session.until_state(LinkState.LIVE)
        await session.gateway.execute(DESK)
        with switch.desk("8011"), switch.citizen("tapped", stay_s=20) as citizen:
            await session.until(lambda news: any(isinstance(item, facts.AgentConnect) for item in news))
            [connect] = [item for item in session.news if isinstance(item, facts.AgentConnect)]
            for leg, tap in zip((connect.channel, connect.dest), taps, strict=True):
                address = f"127.0.0.1:{switch.ports.taps}"
                await session.gateway.execute(SpyToSocket(channel_name=leg.name, tap_id=tap, address=address))  # type: ignore[arg-type]
            async with asyncio.timeout(5):
                while min(ears.frames[tap] for tap in taps) < 50:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            snapshot = await asked_now(session.gateway)
            await session.gateway.execute(HangUpChannel(channel=connect.channel.id))
            await session.until(lambda news: sum(isinstance(item, facts.Hangup) for item in news) == 2)
            assert await asyncio.to_thread(citizen.wait, 10) == 0
        await session.gateway.execute(DESK_LEAVES)
    told = [item for item in session.news if not isinstance(item, FrameRejected)]
    assert told == session.news
    [arrived] = [item for item in told if isinstance(item, facts.UserEvent) and item.name == "HotlineArrived"]
    call_id = arrived.fields["CallId"]
    assert (connect.member, connect.channel.call_id, connect.dest.call_id) == ("9011", call_id, call_id)
    assert ears.sizes == {320}
    live = {each.channel.name: (each.channel.call_id, each.bridge) for each in snapshot.channels}
    assert set(live) == {connect.channel.name, connect.dest.name}, "the taps are no part of the call"
    assert {call for call, _ in live.values()} == {call_id}
    assert len({bridge for _, bridge in live.values()} - {None}) == 1


async def test_a_link_that_comes_up_in_the_middle_of_a_call_finds_it(switch: RunningSwitch) -> None:
    async with connected(switch.ports.ami, switch.secrets.ami, Timings()) as first:
        await first.until_state(LinkState.LIVE)
        with switch.citizen("waiting", stay_s=15):
            await first.until(lambda news: any(isinstance(item, facts.QueueCallerJoin) for item in news))
            async with connected(switch.ports.ami, switch.secrets.ami, Timings()) as second:
                await second.until_state(LinkState.LIVE)
                [snapshot] = [item for item in second.news if isinstance(item, facts.Snapshot)]
                [joined] = [item for item in first.news if isinstance(item, facts.QueueCallerJoin)]
                [entry] = snapshot.entries
                [live] = snapshot.channels
                await second.gateway.execute(HangUpChannel(channel=joined.channel.id))
                await first.until(lambda news: any(isinstance(item, facts.Hangup) for item in news))
    assert entry.channel_id == live.channel.id == live.channel.call_id == joined.channel.id
    assert (entry.queue, entry.position, live.application) == ("hotline", 1, "Queue")


async def test_a_stopped_switch_is_noticed_within_ten_seconds_and_a_killed_one_at_once(
    start_switch: StartSwitch,
) -> None:
    switch = start_switch()
    quick = Timings(ping_every_s=0.5, ping_deadlines_s=(0.3, 0.2), retry_first_s=0.1, retry_most_s=0.3)
    async with connected(switch.ports.ami, switch.secrets.ami, quick) as session:
        await session.until_state(LinkState.LIVE)
        pid = switch.asterisk.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        await session.until(lambda _: "no answer to pings" in session.reasons())
        os.kill(pid, signal.SIGCONT)
        await session.until_state(LinkState.LIVE, times=2)
        os.kill(pid, signal.SIGKILL)
        await session.until(lambda _: "closed by the switch" in session.reasons())
        await asyncio.to_thread(switch.asterisk.stop)
        await asyncio.to_thread(switch.asterisk.start)
        await session.until_state(LinkState.LIVE, times=3)
    starts = [item.started_at for item in session.news if isinstance(item, facts.Snapshot)]
    assert starts[0] == starts[1] < starts[2]
