"""The operator's desk as people meet it: reachable for everybody, never in the way, nothing typed is lost."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.console.conftest import StandIn, complaints, spills

pytestmark = pytest.mark.browser


def test_axe_finds_nothing_on_any_page_and_nothing_spills_at_1366_by_768(page: Page, server: StandIn) -> None:
    found: dict[str, object] = {}

    def look(name: str) -> None:
        page.wait_for_timeout(400)  # dialogs and menus fade in, and half-faded text has no contrast
        found[name] = complaints(page)
        assert not spills(page), name

    look("sign-in")
    page.get_by_test_id("username").fill("8001")
    page.get_by_test_id("password").fill("wrong")
    page.get_by_test_id("sign-in").click()
    expect(page.get_by_test_id("sign-in-failure")).not_to_be_empty()
    look("refused")
    page.get_by_test_id("password").fill("right")
    page.get_by_test_id("sign-in").click()
    expect(page.get_by_test_id("link-data")).to_have_attribute("data-state", "ok")
    look("signed out")
    page.get_by_test_id("shift-sign-in").click()
    expect(page.get_by_test_id("go-busy")).to_be_enabled()
    page.get_by_test_id("tab-tickets").click()
    look("ready")
    page.get_by_test_id("status").click()
    look("status menu")
    page.keyboard.press("Escape")
    page.keyboard.press("F1")
    look("keys")
    page.keyboard.press("Escape")
    server.tell("ring")
    expect(page.get_by_test_id("ring-dialog")).to_be_visible()
    look("ringing")
    server.tell("answer")
    expect(page.get_by_test_id("turn")).to_have_count(8)
    page.get_by_test_id("row-title").hover()
    expect(page.get_by_test_id("mark-title")).to_be_visible()
    look("call")
    server.tell("speech-down")
    expect(page.get_by_test_id("speech-down")).to_be_visible()
    look("no text")
    page.get_by_test_id("reveal-number").click()
    look("reveal")
    page.keyboard.press("Escape")
    server.tell("end")
    expect(page.get_by_test_id("wrap-up")).to_be_visible()
    look("wrap-up")
    assert {name: complaint for name, complaint in found.items() if complaint} == {}


def test_a_ring_does_not_take_the_focus_from_what_is_being_typed(desk: Page, server: StandIn) -> None:
    desk.get_by_test_id("tab-tickets").click()
    search = desk.get_by_role("search").get_by_role("textbox")
    search.press_sequentially("abc")
    server.tell("ring")
    expect(desk.get_by_test_id("ring-dialog")).to_be_visible()
    desk.keyboard.type("def")
    expect(search).to_have_value("abcdef")


def test_the_enter_that_chooses_a_word_in_an_input_method_submits_nothing(call: Page) -> None:
    sent: list[str] = []
    call.on("request", lambda request: sent.append(request.url) if "/submit" in request.url else None)
    call.get_by_test_id("disposition-invalid").click()
    call.get_by_test_id("field-title").focus()
    composing = {"key": "Process", "code": "Enter", "keyCode": 229, "ctrlKey": True, "isComposing": True}
    call.evaluate(
        "init => document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { ...init, bubbles: true }))",
        composing,
    )
    call.wait_for_timeout(500)
    assert sent == []
    with call.expect_request("**/submit"):
        call.keyboard.press("Control+Enter")


def test_what_a_person_typed_stays_and_shows_as_theirs(call: Page) -> None:
    call.get_by_test_id("field-title").fill("改过的标题")
    expect(call.get_by_test_id("row-title")).to_have_attribute("data-origin", "typed")
    expect(call.get_by_test_id("save-state")).to_have_attribute("data-state", "saved", timeout=10_000)
    expect(call.get_by_test_id("field-title")).to_have_value("改过的标题")


def test_suggestions_are_taken_dropped_and_taken_back(call: Page) -> None:
    call.get_by_test_id("accept-title").click()
    expect(call.get_by_test_id("row-title")).to_have_attribute("data-origin", "accepted")
    call.get_by_test_id("undo-title").click()
    expect(call.get_by_test_id("row-title")).to_have_attribute("data-origin", "suggested")
    call.get_by_test_id("dismiss-title").click()
    expect(call.get_by_test_id("field-title")).to_have_value("")
    call.get_by_test_id("field-address").focus()
    call.keyboard.press("Alt+Enter")
    expect(call.get_by_test_id("row-address")).to_have_attribute("data-origin", "accepted")


def test_two_texts_for_one_field_are_both_shown_and_a_person_chooses(call: Page, server: StandIn) -> None:
    server.tell("conflict")
    call.get_by_test_id("field-title").fill("我的标题")
    dialog = call.get_by_test_id("conflict")
    expect(dialog).to_contain_text("我的标题", timeout=10_000)
    expect(dialog).to_contain_text("另一窗口写下的内容")
    call.get_by_test_id("conflict-save").click()
    expect(dialog).to_be_hidden()
    expect(call.get_by_test_id("field-title")).to_have_value("我的标题")
    expect(call.get_by_test_id("save-state")).to_have_attribute("data-state", "saved", timeout=10_000)


def test_a_cut_stream_says_so_and_nothing_typed_meanwhile_is_lost_even_by_a_reload(call: Page, server: StandIn) -> None:
    server.tell("cut")
    expect(call.get_by_test_id("strip-data")).to_be_visible(timeout=5000)
    expect(call.get_by_test_id("link-speech")).to_have_attribute("data-state", "unknown")
    expect(call.get_by_test_id("link-switch")).to_have_attribute("data-state", "unknown")
    call.get_by_test_id("field-demand").fill("断线时写下的诉求")
    expect(call.get_by_test_id("save-state")).to_have_attribute("data-state", "local", timeout=10_000)
    call.on("dialog", lambda dialog: dialog.accept())
    server.tell("mend")
    call.reload()
    expect(call.get_by_test_id("desk")).to_have_attribute("data-mode", "call", timeout=15_000)
    expect(call.get_by_test_id("field-demand")).to_have_value("断线时写下的诉求", timeout=10_000)
    expect(call.get_by_test_id("save-state")).to_have_attribute("data-state", "saved", timeout=10_000)
    expect(call.get_by_test_id("turn")).to_have_count(8)


def test_the_page_is_not_reloaded_by_a_key_in_a_call(call: Page) -> None:
    call.evaluate("window.stillHere = true")
    call.keyboard.press("F5")
    call.wait_for_timeout(500)
    assert call.evaluate("window.stillHere") is True


def test_a_second_window_waits_until_a_person_takes_the_seat_over(
    desk: Page, window: BrowserContext, server: StandIn
) -> None:
    second = window.new_page()
    second.goto(server.url)
    expect(second.get_by_test_id("superseded")).to_be_visible()
    expect(desk.get_by_test_id("desk")).to_be_visible()
    second.get_by_test_id("take-over").click()
    expect(second.get_by_test_id("desk")).to_be_visible()
    expect(desk.get_by_test_id("superseded")).to_be_visible()


def test_a_second_window_cannot_take_a_seat_that_is_in_a_call(
    call: Page, window: BrowserContext, server: StandIn
) -> None:
    second = window.new_page()
    second.goto(server.url)
    second.get_by_test_id("take-over").click()
    second.wait_for_timeout(800)
    expect(second.get_by_test_id("superseded")).to_be_visible()
    expect(call.get_by_test_id("call-bar")).to_be_visible()


def test_the_probe_can_be_read_and_not_changed(call: Page) -> None:
    assert call.evaluate("window.__hotline.state().link") == "live"
    assert call.evaluate("Object.isFrozen(window.__hotline)") is True
    assert call.evaluate("window.__hotline.turns.length") == 8
