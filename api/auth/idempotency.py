"""``Idempotency-Key`` on POST: the same request under the same key is done once and answered alike every time.

The claim on a key is committed before the work and the answer after it, so that no transaction stays open while the
switch is asked. Work whose answer got lost in a crash is safe to repeat by its own means (one draft per call, one
ticket per draft, commands checked against the model).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from sqlalchemy import delete, update

from api.auth.access import Require, find_signed_in
from api.auth.sessions import SignedIn
from api.auth.shared import Shared, shared
from api.errors import InvalidField, KeyReused, StillRunning, answer_to, body_of, documented
from api.store.engine import insert_into
from api.store.tables import IdempotencyKey

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
ABANDONED = timedelta(seconds=60)
"""A claim without an answer for so long belongs to a process that died."""
WAIT_S, POLL_S = 10.0, 0.05

_KEY = re.compile(r"[!-~]{1,128}")

_DESCRIBED = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "The same request under the same key is done once, and answered alike every time.",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": 128,
        "examples": ["6f1b1e0a-9d0e-4f7e-8a52-1f0c2b7d5e10"],
    },
}

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
Check = Callable[[Request, Shared, SignedIn], Coroutine[Any, Any, None]]


class OnceRoute(APIRoute):
    """The route class of every router whose POSTs may be repeated; signing in and a pass have an answer only once."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        if "POST" in (options.get("methods") or ()):
            options["responses"] = {**documented(409, 422), **(options.get("responses") or {})}
            options["openapi_extra"] = {"parameters": [_DESCRIBED]}
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Handler:
        original = super().get_route_handler()

        async def handle(request: Request) -> Response:
            key = request.headers.get(HEADER)
            if request.method != "POST" or key is None:
                return await original(request)
            if not _KEY.fullmatch(key):
                raise InvalidField(HEADER, "1 to 128 visible ASCII characters")
            me = await find_signed_in(request)
            if me is None:
                return await original(request)
            self._check_role(me)
            return await _once(original, request, me, key, self.check_again)

        return handle

    async def check_again(self, request: Request, common: Shared, me: SignedIn) -> None:
        """Before a stored answer goes out again: raises where this person may not see its object any more."""

    def _check_role(self, me: SignedIn) -> None:
        """An answer that was given once is given again only to who may still ask for it."""
        for declared in self.dependant.dependencies:
            if isinstance(declared.call, Require):
                declared.call.check(me)


async def _once(original: Handler, request: Request, me: SignedIn, key: str, check_again: Check) -> Response:
    common, user_id = shared(request), me.user_id
    body = await request.body()
    place = f"{request.method} {request.url.path}?{request.url.query}"
    request_hash = common.store.keyring.tag("request", f"{place}\n{body.hex()}")
    stored = await _claim(common, user_id, key, request_hash)
    if stored is not None:
        await check_again(request, common, me)
        return stored
    try:
        response = await original(request)
    except Exception as error:
        if answer_to(error).status >= 300:
            await _give_up(common, user_id, key)
            raise
        response = JSONResponse(body_of(error), status_code=answer_to(error).status)
    await _keep(common, user_id, key, response)
    return response


async def _claim(common: Shared, user_id: int, key: str, request_hash: str) -> Response | None:
    """None: the work is ours. Otherwise the stored answer, waited for if the first request is still at it."""
    deadline = asyncio.get_running_loop().time() + WAIT_S
    while True:
        async with common.store.write() as session:
            now = common.now()
            claimed = await session.scalar(
                insert_into(session, IdempotencyKey)
                .values(user_id=user_id, key=key, request_hash=request_hash, created_at=now)
                .on_conflict_do_nothing()
                .returning(IdempotencyKey.key)
            )
            if claimed is not None:
                return None
            known = await session.get(IdempotencyKey, (user_id, key), with_for_update=True)
            if known is not None:
                if known.request_hash != request_hash:
                    raise KeyReused
                if known.status is not None:
                    return _answer(known)
                if now - known.created_at > ABANDONED:
                    known.created_at = now
                    return None
        if asyncio.get_running_loop().time() > deadline:
            raise StillRunning
        await asyncio.sleep(POLL_S)


def _answer(known: IdempotencyKey) -> Response:
    assert known.status is not None
    return Response(
        known.body.encode() if known.body else b"",
        status_code=known.status,
        media_type=known.media_type,
        headers={REPLAYED: "true"},
    )


async def _keep(common: Shared, user_id: int, key: str, response: Response) -> None:
    body = bytes(response.body).decode()
    media_type = response.headers.get("content-type")
    async with common.store.write() as session:
        await session.execute(
            update(IdempotencyKey)
            .where(IdempotencyKey.user_id == user_id, IdempotencyKey.key == key)
            .values(status=response.status_code, media_type=media_type, body=body)
        )


async def _give_up(common: Shared, user_id: int, key: str) -> None:
    async with common.store.write() as session:
        await session.execute(
            delete(IdempotencyKey).where(IdempotencyKey.user_id == user_id, IdempotencyKey.key == key)
        )
