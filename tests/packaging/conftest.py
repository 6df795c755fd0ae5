"""Copies of the tree to build from, so that no test writes into the working tree or sees what lies about in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = (
    "telephony",
    "asr",
    "agent_console",
    "api",
    "hatch_build.py",
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    ".gitignore",
)
LEFT_BEHIND = shutil.ignore_patterns("node_modules", "static", "__pycache__")


@dataclass(frozen=True, kw_only=True)
class Built:
    path: Path
    log: str


def copy_tree(to: Path) -> Path:
    to.mkdir(parents=True)
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, to / part, ignore=LEFT_BEHIND)
        elif source.exists():
            shutil.copy2(source, to / part)
    return to


@pytest.fixture(scope="session")
def without_node(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH with a shell and nothing else: no node to be found."""
    folder = tmp_path_factory.mktemp("bin")
    for name in ("sh", "env", "uname"):
        found = shutil.which(name)
        assert found is not None
        (folder / name).symlink_to(found)
    return str(folder)


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Built]:
    """``build(tree, "wheel", PATH=...)``: one distribution by the ordinary front end, and what it said."""

    def run(source: Path, kind: str, **environment: str) -> Built:
        out = tmp_path_factory.mktemp(kind)
        command = [sys.executable, "-m", "build", f"--{kind}", "--outdir", str(out), str(source)]
        done = subprocess.run(
            command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=600, check=False
        )
        log = done.stdout + done.stderr
        assert done.returncode == 0, log[-4000:]
        (path,) = out.iterdir()
        return Built(path=path, log=log)

    return run


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The sources alone: no node_modules, no built console."""
    return copy_tree(tmp_path / "tree")


@pytest.fixture(scope="session")
def built_tree(tmp_path_factory: pytest.TempPathFactory, build: Callable[..., Built]) -> tuple[Path, Built]:
    """A tree after one build by the system's node, and the wheel that came of it. Not to be changed."""
    tree = copy_tree(tmp_path_factory.mktemp("built") / "tree")
    return tree, build(tree, "wheel")
