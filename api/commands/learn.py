"""``hotline learn``: learn from the finished tickets now, or go back to what was known before."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from rich.console import Console

from api.learning import Learning
from api.settings import Settings
from api.store.engine import Store
from api.store.sealing import Keyring
from api.times import utc_now
from asr.learning import LearningError

out, err = Console(), Console(stderr=True)


def learn_command(
    roll_back: Annotated[bool, typer.Option("--roll-back", help="Use the version before the one in use.")] = False,
) -> None:
    """Categories and departments from tickets that people finished. A running server learns every night by itself."""
    settings = Settings()
    try:
        out.print(asyncio.run(_learn(settings, roll_back=roll_back)))
    except LearningError as error:
        err.print(f"[red]{error.problem}")
        raise typer.Exit(1) from error


async def _learn(settings: Settings, *, roll_back: bool) -> str:
    store = Store(settings.database, Keyring.load(settings.keys_dir))
    learning = Learning(store=store, folder=settings.home / "learnt", zone=settings.zone, now=utc_now)
    try:
        if roll_back:
            version = await learning.roll_back()
            return f"{version} is in use." if version else "The keywords stand alone now."
        learnt = await learning.learn_now()
    finally:
        await store.close()
    return f"{learnt.version}: {learnt.examples} tickets, {len(learnt.categories)} categories."
