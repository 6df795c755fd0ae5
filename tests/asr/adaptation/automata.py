"""N-gram automata for tests: written as OpenFst's library writes them, and plain ones read back."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

FST, SYMBOLS = 0x7EB2FDD6, 0x7EB2FB74
Context = tuple[str, ...]
"""The oldest word first; "" is the beginning of a sentence."""


@dataclass(frozen=True)
class Place:
    """What may follow a context; ``end``: how many sentences end there, ``rest``: the weight of backing off."""

    words: Mapping[str, float]
    end: float = 0.0
    rest: float = 1.0


def text(value: str) -> bytes:
    return struct.pack("<i", len(value.encode())) + value.encode()


def bits(values: Sequence[int]) -> bytes:
    padded = [*values, *[0] * (-len(values) % 64)]
    words = [sum(bit << at for at, bit in enumerate(padded[start : start + 64])) for start in range(0, len(padded), 64)]
    return struct.pack(f"<{len(words)}Q", *words)


def symbols(words: Sequence[str]) -> bytes:
    head = struct.pack("<I", SYMBOLS) + text("words.txt") + struct.pack("<qq", len(words), len(words))
    return head + b"".join(text(word) + struct.pack("<q", label) for label, word in enumerate(words))


def ngram_automaton(words: Sequence[str], places: Mapping[Context, Place], *, kind: str = "ngram") -> bytes:
    """``words[0]`` is <eps>; every context but the last word of it must be a context itself."""
    label = {"": 0} | {word: number for number, word in enumerate(words)}
    order: list[Context] = [()]  # level by level: each context's children are those with one older word
    tree = [1, 0]
    for context in order:
        children = sorted(
            (c for c in places if len(c) == len(context) + 1 and c[1:] == context), key=lambda c: label[c[0]]
        )
        order += children
        tree += [1] * len(children) + [0]
    futures = [0]
    for context in order:
        futures += [1] * len(places[context].words) + [0]
    ends = [int(places[context].end > 0) for context in order]
    following = [sorted(places[context].words, key=label.__getitem__) for context in order]
    count = sum(map(len, following))
    logs = [-math.log(places[c].words[word]) for c, here in zip(order, following, strict=True) for word in here]
    body = struct.pack("<QQQ", len(order), count, sum(ends)) + bits(tree) + bits(futures) + bits(ends)
    body += struct.pack(f"<{len(order) + 1}i", -1, *(label[c[0]] for c in order[1:]), 0)
    body += struct.pack(f"<{count}i", *(label[word] for here in following for word in here))
    body += struct.pack(f"<{len(order) + 1}f", *(-math.log(places[c].rest) for c in order), 0.0)
    body += struct.pack(f"<{sum(ends)}f", *(-math.log(places[c].end) for c in order if places[c].end > 0))
    body += struct.pack(f"<{count}f", *logs)
    head = struct.pack("<I", FST) + text(kind) + text("standard") + struct.pack("<iiQqqq", 4, 3, 0, 1, len(order), 0)
    return head + symbols(words) * 2 + body


@dataclass(frozen=True)
class Plain:
    start: int
    finals: list[float]
    arcs: list[dict[int, tuple[float, int]]]
    """By state and label: the weight and the next state; label 0 backs off."""

    def cost(self, labels: Sequence[int]) -> float:
        """Of a sentence as a recogniser finds it: along an arc where there is one, else after backing off."""
        state, total = self.start, 0.0
        for label in labels:
            while label not in self.arcs[state]:
                weight, state = self.arcs[state][0]
                total += weight
            weight, state = self.arcs[state][label]
            total += weight
        while math.isinf(self.finals[state]):
            weight, state = self.arcs[state][0]
            total += weight
        return total + self.finals[state]


def plain_automaton(data: bytes, tables: int) -> Plain:
    """``tables``: how many bytes the tables of words take."""
    at = 4
    for kind in ("vector", "standard"):
        assert data[at : at + 4 + len(kind)] == text(kind)
        at += 4 + len(kind)
    version, flags, _, start, states, count = struct.unpack_from("<iiQqqq", data, at)
    assert (version, flags) == (2, 3)
    at += struct.calcsize("<iiQqqq") + tables
    finals, arcs = [], []
    for _ in range(states):
        final, number = struct.unpack_from("<fq", data, at)
        at += 12
        here = {}
        labels = []
        for _ in range(number):
            label, out, weight, target = struct.unpack_from("<iifi", data, at)
            at += 16
            assert label == out
            labels.append(label)
            here[label] = (weight, target)
        assert labels == sorted(set(labels))
        finals.append(final)
        arcs.append(here)
    assert at == len(data)
    assert sum(map(len, arcs)) == count
    return Plain(start, finals, arcs)
