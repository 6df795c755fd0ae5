"""Turns to suggestions: field, value, the words they came from, confidence (pure)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """``text[start:end]`` of the turn ``seg`` are the words a suggestion came from."""

    seg: int
    start: int
    end: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Suggestion:
    """``field`` is a ticket field's name (``caller_name``, ``contact_phone``, ``address``, ``category_code`` ...).

    ``value`` is what goes into the field; ``confidence`` 0..1. Evidence is empty only for the caller id.
    """

    field: str
    value: str
    confidence: float
    evidence: tuple[Evidence, ...] = ()
