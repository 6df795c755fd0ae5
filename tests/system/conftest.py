"""Fixtures of the system tests."""

from __future__ import annotations

from tests.system.parties import centres, everybody
from tests.system.switch import built_prompts, fresh_switch, start_switch, switch, switch_source

__all__ = ["built_prompts", "centres", "everybody", "fresh_switch", "start_switch", "switch", "switch_source"]
