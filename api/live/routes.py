"""``/ws-ticket`` and the socket ``/live`` itself."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Annotated, cast
from urllib.parse import urlsplit

import structlog
from fastapi import APIRouter, Depends, Request, Response, WebSocket
from pydantic import BaseModel, ConfigDict
from sqlalchemy.exc import SQLAlchemyError

from api.auth.access import Require, in_call
from api.auth.permissions import Action
from api.auth.sessions import SignedIn
from api.auth.shared import Shared
from api.errors import documented
from api.live.consoles import Console
from api.live.hub import Hub
from api.live.messages import PROTOCOL
from api.live.pace import Pace
from api.live.passes import LIFE_S, Passes
from api.live.sockets import SocketPeer
from api.live.viewers import Viewer, viewer_of

log = structlog.get_logger(__name__)

router = APIRouter(tags=["live"])


@dataclass(frozen=True, kw_only=True)
class Live:
    """What the socket needs beside ``Shared``. The lifespan of the application yields it as ``{"live": Live(...)}``."""

    hub: Hub
    build: str
    allowed_origins: tuple[str, ...] = ()
    passes: Passes = field(default_factory=Passes)
    pace: Pace = field(default_factory=Pace)


class PassView(BaseModel):
    """Goes into the socket's first message, once, within ``expires_in_s``."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"ticket": "u3Vd0c9e…", "expires_in_s": 30}]})

    ticket: str
    expires_in_s: int


@router.post("/ws-ticket", responses=documented(401, 403, 503))
async def ask_for_pass(
    request: Request,
    me: Annotated[SignedIn, Depends(Require(Action.LIVE))],
    response: Response,
) -> PassView:
    """A one-time pass to ``/api/v1/live``."""
    ticket = cast(Live, request.state.live).passes.issue(viewer_of(me), time.monotonic())
    response.headers["Cache-Control"] = "no-store"
    return PassView(ticket=ticket, expires_in_s=LIFE_S)


@router.websocket("/live")
async def live_stream(websocket: WebSocket) -> None:
    """``hotline.v1``. A page of another origin is refused before the handshake."""
    live = cast(Live, websocket.state.live)
    common = cast(Shared, websocket.state.shared)
    if not from_our_page(websocket, live.allowed_origins):
        log.warning("live.origin_refused")
        await websocket.close(1008)
        return
    await websocket.accept(subprotocol=PROTOCOL if PROTOCOL in websocket.scope.get("subprotocols", ()) else None)

    async def redeem(ticket: str) -> Viewer | None:
        return await _redeem(common, live.passes, ticket)

    console = Console(
        SocketPeer(websocket), live.hub, redeem=redeem, clock=time.monotonic, build=live.build, pace=live.pace
    )
    await console.run()


def from_our_page(websocket: WebSocket, allowed_origins: tuple[str, ...]) -> bool:
    """Whether ``Origin`` is the host that was asked, or one of the allowed; a socket without one is not a browser's."""
    origin = websocket.headers.get("origin", "")
    if origin in allowed_origins:
        return True
    parts = urlsplit(origin)
    return parts.scheme in ("http", "https") and bool(parts.netloc) and parts.netloc == websocket.headers.get("host")


async def _redeem(common: Shared, passes: Passes, ticket: str) -> Viewer | None:
    """Who asked for the pass, if the session it was made for still holds, and in the same role."""
    viewer = passes.redeem(ticket, time.monotonic())
    if viewer is None:
        return None
    try:
        me = await common.standby.signed_in(
            session_hash=viewer.session,
            address="",
            now=common.now(),
            in_call=lambda agent_id: in_call(common.switch, agent_id),
            counts_as_use=False,
        )
    except (SQLAlchemyError, OSError):
        log.exception("live.session_unreadable")
        return None
    return viewer if me is not None and viewer_of(me) == viewer else None
