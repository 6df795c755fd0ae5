"""``hotline understand IN.json --out OUT.json``: what the machine makes of talks, written or recorded."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from api.commands.batch import EXIT_BAD_FILE, EXIT_NO_ENGINE, Batch, end, say, why, work
from api.commands.destination import CannotWrite, Destination
from api.commands.engines import EngineOption, ModelOption, config_for_files, hearing
from api.commands.talks import BadInput, Talk, content_of, passed_over, read
from api.commands.terminal import err, read_settings
from api.settings import Settings
from asr.cues import Action
from asr.engines.choose import EngineConfig
from asr.learning import LearningError, Learnt, Shelf
from asr.lexicon import Lexicon, LexiconError
from asr.lexicon.urgency import Urgency
from asr.offline import transcribe
from asr.prefill.passages import as_one
from asr.recognizer import EngineUnavailable, Recognizer
from asr.transcript import Turn
from asr.understanding import ticket_of, understand


@dataclass(frozen=True, kw_only=True, slots=True)
class Knowledge:
    """What talks are understood by. ``learnt`` None: by the keywords alone."""

    lexicon: Lexicon
    urgency: Urgency
    learnt: Learnt | None = None


def understand_file(
    source: Annotated[
        Path, typer.Argument(metavar="IN.json", help="A list of {id, text} or {id, call_type, ani, turns}; - reads it.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Where the answers go; - prints them.")] = Path("-"),
    engine: EngineOption = None,
    model: ModelOption = None,
    learnt: Annotated[
        bool, typer.Option("--learnt/--no-learnt", help="Weigh what finished tickets taught, as the server does.")
    ] = True,
) -> None:
    """Tickets, suggestions and urgency cues for each talk of a file; at most 5,000 characters a turn.

    Ends with 0; 1 where an item failed, which is left out; 2 for input or output that cannot be used; 3 without an
    engine for recordings; 130 after Ctrl-C, what was done until then being written.
    """
    destination, settings = Destination(out), read_settings()
    try:
        destination.check()
        content = content_of(source)
        talks = list(read(content, source.parent))
        known = _knowledge(settings, learnt=learnt)
    except CannotWrite as error:
        end(str(error), EXIT_BAD_FILE, error)
    except BadInput as error:
        end(f"{source}: {error}", EXIT_BAD_FILE, error)
    except LexiconError as error:
        end(f"{settings.home}: {error}", EXIT_BAD_FILE, error)
    for line in passed_over(content):
        say(f"{source}: {line}", "yellow")
    config = config_for_files(settings, engine=engine, model=model) if any(talk.recorded for talk in talks) else None
    try:
        batch = _understand(talks, known, config, lambda done: _write(destination, done))
    except EngineUnavailable as error:
        end(f"No speech engine: {why(error)}", EXIT_NO_ENGINE, error)
    raise typer.Exit(batch.code)


def _understand(
    talks: Sequence[Talk], known: Knowledge, config: EngineConfig | None, write: Callable[[Batch[dict[str, Any]]], None]
) -> Batch[dict[str, Any]]:
    """``config`` None: there is nothing to be heard. What is done is written before the engine is stopped."""
    with asyncio.Runner() as runner, ExitStack() as stack:
        recognizer = stack.enter_context(hearing(runner, config)) if config is not None else None
        with _progress(len(talks)) as show:

            def one(talk: Talk) -> dict[str, Any]:
                show(talk.id)
                return answer(talk, runner.run(_turns(talk, recognizer)), known)

            named = [(f"item {number} ({talk.id})", talk) for number, talk in enumerate(talks, start=1)]
            batch = work(named, one)
        write(batch)
    return batch


def _write(destination: Destination, batch: Batch[dict[str, Any]]) -> None:
    if batch.done or not batch.stopped:
        try:
            destination.write(json.dumps(batch.done, ensure_ascii=False, indent=1) + "\n")
        except CannotWrite as error:
            end(str(error), EXIT_BAD_FILE, error)
    batch.tell_of_stop()


def _knowledge(settings: Settings, *, learnt: bool) -> Knowledge:
    """What the server would know. Raises LexiconError."""
    lexicon = Lexicon.of_home(settings.home).with_ticket_prefix(settings.ticket_prefix)
    return Knowledge(lexicon=lexicon, urgency=Urgency.load(), learnt=_weights(settings) if learnt else None)


def _weights(settings: Settings) -> Learnt | None:
    try:
        return Shelf(settings.home / "learnt").load()
    except LearningError as error:
        say(f"What was learnt is not used: {error.problem}", "yellow")
        return None


async def _turns(talk: Talk, recognizer: Recognizer | None) -> list[Turn]:
    if talk.file is not None and recognizer is not None:
        heard = await transcribe(talk.file, recognizer, streams=os.cpu_count() or 1)
        return [turn.as_turn(seg) for seg, turn in enumerate(heard)]
    texts = []
    for spoken in talk.turns:
        if spoken.file is None or recognizer is None:
            texts.append(spoken.text)
            continue
        heard = await transcribe(spoken.file, recognizer, speakers=(spoken.speaker,), streams=os.cpu_count() or 1)
        texts.append(as_one(turn.raw for turn in heard)[0])
    return [
        Turn(seg=seg, rev=1, speaker=spoken.speaker, text=text, start_s=float(seg), end_s=float(seg) + 1.0, final=True)
        for seg, (spoken, text) in enumerate(zip(talk.turns, texts, strict=True))
    ]


def answer(talk: Talk, turns: Sequence[Turn], known: Knowledge) -> dict[str, Any]:
    """One item of the output. ``turns`` are indices into the talk's turns, ``span`` characters of the first of them."""
    understood = understand(
        turns,
        caller_number=talk.ani,
        lexicon=known.lexicon,
        urgency=known.urgency,
        call_type=talk.call_type,
        learnt=known.learnt,
    )
    ticket = ticket_of(understood, turns, caller_number=talk.ani, lexicon=known.lexicon, call_type=talk.call_type)
    result: dict[str, Any] = {
        "id": talk.id,
        "ticket": ticket,
        "suggestions": [
            {
                "field": one.field,
                "value": one.value,
                "confidence": one.confidence,
                "turns": list(dict.fromkeys(item.seg for item in one.evidence)),
                "span": [one.evidence[0].start, one.evidence[0].end] if one.evidence else None,
            }
            for one in understood.suggestions
        ],
        "cues": [
            {"target": cue.target, "action": cue.action.value, "turn": cue.seg, "evidence": cue.text}
            for cue in understood.cues
            if cue.action is not Action.NOTIFY
        ],
        "notices": [cue.target for cue in understood.cues if cue.action is Action.NOTIFY],
    }
    if talk.recorded:
        result["heard"] = [{"speaker": turn.speaker.value, "text": turn.text} for turn in turns]
    return result


@contextmanager
def _progress(total: int) -> Iterator[Callable[[str], None]]:
    """A bar where somebody watches; told of each talk as it is begun."""
    if not sys.stderr.isatty():
        yield lambda name: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task("", total=total)
        begun = iter(range(total))
        yield lambda name: bar.update(task, completed=next(begun), description=escape(name))
