"""Everything that can be wrong with the path to a real switch: the model ends right, and nothing is asked twice."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from telephony.ami.gateway import Gateway
from telephony.ami.timings import Timings
from telephony.calls import CallPhase
from telephony.commands import CommandOutcome, HangUpCall, OutcomeKind
from telephony.errors import SwitchUnavailable
from telephony.events import CallEnded, DriftRepaired, Event, FrameRejected, LinkState
from telephony.ids import AgentId, CallId
from telephony.runner import Runner
from telephony.switchboard import Switchboard
from tests.api.serving import eventually
from tests.fakes.toxics import Garbage, Latency, Limit, Mute, Slicer, Toxic
from tests.system.switch import RunningSwitch

pytestmark = pytest.mark.asterisk

SEAT = "8011"
TIMINGS = Timings(
    answer_s=1.5,
    ping_every_s=0.5,
    ping_deadlines_s=(0.7, 0.5),
    resync_every_s=1.0,
    retry_first_s=0.05,
    retry_most_s=0.3,
)
CONTROL = {b"Originate", b"Redirect", b"Hangup", b"Bridge", b"QueueAdd", b"QueueRemove"}


class Desk:
    """Our side of the link over a path that can be poisoned."""

    def __init__(self, switch: RunningSwitch, path: Toxic) -> None:
        self.path = path
        self.told: list[Event] = []
        self.switchboard = Switchboard(strangers_stay=True)
        self.gateway = Gateway(
            host="127.0.0.1", port=path.port, username="hotline", secret=switch.secrets.ami, timings=TIMINGS
        )
        self.runner = Runner(gateway=self.gateway, switchboard=self.switchboard, publish=self.told.append)

    async def until(self, condition: Callable[[], object], timeout_s: float = 15) -> None:
        await eventually(condition, timeout_s)

    async def until_link(self, state: LinkState, timeout_s: float = 15) -> None:
        await self.until(lambda: self.runner.link is state, timeout_s)

    async def talking(self) -> CallId:
        def talks() -> list[CallId]:
            return [call.id for call in self.switchboard.calls.values() if call.phase is CallPhase.TALKING]

        await self.until(talks)
        return talks()[0]

    def asked(self) -> Counter[bytes]:
        """Control actions that left us, whole, by everything they say but their id."""
        frames = bytes(self.path.sent).split(b"\r\n\r\n")
        control = [frame for frame in frames if _name(frame) in CONTROL]
        return Counter(re.sub(rb"ActionID: [^\r]*\r\n", b"", frame) for frame in control)


def _name(frame: bytes) -> bytes:
    found = re.search(rb"Action: ([A-Za-z]+)", frame)
    return found[1] if found else b""


@asynccontextmanager
async def desk(switch: RunningSwitch) -> AsyncIterator[Desk]:
    async with Toxic(switch.ports.ami) as path:
        made = Desk(switch, path)
        tasks = [asyncio.create_task(made.gateway.run()), asyncio.create_task(made.runner.run())]
        try:
            await made.until_link(LinkState.LIVE)
            yield made
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def one_call(switch: RunningSwitch, made: Desk, name: str, *, stay_s: float) -> AsyncIterator[CallId]:
    """A citizen in talk with the desk phone, which is a member of the queue."""
    with switch.desk(SEAT), switch.ami() as ami:
        ami.ask(Action="QueueAdd", Queue="hotline", Interface=f"PJSIP/{SEAT}", MemberName=SEAT)
        with switch.citizen(name, stay_s=stay_s):
            try:
                yield await made.talking()
            finally:
                ami.ask(Action="QueueRemove", Queue="hotline", Interface=f"PJSIP/{SEAT}")


def ended(made: Desk, call_id: CallId) -> list[CallEnded]:
    return [event for event in made.told if isinstance(event, CallEnded) and event.call_id == call_id]


async def test_a_call_told_byte_by_byte_is_the_same_call(switch: RunningSwitch) -> None:
    async with desk(switch) as made:
        made.path.down = Slicer(1)
        async with one_call(switch, made, "sliced", stay_s=3) as call_id:
            await made.until(lambda: ended(made, call_id))
        assert [event.outcome for event in ended(made, call_id)] == ["answered"]
        assert not [event for event in made.told if isinstance(event, FrameRejected | DriftRepaired)]


async def test_a_link_that_is_reset_in_a_talk_comes_back_and_the_talk_goes_on(switch: RunningSwitch) -> None:
    async with desk(switch) as made, one_call(switch, made, "reset", stay_s=6) as call_id:
        made.path.reset()
        await made.until_link(LinkState.DOWN)
        await made.until_link(LinkState.LIVE)
        assert made.switchboard.calls[call_id].phase is CallPhase.TALKING
        await made.until(lambda: ended(made, call_id))
        assert [event.outcome for event in ended(made, call_id)] == ["answered"]


async def test_an_end_that_happens_while_the_link_is_away_is_found(switch: RunningSwitch) -> None:
    async with desk(switch) as made, one_call(switch, made, "away", stay_s=3) as call_id:
        made.path.refusing = True
        made.path.drop()
        await made.until_link(LinkState.DOWN)
        with switch.ami() as ami:
            ami.listen(4)
        made.path.heal()
        await made.until(lambda: ended(made, call_id))
        assert [event.talk_s for event in ended(made, call_id)] == [None], "nobody saw the end"


@pytest.mark.parametrize("both", [False, True], ids=["mute", "half-open"])
async def test_a_path_that_swallows_everything_is_noticed_and_left(switch: RunningSwitch, both: bool) -> None:
    async with desk(switch) as made:
        made.path.down = Mute()
        if both:
            made.path.up = Mute()
        await made.until_link(LinkState.DOWN, 4)
        made.path.heal()
        await made.until_link(LinkState.LIVE)
        assert made.path.connections >= 2


async def test_garbage_changes_nothing_and_the_link_goes_on_or_comes_back(switch: RunningSwitch) -> None:
    async with desk(switch) as made, one_call(switch, made, "garbled", stay_s=8) as call_id:
        forged = (
            b"Event: Hangup\r\nPrivilege: call,all\r\nChannel: x\r\nUniqueid: " + call_id.encode() + b"\r\n\r\n"
            b"Event: Shutdown\r\n\r\n"
        )
        for noise in (forged, b"\x00\xff\xfe\r\n\r\n", b"Response: Success\r\nActionID: never\r\n\r\n", b"\xe7\x8e"):
            made.path.down = Garbage(noise)
            await asyncio.sleep(0.7)
        await made.until_link(LinkState.LIVE)
        assert made.switchboard.calls[call_id].phase is CallPhase.TALKING
        assert made.gateway.measures.rejected >= 3
        assert [event for event in made.told if isinstance(event, FrameRejected)]
        assert not ended(made, call_id)


@pytest.mark.parametrize("most", [7, 60, 700, 2500])
async def test_a_connection_that_ends_anywhere_is_replaced(switch: RunningSwitch, most: int) -> None:
    """In the banner, in the answer to the login, in a list."""
    async with desk(switch) as made:
        made.path.down = Limit(most)
        made.path.reset()
        await made.until(lambda: made.path.connections >= 2)
        await asyncio.sleep(0.5)
        made.path.heal()
        made.path.reset()
        await made.until_link(LinkState.LIVE)


async def test_a_slow_path_is_no_broken_one(switch: RunningSwitch) -> None:
    async with desk(switch) as made:
        made.path.down = made.path.up = Latency(0.15)
        await asyncio.sleep(2.5)
        assert made.runner.link is LinkState.LIVE
        assert made.path.connections == 1


async def test_a_hang_up_whose_answer_never_came_is_unknown_and_not_asked_again(switch: RunningSwitch) -> None:
    async with desk(switch) as made, one_call(switch, made, "unanswered", stay_s=30) as call_id:
        await made.until(lambda: made.switchboard.calls[call_id].answered_by)
        made.path.down = Mute()
        command = HangUpCall(call_id=call_id, agent_id=AgentId(SEAT))
        outcome: CommandOutcome = await made.runner.request(command)
        assert outcome.kind is OutcomeKind.UNKNOWN
        await made.until_link(LinkState.DOWN)
        with pytest.raises(SwitchUnavailable):
            await made.runner.request(command)
        made.path.heal()
        await made.until_link(LinkState.LIVE)
        await made.until(lambda: made.switchboard.calls[call_id].phase is CallPhase.ENDED)
        await asyncio.sleep(1.5)
        hang_ups = {frame: times for frame, times in made.asked().items() if b"Action: Hangup" in frame}
        assert list(hang_ups.values()) == [1], "the state settled it"
