"""Accounts: made and changed by the command line and the demo (the admin desk comes later)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from api.auth import audit, sessions
from api.auth.passwords import Passwords
from api.auth.permissions import Role
from api.auth.sessions import SessionEnded, normal_username
from api.errors import InvalidField, NotFound
from api.store.engine import Store
from api.store.tables import User

_USERNAME = re.compile(r"[\w.@-]{1,64}")
_AGENT_ID = re.compile(r"[0-9]{1,16}")


async def create_user(
    store: Store,
    passwords: Passwords,
    *,
    username: str,
    display_name: str,
    role: Role,
    password: str,
    agent_id: str | None = None,
    seat: str | None = None,
    now: datetime,
) -> int:
    """The new account's id. Raises InvalidField, also where the name or the work number is taken."""
    username = normal_username(username)
    if not _USERNAME.fullmatch(username):
        raise InvalidField("username", "1 to 64 letters, digits or . _ @ -")
    for name, value in (("agent_id", agent_id), ("seat", seat)):
        if value is not None and not _AGENT_ID.fullmatch(value):
            raise InvalidField(name, "1 to 16 digits")
    user = User(
        username=username,
        display_name=display_name,
        role=role,
        agent_id=agent_id,
        seat=seat,
        password_hash=await passwords.hash(password),
        created_at=now,
        password_changed_at=now,
    )
    try:
        async with store.write() as session:
            session.add(user)
            await session.flush()
            await audit.record(
                session,
                store.keyring,
                audit.SYSTEM,
                "user.create",
                "user",
                str(user.id),
                now=now,
                detail={"role": role},
            )
    except IntegrityError as error:
        raise InvalidField("username", "a name and a work number nobody has yet") from error
    return user.id


async def set_password(
    store: Store, passwords: Passwords, *, username: str, password: str, now: datetime
) -> tuple[SessionEnded, ...]:
    """Also ends every session of the account; the answer is for the bus. Raises NotFound or InvalidField."""
    password_hash = await passwords.hash(password)
    async with store.write() as session:
        user = await session.scalar(select(User).where(User.username == normal_username(username)).with_for_update())
        if user is None:
            raise NotFound("user")
        user.password_hash, user.password_changed_at = password_hash, now
        ended = await sessions.end_all(session, user.id, now)
        await audit.record(session, store.keyring, audit.SYSTEM, "user.password", "user", str(user.id), now=now)
    return ended


async def list_users(store: Store) -> Sequence[User]:
    """All accounts, by name."""
    async with store.read() as session:
        return (await session.scalars(select(User).order_by(User.username))).all()


async def find_user(store: Store, username: str) -> User | None:
    async with store.read() as session:
        found: User | None = await session.scalar(select(User).where(User.username == normal_username(username)))
        return found
