"""Passes to the live stream: once, for half a minute, for one session, and no pile of them."""

from __future__ import annotations

from api.live.passes import LIFE_S, PER_SESSION, Passes
from tests.api.live.stage import viewer


def test_a_pass_works_once_and_for_half_a_minute() -> None:
    passes, operator = Passes(), viewer()
    ticket = passes.issue(operator, 100.0)
    assert passes.redeem("never issued", 100.0) is None
    assert passes.redeem(ticket, 100.0) is operator
    assert passes.redeem(ticket, 100.0) is None
    late = passes.issue(operator, 100.0)
    assert LIFE_S == 30
    assert passes.redeem(late, 130.0) is None


def test_one_session_cannot_pile_up_passes_or_use_up_those_of_others() -> None:
    passes = Passes()
    other = passes.issue(viewer(session="other"), 0.0)
    own = [passes.issue(viewer(), 1.0) for _ in range(3 * PER_SESSION)]
    assert len(passes) == PER_SESSION + 1
    assert passes.redeem(own[-PER_SESSION - 1], 2.0) is None
    assert passes.redeem(own[-PER_SESSION], 2.0) is not None
    assert passes.redeem(other, 2.0) is not None
    passes.issue(viewer(), 1.0 + LIFE_S)
    assert len(passes) == 1
