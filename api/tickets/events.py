"""What happened to drafts and tickets; published after the commit."""

from __future__ import annotations

from dataclasses import dataclass

from api.tickets.draft import Draft


@dataclass(frozen=True, kw_only=True, slots=True)
class DraftChanged:
    """By a person or by suggestions. ``api.tickets.views.draft_view`` shows it."""

    call_id: str
    draft: Draft


@dataclass(frozen=True, kw_only=True, slots=True)
class TicketSubmitted:
    call_id: str
    ticket_id: str
    number: str
    author_id: int
    agent_id: str | None
