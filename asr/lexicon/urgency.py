"""What the urgency ear listens for: events and service lines with their phrases, and what takes them back; checked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from asr.lexicon.phrases import PhraseError, Phrases

URGENCY_FILE = "urgency.json"
_LISTS = ("strong", "weak", "unless", "over", "scene")
_CLASS = re.compile(r"<(\w+)>")


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
    it, one of ``over`` later says that it has passed, one of ``scene`` makes what is only known by its sound
    believable. ``frames`` in the file are who or what and what befalls it, ``[["<car>", "<burns>"], ...]``, found in
    the order of the list and, where they are two, in the other; ``<name>`` is any of a class of words. They are strong.
    ``also`` are lines that should hear of it too, ``notices`` firms. ``mode`` is how it is passed on if not warm.
    ``order``: what happened is told before what came of it, the lower the earlier. ``needs_now``: only while it can
    still be stopped. ``supposed_counts``: a threat is not less for its condition.
    ``certain``: a strong phrase that nothing speaks against stands, whatever the rest of the sentence sounds like.
    """

    name: str
    target: str
    strong: Phrases
    weak: Phrases
    unless: Phrases
    over: Phrases
    scene: Phrases
    mode: str = ""
    order: int = 3
    also: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    needs_now: bool = False
    supposed_counts: bool = False
    past_counts: bool = False
    certain: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Urgency:
    """``context`` raises, ``suppress`` lowers; ``child``, ``whisper``, ``own_act``, ``pushed_back`` choose the mode.

    ``others`` are people who are not the caller, ``own`` is he himself.
    """

    events: tuple[Concern, ...]
    lines: tuple[Concern, ...]
    context: Mapping[str, Phrases]
    suppress: Mapping[str, Phrases]
    child: Phrases
    whisper: Phrases
    own_act: Phrases
    pushed_back: Phrases
    others: Phrases

    @staticmethod
    @lru_cache(maxsize=1)
    def load() -> Urgency:
        """The packaged file. Raises UrgencyError."""
        return parse(_packaged())


def danger_phrases() -> Iterator[str]:
    """The strong phrases of the packaged events as they are written, for who need not look for them: to make them
    ready for that takes two seconds."""
    data = json.loads(_packaged())
    classes = _classes(data["classes"])
    for event in data["events"]:
        for phrase in _strong(event["name"], event):
            yield _spelled(event["name"], phrase, classes)


def _packaged() -> str:
    return (resources.files(__package__) / "data" / URGENCY_FILE).read_text(encoding="utf-8")


_CONTEXT = ("now", "help", "own")
_SUPPRESS = ("past", "supposed", "figurative", "asking", "complaint", "rumour", "elsewhere", "retracted")
_MODES = ("child", "whisper", "own_act", "pushed_back", "others")


def parse(text: str) -> Urgency:
    """Raises UrgencyError."""
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise UrgencyError(f"line {error.lineno}", error.msg) from error
    wanted = {"classes", "events", "lines", "context", "suppress", *_MODES}
    if not isinstance(data, dict) or set(data) != wanted:
        raise UrgencyError("file", f"needs exactly {', '.join(sorted(wanted))}")
    classes = _classes(data["classes"])
    concerns = {
        kind: tuple(_concern(entry, number, classes) for number, entry in enumerate(_list(kind, data[kind]), 1))
        for kind in ("events", "lines")
    }
    return Urgency(
        events=concerns["events"],
        lines=concerns["lines"],
        context=_table("context", data["context"], _CONTEXT, classes),
        suppress=_table("suppress", data["suppress"], _SUPPRESS, classes),
        **{mode: _phrases(mode, data[mode], classes) for mode in _MODES},
    )


def _classes(value: Any) -> dict[str, str]:
    """What stands for ``<name>``; a class may use those before it."""
    if not isinstance(value, dict):
        raise UrgencyError("classes", "is no object")
    classes: dict[str, str] = {}
    for name, words in value.items():
        where = f"class {name}"
        _phrases(where, words, classes)
        classes[name] = f"({'|'.join(_spelled(where, word, classes) for word in words)})"
    return classes


def _spelled(where: str, phrase: str, classes: Mapping[str, str]) -> str:
    def stand_in(name: re.Match[str]) -> str:
        if name[1] not in classes:
            raise UrgencyError(where, f"knows no class {name[1]}")
        return classes[name[1]]

    return _CLASS.sub(stand_in, phrase)


def _concern(entry: Any, number: int, classes: Mapping[str, str]) -> Concern:
    where = str(entry.get("name", f"entry {number}")) if isinstance(entry, dict) else f"entry {number}"
    flags = ("needs_now", "supposed_counts", "past_counts", "certain")
    known = {"name", "target", "mode", "order", "also", "notices", "frames", *flags, *_LISTS}
    if not isinstance(entry, dict) or not set(entry) <= known:
        raise UrgencyError(where, f"is no object of {', '.join(sorted(known))}")
    if not isinstance(entry.get("target"), str) or not entry["target"].isdecimal():
        raise UrgencyError(where, "target is no number")
    said = {name: _list(f"{where}: {name}", entry.get(name, [])) for name in _LISTS}
    said["strong"] = _strong(where, entry)
    lists: dict[str, Phrases] = {
        name: _phrases(f"{where}: {name}", said[name], classes, by_sound=name == "strong") for name in _LISTS
    }
    return Concern(
        name=where,
        target=entry["target"],
        mode=str(entry.get("mode", "")),
        order=int(entry.get("order", 3)),
        also=tuple(map(str, _list(where, entry.get("also", [])))),
        notices=tuple(map(str, _list(where, entry.get("notices", [])))),
        needs_now=entry.get("needs_now") is True,
        supposed_counts=entry.get("supposed_counts") is True,
        past_counts=entry.get("past_counts") is True,
        certain=entry.get("certain") is True,
        **lists,
    )


def _strong(where: str, entry: Mapping[str, Any]) -> list[str]:
    return [*_list(f"{where}: strong", entry.get("strong", [])), *_framed(f"{where}: frames", entry.get("frames", []))]


def _framed(where: str, value: Any) -> list[str]:
    phrases: list[str] = []
    for frame in _list(where, value):
        parts = _list(where, frame)
        if len(parts) < 2 or not all(isinstance(part, str) and part for part in parts):
            raise UrgencyError(where, "is not a list of lists of two phrases or more")
        orders = [parts, parts[::-1]] if len(parts) == 2 else [parts]
        phrases += ["…".join(f"({part})" for part in order) for order in orders]
    return phrases


def _table(where: str, value: Any, names: tuple[str, ...], classes: Mapping[str, str]) -> Mapping[str, Phrases]:
    if not isinstance(value, dict) or set(value) != set(names):
        raise UrgencyError(where, f"needs exactly {', '.join(names)}")
    return {name: _phrases(f"{where}: {name}", value[name], classes) for name in names}


def _phrases(where: str, value: Any, classes: Mapping[str, str], *, by_sound: bool = False) -> Phrases:
    phrases = _list(where, value)
    if not all(isinstance(phrase, str) and phrase for phrase in phrases):
        raise UrgencyError(where, "is not a list of phrases")
    try:
        return Phrases([_spelled(where, phrase, classes) for phrase in phrases], by_sound=by_sound)
    except PhraseError as error:
        raise UrgencyError(where, f"{error} is not well formed") from error


def _list(where: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise UrgencyError(where, "is not a list")
    return value
