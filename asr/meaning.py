"""What words mean, as directions: words of like meaning lie close together, so that one teaches the others (numpy).

The packaged file holds the 40,000 commonest words of Chinese running text in 64 directions. It was made by
``python -m asr.meaning words.vector`` from the word2vec vectors of the package synonyms 3.10.2 (MIT licence), which
were learnt from the Chinese Wikipedia: names and other words without Chinese characters left out, turned to the
directions in which words differ most, rounded to a byte each.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

FILE = "meaning.npz"
WORDS, DIRECTIONS = 40_000, 64
LONGEST = 4
_FORMAT = 1
_CHINESE = re.compile(r"[\u4e00-\u9fff]{1,6}")
_BREAK = re.compile(r"[^\u4e00-\u9fff]+")
_STEPS = 127.0


class MeaningError(Exception):
    """The words cannot be used; ``problem`` says why."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True, eq=False)
class Meanings:
    """``vectors`` has a row of length one for each word, in the order of ``places``."""

    places: Mapping[str, int]
    vectors: Floats

    @staticmethod
    @lru_cache(maxsize=1)
    def load() -> Meanings:
        """The packaged ones. Raises MeaningError."""
        try:
            with resources.as_file(resources.files("asr.lexicon") / "data" / FILE) as path:
                found = np.load(path, allow_pickle=False)
                words = found["words"].tobytes().decode().split("\n")
                if int(found["format"]) != _FORMAT or found["vectors"].shape[0] != len(words):
                    raise MeaningError("the words are of another shape")
                vectors = found["vectors"].astype(np.float32) / _STEPS
        except (OSError, ValueError, KeyError) as error:
            raise MeaningError(f"the words cannot be read: {type(error).__name__}") from error
        return Meanings(places={word: place for place, word in enumerate(words)}, vectors=vectors)

    def within(self, text: str) -> list[int]:
        """The places of a text's words, each as often as it stands there: longer ones for those inside them."""
        return [place for piece in _BREAK.split(text) for place in self._within(piece)]

    def of(self, text: str, worth: Floats) -> Floats:
        """The direction of a text, of length one, its words counting by their ``worth``; zeros where none is known."""
        found = self.within(text)
        total: Floats = (self.vectors[found] * worth[found][:, None]).sum(axis=0, dtype=np.float32)
        length = float(np.linalg.norm(total))
        return total / np.float32(length) if length else total

    def _within(self, piece: str) -> Iterator[int]:
        spans = [
            (start, start + width)
            for start in range(len(piece))
            for width in range(LONGEST, 1, -1)
            if start + width <= len(piece) and piece[start : start + width] in self.places
        ]
        known = {at for start, end in spans for at in range(start, end)}
        for start, end in spans:
            if not any((start, end) != one and one[0] <= start and end <= one[1] for one in spans):
                yield self.places[piece[start:end]]
        yield from (self.places[one] for at, one in enumerate(piece) if at not in known and one in self.places)


def rarity(texts: Sequence[str], meanings: Meanings) -> Floats:
    """What each word is worth: the more, the fewer of the texts have it; the commonest words of speech hardly count."""
    met = np.zeros(len(meanings.places), np.float32)
    for text in texts:
        met[list(set(meanings.within(text)))] += 1
    worth: Floats = np.minimum(np.log((len(texts) + 1) / (met + 1)), _MOST_WORTH).astype(np.float32)
    return worth


_MOST_WORTH = 6.0


# making the packaged file ---------------------------------------------------------------------------------------------
def read(path: Path) -> tuple[list[str], Floats]:
    """A word2vec file in its binary form, the commonest word first. Raises MeaningError."""
    data = path.read_bytes()
    head, _, rest = data.partition(b"\n")
    try:
        count, size = map(int, head.split())
    except ValueError as error:
        raise MeaningError(f"{path.name}: is no word2vec file") from error
    words, rows, at = [], np.zeros((count, size), np.float32), 0
    for number in range(count):
        end = rest.find(b" ", at)
        if end < 0 or len(rest) < end + 1 + 4 * size:
            raise MeaningError(f"{path.name}: ends after {number} of {count} words")
        words.append(rest[at:end].strip(b"\n").decode("utf-8", "replace"))
        rows[number] = np.frombuffer(rest, np.float32, size, end + 1)
        at = end + 1 + 4 * size
    return words, rows


def reduced(words: Sequence[str], rows: Floats, *, most: int, directions: int) -> tuple[list[str], Floats]:
    """The commonest Chinese words, in the directions in which they differ most."""
    kept = [number for number, word in enumerate(words) if _CHINESE.fullmatch(word)]
    plain = _unit(rows[kept])
    plain = _unit(plain - plain[:30_000].mean(axis=0))[:most]
    centred = plain - plain.mean(axis=0)
    _, axes = np.linalg.eigh(np.cov(centred.T))
    turned: Floats = (centred @ axes[:, ::-1][:, :directions]).astype(np.float32)
    return [words[number] for number in kept[:most]], _unit(turned)


def _unit(rows: Floats) -> Floats:
    unit: Floats = rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-9)
    return unit


def save(words: Sequence[str], vectors: Floats, path: Path) -> None:
    np.savez_compressed(
        path,
        format=np.int64(_FORMAT),
        words=np.frombuffer("\n".join(words).encode(), np.uint8),
        vectors=np.round(vectors * _STEPS).astype(np.int8),
    )


def main(arguments: Sequence[str]) -> None:
    if len(arguments) != 1:
        raise SystemExit("needs one word2vec file")
    words, vectors = reduced(*read(Path(arguments[0])), most=WORDS, directions=DIRECTIONS)
    with resources.as_file(resources.files("asr.lexicon") / "data" / FILE) as path:
        save(words, vectors, path)
    print(f"{len(words)} words")


if __name__ == "__main__":
    main(sys.argv[1:])
