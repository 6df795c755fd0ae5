"""Transfers that ended while nobody was here to see it: where the citizen is now says how.

A transfer of which a leg lives is found again by asking the switch, and its steps go on. Of the others the ledger knows
only how far they had come.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.handoffs.ledger import KEPT
from api.handoffs.queries import steps_of
from api.store.tables import HandoffRecord
from telephony.calls import Call, CallPhase, LegRole
from telephony.events import TransferStep, TransferStepped
from telephony.ids import AgentId, CallId, ChannelId
from telephony.stages import OURS, TALKING, UNMET, Transfer, TransferState
from telephony.targets import Target, TargetKind, TransferMode

PARTIES = frozenset({LegRole.CITIZEN, LegRole.OPERATOR, LegRole.SUPERVISOR})


async def ended_unseen(
    session: AsyncSession, calls: Mapping[CallId, Call], transfers: Mapping[CallId, Transfer], now: datetime
) -> list[TransferStepped]:
    """The last step of each row that goes on in a live call, where the switch knows no leg of it any more."""
    going = await session.scalars(
        select(HandoffRecord).where(HandoffRecord.ended_at.is_(None), HandoffRecord.state != KEPT)
    )
    ends = []
    for row in going.all():
        call = calls.get(CallId(row.call_id))
        known = transfers.get(CallId(row.call_id))
        if call is None or call.phase is CallPhase.ENDED or (known is not None and known.id == row.transfer_id):
            continue
        target = Target(kind=TargetKind(row.target_kind), value=row.target_value)
        step = last_step(TransferState(row.state), target, AgentId(row.agent_id), call)
        if step is None:
            continue
        steps = await steps_of(session, row.id)
        ends.append(
            TransferStepped(
                at=now,
                call_id=call.id,
                transfer_id=row.transfer_id,
                step=step,
                agent_id=AgentId(row.agent_id),
                target=target,
                mode=TransferMode(row.mode),
                route=steps[-1].route if steps else 1,
                leg=ChannelId(steps[-1].leg) if steps and steps[-1].leg else None,
            )
        )
    return ends


def last_step(state: TransferState, target: Target, agent_id: AgentId, call: Call) -> TransferStep | None:
    """What has become of it; None where it goes on, or its end is the call's."""
    talks_with = call.answered_by if call.agent_left_at is None else None
    if any(leg.ended_at is None and leg.role not in PARTIES for leg in call.legs):
        return None
    if target.kind in OURS and talks_with not in (None, agent_id):
        return TransferStep.HANDED_OVER if state is not TransferState.HANDED_OVER else None
    if state in UNMET:
        return TransferStep.FAILED
    if state in TALKING and talks_with == agent_id:
        return TransferStep.TARGET_LEFT
    return TransferStep.RETURNED if target.kind not in OURS or state in TALKING else None
