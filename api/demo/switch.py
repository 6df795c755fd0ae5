"""A real Asterisk for the demo and the tests: found or built, started on its own ports, ended without a trace.

Three sources, in this order: a Docker engine that has our image, an ``asterisk`` of version 20 or later on PATH, a
Debian root unpacked by mmdebstrap into HOTLINE_CACHE. Programs of the root run through the root's own dynamic loader:
no chroot, no mount, no name space, no privilege, so nothing can stay behind and paths are the same on both sides.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from api.demo.children import Child, end_leftovers
from telephony.dialplan.ports import Ports
from telephony.dialplan.render import Binding, Places, Secrets, render
from telephony.dialplan.topology import Topology

IMAGE = "hotline12345-asterisk"
OLDEST = 20
SUITES = ("forky", "sid")
"""Debian releases that carry Asterisk, best first. Debian 12 and 13 have none."""

ROOT_PACKAGES = ("asterisk", "asterisk-modules", "sip-tester", "espeak-ng")
ROOT_STEPS = ("apt-get update", "downloading packages", "extracting archives", "cleaning package lists", "success")
Progress = Callable[[str, float], None]
"""Told what is being done and how far it is, 0..1."""


class PrerequisiteMissing(RuntimeError):
    """Something must be installed first; ``packages`` are Debian's and Ubuntu's names of it."""

    def __init__(self, what: str, *packages: str) -> None:
        super().__init__(f"{what} Install it with: apt-get install {' '.join(packages)}")
        self.packages = packages


class SwitchFailed(RuntimeError):
    """Asterisk did not come up; the text holds its last words."""


class Source(Protocol):
    """Where Asterisk comes from."""

    @property
    def title(self) -> str: ...

    def places(self, home: Path, recordings: Path, prompts: Path) -> Places: ...

    def argv(self, home: Path, recordings: Path, prompts: Path, name: str) -> list[str]:
        """The command that runs Asterisk in the foreground with ``home/etc/asterisk.conf``."""
        ...

    def tidy(self, name: str) -> None:
        """Remove what may be left when the process of ``argv`` is gone."""
        ...


def _same_paths(home: Path, recordings: Path, prompts: Path, modules: str | None, data: str | None) -> Places:
    return Places(
        config=str(home / "etc"),
        state=str(home / "state"),
        log=str(home / "log"),
        recordings=str(recordings),
        prompts=str(prompts),
        modules=modules,
        data=data,
    )


@dataclass(frozen=True)
class OnPath:
    """The machine's own Asterisk."""

    program: str
    title: str

    def places(self, home: Path, recordings: Path, prompts: Path) -> Places:
        return _same_paths(home, recordings, prompts, None, None)

    def argv(self, home: Path, recordings: Path, prompts: Path, name: str) -> list[str]:
        return [self.program, "-f", "-C", str(home / "etc" / "asterisk.conf")]

    def tidy(self, name: str) -> None:
        return


@dataclass(frozen=True)
class DebianRoot:
    """A Debian tree somewhere in a directory; its programs run through its own loader."""

    path: Path
    title: str = "Asterisk of a Debian root"

    def program(self, name: str) -> list[str]:
        """The command for ``usr/bin/NAME`` or ``usr/sbin/NAME`` of the root. Raises FileNotFoundError."""
        for folder in ("usr/bin", "usr/sbin"):
            if (self.path / folder / name).exists():
                return [*self._loader(), str(self.path / folder / name)]
        raise FileNotFoundError(self.path / "usr/bin" / name)

    def has(self, name: str) -> bool:
        return any((self.path / folder / name).exists() for folder in ("usr/bin", "usr/sbin"))

    @property
    def libraries(self) -> Path:
        """``usr/lib/<triplet>`` of the root."""
        return next((self.path / "usr/lib").glob("*-linux-gnu*/libc.so.6")).parent

    def _loader_file(self) -> Path:
        return next(folder for pattern in ("ld-linux*.so.*", "ld64.so.*") for folder in self.libraries.glob(pattern))

    def _loader(self) -> list[str]:
        return [str(self._loader_file()), "--library-path", f"{self.libraries}:{self.libraries / 'pulseaudio'}"]

    def places(self, home: Path, recordings: Path, prompts: Path) -> Places:
        modules, data = self.libraries / "asterisk" / "modules", self.path / "usr/share/asterisk"
        return _same_paths(home, recordings, prompts, str(modules), str(data))

    def argv(self, home: Path, recordings: Path, prompts: Path, name: str) -> list[str]:
        return [*self.program("asterisk"), "-f", "-C", str(home / "etc" / "asterisk.conf")]

    def tidy(self, name: str) -> None:
        return


@dataclass(frozen=True)
class DockerEngine:
    """Our image on a Docker engine, with the machine's own network."""

    program: str
    title: str = "Asterisk in Docker"

    def places(self, home: Path, recordings: Path, prompts: Path) -> Places:
        inside = Path("/srv/hotline")
        return _same_paths(inside / "switch", inside / "recordings", inside / "prompts", None, None)

    def argv(self, home: Path, recordings: Path, prompts: Path, name: str) -> list[str]:
        volumes = [
            f"{home}:/srv/hotline/switch",
            f"{recordings}:/srv/hotline/recordings",
            f"{prompts}:/srv/hotline/prompts:ro",
        ]
        return [
            *(
                self.program,
                "run",
                "--rm",
                "--name",
                name,
                "--network",
                "host",
                "--user",
                f"{os.getuid()}:{os.getgid()}",
            ),
            *(word for volume in volumes for word in ("--volume", volume)),
            *(IMAGE, "asterisk", "-f", "-C", "/srv/hotline/switch/etc/asterisk.conf"),
        ]

    def tidy(self, name: str) -> None:
        subprocess.run([self.program, "rm", "--force", name], capture_output=True, check=False, timeout=30)


def find_source(cache: Path, progress: Progress = lambda step, done: None) -> Source:
    """The first source that can be had on this machine; builds the Debian root where nothing else is there.

    Raises PrerequisiteMissing.
    """
    if (docker := shutil.which("docker")) and _docker_has_image(docker):
        return DockerEngine(docker)
    if (own := _asterisk_on_path()) is not None:
        return own
    return debian_root(cache, progress)


def _docker_has_image(docker: str) -> bool:
    for words in (["info"], ["image", "inspect", IMAGE]):
        try:
            answer = subprocess.run([docker, *words], capture_output=True, check=False, timeout=10)
        except (OSError, subprocess.TimeoutExpired):
            return False
        if answer.returncode != 0:
            return False
    return True


def _asterisk_on_path() -> OnPath | None:
    program = shutil.which("asterisk", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if program is None:
        return None
    try:
        said = subprocess.run([program, "-V"], capture_output=True, text=True, check=False, timeout=10).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    return OnPath(program, said.strip()) if major_version(said) >= OLDEST else None


def major_version(said: str) -> int:
    """22 of ``Asterisk 22.10.1+dfsg-1`` or ``Asterisk certified-20.7-cert2``; 0 where there is none."""
    found = re.search(r"Asterisk (?:certified[-/])?(\d+)\.", said)
    return int(found[1]) if found else 0


def debian_root(cache: Path, progress: Progress = lambda step, done: None) -> DebianRoot:
    """The root in ``cache/asterisk-root``, unpacked there on first use. Raises PrerequisiteMissing, SwitchFailed."""
    place = cache / "asterisk-root"
    cache.mkdir(parents=True, exist_ok=True)
    with _alone(cache / "asterisk-root.lock"):
        if not place.exists():
            _unpack_root(place, progress)
    return DebianRoot(place)


def _unpack_root(place: Path, progress: Progress) -> None:
    program = shutil.which("mmdebstrap")
    if program is None:
        raise PrerequisiteMissing(
            "No Docker engine with our image, no Asterisk 20 on PATH, and no mmdebstrap to unpack one.",
            *("mmdebstrap", "debian-archive-keyring"),
        )
    part = place.with_name(f"{place.name}.{os.getpid()}.part")
    try:
        for suite in SUITES:
            shutil.rmtree(part, ignore_errors=True)
            said = _run_mmdebstrap(program, suite, part, progress)
            if said is None:
                part.rename(place)
                return
        raise SwitchFailed(f"mmdebstrap could not unpack Asterisk:\n{said}")
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _run_mmdebstrap(program: str, suite: str, part: Path, progress: Progress) -> str | None:
    """None when it worked, else its last words. Packages are only unpacked: no script of theirs runs."""
    argv = [
        *(program, "--mode=chrootless", "--variant=extract", "--aptopt=Acquire::Check-Valid-Until false"),
        *(f"--include={','.join(ROOT_PACKAGES)}", suite, str(part)),
    ]
    lines: list[str] = []
    with subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            for line in process.stdout or ():
                lines.append(line.rstrip())
                for number, step in enumerate(ROOT_STEPS, start=1):
                    if step in line:
                        progress(f"Debian {suite}: {line.strip().removeprefix('I: ')}", number / len(ROOT_STEPS))
        except BaseException:
            process.terminate()
            raise
    return None if process.returncode == 0 else "\n".join(lines[-15:])


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class Switch:
    """One Asterisk on its own ports. ``home`` is its directory (etc, state, log, run).

    Use it as a context, or call start and stop. A second instance with other ports and another home may run beside it.
    """

    def __init__(
        self,
        source: Source,
        *,
        home: Path,
        ports: Ports,
        topology: Topology,
        secrets: Secrets,
        recordings: Path,
        prompts: Path,
        binding: Binding | None = None,
    ) -> None:
        self.source = source
        self.home = home
        self.ports = ports
        self.topology = topology
        self.secrets = secrets
        self.recordings = recordings
        self.prompts = prompts
        self.binding = binding
        self._name = f"hotline-switch-{ports.base}"
        self._child = Child(
            "asterisk", source.argv(home, recordings, prompts, self._name), run_dir=home / "run", env=_environment()
        )

    @property
    def pid(self) -> int | None:
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child.running

    def start(self, timeout_s: float = 60.0) -> None:
        """Render, start, and wait until it is fully booted. Raises SwitchFailed; then nothing is left running."""
        end_leftovers(self.home / "run")
        self.source.tidy(self._name)
        for folder in (self.home / "state" / "spool", self.home / "state" / "keys", self.home / "log", self.recordings):
            folder.mkdir(parents=True, exist_ok=True)
        for port in (self.ports.http, self.ports.ami):
            _must_be_free(port, socket.SOCK_STREAM)
        _must_be_free(self.ports.sip, socket.SOCK_DGRAM)
        render(
            self.topology,
            self.ports,
            self.home / "etc",
            self.secrets,
            places=self.source.places(self.home, self.recordings, self.prompts),
            binding=self.binding,
        )
        self._child.start()
        try:
            self._wait_until_booted(timeout_s)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        self._child.stop()
        self.source.tidy(self._name)

    def kill(self) -> None:
        """End it as a power cut would (tests)."""
        self._child.stop(sign=signal.SIGKILL)
        self.source.tidy(self._name)

    def console(self, command: str) -> str:
        """What ``asterisk -rx COMMAND`` prints (tests and trouble-shooting; the server never uses it)."""
        argv = [*self._child.argv[:-3], "-C", self._child.argv[-1], "-rx", command]
        answer = subprocess.run(
            argv, capture_output=True, text=True, errors="replace", check=False, timeout=10, env=_environment()
        )
        return answer.stdout

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _wait_until_booted(self, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if not self._child.running:
                raise SwitchFailed(f"Asterisk ended with status {self._child.returncode}:\n{self._child.last_words()}")
            if _fully_booted(self.ports.ami, self.secrets.ami):
                return
            time.sleep(0.1)
        raise SwitchFailed(f"Asterisk was not ready after {timeout_s:.0f} s:\n{self._child.last_words()}")


def _fully_booted(port: int, secret: str) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as link:
            link.sendall(f"Action: Login\r\nUsername: hotline\r\nSecret: {secret}\r\n\r\n".encode())
            heard = b""
            while chunk := link.recv(65536):
                heard += chunk
                if b"Event: FullyBooted" in heard:
                    return True
    except OSError:
        return False
    return False


def _must_be_free(port: int, kind: socket.SocketKind, patience_s: float = 2.0) -> None:
    """Raises SwitchFailed. A process that was just killed may hold its ports for a moment."""
    deadline = time.monotonic() + patience_s
    while not _is_free(port, kind):
        if time.monotonic() > deadline:
            raise SwitchFailed(f"port {port} is in use; choose another HOTLINE_PORT_BASE")
        time.sleep(0.05)


def _is_free(port: int, kind: socket.SocketKind) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        if kind == socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _environment() -> Mapping[str, str]:
    """What Asterisk needs of ours, and none of our secrets."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TZ", "DOCKER_HOST") if name in os.environ}
