"""A call's sound to text to suggestions: taps beside the legs, a speech session each, one transcript, one draft.

Nothing here is in the way of a call. What should run is read from the call itself, again at every event: a call that is
talked on has one follower for each of its two legs, however it came to be so (answered now, or found after a restart).
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Literal, Protocol

import structlog

from api.auth.shared import Switch
from api.leg_streams import SPEAKERS, LegStream, Taps
from api.live.hub import Hub
from api.live.messages import SpeechState
from api.tasks import Tasks
from api.times import utc_now
from asr.coverage import Coverage
from asr.prefill import Suggestion
from asr.recognizer import Final, Partial, Recognizer, SpeechLevel, StreamState, Unheard
from asr.sessions import SpeechSession
from asr.transcript import Speaker, Transcript, Turn
from asr.voice import VoiceDetector
from telephony.calls import Call, CallPhase, Leg, LegRole
from telephony.events import CallEvent, Event, LinkChanged, LinkState
from telephony.ids import CallId, ChannelId

log = structlog.get_logger(__name__)

REBUILT_S = 3.0
"""A call answered longer ago than this was not seen to begin: its text so far is in the records."""
RESTORE_S = 2.0
MOST_TURNS_PER_S = 10
"""More than any call has, all its legs together: text that could not be restored keeps the numbers it may have."""
LAST_WORDS_S = 4.0
SUGGEST_AGAIN_S = 2.0

TALKED_ON = frozenset({CallPhase.TALKING, CallPhase.HELD})
_WORST_LAST = (SpeechLevel.OK, SpeechLevel.DEGRADED, SpeechLevel.DOWN)


class Records(Protocol):
    """What of a call's text goes to the database and comes back from it."""

    def keep(self, call_id: CallId, turn: Turn) -> None:
        """A final turn; never waits."""

    async def restore(self, call_id: CallId) -> Sequence[Turn]:
        """The turns recorded so far."""

    async def merge(self, call_id: CallId, suggestions: Sequence[Suggestion]) -> None:
        """Into the call's draft, if it has one. Publishes what changed."""

    def covered(self, call_id: CallId, coverage: Coverage) -> None:
        """The call is over, and so much of it has become text; never waits."""


Suggest = Callable[[Sequence[Turn], str], Awaitable[Sequence[Suggestion]]]
"""Final turns and the caller's number to suggestions; runs outside the loop."""


class Streams:
    """Call ``handle`` with every event of telephony; ``close`` at the end."""

    def __init__(
        self,
        *,
        switch: Switch,
        taps: Taps,
        tap_address: str,
        recognizer: Callable[[], Recognizer | None],
        hub: Hub,
        records: Records,
        suggest: Suggest,
        listen: Callable[[CallId, Sequence[Turn]], None] = lambda call_id, turns: None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], datetime] = utc_now,
        detector: Callable[[], VoiceDetector] | None = None,
    ) -> None:
        """``recognizer`` is None until one has been chosen; tell ``look_everywhere`` when that changes.

        ``listen`` hears all turns whenever one has changed, partial ones as well, and must not wait.
        ``detector`` makes what finds speech in a leg's sound; the speech sessions' own unless given.
        """
        self.switch = switch
        self.taps = taps
        self.tap_address = tap_address
        self.recognizer = recognizer
        self.hub = hub
        self.records = records
        self.suggest = suggest
        self.listen = listen
        self.clock = clock
        self.wall = wall
        self._detector = detector
        self._tasks = Tasks("streams")
        self._calls: dict[CallId, _CallStream] = {}
        self._closing = False

    @property
    def open(self) -> int:
        """Calls that are being followed, those included whose last words are still awaited."""
        return len(self._calls)

    def handle(self, event: Event) -> None:
        if isinstance(event, CallEvent):
            self._look(event.call_id)
        elif isinstance(event, LinkChanged) and event.state is LinkState.LIVE:
            self.look_everywhere()

    def look_everywhere(self) -> None:
        for stream in self._calls.values():
            stream.hurry()
        for call_id in {*self.switch.switchboard.calls, *self._calls}:
            self._look(call_id)

    def is_urgent(self, stream_id: str) -> bool:
        """Whether this stream's call keeps its text when others must give way: it came from a centre, has one on the
        line, or danger has been heard in it."""
        call_id = CallId(stream_id.partition("/")[0])
        call = self.switch.switchboard.calls.get(call_id)
        if call is None:
            return False
        joined = any(leg.role is LegRole.CENTRE and leg.ended_at is None for leg in call.legs)
        return joined or bool(call.centre) or any(cue["state"] == "open" for cue in self.hub.picture(call_id).cues)

    def suggest_again(self, call_id: CallId) -> None:
        """The call's draft has just been made: what was understood before can go into it now."""
        stream = self._calls.get(call_id)
        if stream is not None:
            stream.suggest_soon()

    async def close(self) -> None:
        """Let the words that have been spoken become text, for a moment; then end everything."""
        self._closing = True
        for call_id, stream in self._calls.items():
            call = self.switch.switchboard.calls.get(call_id)
            stream.leave_off(goes_on=call is not None and call.phase is not CallPhase.ENDED)
        await self._tasks.settle(LAST_WORDS_S)
        await self._tasks.close()

    def session(self, recognizer: Recognizer, stream_id: str) -> SpeechSession:
        detector = self._detector() if self._detector is not None else None
        return SpeechSession(recognizer, stream_id=stream_id, clock=self.clock, detector=detector)

    def _look(self, call_id: CallId) -> None:
        if self._closing:
            return
        call = self.switch.switchboard.calls.get(call_id)
        stream = self._calls.get(call_id)
        if stream is None:
            if call is None or call.phase not in TALKED_ON:
                return
            stream = self._calls[call_id] = _CallStream(self, call)
            self._tasks.start(self._follow(stream), f"call {call_id}")
        stream.look(call)

    async def _follow(self, stream: _CallStream) -> None:
        try:
            await stream.run()
        finally:
            del self._calls[stream.call_id]


class _CallStream:
    """One call: followers of its legs, the transcript they make together, and the reading of it."""

    def __init__(self, owner: Streams, call: Call) -> None:
        self.call_id = call.id
        self._owner = owner
        self._number = call.caller_number
        answered_at = call.answered_at or owner.wall()
        age_s = max(0.0, (owner.wall() - answered_at).total_seconds())
        self.answered_s = owner.clock() - age_s
        self._rebuilt = call.rebuilt or age_s > REBUILT_S
        self._transcript = Transcript()
        self._legs: dict[ChannelId, LegStream] = {}
        self._states: dict[ChannelId, StreamState] = {}
        self._wanted: dict[ChannelId, Leg] = {}
        self._wanted_since_s: dict[ChannelId, float] = {}
        self._shown: SpeechState | None = None
        self._changed = asyncio.Event()
        self._over = False
        self._goes_on = False
        """It is left before its end: who follows it then tells how much of it has become text."""
        self._coverage = Coverage()
        self._coverage.deaf(age_s if self._rebuilt else 0.0)
        self._unread = asyncio.Event()
        self._unread.set()
        self._at_it = asyncio.Lock()
        """Held while the words are being read: nobody else reads them, and the call does not end meanwhile."""

    # -- what the events say -----------------------------------------------------------------------------------------

    def look(self, call: Call | None) -> None:
        """Which legs should be followed now."""
        before, now_s = self._wanted, self._owner.clock()
        if call is None or call.phase is CallPhase.ENDED:
            self._over = True
            self._wanted = {}
        else:
            self._wanted = {leg.channel: leg for leg in call.legs if _is_up(leg)}
        for channel in self._wanted:
            self._wanted_since_s.setdefault(channel, now_s)
        for channel in before.keys() - self._wanted.keys() - self._legs.keys():
            self.deaf(now_s - self._wanted_since_s[channel])
        self._changed.set()

    def leave_off(self, *, goes_on: bool) -> None:
        self._goes_on = goes_on
        self.look(None)

    def hurry(self) -> None:
        """The switch is back: taps that wait for their next try are asked for now."""
        for leg in self._legs.values():
            leg.hurry()

    def suggest_soon(self) -> None:
        self._unread.set()

    # -- the task ----------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until the call is over and its last words have been read."""
        legs = Tasks(f"legs of {self.call_id}")
        reading = asyncio.create_task(self._read(), name=f"reading {self.call_id}")
        try:
            await self._restore()
            while not (self._over and not legs):
                self._changed.clear()
                self._start_and_stop(legs)
                if self._over and not legs:
                    break
                await self._changed.wait()
            await self._read_to_the_end(reading)
        finally:
            if self._over and not self._goes_on:
                self._owner.records.covered(self.call_id, self._coverage)
                self._show_speech(recording="pending" if self._coverage.wants_recording else "")
            reading.cancel()
            await legs.close()
            await asyncio.gather(reading, return_exceptions=True)

    def _start_and_stop(self, legs: Tasks) -> None:
        can_hear = self._owner.recognizer() is not None
        for channel, leg in self._wanted.items():
            if can_hear and channel not in self._legs:
                stream = self._legs[channel] = LegStream(self._owner, self, leg, self._wanted_since_s[channel])
                task = legs.start(stream.run(), leg.role)
                task.add_done_callback(lambda _: self._changed.set())
        for channel, stream in self._legs.items():
            if channel not in self._wanted:
                stream.leave()

    async def _restore(self) -> None:
        """Only a call that was not seen to begin has anything in the records; they get a moment to answer, no more."""
        if not self._rebuilt:
            return
        try:
            async with asyncio.timeout(RESTORE_S):
                turns = await self._owner.records.restore(self.call_id)
        except Exception as error:
            log.warning("transcript not restored", call_id=self.call_id, error_type=type(error).__name__)
            age_s = self._owner.clock() - self.answered_s
            self._transcript = Transcript(first=math.ceil(MOST_TURNS_PER_S * age_s))
            return
        self._transcript = Transcript(turns)
        self._coverage.found(sum(turn.end_s - turn.start_s for turn in turns))
        for turn in turns:
            self._owner.hub.show_turn(self.call_id, turn)
        log.info("transcript restored", call_id=self.call_id, turns=len(turns))

    # -- what the legs say -------------------------------------------------------------------------------------------

    def heard(self, speaker: Speaker, stream: str, event: Partial | Final, offset_s: float) -> None:
        turn = self._transcript.apply(speaker, stream, event, offset_s)
        self._owner.hub.show_turn(self.call_id, turn)
        self._owner.listen(self.call_id, self._transcript.turns)
        if turn.final:
            if isinstance(event, Final):
                self._coverage.text(event.end_s - event.start_s)
                self._show_speech()
            self._owner.records.keep(self.call_id, turn)
            self._unread.set()

    def unheard(self, event: Unheard) -> None:
        self._coverage.unheard(event.end_s - event.start_s, answered=event.answered)
        self._show_speech()

    def deaf(self, seconds: float) -> None:
        """A leg was up so long and nobody listened to it."""
        self._coverage.deaf(seconds)
        self._show_speech()

    def speech_is(self, channel: ChannelId, state: StreamState | None) -> None:
        """None: this leg is no longer followed. Shown is the worst of all legs."""
        if state is None:
            self._states.pop(channel, None)
        else:
            self._states[channel] = state
        self._show_speech()

    def _show_speech(self, *, recording: Literal["", "pending"] = "") -> None:
        """As it was last, when no leg is followed any more."""
        last = self._shown
        if self._states:
            worst = max(self._states.values(), key=lambda each: _WORST_LAST.index(each.level))
        elif last is not None:
            worst = StreamState(level=last.state, reason=last.reason)
        elif self._over:
            worst = StreamState(level=SpeechLevel.DOWN)
        else:
            return
        recognizer = self._owner.recognizer()
        shown = SpeechState(
            state=worst.level,
            reason=worst.reason,
            engine=recognizer.capabilities.engine if recognizer is not None else "",
            complete=in_tenths(self._coverage.complete),
            recording=recording,
        )
        if shown != last:
            self._shown = shown
            self._owner.hub.show_speech(self.call_id, shown)

    # -- reading it --------------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        """Suggestions from all that has been said; words that come meanwhile are read together, once."""
        while True:
            await self._unread.wait()
            async with self._at_it:
                done = await self._read_once()
            if not done:
                await asyncio.sleep(SUGGEST_AGAIN_S)

    async def _read_once(self) -> bool:
        """False if it failed; the words are still unread then."""
        self._unread.clear()
        try:
            await self._merge_suggestions()
        except Exception:
            log.exception("suggestions failed", call_id=self.call_id)
            self._unread.set()
            return False
        return True

    async def _merge_suggestions(self) -> None:
        suggestions = await self._owner.suggest(self._transcript.finals, self._number)
        await self._owner.records.merge(self.call_id, suggestions)

    async def _read_to_the_end(self, reading: asyncio.Task[None]) -> None:
        """The last words of the call: what is being read now, and what nobody has read yet."""
        async with self._at_it:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            if self._unread.is_set():
                await self._read_once()


def in_tenths(complete: float | None) -> float | None:
    """News of every hundredth would be noise; nearly all is all."""
    return complete if complete is None else 1.0 if complete > 0.95 else math.floor(10 * complete) / 10


def _is_up(leg: Leg) -> bool:
    return leg.role in SPEAKERS and leg.answered_at is not None and leg.ended_at is None
