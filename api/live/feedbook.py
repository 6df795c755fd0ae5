"""The feeds that are kept, by channel and kind of reader, and who reads each of them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator

from api.live.board import Reader
from api.live.feeds import RING_S, Feed
from api.live.patches import Data
from api.live.viewers import Viewer, call_of


class Feedbook:
    """A feed that nobody reads is kept for a while, so that a reader who comes back misses nothing."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._boot = secrets.token_hex(4)
        self._epochs = 0
        self._feeds: dict[str, dict[str, Feed]] = {}
        self._readers: dict[Feed, dict[Reader, None]] = {}

    def __iter__(self) -> Iterator[Feed]:
        """Every feed that is kept."""
        for variants in tuple(self._feeds.values()):
            yield from tuple(variants.values())

    def __len__(self) -> int:
        return sum(len(variants) for variants in self._feeds.values())

    def of(self, channel: str) -> tuple[Feed, ...]:
        return tuple(self._feeds.get(channel, {}).values())

    def find(self, channel: str, variant: str) -> Feed | None:
        return self._feeds.get(channel, {}).get(variant)

    def add(self, channel: str, variant: str, data: Data, owner: Viewer | None) -> Feed:
        self._epochs += 1
        feed = Feed(
            channel=channel,
            variant=variant,
            epoch=f"{self._boot}.{self._epochs}",
            data=data,
            last_value=call_of(channel) is None,
            owner=owner,
        )
        self._feeds.setdefault(channel, {})[variant] = feed
        return feed

    def readers(self, feed: Feed) -> tuple[Reader, ...]:
        return tuple(self._readers.get(feed, ()))

    def read(self, reader: Reader, feed: Feed) -> None:
        reader.feeds[feed.channel] = feed
        self._readers.setdefault(feed, {})[reader] = None
        feed.unread_since_s = None

    def stop_reading(self, reader: Reader, feed: Feed) -> None:
        if reader.feeds.get(feed.channel) is feed:
            del reader.feeds[feed.channel]
        readers = self._readers.get(feed)
        if readers is None:
            return
        readers.pop(reader, None)
        if not readers:
            del self._readers[feed]
            feed.unread_since_s = self._clock()

    def forget_unread(self, now_s: float) -> None:
        for channel, variants in tuple(self._feeds.items()):
            for variant, feed in tuple(variants.items()):
                if feed.unread_since_s is not None and now_s - feed.unread_since_s > RING_S:
                    del variants[variant]
            if not variants:
                del self._feeds[channel]
