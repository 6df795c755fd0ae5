"""A leg's speech becomes numbered events, and every trouble of an engine becomes a state, never an exception."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import pytest

from asr.engines.scripted_engine import Line, Script, ScriptedRecognizer, ScriptedTalker
from asr.pool import LimitedRecognizer
from asr.recognizer import Final, Hypothesis, Partial, Recognizer, SpeechEvent, SpeechLevel, StreamState
from asr.sessions import Limits, SpeechSession
from tests.fakes.loudness import LevelDetector
from tests.fakes.virtual_time import in_virtual_time

GREETING = Line(start_s=1.0, end_s=3.0, text="你好，我要反映一下", delay_s=0.2)
COMPLAINT = Line(start_s=8.0, end_s=10.0, text="楼下饭店油烟很大", delay_s=0.2)


@dataclass
class Story:
    """What came out of one leg."""

    events: list[SpeechEvent] = field(default_factory=list)
    came_at: list[float] = field(default_factory=list)
    closed_after_s: float = 0.0
    session: SpeechSession | None = None

    @property
    def finals(self) -> list[Final]:
        return [event for event in self.events if isinstance(event, Final)]

    @property
    def partials(self) -> list[Partial]:
        return [event for event in self.events if isinstance(event, Partial)]

    @property
    def states(self) -> list[tuple[SpeechLevel, str]]:
        return [(event.level, event.reason) for event in self.events if isinstance(event, StreamState)]


def tell(
    lines: Sequence[Line], recognizer: Recognizer | None = None, *, until_s: float = 0.0, limits: Limits | None = None
) -> Story:
    """The lines are spoken at their times into a session, which is closed after the last frame or at ``until_s``."""
    script: Script = {"*": lines}

    async def talk() -> Story:
        loop = asyncio.get_running_loop()
        story = Story()
        session = SpeechSession(
            recognizer or ScriptedRecognizer(script),
            stream_id="caller",
            clock=loop.time,
            detector=LevelDetector(),
            limits=limits,
        )
        story.session = session
        reading = loop.create_task(read(session, story))
        began_s = loop.time()
        for frame, spoken_s in ScriptedTalker(lines).frames(until_s=max(line.end_s for line in lines)):
            await asyncio.sleep(max(0.0, began_s + spoken_s - loop.time()))
            session.feed(frame, loop.time())
        await asyncio.sleep(max(0.0, began_s + until_s - loop.time()))
        closing_s = loop.time()
        await session.close()
        story.closed_after_s = loop.time() - closing_s
        await reading
        return story

    async def read(session: SpeechSession, story: Story) -> None:
        async for event in session.events():
            story.events.append(event)
            story.came_at.append(asyncio.get_running_loop().time())

    return in_virtual_time(talk())


def test_a_line_comes_as_growing_partials_and_then_one_final_of_the_same_segment() -> None:
    story = tell([GREETING], until_s=6)
    assert [final.text for final in story.finals] == [GREETING.text]
    assert {event.seg for event in (*story.partials, *story.finals)} == {1}
    revisions = [event.rev for event in (*story.partials, *story.finals)]
    assert revisions == list(range(1, len(revisions) + 1))
    assert story.partials[0].text == GREETING.text[: len(story.partials[0].text)]
    assert isinstance(story.events[-1], Final)
    assert story.states == []


def test_times_count_from_the_first_frame_and_the_latency_from_the_end_of_speech() -> None:
    (final,) = tell([GREETING], until_s=6).finals
    assert final.start_s == pytest.approx(0.0, abs=0.05)
    assert final.end_s == pytest.approx(2.0, abs=0.1)
    hang_over_and_delay_ms = 500 + 200
    assert final.latency_ms == pytest.approx(hang_over_and_delay_ms, abs=220)


def test_a_segment_ends_although_no_more_frames_come() -> None:
    story = tell([GREETING, COMPLAINT], until_s=13)
    first, second = story.finals
    assert (first.seg, second.seg) == (1, 2)
    assert second.start_s == pytest.approx(7.0, abs=0.1)
    assert first.text == GREETING.text
    assert story.came_at[story.events.index(first)] < 1000 + COMPLAINT.start_s


def test_the_first_partial_comes_while_the_line_is_spoken() -> None:
    story = tell([GREETING], until_s=6)
    assert story.came_at[0] - 1000 < GREETING.start_s + 0.3


def test_closing_waits_for_the_text_that_is_owed() -> None:
    line = Line(start_s=0, end_s=2, text="刚说完就挂了", delay_s=1.4)
    story = tell([line])
    assert [final.text for final in story.finals] == [line.text]
    assert story.closed_after_s == pytest.approx(1.4, abs=0.1)


def test_closing_gives_up_after_its_limit_and_keeps_what_was_understood() -> None:
    line = Line(start_s=0, end_s=2, text="再也没有回音", hangs=True)
    spoken = Line(start_s=0, end_s=2, text="再也没有回音", delay_s=60)
    assert tell([line]).finals == []
    story = tell([spoken], limits=Limits(drain_s=4.0))
    assert [final.text for final in story.finals] == [spoken.text]
    assert story.closed_after_s < 6


def test_frames_beyond_the_buffer_are_dropped_and_said_and_forgiven() -> None:
    line = Line(start_s=0.0, end_s=10.0, text="一口气说了十秒")

    async def story() -> tuple[float, list[StreamState]]:
        loop = asyncio.get_running_loop()
        session = SpeechSession(
            ScriptedRecognizer({"*": [line]}), stream_id="x", clock=loop.time, detector=LevelDetector()
        )
        for frame, spoken_s in ScriptedTalker([line]).frames(until_s=10):
            session.feed(frame, loop.time() + spoken_s - 10.0)
        await asyncio.sleep(8)
        await session.close()
        return session.dropped_s, [event async for event in session.events() if isinstance(event, StreamState)]

    dropped_s, states = in_virtual_time(story())
    assert dropped_s == pytest.approx(7.0, abs=0.05)
    assert [state.level for state in states] == [SpeechLevel.DEGRADED, SpeechLevel.OK]
    assert "lost" in states[0].reason


def test_an_engine_that_falls_behind_loses_its_partials_and_is_called_degraded_until_it_recovers() -> None:
    recognizer = ScriptedRecognizer({"*": [GREETING, COMPLAINT]})

    async def story() -> Story:
        loop = asyncio.get_running_loop()
        told = Story()
        session = SpeechSession(recognizer, stream_id="x", clock=loop.time, detector=LevelDetector())
        frames = list(ScriptedTalker([GREETING, COMPLAINT]).frames(until_s=12))
        began_s = loop.time()
        for frame, spoken_s in frames:
            await asyncio.sleep(max(0.0, began_s + spoken_s - loop.time()))
            recognizer.lateness = 1.5 if spoken_s < 5 else 0.0
            session.feed(frame, loop.time())
        await session.close()
        told.events = [event async for event in session.events()]
        return told

    told = in_virtual_time(story())
    assert [level for level, _ in told.states] == [SpeechLevel.DEGRADED, SpeechLevel.OK]
    assert {partial.seg for partial in told.partials} == {2}
    assert [final.seg for final in told.finals] == [1, 2]


def test_talking_without_text_is_noticed_and_forgiven_when_text_comes() -> None:
    silent = Line(start_s=0, end_s=9.5, text="")
    story = tell([silent, Line(start_s=12, end_s=14, text="终于听见了")], until_s=16)
    assert story.states == [(SpeechLevel.DEGRADED, "talking but no text"), (SpeechLevel.OK, "")]
    assert [final.text for final in story.finals] == ["终于听见了"]


def test_an_engine_that_raises_takes_the_stream_down_and_a_later_segment_gets_a_new_one() -> None:
    broken = Line(start_s=1, end_s=3, text="说到一半", delay_s=0.1, fails=True)
    recognizer = ScriptedRecognizer({"*": [broken]})
    recovered = tell([broken, Line(start_s=12, end_s=14, text="忽略")], recognizer, until_s=16)
    assert recovered.states[0][0] is SpeechLevel.DOWN
    assert recognizer.opened == 2
    assert recovered.finals[0].text == broken.text
    assert recovered.states[-1] == (SpeechLevel.OK, "") or recovered.finals[-1].seg == 2


def test_an_engine_that_never_answers_takes_the_stream_down() -> None:
    story = tell([Line(start_s=0, end_s=2, text="在吗", hangs=True)], until_s=20)
    assert (SpeechLevel.DOWN, "the speech engine does not answer") in story.states
    assert story.finals == []


def test_no_room_takes_the_stream_down_with_the_reason() -> None:
    story = tell([GREETING], LimitedRecognizer(ScriptedRecognizer({"*": [GREETING]}), limit=0), until_s=6)
    assert story.finals == []
    ((level, reason),) = story.states
    assert level is SpeechLevel.DOWN
    assert "no room" in reason


def test_a_segment_that_turns_out_to_hold_nothing_is_taken_back() -> None:
    class Fickle(ScriptedRecognizer):
        def open(self, stream_id: str) -> FickleStream:  # type: ignore[override]
            return FickleStream()

    class FickleStream:
        def __init__(self) -> None:
            self._said: asyncio.Queue[Hypothesis | None] = asyncio.Queue()

        def feed(self, pcm: bytes) -> None:
            self._said.put_nowait(Hypothesis(text="字 幕", final=False))

        def flush(self) -> None:
            self._said.put_nowait(Hypothesis(text="", final=True))

        async def hypotheses(self) -> AsyncIterator[Hypothesis]:
            while (said := await self._said.get()) is not None:
                yield said

        def lateness_s(self) -> float:
            return 0.0

        def backlog_s(self) -> float:
            return 0.0

        async def close(self) -> None:
            self._said.put_nowait(None)

    story = tell([GREETING], Fickle({}), until_s=6)
    assert [(partial.rev, partial.text) for partial in story.partials] == [(1, "字幕"), (2, "")]
    assert story.finals == []


def test_a_reader_who_comes_late_gets_only_the_newest_partial_of_a_segment() -> None:
    async def story() -> list[SpeechEvent]:
        loop = asyncio.get_running_loop()
        session = SpeechSession(
            ScriptedRecognizer({"*": [GREETING]}), stream_id="x", clock=loop.time, detector=LevelDetector()
        )
        for frame, spoken_s in ScriptedTalker([GREETING]).frames(until_s=4):
            session.feed(frame, 1000 + spoken_s)
            await asyncio.sleep(0.02)
        await session.close()
        return [event async for event in session.events()]

    events = in_virtual_time(story())
    assert [type(event) for event in events] == [Partial, Final]


def test_nothing_is_taken_after_closing() -> None:
    async def story() -> list[SpeechEvent]:
        session = SpeechSession(ScriptedRecognizer({}), stream_id="x", detector=LevelDetector())
        await session.close()
        session.feed(bytes(320), 0.0)
        await session.close()
        return [event async for event in session.events()]

    assert in_virtual_time(story()) == []
