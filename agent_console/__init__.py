"""The web console; Python knows only where its built files are."""

from __future__ import annotations

from pathlib import Path

STATIC_DIR = Path(__file__).parent / "static"
"""Vite's output. Absent when the console was not built; the server then says so on a page of its own."""
