"""``hotline``: serve, migrate, user, check, models, dialplan, demo, version."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer
import uvicorn
from pydantic import ValidationError
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.table import Table

from api import garbage, logs
from api.app import DISTRIBUTION, create_app, server_config, version
from api.auth import audit
from api.commands.learn import learn_command
from api.commands.people import user_app
from api.commands.refused import list_refused
from api.commands.speech import asr_app
from api.commands.terminal import err, make_home, open_store, out, read_settings, wrong_settings
from api.commands.transcribe import transcribe_files
from api.commands.understand import understand_file
from api.handoffs.push import check_addresses
from api.settings import Settings
from api.speech import engine_config
from api.store.migrate import migrate as migrate_database
from api.store.sealing import KeyFileUnusable
from asr import fetching, models
from asr.adaptation.graph import GraphError
from asr.adaptation.model import adapted, can_be_adapted
from asr.engines.choose import ADAPTED, choose
from asr.lexicon import Lexicon, LexiconError
from asr.recognizer import SpeechLevel
from telephony.dialplan import topology
from telephony.dialplan.ports import Ports
from telephony.dialplan.render import Places, Secrets, render

PACKAGES = ("telephony", "asr", "agent_console", "api")
"""Our four top-level names: another distribution that owns one of them would be imported in our place, or we in its."""

app = typer.Typer(no_args_is_help=True, add_completion=False, help="A 12345 government service hotline.")
models_app = typer.Typer(no_args_is_help=True, help="Speech models.")
dialplan_app = typer.Typer(no_args_is_help=True, help="The switch's configuration.")
app.add_typer(user_app, name="user")
app.command("transcribe")(transcribe_files)
app.command("understand")(understand_file)
app.command("learn")(learn_command)
app.command("refused")(list_refused)
app.add_typer(models_app, name="models")
app.add_typer(dialplan_app, name="dialplan")
app.add_typer(asr_app, name="asr")


def main() -> None:
    """The console script."""
    app()


# -- serving -----------------------------------------------------------------------------------------------------------


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; loopback unless told otherwise.")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; HOTLINE_PORT_BASE unless told otherwise.")
    ] = None,
    migrations: Annotated[bool, typer.Option("--migrate/--no-migrate", help="Bring the database up to date first.")] = (
        True
    ),
) -> None:
    """Run the server until it is told to stop."""
    settings = read_settings()
    logs.configure(as_json=settings.log_json)
    _refuse_foreign_packages()
    behind = migrations and not _migrate_or_say(settings)
    web = create_app(settings, migrates=behind)
    config = server_config(web, settings, host=host or settings.host, port=port or settings.web_port)
    server = uvicorn.Server(config)
    garbage.seldom()
    server.run()
    if not server.started:
        raise typer.Exit(3)


@app.command()
def migrate() -> None:
    """Bring the database to the newest migration."""
    settings = read_settings()
    asyncio.run(migrate_database(settings.database))
    out.print("The database is up to date.")


@app.command("version")
def show_version() -> None:
    """Print the version."""
    out.print(version())


@app.command()
def demo() -> None:
    """A switch, this server, and simulated people, until Ctrl-C."""
    from api.demo.run import main as run_demo

    raise typer.Exit(run_demo())


# -- checking ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """``fatal``: the server will not start, or could not work."""

    part: str
    ok: bool
    said: str
    fatal: bool = False


@app.command()
def check(
    whole_audit: Annotated[
        bool, typer.Option("--audit", help="Read the whole audit log, too, and see whether it holds.")
    ] = False,
) -> None:
    """Look at everything the server needs; 1 if it could not run."""
    findings = [packages_finding()]
    try:
        settings = Settings()
    except ValidationError as error:
        findings.append(Finding(part="settings", ok=False, said=wrong_settings(error), fatal=True))
    else:
        findings.append(Finding(part="settings", ok=True, said=f"state in {settings.home}, web on {settings.url}"))
        findings += [_database(settings), _topology(settings), _speech(settings), _switch(settings)]
        if whole_audit:
            findings.append(_audit(settings))
    table = Table("part", "", "finding")
    for finding in findings:
        mark = "[green]ok" if finding.ok else "[red]no" if finding.fatal else "[yellow]--"
        table.add_row(finding.part, mark, escape(finding.said))
    out.print(table)
    if any(finding.fatal for finding in findings):
        raise typer.Exit(1)


def packages_finding(owners: Callable[[], dict[str, Sequence[str]]] | None = None) -> Finding:
    """Whether another distribution has installed one of our four top-level names."""
    owned = dict((owners or _owners)())
    foreign = sorted(
        {f"{name} of {owner}" for name in PACKAGES for owner in owned.get(name, ()) if owner != DISTRIBUTION}
    )
    if not foreign:
        return Finding(part="packages", ok=True, said="no other distribution uses our names")
    said = f"{', '.join(foreign)} stands where ours must: install the hotline alone in an environment of its own"
    return Finding(part="packages", ok=False, said=said, fatal=True)


def _owners() -> dict[str, Sequence[str]]:
    return {name: [owner.lower() for owner in owners] for name, owners in metadata.packages_distributions().items()}


def _refuse_foreign_packages() -> None:
    finding = packages_finding()
    if not finding.ok:
        err.print(f"[red]{finding.said}")
        raise typer.Exit(1)


def _database(settings: Settings) -> Finding:
    async def ask() -> None:
        store = open_store(settings)
        try:
            await store.check()
        finally:
            await store.close()

    try:
        make_home(settings)
        asyncio.run(ask())
    except (KeyFileUnusable, OSError) as error:
        return Finding(part="database", ok=False, said=str(error), fatal=True)
    except Exception as error:
        return Finding(part="database", ok=False, said=f"does not answer ({type(error).__name__})", fatal=True)
    kind = "SQLite" if settings.database.startswith("sqlite") else "PostgreSQL"
    return Finding(part="database", ok=True, said=f"{kind} answers")


def _audit(settings: Settings) -> Finding:
    async def walk() -> audit.ChainReport:
        store = open_store(settings)
        try:
            async with store.read() as session:
                return await audit.verify_chain(session, store.keyring)
        finally:
            await store.close()

    try:
        report = asyncio.run(walk())
    except Exception as error:
        said = f"could not be read ({type(error).__name__})"
        return Finding(part="audit log", ok=False, said=said, fatal=True)
    if report.intact:
        return Finding(part="audit log", ok=True, said=f"{report.records} records, each follows from the one before")
    said = f"record {report.broken_at} is not what was written, or is missing: somebody changed the log"
    return Finding(part="audit log", ok=False, said=said, fatal=True)


def _topology(settings: Settings) -> Finding:
    try:
        plan = topology.load(settings.home)
        check_addresses(settings.centre_push, plan)
    except topology.TopologyError as error:
        return Finding(part="hotline.toml", ok=False, said=str(error), fatal=True)
    return Finding(part="hotline.toml", ok=True, said=f"{len(plan.lines)} lines, {len(plan.seat_numbers)} seats")


def _speech(settings: Settings) -> Finding:
    """Of the engine that is configured, whatever else could run here."""
    match settings.speech_engine:
        case "none":
            return Finding(part="speech", ok=True, said="switched off")
        case "vosk_server" | "funasr":
            return asyncio.run(_speech_servers(settings))
        case engine:
            return _speech_model(settings, engine)


async def _speech_servers(settings: Settings) -> Finding:
    """Each is asked once."""
    recognizer = await choose(replace(engine_config(settings), fallback=False))
    try:
        health = recognizer.health()
    finally:
        await recognizer.stop()
    said = health.reason or f"{len(settings.speech_servers)} of {settings.speech_engine} answer"
    return Finding(part="speech", ok=health.level is SpeechLevel.OK, said=said)


def _speech_model(settings: Settings, engine: str) -> Finding:
    whys = {"vosk": models.why_not_vosk, "whisper": models.why_not_whisper}
    whys = {kind: why for kind, why in whys.items() if engine in ("auto", kind)}
    if (path := settings.speech_model) is not None:
        reasons = [why(path) for why in whys.values()]
        return Finding(part="speech", ok="" in reasons, said=str(path) if "" in reasons else reasons[0])
    folders = (settings.models_dir, settings.shared_models_dir)
    finders = {"vosk": models.find_mandarin, "whisper": models.find_whisper}
    found = next((path for kind in whys if (path := finders[kind](*folders)) is not None), None)
    if found is not None:
        return Finding(part="speech", ok=True, said=str(found))
    hint = (
        "`hotline models pull`" if "vosk" in whys else "it comes with hotline12345[whisper-base] when it is first used"
    )
    return Finding(part="speech", ok=False, said=f"no model of {' or '.join(whys)} here yet: {hint}")


def _switch(settings: Settings) -> Finding:
    address = (settings.switch_host, settings.ami_port)
    try:
        with socket.create_connection(address, timeout=3) as link:
            link.settimeout(3)
            greeting = link.recv(80).decode(errors="replace").strip()
    except OSError as error:
        said = f"nobody answers on {address[0]}:{address[1]} ({type(error).__name__})"
        return Finding(part="switch", ok=False, said=said)
    return Finding(part="switch", ok=greeting.startswith("Asterisk"), said=greeting)


# -- models and dialplan -----------------------------------------------------------------------------------------------


@models_app.command("pull")
def pull_model() -> None:
    """Fetch the small Mandarin model; goes on where an earlier attempt broke off."""
    settings = read_settings()
    archive = fetching.SMALL_MANDARIN
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=err) as progress:
        tasks = {step: progress.add_task(step, total=archive.size, visible=False) for step in fetching.STEPS}

        def report(done: fetching.Progress) -> None:
            progress.update(tasks[done.step], completed=done.done, total=done.total, visible=True)

        try:
            path = fetching.pull(archive, settings.shared_models_dir, report=report)
        except models.ModelError as error:
            err.print(f"[red]{error}")
            raise typer.Exit(1) from error
    out.print(str(path), soft_wrap=True)


@models_app.command("adapt")
def adapt_model() -> None:
    """Make the Mandarin Vosk model expect what is said here: the packaged talk, the places of gazetteer.json, talk.txt.

    The server does it by itself when it starts; this does it ahead of time, and says what is in the way.
    """
    settings = read_settings()
    folders = (settings.models_dir, settings.shared_models_dir)
    model = settings.speech_model or models.find_mandarin(*folders)
    if model is None:
        err.print("[red]there is no Mandarin model here: run `hotline models pull`")
        raise typer.Exit(1)
    if not can_be_adapted(model):
        err.print(f"[red]{escape(str(model))} has no language model of its own that could be changed", soft_wrap=True)
        raise typer.Exit(1)
    try:
        with err.status("adapting, some ten seconds"):
            path = adapted(model, Lexicon.of_home(settings.home), folders[-1] / ADAPTED)
    except (GraphError, LexiconError, OSError) as error:
        err.print(f"[red]{escape(str(error))}", soft_wrap=True)
        raise typer.Exit(1) from error
    out.print(str(path), soft_wrap=True)


@models_app.command("list")
def list_models() -> None:
    """Models on this machine, those that can be used first."""
    settings = read_settings()
    table = Table("model", "engine", "folder")
    for folder in (settings.models_dir, settings.shared_models_dir):
        for path in sorted(folder.glob("*")) if folder.is_dir() else ():
            if not models.why_not_vosk(path):
                table.add_row(path.name, "vosk", str(folder))
            elif not models.why_not_whisper(path):
                table.add_row(path.name, "whisper", str(folder))
    out.print(table)


@dialplan_app.command("render")
def render_dialplan(
    folder: Annotated[Path | None, typer.Argument(help="Where to; the state directory's switch/etc unless given.")] = (
        None
    ),
) -> None:
    """Write Asterisk's configuration from hotline.toml."""
    settings = read_settings()
    make_home(settings)
    target = folder or settings.switch_dir / "etc"
    places = Places(
        config=str(target),
        state=str(settings.switch_dir / "state"),
        log=str(settings.switch_dir / "log"),
        recordings=str(settings.recordings_dir),
        prompts=str(settings.cache / "prompts"),
    )
    try:
        plan = topology.load(settings.home)
        kept = Secrets.kept_in(settings.switch_secrets, desk_phones=plan.desk_seats)
    except topology.TopologyError as error:
        err.print(f"[red]{error}")
        raise typer.Exit(1) from error
    for path in render(plan, Ports(settings.port_base), target, kept, places=places):
        out.print(str(path), soft_wrap=True)


def _migrate_or_say(settings: Settings) -> bool:
    """A database that is away does not keep the server from coming up, which says so on its health page."""
    try:
        make_home(settings)
        asyncio.run(migrate_database(settings.database))
    except Exception as error:
        err.print(f"[yellow]The database could not be brought up to date ({type(error).__name__}); tried again later.")
        return False
    return True


if __name__ == "__main__":
    main()
