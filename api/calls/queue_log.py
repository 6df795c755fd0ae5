"""The switch's own queue_log: what its lines say of each call, and reading on in it.

A line is ``epoch|call|queue|member|event|data...``. Beside the queue's own events the dialplan writes ARRIVED, BRANCH,
FALLBACK, DUTY, MISSED, CALLBACK, FORWARD and, when the citizen's channel ends, GONE; of calls that operators place
PLACED, REACHED and, when the operator's leg ends, DIALLED. The README of the dialplan has their data.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from telephony.ids import CallId, ChannelId, QueueName

FIRST_BYTES = 16 << 20
"""Of a log that is read for the first time, the end."""
PIECE_BYTES = 1 << 20
"""So much is read at once: some thousand calls."""

_CHANNEL = re.compile(r"[0-9]{9,11}\.[0-9]{1,10}")
_NUMBER = re.compile(r"\+?[0-9]{1,20}")
_FIRST_LINE_BYTES = 256


@dataclass(frozen=True, slots=True)
class Place:
    """Up to where which file has been read."""

    file_id: str = ""
    offset: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One line."""

    at: datetime
    call_id: CallId
    queue: QueueName
    agent: str
    event: str
    data: tuple[str, ...]
    place: Place = Place()
    """Where it begins."""

    def value(self, index: int) -> str:
        return self.data[index] if index < len(self.data) else ""


@dataclass(slots=True)
class Course:
    """What the log says of one call, the last word counting."""

    call_id: CallId
    begins: Place = Place()
    line: str = ""
    number: str = ""
    centre: str = ""
    """Of the partner whose trunk it came on."""
    queued: Entry | None = None
    answered: Entry | None = None
    """The last CONNECT."""
    answers: dict[ChannelId, datetime] = field(default_factory=dict)
    """The second of each answer, by the operator's leg."""
    reached: Entry | None = None
    """The citizen whom an operator called has answered."""
    ended: Entry | None = None
    """The waiting, the talk with an operator or the operator's own call is over, and nothing else began."""
    gone: Entry | None = None
    """The citizen's channel has ended."""
    missed: Entry | None = None
    asked: Entry | None = None
    """The caller pressed 1 while waiting: to be called back."""
    gave_up_at: datetime | None = None
    """When the waiting for an operator was over, without an answer."""

    @property
    def end(self) -> Entry | None:
        """How it ended; None while there is no word of that."""
        return self.ended or self.gone

    @property
    def ended_at(self) -> datetime | None:
        last = self.gone or self.ended
        return last.at if last else None

    @property
    def served_s(self) -> int | None:
        """Of a talk with a branch, a duty phone, or whoever the citizen was put through to, that lasted to the end."""
        said = self.gone.value(3) if self.gone else ""
        return int(said) if said.isdecimal() and len(said) < 7 else None


def parse(line: str, place: Place = Place()) -> Entry | None:
    """None for what is not about a call of ours."""
    parts = line.rstrip("\r\n").split("|")
    if len(parts) < 5 or not parts[0].isdecimal() or len(parts[0]) > 11 or not _CHANNEL.fullmatch(parts[1]):
        return None
    return Entry(
        at=datetime.fromtimestamp(int(parts[0]), UTC),
        call_id=CallId(parts[1]),
        queue=QueueName(parts[2]),
        agent=parts[3],
        event=parts[4],
        data=tuple(parts[5:]),
        place=place,
    )


def follow(entries: Iterable[Entry], found: dict[CallId, Course]) -> None:
    """Take these lines down in the courses of their calls, the call that began first standing first."""
    for entry in entries:
        course = found.get(entry.call_id)
        if course is None:
            course = found[entry.call_id] = Course(entry.call_id, begins=entry.place)
        _heed(course, entry)


def _heed(course: Course, entry: Entry) -> None:
    match entry.event:
        case "ARRIVED":
            course.line, course.number = _number(entry.value(0)), _number(entry.value(1))
            course.centre = _number(entry.value(2))
        case "ENTERQUEUE":
            course.queued = course.queued or entry
            course.number = course.number or _number(entry.value(1))
            course.ended = course.gave_up_at = None
        case "CONNECT":
            course.answered, course.ended = entry, None
            course.answers[_channel(entry.value(1))] = entry.at
        case "REACHED":
            course.reached = entry
            course.answers[ChannelId(entry.call_id)] = entry.at
        case "ABANDON" | "COMPLETECALLER" | "COMPLETEAGENT":
            course.ended = entry
        case "BRANCH" | "DUTY" | "FORWARD":
            course.line = course.line or _number(entry.value(0))
        case "FALLBACK" | "MISSED" | "CALLBACK" | "GONE" | "PLACED" | "DIALLED":
            course.line = course.line or _number(entry.value(0))
            course.number = course.number or _number(entry.value(1))
            _heed_end(course, entry)


def _heed_end(course: Course, entry: Entry) -> None:
    match entry.event:
        case "FALLBACK":
            course.gave_up_at = entry.at
        case "GONE":
            course.gone = entry
        case "DIALLED":
            course.ended = entry
        case "MISSED" | "CALLBACK":
            course.ended = entry
            course.missed = entry if entry.event == "MISSED" else None
            course.asked = entry if entry.event == "CALLBACK" else None


def _number(text: str) -> str:
    return text if _NUMBER.fullmatch(text) else ""


def _channel(text: str) -> ChannelId:
    return ChannelId(text if _CHANNEL.fullmatch(text) else "")


# on the disk ----------------------------------------------------------------------------------------------------------
@dataclass(slots=True)
class Reading:
    """``more``: the log goes on after ``place``."""

    entries: list[Entry] = field(default_factory=list)
    place: Place = field(default_factory=Place)
    more: bool = False


def read_on(path: Path, since: Place) -> Reading:
    """What was written after ``since``, also into files that were put aside meanwhile; about ``PIECE_BYTES`` of it.

    Blocks. Raises OSError.
    """
    asides = [one for one in path.parent.glob(f"{path.name}.*") if one.is_file()]
    files = [*sorted(asides, key=lambda one: one.stat().st_mtime_ns), path]
    ids = [file_id(one) for one in files]
    first = ids.index(since.file_id) if since.file_id in ids else len(files) - 1
    reading, most = Reading(place=since), PIECE_BYTES
    for one, name in list(zip(files, ids, strict=True))[first:]:
        start = since.offset if name == since.file_id else 0
        if not since.file_id:
            start = _start_of_line(one, one.stat().st_size - FIRST_BYTES)
        reading.more = _read_file(one, Place(name, start), reading, most)
        most -= reading.place.offset - start
        if reading.more:
            break
    return reading


def file_id(path: Path) -> str:
    """The same for a file that was renamed or has grown; empty until its first line is whole."""
    with path.open("rb") as file:
        line, end, _ = file.read(_FIRST_LINE_BYTES).partition(b"\n")
        inode = os.fstat(file.fileno()).st_ino
    return f"{inode}:{hashlib.sha256(line).hexdigest()[:32]}" if end else ""


def _start_of_line(path: Path, offset: int) -> int:
    """Where the first whole line after ``offset`` begins."""
    if offset <= 0:
        return 0
    with path.open("rb") as file:
        file.seek(offset - 1)
        return offset - 1 + len(file.readline())


def _read_file(path: Path, start: Place, reading: Reading, most: int) -> bool:
    """True where there are whole lines left."""
    offset = start.offset
    with path.open("rb") as file:
        file.seek(offset)
        for line in file:
            if not line.endswith(b"\n"):
                break
            if offset - start.offset >= most:
                reading.place = Place(start.file_id, offset)
                return True
            entry = parse(line.decode("utf-8", "replace"), Place(start.file_id, offset))
            offset += len(line)
            if entry is not None:
                reading.entries.append(entry)
    reading.place = Place(start.file_id, offset)
    return False
