"""What a sentence is about on the whole: how much it calls for each line, by its characters, ideas and meaning (numpy).

An idea is a set of words of one meaning, so that a word never met in an example still speaks through its idea, and
two ideas together (a child and a height) say more than each. What is in no idea speaks through ``asr.meaning``, by the
words that lie close to it. The weights are arrays in an ``.npz``, nothing in it can
be executed; ``asr.teaching`` makes them from examples.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from asr.meaning import Floats, MeaningError, Meanings

IDEAS_FILE, WEIGHTS_FILE = "ideas.json", "gist.npz"
BUCKETS = 1 << 16
DANGER, SERVICE = "danger", "service"
"""Any emergency line, any service line."""
EMERGENCIES = ("110", "119", "120", "122")
"""Lines that send somebody at once."""
LINES = (*EMERGENCIES, "12366", "12329", "12333", "12369", "12328")
HEADS = (*LINES, DANGER, SERVICE)
AGREED = (1.05, 0.84, 0.34, 0.26, 0.53, 0.13, -0.94)
"""What an emergency line's score and word by the phrases, the four sums of the gist and a one weigh.

Found on 951 utterances that neither the phrases nor the gist had met.
"""
OFFERED = (1.9, 0.71, 0.11, 0.14, 0.16, -0.05, -1.49)
OFFERED_UNNAMED = (0.0, 0.0, 0.86, -0.44, 0.09, 0.56, -2.38)
"""The same of a service line, and of one that no phrase names; found on 2,006 utterances the gist had not met."""
_FORMAT = 2
MEANT = 1.2
"""How long the direction of a text is beside its characters and its ideas, which have length one each."""
_GARBLED = -3.0
"""Of a garbled sentence the gist says no less."""
_ALONE, _TOGETHER = 0.4, 0.2
_GAP = "…"
_BREAK = re.compile(r"[^\u4e00-\u9fff]+")
_PAUSE = re.compile(r"[，。！？!?,…；;、\s]+")


class GistError(Exception):
    """The ideas or the weights cannot be used; ``problem`` says why."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True, eq=False)
class Ideas:
    """``words`` are of one idea or of several; one with a gap is among ``gapped``."""

    words: Mapping[str, tuple[str, ...]]
    gapped: tuple[tuple[re.Pattern[str], str], ...]
    longest: int

    @staticmethod
    @lru_cache(maxsize=1)
    def load() -> Ideas:
        """The packaged ones. Raises GistError."""
        return ideas_of(_packaged(IDEAS_FILE).decode())

    def within(self, text: str) -> list[str]:
        met = {name for pattern, name in self.gapped if pattern.search(text)}
        for at in range(len(text)):
            for width in range(1, self.longest + 1):
                met.update(self.words.get(text[at : at + width], ()))
        return sorted(met)


@dataclass(frozen=True, eq=False)
class Gist:
    """``weights`` and ``meant`` have a row for each of HEADS, over characters and ideas, and over directions.

    ``worth`` says what each word of ``meanings`` counts.
    """

    weights: Floats
    meant: Floats
    worth: Floats
    bias: Floats
    ideas: Ideas
    meanings: Meanings

    @staticmethod
    @lru_cache(maxsize=1)
    def load() -> Gist:
        """The packaged weights. Raises GistError."""
        try:
            with resources.as_file(resources.files("asr.lexicon") / "data" / WEIGHTS_FILE) as path:
                found = np.load(path, allow_pickle=False)
                meanings = Meanings.load()
                shapes = (found["weights"].shape, found["meant"].shape, found["worth"].shape)
                words, directions = meanings.vectors.shape
                wanted = ((len(HEADS), BUCKETS), (len(HEADS), directions), (words,))
                if int(found["format"]) != _FORMAT or shapes != wanted:
                    raise GistError("the weights are of another shape")
                return Gist(
                    weights=found["weights"].astype(np.float32),
                    meant=found["meant"].astype(np.float32),
                    worth=found["worth"].astype(np.float32),
                    bias=found["bias"].astype(np.float32),
                    ideas=Ideas.load(),
                    meanings=meanings,
                )
        except (OSError, ValueError, KeyError, MeaningError) as error:
            raise GistError(f"the weights cannot be read: {type(error).__name__}") from error

    def weigh(self, text: str) -> Weighed:
        whole = self._sums(text)
        parts = [self._sums(part) for part in neighbours(text)]
        return Weighed(whole, np.max([whole, *parts], axis=0))

    def _sums(self, text: str) -> Floats:
        places, values = traits(text, self.ideas)
        direction = self.meanings.of(text, self.worth) * np.float32(MEANT)
        sums: Floats = self.weights[:, places] @ values + self.meant @ direction + self.bias
        return sums


@dataclass(frozen=True, eq=False, slots=True)
class Weighed:
    """For each of HEADS how much speaks for it, in all and where it is said most; 0 is undecided."""

    whole: Floats
    most: Floats


def together(rule: float, decided: bool, weighed: Weighed, line: str, *, garbled: bool = False) -> float:
    """What the phrases' score and word and the gist say of a line; 0 is undecided.

    ``garbled``: the phrases know it by its sound, so the characters that the gist reads are not what was said.
    """
    emergency = line in EMERGENCIES
    at, kind = HEADS.index(line), HEADS.index(DANGER if emergency else SERVICE)
    said = (weighed.whole[at], weighed.whole[kind], weighed.most[at], weighed.most[kind])
    if garbled:
        said = tuple(max(sum_, _GARBLED) for sum_ in said)
    voices = (rule, float(decided), *map(float, said), 1.0)
    weights = AGREED if emergency else OFFERED if rule else OFFERED_UNNAMED
    return sum(weight * voice for weight, voice in zip(weights, voices, strict=True))


def neighbours(text: str) -> list[str]:
    """Of a longer telling each two clauses that follow each other."""
    clauses = [clause for clause in _PAUSE.split(text) if clause]
    return [f"{one}，{other}" for one, other in pairwise(clauses)] if len(clauses) > 2 else []


def save(gist: Gist, path: Any) -> None:
    np.savez_compressed(
        path,
        format=np.int64(_FORMAT),
        weights=gist.weights.astype(np.float16),
        meant=gist.meant.astype(np.float32),
        worth=gist.worth.astype(np.float16),
        bias=gist.bias.astype(np.float32),
    )


def ideas_of(text: str) -> Ideas:
    """Raises GistError."""
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise GistError(f"{IDEAS_FILE}: line {error.lineno}: {error.msg}") from error
    if not isinstance(data, dict) or not data:
        raise GistError(f"{IDEAS_FILE}: is no object")
    plain: dict[str, tuple[str, ...]] = {}
    gapped: list[tuple[re.Pattern[str], str]] = []
    for name, words in data.items():
        if not isinstance(words, list) or not words or not all(isinstance(word, str) and word for word in words):
            raise GistError(f"{IDEAS_FILE}: {name} is no list of words")
        for word in words:
            if _GAP in word:
                gapped.append((re.compile(".{0,6}?".join(map(re.escape, word.split(_GAP)))), name))
            else:
                plain[word] = (*plain.get(word, ()), name)
    return Ideas(words=plain, gapped=tuple(gapped), longest=max(map(len, plain), default=0))


@lru_cache(maxsize=2048)
def traits(text: str, ideas: Ideas) -> tuple[npt.NDArray[np.int64], Floats]:
    """Hashed runs of one to three characters; ideas alone and by twos. Each of the two kinds has length one."""
    runs: dict[int, float] = {}
    for piece in _BREAK.split(text):
        for width in (1, 2, 3):
            for at in range(len(piece) - width + 1):
                place = _place(piece[at : at + width])
                runs[place] = runs.get(place, 0.0) + 1.0
    within = ideas.within(text)
    met = {_place(f"@{name}"): _ALONE for name in within}
    met |= {_place(f"@{one}+{other}"): _TOGETHER for one, other in combinations(within, 2)}
    whole: dict[int, float] = {}
    for kind in ({place: float(np.log1p(count)) for place, count in runs.items()}, met):
        length = float(np.sqrt(sum(value * value for value in kind.values()))) or 1.0
        for place, value in kind.items():
            whole[place] = whole.get(place, 0.0) + value / length
    places = sorted(whole)
    return np.array(places, np.int64), np.array([whole[place] for place in places], np.float32)


def table(texts: Sequence[str], ideas: Ideas) -> Floats:
    """A row of BUCKETS for each text."""
    rows = np.zeros((len(texts), BUCKETS), np.float32)
    for row, text in zip(rows, texts, strict=True):
        places, values = traits(text, ideas)
        row[places] = values
    return rows


def _place(trait: str) -> int:
    return zlib.crc32(trait.encode()) % BUCKETS


def _packaged(name: str) -> bytes:
    return (resources.files("asr.lexicon") / "data" / name).read_bytes()
