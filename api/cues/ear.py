"""The urgency ear of all calls: hears each turn as it grows, keeps the cards, shows and writes them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

import structlog

from api.cues import ledger
from api.cues.cards import Card, CardState, ended, follow, found_afterwards
from api.cues.events import CueDecided
from api.live.parts import CueData
from api.store.behind import WriteBehind
from api.store.engine import Store
from asr.cues import Action, Cue
from asr.transcript import Turn
from telephony.events import CallEnded
from telephony.ids import CallId

log = structlog.get_logger(__name__)

MOST_CALLS = 500
"""So many calls with cards are kept in memory; the database has the others."""
KNOWN_S = 1.0
"""How long the database may take to tell what was shown of a call before; then it goes on without."""

Listen = Callable[[Sequence[Turn]], Awaitable[Sequence[Cue]]]
Show = Callable[[CallId, Sequence[CueData]], None]
Late = Callable[[CallId, Sequence[Card]], None]


def _always(call_id: CallId) -> bool:
    return True


def _nobody(call_id: CallId, cards: Sequence[Card]) -> None:
    return


class Ear:
    """``heard`` with all turns of a call whenever one has changed; ``run`` until cancelled."""

    def __init__(
        self,
        *,
        store: Store,
        listen: Listen,
        show: Show,
        now: Callable[[], datetime],
        runs: Callable[[CallId], bool] = _always,
        late: Late = _nobody,
    ) -> None:
        """``runs`` tells whether a call has not ended; ``late`` hears of the cards that came up when it had."""
        self._store = store
        self._listen = listen
        self._show = show
        self._now = now
        self._runs = runs
        self._late = late
        self._news: dict[CallId, Sequence[Turn]] = {}
        self._cards: dict[CallId, tuple[Card, ...]] = {}
        self._wake = asyncio.Event()
        self.behind: WriteBehind[Card | ledger.CallOver] = WriteBehind(
            store, ledger.write, name="cues", keeps=(Card, ledger.CallOver)
        )

    def heard(self, call_id: CallId, turns: Sequence[Turn]) -> None:
        """Never waits. Of news that come faster than they are read only the last are."""
        self._news[call_id] = turns
        self._wake.set()

    def on_ended(self, event: CallEnded) -> None:
        """The last words of a call come after its end; what stood open until then has been ignored."""
        cards = self._cards.get(event.call_id)
        if cards:
            self._keep(event.call_id, ended(cards))
            self.behind.put(ledger.CallOver(call_id=event.call_id))

    def on_decided(self, event: CueDecided) -> None:
        call_id = CallId(event.card.call_id)
        cards = self._cards.get(call_id, ())
        if cards:
            self._keep(call_id, tuple(event.card if card.id == event.card.id else card for card in cards))

    async def run(self) -> None:
        writing = asyncio.create_task(self.behind.run(), name="cue records")
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._news:
                    call_id = next(iter(self._news))
                    await self._read(call_id, self._news.pop(call_id))
        finally:
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)

    async def tidy(self) -> None:
        """Cards of calls that an earlier run heard, or that ended while this server was away."""
        async with self._store.write() as session:
            await ledger.ignore_left_open(session)

    async def drain(self, timeout_s: float) -> bool:
        return await self.behind.drain(timeout_s)

    async def _read(self, call_id: CallId, turns: Sequence[Turn]) -> None:
        try:
            cues = await self._listen(turns)
            if not cues and not self._cards.get(call_id):
                return
            before = self._cards[call_id] if call_id in self._cards else await self._known(call_id)
            after = follow(before, cues, call_id, self._now())
            if not self._runs(call_id):
                after = found_afterwards(before, after)
            if after == self._cards.get(call_id):
                return
            self._keep(call_id, after)
            for card in set(after) - set(before):
                self.behind.put(card)
            known = {card.id for card in before}
            late = [card for card in after if card.state is CardState.AFTERWARDS and card.id not in known]
            if late:
                self._late(call_id, late)
        except Exception:
            log.exception("cues not heard", call_id=call_id)

    async def _known(self, call_id: CallId) -> tuple[Card, ...]:
        """What was shown before this server began."""
        try:
            async with asyncio.timeout(KNOWN_S), self._store.read() as session:
                return await ledger.cards_of(session, call_id)
        except Exception as error:
            log.warning("earlier cues not read", call_id=call_id, error_type=type(error).__name__)
            return ()

    def _keep(self, call_id: CallId, cards: tuple[Card, ...]) -> None:
        self._cards[call_id] = cards
        while len(self._cards) > MOST_CALLS:
            del self._cards[next(iter(self._cards))]
        self._show(call_id, [view(card) for card in cards])


def view(card: Card) -> CueData:
    return CueData.model_validate(
        {
            "id": card.id,
            "call_id": card.call_id,
            "targets": [] if card.action is Action.SOFT_ALERT else list(card.targets),
            "action": "offer" if card.action is Action.OFFER else card.action.value,
            "seg": card.seg,
            "start": card.start,
            "end": card.end,
            "text": card.text,
            "at": round(card.at.timestamp() * 1000),
            "state": card.state.value,
            "reason": card.reason,
            "notices": list(card.notices),
        }
    )
