"""A row of the ledger as it is shown: numbers masked, words only to who may read the row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from api.auth.masking import masked_number
from api.handoffs.ledger import PushState, responsible
from api.store.tables import HandoffRecord, HandoffStep
from telephony.targets import TargetKind

_EXAMPLE: dict[str, Any] = {
    "id": "2f1e6a4e-2a53-4d6b-9a54-0d2b7f9c1e11",
    "number": "YJ20261121-007",
    "call_id": "1795297638.32",
    "centre": "110",
    "target": "110",
    "target_kind": "centre",
    "mode": "three_way",
    "agent_id": "8001",
    "state": "handed_over",
    "outcome": "handed_over",
    "reason": None,
    "settled": None,
    "responsible": "12345",
    "receipt": "",
    "push_state": "pushed",
    "push_error": None,
    "summary_pushed_at": "2026-11-21T06:01:12Z",
    "keep_line": False,
    "started_at": "2026-11-21T06:01:00Z",
    "ended_at": None,
    "version": 3,
}


class StepView(BaseModel):
    at: datetime
    step: str
    route: int
    reason: str | None


class HandoffRow(BaseModel):
    """``outcome`` is what people agreed on (``settled``), else what the switch saw; null while it goes on.

    ``responsible`` is the hotline or centre that has the matter.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: str
    number: str
    call_id: str
    centre: str
    target: str
    target_kind: str
    mode: str
    agent_id: str
    state: str
    outcome: str | None
    reason: str | None
    settled: str | None
    responsible: str
    receipt: str
    push_state: PushState
    push_error: str | None
    summary_pushed_at: datetime | None
    keep_line: bool
    started_at: datetime
    ended_at: datetime | None
    version: int


class ScriptView(BaseModel):
    """What an operator reads out to the centre, from the draft; null where nothing is known. Its words are the
    console's."""

    address: str | None
    event: str | None
    occur_time: str | None
    callback_number: str | None
    caller_name: str | None


class HandoffView(HandoffRow):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **_EXAMPLE,
                    "summary": "小区有人持刀争吵",
                    "note": "",
                    "script": {
                        "address": "某路 1 号",
                        "event": "小区有人持刀争吵",
                        "occur_time": None,
                        "callback_number": "138****0000",
                        "caller_name": None,
                    },
                    "steps": [{"at": "2026-11-21T06:01:00Z", "step": "requested", "route": 1, "reason": None}],
                }
            ]
        }
    )

    summary: str
    note: str
    script: ScriptView
    steps: list[StepView]


NO_SCRIPT = ScriptView(address=None, event=None, occur_time=None, callback_number=None, caller_name=None)


def script_of(fields: Mapping[str, Any]) -> ScriptView:
    """``fields``: the draft's values as its reader sees them."""

    def text(name: str) -> str | None:
        value = fields.get(name)
        return value if isinstance(value, str) and value else None

    return ScriptView(
        address=text("address"),
        event=text("title") or text("description"),
        occur_time=text("occur_time"),
        callback_number=text("contact_phone"),
        caller_name=text("caller_name"),
    )


def handoff_row(row: HandoffRecord) -> HandoffRow:
    return HandoffRow(**_row(row))


def handoff_view(row: HandoffRecord, steps: Sequence[HandoffStep], script: ScriptView) -> HandoffView:
    return HandoffView(
        **_row(row),
        summary=row.summary or "",
        note=row.note or "",
        script=script,
        steps=[StepView(at=step.at, step=step.step, route=step.route, reason=step.reason) for step in steps],
    )


def shown_target(row: HandoffRecord) -> str:
    return masked_number(row.target_value) if row.target_kind == TargetKind.NUMBER else row.target_value


def _row(row: HandoffRecord) -> dict[str, Any]:
    return {
        "id": row.id,
        "number": row.number,
        "call_id": row.call_id,
        "centre": row.centre,
        "target": shown_target(row),
        "target_kind": row.target_kind,
        "mode": row.mode,
        "agent_id": row.agent_id,
        "state": row.state,
        "outcome": row.settled or row.outcome,
        "reason": row.reason,
        "settled": row.settled,
        "responsible": responsible(
            first_receiver=row.first_receiver, centre=row.centre, settled=row.settled, receipt=row.receipt
        ),
        "receipt": row.receipt or "",
        "push_state": PushState(row.push_state),
        "push_error": row.push_error,
        "summary_pushed_at": row.summary_pushed_at,
        "keep_line": row.keep_line,
        "started_at": row.started_at,
        "ended_at": row.ended_at,
        "version": row.version,
    }
