"""What is said on a real switch as the server reads it: taps beside the legs, sessions, one transcript a call."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from api.live.hub import Hub
from api.streams import Streams
from asr.coverage import Coverage
from asr.prefill import Suggestion
from asr.recognizer import Recognizer
from asr.transcript import Turn
from asr.voice import VoiceDetector
from telephony.ids import CallId
from telephony.media.tap import TapServer
from tests.system.parties import Parties


@dataclass
class Kept:
    """``streams.Records`` in memory."""

    turns: list[tuple[float, Turn]] = field(default_factory=list)
    """When each came, and the turn."""
    accounts: list[Coverage] = field(default_factory=list)
    of_call: dict[CallId, list[Turn]] = field(default_factory=dict)

    def keep(self, call_id: CallId, turn: Turn) -> None:
        self.turns.append((time.monotonic(), turn))
        self.of_call.setdefault(call_id, []).append(turn)

    async def restore(self, call_id: CallId) -> Sequence[Turn]:
        return ()

    async def merge(self, call_id: CallId, suggestions: Sequence[Suggestion]) -> None:
        return None

    def covered(self, call_id: CallId, coverage: Coverage) -> None:
        self.accounts.append(coverage)

    def of(self, letter: str) -> list[Turn]:
        return [turn for _, turn in self.turns if turn.text.startswith(letter)]


@asynccontextmanager
async def read_along(
    all_: Parties, engine: Recognizer, kept: Kept, *, detector: Callable[[], VoiceDetector] | None = None
) -> AsyncIterator[Hub]:
    """Whatever is talked there is read by ``engine``; no ticket is filled."""
    taps = TapServer()
    await taps.start()
    hub = Hub(board=all_.board, clock=time.monotonic, wall=lambda: datetime.now(UTC), ring_s=15)

    async def nothing(turns: Sequence[Turn], number: str) -> Sequence[Suggestion]:
        return ()

    streams = Streams(
        switch=all_.process.runner,
        taps=taps,
        tap_address=f"{taps.host}:{taps.port}",
        recognizer=lambda: engine,
        hub=hub,
        records=kept,
        suggest=nothing,
        detector=detector,
    )
    all_.process.listeners += [hub.handle, streams.handle]
    try:
        yield hub
    finally:
        await streams.close()
        await taps.stop()
