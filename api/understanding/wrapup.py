"""After a call: the model is asked once, and what it offers is put beside what the rules found."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import httpx
import structlog

from api.auth import audit
from api.settings import Settings
from api.store.engine import Store
from api.tasks import Tasks
from api.tickets.service import draft_of_call
from api.times import utc_now
from api.understanding.masking import Line
from api.understanding.model import Address, Answer, ask
from api.understanding.opinion import Asked, SecondOpinion
from asr.lexicon import Lexicon
from asr.prefill import Suggestion
from asr.transcript import Turn
from telephony.events import CallEnded
from telephony.ids import CallId

log = structlog.get_logger(__name__)

LAST_WORDS_S = 4.0
"""What was said last has become text and has been read by then."""


class Texts(Protocol):
    async def restore(self, call_id: CallId) -> Sequence[Turn]: ...

    async def merge(self, call_id: CallId, suggestions: Sequence[Suggestion]) -> None: ...


class AfterCall:
    """``on_ended`` with every call that ends; nothing is asked unless the settings name an address.

    ``lexicon`` gives the one that ``suggest`` reads by: the city's own places are hidden too.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        store: Store,
        texts: Texts,
        suggest: Callable[[Sequence[Turn], str], Awaitable[Sequence[Suggestion]]],
        lexicon: Callable[[], Lexicon] = Lexicon.load,
        wait_s: float = LAST_WORDS_S,
    ) -> None:
        self._store = store
        self._texts = texts
        self._suggest = suggest
        self._lexicon = lexicon
        self._wait_s = wait_s
        self._tasks = Tasks("second opinions")
        self._client: httpx.AsyncClient | None = None
        key = settings.llm_key.get_secret_value() if settings.llm_key is not None else ""
        url = settings.llm_url
        self._address = None if url is None else Address(url=url, model=settings.llm_model, key=key)
        self._personal = settings.llm_allow_personal

    def on_ended(self, event: CallEnded) -> None:
        if self._address is not None:
            self._tasks.start(self._ask_about(event.call_id, self._address), event.call_id)

    async def settle(self, timeout_s: float) -> None:
        await self._tasks.settle(timeout_s)

    async def close(self) -> None:
        await self._tasks.close()
        if self._client is not None:
            await self._client.aclose()

    async def _ask_about(self, call_id: CallId, address: Address) -> None:
        try:
            await asyncio.sleep(self._wait_s)
            turns = await self._texts.restore(call_id)
            async with self._store.read() as session:
                draft = await draft_of_call(session, call_id)
            if not turns or draft is None:
                return
            found = await self._suggest(turns, draft.caller_number)
            opinion = await self._opinion(address).of(call_id, turns, found)
            if opinion != list(found):
                await self._texts.merge(call_id, opinion)
        except Exception:
            log.exception("no second opinion", call_id=call_id)

    def _opinion(self, address: Address) -> SecondOpinion:
        client = self._client = self._client or httpx.AsyncClient(trust_env=False, follow_redirects=False)
        lexicon = self._lexicon()
        categories = [(one.code, f"{one.level1}/{one.level2}") for one in lexicon.categories]

        async def answer(lines: Sequence[Line]) -> Answer:
            return await ask(client, address, lines, categories)

        return SecondOpinion(ask=answer, address=address, audit=self._audit, lexicon=lexicon, personal=self._personal)

    async def _audit(self, asked: Asked) -> None:
        async with self._store.write() as session:
            await audit.record(
                session,
                self._store.keyring,
                audit.SYSTEM,
                "model.ask",
                "call",
                asked.call_id,
                now=utc_now(),
                result=asked.result,
                detail={"model": asked.model, "prompt": asked.prompt, "lines": asked.lines, "masked": asked.masked},
            )
