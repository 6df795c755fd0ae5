"""What is on record: calls with their story, the shift log, files for a spreadsheet, calls without a ticket."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.console.conftest import StandIn, complaints, spills

pytestmark = pytest.mark.browser


@pytest.fixture
def calls(desk: Page) -> Page:
    desk.get_by_test_id("tab-calls").click()
    expect(desk.get_by_test_id("call-row")).to_have_count(30)
    return desk


def saved(page: Page, button: str) -> tuple[str, str]:
    """Name and text of the file that this button makes."""
    with page.expect_download() as download:
        page.get_by_test_id(button).click()
    return download.value.suggested_filename, Path(download.value.path()).read_text("utf-8-sig")


def test_calls_are_told_apart_by_direction_and_sorted_by_their_length(calls: Page) -> None:
    calls.get_by_test_id("direction-outbound").click()
    expect(calls.get_by_test_id("call-row")).to_have_count(6)
    expect(calls.get_by_test_id("call-row").first).to_contain_text("呼出")
    with calls.expect_request("**/calls?*sort=-talk_s*direction=outbound*"):
        calls.locator("#work-list").get_by_role("button", name="通话", exact=False).first.click()


def test_a_call_is_told_from_its_first_ring_to_its_end(calls: Page) -> None:
    calls.get_by_test_id("call-open").nth(2).click()
    detail = calls.get_by_test_id("call-detail")
    expect(calls.get_by_test_id("timeline-line")).to_have_count(14)
    expect(detail).to_contain_text("座席 8002 未接听：无人应答")
    expect(detail).to_contain_text("保持 00:25")
    expect(detail).to_contain_text("110：座席退出，已交接")
    expect(detail).to_contain_text("1 次 00:25")
    calls.wait_for_timeout(400)
    assert complaints(calls) == []
    calls.keyboard.press("Escape")
    expect(detail).to_be_hidden()


def test_a_recording_is_kept_for_a_reason_and_who_comes_second_sees_the_hold_of_the_first(calls: Page) -> None:
    def may_keep(route: Route) -> None:
        answer = route.fetch()
        told = answer.json()
        told["permissions"].append("recording.keep")
        route.fulfill(response=answer, json=told)

    calls.get_by_test_id("call-open").first.click()
    expect(calls.get_by_test_id("call-detail")).to_be_visible()
    expect(calls.get_by_test_id("keeping")).to_have_count(0)  # not for operators
    calls.route("**/api/v1/session", may_keep)
    calls.reload()

    held = calls.get_by_test_id("hold")

    def opened() -> None:
        calls.get_by_test_id("tab-calls").click()
        calls.get_by_test_id("call-row").get_by_test_id("call-open").first.click()

    def kept(reason: str) -> Locator:
        opened()
        calls.get_by_test_id("hold-keep").click()
        expect(calls.get_by_test_id("keep-reason")).to_be_focused()
        calls.get_by_test_id("keep-reason").fill(reason)
        calls.keyboard.press("Enter")
        return held

    expect(kept("法院调取")).to_contain_text("法院调取")
    calls.wait_for_timeout(300)
    assert complaints(calls) == []
    calls.reload()
    opened()
    expect(held).to_contain_text("法院调取")  # also for who comes later
    calls.route("**/recordings?held=true*", lambda route: route.abort())
    calls.reload()
    expect(kept("另一事由")).to_contain_text("法院调取")  # and where it could not be asked
    calls.get_by_test_id("hold-lift").click()
    calls.get_by_test_id("keep-reason").fill("已办结")
    calls.keyboard.press("Enter")
    expect(calls.get_by_test_id("keeping")).to_contain_text("录音保全已解除")


def test_a_list_becomes_a_file_with_all_its_pages_and_no_whole_number(calls: Page) -> None:
    name, text = saved(calls, "export")
    assert name == "通话记录.csv"
    lines = text.strip().splitlines()
    assert len(lines) == 1 + 43
    assert lines[0].startswith("来电时间,方向,号码")
    assert "****" in lines[1]


def test_no_ticket_is_needed_for_a_wrong_number_and_that_can_be_taken_back(call: Page, server: StandIn) -> None:
    server.tell("end")
    expect(call.get_by_test_id("wrap-up")).to_be_visible()
    closings: list[str] = []
    call.on("request", lambda request: closings.append(request.url) if request.url.endswith("/close") else None)
    call.get_by_test_id("no-ticket").click()
    call.get_by_test_id("no-ticket-nobody_spoke").click()  # an address was typed: that is not put away unasked
    call.get_by_test_id("ask-cancel").click()
    assert closings == []
    call.get_by_test_id("no-ticket").click()
    call.get_by_test_id("no-ticket-wrong_number").click()
    with call.expect_request("**/drafts/*/close") as request:
        call.get_by_test_id("ask-confirm").click()
    assert request.value.post_data_json["reason"] == "wrong_number"
    assert len(closings) == 1
    expect(call.get_by_test_id("closed-without")).to_be_visible()
    expect(call.get_by_test_id("field-title")).to_be_disabled()
    call.get_by_test_id("reopen").click()
    expect(call.get_by_test_id("closed-without")).to_have_count(0)
    expect(call.get_by_test_id("field-title")).to_be_enabled()
    call.get_by_test_id("no-ticket").click()
    call.get_by_test_id("no-ticket-nobody_spoke").click()
    call.get_by_test_id("ask-confirm").click()
    expect(call.get_by_test_id("closed-without")).to_be_visible()
    call.keyboard.press("Control+Enter")
    expect(call.get_by_test_id("status")).to_have_attribute("data-status", "ready")


def test_an_operator_reads_the_own_log_of_a_day_with_its_sums(desk: Page, server: StandIn) -> None:
    desk.get_by_test_id("tab-log").click()
    expect(desk.get_by_test_id("log-row")).to_have_count(40)
    expect(desk.get_by_test_id("log-agent")).to_have_count(0)
    expect(desk.get_by_test_id("log-sums")).to_contain_text("空闲")
    desk.wait_for_timeout(300)
    assert complaints(desk) == []
    assert not spills(desk)
    desk.get_by_test_id("log-call").first.click()
    expect(desk.get_by_test_id("call-detail").or_(desk.get_by_text("通话记录尚未写入"))).to_be_visible()
    desk.keyboard.press("Escape")
    desk.get_by_test_id("log-day").fill("2000-01-01")
    desk.get_by_test_id("log-apply").click()
    expect(desk.get_by_test_id("shift-log")).to_contain_text("这一天没有记录")
    server.tell("broken")
    desk.get_by_test_id("log-apply").click()
    expect(desk.get_by_test_id("shift-log").get_by_role("alert")).to_contain_text("未能载入", timeout=15_000)


def test_a_supervisor_reads_anybodys_log_and_takes_it_away_as_a_file(wall: Page) -> None:
    wall.get_by_test_id("desk-log").click()
    expect(wall.get_by_test_id("log-row")).to_have_count(50)
    expect(wall.get_by_test_id("log-sums")).to_have_count(0)
    wall.get_by_test_id("log-agent").fill("80 02;")
    expect(wall.get_by_test_id("log-apply")).to_be_disabled()
    wall.get_by_test_id("log-agent").fill("8002")
    with wall.expect_request("**/shifts/log?*agent_id=8002*"):
        wall.keyboard.press("Enter")
    expect(wall.get_by_test_id("log-row")).to_have_count(40)
    expect(wall.get_by_test_id("log-sums")).to_be_visible()
    name, text = saved(wall, "export")
    assert name.startswith("班次日志_8002_")
    assert len(text.strip().splitlines()) == 41
    wall.wait_for_timeout(300)
    assert complaints(wall) == []
    assert not spills(wall)
