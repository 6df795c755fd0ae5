"""What a supervisor decides for everybody; the day as a picture; how well calls are written down."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.console.conftest import StandIn, complaints, look_at, spills

pytestmark = pytest.mark.browser


def test_a_surge_is_proposed_announced_for_a_reason_and_ended(wall: Page, server: StandIn) -> None:
    surge = wall.get_by_test_id("surge")
    expect(surge).to_have_attribute("data-state", "quiet")
    server.tell("surge-proposed")
    expect(surge).to_have_attribute("data-state", "proposed")
    expect(surge).to_contain_text("43/40")
    wall.get_by_test_id("surge-on").click()
    expect(wall.get_by_test_id("surge-confirm")).to_be_disabled()
    wall.wait_for_timeout(300)
    assert complaints(wall) == []
    wall.get_by_test_id("surge-reason").fill("暴雨，报修集中")
    wall.get_by_test_id("surge-minutes-60").check()
    with wall.expect_request("**/surge") as request:
        wall.get_by_test_id("surge-confirm").click()
    assert request.value.post_data_json == {"on": True, "reason": "暴雨，报修集中", "minutes": 60}
    expect(surge).to_have_attribute("data-state", "announced")
    expect(surge).to_contain_text("人工 · 暴雨，报修集中")
    assert complaints(wall) == []
    wall.get_by_test_id("surge-off").click()
    wall.get_by_test_id("surge-reason").fill("来电回落")
    with wall.expect_request("**/surge") as request:
        wall.get_by_test_id("surge-confirm").click()
    assert request.value.post_data_json == {"on": False, "reason": "来电回落"}
    expect(surge).to_have_attribute("data-state", "quiet")


def test_a_number_is_put_in_front_and_taken_off_after_a_question(wall: Page) -> None:
    wall.get_by_test_id("priority-open").click()
    expect(wall.get_by_test_id("priority-row")).to_have_count(10)
    wall.get_by_test_id("priority-number").fill("138-abc")
    expect(wall.get_by_test_id("priority-add")).to_be_disabled()
    wall.get_by_test_id("priority-number").fill("138 0000 0000")
    wall.get_by_test_id("priority-note").fill("独居老人")
    wall.wait_for_timeout(300)
    assert complaints(wall) == []
    with wall.expect_request("**/priority-numbers") as request:
        wall.get_by_test_id("priority-add").click()
    assert request.value.post_data_json == {"number": "13800000000", "note": "独居老人", "expires_on": None}
    first = wall.get_by_test_id("priority-row").first
    expect(first).to_contain_text("138****0000")
    first.get_by_test_id("priority-remove").click()
    with wall.expect_request(lambda request: request.method == "DELETE" and "/priority-numbers/" in request.url):
        wall.get_by_test_id("ask-confirm").click()
    expect(wall.get_by_test_id("priority-row").first).not_to_contain_text("138****0000")


def test_who_stands_in_front_is_first_in_the_line_with_the_reason(wall: Page) -> None:
    expect(wall.get_by_test_id("waiting-caller").first).to_contain_text("断线重拨")


def test_the_day_is_a_picture_a_table_and_a_file(wall: Page) -> None:
    wall.get_by_test_id("lower-trend").click()
    expect(wall.get_by_test_id("trend-chart")).to_be_visible()
    bars = wall.get_by_test_id("trend-bar").count()
    assert bars >= 1
    expect(wall.get_by_test_id("trend-sum")).to_contain_text("来电")
    wall.wait_for_timeout(300)
    assert complaints(wall) == []
    with wall.expect_download() as download:
        wall.get_by_test_id("trend-export").click()
    text = Path(download.value.path()).read_text("utf-8-sig")
    assert text.startswith("时段,来电,接通,呼损,最多排队")
    assert len(text.strip().splitlines()) == 1 + bars
    wall.get_by_test_id("trend-table").click()
    expect(wall.get_by_test_id("trend-row")).to_have_count(bars)
    assert complaints(wall) == []
    assert not spills(wall)


def test_a_large_screen_shows_ledger_and_trend_at_once(wall: Page) -> None:
    wall.set_viewport_size({"width": 1920, "height": 1080})
    expect(wall.get_by_test_id("trend-chart")).to_be_visible()
    expect(wall.get_by_test_id("handoffs")).to_be_visible()
    expect(wall.get_by_test_id("lower-trend")).to_have_count(0)
    assert not spills(wall)


def test_how_well_a_call_is_written_down_is_said_with_the_reason(wall: Page, server: StandIn) -> None:
    look_at(wall, "8001")
    selected = wall.get_by_test_id("selected-agent")
    expect(selected.get_by_test_id("speech-state")).to_have_attribute("data-state", "ok")
    server.tell("half-text")
    expect(selected.get_by_test_id("speech-state")).to_contain_text("识别引擎繁忙，文字延后")
    expect(selected.get_by_test_id("incomplete")).to_contain_text("70%")
    server.tell("speech-down")
    expect(selected.get_by_test_id("speech-state")).to_have_attribute("data-state", "down")


def test_what_became_of_the_danger_cards_is_counted(wall: Page) -> None:
    wall.get_by_test_id("lower-cues").click()
    fates = wall.get_by_test_id("cue-fates")
    expect(fates.get_by_test_id("fates-shown")).to_have_text("6")
    expect(fates.get_by_test_id("fates-ignored")).to_have_text("1")
    expect(fates.get_by_test_id("fates-why")).to_contain_text("说的是过去 1、转写有误 1")
    assert complaints(wall) == []
    assert not spills(wall)


def test_anger_is_a_quiet_line_that_is_put_away_and_never_a_card(call: Page, server: StandIn) -> None:
    server.tell("soft-alert")
    line = call.get_by_test_id("soft-alert")
    expect(line).to_contain_text("留意情绪")
    expect(call.get_by_test_id("cue")).to_have_count(0)
    assert complaints(call) == []
    with call.expect_request("**/cues/q9") as request:
        call.get_by_test_id("soft-dismiss").click()
    assert request.value.post_data_json["action"] == "dismiss"
    expect(line).to_have_count(0)
    server.tell("cue-notices")
    expect(call.get_by_test_id("cue-notices")).to_contain_text("燃气企业、物业")


def test_text_and_recording_of_ones_own_call_are_watched(call: Page, server: StandIn) -> None:
    expect(call.get_by_test_id("speech-state")).to_have_attribute("data-state", "ok")
    server.tell("half-text")
    expect(call.get_by_test_id("incomplete")).to_contain_text("70%")
    server.tell("soft-recorder")
    expect(call.get_by_test_id("recorder-state")).to_contain_text("录音不完整")
    server.tell("from-front")
    expect(call.get_by_test_id("call-priority")).to_contain_text("重复来电")
    assert complaints(call) == []
