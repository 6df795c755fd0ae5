"""A citizen who was missed is called back: by the operator's list and F2, or comes through by calling again."""

from __future__ import annotations

import wave
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from api.auth.permissions import Role
from tests.fakes.spoken import spoken
from tests.system.browser import Desk, wait_for
from tests.system.stage import House, open_house
from tests.system.switch import RunningSwitch

pytestmark = [pytest.mark.asterisk, pytest.mark.browser, pytest.mark.speech]

KITCHEN_SMOKE = Path(str(resources.files("api.demo") / "speech" / "kitchen-smoke.wav"))
SEAT = "8001"


@pytest.fixture(scope="module")
def house(switch: RunningSwitch) -> Iterator[House]:
    people = {SEAT: Role.OPERATOR, "9001": Role.SUPERVISOR}
    with open_house(switch, people, words=spoken("which-compound")) as house:
        yield house


@pytest.fixture(scope="module")
def operator(house: House) -> Desk:
    """In shift, and not to be rung."""
    desk = house.desk(SEAT)
    desk.start_shift()
    desk["go-busy"].click()
    desk.expect_status("paused")
    desk["tab-callbacks"].click()
    return desk


def test_a_citizen_who_gave_up_is_called_by_f2_and_the_result_closes_the_item(house: House, operator: Desk) -> None:
    for n in range(2):
        _gives_up(house, f"gives-up-{n}", "15433061709")
    row = operator["callback-row"]
    expect(row).to_have_count(1, timeout=10_000)
    expect(row).to_contain_text("154****1709")
    expect(row).to_contain_text("2")
    operator["callback-claim"].click()
    expect(operator["callback-detail"]).to_be_visible()
    expect(row).to_have_attribute("data-owner", SEAT)

    with house.switch.called("called", speech=KITCHEN_SMOKE):
        operator.page.keyboard.press("F2")
        operator.expect_status("talking")
        expect(operator["call-bar"]).to_be_visible()
        expect(operator["ring-dialog"]).to_be_hidden()
        expect(operator["call-number"]).to_have_text("154****1709")
        expect(operator["call-bar"]).to_contain_text("外呼")
        expect(operator["callback-strip"]).to_be_visible()
        call_id = operator.page.evaluate("window.__hotline.state().callId")
        expect(operator.turns("caller", final=True).first).to_be_visible(timeout=30_000)
        expect(operator.turns("agent", final=True).first).to_be_visible(timeout=30_000)
        heard = operator.counters()
        assert heard["packetsReceived"] > 100, "the operator hears the citizen"
        assert heard["totalAudioEnergy"] > 0
        operator.screenshot("callback-talking")
        operator.page.keyboard.press("F4")
        expect(operator["wrap-up"]).to_be_visible()
    operator["callback-result-reached"].check()
    operator["callback-note"].locator("visible=true").fill("已答复")
    operator["callback-submit"].click()
    expect(operator["callback-strip"]).to_have_count(0)
    [item] = _items(house, "done")
    assert (item["outcome"], item["calls"], item["attempts"][0]["call_id"]) == ("reached", 2, call_id)
    _call_recording_and_transcript_hang_together(house, call_id)
    _leaves_the_wrap_up(operator)
    expect(row).to_have_count(0)


def test_who_calls_again_and_is_answered_is_not_called_back(house: House, operator: Desk) -> None:
    number = "15433061710"
    _gives_up(house, "patience-ends", number)
    expect(operator["callback-row"]).to_have_count(1, timeout=10_000)
    operator["go-ready"].click()
    with house.switch.citizen("calls-again", number=number, stay_s=3, patience_s=20):
        expect(operator["answer"]).to_be_enabled(timeout=15_000)
        operator.page.keyboard.press("F2")
        operator.expect_status("talking")
        expect(operator["wrap-up"]).to_be_visible(timeout=15_000)
    closed = wait_for(
        lambda: [item for item in _items(house, "done") if item["outcome"] == "answered_later"], "the item closes"
    )
    assert [item["number"] for item in closed] == ["154****1710"]
    _leaves_the_wrap_up(operator)
    expect(operator["callback-row"]).to_have_count(0)
    expect(operator["callbacks-count"]).to_have_count(0)


def test_who_presses_1_while_waiting_is_on_the_list_and_the_claim_can_be_given_back(
    house: House, operator: Desk
) -> None:
    number = "15433061711"
    _gives_up(house, "presses-1", number, stay_s=15, press="1", press_after_s=2)
    row = operator["callback-row"]
    expect(row).to_have_count(1, timeout=10_000)
    expect(row).to_contain_text("按键留号")
    operator["callback-claim"].click()
    expect(row).to_have_attribute("data-owner", SEAT)
    operator["callback-release"].click()
    expect(row).to_have_attribute("data-owner", "")
    assert operator.faults == []


def _leaves_the_wrap_up(operator: Desk) -> None:
    """Without a ticket: by the status menu, and not to be rung from then on."""
    operator["status"].click()
    operator["status-ready"].click()
    operator["go-busy"].click()
    operator.expect_status("paused")
    operator["tab-callbacks"].click()


def _gives_up(house: House, name: str, number: str, **more: Any) -> None:
    citizen = house.switch.citizen(name, number=number, **({"stay_s": 2} | more))
    citizen.start()
    citizen.wait(20)


def _items(house: House, status: str) -> list[dict[str, Any]]:
    with house.api(SEAT) as client:
        items: list[dict[str, Any]] = client.get(f"/callbacks?status={status}").raise_for_status().json()["items"]
        return items


def _call_recording_and_transcript_hang_together(house: House, call_id: str) -> None:
    with house.api("9001") as client:
        call = wait_for(
            lambda: (found := client.get(f"/calls/{call_id}").raise_for_status().json())["ended_at"] and found,
            "the end of the call",
        )
        assert (call["outcome"], call["caller_number"]) == ("answered", "154****1709")
        turns = client.get(f"/calls/{call_id}/transcript").raise_for_status().json()["turns"]
        assert {turn["who"] for turn in turns} == {"caller", "agent"}
        sound = client.get(f"/calls/{call_id}/recording", params={"leg": "both"}).raise_for_status()
    kept = house.hotline.settings.home / "downloaded.wav"
    kept.write_bytes(sound.content)
    with wave.open(str(kept)) as file:
        assert file.getnchannels() == 2
        assert abs(file.getnframes() / file.getframerate() - call["talk_s"]) < 4
