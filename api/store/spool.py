"""A journal on this machine's own disk for what the database cannot take now: sealed, on the disk before it counts.

A folder holds numbered segments of one run of the server each. A segment is a sequence of records::

    length of the payload   4 bytes, big-endian; 0 where nothing has been written yet
    CRC-32 of the payload   4 bytes
    payload                 8 bytes sequence number, then the sealed text

A crash can tear the last record only; reading ends in front of it. Segments are reserved in full when they begin, so
that a disk that fills up meanwhile does not stop the journal at once. Everything here blocks: call it in a thread.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog

from api.store.sealing import Keyring, Unreadable

log = structlog.get_logger(__name__)

SEGMENT_BYTES = 4 << 20
MOST_BYTES = 256 << 20

_HEAD = struct.Struct(">II")
_ROOM_BYTES = 4096
_SEQ = struct.Struct(">Q")
_NAME = re.compile(r"([0-9]{8}-[0-9a-f]{8})-([0-9]{6})\.spool")
_UNREADABLE = ".unreadable"

Write = Callable[[int, bytes, int], int]
"""``os.pwrite``, or a test's that fails."""


class SpoolFull(OSError):
    """The journal has reached the size that it may have."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One record: which run of the server wrote it, its place there, and what it says."""

    run: str
    seq: int
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class UnreadableFile:
    """A segment whose turn is over, with records that no key of ours opens; it lies there until a person removes it."""

    path: Path
    size: int
    written_at: datetime
    records: int
    """So many do not open."""


def framed(payload: bytes) -> bytes:
    return _HEAD.pack(len(payload), zlib.crc32(payload)) + payload


def unframed(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Whole records with the offset at which each ends; stops in front of whatever is torn, spoilt or not written."""
    start = 0
    while start + _HEAD.size <= len(data):
        length, checksum = _HEAD.unpack_from(data, start)
        end = start + _HEAD.size + length
        payload = data[start + _HEAD.size : end]
        if length < _SEQ.size or len(payload) < length or zlib.crc32(payload) != checksum:
            return
        yield end, payload
        start = end


def unreadable_files(folder: Path, keyring: Keyring) -> list[UnreadableFile]:
    """Of one writer. Raises OSError."""
    found = []
    for path in sorted(folder.glob(f"*{_UNREADABLE}")):
        match = _NAME.fullmatch(path.with_suffix(".spool").name)
        if match is None:
            continue
        told = path.stat()
        written_at = datetime.fromtimestamp(told.st_mtime, UTC)
        shut = sum(not _opens(payload, folder, match[1], keyring) for _, payload in unframed(path.read_bytes()))
        found.append(UnreadableFile(path=path, size=told.st_size, written_at=written_at, records=shut))
    return found


@dataclass(slots=True)
class _Segment:
    run: str
    number: int
    path: Path
    last_seq: int = -1
    end: int = 0
    """Where the next record is written."""
    records: int = 0
    unreadable: int = 0
    """Records of it that no key of ours opens."""


class Spool:
    """Records of earlier runs come first, in the order of the runs; each run appends to segments of its own.

    A folder belongs to one process at a time: a second one opens it with what the first has not locked.
    """

    def __init__(
        self,
        folder: Path,
        keyring: Keyring,
        *,
        segment_bytes: int = SEGMENT_BYTES,
        most_bytes: int = MOST_BYTES,
        write: Write = os.pwrite,
    ) -> None:
        """Raises OSError where the folder cannot be used."""
        self._folder = folder
        self._keyring = keyring
        self._segment_bytes = segment_bytes
        self._most_bytes = most_bytes
        self._write = write
        self._file: int | None = None
        self._locks: list[int] = []
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.unreadable = 0
        """How many records could not be opened; those of earlier runs with them, while they lie there."""
        with suppress(OSError):
            self.unreadable = sum(file.records for file in unreadable_files(folder, keyring))
        self._old = self._scan()
        self._segments: list[_Segment] = list(self._old)
        self.run = self._next_run()
        self._reading: tuple[int, int] = (0, 0)
        """Of the record that ``read`` gives next: index of the segment, offset in it."""
        self._begin(1)

    @property
    def earlier(self) -> int:
        """How many records earlier runs have left."""
        return sum(segment.records for segment in self._old)

    @property
    def earlier_runs(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(segment.run for segment in self._old))

    @property
    def size(self) -> int:
        """Bytes of the records, without what is only reserved."""
        return sum(segment.end for segment in self._segments)

    def append(self, items: Sequence[tuple[int, str]]) -> None:
        """All of them are on the disk when this returns. Raises OSError; then none of them counts."""
        data = b"".join(framed(_SEQ.pack(seq) + self._sealed(self.run, seq, text)) for seq, text in items)
        if self.size + len(data) > self._most_bytes:
            raise SpoolFull(errno.EDQUOT, "the spool is full")
        segment = self._segments[-1]
        if segment.end and segment.end + len(data) > self._segment_bytes:
            segment = self._begin(segment.number + 1)
        assert self._file is not None
        written = 0
        while written < len(data):
            written += self._write(self._file, data[written:], segment.end + written)
        os.fsync(self._file)
        segment.end += len(data)
        segment.last_seq, segment.records = items[-1][0], segment.records + len(items)

    def check_room(self) -> None:
        """Raises OSError where a short record could not be written; what it writes means nothing."""
        assert self._file is not None
        self._write(self._file, bytes(_ROOM_BYTES), self._segments[-1].end)

    def read(self, most: int) -> list[Kept]:
        """The next records, in order; fewer than ``most`` only where there are no more. Raises OSError; then the same
        are the next."""
        before = self._reading
        try:
            return self._read(most)
        except OSError:
            self._reading = before
            raise

    def _read(self, most: int) -> list[Kept]:
        found: list[Kept] = []
        index, offset = self._reading
        while len(found) < most and index < len(self._segments):
            segment = self._segments[index]
            for end, payload in unframed(segment.path.read_bytes()[offset : segment.end]):
                self._reading = (index, offset + end)
                kept = self._opened(segment, payload)
                if kept is not None:
                    found.append(kept)
                if len(found) == most:
                    return found
            if index == len(self._segments) - 1:
                break
            index, offset = index + 1, 0
            self._reading = (index, 0)
        return found

    def pass_over(self) -> None:
        """What has been appended so far need not be read: it is remembered elsewhere until it is done."""
        self._reading = (len(self._segments) - 1, self._segments[-1].end)

    def done(self, run: str, seq: int) -> None:
        """Everything up to this record has reached its place: whole segments are removed."""
        while self._segments[0] is not self._segments[-1]:
            first = self._segments[0]
            if (first.run, first.last_seq) != (run, seq) and not self._is_before(first, run, seq):
                return
            self._remove(first)
        active = self._segments[-1]
        if active.run == run and active.last_seq <= seq and active.end > self._segment_bytes // 2:
            self._reset(active)

    def forget_earlier(self) -> None:
        """All earlier runs are done with."""
        for segment in self._old[:]:
            self._remove(segment)

    def close(self) -> None:
        for descriptor in (self._file, *self._locks):
            if descriptor is not None:
                os.close(descriptor)
        self._file, self._locks = None, []

    # files ------------------------------------------------------------------------------------------------------------

    def _scan(self) -> list[_Segment]:
        found = []
        for path in sorted(self._folder.iterdir()):
            match = _NAME.fullmatch(path.name)
            if match is None or not self._lock(path):
                continue
            segment = _Segment(run=match[1], number=int(match[2]), path=path)
            data = path.read_bytes()
            for end, payload in unframed(data):
                segment.end, segment.last_seq = end, _SEQ.unpack_from(payload)[0]
                segment.records += 1
            if data[segment.end :].strip(b"\0"):
                log.warning("the spool ends in a torn record", bytes=len(data) - segment.end, records=segment.records)
            found.append(segment)
        return found

    def _lock(self, path: Path) -> bool:
        descriptor = os.open(path, os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return False
        self._locks.append(descriptor)
        return True

    def _next_run(self) -> str:
        numbers = (int(match[1][:8]) for path in self._folder.iterdir() if (match := _NAME.fullmatch(path.name)))
        return f"{max(numbers, default=0) + 1:08d}-{secrets.token_hex(4)}"

    def _begin(self, number: int) -> _Segment:
        path = self._folder / f"{self.run}-{number:06d}.spool"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._reserve(descriptor)
        os.fsync(descriptor)
        folder = os.open(self._folder, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
        if self._file is not None:
            self._locks.append(self._file)
        self._file = descriptor
        segment = _Segment(run=self.run, number=number, path=path)
        self._segments.append(segment)
        return segment

    def _reserve(self, descriptor: int) -> None:
        """Where there is no room for a whole segment, what fits will be written."""
        try:
            os.posix_fallocate(descriptor, 0, self._segment_bytes)
        except OSError as error:
            os.ftruncate(descriptor, 0)
            log.warning("no room reserved for the spool", error_number=error.errno)

    def _reset(self, segment: _Segment) -> None:
        assert self._file is not None
        os.ftruncate(self._file, 0)
        self._reserve(self._file)
        segment.end, segment.records = 0, 0
        self._reading = (len(self._segments) - 1, 0)

    def _is_before(self, segment: _Segment, run: str, seq: int) -> bool:
        if segment.run == run:
            return segment.last_seq <= seq
        runs = list(dict.fromkeys(one.run for one in self._segments))
        return run in runs and runs.index(segment.run) < runs.index(run)

    def _remove(self, segment: _Segment) -> None:
        index = self._segments.index(segment)
        del self._segments[index]
        with suppress(ValueError):
            self._old.remove(segment)
        at, offset = self._reading
        self._reading = (at - 1, offset) if at > index else (at, 0) if at == index else (at, offset)
        if segment.unreadable:
            segment.path.rename(segment.path.with_suffix(_UNREADABLE))
        else:
            segment.path.unlink(missing_ok=True)

    # words ------------------------------------------------------------------------------------------------------------

    def _sealed(self, run: str, seq: int, text: str) -> bytes:
        return self._keyring.seal(text, context=_context(self._folder, run, seq))

    def _opened(self, segment: _Segment, payload: bytes) -> Kept | None:
        """What does not open (another key file) stays where it is, under another name once its turn is over."""
        try:
            return _kept(payload, self._folder, segment.run, self._keyring)
        except Unreadable:
            log.error("a record of the spool cannot be opened", run=segment.run, seq=_SEQ.unpack_from(payload)[0])
            segment.unreadable += 1
            self.unreadable += 1
            return None


def _kept(payload: bytes, folder: Path, run: str, keyring: Keyring) -> Kept:
    """Raises Unreadable."""
    [seq] = _SEQ.unpack_from(payload)
    return Kept(run, seq, keyring.unseal(payload[_SEQ.size :], context=_context(folder, run, seq)))


def _opens(payload: bytes, folder: Path, run: str, keyring: Keyring) -> bool:
    try:
        _kept(payload, folder, run, keyring)
    except Unreadable:
        return False
    return True


def _context(folder: Path, run: str, seq: int) -> str:
    """What was sealed for one place opens in no other."""
    return f"spool.{folder.name}.{run}.{seq}"
