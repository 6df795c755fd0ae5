"""A flood of complaints is said once and then counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from telephony.ami.complaints import MOST_SUBJECTS, Complaints

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def test_each_subject_is_said_at_once_and_then_only_now_and_then_with_a_count() -> None:
    complaints = Complaints(timedelta(seconds=10))
    said = [complaints.times("torn", NOW + timedelta(seconds=second)) for second in range(25)]
    assert [(second, times) for second, times in enumerate(said) if times] == [(0, 1), (10, 10), (20, 10)]
    assert complaints.times("other", NOW) == 1


def test_a_clock_that_was_set_back_does_not_silence_anything() -> None:
    complaints = Complaints()
    complaints.times("torn", NOW)
    assert complaints.times("torn", NOW - timedelta(hours=1)) == 1


def test_a_flood_of_different_subjects_takes_no_more_memory() -> None:
    complaints = Complaints()
    for number in range(3 * MOST_SUBJECTS):
        assert complaints.times(str(number), NOW) == 1
    assert len(complaints._said) == MOST_SUBJECTS
