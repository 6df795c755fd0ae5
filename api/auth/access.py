"""The dependencies every route declares: who is asking, and the one action the route lets them do."""

from __future__ import annotations

import hmac
from datetime import datetime
from typing import Annotated, cast

from fastapi import Depends, Request
from fastapi.security import APIKeyCookie

from api.auth.permissions import Action, allowed
from api.auth.sessions import SignedIn, hashed
from api.auth.shared import Switch, shared
from api.errors import CsrfRefused, Forbidden, NotSignedIn
from telephony.ids import AgentId

CSRF_HEADER = "X-CSRF-Token"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

session_cookie = APIKeyCookie(
    name="hotline_session_12345",
    auto_error=False,
    description="Set by POST /api/v1/session; the number is HOTLINE_PORT_BASE.",
)


CSRF_DESCRIBED = {
    "name": CSRF_HEADER,
    "in": "header",
    "required": True,
    "description": "`csrf` of the session.",
    "schema": {"type": "string"},
}


def address_of(request: Request) -> str:
    """Where the request came from (behind a proxy: what the proxy says, if uvicorn was told to trust it)."""
    return request.client.host[:64] if request.client else "unknown"


def in_call(switch: Switch, agent_id: str) -> datetime | None:
    """Since when this person's seat rings, talks, or wraps up; None if it does not."""
    agent = switch.switchboard.agents.get(AgentId(agent_id))
    if agent is None or agent.call_id is None:
        return None
    call = switch.switchboard.calls.get(agent.call_id)
    return agent.since if call is None else call.offered_at or call.arrived_at


async def find_signed_in(request: Request) -> SignedIn | None:
    """Looked up once for each request. Raises CsrfRefused for a change without the session's token."""
    if not hasattr(request.state, "signed_in"):
        request.state.signed_in = await _look_up(request)
    return cast("SignedIn | None", request.state.signed_in)


async def _look_up(request: Request) -> SignedIn | None:
    common = shared(request)
    token = request.cookies.get(common.settings.session_cookie)
    if not token:
        return None
    me = await common.standby.signed_in(
        session_hash=hashed(token),
        address=address_of(request),
        now=common.now(),
        in_call=lambda agent_id: in_call(common.switch, agent_id),
    )
    if me is not None and request.method not in SAFE:
        sent = request.headers.get(CSRF_HEADER, "")
        if not hmac.compare_digest(sent.encode(), me.csrf.encode()):
            raise CsrfRefused
    return me


class Require:
    """``Annotated[SignedIn, Depends(Require(Action.X))]``: the person, or 401, or 403."""

    def __init__(self, action: Action) -> None:
        self.action = action

    async def __call__(self, request: Request, _: Annotated[str | None, Depends(session_cookie)]) -> SignedIn:
        me = await find_signed_in(request)
        if me is None:
            raise NotSignedIn
        self.check(me)
        return me

    def check(self, me: SignedIn) -> None:
        if not allowed(me.role, self.action):
            raise Forbidden(self.action)


def anyone() -> None:
    """Declared by the few routes that need no session."""
