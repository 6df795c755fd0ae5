"""What prefill gives: a value for a ticket field, how sure it is, and the very words it came from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """``text[start:end]`` of the turn ``seg`` are the words a suggestion came from."""

    seg: int
    start: int
    end: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Option:
    """One of several values between which a person decides; ``confidence`` 0..1."""

    value: str
    confidence: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Suggestion:
    """``field`` is a ticket field's name (``caller_name``, ``contact_phone``, ``address``, ``category_code`` ...).

    ``value`` is what goes into the field (``"true"`` or ``"false"`` for ``confidential`` and ``anonymous``);
    ``confidence`` 0..1. Evidence is empty only for the caller id. A field that is not among the suggestions of a later
    call of ``suggest`` has been taken back: the caller turned out to be anonymous, say. ``options``: where others come
    into question too, all of them, the likeliest first.
    """

    field: str
    value: str
    confidence: float
    evidence: tuple[Evidence, ...] = ()
    options: tuple[Option, ...] = ()
