"""What the rest of the server is told of cards."""

from __future__ import annotations

from dataclasses import dataclass

from api.cues.cards import Card


@dataclass(frozen=True, kw_only=True, slots=True)
class CueDecided:
    """A person acted on a card or dismissed it; committed."""

    card: Card
