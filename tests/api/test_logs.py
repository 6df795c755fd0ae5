"""What may be logged, and what production drops."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from api.logs import configure, drop_personal


def test_personal_keys_are_dropped_and_nothing_else() -> None:
    event = {"event": "call arrived", "call_id": "1.1", "pii": {"number": "1"}, "pii_name": "n", "pipe": 1}
    assert drop_personal(None, "info", event) == {"event": "call arrived", "call_id": "1.1", "pipe": 1}


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def test_production_logs_where_it_failed_and_nothing_that_was_said(
    logging_as_before: None, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(as_json=True)
    name, number = "王建国", "13800000000"
    for say in (structlog.get_logger("ours").exception, logging.getLogger("theirs").exception):
        try:
            try:
                int(f"{number}x")
            except ValueError as error:
                raise RuntimeError(f"{name} called") from error
        except RuntimeError:
            say("it failed")
    lines = capsys.readouterr().err.splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["it failed"] * 2
    for line in lines:
        told = json.loads(line)["exception"]
        assert told.endswith("builtins.ValueError")
        assert "builtins.RuntimeError" in told
        assert "test_logs.py" in told
        assert name not in line
        assert number not in line
