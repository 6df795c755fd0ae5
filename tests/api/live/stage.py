"""What these tests play on: a board set by hand, a clock turned by hand, readers that only remember."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from api.auth.permissions import Role
from api.live.feeds import Feed, Patch
from api.live.hub import Hub
from api.live.messages import CloseCode, ErrorCode
from api.live.viewers import Viewer
from telephony.agents import Agent
from telephony.calls import Call, CallPhase
from telephony.events import AgentStatus, AheadReason
from telephony.ids import AgentId, CallId, LineNumber, QueueName, SeatId
from telephony.targets import SpyMode
from telephony.transfers import Transfer

START = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
CALL = CallId("1795297638.32")
HOTLINE = QueueName("hotline")
OPERATOR = AgentId("8001")
OTHER = AgentId("8002")


class Clock:
    """Monotonic seconds and the wall, moved by the test."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s

    def wall(self) -> datetime:
        return START + timedelta(seconds=self.now_s - 1000.0)


@dataclass(frozen=True, kw_only=True)
class Spying:
    agent_id: AgentId
    mode: SpyMode


class Board:
    """The mappings that the hub reads."""

    def __init__(self) -> None:
        self.calls: dict[CallId, Call] = {}
        self.agents: dict[AgentId, Agent] = {}
        self.waiting: dict[QueueName, tuple[CallId, ...]] = {}
        self.transfers: dict[CallId, Transfer] = {}
        self.supervisions: dict[CallId, Spying] = {}
        self.ahead: dict[CallId, AheadReason] = {}

    def arrive(self, call_id: CallId = CALL, number: str = "13800000000") -> Call:
        call = Call(
            id=call_id,
            phase=CallPhase.QUEUED,
            caller_number=number,
            caller_name="",
            line=LineNumber("12345"),
            arrived_at=START,
            queue=HOTLINE,
            queued_at=START,
        )
        self.calls[call_id] = call
        self.waiting[HOTLINE] = (*self.waiting.get(HOTLINE, ()), call_id)
        return call

    def change(self, call_id: CallId = CALL, **changes: Any) -> None:
        self.calls[call_id] = replace(self.calls[call_id], **changes)

    def sign_in(self, agent_id: AgentId = OPERATOR, **changes: Any) -> None:
        agent = Agent(
            id=agent_id,
            seat=SeatId(agent_id),
            queues=(HOTLINE,),
            status=AgentStatus.READY,
            since=START,
            signed_in_at=START,
        )
        self.agents[agent_id] = replace(agent, **changes)


class Memory:
    """A reader that is never slow. ``data`` is what a console would show, by channel."""

    def __init__(self, viewer: Viewer, tab: str = "tab-1") -> None:
        self.viewer = viewer
        self.tab = tab
        self.feeds: dict[str, Feed] = {}
        self.messages: list[dict[str, Any]] = []
        self.dismissed: list[CloseCode] = []
        self.ticks = 0

    def deliver(self, feed: Feed, patch: Patch) -> None:
        self.messages.append(json.loads(patch.text))

    def deliver_snapshot(self, feed: Feed) -> None:
        self.messages.append(json.loads(feed.snapshot()))

    def refuse(self, channel: str, code: ErrorCode) -> None:
        self.messages.append({"t": "err", "ch": channel, "code": code})

    def dismiss(self, code: CloseCode) -> None:
        self.dismissed.append(code)

    def tick(self, now_s: float) -> None:
        self.ticks += 1

    def take(self) -> list[dict[str, Any]]:
        taken, self.messages = self.messages, []
        return taken


def viewer(agent_id: AgentId | None = OPERATOR, **changes: Any) -> Viewer:
    user = int(agent_id or 1)
    base = Viewer(
        session=f"session-{user}",
        user_id=user,
        display_name=f"座席{user}",
        role=Role.OPERATOR,
        agent_id=agent_id,
    )
    return replace(base, **changes)


def supervisor(**changes: Any) -> Viewer:
    return replace(viewer(AgentId("9001"), role=Role.SUPERVISOR), **changes)


def hub(board: Board, clock: Clock) -> Hub:
    return Hub(board=board, clock=clock, wall=clock.wall, ring_s=15, queues=(HOTLINE,))


def kinds(messages: list[dict[str, Any]]) -> list[str]:
    return [message["t"] for message in messages]


def ops(message: Mapping[str, Any]) -> list[list[Any]]:
    return list(message["ops"])
