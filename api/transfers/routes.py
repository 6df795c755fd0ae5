"""``/transfer-targets`` and what an operator does in a call with others: transfers, sending back, keeping the line."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from api.auth.access import Require
from api.auth.idempotency import CommandRoute
from api.auth.permissions import Action
from api.auth.sessions import SignedIn
from api.auth.shared import Shared, shared
from api.calls.routes import CommandView, Nothing
from api.calls.service import ask_as_party
from api.errors import InvalidField, documented
from api.ids import CallIdPath
from api.live.callparts import Listed, transfer_data
from api.live.parts import TransferData
from api.store.reach import DatabaseAway
from api.store.tables import HandoffRecord, User
from api.transfers import service
from api.transfers.targets import checked, labels_of
from telephony.commands import (
    BringTogether,
    CallTarget,
    Command,
    DropTarget,
    GoPrivate,
    KeepLine,
    OutcomeKind,
    PauseRecording,
    ResumeRecording,
    SendBack,
)
from telephony.events import AgentStatus
from telephony.ids import AgentId, CallId, QueueName
from telephony.targets import TargetKind, TransferMode

router = APIRouter(tags=["transfers"], route_class=CommandRoute, responses=documented(422))

Common = Annotated[Shared, Depends(shared)]
Me = Annotated[SignedIn, Depends(Require(Action.CALL_TRANSFER))]
Recorded = Annotated[SignedIn, Depends(Require(Action.RECORDING_PAUSE))]
COMMANDED = documented(401, 403, 404, 409, 502, 503)


class CentreView(BaseModel):
    """``key``: its place on the operators' keyboard."""

    code: str
    name: str
    key: int | None
    mode: str = "trunk"


class AgentTarget(BaseModel):
    agent_id: str
    display_name: str
    status: AgentStatus


class QueueTarget(BaseModel):
    name: str
    label: str


class NumberTarget(BaseModel):
    name: str
    number: str


class LineTarget(BaseModel):
    """A number that citizens dial beside the hotline's own, and who takes its calls: ``centre``, else ``queue``."""

    number: str
    label: str
    queue: str
    centre: str | None


class TargetsView(BaseModel):
    """``number_rule``: what all of a free number must match; empty where none may be dialled."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "centres": [{"code": "110", "name": "公安", "key": 1, "mode": "trunk"}],
                    "agents": [{"agent_id": "8002", "display_name": "座席8002", "status": "ready"}],
                    "queues": [{"name": "hotline", "label": "综合"}],
                    "numbers": [],
                    "lines": [{"number": "12329", "label": "住房公积金", "queue": "housing", "centre": None}],
                    "number_rule": "",
                }
            ]
        }
    )

    centres: list[CentreView]
    agents: list[AgentTarget]
    queues: list[QueueTarget]
    numbers: list[NumberTarget]
    lines: list[LineTarget]
    number_rule: str


class TargetWanted(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    kind: TargetKind
    value: str = Field(min_length=1, max_length=32, pattern=r"^[+0-9A-Za-z_-]+$")


class TransferWanted(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra={"examples": [{"target": {"kind": "centre", "value": "110"}, "mode": "three_way"}]},
    )

    target: TargetWanted
    mode: TransferMode


class Leaving(BaseModel):
    """``receipt``: the number under which the centre has the matter."""

    model_config = ConfigDict(
        extra="forbid", hide_input_in_errors=True, json_schema_extra={"examples": [{"receipt": "0042"}]}
    )

    receipt: str | None = Field(default=None, max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")


class SendingBack(BaseModel):
    """``queue`` null: the one from which the call came."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"queue": None}]})

    queue: str | None = Field(default=None, max_length=32, pattern=r"^[a-z][a-z0-9-]*$")


class Keeping(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"on": True}]})

    on: bool


class RecordingPause(BaseModel):
    """Goes on by itself after ``seconds``."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"seconds": 30}]})

    seconds: float = Field(default=60, ge=5, le=120)


class TransferAnswer(BaseModel):
    """``outcome`` unknown: sent and not answered in time; the live state will show what came of it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"outcome": "done", "transfer": None}]})

    outcome: OutcomeKind
    transfer: TransferData | None


@router.get("/transfer-targets", responses=documented(401, 403))
async def transfer_targets(me: Me, common: Common) -> TargetsView:
    """Everybody whom a call may be handed to, by kind; of the agents those who are signed in to a seat.

    While the database is away operators are called by their work numbers.
    """
    there = {str(agent.id): agent.status for agent in common.switch.switchboard.agents.values()}
    try:
        names = await common.standby.reads.ask(lambda: _names(common, there))
    except DatabaseAway:
        names = {}
    topology = common.topology
    numbers = topology.numbers
    return TargetsView(
        centres=[CentreView(code=one.code, name=one.name, key=one.key) for one in topology.centres],
        agents=[
            AgentTarget(agent_id=agent_id, display_name=names.get(agent_id, agent_id), status=status)
            for agent_id, status in sorted(there.items())
            if agent_id != me.agent_id
        ],
        queues=[QueueTarget(name=queue.name, label=queue.label or queue.name) for queue in topology.queues],
        numbers=[NumberTarget(name=one.name, number=one.number) for one in numbers.named] if numbers else [],
        lines=[
            LineTarget(number=one.number, label=one.label, queue=one.queue, centre=one.centre)
            for one in topology.lines
            if one.mode != "main"
        ],
        number_rule=numbers.pattern if numbers else "",
    )


@router.post("/calls/{call_id}/transfers", status_code=202, responses=COMMANDED)
async def begin_transfer(call_id: CallIdPath, body: TransferWanted, me: Me, common: Common) -> TransferAnswer:
    """Bring somebody else into my call. Citizen and operator talk on while it rings there."""
    target = checked(common.topology, body.target.kind, body.target.value)
    detail = {"kind": target.kind.value, "mode": body.mode.value}
    if target.kind is TargetKind.CENTRE:
        detail["centre"] = target.value

    def command(agent_id: AgentId) -> Command:
        return CallTarget(call_id=CallId(call_id), agent_id=agent_id, target=target, mode=body.mode)

    outcome = await ask_as_party(common, me, call_id, Action.CALL_TRANSFER, "call.transfer", command, detail=detail)
    return await _answer(common, call_id, outcome.kind)


@router.post("/calls/{call_id}/transfer/private", status_code=202, responses=COMMANDED)
async def go_private(call_id: CallIdPath, _: Nothing, me: Me, common: Common) -> TransferAnswer:
    """A word with the target alone; the citizen hears music."""
    return await _transfer(common, me, call_id, "call.private", GoPrivate)


@router.post("/calls/{call_id}/transfer/together", status_code=202, responses=COMMANDED)
async def bring_together(call_id: CallIdPath, _: Nothing, me: Me, common: Common) -> TransferAnswer:
    """All three talk."""
    return await _transfer(common, me, call_id, "call.together", BringTogether)


@router.post("/calls/{call_id}/transfer/cancel", status_code=202, responses=COMMANDED)
async def cancel_transfer(call_id: CallIdPath, _: Nothing, me: Me, common: Common) -> TransferAnswer:
    """End the target's leg, ringing or talking; the operator goes on with the citizen."""
    return await _transfer(common, me, call_id, "call.drop_target", DropTarget)


@router.post("/calls/{call_id}/transfer/leave", status_code=202, responses=COMMANDED)
async def leave(call_id: CallIdPath, body: Leaving, me: Me, common: Common) -> TransferAnswer:
    """The operator leaves; the citizen stays with the target. 409 while the line is to be kept."""
    outcome = await service.leave(common, me, call_id, (body.receipt or "").strip() or None)
    return await _answer(common, call_id, outcome.kind)


@router.post("/calls/{call_id}/send-back", status_code=202, responses=COMMANDED)
async def send_back(call_id: CallIdPath, body: SendingBack, me: Me, common: Common) -> CommandView:
    """The citizen goes to the front of a queue; the operator leaves."""
    queue = None if body.queue is None else QueueName(body.queue)
    if queue is not None and queue not in {one.name for one in common.topology.queues}:
        raise InvalidField("queue", "the name of a queue")
    return await _plain(
        common, me, call_id, "call.send_back", lambda own: SendBack(call_id=CallId(call_id), agent_id=own, queue=queue)
    )


@router.post("/calls/{call_id}/keep-line", status_code=202, responses=COMMANDED)
async def keep_line(call_id: CallIdPath, body: Keeping, me: Me, common: Common) -> CommandView:
    """Somebody in danger is not to be handed on; a supervisor is told, to report on a second line."""
    action = "call.keep_line" if body.on else "call.release_line"
    return await _plain(
        common, me, call_id, action, lambda own: KeepLine(call_id=CallId(call_id), agent_id=own, on=body.on)
    )


@router.post("/calls/{call_id}/recording/pause", status_code=202, responses=COMMANDED)
async def pause_recording(call_id: CallIdPath, body: RecordingPause, me: Recorded, common: Common) -> CommandView:
    """Silence in the recording while a card or identity number is said."""

    def command(own: AgentId) -> Command:
        return PauseRecording(call_id=CallId(call_id), agent_id=own, seconds=body.seconds)

    return await _plain(
        common,
        me,
        call_id,
        "recording.pause",
        command,
        allowed=Action.RECORDING_PAUSE,
        detail={"seconds": body.seconds},
    )


@router.post("/calls/{call_id}/recording/resume", status_code=202, responses=COMMANDED)
async def resume_recording(call_id: CallIdPath, _: Nothing, me: Recorded, common: Common) -> CommandView:
    def command(own: AgentId) -> Command:
        return ResumeRecording(call_id=CallId(call_id), agent_id=own)

    return await _plain(common, me, call_id, "recording.resume", command, allowed=Action.RECORDING_PAUSE)


Step = type[GoPrivate] | type[BringTogether] | type[DropTarget]


async def _transfer(common: Shared, me: SignedIn, call_id: str, action: str, step: Step) -> TransferAnswer:
    outcome = await ask_as_party(
        common,
        me,
        call_id,
        Action.CALL_TRANSFER,
        action,
        lambda own: step(call_id=CallId(call_id), agent_id=own),
    )
    return await _answer(common, call_id, outcome.kind)


async def _plain(
    common: Shared,
    me: SignedIn,
    call_id: str,
    action: str,
    command: Callable[[AgentId], Command],
    *,
    allowed: Action = Action.CALL_TRANSFER,
    detail: dict[str, Any] | None = None,
) -> CommandView:
    outcome = await ask_as_party(common, me, call_id, allowed, action, command, detail=detail)
    return CommandView(outcome=outcome.kind)


async def _answer(common: Shared, call_id: str, outcome: OutcomeKind) -> TransferAnswer:
    transfer = service.transfer_of(common, call_id)
    if transfer is None:
        return TransferAnswer(outcome=outcome, transfer=None)
    try:
        listed = await common.standby.reads.ask(lambda: _listed(common, transfer.id))
    except DatabaseAway:
        listed = None
    labels = labels_of(common.topology)
    shown = transfer_data(transfer, lambda target: labels.get((target.kind, target.value), ""), listed)
    return TransferAnswer(outcome=outcome, transfer=shown)


async def _listed(common: Shared, transfer_id: str) -> Listed | None:
    async with common.store.read() as session:
        row = await session.scalar(select(HandoffRecord).where(HandoffRecord.transfer_id == transfer_id))
    return None if row is None else Listed(id=row.id, number=row.number)


async def _names(common: Shared, agents: Collection[str]) -> Mapping[str, str]:
    async with common.store.read() as session:
        people = await session.execute(select(User.agent_id, User.display_name).where(User.agent_id.in_(agents)))
    return {str(agent_id): name for agent_id, name in people}
