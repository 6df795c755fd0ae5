"""``hotline asr serve``: this machine's engine for others, in the protocol of a stock vosk-server."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Annotated, Any

import typer
from rich.markup import escape

from api import logs
from api.commands.engines import EngineOption, ModelOption
from api.commands.terminal import err, read_settings
from api.speech import engine_config
from asr.engines.choose import Engine, choose
from asr.recognizer import SpeechLevel
from asr.serving import Serving, run
from asr.worker import WorkerLimits

EXIT_NO_PORT = 2
EXIT_NO_ENGINE = 3

asr_app = typer.Typer(no_args_is_help=True, help="Speech recognition as a service.")


@asr_app.callback()
def _asr() -> None:
    """A single command below a name stays below it."""


@asr_app.command("serve")
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; whoever reaches it may use it.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0 takes any.")] = 2700,
    engine: EngineOption = None,
    model: ModelOption = None,
    streams: Annotated[
        int | None, typer.Option(min=1, help="Streams at a time; measured at start when not given.")
    ] = None,
    peer_streams: Annotated[
        int | None, typer.Option(min=1, help="Connections of one address at a time; as many as fit when not given.")
    ] = None,
) -> None:
    """Recognise speech for vosk-server clients until told to stop. GET /health tells its state."""
    settings = read_settings()
    logs.configure(as_json=settings.log_json)
    config = replace(
        engine_config(settings),
        isolated=False,
        fallback=False,
        engine=Engine(engine or settings.speech_engine),
        model_path=model or settings.speech_model,
        max_streams=streams or settings.speech_streams,
    )
    serving = Serving(host=host, port=port, limits=WorkerLimits(peer_streams=peer_streams))

    async def work() -> None:
        recognizer = await choose(config)
        health = recognizer.health()
        if health.level is SpeechLevel.DOWN:
            err.print(f"[red]No speech engine: {escape(health.reason)}", soft_wrap=True)
            raise typer.Exit(EXIT_NO_ENGINE)
        await run(recognizer, serving, _tell)

    try:
        asyncio.run(work())
    except OSError as error:
        err.print(f"[red]{escape(host)}:{port}: {error.strerror}")
        raise typer.Exit(EXIT_NO_PORT) from error


def _tell(facts: dict[str, Any]) -> None:
    limit = f"{facts['limit']} streams" if facts["limit"] else "no limit"
    typer.echo(f"{facts['engine']} ({facts['model']}, {limit}) on ws://{facts['host']}:{facts['port']}")
