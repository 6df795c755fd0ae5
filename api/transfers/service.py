"""Commands about a call that its operator gives: bring somebody in, hand over, keep the line, pause the recording."""

from __future__ import annotations

from api.auth.permissions import Action
from api.auth.sessions import SignedIn
from api.auth.shared import Shared
from api.calls.service import ask_as_party
from api.handoffs.service import write_receipt
from telephony.commands import CommandOutcome, LeaveCall
from telephony.ids import CallId
from telephony.transfers import Transfer


def transfer_of(common: Shared, call_id: str) -> Transfer | None:
    """The latest of this call."""
    return common.switch.switchboard.transfers.get(CallId(call_id))


async def leave(common: Shared, me: SignedIn, call_id: str, receipt: str | None) -> CommandOutcome:
    """Hand over; then keep what the centre gave as its receipt."""
    transfer = transfer_of(common, call_id)
    outcome = await ask_as_party(
        common,
        me,
        call_id,
        Action.CALL_TRANSFER,
        "call.leave",
        lambda agent_id: LeaveCall(call_id=CallId(call_id), agent_id=agent_id),
    )
    if receipt and transfer is not None:
        await write_receipt(common, me, transfer, receipt)
    return outcome
