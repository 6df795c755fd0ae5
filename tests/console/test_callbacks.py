"""Missed callers are taken by one person, called once, and leave with a result."""

from __future__ import annotations

import struct

import pytest
from playwright.sync_api import Page, Route, expect

from tests.console.conftest import StandIn, complaints, spills

pytestmark = pytest.mark.browser


@pytest.fixture
def missed(desk: Page) -> Page:
    desk.get_by_test_id("tab-callbacks").click()
    expect(desk.get_by_test_id("callback-row")).to_have_count(20)
    return desk


def test_a_missed_caller_is_claimed_called_by_f2_and_leaves_with_a_result(missed: Page) -> None:
    missed.get_by_test_id("callback-claim").first.click()
    expect(missed.get_by_test_id("callback-detail")).to_contain_text("130****2000")
    expect(missed.locator('[data-callback="cb-0"]')).to_have_attribute("data-owner", "8001")
    with missed.expect_request("**/callbacks/cb-0/dial"):
        missed.keyboard.press("F2")
    expect(missed.get_by_test_id("desk")).to_have_attribute("data-mode", "call")
    expect(missed.get_by_test_id("call-number")).to_have_text("130****2000")
    expect(missed.get_by_test_id("callback-strip")).to_be_visible()
    expect(missed.get_by_test_id("callback-submit")).to_be_disabled()
    missed.get_by_test_id("callback-result-reached").check()
    missed.get_by_test_id("callback-note").fill("已答复")
    with missed.expect_request("**/callbacks/cb-0/outcome") as request:
        missed.get_by_test_id("callback-submit").click()
    assert request.value.post_data_json == {"result": "reached", "note": "已答复"}
    expect(missed.get_by_test_id("callback-strip")).to_have_count(0)


def test_what_somebody_else_has_in_hand_cannot_be_taken_and_says_who_has_it(missed: Page) -> None:
    row = missed.locator('[data-callback="cb-1"]')
    expect(row).to_contain_text("8002 回拨中")
    expect(row.get_by_test_id("callback-claim")).to_have_count(0)
    row.get_by_test_id("callback-view").click()
    expect(missed.get_by_test_id("callback-detail")).to_be_visible()
    expect(missed.get_by_test_id("callback-dial")).to_have_count(0)


def quiet_sound(seconds: float) -> bytes:
    data = bytes(int(16_000 * seconds))
    head = struct.pack(
        "<4sI8sIHHIIHH4sI", b"RIFF", 36 + len(data), b"WAVEfmt ", 16, 1, 1, 8000, 16_000, 2, 16, b"data", len(data)
    )
    return head + data


def test_what_a_caller_left_is_heard_at_the_place_until_a_call_comes(missed: Page, server: StandIn) -> None:
    asked: list[str] = []

    def sound(route: Route) -> None:
        asked.append(route.request.url.split("/api/v1")[1])
        route.fulfill(status=200, content_type="audio/wav", body=quiet_sound(60))

    missed.route("**/callbacks/*/message*", sound)
    missed.locator('[data-callback="cb-3"]').get_by_test_id("callback-claim").click()
    player = missed.get_by_test_id("callback-message").locator("audio")
    expect(player).to_be_visible()
    assert asked == []  # each hearing is audited: nothing is fetched unasked
    player.evaluate("player => player.play()")
    assert asked[0] == "/callbacks/cb-3/message?call_id=1795297380.3"
    missed.wait_for_function("document.querySelector('audio').currentTime > 0")
    assert complaints(missed) == []
    server.tell("ring")
    missed.wait_for_function("document.querySelector('audio').paused")


def test_a_message_that_cannot_be_had_says_so(missed: Page) -> None:
    missed.route("**/callbacks/*/message*", lambda route: route.fulfill(status=404, json={"error": "not_found"}))
    missed.locator('[data-callback="cb-3"]').get_by_test_id("callback-claim").click()
    message = missed.get_by_test_id("callback-message")
    message.locator("audio").evaluate("player => player.play().catch(() => undefined)")
    expect(message.get_by_role("alert")).to_contain_text("留言未能播放")


def test_a_claim_is_given_back(missed: Page) -> None:
    missed.get_by_test_id("callback-claim").first.click()
    missed.get_by_test_id("callback-release").click()
    expect(missed.get_by_test_id("callback-detail")).to_have_count(0)
    expect(missed.locator('[data-callback="cb-0"]')).to_have_attribute("data-owner", "")


def test_another_call_in_between_is_not_taken_for_the_callback(missed: Page, server: StandIn) -> None:
    missed.get_by_test_id("callback-claim").first.click()
    expect(missed.get_by_test_id("callback-detail")).to_be_visible()
    server.tell("ring")
    server.tell("answer")
    expect(missed.get_by_test_id("desk")).to_have_attribute("data-mode", "call")
    expect(missed.get_by_test_id("callback-strip")).to_have_count(0)


def test_the_list_is_sorted_paged_and_says_when_it_is_empty_or_cannot_be_had(missed: Page, server: StandIn) -> None:
    expect(missed.get_by_test_id("callbacks-overdue")).to_be_visible()
    missed.get_by_test_id("callbacks").get_by_role("button", name="下一页").click()
    expect(missed.get_by_test_id("callback-row")).to_have_count(6)
    missed.get_by_test_id("callbacks").get_by_role("button", name="时限").click()
    expect(missed.get_by_test_id("callback-row").first).to_contain_text("135****2025")
    missed.get_by_test_id("callbacks-done").click()
    expect(missed.get_by_test_id("callbacks")).to_contain_text("没有已完成的回拨")
    server.tell("broken")
    missed.get_by_test_id("callbacks-open").click()
    expect(missed.get_by_test_id("callbacks").get_by_role("alert")).to_contain_text("未能载入", timeout=15_000)
    server.tell("mend")
    missed.get_by_test_id("callbacks").get_by_role("button", name="重试").click()
    expect(missed.get_by_test_id("callback-row")).to_have_count(20)


def test_the_ledger_opens_a_matter_and_takes_what_was_agreed(call: Page, server: StandIn) -> None:
    call.keyboard.press("Control+e")
    call.keyboard.press("2")
    call.keyboard.press("Enter")
    expect(call.get_by_test_id("transfer")).to_have_attribute("data-state", "joined", timeout=10_000)
    call.get_by_test_id("transfer-drop").click()
    expect(call.get_by_test_id("transfer")).to_have_attribute("data-state", "ended")
    server.tell("end")
    expect(call.get_by_test_id("wrap-up")).to_be_visible()
    server.tell("ready")
    call.get_by_test_id("tab-handoffs").click()
    call.get_by_test_id("handoff-view").first.click()
    drawer = call.get_by_test_id("handoff-drawer")
    expect(drawer).to_contain_text("三方接通")
    with call.expect_request("**/handoffs/*") as request:
        call.get_by_test_id("settle-accepted").click()
    assert request.value.post_data_json["outcome"] == "accepted"
    expect(call.get_by_test_id("settle-accepted")).to_have_attribute("aria-pressed", "true")
    call.wait_for_timeout(400)
    assert complaints(call) == []


def test_axe_finds_nothing_and_nothing_spills(missed: Page) -> None:
    assert complaints(missed) == []
    missed.get_by_test_id("callback-claim").first.click()
    expect(missed.get_by_test_id("callback-detail")).to_be_visible()
    assert complaints(missed) == []
    assert not spills(missed)


def test_an_unplugged_microphone_is_told_to_the_server_and_so_is_its_return(desk: Page) -> None:
    with desk.expect_request("**/shift/device") as gone:
        desk.evaluate("window.dispatchEvent(new Event('test:unplug'))")
    assert gone.value.post_data_json == {"works": False}
    expect(desk.get_by_test_id("strip-microphone")).to_be_visible()
    expect(desk.get_by_test_id("status")).to_have_attribute("data-status", "paused")
    with desk.expect_request("**/shift/device") as back:
        desk.get_by_test_id("strip-microphone-action").click()
    assert back.value.post_data_json == {"works": True}
    expect(desk.get_by_test_id("strip-microphone")).to_have_count(0)
