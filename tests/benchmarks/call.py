"""One call after the other through real Asterisk, SIPp and Chromium: how long the operator waits for what.

``python -m tests.benchmarks.call [calls] [--engine whisper|vosk]`` prints medians. Times of the switch are its own
event stamps, times of the page are the page's clock, both on this machine. Speech starts and ends where the session's
voice detector heard it (what comes before a turn's voice is part of the turn). A turn that was being spoken when the
line opened has no start that is known.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from api.demo.sipp import wav_of
from asr.audio import LINE_RATE, Segmenting
from tests.benchmarks.speech import vosk_model
from tests.fakes.spoken import alaw_of, spoken
from tests.system.browser import Desk
from tests.system.stage import CITIZEN, signed_in
from tests.system.switch import Ami, RunningSwitch, starting

CITIZEN_WORDS = spoken("smoke-under-the-window")
OPERATOR_WORDS = spoken("which-compound")
PRE_ROLL_S = Segmenting().pre_roll_s
LISTENS_S = 1.0
"""Before the citizen speaks."""
_SILENCE = b"\xd5"
"""A sample of A-law."""


@dataclass
class Figures:
    """Milliseconds, one entry a call or a turn."""

    ring: list[float] = field(default_factory=list)
    media: list[float] = field(default_factory=list)
    first_text: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    final_text: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """By speaker."""

    def print(self) -> None:
        for name, values in (
            ("phone called by the switch -> ring in the page", self.ring),
            ("answer clicked -> sound flows", self.media),
            *((f"{who}'s speech starts -> first text in the page", each) for who, each in self.first_text.items()),
            *((f"{who}'s speech ends -> final text in the page", each) for who, each in self.final_text.items()),
        ):
            ranked = sorted(values)
            high = ranked[math.ceil(0.95 * len(ranked)) - 1] if ranked else float("nan")
            middle = statistics.median(ranked) if ranked else float("nan")
            print(f"{name:<50} median {middle:7.0f} ms   p95 {high:7.0f} ms   n={len(ranked)}")


@contextmanager
def _stage(home: Path, **speech: object) -> Iterator[tuple[RunningSwitch, Desk, Ami]]:
    with (
        starting(home) as switch,
        signed_in(switch, home, words=OPERATOR_WORDS, wrap_up_s=120, **speech) as stage,
        switch.ami() as ami,
    ):
        stage.desk.start_shift()
        yield switch, stage.desk, ami


def _citizen_words(place: Path) -> Path:
    path = place / "citizen.wav"
    path.write_bytes(wav_of(_SILENCE * round(LISTENS_S * LINE_RATE) + alaw_of(CITIZEN_WORDS.path)))
    return path


def _one_call(number: int, words: Path, switch: RunningSwitch, desk: Desk, ami: Ami, figures: Figures) -> None:
    with switch.citizen(f"citizen-{number}", number=CITIZEN, patience_s=20, stay_s=14, speech=words) as citizen:
        expect(desk["ring-dialog"]).to_be_visible(timeout=15_000)
        call_id = desk["ring-dialog"].get_attribute("data-call")
        assert call_id is not None
        desk["answer"].click()
        desk.expect_status("talking")
        citizen.wait(40)
    expect(desk["wrap-up"]).to_be_visible(timeout=10_000)
    desk.page.wait_for_timeout(3000)  # the last words of the call
    marks = {mark["name"]: mark["at"] for mark in desk.marks() if mark["callId"] == call_id}
    figures.ring.append(marks["ring"] - _called(ami, call_id))
    figures.media.append(marks["media"] - marks["answer"])
    _speech(desk, call_id, figures)
    desk["disposition-invalid"].click()
    desk["submit-ready"].click()
    desk.expect_status("ready")


def _called(ami: Ami, call_id: str) -> float:
    """When the switch began to call the seat, epoch ms."""
    ami.listen(0.2)
    [first, *_] = [
        frame for frame in ami.events if frame.get("Event") == "AgentCalled" and frame.get("Linkedid") == call_id
    ]
    return float(first["Timestamp"]) * 1000


def _speech(desk: Desk, call_id: str, figures: Figures) -> None:
    answered_ms, turns = _turns(desk, call_id)
    for seen in desk.seen_turns():
        turn = turns.get(seen["seg"])
        if seen["callId"] != call_id or turn is None:
            continue
        voice_s = turn["t0"] + PRE_ROLL_S
        if turn["t0"] >= PRE_ROLL_S:
            figures.first_text[turn["who"]].append(seen["firstAt"] - (answered_ms + voice_s * 1000))
        if seen["finalAt"] is not None:
            figures.final_text[turn["who"]].append(seen["finalAt"] - (answered_ms + turn["t1"] * 1000))


def _turns(desk: Desk, call_id: str) -> tuple[float, dict[int, dict[str, Any]]]:
    """When the call was answered, epoch ms, and its final turns by number, as the server has stored them."""
    said = desk.page.evaluate(
        """async (id) => {
            const get = async (path) => (await fetch(`/api/v1/calls/${id}${path}`)).json();
            return { call: await get(""), turns: (await get("/transcript")).turns };
        }""",
        call_id,
    )
    answered = desk.page.evaluate("(text) => Date.parse(text)", said["call"]["answered_at"])
    return answered, {turn["seg"]: turn for turn in said["turns"]}


def main(calls: int, engine: str) -> None:
    figures = Figures()
    speech: dict[str, object] = {"speech_engine": engine}
    if engine == "vosk":
        speech |= {"speech_model": vosk_model(), "speech_adapt": False}
    with (
        tempfile.TemporaryDirectory(prefix="hotline-bench-") as place,
        _stage(Path(place), **speech) as (switch, desk, ami),
    ):
        words = _citizen_words(Path(place))
        for number in range(calls):
            _one_call(number, words, switch, desk, ami, figures)
            print(f"call {number + 1} of {calls}", file=sys.stderr)
    print(f"{calls} calls, {engine} on this machine's processors")
    figures.print()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("calls", type=int, nargs="?", default=10)
    parser.add_argument("--engine", choices=("whisper", "vosk"), default="vosk")
    asked = parser.parse_args()
    main(asked.calls, asked.engine)
