"""``hotline refused``: the records that the database would not take, for a person to look at and to put right."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from api.auth import audit
from api.auth.passwords import Passwords
from api.commands.terminal import err, out, read_settings, with_store
from api.store.engine import Store
from api.store.refusals import refused_files
from api.store.sealing import KeyFileUnusable, Keyring
from api.times import utc_now


def list_refused(
    text: Annotated[bool, typer.Option("--text", help="What they say, too; it is personal data.")] = False,
    forget: Annotated[bool, typer.Option("--forget", help="Remove them: they were put right by hand.")] = False,
) -> None:
    """Show the records that the database refused. A server that runs says them until it starts anew."""
    settings = read_settings()
    try:
        files = refused_files(settings.spool_dir, Keyring.load(settings.keys_dir))
        found = [file.read() for file in files]
    except (KeyFileUnusable, OSError) as error:
        err.print(f"[red]{error}")
        raise typer.Exit(1) from error
    if (text or forget) and any(found):
        _note("refused.forget" if forget else "refused.read", sum(map(len, found)))
    table = Table("at", "records", "kind", "error", *(["text"] if text else []))
    for records in found:
        for one in records:
            told = (one.at.strftime("%FT%TZ"), one.writer, one.item_type, one.error_type)
            table.add_row(*told, *([one.text.partition("\n")[2]] if text else []))
    out.print(table)
    if forget:
        if shut := sum(file.count() for file in files) - sum(len(records) for records in found):
            err.print(f"[red]{shut} cannot be opened with the keys in {settings.keys_dir}; nothing is forgotten")
            raise typer.Exit(1)
        for file, records in zip(files, found, strict=True):
            file.forget(len(records))
        out.print("They are forgotten.")


def _note(action: str, records: int) -> None:
    """In the audit log, before anything is shown or gone."""

    async def write(store: Store, _: Passwords) -> None:
        async with store.write() as session:
            await audit.record(
                session,
                store.keyring,
                audit.SYSTEM,
                action,
                "records",
                "refused",
                now=utc_now(),
                detail={"records": records},
            )

    with_store(write)
