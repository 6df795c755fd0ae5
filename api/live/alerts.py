"""What supervisors and operators should look at now: raised by events, taken down by what settles them (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from api.live.callparts import ms
from api.live.parts import Alert
from telephony.events import (
    AgentSignedOut,
    AgentStatusChanged,
    CallEnded,
    DriftRepaired,
    Event,
    FrameRejected,
    LineKept,
    LinkChanged,
    LinkState,
    PauseReason,
    TransferStep,
    TransferStepped,
)
from telephony.ids import AgentId
from telephony.targets import TargetKind

MOST = 50
LIFE = timedelta(minutes=30)
"""Of news. What holds stays for as long as it holds."""


class AlertKind(StrEnum):
    KEEP_LINE = "keep_line"
    """Somebody in danger is kept on the line: a supervisor reports on a second one."""
    HANDOFF_FAILED = "handoff_failed"
    """No way to a centre worked."""
    HANDOFF_RETURNED = "handoff_returned"
    OPERATOR_LOST = "operator_lost"
    DEVICE_LOST = "device_lost"
    SUPERVISOR_PAUSED = "supervisor_paused"
    DRIFT = "drift"
    FRAME_REJECTED = "frame_rejected"
    SWITCH_AWAY = "switch_away"
    DANGER_AFTERWARDS = "danger_afterwards"
    """Heard when the call was over: in its last words, or in what was read from its recording."""
    RECORDING_INCOMPLETE = "recording_incomplete"
    DISK_LOW = "disk_low"
    RECORDS_BEHIND = "records_behind"
    RECORDS_REFUSED = "records_refused"
    """The database will never take them: a person looks at them (``hotline refused``)."""
    AUDIT_BROKEN = "audit_broken"
    """The chain of the audit log does not hold at one record."""
    SURGE_PROPOSED = "surge_proposed"
    """Far more callers than usual: a supervisor decides whether they are told."""


STANDING = frozenset(
    {
        AlertKind.KEEP_LINE,
        AlertKind.DEVICE_LOST,
        AlertKind.SUPERVISOR_PAUSED,
        AlertKind.SWITCH_AWAY,
        AlertKind.DISK_LOW,
        AlertKind.RECORDS_BEHIND,
        AlertKind.RECORDS_REFUSED,
        AlertKind.AUDIT_BROKEN,
        AlertKind.SURGE_PROPOSED,
    }
)
"""Conditions: no time and no other alert takes them down, but their own end. All others are news."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Raised:
    """``agent_id``: whom it concerns beside the supervisors."""

    alert: Alert
    kind: AlertKind
    at: datetime
    agent_id: AgentId | None


_STEPS: Mapping[TransferStep, AlertKind] = {
    TransferStep.FAILED: AlertKind.HANDOFF_FAILED,
    TransferStep.RETURNED: AlertKind.HANDOFF_RETURNED,
    TransferStep.OPERATOR_LOST: AlertKind.OPERATOR_LOST,
}


class Alerts:
    """What holds, and the newest ``MOST`` news. The same matter raised again replaces its earlier alert."""

    def __init__(self) -> None:
        self._raised: dict[str, _Raised] = {}

    def apply(self, event: Event) -> bool:
        """Whether anything changed."""
        before = dict(self._raised)
        match event:
            case LineKept():
                self._stand(event.on, AlertKind.KEEP_LINE, event.call_id, event.at, event.agent_id, call=event.call_id)
            case TransferStepped() if event.step in _STEPS and event.target.kind is TargetKind.CENTRE:
                data = {"call_id": event.call_id, "centre": event.target.value, "reason": event.reason}
                self._put(_STEPS[event.step], event.transfer_id, event.at, event.agent_id, **data)
            case AgentStatusChanged():
                self._look_at(event)
            case AgentSignedOut():
                for kind in (AlertKind.DEVICE_LOST, AlertKind.SUPERVISOR_PAUSED):
                    self._drop(kind, event.agent_id)
            case DriftRepaired():
                self._put(AlertKind.DRIFT, event.kind, event.at, None, drift=event.kind)
            case FrameRejected():
                self._put(AlertKind.FRAME_REJECTED, "", event.at, None)
            case LinkChanged():
                away = event.state in (LinkState.DOWN, LinkState.CONNECTING)
                if away or event.state is LinkState.LIVE:
                    self._stand(away, AlertKind.SWITCH_AWAY, "", event.at, None)
            case CallEnded():
                self._drop(AlertKind.KEEP_LINE, event.call_id)
        return before != self._raised

    def tell(self, kind: AlertKind, subject: str, at: datetime, **data: Any) -> None:
        """News that no event of telephony brings: a recording that is not whole."""
        self._put(kind, subject, at, None, **data)

    def stand(self, holds: bool, kind: AlertKind, at: datetime, **data: Any) -> bool:
        """A condition of the whole server: raised once, taken down when it does not hold. Whether anything changed."""
        before = dict(self._raised)
        self._stand(holds, kind, "", at, None, **data)
        return before != self._raised

    def forget(self, now: datetime) -> bool:
        """News that are old."""
        old = [key for key, one in self._news() if now - one.at > LIFE]
        for key in old:
            del self._raised[key]
        return bool(old)

    def all(self) -> tuple[Alert, ...]:
        """For supervisors: the newest first."""
        return _newest_first(self._raised.values())

    def of(self, agent_id: AgentId | None) -> tuple[Alert, ...]:
        """What concerns one operator's own calls and seat."""
        return _newest_first(one for one in self._raised.values() if agent_id and one.agent_id == agent_id)

    def _look_at(self, event: AgentStatusChanged) -> None:
        own = event.agent_id
        for kind, reason in (
            (AlertKind.DEVICE_LOST, PauseReason.DEVICE_LOST),
            (AlertKind.SUPERVISOR_PAUSED, PauseReason.SUPERVISOR),
        ):
            self._stand(reason in event.reasons, kind, own, event.at, own, agent_id=own)

    def _stand(
        self, holds: bool, kind: AlertKind, subject: str, at: datetime, concerns: AgentId | None, **data: Any
    ) -> None:
        """Raised once for as long as it holds, taken down when it does not."""
        if not holds:
            self._drop(kind, subject)
        elif _key(kind, subject) not in self._raised:
            self._put(kind, subject, at, concerns, **data)

    def _put(self, kind: AlertKind, subject: str, at: datetime, concerns: AgentId | None, **data: Any) -> None:
        key = _key(kind, subject)
        self._raised.pop(key, None)
        alert = Alert(id=key, kind=kind, at=ms(at), text_code=kind, data=data)
        self._raised[key] = _Raised(alert=alert, kind=kind, at=at, agent_id=concerns)
        news = self._news()
        for oldest, _ in news[: max(0, len(news) - MOST)]:
            del self._raised[oldest]

    def _news(self) -> list[tuple[str, _Raised]]:
        return [(key, one) for key, one in self._raised.items() if one.kind not in STANDING]

    def _drop(self, kind: AlertKind, subject: str) -> None:
        self._raised.pop(_key(kind, subject), None)


def _key(kind: AlertKind, subject: str) -> str:
    return f"{kind}:{subject}" if subject else str(kind)


def _newest_first(raised: Iterable[_Raised]) -> tuple[Alert, ...]:
    return tuple(one.alert for one in sorted(raised, key=lambda one: one.at, reverse=True))
