"""Who is in a call besides citizen and operator: the transfer, the parties, the supervisor (pure)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from api.auth.masking import masked_number
from api.live.parts import PartyData, PartyRole, StepData, SupervisionData, TargetData, TransferData
from telephony.calls import Call, CallPhase
from telephony.ids import AgentId
from telephony.targets import Target, TargetKind
from telephony.transfers import Transfer, TransferState

Label = Callable[[Target], str]
"""The name of a target as people know it; empty where it has none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """Where a transfer stands in the ledger."""

    id: str
    number: str


def ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def epoch_ms(at: datetime | None) -> int | None:
    return None if at is None else ms(at)


def target_data(target: Target, label: Label) -> TargetData:
    """The digits of a free number stay masked."""
    is_number = target.kind is TargetKind.NUMBER
    value = masked_number(target.value) if is_number else target.value
    return TargetData(kind=target.kind, value=value, label=label(target) or value)


def transfer_data(transfer: Transfer, label: Label, listed: Listed | None) -> TransferData:
    return TransferData(
        id=transfer.id,
        target=target_data(transfer.target, label),
        mode=transfer.mode,
        state=transfer.state,
        outcome=transfer.outcome,
        reason=transfer.reason,
        route=transfer.route,
        routes=transfer.routes,
        started_at=ms(transfer.started_at),
        ringing_at=epoch_ms(transfer.ringing_at),
        joined_at=epoch_ms(transfer.joined_at),
        steps=[StepData(at=ms(one.at), step=one.step, route=one.route, reason=one.reason) for one in transfer.steps],
        handoff_id=None if listed is None else listed.id,
        handoff_number=None if listed is None else listed.number,
    )


def parties_of(
    call: Call,
    transfer: Transfer | None,
    supervision: SupervisionData | None,
    *,
    names: Mapping[AgentId, str],
    label: Label,
) -> list[PartyData]:
    """Everybody in the call now, the citizen first; nobody once it has ended."""
    if call.phase is CallPhase.ENDED:
        return []
    parties = [_citizen(call, transfer), *_operator(call, names), *_target(transfer, label)]
    if supervision is not None:
        name = names.get(AgentId(supervision.agent_id), supervision.agent_id)
        parties.append(
            PartyData(role=PartyRole.SUPERVISOR, label=name, agent_id=supervision.agent_id, state="talking", since=None)
        )
    return parties


def _citizen(call: Call, transfer: Transfer | None) -> PartyData:
    talks = call.phase is CallPhase.TALKING and not (transfer and transfer.state is TransferState.PRIVATE)
    return PartyData(
        role=PartyRole.CITIZEN,
        label=masked_number(call.caller_number),
        agent_id=None,
        state="talking" if talks else "music",
        since=ms(call.arrived_at),
    )


def _operator(call: Call, names: Mapping[AgentId, str]) -> list[PartyData]:
    rings = call.phase is CallPhase.OFFERED
    agent_id = call.offered_to if rings else call.answered_by if call.agent_left_at is None else None
    if agent_id is None or call.phase in (CallPhase.ARRIVED, CallPhase.QUEUED):
        return []
    return [
        PartyData(
            role=PartyRole.OPERATOR,
            label=names.get(agent_id, agent_id),
            agent_id=agent_id,
            state="ringing" if rings else "talking",
            since=epoch_ms(call.offered_at if rings else call.answered_at),
        )
    ]


_TARGET_ROLES: Mapping[TargetKind, PartyRole] = {
    TargetKind.CENTRE: PartyRole.CENTRE,
    TargetKind.NUMBER: PartyRole.NUMBER,
    TargetKind.AGENT: PartyRole.OPERATOR,
}


def _target(transfer: Transfer | None, label: Label) -> list[PartyData]:
    """A queue is nobody to talk with."""
    role = _TARGET_ROLES.get(transfer.target.kind) if transfer else None
    if transfer is None or role is None or transfer.state is TransferState.ENDED:
        return []
    rings = transfer.state in (TransferState.DIALLING, TransferState.RINGING)
    shown = target_data(transfer.target, label)
    since = transfer.ringing_at or transfer.started_at if rings else transfer.joined_at
    return [
        PartyData(
            role=role,
            label=shown.label,
            agent_id=transfer.target.value if role is PartyRole.OPERATOR else None,
            state="ringing" if rings else "talking",
            since=epoch_ms(since),
        )
    ]
