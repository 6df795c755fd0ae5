"""The real switch of the system tests, which each test leaves as it found it, failed or not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.system.switch import RunningSwitch, built_prompts, fresh_switch, start_switch, switch, switch_source

__all__ = ["built_prompts", "fresh_switch", "start_switch", "switch", "switch_source"]


@pytest.fixture(autouse=True)
def left_empty(request: pytest.FixtureRequest) -> Iterator[None]:
    """Where a module shares one switch, an operator who stays signed in is rung by the next test's call."""
    shared: RunningSwitch | None = request.getfixturevalue("switch") if "switch" in request.fixturenames else None
    yield
    if shared is not None:
        shared.clear()
