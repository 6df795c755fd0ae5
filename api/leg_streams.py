"""One leg's sound to speech events: a tap beside the leg, and the speech session it feeds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

import structlog

from api.auth.shared import Switch
from asr.recognizer import Final, Partial, Recognizer, SpeechLevel, StreamState, Unheard
from asr.sessions import SpeechSession
from asr.transcript import Speaker
from telephony.calls import Leg, LegRole
from telephony.commands import TapLeg
from telephony.errors import TelephonyError
from telephony.ids import CallId, ChannelId
from telephony.media.tap import Tap

log = structlog.get_logger(__name__)

CONNECT_S = 3.0
"""A tap that has not connected by then is given up and asked for anew."""
RETRY_S = (0.2, 0.5, 1.0, 2.0, 3.0)
"""Pauses before the next try; the last one repeats. A tap that brought sound starts again at the first."""
FRAME_S = 0.02
SPEAKERS = {LegRole.CITIZEN: Speaker.CALLER, LegRole.OPERATOR: Speaker.AGENT, LegRole.CENTRE: Speaker.CENTRE}


class Taps(Protocol):
    """``telephony.media.tap.TapServer``, as far as it is used here."""

    def expect(self, ttl_s: float = 30.0) -> Tap: ...


class Owner(Protocol):
    """What all legs share."""

    switch: Switch
    taps: Taps
    tap_address: str

    @property
    def clock(self) -> Callable[[], float]: ...

    @property
    def recognizer(self) -> Callable[[], Recognizer | None]: ...

    def session(self, recognizer: Recognizer, stream_id: str) -> SpeechSession: ...


class Listening(Protocol):
    """The call, which is told what its legs say and how well they are heard."""

    call_id: CallId
    answered_s: float

    def heard(self, speaker: Speaker, stream: str, event: Partial | Final, offset_s: float) -> None: ...

    def unheard(self, event: Unheard) -> None: ...

    def deaf(self, seconds: float) -> None: ...

    def speech_is(self, channel: ChannelId, state: StreamState | None) -> None: ...


class LegStream:
    """One leg: a tap, asked for again whenever it ends before the leg does, feeding one speech session."""

    def __init__(self, owner: Owner, call: Listening, leg: Leg, since_s: float) -> None:
        self._owner = owner
        self._call = call
        self._leg = leg
        self._speaker = SPEAKERS[leg.role]
        self._left = asyncio.Event()
        self._hurry = asyncio.Event()
        self._deaf_since_s: float | None = since_s
        """None while somebody listens."""
        self._heard_out = False
        """The speech session is over."""
        self._tap: Tap | None = None
        self._offset_s: float | None = None

    def leave(self) -> None:
        """The leg has ended."""
        if not self._left.is_set() and self._deaf_since_s is not None:
            self._call.deaf(self._owner.clock() - self._deaf_since_s)
        self._left.set()
        self._hurry.set()
        if self._tap is not None:
            self._tap.close()

    def hurry(self) -> None:
        self._hurry.set()

    async def run(self) -> None:
        recognizer = self._owner.recognizer()
        if recognizer is None:
            return
        stream_id = f"{self._call.call_id}/{self._leg.channel}"
        session = self._owner.session(recognizer, stream_id)
        self._call.speech_is(self._leg.channel, session.state)
        hearing = asyncio.create_task(self._hear(session, stream_id), name=f"hearing {stream_id}")
        try:
            await self._feed(session)
            await session.close()
            await hearing
        finally:
            hearing.cancel()
            await session.close()
            await asyncio.gather(hearing, return_exceptions=True)
            self._nobody_listens()
            self._call.speech_is(self._leg.channel, None)

    def _somebody_listens(self) -> None:
        if self._deaf_since_s is None or self._heard_out:
            return
        self._call.deaf(self._owner.clock() - self._deaf_since_s)
        self._deaf_since_s = None

    def _nobody_listens(self) -> None:
        if self._deaf_since_s is None:
            self._deaf_since_s = self._owner.clock()

    async def _hear(self, session: SpeechSession, stream_id: str) -> None:
        async for event in session.events():
            if isinstance(event, StreamState):
                self._call.speech_is(self._leg.channel, event)
            elif isinstance(event, Unheard):
                self._call.unheard(event)
            else:
                self._call.heard(self._speaker, stream_id, event, self._offset_s or 0.0)
        self._heard_out = True
        self._nobody_listens()

    async def _feed(self, session: SpeechSession) -> None:
        tries = 0
        while not self._left.is_set():
            brought_sound = await self._tap_once(session)
            if self._left.is_set():
                return
            tries = 0 if brought_sound else tries + 1
            if tries > 1:
                self._call.speech_is(
                    self._leg.channel, StreamState(level=SpeechLevel.DOWN, reason="no sound from the switch")
                )
            await self._pause(RETRY_S[min(tries, len(RETRY_S) - 1)])

    async def _tap_once(self, session: SpeechSession) -> bool:
        """One tap from its beginning to its end; whether it brought any sound."""
        self._tap = tap = self._owner.taps.expect(CONNECT_S)
        command = TapLeg(
            call_id=self._call.call_id,
            channel=self._leg.channel,
            tap_id=tap.id,
            address=self._owner.tap_address,
        )
        brought_sound = False
        try:
            await self._owner.switch.request(command)
            async for frame, arrived_s in tap.frames():
                if not brought_sound:
                    brought_sound = True
                    self._somebody_listens()
                    self._call.speech_is(self._leg.channel, session.state)
                if self._offset_s is None:
                    self._offset_s = max(0.0, arrived_s - FRAME_S - self._call.answered_s)
                session.feed(frame, arrived_s)
        except TelephonyError as error:
            log.warning("tap refused", call_id=self._call.call_id, role=self._leg.role, error_type=type(error).__name__)
        finally:
            tap.close()
            self._tap = None
            if brought_sound:
                self._nobody_listens()
        return brought_sound

    async def _pause(self, seconds: float) -> None:
        self._hurry.clear()
        if self._left.is_set():
            return
        try:
            async with asyncio.timeout(seconds):
                await self._hurry.wait()
        except TimeoutError:
            return
