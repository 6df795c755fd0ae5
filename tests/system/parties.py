"""Many conversations at once on one real switch, with our process beside it and telephones that do as they are told.

async with parties(switch) as all_:                   # the switch of ``plan()``: desks 8021.. are seats
    talk = await all_.talk()                          # a citizen and an operator talk
    await all_.ask(CallTarget(...))
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest

from api.demo.switch import Source
from telephony.ami.gateway import Gateway
from telephony.ami.timings import Timings
from telephony.calls import Call, CallPhase
from telephony.commands import CallTarget, Command, CommandOutcome, GoPrivate, LeaveCall, SignIn, SignOut
from telephony.dialplan.reach import reach_of
from telephony.dialplan.topology import Topology, default_text, parse
from telephony.errors import TelephonyError
from telephony.events import Event, LinkState, TransferStepped
from telephony.ids import AgentId, CallId, SeatId
from telephony.runner import Runner
from telephony.switchboard import Switchboard
from telephony.targets import Target, TargetKind, TransferMode
from telephony.transfers import Transfer, TransferState
from tests.fakes.sip_phones import Behaviour, SipPhone, Talk, answering, ringing, silent
from tests.fakes.stories import HOTLINE
from tests.system.switch import RunningSwitch, _factory

DESKS = tuple(str(8021 + number) for number in range(20))
DESK_HOST = "127.0.0.11"
CENTRES = ("110", "119", "120", "122", "12366")
FIRST_SIGN_S = 1
RING_S = 5
E = TypeVar("E", bound=Event)


def plan() -> Topology:
    """The packaged topology with short times, without prompts, and with desk phones for many operators."""
    text = default_text().replace('prompts = ["greeting", "recording-notice"]', "prompts = []")
    text = text.replace("first_sign_s = 3", f"first_sign_s = {FIRST_SIGN_S}")
    text = text.replace("ring_s = 20", f"ring_s = {RING_S}")
    for place, desk in enumerate(DESKS):
        text += f'\n[[centres]]\ncode = "{desk}"\nname = "desk"\nhost = "{DESK_HOST}"\nport_offset = {40 + place}\n'
    return parse(text)


def centre_hosts() -> dict[str, tuple[str, str]]:
    """Addresses of the two ways to each centre."""
    return {code: (f"127.0.0.{place}", f"127.0.1.{place}") for place, code in enumerate(CENTRES, start=3)}


@dataclass
class Conversation:
    """A citizen and the operator who answered, as their phones and the model see it."""

    number: str
    citizen: Talk
    operator: Talk
    agent: AgentId
    call_id: CallId
    all_: Parties

    @property
    def call(self) -> Call:
        return self.all_.board.calls[self.call_id]

    @property
    def transfer(self) -> Transfer:
        return self.all_.board.transfers[self.call_id]

    @property
    def steps(self) -> list[tuple[str, str | None]]:
        """Step and reason of everything that was told of its transfers, since the present process lives."""
        told = [one for one in self.all_.of_kind(TransferStepped) if one.call_id == self.call_id]
        return [(one.step.value, one.reason.value if one.reason else None) for one in told]

    async def until(self, condition: Callable[[], object], within_s: float = 15.0) -> None:
        """Says what happened instead, where it does not come true."""
        try:
            await until(condition, within_s)
        except AssertionError:
            call = self.call
            legs = [(leg.channel, leg.role, leg.ended_at is None, leg.cause) for leg in call.legs]
            raise AssertionError(f"{self.steps} {call.phase} {call.answered_by} {legs} served={self.served}") from None

    @property
    def served(self) -> bool:
        """The citizen's phone is still in a call."""
        return not self.citizen.ended.is_set()


class Process:
    """One life of our process beside the switch."""

    def __init__(
        self, switch: RunningSwitch, plan: Topology, *, resync_every_s: float, ami_port: int | None = None
    ) -> None:
        self.gateway = Gateway(
            host="127.0.0.1",
            port=ami_port or switch.ports.ami,
            username="hotline",
            secret=switch.secrets.ami,
            timings=Timings(resync_every_s=resync_every_s),
        )
        self.board = Switchboard(wrap_up_s=0.05, reach=reach_of(plan), strangers_stay=True)
        self.events: list[Event] = []
        self.listeners: list[Callable[[Event], None]] = []
        self.runner = Runner(gateway=self.gateway, switchboard=self.board, publish=self._publish)
        self.tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        self.tasks = [asyncio.create_task(self.gateway.run()), asyncio.create_task(self.runner.run())]
        await until(lambda: self.runner.link is LinkState.LIVE)

    def _publish(self, event: Event) -> None:
        self.events.append(event)
        for listener in self.listeners:
            listener(event)

    async def kill(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


@dataclass
class Parties:
    """The switch, our process and everybody's phones.

    ``far`` are the two ways to each centre, ``outside`` is the public network. What each way does with a call of a
    citizen stands in ``will`` under the citizen's number; by default the second is silent and everybody else answers.
    """

    switch: RunningSwitch
    process: Process
    citizens: SipPhone
    desks: dict[str, SipPhone]
    far: dict[str, tuple[SipPhone, SipPhone]]
    outside: SipPhone
    will: dict[tuple[str, str], Behaviour] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(13800000001))
    _free: asyncio.Queue[str] = field(default_factory=asyncio.Queue)

    @property
    def board(self) -> Switchboard:
        return self.process.board

    def of_kind(self, kind: type[E]) -> list[E]:
        return [event for event in self.process.events if isinstance(event, kind)]

    async def ask(self, command: Command) -> CommandOutcome:
        return await self.process.runner.request(command)

    async def seat(self) -> AgentId:
        """Somebody signed in and ready at a desk that nobody else uses meanwhile."""
        desk = await self._free.get()
        agent = AgentId(desk)
        await self.ask(SignIn(agent_id=agent, seat=SeatId(desk), queues=(HOTLINE,)))
        return agent

    def free(self, desk: str) -> None:
        self._free.put_nowait(desk)

    async def leave(self, agent: AgentId) -> None:
        """Sign out, and let another test have the desk."""

        async def out() -> bool:
            try:
                await self.ask(SignOut(agent_id=agent))
            except TelephonyError:
                return agent not in self.board.agents
            return True

        for _ in range(100):
            if await out():
                break
            await asyncio.sleep(0.1)
        self.free(agent)

    async def talk(self) -> Conversation:
        """One more citizen calls, and whoever is free answers."""
        number = str(next(self._numbers))
        desk = await self.seat()
        citizen = self.citizens.call("12345", ("127.0.0.1", self.switch.ports.sip), caller=number)
        await until(lambda: self._answered(number))
        call = self._answered(number)
        assert call is not None
        assert call.answered_by is not None
        taken = str(call.answered_by)
        if taken != desk:  # two citizens called at once, and the queue chose otherwise
            desk = AgentId(taken)
        operator = list(self.desks[taken].talks.values())[-1]
        return Conversation(number, citizen, operator, AgentId(taken), call.id, self)

    def _answered(self, number: str) -> Call | None:
        calls = (call for call in self.board.calls.values() if call.caller_number == number)
        return next((call for call in calls if call.phase is CallPhase.TALKING and call.answered_by), None)

    async def clear(self, talk: Conversation) -> None:
        """End what is left of it."""
        for one in (talk.citizen, talk.operator):
            one.hang_up()
        for phones in self.far.values():
            for phone in phones:
                for far in phone.talks.values():
                    if far.caller == talk.number and far.answered.is_set():
                        far.hang_up()
        await talk.until(lambda: talk.call.phase is CallPhase.ENDED)
        await self.leave(talk.agent)

    def at_centre(self, code: str, number: str, way: int = 1) -> list[Talk]:
        """What that way of the centre saw of this citizen."""
        return [one for one in self.far[code][way - 1].talks.values() if one.caller == number]

    def willing(self, way: str, otherwise: Behaviour) -> Behaviour:
        """Does what the test wants of this way for this citizen."""

        async def behave(talk: Talk) -> None:
            await self.will.get((way, talk.caller), otherwise)(talk)

        return behave

    async def restart(self) -> None:
        """Our process is killed, and another one started."""
        await self.process.kill()
        await self.start_again()

    async def start_again(self) -> None:
        self.process = Process(self.switch, plan(), resync_every_s=2.0)
        await self.process.start()


def centre(code: str) -> Target:
    return Target(kind=TargetKind.CENTRE, value=code)


async def transfer(talk: Conversation, target: Target, mode: TransferMode = TransferMode.THREE_WAY) -> None:
    await talk.all_.ask(CallTarget(call_id=talk.call_id, agent_id=talk.agent, target=target, mode=mode))


async def reach(talk: Conversation, state: TransferState) -> None:
    """Bring a transfer to 110 into this state."""
    if state in (TransferState.DIALLING, TransferState.RINGING):
        talk.all_.will["first", talk.number] = ringing if state is TransferState.RINGING else silent
    await transfer(talk, centre("110"))
    wanted = TransferState.JOINED if state in (TransferState.PRIVATE, TransferState.HANDED_OVER) else state
    await talk.until(lambda: talk.transfer.state is wanted)
    if state is TransferState.PRIVATE:
        await talk.all_.ask(GoPrivate(call_id=talk.call_id, agent_id=talk.agent))
    elif state is TransferState.HANDED_OVER:
        await talk.all_.ask(LeaveCall(call_id=talk.call_id, agent_id=talk.agent))
    await talk.until(lambda: talk.transfer.state is state)


def in_one_bridge(talk: Conversation, role: str) -> bool:
    found = talk.all_.board._calls.evidence(talk.call_id)
    assert found is not None
    ledger, legs = found
    bridge = legs[ledger.citizen].bridge.value
    others = [leg.channel for leg in talk.call.legs if leg.role == role and leg.ended_at is None]
    return bridge is not None and any(legs[channel].bridge.value == bridge for channel in others)


async def until(condition: Callable[[], object], within_s: float = 15.0) -> float:
    """Seconds that it took."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > within_s:
            raise AssertionError("did not come true")
        await asyncio.sleep(0.01)
    return time.monotonic() - began


@asynccontextmanager
async def parties(switch: RunningSwitch, *, ami_port: int | None = None) -> AsyncIterator[Parties]:
    """``ami_port``: of a path to the switch that a test can cut."""
    ports = switch.ports
    async with AsyncExitStack() as stack:

        async def phone(host: str, port: int) -> SipPhone:
            made = await SipPhone(host, port).open()
            stack.push_async_callback(made.close)
            return made

        made = Parties(
            switch=switch,
            process=Process(switch, plan(), resync_every_s=2.0, ami_port=ami_port),
            citizens=await phone("127.0.0.2", ports.base + 30),
            desks={desk: await phone(DESK_HOST, ports.base + 40 + place) for place, desk in enumerate(DESKS)},
            far={
                code: (await phone(first, ports.centres), await phone(second, ports.centres))
                for code, (first, second) in centre_hosts().items()
            },
            outside=await phone("127.0.0.2", ports.citizens),
        )
        for first, second in made.far.values():
            first.behave = made.willing("first", answering)
            second.behave = made.willing("second", silent)
        for desk in DESKS:
            made.free(desk)
        try:
            await made.process.start()
            yield made
        finally:
            await made.process.kill()
            await asyncio.to_thread(switch.clear)


@pytest.fixture(scope="module")
def centres(
    switch_source: Source, built_prompts: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningSwitch]:
    """A switch of the file's own, with the centres of ``plan``."""
    maker = _factory(switch_source, built_prompts, tmp_path_factory)
    yield next(maker)(plan=plan())
    maker.close()


@pytest.fixture
async def everybody(centres: RunningSwitch) -> AsyncIterator[Parties]:
    async with parties(centres) as all_:
        yield all_
