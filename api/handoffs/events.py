"""What the rest of the server is told of the ledger."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from api.auth.audit import Actor
from telephony.targets import Target


@dataclass(frozen=True, kw_only=True, slots=True)
class HandoffChanged:
    """A row is new or different; committed."""

    handoff_id: str
    number: str
    call_id: str
    transfer_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceiptGiven:
    """What the centre said while the operator was leaving, where it could not be written at once."""

    at: datetime
    actor: Actor
    transfer_id: str
    call_id: str
    agent_id: str
    target: Target
    mode: str
    started_at: datetime
    receipt: str = field(repr=False)
