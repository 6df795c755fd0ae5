"""The states of a ticket and what leads from one to the next (pure). A ticket is at its draft until it is submitted."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from api.errors import NotNow
from api.tickets.fields import Disposition


class State(StrEnum):
    DRAFT = "draft"
    """草稿."""
    TO_DISPATCH = "to_dispatch"
    """待分派."""
    ANSWERED = "answered"
    """直接答复."""
    INVALID = "invalid"
    """无效来电."""


OPEN = frozenset({State.TO_DISPATCH})
"""Somebody still owes the citizen something."""

TRANSITIONS: Mapping[State, Mapping[Disposition, State]] = {
    State.DRAFT: {
        Disposition.DISPATCH: State.TO_DISPATCH,
        Disposition.DIRECT_ANSWER: State.ANSWERED,
        Disposition.INVALID: State.INVALID,
    },
    State.TO_DISPATCH: {},
    State.ANSWERED: {},
    State.INVALID: {},
}


def after(state: State, disposition: Disposition) -> State:
    """Raises NotNow for a pair that is not in the table."""
    following = TRANSITIONS[state].get(disposition)
    if following is None:
        raise NotNow("the ticket is past that step")
    return following
