"""Cards made of the cues that stand: one for all emergency lines, one for each service line, a quiet one (pure)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from asr.cues import Action, Cue
from asr.gist import EMERGENCIES

URGENT, QUIET = "urgent", "quiet"
_NAMES = uuid.UUID("6b0f3c52-6f1c-4a53-9d0a-3d1c2f7a9e11")
_SHOWN = (Action.TRANSFER_NOW, Action.CONFERENCE, Action.KEEP_LINE, Action.OFFER, Action.SOFT_ALERT)


class CardState(StrEnum):
    OPEN = "open"
    ACTED = "acted"
    DISMISSED = "dismissed"
    CLEARED = "cleared"
    """The caller took it back before anybody decided."""
    IGNORED = "ignored"
    """The call ended and nobody had decided."""
    AFTERWARDS = "afterwards"
    """Found when the call was over: in its last words, or in what was read from its recording."""


TOUCHED = frozenset({CardState.ACTED, CardState.DISMISSED})
_TOLD = TOUCHED | {CardState.IGNORED, CardState.AFTERWARDS}
"""The same words raise no second card beside such a one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """``text`` are the words of the turn ``seg`` from ``start`` to ``end``.

    ``kind`` is URGENT, a service line, or QUIET: something was said in anger, nobody has to be called. ``notices`` are
    firms that should hear of a danger too; they are told of again whenever the words are read, and not written down.
    """

    id: str
    call_id: str
    kind: str
    targets: tuple[str, ...]
    action: Action
    concern: str
    seg: int
    start: int
    end: int
    text: str
    at: datetime
    state: CardState = CardState.OPEN
    reason: str | None = None
    notices: tuple[str, ...] = ()

    @property
    def is_danger(self) -> bool:
        """Somebody may have to be called; neither an offer of a service line nor words said in anger."""
        return self.action not in (Action.OFFER, Action.SOFT_ALERT)


def follow(cards: Sequence[Card], cues: Sequence[Cue], call_id: str, now: datetime) -> tuple[Card, ...]:
    """The cards after these cues. What a person has decided stays; something new beside it gets a card of its own."""
    result = list(cards)
    shown = [cue for cue in cues if cue.action in _SHOWN]
    groups: dict[str, list[Cue]] = {}
    for cue in shown:
        groups.setdefault(_kind(cue), []).append(cue)
    for kind, group in groups.items():
        _take(result, kind, group, call_id, now)
    notices = tuple(dict.fromkeys(cue.target for cue in cues if cue.action is Action.NOTIFY))
    for number, card in enumerate(result):
        if card.state is CardState.OPEN and card.kind not in groups:
            result[number] = replace(card, state=CardState.CLEARED)
        elif card.kind == URGENT:
            result[number] = replace(card, notices=notices or card.notices)
    return tuple(result)


def ended(cards: Sequence[Card]) -> tuple[Card, ...]:
    """The call is over: what stands open has been ignored."""
    return tuple(replace(card, state=CardState.IGNORED) if card.state is CardState.OPEN else card for card in cards)


def found_afterwards(before: Sequence[Card], after: Sequence[Card]) -> tuple[Card, ...]:
    """``after`` where the call was over already."""
    known = {card.id for card in before}
    late = [card.id for card in after if card.state is CardState.OPEN and card.id not in known]
    return ended([replace(card, state=CardState.AFTERWARDS) if card.id in late else card for card in after])


def decided(card: Card, state: CardState, reason: str | None) -> Card:
    return replace(card, state=state, reason=reason)


def _kind(cue: Cue) -> str:
    if cue.action is Action.SOFT_ALERT:
        return QUIET
    return URGENT if cue.target in EMERGENCIES else cue.target


def _take(cards: list[Card], kind: str, group: Sequence[Cue], call_id: str, now: datetime) -> None:
    lead = group[0]
    targets = tuple(dict.fromkeys(cue.target for cue in group))
    place = next((place for place in reversed(range(len(cards))) if cards[place].kind == kind), None)
    latest = cards[place] if place is not None else None
    if latest is not None and place is not None and latest.state is CardState.OPEN:
        cards[place] = replace(latest, targets=targets, action=lead.action)
        if set(targets) - set(latest.targets) or latest.seg == lead.seg:
            cards[place] = replace(cards[place], **_evidence(lead))
        return
    if latest is not None and latest.state in _TOLD:
        told = {target for card in cards if card.kind == kind for target in card.targets}
        news = [cue for cue in group if cue.target not in told or cue.seg > latest.seg]
        if latest.state is not CardState.DISMISSED:
            news = [cue for cue in news if cue.target not in told]
        if not news:
            return
        lead, targets = news[0], tuple(dict.fromkeys(cue.target for cue in news))
    number = sum(card.kind == kind for card in cards)
    name = str(uuid.uuid5(_NAMES, f"{call_id}/{kind}/{number}"))
    cards.append(
        Card(id=name, call_id=call_id, kind=kind, targets=targets, action=lead.action, at=now, **_evidence(lead))
    )


def _evidence(cue: Cue) -> dict[str, Any]:
    return {"concern": cue.concern, "seg": cue.seg, "start": cue.start, "end": cue.end, "text": cue.text}
