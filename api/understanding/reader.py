"""The lexicon and the reading of turns, in one thread of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from pathlib import Path

import structlog

from asr.cues import Cue, hear
from asr.learning import Learnt
from asr.lexicon import Lexicon, LexiconError
from asr.lexicon.urgency import Urgency
from asr.prefill import Suggestion, prepare
from asr.transcript import Turn
from asr.understanding import understand

log = structlog.get_logger(__name__)


class Understanding:
    """``home`` may hold the city's own gazetteer; one that is wrong is told of, and the packaged places are used."""

    def __init__(self, home: Path, learnt: Callable[[], Learnt | None]) -> None:
        self._home = home
        self._learnt = learnt
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="prefill")
        self._lexicon: Lexicon | None = None

    async def load(self) -> None:
        self._lexicon = await asyncio.get_running_loop().run_in_executor(self._pool, _lexicon_of, self._home)
        self._pool.submit(prepare, self._lexicon)

    async def suggest(self, turns: Sequence[Turn], caller_number: str) -> Sequence[Suggestion]:
        work = partial(_suggest, turns, caller_number, self._home, self._learnt())
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    async def listen(self, turns: Sequence[Turn]) -> Sequence[Cue]:
        return await asyncio.get_running_loop().run_in_executor(self._pool, _listen, tuple(turns), self._home)

    def label(self, name: str, value: str) -> str:
        """What a person reads: a category's two names, everything else as it is."""
        if name != "category_code" or self._lexicon is None:
            return value
        category = self._lexicon.category(value)
        return value if category is None else f"{category.level1}/{category.level2}"

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


@lru_cache(maxsize=4)
def _lexicon_of(home: Path) -> Lexicon:
    try:
        return Lexicon.of_home(home)
    except LexiconError as error:
        log.error("gazetteer not used", file=error.file, entry=error.entry, problem=error.problem)
        return Lexicon.load()


def _suggest(turns: Sequence[Turn], caller_number: str, home: Path, learnt: Learnt | None) -> Sequence[Suggestion]:
    lexicon, urgency = _lexicon_of(home), Urgency.load()
    found = understand(turns, caller_number=caller_number, lexicon=lexicon, urgency=urgency, learnt=learnt)
    return found.suggestions


def _listen(turns: Sequence[Turn], home: Path) -> Sequence[Cue]:
    return hear(turns, _lexicon_of(home), Urgency.load())
