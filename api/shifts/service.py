"""What a shift is made of: a SIP password of its own, a row in the records, and a member of the queue."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import structlog

from api.auth import audit
from api.auth.sessions import SignedIn
from api.auth.shared import Shared
from api.calls.shifts import close_shift, open_shift
from api.errors import Forbidden, answer_to
from api.store.tables import Shift
from telephony.commands import Command, CommandOutcome, SignIn, SignOut
from telephony.errors import ActionUnanswered, TelephonyError, UnknownAgent
from telephony.events import AgentStatus
from telephony.ids import AgentId, QueueName, SeatId

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
    try:
        password = await phones.keys.mint(own.seat)
        if not _at_seat(common, own):
            await common.switch.request(_sign_in(own, common.settings.queue))
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
    own = seat_of(me)
    result = "failed"
    try:
        outcome = await common.switch.request(command)
        result = outcome.kind.value
    except TelephonyError as error:
        result = answer_to(error).code
        raise
    finally:
        async with common.store.write() as session:
            await audit.record(
                session, common.store.keyring, me.actor, action, "seat", own.seat, now=common.now(), result=result
            )
    return outcome


def resumed(shifts: Iterable[Shift], queue: str) -> tuple[SignIn, ...]:
    """What a server that comes back asks of the switch, so that nobody has to sign in again."""
    return tuple(_sign_in(Seat(agent_id=AgentId(row.agent_id), seat=SeatId(row.seat)), queue) for row in shifts)


def _sign_in(own: Seat, queue: str) -> SignIn:
    return SignIn(agent_id=own.agent_id, seat=own.seat, queues=(QueueName(queue),))


async def _close(common: Shared, me: SignedIn, own: Seat) -> None:
    async with common.store.write() as session:
        await close_shift(session, common.store.keyring, me, agent_id=own.agent_id, now=common.now())


def _at_seat(common: Shared, own: Seat) -> bool:
    agent = common.switch.switchboard.agents.get(own.agent_id)
    return agent is not None and agent.status is not AgentStatus.SIGNED_OUT and agent.seat == own.seat
