"""``hotline user``: accounts of the people who work here, and the waiting lines each of them serves."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Table

from api.auth import audit, users
from api.auth.passwords import Passwords
from api.auth.permissions import Role
from api.commands.terminal import err, out, read_settings, with_store
from api.errors import InvalidField
from api.shifts import skills
from api.store.engine import Store
from api.store.tables import User
from api.times import utc_now
from telephony.dialplan import topology
from telephony.dialplan.topology import Topology

user_app = typer.Typer(no_args_is_help=True, help="Accounts of the people who work here.")


@user_app.command("add")
def add_user(
    username: str,
    role: Annotated[Role, typer.Option(help="What the person may do.")] = Role.OPERATOR,
    name: Annotated[str | None, typer.Option(help="Name on the screens; the user name unless given.")] = None,
    agent: Annotated[str | None, typer.Option(help="Work number, for those who take calls.")] = None,
    seat: Annotated[
        str | None,
        typer.Option(
            help="Phone; unless given the work number, where that is one. Without any: a desk phone that is free."
        ),
    ] = None,
    generate: Annotated[bool, typer.Option("--generate", help="Make a password and print it.")] = False,
) -> None:
    """Create an account."""
    password = _new_password(generate=generate)
    seats = _topology().seat_numbers
    if seat is not None and seat not in seats:
        err.print("[red]seat must be one of hotline.toml")
        raise typer.Exit(1)
    own = seat or (agent if agent in seats else None)

    async def create(store: Store, passwords: Passwords) -> None:
        await users.create_user(
            store,
            passwords,
            username=username,
            display_name=name or username,
            role=role,
            password=password,
            agent_id=agent,
            seat=own,
            now=utc_now(),
        )

    with_store(create)
    sits = f" and sits at {own}" if own else " and sits at a desk phone" if agent else ""
    out.print(f"{username} may sign in{sits}." + (f" Password: {password}" if generate else ""))


@user_app.command("list")
def list_users() -> None:
    """Every account."""

    async def read(store: Store, _: Passwords) -> Sequence[User]:
        return await users.list_users(store)

    table = Table("user", "name", "role", "work number", "seat", "active")
    for user in with_store(read):
        active = "yes" if user.active else "no"
        table.add_row(user.username, user.display_name, user.role, user.agent_id or "", user.seat or "", active)
    out.print(table)


@user_app.command("password")
def set_password(
    username: str,
    generate: Annotated[bool, typer.Option("--generate", help="Make a password and print it.")] = False,
) -> None:
    """Give an account another password; whoever is signed in with the old one is signed out."""
    password = _new_password(generate=generate)

    async def change(store: Store, passwords: Passwords) -> None:
        await users.set_password(store, passwords, username=username, password=password, now=utc_now())

    with_store(change)
    out.print(f"The password of {username} is changed." + (f" Password: {password}" if generate else ""))


@user_app.command("skill")
def set_skill(
    username: str,
    queue: Annotated[str, typer.Argument(help="A queue of hotline.toml.")],
    level: Annotated[int | None, typer.Argument(help="1 to 9: of those who are free the lowest is rung first.")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Serve this queue no more.")] = False,
) -> None:
    """Which queues a person serves: set one, or take one away. Without any it is the main queue."""
    if remove == (level is not None):
        err.print("[red]give a level or --remove")
        raise typer.Exit(2)
    plan = _topology()

    async def change(store: Store, _: Passwords) -> dict[str, int]:
        async with store.write() as session:
            person = await skills.person_named(session, username, lock=True)
            levels = {one.queue: one.level for one in await skills.skills_of(session, person.id)}
            if level is not None:
                levels[queue] = level
            elif levels.pop(queue, None) is None:
                raise InvalidField("queue", "one that this person serves")
            await skills.write(session, store.keyring, plan, audit.SYSTEM, person, levels, utc_now())
        return levels

    levels = with_store(change)
    served = ", ".join(f"{name} {one}" for name, one in sorted(levels.items())) or "the main queue"
    out.print(f"{username} serves {served}, from the next sign-in to a seat on.")


def _topology() -> Topology:
    try:
        return topology.load(read_settings().home)
    except topology.TopologyError as error:
        err.print(f"[red]{error}")
        raise typer.Exit(1) from error


def _new_password(*, generate: bool) -> str:
    """Made, typed twice, or a line on standard input."""
    if generate:
        return secrets.token_urlsafe(12)
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\n")
