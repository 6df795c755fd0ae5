"""Every reason that the recogniser, the records and the switch's link may give stands in the console's words."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

from agent_console import STATIC_DIR

ROOT = Path(__file__).parents[2]
KNOWN = STATIC_DIR.parent / "frontend" / "src" / "words" / "reasons.json"
SOURCES = [
    *sorted((ROOT / "asr").glob("*.py")),
    *sorted((ROOT / "asr" / "engines").glob("*.py")),
    ROOT / "api" / "speech.py",
    ROOT / "api" / "streams.py",
    ROOT / "api" / "store" / "writers.py",
]
LINK = [ROOT / "telephony" / "ami" / name for name in ("link.py", "gateway.py")]
GIVEN_AT = {
    "EngineUnavailable": 1, "NoText": 0, "Broken": 0, "failed": 0, "end": 0, "_lost": 0, "LinkEnded": 0,
    "Unreachable": 0, "Interrupted": 0, "WrongContent": 0, "UnsafeArchive": 0,
}  # fmt: skip
"""Calls that take a reason, and which argument it is."""
KEPT_AS = {"reason", "said", "SHED", "_problem", "problem", "LOGIN_REJECTED", "INBOX_FULL", "parts"}
TOLD_BY = {"why_broken", "why_not_vosk", "why_not_whisper", "_wait_for_trouble"}


def texts(node: ast.AST | None) -> Iterator[str]:
    """Literals of an expression; what is put into one stands there as a 7."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "7" for part in node.values)
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from texts(value)
    elif isinstance(node, ast.IfExp):
        yield from texts(node.body)
        yield from texts(node.orelse)
    elif isinstance(node, ast.Tuple):
        for part in node.elts:
            yield from texts(part)


def name_of(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def reasons(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.Call():
                yield from (text for word in node.keywords if word.arg == "reason" for text in texts(word.value))
                place = GIVEN_AT.get(name_of(node.func))
                if place is not None and len(node.args) > place:
                    yield from texts(node.args[place])
            case ast.Assign():
                if any(name_of(target) in KEPT_AS for target in node.targets):
                    yield from texts(node.value)
            case ast.AnnAssign() if name_of(node.target) in KEPT_AS:
                yield from texts(node.value)
            case ast.FunctionDef() | ast.AsyncFunctionDef() if node.name in TOLD_BY:
                for inner in ast.walk(node):
                    if isinstance(inner, ast.Return):
                        yield from texts(inner.value)


def given(*paths: Path) -> set[str]:
    found = {text for path in paths for text in reasons(path)}
    return {text for text in found if re.search("[A-Za-z]{2}", text)}


def unknown(found: set[str]) -> list[str]:
    known = [re.compile(each["shape"], re.IGNORECASE) for each in json.loads(KNOWN.read_text("utf-8"))]
    return sorted(text for text in found if not any(each.search(text) for each in known))


def test_every_reason_of_the_recogniser_and_the_records_stands_in_words() -> None:
    found = given(*SOURCES)
    assert {
        "the speech engine failed",
        "talking but no text",
        "7 records wait on this machine",
        "7 of 7 speech servers are away: 7",
    } <= found
    assert unknown(found) == []


def test_every_reason_of_the_link_to_the_switch_stands_in_words() -> None:
    found = given(*LINK)
    assert {"stopping", "not reachable", "closed by the switch"} <= found
    assert unknown(found) == []


def test_what_is_not_there_is_told() -> None:
    assert unknown({"the speech engine failed (7)", "something quite new"}) == ["something quite new"]
