"""Recorded manager traffic, and what it takes to read it again."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "recorded" / "ami"
NAMES = sorted(path.stem for path in FOLDER.glob("*.txt"))

_LIST_END = re.compile(rb"Event: (\w+)Complete\r\nActionID: (\w+)\r\n")
_RESPONSE = re.compile(rb"Response: \w+\r\nActionID: (\w+)\r\n")


@cache
def recorded(name: str) -> bytes:
    return (FOLDER / f"{name}.txt").read_bytes()


def asked(name: str) -> dict[str, str]:
    """The actions that the recording answers: id -> name (empty where nothing in the answer tells it)."""
    raw = recorded(name)
    actions = {action_id.decode(): "" for action_id in _RESPONSE.findall(raw)}
    return actions | {action_id.decode(): action.decode() for action, action_id in _LIST_END.findall(raw)}
