"""The talks that ``hotline understand`` reads: a JSON list, checked whole, recordings included, before any work."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from asr.soundfiles import SoundFileError
from asr.soundfiles import read as read_sound
from asr.transcript import Speaker
from asr.understanding import REVISIT

MOST_CHARACTERS = 5_000
"""In a turn, which is more than a quarter of an hour without a pause: a longer one takes minutes."""
MOST_NAME = 200
"""Characters in an id, a number and a file's name each."""
_MOST_DIGITS = 4_000
_SHOWN = 60
_CALL_TYPES = ("inbound", "outbound", REVISIT)
_KEYS = frozenset({"id", "text", "call_type", "ani", "turns", "file"})
_TURN_KEYS = frozenset({"speaker", "text", "file"})


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


def content_of(source: Path) -> Any:
    """Of a JSON file in UTF-8; ``-`` is standard input. Raises BadInput."""
    try:
        return json.loads(_bytes(source).decode("utf-8-sig"), parse_int=_number)
    except OSError as error:
        raise BadInput("file", "path", f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadInput("file", f"byte {error.start}", "is not UTF-8") from error
    except json.JSONDecodeError as error:
        raise BadInput("file", f"line {error.lineno} column {error.colno}", error.msg) from error
    except RecursionError as error:
        raise BadInput("file", "nesting", "is too deep") from error


def _bytes(source: Path) -> bytes:
    if str(source) != "-":
        return source.read_bytes()
    if sys.stdin is None:
        raise BadInput("file", "path", "standard input is closed")
    return sys.stdin.buffer.read()


def _number(digits: str) -> float:
    """Python refuses to read the longest; as infinite they are refused with their item and field."""
    return int(digits) if len(digits) <= _MOST_DIGITS else math.inf


def read(content: Any, folder: Path) -> Iterator[Talk]:
    """Relative files lie beside the input; each is read to see whether it is sound. Raises BadInput."""
    if not isinstance(content, list):
        raise BadInput("file", "content", "is not a list")
    seen: set[str] = set()
    for number, item in enumerate(content, start=1):
        talk = _talk(item, f"item {number}", folder)
        if talk.id in seen:
            raise BadInput(f"item {number} ({talk.id})", "id", "is there twice")
        seen.add(talk.id)
        yield talk


def passed_over(content: Any) -> Iterator[str]:
    """One line for each key that means nothing here, with where it stands first; ``content`` was read already."""
    first: dict[str, str] = {}
    for number, item in enumerate(content, start=1):
        where = f"item {number} ({item['id']})"
        for key in item.keys() - _KEYS:
            first.setdefault(key, where)
        for at, turn in enumerate(item.get("turns") or ()):
            for key in turn.keys() - _TURN_KEYS:
                first.setdefault(key, f"{where} turn {at}")
    for key, where in sorted(first.items()):
        yield f"{where}: {key[:_SHOWN]}: is not read, here or in others"


def _talk(item: Any, where: str, folder: Path) -> Talk:
    if not isinstance(item, dict):
        raise BadInput(where, "content", "is not an object")
    name = item.get("id")
    if isinstance(name, int) and not isinstance(name, bool):
        name = str(name)
    if not isinstance(name, str) or not name:
        raise BadInput(where, "id", "is missing, or neither a text nor a whole number")
    name = _written(name, "id", where, MOST_NAME)
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
        text = _text(item, "text", where, MOST_CHARACTERS)
        return replace(talk, turns=(Spoken(speaker=Speaker.CALLER, text=text),))
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
    return Spoken(speaker=Speaker(speaker), text=_text(turn, "text", where, MOST_CHARACTERS))


def _text(item: Mapping[str, Any], key: str, where: str, most: int = MOST_NAME) -> str:
    value = item.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadInput(where, key, "is no text")
    return _written(value, key, where, most)


def _written(value: str, key: str, where: str, most: int) -> str:
    if len(value) > most:
        raise BadInput(where, key, f"has {len(value)} characters, at most {most} are read")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        problem = f"character {error.start + 1} is half of one (U+{ord(value[error.start]):04X})"
        raise BadInput(where, key, problem) from error
    return value


def _file(item: Mapping[str, Any], where: str, folder: Path) -> Path:
    name = _text(item, "file", where)
    path = folder / os.fsdecode(name.encode())  # whatever the system's own coding is
    try:
        there = path.is_file()
    except OSError as error:
        raise BadInput(where, "file", f"{name}: {error.strerror}") from error
    if not there:
        raise BadInput(where, "file", f"there is no {name}")
    try:
        read_sound(path)
    except SoundFileError as error:
        raise BadInput(where, "file", f"{name} {error.why}") from error
    return path
