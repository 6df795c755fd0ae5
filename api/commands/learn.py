"""``hotline learn``: learn from the finished tickets now, or go back to what was known before."""

from __future__ import annotations

from typing import Annotated

import typer

from api.auth.passwords import Passwords
from api.commands.terminal import err, out, read_settings, with_store
from api.learning import Learning
from api.store.engine import Store
from api.times import utc_now
from asr.learning import LearningError, Shelf

_UNTIL = "It stays so, whatever is learnt, until `hotline learn --newest`."


def learn_command(
    roll_back: Annotated[
        bool, typer.Option("--roll-back", help="Use the version before the one in use, until --newest is asked for.")
    ] = False,
    newest: Annotated[
        bool, typer.Option("--newest", help="Use the newest version again, and what is learnt from now on.")
    ] = False,
) -> None:
    """Categories and departments from tickets that people finished.

    A running server learns every night by itself, and uses within seconds what is chosen here.
    """
    settings = read_settings()
    if roll_back and newest:
        err.print("[red]Give --roll-back or --newest, not both.")
        raise typer.Exit(2)
    if roll_back:
        _refuse_without_weights(Shelf(settings.home / "learnt"))

    async def work(store: Store, _: Passwords) -> str:
        learning = Learning(store=store, folder=settings.home / "learnt", zone=settings.zone, now=utc_now)
        if roll_back:
            version = await learning.roll_back()
            return f"{f'{version} is in use.' if version else 'The keywords stand alone now.'} {_UNTIL}"
        if newest:
            return f"{await learning.take_newest()} is in use, and what is learnt from now on."
        learnt = await learning.learn_now()
        said = f"{learnt.version}: {learnt.examples} tickets, {len(learnt.categories)} categories."
        return f"{said} It is kept, not used: somebody went back. {_UNTIL}" if learning.held else said

    try:
        out.print(with_store(work))
    except LearningError as error:
        err.print(f"[red]{error.problem}")
        raise typer.Exit(1) from error


def _refuse_without_weights(shelf: Shelf) -> None:
    """There must be something in use to go back from."""
    if shelf.current is None:
        said = "The keywords stand alone already." if shelf.versions else "Nothing has been learnt yet."
        err.print(f"[red]{said} There is nothing to go back from.")
        raise typer.Exit(1)
