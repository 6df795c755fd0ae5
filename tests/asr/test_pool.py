"""How many streams fit, and what the one too many is told."""

from __future__ import annotations

import asyncio

import pytest

from asr.engines.scripted_engine import Line, ScriptedRecognizer, ScriptedStream
from asr.pool import BACKGROUND, LimitedRecognizer, NoRoom, beginning, real_time_factor, streams_that_fit
from asr.recognizer import EngineUnavailable, Health, SpeechLevel
from tests.fakes.spoken import FOLDER
from tests.fakes.virtual_time import in_virtual_time

SCRIPT = {"*": [Line(start_s=0, end_s=6, text="一"), Line(start_s=0, end_s=6, text="二")]}


@pytest.mark.parametrize(
    ("factor", "cores", "streams"), [(0.13, 2, 21), (0.07, 2, 39), (0.5, 2, 5), (3.0, 2, 2), (0.13, 1, 10)]
)
def test_streams_that_fit(factor: float, cores: int, streams: int) -> None:
    assert streams_that_fit(factor, cores=cores) == streams


def test_the_real_time_factor_is_processor_time_for_each_second_of_the_second_probe() -> None:
    readings = iter([10.0, 10.9])
    recognizer = ScriptedRecognizer(SCRIPT)

    async def story() -> tuple[float, float]:
        clock = asyncio.get_running_loop().time
        began_s = clock()
        return await real_time_factor(recognizer, cpu_s=lambda: next(readings)), clock() - began_s

    factor, took_s = in_virtual_time(story())
    assert took_s == pytest.approx(5.5, abs=0.2), "the second probe is played at the pace of speech"
    assert factor == pytest.approx(0.18)
    assert (recognizer.opened, recognizer.closed) == (1, 1)


def test_recorded_speech_is_played_as_often_as_it_takes() -> None:
    fed: list[int] = []

    class Counting(ScriptedRecognizer):
        def open(self, stream_id: str) -> CountingStream:  # type: ignore[override]
            return CountingStream(self, SCRIPT["*"])

    class CountingStream(ScriptedStream):
        def feed(self, pcm: bytes) -> None:
            fed.append(len(pcm))
            super().feed(pcm)

    readings = iter([0.0, 1.0])

    async def story() -> None:
        probe = beginning(FOLDER / "which-compound.wav", 5.0)
        assert len(probe) == 5 * 32_000
        assert any(probe[-3_200:])
        await real_time_factor(Counting(SCRIPT), cpu_s=lambda: next(readings))

    in_virtual_time(story())
    assert sum(fed) == 2 * 5 * 32_000


def test_the_newest_stream_is_refused_and_a_place_is_free_again_after_a_close() -> None:
    async def story() -> None:
        pool = LimitedRecognizer(ScriptedRecognizer(SCRIPT), limit=2)
        first, _second = pool.open("a"), pool.open("b")
        with pytest.raises(EngineUnavailable, match="no room: all 2"):
            pool.open("c")
        await first.close()
        await first.close()
        assert pool.open_streams == 1
        pool.open("c")
        assert (pool.open_streams, pool.refused) == (2, 1)

    in_virtual_time(story())


def test_an_engine_that_refuses_takes_no_place() -> None:
    class Refusing(ScriptedRecognizer):
        def open(self, stream_id: str):  # type: ignore[no-untyped-def]
            raise EngineUnavailable("scripted", "not today")

    pool = LimitedRecognizer(Refusing(SCRIPT), limit=1)
    with pytest.raises(EngineUnavailable, match="not today"):
        pool.open("a")
    assert pool.open_streams == 0


def test_an_urgent_call_takes_the_place_of_the_newest_that_is_not_both_its_legs() -> None:
    async def story() -> list[str]:
        pool = LimitedRecognizer(ScriptedRecognizer(SCRIPT), limit=5, urgent=lambda stream: stream.startswith("fire"))
        streams = {name: pool.open(name) for name in ("old/1", "old/2", "fire/1", "new/1", "new/2")}
        reading = {name: asyncio.ensure_future(anext(stream.hypotheses())) for name, stream in streams.items()}
        await asyncio.sleep(0)
        pool.open("fire/2")
        assert pool.open_streams == 4
        await asyncio.sleep(0.1)
        shed = [
            name for name, task in reading.items() if task.done() and isinstance(task.exception(), EngineUnavailable)
        ]
        assert pool.health().level is SpeechLevel.DEGRADED
        streams["new/1"].feed(bytes(3200))
        await streams["new/1"].close()
        assert pool.open_streams == 4, "a place is given back once"
        for task in reading.values():
            task.cancel()
        await asyncio.gather(*reading.values(), return_exceptions=True)
        return shed

    assert in_virtual_time(story()) == ["new/1", "new/2"]


def test_where_every_call_is_urgent_the_last_is_refused() -> None:
    async def story() -> None:
        pool = LimitedRecognizer(ScriptedRecognizer(SCRIPT), limit=1, urgent=lambda stream: True)
        pool.open("a/1")
        with pytest.raises(EngineUnavailable, match="no room"):
            pool.open("b/1")
        assert pool.shed == 0

    in_virtual_time(story())


def test_streams_that_fall_behind_for_seconds_lose_the_newest_call_and_the_limit_comes_back_when_it_is_calm() -> None:
    async def story() -> tuple[list[int], list[int]]:
        engine = ScriptedRecognizer(SCRIPT)
        pool = LimitedRecognizer(engine, limit=8)
        for name in ("a/1", "a/2", "b/1", "b/2", "c/1", "c/2"):
            pool.open(name)
        engine.lateness = 5.0
        left = []
        for _ in range(8):
            await asyncio.sleep(1.0)
            left.append(pool.open_streams)
        engine.lateness = 0.0
        limits = [pool.limit]
        for _ in range(4):
            await asyncio.sleep(31.0)
            limits.append(pool.limit)
        return left, limits

    left, limits = in_virtual_time(story())
    assert left == [6, 6, 4, 4, 4, 2, 2, 2] or left == [6, 6, 6, 4, 4, 4, 2, 2]
    assert limits == [2, 3, 4, 5, 6]


def test_the_limit_follows_what_there_is_now_and_never_lies_above_it() -> None:
    async def story() -> None:
        engine, room = ScriptedRecognizer(SCRIPT), 1
        pool = LimitedRecognizer(engine, limit=lambda: room)
        pool.open("a/1")
        with pytest.raises(EngineUnavailable, match="all 1 streams"):
            pool.open("b/1")
        room = 6  # another server has come
        for name in ("b/1", "b/2", "c/1"):
            pool.open(name)
        assert (pool.limit, pool.open_streams) == (6, 4)
        engine.lateness = 5.0
        await asyncio.sleep(3.5)
        engine.lateness = 0.0
        assert pool.limit == 3, "the newest call had one leg"
        room = 2  # and gone
        assert pool.limit == 2
        room = 6
        await asyncio.sleep(31.0)
        assert pool.limit == 4

    in_virtual_time(story())


def test_an_engine_that_is_down_says_itself_why() -> None:
    class Away(ScriptedRecognizer):
        def health(self) -> Health:
            return Health(level=SpeechLevel.DOWN)

        def open(self, stream_id: str) -> ScriptedStream:
            raise EngineUnavailable("servers", "no speech server answers")

    pool = LimitedRecognizer(Away(SCRIPT), limit=lambda: 0)
    with pytest.raises(EngineUnavailable, match="no speech server answers"):
        pool.open("a/1")


def test_a_moment_of_lateness_sheds_nobody() -> None:
    async def story() -> int:
        engine = ScriptedRecognizer(SCRIPT)
        pool = LimitedRecognizer(engine, limit=4)
        for name in ("a/1", "a/2", "b/1"):
            pool.open(name)
        for lateness in (5.0, 5.0, 0.0, 5.0, 5.0, 0.0):
            engine.lateness = lateness
            await asyncio.sleep(1.0)
        return pool.open_streams

    assert in_virtual_time(story()) == 3


def test_a_limit_that_others_keep_to_is_told_and_neither_refuses_nor_sheds() -> None:
    engine = ScriptedRecognizer(SCRIPT)
    engine.lateness = 9.0

    async def story() -> tuple[int, int]:
        recognizer = LimitedRecognizer(engine, limit=2, enforced=False)
        streams = [recognizer.open(f"served {n}") for n in range(4)]
        await asyncio.sleep(30)
        counted = recognizer.open_streams, recognizer.shed
        for stream in streams:
            await stream.close()
        return counted

    assert in_virtual_time(story()) == (4, 0)


def test_a_live_call_takes_the_place_of_a_recording_that_is_read_and_turns_nobody_away() -> None:
    async def story() -> tuple[list[str], int]:
        pool = LimitedRecognizer(ScriptedRecognizer(SCRIPT), limit=3)
        reading = {name: pool.open(name) for name in (f"{BACKGROUND}9.1/caller", f"{BACKGROUND}9.2/caller")}
        waiting = {name: asyncio.ensure_future(anext(stream.hypotheses())) for name, stream in reading.items()}
        await asyncio.sleep(0)
        pool.open("a/1")
        pool.open("a/2")
        await asyncio.sleep(0.1)
        assert pool.health().level is SpeechLevel.OK
        pool.open("b/1")
        with pytest.raises(NoRoom):
            pool.open(f"{BACKGROUND}9.3/caller")
        assert (pool.open_streams, pool.refused) == (3, 0)
        with pytest.raises(NoRoom):
            pool.open("b/2")
        await asyncio.gather(*waiting.values(), return_exceptions=True)
        assert [type(task.exception()) for task in waiting.values()] == [NoRoom, NoRoom]
        return [stream.id for stream in pool._open], pool.refused

    assert in_virtual_time(story()) == (["a/1", "a/2", "b/1"], 1)


def test_where_streams_fall_behind_the_recordings_are_shed_before_any_call() -> None:
    async def story() -> list[str]:
        engine = ScriptedRecognizer(SCRIPT)
        pool = LimitedRecognizer(engine, limit=8)
        for name in ("a/1", f"{BACKGROUND}9.1/caller", "b/1"):
            pool.open(name)
        engine.lateness = 5.0
        await asyncio.sleep(3.5)
        return [stream.id for stream in pool._open]

    assert in_virtual_time(story()) == ["a/1", "b/1"]
