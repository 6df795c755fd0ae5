"""Figures that the dialplan and the models must agree on: said where a model says them, handed to the templates."""

from __future__ import annotations

from dataclasses import dataclass

from telephony.centres import RING_S
from telephony.controls import ROUNDS
from telephony.handovers import LONGEST_HEADER
from telephony.orders import FRONT
from telephony.queues import HANDED_OVER
from telephony.transfers import RETURN_RING_S
from telephony.ways import SERVED_AFTER


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """Priorities are of ``HOTLINE_PRIORITY``, times in whole seconds, ``summary`` in characters."""

    front: int = FRONT
    """Of a citizen whose talk was lost."""
    handed_over: int = HANDED_OVER
    """Of one whom a centre hands over."""
    rounds: int = ROUNDS
    """So many rounds lie between two priorities."""
    return_ring_s: int = round(RETURN_RING_S)
    """Of an operator's page that comes back."""
    seat_ring_s: int = round(RING_S)
    """Of a seat that a citizen is put through to."""
    served_s: int = round(SERVED_AFTER.total_seconds())
    """A talk that is over earlier was none."""
    summary: int = LONGEST_HEADER
    """Of a centre's summary, without the padding."""
