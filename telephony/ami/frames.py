"""Bytes of the manager interface to intact frames, in linear time; rejects the malformed and the forged (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
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

    def _cut(self) -> Iterator[bytes | bytearray]:
        start = 0
        for end, following in [found.span() for found in _FRAME_END.finditer(self._buffer, self._searched)]:
            raw, start = self._buffer[start:end], following
            if not self._fits(raw):
                return
            yield raw
        del self._buffer[:start]
        self._searched = max(0, len(self._buffer) - 3)
        if len(self._buffer) > MAX_FRAME_BYTES:
            self._break("frame too long")

    def _fits(self, raw: bytes | bytearray) -> bool:
        if len(raw) > MAX_FRAME_BYTES:
            self._break("frame too long")
        elif len(raw) > 2 * MAX_FRAME_LINES and raw.count(b"\r\n") >= MAX_FRAME_LINES:
            self._break("frame has too many lines")
        return not self.broken

    def _break(self, reason: str) -> None:
        self.broken = reason
        self._buffer.clear()
        self._searched = 0


@dataclass(frozen=True, slots=True, eq=False)
class _Shape:
    """What the keys of a frame tell, whatever its values are. The traffic of a switch has a few hundred of them.

    ``many``: the keys that may repeat; ``repeats``: where they stand. ``flaw`` and ``torn``: objections.
    """

    keys: frozenset[str]
    first: str
    second: str
    third: str
    many: tuple[str, ...]
    repeats: tuple[int, ...]
    flaw: str
    torn: str


def parse(raw: bytes | bytearray, asked: Mapping[str, str]) -> Frame | Rejected:
    """One frame without its end. ``asked`` as in ``FrameReader``."""
    lines = _lines(raw)
    try:
        pairs = [line.split(": ", 1) for line in lines]
        headers = dict(pairs)
    except ValueError:
        pairs = [_pair(line) for line in lines]
        headers = dict(pairs)
    shape = _shape(tuple(headers) if len(headers) == len(pairs) else tuple([key for key, _ in pairs]))
    if shape.flaw:
        return Rejected(shape.flaw, _known(headers.get("Event", "")))
    variables = _take_variables(headers, pairs, shape) if shape.many else _NOTHING
    frame = Frame(headers, variables)
    reason = _objection(frame, shape, asked)
    return Rejected(reason, _known(frame.event)) if reason else frame


def _pair(line: str) -> list[str]:
    """An empty value may lack the space. The key is empty where there is none."""
    key, sign, value = line.partition(": ")
    return [key, value] if sign else [key[:-1] if key.endswith(":") else "", ""]


def _take_variables(
    headers: dict[str, str], pairs: Sequence[Sequence[str]], shape: _Shape
) -> Mapping[str, Mapping[str, str]]:
    """Out of the headers. The first value of a name stands."""
    variables: dict[str, dict[str, str]] = {}
    for key in shape.many:
        del headers[key]
        variables[key] = {}
    for place in shape.repeats:
        key, value = pairs[place]
        name, _, content = value.partition("=")
        variables[key].setdefault(name, content)
    return variables


@lru_cache(maxsize=1024)
def _shape(keys: tuple[str, ...]) -> _Shape:
    many = tuple(dict.fromkeys(key for key in keys if _MANY.fullmatch(key)))
    single = [key for key in keys if key not in many]
    flaw = ""
    if not all(_KEY.fullmatch(key) for key in keys):
        flaw = "line without a header"
    elif len(set(single)) < len(single):
        flaw = "repeated header"
    first, second, third, *_ = (*keys, "", "")
    return _Shape(
        keys=frozenset(keys),
        first=first,
        second=second,
        third=third,
        many=many,
        repeats=tuple(place for place, key in enumerate(keys) if key in many),
        flaw=flaw,
        torn=_torn_channel(frozenset(single)),
    )


def _lines(raw: bytes | bytearray) -> Sequence[str]:
    try:
        return raw.decode("utf-8").split("\r\n")
    except UnicodeDecodeError:
        return [_decode(line) for line in raw.split(b"\r\n")]


def _decode(line: bytes | bytearray) -> str:
    """The switch passes bytes on: UTF-8 as a rule, GB 18030 from old equipment, and now and then neither."""
    for encoding in ("utf-8", "gb18030"):
        try:
            return line.decode(encoding)
        except UnicodeDecodeError:
            continue
    return line.decode("utf-8", "replace")


def _known(event: str) -> str:
    return event if event in EVENTS or event in ITEMS else ""


def _objection(frame: Frame, shape: _Shape, asked: Mapping[str, str]) -> str:
    """Why the frame is not taken, or an empty string."""
    if shape.first == "Response":
        return "" if frame.action_id in asked else "response to nothing that was asked"
    if shape.first != "Event":
        return "neither event nor response"
    if frame.answers:
        return _item_objection(frame, shape, asked)
    if shape.second != "Privilege":
        return "event without a privilege"
    event = frame.headers["Event"]
    schema = EVENTS.get(event)
    return shape.torn if schema is None else _event_objection(frame.headers, shape, schema, event)


def _item_objection(frame: Frame, shape: _Shape, asked: Mapping[str, str]) -> str:
    action = asked.get(frame.action_id)
    if action is None:
        return "event without a privilege"
    if ends_list(action, frame.event):
        return "" if shape.second == "ActionID" else "end of a list in disorder"
    schema = ITEMS.get(frame.event)
    if schema is None or frame.event not in LISTS.get(action, ()):
        return "item of another list"
    if schema.privilege != frame.headers.get("Privilege", ""):
        return "wrong privilege"
    return _item_lack(shape, frame.event) or _no_number(frame.headers, schema)


def _event_objection(headers: Mapping[str, str], shape: _Shape, schema: Schema, event: str) -> str:
    if headers["Privilege"] != schema.privilege:
        return "wrong privilege"
    if schema.timestamped and (shape.third != "Timestamp" or not _TIMESTAMP.fullmatch(headers["Timestamp"])):
        return "event without a timestamp"
    return _event_lack(shape, event) or (_no_number(headers, schema) if schema.numbers else "")


@lru_cache(maxsize=1024)
def _event_lack(shape: _Shape, event: str) -> str:
    return _lacking(shape, EVENTS[event])


@lru_cache(maxsize=1024)
def _item_lack(shape: _Shape, event: str) -> str:
    return _lacking(shape, ITEMS[event])


def _lacking(shape: _Shape, schema: Schema) -> str:
    if not schema.keys <= shape.keys:
        return "header missing"
    if (schema.channel and "ChannelState" not in shape.keys) or (schema.dest and "DestChannelState" not in shape.keys):
        return "channel missing"
    return shape.torn


def _no_number(headers: Mapping[str, str], schema: Schema) -> str:
    for key in schema.numbers:
        if not _NUMBER.fullmatch(headers[key]):
            return "number expected"
    return ""


def _torn_channel(keys: frozenset[str]) -> str:
    """A channel block that begins must be whole, in whatever event it stands."""
    torn = any(sign in keys and not block <= keys for sign, block in _BLOCKS)
    return "channel torn" if torn else ""
