"""The order of ``make run``: what is missing, switch, records, server, simulated people; and all of it back again."""

from __future__ import annotations

import asyncio
import fcntl
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TypeVar

import httpx
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from api.commands.terminal import wrong_settings
from api.demo import people, speech_model
from api.demo.centres import callers, desks
from api.demo.children import Child, end_leftovers
from api.demo.citizens import Citizens, called_back, visits
from api.demo.sipp import Phone, find_sipp
from api.demo.switch import DebianRoot, PrerequisiteMissing, Source, Switch, SwitchFailed, find_source
from api.settings import Settings
from telephony.dialplan import prompts
from telephony.dialplan.addresses import own_addresses
from telephony.dialplan.ports import Ports
from telephony.dialplan.render import Secrets
from telephony.dialplan.topology import Topology, TopologyError, load

SERVER_STARTS_S = 60.0
ONLY_LOOPBACK = (
    "This machine has no address but 127.0.0.1, so Asterisk can offer browsers no place for sound. "
    "Give it one first: ip address add 198.51.100.1/32 dev lo"
)
T = TypeVar("T")


class DemoFailed(RuntimeError):
    """The demo cannot go on; the text says why, for a person."""


def main() -> int:
    """``hotline demo``: until Ctrl-C. The exit status."""
    console = Console(stderr=True, highlight=False)
    try:
        settings = Settings(demo=True)
    except ValidationError as error:
        console.print(f"[red]{escape(wrong_settings(error))}", soft_wrap=True)
        return 2
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    try:
        with _only_one(settings.home), ExitStack() as everything:
            try:
                demo = Demo(settings, console, everything)
                demo.start()
                demo.watch()
            finally:
                _let_nothing_interrupt()
                console.print("\nstopping ...")
    except KeyboardInterrupt:
        return 0
    except (DemoFailed, PrerequisiteMissing, SwitchFailed, TopologyError) as error:
        console.print(f"[red]{escape(str(error))}", soft_wrap=True)
        return 1
    return 0


class Demo:
    """One run. ``everything`` ends what was started, in the other order."""

    def __init__(self, settings: Settings, console: Console, everything: ExitStack) -> None:
        self._settings = settings
        self._console = console
        self._everything = everything
        self._run_dir = settings.home / "run"
        self._ports = Ports(settings.port_base)
        self._topology: Topology = load(settings.home)

    def start(self) -> None:
        for name in end_leftovers(self._run_dir):
            self._done(f"ended {name}, left by an earlier run")
        if not own_addresses():
            self._console.print(f"[yellow]{ONLY_LOOPBACK}", soft_wrap=True)
        source = self._step("looking for Asterisk", self._source)
        espeak = _find_espeak(source, self._settings.cache)
        sounds = self._step("prompts and music", lambda report: self._prompts(espeak))
        speech = self._step("speech recognition", lambda report: speech_model.prepare(self._settings, report))
        if not speech:
            self._console.print("[bold yellow]No speech recognition: calls work, but there will be no text.")
        self._switch = self._step("switch", lambda report: self._start_switch(source, sounds))
        passwords = self._step("database", lambda report: asyncio.run(people.ready(self._settings)))
        self._server = self._step("server", lambda report: self._start_server())
        phone = self._phone()
        for desk in desks(phone, self._topology.centres, self._run_dir, self._ports.base, espeak=espeak):
            self._everything.enter_context(desk)
        self._everything.enter_context(called_back(replace(phone, port=self._ports.citizens)))
        self._citizens = Citizens(
            self._phone(citizen=True),
            visits(random.Random()),
            centres=callers(self._topology.centres),
            lines=frozenset(line.number for line in self._topology.lines),
        )
        self._everything.callback(self._citizens.stop)
        self._welcome(passwords, source, speech)

    def watch(self) -> None:
        """Until something ends; callers come meanwhile. Raises DemoFailed, and KeyboardInterrupt at Ctrl-C."""
        while True:
            if not self._server.running:
                raise DemoFailed(f"the server ended:\n{self._server.last_words()}")
            if not self._switch.running:
                raise DemoFailed(f"Asterisk ended; its log is {self._switch.home / 'log' / 'messages'}")
            self._citizens.tick(time.monotonic())
            time.sleep(0.25)

    # -- steps ---------------------------------------------------------------------------------------------------------

    def _source(self, report: Callable[[str, float], None]) -> Source:
        return self._with_packages(lambda: find_source(self._settings.cache, report))

    def _with_packages(self, look: Callable[[], T]) -> T:
        """``look``, once more after installing what it misses if that is ours to do."""
        try:
            return look()
        except PrerequisiteMissing as missing:
            if os.geteuid() != 0 or shutil.which("apt-get") is None:
                raise
            self._console.print(f"installing {' '.join(missing.packages)}")
            _apt_install(missing.packages)
            return look()

    def _prompts(self, espeak: Sequence[str] | None) -> Path:
        sounds = self._settings.cache / "prompts"
        own = self._settings.home / "prompts"
        if own.is_dir():
            sounds = self._settings.home / "switch" / "prompts"  # recordings are this copy's, not everybody's
        try:
            prompts.build(sounds, espeak=espeak, recordings=own)
        except prompts.VoiceMissing as missing:
            self._console.print(f"[yellow]{missing}", soft_wrap=True)
        return sounds

    def _start_switch(self, source: Source, sounds: Path) -> Switch:
        settings = self._settings
        # nobody is signed in yet: seats' passwords and queue members of an earlier run are void
        shutil.rmtree(settings.switch_dir / "state", ignore_errors=True)
        switch = Switch(
            source,
            home=settings.switch_dir,
            ports=self._ports,
            topology=self._topology,
            secrets=Secrets.kept_in(settings.switch_secrets, desk_phones=self._topology.desk_seats),
            recordings=settings.recordings_dir,
            prompts=sounds,
        )
        switch.start()
        self._everything.callback(switch.stop)
        return switch

    def _start_server(self) -> Child:
        environment = {**os.environ, "HOTLINE_DEMO": "1", "PYTHONUNBUFFERED": "1"}
        server = Child("server", [sys.executable, "-m", "api.cli", "serve"], run_dir=self._run_dir, env=environment)
        self._everything.enter_context(server)
        deadline = time.monotonic() + SERVER_STARTS_S
        while time.monotonic() < deadline:
            if not server.running:
                break
            try:
                if httpx.get(f"{self._settings.url}/healthz", timeout=2).status_code == httpx.codes.OK:
                    return server
            except httpx.TransportError:
                time.sleep(0.2)
        raise DemoFailed(f"the server did not come up:\n{server.last_words()}")

    def _phone(self, *, citizen: bool = False) -> Phone:
        first = self._ports.far_media[0]
        return Phone(
            sipp=self._with_packages(lambda: find_sipp(self._settings.cache)),
            run_dir=self._run_dir,
            host=self._topology.trunks[0].host,
            port=self._ports.callers,
            media_port=first if citizen else first + 40,
            switch=f"127.0.0.1:{self._ports.sip}",
        )

    def _step(self, title: str, work: Callable[[Callable[[str, float], None]], T]) -> T:
        """``work`` with a bar while it lasts, and a line when it is done."""
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        with Progress(
            *columns, console=self._console, transient=True, disable=not self._console.is_terminal
        ) as progress:
            task = progress.add_task(title, total=None)
            result = work(lambda step, done: progress.update(task, description=step, completed=done, total=1.0))
        self._done(title)
        return result

    def _done(self, what: str) -> None:
        self._console.print(f"[green]✓[/] {what}")

    def _welcome(self, passwords: Mapping[str, str], source: Source, speech: str) -> None:
        table = Table("sign-in", "password", "work", title=self._settings.url, title_style="bold")
        for person in people.PEOPLE:
            table.add_row(person.username, passwords[person.username], person.display_name)
        self._console.print(table)
        where = f"switch: {source.title}; speech: {speech or 'none'}; state: {self._settings.home}"
        self._console.print(where, soft_wrap=True)
        self._console.print(f"what is up: {self._settings.url}/healthz    Ctrl-C ends everything")


@contextmanager
def _only_one(home: Path) -> Iterator[None]:
    """One demo in one state directory. Raises DemoFailed."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    (home / "run").mkdir(exist_ok=True, mode=0o700)
    with (home / "run" / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DemoFailed(
                f"a demo is running in {home}; choose another HOTLINE_HOME and HOTLINE_PORT_BASE"
            ) from error
        yield


def _find_espeak(source: Source, cache: Path) -> list[str] | None:
    """The command of espeak-ng: the machine's own, else the Debian root's."""
    if own := shutil.which("espeak-ng"):
        return [own]
    root = source if isinstance(source, DebianRoot) else DebianRoot(cache / "asterisk-root")
    return [*root.program("espeak-ng"), f"--path={root.libraries}"] if root.has("espeak-ng") else None


def _apt_install(packages: Sequence[str]) -> None:
    """Raises DemoFailed."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *packages]):
        answer = subprocess.run(["apt-get", *words], capture_output=True, text=True, check=False, env=environment)
        if answer.returncode != 0:
            raise DemoFailed(f"apt-get {words[0]} failed:\n{answer.stderr[-2000:]}")


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _let_nothing_interrupt() -> None:
    """A second Ctrl-C must not break off the way back."""
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, signal.SIG_IGN)
