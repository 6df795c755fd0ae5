"""The worker as a process: for ``hotline asr serve``, and as a child of the server that keeps engines away from it.

A child is told by one JSON argument what to run. It writes one line: where it listens and what it can do, or why it
cannot. It dies with its parent, takes no more memory than it was given, and is the first the system picks.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import logging
import math
import os
import resource
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from asr.engines.choose import Engine, EngineConfig, choose
from asr.engines.scripted_engine import Line
from asr.recognizer import EngineUnavailable, Health, Recognizer, SpeechLevel
from asr.worker import Worker, WorkerLimits

_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG
_OF_PARENT = WorkerLimits(peer_streams=math.inf, idle_s=None)
"""Who may speak, and how long a leg may be quiet, is the parent's business."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Serving:
    """Where to listen. ``child``: ends with standard input."""

    host: str = "127.0.0.1"
    port: int = 2700
    child: bool = False
    limits: WorkerLimits = field(default_factory=WorkerLimits)


async def run(recognizer: Recognizer, serving: Serving, told: Callable[[dict[str, Any]], None]) -> None:
    """Serve a started recognizer until a signal comes. ``told`` hears once where and what. Raises OSError."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    worker = Worker(recognizer, limits=serving.limits)
    port = await worker.start(serving.host, serving.port)
    told(worker.facts() | {"host": serving.host, "port": port})
    if serving.child:
        loop.add_reader(sys.stdin.fileno(), lambda: None if os.read(sys.stdin.fileno(), 4096) else ended.set())
    await ended.wait()
    await worker.stop()
    await recognizer.stop()


# ---- as a child


def belong_to_parent(memory_limit: int) -> None:
    """Linux only, each part as far as the system lets us. ``memory_limit`` in bytes of our own data, 0 for none."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("800")
    if memory_limit:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_DATA, (memory_limit, memory_limit))


def child_config(asked: dict[str, Any]) -> EngineConfig:
    """From what ``asr.engines.isolated_engine`` sends. Nothing is looked for or fetched: the model is named."""
    path, probe = asked.get("model"), asked.get("probe")
    return EngineConfig(
        models_dir=Path(path or ".").parent,
        engine=Engine(asked["engine"]),
        model_path=Path(path) if path else None,
        download=False,
        language=asked.get("language", "zh"),
        threads=asked.get("threads"),
        max_streams=asked.get("streams"),
        hotwords=tuple(asked.get("hotwords", ())),
        hint_whisper=bool(asked.get("hotwords")),
        probe=Path(probe) if probe else None,
        limited=False,
        script={
            "*": [Line(start_s=0, end_s=1, text=text or "", hangs=text is None) for text in asked.get("script", ())]
        },
    )


async def _child(asked: dict[str, Any]) -> int:
    recognizer = await choose(child_config(asked))
    health: Health = recognizer.health()
    if health.level is SpeechLevel.DOWN:
        _tell({"error": health.reason})
        return 1
    try:
        await run(recognizer, Serving(port=0, child=True, limits=_OF_PARENT), _tell)
    except OSError as error:
        _tell({"error": error.strerror or "no port"})
        return 1
    return 0


def _tell(facts: dict[str, Any]) -> None:
    print(json.dumps(facts), flush=True)


def main() -> None:
    """``python -m asr.serving JSON``: for our own server only."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        processors=[structlog.stdlib.add_log_level, structlog.processors.KeyValueRenderer()],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    asked = json.loads(sys.argv[1])
    belong_to_parent(int(asked.get("memory_limit", 0)))
    try:
        code = asyncio.run(_child(asked))
    except EngineUnavailable as error:
        _tell({"error": error.reason})
        code = 1
    sys.stdout.flush()
    os._exit(code)  # an engine's threads may still be busy and wait for nobody


if __name__ == "__main__":
    main()
