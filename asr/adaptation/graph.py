"""The language model inside a Vosk model: ``graph/Gr.fst``, which OpenFst's library writes and Vosk reads.

Small models keep it apart from their sounds, as an n-gram automaton: 64-bit little-endian bitmaps (a tree of contexts
in level order, the number of words after each, which may end a sentence) and arrays of labels and of negative natural
logarithms, after OpenFst's header and the two tables of words. Vosk takes a plain automaton in its place.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asr.adaptation.ngrams import BASE, BEGIN, BITS, END, Keys, Ngrams, Shares, Table

_FST = 0x7EB2FDD6
_SYMBOLS = 0x7EB2FB74
_HAS_SYMBOLS = 3
_ACCEPTOR_SORTED = 0x1 | 0x2 | 0x10000 | 0x10000000 | 0x40000000
"""Expanded, mutable, accepts what it writes, arcs in the order of their labels."""
_NEVER = 1e-12


class GraphError(Exception):
    """The file is not a language model that can be adapted; the text says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Graph:
    """``labels`` are the model's words; ``tables`` is how the file wrote them, kept to be written again."""

    labels: Mapping[str, int]
    ngrams: Ngrams
    tables: bytes


def read(path: Path) -> Graph:
    """Raises GraphError, OSError. Takes a second and about 200 MB for the small Mandarin model."""
    reader = _Reader(path.read_bytes())
    try:
        kind, flags, states = reader.header()
        if kind != "ngram":
            raise GraphError(f"{path} is of the kind {kind!r}, not an n-gram automaton")
        if flags & _HAS_SYMBOLS != _HAS_SYMBOLS:
            raise GraphError(f"{path} lacks its table of words")
        began = reader.at
        labels = reader.symbols()
        reader.symbols()
        tables = reader.data[began : reader.at]
        ngrams = _ngrams(reader, states)
    except (struct.error, ValueError, UnicodeDecodeError, IndexError) as error:
        raise GraphError(f"{path} breaks off or is damaged ({type(error).__name__})") from error
    return Graph(labels=labels, ngrams=ngrams, tables=tables)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def header(self) -> tuple[str, int, int]:
        if self.number("<I") != _FST:
            raise GraphError("it is not written by OpenFst")
        kind, arcs = self.text(), self.text()
        _version, flags = self.number("<i"), self.number("<i")
        _properties, _start = self.number("<Q"), self.number("<q")
        states, _arcs = self.number("<q"), self.number("<q")
        if arcs != "standard":
            raise GraphError(f"its weights are of the kind {arcs!r}")
        return kind, flags, states

    def symbols(self) -> dict[str, int]:
        if self.number("<I") != _SYMBOLS:
            raise GraphError("it lacks its table of words")
        self.text()
        self.number("<q")
        found = {}
        for _ in range(self.number("<q")):
            word = self.text()
            found[word] = self.number("<q")
        return found

    def number(self, form: str) -> int:
        (value,) = struct.unpack_from(form, self.data, self.at)
        self.at += struct.calcsize(form)
        return int(value)

    def text(self) -> str:
        length = self.number("<i")
        self.at += length
        return self.data[self.at - length : self.at].decode()

    def array(self, kind: str, length: int) -> NDArray[Any]:
        found = np.frombuffer(self.data, dtype=kind, count=length, offset=self.at)
        self.at += found.nbytes
        return found

    def bits(self, length: int) -> NDArray[np.uint8]:
        return np.unpackbits(self.array("u1", (length + 63) // 64 * 8), bitorder="little")[:length]


def _ngrams(reader: _Reader, states: int) -> Ngrams:
    written, futures, ends = (int(number) for number in reader.array("<u8", 3))
    if written != states:
        raise GraphError("its header and its body disagree")
    tree, counts, may_end = reader.bits(2 * states + 1), reader.bits(futures + states + 1), reader.bits(states)
    context_words = reader.array("<i4", states + 1)[:states].astype(np.int64)
    words = reader.array("<i4", futures).astype(np.int64)
    weights = _plain(reader.array("<f4", states + 1)[:states])
    end_shares = _plain(reader.array("<f4", ends))
    shares = _plain(reader.array("<f4", futures))

    nodes = np.flatnonzero(tree)
    parents = nodes - np.arange(len(nodes)) - 1  # as many nodes have been told of as there are zeros before it
    depths = np.zeros(states, dtype=np.int64)
    for _ in range(2):
        depths[1:] = depths[parents[1:]] + 1
    if (depths[parents[1:]] + 1 != depths[1:]).any():
        raise GraphError("it looks more than two words back")
    recent = np.where(depths == 2, context_words[parents], context_words)  # the tree goes from the last word back
    contexts = np.where(depths == 2, context_words * BASE + recent, recent)

    after = np.diff(np.flatnonzero(counts == 0)) - 1
    owners = np.concatenate([np.repeat(np.arange(states), after), np.flatnonzero(may_end)])
    keys = contexts[owners] * BASE + np.concatenate([words, np.full(ends, END)])
    keys[depths[owners] == 0] %= BASE
    values = np.concatenate([shares, end_shares])
    one, two, three = (_table(keys[depths[owners] == depth], values[depths[owners] == depth]) for depth in range(3))
    before = [_table(contexts[depths == depth], weights[depths == depth]) for depth in (1, 2)]
    return Ngrams(grams=(one, two, three), weights=(before[0], before[1]))


def _plain(logs: NDArray[Any]) -> Shares:
    return np.exp(-logs.astype(np.float64))


def _table(keys: Keys, values: Shares) -> Table:
    order = np.argsort(keys)
    return Table(keys=keys[order], values=values[order])


def write(graph: Graph, path: Path) -> None:
    """As a plain automaton. State 0 knows no word before, state 1 the beginning of a sentence."""
    ngrams = graph.ngrams
    grams = [(table.keys, _logs(table.values)) for table in ngrams.grams]
    twos = np.unique(ngrams.grams[2].keys >> BITS)
    ones = np.unique(np.concatenate([[BEGIN], ngrams.grams[1].keys >> BITS, twos % BASE]))
    states = 1 + len(ones) + len(twos)

    def state_of_one(words: Keys) -> NDArray[np.int64]:
        at = np.minimum(np.searchsorted(ones, words), len(ones) - 1)
        return np.where(ones[at] == words, at + 1, 0)

    def state_of_two(pairs: Keys) -> NDArray[np.int64]:
        if not len(twos):
            return state_of_one(pairs % BASE)
        at = np.minimum(np.searchsorted(twos, pairs), len(twos) - 1)
        return np.where(twos[at] == pairs, at + 1 + len(ones), state_of_one(pairs % BASE))

    owners = [np.zeros(len(grams[0][0]), dtype=np.int64), state_of_one(grams[1][0] >> BITS)]
    owners.append(state_of_two(grams[2][0] >> BITS))
    targets = [state_of_one(grams[0][0]), state_of_two(grams[1][0]), state_of_two(grams[2][0] % BASE**2)]
    back_from = np.arange(1, states)
    back_to = np.concatenate([np.zeros(len(ones), dtype=np.int64), state_of_one(twos % BASE)])
    back = _logs(np.concatenate([ngrams.weights[0].find(ones, missing=1.0), ngrams.weights[1].find(twos, missing=1.0)]))

    owner = np.concatenate([back_from, *owners])
    label = np.concatenate([np.zeros(len(back_from), dtype=np.int64), *(keys % BASE for keys, _ in grams)])
    weight = np.concatenate([back, *(logs for _, logs in grams)])
    target = np.concatenate([back_to, *targets])
    finals = np.full(states, math.inf, dtype=np.float32)
    ends = label == END
    finals[owner[ends]] = weight[ends]
    owner, label, weight, target = (column[~ends] for column in (owner, label, weight, target))
    order = np.lexsort((label, owner))
    body = _records(finals, owner[order], label[order], weight[order], target[order])
    path.write_bytes(_plain_header(states, len(owner)) + graph.tables + body)


def _records(
    finals: NDArray[np.float32],
    owner: NDArray[np.int64],
    label: NDArray[np.int64],
    weight: NDArray[np.float32],
    target: NDArray[np.int64],
) -> bytes:
    """A state's final weight and number of arcs (64 bits), then its arcs: label in, label out, weight, next state."""
    counts = np.bincount(owner, minlength=len(finals))
    heads = np.arange(len(finals)) * 3 + np.concatenate([[0], np.cumsum(counts)[:-1]]) * 4
    cells = np.zeros(3 * len(finals) + 4 * len(owner), dtype="<i4")
    cells[heads] = finals.view("<i4")
    cells[heads + 1] = counts
    arcs = (owner + 1) * 3 + np.arange(len(owner)) * 4
    for offset, column in enumerate((label, label, weight.view("<i4"), target)):
        cells[arcs + offset] = column
    return cells.tobytes()


def _plain_header(states: int, arcs: int) -> bytes:
    kinds = b"".join(struct.pack("<i", len(kind)) + kind for kind in (b"vector", b"standard"))
    numbers = struct.pack("<iiQqqq", 2, _HAS_SYMBOLS, _ACCEPTOR_SORTED, 1, states, arcs)
    return struct.pack("<I", _FST) + kinds + numbers


def _logs(shares: Shares) -> NDArray[np.float32]:
    return (-np.log(np.maximum(shares, _NEVER))).astype("<f4")
