"""Which waiting lines a person serves and at which level: set by supervisors and on the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import structlog
from sqlalchemy import Select, delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.auth import audit
from api.auth.audit import Actor
from api.auth.permissions import Role
from api.auth.sessions import SignedIn, normal_username
from api.auth.shared import Shared
from api.errors import InvalidField, NotFound
from api.shifts.service import served_by
from api.store.sealing import Keyring
from api.store.tables import User, UserSkill
from telephony.commands import OutcomeKind, ServeQueues
from telephony.dialplan.topology import Topology
from telephony.errors import TelephonyError
from telephony.ids import AgentId

FIRST, LAST = 1, 9
"""Levels: of two free operators the one with the lower is rung first."""

log = structlog.get_logger(__name__)


async def person_of(session: AsyncSession, agent_id: str, *, lock: bool = False) -> User:
    """Whose work number this is. Raises NotFound."""
    return await _found(session, select(User).where(User.agent_id == agent_id, User.active), "agent", lock=lock)


async def person_named(session: AsyncSession, username: str, *, lock: bool = False) -> User:
    """Raises NotFound."""
    return await _found(session, select(User).where(User.username == normal_username(username)), "user", lock=lock)


async def _found(session: AsyncSession, wanted: Select[User], what: str, *, lock: bool) -> User:
    person: User | None = await session.scalar(wanted.with_for_update() if lock else wanted)
    if person is None:
        raise NotFound(what)
    return person


async def skills_of(session: AsyncSession, user_id: int) -> Sequence[UserSkill]:
    """The best first."""
    wanted = select(UserSkill).where(UserSkill.user_id == user_id).order_by(UserSkill.level, UserSkill.queue)
    return (await session.scalars(wanted)).all()


async def write(
    session: AsyncSession,
    keyring: Keyring,
    topology: Topology,
    actor: Actor,
    person: User,
    levels: Mapping[str, int],
    now: datetime,
) -> None:
    """All the skills that this person, whose row is locked, has from now on; none: the main queue.

    Audited with those before. Raises InvalidField.
    """
    _check(topology, person, levels)
    before = {one.queue: one.level for one in await skills_of(session, person.id)}
    await session.execute(delete(UserSkill).where(UserSkill.user_id == person.id))
    session.add_all([UserSkill(user_id=person.id, queue=queue, level=level) for queue, level in levels.items()])
    await session.flush()
    detail = {"before": before, "after": dict(levels)}
    await audit.record(session, keyring, actor, "agent.skills", "user", str(person.id), now=now, detail=detail)


def _check(topology: Topology, person: User, levels: Mapping[str, int]) -> None:
    if person.agent_id is None or person.role == Role.REVISIT:
        raise InvalidField("agent_id", "of somebody who takes calls")
    known = [queue.name for queue in topology.queues]
    if not levels.keys() <= set(known):
        raise InvalidField("queue", f"one of {', '.join(known)}")
    if any(not FIRST <= level <= LAST for level in levels.values()):
        raise InvalidField("level", f"{FIRST} to {LAST}")


async def tell_switch(common: Shared, me: SignedIn, person: User) -> OutcomeKind | None:
    """A shift that goes on serves the new queues at once. None: there is none, or the switch is not there now; whoever
    comes back, the person or the link, begins with what is written down."""
    agent_id = AgentId(person.agent_id or "")
    if agent_id not in common.switch.switchboard.agents:
        return None
    async with common.store.read() as session:
        served = await served_by(session, person.id, person.role, common.settings.queue, common.topology)
    try:
        command = ServeQueues(agent_id=agent_id, queues=tuple(served), levels=served)
        return (await common.switch.request(command)).kind
    except TelephonyError as error:
        log.warning("skills not told", agent_id=agent_id, by=me.user_id, error_type=type(error).__name__)
        return None
