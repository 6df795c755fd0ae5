"""Processes we start: each in its own session, with its own output file, noted so that a later run can end it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self


class Child:
    """One process. ``run_dir`` holds its note ``<name>.json`` while it lives and its output ``<name>.out``."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        run_dir: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.name = name
        self.argv = tuple(argv)
        self.output = run_dir / f"{name}.out"
        self._note = run_dir / f"{name}.json"
        self._env = dict(env) if env is not None else None
        self._cwd = cwd
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def returncode(self) -> int | None:
        """None while it runs, or before it was started."""
        return self._process.poll() if self._process else None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        self._note.parent.mkdir(parents=True, exist_ok=True)
        with self.output.open("wb") as output:
            # a session of its own: Ctrl-C in the terminal reaches us, and we end our children in order
            self._process = subprocess.Popen(
                self.argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self._env,
                cwd=self._cwd,
                start_new_session=True,
            )
        self._note.write_text(json.dumps({"pid": self._process.pid, "born": _born(self._process.pid)}))

    def wait(self, timeout_s: float) -> int:
        """Its exit status. Raises TimeoutError."""
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started")
        try:
            status = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired as error:
            raise TimeoutError(f"{self.name} still runs after {timeout_s} s") from error
        self._note.unlink(missing_ok=True)
        return status

    def stop(self, grace_s: float = 10.0, *, sign: signal.Signals = signal.SIGTERM) -> None:
        """Ask it to end, insist after ``grace_s``; its whole session is gone afterwards."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(sign)
            try:
                self._process.wait(grace_s)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        _kill_group(self._process.pid)
        self._note.unlink(missing_ok=True)

    def last_words(self, lines: int = 15) -> str:
        if not self.output.exists():
            return ""
        return "\n".join(self.output.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def end_leftovers(run_dir: Path, grace_s: float = 10.0) -> tuple[str, ...]:
    """End what an earlier run of the same directory left behind (it was killed). Returns the names ended.

    A process counts as ours only if its start time is the noted one: process numbers are used again.
    """
    ended = []
    for note in sorted(run_dir.glob("*.json")):
        try:
            noted = json.loads(note.read_text())
            pid, born = int(noted["pid"]), int(noted["born"])
        except (ValueError, KeyError, TypeError):
            note.unlink(missing_ok=True)
            continue
        if born and _born(pid) == born:
            _end(pid, born, grace_s)
            ended.append(note.stem)
        note.unlink(missing_ok=True)
    return tuple(ended)


def _end(pid: int, born: int, grace_s: float) -> None:
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + grace_s
    while _born(pid) == born and time.monotonic() < deadline:
        time.sleep(0.05)
    _kill_group(pid)


def _kill_group(pgid: int) -> None:
    try:
        os.killpg(pgid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _born(pid: int) -> int:
    """Start time in clock ticks since boot (field 22 of /proc/PID/stat); 0 where there is no such living process."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return 0 if after_name[0] == "Z" else int(after_name[19])
