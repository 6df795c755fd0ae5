"""Finished sound to turns: who spoke when, in order, and nothing of a file left out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from asr.engines.scripted_engine import Line, ScriptedFailure, ScriptedRecognizer, ScriptedTalker
from asr.offline import HeardTurn, NoAnswer, transcribe
from asr.recognizer import EngineUnavailable, Hypothesis
from asr.soundfiles import Samples, Sound
from asr.transcript import Speaker
from tests.asr.wavs import write
from tests.fakes.loudness import LevelDetector

CALLER = [Line(start_s=1, end_s=3, text="我 住 三 号 楼"), Line(start_s=8, end_s=9.5, text="電話 是 一三八零零")]
AGENT = [Line(start_s=4, end_s=6, text="请问您的电话")]
LENGTH_S = 12.0


def leg(lines: list[Line]) -> Samples:
    """Silence but for the lines."""
    samples = np.zeros(round(8_000 * LENGTH_S), dtype=np.int16)
    for frame, ends_s in ScriptedTalker(lines).frames(until_s=LENGTH_S):
        end = round(8_000 * ends_s)
        samples[end - 160 : end] = np.frombuffer(frame, "<i2")
    return samples


async def heard(source: Path | Sound | bytes, script: dict[str, list[Line]], **more: object) -> list[HeardTurn]:
    return await transcribe(source, ScriptedRecognizer(script), detector=LevelDetector, **more)  # type: ignore[arg-type]


async def test_a_stereo_file_gives_both_speakers_turns_in_the_order_they_began(tmp_path: Path) -> None:
    path = write(tmp_path / "call.wav", leg(CALLER), leg(AGENT))
    turns = await heard(path, {"file caller 0": CALLER, "file agent 0": AGENT})
    assert [(turn.speaker, turn.text) for turn in turns] == [
        (Speaker.CALLER, "我住3号楼"),
        (Speaker.AGENT, "请问您的电话"),
        (Speaker.CALLER, "电话是13800"),
    ]
    assert [turn.raw for turn in turns][::2] == ["我住三号楼", "电话是一三八零零"]
    assert turns[0].start_s == pytest.approx(0.7, abs=0.1)
    assert turns[0].end_s == pytest.approx(3.0, abs=0.1)
    assert turns[0].confidence == 0.9


async def test_what_was_said_is_handed_on_for_reading_and_not_its_digits() -> None:
    (turn, *_) = await heard(leg(CALLER).tobytes(), {"*": CALLER}, streams=1)
    assert turn.as_turn(7).text == "我住三号楼"
    assert (turn.as_turn(7).seg, turn.as_turn(7).final) == (7, True)


async def test_progress_grows_to_the_length_of_the_file() -> None:
    told: list[float] = []
    sound = Sound(rate=8_000, channels=(leg(CALLER), leg(AGENT)))
    await heard(sound, {"*": CALLER}, told=told.append)
    assert told == sorted(told)
    assert told[-1] == pytest.approx(LENGTH_S)


async def test_silence_opens_no_stream_and_gives_no_turn() -> None:
    engine = ScriptedRecognizer({})
    assert await transcribe(bytes(160_000), engine, detector=LevelDetector) == []
    assert engine.opened == 0


async def test_another_rate_is_brought_to_the_engines(tmp_path: Path) -> None:
    slow = np.repeat(leg(CALLER), 6)
    turns = await heard(write(tmp_path / "x.wav", slow, rate=48_000), {"*": CALLER}, streams=1)
    assert [turn.raw for turn in turns] == ["我住三号楼", "电话是一三八零零"]


async def test_every_stream_is_given_back_even_when_the_engine_fails() -> None:
    engine = ScriptedRecognizer({"*": [Line(start_s=0, end_s=1, text="坏了", fails=True)]})
    with pytest.raises(ScriptedFailure, match="坏了"):
        await transcribe(leg(CALLER).tobytes(), engine, detector=LevelDetector)
    assert engine.opened == engine.closed == 2


async def test_an_engine_is_never_fed_further_ahead_than_it_can_keep() -> None:
    class Greedy(ScriptedRecognizer):
        def open(self, stream_id: str) -> GreedyStream:  # type: ignore[override]
            return GreedyStream()

    class GreedyStream:
        most_s = waiting_s = 0.0

        def feed(self, pcm: bytes) -> None:
            self.waiting_s += len(pcm) / 32_000
            GreedyStream.most_s = max(GreedyStream.most_s, self.waiting_s)

        def flush(self) -> None:
            self.flushed = True

        async def hypotheses(self):  # type: ignore[no-untyped-def]
            yield Hypothesis(text="好", final=True)

        def lateness_s(self) -> float:
            return 0.0

        def backlog_s(self) -> float:
            waiting_s, self.waiting_s = self.waiting_s, self.waiting_s / 2
            return waiting_s

        async def close(self) -> None:
            return None

    long = [Line(start_s=1, end_s=9, text="好")]
    turns = await transcribe(leg(long).tobytes(), Greedy({}), detector=LevelDetector)
    assert [turn.text for turn in turns] == ["好"]
    assert GreedyStream.most_s < 2.0


class Unmoved(ScriptedRecognizer):
    """Keeps all it is fed and takes none of it, or fails in words of its own."""

    def __init__(self, script: dict[str, list[Line]], *, waiting_s: float, ends: bool = False) -> None:
        super().__init__(script)
        self.waiting_s, self.ends = waiting_s, ends

    def open(self, stream_id: str):  # type: ignore[no-untyped-def]
        stream = super().open(stream_id)
        stream.backlog_s = lambda: self.waiting_s  # type: ignore[method-assign]
        if self.ends:
            stream.hypotheses = nothing  # type: ignore[method-assign]
        return stream


async def nothing() -> AsyncIterator[Hypothesis]:
    for said in list[Hypothesis]():
        yield said


@pytest.mark.parametrize(
    ("waiting_s", "ends", "said"),
    [
        (5.0, False, r"takes no more sound for 0\.05 s"),
        (0.0, False, r"does not answer for 0\.05 s"),
        (0.0, True, "ended without an answer"),
    ],
)
async def test_an_engine_that_hangs_is_told_of_in_words(
    waiting_s: float, ends: bool, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("asr.offline.ANSWER_S", 0.05)
    engine = Unmoved({"*": [Line(start_s=1, end_s=3, text="好", hangs=True)]}, waiting_s=waiting_s, ends=ends)
    with pytest.raises(NoAnswer, match=said):
        await transcribe(leg(CALLER).tobytes(), engine, detector=LevelDetector)
    assert engine.opened == engine.closed


async def test_a_timeout_of_the_engines_own_is_no_hanging() -> None:
    class Refuses(ScriptedRecognizer):
        def open(self, stream_id: str):  # type: ignore[no-untyped-def]
            stream = super().open(stream_id)
            stream.hypotheses = self.late  # type: ignore[method-assign]
            return stream

        async def late(self) -> AsyncIterator[Hypothesis]:
            async for said in nothing():
                yield said
            raise TimeoutError("the link")

    with pytest.raises(TimeoutError, match="the link"):
        await transcribe(leg(CALLER).tobytes(), Refuses({"*": CALLER}), detector=LevelDetector)


async def test_no_engine_is_an_error_and_no_empty_answer() -> None:
    class Nobody(ScriptedRecognizer):
        def open(self, stream_id: str):  # type: ignore[no-untyped-def]
            raise EngineUnavailable("none", "switched off")

    with pytest.raises(EngineUnavailable, match="switched off"):
        await transcribe(leg(CALLER).tobytes(), Nobody({}), detector=LevelDetector)
