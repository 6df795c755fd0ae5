"""Finished recordings: only by call id, only inside the folder, both legs joined, and short ones noticed."""

from __future__ import annotations

import os
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.errors import InvalidValue
from telephony.ids import CallId
from telephony.media.recordings import RecordedLeg, Recordings, is_incomplete, peaks, sha256

CALL = CallId("1795297638.32")


def record(path: Path, *, seconds: float, level: int, channels: int = 1) -> Path:
    samples = np.full(round(seconds * 8000) * channels, level, dtype="<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(samples.tobytes())
    return path


def test_a_recording_is_found_by_call_id_with_its_length(tmp_path: Path) -> None:
    record(tmp_path / f"{CALL}-caller.wav", seconds=2.5, level=100)
    found = Recordings(tmp_path).find(CALL, RecordedLeg.CALLER)
    assert found is not None
    assert found.length_s == 2.5
    assert found.bytes == 40_044


def test_what_was_not_recorded_is_not_found(tmp_path: Path) -> None:
    (tmp_path / f"{CALL}-caller.wav").write_bytes(b"RIFF")
    assert Recordings(tmp_path).find(CALL, RecordedLeg.CALLER) is None
    assert Recordings(tmp_path).find(CALL, RecordedLeg.OPERATOR) is None
    assert Recordings(tmp_path).of(CALL) == ()


@pytest.mark.parametrize(
    "name",
    [
        "../../../../tmp/trav",
        "/etc/passwd",
        "1795297638.32/../x",
        "1795297638.32\n",
        "..",
        "",
        "1.2\x00",
        "１.２",
        "-1.2",
    ],
)
def test_a_name_that_is_no_call_id_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidValue):
        Recordings(tmp_path).find(CallId(name), RecordedLeg.CALLER)


@given(st.text())
def test_no_name_leads_out_of_the_folder(name: str) -> None:
    root = Path("/nowhere/recordings")
    try:
        path = Recordings(root)._path(CallId(name), RecordedLeg.BOTH)
    except InvalidValue:
        return
    assert path is None or path.parent == root


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    root = tmp_path / "recordings"
    root.mkdir()
    (root / f"{CALL}-caller.wav").symlink_to(record(tmp_path / "secret.wav", seconds=1, level=1))
    assert Recordings(root).find(CALL, RecordedLeg.CALLER) is None


async def test_both_legs_are_joined_caller_left_and_the_shorter_filled_with_silence(tmp_path: Path) -> None:
    record(tmp_path / f"{CALL}-caller.wav", seconds=1.0, level=8192)
    record(tmp_path / f"{CALL}-operator.wav", seconds=2.0, level=16384)
    both = await Recordings(tmp_path).both(CALL)
    assert both is not None
    assert both.length_s == 2.0
    assert peaks(both.path, points=2) == [[0.25, 0.0], [0.5, 0.5]]
    assert sorted(os.listdir(tmp_path)) == [f"{CALL}-{leg}.wav" for leg in ("both", "caller", "operator")]


async def test_the_joined_file_is_made_again_only_when_a_leg_has_grown(tmp_path: Path) -> None:
    recordings = Recordings(tmp_path)
    caller = record(tmp_path / f"{CALL}-caller.wav", seconds=1.0, level=1)
    record(tmp_path / f"{CALL}-operator.wav", seconds=1.0, level=1)
    first = await recordings.both(CALL)
    assert first is not None
    made_at = first.path.stat().st_mtime_ns
    again = await recordings.both(CALL)
    assert again is not None
    assert again.path.stat().st_mtime_ns == made_at
    record(caller, seconds=3.0, level=1)
    os.utime(caller, ns=(made_at + 10**9, made_at + 10**9))
    grown = await recordings.both(CALL)
    assert grown is not None
    assert grown.length_s == 3.0


async def test_one_leg_alone_is_not_joined(tmp_path: Path) -> None:
    record(tmp_path / f"{CALL}-caller.wav", seconds=1.0, level=1)
    assert await Recordings(tmp_path).both(CALL) is None


def test_peaks_have_one_value_a_part_and_an_empty_file_has_none(tmp_path: Path) -> None:
    assert peaks(record(tmp_path / "a.wav", seconds=1, level=-32768), points=10) == [[1.0] * 10]
    assert peaks(record(tmp_path / "b.wav", seconds=0, level=0, channels=2)) == [[], []]


def test_the_hash_is_of_the_file_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    assert sha256(tmp_path / "x") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize(
    ("recorded_s", "talk_s", "incomplete"),
    [
        (20.0, 20.0, False),
        (18.1, 20.0, False),
        (17.9, 20.0, True),
        (12.8, 20.0, True),
        (25.0, 20.0, False),
        (0, 1, False),
    ],
)
def test_a_recording_more_than_two_seconds_short_is_incomplete(
    recorded_s: float, talk_s: float, incomplete: bool
) -> None:
    assert is_incomplete(recorded_s, talk_s) is incomplete


def test_the_free_share_of_the_disk_is_a_share(tmp_path: Path) -> None:
    assert 0.0 < Recordings(tmp_path).free_share() <= 1.0
