"""Live audio of a leg over a real loopback socket, and everything that is not one."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import AsyncIterator

import pytest

from telephony.media import tap as tap_module
from telephony.media.tap import Tap, TapServer
from tests.fakes.audiosocket import AUDIO, DTMF, ERROR, HANG_UP, ID, AudioSocketClient, frame


@pytest.fixture
async def server() -> AsyncIterator[TapServer]:
    server = TapServer()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tap_module, "_FRAME_TIMEOUT_S", 0.1)


def client(server: TapServer) -> AudioSocketClient:
    return AudioSocketClient(server.host, server.port)


async def all_frames(tap: Tap) -> list[bytes]:
    async with asyncio.timeout(5):
        return [audio async for audio, _ in tap.frames()]


async def test_the_audio_of_an_expected_leg_arrives_in_frames_of_20_ms(server: TapServer) -> None:
    tap = server.expect()
    spoken = bytes(range(256)) * 5
    async with client(server) as leg:
        await leg.identify(tap.id)
        await leg.speak(spoken)
    assert b"".join(await all_frames(tap)) == spoken
    assert tap.connected


async def test_payloads_of_other_sizes_are_cut_into_the_same_frames(server: TapServer) -> None:
    tap = server.expect()
    spoken = bytes(range(256)) * 5
    async with client(server) as leg:
        await leg.identify(tap.id)
        await leg.speak(spoken, size=500)
    frames = await all_frames(tap)
    assert {len(audio) for audio in frames} == {320}
    assert b"".join(frames) == spoken


async def test_arrival_times_never_go_back(server: TapServer) -> None:
    tap = server.expect()
    async with client(server) as leg:
        await leg.identify(tap.id)
        await leg.speak(bytes(3200))
    arrivals = [arrived_s async for _, arrived_s in tap.frames()]
    assert arrivals == sorted(arrivals)
    assert len(arrivals) == 10


@pytest.mark.parametrize(
    "last", [frame(HANG_UP, b""), frame(ERROR, b"\x01"), frame(0x12, bytes(640)), frame(ID, bytes(16))]
)
async def test_the_tap_ends_at_a_hang_up_an_error_and_an_unknown_frame(server: TapServer, last: bytes) -> None:
    tap = server.expect()
    async with client(server) as leg:
        await leg.identify(tap.id)
        await leg.send(frame(AUDIO, bytes(320)) + frame(DTMF, b"5") + last + frame(AUDIO, bytes(320)))
        assert await leg.closed_by_peer()
    assert len(await all_frames(tap)) == 1


async def test_an_unknown_id_is_turned_away(server: TapServer) -> None:
    async with client(server) as leg:
        await leg.identify(str(uuid.uuid4()))
        assert await leg.closed_by_peer()
    assert server.rejected == 1


async def test_an_id_serves_once(server: TapServer) -> None:
    tap = server.expect()
    async with client(server) as first, client(server) as second:
        await first.identify(tap.id)
        await first.speak(bytes(320))
        await second.identify(tap.id)
        assert await second.closed_by_peer()
        await first.speak(bytes(320))
    assert len(await all_frames(tap)) == 2


async def test_an_id_expires_and_its_tap_ends_empty(server: TapServer) -> None:
    tap = server.expect(ttl_s=0.05)
    assert await all_frames(tap) == []
    assert not tap.connected
    async with client(server) as leg:
        await leg.identify(tap.id)
        assert await leg.closed_by_peer()


async def test_a_tap_that_was_closed_before_it_connected_is_turned_away(server: TapServer) -> None:
    tap = server.expect()
    tap.close()
    async with client(server) as leg:
        await leg.identify(tap.id)
        assert await leg.closed_by_peer(within_s=1.0)


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("said", [b"", b"\x01", b"\x01\x00\x10", b"\x01\x00\x10" + bytes(15)])
async def test_who_does_not_say_who_they_are_in_time_is_turned_away(server: TapServer, said: bytes) -> None:
    async with client(server) as leg:
        await leg.send(said)
        assert await leg.closed_by_peer()


@pytest.mark.usefixtures("hurried")
async def test_a_dribbled_id_is_turned_away(server: TapServer) -> None:
    tap = server.expect()
    async with client(server) as leg:
        await leg.dribble(frame(ID, uuid.UUID(tap.id).bytes), every_s=0.02)
        assert await leg.closed_by_peer()
    assert not tap.connected


@pytest.mark.usefixtures("hurried")
async def test_a_silent_leg_is_waited_for_but_a_broken_frame_is_not(server: TapServer) -> None:
    tap = server.expect()
    async with client(server) as leg:
        await leg.identify(tap.id)
        assert not await leg.closed_by_peer(within_s=0.4)
        await leg.speak(bytes(320))
        await leg.send(b"\x10\x01")
        assert await leg.closed_by_peer()
    assert len(await all_frames(tap)) == 1


async def test_a_frame_of_64_kib_is_not_read(server: TapServer) -> None:
    tap = server.expect()
    async with client(server) as leg:
        await leg.identify(tap.id)
        await leg.send(b"\x10\xff\xff" + bytes(65_535))
        assert await leg.closed_by_peer()
    assert await all_frames(tap) == []


async def test_what_nobody_takes_is_dropped_and_counted_and_never_blocks_the_leg(server: TapServer) -> None:
    tap = server.expect()
    numbers = [number.to_bytes(2, "little") * 160 for number in range(600)]
    async with client(server) as leg:
        await leg.identify(tap.id)
        async with asyncio.timeout(5):
            await leg.speak(b"".join(numbers))
    async with asyncio.timeout(5):
        await tap._ended.wait()
    kept = await all_frames(tap)
    assert tap.dropped == 350
    assert kept == numbers[350:]


async def test_strangers_beyond_a_limit_are_turned_away_at_once(server: TapServer) -> None:
    tap = server.expect()
    strangers = [client(server) for _ in range(33)]
    for stranger in strangers:
        await stranger.__aenter__()
    assert await strangers[-1].closed_by_peer(within_s=1)
    for stranger in strangers:
        await stranger.__aexit__(None, None, None)
    await asyncio.sleep(0.05)
    async with client(server) as leg:
        await leg.identify(tap.id)
        await leg.speak(bytes(320))
    assert len(await all_frames(tap)) == 1


async def test_closing_a_tap_ends_the_leg_and_its_frames(server: TapServer) -> None:
    tap = server.expect()
    async with client(server) as leg:
        await leg.identify(tap.id)
        await leg.speak(bytes(320))
        frames = tap.frames()
        await anext(frames)
        tap.close()
        assert await leg.closed_by_peer()
        assert [audio async for audio in frames] == []


async def test_stopping_the_server_ends_every_tap() -> None:
    server = TapServer()
    await server.start()
    live, waiting = server.expect(), server.expect()
    async with client(server) as leg:
        await leg.identify(live.id)
        await leg.speak(bytes(320))
        await anext(live.frames())
        await server.stop()
        assert await leg.closed_by_peer()
    assert await all_frames(waiting) == []
    assert live.ended


async def test_only_loopback_is_listened_on() -> None:
    with pytest.raises(ValueError, match="loopback"):
        await TapServer().start("0.0.0.0")


async def test_random_bytes_never_reach_a_consumer_nor_stop_the_server(server: TapServer) -> None:
    chance = random.Random(20)
    for _ in range(60):
        tap = server.expect()
        async with client(server) as leg:
            if chance.random() < 0.7:
                await leg.identify(tap.id)
            for _ in range(chance.randrange(1, 6)):
                kind = chance.choice([AUDIO, AUDIO, ID, DTMF, chance.randrange(256)])
                honest = chance.random() < 0.6
                await leg.send(frame(kind, chance.randbytes(chance.randrange(700))) if honest else chance.randbytes(9))
        assert all(len(audio) == 320 for audio in tap._frames)
        tap.close()
    tap = server.expect()
    async with client(server) as leg:
        await leg.identify(tap.id)
        await leg.speak(bytes(640))
    assert len(await all_frames(tap)) == 2
