"""The real switch, for the taps that are tried on it."""

from __future__ import annotations

from tests.asr.engines.conftest import whisper, whisper_model
from tests.system.switch import built_prompts, switch, switch_source

__all__ = ["built_prompts", "switch", "switch_source", "whisper", "whisper_model"]
