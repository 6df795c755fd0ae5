"""The dialplan's README says what the rendered files do: every context, variable, event, file and prompt."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import telephony.dialplan
from telephony.dialplan.ports import Ports
from telephony.dialplan.prompts import wording
from telephony.dialplan.render import Places, Secrets, render
from telephony.dialplan.topology import default_text, parse

README = (Path(telephony.dialplan.__file__).parent / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    places = Places(config="/c", state="/s", log="/l", recordings="/r", prompts="/p")
    made = render(parse(default_text()), Ports(), tmp_path, Secrets(ami="a", ari="b"), places=places)
    return {path.name: path.read_text(encoding="utf-8") for path in made}


@pytest.fixture
def dialplan(files: dict[str, str]) -> str:
    return "\n".join(text for name, text in files.items() if name.startswith("extensions"))


def table(heading: str, column: int = 0) -> set[str]:
    """Every word in backticks of one column of the first table under a heading."""
    part = README.split(f"## {heading}")[1].split("\n## ")[0]
    rows = [line for line in part.splitlines() if line.startswith("|")][2:]
    return {word for row in rows for word in re.findall(r"`([^`]+)`", row.split("|")[column + 1])}


def test_every_context_is_described(dialplan: str) -> None:
    contexts = set(re.findall(r"^\[([^]]+)\]", dialplan, re.MULTILINE)) - {"general", "globals"}
    assert table("Contexts") == contexts


def test_every_variable_is_described(dialplan: str) -> None:
    assert table("Variables") == set(re.findall(r"HOTLINE_[A-Z_]+", dialplan))


def test_every_event_is_described_with_its_fields(dialplan: str) -> None:
    events: dict[str, set[str]] = {}
    for name, fields in re.findall(r"UserEvent\((\w+),(.*?)\)(?:\)|$)", dialplan, re.MULTILINE):
        events.setdefault(name, set()).update(re.findall(r"(\w+): ", fields))
    assert set(events) == table("Events of our own")
    assert set().union(*events.values()) == table("Events of our own", 1)


def test_every_file_is_described(files: dict[str, str]) -> None:
    assert table("Configuration files") == set(files)


def test_every_prompt_is_described_and_every_prompt_used_has_a_wording(files: dict[str, str], dialplan: str) -> None:
    texts = set(wording().texts)
    assert table("Prompts") == texts
    used = set(re.findall(r"Gosub\(prompt,s,1\(([a-z0-9-]+)\)\)", dialplan))
    used |= set(re.findall(r"/(position-\w+)$", files["musiconhold.conf"], re.MULTILINE))
    assert used | {"please-wait", "line-merged", "surge"} == texts
