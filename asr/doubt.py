"""How far what sounds like danger is doubted, by its place in the talk (pure)."""

from __future__ import annotations

import re
from collections.abc import Container
from functools import lru_cache

from asr.lexicon.urgency import Urgency
from asr.prefill.questions import ASKS_NAME, ASKS_PHONE

_OPENING = 3
"""Danger is told in the first turns of a talk, if they tell of nothing else, or breaks into it."""
_ORDINARY = ("asking", "complaint", "past")
_LATER = 0.4
"""So much more has to speak for it after them, where the operator asked who is calling, and after each of _ORDINARY."""
INTERRUPTED = re.compile(
    r"…|(?:^|[，。！？、])(?:哎+|唉|哎[呀哟]|啊|坏了|糟了|不好了?|我的?[妈天]|天[哪呐]|等[等下会]|别挂|[快你]?看)"
)
"""What was asked or complained of before is not what happens after it."""


def doubt_of(told: int, asked: str, text: str, told_of: Container[str]) -> tuple[float, float]:
    """How far a turn is doubted, and what is said in so many words.

    The operator answered ``told`` times before, ``asked`` this just now, and was ``told_of`` ordinary things.
    """
    if INTERRUPTED.search(text):
        return 0.0, 0.0
    of_caller = ASKS_NAME.search(asked) is not None or ASKS_PHONE.search(asked) is not None
    behind = sum(kind in told_of for kind in _ORDINARY)
    return _LATER * ((told >= _OPENING) + of_caller + behind), _LATER * behind


@lru_cache(maxsize=4096)
def ordinary(text: str, urgency: Urgency) -> frozenset[str]:
    """How it tells of something that does not happen now."""
    now = any(urgency.context["now"].read(text))
    return frozenset() if now else frozenset(kind for kind in _ORDINARY if any(urgency.suppress[kind].read(text)))
