"""Turns to suggestions: field, value, the words they came from, confidence (pure)."""

from __future__ import annotations

from collections.abc import Sequence

from asr.lexicon import Lexicon
from asr.prefill.details import suggest_details
from asr.prefill.half_heard import prepare_names
from asr.prefill.likeness import likeness_of
from asr.prefill.matters import rank_categories, suggest_matter
from asr.prefill.names import suggest_caller
from asr.prefill.occurrence import suggest_first_report, suggest_time
from asr.prefill.passages import passages_of
from asr.prefill.phones import suggest_phone
from asr.prefill.places import suggest_place
from asr.prefill.privacy import privacy_of, suggest_privacy
from asr.prefill.reading import read, reading_of
from asr.prefill.subjects import suggest_subject
from asr.prefill.suggestions import Evidence, Option, Suggestion
from asr.prefill.wording import suggest_wording
from asr.transcript import Turn

__all__ = ["Evidence", "Option", "Suggestion", "prepare", "rank_categories", "suggest"]


def prepare(lexicon: Lexicon) -> None:
    """What the first call would wait for: how people put each matter is learnt, the places are indexed by sound."""
    likeness_of(lexicon)
    reading_of("泽安", lexicon).places  # noqa: B018  # indexes the gazetteer
    prepare_names(lexicon)


def suggest(turns: Sequence[Turn], *, caller_number: str, lexicon: Lexicon) -> tuple[Suggestion, ...]:
    """Everything that can be said of the ticket so far, at most one suggestion per field.

    Meant to be called after each final turn with all final turns (others are passed over); what was read of a turn is
    kept, so a call costs little more than its newest turn. ``caller_number`` is the caller id, empty if withheld.
    """
    passages = passages_of(turns)
    talk = read(passages.turns, lexicon)
    privacy = privacy_of(talk)
    caller = suggest_caller(talk, privacy)
    name = next((suggestion.value for suggestion in caller if suggestion.field == "caller_name"), "")
    found = [*caller, *suggest_phone(talk, caller_number, privacy), *suggest_privacy(privacy)]
    found += suggest_details(talk, privacy)
    subject, matter = suggest_subject(talk, name), suggest_matter(talk)
    found += [*suggest_place(talk, subject[0].value if subject else ""), *subject, *matter]
    ticket = next((suggestion for suggestion in found if suggestion.field == "previous_ticket_no"), None)
    found += suggest_time(talk, only_asks=_only_asks(matter)) or suggest_first_report(talk, ticket)
    found += suggest_wording(talk, {suggestion.field: suggestion for suggestion in found})
    return tuple(passages.told(suggestion) for suggestion in found)


def _only_asks(matter: Sequence[Suggestion]) -> bool:
    """Hardly anything happened that could have a time."""
    return any(one.field == "appeal_type" and one.value == "咨询" and one.confidence >= 0.6 for one in matter)
