"""``/agents/{id}/skills``: which waiting lines a person serves and at which level."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from api.auth.access import Require
from api.auth.permissions import Action
from api.auth.sessions import SignedIn
from api.auth.shared import Shared, shared
from api.errors import InvalidField, documented
from api.ids import AgentPath
from api.shifts import skills
from api.store.tables import UserSkill
from telephony.commands import OutcomeKind

router = APIRouter(prefix="/agents", tags=["shift"], responses=documented(422))

Common = Annotated[Shared, Depends(shared)]
_SKILLS: dict[str, Any] = {"skills": [{"queue": "hotline", "level": 1}, {"queue": "housing", "level": 3}]}


class Skill(BaseModel):
    """Of two free operators the one with the lower ``level`` is rung first."""

    model_config = ConfigDict(extra="forbid")

    queue: str = Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")
    level: int = Field(ge=skills.FIRST, le=skills.LAST, strict=True)


class SkillsWanted(BaseModel):
    """All of them; ``[]``: the main queue, as everybody without skills."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_SKILLS]})

    skills: list[Skill] = Field(max_length=64)


class SkillsView(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"agent_id": "8001", **_SKILLS}]})

    agent_id: str
    skills: list[Skill]


class SkillsSet(SkillsView):
    """``outcome`` null: not signed in to a seat, or the switch is away; then they count from the next time on."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"agent_id": "8001", **_SKILLS, "outcome": "done"}]})

    outcome: OutcomeKind | None


@router.get("/{agent_id}/skills", responses=documented(401, 403, 404))
async def read_skills(
    agent_id: AgentPath, me: Annotated[SignedIn, Depends(Require(Action.AGENT_LIST))], common: Common
) -> SkillsView:
    """The best first."""
    async with common.store.read() as session:
        person = await skills.person_of(session, agent_id)
        found = await skills.skills_of(session, person.id)
    return SkillsView(agent_id=agent_id, skills=_shown(found))


@router.put("/{agent_id}/skills", responses=documented(401, 403, 404, 422))
async def set_skills(
    agent_id: AgentPath,
    wanted: SkillsWanted,
    me: Annotated[SignedIn, Depends(Require(Action.AGENT_CONTROL))],
    common: Common,
) -> SkillsSet:
    """Audited with those before. A shift that goes on serves the new queues at once; a call that goes on stays."""
    levels = {one.queue: one.level for one in wanted.skills}
    if len(levels) < len(wanted.skills):
        raise InvalidField("skills", "each queue once")
    async with common.store.write() as session:
        person = await skills.person_of(session, agent_id, lock=True)
        await skills.write(session, common.store.keyring, common.topology, me.actor, person, levels, common.now())
        found = await skills.skills_of(session, person.id)
    return SkillsSet(agent_id=agent_id, skills=_shown(found), outcome=await skills.tell_switch(common, me, person))


def _shown(found: Sequence[UserSkill]) -> list[Skill]:
    return [Skill(queue=one.queue, level=one.level) for one in found]
