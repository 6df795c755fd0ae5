"""What speech costs, how late it is and how much of it is understood: each engine bare, through sessions, and apart.

    python -m tests.benchmarks.speech [--streams 1 4] [--vosk-model PATH] [--only vosk|whisper] [--development FOLDER]

In one run: processor seconds for each second of audio of the bare engine and of whole sessions (the ratio says what our
layer adds), the time to the first text and from the end of speech to the final one, how many legs fit at once, and what
a process of its own adds: clip by clip in turns with the engine in this process, so that both meet the same neighbours.
``--development`` (or HOTLINE_BENCH_SPEECH) is a folder of recorded turns with a ``manifest.json`` of ``{file, text,
seconds}``: its character errors are printed by engine and process.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog
from rapidfuzz.distance import Levenshtein

from api.settings import Settings
from api.speech import PROBE
from asr.adaptation.model import adapted
from asr.audio import PATIENT, Upsampler
from asr.engines.choose import ADAPTED
from asr.engines.isolated_engine import IsolatedRecognizer, Isolation, resident_mib
from asr.engines.vosk_engine import VoskRecognizer
from asr.engines.whisper_engine import WhisperRecognizer
from asr.lexicon import Lexicon
from asr.models import assemble_whisper, find_mandarin
from asr.numerals import with_digits
from asr.offline import transcribe
from asr.pool import real_time_factor, streams_that_fit
from asr.recognizer import Recognizer, RecognizerStream
from tests.asr.engines.listening import Heard, loud_from_s, play
from tests.fakes.spoken import NAMES, Spoken, letters, spoken

GOALS = {"vosk": (0.5, 1.0), "whisper": (1.5, 1.3)}
"""Seconds: to the first text p95, from the end of speech to the final text p95."""
LAYER_GOAL = 1.10
ISOLATION_GOAL_S = 0.1

Cpu = Callable[[], float]


def cpu_of(recognizer: Recognizer) -> Cpu:
    """Processor seconds of this process, and of the engine's own where it has one."""
    pid = recognizer.pid if isinstance(recognizer, IsolatedRecognizer) else None
    if pid is None:
        return time.process_time
    tick = os.sysconf("SC_CLK_TCK")

    def both() -> float:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return time.process_time() + (int(fields[11]) + int(fields[12])) / tick

    return both


@dataclass(frozen=True, kw_only=True)
class Bare:
    cpu: float
    """Processor seconds for each second of audio."""
    wall: float
    first_s: list[float]
    """From the first loud sound of each clip to the engine's first word, however early it was given the sound."""


async def bare(recognizer: Recognizer, clips: list[Spoken], *, paced: bool = False, streams: int = 1) -> Bare:
    """Without sessions, flushed at the end of each clip; as fast as it takes it, or at the pace of speech.

    The pace matters: between the pieces of one talk other programs use the processor's caches. So does company.
    """
    cpu = cpu_of(recognizer)
    cpu_s, wall_s, audio_s = cpu(), time.perf_counter(), streams * sum(clip.seconds for clip in clips)

    async def one(number: int) -> list[float]:
        await asyncio.sleep(0.7 * number)
        return await _bare_stream(recognizer, clips, paced=paced)

    firsts = [first for told in await asyncio.gather(*map(one, range(streams))) for first in told]
    return Bare(cpu=(cpu() - cpu_s) / audio_s, wall=(time.perf_counter() - wall_s) / audio_s, first_s=firsts)


async def _bare_stream(recognizer: Recognizer, clips: list[Spoken], *, paced: bool) -> list[float]:
    firsts: list[float] = []
    for clip in clips:
        stream = recognizer.open("bare")
        began_s = time.perf_counter()
        feeding = asyncio.create_task(_feed(stream, clip, paced=paced))
        first_at: float | None = None
        async for hypothesis in stream.hypotheses():
            if hypothesis.text and first_at is None:
                first_at = time.perf_counter()
            if hypothesis.final:
                break
        await feeding
        await stream.close()
        if first_at is not None:
            firsts.append(first_at - began_s - loud_from_s(clip.pcm))
    return firsts


async def _feed(stream: RecognizerStream, clip: Spoken, *, paced: bool) -> None:
    audio = Upsampler().convert(clip.pcm, last=True)
    for at in range(0, len(audio), 4096):
        if paced:
            await asyncio.sleep(4096 / 32_000)
        stream.feed(audio[at : at + 4096])
        while stream.lateness_s() > 0.2:  # noqa: ASYNC110 - at the engine's own pace
            await asyncio.sleep(0.005)
    stream.flush()


async def through_sessions(recognizer: Recognizer, clips: list[Spoken], *, streams: int) -> tuple[float, list[Heard]]:
    """``streams`` legs at once at the pace of speech. Processor seconds a second of audio, and what was heard."""
    cpu = cpu_of(recognizer)
    cpu_s = cpu()

    async def leg(number: int) -> list[Heard]:
        await asyncio.sleep(0.7 * number)
        return [await play(recognizer, clip.pcm, stream_id=f"leg {number}") for clip in clips]

    legs = await asyncio.gather(*(leg(number) for number in range(streams)))
    audio_s = streams * sum(clip.seconds for clip in clips)
    return (cpu() - cpu_s) / audio_s, [heard for told in legs for heard in told]


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, round(share * (len(values) - 1)))]


async def measure(name: str, recognizer: Recognizer, streams: list[int]) -> Bare:
    clips = [spoken(clip) for clip in NAMES]
    await bare(recognizer, clips[:1])  # warm up
    alone = await bare(recognizer, clips)
    paced = await bare(recognizer, clips, paced=True)
    print(f"\n{name}: engine alone {alone.cpu:.3f} processor s a second of audio at full speed (real-time factor")
    print(f"  {alone.wall:.3f}), {paced.cpu:.3f} at the pace of speech, where its first text comes after")
    print(f"  p50 {statistics.median(paced.first_s):.2f} s p95 {percentile(paced.first_s, 0.95):.2f} s")
    first_goal, late_goal = GOALS[name.partition(" ")[0]]
    for number in streams:
        beside = paced if number == 1 else await bare(recognizer, clips, paced=True, streams=number)
        cpu, told = await through_sessions(recognizer, clips, streams=number)
        first, late = lateness(told)
        print(
            f"  {number} stream(s): {cpu:.3f} processor s a second of audio (x{cpu / beside.cpu:.2f} of as many bare,"
            f" goal x{LAYER_GOAL:.2f}); first text p50 {statistics.median(first):.2f} s "
            f"p95 {percentile(first, 0.95):.2f} s (goal {first_goal}); "
            f"end of speech to final p50 {statistics.median(late):.2f} s "
            f"p95 {percentile(late, 0.95):.2f} s (goal {late_goal}); "
            f"{sum(len(heard.partials) for heard in told)} partials"
        )
    return paced


def lateness(told: list[Heard]) -> tuple[list[float], list[float]]:
    """To the first text of each clip, and from the end of speech to each final."""
    first = [heard.first_text_s for heard in told if heard.finals]
    return first, [final.latency_ms / 1000 for heard in told for final in heard.finals]


async def isolation(name: str, here: Recognizer, apart: IsolatedRecognizer, streams: list[int], *, rounds: int) -> None:
    """What a process of its own costs in time, processor and memory; each clip is played to one, then to the other."""
    clips = [spoken(clip) for clip in NAMES]
    both: dict[str, Recognizer] = {"in this process": here, "apart": apart}
    for recognizer in both.values():
        await bare(recognizer, clips[:1])  # warm up
    for number in streams:
        told: dict[str, list[Heard]] = {way: [] for way in both}
        cpu = dict.fromkeys(both, 0.0)
        for turn in range(rounds):
            for clip in clips:
                for way in both if turn % 2 else reversed(both):
                    spent, heard = await through_sessions(both[way], [clip], streams=number)
                    told[way] += heard
                    cpu[way] += spent / (rounds * len(clips))
        found = {way: lateness(heard) for way, heard in told.items()}
        for way, (first, late) in found.items():
            print(
                f"  {name} {way}, {number} stream(s): first text p50 {statistics.median(first):.2f} s "
                f"p95 {percentile(first, 0.95):.2f} s; final p50 {statistics.median(late):.2f} s "
                f"p95 {percentile(late, 0.95):.2f} s; {cpu[way]:.3f} processor s a second of audio"
            )
        added = [
            percentile(found["apart"][kind], share) - percentile(found["in this process"][kind], share)
            for kind in (0, 1)
            for share in (0.5, 0.95)
        ]
        print(
            f"  a process of its own adds to the first text {added[0]:+.2f} s (p95 {added[1]:+.2f} s), "
            f"to the final {added[2]:+.2f} s (p95 {added[3]:+.2f} s; goal {ISOLATION_GOAL_S:+.2f} s)"
        )
    print(
        f"  memory: this process {resident_mib(os.getpid()):.0f} MiB, the other {resident_mib(apart.pid or 0):.0f} MiB"
    )


async def capacity(name: str, recognizer: Recognizer, paced: Bare) -> None:
    """What is measured at start, beside what real speech just cost."""
    cores = os.cpu_count() or 1
    probe = await real_time_factor(recognizer, speech=PROBE, cpu_s=cpu_of(recognizer))
    print(
        f"  {name}: the probe at start says {probe:.3f} processor s a second "
        f"(x{probe / paced.cpu:.2f} of real speech), so {streams_that_fit(probe, cores=cores)} legs on {cores} cores; "
        f"by real speech "
        f"{streams_that_fit(paced.cpu, cores=cores)}"
    )


async def understood(name: str, recognizer: Recognizer, folder: Path, *, every: int) -> None:
    """Character errors on recorded turns, spoken digits and written ones alike."""
    turns = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))[::every]
    wrong = said = 0
    began_s, cpu = time.perf_counter(), cpu_of(recognizer)
    cpu_s = cpu()
    for turn in turns:
        heard = await transcribe(folder / turn["file"], recognizer)
        expected, got = (letters(with_digits(text)) for text in (turn["text"], "".join(each.raw for each in heard)))
        wrong, said = wrong + Levenshtein.distance(expected, got), said + len(expected)
    seconds = sum(turn["seconds"] for turn in turns)
    print(
        f"  {name}: character errors {wrong / said:.3f} on {len(turns)} recorded turns ({seconds:.0f} s), "
        f"{(cpu() - cpu_s) / seconds:.3f} processor s a second, "
        f"{seconds / (time.perf_counter() - began_s):.1f} x real time"
    )


@asynccontextmanager
async def started(recognizer: Recognizer) -> AsyncIterator[Recognizer]:
    began_s = time.perf_counter()
    await recognizer.start()
    print(f"\nloaded {recognizer.capabilities.model} in {time.perf_counter() - began_s:.1f} s")
    yield recognizer
    await recognizer.stop()


def vosk_model() -> Path:
    """The one that a server here would take, adapted as it would adapt it."""
    settings = Settings()
    found = find_mandarin(settings.models_dir, settings.shared_models_dir)
    assert found is not None, "no Mandarin model is here: run `hotline models pull`, as `make bench` does"
    return adapted(found, Lexicon.of_home(settings.home), settings.shared_models_dir / ADAPTED)


async def engine(name: str, path: Path, arguments: argparse.Namespace) -> None:
    kind = name.partition(" ")[0]
    here_too = VoskRecognizer(path) if kind == "vosk" else WhisperRecognizer(path)
    apart = IsolatedRecognizer(Isolation(engine=kind, model=path, streams=32))
    async with started(here_too) as recognizer, started(apart):
        if not arguments.only_isolation:
            here = await measure(name, recognizer, arguments.streams)
            await capacity(name, recognizer, here)
        await isolation(name, recognizer, apart, arguments.streams, rounds=arguments.rounds)
        if arguments.development is not None:
            for way, one in (("in this process", recognizer), ("apart", apart)):
                await understood(f"{name} {way}", one, arguments.development, every=arguments.every)


async def main(arguments: argparse.Namespace) -> None:
    print(
        f"a segment ends {PATIENT.hang_s} s after speech; for whisper {PATIENT.short_hang_s} s where it holds under "
        f"{PATIENT.short_s} s"
    )
    if arguments.only in (None, "vosk"):
        path = arguments.vosk_model or vosk_model()
        await engine(f"vosk ({path.name})", path, arguments)
    if arguments.only in (None, "whisper"):
        with tempfile.TemporaryDirectory() as place:
            if whisper := assemble_whisper(Path(place)):
                await engine("whisper (base)", whisper, arguments)


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--vosk-model", type=Path, default=None)
    parser.add_argument("--only", choices=("vosk", "whisper"), default=None)
    parser.add_argument("--only-isolation", action="store_true")
    parser.add_argument("--rounds", type=int, default=4, help="Of playing every clip both ways.")
    development = os.environ.get("HOTLINE_BENCH_SPEECH")
    parser.add_argument("--development", type=Path, default=Path(development) if development else None)
    parser.add_argument("--every", type=int, default=1, help="Of the development turns, each so many-th.")
    asyncio.run(main(parser.parse_args()))
