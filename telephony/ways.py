"""One way to the target of a transfer: why it failed, and what its channel keeps over a restart (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from telephony.centres import Route
from telephony.channels import Track
from telephony.events import TransferReason
from telephony.ids import AgentId, ChannelId
from telephony.targets import Target, TargetKind, TransferMode

DROPPED_WITHIN = timedelta(seconds=2)
"""Whoever answers and is gone so soon did not take the call."""
SERVED_AFTER = timedelta(seconds=10)
"""Whoever hangs up after so long alone with the citizen may have said all there was to say; earlier it is a failure."""

_REASONS = {
    1: TransferReason.NOT_FOUND,
    2: TransferReason.NOT_FOUND,
    3: TransferReason.NOT_FOUND,
    22: TransferReason.NOT_FOUND,
    28: TransferReason.NOT_FOUND,
    17: TransferReason.BUSY,
    21: TransferReason.DECLINED,
}
_NO_WORD_WHY = frozenset({0, 16, 18, 19})
"""Q.850 causes of a leg that nobody refused: it rang out."""


def why_not(leg: Track) -> TransferReason:
    """Why a leg that was never picked up ended."""
    if leg.cause in _REASONS:
        return _REASONS[leg.cause]
    if leg.rung_at is not None and (leg.cause is None or leg.cause in _NO_WORD_WHY):
        return TransferReason.NO_ANSWER
    return TransferReason.UNAVAILABLE


def dropped(leg: Track) -> bool:
    """It picked up and hung up at once."""
    return leg.up_at is not None and leg.ended_at is not None and leg.ended_at - leg.up_at < DROPPED_WITHIN


def served(leg: Track, since: datetime) -> bool:
    """The target itself ended a talk that was long enough to be one. ``since``: alone with the citizen."""
    return leg.asked_to_end_at is not None and leg.ended_at is not None and leg.ended_at - since >= SERVED_AFTER


@dataclass(frozen=True, kw_only=True, slots=True)
class Parcel:
    """What a leg's channel variable says of the transfer that it belongs to."""

    mode: TransferMode
    target: Target
    route: int
    agent_id: AgentId
    serial: int
    """Of the transfer's first leg: the transfer's own id."""

    def __str__(self) -> str:
        return f"{self.mode}.{self.target.kind}.{self.target.value}.{self.route}.{self.agent_id}.{self.serial}"


def parcel_of(text: str) -> Parcel | None:
    """What ``str`` of a parcel says; None for anything else."""
    match text.split("."):
        case [mode, kind, value, route, agent_id, serial] if route.isdecimal() and serial.isdecimal():
            if mode not in set(TransferMode) or kind not in set(TargetKind):
                return None
            target = Target(kind=TargetKind(kind), value=value)
            return Parcel(
                mode=TransferMode(mode),
                target=target,
                route=int(route),
                agent_id=AgentId(agent_id),
                serial=int(serial),
            )
    return None


@dataclass(slots=True)
class Way:
    """The way that is being tried, or was taken."""

    route: Route
    number: int
    leg: ChannelId | None
    dialled_at: datetime
    refused: bool = False
    """The switch did not take the order."""
    unsure: bool = False
    """Whether it did, nobody said: until then nobody was dialled for sure."""
    fetched: bool = False
    """Of a consultation: operator and target have been sent together."""
    picked_up: bool = False
    rang: bool = False
