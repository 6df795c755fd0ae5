"""What the hub reads of the switchboard, and what a socket must do for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from api.live.feeds import Feed, Patch
from api.live.messages import CloseCode, ErrorCode
from api.live.viewers import Viewer
from telephony.agents import Agent
from telephony.calls import Call
from telephony.events import AheadReason
from telephony.ids import AgentId, CallId, QueueName
from telephony.targets import SpyMode
from telephony.transfers import Transfer


class Board(Protocol):
    """What the hub reads of the switchboard."""

    @property
    def calls(self) -> Mapping[CallId, Call]: ...

    @property
    def agents(self) -> Mapping[AgentId, Agent]: ...

    @property
    def waiting(self) -> Mapping[QueueName, tuple[CallId, ...]]: ...

    @property
    def transfers(self) -> Mapping[CallId, Transfer]:
        """The latest of each call."""

    @property
    def supervisions(self) -> Mapping[CallId, Supervision]: ...

    @property
    def ahead(self) -> Mapping[CallId, AheadReason]:
        """Of live calls, why they wait in front of others."""


class Supervision(Protocol):
    @property
    def agent_id(self) -> AgentId: ...

    @property
    def mode(self) -> SpyMode: ...


class Reader(Protocol):
    """One admitted socket, as the hub sees it. None of these calls waits."""

    @property
    def viewer(self) -> Viewer: ...

    @property
    def tab(self) -> str: ...

    @property
    def feeds(self) -> dict[str, Feed]:
        """What it reads now, by channel."""

    def deliver(self, feed: Feed, patch: Patch) -> None: ...

    def deliver_snapshot(self, feed: Feed) -> None: ...

    def refuse(self, channel: str, code: ErrorCode) -> None: ...

    def dismiss(self, code: CloseCode) -> None: ...

    def tick(self, now_s: float) -> None: ...
