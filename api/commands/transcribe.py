"""``hotline transcribe FILE...``: what was said in recordings, by the engine that live calls would get."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from api.commands.batch import EXIT_BAD_FILE, EXIT_NO_ENGINE, Batch, end, say, why, work
from api.commands.destination import CannotWrite, Destination
from api.commands.engines import EngineOption, ModelOption, config_for_files, hearing
from api.commands.terminal import err, read_settings
from asr.engines.choose import EngineConfig
from asr.offline import HeardTurn, transcribe
from asr.recognizer import EngineUnavailable, Recognizer
from asr.soundfiles import Sound, SoundFileError, read

_STANDARD_OUTPUT = Path("-")


@dataclass(frozen=True, kw_only=True, slots=True)
class Recording:
    """``sound`` only of what cannot be read twice, such as a pipe: a file is read again when its turn comes."""

    path: Path
    seconds: float
    sound: Sound | None = None

    @property
    def name(self) -> str:
        """In characters, whatever the system's own coding is."""
        return os.fsencode(self.path).decode("utf-8", "backslashreplace")


def transcribe_files(
    files: Annotated[list[Path], typer.Argument(help="WAV files; in a stereo one the caller is on the left.")],
    engine: EngineOption = None,
    model: ModelOption = None,
    out: Annotated[
        Path | None, typer.Option("--json", help="Write JSON there, - for standard output; text is printed otherwise.")
    ] = None,
) -> None:
    """Turn recordings into text: who said what, when, with numbers as digits beside what was said.

    Ends with 0; 1 where the engine failed on a file, which is left out; 2 for input or output that cannot be used; 3
    without an engine; 130 after Ctrl-C, what was done until then being written.
    """
    try:
        Destination(out or _STANDARD_OUTPUT).check()
    except CannotWrite as error:
        end(str(error), EXIT_BAD_FILE, error)
    recordings = _checked(files)
    config = config_for_files(read_settings(), engine=engine, model=model)
    try:
        batch = _transcribe(recordings, config, lambda done: _write(out, done))
    except EngineUnavailable as error:
        end(f"No speech engine: {why(error)}", EXIT_NO_ENGINE, error)
    raise typer.Exit(batch.code)


def _checked(files: Sequence[Path]) -> list[Recording]:
    """Every wrong file is named before the first is begun: the work may take hours."""
    recordings, wrong = [], False
    for path in files:
        try:
            sound = read(path)
        except SoundFileError as error:
            say(str(error))
            wrong = True
        else:
            recordings.append(Recording(path=path, seconds=sound.seconds, sound=None if path.is_file() else sound))
    if wrong:
        raise typer.Exit(EXIT_BAD_FILE)
    return recordings


def _transcribe(
    recordings: Sequence[Recording], config: EngineConfig, write: Callable[[Batch[dict[str, Any]]], None]
) -> Batch[dict[str, Any]]:
    """What is done is written before the engine is stopped."""
    with asyncio.Runner() as runner, hearing(runner, config) as recognizer:
        with _progress(recordings) as show:

            def one(recording: Recording) -> dict[str, Any]:
                return runner.run(_heard(recording, recognizer, lambda done_s: show(recording, done_s)))

            batch = work([(each.name, each) for each in recordings], one)
        write(batch)
    return batch


async def _heard(recording: Recording, recognizer: Recognizer, told: Callable[[float], None]) -> dict[str, Any]:
    told(0.0)
    source = recording.sound or recording.path
    turns = await transcribe(source, recognizer, told=told, streams=os.cpu_count() or 1)
    return {
        "file": recording.name,
        "seconds": round(recording.seconds, 3),
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
def _progress(recordings: Sequence[Recording]) -> Iterator[Callable[[Recording, float], None]]:
    """On a terminal only; told of the seconds of a recording that are done."""
    if not sys.stderr.isatty():
        yield lambda recording, done_s: None
        return
    before_s, total_s = {}, 0.0
    for recording in recordings:
        before_s[id(recording)] = total_s
        total_s += recording.seconds
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task("", total=total_s)
        yield lambda recording, done_s: bar.update(
            task, completed=before_s[id(recording)] + done_s, description=escape(recording.path.name)
        )


def _write(out: Path | None, batch: Batch[dict[str, Any]]) -> None:
    if batch.done or not batch.stopped:
        text = _lines(batch) if out is None else json.dumps(batch.done, ensure_ascii=False, indent=1) + "\n"
        try:
            Destination(out or _STANDARD_OUTPUT).write(text)
        except CannotWrite as error:
            end(str(error), EXIT_BAD_FILE, error)
    batch.tell_of_stop()


def _lines(batch: Batch[dict[str, Any]]) -> str:
    lines = []
    for each in batch.done:
        if batch.items > 1:
            lines.append(f"# {each['file']}")
        lines += [
            f"{turn['start']:8.2f} {turn['end']:8.2f} {turn['speaker']:6} {turn['text']}" for turn in each["turns"]
        ]
    return "".join(f"{line}\n" for line in lines)
