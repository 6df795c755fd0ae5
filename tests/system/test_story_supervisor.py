"""A supervisor before the wall, an operator in a call: listened to, whispered to, taken over, paused, signed out."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, expect

from api.auth.permissions import Role
from tests.console.conftest import UNPLUG
from tests.system.browser import Desk, wait_for
from tests.system.stage import House, open_house
from tests.system.switch import RunningSwitch

pytestmark = [pytest.mark.asterisk, pytest.mark.browser]

OPERATOR, SUPERVISOR = "8001", "8009"
NUMBER = "15433061709"


@pytest.fixture(scope="module")
def house(switch: RunningSwitch) -> Iterator[House]:
    people = {OPERATOR: Role.OPERATOR, SUPERVISOR: Role.SUPERVISOR}
    with open_house(switch, people, wrap_up_s=600) as house:
        yield house


@pytest.fixture(scope="module")
def operator(house: House) -> Desk:
    desk = house.desk(OPERATOR, scripts=(UNPLUG,))
    desk.start_shift()
    return desk


@pytest.fixture(scope="module")
def wall(house: House, operator: Desk) -> Desk:
    """The supervisor's window, with a phone of its own; whoever stands before the wall is not rung."""
    desk = house.desk(SUPERVISOR)
    desk["desk-operator"].click()
    desk.start_shift()
    desk["go-busy"].click()
    desk.expect_status("paused")
    desk["desk-supervisor"].click()
    _look_at(desk, OPERATOR)
    return desk


def test_a_supervisor_listens_whispers_barges_in_and_leaves_again(house: House, operator: Desk, wall: Desk) -> None:
    with house.switch.citizen("anna", number=NUMBER, patience_s=20, stay_s=120) as citizen:
        call_id = _talk(operator)
        shown = wall["wall-call"]
        expect(shown).to_have_attribute("data-call", call_id)
        expect(shown).to_contain_text("154****1709")
        selected = wall["selected-agent"]
        wall["spy-listen"].click()
        expect(selected).to_have_attribute("data-mode", "listen", timeout=15_000)
        _hears(wall)
        wall.expect_status("talking")
        expect(wall["supervisor-desk"]).to_be_visible()
        expect(wall["ring-dialog"]).to_be_hidden()
        expect(operator["supervised"]).to_have_count(0)
        wall["spy-whisper"].click()
        expect(selected).to_have_attribute("data-mode", "whisper")
        wall["spy-barge"].click()
        wall["ask-confirm"].click()
        expect(selected).to_have_attribute("data-mode", "barge")
        _hears(wall)
        wall.screenshot("supervisor-barge")
        wall["spy-end"].click()
        expect(selected).to_have_attribute("data-mode", "")
        wall.expect_status("paused")
        operator.expect_status("talking")
        assert citizen.running, "the citizen noticed nothing"
        operator.page.keyboard.press("F4")
        operator.expect_status("wrapping_up")
    _ready_again(operator)
    assert wall.faults == operator.faults == []


def test_a_call_is_taken_over_by_the_supervisor_and_talked_on(house: House, operator: Desk, wall: Desk) -> None:
    with house.switch.citizen("berta", number=NUMBER, patience_s=20, stay_s=120) as citizen:
        call_id = _talk(operator)
        expect(wall["wall-call"]).to_have_attribute("data-call", call_id)
        wall["take-over-call"].click()
        wall["ask-confirm"].click()
        expect(wall["call-bar"]).to_be_visible(timeout=20_000)
        expect(wall["call-number"]).to_have_text("154****1709")
        operator.expect_status("wrapping_up")
        _hears(wall)
        assert citizen.running, "the citizen is kept"
        wall.screenshot("supervisor-took-over")
        wall.page.keyboard.press("F4")
        wall.expect_status("wrapping_up")
        assert citizen.wait(10) == 0
    _ready_again(operator)
    _before_the_wall_again(wall)


def test_an_operator_is_paused_and_signed_out_by_force_and_is_told_so(operator: Desk, wall: Desk) -> None:
    _steer(wall, "pause", "交接班")
    operator.expect_status("paused")
    expect(operator["shift-now"]).to_contain_text("班长")
    expect(_cell(wall)).to_contain_text("班长示忙")
    operator["go-ready"].click()
    expect(operator["status"]).to_have_attribute("data-reasons", "supervisor")
    operator.expect_status("paused")
    _steer(wall, "lift", "已核实")
    operator.expect_status("ready")
    _steer(wall, "sign-out", "交接班")
    operator.expect_status("signed_out")
    expect(operator["shift-sign-in"]).to_be_visible()
    expect(operator["link-phone"]).to_have_attribute("data-state", "off")
    expect(_cell(wall)).to_have_count(0)
    operator.start_shift()
    expect(_cell(wall)).to_have_attribute("data-status", "ready")


def test_without_a_microphone_or_a_window_nobody_is_left_ready(house: House, operator: Desk, wall: Desk) -> None:
    operator.page.evaluate("window.dispatchEvent(new Event('test:unplug'))")
    unplugged_s = _until(_cell(wall), "paused")
    expect(operator["strip-microphone"]).to_be_visible()
    operator["strip-microphone-action"].click()
    expect(_cell(wall)).to_have_attribute("data-status", "ready")
    operator.page.goto("about:blank")
    closed_s = _until(_cell(wall), "paused")
    expect(_cell(wall)).to_contain_text("话机异常")
    operator.page.goto(house.hotline.url)
    expect(_cell(wall)).to_have_attribute("data-status", "ready", timeout=15_000)
    print(f"microphone {unplugged_s:.1f} s, window {closed_s:.1f} s")
    assert max(unplugged_s, closed_s) < 15


def test_a_supervisor_takes_a_call_and_is_before_the_wall_again(house: House, operator: Desk, wall: Desk) -> None:
    operator["go-busy"].click()
    _ready_again(wall)
    expect(wall["supervisor-desk"]).to_be_visible()
    with house.switch.citizen("carla", number=NUMBER, patience_s=20, stay_s=60) as citizen:
        call_id = _talk(wall)
        expect(wall["desk"]).to_have_attribute("data-mode", "call")
        expect(wall["call-number"]).to_have_text("154****1709")
        wall["desk-supervisor"].click()
        expect(wall["wall-call"]).to_have_attribute("data-call", call_id)
        wall.page.keyboard.press("F4")
        assert citizen.wait(10) == 0
        wall.expect_status("wrapping_up")
    _before_the_wall_again(wall)
    with house.api(SUPERVISOR) as client:
        assert client.get(f"/calls/{call_id}").raise_for_status().json()["answered_by"] == SUPERVISOR
    operator["go-ready"].click()
    operator.expect_status("ready")


def test_the_second_window_of_a_seat_takes_over_with_its_phone_and_in_a_call_too(
    house: House, operator: Desk, wall: Desk
) -> None:
    second = house.desk(OPERATOR, profile="second")
    expect(operator["superseded"]).to_be_visible()
    expect(second["link-phone"]).to_have_attribute("data-state", "ok", timeout=20_000)
    second.expect_status("ready")
    with house.switch.citizen("dora", number=NUMBER, patience_s=20, stay_s=60, loops=-1) as citizen:
        call_id = _talk(second)
        operator["take-over"].click()
        expect(second["superseded"]).to_be_visible()
        expect(operator["call-bar"]).to_be_visible(timeout=20_000)
        wait_for(lambda: (operator.counters() or {"packetsReceived": 0})["packetsReceived"] > 50, "sound", 20)
        wait_for(lambda: second.page.evaluate("window.__hotline.state().phone") == "off", "the other phone is gone")
        assert operator.page.evaluate("window.__hotline.state().callId") == call_id
        assert citizen.running, "the citizen is kept"
        operator.page.keyboard.press("F4")
        assert citizen.wait(10) == 0
    operator.expect_status("wrapping_up")
    second.page.close()
    _ready_again(operator)
    expect(_cell(wall)).to_have_attribute("data-status", "ready")


def _talk(operator: Desk) -> str:
    expect(operator["answer"]).to_be_enabled(timeout=15_000)
    operator["answer"].click()
    operator.expect_status("talking")
    call_id: str = operator.page.evaluate("window.__hotline.state().callId")
    return call_id


def _hears(desk: Desk) -> None:
    """Sound comes to this phone, and more of it."""
    before = wait_for(lambda: desk.counters(), "a call on the phone")["totalAudioEnergy"]
    wait_for(lambda: (desk.counters() or {"totalAudioEnergy": 0})["totalAudioEnergy"] > before, "sound")


def _look_at(wall: Desk, agent: str) -> None:
    wall.page.locator(f'[data-testid="agent-cell"][data-agent="{agent}"]').click()
    expect(wall["selected-agent"]).to_have_attribute("data-agent", agent)


def _cell(wall: Desk, agent: str = OPERATOR) -> Locator:
    return wall.page.locator(f'[data-testid="agent-cell"][data-agent="{agent}"]')


def _steer(wall: Desk, what: str, reason: str) -> None:
    wall[f"steer-{what}"].click()
    wall["ask-reason"].fill(reason)
    wall["ask-confirm"].click()


def _ready_again(desk: Desk) -> None:
    desk["status"].click()
    desk["status-ready"].click()
    desk.expect_status("ready")


def _before_the_wall_again(wall: Desk) -> None:
    _ready_again(wall)
    wall["desk-operator"].click()
    wall["go-busy"].click()
    wall.expect_status("paused")
    wall["desk-supervisor"].click()
    _look_at(wall, OPERATOR)


def _until(cell: Locator, status: str, within_s: float = 20) -> float:
    began = time.monotonic()
    expect(cell).to_have_attribute("data-status", status, timeout=within_s * 1000)
    return time.monotonic() - began
