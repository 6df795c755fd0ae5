"""One engine in place of another: only while it must, started only when it must."""

from __future__ import annotations

import asyncio

import pytest

from asr.engines.scripted_engine import Line, ScriptedRecognizer, ScriptedStream
from asr.fallback import FallbackRecognizer
from asr.recognizer import EngineUnavailable, Health, SpeechLevel
from tests.fakes.virtual_time import in_virtual_time


class Sick(ScriptedRecognizer):
    def __init__(self, text: str) -> None:
        super().__init__({"*": [Line(start_s=0, end_s=1, text=text)]})
        self.well = True
        self.stopped = False

    def health(self) -> Health:
        return Health(level=SpeechLevel.OK) if self.well else Health(level=SpeechLevel.DOWN, reason="the cable is cut")

    def open(self, stream_id: str) -> ScriptedStream:
        if not self.well:
            raise EngineUnavailable("scripted", "the cable is cut")
        return super().open(stream_id)

    async def stop(self) -> None:
        self.stopped = True


def test_the_second_is_started_after_a_while_takes_streams_and_gives_way_again() -> None:
    async def story() -> list[tuple[SpeechLevel, int, int]]:
        first, second = Sick("一"), Sick("二")
        started = []

        async def start() -> Sick:
            started.append(second)
            return second

        engine = FallbackRecognizer(first, start)
        seen = []

        def look() -> None:
            if engine.health().level is not SpeechLevel.DOWN:
                engine.open("x")
            seen.append((engine.health().level, first.opened, second.opened))

        look()
        first.well = False
        await asyncio.sleep(1.0)
        look()
        assert not started
        await asyncio.sleep(4.0)
        look()
        assert "scripted stands in: the cable is cut" in engine.health().reason
        first.well = True
        look()
        await engine.stop()
        assert first.stopped
        assert second.stopped
        return seen

    assert in_virtual_time(story()) == [
        (SpeechLevel.OK, 1, 0),
        (SpeechLevel.DOWN, 1, 0),
        (SpeechLevel.DEGRADED, 1, 1),
        (SpeechLevel.OK, 2, 1),
    ]


def test_where_no_other_can_start_both_reasons_are_told_and_it_is_tried_again() -> None:
    async def story() -> tuple[str, int]:
        first, tries = Sick("一"), []

        async def start() -> Sick:
            tries.append(1)
            raise EngineUnavailable("whisper", "there is no whisper model here")

        engine = FallbackRecognizer(first, start)
        first.well = False
        await asyncio.sleep(80)
        reason = engine.health().reason
        with pytest.raises(EngineUnavailable):
            engine.open("x")
        await engine.stop()
        return reason, len(tries)

    reason, tries = in_virtual_time(story())
    assert reason == "the cable is cut; there is no whisper model here"
    assert tries >= 2
