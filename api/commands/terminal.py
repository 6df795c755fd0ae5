"""What the commands share: the terminal, the settings, and the database brought up to date for one piece of work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape

from api.auth.passwords import Passwords
from api.errors import ServerError
from api.settings import Settings
from api.store.engine import Store
from api.store.migrate import migrate
from api.store.sealing import Keyring

out = Console()
err = Console(stderr=True)

T = TypeVar("T")


def read_settings() -> Settings:
    """Or say what is wrong with them, and end."""
    try:
        return Settings()
    except ValidationError as error:
        err.print(f"[red]{escape(wrong_settings(error))}")
        raise typer.Exit(2) from error


def wrong_settings(error: ValidationError) -> str:
    """Names and rules, never the values."""
    return "; ".join(f"{_variable(one['loc'])}: {one['msg'].removeprefix('Value error, ')}" for one in error.errors())


def _variable(loc: Sequence[int | str]) -> str:
    """The variable, and the place in it where it holds more than one thing."""
    names = [str(part) for part in loc]
    where = f" ({', '.join(names[1:])})" if names[1:] else ""
    return f"{'_'.join(['HOTLINE', *names[:1]]).upper()}{where}"


def make_home(settings: Settings) -> None:
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)


def open_store(settings: Settings) -> Store:
    return Store(settings.database, Keyring.load(settings.keys_dir))


@asynccontextmanager
async def brought_up_to_date(settings: Settings) -> AsyncIterator[tuple[Store, Passwords]]:
    await migrate(settings.database)
    store, passwords = open_store(settings), Passwords()
    try:
        yield store, passwords
    finally:
        passwords.close()
        await store.close()


def with_store(work: Callable[[Store, Passwords], Awaitable[T]]) -> T:
    """What the work gives; an error of ours is said in one line."""
    settings = read_settings()
    make_home(settings)

    async def run() -> T:
        async with brought_up_to_date(settings) as (store, passwords):
            return await work(store, passwords)

    try:
        return asyncio.run(run())
    except ServerError as error:
        err.print(f"[red]{escape(str(error))}")
        raise typer.Exit(1) from error
