"""Playing audio into a session at the pace of speech, and noting when what came out."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from asr.audio import FRAME_BYTES, FRAME_S, LINE_BYTES_PER_S, level_dbfs
from asr.recognizer import Final, Partial, Recognizer, SpeechEvent, StreamState
from asr.sessions import SpeechSession

LOUD_DBFS = -35.0


@dataclass
class Heard:
    """Events with the seconds since the first frame."""

    events: list[tuple[float, SpeechEvent]] = field(default_factory=list)
    speech_from_s: float = 0.0
    """When the first loud frame was played."""

    @property
    def finals(self) -> list[Final]:
        return [event for _, event in self.events if isinstance(event, Final)]

    @property
    def partials(self) -> list[Partial]:
        return [event for _, event in self.events if isinstance(event, Partial)]

    @property
    def states(self) -> list[StreamState]:
        return [event for _, event in self.events if isinstance(event, StreamState)]

    @property
    def text(self) -> str:
        return "".join(final.text for final in self.finals)

    @property
    def first_text_s(self) -> float:
        """From the start of speech to the first text of any kind."""
        return next(at for at, event in self.events if isinstance(event, Partial | Final)) - self.speech_from_s


def loud_from_s(pcm8k: bytes) -> float:
    """When the first loud frame begins; raises StopIteration where none is."""
    frames = (pcm8k[at : at + FRAME_BYTES] for at in range(0, len(pcm8k), FRAME_BYTES))
    return FRAME_S * next(number for number, frame in enumerate(frames) if level_dbfs(frame) > LOUD_DBFS)


async def play(recognizer: Recognizer, pcm8k: bytes, *, stream_id: str = "leg", pause_s: float = 1.2) -> Heard:
    """In real time; then the line stays open and silent for ``pause_s``, and is closed."""
    heard = Heard()
    session = SpeechSession(recognizer, stream_id=stream_id)
    began_s = time.monotonic()

    async def read() -> None:
        async for event in session.events():
            heard.events.append((time.monotonic() - began_s, event))

    reading = asyncio.create_task(read())
    silence = bytes(2 * round(pause_s * LINE_BYTES_PER_S / 2))
    audio = pcm8k + silence
    frames = [audio[at : at + FRAME_BYTES] for at in range(0, len(audio) - FRAME_BYTES + 1, FRAME_BYTES)]
    heard.speech_from_s = loud_from_s(pcm8k)
    for number, frame in enumerate(frames, start=1):
        await asyncio.sleep(max(0.0, began_s + number * FRAME_S - time.monotonic()))
        session.feed(frame, time.monotonic())
    await session.close()
    await reading
    return heard
