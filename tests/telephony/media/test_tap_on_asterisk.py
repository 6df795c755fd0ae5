"""Taps on both legs of a real queue call: the right voice in each; nothing that befalls a tap touches the talk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import numpy as np
import pytest

from asr.engines.whisper_engine import WhisperRecognizer
from asr.recognizer import Final, Partial
from asr.sessions import SpeechSession
from telephony.ami.actions import headers
from telephony.media.tap import Tap, TapServer
from telephony.orders import SpyToSocket
from tests.fakes.spoken import character_errors, spoken
from tests.system.switch import Ami, RunningSwitch, tone

pytestmark = pytest.mark.asterisk

CALLER_HZ, OPERATOR_HZ = 440, 1000


@pytest.fixture
async def taps() -> AsyncIterator[TapServer]:
    server = TapServer()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def ami(switch: RunningSwitch) -> Iterator[Ami]:
    """With the desk phone 8011 as the queue's only member."""
    with switch.ami() as ami:
        added = ami.ask(Action="QueueAdd", Queue="hotline", Interface="PJSIP/8011", MemberName="8011")
        assert added["Response"] == "Success", added
        yield ami
        ami.ask(Action="QueueRemove", Queue="hotline", Interface="PJSIP/8011")


def attach(ami: Ami, taps: TapServer, channel: str) -> Tap:
    tap = taps.expect()
    order = SpyToSocket(channel_name=channel, tap_id=tap.id, address=f"{taps.host}:{taps.port}")
    assert ami.ask(**headers(order))["Response"] == "Success"
    return tap


def connected_legs(ami: Ami) -> tuple[str, str, str]:
    """Channel names of citizen and operator, and the call id, as soon as they are connected."""
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


async def test_each_tap_hears_its_own_leg_and_ends_with_the_call(
    switch: RunningSwitch, ami: Ami, taps: TapServer
) -> None:
    operator_voice = tone(switch.speech.with_name("operator.wav"), OPERATOR_HZ)
    with switch.desk("8011", speech=operator_voice), switch.citizen("tapped", stay_s=6) as citizen:
        caller, operator, _ = await asyncio.to_thread(connected_legs, ami)
        legs = [attach(ami, taps, caller), attach(ami, taps, operator)]
        heard = await asyncio.gather(*(collect(tap, 15) for tap in legs))
        assert await asyncio.to_thread(citizen.wait, 20) == 0
    for frames, frequency in zip(heard, (CALLER_HZ, OPERATOR_HZ), strict=True):
        assert pitch(frames) == pytest.approx(frequency, abs=3)
        assert len(frames) > 200
        gaps = np.diff([arrived_s for _, arrived_s in frames])
        assert np.median(gaps) == pytest.approx(0.02, abs=0.004)
    assert all(tap.ended and tap.dropped == 0 for tap in legs)


async def test_a_tap_that_is_cut_or_never_read_leaves_the_talk_alone(
    switch: RunningSwitch, ami: Ami, taps: TapServer
) -> None:
    with switch.desk("8011"), switch.citizen("undisturbed", stay_s=6) as citizen:
        caller, operator, call_id = await asyncio.to_thread(connected_legs, ami)
        cut, unread = attach(ami, taps, caller), attach(ami, taps, operator)
        nobody = SpyToSocket(channel_name=caller, tap_id=taps.expect().id, address="127.0.0.1:1")
        ami.ask(**headers(nobody))
        await anext(cut.frames())
        cut.close()
        assert await asyncio.to_thread(citizen.wait, 20) == 0
        ended = await asyncio.to_thread(ami.event, "Hangup", Uniqueid=call_id)
        assert ended["Cause"] == "16"
        await asyncio.wait_for(unread._ended.wait(), 5)
    assert unread.dropped > 0


async def test_a_leg_that_is_silent_for_long_is_still_tapped_when_it_speaks(
    switch: RunningSwitch, ami: Ami, taps: TapServer
) -> None:
    with switch.desk("8011"), switch.citizen("shy", patience_s=20, pause_s=8, stay_s=3) as citizen:
        caller, _, _ = await asyncio.to_thread(connected_legs, ami)
        tap = attach(ami, taps, caller)
        frames = await collect(tap, 20)
        assert await asyncio.to_thread(citizen.wait, 20) == 0
    assert pitch(frames) == pytest.approx(CALLER_HZ, abs=3)
    assert len(frames) > 100


async def transcribe(tap: Tap, recognizer: WhisperRecognizer, stream_id: str) -> tuple[str, list[Partial], list[Final]]:
    session = SpeechSession(recognizer, stream_id=stream_id)
    partials: list[Partial] = []
    finals: list[Final] = []

    async def read() -> None:
        async for event in session.events():
            if isinstance(event, Partial):
                partials.append(event)
            elif isinstance(event, Final):
                finals.append(event)

    reading = asyncio.create_task(read())
    async for frame, arrived_s in tap.frames():
        session.feed(frame, arrived_s)
    await session.close()
    await reading
    return "".join(final.text for final in finals), partials, finals


@pytest.mark.speech
async def test_mandarin_on_both_legs_is_understood_each_under_its_own_leg(
    switch: RunningSwitch, ami: Ami, taps: TapServer, whisper: WhisperRecognizer
) -> None:
    caller_says, operator_says = spoken("smoke-under-the-window"), spoken("which-compound")
    with (
        switch.desk("8011", speech=operator_says.path),
        switch.citizen("mandarin", speech=caller_says.path, patience_s=20, pause_s=2, stay_s=11) as citizen,
    ):
        caller, operator, _ = await asyncio.to_thread(connected_legs, ami)
        legs = [attach(ami, taps, caller), attach(ami, taps, operator)]
        heard = await asyncio.gather(*(transcribe(tap, whisper, tap.id) for tap in legs))
        assert await asyncio.to_thread(citizen.wait, 30) == 0
    (caller_text, caller_partials, caller_finals), (operator_text, _, operator_finals) = heard
    print("caller", caller_text, [final.latency_ms for final in caller_finals])
    print("operator", operator_text, [final.latency_ms for final in operator_finals])
    assert all(partial.text for partial in caller_partials)
    # the desk phone repeats its clip from the moment it answers, so the operator's beginning may be cut
    assert character_errors(caller_says.text, caller_text) < 0.5
    assert character_errors(operator_says.text, caller_text) > 0.7
    assert "请问您是在哪个小区" in operator_text
