"""A callback as it is shown: the number masked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from api.auth.masking import masked_number
from api.callbacks.messages import Message
from api.callbacks.rules import Reason, Result
from api.store.tables import CallbackAttempt, CallbackRecord

_EXAMPLE: dict[str, Any] = {
    "id": "5a4e4f35-5d4b-4a38-9df2-7b3f2d0d9c01",
    "number": "138****0000",
    "dialable": True,
    "line": "12345",
    "reason": "abandoned",
    "calls": 2,
    "first_at": "2026-11-21T06:00:00Z",
    "last_at": "2026-11-21T06:04:00Z",
    "due_at": "2026-11-21T06:30:00Z",
    "owner": "8001",
    "leased_until": "2026-11-21T06:10:00Z",
    "dialling": None,
    "messages": [{"call_id": "1795297380.17", "at": "2026-11-21T06:04:00Z"}],
    "attempts": [{"at": "2026-11-21T06:05:00Z", "agent_id": "8001", "result": "busy", "call_id": "1795297638.9123456"}],
    "status": "open",
    "outcome": None,
    "closed_at": None,
    "version": 4,
}


class AttemptView(BaseModel):
    """``result`` null: it goes on, or came to nothing that counts as a try."""

    at: datetime
    agent_id: str
    result: Result | None
    call_id: str | None


class CallbackView(BaseModel):
    """Whoever is ``owner`` until ``leased_until`` may dial. ``dialling`` is the call placed for it that goes on.

    ``messages`` that can be heard, the newest first: ``GET /callbacks/{id}/message?call_id=``.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: str
    number: str
    dialable: bool
    line: str
    reason: Reason
    calls: int
    first_at: datetime
    last_at: datetime
    due_at: datetime
    owner: str | None
    leased_until: datetime | None
    dialling: str | None
    messages: list[Message]
    attempts: list[AttemptView]
    status: Literal["open", "done"]
    outcome: str | None
    closed_at: datetime | None
    version: int


def callback_view(
    row: CallbackRecord, attempts: Sequence[CallbackAttempt], messages: Sequence[Message]
) -> CallbackView:
    values = {name: getattr(row, name) for name in CallbackView.model_fields if hasattr(row, name)}
    shown = [
        AttemptView(
            at=one.at, agent_id=one.agent_id, result=Result(one.result) if one.result else None, call_id=one.call_id
        )
        for one in attempts
    ]
    values |= {
        "number": masked_number(row.number),
        "dialable": bool(row.number),
        "messages": list(messages),
        "attempts": shown,
    }
    return CallbackView(**values)
