"""Back-off n-grams up to three words as sorted tables, and a mixture of two of them (pure).

An n-gram is one number: its words' labels, the oldest highest, 20 bits each. Label 0 stands for the beginning of a
sentence, ``END`` for its end. All probabilities are plain, not logarithms.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

ORDERS = 3
BITS = 20
BASE = 1 << BITS
BEGIN = 0
END = BASE - 1

Keys = NDArray[np.int64]
Shares = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """``keys`` ascend; ``values`` belong to them one by one."""

    keys: Keys
    values: Shares

    def find(self, keys: Keys, missing: float = 0.0) -> Shares:
        return np.where(self.has(keys), self.values[self._at(keys)], missing) if len(self.keys) else _all(keys, missing)

    def has(self, keys: Keys) -> NDArray[np.bool_]:
        if not len(self.keys):
            return np.zeros(len(keys), dtype=bool)
        return np.asarray(self.keys[self._at(keys)] == keys)

    def _at(self, keys: Keys) -> NDArray[np.intp]:
        return np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ngrams:
    """``grams[n]`` holds the probabilities of n-grams of n + 1 words, ``weights[n]`` what those of n + 1 words before
    leave to the shorter ones; a context that is not there leaves everything."""

    grams: tuple[Table, Table, Table]
    weights: tuple[Table, Table]

    def probability(self, order: int, keys: Keys) -> Shares:
        """Of the last word of each n-gram of ``order`` words, given those before it."""
        return _backed_off(self.grams, self.weights, order, keys)


@dataclass(frozen=True, kw_only=True, slots=True)
class Mixing:
    """How much the second text counts: ``words`` for single words, up to ``most`` after words it has often."""

    words: float = 0.4
    most: float = 0.7
    seen: float = 1.5
    """After words it has so many times, half of ``most``."""
    novelty: float = 0.7
    """How readily it believes what it has never seen after them (Witten and Bell's share is 1)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """``grams[n]``: how often n-grams of n + 1 words came, by weight."""

    grams: tuple[Table, Table, Table]


def counted(sentences: Iterable[tuple[list[int], float]]) -> Counts:
    """Of sentences as labels, each with its weight."""
    labels: list[list[int]] = [[], [], []]
    weights: list[list[float]] = [[], [], []]
    for words, weight in sentences:
        older, recent = -1, BEGIN
        for word in (*words, END):
            labels[0].append(word)
            weights[0].append(weight)
            labels[1].append(recent << BITS | word)
            weights[1].append(weight)
            if older >= 0:
                labels[2].append((older << BITS | recent) << BITS | word)
                weights[2].append(weight)
            older, recent = recent, word
    one, two, three = (_summed(keys, counts) for keys, counts in zip(labels, weights, strict=True))
    return Counts(grams=(one, two, three))


def mixed(general: Ngrams, counts: Counts, how: Mixing) -> Ngrams:
    """One model that knows the n-grams of both. Contexts the counts never had stay as they were."""
    total = counts.grams[0].values.sum()
    words = _union(general.grams[0], counts.grams[0])
    said = counts.grams[0].find(words) / total
    usual = general.grams[0].find(words)
    grams = [Table(keys=words, values=(1 - how.words) * usual / usual.sum() + how.words * said)]
    floor = Table(keys=words, values=0.95 * said + 0.05 * grams[0].values)
    weights: list[Table] = []
    for order in (2, 3):
        keys = _union(general.grams[order - 1], counts.grams[order - 1])
        context, shorter = keys >> BITS, keys & (BASE ** (order - 1) - 1)
        below = _backed_off(grams, weights, order - 1, shorter)
        usual = np.where(
            general.grams[order - 1].has(keys),
            general.grams[order - 1].find(keys),
            general.weights[order - 2].find(context, missing=1.0) * below,
        )
        share, seen = _witten_bell(counts, floor, order, keys, how.novelty)
        lean = how.most * seen / (seen + how.seen)
        values = (1 - lean) * usual + lean * share
        gram, weight = _normalised(keys, values, below)
        grams.append(gram)
        weights.append(weight)
    return Ngrams(grams=(grams[0], grams[1], grams[2]), weights=(weights[0], weights[1]))


def _backed_off(
    grams: tuple[Table, ...] | list[Table], weights: tuple[Table, ...] | list[Table], order: int, keys: Keys
) -> Shares:
    known = grams[order - 1].has(keys)
    values = grams[order - 1].find(keys)
    if order == 1 or known.all():
        return values
    rest = keys[~known]
    shorter = _backed_off(grams, weights, order - 1, rest & (BASE ** (order - 1) - 1))
    values[~known] = weights[order - 2].find(rest >> BITS, missing=1.0) * shorter
    return values


def _witten_bell(counts: Counts, floor: Table, order: int, keys: Keys, novelty: float) -> tuple[Shares, Shares]:
    """What the counts say of each n-gram, and how often they had its context."""
    if order == 1:
        return floor.find(keys), _all(keys, 0.0)
    table = counts.grams[order - 1]
    context = keys >> BITS
    contexts, first = np.unique(table.keys >> BITS, return_index=True)
    if not len(contexts):
        return _witten_bell(counts, floor, order - 1, keys & (BASE ** (order - 1) - 1), novelty)
    totals = Table(keys=contexts, values=np.add.reduceat(table.values, first)).find(context)
    kinds = Table(keys=contexts, values=np.diff(np.append(first, len(table.keys))).astype(np.float64)).find(context)
    below, _ = _witten_bell(counts, floor, order - 1, keys & (BASE ** (order - 1) - 1), novelty)
    new = novelty * kinds
    told = (table.find(keys) + new * below) / np.maximum(totals + new, 1e-12)
    return np.where(totals > 0, told, below), totals


_MOST = 0.999
"""What the n-grams of a context may hold together: something is left for words never seen there."""


def _normalised(keys: Keys, values: Shares, below: Shares) -> tuple[Table, Table]:
    contexts, first = np.unique(keys >> BITS, return_index=True)
    sizes = np.diff(np.append(first, len(keys)))
    held = np.add.reduceat(values, first)
    shrink = np.minimum(1.0, _MOST / held)
    left = 1 - held * shrink
    free = np.maximum(1 - np.add.reduceat(below, first), 1e-6)
    return Table(keys=keys, values=values * np.repeat(shrink, sizes)), Table(keys=contexts, values=left / free)


def _union(one: Table, other: Table) -> Keys:
    return np.union1d(one.keys, other.keys)


def _summed(keys: list[int], weights: list[float]) -> Table:
    unique, where = np.unique(np.array(keys, dtype=np.int64), return_inverse=True)
    return Table(keys=unique, values=np.bincount(where, weights=weights, minlength=len(unique)).astype(np.float64))


def _all(keys: NDArray[Any], value: float) -> Shares:
    return np.full(len(keys), value, dtype=np.float64)
