"""``hotline demo`` from its first line to Ctrl-C, and what it leaves behind: nothing."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.system.switch import Ami, free_port_base

pytestmark = pytest.mark.asterisk


class Demo:
    """One run in a process of its own."""

    def __init__(self, home: Path, base: int) -> None:
        environment = {
            **os.environ,
            "HOTLINE_HOME": str(home),
            "HOTLINE_PORT_BASE": str(base),
            "HOTLINE_SPEECH_ENGINE": "none",
        }
        self.home = home
        self.process = subprocess.Popen(
            [sys.executable, "-m", "api.cli", "demo"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.said = ""

    def until(self, words: str) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line
            if words in line:
                return
        raise AssertionError(f"it ended and never said {words!r}:\n{self.said}")

    def end(self, sign: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(sign)
        rest, _ = self.process.communicate(timeout=60)
        self.said += rest
        return self.process.returncode


@pytest.fixture
def base() -> int:
    return free_port_base()


@pytest.fixture
def start(tmp_path: Path, base: int) -> Iterator[Callable[[], Demo]]:
    runs: list[Demo] = []

    def one_more() -> Demo:
        runs.append(Demo(tmp_path / "home", base))
        return runs[-1]

    yield one_more
    for run in reversed(runs):
        if run.process.returncode is None:
            run.end()


@pytest.fixture
def demo(start: Callable[[], Demo]) -> Demo:
    return start()


def left_of(home: Path) -> list[str]:
    lines = subprocess.run(["ps", "-ww", "-eo", "pid,stat,args"], capture_output=True, text=True, check=True).stdout
    return [line for line in lines.splitlines() if str(home) in line and line.split()[1][0] != "Z"]


def server_pid(home: Path) -> int:
    found = re.search(r'"pid": (\d+)', (home / "run" / "server.json").read_text())
    assert found
    return int(found[1])


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


def test_it_comes_up_takes_a_call_and_goes_without_a_trace(demo: Demo, base: int) -> None:
    demo.until("Ctrl-C ends everything")
    health = httpx.get(f"http://127.0.0.1:{base}/healthz").json()
    assert health["parts"]["database"]["state"] == "ok"
    deadline = time.monotonic() + 20
    while health["parts"]["switch"]["state"] != "live":
        assert time.monotonic() < deadline
        time.sleep(0.2)
        health = httpx.get(f"http://127.0.0.1:{base}/healthz").json()
    found = re.search(r"│ 8001 +│ (\S+) +│", demo.said)
    assert found
    answer = httpx.post(
        f"http://127.0.0.1:{base}/api/v1/session",
        json={"username": "8001", "password": found[1]},
        headers={"Idempotency-Key": "demo-sign-in"},
    )
    assert answer.status_code == 200
    secret = re.search(r'"ami": "([^"]+)"', (demo.home / "keys" / "switch.json").read_text())
    assert secret
    with Ami(base + 2, secret[1]) as ami:
        assert ami.event("UserEvent", 30, UserEvent="HotlineArrived")["Caller"] == "15433061709"
        assert ami.ask(Action="Originate", Channel="PJSIP/110", Application="Wait", Data="1", Async="true")
        assert ami.event("Newstate", 15, ChannelStateDesc="Up")
    server = server_pid(demo.home)
    assert demo.end() == 0
    assert left_of(demo.home) == []
    assert not lives(server)
    assert list((demo.home / "run").glob("*.json")) == []


def test_a_second_one_in_the_same_place_is_refused_and_harms_nothing(
    demo: Demo, start: Callable[[], Demo], base: int
) -> None:
    demo.until("Ctrl-C ends everything")
    second = start()
    second.until("choose another HOTLINE_HOME")
    second.process.communicate(timeout=20)
    assert second.process.returncode == 1
    assert httpx.get(f"http://127.0.0.1:{base}/healthz").status_code == 200


def test_what_a_killed_run_left_is_ended_by_the_next(demo: Demo, start: Callable[[], Demo]) -> None:
    demo.until("Ctrl-C ends everything")
    server = server_pid(demo.home)
    demo.process.kill()
    demo.process.communicate()
    assert lives(server)
    again = start()
    again.until("Ctrl-C ends everything")
    assert "ended asterisk" in again.said or "ended server" in again.said
    assert not lives(server)
    assert again.end(signal.SIGTERM) == 0
    assert left_of(demo.home) == []
