"""The summary of a handoff on its way to the centre's own system: sent once at a time, tried again, then given up.

No centre waits for another: each request has its own time, and an answer that is too long is not read to its end.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
import structlog
from sqlalchemy import select, update

from api.auth import audit
from api.handoffs.ledger import PushState
from api.handoffs.recorder import mark_pushed, tell_after
from api.settings import Settings
from api.store.engine import Store
from api.store.sealing import Keyring
from api.store.tables import HandoffRecord
from api.tickets.service import draft_of_call
from telephony.dialplan.topology import Topology, TopologyError

log = structlog.get_logger(__name__)

TIMEOUT_S = 5.0
"""Of one request with its whole answer, however slowly that comes."""
MOST_BYTES = 16 << 10
"""Of an answer so much is read; a receipt is short."""
EVERY_S = 1.0
UNDER_WAY = timedelta(seconds=30)
"""So long a row that is being sent is left alone by others; longer than any request takes."""
WAITS_S = (5.0, 15.0, 60.0, 300.0)
"""Between one try and the next; after the last the push has failed, until a person asks for it again."""
MOST_AT_ONCE = 10

_RECEIPT = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,63}", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class Claimed:
    """A row whose turn it is; nobody else sends it meanwhile."""

    id: str
    number: str
    centre: str
    version: int
    tries: int
    body: Mapping[str, Any]


def check_addresses(centres: Iterable[str], known: Topology) -> None:
    """Raises TopologyError where an address is given for nobody: nothing would ever be sent there."""
    unknown = sorted(set(centres) - {centre.code for centre in known.centres})
    if unknown:
        raise TopologyError([("HOTLINE_CENTRE_PUSH", f"{', '.join(unknown)}: no such centre in hotline.toml")])


class Pusher:
    """``run`` for ever. Each request carries the handoff's number, so that a centre knows what it has already."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        publish: Callable[[object], None],
        now: Callable[[], datetime],
        *,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """``transport`` instead of the network (tests)."""
        self._store = store
        self._settings = settings
        self._publish = publish
        self._now = now
        self._transport = transport

    async def run(self) -> None:
        if not self._settings.centre_push:
            return
        while True:
            try:
                await self.send_due()
            except Exception as error:
                log.warning("handoffs not pushed", error_type=type(error).__name__)
            await asyncio.sleep(EVERY_S)

    async def send_due(self) -> int:
        """Send what is due now; how many were tried."""
        claimed = await self._claim()
        if not claimed:
            return 0
        async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False, transport=self._transport) as client:
            sent = await asyncio.gather(*(self._send(client, one) for one in claimed), return_exceptions=True)
        for error in sent:
            if isinstance(error, Exception):
                log.warning("handoff not pushed", error_type=type(error).__name__)
        return len(claimed)

    async def _claim(self) -> list[Claimed]:
        now = self._now()
        async with self._store.read() as session:
            due = await session.scalar(
                select(HandoffRecord.id).where(HandoffRecord.push_due_at <= now, _PENDING).limit(1)
            )
        if due is None:
            return []
        async with self._store.write() as session:
            rows = await session.scalars(
                select(HandoffRecord)
                .where(HandoffRecord.push_due_at <= now, _PENDING)
                .order_by(HandoffRecord.push_due_at)
                .limit(MOST_AT_ONCE)
                .with_for_update(skip_locked=True)
            )
            claimed = []
            for row in rows.all():
                row.push_due_at = now + UNDER_WAY
                draft = await draft_of_call(session, row.call_id)
                values = draft.values if draft is not None else {}
                claimed.append(
                    Claimed(
                        id=row.id,
                        number=row.number,
                        centre=row.centre,
                        version=row.version,
                        tries=row.push_tries,
                        body=summary_of(row, values, self._settings.line),
                    )
                )
        return claimed

    async def _send(self, client: httpx.AsyncClient, one: Claimed) -> None:
        address = self._settings.centre_push.get(one.centre)
        if address is None:
            await self._failed(one, "no_address", final=True)
            return
        content = json.dumps(one.body, ensure_ascii=False).encode()
        headers = {
            "Content-Type": "application/json",
            "Accept-Encoding": "identity",
            "Idempotency-Key": f"{one.number}.{one.version}",
        }
        secret = self._settings.centre_push_key
        if secret is not None:
            headers["X-Hotline-Signature"] = signature(secret.get_secret_value(), content)
        try:
            async with asyncio.timeout(TIMEOUT_S):
                status, body = await _answer(client, address, content, headers)
        except Exception as error:  # of this centre's system; it counts as one try
            await self._failed(one, type(error).__name__)
            return
        if 200 <= status < 300:
            await self._pushed(one, receipt_in(body))
        else:
            refused = 400 <= status < 500 and status not in (408, 409, 429)
            await self._failed(one, f"http_{status}", final=refused)

    async def _pushed(self, one: Claimed, receipt: str | None) -> None:
        now = self._now()
        async with self._store.write() as session:
            await mark_pushed(session, one.id, at=now, receipt=receipt)
            row = await session.get_one(HandoffRecord, one.id, populate_existing=True)
            tell_after(session, [row], self._publish)
            await _audit(session, self._store.keyring, one, now, "done", {"receipt": receipt is not None})

    async def _failed(self, one: Claimed, error: str, *, final: bool = False) -> None:
        now = self._now()
        again = None if final or one.tries >= len(WAITS_S) else now + timedelta(seconds=WAITS_S[one.tries])
        state = PushState.FAILED if again is None else PushState.PENDING
        log.warning("handoff not pushed", centre=one.centre, error_type=error, tries=one.tries + 1)
        async with self._store.write() as session:
            await session.execute(
                update(HandoffRecord)
                .where(HandoffRecord.id == one.id)
                .values(
                    push_state=state.value,
                    push_due_at=again,
                    push_error=error[:48],
                    push_tries=one.tries + 1,
                    version=HandoffRecord.version + 1,
                )
            )
            row = await session.get_one(HandoffRecord, one.id, populate_existing=True)
            tell_after(session, [row], self._publish)
            await _audit(session, self._store.keyring, one, now, state.value, {"error": error[:48]})


async def _answer(
    client: httpx.AsyncClient, address: str, content: bytes, headers: Mapping[str, str]
) -> tuple[int, bytes]:
    """Status, and no more than ``MOST_BYTES`` of the body."""
    async with client.stream("POST", address, content=content, headers=headers) as answer:
        body = b""
        if answer.headers.get("Content-Encoding", "identity") != "identity":
            return answer.status_code, body  # nobody asked for it packed, and unpacked it may be of any size
        async for piece in answer.aiter_bytes():
            body += piece[: MOST_BYTES - len(body)]
            if len(body) >= MOST_BYTES:
                break
        return answer.status_code, body


_PENDING = HandoffRecord.push_state == PushState.PENDING.value


async def _audit(
    session: Any, keyring: Keyring, one: Claimed, now: datetime, result: str, detail: Mapping[str, Any]
) -> None:
    await audit.record(
        session,
        keyring,
        audit.SYSTEM,
        "handoff.pushed",
        "handoff",
        one.id,
        now=now,
        result=result,
        detail={"centre": one.centre, **detail},
    )


def summary_of(row: HandoffRecord, values: Mapping[str, Any], line: str) -> dict[str, Any]:
    """What the centre is told: the whole number, for it is the centre that calls the citizen now."""

    def text(name: str) -> str:
        value = values.get(name)
        return value if isinstance(value, str) else ""

    hidden = bool(values.get("confidential") or values.get("anonymous"))
    return {
        "number": row.number,
        "from": line,
        "centre": row.centre,
        "at": row.started_at.isoformat(),
        "summary": row.summary or text("title"),
        "description": text("description"),
        "address": text("address"),
        "occur_time": text("occur_time"),
        "caller_name": "" if hidden else text("caller_name"),
        "callback_number": text("contact_phone"),
        "confidential": hidden,
    }


def signature(secret: str, content: bytes) -> str:
    """Proves to the centre that the summary is ours and whole."""
    return "sha256=" + hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()


def receipt_in(body: bytes) -> str | None:
    """``{"receipt": "..."}`` where the centre's system gives one of a plain form."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return None
    receipt = told.get("receipt") if isinstance(told, dict) else None
    return receipt if isinstance(receipt, str) and _RECEIPT.fullmatch(receipt) else None
