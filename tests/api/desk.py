"""What the API's tests stand on: a switch that does as it is told, and people who sign in over HTTP."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from api.auth.permissions import Role
from api.auth.shared import Shared
from api.auth.users import create_user
from telephony.agents import Agent
from telephony.calls import Call, CallPhase
from telephony.commands import Command, CommandOutcome, OutcomeKind
from telephony.events import AgentStatus
from telephony.ids import AgentId, CallId, LineNumber, QueueName, SeatId
from telephony.targets import Target, TransferMode
from telephony.transfers import Transfer, TransferState

PASSWORD = "a password of the tests"
MOBILE = "13800000000"
START = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)


class Clock:
    """Time that only moves when a test says so."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Models:
    calls: dict[CallId, Call] = field(default_factory=dict)
    agents: dict[AgentId, Agent] = field(default_factory=dict)
    transfers: dict[CallId, Transfer] = field(default_factory=dict)


class ObedientSwitch:
    """Has the models a test gives it, keeps the commands it is asked, and answers as told."""

    def __init__(self) -> None:
        self.switchboard = Models()
        self.asked: list[Command] = []
        self.failure: Exception | None = None
        self.outcome = CommandOutcome(kind=OutcomeKind.DONE)

    async def request(self, command: Command) -> CommandOutcome:
        self.asked.append(command)
        if self.failure is not None:
            raise self.failure
        return self.outcome

    def talking(self, call_id: str, agent_id: str, *, number: str = MOBILE) -> Call:
        """A call that this operator answered and is still on."""
        call = Call(
            id=CallId(call_id),
            phase=CallPhase.TALKING,
            caller_number=number,
            caller_name="",
            line=LineNumber("12345"),
            arrived_at=START,
            queue=QueueName("hotline"),
            answered_by=AgentId(agent_id),
            answered_at=START,
        )
        self.switchboard.calls[call.id] = call
        self.switchboard.agents[AgentId(agent_id)] = Agent(
            id=AgentId(agent_id),
            seat=SeatId(agent_id),
            queues=(QueueName("hotline"),),
            status=AgentStatus.TALKING,
            since=START,
            signed_in_at=START,
            call_id=call.id,
        )
        return call

    def transferring(self, call_id: str, agent_id: str, target: Target) -> Transfer:
        """The talk of ``talking``, with somebody else being called."""
        transfer = Transfer(
            id=f"{call_id}-t1",
            call_id=CallId(call_id),
            agent_id=AgentId(agent_id),
            target=target,
            mode=TransferMode.THREE_WAY,
            state=TransferState.RINGING,
            started_at=START,
            ringing_at=START,
        )
        self.switchboard.transfers[transfer.call_id] = transfer
        return transfer


class FolderOfRecordings:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def find(self, call_id: CallId, leg: str) -> Path | None:
        path = self.folder / f"{call_id}-{leg}.wav"
        return path if path.exists() else None


class Person:
    """One signed-in browser."""

    def __init__(self, client: httpx.AsyncClient, session: dict[str, Any]) -> None:
        self.client = client
        self.session = session
        self.client.headers["X-CSRF-Token"] = session["csrf"]

    async def get(self, path: str, **more: Any) -> httpx.Response:
        return await self.client.get(f"/api/v1{path}", **more)

    async def post(self, path: str, body: Any = None, *, key: str | None = None, **more: Any) -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        return await self.client.post(f"/api/v1{path}", json=body, headers=headers, **more)

    async def patch(self, path: str, body: Any) -> httpx.Response:
        # escaped: half a surrogate pair can be sent this way and no other
        escaped = json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        return await self.client.patch(f"/api/v1{path}", content=escaped, headers=headers)

    async def delete(self, path: str) -> httpx.Response:
        return await self.client.delete(f"/api/v1{path}")


@dataclass
class Desk:
    """The server's HTTP side without its other halves."""

    shared: Shared
    switch: ObedientSwitch
    clock: Clock
    app: Any
    published: list[object]

    def browser(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://hotline.test")

    async def person(self, username: str, role: Role = Role.OPERATOR, *, agent: bool = True) -> Person:
        """A new account, signed in; its work number and seat are its name where it takes calls."""
        number = username if agent else None
        await create_user(
            self.shared.store,
            self.shared.passwords,
            username=username,
            display_name=f"座席{username}",
            role=role,
            password=PASSWORD,
            agent_id=number,
            seat=number,
            now=self.clock(),
        )
        return await self.sign_in(username)

    async def sign_in(self, username: str) -> Person:
        client = self.browser()
        answer = await client.post("/api/v1/session", json={"username": username, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return Person(client, answer.json())
