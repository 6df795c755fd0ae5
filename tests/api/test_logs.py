"""What may be logged, and what production drops."""

from __future__ import annotations

from api.logs import drop_personal


def test_personal_keys_are_dropped_and_nothing_else() -> None:
    event = {"event": "call arrived", "call_id": "1.1", "pii": {"number": "1"}, "pii_name": "n", "pipe": 1}
    assert drop_personal(None, "info", event) == {"event": "call arrived", "call_id": "1.1", "pipe": 1}
