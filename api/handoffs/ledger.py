"""What the steps of a transfer make of its row in the ledger, and who has the matter (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from telephony.events import TransferStep
from telephony.transfers import TransferOutcome, TransferState

KEPT = "kept"
"""State of a row that is about no transfer: the citizen is kept on the line and a supervisor reports."""
RELEASED = "released"
LOST = "lost"
"""Outcome of a transfer whose end nobody saw."""
LINE_KEPT, LINE_RELEASED = "line_kept", "line_released"
RECEIPT, SETTLED = "receipt", "settled"
"""Steps of people, not of the switch: a receipt is noted or taken back, and what was agreed on, which is its reason."""


class Settled(StrEnum):
    """What hotline and centre agreed on."""

    ACCEPTED = "accepted"
    DECLINED = "declined"
    UNCLEAR = "unclear"
    CLOSED = "closed"
    """Nothing is left to do for anybody."""


class PushState(StrEnum):
    """How far the summary has come on its way to the centre."""

    NOT_CONFIGURED = "not_configured"
    PENDING = "pending"
    PUSHED = "pushed"
    FAILED = "failed"


AFTER: Mapping[TransferStep, TransferState] = {
    TransferStep.REQUESTED: TransferState.DIALLING,
    TransferStep.RINGING: TransferState.RINGING,
    TransferStep.ANSWERED: TransferState.RINGING,
    TransferStep.JOINED: TransferState.JOINED,
    TransferStep.PRIVATE: TransferState.PRIVATE,
    TransferStep.ROUTE_FAILED: TransferState.DIALLING,
    TransferStep.FAILED: TransferState.ENDED,
    TransferStep.CANCELLED: TransferState.ENDED,
    TransferStep.TARGET_LEFT: TransferState.ENDED,
    TransferStep.HANDED_OVER: TransferState.HANDED_OVER,
    TransferStep.OPERATOR_LOST: TransferState.HANDED_OVER,
    TransferStep.RETURNED: TransferState.ENDED,
    TransferStep.COMPLETED: TransferState.ENDED,
    TransferStep.CALLER_LEFT: TransferState.ENDED,
}
"""The state that each step leads to. The ledger is written from what happened, so no step is refused."""

OUTCOMES: Mapping[TransferStep, TransferOutcome] = {
    TransferStep.FAILED: TransferOutcome.FAILED,
    TransferStep.CANCELLED: TransferOutcome.CANCELLED,
    TransferStep.TARGET_LEFT: TransferOutcome.TARGET_LEFT,
    TransferStep.HANDED_OVER: TransferOutcome.HANDED_OVER,
    TransferStep.OPERATOR_LOST: TransferOutcome.OPERATOR_LOST,
    TransferStep.RETURNED: TransferOutcome.RETURNED,
    TransferStep.COMPLETED: TransferOutcome.COMPLETED,
    TransferStep.CALLER_LEFT: TransferOutcome.CALLER_LEFT,
}

REACHED = frozenset({TransferStep.ANSWERED, TransferStep.JOINED, TransferStep.PRIVATE, TransferStep.HANDED_OVER})
"""Somebody at the centre has picked up: the summary is of use there from now on."""

TAKEN = frozenset({TransferOutcome.HANDED_OVER, TransferOutcome.COMPLETED, TransferOutcome.OPERATOR_LOST})
"""The citizen talked with the centre alone: a receipt is to be expected."""


def responsible(*, first_receiver: str, centre: str, settled: str | None, receipt: str | None) -> str:
    """Who has the matter. Whoever received it first keeps it (国办发〔2022〕12号) until the centre has taken it over.

    A centre takes a matter over by accepting it or by giving a receipt; where that stays unclear, nothing changes.
    """
    if not centre or settled in (Settled.DECLINED, Settled.UNCLEAR):
        return first_receiver
    return centre if settled == Settled.ACCEPTED or receipt else first_receiver
