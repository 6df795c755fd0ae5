"""When a recording stood still: the switch writes only while the citizen is with somebody.

Whoever hears music, alone or while operator and target have a word, is not recorded. A recording's own clock is behind
the talk's by the length of all that; the events of the call say when it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.store.tables import CallEventRecord
from telephony.events import AgentLegEnded, CallAnswered, CallEnded, TransferStep, TransferStepped
from telephony.media.recordings import Pause

SHORTEST_S = 0.3
"""Legs that change places leave the citizen alone for less."""

WITH_TARGET = {
    TransferStep.JOINED: True,
    TransferStep.HANDED_OVER: True,
    TransferStep.TARGET_LEFT: False,
    TransferStep.CANCELLED: False,
    TransferStep.ROUTE_FAILED: False,
    TransferStep.FAILED: False,
    TransferStep.RETURNED: False,
    TransferStep.COMPLETED: False,
}
"""Whether the target is in the talk after a step; the others change nothing in that."""
KINDS = tuple(kind.__name__ for kind in (CallAnswered, AgentLegEnded, TransferStepped, CallEnded))


@dataclass(slots=True)
class _Company:
    """Who is with the citizen."""

    operator: bool = False
    target: bool = False
    parked: bool = False

    @property
    def recorded(self) -> bool:
        return (self.operator or self.target) and not self.parked

    def heed(self, kind: str, data: Mapping[str, Any]) -> None:
        if kind == CallAnswered.__name__:
            self.operator, self.parked = True, False
        elif kind == AgentLegEnded.__name__:
            self.operator = self.operator and bool(data.get("replaced"))
        elif kind == TransferStepped.__name__:
            step = TransferStep(data["step"])
            self.target = WITH_TARGET.get(step, self.target)
            self.parked = step is TransferStep.PRIVATE
            if step in (TransferStep.HANDED_OVER, TransferStep.OPERATOR_LOST):
                self.operator = False


def pauses(events: Iterable[tuple[str, datetime, Mapping[str, Any]]]) -> tuple[Pause, ...]:
    """Of one call's events: kind, time, what it said. Seconds from the first answer; what is still open has no length
    and is left out."""
    found: list[Pause] = []
    company = _Company()
    began: datetime | None = None
    alone_since: datetime | None = None
    for kind, at, data in sorted(events, key=lambda event: event[1]):
        company.heed(kind, data)
        if began is None:
            began = at if company.recorded else None
        elif not company.recorded:
            alone_since = alone_since or at
        elif alone_since is not None:
            if (length_s := (at - alone_since).total_seconds()) >= SHORTEST_S:
                found.append(Pause((alone_since - began).total_seconds(), length_s))
            alone_since = None
    return tuple(found)


async def pauses_of(session: AsyncSession, call_id: str) -> tuple[Pause, ...]:
    """Of a recorded call."""
    rows = await session.execute(
        select(CallEventRecord.kind, CallEventRecord.at, CallEventRecord.data)
        .where(CallEventRecord.call_id == call_id, CallEventRecord.kind.in_(KINDS))
        .order_by(CallEventRecord.at, CallEventRecord.id)
    )
    return pauses([(kind, at, data) for kind, at, data in rows])


def in_talk_s(recorded_s: float, breaks: Sequence[Pause]) -> float:
    """The moment of the talk at which the recording was so long."""
    moment = recorded_s
    for pause in breaks:
        if moment >= pause.start_s:
            moment += pause.length_s
    return moment
