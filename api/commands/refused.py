"""``hotline refused``: the records that the database would not take, for a person to look at and to put right."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from api.commands.terminal import out, read_settings
from api.store.refusals import refused_files
from api.store.sealing import Keyring


def list_refused(
    text: Annotated[bool, typer.Option("--text", help="What they say, too; it is personal data.")] = False,
    forget: Annotated[bool, typer.Option("--forget", help="Remove them: they were put right by hand.")] = False,
) -> None:
    """Show the records that the database refused. A server that runs says them until it starts anew."""
    settings = read_settings()
    files = refused_files(settings.spool_dir, Keyring.load(settings.keys_dir))
    table = Table("at", "records", "kind", "error", *(["text"] if text else []))
    for file in files:
        for one in file.read():
            told = (one.at.strftime("%FT%TZ"), one.writer, one.item_type, one.error_type)
            table.add_row(*told, *([one.text.partition("\n")[2]] if text else []))
    out.print(table)
    if forget:
        for file in files:
            file.forget()
        out.print("They are forgotten.")
