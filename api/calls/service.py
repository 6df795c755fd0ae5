"""What is done with calls: hang up, reveal a number, listen, and close what ended unseen."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from api.auth import audit, parties
from api.auth.audit import Entry
from api.auth.permissions import Action
from api.auth.sessions import SignedIn
from api.auth.shared import Shared
from api.calls import queries
from api.calls.recorder import record
from api.errors import Forbidden, NotFound, answer_to
from api.store.engine import Store
from telephony.commands import Command, CommandOutcome, HangUpCall
from telephony.errors import TelephonyError
from telephony.events import CallEnded, CallOutcome
from telephony.ids import AgentId, CallId


async def hang_up(common: Shared, me: SignedIn, call_id: str) -> CommandOutcome:
    """End the whole call. Raises Refused, SwitchUnavailable, ActionUnanswered ..."""
    return await ask_as_party(
        common,
        me,
        call_id,
        Action.CALL_HANG_UP,
        "call.hang_up",
        lambda agent_id: HangUpCall(call_id=CallId(call_id), agent_id=agent_id),
    )


async def ask_as_party(
    common: Shared,
    me: SignedIn,
    call_id: str,
    allowed: Action,
    action: str,
    command: Callable[[AgentId], Command],
    *,
    detail: Mapping[str, Any] | None = None,
) -> CommandOutcome:
    """A command about a call that this person has a part in; whether it is legal now, the switchboard knows."""
    await parties.party_now(common, me, call_id, allowed)
    if me.agent_id is None:
        raise Forbidden(allowed)
    return await ask(common, me, action, "call", call_id, command(AgentId(me.agent_id)), detail=detail)


async def ask(
    common: Shared,
    me: SignedIn,
    action: str,
    object_type: str,
    object_id: str,
    command: Command,
    *,
    detail: Mapping[str, Any] | None = None,
) -> CommandOutcome:
    """Ask the switch once; whatever comes of it is audited. Raises Refused, SwitchUnavailable, ActionUnanswered ..."""
    result = "failed"
    try:
        outcome = await common.switch.request(command)
        result = outcome.kind.value
    except TelephonyError as error:
        result = answer_to(error).code
        raise
    finally:
        entry = Entry(
            at=common.now(),
            actor=me.actor,
            action=action,
            object_type=object_type,
            object_id=object_id,
            result=result,
            detail=dict(detail or {}),
        )
        await common.standby.audited(entry)
    return outcome


async def reveal_number(session: AsyncSession, common: Shared, me: SignedIn, call_id: str, reason: str) -> str:
    """The caller's whole number. The reason is kept in the audit log."""
    call = await parties.call_of(session, common, me, call_id, Action.NUMBER_REVEAL)
    await audit.record(
        session,
        common.store.keyring,
        me.actor,
        "number.reveal",
        "call",
        call.id,
        now=common.now(),
        detail={"reason": reason},
    )
    return call.caller_number


async def recording(common: Shared, me: SignedIn, call_id: str, leg: str, *, piece: str) -> Path:
    """The file, which this person may hear. Audited each time: whoever asks for all but one byte has heard it, too."""
    async with common.store.read() as session:
        call = await parties.call_of(session, common, me, call_id, Action.RECORDING_LISTEN)
    path = await common.recordings.find(call.id, leg)
    if path is None:
        raise NotFound("recording")
    await heard(common, me, call.id, leg, piece=piece)
    return path


async def heard(common: Shared, me: SignedIn, call_id: str, leg: str, *, piece: str, **more: str) -> None:
    """Audit that this person is given the sound; ``piece`` is the range that was asked for."""
    detail = {"leg": leg, **more} | ({"range": piece[:64]} if piece else {})
    async with common.store.write() as session:
        await audit.record(
            session,
            common.store.keyring,
            me.actor,
            "recording.listen",
            "call",
            call_id,
            now=common.now(),
            detail=detail,
        )


async def close_lost(
    store: Store, live: Collection[CallId], now: datetime, *, untold: Collection[CallId] = ()
) -> tuple[CallId, ...]:
    """End, as lost, every recorded call that is open here and unknown to the switch. Call when the link has come up.

    Its length is not guessed: nobody saw the end. ``untold`` are over too, though they are among the live.
    """
    async with store.write() as session:
        opened = await queries.open_calls(session)
        lost = tuple(call_id for call_id in opened if call_id not in live or call_id in untold)
        for call_id in lost:
            await record(session, store.keyring, lost_call(call_id, now))
    return lost


def lost_call(call_id: CallId, now: datetime) -> CallEnded:
    return CallEnded(at=now, call_id=call_id, outcome=CallOutcome.LOST, ended_by="unknown", wait_s=None, talk_s=None)
