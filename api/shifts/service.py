"""What a shift is made of: a SIP password of its own, a row in the records, and a member of the queue."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.auth import audit
from api.auth.audit import Entry
from api.auth.permissions import Role
from api.auth.sessions import SignedIn
from api.auth.shared import Shared
from api.auth.standby import ShiftEnded
from api.calls.service import ask as ask_switch
from api.errors import Forbidden, InvalidField
from api.shifts.opened import open_shift
from api.store.tables import Shift, User, UserSkill
from telephony.agents import Agent
from telephony.commands import Command, CommandOutcome, ReportDevice, ServeQueues, SignIn, SignOut, WorkplacePart
from telephony.dialplan.topology import Topology
from telephony.errors import ActionUnanswered, TelephonyError, UnknownAgent
from telephony.events import AgentStatus
from telephony.ids import AgentId, QueueName, SeatId
from telephony.targets import SeatKind

LOCK_AGAIN_S = 2.0
CAUGHT_UP_S = 2.0
FIRST_LEVEL = 1

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class SeatLeft:
    """Nobody is to register at this browser's seat any more, and the switch could not be told."""

    seat: SeatId


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
    """Who sits where, and at what phone."""

    agent_id: AgentId
    seat: SeatId
    kind: SeatKind


def agent_of(me: SignedIn) -> AgentId:
    """The work number, without which nobody has a shift."""
    if me.agent_id is None:
        raise Forbidden("a shift without a work number and a seat")
    return AgentId(me.agent_id)


def seat_of(common: Shared, me: SignedIn, wanted: str | None = None) -> Seat:
    """The seat that is asked for; else the one where this person sits now; else the own one of the account.

    A desk phone is anybody's, a browser's seat its owner's alone. Raises InvalidField.
    """
    agent_id = agent_of(me)
    sits = common.switch.switchboard.agents.get(agent_id)
    seat = wanted or (sits.seat if sits is not None else me.seat)
    if seat is None and common.topology.desk_seats:
        raise InvalidField("seat", "a desk phone that is free: the account has no seat of its own")
    if seat is None:
        raise Forbidden("a shift without a work number and a seat")
    if wanted is not None and wanted != me.seat and wanted not in common.topology.desk_seats:
        raise InvalidField("seat", "one's own seat or a desk phone")
    return Seat(agent_id=agent_id, seat=SeatId(seat), kind=kind_of(common.topology, seat))


def kind_of(topology: Topology, seat: str) -> SeatKind:
    return SeatKind.DESK_PHONE if seat in topology.desk_seats else SeatKind.SOFTPHONE


def seats_for(common: Shared, me: SignedIn) -> Sequence[tuple[Seat, AgentId | None]]:
    """Where this person may sit, and who sits there now: the own seat first."""
    agent_id = agent_of(me)
    taken = {agent.seat: agent.id for agent in common.switch.switchboard.agents.values()}
    numbers = dict.fromkeys(SeatId(seat) for seat in (me.seat, *common.topology.desk_seats) if seat is not None)
    kinds = ((seat, kind_of(common.topology, seat)) for seat in numbers)
    return [(Seat(agent_id=agent_id, seat=seat, kind=kind), taken.get(seat)) for seat, kind in kinds]


async def begin(common: Shared, phones: Phones, me: SignedIn, own: Seat) -> str | None:
    """The seat's SIP password for this shift; None for a desk phone, which has its own. Signing in again (a reloaded
    page) only gives a new password; audited."""
    await common.standby.records.caught_up(CAUGHT_UP_S)  # an end of the shift before this one may be on its way
    desk_phone = own.kind is SeatKind.DESK_PHONE
    async with common.store.write() as session:
        is_new = await open_shift(
            session, common.store.keyring, me, agent_id=own.agent_id, seat=own.seat, now=common.now()
        )
        if not is_new and not desk_phone:
            await audit.record(
                session, common.store.keyring, me.actor, "shift.new_password", "seat", own.seat, now=common.now()
            )
        served = await served_by(session, me.user_id, me.role, common.settings.queue, common.topology)
    try:
        password = None if desk_phone else await phones.keys.mint(own.seat)
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
    """Refused in a call. Afterwards nobody can register at a browser's seat.

    It is written behind, so that a shift ends while the database is away as well; a seat that the switch cannot lock
    now is locked as soon as it can.
    """
    own = seat_of(common, me)
    try:
        await common.switch.request(SignOut(agent_id=own.agent_id))
    except UnknownAgent:
        log.info("shift was not known to the switchboard", agent_id=own.agent_id)
    await _close(common, me, own)
    if own.kind is SeatKind.DESK_PHONE:
        return
    try:
        await phones.keys.revoke(own.seat)
    except TelephonyError as error:
        log.warning("seat not locked", seat=own.seat, error_type=type(error).__name__)
        common.publish(SeatLeft(seat=own.seat))


async def ask(common: Shared, me: SignedIn, action: str, command: Command) -> CommandOutcome:
    """One of the agent's own commands, audited with what became of it."""
    return await ask_switch(common, me, action, "seat", seat_of(common, me).seat, command)


async def served_by(
    session: AsyncSession, user_id: int, role: str, queue: str, topology: Topology
) -> dict[QueueName, int]:
    """The queues that a person serves, and how soon they are rung in each: by their own skills, and where a queue
    overflows into one of these. Without any skill supervisors are the reserve of the main queue (their phone is there
    for supervision and own calls), and all others serve it. Who revisits places calls and is served none."""
    if role == Role.REVISIT:
        return {}
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
        kind = kind_of(topology, row.seat)
        asked.append(_sign_in(Seat(agent_id=AgentId(row.agent_id), seat=SeatId(row.seat), kind=kind), served))
    return tuple(asked)


def serves(sign_in: SignIn) -> ServeQueues:
    """The same queues, for somebody who is there already."""
    return ServeQueues(agent_id=sign_in.agent_id, queues=sign_in.queues, levels=sign_in.levels)


async def lock(common: Shared, phones: Phones, seat: SeatId) -> None:
    """Nobody registers at this seat any more, unless somebody has signed in there since. Tried until the switch has
    done it. A desk phone stays registered: it is nobody's."""
    while kind_of(common.topology, seat) is SeatKind.SOFTPHONE and not any(
        agent.seat == seat for agent in common.switch.switchboard.agents.values()
    ):
        try:
            await phones.keys.revoke(seat)
            return
        except TelephonyError as error:
            log.warning("seat not locked", seat=seat, error_type=type(error).__name__)
            await asyncio.sleep(LOCK_AGAIN_S)


def _sign_in(own: Seat, served: Mapping[QueueName, int]) -> SignIn:
    return SignIn(agent_id=own.agent_id, seat=own.seat, kind=own.kind, queues=tuple(served), levels=dict(served))


async def _close(common: Shared, me: SignedIn, own: Seat) -> None:
    now = common.now()
    common.standby.records.put(ShiftEnded(agent_id=own.agent_id, at=now))
    await common.standby.audited(
        Entry(at=now, actor=me.actor, action="shift.sign_out", object_type="seat", object_id=own.seat)
    )


def _at_seat(common: Shared, own: Seat) -> Agent | None:
    agent = common.switch.switchboard.agents.get(own.agent_id)
    at_seat = agent is not None and agent.status is not AgentStatus.SIGNED_OUT and agent.seat == own.seat
    return agent if at_seat else None
