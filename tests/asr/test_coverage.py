"""How complete a transcript is, and what of a recording is still missing in it."""

from __future__ import annotations

import pytest

from asr.coverage import Coverage, is_repeat, missing
from asr.offline import SpokenSegment
from asr.transcript import Speaker, Turn


def turn(start_s: float, end_s: float, text: str = "我要反映一个问题") -> Turn:
    return Turn(seg=1, rev=1, speaker=Speaker.CALLER, text=text, start_s=start_s, end_s=end_s, final=True)


def span(start_s: float, end_s: float) -> SpokenSegment:
    return SpokenSegment(start_s=start_s, end_s=end_s, pcm=b"")


def test_the_share_is_of_speech_and_small_noises_do_not_count() -> None:
    coverage = Coverage()
    assert coverage.complete is None
    coverage.text(6.0)
    coverage.unheard(0.4, answered=True)
    assert coverage.complete == 1.0
    coverage.unheard(2.0, answered=True)
    assert coverage.complete == 0.75
    assert not coverage.wants_recording, "an engine listened: the recording would say no more"
    coverage.unheard(0.5, answered=False)
    assert not coverage.wants_recording
    coverage.unheard(0.6, answered=False)
    assert coverage.wants_recording


def test_a_leg_without_sound_for_seconds_wants_the_recording_and_a_moment_does_not() -> None:
    coverage = Coverage()
    coverage.deaf(1.0)
    assert not coverage.wants_recording
    coverage.deaf(2.5)
    assert coverage.wants_recording


def test_what_nobody_listened_to_counts_against_the_transcript_and_the_moment_before_a_leg_is_heard_does_not() -> None:
    coverage = Coverage()
    coverage.deaf(0.4)
    assert coverage.complete is None
    coverage.text(5.0)
    assert coverage.complete == 1.0
    coverage.deaf(44.6)
    assert coverage.complete == 0.1
    unheard = Coverage()
    unheard.deaf(60.0)
    assert unheard.complete == 0.0


@pytest.mark.parametrize(
    ("recorded", "is_missing"),
    [(span(10, 12), True), (span(1.2, 3.1), False), (span(2.5, 6), True), (span(0, 20), True), (span(2, 4), False)],
)
def test_a_stretch_is_missing_unless_a_good_part_of_it_was_heard(recorded: SpokenSegment, is_missing: bool) -> None:
    assert bool(missing([recorded], [turn(1, 3)])) is is_missing


def test_the_same_words_are_a_repeat_where_the_recording_may_have_skipped_time_and_nowhere_else() -> None:
    said = [turn(30, 32, "楼下饭店油烟很大，天天这样")]
    assert is_repeat("楼下饭店油烟很大", 29, said, skipped_s=0)
    assert is_repeat("楼下饭殿油烟很大", 12, said, skipped_s=20)
    assert not is_repeat("楼下饭店油烟很大", 12, said, skipped_s=0), "said again"
    assert not is_repeat("楼下饭店油烟很大", 40, said, skipped_s=20), "a recording is never ahead"
    assert not is_repeat("邻居半夜装修", 30, said, skipped_s=20)
    assert not is_repeat("楼下", 31, said, skipped_s=20)
