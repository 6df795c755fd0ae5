"""What a supervisor does with calls of others (``/calls/{id}/supervision``) and with operators (``/agents``)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select

from api.auth.access import Require
from api.auth.idempotency import CommandRoute
from api.auth.permissions import Action
from api.auth.sessions import SignedIn
from api.auth.shared import Shared, shared
from api.calls.routes import CommandView, Nothing, Reason
from api.calls.service import ask
from api.errors import documented
from api.ids import AgentPath, CallIdPath
from api.live.messages import AgentData
from api.live.views import agent_data
from api.store.tables import User, UserSkill
from telephony.commands import (
    Command,
    EndSupervision,
    ForcePause,
    ForceSignOut,
    LiftPause,
    Supervise,
    TakeOver,
)
from telephony.errors import UnknownAgent
from telephony.events import AgentStatus
from telephony.ids import AgentId, CallId
from telephony.targets import SpyMode

router = APIRouter(tags=["supervision"], route_class=CommandRoute, responses=documented(422))

Common = Annotated[Shared, Depends(shared)]
Supervisor = Annotated[SignedIn, Depends(Require(Action.CALL_SUPERVISE))]
Controller = Annotated[SignedIn, Depends(Require(Action.AGENT_CONTROL))]
COMMANDED = documented(401, 403, 404, 409, 502, 503)


class Mode(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"mode": "listen"}]})

    mode: SpyMode


class SkillView(BaseModel):
    queue: str
    level: int


class AgentRow(BaseModel):
    """Everybody who can take calls; ``agent`` is null for those who are signed in nowhere."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"agent_id": "8001", "display_name": "座席8001", "status": "signed_out", "agent": None, "skills": []}
            ]
        }
    )

    agent_id: str
    display_name: str
    status: AgentStatus
    agent: AgentData | None
    skills: list[SkillView]


@router.post("/calls/{call_id}/supervision", status_code=202, responses=COMMANDED)
async def supervise(call_id: CallIdPath, body: Mode, me: Supervisor, common: Common) -> CommandView:
    """My phone rings and is in the call in this mode; or the mode changes if I am there already."""
    command = Supervise(call_id=CallId(call_id), agent_id=_own(me), mode=body.mode)
    outcome = await ask(common, me, "call.supervise", "call", call_id, command, detail={"mode": body.mode.value})
    return CommandView(outcome=outcome.kind)


@router.delete("/calls/{call_id}/supervision", status_code=202, responses=COMMANDED)
async def end_supervision(call_id: CallIdPath, me: Supervisor, common: Common) -> CommandView:
    command = EndSupervision(call_id=CallId(call_id), agent_id=_own(me))
    return CommandView(outcome=(await ask(common, me, "call.end_supervision", "call", call_id, command)).kind)


@router.post("/calls/{call_id}/take-over", status_code=202, responses=COMMANDED)
async def take_over(call_id: CallIdPath, _: Nothing, me: Supervisor, common: Common) -> CommandView:
    """I talk with the citizen from now on; the operator is out."""
    command = TakeOver(call_id=CallId(call_id), agent_id=_own(me))
    return CommandView(outcome=(await ask(common, me, "call.take_over", "call", call_id, command)).kind)


@router.get("/agents", responses=documented(401, 403))
async def list_agents(me: Annotated[SignedIn, Depends(Require(Action.AGENT_LIST))], common: Common) -> list[AgentRow]:
    """By work number."""
    async with common.store.read() as session:
        people = (
            await session.scalars(select(User).where(User.agent_id.is_not(None), User.active).order_by(User.agent_id))
        ).all()
        skills = (await session.scalars(select(UserSkill).order_by(UserSkill.level, UserSkill.queue))).all()
    by_user: dict[int, list[SkillView]] = {}
    for skill in skills:
        by_user.setdefault(skill.user_id, []).append(SkillView(queue=skill.queue, level=skill.level))
    return [_row(common, person, by_user.get(person.id, [])) for person in people]


@router.post("/agents/{agent_id}/pause", status_code=202, responses=COMMANDED)
async def pause(agent_id: AgentPath, body: Reason, me: Controller, common: Common) -> CommandView:
    """No calls for this operator until a supervisor lifts it; a talk goes on."""
    return await _control(common, me, agent_id, "agent.pause", ForcePause(agent_id=AgentId(agent_id)), body.reason)


@router.post("/agents/{agent_id}/lift-pause", status_code=202, responses=COMMANDED)
async def lift_pause(agent_id: AgentPath, body: Reason, me: Controller, common: Common) -> CommandView:
    """The operator's own reasons stay."""
    return await _control(common, me, agent_id, "agent.lift_pause", LiftPause(agent_id=AgentId(agent_id)), body.reason)


@router.post("/agents/{agent_id}/sign-out", status_code=202, responses=COMMANDED)
async def sign_out(agent_id: AgentPath, body: Reason, me: Controller, common: Common) -> CommandView:
    """Out of the seat: at once, or at the end of the talk."""
    return await _control(common, me, agent_id, "agent.sign_out", ForceSignOut(agent_id=AgentId(agent_id)), body.reason)


async def _control(
    common: Shared, me: SignedIn, agent_id: str, action: str, command: Command, reason: str
) -> CommandView:
    detail = {"reason": reason.strip()}
    return CommandView(outcome=(await ask(common, me, action, "agent", agent_id, command, detail=detail)).kind)


def _own(me: SignedIn) -> AgentId:
    """A supervisor listens on a phone of the switch, too."""
    if me.agent_id is None:
        raise UnknownAgent("")
    return AgentId(me.agent_id)


def _row(common: Shared, person: User, skills: list[SkillView]) -> AgentRow:
    agent = common.switch.switchboard.agents.get(AgentId(person.agent_id or ""))
    return AgentRow(
        agent_id=person.agent_id or "",
        display_name=person.display_name,
        status=AgentStatus.SIGNED_OUT if agent is None else agent.status,
        agent=None if agent is None else agent_data(agent, person.display_name),
        skills=skills,
    )
