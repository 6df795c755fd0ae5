"""A Vosk model that expects what is said on this hotline: the same sounds, another language model beside them.

The adapted model is a folder of links to the parts of the first and a graph of its own. It is made once for a lexicon
and kept; a model with one fixed graph (the large ones) cannot be adapted. Its network is given the sound in smaller
pieces than the engine's own, so that the first word of a talk is told sooner.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from asr.adaptation.graph import Graph, GraphError, read, write
from asr.adaptation.ngrams import Mixing, counted, mixed
from asr.adaptation.sayings import Saying, sayings
from asr.adaptation.words import Vocabulary
from asr.lexicon import Lexicon
from asr.models import why_not_vosk

GRAPH = Path("graph") / "Gr.fst"
_VERSION = "2"
"""Told apart in the names of the folders: models made another way are not taken for these."""
_SETTINGS = Path("conf") / "model.conf"
_BYTES = "latin-1"
"""Whatever a city wrote there goes over as it is."""
_CHUNK = "--frames-per-chunk"
_CHUNK_FRAMES = 12
"""Of 10 ms. The engine's own 20 hold each word back for .1 s on average, twice that at worst; less than 12 gains little
and costs more and more processor time (12 a fifteenth more than 20, 9 a fifth)."""
_KEPT = 5
"""A server that is running may start its engine again from the one it was given."""


def can_be_adapted(model: Path) -> bool:
    return (model / GRAPH).is_file()


def adapted(model: Path, lexicon: Lexicon, folder: Path, *, mixing: Mixing | None = None) -> Path:
    """The adapted model's folder inside ``folder``, made if it is not there. Blocks for some ten seconds at first.

    Raises GraphError where the model's graph is of another make, OSError where the folder cannot be written.
    """
    said = list(sayings(lexicon))
    mixing = mixing or Mixing()
    target = folder / f"{model.name}-adapted-{_digest(model, said, mixing)}"
    if not why_not_vosk(target):
        os.utime(target)
        return target
    folder.mkdir(parents=True, exist_ok=True)
    graph = read(model / GRAPH)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".adapted-") as scratch:
        made = Path(scratch) / target.name
        _link(model, made)
        _hasten(model, made)
        write(_taught(graph, said, mixing), made / GRAPH)
        _put(made, target)
    _forget_oldest(folder, model.name)
    return target


def _taught(graph: Graph, said: Iterable[Saying], mixing: Mixing) -> Graph:
    shares = graph.ngrams.grams[0]
    vocabulary = Vocabulary(graph.labels, dict(zip(shares.keys.tolist(), shares.values.tolist(), strict=True)))
    runs = ((run, saying.weight) for saying in said for run in vocabulary.runs(saying.text))
    counts = counted(runs)
    if not len(counts.grams[0].keys):
        raise GraphError("the model knows none of the hotline's words")
    return replace(graph, ngrams=mixed(graph.ngrams, counts, mixing))


def _link(model: Path, made: Path) -> None:
    """All but the files that the adapted model has of its own."""
    model = model.resolve()
    own = {GRAPH, _SETTINGS}
    folders = {path.parent for path in own}
    for folder in [Path(), *sorted(folders)]:
        (made / folder).mkdir(parents=True, exist_ok=True)
        for part in (model / folder).iterdir():
            name = part.relative_to(model)
            if name not in own | folders:
                (made / name).symlink_to(part)


def _hasten(model: Path, made: Path) -> None:
    kept = [line for line in _settings(model).splitlines() if line.partition("=")[0].strip() != _CHUNK]
    (made / _SETTINGS).write_text("\n".join([*kept, f"{_CHUNK}={_CHUNK_FRAMES}"]) + "\n", encoding=_BYTES)


def _settings(model: Path) -> str:
    """Empty where the model has none of its own."""
    path = model / _SETTINGS
    return path.read_text(encoding=_BYTES) if path.is_file() else ""


def _put(made: Path, target: Path) -> None:
    """Another process may have made the same meanwhile: that one stays."""
    if why_not_vosk(target):
        shutil.rmtree(target, ignore_errors=True)
    try:
        made.replace(target)
    except OSError:
        if why_not_vosk(target):
            raise


def _digest(model: Path, said: Iterable[Saying], mixing: Mixing) -> str:
    found = (model / GRAPH).stat()
    told = hashlib.sha256(f"{_VERSION} {found.st_size} {found.st_mtime_ns} {mixing}\n".encode())
    told.update(_settings(model).encode(_BYTES))
    for saying in said:
        told.update(f"{saying.weight:g} {saying.text}\n".encode())
    return told.hexdigest()[:12]


def _forget_oldest(folder: Path, name: str) -> None:
    made = sorted(folder.glob(f"{name}-adapted-*"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in made[_KEPT:]:
        shutil.rmtree(path, ignore_errors=True)
