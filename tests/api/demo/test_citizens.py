"""Who calls when, with time passed in."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api.demo.citizens import HANDED_OVER, SPEECH, STORIES, Citizens, visits
from api.demo.sipp import Phone
from telephony.handovers import summary_of


class Call:
    """Stands where a SIPp process would."""

    def __init__(self, number: str, host: str, line: str, headers: dict[str, str] | None) -> None:
        self.number, self.host, self.line, self.headers = number, host, line, headers
        self.running = False
        self.stopped = False

    def start(self) -> None:
        self.running = True

    def stop(self, grace_s: float = 10.0) -> None:
        self.running, self.stopped = False, True


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    made: list[Call] = []

    def citizen(
        phone: Phone, _: str, speech: Path, *, number: str, line: str, headers: dict[str, str] | None, **rest: object
    ) -> Call:
        assert speech.exists()
        made.append(Call(number, phone.host, line, headers))
        return made[-1]

    monkeypatch.setattr(Phone, "citizen", citizen)
    return made


def citizens(**more: Any) -> Citizens:
    phone = Phone(sipp=["sipp"], run_dir=Path("/nowhere"), host="127.0.0.2", port=0, media_port=0, switch="")
    return Citizens(phone, (replace(visit, after_s=10) for visit in visits(random.Random(1))), **more)


def have_called(those: Citizens, calls: list[Call], count: int) -> None:
    for turn in range(2 * count):
        those.tick(10 * turn)
        if calls:
            calls[-1].running = False
    assert len(calls) >= count


def test_every_story_has_its_speech_and_a_number_that_belongs_to_nobody() -> None:
    for story, number in STORIES:
        assert (SPEECH / f"{story}.wav").exists()
        assert number.startswith(("154", "164"))
        assert len(number) == 11


def test_every_fourth_caller_does_not_wait() -> None:
    patience = [visit.patience_s for visit in itertools.islice(visits(random.Random(1)), 8)]
    assert [seconds < 20 for seconds in patience] == [False, False, False, True] * 2


def test_one_calls_after_the_other(calls: list[Call]) -> None:
    those = citizens()
    those.tick(100)
    those.tick(109)
    assert calls == []
    those.tick(110)
    assert [call.number for call in calls] == [STORIES[0][1]]
    those.tick(500)
    assert len(calls) == 1
    calls[0].running = False
    those.tick(600)
    those.tick(609)
    assert len(calls) == 1
    those.tick(610)
    assert [call.number for call in calls] == [STORIES[0][1], STORIES[1][1]]


def test_one_of_eight_is_handed_over_by_110_and_one_dials_a_merged_number(calls: list[Call]) -> None:
    those = citizens(centres={"110": "127.0.0.3"}, lines=frozenset({"12345", "12369"}))
    have_called(those, calls, 8)
    [handed_over] = [call for call in calls[:8] if call.headers]
    assert (handed_over.number, handed_over.host) == ("110", "127.0.0.3")
    assert handed_over.headers is not None
    assert handed_over.headers["X-Handover-Number"] == STORIES[2][1]
    assert summary_of(handed_over.headers["X-Handover-Summary"]) == HANDED_OVER[2]
    assert [call.line for call in calls[:8]].count("12369") == 1


def test_without_that_centre_and_that_line_everybody_calls_12345_alone(calls: list[Call]) -> None:
    have_called(citizens(), calls, 8)
    assert {(call.host, call.line, call.headers is None) for call in calls} == {("127.0.0.2", "12345", True)}


def test_the_call_in_progress_is_ended_with_everything_else(calls: list[Call]) -> None:
    those = citizens()
    those.stop()
    those.tick(0)
    those.tick(10)
    those.stop()
    assert calls[0].stopped
