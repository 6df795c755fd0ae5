"""How the server logs: a static message and keys; what is personal stands under ``pii`` keys, dropped in production."""

from __future__ import annotations

import logging
import sys
import traceback
from typing import Any

import structlog
from structlog.typing import EventDict, ExcInfo, WrappedLogger

PERSONAL = "pii"


def drop_personal(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Removes ``pii`` and ``pii_*``."""
    return {key: value for key, value in event.items() if key != PERSONAL and not key.startswith(f"{PERSONAL}_")}


def without_words(exc_info: ExcInfo) -> str:
    """Where an exception and its causes arose, and of which kinds they are; what they say may hold anything."""
    error: BaseException | None = exc_info[1]
    lines: list[str] = []
    while error is not None:
        kind = type(error)
        lines.append("".join(traceback.format_tb(error.__traceback__)) + f"{kind.__module__}.{kind.__qualname__}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\nwhile handling\n".join(lines)


def configure(*, as_json: bool, level: int = logging.INFO) -> None:
    """Once, by the command line. Libraries' own lines go the same way."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if as_json:
        shared += [drop_personal, structlog.processors.ExceptionRenderer(without_words)]
    renderer = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            exception_formatter=structlog.dev.plain_traceback,  # the default prints every local variable
        )
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in ("httpx", "httpcore", "aiosqlite", "panoramisk", "alembic", "uvicorn.access"):
        logging.getLogger(name).setLevel(logging.WARNING)
