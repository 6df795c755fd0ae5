"""``Idempotency-Key`` on POST: the same request under the same key is done once and answered alike every time.

The claim on a key is committed before the work and the answer after it, so that no transaction stays open while the
switch is asked. Work whose answer got lost in a crash is safe to repeat by its own means (one draft per call, one
ticket per draft, commands checked against the model). Commands about calls hold their keys in memory first: they work
while the database is away.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, TypeAlias

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from sqlalchemy import delete, update

from api.auth.access import Require, find_signed_in
from api.auth.keys import KeyClaim, Stored
from api.auth.sessions import SignedIn
from api.auth.shared import Shared, shared
from api.errors import InvalidField, KeyReused, StillRunning, answer_to, body_of, documented
from api.store.engine import insert_into
from api.store.reach import DatabaseAway
from api.store.refusals import is_away
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
Tried: TypeAlias = "Stored | _Running | None"
Ask = Callable[[Callable[[], Coroutine[Any, Any, Tried]]], Coroutine[Any, Any, Tried]]


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
            return await self.once(original, request, me, key)

        return handle

    async def once(self, original: Handler, request: Request, me: SignedIn, key: str) -> Response:
        return await _once(original, request, me, key, self.check_again)

    async def check_again(self, request: Request, common: Shared, me: SignedIn) -> None:
        """Before a stored answer goes out again: raises where this person may not see its object any more."""

    def _check_role(self, me: SignedIn) -> None:
        """An answer that was given once is given again only to who may still ask for it."""
        for declared in self.dependant.dependencies:
            if isinstance(declared.call, Require):
                declared.call.check(me)


class CommandRoute(OnceRoute):
    """Routes of commands to the switch, done once whether the database is there or not."""

    async def once(self, original: Handler, request: Request, me: SignedIn, key: str) -> Response:
        standby = shared(request).standby
        claim = await _claim_of(request, me, key)
        stored = await standby.keys.claim(claim, wait_s=WAIT_S)
        if stored is not None:
            return _again(stored)
        try:
            earlier = await self._earlier(shared(request), claim)
        except BaseException:
            standby.keys.settle(claim, None)
            raise
        if earlier is not None:
            standby.keys.settle(claim, earlier)
            return _again(earlier)
        try:
            response = await _answered(original, request)
        except Exception:
            standby.settle(claim, None)
            raise
        except BaseException:  # nobody knows what came of it: the table keeps the claim
            standby.keys.settle(claim, None)
            raise
        standby.settle(claim, _stored(response))
        return response

    async def _earlier(self, common: Shared, claim: KeyClaim) -> Stored | None:
        """What was answered before this process began. None as well where the database cannot be asked."""
        try:
            return await _claim(common, claim, lambda work: common.standby.writes.ask(work))
        except DatabaseAway:
            return None


async def _once(original: Handler, request: Request, me: SignedIn, key: str, check_again: Check) -> Response:
    common = shared(request)
    claim = await _claim_of(request, me, key)
    stored = await _claim(common, claim, lambda work: work())
    if stored is not None:
        await check_again(request, common, me)
        return _again(stored)
    try:
        response = await _answered(original, request)
    except Exception:
        await _give_up(common, claim)
        raise
    await _keep(common, claim, _stored(response))
    return response


async def _answered(original: Handler, request: Request) -> Response:
    """Raises what is no answer that would be given again."""
    try:
        return await original(request)
    except Exception as error:
        if answer_to(error).status >= 300:
            raise
        return JSONResponse(body_of(error), status_code=answer_to(error).status)


async def _claim_of(request: Request, me: SignedIn, key: str) -> KeyClaim:
    common = shared(request)
    body = await request.body()
    place = f"{request.method} {request.url.path}?{request.url.query}"
    return KeyClaim(
        user_id=me.user_id,
        key=key,
        request_hash=common.store.keyring.tag("request", f"{place}\n{body.hex()}"),
        claimed_at=common.now(),
    )


class _Running:
    """Somebody else is at it."""


async def _claim(common: Shared, claim: KeyClaim, ask: Ask) -> Stored | None:
    """None: the work is ours. Otherwise the stored answer, waited for if the first request is still at it."""
    deadline = asyncio.get_running_loop().time() + WAIT_S
    while isinstance(found := await ask(lambda: _try(common, claim)), _Running):
        if asyncio.get_running_loop().time() > deadline:
            raise StillRunning
        await asyncio.sleep(POLL_S)
    return found


async def _try(common: Shared, claim: KeyClaim) -> Stored | _Running | None:
    async with common.store.write() as session:
        now = common.now()
        claimed = await session.scalar(
            insert_into(session, IdempotencyKey)
            .values(user_id=claim.user_id, key=claim.key, request_hash=claim.request_hash, created_at=now)
            .on_conflict_do_nothing()
            .returning(IdempotencyKey.key)
        )
        if claimed is not None:
            return None
        known = await session.get(IdempotencyKey, (claim.user_id, claim.key), with_for_update=True)
        if known is not None:
            if known.request_hash != claim.request_hash:
                raise KeyReused
            if known.status is not None:
                return Stored(status=known.status, media_type=known.media_type, body=known.body or "")
            if now - known.created_at > ABANDONED:
                known.created_at = now
                return None
    return _Running()


def _stored(response: Response) -> Stored:
    return Stored(
        status=response.status_code,
        media_type=response.headers.get("content-type"),
        body=bytes(response.body).decode(),
    )


def _again(stored: Stored) -> Response:
    return Response(
        stored.body.encode(), status_code=stored.status, media_type=stored.media_type, headers={REPLAYED: "true"}
    )


async def _keep(common: Shared, claim: KeyClaim, answer: Stored) -> None:
    """What was done stays done: an answer that cannot be kept now is kept later."""
    try:
        async with common.store.write() as session:
            await session.execute(
                update(IdempotencyKey)
                .where(IdempotencyKey.user_id == claim.user_id, IdempotencyKey.key == claim.key)
                .values(status=answer.status, media_type=answer.media_type, body=answer.body)
            )
    except Exception as error:
        if not is_away(error):
            raise
        common.standby.keep_answer(claim, answer)


async def _give_up(common: Shared, claim: KeyClaim) -> None:
    try:
        async with common.store.write() as session:
            await session.execute(
                delete(IdempotencyKey).where(IdempotencyKey.user_id == claim.user_id, IdempotencyKey.key == claim.key)
            )
    except Exception as error:
        if not is_away(error):
            raise
        common.standby.keep_answer(claim, None)
