"""Gaps filled by the clock, 8 to 16 kHz without seams, and where a segment begins and ends."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.audio import (
    FRAME_BYTES,
    FRAME_S,
    GapFiller,
    Heard,
    Listener,
    SegmentAudio,
    SegmentClosed,
    Segmenter,
    Segmenting,
    SegmentOpened,
    Upsampler,
    level_dbfs,
    rules_for,
    runs,
)
from asr.voice import CHUNK_BYTES, CHUNK_S
from tests.fakes.loudness import LevelDetector

LOUD = np.tile(np.array([9000, -9000], dtype="<i2"), CHUNK_BYTES // 4).tobytes()
LOUD_FRAME = np.random.default_rng(1).integers(-9000, 9000, FRAME_BYTES // 2).astype("<i2").tobytes()
QUIET = bytes(CHUNK_BYTES)


def shapes(heard: list[Heard]) -> list[str]:
    names = [type(item).__name__ for item in heard]
    return [name for at, name in enumerate(names) if name != "SegmentAudio" or names[at - 1] != name]


def listen(segmenter: Segmenter, *chunks: bytes) -> list[Heard]:
    return [item for chunk in chunks for item in segmenter.feed(chunk)]


@pytest.mark.parametrize(
    ("pcm", "level"),
    [(b"", -120.0), (bytes(320), -120.0), (np.full(160, 32767, "<i2").tobytes(), 0.0), (b"\x00\x20\x00", -12.0)],
)
def test_the_level_is_in_decibels_of_full_scale(pcm: bytes, level: float) -> None:
    assert level_dbfs(pcm) == pytest.approx(level, abs=0.1)


def test_frames_that_come_regularly_get_no_silence_between_them() -> None:
    gaps = GapFiller()
    jitter = [0.0, 0.015, -0.01, 0.02, -0.005]
    assert [gaps.place(FRAME_S, 5 + n * FRAME_S + jitter[n % 5]) for n in range(100)] == [0.0] * 100


def test_a_pause_becomes_silence_of_its_length() -> None:
    gaps = GapFiller()
    gaps.place(FRAME_S, 10.0)
    assert gaps.place(FRAME_S, 13.0) == pytest.approx(2.98, abs=0.011)
    assert gaps.position_s == pytest.approx(3.02, abs=0.011)


def test_frames_that_are_late_for_a_moment_get_no_silence_and_lost_ones_do() -> None:
    gaps = GapFiller()
    for second in range(10):
        late = [gaps.place(FRAME_S, second + n * FRAME_S + (0.2 if n % 10 == 0 else 0.0)) for n in range(50)]
        assert sum(late) == 0.0
    lost = [gaps.place(FRAME_S, 10.1 + n * FRAME_S) for n in range(50)]
    assert sum(lost) == pytest.approx(0.1, abs=0.011)


def test_silence_already_filled_in_while_waiting_is_not_filled_in_twice() -> None:
    gaps = GapFiller()
    gaps.place(FRAME_S, 10.0)
    filled_s = gaps.catch_up(11.0) + gaps.catch_up(11.05) + gaps.catch_up(12.0)
    assert filled_s == pytest.approx(1.92, abs=0.02)
    assert filled_s + gaps.place(FRAME_S, 13.0) == pytest.approx(2.98, abs=0.03)


def test_frames_held_up_and_then_delivered_in_a_lump_get_no_silence() -> None:
    on_time = [(bytes(320), 1.0 + n * FRAME_S) for n in range(10)]
    held_up = [(bytes(320), 1.5) for _ in range(16)]
    ((joined, ended_s),) = runs([*on_time, *held_up])
    assert len(joined) == 26 * 320
    assert ended_s == pytest.approx(1.5)


def test_a_real_gap_inside_one_delivery_stays_a_gap() -> None:
    stretches = list(runs([(bytes(320), 1.0), (bytes(320), 1.02), (bytes(320), 2.0)]))
    assert [(len(pcm), ended_s) for pcm, ended_s in stretches] == [
        (640, pytest.approx(1.02)),
        (320, pytest.approx(2.0)),
    ]


def test_nothing_is_filled_in_before_the_first_frame() -> None:
    assert GapFiller().catch_up(99.0) == 0.0


@given(st.lists(st.floats(0.0, 3.0), min_size=1, max_size=50))
def test_stream_time_never_runs_ahead_of_the_clock_nor_far_behind_it(pauses: list[float]) -> None:
    gaps = GapFiller()
    now_s = 100.0
    for pause_s in pauses:
        now_s += pause_s
        assert gaps.place(FRAME_S, now_s) >= 0.0
        assert gaps.clock_s(gaps.position_s) <= now_s + 1e-6
        assert gaps.clock_s(gaps.position_s) >= now_s - 0.36


def test_resampling_in_pieces_equals_resampling_at_once() -> None:
    tone = (np.sin(np.arange(8000) * 2 * np.pi * 440 / 8000) * 9000).astype("<i2").tobytes()
    whole = Upsampler().convert(tone, last=True)
    pieces = Upsampler()
    joined = b"".join(pieces.convert(tone[at : at + FRAME_BYTES]) for at in range(0, len(tone), FRAME_BYTES))
    joined += pieces.convert(b"", last=True)
    assert len(whole) == len(joined) == 2 * len(tone)
    difference = np.frombuffer(whole, "<i2").astype(int) - np.frombuffer(joined, "<i2")
    assert np.abs(difference).max() <= 2


def test_speech_opens_a_segment_with_what_was_just_before_it() -> None:
    heard = listen(Segmenter(LevelDetector()), *[QUIET] * 20, LOUD)
    opened, audio = heard
    assert isinstance(opened, SegmentOpened)
    assert isinstance(audio, SegmentAudio)
    assert opened.start_s == pytest.approx(20 * CHUNK_S - 0.3, abs=CHUNK_S)
    assert audio.pcm == QUIET * 9 + LOUD


def test_digits_said_in_groups_stay_together() -> None:
    rules = Segmenting(short_s=2.0, short_hang_s=0.75, hang_s=0.5)
    pause = [QUIET] * 20  # 0.64 s
    heard = listen(Segmenter(LevelDetector(), rules), *[LOUD] * 15, *pause, *[LOUD] * 15, *pause, *[LOUD] * 20, *pause)
    assert shapes(heard) == ["SegmentOpened", "SegmentAudio", "SegmentClosed"]


def test_a_pause_shorter_than_the_hang_over_does_not_end_a_segment_and_a_longer_one_does() -> None:
    segmenter = Segmenter(LevelDetector(), Segmenting(short_s=0.0))
    assert shapes(listen(segmenter, *[LOUD] * 10, *[QUIET] * 14, *[LOUD] * 3)) == ["SegmentOpened", "SegmentAudio"]
    heard = listen(segmenter, *[QUIET] * 17)
    assert shapes(heard) == ["SegmentAudio", "SegmentClosed"]
    closed = heard[-1]
    assert isinstance(closed, SegmentClosed)
    assert closed.end_s == pytest.approx(27 * CHUNK_S)
    assert not segmenter.open


def test_a_long_monologue_is_split_at_its_first_breath_after_eleven_seconds() -> None:
    segmenter = Segmenter(LevelDetector())
    assert shapes(listen(segmenter, *[LOUD] * 360, QUIET)) == ["SegmentOpened", "SegmentAudio", "SegmentClosed"]
    assert shapes(listen(segmenter, LOUD)) == ["SegmentOpened", "SegmentAudio"]


def test_a_monologue_without_a_breath_is_split_at_the_longest_length_without_losing_audio() -> None:
    heard = listen(Segmenter(LevelDetector()), *[LOUD] * 1000)
    closed = [item.end_s for item in heard if isinstance(item, SegmentClosed)]
    assert closed == pytest.approx([14.016, 28.032], abs=CHUNK_S)
    assert sum(len(item.pcm) for item in heard if isinstance(item, SegmentAudio)) == 1000 * CHUNK_BYTES


@given(st.lists(st.sampled_from([LOUD, QUIET]), max_size=400), st.booleans())
def test_segments_never_overlap_and_each_that_opens_closes(chunks: list[bytes], skips: bool) -> None:
    segmenter = Segmenter(LevelDetector(), Segmenting(maximum_s=2.0, split_after_s=1.5))
    heard = listen(segmenter, *chunks)
    if skips:
        heard += [*segmenter.skip(5.0), *listen(segmenter, LOUD)]
    heard += segmenter.close()
    edges = [item for item in heard if not isinstance(item, SegmentAudio)]
    assert [type(item) for item in edges] == [SegmentOpened, SegmentClosed] * (len(edges) // 2)
    times = [item.start_s if isinstance(item, SegmentOpened) else item.end_s for item in edges]
    assert all(earlier <= later + 1e-9 for earlier, later in itertools.pairwise(times))


def test_digital_silence_is_not_shown_to_the_detector() -> None:
    class Counting(LevelDetector):
        asked = 0

        def probability(self, chunk: bytes) -> float:
            self.asked += 1
            return super().probability(chunk)

    detector = Counting()
    listen(Segmenter(detector), *[QUIET] * 100)
    assert detector.asked == 0


def test_a_call_on_hold_for_ten_minutes_costs_nothing_and_keeps_the_time() -> None:
    listener = Listener(LevelDetector())
    frame = LOUD_FRAME
    heard: list[Heard] = []
    heard += listener.hear((frame, 100 + number * FRAME_S) for number in range(50))
    heard += listener.idle(103)
    assert isinstance(heard[-1], SegmentClosed)
    assert list(listener.idle(400)) == []
    heard = []
    heard += listener.hear((frame, 700 + number * FRAME_S) for number in range(50))
    heard += listener.end()
    opened = heard[0]
    assert isinstance(opened, SegmentOpened)
    assert opened.start_s == pytest.approx(600, abs=0.5)
    assert listener.clock_s(opened.start_s) == pytest.approx(700, abs=0.5)
    closed = heard[-1]
    assert isinstance(closed, SegmentClosed)
    assert closed.end_s == pytest.approx(601, abs=0.1)


def test_frames_held_back_for_a_moment_find_no_silence_between_their_words() -> None:
    """By a switch or a machine that is short of breath: whisper hears other words in speech with holes in it."""
    listener = Listener(LevelDetector())
    frame = LOUD_FRAME
    heard: list[Heard] = []
    for second in range(4):
        began_s = 100.0 + second
        heard += listener.hear((frame, began_s + n * FRAME_S) for n in range(1, 31))
        for tick in range(4):
            heard += listener.idle(began_s + 0.6 + 0.1 * tick)
        heard += listener.hear((frame, began_s + 1.0) for _ in range(20))
    heard += listener.end()
    assert shapes(heard) == ["SegmentOpened", "SegmentAudio", "SegmentClosed"]
    samples = np.frombuffer(b"".join(item.pcm for item in heard if isinstance(item, SegmentAudio)), "<i2")
    assert len(samples) / 16_000 == pytest.approx(4.0, abs=0.05)
    assert level_dbfs(min((samples[at : at + 320].tobytes() for at in range(320, 63_000, 320)), key=level_dbfs)) > -30


@pytest.mark.parametrize(("whole_segments", "ends_after_s"), [(False, 0.5), (True, 0.75)])
def test_only_an_engine_that_decodes_whole_segments_waits_longer_for_a_second_group_of_digits(
    whole_segments: bool, ends_after_s: float
) -> None:
    segmenter = Segmenter(LevelDetector(), rules_for(whole_segments=whole_segments))
    listen(segmenter, *[LOUD] * 20)
    quiet = next(n for n in range(1, 60) if not (listen(segmenter, QUIET) and segmenter.open))
    assert quiet * CHUNK_S == pytest.approx(ends_after_s, abs=CHUNK_S)


def test_odd_and_empty_pieces_do_no_harm() -> None:
    listener = Listener(LevelDetector())
    assert list(listener.hear([(b"", 1.0), (b"\x01", 1.0)])) == []
    assert list(listener.hear([(bytes(321), 1.0)])) == []
    assert shapes(list(listener.hear((LOUD_FRAME, 1.0 + n * FRAME_S) for n in range(1, 30))))[0] == "SegmentOpened"
