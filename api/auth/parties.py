"""Whose call it is: what the switch knows now, else what was recorded, and whether this person has a part in it."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.auth.idempotency import OnceRoute
from api.auth.permissions import Action, allowed
from api.auth.sessions import SignedIn
from api.auth.shared import Shared
from api.errors import Forbidden, NotFound
from api.store.tables import CallAgent, CallRecord
from telephony.calls import Call
from telephony.ids import AgentId, CallId
from telephony.targets import TargetKind
from telephony.transfers import TransferState


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownCall:
    """``agents``: the work numbers that have, or had, a part in it. ``caller_number`` is empty where it is unknown."""

    id: CallId
    caller_number: str
    phone_hash: str | None
    agents: frozenset[str]


async def known_call(session: AsyncSession, common: Shared, call_id: str) -> KnownCall:
    """Raises NotFound. A live call may have no record yet: records are written behind."""
    live = common.switch.switchboard.calls.get(CallId(call_id))
    record = await session.get(CallRecord, call_id)
    if live is None and record is None:
        raise NotFound("call")
    recorded = await session.scalars(select(CallAgent.agent_id).where(CallAgent.call_id == call_id))
    number = live.caller_number if live is not None else (record.caller_number if record is not None else None) or ""
    return KnownCall(
        id=CallId(call_id),
        caller_number=number,
        phone_hash=common.store.keyring.phone_hash(number),
        agents=frozenset({*recorded, *_live(common, live)}),
    )


async def call_of(session: AsyncSession, common: Shared, me: SignedIn, call_id: str, action: Action) -> KnownCall:
    """The call, if this person may do this with it: a party to it, or a role that may see any call."""
    call = await known_call(session, common, call_id)
    if me.agent_id in call.agents or allowed(me.role, Action.CALL_ANY):
        return call
    raise Forbidden(action)


async def call_of_party(session: AsyncSession, common: Shared, me: SignedIn, call_id: str, action: Action) -> KnownCall:
    """The call, if this person is a party to it, whatever the role may see."""
    call = await known_call(session, common, call_id)
    if me.agent_id in call.agents:
        return call
    raise Forbidden(action)


async def party_now(common: Shared, me: SignedIn, call_id: str, action: Action) -> None:
    """``call_of_party`` for commands: the switch knows without the database who is in a call that goes on."""
    live = common.switch.switchboard.calls.get(CallId(call_id))
    if live is None or me.agent_id not in _live(common, live):
        async with common.store.read() as session:
            await call_of_party(session, common, me, call_id, action)


class CallRoute(OnceRoute):
    """Routes below a call: what was answered once is answered again only to who still has a part in the call."""

    async def check_again(self, request: Request, common: Shared, me: SignedIn) -> None:
        call_id = request.path_params.get("call_id")
        if call_id is not None:
            async with common.store.read() as session:
                await call_of(session, common, me, call_id, Action.CALL_READ)


def _live(common: Shared, call: Call | None) -> set[str]:
    if call is None:
        return set()
    agents = {str(agent_id) for agent_id in (call.answered_by, call.offered_to) if agent_id}
    ours = (agent for agent in common.switch.switchboard.agents.values() if agent.call_id == call.id)
    return agents | {str(AgentId(agent.id)) for agent in ours} | _asked(common, call)


def _asked(common: Shared, call: Call) -> set[str]:
    """The colleague whom the call is being handed to."""
    transfer = common.switch.switchboard.transfers.get(call.id)
    asked = transfer is not None and transfer.target.kind is TargetKind.AGENT
    return {transfer.target.value} if transfer and asked and transfer.state is not TransferState.ENDED else set()
