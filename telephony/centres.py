"""Whom a call may be handed to: partner centres and their ways, telephone numbers, waiting lines (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from telephony.ids import QueueName, SeatId

FIRST_SIGN_S = 3.0
RING_S = 20.0
NUMBER_SIGN_S = 8.0
"""A call through the public network takes a while before anything is heard of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """One way to a target. ``endpoint`` is the pjsip endpoint; with ``number`` it is a trunk that dials the number.

    ``first_sign_s``: without any sign of life for so long the way is dead. ``ring_s``: so long the target may ring.
    """

    endpoint: str
    number: str = ""
    first_sign_s: float = FIRST_SIGN_S
    ring_s: float = RING_S


@dataclass(frozen=True, kw_only=True, slots=True)
class Centre:
    """A partner centre with its ways, the primary one first; ``key`` is its place on the operators' keyboard."""

    code: str
    name: str
    routes: tuple[Route, ...]
    key: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """Everybody whom calls may be sent to. Without it nobody can be reached, and every transfer is refused.

    ``number_rule`` must match all of a free number, which then is dialled by ``trunk``; the empty rule allows none.
    ``numbers`` are allowed by name: number to what it is called. ``line`` is the caller id that they see. ``branches``
    are lines whose calls ring at a centre first: the line's number to the centre's code.
    """

    centres: Mapping[str, Centre] = field(default_factory=dict)
    queues: frozenset[QueueName] = frozenset()
    numbers: Mapping[str, str] = field(default_factory=dict)
    number_rule: str = ""
    number_ring_s: float = RING_S
    trunk: str = ""
    line: str = ""
    branches: Mapping[str, str] = field(default_factory=dict)

    def allows_number(self, number: str) -> bool:
        ruled = bool(self.number_rule) and re.fullmatch(self.number_rule, number, re.ASCII) is not None
        return bool(self.trunk) and (number in self.numbers or ruled)

    def to_number(self, number: str) -> Route:
        return Route(endpoint=self.trunk, number=number, first_sign_s=NUMBER_SIGN_S, ring_s=self.number_ring_s)

    def seat(self, seat: SeatId) -> Route:
        return Route(endpoint=seat)


NOBODY = Reach()
