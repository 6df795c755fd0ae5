"""Voice messages of missed callers: which items have some, and the sound of one for whoever calls back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.auth.sessions import SignedIn
from api.auth.shared import Shared
from api.callbacks.rules import Reason
from api.callbacks.service import find
from api.calls.service import heard
from api.errors import NotFound
from api.recordings.keeping import State
from api.store.tables import CallbackCall, CallEventRecord, RecordingRecord
from telephony.events import MessageLeft
from telephony.ids import CallId

LEG = "message"


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """What a caller said whom nobody could answer. ``call_id``: the missed call at whose end it was left."""

    call_id: str
    at: datetime


Messages = Mapping[str, Sequence[Message]]


async def messages_of(session: AsyncSession, callback_ids: Sequence[str]) -> Messages:
    """By item, the newest first; without those that have been erased. Either of two writers may know of one first."""
    grouped: defaultdict[str, list[Message]] = defaultdict(list)
    if not callback_ids:
        return grouped
    told = exists().where(CallEventRecord.call_id == CallbackCall.call_id, CallEventRecord.kind == MessageLeft.__name__)
    erased = exists().where(
        RecordingRecord.call_id == CallbackCall.call_id, RecordingRecord.state == State.ERASED.value
    )
    rows = await session.execute(
        select(CallbackCall.callback_id, CallbackCall.call_id, CallbackCall.at)
        .where(
            CallbackCall.callback_id.in_(callback_ids), or_(CallbackCall.reason == Reason.MESSAGE.value, told), ~erased
        )
        .order_by(CallbackCall.at.desc(), CallbackCall.call_id.desc())
    )
    for callback_id, call_id, at in rows:
        grouped[callback_id].append(Message(call_id=call_id, at=at))
    return grouped


async def sound(common: Shared, me: SignedIn, callback_id: str, call_id: str | None, *, piece: str) -> tuple[str, Path]:
    """The call and the file of its message: of this call of the item, else the newest. Audited each time."""
    async with common.store.read() as session:
        await find(session, callback_id)
        left = (await messages_of(session, [callback_id])).get(callback_id, ())
    wanted = next((one.call_id for one in left if call_id in (None, one.call_id)), None)
    path = None if wanted is None else await common.recordings.find(CallId(wanted), LEG)
    if wanted is None or path is None:
        raise NotFound("message")
    await heard(common, me, wanted, LEG, piece=piece, callback_id=callback_id)
    return wanted, path
