"""Sound and scenarios for simulated phones."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from api.demo.sipp import QUIET, Phone, alaw_of, alaw_samples, raw_alaw, wav_of

SPEECH = Path(str(resources.files("api.demo").joinpath("speech")))


@pytest.fixture
def phone(tmp_path: Path) -> Phone:
    return Phone(sipp=["sipp"], run_dir=tmp_path, host="127.0.0.2", port=5, media_port=6, switch="127.0.0.1:7")


def test_samples_survive_the_way_through_a_wav() -> None:
    assert alaw_samples(wav_of(b"abc")) == b"abc"


@pytest.mark.parametrize(
    "data", [b"", b"RIFF0000WAVE", b"RIFF0000WAVEfmt \x08\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00"]
)
def test_what_is_not_telephone_sound_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="not"):
        alaw_samples(data)


@pytest.mark.parametrize("path", sorted(SPEECH.glob("*.wav")), ids=lambda path: path.stem)
def test_packaged_speech_is_short_telephone_sound_with_its_words(path: Path) -> None:
    assert path.stat().st_size < 1024 * 1024
    assert 40 < len(alaw_samples(path.read_bytes())) / 8000 < 90
    assert path.with_suffix(".txt").read_text(encoding="utf-8").count("\n") >= 4


def test_a_citizens_scenario_is_filled_in(phone: Phone, tmp_path: Path) -> None:
    speech = tmp_path / "a.wav"
    speech.write_bytes(wav_of(QUIET * 800))
    child = phone.citizen("anna", speech, number="15433061709", display="安", stay_s=2.5, patience_s=9, pause_s=1)
    text = (tmp_path / "anna.xml").read_text(encoding="utf-8")
    ElementTree.fromstring(text)
    assert "INVITE sip:12345@" in text
    assert '"安" <sip:15433061709@' in text
    assert 'timeout="2500"' in text
    assert 'request="UPDATE" optional="true" timeout="9000"' in text
    assert '<pause milliseconds="1000"/>' in text
    assert f'rtp_stream="{tmp_path}/a.al,1,8"' in text
    assert child.argv[:2] == ("sipp", "127.0.0.1:7")


def test_a_desks_scenario_is_filled_in(phone: Phone, tmp_path: Path) -> None:
    speech = tmp_path / "a.wav"
    speech.write_bytes(wav_of(QUIET * 800))
    phone.desk("110", speech, ring_s=0.5)
    text = (tmp_path / "110.xml").read_text(encoding="utf-8")
    ElementTree.fromstring(text)
    assert '<pause milliseconds="500"/>' in text


def test_sound_is_unpacked_once(tmp_path: Path) -> None:
    speech = tmp_path / "a.wav"
    speech.write_bytes(wav_of(b"xyz"))
    made = raw_alaw(speech, tmp_path / "run")
    first = made.stat().st_mtime_ns
    assert raw_alaw(speech, tmp_path / "run").stat().st_mtime_ns == first
    assert made.read_bytes() == b"xyz"


def test_loud_and_quiet_sound_survive_a_law() -> None:
    wanted = np.array([0.0, 0.9, -0.9, 0.1, -0.1, 0.01, -0.01, 1.0, -1.0], dtype=np.float32)
    code = np.frombuffer(alaw_of(wanted), dtype=np.uint8).astype(int) ^ 0x55
    segment, low = (code >> 4) & 7, code & 15
    size = np.where(segment == 0, low * 2 + 1, (low * 2 + 33) << np.maximum(segment - 1, 0)) / 4096
    assert np.where(code & 0x80, size, -size) == pytest.approx(wanted, rel=0.04, abs=0.002)
