"""What was not heard live comes from the recording: marked, once, in the right places, and only when there is room."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from api.calls.recorder import record
from api.store.engine import Store
from api.store.tables import CallRecord, TranscriptRecord
from api.transcripts.queries import turns_of
from api.transcripts.recorder import TranscriptRecorder
from api.transcripts.rereading import GIVEN_UP, MOST_ATTEMPTS, Rereading, Settled, State
from asr.coverage import Coverage
from asr.engines.scripted_engine import Line, ScriptedRecognizer, ScriptedTalker
from asr.pool import LimitedRecognizer
from asr.recognizer import Health, Recognizer, SpeechLevel
from asr.transcript import Speaker, Turn
from tests.api.serving import eventually
from tests.api.test_pauses import parked_talk
from tests.asr.wavs import write
from tests.fakes.loudness import LevelDetector

CALL = "1795297638.32"
NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
LENGTH_S = 20.0
SAID = [
    Line(start_s=1, end_s=3, text="我要反映一个问题"),
    Line(start_s=6, end_s=9, text="楼下饭店油烟很大"),
    Line(start_s=12, end_s=14, text="住在锦绣花园三栋"),
]


def recording(path: Path, lines: Sequence[Line]) -> Path:
    samples = np.zeros(round(8_000 * LENGTH_S), dtype=np.int16)
    for frame, ends_s in ScriptedTalker(lines).frames(until_s=LENGTH_S):
        end = round(8_000 * ends_s)
        samples[end - 160 : end] = np.frombuffer(frame, "<i2")
    return write(path, samples)


def live(seg: int, line: Line, speaker: Speaker = Speaker.CALLER) -> Turn:
    return Turn(seg=seg, rev=3, speaker=speaker, text=line.text, start_s=line.start_s, end_s=line.end_s, final=True)


@dataclass
class Stage:
    store: Store
    folder: Path
    engine: list[Recognizer]
    now: datetime = NOW
    told: list[Turn] = field(default_factory=list)
    settled: list[Settled] = field(default_factory=list)
    read: list[tuple[tuple[str, ...], str]] = field(default_factory=list)
    locked: str = ""
    rereading: Rereading = field(init=False)

    def __post_init__(self) -> None:
        async def file_of(call_id: str, speaker: Speaker) -> Path | None:
            if self.locked == "found" and speaker is Speaker.CALLER:
                raise PermissionError
            if self.locked == "read" and speaker is Speaker.CALLER:
                return self.folder  # its reading fails as that of a broken disk
            path = self.folder / f"{call_id}-{speaker.value}.wav"
            return path if path.exists() else None

        async def read_again(call_id: str, turns: Sequence[Turn], number: str) -> None:
            self.read.append((tuple(turn.text for turn in turns), number))

        self.rereading = Rereading(
            self.store,
            files=file_of,
            recognizer=lambda: self.engine[0] if self.engine else None,
            now=lambda: self.now,
            told=lambda call_id, turn: self.told.append(turn),
            read_again=read_again,
            settled=self.settled.append,
            detector=LevelDetector,
        )

    def records(self, speaker: Speaker, lines: Sequence[Line]) -> None:
        recording(self.folder / f"{CALL}-{speaker.value}.wav", lines)

    async def call(self, *, ended_ago: timedelta = timedelta(seconds=30)) -> None:
        async with self.store.write() as session:
            session.add(
                CallRecord(
                    id=CALL,
                    line="12345",
                    caller_number="13800000000",
                    arrived_at=self.now - timedelta(minutes=5),
                    answered_at=self.now - timedelta(minutes=4),
                    ended_at=self.now - ended_ago,
                )
            )

    async def heard(self, *turns: Turn) -> None:
        recorder = TranscriptRecorder(self.store, lambda: self.now)
        writing = asyncio.create_task(recorder.run())
        for turn in turns:
            recorder.put(CALL, turn)
        await recorder.drain(5)
        writing.cancel()

    async def over(self, coverage: Coverage) -> None:
        self.rereading.put(CALL, coverage)
        await self.rereading.behind.drain(5)
        self.now += timedelta(seconds=10)

    async def row(self) -> TranscriptRecord:
        async with self.store.read() as session:
            return (await session.scalars(select(TranscriptRecord))).one()

    async def turns(self) -> list[tuple[str, bool]]:
        async with self.store.read() as session:
            return [(turn.text, turn.recorded) for turn in await turns_of(session, CALL)]


@pytest.fixture
async def stage(store: Store, tmp_path: Path) -> AsyncIterator[Stage]:
    made = Stage(store, tmp_path, [ScriptedRecognizer({"*": SAID})])
    writing = asyncio.create_task(made.rereading.behind.run())
    yield made
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)


def with_gap() -> Coverage:
    coverage = Coverage()
    coverage.text(2.0)
    coverage.unheard(3.0, answered=False)
    return coverage


async def test_only_what_was_not_heard_is_read_and_marked(stage: Stage) -> None:
    await stage.call()
    await stage.heard(live(1, SAID[0]), live(2, SAID[2]))
    stage.records(Speaker.CALLER, SAID)
    stage.engine[0] = ScriptedRecognizer({"*": [SAID[1]]})
    await stage.over(with_gap())
    assert await stage.rereading.once()
    assert await stage.turns() == [(SAID[0].text, False), (SAID[1].text, True), (SAID[2].text, False)]
    ((texts, number),) = stage.read
    assert (texts, number) == (tuple(line.text for line in SAID), "13800000000")
    (shown,) = stage.told
    assert (shown.seg, shown.recorded) == (3, True)
    assert shown.start_s == pytest.approx(6.0, abs=0.5)
    row = await stage.row()
    assert (row.state, row.text_s) == (State.REREAD, 2.0)
    assert row.voiced_s == pytest.approx(5.0, abs=0.5)
    assert row.reread_s == pytest.approx(3.0, abs=0.5)
    assert not await stage.rereading.once(), "it is done"


async def test_both_speakers_of_a_call_that_nobody_heard_are_read(stage: Stage) -> None:
    await stage.call()
    stage.records(Speaker.CALLER, SAID[:1])
    stage.records(Speaker.AGENT, SAID[1:2])
    stage.engine[0] = ScriptedRecognizer(
        {f"reread {CALL}/caller": SAID[:1], f"reread {CALL}/agent": [replace(SAID[1], text="请问您住在哪里")]}
    )
    coverage = Coverage()
    coverage.deaf(60)
    await stage.over(coverage)
    assert await stage.rereading.once()
    assert [turn.speaker for turn in stage.told] == [Speaker.CALLER, Speaker.AGENT]


async def test_a_complete_transcript_is_left_alone(stage: Stage) -> None:
    await stage.call()
    coverage = Coverage()
    coverage.text(30.0)
    await stage.over(coverage)
    assert not await stage.rereading.once()
    assert (await stage.row()).state == State.COMPLETE


async def test_the_same_words_are_not_written_twice_where_the_recordings_clock_differs(stage: Stage) -> None:
    await stage.call()
    shifted = replace(SAID[0], start_s=SAID[0].start_s + 17, end_s=SAID[0].end_s + 17)
    await stage.heard(live(1, shifted))
    stage.records(Speaker.CALLER, SAID[:1])
    await stage.over(with_gap())
    assert await stage.rereading.once()
    assert await stage.turns() == [(SAID[0].text, False)]


async def test_what_was_said_after_the_citizen_was_parked_stands_at_its_time(stage: Stage) -> None:
    """The recording stood still for 17 s between the first sentence and the second."""
    await stage.call()
    answered_at = NOW - timedelta(minutes=4)
    async with stage.store.write() as session:
        for event in parked_talk(CALL, answered_at, parked_s=4.5, back_s=21.5):
            await record(session, stage.store.keyring, event)
    later = [replace(line, start_s=line.start_s + 17, end_s=line.end_s + 17) for line in SAID[1:]]
    await stage.heard(live(1, SAID[0]), live(2, later[1]))
    stage.records(Speaker.CALLER, SAID)
    stage.engine[0] = ScriptedRecognizer({"*": [SAID[1]]})
    await stage.over(with_gap())
    assert await stage.rereading.once()
    assert [turn.text for turn in stage.told] == [SAID[1].text]
    assert stage.told[0].start_s == pytest.approx(23.0, abs=0.5)
    assert await stage.turns() == [(SAID[0].text, False), (SAID[1].text, True), (SAID[2].text, False)]


class Away(ScriptedRecognizer):
    level = SpeechLevel.DOWN

    def health(self) -> Health:
        return Health(level=self.level)


async def test_an_engine_that_breaks_over_it_again_and_again_gives_it_up_for_a_day(stage: Stage) -> None:
    await stage.call()
    stage.records(Speaker.CALLER, SAID)
    stage.engine[0] = ScriptedRecognizer({"*": [replace(SAID[0], fails=True)]})
    await stage.over(with_gap())
    for _ in range(MOST_ATTEMPTS):
        assert (await stage.row()).state == State.PENDING
        assert await stage.rereading.once()
        stage.now += timedelta(hours=2)
    assert (await stage.row()).state == State.FAILED
    assert not await stage.rereading.once()
    stage.engine[0] = ScriptedRecognizer({"*": SAID})
    stage.now += GIVEN_UP
    assert await stage.rereading.once()
    assert (await stage.row()).state == State.REREAD


async def test_what_was_given_up_is_taken_up_when_the_server_starts(stage: Stage) -> None:
    await stage.call()
    stage.records(Speaker.CALLER, SAID)
    await stage.over(with_gap())
    async with stage.store.write() as session:
        row = await session.get_one(TranscriptRecord, CALL)
        row.state, row.attempts, row.due_at = State.FAILED, MOST_ATTEMPTS, stage.now + GIVEN_UP
    await stage.rereading.take_up_failed()
    assert ((await stage.row()).state, (await stage.row()).attempts) == (State.PENDING, 0)
    assert await stage.rereading.once()
    assert (await stage.row()).state == State.REREAD


async def test_days_without_an_engine_or_without_room_are_no_attempts(stage: Stage) -> None:
    await stage.call()
    stage.records(Speaker.CALLER, SAID)
    away = Away({"*": SAID})
    full = LimitedRecognizer(ScriptedRecognizer({"*": SAID}), limit=0)
    stage.engine[0] = LimitedRecognizer(away, limit=0)
    await stage.over(with_gap())
    for hour in range(3 * 24):
        stage.engine[0] = away if hour % 2 else full
        assert not stage.rereading._has_room()
        await stage.rereading.once()
        stage.now += timedelta(hours=1)
    row = await stage.row()
    assert (row.state, row.attempts) == (State.PENDING, 0)
    away.level = SpeechLevel.OK
    stage.engine[0] = away
    assert stage.rereading._has_room()
    assert await stage.rereading.once()
    assert (await stage.row()).state == State.REREAD
    assert len(await stage.turns()) == len(SAID)


async def test_a_live_call_that_needs_the_place_puts_the_reading_off(stage: Stage) -> None:
    await stage.call()
    stage.records(Speaker.CALLER, SAID)
    pool = LimitedRecognizer(ScriptedRecognizer({"*": [replace(SAID[0], hangs=True)]}), limit=1)
    stage.engine[0] = pool
    await stage.over(with_gap())
    reading = asyncio.create_task(stage.rereading.once())
    await eventually(lambda: pool.open_streams == 1)
    pool.open("1.2/caller")
    assert await reading
    row = await stage.row()
    assert (row.state, row.attempts, pool.refused) == (State.PENDING, 0, 0)
    assert row.due_at > stage.now
    stage.engine[0] = ScriptedRecognizer({"*": SAID})
    stage.now += timedelta(minutes=1)
    assert await stage.rereading.once()
    assert (await stage.row()).state == State.REREAD


async def test_live_calls_come_first(stage: Stage) -> None:
    busy = LimitedRecognizer(stage.engine[0], limit=2)
    stage.engine[0] = busy
    assert stage.rereading._has_room()
    streams = [busy.open("a/1"), busy.open("a/2")]
    assert not stage.rereading._has_room()
    for stream in streams:
        await stream.close()
    stage.engine.clear()
    assert not stage.rereading._has_room()


async def test_a_recording_that_is_late_is_waited_for_and_one_that_never_comes_is_said_so(stage: Stage) -> None:
    await stage.call()
    await stage.over(with_gap())
    assert await stage.rereading.once()
    assert (await stage.row()).state == State.PENDING
    stage.now += timedelta(minutes=20)
    assert await stage.rereading.once()
    assert (await stage.row()).state == State.NO_RECORDING
    assert stage.settled == [Settled(call_id=CALL, state=State.NO_RECORDING, complete=0.4)]


async def test_a_call_that_ended_while_the_server_was_away_is_taken_up(stage: Stage) -> None:
    await stage.call(ended_ago=timedelta(minutes=3))
    stage.records(Speaker.CALLER, SAID[:1])
    stage.engine[0] = ScriptedRecognizer({"*": SAID[:1]})
    await stage.rereading.once()
    stage.now += timedelta(seconds=10)
    await stage.rereading.once()
    assert await stage.turns() == [(SAID[0].text, True)]


async def test_a_file_that_is_no_sound_is_called_so_and_the_other_is_read(stage: Stage) -> None:
    await stage.call()
    (stage.folder / f"{CALL}-caller.wav").write_bytes(b"RIFF")
    stage.records(Speaker.AGENT, SAID[:1])
    await stage.over(with_gap())
    assert await stage.rereading.once()
    assert await stage.turns() == [(SAID[0].text, True)]
    assert (await stage.row()).state == State.UNREADABLE


@pytest.mark.parametrize("when", ["found", "read"])
async def test_a_recording_that_cannot_be_read_for_a_moment_is_tried_again_and_the_other_kept(
    stage: Stage, when: str
) -> None:
    await stage.call()
    stage.records(Speaker.CALLER, SAID[:1])
    stage.records(Speaker.AGENT, SAID[1:2])
    stage.engine[0] = ScriptedRecognizer({f"reread {CALL}/caller": SAID[:1], f"reread {CALL}/agent": SAID[1:2]})
    await stage.over(with_gap())
    stage.locked = when
    assert await stage.rereading.once()
    row = await stage.row()
    assert (row.state, row.attempts) == (State.PENDING, 1)
    assert await stage.turns() == [(SAID[1].text, True)]
    stage.locked = ""
    stage.now += timedelta(minutes=1)
    assert await stage.rereading.once()
    assert (await stage.row()).state == State.REREAD
    assert await stage.turns() == [(SAID[0].text, True), (SAID[1].text, True)]


async def test_a_call_of_which_nothing_was_heard_is_as_complete_as_its_recording(stage: Stage) -> None:
    await stage.call(ended_ago=timedelta(minutes=3, seconds=40))  # 20 s of talk
    stage.records(Speaker.CALLER, SAID)
    stage.records(Speaker.AGENT, [])
    coverage = Coverage()
    coverage.deaf(2 * LENGTH_S)
    await stage.over(coverage)
    row = await stage.row()
    assert (row.state, row.voiced_s, row.text_s) == (State.PENDING, 2 * LENGTH_S, 0.0)
    assert await stage.rereading.once()
    row = await stage.row()
    assert row.reread_s == pytest.approx(7.0, abs=1.0)
    assert row.voiced_s == pytest.approx(row.reread_s)


async def test_what_a_short_recording_does_not_hold_stays_unknown(stage: Stage) -> None:
    await stage.call(ended_ago=timedelta(minutes=3))  # 60 s of talk, 20 of them recorded
    stage.records(Speaker.CALLER, SAID)
    coverage = Coverage()
    coverage.deaf(60)
    await stage.over(coverage)
    assert await stage.rereading.once()
    row = await stage.row()
    assert row.state == State.REREAD
    assert row.voiced_s > row.reread_s + 39
    (settled,) = stage.settled
    assert settled.complete == pytest.approx(row.reread_s / row.voiced_s)
