"""A branch line (分中心) whose trunks are dead, with our process beside the switch: the citizen soon waits for us."""

from __future__ import annotations

import pytest

from telephony.calls import CallPhase
from telephony.events import CallQueued
from tests.fakes.sip_phones import SipPhone, ringing, silent
from tests.system.parties import FIRST_SIGN_S, RING_S, Process, centre_hosts, plan, until
from tests.system.switch import RunningSwitch

pytestmark = pytest.mark.asterisk

TAX = "12366"
PLAN = plan()
PLAN = PLAN.model_copy(update={"lines": [line.model_copy(update={"prompts": []}) for line in PLAN.lines]})


@pytest.mark.parametrize("rings", [False, True], ids=["both ways are dead", "the second way rings"])
async def test_a_way_of_which_nothing_is_heard_does_not_keep_the_citizen(switch: RunningSwitch, rings: bool) -> None:
    ports = switch.ports
    process = Process(switch, PLAN, resync_every_s=2.0)
    phones = [
        SipPhone(host, ports.centres, behave)
        for host, behave in zip(centre_hosts()[TAX], (silent, ringing if rings else silent), strict=True)
    ]
    citizens = SipPhone("127.0.0.2", ports.base + 30)
    for phone in (*phones, citizens):
        await phone.open()
    try:
        await process.start()
        talk = citizens.call(TAX, ("127.0.0.1", ports.sip), caller="13800000077")
        waited = await until(lambda: any(isinstance(event, CallQueued) for event in process.events), 20)
        expected = FIRST_SIGN_S + (RING_S if rings else FIRST_SIGN_S)
        assert expected - 0.5 < waited < expected + 2
        [call] = process.board.calls.values()
        assert (call.phase, call.line) == (CallPhase.QUEUED, TAX)
        assert not talk.ended.is_set()
        assert [len(phone.talks) for phone in phones] == [1, 1]
    finally:
        for phone in (*phones, citizens):
            await phone.close()
        await process.kill()
        switch.clear()
