"""The model's opinion beside the rules': the rules' result stands first and stays when the model fails."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

import structlog

from api.understanding.masking import Line, lines_of
from api.understanding.model import PROMPT_VERSION, Address, Answer, ModelError
from asr.lexicon import Lexicon
from asr.prefill import Suggestion
from asr.transcript import Turn

log = structlog.get_logger(__name__)

OFFERED = 0.7
"""Below what fills a field: a model's words are only ever offered."""
SURE = 0.75
"""A rule as sure as this keeps its field."""
_FIELDS = ("title", "description", "demand", "category_code", "appeal_type", "summary")

Ask = Callable[[Sequence[Line]], Awaitable[Answer]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """For the audit: that a model is asked, and what of; never the words.

    ``result``: ``asked`` before anything is sent; then ``answered``, ``NoAnswer``, ``BadAnswer``, ``cancelled`` or
    ``failed``.
    """

    call_id: str
    model: str
    prompt: str
    lines: int
    masked: bool
    result: str


Audit = Callable[[Asked], Awaitable[None]]


class SecondOpinion:
    """``ask`` gets masked lines and gives a checked answer, or raises ModelError."""

    def __init__(self, *, ask: Ask, address: Address, audit: Audit, lexicon: Lexicon, personal: bool = False) -> None:
        self._ask = ask
        self._address = address
        self._audit = audit
        self._lexicon = lexicon
        self._personal = personal

    async def of(self, call_id: str, turns: Sequence[Turn], found: Sequence[Suggestion]) -> list[Suggestion]:
        """``found`` with what the model offers where the rules are unsure or silent. Never raises ModelError.

        What cannot be audited is not sent; what was sent is audited again with how it ended.
        """
        lines = await asyncio.to_thread(lines_of, turns, found, self._lexicon, personal=self._personal)
        asked = Asked(
            call_id=call_id,
            model=self._address.model,
            prompt=PROMPT_VERSION,
            lines=len(lines),
            masked=not self._personal,
            result="asked",
        )
        await self._audit(asked)
        answer: Answer | None = None
        result = "failed"
        try:
            answer = await self._ask(lines)
            result = "answered"
        except ModelError as error:
            result = type(error).__name__
            log.warning("no second opinion", call_id=call_id, problem=result)
        except asyncio.CancelledError:
            result = "cancelled"
            raise
        finally:
            await self._audit(replace(asked, result=result))
        return list(found) if answer is None else self._beside(found, answer)

    def _beside(self, found: Sequence[Suggestion], answer: Answer) -> list[Suggestion]:
        kept = {one.field: one for one in found}
        for name in _FIELDS:
            value = getattr(answer, name)
            rules = kept.get(name)
            if not value or "*" in value or (rules is not None and rules.confidence >= SURE):
                continue
            evidence = rules.evidence if rules is not None else ()
            kept[name] = Suggestion(field=name, value=value, confidence=OFFERED, evidence=evidence)
            if name == "category_code" and (category := self._lexicon.category(value)) is not None:
                kept["department"] = Suggestion(
                    field="department", value=category.department, confidence=OFFERED, evidence=evidence
                )
        return list(kept.values())
