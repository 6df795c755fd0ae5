"""Whom a call may be brought together with, and how; how a supervisor joins one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class TargetKind(StrEnum):
    CENTRE = "centre"
    """A partner centre with its own trunk: 110, 119, 120, 122, 12366."""
    AGENT = "agent"
    """Somebody who is signed in, by work number."""
    QUEUE = "queue"
    """A waiting line of our own; a call can only be sent there, nobody talks to a queue."""
    NUMBER = "number"
    """A department's or any other telephone number that the topology allows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """``value`` is the centre's code, a work number, a queue's name or the digits of a number."""

    kind: TargetKind
    value: str


class TransferMode(StrEnum):
    """What the citizen hears once the target answers."""

    THREE_WAY = "three_way"
    """Everybody talks with everybody at once."""
    CONSULT = "consult"
    """First the operator and the target alone, the citizen hears music."""
    BLIND = "blind"
    """The operator leaves at once; the citizen hears music until somebody answers."""


class SeatKind(StrEnum):
    """What phone stands at a seat."""

    SOFTPHONE = "softphone"
    """The console itself."""
    DESK_PHONE = "desk_phone"
    """An ordinary SIP phone: it is answered, held and hung up there, and the console only shows it."""


class SpyMode(StrEnum):
    """How a supervisor is in somebody else's call."""

    LISTEN = "listen"
    """监听: heard by nobody."""
    WHISPER = "whisper"
    """耳语: heard by the operator only."""
    BARGE = "barge"
    """强插: heard by everybody."""
