"""What comes into question as the one a talk is about, and how much speaks for it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from asr.prefill.reading import Said


class Kind(Enum):
    FIRM = "firm"
    OFFICE = "office"
    PERSON = "person"
    """Somebody who did it, is in charge, or is praised."""
    KIN = "kin"
    """Somebody for whom help is asked."""
    VEHICLE = "vehicle"
    HOME = "home"
    """A neighbour known by the door only."""


@dataclass(frozen=True, slots=True)
class Named:
    """``weight`` 1 and more: worth offering. ``role`` in a clerk's words stands in brackets behind a name alone."""

    name: str
    said: Said
    start: int
    end: int
    weight: float
    kind: Kind
    role: str = ""
