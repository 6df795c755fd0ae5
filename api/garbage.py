"""Python's collector of garbage in cycles, set for a server: it stops every call's events while it looks."""

from __future__ import annotations

import gc

FIRST_GENERATION = 20_000
"""Objects made since the last look; 700 by default, which a burst of events makes within a few milliseconds."""


def seldom() -> None:
    """Call it when everything is imported: what lives until the end is not looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(FIRST_GENERATION, 20, 50)
