"""Ordinary SIP phones as seats, on a real switch: registering, answering, holding, hanging up, and falling silent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from telephony.calls import CallPhase
from telephony.commands import SignIn, SignOut
from telephony.dialplan.topology import DeskPhone as Plan
from telephony.events import AgentStatus, CallEnded, CallHeld, CallResumed, PauseReason
from telephony.ids import SeatId
from telephony.targets import SeatKind
from tests.fakes.desk_phones import DeskPhone
from tests.fakes.sip_phones import Behaviour, SipPhone, answering, ringing
from tests.fakes.stories import HOTLINE
from tests.system.switch import CITIZENS, RunningSwitch, topology
from tests.telephony.on_asterisk.test_outbound_on_asterisk import only, place
from tests.telephony.on_asterisk.test_runner_on_asterisk import ME, Process, process

pytestmark = pytest.mark.asterisk

SEAT, TCP_SEAT = "8101", "8102"
HOST, STRANGER = "127.0.0.21", "127.0.0.22"
PLAN = topology().model_copy(
    update={
        "desk_phones": [
            Plan(seat=SEAT, allow=[f"{HOST}/32"]),
            Plan(seat=TCP_SEAT, allow=[f"{HOST}/32"], transport="tcp"),
        ]
    }
)
SITS_DOWN = SignIn(agent_id=ME, seat=SeatId(SEAT), kind=SeatKind.DESK_PHONE, queues=(HOTLINE,))


def phone_of(switch: RunningSwitch, behave: Behaviour | None = None, *, host: str = HOST) -> DeskPhone:
    return DeskPhone(SEAT, switch.secrets.desk_phones[SEAT], host, switch.ports.base + 60, behave)


@asynccontextmanager
async def registered(switch: RunningSwitch, behave: Behaviour | None = None) -> AsyncIterator[DeskPhone]:
    phone = phone_of(switch, behave)
    await phone.open()
    try:
        assert await phone.register(("127.0.0.1", switch.ports.sip)) == 200
        yield phone
    finally:
        phone.plug_in()
        await phone.close()


@asynccontextmanager
async def citizen_of(switch: RunningSwitch) -> AsyncIterator[SipPhone]:
    phone = await SipPhone(CITIZENS, switch.ports.base + 30).open()
    try:
        yield phone
    finally:
        await phone.close()


def calls(citizen: SipPhone, switch: RunningSwitch) -> None:
    citizen.call("12345", ("127.0.0.1", switch.ports.sip), caller="13800000001")


async def ready(one: Process) -> None:
    await one.runner.request(SITS_DOWN)
    await one.until(lambda: one.status() is AgentStatus.READY)


def reasons(one: Process) -> frozenset[PauseReason]:
    return one.board.agents[ME].reasons


async def test_it_registers_with_its_secret_and_from_its_own_network_only(switch: RunningSwitch) -> None:
    where = ("127.0.0.1", switch.ports.sip)
    stranger = phone_of(switch, host=STRANGER)
    liar = DeskPhone(SEAT, "not the secret of it", HOST, switch.ports.base + 61)
    other = DeskPhone("8001", switch.secrets.desk_phones[SEAT], HOST, switch.ports.base + 62)
    for phone in (stranger, liar, other):
        await phone.open()
        try:
            assert await phone.register(where) != 200
        finally:
            await phone.close()
    async with registered(switch):
        assert f"sip:phone@{HOST}" in switch.asterisk.console("pjsip show contacts")


async def test_a_call_is_answered_held_and_hung_up_on_the_phone(switch: RunningSwitch) -> None:
    async with process(switch) as one, registered(switch, ringing) as phone, citizen_of(switch) as citizen:
        await ready(one)
        calls(citizen, switch)
        await one.until(lambda: one.status() is AgentStatus.RINGING)
        talk = only(phone)
        assert "13800000001" not in str(talk.invite), "the screen shows the number, masked; the phone does not"
        assert talk.header("Call-Info") == "", "a citizen's call is answered by hand"
        assert talk.header("X-Hotline-Call-Id") == one.board.agents[ME].call_id
        talk.answer()
        await one.until(lambda: one.status() is AgentStatus.TALKING)
        talk.hold(True)
        await one.until(lambda: one.of_kind(CallHeld))
        assert next(iter(one.board.calls.values())).phase is CallPhase.HELD
        talk.hold(False)
        await one.until(lambda: one.of_kind(CallResumed))
        talk.hang_up()
        await one.until(lambda: one.of_kind(CallEnded))
        assert one.of_kind(CallEnded)[0].ended_by == "operator"
        assert one.status() is AgentStatus.WRAPPING_UP
        await one.runner.request(SignOut(agent_id=ME))
        one.assert_in_step()


async def test_a_phone_that_is_unplugged_is_no_longer_ready_within_ten_seconds(switch: RunningSwitch) -> None:
    async with process(switch) as one, registered(switch) as phone:
        await ready(one)
        phone.unplug()
        began = time.monotonic()
        await one.until(lambda: PauseReason.DEVICE_LOST in reasons(one), within_s=10)
        print(f"unplugged -> device lost: {time.monotonic() - began:.1f} s")
        assert one.status() is AgentStatus.PAUSED
        phone.plug_in()
        await one.until(lambda: one.status() is AgentStatus.READY, within_s=10)
        await one.runner.request(SignOut(agent_id=ME))


async def test_in_a_talk_too_and_it_is_not_ready_after_it(switch: RunningSwitch) -> None:
    async with process(switch) as one, registered(switch) as phone, citizen_of(switch) as citizen:
        await ready(one)
        calls(citizen, switch)
        await one.until(lambda: one.status() is AgentStatus.TALKING)
        phone.unplug()
        await one.until(lambda: PauseReason.DEVICE_LOST in reasons(one), within_s=10)
        assert one.status() is AgentStatus.TALKING, "the talk is not cut for it"
        await one.comparisons()
        assert PauseReason.DEVICE_LOST in reasons(one), "the switch says in use all the while"
        only(citizen).hang_up()
        await one.until(lambda: one.status() is AgentStatus.WRAPPING_UP)
        assert PauseReason.DEVICE_LOST in reasons(one)
        await one.runner.request(SignOut(agent_id=ME))


async def test_a_phone_that_is_nowhere_is_not_ready(switch: RunningSwitch) -> None:
    async with process(switch) as one:
        await one.runner.request(
            SignIn(agent_id=ME, seat=SeatId(TCP_SEAT), kind=SeatKind.DESK_PHONE, queues=(HOTLINE,))
        )
        await asyncio.sleep(0.5)
        assert (one.status(), reasons(one)) == (AgentStatus.PAUSED, {PauseReason.DEVICE_LOST})
        await one.runner.request(SignOut(agent_id=ME))


async def test_the_own_leg_of_a_placed_call_asks_the_phone_to_answer_by_itself(switch: RunningSwitch) -> None:
    far = await SipPhone(CITIZENS, switch.ports.citizens, answering).open()
    async with process(switch) as one, registered(switch) as phone:
        await ready(one)
        call_id = await place(one)
        await one.until(lambda: one.status() is AgentStatus.TALKING)
        talk = only(phone)
        assert talk.header("Call-Info").endswith(";answer-after=0")
        assert ";info=alert-autoanswer" in talk.header("Alert-Info")
        assert one.board.calls[call_id].phase is CallPhase.TALKING
        only(far).hang_up()
        await one.until(lambda: one.of_kind(CallEnded))
        await one.runner.request(SignOut(agent_id=ME))
    await far.close()
