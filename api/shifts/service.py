"""What a shift is made of: a SIP password of its own, a row in the records, and a member of the queue."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.auth import audit
from api.auth.permissions import Role
from api.auth.sessions import SignedIn
from api.auth.shared import Shared
from api.calls.service import ask as ask_switch
from api.calls.shifts import close_shift, open_shift
from api.errors import Forbidden
from api.store.tables import Shift, User, UserSkill
from telephony.agents import Agent
from telephony.commands import Command, CommandOutcome, ReportDevice, SignIn, SignOut, WorkplacePart
from telephony.dialplan.topology import Topology
from telephony.errors import ActionUnanswered, TelephonyError, UnknownAgent
from telephony.events import AgentStatus
from telephony.ids import AgentId, QueueName, SeatId

LOCK_AGAIN_S = 2.0
FIRST_LEVEL = 1

log = structlog.get_logger(__name__)


class SeatKeys(Protocol):
    """SIP passwords of the seats, as the switch keeps them."""

    async def mint(self, seat: SeatId) -> str: ...

    async def revoke(self, seat: SeatId) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Phones:
    """How a browser reaches the switch. The lifespan of the application yields it as ``{"phones": Phones(...)}``."""

    keys: SeatKeys
    ws_url: str
    domain: str
    realm: str = "asterisk"


@dataclass(frozen=True, kw_only=True, slots=True)
class Seat:
    """Who sits where: the two things an account must have to take calls."""

    agent_id: AgentId
    seat: SeatId


def seat_of(me: SignedIn) -> Seat:
    if me.agent_id is None or me.seat is None:
        raise Forbidden("a shift without a work number and a seat")
    return Seat(agent_id=AgentId(me.agent_id), seat=SeatId(me.seat))


async def begin(common: Shared, phones: Phones, me: SignedIn) -> str:
    """The seat's SIP password for this shift. Signing in again (a reloaded page) only gives a new password; audited."""
    own = seat_of(me)
    async with common.store.write() as session:
        is_new = await open_shift(
            session, common.store.keyring, me, agent_id=own.agent_id, seat=own.seat, now=common.now()
        )
        if not is_new:
            await audit.record(
                session, common.store.keyring, me.actor, "shift.new_password", "seat", own.seat, now=common.now()
            )
        served = await served_by(session, me.user_id, me.role, common.settings.queue, common.topology)
    try:
        password = await phones.keys.mint(own.seat)
        agent = _at_seat(common, own)
        if agent is None:
            await common.switch.request(_sign_in(own, served))
        elif WorkplacePart.MICROPHONE in agent.broken:  # the new page says so again if it finds none either
            await common.switch.request(ReportDevice(agent_id=own.agent_id, works=True))
    except TelephonyError as error:
        if is_new and not isinstance(error, ActionUnanswered):
            await _close(common, me, own)
        raise
    return password


async def end(common: Shared, phones: Phones, me: SignedIn) -> None:
    """Refused in a call. Afterwards nobody can register at the seat."""
    own = seat_of(me)
    try:
        await common.switch.request(SignOut(agent_id=own.agent_id))
    except UnknownAgent:
        log.info("shift was not known to the switchboard", agent_id=own.agent_id)
    await _close(common, me, own)
    await phones.keys.revoke(own.seat)


async def ask(common: Shared, me: SignedIn, action: str, command: Command) -> CommandOutcome:
    """One of the agent's own commands, audited with what became of it."""
    return await ask_switch(common, me, action, "seat", seat_of(me).seat, command)


async def served_by(
    session: AsyncSession, user_id: int, role: str, queue: str, topology: Topology
) -> dict[QueueName, int]:
    """The queues that a person serves, and how soon they are rung in each: by their own skills, and where a queue
    overflows into one of these. Without any skill supervisors are the reserve of the main queue (their phone is there
    for supervision and own calls), and all others serve it."""
    rows = await session.scalars(select(UserSkill).where(UserSkill.user_id == user_id).order_by(UserSkill.queue))
    levels = {row.queue: row.level for row in rows}
    reserve = not levels and role == Role.SUPERVISOR
    penalties = topology.penalties(levels or {queue: FIRST_LEVEL}, reserve=reserve)
    return {QueueName(name): penalty for name, penalty in penalties.items()}


async def resumed(session: AsyncSession, shifts: Iterable[Shift], queue: str, topology: Topology) -> tuple[SignIn, ...]:
    """What a server that comes back asks of the switch, so that nobody has to sign in again."""
    asked = []
    for row in shifts:
        role = await session.scalar(select(User.role).where(User.id == row.user_id)) or ""
        served = await served_by(session, row.user_id, role, queue, topology)
        asked.append(_sign_in(Seat(agent_id=AgentId(row.agent_id), seat=SeatId(row.seat)), served))
    return tuple(asked)


async def lock(common: Shared, phones: Phones, seat: SeatId) -> None:
    """Nobody registers at this seat any more, unless somebody has signed in there since. Tried until the switch has
    done it."""
    while not any(agent.seat == seat for agent in common.switch.switchboard.agents.values()):
        try:
            await phones.keys.revoke(seat)
            return
        except TelephonyError as error:
            log.warning("seat not locked", seat=seat, error_type=type(error).__name__)
            await asyncio.sleep(LOCK_AGAIN_S)


def _sign_in(own: Seat, served: Mapping[QueueName, int]) -> SignIn:
    return SignIn(agent_id=own.agent_id, seat=own.seat, queues=tuple(served), levels=dict(served))


async def _close(common: Shared, me: SignedIn, own: Seat) -> None:
    async with common.store.write() as session:
        await close_shift(session, common.store.keyring, me, agent_id=own.agent_id, now=common.now())


def _at_seat(common: Shared, own: Seat) -> Agent | None:
    agent = common.switch.switchboard.agents.get(own.agent_id)
    at_seat = agent is not None and agent.status is not AgentStatus.SIGNED_OUT and agent.seat == own.seat
    return agent if at_seat else None
