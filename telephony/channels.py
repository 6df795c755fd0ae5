"""What is known of each channel, whatever the order in which it was said, and which channels make one call (pure).

The switch tells the same story through several topics whose order against each other is not fixed. So nothing here
depends on the order of arrival: what can change keeps its last writer by the switch's own clock, what can only happen
once keeps its earliest time, and a hang-up is final.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Generic, TypeVar

from telephony.facts import Channel
from telephony.ids import BridgeId, CallId, ChannelId

T = TypeVar("T")

LONG_AGO = datetime.min.replace(tzinfo=UTC)
PARKED = "parked"
"""The context of the dialplan in which a citizen hears music while operator and target talk."""


class Latest(Generic[T]):
    """A value whose last writer by the switch's clock wins. Two writers at one instant are ordered by their text."""

    __slots__ = ("at", "value")

    def __init__(self, value: T, at: datetime = LONG_AGO) -> None:
        self.at = at
        self.value = value

    def put(self, value: T, at: datetime) -> None:
        if at > self.at or (at == self.at and value != self.value and str(value) > str(self.value)):
            self.at = at
            self.value = value


def earlier(known: datetime | None, at: datetime) -> datetime:
    return at if known is None else min(known, at)


@dataclass(slots=True)
class Track:
    """The evidence about one channel. ``ended_at`` without ``end_seen``: it was gone when we asked."""

    id: ChannelId
    first: Channel
    first_at: datetime
    latest: Latest[Channel]
    last_at: datetime
    born: bool = False
    """Its beginning was heard."""
    bridge: Latest[BridgeId | None] = field(default_factory=lambda: Latest(None))
    bridges: set[BridgeId] = field(default_factory=set)
    entered_at: datetime = LONG_AGO
    """When it was last heard to be in a bridge, or to come into one."""
    parked_at: datetime = LONG_AGO
    """When it was last heard to listen to music where somebody may fetch it."""
    on_hold: Latest[bool] = field(default_factory=lambda: Latest(False))
    dialled_in: str | None = None
    """The context of the channel that dialled it; none where nobody heard of it, or the switch itself did."""
    rung_at: datetime | None = None
    """The first sign of life of a phone that is called: it rings, or sends sound before an answer."""
    up_at: datetime | None = None
    asked_to_end_at: datetime | None = None
    ended_at: datetime | None = None
    end_seen: bool = False
    cause: int | None = None

    @property
    def name(self) -> str:
        return self.latest.value.name

    @property
    def live(self) -> bool:
        return self.ended_at is None

    @property
    def parked(self) -> bool:
        """It has come to the music. Its context says so from the order on, while it is still on its way there."""
        there = self.bridge.value is None and self.latest.value.context == PARKED
        return there and self.parked_at > self.entered_at

    def describe(self, channel: Channel, at: datetime) -> None:
        if at < self.first_at:
            self.first, self.first_at = channel, at
        if channel.state == "Ringing":
            self.rung_at = earlier(self.rung_at, at)
        if channel.state == "Up":
            self.up_at = earlier(self.up_at, at)
        self.latest.put(channel, at)
        self.last_at = max(self.last_at, at)
        if self.ended_at is not None and not self.end_seen and at > self.ended_at:
            self.ended_at = None  # a list that did not name it was wrong

    def end(self, at: datetime, cause: int) -> None:
        """The switch said so: this outdoes an end that was only inferred."""
        self.ended_at = earlier(self.ended_at if self.end_seen else None, at)
        self.end_seen = True
        self.cause = cause

    def vanish(self, at: datetime) -> None:
        """It is not in the switch's list any more."""
        if self.ended_at is None:
            self.ended_at = at


class Channels:
    """All channels that were heard of. A channel belongs to a call by what it says itself, or by whom it is tied to.

    Ties: the channel it is linked to, the channel that dialled it, and everybody who was ever in one bridge with it.
    They are kept for channels of no call too, because the call may become known later than the tie.
    """

    def __init__(self) -> None:
        self._tracks: dict[ChannelId, Track] = {}
        self._ties: defaultdict[ChannelId, set[ChannelId]] = defaultdict(set)
        self._call_of: dict[ChannelId, CallId] = {}
        self._legs: defaultdict[CallId, set[ChannelId]] = defaultdict(set)
        self._met: defaultdict[BridgeId, set[ChannelId]] = defaultdict(set)

    def __contains__(self, channel: ChannelId) -> bool:
        return channel in self._tracks

    def __iter__(self) -> Iterator[Track]:
        return iter(self._tracks.values())

    def get(self, channel: ChannelId) -> Track | None:
        return self._tracks.get(channel)

    def call_of(self, channel: ChannelId) -> CallId | None:
        return self._call_of.get(channel)

    def legs(self, call_id: CallId) -> list[Track]:
        """The channels of a call, oldest first."""
        tracks = [self._tracks[channel] for channel in self._legs.get(call_id, ()) if channel in self._tracks]
        if len(tracks) > 1:
            tracks.sort(key=lambda track: (track.first_at, track.id))
        return tracks

    def observe(self, channel: Channel, at: datetime) -> Track:
        """Take down how a fact describes a channel."""
        track = self._tracks.get(channel.id)
        if track is None:
            track = Track(id=channel.id, first=channel, first_at=at, latest=Latest(channel, at), last_at=at)
            self._tracks[channel.id] = track
        track.describe(channel, at)
        if channel.call_id is not None:
            self.claim(channel.id, channel.call_id)
        if channel.linked_id and channel.linked_id != channel.id:
            self.tie(channel.id, channel.linked_id)
        return track

    def born(self, channel: ChannelId) -> None:
        self._tracks[channel].born = True

    def enter(self, channel: ChannelId, bridge: BridgeId, at: datetime) -> None:
        track = self._tracks[channel]
        track.bridge.put(bridge, at)
        track.entered_at = max(track.entered_at, at)
        self._meet(channel, bridge)

    def leave(self, channel: ChannelId, bridge: BridgeId, at: datetime) -> None:
        """Leaving an older bridge after entering a newer one changes nothing: the times tell."""
        self._tracks[channel].bridge.put(None, at)
        self._meet(channel, bridge)

    def tie(self, one: ChannelId, other: ChannelId) -> None:
        if other in self._ties[one]:
            return
        self._ties[one].add(other)
        self._ties[other].add(one)
        call_id = self._call_of.get(one) or self._call_of.get(other)
        if call_id is not None:
            self.claim(one, call_id)
            self.claim(other, call_id)

    def _meet(self, channel: ChannelId, bridge: BridgeId) -> None:
        self._tracks[channel].bridges.add(bridge)
        for other in self._met[bridge] - {channel}:
            self.tie(channel, other)
        self._met[bridge].add(channel)

    def claim(self, channel: ChannelId, call_id: CallId) -> None:
        """This channel, and every unclaimed one tied to it, belongs to the call. The first claim stands."""
        waiting = [channel]
        while waiting:
            current = waiting.pop()
            if current not in self._call_of:
                self._call_of[current] = call_id
                self._legs[call_id].add(current)
                waiting.extend(self._ties.get(current, ()))

    def strays_ended_before(self, at: datetime) -> list[ChannelId]:
        """Channels of no call that ended before ``at``."""
        return [
            track.id
            for track in self._tracks.values()
            if track.id not in self._call_of and track.ended_at and track.ended_at < at
        ]

    def forget(self, channels: Iterable[ChannelId]) -> None:
        gone = set(channels)
        for channel in gone:
            self._tracks.pop(channel, None)
            call_id = self._call_of.pop(channel, None)
            if call_id is not None:
                self._legs[call_id].discard(channel)
            for other in self._ties.pop(channel, ()):
                self._ties.get(other, set()).discard(channel)
        self._met = defaultdict(set, {bridge: met - gone for bridge, met in self._met.items() if met - gone})

    def forget_call(self, call_id: CallId) -> None:
        """All that was said of the call, of channels too of which only the name was ever heard."""
        self.forget(tuple(self._legs.get(call_id, ())))
        self._legs.pop(call_id, None)


def together(one: Track, other: Track | None) -> bool:
    return other is not None and one.bridge.value is not None and one.bridge.value == other.bridge.value
