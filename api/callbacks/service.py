"""What people do with callbacks: take one, call, write down what came of it. Whoever holds the lease, and no other.

The lease and the call that is being placed stand in the database and are taken by one conditional update each, so that
two operators, two servers, or one that crashed in between never ring a citizen twice. For the same reason nobody dials
while the database is away (503), though calls that go on can be controlled.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import or_, update
from sqlalchemy.ext.asyncio import AsyncSession

from api.auth import audit
from api.auth.permissions import Action, allowed
from api.auth.sessions import SignedIn
from api.auth.shared import Shared
from api.callbacks.recorder import DONE, OPEN, conclude, last_attempt, tell_after, tries_of
from api.callbacks.rules import Result
from api.errors import NotFound, NotNow, answer_to
from api.store.tables import CallbackAttempt, CallbackRecord
from telephony.commands import CommandOutcome, PlaceCall
from telephony.errors import ActionUnanswered, TelephonyError, UnknownAgent
from telephony.ids import AgentId, CallId, LineNumber
from telephony.outbound import new_call_id


def agent_of(me: SignedIn) -> AgentId:
    """Who calls sits at a phone of the switch."""
    if me.agent_id is None:
        raise UnknownAgent("")
    return AgentId(me.agent_id)


async def find(session: AsyncSession, callback_id: str, *, lock: bool = False) -> CallbackRecord:
    row: CallbackRecord | None = await session.get(
        CallbackRecord, callback_id, with_for_update=True if lock else None, populate_existing=True
    )
    if row is None:
        raise NotFound("callback")
    return row


async def claim(session: AsyncSession, common: Shared, me: SignedIn, callback_id: str) -> CallbackRecord:
    """Mine until the lease runs out. Again by the same person: the lease begins anew."""
    own, now = agent_of(me), common.now()
    taken = await session.scalar(
        update(CallbackRecord)
        .where(
            CallbackRecord.id == callback_id,
            CallbackRecord.status == OPEN,
            CallbackRecord.dialling.is_(None),
            or_(CallbackRecord.leased_until.is_(None), CallbackRecord.leased_until <= now, CallbackRecord.owner == own),
        )
        .values(
            owner=own,
            leased_until=now + timedelta(seconds=common.settings.callback_lease_s),
            version=CallbackRecord.version + 1,
        )
        .returning(CallbackRecord.id)
    )
    row = await find(session, callback_id)
    if taken is None:
        raise NotNow("it is done" if row.status == DONE else "somebody else has taken it")
    await _changed(session, common, me, "callback.claim", row)
    return row


async def release(session: AsyncSession, common: Shared, me: SignedIn, callback_id: str) -> CallbackRecord:
    """For others to take. Not while its call goes on; a supervisor may do so for somebody else."""
    row = await _held(session, me, callback_id)
    if row.dialling is not None:
        raise NotNow("its call goes on")
    return await _let_go(session, common, me, row)


async def _let_go(session: AsyncSession, common: Shared, me: SignedIn, row: CallbackRecord) -> CallbackRecord:
    row.owner, row.leased_until = None, None
    row.version += 1
    await _changed(session, common, me, "callback.release", row)
    return row


async def dial(common: Shared, me: SignedIn, callback_id: str, *, takes: bool = False) -> tuple[CallId, CommandOutcome]:
    """Ring the operator's own phone, then the citizen's. Raises NotNow without a lease; once for each lease held.

    ``takes``: one click, the lease with it. Where nobody's phone rang it is given back, unless it was held before.
    """
    own, now = agent_of(me), common.now()
    call_id = new_call_id(now, secrets.randbelow(10**6))
    gives_back = False
    async with common.store.write() as session:
        if takes:
            gives_back = not _is_held(await find(session, callback_id), own, now)
            await claim(session, common, me, callback_id)
        row = await _begin(session, common, me, callback_id, call_id)
        number, line = row.number, row.line
    assert number is not None, "only an item with a number is begun"
    command = PlaceCall(call_id=call_id, agent_id=own, number=number, line=LineNumber(line or common.settings.line))
    try:
        return call_id, await common.switch.request(command)
    except TelephonyError as error:
        if not isinstance(error, ActionUnanswered):
            async with common.store.write() as session:
                row = await _never_placed(session, common, me, callback_id, call_id, answer_to(error).code)
                if gives_back and row.owner == own:
                    await _let_go(session, common, me, row)
        raise


async def _begin(
    session: AsyncSession, common: Shared, me: SignedIn, callback_id: str, call_id: CallId
) -> CallbackRecord:
    own, now = agent_of(me), common.now()
    begun = await session.scalar(
        update(CallbackRecord)
        .where(
            CallbackRecord.id == callback_id,
            CallbackRecord.status == OPEN,
            CallbackRecord.number.is_not(None),
            CallbackRecord.owner == own,
            CallbackRecord.leased_until > now,
            CallbackRecord.dialling.is_(None),
        )
        .values(
            dialling=call_id,
            leased_until=now + timedelta(seconds=common.settings.callback_lease_s),
            version=CallbackRecord.version + 1,
        )
        .returning(CallbackRecord.id)
    )
    row = await find(session, callback_id)
    if begun is None:
        raise NotNow(_why_not(row, own))
    session.add(CallbackAttempt(callback_id=row.id, at=now, agent_id=own, call_id=call_id))
    await session.flush()
    await _changed(session, common, me, "callback.dial", row, call_id=call_id)
    return row


def _why_not(row: CallbackRecord, own: AgentId) -> str:
    if row.status == DONE:
        return "it is done"
    if row.number is None:
        return "the number was withheld"
    if row.dialling is not None:
        return "its call goes on"
    return "the lease has run out" if row.owner == own else "take it first"


async def _never_placed(
    session: AsyncSession, common: Shared, me: SignedIn, callback_id: str, call_id: CallId, why: str
) -> CallbackRecord:
    """The switch took no order: nobody's phone rang, and the item may be dialled again."""
    row = await find(session, callback_id, lock=True)
    attempt = await last_attempt(session, callback_id)
    if attempt is not None and attempt.call_id == call_id:
        await session.delete(attempt)
    if row.dialling == call_id:
        row.dialling = None
        row.version += 1
    await _changed(session, common, me, "callback.not_dialled", row, call_id=call_id, result=why)
    return row


def _is_held(row: CallbackRecord, own: AgentId, now: datetime) -> bool:
    return row.owner == own and row.leased_until is not None and row.leased_until > now


async def write_outcome(
    session: AsyncSession, common: Shared, me: SignedIn, callback_id: str, result: Result, note: str
) -> CallbackRecord:
    """What came of the last attempt, or of one made by other means; over what the switch took it for."""
    row = await _held(session, me, callback_id)
    now = common.now()
    attempt = await last_attempt(session, callback_id)
    if attempt is None or attempt.agent_id != me.agent_id or (attempt.note is not None and row.dialling is None):
        attempt = CallbackAttempt(callback_id=row.id, at=now, agent_id=me.agent_id or "", ended_at=now)
        session.add(attempt)
    attempt.result, attempt.note = result.value, note
    await session.flush()
    if row.dialling is None:
        row.owner, row.leased_until = None, None
    row.version += 1
    conclude(row, result.value, await tries_of(session, row.id), common.settings, now)
    await _changed(session, common, me, "callback.outcome", row, result=result.value)
    return row


async def _held(session: AsyncSession, me: SignedIn, callback_id: str) -> CallbackRecord:
    """An open item that this person has taken and nobody has taken since; any, for a supervisor."""
    row = await find(session, callback_id, lock=True)
    if row.status == DONE:
        raise NotNow("it is done")
    if row.owner != me.agent_id and not allowed(me.role, Action.CALL_ANY):
        raise NotNow("take it first" if row.owner is None else "somebody else has taken it")
    return row


async def _changed(
    session: AsyncSession,
    common: Shared,
    me: SignedIn,
    action: str,
    row: CallbackRecord,
    *,
    result: str = "done",
    call_id: str | None = None,
) -> None:
    tell_after(session, row, common.publish)
    await audit.record(
        session,
        common.store.keyring,
        me.actor,
        action,
        "callback",
        row.id,
        now=common.now(),
        result=result,
        detail={"call_id": call_id} if call_id else {},
    )
