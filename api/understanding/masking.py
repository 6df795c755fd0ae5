"""What a language model elsewhere may not see: numbers, names, places and doors, replaced before anything is sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from api.understanding.hidden_names import names_in
from api.understanding.hidden_numbers import numbers_in
from api.understanding.hidden_places import places_in
from asr.lexicon import Lexicon
from asr.prefill import Suggestion
from asr.prefill.reading import read
from asr.transcript import Turn

HIDDEN = "*"
_OF_PERSON = ("caller_name", "contact_phone", "address", "previous_ticket_no")
_SHORTEST = 3
"""Words of a place that are hidden wherever else they are said."""


@dataclass(frozen=True, slots=True)
class Line:
    """One turn as it is sent."""

    speaker: str
    text: str


def lines_of(turns: Sequence[Turn], found: Sequence[Suggestion], lexicon: Lexicon, *, personal: bool) -> list[Line]:
    """``found`` is the rules' result for these turns; ``personal`` True sends everything as it was said.

    Each hidden character becomes a ``*``. Rather too much is hidden than too little.
    """
    finals = [turn for turn in turns if turn.final and turn.text.strip()]
    if personal:
        return [Line(turn.speaker.value, turn.text) for turn in finals]
    hidden = {turn.seg: bytearray(len(turn.text)) for turn in finals}
    texts = {turn.seg: turn.text for turn in finals}
    personal_ones = [one for one in found if one.field in _OF_PERSON]
    proofs = [item for one in personal_ones for item in one.evidence]
    talk = read(finals, lexicon)
    names = names_in(talk)
    for said, start, end in (*names.found, *numbers_in(talk)):
        if end > start:
            proofs.append(said.evidence(start, end))
    places = [said.evidence(start, end) for said, start, end in places_in(talk) if end > start]
    for item in (*proofs, *places):
        _hide(hidden.get(item.seg), item.start, item.end)
    words = {*names.words, *(one.value for one in personal_ones if len(one.value) > 1)}
    words |= {texts[item.seg][item.start : item.end] for item in places if item.end - item.start >= _SHORTEST}
    words |= {piece for one in personal_ones if one.field == "address" for piece in _pieces(one.value)}
    for turn in finals:
        _hide_words(hidden[turn.seg], turn.text, words)
    return [Line(turn.speaker.value, _shown(turn.text, hidden[turn.seg])) for turn in finals]


def _pieces(address: str) -> Iterator[str]:
    """Every few characters in a row: a part of it may be said alone."""
    return (address[at : at + _SHORTEST] for at in range(len(address) - _SHORTEST + 1))


def _hide(marks: bytearray | None, start: int, end: int) -> None:
    if marks is not None:
        marks[start:end] = b"\1" * len(marks[start:end])


def _hide_words(marks: bytearray, text: str, words: Iterable[str]) -> None:
    for word in words:
        at = text.find(word)
        while at >= 0:
            _hide(marks, at, at + len(word))
            at = text.find(word, at + 1)


def _shown(text: str, marks: bytearray) -> str:
    return "".join(HIDDEN if mark and not char.isspace() else char for char, mark in zip(text, marks, strict=True))
