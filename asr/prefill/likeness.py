"""How alike somebody's words are to the ways people put each matter: naive Bayes over runs of characters and sounds.

Learnt from the lexicon's phrasings in a few tenths of a second, the same each time; what closed tickets teach is
``asr.learning``'s.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from asr.lexicon import Lexicon
from asr.lexicon.pinyin import syllables

Floats = npt.NDArray[np.float32]

_WORTH = {1: 1.0, 2: 1.0, 3: 0.5}
"""What a run of so many characters counts."""
_WORTH_OF_SOUND = {2: 1.0, 3: 0.5}
"""Runs of syllables count too, for what a recogniser writes with other characters."""
_PRIOR = 12.0
_NOT_WORDS = re.compile(r"[^\u4e00-\u9fffA-Za-z]+")


@dataclass(frozen=True, eq=False)
class Likeness:
    """``weights`` has a row for each of ``codes`` and a column for each of ``pieces``."""

    codes: tuple[str, ...]
    pieces: Mapping[str, int]
    worth: Floats
    weights: Floats

    def of(self, text: str) -> Floats:
        """Log-odds of each code, 0 where the text says nothing; read only."""
        return _odds(self, text)


@lru_cache(maxsize=16384)
def _odds(likeness: Likeness, text: str) -> Floats:
    places, values = _row(_pieces_of(text), likeness.pieces, likeness.worth)
    odds: Floats = likeness.weights[:, places] @ values
    odds.flags.writeable = False
    return odds


@lru_cache(maxsize=4)
def likeness_of(lexicon: Lexicon) -> Likeness | None:
    """None where the lexicon has no phrasings."""
    examples = [(code, text) for code, texts in lexicon.phrasings.items() for text in texts]
    return _learn(examples) if examples else None


def _learn(examples: Sequence[tuple[str, str]]) -> Likeness:
    counted = [(code, _pieces_of(text)) for code, text in examples]
    spread = Counter(piece for _, counts in counted for piece in counts)
    pieces = {piece: number for number, piece in enumerate(spread)}
    worth = np.array([_worth(piece) * math.log((len(examples) + 1) / (n + 0.5)) for piece, n in spread.items()])
    worth = worth.astype(np.float32)
    codes = tuple(dict.fromkeys(code for code, _ in examples))
    sums = np.zeros((len(codes), len(pieces)), np.float32)
    row = {code: number for number, code in enumerate(codes)}
    for code, counts in counted:
        places, values = _row(counts, pieces, worth)
        sums[row[code], places] += values
    overall = sums.sum(axis=0) / sums.sum()
    shares = (sums + _PRIOR * overall) / (sums.sum(axis=1, keepdims=True) + _PRIOR)
    return Likeness(codes, pieces, worth, np.log(shares / overall).astype(np.float32))


def _worth(piece: str) -> float:
    return _WORTH_OF_SOUND[piece.count(" ")] if piece.startswith(" ") else _WORTH[len(piece)]


@lru_cache(maxsize=4096)
def _pieces_of(text: str) -> Counter[str]:
    counts: Counter[str] = Counter()
    for words in filter(None, _NOT_WORDS.split(text)):
        for width in _WORTH:
            counts.update(words[at : at + width] for at in range(len(words) - width + 1))
        said = syllables(words)
        for width in _WORTH_OF_SOUND:
            counts.update(f" {' '.join(said[at : at + width])}" for at in range(len(said) - width + 1))
    return counts


def _row(counts: Mapping[str, int], pieces: Mapping[str, int], worth: Floats) -> tuple[npt.NDArray[np.int64], Floats]:
    """The known pieces of a text, damped, weighted and of length one."""
    known = [(pieces[piece], count) for piece, count in counts.items() if piece in pieces]
    if not known:
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    places = np.array([place for place, _ in known], np.int64)
    values = np.log1p(np.array([count for _, count in known], np.float32)) * worth[places]
    return places, (values / np.linalg.norm(values)).astype(np.float32)
