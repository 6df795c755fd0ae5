"""A supervisor in a real call: three phones with a tone each, and what each of them hears."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import pytest

from telephony.commands import EndSupervision, SignIn, SignOut, Supervise, TakeOver
from telephony.events import AgentLegEnded, AgentStatus, CallAnswered, CallEnded, CallOutcome, SupervisionChanged
from telephony.ids import AgentId, CallId, ChannelId, SeatId
from telephony.orders import DialLeg
from telephony.targets import SpyMode
from tests.fakes.rtp_sound import Sound
from tests.fakes.sip_phones import SipPhone, Talk
from tests.system.switch import CITIZENS, DESKS, RunningSwitch
from tests.telephony.on_asterisk.test_runner_on_asterisk import ME, SIGN_IN, Process, process

pytestmark = pytest.mark.asterisk

SUPERVISOR = AgentId("9012")
SITS_DOWN = SignIn(agent_id=SUPERVISOR, seat=SeatId("8012"), queues=())
CITIZEN_HZ, OPERATOR_HZ, SUPERVISOR_HZ = 450.0, 1000.0, 1700.0
"""Whole numbers of waves in a packet: one that is lost shifts none of them."""


@dataclass
class Party:
    phone: SipPhone
    sound: Sound

    @property
    def talk(self) -> Talk:
        return list(self.phone.talks.values())[-1]


@dataclass
class Scene:
    one: Process
    citizen: Party
    operator: Party
    supervisor: Party
    call_id: CallId

    def status(self) -> AgentStatus:
        return self.one.board.agents[SUPERVISOR].status

    async def heard_by(self, seconds: float = 0.8) -> dict[str, set[str]]:
        """Who hears whom, from now on."""
        parties = {"citizen": self.citizen, "operator": self.operator, "supervisor": self.supervisor}
        return await self.hear(parties, seconds)

    async def hear(self, parties: dict[str, Party], seconds: float = 0.8) -> dict[str, set[str]]:
        """Who of these hears whom, from now on."""
        since = time.monotonic() + 0.3
        await asyncio.sleep(0.3 + seconds)
        tones = {name: party.sound.tone_hz for name, party in parties.items()}
        return {
            name: {who for who in tones if who != name and party.sound.hears(tones[who], since, since + seconds)}
            for name, party in parties.items()
        }

    async def until_heard(self, parties: dict[str, Party], expected: dict[str, set[str]]) -> None:
        """A busy machine may lose a packet here and there: it is listened to again."""
        for _ in range(4):
            heard = await self.hear(parties)
            if heard == expected:
                return
        assert heard == expected

    async def supervise(self, mode: SpyMode) -> None:
        await self.one.runner.request(Supervise(call_id=self.call_id, agent_id=SUPERVISOR, mode=mode))
        await self.one.until(lambda: self.call_id in self.one.board.supervisions)
        self.supervisor.sound.speak_to(self.supervisor.talk.media)


@asynccontextmanager
async def scene(switch: RunningSwitch) -> AsyncIterator[Scene]:
    """Operator and citizen talk; the supervisor has signed in to a phone, and to no queue."""
    port = switch.ports.centres
    async with AsyncExitStack() as stack:
        parties = []
        for host, at, tone in (
            (CITIZENS, switch.ports.citizens, CITIZEN_HZ),
            (DESKS["8011"], port, OPERATOR_HZ),
            (DESKS["8012"], port, SUPERVISOR_HZ),
        ):
            phone = await SipPhone(host, at).open()
            stack.push_async_callback(phone.close)
            parties.append(Party(phone, await stack.enter_async_context(Sound(host, at + 500, tone))))
        citizen, operator, supervisor = parties
        one = await stack.enter_async_context(process(switch))
        await one.runner.request(SIGN_IN)
        await one.runner.request(SITS_DOWN)
        citizen.phone.call("12345", ("127.0.0.1", switch.ports.sip), caller="13800000001")
        await one.until(lambda: one.status() is AgentStatus.TALKING)
        for party in (citizen, operator):
            party.sound.speak_to(party.talk.media)
        [call_id] = one.board.calls
        yield Scene(one, citizen, operator, supervisor, call_id)
        citizen.talk.hang_up()
        await one.until(lambda: one.of_kind(CallEnded))
        await one.until(lambda: one.board.agents[SUPERVISOR].status not in (AgentStatus.TALKING, AgentStatus.RINGING))
        for agent_id in (ME, SUPERVISOR):
            await one.runner.request(SignOut(agent_id=agent_id))


async def test_each_mode_is_heard_by_those_for_whom_it_is(switch: RunningSwitch) -> None:
    async with scene(switch) as on:
        talking = {"citizen": {"operator"}, "operator": {"citizen"}}
        assert await on.heard_by() == talking | {"supervisor": set()}
        both = {"supervisor": {"citizen", "operator"}}
        await on.supervise(SpyMode.LISTEN)
        assert on.supervisor.talk.header("X-Hotline-Supervise") == "1"
        assert on.supervisor.talk.header("Call-Info").endswith(";answer-after=0")
        assert await on.heard_by() == talking | both
        await on.supervise(SpyMode.WHISPER)
        assert await on.heard_by() == {"citizen": {"operator"}, "operator": {"citizen", "supervisor"}} | both
        await on.supervise(SpyMode.BARGE)
        joined = {"citizen": {"operator", "supervisor"}, "operator": {"citizen", "supervisor"}}
        assert await on.heard_by() == joined | both
        await on.supervise(SpyMode.LISTEN)
        assert await on.heard_by() == talking | both
        assert len(on.supervisor.phone.talks) == 1, "one session through all modes"
        await on.one.comparisons()
        on.one.assert_in_step()
        assert [leg.agent_id for leg in on.one.board.calls[on.call_id].legs] == [None, ME]


async def test_supervision_ends_when_asked_with_nobody_else_noticing(switch: RunningSwitch) -> None:
    async with scene(switch) as on:
        await on.supervise(SpyMode.BARGE)
        await on.one.runner.request(EndSupervision(call_id=on.call_id, agent_id=SUPERVISOR))
        await on.one.until(lambda: on.status() is AgentStatus.READY)
        assert on.one.board.supervisions == {}
        heard = await on.heard_by()
        assert (heard["citizen"], heard["operator"]) == ({"operator"}, {"citizen"})
        assert [event.mode for event in on.one.of_kind(SupervisionChanged)] == [SpyMode.BARGE, None]


@pytest.mark.parametrize("mode", list(SpyMode))
async def test_supervision_ends_with_the_call(switch: RunningSwitch, mode: SpyMode) -> None:
    async with scene(switch) as on:
        await on.supervise(mode)
        on.citizen.talk.hang_up()
        await on.one.until(lambda: on.status() is AgentStatus.READY, within_s=3)
        await on.one.until(on.supervisor.talk.ended.is_set, within_s=3)
        assert on.one.status() is AgentStatus.WRAPPING_UP


async def test_a_supervisor_takes_over_without_a_gap(switch: RunningSwitch) -> None:
    async with scene(switch) as on:
        await on.supervise(SpyMode.LISTEN)
        await asyncio.sleep(0.5)
        since = time.monotonic()
        await on.one.runner.request(TakeOver(call_id=on.call_id, agent_id=SUPERVISOR))
        await on.one.until(lambda: on.one.of_kind(AgentLegEnded))
        await on.one.until(on.operator.talk.ended.is_set)
        heard = await on.heard_by()
        assert (heard["citizen"], heard["supervisor"]) == ({"supervisor"}, {"citizen"})
        gap = on.citizen.sound.longest_silence_s((OPERATOR_HZ, SUPERVISOR_HZ), since, time.monotonic())
        print(f"longest silence for the citizen: {gap * 1000:.0f} ms")
        assert gap < 0.2
        assert (on.one.status(), on.status()) == (AgentStatus.WRAPPING_UP, AgentStatus.TALKING)
        call = on.one.board.calls[on.call_id]
        assert (call.answered_by, call.agent_left_at) == (SUPERVISOR, None)
        assert [(event.agent_id, event.transferred) for event in on.one.of_kind(CallAnswered)] == [
            (ME, False),
            (SUPERVISOR, True),
        ]
        assert on.one.board.supervisions == {}
        await on.one.comparisons()
        on.one.assert_in_step()
        on.supervisor.talk.hang_up()
        await on.one.until(lambda: on.one.of_kind(CallEnded), within_s=5)
        [ended] = on.one.of_kind(CallEnded)
        assert (ended.outcome, ended.ended_by) == (CallOutcome.ANSWERED, "operator")
        assert on.status() is AgentStatus.WRAPPING_UP


async def test_a_supervisor_who_took_over_and_is_lost_leaves_the_citizen_in_front_of_the_queue(
    switch: RunningSwitch,
) -> None:
    async with scene(switch) as on:
        await on.supervise(SpyMode.LISTEN)
        await on.one.runner.request(TakeOver(call_id=on.call_id, agent_id=SUPERVISOR))
        await on.one.until(on.operator.talk.ended.is_set)
        on.supervisor.talk.hang_up(reason='Q.850;cause=41;text="media lost"')
        await on.one.until(lambda: on.status() is AgentStatus.WRAPPING_UP)
        await on.one.until(lambda: on.call_id in on.one.board.waiting[on.one.board.calls[on.call_id].queue or ""])
        assert on.one.of_kind(CallEnded) == []


async def test_a_supervision_is_found_again_after_a_restart_of_ours(switch: RunningSwitch) -> None:
    async with scene(switch) as on:
        await on.supervise(SpyMode.WHISPER)
        async with process(switch) as second:
            await second.runner.request(SIGN_IN)
            await second.runner.request(SITS_DOWN)
            await second.until(lambda: on.call_id in second.board.supervisions)
            found = second.board.supervisions[on.call_id]
            assert (found.agent_id, found.operator, found.mode) == (SUPERVISOR, ME, SpyMode.WHISPER)
            assert second.board.agents[SUPERVISOR].status is AgentStatus.TALKING


@asynccontextmanager
async def third_party(on: Scene, switch: RunningSwitch) -> AsyncIterator[Party]:
    """Somebody else comes into the talk, as a centre would."""
    phone = await SipPhone(DESKS["8013"], switch.ports.centres).open()
    async with Sound(DESKS["8013"], switch.ports.centres + 500, 2300.0) as sound:
        leg = ChannelId(f"{on.call_id}-t9999")
        order = DialLeg(
            leg=leg, call_id=on.call_id, endpoint="8013", context="join", exten="s", ring_s=10, caller_number="12345"
        )
        await on.one.gateway.execute(order)
        await on.one.until(lambda: len([one for one in on.one.board.calls[on.call_id].legs if one.answered_at]) == 3)
        third = Party(phone, sound)
        sound.speak_to(third.talk.media)
        yield third
        third.talk.hang_up()
        await phone.close()


async def test_where_three_talk_all_of_them_hear_who_barges_in(switch: RunningSwitch) -> None:
    async with scene(switch) as on, third_party(on, switch) as third:
        parties = {"citizen": on.citizen, "operator": on.operator, "supervisor": on.supervisor, "third": third}
        everybody = set(parties)
        await on.supervise(SpyMode.BARGE)
        await on.one.until(lambda: on.one.board.supervisions[on.call_id].joined)
        all_hear_all = {name: everybody - {name} for name in parties}
        await on.until_heard(parties, all_hear_all)
        await on.supervise(SpyMode.LISTEN)
        others = {name: everybody - {name, "supervisor"} for name in parties}
        await on.until_heard(parties, others | {"supervisor": all_hear_all["supervisor"]})
        await on.supervise(SpyMode.BARGE)
        await on.one.until(lambda: on.one.board.supervisions[on.call_id].joined)
        on.citizen.talk.hang_up()
        await on.one.until(lambda: on.status() is AgentStatus.READY, within_s=5)
        assert on.supervisor.talk.ended.is_set()
        on.operator.talk.hang_up()
