"""The ticket while it is being written: what people type stays, what is suggested waits beside it (pure).

A suggestion of at least ``FILLS`` confidence fills a field that nobody has touched; a weaker one is only offered. A
field that a person typed or accepted is never changed by a suggestion: a different one is kept beside it as an offer. A
value that was dismissed, or typed over, does not come back. Every function returns a new draft whose version is one
higher, or the very same draft if nothing changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from api.errors import InvalidField, NotNow
from api.tickets import fields
from api.tickets.fields import RULES, Disposition, Value
from asr.prefill import Evidence, Option, Suggestion

FILLS = 0.75
MOST_OPTIONS = 6


class Origin(StrEnum):
    EMPTY = "empty"
    SUGGESTED = "suggested"
    ACCEPTED = "accepted"
    TYPED = "typed"


class OfferStatus(StrEnum):
    FILLED = "filled"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    DISMISSED = "dismissed"


class DraftStatus(StrEnum):
    OPEN = "open"
    SUBMITTED = "submitted"
    CLOSED = "closed"
    """No ticket came of the call (无需工单)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """A suggested value, how sure the machine is, the words it came from, and the values between which to decide."""

    value: str | bool
    confidence: float
    evidence: tuple[Evidence, ...] = ()
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """``source``: the suggestion the value came from. ``offered``: another one, beside the value.

    ``changed_in``: the draft's version in which a person last decided about this field; 0 for never. ``suggested_in``:
    the version that brought the suggestion which is shown. ``before``: what it was before that person's last acceptance
    or dismissal.
    """

    value: Value = None
    origin: Origin = Origin.EMPTY
    source: Offer | None = None
    offered: Offer | None = None
    refused: Offer | None = None
    dismissed: tuple[str | bool, ...] = ()
    changed_in: int = 0
    suggested_in: int = 0
    before: Field | None = None

    @property
    def suggestion(self) -> tuple[Offer, OfferStatus] | None:
        """The one suggestion that is shown with the field."""
        if self.offered is not None:
            return self.offered, OfferStatus.OFFERED
        if self.source is not None:
            return self.source, OfferStatus.FILLED if self.origin is Origin.SUGGESTED else OfferStatus.ACCEPTED
        if self.refused is not None:
            return self.refused, OfferStatus.DISMISSED
        return None


UNTOUCHED = Field()


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    id: str
    call_id: str
    author_id: int
    caller_number: str
    version: int
    updated_at: datetime
    status: DraftStatus = DraftStatus.OPEN
    fields: Mapping[str, Field] = field(default_factory=lambda: dict.fromkeys(RULES, UNTOUCHED))

    @property
    def values(self) -> dict[str, Value]:
        return {name: one.value for name, one in self.fields.items()}

    def missing(self, disposition: Disposition = Disposition.DISPATCH) -> tuple[str, ...]:
        return fields.missing(self.values, disposition)


# the machine ----------------------------------------------------------------------------------------------------------
def merge(draft: Draft, suggestions: Iterable[Suggestion]) -> Draft:
    """Take in all that is understood by now. What people decided stays; a suggestion no field can take is passed over.

    What was suggested before and is not any more is taken back: a caller who turns anonymous leaves no number behind.
    """
    if draft.status is not DraftStatus.OPEN:
        return draft
    offers = {each.field: offer for each in suggestions if (offer := _offer(each)) is not None}
    changed = {
        name: _with_offer(one, offers[name]) if name in offers else _without_offer(one)
        for name, one in draft.fields.items()
    }
    if changed == draft.fields:
        return draft
    version = draft.version + 1
    return replace(
        draft,
        fields={name: _seen_in(draft.fields[name], one, version) for name, one in changed.items()},
        version=version,
    )


def _seen_in(was: Field, now: Field, version: int) -> Field:
    """Another value is suggested than was: whoever saw the draft before has not seen it."""
    return now if _suggested(was) == _suggested(now) else replace(now, suggested_in=version)


def _suggested(one: Field) -> str | bool | None:
    return None if one.suggestion is None else one.suggestion[0].value


def _offer(suggestion: Suggestion) -> Offer | None:
    try:
        value = fields.checked(suggestion.field, suggestion.value)
    except InvalidField:
        return None
    if value is None:
        return None
    options = tuple(one for one in suggestion.options if _fits(suggestion.field, one.value))
    return Offer(
        value=value, confidence=suggestion.confidence, evidence=suggestion.evidence, options=options[:MOST_OPTIONS]
    )


def _fits(name: str, value: str) -> bool:
    try:
        return fields.checked(name, value) == value
    except InvalidField:
        return False


def _with_offer(one: Field, offer: Offer) -> Field:
    if offer.value in one.dismissed:
        return one
    if one.origin in (Origin.TYPED, Origin.ACCEPTED):
        return replace(one, offered=None if offer.value == one.value else offer)
    if one.origin is Origin.SUGGESTED and offer.value == one.value:
        return replace(one, source=offer, offered=None)
    if offer.confidence >= FILLS:
        return replace(one, value=offer.value, origin=Origin.SUGGESTED, source=offer, offered=None)
    return replace(one, offered=offer)


def _without_offer(one: Field) -> Field:
    if one.origin is Origin.SUGGESTED:
        return replace(one, value=None, origin=Origin.EMPTY, source=None, offered=None)
    return replace(one, offered=None)


# people ---------------------------------------------------------------------------------------------------------------
def type_value(draft: Draft, name: str, value: Value) -> Draft:
    """A person wrote this, or emptied the field: from now on it is theirs. Raises InvalidField or NotNow."""
    one = _field(draft, name)
    value = fields.checked(name, value)
    over = () if one.origin is not Origin.SUGGESTED or one.value in (None, value) else (one.value,)
    offered = None if one.offered is not None and one.offered.value == value else one.offered
    typed = Field(
        value=value,
        origin=Origin.TYPED,
        offered=offered,
        dismissed=(*one.dismissed, *(gone for gone in over if gone is not None)),
    )
    return _decided(draft, name, typed)


def accept(draft: Draft, name: str) -> Draft:
    """Take the suggestion that is shown. Raises NotNow where there is none."""
    one = _field(draft, name)
    if one.offered is None and one.origin is Origin.ACCEPTED:
        return draft
    offer = one.offered or one.source
    if offer is None:
        raise NotNow("nothing is suggested for this field")
    accepted = replace(one, value=offer.value, origin=Origin.ACCEPTED, source=offer, offered=None, refused=None)
    return _decided(draft, name, replace(accepted, before=replace(one, before=None)))


def dismiss(draft: Draft, name: str) -> Draft:
    """Refuse the suggestion that is shown; its value does not come back. Raises NotNow where there is none."""
    one = _field(draft, name)
    offer = one.offered or (one.source if one.origin is Origin.SUGGESTED else None)
    if offer is None:
        raise NotNow("nothing is suggested for this field")
    refused = replace(one, offered=None, refused=offer, dismissed=(*one.dismissed, offer.value))
    if one.offered is None:
        refused = replace(refused, value=None, origin=Origin.EMPTY, source=None)
    return _decided(draft, name, replace(refused, before=replace(one, before=None)))


def undo(draft: Draft, name: str) -> Draft:
    """Take back the last acceptance or dismissal of this field. Raises NotNow where there is none."""
    before = _field(draft, name).before
    if before is None:
        raise NotNow("nothing to take back")
    return _decided(draft, name, before)


def accept_all(draft: Draft) -> Draft:
    """Accept every value a suggestion filled in. What is only offered stays offered. One version for all of them."""
    return _one_version(draft, _kept(draft, draft.fields))


def type_values(draft: Draft, values: Mapping[str, Value], *, kept: Iterable[str] = ()) -> Draft:
    """Several fields at once, as one version. ``kept``: fields whose filled-in suggestion is accepted as it stands."""
    result = _kept(draft, kept)
    for name, value in values.items():
        result = type_value(result, name, value)
    return _one_version(draft, result)


def clashes(draft: Draft, names: Iterable[str], seen_version: int) -> tuple[str, ...]:
    """Those of the fields that a person changed after ``seen_version``; what was suggested meanwhile does not count."""
    return tuple(name for name in names if draft.fields.get(name, UNTOUCHED).changed_in > seen_version)


def unseen(draft: Draft, name: str, seen_version: int) -> bool:
    """Whether this field, or the suggestion that is shown with it, is not what a person saw in ``seen_version``."""
    one = draft.fields.get(name, UNTOUCHED)
    return max(one.changed_in, one.suggested_in) > seen_version


def submitted(draft: Draft) -> Draft:
    _open(draft)
    return replace(draft, status=DraftStatus.SUBMITTED, version=draft.version + 1)


def closed(draft: Draft) -> Draft:
    """No ticket comes of it. Raises NotNow once there is one."""
    _open(draft)
    return replace(draft, status=DraftStatus.CLOSED, version=draft.version + 1)


def reopened(draft: Draft) -> Draft:
    """A ticket comes of it after all."""
    if draft.status is not DraftStatus.CLOSED:
        raise NotNow("the draft is not closed")
    return replace(draft, status=DraftStatus.OPEN, version=draft.version + 1)


def _open(draft: Draft) -> None:
    if draft.status is not DraftStatus.OPEN:
        raise NotNow("the draft has been submitted or closed")


def _field(draft: Draft, name: str) -> Field:
    _open(draft)
    if name not in draft.fields:
        raise InvalidField("field", "the name of a ticket field")
    return draft.fields[name]


def _kept(draft: Draft, names: Iterable[str]) -> Draft:
    for name in names:
        one = _field(draft, name)
        if one.origin is Origin.SUGGESTED:
            draft = _decided(draft, name, replace(one, origin=Origin.ACCEPTED, before=replace(one, before=None)))
    return draft


def _decided(draft: Draft, name: str, one: Field) -> Draft:
    version = draft.version + 1
    return replace(draft, version=version, fields={**draft.fields, name: replace(one, changed_in=version)})


def _one_version(old: Draft, new: Draft) -> Draft:
    if new.version == old.version:
        return old
    version = old.version + 1
    stamped = {
        name: replace(one, changed_in=version) if one.changed_in > old.version else one
        for name, one in new.fields.items()
    }
    return replace(new, version=version, fields=stamped)
