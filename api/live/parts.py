"""Parts of what channels hold: transfers, parties, cues, alerts, handoffs, callbacks. Times are ms since the epoch."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from telephony.events import TransferReason, TransferStep
from telephony.targets import SpyMode, TargetKind, TransferMode
from telephony.transfers import TransferOutcome, TransferState


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TargetData(Part):
    """``value`` of a number is masked; ``label`` is a person's or a centre's name, where it has one."""

    kind: TargetKind
    value: str
    label: str


class StepData(Part):
    at: int
    step: TransferStep
    route: int
    reason: TransferReason | None


class TransferData(Part):
    """``route`` of ``routes`` is the way to the target that is tried now. ``handoff_*`` once it is in the ledger."""

    id: str
    target: TargetData
    mode: TransferMode
    state: TransferState
    outcome: TransferOutcome | None
    reason: TransferReason | None
    route: int
    routes: int
    started_at: int
    ringing_at: int | None
    joined_at: int | None
    steps: list[StepData]
    handoff_id: str | None
    handoff_number: str | None


class PartyRole(StrEnum):
    CITIZEN = "citizen"
    OPERATOR = "operator"
    CENTRE = "centre"
    NUMBER = "number"
    SUPERVISOR = "supervisor"


class PartyData(Part):
    """Somebody in the call. ``music``: hears it while the others talk alone."""

    role: PartyRole
    label: str
    agent_id: str | None
    state: Literal["ringing", "talking", "music"]
    since: int | None


class SupervisionData(Part):
    agent_id: str
    mode: SpyMode


class CueData(Part):
    """A danger in the citizen's words. It suggests; a person decides.

    ``soft_alert``: said in anger or hearsay, no line to call, ``targets`` is empty. ``notices``: firms to tell as well.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "id": "6c1f3a52-8f3e-4b52-9d7a-2f7c5d0a1b2c",
                    "call_id": "1795297638.32",
                    "targets": ["119"],
                    "action": "transfer_now",
                    "seg": 4,
                    "start": 3,
                    "end": 7,
                    "text": "冒黑烟了",
                    "at": 1795297638000,
                    "state": "open",
                    "reason": None,
                    "notices": ["燃气企业"],
                }
            ]
        },
    )

    id: str
    call_id: str
    targets: list[str]
    action: Literal["transfer_now", "conference", "keep_line", "offer", "soft_alert"]
    seg: int
    start: int
    end: int
    text: str
    at: int
    state: Literal["open", "acted", "dismissed", "cleared", "ignored", "afterwards"]
    reason: str | None
    notices: list[str] = Field(default_factory=list)


class Alert(Part):
    """Something a person should look at now. ``text_code`` names the console's words, ``data`` fills them."""

    id: str
    kind: str
    at: int
    text_code: str
    data: dict[str, Any]


class CallbackCounts(Part):
    open: int
    overdue: int


class HandoffHead(Part):
    """A row of the ledger without its steps."""

    id: str
    number: str
    call_id: str
    centre: str
    target: str
    agent_id: str
    state: str
    outcome: str | None
    receipt: str
    push_state: str
    keep_line: bool
    started_at: int
    ended_at: int | None
    version: int


class CallbackHead(Part):
    """``number`` is masked; ``tries`` counts what has been tried so far."""

    id: str
    number: str
    line: str
    reason: str
    calls: int
    first_at: int
    last_at: int
    due_at: int
    owner: str | None
    leased_until: int | None
    tries: int
    status: str
    version: int


class LineKpi(Part):
    """Of today. ``within_15s``: of the answered ones, those answered within 15 s of joining the queue."""

    answered: int
    arrived: int
    abandoned: int
    within_15s: int
    longest_wait_s: float


class Kpi(LineKpi):
    """Of the whole hotline; ``lines`` by the number that citizens dialled."""

    lines: dict[str, LineKpi]


class SurgeData(Part):
    """Far more callers than usual. ``proposed``: the rule says so and nobody has let callers hear it.

    ``arrivals`` within the rule's time and ``waiting`` are the figures now, beside the limits of the rule (0: none).
    ``until`` is when the announcement ends by itself.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "state": "announced",
                    "by": "person",
                    "reason": "暴雨，报修集中",
                    "since": 1795297638000,
                    "until": 1795299438000,
                    "arrivals": 74,
                    "waiting": 23,
                    "arrivals_limit": 60,
                    "waiting_limit": 20,
                }
            ]
        },
    )

    state: Literal["quiet", "proposed", "announced"]
    by: Literal["rule", "person"] | None
    reason: str
    since: int | None
    until: int | None
    arrivals: int
    waiting: int
    arrivals_limit: int
    waiting_limit: int


class DriftData(Part):
    """Differences that comparisons with the switch found and mended: 0 in normal running."""

    count: int
    last_at: int | None
    last_kind: str
