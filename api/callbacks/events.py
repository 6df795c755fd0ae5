"""What the rest of the server is told of callbacks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class CallbackChanged:
    """An item is new or different; committed."""

    callback_id: str
