"""Calls that operators place, on a real switch: who is called first, what the citizen sees, how each came out."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from telephony.calls import CallPhase, LegRole
from telephony.commands import PlaceCall, Ready, RecoverCall, SignOut
from telephony.dialplan.topology import Numbers
from telephony.events import (
    AgentStatus,
    CallAnswered,
    CallEnded,
    CallOffered,
    CallOutcome,
    CallPlaced,
    CallQueued,
    MachineHeard,
)
from telephony.ids import CallId, LineNumber
from telephony.outbound import new_call_id
from tests.fakes.sip_phones import Behaviour, SipPhone, Talk, answering, busy_in_sound, refusing, ringing, silent
from tests.system.switch import CITIZENS, DESKS, RunningSwitch, topology
from tests.system.test_switch_machines import MAILBOX, voice
from tests.telephony.ami.running import asked_now
from tests.telephony.on_asterisk.test_runner_on_asterisk import ME, SIGN_IN, Process, process

pytestmark = pytest.mark.asterisk

NUMBER = "13800000001"
PLAN = topology()
PLAN = PLAN.model_copy(update={"numbers": Numbers(trunk=PLAN.trunks[0].name, ring_s=5)})


@asynccontextmanager
async def phones(
    switch: RunningSwitch, citizen: Behaviour, desk: Behaviour = answering
) -> AsyncIterator[list[SipPhone]]:
    """The desk phone 8011 and the carrier, behind which the citizen does as told."""
    opened = [
        await SipPhone(DESKS["8011"], switch.ports.centres, desk).open(),
        await SipPhone(CITIZENS, switch.ports.citizens, citizen).open(),
    ]
    try:
        yield opened
    finally:
        for phone in opened:
            await phone.close()


async def signed_in(one: Process) -> None:
    await one.runner.request(SIGN_IN)
    await one.until(lambda: one.status() is AgentStatus.READY)


async def place(one: Process) -> CallId:
    call_id = new_call_id(datetime.now(UTC), random.randrange(10**6))
    await one.runner.request(PlaceCall(call_id=call_id, agent_id=ME, number=NUMBER, line=LineNumber("12345")))
    return call_id


def only(phone: SipPhone) -> Talk:
    [talk] = phone.talks.values()
    return talk


async def test_the_operator_is_rung_first_and_the_citizen_sees_the_line(switch: RunningSwitch) -> None:
    async with process(switch) as one, phones(switch, answering) as (desk, citizen):
        await signed_in(one)
        call_id = await place(one)
        assert one.status() is AgentStatus.RINGING
        await one.until(lambda: one.status() is AgentStatus.TALKING)
        assert only(desk).invited_at < only(citizen).invited_at
        assert only(desk).header("X-Hotline-Outbound") == "1"
        assert only(desk).header("X-Hotline-Call-Id") == call_id
        assert only(citizen).caller == "12345"
        assert NUMBER in only(citizen).header("To")
        call = one.board.calls[call_id]
        assert (call.direction, call.placed_by, call.answered_by) == ("outbound", ME, ME)
        assert (call.phase, call.caller_number, call.line) == (CallPhase.TALKING, NUMBER, "12345")
        assert {leg.channel == call_id: leg.role for leg in call.legs} == {
            True: LegRole.OPERATOR,
            False: LegRole.CITIZEN,
        }
        [member] = (await asked_now(one.gateway)).members
        assert (member.paused, member.paused_reason) == (True, "in_call")
        await one.comparisons()
        only(citizen).hang_up()
        await one.until(lambda: one.of_kind(CallEnded))
        assert one.status() is AgentStatus.WRAPPING_UP
        [placed], [answered], [ended] = one.of_kind(CallPlaced), one.of_kind(CallAnswered), one.of_kind(CallEnded)
        assert (placed.number, placed.agent_id, answered.operator) == (NUMBER, ME, call_id)
        assert answered.citizen not in ("", call_id)
        assert (ended.outcome, ended.ended_by) == (CallOutcome.ANSWERED, "caller")
        assert ended.talk_s is not None
        assert one.of_kind(CallOffered) == []
        for part in ("", "-caller", "-operator"):
            assert (switch.recordings / f"{call_id}{part}.wav").exists()
        await one.runner.request(SignOut(agent_id=ME))
        one.assert_in_step()


async def test_a_mailbox_that_answers_is_told_of_and_disturbs_nothing(switch: RunningSwitch, tmp_path: Path) -> None:
    speech = await asyncio.to_thread(voice, tmp_path / "mailbox.wav", MAILBOX)
    desk = await SipPhone(DESKS["8011"], switch.ports.centres).open()
    async with process(switch) as one:
        with switch.called("mailbox", ring_s=0.3, speech=speech):
            await signed_in(one)
            call_id = await place(one)
            await one.until(lambda: one.of_kind(MachineHeard))
            assert one.board.calls[call_id].machine
            assert len(one.board.calls[call_id].legs) == 2
            await one.comparisons()
            only(desk).hang_up()
            await one.until(lambda: one.of_kind(CallEnded))
            await one.runner.request(SignOut(agent_id=ME))
            one.assert_in_step()
    await desk.close()


@pytest.mark.parametrize(
    ("citizen", "outcome"),
    [
        (refusing(486), CallOutcome.BUSY),
        (refusing(600), CallOutcome.BUSY),
        (refusing(603), CallOutcome.DECLINED),
        (refusing(404), CallOutcome.NOT_FOUND),
        (refusing(484), CallOutcome.NOT_FOUND),
        (refusing(480), CallOutcome.NO_ANSWER),
        (refusing(503), CallOutcome.UNAVAILABLE),
    ],
    ids=["486", "600", "603", "404", "484", "480", "503"],
)
async def test_what_became_of_it_is_told_apart(switch: RunningSwitch, citizen: Behaviour, outcome: CallOutcome) -> None:
    async with process(switch) as one, phones(switch, citizen):
        await signed_in(one)
        await place(one)
        await one.until(lambda: one.of_kind(CallEnded), within_s=60)
        [ended] = one.of_kind(CallEnded)
        assert (ended.outcome, ended.talk_s, ended.wait_s) == (outcome, None, None)
        assert one.status() is AgentStatus.WRAPPING_UP, "the attempt is written up"
        await one.runner.request(SignOut(agent_id=ME))
        one.assert_in_step()


@pytest.mark.parametrize("citizen", [ringing, busy_in_sound, silent], ids=["rings", "busy tone", "says nothing"])
async def test_a_phone_that_is_not_picked_up_is_let_go_in_time(switch: RunningSwitch, citizen: Behaviour) -> None:
    async with process(switch) as one, phones(switch, citizen):
        await signed_in(one)
        await place(one)
        await one.until(lambda: one.of_kind(CallEnded))
        assert [event.outcome for event in one.of_kind(CallEnded)] == [CallOutcome.NO_ANSWER]


async def test_an_operator_who_hangs_up_first_has_cancelled_it(switch: RunningSwitch) -> None:
    async with process(switch) as one, phones(switch, ringing) as (desk, citizen):
        await signed_in(one)
        await place(one)
        await one.until(lambda: citizen.talks)
        only(desk).hang_up()
        await one.until(lambda: one.of_kind(CallEnded))
        [ended] = one.of_kind(CallEnded)
        assert (ended.outcome, ended.ended_by) == (CallOutcome.CANCELLED, "operator")
        assert only(citizen).ended.is_set()
        await one.runner.request(SignOut(agent_id=ME))


@pytest.mark.parametrize("desk", [refusing(486), silent], ids=["refuses", "is dead"])
async def test_without_the_operators_own_phone_nobody_is_called(switch: RunningSwitch, desk: Behaviour) -> None:
    async with process(switch) as one, phones(switch, answering, desk) as (_, citizen):
        await signed_in(one)
        await place(one)
        await one.until(lambda: one.of_kind(CallEnded), within_s=40)
        assert [event.outcome for event in one.of_kind(CallEnded)] == [CallOutcome.NOT_PLACED]
        assert len(one.of_kind(CallPlaced)) == 1
        assert one.status() is AgentStatus.READY
        assert citizen.talks == {}
        await one.runner.request(SignOut(agent_id=ME))


LOST = 'Q.850;cause=41;text="media lost"'


@pytest.mark.parametrize("recovers", [False, True], ids=["alone", "sent to a seat without a browser"])
async def test_a_citizen_who_was_called_and_lost_waits_in_front(switch: RunningSwitch, recovers: bool) -> None:
    async with process(switch) as one, phones(switch, answering) as (desk, citizen):
        await signed_in(one)
        call_id = await place(one)
        await one.until(lambda: one.status() is AgentStatus.TALKING)
        await asyncio.sleep(0.5)
        only(desk).hang_up(reason=LOST)
        await one.until(lambda: one.board.calls[call_id].agent_left_at)
        if recovers:
            await asyncio.sleep(0.5)
            await one.runner.request(RecoverCall(agent_id=ME))
        await one.until(lambda: one.of_kind(CallQueued))
        assert not only(citizen).ended.is_set()
        await one.runner.request(Ready(agent_id=ME))
        await one.until(lambda: one.status() is AgentStatus.TALKING)
        call = one.board.calls[call_id]
        assert (call.phase, call.answered_by, call.agent_left_at) == (CallPhase.TALKING, ME, None)
        assert not only(citizen).ended.is_set()
        only(citizen).hang_up()
        await one.until(lambda: one.of_kind(CallEnded))
        assert [event.outcome for event in one.of_kind(CallEnded)] == [CallOutcome.ANSWERED]
        await one.until(lambda: one.status() is AgentStatus.WRAPPING_UP)
        await one.runner.request(SignOut(agent_id=ME))


async def test_an_operator_who_hangs_up_has_ended_the_call(switch: RunningSwitch) -> None:
    async with process(switch) as one, phones(switch, answering) as (desk, citizen):
        await signed_in(one)
        await place(one)
        await one.until(lambda: one.status() is AgentStatus.TALKING)
        await asyncio.sleep(0.5)
        only(desk).hang_up()
        await asyncio.wait_for(only(citizen).ended.wait(), 2)
        await one.until(lambda: one.of_kind(CallEnded))
        [ended] = one.of_kind(CallEnded)
        assert (ended.outcome, ended.ended_by) == (CallOutcome.ANSWERED, "operator")
        assert one.of_kind(CallQueued) == []
        await one.runner.request(SignOut(agent_id=ME))
        one.assert_in_step()


async def test_the_call_survives_a_restart_of_ours(switch: RunningSwitch) -> None:
    async with phones(switch, answering) as (_, citizen):
        async with process(switch) as first:
            await signed_in(first)
            call_id = await place(first)
            await first.until(lambda: first.status() is AgentStatus.TALKING)
        async with process(switch) as second:
            [placed], [answered] = second.of_kind(CallPlaced), second.of_kind(CallAnswered)
            assert (placed.agent_id, placed.number, placed.rebuilt) == (ME, NUMBER, True)
            assert (answered.agent_id, answered.operator, answered.rebuilt) == (ME, call_id, True)
            await second.runner.request(SIGN_IN)
            assert second.status() is AgentStatus.TALKING
            [member] = (await asked_now(second.gateway)).members
            assert (member.paused, member.paused_reason) == (True, "in_call")
            await second.comparisons()
            only(citizen).hang_up()
            await second.until(lambda: second.of_kind(CallEnded))
            assert second.of_kind(CallEnded)[0].outcome is CallOutcome.ANSWERED
            assert second.status() is AgentStatus.WRAPPING_UP
            await second.runner.request(SignOut(agent_id=ME))
            second.assert_in_step()


async def test_a_call_that_ends_while_we_are_away_leaves_its_operator_wrapping_up(switch: RunningSwitch) -> None:
    async with phones(switch, answering) as (_, citizen):
        async with process(switch) as first:
            await signed_in(first)
            await place(first)
            await first.until(lambda: first.status() is AgentStatus.TALKING)
        only(citizen).hang_up()
        await asyncio.sleep(0.5)
        async with process(switch) as second:
            await second.runner.request(SIGN_IN)
            assert second.status() is AgentStatus.WRAPPING_UP
            await second.runner.request(SignOut(agent_id=ME))
