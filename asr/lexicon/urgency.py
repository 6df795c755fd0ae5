"""What the urgency ear listens for: events and service lines with their phrases, and what takes them back; checked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from asr.lexicon.phrases import PhraseError, Phrases

URGENCY_FILE = "urgency.json"
_LISTS = ("strong", "weak", "unless", "over")


class UrgencyError(Exception):
    """The file cannot be used. ``entry`` says where, ``problem`` what."""

    def __init__(self, entry: str, problem: str) -> None:
        super().__init__(f"{URGENCY_FILE}: {entry}: {problem}")
        self.entry = entry
        self.problem = problem


@dataclass(frozen=True, kw_only=True, eq=False)
class Concern:
    """Something for another line: an event (emergency) or a matter (service).

    ``strong`` phrases nearly decide, ``weak`` ones need company; one of ``unless`` in the same sentence speaks against
    it, one of ``over`` later says that it has passed. ``also`` are lines that should hear of it too, ``notices`` firms.
    ``mode`` is how it is passed on if not warm. ``needs_now``: only while it can still be stopped.
    ``supposed_counts``: a threat is not less for its condition.
    """

    name: str
    target: str
    strong: Phrases
    weak: Phrases
    unless: Phrases
    over: Phrases
    mode: str = ""
    also: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    needs_now: bool = False
    supposed_counts: bool = False
    past_counts: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Urgency:
    """``context`` raises, ``suppress`` lowers; ``child``, ``whisper``, ``own_act``, ``pushed_back`` choose the mode."""

    events: tuple[Concern, ...]
    lines: tuple[Concern, ...]
    context: Mapping[str, Phrases]
    suppress: Mapping[str, Phrases]
    child: Phrases
    whisper: Phrases
    own_act: Phrases
    pushed_back: Phrases

    @staticmethod
    @lru_cache(maxsize=1)
    def load() -> Urgency:
        """The packaged file. Raises UrgencyError."""
        return parse((resources.files(__package__) / "data" / URGENCY_FILE).read_text(encoding="utf-8"))


_CONTEXT = ("now", "help", "own")
_SUPPRESS = ("past", "supposed", "figurative", "asking", "complaint", "rumour", "elsewhere", "retracted")
_MODES = ("child", "whisper", "own_act", "pushed_back")


def parse(text: str) -> Urgency:
    """Raises UrgencyError."""
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise UrgencyError(f"line {error.lineno}", error.msg) from error
    wanted = {"events", "lines", "context", "suppress", *_MODES}
    if not isinstance(data, dict) or set(data) != wanted:
        raise UrgencyError("file", f"needs exactly {', '.join(sorted(wanted))}")
    return Urgency(
        events=tuple(_concern(entry, number) for number, entry in enumerate(_list("events", data["events"]), 1)),
        lines=tuple(_concern(entry, number) for number, entry in enumerate(_list("lines", data["lines"]), 1)),
        context=_table("context", data["context"], _CONTEXT),
        suppress=_table("suppress", data["suppress"], _SUPPRESS),
        child=_phrases("child", data["child"]),
        whisper=_phrases("whisper", data["whisper"]),
        own_act=_phrases("own_act", data["own_act"]),
        pushed_back=_phrases("pushed_back", data["pushed_back"]),
    )


def _concern(entry: Any, number: int) -> Concern:
    where = str(entry.get("name", f"entry {number}")) if isinstance(entry, dict) else f"entry {number}"
    known = {"name", "target", "mode", "also", "notices", "needs_now", "supposed_counts", "past_counts", *_LISTS}
    if not isinstance(entry, dict) or not set(entry) <= known:
        raise UrgencyError(where, f"is no object of {', '.join(sorted(known))}")
    if not isinstance(entry.get("target"), str) or not entry["target"].isdecimal():
        raise UrgencyError(where, "target is no number")
    lists: dict[str, Phrases] = {name: _phrases(f"{where}: {name}", entry.get(name, [])) for name in _LISTS}
    return Concern(
        name=where,
        target=entry["target"],
        mode=str(entry.get("mode", "")),
        also=tuple(map(str, _list(where, entry.get("also", [])))),
        notices=tuple(map(str, _list(where, entry.get("notices", [])))),
        needs_now=entry.get("needs_now") is True,
        supposed_counts=entry.get("supposed_counts") is True,
        past_counts=entry.get("past_counts") is True,
        **lists,
    )


def _table(where: str, value: Any, names: tuple[str, ...]) -> Mapping[str, Phrases]:
    if not isinstance(value, dict) or set(value) != set(names):
        raise UrgencyError(where, f"needs exactly {', '.join(names)}")
    return {name: _phrases(f"{where}: {name}", value[name]) for name in names}


def _phrases(where: str, value: Any) -> Phrases:
    phrases = _list(where, value)
    if not all(isinstance(phrase, str) and phrase for phrase in phrases):
        raise UrgencyError(where, "is not a list of phrases")
    try:
        return Phrases(phrases)
    except PhraseError as error:
        raise UrgencyError(where, f"{error} is not well formed") from error


def _list(where: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise UrgencyError(where, "is not a list")
    return value
