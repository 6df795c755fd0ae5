"""A telephone on the desk instead of the page's own phone, and calls about tickets from either."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from tests.console.conftest import StandIn, complaints, spills

pytestmark = pytest.mark.browser


def signed_in(page: Page, username: str) -> None:
    page.get_by_test_id("username").fill(username)
    page.get_by_test_id("password").fill("anything")
    page.get_by_test_id("sign-in").click()
    expect(page.get_by_test_id("shift-sign-in")).to_be_enabled()


@pytest.fixture
def desk_phone(page: Page) -> Page:
    """In shift at the desk phone 8101."""
    signed_in(page, "8001")
    page.get_by_test_id("seat-8101").check()
    with page.expect_request("**/shift/sign-in") as request:
        page.get_by_test_id("shift-sign-in").click()
    assert request.value.post_data_json == {"seat": "8101"}
    expect(page.get_by_test_id("status")).to_have_attribute("data-status", "ready")
    return page


def test_one_sits_at_a_phone_that_nobody_has(page: Page) -> None:
    signed_in(page, "8001")
    expect(page.get_by_test_id("seat-8001")).to_be_checked()
    expect(page.get_by_test_id("seat-8102")).to_be_disabled()
    expect(page.get_by_test_id("seats")).to_contain_text("8002 使用中")
    page.wait_for_timeout(300)
    assert complaints(page) == []


def test_at_a_desk_phone_the_page_opens_no_microphone_and_answers_nothing(desk_phone: Page, server: StandIn) -> None:
    page = desk_phone
    told: list[str] = []
    page.on("request", lambda request: told.append(request.url))
    expect(page.get_by_test_id("seat-kind")).to_contain_text("8101")
    expect(page.get_by_test_id("link-phone")).to_have_attribute("data-state", "ok")
    server.tell("ring")
    expect(page.get_by_test_id("ring-dialog")).to_be_visible()
    expect(page.get_by_test_id("answer-on-phone")).to_be_visible()
    expect(page.get_by_test_id("answer")).to_have_count(0)
    assert complaints(page) == []
    server.tell("answer")
    expect(page.get_by_test_id("call-bar")).to_be_visible()
    for absent in ("mute", "hold", "dial-pad", "recover"):
        expect(page.get_by_test_id(absent)).to_have_count(0)
    with page.expect_request("**/calls/*/hang-up"):
        page.get_by_test_id("hang-up").click()
    expect(page.get_by_test_id("wrap-up")).to_be_visible()
    assert [url for url in told if "/shift/device" in url or "/shift/recover" in url] == []


def test_a_page_that_is_loaded_again_in_a_talk_leaves_the_desk_phone_alone(desk_phone: Page, server: StandIn) -> None:
    page = desk_phone
    server.tell("ring")
    server.tell("answer")
    expect(page.get_by_test_id("desk")).to_have_attribute("data-mode", "call")
    told: list[str] = []
    page.on("request", lambda request: told.append(request.url))
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(page.get_by_test_id("desk")).to_have_attribute("data-mode", "call", timeout=15_000)
    expect(page.get_by_test_id("turn")).to_have_count(8)
    page.wait_for_timeout(1500)
    assert [url for url in told if "/shift/" in url and not url.endswith("/shift/seats")] == []


def test_who_has_no_seat_sits_down_at_a_desk_phone_that_is_free(page: Page) -> None:
    def seatless(route: Route) -> None:
        answer = route.fetch()
        told = answer.json()
        if answer.ok:
            told["user"]["seat"] = None
        route.fulfill(response=answer, json=told)

    phones = [
        {"seat": "8101", "kind": "desk_phone", "own": False, "taken_by": "8002"},
        {"seat": "8102", "kind": "desk_phone", "own": False, "taken_by": None},
    ]
    page.route("**/api/v1/session", seatless)
    page.route("**/shift/seats", lambda route: route.fulfill(json=phones))
    page.get_by_test_id("username").fill("9001")
    page.get_by_test_id("password").fill("anything")
    page.get_by_test_id("sign-in").click()
    page.get_by_test_id("desk-operator").click()
    expect(page.get_by_test_id("shift-now")).to_contain_text("请先选择一部空闲的话机")
    expect(page.get_by_test_id("shift-sign-in")).to_be_disabled()
    expect(page.get_by_test_id("seat-8101")).to_be_disabled()
    page.get_by_test_id("seat-8102").check()
    with page.expect_request("**/shift/sign-in") as request:
        page.get_by_test_id("shift-sign-in").click()
    assert request.value.post_data_json == {"seat": "8102"}


def test_a_call_about_a_ticket_shows_what_is_called_and_makes_no_other_ticket(desk: Page) -> None:
    asked: list[str] = []
    desk.on("request", lambda request: asked.append(request.url) if request.method == "POST" else None)
    desk.get_by_test_id("tab-tickets").click()
    desk.get_by_test_id("ticket-row").first.get_by_role("button").click()
    desk.get_by_test_id("about-open").click()
    expect(desk.get_by_test_id("about-number")).to_have_text("138****0000")
    expect(desk.get_by_test_id("about-line")).to_have_text("12345")
    expect(desk.get_by_test_id("about-attempt")).to_contain_text("无人接听")
    desk.wait_for_timeout(400)
    assert complaints(desk) == []
    desk.get_by_test_id("about-dial").click()
    expect(desk.get_by_test_id("desk")).to_have_attribute("data-mode", "call")
    expect(desk.get_by_test_id("about-strip")).to_contain_text("GD202611210001")
    desk.wait_for_timeout(500)
    assert [url for url in asked if url.endswith("/draft")] == []
    desk.get_by_test_id("new-ticket").click()
    expect(desk.get_by_test_id("field-title")).to_be_visible()
    assert not spills(desk)


def test_who_calls_citizens_back_has_a_desk_without_drafts_and_may_call_about_tickets(page: Page) -> None:
    signed_in(page, "7001")
    expect(page.get_by_test_id("tab-drafts")).to_have_count(0)
    expect(page.get_by_test_id("callbacks")).to_be_visible()
    page.get_by_test_id("tab-tickets").click()
    page.get_by_test_id("ticket-row").first.get_by_role("button").click()
    page.get_by_test_id("about-open").click()
    expect(page.get_by_test_id("about-dial")).to_be_disabled()
    page.keyboard.press("Escape")
    page.get_by_test_id("shift-sign-in").click()
    expect(page.get_by_test_id("status")).to_have_attribute("data-status", "ready")
    page.get_by_test_id("ticket-row").first.get_by_role("button").click()
    page.get_by_test_id("about-open").click()
    page.get_by_test_id("about-dial").click()
    expect(page.get_by_test_id("about-strip")).to_be_visible()
    expect(page.get_by_test_id("new-ticket")).to_have_count(0)
    expect(page.get_by_test_id("transfer-open")).to_have_count(0)


def test_seats_that_could_not_be_asked_for_are_asked_for_again(page: Page) -> None:
    page.route("**/shift/seats", lambda route: route.fulfill(status=503, json={"error": "unavailable", "detail": ""}))
    page.get_by_test_id("username").fill("8001")
    page.get_by_test_id("password").fill("anything")
    page.get_by_test_id("sign-in").click()
    expect(page.get_by_test_id("unsigned")).to_have_text("座席未能载入")
    page.unroute("**/shift/seats")
    page.get_by_test_id("seats-again").click()
    expect(page.get_by_test_id("seats")).to_contain_text("8101")
    expect(page.get_by_test_id("seats-again")).to_have_count(0)
