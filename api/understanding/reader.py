"""The lexicon and the reading of turns, in one thread of their own; a gazetteer that was edited is read again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import structlog

from asr.cues import Cue, hear
from asr.learning import Learnt
from asr.lexicon import GAZETTEER_FILE, Lexicon, LexiconError
from asr.lexicon.urgency import Urgency
from asr.prefill import Suggestion
from asr.transcript import Turn
from asr.understanding import rehearse, understand

log = structlog.get_logger(__name__)

LOOK_S = 5.0
_SHOWN = 60

Stamp = tuple[int, int, int] | None
"""Of a file: it changes whenever somebody saves. None: there is no file."""


class Understanding:
    """``home`` may hold the city's own gazetteer. One that is wrong is told of by ``problem``; until it is put right
    the places stay as they were, at the start those of the package. ``ticket_prefix``: the letters of the city's own
    ticket numbers. ``run`` for as long as the server runs."""

    def __init__(self, home: Path, learnt: Callable[[], Learnt | None], *, ticket_prefix: str = "GD") -> None:
        self._home = home
        self._ticket_prefix = ticket_prefix
        self._learnt = learnt
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="prefill")
        self._lexicon: Lexicon | None = None
        self._stamp: Stamp = None
        self.problem = ""

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._pool, self._known)
        self._pool.submit(self._rehearse)
        while True:
            await asyncio.sleep(LOOK_S)
            await asyncio.to_thread(self._look)

    async def suggest(self, turns: Sequence[Turn], caller_number: str) -> Sequence[Suggestion]:
        return await asyncio.get_running_loop().run_in_executor(
            self._pool, self._suggest, turns, caller_number, self._learnt()
        )

    async def listen(self, turns: Sequence[Turn]) -> Sequence[Cue]:
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._listen, tuple(turns))

    def lexicon(self) -> Lexicon:
        """As it is read by now: the city's own once that is known, else the packaged one."""
        return self._lexicon or Lexicon.load()

    def label(self, name: str, value: str) -> str:
        """What a person reads: a category's two names, everything else as it is."""
        if name != "category_code" or self._lexicon is None:
            return value
        category = self._lexicon.category(value)
        return value if category is None else f"{category.level1}/{category.level2}"

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    # -- in threads --------------------------------------------------------------------------------------------------

    def _rehearse(self) -> None:
        try:
            rehearse(self._known(), Urgency.load())
        except Exception:
            log.exception("talk not rehearsed: the first call will wait")

    def _suggest(self, turns: Sequence[Turn], caller_number: str, learnt: Learnt | None) -> Sequence[Suggestion]:
        lexicon, urgency = self._known(), Urgency.load()
        found = understand(turns, caller_number=caller_number, lexicon=lexicon, urgency=urgency, learnt=learnt)
        return found.suggestions

    def _listen(self, turns: Sequence[Turn]) -> Sequence[Cue]:
        return hear(turns, self._known(), Urgency.load())

    def _known(self) -> Lexicon:
        if self._lexicon is None:
            self._stamp = _stamp(self._home)
            self._lexicon = self._read() or Lexicon.load().with_ticket_prefix(self._ticket_prefix)
        return self._lexicon

    def _look(self) -> None:
        """Nobody waits for it: what is new is indexed before it is used."""
        stamp = _stamp(self._home)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        lexicon = self._read()
        if lexicon is not None:
            rehearse(lexicon, Urgency.load())
            self._lexicon = lexicon
            log.info("gazetteer read again", places=len(lexicon.places))

    def _read(self) -> Lexicon | None:
        try:
            lexicon = Lexicon.of_home(self._home).with_ticket_prefix(self._ticket_prefix)
        except LexiconError as error:
            self.problem = f"{GAZETTEER_FILE} is not used: {error.entry[:_SHOWN]}: {error.problem}"
            log.error("gazetteer not used", entry=error.entry[:_SHOWN], problem=error.problem)
            return None
        self.problem = ""
        return lexicon


def _stamp(home: Path) -> Stamp:
    try:
        found = (home / GAZETTEER_FILE).stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
