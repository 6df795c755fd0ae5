"""What the rest of the server is told of the ledger."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class HandoffChanged:
    """A row is new or different; committed."""

    handoff_id: str
    number: str
    call_id: str
    transfer_id: str
