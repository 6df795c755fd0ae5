"""The ASGI application: every feature's routes under ``/api/v1``, the live stream, health, and the console's pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import metadata
from typing import Any, TypedDict

import uvicorn
from fastapi import FastAPI
from starlette.middleware import Middleware

from api import errors, health
from api.auth.access import CSRF_DESCRIBED, SAFE
from api.auth.routes import router as session_router
from api.auth.shared import Shared
from api.callbacks.routes import router as callbacks_router
from api.calls.routes import commands as call_commands_router
from api.calls.routes import router as calls_router
from api.cues.routes import router as cues_router
from api.guards import BodyLimit, SecurityHeaders
from api.handoffs.routes import router as handoffs_router
from api.live.messages import MAX_MESSAGE_BYTES
from api.live.routes import Live
from api.live.routes import router as live_router
from api.live.sockets import DroppableProtocol
from api.outbound.routes import router as outbound_router
from api.pages import build_id, console_router
from api.priorities.routes import router as priorities_router
from api.recordings.routes import router as recordings_router
from api.settings import Settings
from api.shifts.log_routes import router as shift_log_router
from api.shifts.routes import router as shifts_router
from api.shifts.service import Phones
from api.shifts.skill_routes import router as skills_router
from api.stats.routes import router as stats_router
from api.supervision.routes import router as supervision_router
from api.surges.routes import router as surges_router
from api.surges.service import Surges
from api.tickets.routes import router as tickets_router
from api.transcripts.routes import router as transcripts_router
from api.transfers.routes import router as transfers_router
from api.wiring import Parts, running

DISTRIBUTION = "hotline12345"
PREFIX = "/api/v1"
STOP_S = 5
"""How long open requests may go on when the server stops."""

TAGS: list[dict[str, Any]] = [
    {"name": "session", "description": "Sign in, who am I, sign out."},
    {"name": "shift", "description": "Sign in to a seat, ready or paused, wrap-up."},
    {"name": "live", "description": "A pass to the WebSocket `/api/v1/live` (`hotline.v1`)."},
    {"name": "calls", "description": "Calls, recordings, numbers, hanging up."},
    {"name": "recordings", "description": "What became of recordings; holds."},
    {"name": "transcripts", "description": "What was said."},
    {"name": "tickets", "description": "Drafts with suggestions, and tickets."},
    {"name": "transfers", "description": "Somebody else in the call: whom, and each step."},
    {"name": "handoffs", "description": "The ledger of handoffs, and the two-way list."},
    {"name": "cues", "description": "Dangers heard in a call, and what became of them."},
    {"name": "callbacks", "description": "Missed callers, called back once."},
    {"name": "outbound", "description": "Calls that operators place."},
    {"name": "priorities", "description": "Numbers whose calls stand in front."},
    {"name": "surge", "description": "Far more callers than usual, and telling callers so."},
    {"name": "supervision", "description": "Supervisors in calls and over seats."},
    {"name": "stats", "description": "How a day went."},
    {"name": "health", "description": "What is up and what is not."},
]


class State(TypedDict):
    """What the lifespan hands to every request."""

    shared: Shared
    live: Live
    phones: Phones
    surges: Surges
    parts: Parts


def create_app(
    settings: Settings | None = None,
    *,
    migrates: bool = False,
    make_parts: Callable[[Settings], Parts] | None = None,
) -> FastAPI:
    """``settings`` default to the environment's. ``migrates``: the database could not be brought up to date yet.
    ``make_parts`` is for tests that put in parts of their own."""
    chosen = settings or Settings()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[State]:
        parts = make_parts(chosen) if make_parts is not None else Parts(chosen, build=build_id(), migrates=migrates)
        async with running(parts):
            yield State(shared=parts.shared, live=parts.live, phones=parts.phones, surges=parts.surges, parts=parts)

    app = Described(
        title="12345 hotline",
        version=version(),
        lifespan=lifespan,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        openapi_tags=TAGS,
        middleware=[
            Middleware(SecurityHeaders, sip_ws=chosen.sip_ws),
            Middleware(BodyLimit, most=chosen.max_request_bytes),
        ],
    )
    for router in (
        cues_router,
        session_router,
        shifts_router,
        shift_log_router,
        live_router,
        calls_router,
        call_commands_router,
        recordings_router,
        transcripts_router,
        tickets_router,
        transfers_router,
        handoffs_router,
        callbacks_router,
        outbound_router,
        supervision_router,
        skills_router,
        stats_router,
        priorities_router,
        surges_router,
    ):
        app.include_router(router, prefix=PREFIX, responses=errors.documented(422, 503))
    app.include_router(health.router)
    app.include_router(console_router())
    errors.install(app)
    return app


class Described(FastAPI):
    """With the header that every change of a session's needs, which no route declares for itself."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            for methods in super().openapi()["paths"].values():
                for method, operation in methods.items():
                    if operation.get("security") and method.upper() not in SAFE:
                        operation.setdefault("parameters", []).append(CSRF_DESCRIBED)
        return super().openapi()


def version() -> str:
    try:
        return metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return "0+unknown"


def server_config(app: FastAPI, settings: Settings, **changes: Any) -> uvicorn.Config:
    """How uvicorn runs it. Our own heartbeat watches the sockets; paths with numbers in them are not logged."""
    options: dict[str, Any] = {
        "host": settings.host,
        "port": settings.web_port,
        "loop": "uvloop",
        "ws": DroppableProtocol,
        "ws_max_size": MAX_MESSAGE_BYTES,
        "ws_ping_interval": None,
        "ws_per_message_deflate": False,
        "lifespan": "on",
        "access_log": False,
        "server_header": False,
        "timeout_graceful_shutdown": STOP_S,
        "log_config": None,
    }
    return uvicorn.Config(app, **{**options, **changes})
