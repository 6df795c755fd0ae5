"""What closed tickets teach: categories and departments from the characters of their text, by a linear model (numpy).

Weights are arrays in an ``.npz`` with nothing executable in it. Each learning writes a new version beside the older
ones; ``current`` names the one in use, so that going back is naming another: that is held, whatever is learnt since.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import structlog

log = structlog.get_logger(__name__)

Floats = npt.NDArray[np.float32]

BUCKETS = 1 << 14
LEAST_EXAMPLES = 40
"""Fewer tickets teach nothing that the keywords do not know."""
LEAST_OF_LABEL = 2
KEPT_VERSIONS = 14
_FORMAT = 1
_ROUNDS, _STEP, _SHRINK = 160, 0.8, 1e-4
_CURRENT, _HELD, _KEYWORDS = "current", "held", "-"
_NAME = re.compile(r"[0-9]{8}-[0-9]{6}(?:-[0-9]+)?")
_NOISE = re.compile(r"[^\u4e00-\u9fffA-Za-z]+|来电人(?:反映|咨询|求助|投诉|举报|建议|表扬)?")


class LearningError(Exception):
    """``problem`` says why nothing was learnt, or why weights cannot be used."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    text: str
    category: str
    department: str


@dataclass(frozen=True, eq=False)
class Learnt:
    """``weights`` has a row for each label; ``examples`` is how many tickets they come from."""

    version: str
    examples: int
    categories: tuple[str, ...]
    category_weights: Floats
    departments: tuple[str, ...]
    department_weights: Floats

    def of_category(self, text: str) -> dict[str, float]:
        """Shares that add up to 1; empty for a text without words."""
        return _shares(text, self.categories, self.category_weights)

    def of_department(self, text: str) -> dict[str, float]:
        return _shares(text, self.departments, self.department_weights)

    @property
    def trust(self) -> float:
        """How much of a decision is theirs beside the keywords': nothing at first, half after a thousand tickets."""
        return 0.5 * min(1.0, self.examples / 1000)


def learn(examples: Sequence[Example], *, version: str) -> Learnt:
    """Seconds for some ten thousand tickets. Raises LearningError."""
    seen = Counter(one.category for one in examples)
    kept = [one for one in examples if seen[one.category] >= LEAST_OF_LABEL and one.text.strip()]
    if len(kept) < LEAST_EXAMPLES or len({one.category for one in kept}) < 2:
        raise LearningError(f"{len(kept)} tickets are too few to learn from, {LEAST_EXAMPLES} are needed")
    categories = tuple(sorted({one.category for one in kept}))
    departments = tuple(sorted({one.department for one in kept if one.department}))
    rows = _rows([one.text for one in kept])
    return Learnt(
        version=version,
        examples=len(kept),
        categories=categories,
        category_weights=_fit(rows, [categories.index(one.category) for one in kept], len(categories)),
        departments=departments,
        department_weights=_fit(
            [row for row, one in zip(rows, kept, strict=True) if one.department],
            [departments.index(one.department) for one in kept if one.department],
            len(departments),
        ),
    )


# the model ------------------------------------------------------------------------------------------------------------
_Row = tuple[npt.NDArray[np.int64], Floats]


def _rows(texts: Sequence[str]) -> list[_Row]:
    return [_row(text) for text in texts]


@lru_cache(maxsize=2048)
def _row(text: str) -> _Row:
    """Hashed runs of one to three characters, damped and of length one."""
    counts: Counter[int] = Counter()
    for piece in _NOISE.split(text):
        for width in (1, 2, 3):
            for at in range(len(piece or "") - width + 1):
                counts[zlib.crc32(piece[at : at + width].encode()) % BUCKETS] += 1
    if not counts:
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    places = np.fromiter(counts, np.int64, len(counts))
    values = np.log1p(np.fromiter(counts.values(), np.float32, len(counts)))
    return places, (values / np.linalg.norm(values)).astype(np.float32)


def _fit(rows: Sequence[_Row], labels: Sequence[int], count: int) -> Floats:
    """Softmax regression by gradient, a step of its own for each weight. The seed is fixed, so it can be repeated."""
    weights = np.zeros((count, BUCKETS), np.float32)
    pace = np.full((count, BUCKETS), 1e-2, np.float32)
    order = np.random.default_rng(12345)
    rounds = max(8, min(_ROUNDS, 200_000 // max(1, len(rows))))
    for _ in range(rounds):
        for number in order.permutation(len(rows)):
            places, values = rows[number]
            if not len(places):
                continue
            gap = _softmax(weights[:, places] @ values)
            gap[labels[number]] -= 1.0
            slope = np.outer(gap, values) + _SHRINK * weights[:, places]
            pace[:, places] += slope**2
            weights[:, places] -= _STEP * slope / np.sqrt(pace[:, places])
        if rounds > 8 and _settled(weights, rows, labels):
            break
    return weights


def _settled(weights: Floats, rows: Sequence[_Row], labels: Sequence[int]) -> bool:
    """Every example is right by a margin."""
    return all(
        _softmax(weights[:, places] @ values)[label] > 0.9
        for (places, values), label in zip(rows, labels, strict=True)
        if len(places)
    )


def _softmax(scores: Floats) -> Floats:
    raised = np.exp(scores - scores.max())
    shares: Floats = (raised / raised.sum()).astype(np.float32)
    return shares


def _shares(text: str, labels: Sequence[str], weights: Floats) -> dict[str, float]:
    places, values = _row(text)
    if not len(places) or not labels:
        return {}
    shares = _softmax(weights[:, places] @ values)
    return {label: float(share) for label, share in zip(labels, shares, strict=True)}


def _is_whole(weights: Floats, labels: Sequence[str]) -> bool:
    return weights.shape == (len(labels), BUCKETS) and bool(np.isfinite(weights).all())


# versions on disk -----------------------------------------------------------------------------------------------------
class Shelf:
    """The folder of versions, for several processes at once. Nothing here keeps weights in memory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def versions(self) -> tuple[str, ...]:
        """The oldest first."""
        if not self._folder.is_dir():
            return ()
        found = (path.stem for path in self._folder.glob("*.npz") if _NAME.fullmatch(path.stem))
        return tuple(sorted(found, key=_order))

    @property
    def current(self) -> str | None:
        """The version that is to be used: the newest where none is named, or one is that is gone. None: keywords."""
        named, held = self._named()
        versions = self.versions
        if named in versions:
            return named
        if held:
            versions = tuple(name for name in versions if _order(name) < _order(named))
        return versions[-1] if versions else None

    @property
    def held(self) -> bool:
        """Somebody went back: what is learnt is kept, and not used before ``take_newest``."""
        return self._named()[1]

    @property
    def mark(self) -> tuple[int, ...]:
        """Another one whenever another version is to be used."""
        try:
            found = (self._folder / _CURRENT).stat()
        except OSError:
            return ()
        return found.st_mtime_ns, found.st_ino, found.st_size

    def next_version(self, wanted: str) -> str:
        """``wanted``, or where a clock was set back, the name that follows the newest there is."""
        newest = self.versions[-1:]
        if not newest or _order(wanted) > _order(newest[0]):
            return wanted
        day, time, count = _order(newest[0])
        return f"{day:08}-{time:06}-{count + 1}"

    def put(self, learnt: Learnt) -> None:
        """Written whole, then named as the one in use unless another is held; the oldest are thrown away."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = self._folder / f".{learnt.version}.{os.getpid()}.npz"
        about = {"format": _FORMAT, "examples": learnt.examples, "buckets": BUCKETS}
        try:
            np.savez_compressed(
                draft,
                about=np.array(json.dumps(about)),
                categories=np.array(learnt.categories),
                departments=np.array(learnt.departments),
                category_weights=learnt.category_weights.astype(np.float16),
                department_weights=learnt.department_weights.astype(np.float16),
            )
            draft.replace(self._path(learnt.version))
        finally:
            draft.unlink(missing_ok=True)
        with self._alone():
            if not self.held:
                self._name(learnt.version)
            for old in self.versions[:-KEPT_VERSIONS]:
                if old not in (learnt.version, self.current):
                    self._path(old).unlink(missing_ok=True)

    def roll_back(self) -> str | None:
        """The last version that can be read before the one in use is used, and held; None: keywords alone.

        Raises LearningError where there is nothing to go back from.
        """
        with self._alone():
            if (current := self.current) is None:
                raise LearningError("no learnt weights are in use, there is nothing to go back from")
            with suppress(LearningError):
                current = self._read_back_from(current).version
            earlier = None
            for name in reversed([name for name in self.versions if _order(name) < _order(current)]):
                with suppress(LearningError):
                    earlier = self._read(name).version
                    break
            self._name(earlier or _KEYWORDS, held=True)
        return earlier

    def take_newest(self) -> str:
        """The newest version is used, and what is learnt from now on. Raises LearningError where there is none."""
        with self._alone():
            if not (versions := self.versions):
                raise LearningError("nothing has been learnt yet")
            self._name(versions[-1])
        return versions[-1]

    def load(self) -> Learnt | None:
        """The version in use; for one that cannot be read, the last before it that can.

        Raises LearningError where none of them can be read.
        """
        current = self.current
        return None if current is None else self._read_back_from(current)

    def _read_back_from(self, version: str) -> Learnt:
        first: LearningError | None = None
        for name in reversed([name for name in self.versions if _order(name) <= _order(version)]):
            try:
                return self._read(name)
            except LearningError as error:
                log.error("learnt weights not used", version=name, problem=error.problem)
                first = first or error
        raise first or LearningError(f"version {version} is gone")

    def _read(self, version: str) -> Learnt:
        """Raises LearningError if it cannot be read."""
        try:
            with self._path(version).open("rb") as file, np.load(file, allow_pickle=False) as stored:
                about: dict[str, Any] = json.loads(str(stored["about"]))
                if about.get("format") != _FORMAT or about.get("buckets") != BUCKETS:
                    raise LearningError("the weights are of another format")
                learnt = Learnt(
                    version=version,
                    examples=int(about["examples"]),
                    categories=tuple(map(str, stored["categories"])),
                    category_weights=stored["category_weights"].astype(np.float32),
                    departments=tuple(map(str, stored["departments"])),
                    department_weights=stored["department_weights"].astype(np.float32),
                )
        except LearningError:
            raise
        except Exception as error:  # a file cut short or overwritten: zip, zlib and numpy each have errors of their own
            raise LearningError(f"version {version} cannot be read ({type(error).__name__})") from error
        if not (
            _is_whole(learnt.category_weights, learnt.categories)
            and _is_whole(learnt.department_weights, learnt.departments)
        ):
            raise LearningError(f"version {version} is not whole")
        return learnt

    def _named(self) -> tuple[str, bool]:
        """What ``current`` says, and whether it is held."""
        try:
            words = (self._folder / _CURRENT).read_text(encoding="ascii").split()
        except (OSError, UnicodeDecodeError):
            return "", False
        named = words[0] if words and (words[0] == _KEYWORDS or _NAME.fullmatch(words[0])) else ""
        return named, bool(named) and words[1:] == [_HELD]

    def _path(self, version: str) -> Path:
        return self._folder / f"{version}.npz"

    def _name(self, version: str, *, held: bool = False) -> None:
        draft = self._folder / f".{_CURRENT}.{os.getpid()}"
        draft.write_text(f"{version} {_HELD}" if held else version, encoding="ascii")
        draft.replace(self._folder / _CURRENT)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One process at a time names a version."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self._folder / ".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _order(version: str) -> tuple[int, int, int]:
    """Names by time, and the number behind one as a number. Before all of them: what is no name."""
    if not _NAME.fullmatch(version):
        return 0, 0, 0
    day, time, *count = version.split("-")
    return int(day), int(time), int(count[0]) if count else 0
