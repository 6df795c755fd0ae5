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


@contextmanager
def server() -> Iterator[str]:
    """The address of a running server, as ``postgresql+psycopg://hotline@127.0.0.1:PORT``, without a database."""
    home = Path(tempfile.mkdtemp(prefix="hotline-pg-"))
    account = _unprivileged()
    if account:
        os.chown(home, account["user"], account["group"])
    port = free_port()
    data = home / "data"
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    initdb = [binaries() / "initdb", "-D", data, "-U", "hotline", "-E", "UTF8", "--auth=trust", "--no-sync"]
    postgres = [binaries() / "postgres", "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", home, "-F"]
    quiet: dict[str, Any] = {"cwd": home, "env": environment, "stdin": subprocess.DEVNULL}
    subprocess.run(initdb, check=True, capture_output=True, **quiet, **account)
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(postgres, stdout=log, stderr=log, **quiet, **account)
        try:
            _wait_until_ready(port, process, home / "log")
            yield f"postgresql+psycopg://hotline@127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(START_S)
            shutil.rmtree(home)


def _wait_until_ready(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            psycopg.connect(host="127.0.0.1", port=port, user="hotline", dbname="postgres", connect_timeout=2).close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"PostgreSQL did not start: {log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)
        else:
            return


def make_database(server_url: str, name: str, template: str | None = None) -> str:
    """A new database, empty or a copy of another; its address."""
    plain = server_url.replace("+psycopg", "")
    with psycopg.connect(f"{plain}/postgres", autocommit=True) as connection:
        statement = f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else "")
        connection.execute(statement.encode())
    return f"{server_url}/{name}"
