"""What the citizen hears while a centre is brought in: no gap, music in private, then the centre."""

from __future__ import annotations

import asyncio
import wave
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from telephony.calls import CallPhase
from telephony.commands import BringTogether, CallTarget, GoPrivate, LeaveCall, SignIn
from telephony.ids import AgentId, ChannelId, SeatId
from telephony.orders import HangUpChannel
from telephony.targets import TransferMode
from telephony.transfers import TransferState
from tests.fakes.stories import HOTLINE
from tests.system.parties import Process, centre, until
from tests.system.switch import RunningSwitch, tone, topology

pytestmark = pytest.mark.asterisk

OPERATOR_HZ, CENTRE_HZ = 1000.0, 1700.0
FRAME_S = 0.02
HEARD = 0.02
ME = AgentId("8011")


def heard(path: Path, frequency: float) -> np.ndarray:
    """For each 20 ms whether a tone of that frequency is in it."""
    with wave.open(str(path)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(np.float64) / 32768
    size = int(8000 * FRAME_S)
    frames = samples[: len(samples) // size * size].reshape(-1, size)
    wave_ = np.exp(-2j * np.pi * frequency * np.arange(size) / 8000)
    return np.asarray(np.abs(frames @ wave_) / size > HEARD)


def longest_gap_s(there: np.ndarray) -> float:
    """The longest time without it, between its first and its last moment."""
    [at] = np.nonzero(there)
    return float(np.diff(at).max() - 1) * FRAME_S if len(at) > 1 else 0.0


async def test_the_citizen_hears_no_gap_when_a_centre_joins_and_stays_with_it(switch: RunningSwitch) -> None:
    operator = tone(switch.speech.with_name("operator.wav"), OPERATOR_HZ)
    police = tone(switch.speech.with_name("police.wav"), CENTRE_HZ)
    far = replace(
        switch.phones, host="127.0.0.3", port=switch.ports.centres, media_port=switch.ports.far_media[0] + 180
    ).desk("centre-110", police, ring_s=0.5)
    switch.children.append(far)
    process = Process(switch, topology(), resync_every_s=2.0)
    await process.start()
    board, ask = process.board, process.runner.request
    try:
        await ask(SignIn(agent_id=ME, seat=SeatId(ME), queues=(HOTLINE,)))
        with far, switch.desk("8011", speech=operator), switch.citizen("hears", stay_s=60):
            await until(lambda: any(call.phase is CallPhase.TALKING for call in board.calls.values()))
            [call] = board.calls.values()
            own = {"call_id": call.id, "agent_id": ME}

            async def for_a_while(state: TransferState) -> None:
                await until(lambda: board.transfers[call.id].state is state)
                await asyncio.sleep(1.5)

            await asyncio.sleep(1.5)
            await ask(CallTarget(**own, target=centre("110"), mode=TransferMode.THREE_WAY))
            await for_a_while(TransferState.JOINED)
            await ask(GoPrivate(**own))
            await for_a_while(TransferState.PRIVATE)
            await ask(BringTogether(**own))
            await for_a_while(TransferState.JOINED)
            await ask(LeaveCall(**own))
            await for_a_while(TransferState.HANDED_OVER)
            await process.gateway.execute(HangUpChannel(channel=ChannelId(call.id)))
            await until(lambda: board.calls[call.id].phase is CallPhase.ENDED)
    finally:
        await process.kill()
    # a recording knows no time without a partner: the music in private is not in it
    told = switch.recordings / f"{call.id}-operator.wav"
    of_operator, of_centre = heard(told, OPERATOR_HZ), heard(told, CENTRE_HZ)
    assert longest_gap_s(of_operator) <= 0.06, "no gap when the centre joins, parts and joins again"
    assert longest_gap_s(of_centre) <= 0.06, "and none when the operator leaves"
    [operator_at], [centre_at] = np.nonzero(of_operator), np.nonzero(of_centre)
    assert (centre_at[0] - operator_at[0]) * FRAME_S > 1.0, "first the two alone"
    both = of_operator & of_centre
    assert 2.0 < both.sum() * FRAME_S < 4.5, "then all three, twice; in private neither was heard"
    assert (centre_at[-1] - operator_at[-1]) * FRAME_S > 1.0, "at last the centre alone"
