"""The demo's sign-ins: one account for each kind of work, named by its number, with a password made on this machine."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import update

from api.auth import users
from api.auth.passwords import Passwords
from api.auth.permissions import Role
from api.commands.terminal import brought_up_to_date
from api.settings import Settings
from api.store.engine import Store
from api.store.tables import User
from api.times import utc_now


@dataclass(frozen=True, slots=True)
class Person:
    username: str
    display_name: str
    role: Role
    seat: str | None = None
    """Where there is one, the user name is the work number too."""


PEOPLE = (
    Person("8001", "座席8001", Role.OPERATOR, "8001"),
    Person("8002", "座席8002", Role.OPERATOR, "8002"),
    Person("9001", "班长9001", Role.SUPERVISOR, "8010"),
    Person("7001", "回访7001", Role.REVISIT, "8009"),
    Person("6001", "派单6001", Role.DISPATCHER),
    Person("5001", "承办单位5001", Role.DEPARTMENT),
    Person("admin", "管理员", Role.ADMIN),
)


async def ready(settings: Settings) -> Mapping[str, str]:
    """Migrate the database and see that everybody can sign in. Returns user name -> password.

    The passwords are kept beside the keys, for the owner only, so that they stay the same from run to run.
    """
    async with brought_up_to_date(settings) as (store, passwords):
        return await _everybody(store, passwords, settings.keys_dir / "demo-sign-ins.json")


async def _everybody(store: Store, passwords: Passwords, kept: Path) -> dict[str, str]:
    known: dict[str, str] = _known(kept)
    for person in PEOPLE:
        found = await users.find_user(store, person.username)
        there = found is not None
        if found is not None and found.seat != person.seat:
            await _sit(store, person)  # an earlier version had none for this kind of work
        if there and person.username in known:
            continue
        password = known[person.username] = secrets.token_urlsafe(9)
        now = utc_now()
        if there:
            await users.set_password(store, passwords, username=person.username, password=password, now=now)
        else:
            await users.create_user(
                store,
                passwords,
                username=person.username,
                display_name=person.display_name,
                role=person.role,
                password=password,
                agent_id=person.username if person.seat else None,
                seat=person.seat,
                now=now,
            )
    _keep(kept, known)
    return {person.username: known[person.username] for person in PEOPLE}


async def _sit(store: Store, person: Person) -> None:
    own = User.username == person.username
    agent_id = person.username if person.seat else None
    async with store.write() as session:
        await session.execute(update(User).where(own).values(seat=person.seat, agent_id=agent_id))


def _known(path: Path) -> dict[str, str]:
    return dict(json.loads(path.read_text())) if path.exists() else {}


def _keep(path: Path, known: Mapping[str, str]) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(known, file)
