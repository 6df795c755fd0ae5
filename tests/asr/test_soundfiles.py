"""Every WAV file a city may have is read; what cannot be read is refused with the file's name and the reason."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from asr.soundfiles import NotFound, NotSound, SoundFileError, Unsupported, read
from tests.asr.wavs import unclosed, write
from tests.fakes.spoken import FOLDER, alaw_of, linear

RAMP = (np.arange(-40, 40) * 400).astype(np.int16)


@pytest.mark.parametrize(
    ("coding", "bits", "tolerance"), [(1, 8, 256), (1, 16, 0), (1, 24, 0), (1, 32, 0), (3, 32, 1), (3, 64, 1)]
)
def test_samples_come_back_as_they_were(tmp_path: Path, coding: int, bits: int, tolerance: int) -> None:
    sound = read(write(tmp_path / "x.wav", RAMP, coding=coding, bits=bits, rate=16_000))
    assert sound.rate == 16_000
    assert np.abs(sound.channels[0].astype(int) - RAMP).max() <= tolerance


def test_a_stereo_file_gives_the_left_channel_first(tmp_path: Path) -> None:
    left, right = read(write(tmp_path / "x.wav", RAMP, -RAMP)).channels
    assert left.tolist() == RAMP.tolist()
    assert right.tolist() == (-RAMP).tolist()


def test_a_law_as_the_switch_writes_it_is_read() -> None:
    path = FOLDER / "which-compound.wav"
    assert read(path).channels[0].tobytes() == linear(alaw_of(path))


def test_mu_law_is_symmetric_and_grows_from_nothing(tmp_path: Path) -> None:
    codes = np.arange(256).astype(np.int16)
    samples = read(write(tmp_path / "x.wav", codes, coding=7, bits=8)).channels[0].astype(int)
    assert samples[0xFF] == samples[0x7F] == 0
    assert samples[0x80] == 32124
    assert (samples[:0x80] == -samples[0x80:]).all()


def test_the_extensible_header_and_other_chunks_do_not_matter(tmp_path: Path) -> None:
    sound = read(write(tmp_path / "x.wav", RAMP, extensible=True, odd_chunk=True))
    assert sound.channels[0].tolist() == RAMP.tolist()


def test_a_file_cut_off_in_its_sound_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = write(tmp_path / "x.wav", RAMP, RAMP)
    path.write_bytes(path.read_bytes()[:-7])
    assert [len(channel) for channel in read(path).channels] == [78, 78]


@pytest.mark.parametrize(("riff", "size"), [(0, 0), (36, 0), (0, 160), (0xFFFFFFFF, 0xFFFFFFFF), (0, 1_000_000)])
@pytest.mark.parametrize("level", [0, 900, 0x5555])
def test_a_file_the_switch_never_closed_is_read_to_its_end(tmp_path: Path, riff: int, size: int, level: int) -> None:
    path = write(tmp_path / "x.wav", np.full(80, level, np.int16))
    unclosed(path, riff=riff, size=size)
    assert read(path).channels[0].tolist() == [level] * 80


def test_chunks_behind_no_sound_are_no_sound(tmp_path: Path) -> None:
    path = write(tmp_path / "x.wav", RAMP[:0])
    path.write_bytes(path.read_bytes() + b"LIST" + struct.pack("<I", 4) + b"INFO" + b"id3 " + struct.pack("<I", 0))
    assert read(path).seconds == 0


@pytest.mark.parametrize("kept", [0, 4, 20, 36])
def test_a_file_without_sound_is_refused_by_name(tmp_path: Path, kept: int) -> None:
    path = write(tmp_path / "broken.wav", RAMP)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(NotSound, match=r"broken\.wav"):
        read(path)


def test_what_is_not_there_or_not_readable_here_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"gone\.wav: No such file"):
        read(tmp_path / "gone.wav")
    with pytest.raises(Unsupported, match="3 channels"):
        read(write(tmp_path / "x.wav", RAMP, RAMP, RAMP))
    with pytest.raises(Unsupported, match="format 85"):
        read(write(tmp_path / "x.wav", RAMP, coding=85, bits=16))
    assert issubclass(Unsupported, SoundFileError)
