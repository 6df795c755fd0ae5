"""``hotline understand IN.json --out OUT.json``: what the machine makes of talks, written or recorded."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from api.commands.terminal import err, read_settings
from api.settings import Settings
from asr.cues import Action
from asr.engines.choose import Engine, EngineConfig, choose
from asr.lexicon import Lexicon, LexiconError
from asr.lexicon.urgency import Urgency
from asr.offline import NoAnswer, transcribe
from asr.recognizer import EngineUnavailable, Recognizer, SpeechLevel
from asr.soundfiles import SoundFileError
from asr.transcript import Speaker, Turn
from asr.understanding import REVISIT, ticket_of, understand

_CALL_TYPES = ("inbound", "outbound", REVISIT)
_KEYS = {"id", "text", "call_type", "ani", "turns", "file"}
_EXIT_BAD_INPUT = 2
_EXIT_NO_SPEECH = 3


class BadInput(Exception):
    """``item`` and ``field`` say where in the input, the text what is wrong there."""

    def __init__(self, item: str, field: str, problem: str) -> None:
        super().__init__(f"{item}: {field}: {problem}")
        self.item = item
        self.field = field


@dataclass(frozen=True, kw_only=True, slots=True)
class Spoken:
    """One turn as given: words, or a file with them."""

    speaker: Speaker
    text: str = ""
    file: Path | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Talk:
    """One item of the input. ``file`` is a stereo recording, the caller on the left."""

    id: str
    call_type: str
    ani: str
    turns: tuple[Spoken, ...] = ()
    file: Path | None = None

    @property
    def recorded(self) -> bool:
        return self.file is not None or any(turn.file is not None for turn in self.turns)


def understand_file(
    source: Annotated[
        Path, typer.Argument(metavar="IN.json", help="A list of {id, text} or {id, call_type, ani, turns}; - reads it.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Where the answers go; - prints them.")] = Path("-"),
    engine: Annotated[Engine, typer.Option(help="What recognises recordings.")] = Engine.AUTO,
) -> None:
    """Tickets, suggestions and urgency cues for each talk of a file."""
    try:
        talks = list(read(_content(source), source.parent))
        answers = asyncio.run(_all(talks, engine, read_settings()))
    except BadInput as error:
        err.print(f"[red]{escape(f'{source}: {error}')}", soft_wrap=True)
        raise typer.Exit(_EXIT_BAD_INPUT) from error
    except (EngineUnavailable, LexiconError, NoAnswer, SoundFileError) as error:
        err.print(f"[red]{escape(str(error))}", soft_wrap=True)
        raise typer.Exit(_EXIT_NO_SPEECH) from error
    text = json.dumps(answers, ensure_ascii=False, indent=1) + "\n"
    if str(out) == "-":
        sys.stdout.write(text)
        return
    try:
        _replace(out, text)
    except OSError as error:
        err.print(f"[red]{escape(str(out))}: cannot be written: {error.strerror}", soft_wrap=True)
        raise typer.Exit(1) from error


def _content(source: Path) -> Any:
    try:
        text = sys.stdin.read() if str(source) == "-" else source.read_text(encoding="utf-8-sig")
        return json.loads(text)
    except OSError as error:
        raise BadInput("file", "path", f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadInput("file", f"byte {error.start}", "is not UTF-8") from error
    except json.JSONDecodeError as error:
        raise BadInput("file", f"line {error.lineno} column {error.colno}", error.msg) from error
    except RecursionError as error:
        raise BadInput("file", "nesting", "is too deep") from error


def _replace(path: Path, text: str) -> None:
    """All of it or what was there before."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


# reading --------------------------------------------------------------------------------------------------------------
def read(content: Any, folder: Path) -> Iterator[Talk]:
    """Relative files lie beside the input. Raises BadInput."""
    if not isinstance(content, list):
        raise BadInput("file", "content", "is not a list")
    seen: set[str] = set()
    for number, item in enumerate(content, start=1):
        talk = _talk(item, f"item {number}", folder)
        if talk.id in seen:
            raise BadInput(f"item {number} ({talk.id})", "id", "is there twice")
        seen.add(talk.id)
        yield talk


def _talk(item: Any, where: str, folder: Path) -> Talk:
    if not isinstance(item, dict):
        raise BadInput(where, "content", "is not an object")
    name = item.get("id")
    if isinstance(name, int) and not isinstance(name, bool):
        name = str(name)
    if not isinstance(name, str) or not name:
        raise BadInput(where, "id", "is missing or no text")
    where = f"{where} ({name})"
    given = [key for key in ("text", "turns", "file") if item.get(key) is not None]
    if len(given) != 1:
        raise BadInput(where, "text, turns, file", "exactly one of them is needed")
    call_type = _text(item, "call_type", where) or "inbound"
    if call_type not in _CALL_TYPES:
        raise BadInput(where, "call_type", f"is none of {', '.join(_CALL_TYPES)}")
    talk = Talk(id=name, call_type=call_type, ani=_text(item, "ani", where))
    if given == ["file"]:
        return replace(talk, file=_file(item, where, folder))
    if given == ["text"]:
        return replace(talk, turns=(Spoken(speaker=Speaker.CALLER, text=_text(item, "text", where)),))
    if not isinstance(item["turns"], list):
        raise BadInput(where, "turns", "is not a list")
    return replace(
        talk, turns=tuple(_turn(turn, f"{where} turn {at}", folder) for at, turn in enumerate(item["turns"]))
    )


def _turn(turn: Any, where: str, folder: Path) -> Spoken:
    if not isinstance(turn, dict):
        raise BadInput(where, "content", "is not an object")
    speaker = turn.get("speaker")
    if speaker not in list(Speaker):
        raise BadInput(where, "speaker", f"is none of {', '.join(Speaker)}")
    if turn.get("file") is not None:
        return Spoken(speaker=Speaker(speaker), file=_file(turn, where, folder))
    if not isinstance(turn.get("text"), str):
        raise BadInput(where, "text", "is missing or no text")
    return Spoken(speaker=Speaker(speaker), text=turn["text"])


def _text(item: Mapping[str, Any], key: str, where: str) -> str:
    value = item.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadInput(where, key, "is no text")
    return value


def _file(item: Mapping[str, Any], where: str, folder: Path) -> Path:
    path = folder / _text(item, "file", where)
    if not path.is_file():
        raise BadInput(where, "file", f"there is no {item['file']}")
    return path


# understanding --------------------------------------------------------------------------------------------------------
async def _all(talks: Sequence[Talk], engine: Engine, settings: Settings) -> list[dict[str, Any]]:
    lexicon, urgency = Lexicon.of_home(settings.home).with_ticket_prefix(settings.ticket_prefix), Urgency.load()
    recognizer = await _recognizer(engine, settings) if any(talk.recorded for talk in talks) else None
    answers = []
    try:
        with _progress(len(talks)) as step:
            for talk in talks:
                answers.append(answer(talk, await _turns(talk, recognizer), lexicon, urgency))
                step()
    finally:
        if recognizer is not None:
            await recognizer.stop()
    return answers


async def _recognizer(engine: Engine, settings: Settings) -> Recognizer:
    recognizer = await choose(
        EngineConfig(
            models_dir=settings.models_dir,
            shared_models_dir=settings.shared_models_dir,
            engine=engine,
            model_path=settings.speech_model,
            download=False,
        )
    )
    health = recognizer.health()
    if health.level is SpeechLevel.DOWN:
        raise EngineUnavailable(engine.value, health.reason, "")
    return recognizer


async def _turns(talk: Talk, recognizer: Recognizer | None) -> list[Turn]:
    if talk.file is not None and recognizer is not None:
        return [turn.as_turn(seg) for seg, turn in enumerate(await transcribe(talk.file, recognizer))]
    texts = []
    for spoken in talk.turns:
        if spoken.file is None or recognizer is None:
            texts.append(spoken.text)
            continue
        heard = await transcribe(spoken.file, recognizer, speakers=(spoken.speaker,))
        texts.append("".join(turn.raw for turn in heard))
    return [
        Turn(seg=seg, rev=1, speaker=spoken.speaker, text=text, start_s=float(seg), end_s=float(seg) + 1.0, final=True)
        for seg, (spoken, text) in enumerate(zip(talk.turns, texts, strict=True))
    ]


def answer(talk: Talk, turns: Sequence[Turn], lexicon: Lexicon, urgency: Urgency) -> dict[str, Any]:
    """One item of the output. ``turns`` are indices into the talk's turns, ``span`` characters of the first of them."""
    understood = understand(turns, caller_number=talk.ani, lexicon=lexicon, urgency=urgency, call_type=talk.call_type)
    ticket = ticket_of(understood, turns, caller_number=talk.ani, lexicon=lexicon, call_type=talk.call_type)
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
def _progress(total: int) -> Iterator[Any]:
    """A bar where somebody watches."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    with Progress(TextColumn("understanding"), BarColumn(), MofNCompleteColumn(), console=err, transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda: bar.advance(task)
