"""A PostgreSQL server of the tests' own: a fresh cluster on a free loopback port, stopped by its process id."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

START_S = 30


def binaries() -> Path:
    """The newest server on this machine; PostgreSQL's programs are often not on PATH."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[4]))
    on_path = shutil.which("initdb")
    if places:
        return places[-1].parent
    if on_path:
        return Path(on_path).resolve().parent
    pytest.fail("PostgreSQL is missing: apt-get install postgresql (or deselect with -m 'not postgres')")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _unprivileged() -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            account = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    pytest.fail("root needs an unprivileged account to run PostgreSQL")


class Cluster:
    """One server process and its files. ``stop(at_once=True)`` is a crash: the next start recovers from the log."""

    def __init__(self) -> None:
        self.account = _unprivileged()
        self.home = Path(tempfile.mkdtemp(prefix="hotline-pg-"))
        if self.account:
            os.chown(self.home, self.account["user"], self.account["group"])
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        initdb = [binaries() / "initdb", "-D", self.home / "data", "-U", "hotline", "-E", "UTF8", "--auth=trust"]
        subprocess.run([*initdb, "--no-sync"], check=True, capture_output=True, **self._surroundings())

    @property
    def url(self) -> str:
        """Without a database."""
        return f"postgresql+psycopg://hotline@127.0.0.1:{self.port}"

    def _surroundings(self) -> dict[str, Any]:
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        return {"cwd": self.home, "env": environment, "stdin": subprocess.DEVNULL, **self.account}

    def start(self) -> None:
        command = [binaries() / "postgres", "-D", self.home / "data", "-p", str(self.port), "-h", "127.0.0.1"]
        with (self.home / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "-k", self.home, "-F"], stdout=log, stderr=log, **self._surroundings()
            )
        self._wait_until_ready(self.process)

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_S
        while True:
            try:
                psycopg.connect(
                    host="127.0.0.1", port=self.port, user="hotline", dbname="postgres", connect_timeout=2
                ).close()
            except psycopg.OperationalError:
                if process.poll() is not None or time.monotonic() > deadline:
                    pytest.fail(f"PostgreSQL did not start: {(self.home / 'log').read_text(errors='replace')[-2000:]}")
                time.sleep(0.05)
            else:
                return

    def stop(self, *, at_once: bool = False) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGQUIT if at_once else signal.SIGINT)
            self.process.wait(START_S)
            self.process = None

    def remove(self) -> None:
        """At once: what is in it is thrown away."""
        self.stop(at_once=True)
        shutil.rmtree(self.home)


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A running server."""
    own = Cluster()
    try:
        own.start()
        yield own
    finally:
        own.remove()


def make_database(server_url: str, name: str, template: str | None = None) -> str:
    """A new database, empty or a copy of another; its address."""
    plain = server_url.replace("+psycopg", "")
    with psycopg.connect(f"{plain}/postgres", autocommit=True) as connection:
        statement = f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else "")
        connection.execute(statement.encode())
    return f"{server_url}/{name}"


def drop_database(url: str) -> None:
    server_url, name = url.replace("+psycopg", "").rsplit("/", 1)
    with psycopg.connect(f"{server_url}/postgres", autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
