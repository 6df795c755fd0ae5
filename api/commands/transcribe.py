"""``hotline transcribe FILE...``: what was said in recordings, by the engine that live calls would get."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from api.commands.terminal import err, read_settings
from api.speech import engine_config
from asr.engines.choose import Engine, choose
from asr.offline import HeardTurn, NoAnswer, transcribe
from asr.recognizer import EngineUnavailable, Recognizer, SpeechLevel
from asr.soundfiles import Sound, SoundFileError, read

EXIT_NOT_HEARD = 1
"""The engine failed on a file; the others are done."""
EXIT_BAD_FILE = 2
"""A file cannot be read, or the output cannot be written. Nothing else is begun if that is known beforehand."""
EXIT_NO_ENGINE = 3


def transcribe_files(
    files: Annotated[list[Path], typer.Argument(help="WAV files; in a stereo one the caller is on the left.")],
    engine: Annotated[Engine | None, typer.Option(help="Instead of HOTLINE_SPEECH_ENGINE.")] = None,
    model: Annotated[Path | None, typer.Option(help="A model folder, instead of looking for one.")] = None,
    out: Annotated[
        Path | None, typer.Option("--json", help="Write JSON there, - for standard output; text is printed otherwise.")
    ] = None,
) -> None:
    """Turn recordings into text: who said what, when, with numbers as digits beside what was said."""
    sounds = _read_all(files)
    if out is not None and str(out) != "-" and not out.absolute().parent.is_dir():
        err.print(f"[red]{escape(str(out))}: its folder does not exist")
        raise typer.Exit(EXIT_BAD_FILE)
    settings = read_settings()
    config = replace(
        engine_config(settings),
        isolated=False,
        fallback=False,
        max_streams=os.cpu_count() or 1,  # nothing is measured: there are no calls to be protected
        engine=engine or Engine(settings.speech_engine),
        model_path=model or settings.speech_model,
    )

    async def work() -> list[dict[str, Any] | None]:
        recognizer = await choose(config)
        try:
            health = recognizer.health()
            if health.level is SpeechLevel.DOWN:
                err.print(f"[red]No speech engine: {escape(health.reason)}")
                raise typer.Exit(EXIT_NO_ENGINE)
            return await _all(recognizer, list(zip(files, sounds, strict=True)))
        finally:
            await recognizer.stop()

    heard = asyncio.run(work())
    _write(out, [each for each in heard if each is not None])
    if None in heard:
        raise typer.Exit(EXIT_NOT_HEARD)


def _read_all(files: Sequence[Path]) -> list[Sound]:
    """Every wrong file is named before the first is begun: the work may take hours."""
    sounds, wrong = [], False
    for path in files:
        try:
            sounds.append(read(path))
        except SoundFileError as error:
            err.print(f"[red]{escape(str(error))}", soft_wrap=True)
            wrong = True
    if wrong:
        raise typer.Exit(EXIT_BAD_FILE)
    return sounds


async def _all(recognizer: Recognizer, given: Sequence[tuple[Path, Sound]]) -> list[dict[str, Any] | None]:
    """None for a file that the engine failed on."""
    results: list[dict[str, Any] | None] = []
    with _progress(sum(sound.seconds for _, sound in given)) as show:
        before_s = 0.0
        for path, sound in given:
            show(path, before_s)
            results.append(await _one(recognizer, path, sound, lambda s, p=path, b=before_s: show(p, b + s)))  # type: ignore[misc]
            before_s += sound.seconds
            show(path, before_s)
    return results


async def _one(
    recognizer: Recognizer, path: Path, sound: Sound, told: Callable[[float], None]
) -> dict[str, Any] | None:
    try:
        turns = await transcribe(sound, recognizer, told=told, streams=os.cpu_count() or 1)
    except (EngineUnavailable, NoAnswer) as error:
        why = error.reason if isinstance(error, EngineUnavailable) else "the speech engine does not answer"
        err.print(f"[red]{escape(str(path))}: {escape(why)}", soft_wrap=True)
        return None
    return {
        "file": str(path),
        "seconds": round(sound.seconds, 3),
        "engine": recognizer.capabilities.engine,
        "model": recognizer.capabilities.model,
        "turns": [_turn(turn) for turn in turns],
    }


def _turn(turn: HeardTurn) -> dict[str, Any]:
    return {
        "speaker": turn.speaker.value,
        "text": turn.text,
        "raw": turn.raw,
        "start": turn.start_s,
        "end": turn.end_s,
        "confidence": None if turn.confidence is None else round(turn.confidence, 3),
    }


@contextmanager
def _progress(seconds: float) -> Iterator[Callable[[Path, float], None]]:
    """On a terminal only."""
    if not sys.stderr.isatty():
        yield lambda path, done_s: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task("", total=seconds)
        yield lambda path, done_s: progress.update(task, completed=done_s, description=escape(path.name))


def _write(out: Path | None, heard: Sequence[dict[str, Any]]) -> None:
    if out is None:
        for each in heard:
            if len(heard) > 1:
                typer.echo(f"# {each['file']}")
            for turn in each["turns"]:
                typer.echo(f"{turn['start']:8.2f} {turn['end']:8.2f} {turn['speaker']:6} {turn['text']}")
        return
    text = json.dumps(heard, ensure_ascii=False, indent=1) + "\n"
    if str(out) == "-":
        typer.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        err.print(f"[red]{escape(str(out))}: {error.strerror}", soft_wrap=True)
        raise typer.Exit(EXIT_BAD_FILE) from error
