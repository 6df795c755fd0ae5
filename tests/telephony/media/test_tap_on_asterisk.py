"""Taps on both legs of a real queue call: the right voice in each; nothing that befalls a tap touches the talk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from telephony.ami.actions import headers
from telephony.commands import SpyToSocket
from telephony.media.tap import Tap, TapServer
from tests.system.switch import Ami, RunningSwitch, tone

pytestmark = pytest.mark.asterisk

CALLER_HZ, OPERATOR_HZ = 440, 1000


@pytest.fixture
async def taps() -> AsyncIterator[TapServer]:
    server = TapServer()
    await server.start()
    yield server
    await server.stop()


def attach(ami: Ami, taps: TapServer, channel: str) -> Tap:
    tap = taps.expect()
    order = SpyToSocket(channel_name=channel, tap_id=tap.id, address=f"{taps.host}:{taps.port}")
    assert ami.ask(**headers(order))["Response"] == "Success"
    return tap


def connected_legs(ami: Ami) -> tuple[str, str, str]:
    """Channel names of citizen and operator, and the call id, as soon as they are connected."""
    ami.ask(Action="QueueAdd", Queue="hotline", Interface="PJSIP/8011", MemberName="8011")
    connected = ami.event("AgentConnect")
    return connected["Channel"], connected["DestChannel"], connected["Uniqueid"]


def pitch(frames: list[tuple[bytes, float]]) -> float:
    samples = np.frombuffer(b"".join(audio for audio, _ in frames), dtype="<i2").astype(np.float64)
    spectrum = np.abs(np.fft.rfft(samples))
    return float(np.fft.rfftfreq(len(samples), 1 / 8000)[int(spectrum[1:].argmax()) + 1])


async def collect(tap: Tap, seconds: float) -> list[tuple[bytes, float]]:
    taken: list[tuple[bytes, float]] = []

    async def read() -> None:
        async for frame in tap.frames():
            taken.append(frame)

    try:
        async with asyncio.timeout(seconds):
            await read()
    except TimeoutError:
        pass
    return taken


async def test_each_tap_hears_its_own_leg_and_ends_with_the_call(switch: RunningSwitch, taps: TapServer) -> None:
    operator_voice = tone(switch.speech.with_name("operator.wav"), OPERATOR_HZ)
    with switch.ami() as ami, switch.desk("8011", speech=operator_voice), switch.citizen("tapped", stay_s=6) as citizen:
        caller, operator, _ = await asyncio.to_thread(connected_legs, ami)
        legs = [attach(ami, taps, caller), attach(ami, taps, operator)]
        heard = await asyncio.gather(*(collect(tap, 15) for tap in legs))
        assert await asyncio.to_thread(citizen.wait, 20) == 0
        ami.ask(Action="QueueRemove", Queue="hotline", Interface="PJSIP/8011")
    for frames, frequency in zip(heard, (CALLER_HZ, OPERATOR_HZ), strict=True):
        assert pitch(frames) == pytest.approx(frequency, abs=3)
        assert len(frames) > 200
        gaps = np.diff([arrived_s for _, arrived_s in frames])
        assert np.median(gaps) == pytest.approx(0.02, abs=0.004)
    assert all(tap.ended and tap.dropped == 0 for tap in legs)


async def test_a_tap_that_is_cut_or_never_read_leaves_the_talk_alone(switch: RunningSwitch, taps: TapServer) -> None:
    with switch.ami() as ami, switch.desk("8011"), switch.citizen("undisturbed", stay_s=6) as citizen:
        caller, operator, call_id = await asyncio.to_thread(connected_legs, ami)
        cut, unread = attach(ami, taps, caller), attach(ami, taps, operator)
        nobody = SpyToSocket(channel_name=caller, tap_id=taps.expect().id, address="127.0.0.1:1")
        ami.ask(**headers(nobody))
        await anext(cut.frames())
        cut.close()
        assert await asyncio.to_thread(citizen.wait, 20) == 0
        ended = await asyncio.to_thread(ami.event, "Hangup", Uniqueid=call_id)
        assert ended["Cause"] == "16"
        ami.ask(Action="QueueRemove", Queue="hotline", Interface="PJSIP/8011")
        await asyncio.wait_for(unread._ended.wait(), 5)
    assert unread.dropped > 0


async def test_a_leg_that_is_silent_for_long_is_still_tapped_when_it_speaks(
    switch: RunningSwitch, taps: TapServer
) -> None:
    with switch.ami() as ami, switch.desk("8011"), switch.citizen("shy", wait_s=9, stay_s=3) as citizen:
        caller, _, _ = await asyncio.to_thread(connected_legs, ami)
        tap = attach(ami, taps, caller)
        frames = await collect(tap, 20)
        assert await asyncio.to_thread(citizen.wait, 20) == 0
        ami.ask(Action="QueueRemove", Queue="hotline", Interface="PJSIP/8011")
    assert pitch(frames) == pytest.approx(CALLER_HZ, abs=3)
    assert len(frames) > 100
