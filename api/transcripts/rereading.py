"""What was not heard live is read from the recording when the call is over, and marked so; nothing is said twice.

Every followed call leaves a record of how complete its transcript is. Those with speech that nobody listened to are
``pending`` until their recording has been read: one at a time, and only while the engine is up and has room to spare
for live calls. What waits for the engine or for the recording is no attempt; what was given up after many attempts is
tried again each day and whenever the server starts. Calls that ended while this server was away have no record and are
taken up like the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import structlog
from sqlalchemy import ColumnElement, and_, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from api.recordings.pauses import in_talk_s, pauses_of
from api.store.behind import WriteBehind
from api.store.engine import Store, insert_into
from api.store.tables import CallRecord, Segment, TranscriptRecord
from api.transcripts.queries import RECORDING, share, turns_of
from asr.audio import rules_for
from asr.coverage import Coverage, is_repeat, missing
from asr.offline import SpokenSegment, recognised, spoken_segments
from asr.pauses import text_of
from asr.pool import BACKGROUND, NoRoom
from asr.recognizer import Capabilities, EngineUnavailable, Health, Recognizer, RecognizerStream, SpeechLevel
from asr.soundfiles import NotFound, SoundFileError, read
from asr.transcript import Speaker, Turn
from asr.voice import VoiceDetector, silero
from telephony.media.recordings import Pause

log = structlog.get_logger(__name__)

LOOK_S = 5.0
AFTER_THE_CALL = timedelta(seconds=5)
"""The switch closes its files in that time."""
RECORDING_WITHIN = timedelta(minutes=10)
AGAIN = (timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10), timedelta(hours=1))
TAKEN_UP = timedelta(hours=24)
MOST_ATTEMPTS = 8
GIVEN_UP = timedelta(hours=24)
"""After so many attempts it is tried once in that time."""
SPARE_LOAD = 0.5
"""Of the engine's places; above it the live calls have it to themselves."""
_SHORT_S = 3.0
"""A recording that lacks more than this of its talk does not tell everything."""
_NO_WORD_S = 1.0


class State(StrEnum):
    COMPLETE = "complete"
    PENDING = "pending"
    REREAD = "reread"
    NO_RECORDING = "no_recording"
    UNREADABLE = "unreadable"
    """A recording of it is no sound that can be decoded."""
    FAILED = "failed"
    """Many attempts came to nothing; there will be more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Covered:
    """A call is over; seconds of speech (where nobody heard anything: of the call), and of speech that became text."""

    call_id: str
    voiced_s: float
    text_s: float
    pending: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Settled:
    """What the transcript of a call has come to; ``complete`` 0..1, or None where nobody was heard to speak."""

    call_id: str
    state: State
    complete: float | None


class LegFiles(Protocol):
    async def __call__(self, call_id: str, speaker: Speaker) -> Path | None:
        """The recording of what one speaker said, from the answer on."""


class Later(Exception):
    """Not now: there is no engine, no room, or no finished recording. Nothing was attempted."""


@dataclass(kw_only=True, slots=True)
class _Reading:
    """What reading one call has come to so far; seconds."""

    state: State = State.REREAD
    found: int = 0
    """Recordings, of two."""
    wordless_s: float = 0.0
    """Of speech in which an engine found no words."""
    lacking_s: float = 0.0
    """By how much the shortest recording is shorter than the talk."""

    def put_back(self, state: State) -> None:
        """One of the recordings could not be read; one that may be read later decides."""
        if self.state is not State.PENDING:
            self.state = state

    def voiced_s(self, before_s: float, text_s: float) -> float:
        """The recordings say how much was spoken; what they lack stays unknown, if it was."""
        told_s = text_s + self.wordless_s
        return told_s + min(self.lacking_s, max(0.0, before_s - told_s))


@dataclass(frozen=True, slots=True)
class _Reader:
    """An engine that is asked later where it takes no stream now."""

    recognizer: Recognizer

    @property
    def capabilities(self) -> Capabilities:
        return self.recognizer.capabilities

    def open(self, stream_id: str) -> RecognizerStream:
        try:
            return self.recognizer.open(stream_id)
        except EngineUnavailable:
            raise Later from None

    async def start(self) -> None:
        await self.recognizer.start()

    async def stop(self) -> None:
        await self.recognizer.stop()

    def health(self) -> Health:
        return self.recognizer.health()


@dataclass(frozen=True, slots=True)
class _Clock:
    """A recording's own seconds as those of its talk, which it is behind after each pause."""

    still: Sequence[Pause]
    talk_s: float

    def placed(self, segment: SpokenSegment) -> SpokenSegment:
        middle_s = (segment.start_s + segment.end_s) / 2
        behind_s = in_talk_s(middle_s, self.still) - middle_s
        return replace(segment, start_s=segment.start_s + behind_s, end_s=segment.end_s + behind_s)

    def unexplained_s(self, recorded_s: float) -> float:
        """By how much it is shorter than the talk, beyond the pauses."""
        return max(0.0, self.talk_s - recorded_s - sum(pause.length_s for pause in self.still))


class Rereading:
    """``put`` a call that is over; ``run`` for as long as the server runs."""

    def __init__(
        self,
        store: Store,
        *,
        files: LegFiles,
        recognizer: Callable[[], Recognizer | None],
        now: Callable[[], datetime],
        told: Callable[[str, Turn], None],
        read_again: Callable[[str, Sequence[Turn], str], Awaitable[None]],
        settled: Callable[[Settled], None] = lambda settled: None,
        detector: Callable[[], VoiceDetector] | None = None,
    ) -> None:
        """``told`` shows a turn; ``read_again`` makes suggestions of all turns and the caller's number; ``settled``
        hears what each attempt came to."""
        self._store = store
        self._files = files
        self._recognizer = recognizer
        self._now = now
        self._told = told
        self._read_again = read_again
        self._settled = settled
        self._detector = detector or silero()
        self.behind: WriteBehind[Covered] = WriteBehind(
            store, self._write, name="transcript-coverage", keeps=(Covered,)
        )

    def put(self, call_id: str, coverage: Coverage) -> None:
        self.behind.put(
            Covered(
                call_id=call_id,
                voiced_s=round(coverage.voiced_s + coverage.unknown_s, 2),
                text_s=round(coverage.text_s, 2),
                pending=coverage.wants_recording,
            )
        )

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.behind.run())
            group.create_task(self._read_pending())

    async def _write(self, session: AsyncSession, item: Covered) -> None:
        now = self._now()
        await session.execute(
            insert_into(session, TranscriptRecord)
            .values(
                call_id=item.call_id,
                state=State.PENDING if item.pending else State.COMPLETE,
                voiced_s=item.voiced_s,
                text_s=item.text_s,
                reread_s=0.0,
                attempts=0,
                due_at=now + AFTER_THE_CALL,
                updated_at=now,
            )
            .on_conflict_do_nothing()
        )

    # ---- reading

    async def _read_pending(self) -> None:
        taken_up = False
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                if not taken_up:
                    await self.take_up_failed()
                    taken_up = True
                while self._has_room() and await self.once():
                    pass
            except Exception as error:
                log.warning("recordings not read again", error_type=type(error).__name__)

    def _has_room(self) -> bool:
        recognizer = self._recognizer()
        return recognizer is not None and _is_up(recognizer) and getattr(recognizer, "load", 0.0) < SPARE_LOAD

    async def take_up_failed(self) -> None:
        """All that was given up is due again, with all its attempts."""
        now = self._now()
        async with self._store.write() as session:
            await session.execute(
                update(TranscriptRecord)
                .where(TranscriptRecord.state == State.FAILED)
                .values(state=State.PENDING, attempts=0, due_at=now, updated_at=now)
            )

    async def once(self) -> bool:
        """One call that is due. False if there is none, or no engine that is up."""
        recognizer = self._recognizer()
        if recognizer is None or not _is_up(recognizer):
            return False
        await self._take_up()
        async with self._store.read() as session:
            row = await session.scalar(
                select(TranscriptRecord).where(_is_due(self._now())).order_by(TranscriptRecord.due_at).limit(1)
            )
        if row is None:
            return False
        try:
            reading, seconds = await self._reread(recognizer, row.call_id)
        except Later:
            await self._put_off(row)
            return True
        except Exception as error:
            log.warning("recording not read", call_id=row.call_id, error_type=type(error).__name__)
            reading, seconds = _Reading(state=State.PENDING), 0.0
        await self._note(row, reading, seconds)
        return True

    async def _take_up(self) -> None:
        """Calls that nobody followed to their end: the server was not there, or had no engine yet."""
        now = self._now()
        followed = exists().where(TranscriptRecord.call_id == CallRecord.id)
        unknown = select(CallRecord).where(
            CallRecord.answered_at.is_not(None),
            CallRecord.ended_at.between(now - TAKEN_UP, now - RECORDING_WITHIN / 10),
            ~followed,
        )
        async with self._store.read() as session:
            calls = (await session.scalars(unknown)).all()
        for call in calls:
            self.behind.put(Covered(call_id=call.id, voiced_s=_talk_s(call), text_s=0.0, pending=True))
        if calls:
            log.info("calls taken up for their recordings", calls=len(calls))
            await self.behind.drain(LOOK_S)

    async def _put_off(self, row: TranscriptRecord) -> None:
        async with self._store.write() as session:
            await session.execute(
                update(TranscriptRecord)
                .where(TranscriptRecord.call_id == row.call_id)
                .values(due_at=self._now() + AGAIN[0])
            )

    async def _note(self, row: TranscriptRecord, reading: _Reading, seconds: float) -> None:
        """An attempt has been made; ``seconds`` of speech got text."""
        now, state = self._now(), reading.state
        wait = AGAIN[min(row.attempts, len(AGAIN) - 1)]
        if state is State.PENDING and row.attempts + 1 >= MOST_ATTEMPTS:
            state, wait = State.FAILED, GIVEN_UP
        reread_s = row.reread_s + seconds
        voiced_s = max(row.voiced_s, row.text_s + reread_s)
        if state is State.REREAD:
            voiced_s = reading.voiced_s(row.voiced_s, row.text_s + reread_s)
        async with self._store.write() as session:
            await session.execute(
                update(TranscriptRecord)
                .where(TranscriptRecord.call_id == row.call_id)
                .values(
                    state=state,
                    attempts=row.attempts + 1,
                    due_at=now + wait,
                    updated_at=now,
                    reread_s=reread_s,
                    voiced_s=voiced_s,
                )
            )
        complete = share(voiced_s, row.text_s, reread_s)
        self._settled(Settled(call_id=row.call_id, state=state, complete=complete))

    async def _reread(self, recognizer: Recognizer, call_id: str) -> tuple[_Reading, float]:
        """What it came to, and the seconds of speech that got text. Raises Later."""
        async with self._store.read() as session:
            call = await session.get(CallRecord, call_id)
            turns = await turns_of(session, call_id)
            still = await pauses_of(session, call_id)
        clock = _Clock(still, _talk_s(call))
        reading = _Reading()
        new: list[Turn] = []
        for speaker in (Speaker.CALLER, Speaker.AGENT):
            own = [turn for turn in turns if turn.speaker is speaker]
            try:
                path = await self._files(call_id, speaker)
                if path is None:
                    reading.lacking_s = max(reading.lacking_s, clock.talk_s)
                    continue
                reading.found += 1
                async for turn in self._new_turns(_Reader(recognizer), call_id, path, speaker, own, clock, reading):
                    new.append(turn)
            except (NotFound, OSError) as error:
                log.warning("recording not readable now", call_id=call_id, error_type=type(error).__name__)
                reading.put_back(State.PENDING)
            except SoundFileError as error:
                log.warning("recording is no sound", call_id=call_id, error_type=type(error).__name__)
                reading.put_back(State.UNREADABLE)
        if not reading.found and reading.state is State.REREAD:
            ended_at = call.ended_at if call is not None else None
            if ended_at is not None and self._now() - ended_at < RECORDING_WITHIN:
                raise Later
            return _Reading(state=State.NO_RECORDING), 0.0
        kept = await self._keep(call_id, new)
        if any(turn.recorded for turn in (*turns, *kept)):
            number = (call.caller_number if call is not None else None) or ""
            await self._read_again(call_id, sorted((*turns, *kept), key=lambda turn: turn.start_s), number)
        return reading, sum(turn.end_s - turn.start_s for turn in kept)

    async def _new_turns(
        self,
        reader: _Reader,
        call_id: str,
        path: Path,
        speaker: Speaker,
        own: Sequence[Turn],
        clock: _Clock,
        reading: _Reading,
    ) -> AsyncIterator[Turn]:
        """Raises SoundFileError, Later where no engine takes it, EngineUnavailable and NoAnswer where one breaks."""

        def cut() -> tuple[float, list[SpokenSegment]]:
            sound = read(path)
            rules = rules_for(whole_segments=reader.capabilities.whole_segments)
            spoken = spoken_segments(sound.channels[0], sound.rate, self._detector(), rules)
            return sound.seconds, missing([clock.placed(segment) for segment in spoken], own)

        recorded_s, segments = await asyncio.to_thread(cut)
        skipped_s = clock.unexplained_s(recorded_s)
        if skipped_s > _SHORT_S:
            reading.lacking_s = max(reading.lacking_s, skipped_s)
        if not segments:
            return
        stream_id = f"{BACKGROUND}{call_id}/{speaker}"
        try:
            async for segment, hypothesis in recognised(reader, segments, stream_id=stream_id):
                text = text_of(hypothesis, reader.capabilities)
                length_s = segment.end_s - segment.start_s
                if not text and length_s >= _NO_WORD_S:
                    reading.wordless_s += length_s
                if text and not is_repeat(text, segment.start_s, own, skipped_s=skipped_s):
                    yield Turn(
                        seg=0,
                        rev=1,
                        speaker=speaker,
                        text=text,
                        start_s=segment.start_s,
                        end_s=segment.end_s,
                        final=True,
                        recorded=True,
                    )
        except NoRoom:
            raise Later from None

    async def _keep(self, call_id: str, new: Sequence[Turn]) -> list[Turn]:
        """All or nothing, numbered after what is there."""
        if not new:
            return []
        async with self._store.write() as session:
            last = await session.scalar(select(func.max(Segment.seg)).where(Segment.call_id == call_id))
            ordered = enumerate(sorted(new, key=lambda turn: turn.start_s), start=1 + (last or 0))
            kept = [replace(turn, seg=number) for number, turn in ordered]
            session.add_all(
                Segment(
                    call_id=call_id,
                    seg=turn.seg,
                    rev=turn.rev,
                    speaker=turn.speaker.value,
                    text=turn.text,
                    start_s=turn.start_s,
                    end_s=turn.end_s,
                    recorded_at=self._now(),
                    source=RECORDING,
                )
                for turn in kept
            )
        for turn in kept:
            self._told(call_id, turn)
        return kept


def _is_up(recognizer: Recognizer) -> bool:
    return recognizer.health().level is not SpeechLevel.DOWN


def _is_due(now: datetime) -> ColumnElement[bool]:
    return and_(TranscriptRecord.state.in_((State.PENDING, State.FAILED)), TranscriptRecord.due_at <= now)


def _talk_s(call: CallRecord | None) -> float:
    """From the answer to the end of the call; 0 where that is not known."""
    if call is None or call.answered_at is None or call.ended_at is None:
        return 0.0
    return (call.ended_at - call.answered_at).total_seconds()
