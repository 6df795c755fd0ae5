"""``hotline refused``: the records that the database would not take, for a person to look at and to put right."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from api.auth import audit
from api.auth.passwords import Passwords
from api.commands.terminal import err, out, read_settings, with_store
from api.store.aside import Refused, refused_files
from api.store.engine import Store
from api.store.sealing import KeyFileUnusable, Keyring
from api.store.spool import UnreadableFile, unreadable_files
from api.times import utc_now

_FORGET_UNREADABLE = "--forget-unreadable"


def list_refused(
    text: Annotated[bool, typer.Option("--text", help="What they say, too; it is personal data.")] = False,
    forget: Annotated[bool, typer.Option("--forget", help="Remove them: they were put right by hand.")] = False,
    forget_unreadable: Annotated[
        bool, typer.Option(_FORGET_UNREADABLE, help="Remove the files that no key opens: what they say is lost.")
    ] = False,
) -> None:
    """Show the records that the database refused, and the files of records that no key opens. A server that runs says
    them until it starts anew."""
    settings = read_settings()
    try:
        keyring = Keyring.load(settings.keys_dir)
        files = refused_files(settings.spool_dir, keyring)
        found = [file.read() for file in files]
        sealed = sum(file.count() for file in files) - sum(map(len, found))
        unreadable = [
            one for folder in sorted(settings.spool_dir.glob("*")) for one in unreadable_files(folder, keyring)
        ]
    except (KeyFileUnusable, OSError) as error:
        err.print(f"[red]{escape(str(error))}")
        raise typer.Exit(1) from error
    if (text or forget) and any(found):
        _note("refused.forget" if forget and not sealed else "refused.read", records=sum(map(len, found)))
    out.print(_records(found, text=text))
    if forget and sealed:
        err.print(f"[red]{sealed} cannot be opened with the keys in {settings.keys_dir}; nothing is forgotten")
        raise typer.Exit(1)
    if forget:
        for file, records in zip(files, found, strict=True):
            file.forget(len(records))
        out.print("They are forgotten.")
    if unreadable:
        out.print(_files(unreadable, settings.spool_dir))
    if lost := [one for one in unreadable if one.records]:
        if forget_unreadable:
            _forget(lost)
        else:
            out.print(f"No key in {settings.keys_dir} opens them; {_FORGET_UNREADABLE} removes them.")


def _forget(lost: Sequence[UnreadableFile]) -> None:
    _note("refused.forget", files=len(lost), records=sum(one.records for one in lost))
    for one in lost:
        one.path.unlink(missing_ok=True)
    out.print("The files are gone.")


def _records(found: Sequence[Sequence[Refused]], *, text: bool) -> Table:
    table = Table("at", "records", "kind", "error", *(["text"] if text else []))
    for one in (one for records in found for one in records):
        told = (one.at.strftime("%FT%TZ"), one.writer, one.item_type, one.error_type)
        table.add_row(*told, *([escape(one.text.partition("\n")[2])] if text else []))
    return table


def _files(unreadable: Sequence[UnreadableFile], spool_dir: Path) -> Table:
    """By their whole names: a person looks for them."""
    table = Table("written", Column("file", overflow="fold"), "bytes", "unreadable")
    for one in unreadable:
        name = one.path.relative_to(spool_dir)
        table.add_row(one.written_at.strftime("%FT%TZ"), str(name), str(one.size), str(one.records))
    return table


def _note(action: str, **detail: int) -> None:
    """In the audit log, before anything is shown or gone."""

    async def write(store: Store, _: Passwords) -> None:
        async with store.write() as session:
            await audit.record(
                session, store.keyring, audit.SYSTEM, action, "records", "refused", now=utc_now(), detail=detail
            )

    with_store(write)
