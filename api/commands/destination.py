"""Where a command's answers go: standard output, a file that is replaced whole, or something that is written into."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import typer

_OPEN_FILES = (Path("/dev"), Path("/proc"))
"""What stands there for an open file is written into: whoever opened it would not see another in its place."""


class CannotWrite(Exception):
    """The text names the path and is for a person."""


@dataclass(frozen=True, slots=True)
class Destination:
    """``-`` is standard output. A regular file, behind links too, holds all of the text or what was there before.
    Devices, pipes, and a file in a folder that takes no other, are written into."""

    path: Path

    def check(self) -> None:
        """Whether it can be written, before the work begins; nothing there changes. Raises CannotWrite."""
        if str(self.path) == "-":
            return
        with self._reported():
            target = self._replaced()
            if target is None:
                _must_be_writable(self.path)
                return
            if target.exists():
                _must_be_writable(target)
            draft = _draft_of(target)
            os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            draft.unlink()

    def write(self, text: str) -> None:
        """In UTF-8, whatever the terminal's own. Raises CannotWrite."""
        data = text.encode("utf-8", "backslashreplace")
        if str(self.path) == "-":
            typer.echo(data, nl=False)
            return
        with self._reported():
            target = self._replaced()
            if target is None:
                with self.path.open("ab" if self._is_open_file else "wb") as file:
                    file.write(data)
            else:
                _replace(target, data)

    def _replaced(self) -> Path | None:
        """The file to be put in place, which need not be there yet. None: what is there is written into."""
        try:
            mode = self.path.stat().st_mode
        except FileNotFoundError:
            target = Path(os.path.realpath(self.path))
            if not target.parent.is_dir():
                raise FileNotFoundError(errno.ENOENT, "its folder does not exist") from None
            return target
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, "is a folder")
        if stat.S_ISSOCK(mode):
            raise OSError(errno.ENXIO, "is a socket")
        if not stat.S_ISREG(mode) or self._is_open_file:
            return None
        target = Path(os.path.realpath(self.path))
        return target if os.access(target.parent, os.W_OK) else None

    @property
    def _is_open_file(self) -> bool:
        return any(self.path.absolute().is_relative_to(folder) for folder in _OPEN_FILES)

    @contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise CannotWrite(f"{self.path}: cannot be written: {error.strerror}") from error


def _must_be_writable(path: Path) -> None:
    if not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def _draft_of(target: Path) -> Path:
    return target.with_name(f".hotline.{secrets.token_hex(4)}")


def _replace(target: Path, data: bytes) -> None:
    draft = _draft_of(target)
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as file:
            if target.exists():
                os.fchmod(file.fileno(), stat.S_IMODE(target.stat().st_mode))
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
