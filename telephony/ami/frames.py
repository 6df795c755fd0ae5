"""Bytes of the manager interface to intact frames, in linear time; rejects the malformed and the forged (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain, islice
from types import MappingProxyType

from telephony.ami.schemas import CHANNEL_HEADERS, EVENTS, ITEMS, LISTS, Schema, ends_list

MAX_FRAME_BYTES = 64 * 1024
MAX_FRAME_LINES = 512
MAX_BANNER_BYTES = 128
BANNER = b"Asterisk Call Manager/"

_FRAME_END = re.compile(rb"\r\n\r?\n")
_TIMESTAMP = re.compile(r"[0-9]{10,11}\.[0-9]{6}")
_NUMBER = re.compile(r"-?[0-9]{1,12}")
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_./@+:;()\[\] -]{0,120}")
_MANY = re.compile(r"[A-Za-z]*ChanVariable(\(.*\))?|Variable")
_BLOCKS = (
    ("ChannelState", frozenset(CHANNEL_HEADERS)),
    ("DestChannelState", frozenset(f"Dest{key}" for key in CHANNEL_HEADERS)),
)
_NOTHING: Mapping[str, Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Frame:
    """One intact frame. ``variables`` holds the headers that may repeat: ``ChanVariable`` -> {name: value}."""

    headers: Mapping[str, str]
    variables: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: _NOTHING)

    @property
    def event(self) -> str:
        return self.headers.get("Event", "")

    @property
    def action_id(self) -> str:
        return self.headers.get("ActionID", "")

    @property
    def answers(self) -> bool:
        """True for a response or an item of a list, False for an event that nobody asked for."""
        return "Event" not in self.headers or "Privilege" not in self.headers or self.headers["Privilege"] == "Call"


@dataclass(frozen=True, slots=True)
class Rejected:
    """A frame that must change nothing. ``reason`` is in our own words, ``subject`` a known event's name or empty."""

    reason: str
    subject: str = ""


class FrameReader:
    """The incoming side of one connection. Feed it what the socket gave; it never raises.

    ``asked`` maps the ids of the actions sent on this connection to their names: only they may be answered.
    ``broken`` is set when the stream cannot be read on (the connection must be dropped); then nothing more comes out.
    """

    def __init__(self, asked: Mapping[str, str]) -> None:
        self.broken: str | None = None
        self.version = ""
        self._asked = asked
        self._buffer = bytearray()
        self._searched = 0

    def receive(self, data: bytes) -> list[Frame | Rejected]:
        """Frames that ``data`` completes, in order."""
        self._buffer += data
        if not self.version and not self._take_banner():
            return []
        return [parse(raw, self._asked) for raw in self._cut()]

    def _take_banner(self) -> bool:
        end = self._buffer.find(b"\r\n", 0, MAX_BANNER_BYTES)
        endless = end < 0 and len(self._buffer) > MAX_BANNER_BYTES
        if endless or not self._buffer.startswith(BANNER[: len(self._buffer)]):
            self._break("not a manager interface")
        if self.broken or end < 0:
            return False
        self.version = self._buffer[len(BANNER) : end].decode("ascii", "replace")
        del self._buffer[: end + 2]
        return True

    def _cut(self) -> Iterator[bytes]:
        start = 0
        while not self.broken and (end := _FRAME_END.search(self._buffer, max(start, self._searched))):
            raw = bytes(self._buffer[start : end.start()])
            start = self._searched = end.end()
            if self._fits(raw):
                yield raw
        del self._buffer[:start]
        self._searched = max(0, len(self._buffer) - 3)
        if len(self._buffer) > MAX_FRAME_BYTES:
            self._break("frame too long")

    def _fits(self, raw: bytes) -> bool:
        if len(raw) > MAX_FRAME_BYTES:
            self._break("frame too long")
        elif raw.count(b"\r\n") >= MAX_FRAME_LINES:
            self._break("frame has too many lines")
        return not self.broken

    def _break(self, reason: str) -> None:
        self.broken = reason
        self._buffer.clear()
        self._searched = 0


def parse(raw: bytes, asked: Mapping[str, str]) -> Frame | Rejected:
    """One frame without its end. ``asked`` as in ``FrameReader``."""
    headers: dict[str, str] = {}
    variables: dict[str, dict[str, str]] = {}
    for line in _lines(raw):
        key, colon, value = line.partition(": ")
        if not colon:
            key = key[:-1] if key.endswith(":") else ""  # an empty value may lack the space
        repeatable = _repeatable(key)
        if repeatable is None:
            return Rejected("line without a header")
        if repeatable:
            name, _, content = value.partition("=")
            variables.setdefault(key, {}).setdefault(name, content)
        elif key in headers:
            return Rejected("repeated header", _known(headers.get("Event", "")))
        else:
            headers[key] = value
    frame = Frame(headers, variables or _NOTHING)
    reason = _objection(frame, _first(headers), asked)
    return Rejected(reason, _known(frame.event)) if reason else frame


@lru_cache(maxsize=1024)
def _repeatable(key: str) -> bool | None:
    """None for what is no key. A key may hold a colon: ``ChanVariable(AudioSocket/127.0.0.1:9092-1a2b)``."""
    return _MANY.fullmatch(key) is not None if _KEY.fullmatch(key) else None


def _first(headers: Mapping[str, str]) -> tuple[str, str, str]:
    first, second, third = islice(chain(headers, ("", "", "")), 3)
    return first, second, third


def _lines(raw: bytes) -> Sequence[str]:
    try:
        return raw.decode("utf-8").split("\r\n")
    except UnicodeDecodeError:
        return [_decode(line) for line in raw.split(b"\r\n")]


def _decode(line: bytes) -> str:
    """The switch passes bytes on: UTF-8 as a rule, GB 18030 from old equipment, and now and then neither."""
    for encoding in ("utf-8", "gb18030"):
        try:
            return line.decode(encoding)
        except UnicodeDecodeError:
            continue
    return line.decode("utf-8", "replace")


def _known(event: str) -> str:
    return event if event in EVENTS or event in ITEMS else ""


def _objection(frame: Frame, first: tuple[str, str, str], asked: Mapping[str, str]) -> str:
    """Why the frame is not taken, or an empty string."""
    if first[0] == "Response":
        return "" if frame.action_id in asked else "response to nothing that was asked"
    if first[0] != "Event":
        return "neither event nor response"
    if frame.answers:
        return _item_objection(frame, first, asked)
    if first[1] != "Privilege":
        return "event without a privilege"
    schema = EVENTS.get(frame.event)
    return _torn_channel(frame.headers) if schema is None else _event_objection(frame.headers, first, schema)


def _item_objection(frame: Frame, first: tuple[str, str, str], asked: Mapping[str, str]) -> str:
    action = asked.get(frame.action_id)
    if action is None:
        return "event without a privilege"
    if ends_list(action, frame.event):
        return "" if first[1] == "ActionID" else "end of a list in disorder"
    schema = ITEMS.get(frame.event)
    if schema is None or frame.event not in LISTS.get(action, ()):
        return "item of another list"
    if schema.privilege != frame.headers.get("Privilege", ""):
        return "wrong privilege"
    return _lacking(frame.headers, schema)


def _event_objection(headers: Mapping[str, str], first: tuple[str, str, str], schema: Schema) -> str:
    if headers["Privilege"] != schema.privilege:
        return "wrong privilege"
    if schema.timestamped and (first[2] != "Timestamp" or not _TIMESTAMP.fullmatch(headers["Timestamp"])):
        return "event without a timestamp"
    return _lacking(headers, schema)


def _lacking(headers: Mapping[str, str], schema: Schema) -> str:
    if not schema.keys <= headers.keys():
        return "header missing"
    if not all(_NUMBER.fullmatch(headers[key]) for key in schema.numbers):
        return "number expected"
    if (schema.channel and "ChannelState" not in headers) or (schema.dest and "DestChannelState" not in headers):
        return "channel missing"
    return _torn_channel(headers)


def _torn_channel(headers: Mapping[str, str]) -> str:
    """A channel block that begins must be whole, in whatever event it stands."""
    for sign, block in _BLOCKS:
        if sign in headers and not block <= headers.keys():
            return "channel torn"
    return ""
