from __future__ import annotations

from telephony.ami.timings import Backoff


def test_pauses_double_up_to_the_limit_and_start_again_after_success() -> None:
    backoff = Backoff(first_s=0.2, most_s=5, chance=lambda: 0)
    assert [backoff.pause_s() for _ in range(7)] == [0.2, 0.4, 0.8, 1.6, 3.2, 5, 5]
    backoff.reset()
    assert backoff.pause_s() == 0.2


def test_chance_shortens_a_pause_by_up_to_a_half() -> None:
    assert Backoff(first_s=1, most_s=5, chance=lambda: 1).pause_s() == 0.5
