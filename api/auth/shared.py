"""Everything that requests share. The lifespan of the application yields it as ``{"shared": Shared(...)}``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

from fastapi import Request

from api.auth.passwords import Passwords
from api.auth.standby import Standby
from api.settings import Settings
from api.store.engine import Store
from api.times import utc_now
from telephony.agents import Agent
from telephony.calls import Call
from telephony.commands import Command, CommandOutcome
from telephony.dialplan.topology import Topology, default_text, parse
from telephony.ids import AgentId, CallId
from telephony.transfers import Transfer

T = TypeVar("T")


class LiveModels(Protocol):
    """What the switchboard knows now."""

    @property
    def calls(self) -> Mapping[CallId, Call]: ...

    @property
    def agents(self) -> Mapping[AgentId, Agent]: ...

    @property
    def transfers(self) -> Mapping[CallId, Transfer]:
        """The latest of each call."""


class Switch(Protocol):
    """The running telephony side: its models to look at, its door for commands."""

    @property
    def switchboard(self) -> LiveModels: ...

    async def request(self, command: Command) -> CommandOutcome: ...


class RecordingFiles(Protocol):
    """Finished recordings. ``leg`` is caller, operator, both or peaks; None where there is no such file."""

    async def find(self, call_id: CallId, leg: str) -> Path | None: ...


def _plain(_field: str, value: str) -> str:
    return value


def _packaged() -> Topology:
    return parse(default_text())


@dataclass(frozen=True, kw_only=True)
class Shared:
    """``publish`` is the bus's; ``label(field, value)`` is the value as a person reads it (a category's name).

    ``topology`` says whom calls may be handed to. ``standby`` serves commands while the database is away.
    """

    settings: Settings
    store: Store
    passwords: Passwords
    switch: Switch
    recordings: RecordingFiles
    publish: Callable[[object], None]
    now: Callable[[], datetime] = utc_now
    label: Callable[[str, str], str] = _plain
    topology: Topology = field(default_factory=_packaged)
    standby: Standby = field(init=False)
    _parts: dict[Any, Any] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "standby", Standby(self.store, self.settings))

    def part(self, kind: Callable[[Shared], T]) -> T:
        """The one of its kind that requests share, made at the first asking."""
        if kind not in self._parts:
            self._parts[kind] = kind(self)
        made: T = self._parts[kind]
        return made


def shared(request: Request) -> Shared:
    """Dependency: the application's shared things."""
    return cast(Shared, request.state.shared)
