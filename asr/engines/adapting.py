"""A local Vosk model made to expect the hotline's words before it is loaded; the model as it is where that fails."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from pathlib import Path

import structlog

from asr.adaptation.model import can_be_adapted
from asr.fetching import Progress, Report

log = structlog.get_logger(__name__)

ADAPTATION = "adaptation"
"""The step that is told of, after those of fetching."""
_PATIENCE_S = 300.0
"""It takes ten to twenty seconds the first time, less than one after that."""


async def adapted_or_not(model: Path, home: Path, folder: Path, report: Report | None = None) -> Path:
    """The folder of ``model`` adapted to the lexicon of ``home``, kept inside ``folder``; or ``model``, and why is
    logged. Works in a process of its own, which is ended with the task."""
    if not can_be_adapted(model):
        log.info("the speech model has one fixed graph and stays as it is", model=model.name)
        return model
    if report is not None:
        report(Progress(step=ADAPTATION, done=0, total=1))
    try:
        path = await asyncio.wait_for(_adapted(model, home, folder), _PATIENCE_S)
    except (OSError, TimeoutError, _Failed) as error:
        log.warning("speech model not adapted", model=model.name, reason=str(error) or type(error).__name__)
        return model
    if report is not None:
        report(Progress(step=ADAPTATION, done=1, total=1))
    return path


class _Failed(Exception):
    """The text is what the process said."""


async def _adapted(model: Path, home: Path, folder: Path) -> Path:
    argv = [sys.executable, "-P", "-m", "asr.adaptation", *map(str, (model, home, folder))]
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        said, problem = await process.communicate()
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    if process.returncode:
        lines = problem.decode(errors="replace").strip().splitlines() or [f"ended with {process.returncode}"]
        raise _Failed(lines[-1])
    return Path(said.decode().strip())
