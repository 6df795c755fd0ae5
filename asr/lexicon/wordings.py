"""The words that a phrase of the lexicon can be said in, each stretch between its gaps by itself (pure).

What a phrase may look like stands at the head of ``asr.lexicon.phrases``. Here a choice is written out, and what must
not stand beside it is nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

_MOST = 60
"""Of a phrase that can be said in more ways, so many of them, evenly taken."""
_GAPS = "…·"
_GAP = " "
_LOOKS = ("(?!", "(?<!")


def wordings(phrase: str) -> tuple[str, ...]:
    """Of two characters and more, none twice, for a phrase that is well formed."""
    ways, _ = _ways(phrase, 0)
    return _some(stretch for way in ways for stretch in way.split(_GAP) if len(stretch) > 1)


def _ways(phrase: str, at: int) -> tuple[tuple[str, ...], int]:
    """Up to a closing bracket or the end, and where that is."""
    done: list[str] = []
    row: tuple[str, ...] = ("",)
    while at < len(phrase) and phrase[at] != ")":
        if phrase[at] == "|":
            done += row
            row, at = ("",), at + 1
            continue
        part, at = _part(phrase, at)
        row = _some(before + after for before in row for after in part)
    return _some([*done, *row]), at


def _part(phrase: str, at: int) -> tuple[tuple[str, ...], int]:
    for look in _LOOKS:
        if phrase.startswith(look, at):
            _, end = _ways(phrase, at + len(look))
            return ("",), end + 1
    if phrase[at] == "(":
        part, end = _ways(phrase, at + 1)
        at = end + 1
    else:
        part = ("",) if phrase[at] == "$" else (_GAP,) if phrase[at] in _GAPS else (phrase[at],)
        at += 1
    return (_some([*part, ""]), at + 1) if phrase.startswith("?", at) else (part, at)


def _some(ways: Iterable[str]) -> tuple[str, ...]:
    known = tuple(dict.fromkeys(ways))
    return known if len(known) <= _MOST else tuple(known[at * len(known) // _MOST] for at in range(_MOST))
