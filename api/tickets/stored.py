"""A draft's fields as the JSON that is sealed in its row, and back (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.tickets.draft import UNTOUCHED, Field, Offer, Origin
from api.tickets.fields import RULES
from asr.prefill import Evidence, Option


def to_json(fields: Mapping[str, Field]) -> dict[str, Any]:
    """Untouched fields are left out."""
    return {name: _field(one) for name, one in fields.items() if one != UNTOUCHED}


def from_json(stored: Mapping[str, Any]) -> dict[str, Field]:
    """Every field of today's table; one that has left the table is dropped."""
    return {name: _to_field(stored[name]) if name in stored else UNTOUCHED for name in RULES}


def _field(one: Field) -> dict[str, Any]:
    return {
        "value": one.value,
        "origin": one.origin.value,
        "source": _offer(one.source),
        "offered": _offer(one.offered),
        "refused": _offer(one.refused),
        "dismissed": list(one.dismissed),
        "changed_in": one.changed_in,
        "suggested_in": one.suggested_in,
        "before": None if one.before is None else _field(one.before),
    }


def _offer(offer: Offer | None) -> dict[str, Any] | None:
    if offer is None:
        return None
    evidence = [[words.seg, words.start, words.end] for words in offer.evidence]
    options = [[one.value, one.confidence] for one in offer.options]
    return {"value": offer.value, "confidence": offer.confidence, "evidence": evidence, "options": options}


def _to_field(stored: Mapping[str, Any]) -> Field:
    return Field(
        value=stored["value"],
        origin=Origin(stored["origin"]),
        source=_to_offer(stored["source"]),
        offered=_to_offer(stored["offered"]),
        refused=_to_offer(stored["refused"]),
        dismissed=tuple(stored["dismissed"]),
        changed_in=stored["changed_in"],
        suggested_in=stored.get("suggested_in", 0),
        before=None if stored["before"] is None else _to_field(stored["before"]),
    )


def _to_offer(stored: Mapping[str, Any] | None) -> Offer | None:
    if stored is None:
        return None
    evidence = tuple(Evidence(seg=seg, start=start, end=end) for seg, start, end in stored["evidence"])
    options = tuple(Option(value=value, confidence=confidence) for value, confidence in stored.get("options", ()))
    return Offer(value=stored["value"], confidence=stored["confidence"], evidence=evidence, options=options)
