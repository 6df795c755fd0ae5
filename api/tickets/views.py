"""Drafts and tickets as people get to see them: pydantic models, and what of a person is masked in them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from api.auth.masking import masked_name, masked_number
from api.store.sealing import normal_phone
from api.store.tables import TicketRecord
from api.tickets.draft import Draft, DraftStatus, Field, Offer, OfferStatus, Origin
from api.tickets.fields import RULES, Disposition, Value
from api.tickets.lifecycle import OPEN, State

Label = Callable[[str, str], str]
"""``(field, value)`` to what a person reads."""

PHONE = "contact_phone"


class EvidenceView(BaseModel):
    """``text[start:end]`` of the turn ``seg``."""

    seg: int
    start: int
    end: int


class OptionView(BaseModel):
    value: str
    label: str
    confidence: float


class SuggestionView(BaseModel):
    """``options``: where several values come into question, all of them, the likeliest first; a person decides."""

    value: str | bool
    label: str
    confidence: float
    evidence: list[EvidenceView]
    status: OfferStatus
    options: list[OptionView]


class FieldView(BaseModel):
    value: str | bool | None
    origin: Origin
    suggestion: SuggestionView | None


class DraftView(BaseModel):
    """``missing``: required fields that are empty if the matter is to be dispatched."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "8f9f1b1e-6b1b-4d57-9f0a-0f2f1f6f7d11",
                    "call_id": "1795297638.32",
                    "version": 4,
                    "updated_at": "2026-11-21T06:00:00Z",
                    "status": "open",
                    "fields": {
                        "address": {
                            "value": "城区驿后小区4号楼东",
                            "origin": "suggested",
                            "suggestion": {
                                "value": "城区驿后小区4号楼东",
                                "label": "城区驿后小区4号楼东",
                                "confidence": 0.87,
                                "evidence": [{"seg": 3, "start": 2, "end": 11}],
                                "status": "filled",
                                "options": [],
                            },
                        }
                    },
                    "missing": ["title"],
                }
            ]
        }
    )

    id: str
    call_id: str
    version: int
    updated_at: datetime
    status: DraftStatus
    fields: dict[str, FieldView]
    missing: list[str]


class DraftRow(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "8f9f1b1e-6b1b-4d57-9f0a-0f2f1f6f7d11",
                    "call_id": "1795297638.32",
                    "updated_at": "2026-11-21T06:00:00Z",
                    "status": "open",
                    "title": None,
                    "caller_number": "138****0000",
                }
            ]
        }
    )

    id: str
    call_id: str
    updated_at: datetime
    status: DraftStatus
    title: str | None
    caller_number: str


_EXAMPLE: dict[str, Any] = {
    "id": "0b6f4b8e-1c1a-4e55-8f43-9d1df3a0e6a1",
    "ticket_no": "GD202611210001",
    "title": "小区垃圾池异味",
    "appeal_type": "投诉",
    "category": "环境卫生/垃圾收运",
    "status": "to_dispatch",
    "open": True,
    "call_id": "1795297638.32",
    "created_at": "2026-11-21T06:05:00Z",
    "district": "城区",
    "urgency": "一般",
    "contact_phone": "138****0000",
    "confidential": False,
}


class TicketRow(BaseModel):
    """``category`` as a person reads it; ``status`` is the state.

    ``contact_phone`` is masked, and empty where the reader may not know who is behind the ticket.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: str
    ticket_no: str
    title: str | None
    appeal_type: str | None
    category: str | None
    status: State
    open: bool
    call_id: str
    created_at: datetime
    district: str | None
    urgency: str | None
    contact_phone: str
    confidential: bool


class TicketView(TicketRow):
    """``author`` is the operator who wrote it. Numbers are masked here too; revealing one is a request of its own."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **_EXAMPLE,
                    "version": 1,
                    "updated_at": "2026-11-21T06:05:00Z",
                    "disposition": "dispatch",
                    "summary": "反映垃圾池异味，要求及时清运。",
                    "author": "座席8001",
                    "agent_id": "8001",
                    "fields": {"title": "小区垃圾池异味", "contact_phone": "138****0000", "confidential": False},
                }
            ]
        }
    )

    version: int
    updated_at: datetime
    disposition: Disposition
    summary: str
    author: str
    agent_id: str | None
    fields: dict[str, str | bool | None]


def draft_view(draft: Draft, label: Label) -> DraftView:
    return DraftView(
        id=draft.id,
        call_id=draft.call_id,
        version=draft.version,
        updated_at=draft.updated_at,
        status=draft.status,
        fields={name: _field(draft, name, one, label) for name, one in draft.fields.items()},
        missing=list(draft.missing()),
    )


def draft_row(draft: Draft) -> DraftRow:
    title = draft.fields["title"].value
    return DraftRow(
        id=draft.id,
        call_id=draft.call_id,
        updated_at=draft.updated_at,
        status=draft.status,
        title=title if isinstance(title, str) else None,
        caller_number=masked_number(draft.caller_number),
    )


def _field(draft: Draft, name: str, one: Field, label: Label) -> FieldView:
    value = one.value if one.origin is Origin.TYPED else _shown(draft, name, one.value)
    shown = one.suggestion
    suggestion = None if shown is None else _suggestion(draft, name, *shown, label)
    return FieldView(value=value, origin=one.origin, suggestion=suggestion)


def _suggestion(draft: Draft, name: str, offer: Offer, status: OfferStatus, label: Label) -> SuggestionView:
    value = _shown(draft, name, offer.value)
    assert value is not None
    return SuggestionView(
        value=value,
        label=label(name, value) if isinstance(value, str) else str(value).lower(),
        confidence=round(offer.confidence, 3),
        evidence=[EvidenceView(seg=words.seg, start=words.start, end=words.end) for words in offer.evidence],
        status=status,
        options=[
            OptionView(value=one.value, label=label(name, one.value), confidence=round(one.confidence, 3))
            for one in offer.options
        ],
    )


def _shown(draft: Draft, name: str, value: Value) -> Value:
    """The number the call came from is masked here as everywhere; one that was said aloud is not."""
    if name != PHONE or not isinstance(value, str):
        return value
    return masked_number(value) if normal_phone(value) == normal_phone(draft.caller_number) else value


def ticket_row(ticket: TicketRecord, label: Label, *, may_know: bool) -> TicketRow:
    """``may_know``: whether this reader may know who is behind a confidential or anonymous ticket."""
    return TicketRow(**_row(ticket, label, may_know))


def ticket_view(ticket: TicketRecord, author: str, agent_id: str | None, label: Label, *, may_know: bool) -> TicketView:
    """``may_know`` as in ``ticket_row``."""
    values = {name: _as_written(getattr(ticket, name)) for name in RULES if name != "summary"}
    values[PHONE] = _number(ticket, may_know) or None
    if not _open_to(ticket, may_know):
        values["caller_name"] = masked_name(ticket.caller_name) or None
        values["address"] = None  # the district stays: it says where the matter belongs, and not to whom
        values["contact_note"] = None
    return TicketView(
        **_row(ticket, label, may_know),
        version=ticket.version,
        updated_at=ticket.updated_at,
        disposition=Disposition(ticket.disposition),
        summary=ticket.summary,
        author=author,
        agent_id=agent_id,
        fields=values,
    )


def _as_written(value: str | bool | int | None) -> str | bool | None:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _open_to(ticket: TicketRecord, may_know: bool) -> bool:
    return may_know or not (ticket.confidential or ticket.anonymous)


def _number(ticket: TicketRecord, may_know: bool) -> str:
    """Masked, and not even so where nobody is to be recognised: seven digits of eleven tell a neighbour enough."""
    return masked_number(ticket.contact_phone) if _open_to(ticket, may_know) else ""


def _row(ticket: TicketRecord, label: Label, may_know: bool) -> dict[str, Any]:
    state = State(ticket.state)
    code = ticket.category_code
    return {
        "id": ticket.id,
        "ticket_no": ticket.number,
        "title": ticket.title,
        "appeal_type": ticket.appeal_type,
        "category": None if code is None else label("category_code", code),
        "status": state,
        "open": state in OPEN,
        "call_id": ticket.call_id,
        "created_at": ticket.created_at,
        "district": ticket.district,
        "urgency": ticket.urgency,
        "contact_phone": _number(ticket, may_know),
        "confidential": ticket.confidential,
    }
