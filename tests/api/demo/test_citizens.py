"""Who calls when, with time passed in."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from pathlib import Path

import pytest

from api.demo.citizens import SPEECH, STORIES, Citizens, visits
from api.demo.sipp import Phone


class Call:
    """Stands where a SIPp process would."""

    def __init__(self, number: str) -> None:
        self.number = number
        self.running = False
        self.stopped = False

    def start(self) -> None:
        self.running = True

    def stop(self, grace_s: float = 10.0) -> None:
        self.running, self.stopped = False, True


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    made: list[Call] = []

    def citizen(_: Phone, name: str, speech: Path, *, number: str, **rest: object) -> Call:
        assert speech.exists()
        made.append(Call(number))
        return made[-1]

    monkeypatch.setattr(Phone, "citizen", citizen)
    return made


def citizens() -> Citizens:
    phone = Phone(sipp=["sipp"], run_dir=Path("/nowhere"), host="", port=0, media_port=0, switch="")
    return Citizens(phone, (replace(visit, after_s=10) for visit in visits(random.Random(1))))


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


def test_the_call_in_progress_is_ended_with_everything_else(calls: list[Call]) -> None:
    those = citizens()
    those.stop()
    those.tick(0)
    those.tick(10)
    those.stop()
    assert calls[0].stopped
