"""The operator's browser reloads or dies in mid-call: the citizen is never hung up on."""

from __future__ import annotations

import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from api.demo.children import Child
from tests.system.browser import Desk, wait_for
from tests.system.stage import CITIZEN, Stage, signed_in
from tests.system.switch import Ami, StartSwitch
from tests.system.test_story import KITCHEN_SMOKE, QUESTION

pytestmark = [pytest.mark.asterisk, pytest.mark.browser, pytest.mark.speech]

TITLE = "老马家铜锅涮肉油烟扰民"


@pytest.fixture
def stage(start_switch: StartSwitch, tmp_path: Path) -> Iterator[Stage]:
    """The operator's seat is ready."""
    with signed_in(start_switch(home=tmp_path), tmp_path, words=QUESTION) as stage:
        stage.desk.start_shift()
        yield stage


@contextmanager
def talking(stage: Stage) -> Iterator[tuple[Child, str]]:
    """A citizen whom the operator has answered, and the call's id."""
    desk = stage.desk
    with stage.switch.citizen("first", number=CITIZEN, patience_s=20, stay_s=90, speech=KITCHEN_SMOKE) as citizen:
        expect(desk["ring-dialog"]).to_be_visible(timeout=15_000)
        desk["answer"].click()
        desk.expect_status("talking")
        heard(desk)
        yield citizen, desk.page.evaluate("window.__hotline.state().callId")


def heard(desk: Desk) -> int:
    """Packets of the citizen that have arrived, as soon as there are some."""
    counted = wait_for(lambda: (desk.counters() or {}).get("packetsReceived"), "the citizen's voice", 10)
    assert isinstance(counted, int)
    return counted


def reload(desk: Desk) -> float:
    """Press F5; the seconds until the citizen's voice is back."""
    began = time.time()
    desk.page.reload()
    expect(desk["call-bar"]).to_be_visible(timeout=15_000)
    media = wait_for(lambda: [mark["at"] for mark in desk.marks() if mark["name"] == "media"], "media", 20)
    return float(media[0]) / 1000 - began


def test_after_a_reload_in_mid_call_the_talk_goes_on(stage: Stage) -> None:
    desk = stage.desk
    with stage.switch.ami() as ami, talking(stage) as (citizen, call_id):
        expect(desk.turns("caller", final=True).first).to_be_visible(timeout=30_000)
        said = desk.turns("caller", final=True).first.locator("p").inner_text()
        desk.field("title").fill(TITLE)
        expect(desk["save-state"]).to_have_attribute("data-state", "saved", timeout=10_000)

        away_s = reload(desk)
        print(f"reload to media: {away_s:.2f} s")
        assert away_s < 5
        desk.expect_status("talking")
        expect(desk["call-bar"]).to_be_visible()
        assert desk.page.evaluate("window.__hotline.state().callId") == call_id
        expect(desk.field("title")).to_have_value(TITLE)
        expect(desk["transcript"]).to_contain_text(said)
        desk.screenshot("recovered")
        before = heard(desk)
        wait_for(lambda: heard(desk) > before + 100, "more of the citizen's voice")
        assert desk.counters()["packetsSent"] > 50, "the operator's microphone is open again"
        assert citizen.running, "the citizen's phone ends with the first BYE"
        _the_operator_is_taken_down_again(desk)

        desk["hang-up"].click()
        expect(desk["wrap-up"]).to_be_visible()
        assert citizen.wait(10) == 0
        ami.listen(1)
        pauses = [frame for frame in ami.events if frame.get("Event") == "QueueMemberPause"]
        reasons = {frame["PausedReason"] for frame in pauses if frame["Paused"] == "1"}  # a frame for each queue
        assert reasons == {"wrapping_up"}
    expect(desk.field("title")).to_have_value(TITLE)
    _one_call_with_both_parts(stage, call_id)


def _the_operator_is_taken_down_again(desk: Desk) -> None:
    """The new leg is tapped: words of the operator come that were not there before."""
    count = desk.turns("agent").count()
    wait_for(lambda: desk.turns("agent").count() > count, "words of the operator", 30)


def _one_call_with_both_parts(stage: Stage, call_id: str) -> None:
    with stage.api(stage.supervisor) as client:
        call = wait_for(lambda: _ended(client.get("/calls").raise_for_status().json()), "the call's record")
        sound = client.get(f"/calls/{call_id}/recording", params={"leg": "both"}).raise_for_status()
    assert (call["id"], call["outcome"], call["ended_by"], call["answered_by"]) == (
        call_id,
        "answered",
        "operator",
        "8001",
    )
    kept = stage.hotline.settings.home / "downloaded.wav"
    kept.write_bytes(sound.content)
    with wave.open(str(kept)) as file:
        assert file.getnframes() / file.getframerate() == pytest.approx(call["talk_s"], abs=3)


def _ended(page: dict[str, Any]) -> dict[str, Any] | None:
    [call] = page["items"]
    return call if call["ended_at"] else None


def test_a_citizen_whose_operators_browser_is_gone_is_first_in_line_again(stage: Stage) -> None:
    with stage.switch.ami() as ami, talking(stage) as (citizen, call_id):
        with stage.switch.citizen("second", number="16440926673", patience_s=60):
            second = _joined(ami, 2)["Uniqueid"]
            assert second != call_id
            began = time.monotonic()
            stage.desk.page.context.close()

            again = _joined(ami, 3, timeout_s=30)
            print(f"closed to queued: {time.monotonic() - began:.1f} s")
            assert (again["Uniqueid"], again["Position"], again["Count"]) == (call_id, "1", "2")
            assert citizen.running
            _the_dead_seat_is_not_rung(ami)
        with stage.api(stage.supervisor) as client:
            call = client.get(f"/calls/{call_id}").raise_for_status().json()
            assert (call["answered_by"], call["ended_at"]) == ("8001", None)


def _joined(ami: Ami, number: int, timeout_s: float = 15) -> dict[str, str]:
    """The so many-th joining of the queue."""

    def joins() -> list[dict[str, str]]:
        ami.listen(0.1)
        return [frame for frame in ami.events if frame.get("Event") == "QueueCallerJoin"]

    wait_for(lambda: len(joins()) >= number, f"{number} joinings", timeout_s)
    return joins()[number - 1]


def _the_dead_seat_is_not_rung(ami: Ami) -> None:
    ami.listen(3)
    assert sum(frame.get("Event") == "AgentCalled" for frame in ami.events) == 1
