"""``/session``: sign in, who am I, sign out.

The application gives every request ``request.state.shared`` (``api.auth.shared.Shared``) through its lifespan and calls
``api.errors.install(app)``.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.auth import sessions
from api.auth.access import Require, address_of, anyone
from api.auth.permissions import Action, Role, actions_of
from api.auth.sessions import SignedIn
from api.auth.shared import Shared, shared
from api.errors import documented

router = APIRouter(prefix="/session", tags=["session"], responses=documented(422))


class Credentials(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra={"examples": [{"username": "8001", "password": "correct horse battery"}]},
    )

    username: str = Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")
    password: str = Field(min_length=1, max_length=128)


class UserView(BaseModel):
    id: int
    username: str
    display_name: str
    role: Role
    agent_id: str | None
    seat: str | None


class SessionView(BaseModel):
    """``csrf`` goes into the header X-CSRF-Token of every change; ``queues``: what people call each of them.

    ``local_key`` (32 bytes, hexadecimal) is this person's own: the console seals with it what it keeps in the browser.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "user": {
                        "id": 1,
                        "username": "8001",
                        "display_name": "座席8001",
                        "role": "operator",
                        "agent_id": "8001",
                        "seat": "8001",
                    },
                    "permissions": ["session.use", "shift.use", "draft.write"],
                    "queues": {"hotline": "综合"},
                    "csrf": "6b0c1f0a",
                    "local_key": "5e0f5b3a4c3e7d6a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f607182",
                }
            ]
        }
    )

    user: UserView
    permissions: list[Action]
    queues: dict[str, str]
    csrf: str
    local_key: str


def view(me: SignedIn, common: Shared) -> SessionView:
    user = UserView(
        id=me.user_id,
        username=me.username,
        display_name=me.display_name,
        role=me.role,
        agent_id=me.agent_id,
        seat=me.seat,
    )
    queues = {queue.name: queue.label or queue.name for queue in common.topology.queues}
    return SessionView(
        user=user,
        permissions=list(actions_of(me.role)),
        queues=queues,
        csrf=me.csrf,
        local_key=common.store.keyring.tag("local copy", str(me.user_id)),
    )


@router.post("", dependencies=[Depends(anyone)], responses=documented(401, 422, 429, 503))
async def sign_in(
    request: Request,
    response: Response,
    credentials: Credentials,
    common: Annotated[Shared, Depends(shared)],
) -> SessionView:
    """Sign in; the answer sets the session cookie. Five failures lock the account for this address for 15 minutes."""
    token, me = await sessions.sign_in(
        common.store,
        common.passwords,
        common.settings,
        username=credentials.username,
        password=credentials.password,
        address=address_of(request),
        now=common.now(),
    )
    settings = common.settings
    response.set_cookie(
        settings.session_cookie, token, httponly=True, samesite="strict", secure=settings.cookie_secure, path="/"
    )
    response.headers["Cache-Control"] = "no-store"
    return view(me, common)


@router.get("", responses=documented(401))
async def who_am_i(
    me: Annotated[SignedIn, Depends(Require(Action.SESSION))],
    response: Response,
    common: Annotated[Shared, Depends(shared)],
) -> SessionView:
    response.headers["Cache-Control"] = "no-store"
    return view(me, common)


@router.delete("", status_code=204, responses=documented(401, 403))
async def sign_out(
    me: Annotated[SignedIn, Depends(Require(Action.SESSION))],
    response: Response,
    common: Annotated[Shared, Depends(shared)],
) -> None:
    """Ends the session on the server, and with it its live stream."""
    common.standby.sessions.forget(me.session_hash)
    async with common.store.write() as session:
        ended = await sessions.end(session, common.store.keyring, me, common.now())
    common.publish(ended)
    settings = common.settings
    response.delete_cookie(
        settings.session_cookie, httponly=True, samesite="strict", secure=settings.cookie_secure, path="/"
    )
