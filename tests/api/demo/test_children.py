"""Processes we start: they end with us, with all their own, and what a killed run left is ended later."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from api.demo.children import Child, end_leftovers

SLEEPER = [sys.executable, "-c", "import time; print('here', flush=True); time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('here', flush=True); time.sleep(60)",
]
PARENT = [
    sys.executable,
    "-c",
    "import subprocess, sys, time\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
    "print(child.pid, flush=True); time.sleep(60)",
]


def first_line(child: Child) -> str:
    deadline = time.monotonic() + 10
    while not (child.output.exists() and child.output.read_text().endswith("\n")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return child.output.read_text().splitlines()[0]


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


def test_a_child_ends_when_its_block_does_even_by_an_exception(tmp_path: Path) -> None:
    child = Child("sleeper", SLEEPER, run_dir=tmp_path)
    with pytest.raises(KeyboardInterrupt), child:
        raise KeyboardInterrupt
    assert child.returncode == -15
    assert not child.running
    assert not list(tmp_path.glob("*.json"))


def test_one_that_will_not_end_is_made_to(tmp_path: Path) -> None:
    child = Child("stubborn", STUBBORN, run_dir=tmp_path)
    child.start()
    first_line(child)
    child.stop(grace_s=0.2)
    assert child.returncode == -9


def test_its_own_children_end_with_it(tmp_path: Path) -> None:
    child = Child("parent", PARENT, run_dir=tmp_path)
    child.start()
    grandchild = int(first_line(child))
    assert lives(grandchild)
    child.stop()
    deadline = time.monotonic() + 5
    while lives(grandchild):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_waiting_too_long_is_told(tmp_path: Path) -> None:
    with Child("sleeper", SLEEPER, run_dir=tmp_path) as child, pytest.raises(TimeoutError, match="sleeper"):
        child.wait(0.05)


def test_its_last_words_are_kept(tmp_path: Path) -> None:
    child = Child("words", [sys.executable, "-c", "print('one'); print('two')"], run_dir=tmp_path)
    child.start()
    assert child.wait(10) == 0
    assert child.last_words(1) == "two"


def test_what_a_killed_run_left_is_ended(tmp_path: Path) -> None:
    child = Child("left", SLEEPER, run_dir=tmp_path)
    child.start()
    assert end_leftovers(tmp_path) == ("left",)
    assert child.wait(5) != 0


def test_a_number_that_belongs_to_somebody_else_by_now_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen(SLEEPER, stdout=subprocess.DEVNULL) as stranger:
        (tmp_path / "asterisk.json").write_text(json.dumps({"pid": stranger.pid, "born": 1}))
        (tmp_path / "torn.json").write_text("{")
        assert end_leftovers(tmp_path) == ()
        assert stranger.poll() is None
        stranger.kill()
    assert not list(tmp_path.glob("*.json"))
