"""What the database refused: put aside, sealed, for a person to look at.

One file for each writer, of the same records as the spool's (``framed``); each is sealed JSON. Nothing reads it but
``hotline refused``. Everything here that touches a file blocks: call it in a thread.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog
from pydantic import TypeAdapter

from api.store.sealing import Keyring, Unreadable
from api.store.spool import framed, unframed

log = structlog.get_logger(__name__)

FOLDER = "refused"
"""In the folder of the spools; no writer has this name."""
_SUFFIX = ".sealed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """One item: when, why, and what it was, as ``Codec`` writes it."""

    at: datetime
    writer: str
    error_type: str
    text: str

    @property
    def item_type(self) -> str:
        return self.text.partition("\n")[0]


_refused: TypeAdapter[Refused] = TypeAdapter(Refused)


class RefusedFile:
    """What one writer's items came to that were refused; only ever appended to."""

    def __init__(self, spool_dir: Path, writer: str, keyring: Keyring) -> None:
        self._path = spool_dir / FOLDER / f"{writer}{_SUFFIX}"
        self._writer = writer
        self._keyring = keyring
        self._waiting: list[Refused] = []

    def add(self, *new: Refused) -> None:
        """On the disk when this returns. Raises OSError; then they are with the next."""
        self._waiting += new
        if self._waiting:
            self._append(b"".join(framed(self._sealed(one)) for one in self._waiting))
            self._waiting.clear()

    def _append(self, data: bytes) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            end = max((end for end, _ in unframed(file.read())), default=0)
            file.truncate(end)  # a crash can have torn the last one
            file.seek(end)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def read(self) -> list[Refused]:
        """In the order in which they were refused. Raises OSError."""
        found = []
        for payload in self._payloads():
            try:
                found.append(_refused.validate_json(self._keyring.unseal(payload, context=self._context)))
            except (Unreadable, ValueError):
                log.error("a refused record cannot be opened", writer=self._writer)
        return found

    def count(self) -> int:
        """Raises OSError."""
        return len(self._payloads())

    def forget(self, first: int) -> None:
        """So many; what a server that runs has added meanwhile stays. Raises OSError."""
        taken = self._path.with_suffix(".taken")
        try:
            self._path.rename(taken)
        except FileNotFoundError:
            return
        rest = [payload for _, payload in unframed(taken.read_bytes())][first:]
        if rest:
            self._append(b"".join(map(framed, rest)))
        taken.unlink()

    def _sealed(self, refused: Refused) -> bytes:
        return self._keyring.seal(_refused.dump_json(refused).decode(), context=self._context)

    @property
    def _context(self) -> str:
        return f"{FOLDER}.{self._writer}"

    def _payloads(self) -> list[bytes]:
        try:
            return [payload for _, payload in unframed(self._path.read_bytes())]
        except FileNotFoundError:
            return []


def refused_files(spool_dir: Path, keyring: Keyring) -> list[RefusedFile]:
    """Of every writer that has any."""
    return [RefusedFile(spool_dir, path.name[: -len(_SUFFIX)], keyring) for path in _found(spool_dir)]


def _found(spool_dir: Path) -> list[Path]:
    return sorted((spool_dir / FOLDER).glob(f"*{_SUFFIX}"))
