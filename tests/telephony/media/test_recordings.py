"""Finished recordings: only by call id, only inside the folder, both legs joined, and short ones noticed."""

from __future__ import annotations

import json
import os
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.errors import InvalidValue
from telephony.ids import CallId
from telephony.media import encoders
from telephony.media.encoders import PLAIN, Encoder
from telephony.media.recordings import Pause, RecordedLeg, Recordings, gain_db, is_incomplete, peaks, sha256
from tests.asr.wavs import unclosed

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


@pytest.mark.parametrize(("riff", "size"), [(0, 0), (0xFFFFFFFF, 0xFFFFFFFF), (0, 900_000)])
def test_a_recording_the_switch_never_closed_goes_on_to_the_end_of_its_file(
    tmp_path: Path, riff: int, size: int
) -> None:
    for leg in ("caller", "operator"):
        unclosed(record(tmp_path / f"{CALL}-{leg}.wav", seconds=2.5, level=900), riff=riff, size=size)
    recordings = Recordings(tmp_path)
    assert [found.length_s for found in recordings.of(CALL)] == [2.5, 2.5]
    made = recordings.finish(CALL, PLAIN)
    assert made is not None
    assert made.length_s == 2.5
    left, right = peaks(made.path, points=5)
    assert min(*left, *right) > 0


def test_a_leg_cut_off_in_a_sample_is_used_as_far_as_it_goes(tmp_path: Path) -> None:
    for leg in ("caller", "operator"):
        path = record(tmp_path / f"{CALL}-{leg}.wav", seconds=2.0, level=900)
        path.write_bytes(path.read_bytes()[:-16_001])
    made = Recordings(tmp_path).finish(CALL, PLAIN)
    assert made is not None
    assert made.length_s == pytest.approx(1.0, abs=0.001)


@pytest.mark.parametrize("form", [b"\x06\0", b"\x01\0"])
def test_a_leg_in_a_coding_the_switch_does_not_write_is_no_recording(tmp_path: Path, form: bytes) -> None:
    path = record(tmp_path / f"{CALL}-caller.wav", seconds=1.0, level=900)
    whole = path.read_bytes()
    path.write_bytes(whole[:20] + form + (b"\0\0" if form == b"\x01\0" else whole[22:24]) + whole[24:])
    assert Recordings(tmp_path).find(CALL, RecordedLeg.CALLER) is None


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
    left, right = peaks(both.path, points=2)
    assert (left[1], right[0]) == (0.0, right[1])
    assert left[0] == pytest.approx(right[0], rel=0.01), "evened"
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


# finishing ------------------------------------------------------------------------------------------------------------
def speech(path: Path, *, seconds: float, level: float, hz: float) -> Path:
    """A tone that pauses every other second, as loud as ``level`` of the most."""
    at = np.arange(round(seconds * 8000)) / 8000
    samples = (level * 32767 * np.sin(2 * np.pi * hz * at) * ((at.astype(int) % 2) == 0)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(samples.tobytes())
    return path


def legs(folder: Path, *, caller: float = 0.02, operator: float = 0.6) -> None:
    speech(folder / f"{CALL}-caller.wav", seconds=4, level=caller, hz=440)
    speech(folder / f"{CALL}-operator.wav", seconds=6, level=operator, hz=1000)


ENCODERS = [
    pytest.param(encoder, id=encoder.label) for encoder in (encoders._by_av(), encoders._by_ffmpeg(), PLAIN) if encoder
]


@pytest.mark.parametrize("encoder", ENCODERS)
def test_both_legs_become_one_even_stereo_file_with_its_peaks(tmp_path: Path, encoder: Encoder) -> None:
    legs(tmp_path)
    made = Recordings(tmp_path).finish(CALL, encoder)
    assert made is not None
    assert made.path == Recordings(tmp_path).finished(CALL) == tmp_path / f"{CALL}-both.{encoder.extension}"
    assert (made.length_s, made.media_type, made.bytes) == (6.0, encoder.media_type, made.path.stat().st_size)
    assert made.sha256 == sha256(made.path)
    assert encoder is PLAIN or made.bytes < (tmp_path / f"{CALL}-caller.wav").stat().st_size
    levels = json.loads((tmp_path / f"{CALL}-peaks.json").read_text())
    left, right = (max(channel) for channel in levels["channels"])
    assert levels["length_s"] == 6.0
    assert 0.1 < left < 0.2, "20 dB below the most, the peak of a tone 3 dB above that"
    assert left == pytest.approx(right, rel=0.1), "both sides are as loud as each other now"
    assert max(levels["channels"][0][700:]) == 0.0, "the shorter leg is filled up with silence"
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_what_was_not_recorded_becomes_silence_at_its_place(tmp_path: Path) -> None:
    for leg in ("caller", "operator"):
        record(tmp_path / f"{CALL}-{leg}.wav", seconds=4, level=900)
    made = Recordings(tmp_path).finish(CALL, PLAIN, (Pause(1.0, 2.0), Pause(5.0, 1.5), Pause(7.5, 60.0)))
    assert made is not None
    assert made.length_s == 7.5, "the citizen's last waiting is no part of it"
    left, right = json.loads((tmp_path / f"{CALL}-peaks.json").read_text())["channels"]
    loud = [level > 0 for level in left]
    assert left == right
    silent = [(place / 1000 * 7.5) for place, sounds in enumerate(loud) if not sounds]
    assert (min(silent), max(silent)) == (pytest.approx(1.0, abs=0.02), pytest.approx(6.5, abs=0.02))
    assert [place for place in silent if 3.02 < place < 4.98] == []


@pytest.mark.parametrize("encoder", [one for one in ENCODERS if one.values[0] is not PLAIN])
def test_what_was_encoded_sounds_as_the_legs_did(tmp_path: Path, encoder: Encoder) -> None:
    import av

    legs(tmp_path)
    made = Recordings(tmp_path).finish(CALL, encoder)
    assert made is not None
    with av.open(str(made.path)) as sound:
        resample = av.AudioResampler(format="s16p", layout="stereo", rate=8000)
        frames = [piece.to_ndarray() for frame in sound.decode(audio=0) for piece in resample.resample(frame)]
    left, right = np.concatenate(frames, axis=1).astype(np.float64)
    assert len(left) / 8000 == pytest.approx(6.0, abs=0.2)
    for channel, hz in ((left, 440), (right, 1000)):
        spectrum = np.abs(np.fft.rfft(channel[:32000]))
        assert int(spectrum.argmax()) / 4 == pytest.approx(hz, abs=2)


def test_finishing_twice_leaves_one_file_and_another_encoder_replaces_it(tmp_path: Path) -> None:
    legs(tmp_path)
    recordings = Recordings(tmp_path)
    first = recordings.finish(CALL, ENCODERS[0].values[0])  # type: ignore[arg-type]
    again = recordings.finish(CALL, PLAIN)
    assert first is not None
    assert again is not None
    assert sorted(path.name for path in tmp_path.glob(f"{CALL}-both*")) == [f"{CALL}-both.wav"]


def test_without_both_legs_nothing_is_made(tmp_path: Path) -> None:
    speech(tmp_path / f"{CALL}-caller.wav", seconds=1, level=0.1, hz=440)
    assert Recordings(tmp_path).finish(CALL, PLAIN) is None
    assert Recordings(tmp_path).finished(CALL) is None


def test_legs_in_which_nothing_was_written_make_no_file_and_one_of_them_is_filled_up(tmp_path: Path) -> None:
    recordings = Recordings(tmp_path)
    for leg in ("caller", "operator"):
        record(tmp_path / f"{CALL}-{leg}.wav", seconds=0, level=0)
    assert recordings.finish(CALL, PLAIN) is None
    record(tmp_path / f"{CALL}-caller.wav", seconds=2, level=900)
    made = recordings.finish(CALL, PLAIN)
    assert made is not None
    assert made.length_s == 2.0


def test_silence_is_not_made_loud_and_nothing_clips() -> None:
    assert gain_db(np.zeros(8000, dtype="<i2")) == 0.0
    assert gain_db(np.full(8000, 3, dtype="<i2")) == 0.0
    loud = np.full(8000, 100, dtype="<i2")
    loud[4000] = 32767
    assert gain_db(loud) == pytest.approx(-1.0, abs=0.01)


def test_erasing_takes_every_file_of_the_call_and_no_other(tmp_path: Path) -> None:
    legs(tmp_path)
    recordings = Recordings(tmp_path)
    recordings.finish(CALL, PLAIN)
    others = [tmp_path / name for name in (f"{CALL}0-caller.wav", "x.wav", f"{CALL}-caller.txt")]
    for path in (*others, tmp_path / f"{CALL}-message.wav", tmp_path / f"{CALL}.wav"):
        path.write_bytes(b"RIFF")
    assert recordings.erase(CALL) == 6
    assert sorted(tmp_path.iterdir()) == sorted(others)
    assert recordings.erase(CALL) == 0
    with pytest.raises(InvalidValue):
        recordings.erase(CallId("../x"))
