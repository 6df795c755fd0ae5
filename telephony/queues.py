"""Waiting lines: who waits in which queue, first in line first (pure)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from telephony.events import (
    AheadReason,
    CallAnswered,
    CallArrived,
    CallEnded,
    CallEvent,
    CallLeftQueue,
    CallMovedAhead,
    CallQueued,
    Event,
    QueueChanged,
)
from telephony.ids import CallId, LineNumber, QueueName
from telephony.orders import FRONT

HANDED_OVER = 2 * FRONT
"""The priority of a citizen whom a centre handed over: in front of everybody."""
PROMISED_S = 15.0
"""The national figure: how soon a call is to be answered."""


class Queues:
    """The order of the waiting callers. A caller whose phone call rings at an operator's still waits."""

    def __init__(self) -> None:
        self._lines: defaultdict[QueueName, list[CallId]] = defaultdict(list)
        self._priorities: dict[CallId, int] = {}
        """Of live calls, as far as it is known and not 0."""
        self._ahead: dict[CallId, AheadReason] = {}
        self._talked: set[CallId] = set()

    @property
    def ahead(self) -> Mapping[CallId, AheadReason]:
        """Of live calls, why they wait, or waited, in front of others."""
        return MappingProxyType(self._ahead)

    @property
    def waiting(self) -> Mapping[QueueName, tuple[CallId, ...]]:
        return {queue: tuple(line) for queue, line in self._lines.items()}

    def heed(self, event: CallEvent) -> list[QueueChanged]:
        """What an event of a call means for the lines."""
        match event:
            case CallArrived() if event.centre:
                self._priorities[event.call_id] = HANDED_OVER
                self._ahead[event.call_id] = AheadReason.CENTRE
            case CallQueued():
                if event.call_id in self._talked and self._ahead.get(event.call_id) is not AheadReason.CENTRE:
                    self._ahead[event.call_id] = AheadReason.CUT_OFF
                return self._join(event)
            case CallAnswered():
                # who has to wait again after a talk does so in front
                self._priorities[event.call_id] = max(FRONT, self._priorities.get(event.call_id, 0))
                self._talked.add(event.call_id)
                return self._leave(event.call_id, event.at)
            case CallEnded():
                self._priorities.pop(event.call_id, None)
                self._ahead.pop(event.call_id, None)
                self._talked.discard(event.call_id)
                return self._leave(event.call_id, event.at)
            case CallLeftQueue():
                return self._leave(event.call_id, event.at)
        return []

    def move(self, call_id: CallId, priority: int, reason: AheadReason, at: datetime) -> list[Event]:
        """The switch was told to move a waiting caller: it tells nobody that it did."""
        known = self._ahead.get(call_id)
        self._priorities[call_id], self._ahead[call_id] = priority, reason
        changes: list[Event] = []
        if known is not reason:
            changes.append(CallMovedAhead(at=at, call_id=call_id, priority=priority, reason=reason))
        for queue, line in self._lines.items():
            if call_id in line:
                others = [one for one in line if one != call_id]
                ahead = sum(self._priorities.get(one, 0) >= priority for one in others)
                self._lines[queue] = [*others[:ahead], call_id, *others[ahead:]]
                changes += [self._changed(queue, at)] if self._lines[queue] != line else []
        return changes

    def compare(self, truth: Mapping[QueueName, Iterable[CallId]], at: datetime) -> list[QueueChanged]:
        """Bring the lines into the order in which the switch says they are; who it does not name comes last.

        No event of the switch tells that a caller was moved ahead, so this is the only way to learn of it.
        """
        changes = []
        for queue, line in self._lines.items():
            named = [call_id for call_id in truth.get(queue, ()) if call_id in line]
            ordered = named + [call_id for call_id in line if call_id not in named]
            if ordered != line:
                self._lines[queue] = ordered
                changes.append(self._changed(queue, at))
        return changes

    def _join(self, event: CallQueued) -> list[QueueChanged]:
        left = self._leave(event.call_id, event.at)
        line = self._lines[event.queue]
        line.insert(event.position - 1 if event.position > 0 else len(line), event.call_id)
        return [*(one for one in left if one.queue != event.queue), self._changed(event.queue, event.at)]

    def _leave(self, call_id: CallId, at: datetime) -> list[QueueChanged]:
        stood_in = [queue for queue, line in self._lines.items() if call_id in line]
        for queue in stood_in:
            self._lines[queue].remove(call_id)
        return [self._changed(queue, at) for queue in stood_in]

    def _changed(self, queue: QueueName, at: datetime) -> QueueChanged:
        return QueueChanged(at=at, queue=queue, waiting=tuple(self._lines[queue]))


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """A call as statistics see it. ``wait_s`` from joining the queue, None where nobody saw it."""

    line: LineNumber
    answered: bool
    abandoned: bool
    wait_s: float | None
