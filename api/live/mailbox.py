"""What waits to be sent to one socket: bounded, so a console that does not read costs a fixed amount and no time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from api.live.feeds import Feed, Patch

MAX_MESSAGES = 256
MAX_BYTES = 1 << 20
BATCH_PATCHES = 64
BATCH_BYTES = 1 << 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """``feed`` is None for messages that belong to no channel."""

    text: str
    size: int
    feed: Feed | None
    is_patch: bool


class Mailbox:
    """Letters in order. When it is full, last-value channels give up their backlog for one later snapshot."""

    def __init__(self, *, max_messages: int = MAX_MESSAGES, max_bytes: int = MAX_BYTES) -> None:
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._letters: deque[Letter] = deque()
        self._bytes = 0
        self._stale: dict[Feed, None] = {}

    def __bool__(self) -> bool:
        return bool(self._letters or self._stale)

    @property
    def size(self) -> int:
        return self._bytes

    def put_patch(self, feed: Feed, patch: Patch) -> bool:
        """False when there is no room and this channel may not skip: the reader has to go."""
        if feed in self._stale:
            return True
        if self._has_room(patch.size):
            self._push(Letter(text=patch.text, size=patch.size, feed=feed, is_patch=True))
            return True
        self._drop_backlogs()
        if feed.last_value:
            self._stale[feed] = None
            return True
        if not self._has_room(patch.size):
            return False
        self._push(Letter(text=patch.text, size=patch.size, feed=feed, is_patch=True))
        return True

    def put_snapshot(self, feed: Feed) -> bool:
        """The feed's state as it is now, after which its patches may follow; replaces what waits of this feed."""
        self.forget(feed)
        return self.put(feed.snapshot(), feed)

    def put(self, text: str, feed: Feed | None = None) -> bool:
        """Any other message. False when there is no room even after dropping backlogs."""
        size = len(text.encode())
        if self._letters and not self._has_room(size):
            self._drop_backlogs()
            if self._letters and not self._has_room(size):
                return False
        self._push(Letter(text=text, size=size, feed=feed, is_patch=False))
        return True

    def forget(self, feed: Feed) -> None:
        """Send nothing more of this feed."""
        self._stale.pop(feed, None)
        self._keep(lambda letter: letter.feed is not feed)

    def clear(self) -> None:
        self._letters.clear()
        self._stale.clear()
        self._bytes = 0

    def take(self) -> str | None:
        """The next message for the wire: a run of waiting patches goes as one batch, order kept."""
        if not self._letters:
            if not self._stale:
                return None
            feed = next(iter(self._stale))
            del self._stale[feed]
            return feed.snapshot()
        first = self._pop()
        if not first.is_patch:
            return first.text
        run, size = [first.text], first.size
        while self._letters and self._letters[0].is_patch and len(run) < BATCH_PATCHES:
            if size + self._letters[0].size > BATCH_BYTES:
                break
            letter = self._pop()
            run.append(letter.text)
            size += letter.size
        return run[0] if len(run) == 1 else batch(run)

    def _has_room(self, size: int) -> bool:
        return len(self._letters) < self._max_messages and self._bytes + size <= self._max_bytes

    def _push(self, letter: Letter) -> None:
        self._letters.append(letter)
        self._bytes += letter.size

    def _pop(self) -> Letter:
        letter = self._letters.popleft()
        self._bytes -= letter.size
        return letter

    def _drop_backlogs(self) -> None:
        for letter in self._letters:
            if letter.feed is not None and letter.feed.last_value:
                self._stale[letter.feed] = None
        self._keep(lambda letter: letter.feed is None or not letter.feed.last_value)

    def _keep(self, wanted: Callable[[Letter], bool]) -> None:
        self._letters = deque(letter for letter in self._letters if wanted(letter))
        self._bytes = sum(letter.size for letter in self._letters)


def batch(patches: list[str]) -> str:
    """Already encoded patches as one message; nothing is encoded again."""
    return '{"t":"b","p":[' + ",".join(patches) + "]}"
