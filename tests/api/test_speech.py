"""The server's recogniser: looked for again while there is none, and told of when something changes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from api import speech
from api.live.messages import SpeechState
from asr.engines.choose import EngineConfig, NoText
from asr.engines.scripted_engine import Line, ScriptedRecognizer
from asr.fetching import Progress, Report
from asr.recognizer import Recognizer, SpeechLevel
from tests.fakes.virtual_time import in_virtual_time

SCRIPTED = ScriptedRecognizer({"*": [Line(start_s=0, end_s=1, text="一")]})


class Choices:
    """What each look for an engine comes to, and when it was; the last one stays."""

    def __init__(self, *found: Recognizer) -> None:
        self._found = list(found)
        self.at_s: list[float] = []

    async def choose(self, config: EngineConfig, *, report: Report) -> Recognizer:
        self.at_s.append(asyncio.get_running_loop().time())
        report(Progress(step="download", done=1, total=4))
        await asyncio.sleep(10.0)
        return self._found.pop(0) if len(self._found) > 1 else self._found[0]


def told(choices: Choices, monkeypatch: pytest.MonkeyPatch, *, for_s: float) -> tuple[speech.Speech, list[SpeechState]]:
    monkeypatch.setattr(speech, "choose", choices.choose)
    states: list[SpeechState] = []
    recogniser = speech.Speech(EngineConfig(models_dir=Path()), told=states.append)

    async def story() -> None:
        running = asyncio.create_task(recogniser.run())
        await asyncio.sleep(for_s)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    in_virtual_time(story())
    return recogniser, states


def test_without_an_engine_it_is_looked_for_one_again_and_the_first_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    choices = Choices(NoText("no model", "pull one"), NoText("no model", "pull one"), SCRIPTED)
    recogniser, states = told(choices, monkeypatch, for_s=3600)
    assert [round(at - choices.at_s[0]) for at in choices.at_s] == [0, 190, 380]
    assert recogniser.recognizer is SCRIPTED
    assert [state.reason for state in states[:3]] == [
        "the speech engine is starting", "download of the speech model: 25 %", "no model; pull one",
    ]  # fmt: skip
    assert states[-1].state is SpeechLevel.OK


def test_where_nobody_wants_text_it_is_not_looked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    choices = Choices(NoText("switched off", wanted=True))
    recogniser, states = told(choices, monkeypatch, for_s=3600)
    assert (len(choices.at_s), recogniser.recognizer) == (1, None)
    assert states[-1].reason == "switched off"
