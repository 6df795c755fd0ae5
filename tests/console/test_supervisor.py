"""The supervisor's wall: who does what, joining a call in one's own name, telling a seat what to do, and why."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Page, expect

from tests.console.conftest import StandIn, complaints, look_at, spills

pytestmark = pytest.mark.browser


@pytest.fixture
def with_phone(wall: Page) -> Page:
    """In shift as well: supervisors listen by their own phone."""
    wall.get_by_test_id("desk-operator").click()
    expect(wall.get_by_test_id("desk")).to_be_visible()
    wall.get_by_test_id("desk-supervisor").click()
    expect(wall.get_by_test_id("agent-cell")).to_have_count(32)
    return wall


def test_a_supervisor_listens_whispers_barges_in_after_a_question_and_leaves(with_phone: Page) -> None:
    page = with_phone
    look_at(page, "8001")
    selected = page.get_by_test_id("selected-agent")
    page.get_by_test_id("spy-listen").click()
    expect(selected).to_have_attribute("data-mode", "listen")
    page.get_by_test_id("spy-whisper").click()
    expect(selected).to_have_attribute("data-mode", "whisper")
    page.get_by_test_id("spy-barge").click()
    page.get_by_test_id("ask-cancel").click()
    expect(selected).to_have_attribute("data-mode", "whisper")
    page.get_by_test_id("spy-barge").click()
    page.get_by_test_id("ask-confirm").click()
    expect(selected).to_have_attribute("data-mode", "barge")
    page.get_by_test_id("spy-end").click()
    expect(selected).to_have_attribute("data-mode", "")


def test_f4_ends_the_listening_and_no_call(with_phone: Page) -> None:
    look_at(with_phone, "8001")
    with_phone.get_by_test_id("spy-listen").click()
    expect(with_phone.get_by_test_id("supervising")).to_be_visible()
    with with_phone.expect_request(lambda request: request.method == "DELETE" and "/supervision" in request.url):
        with_phone.keyboard.press("F4")
    expect(with_phone.get_by_test_id("supervising")).to_have_count(0)


def test_a_call_that_is_taken_over_is_talked_on_at_the_operator_desk(with_phone: Page) -> None:
    look_at(with_phone, "8001")
    with_phone.get_by_test_id("take-over-call").click()
    with_phone.get_by_test_id("ask-confirm").click()
    expect(with_phone.get_by_test_id("desk")).to_have_attribute("data-mode", "call")


def test_a_forced_pause_wants_a_reason_and_is_lifted_again(wall: Page) -> None:
    look_at(wall, "8002")
    wall.get_by_test_id("steer-pause").click()
    expect(wall.get_by_test_id("ask-confirm")).to_be_disabled()
    wall.keyboard.press("Enter")
    expect(wall.get_by_test_id("ask-reason")).to_be_visible()
    wall.get_by_test_id("ask-reason").fill("交接班")
    with wall.expect_request("**/agents/8002/pause") as request:
        wall.keyboard.press("Enter")
    assert request.value.post_data_json == {"reason": "交接班"}
    expect(wall.locator('[data-agent="8002"][data-testid="agent-cell"]')).to_contain_text("班长示忙")
    wall.get_by_test_id("steer-lift").click()
    wall.get_by_test_id("ask-reason").fill("已核实")
    wall.get_by_test_id("ask-confirm").click()
    expect(wall.locator('[data-agent="8002"][data-testid="agent-cell"]')).to_have_attribute("data-status", "ready")


def test_somebody_who_is_signed_out_by_force_leaves_the_wall(wall: Page) -> None:
    look_at(wall, "8002")
    wall.get_by_test_id("steer-sign-out").click()
    wall.get_by_test_id("ask-reason").fill("交接班")
    wall.get_by_test_id("ask-confirm").click()
    expect(wall.get_by_test_id("agent-cell")).to_have_count(31)


def test_the_grid_is_narrowed_and_walked_by_keys(wall: Page) -> None:
    wall.get_by_test_id("filter-trouble").click()
    expect(wall.get_by_test_id("agent-cell")).to_have_count(2)
    wall.get_by_test_id("filter-all").click()
    wall.get_by_test_id("agent-sort").select_option("id")
    wall.get_by_test_id("agent-cell").first.focus()
    wall.keyboard.press("ArrowRight")
    wall.keyboard.press("ArrowRight")
    wall.keyboard.press("Enter")
    expect(wall.get_by_test_id("selected-agent")).to_have_attribute("data-agent", "8003")
    wall.get_by_test_id("agent-search").fill("8031")
    expect(wall.get_by_test_id("agent-cell")).to_have_count(1)
    # Who is selected is hidden: Tab enters the grid all the same.
    expect(wall.get_by_test_id("agent-cell")).to_have_attribute("tabindex", "0")
    wall.get_by_test_id("agent-sort").focus()
    wall.keyboard.press("Tab")
    expect(wall.get_by_test_id("agent-cell")).to_be_focused()
    wall.get_by_test_id("agent-search").fill("nobody")
    expect(wall.get_by_test_id("no-agents")).to_be_visible()


def test_numbers_are_masked_and_the_figures_say_how_old_they_are(wall: Page, server: StandIn) -> None:
    expect(wall.get_by_test_id("kpi-within")).to_contain_text("92.9%")
    expect(wall.get_by_test_id("waiting-caller")).to_have_count(3)
    expect(wall.get_by_test_id("alarm")).to_have_count(2)
    expect(wall.get_by_test_id("freshness")).to_have_attribute("data-state", "fresh")
    assert wall.evaluate(r"document.body.innerText.match(/1[3-9]\d{9}/)") is None
    server.tell("cut")
    expect(wall.get_by_test_id("freshness")).to_have_attribute("data-state", "stale", timeout=5000)
    server.tell("mend")
    expect(wall.get_by_test_id("freshness")).to_have_attribute("data-state", "fresh", timeout=15_000)


def test_a_supervisor_sees_the_words_and_the_cues_of_the_call(wall: Page, server: StandIn) -> None:
    server.tell("cue")
    look_at(wall, "8001")
    expect(wall.get_by_test_id("cue")).to_contain_text("垃圾池常年臭味难闻")
    expect(wall.get_by_test_id("turn")).to_have_count(8)
    wall.get_by_test_id("cue-dismiss").click()
    wall.get_by_test_id("cue-reason-misheard").click()
    expect(wall.get_by_test_id("cue")).to_have_count(0)


def test_an_operator_is_not_shown_the_wall(desk: Page) -> None:
    expect(desk.get_by_test_id("desk-supervisor")).to_have_count(0)
    desk.evaluate("location.hash = '#/supervisor'")
    expect(desk.get_by_test_id("desk")).to_be_visible()
    expect(desk.get_by_test_id("supervisor-desk")).to_have_count(0)


def test_three_hundred_seats_answer_a_click_at_once(wall: Page, server: StandIn) -> None:
    server.tell("wall-300")
    expect(wall.get_by_test_id("agent-cell")).to_have_count(300)
    began = time.monotonic()
    look_at(wall, "8001")
    assert time.monotonic() - began < 2.0
    wall.wait_for_timeout(2500)
    busy = wall.evaluate(
        """() => new Promise(done => {
            const long = [];
            new PerformanceObserver(list => long.push(...list.getEntries().map(each => each.duration)))
                .observe({ type: "longtask" });
            setTimeout(() => done(long), 3000);
        })"""
    )
    assert max(busy, default=0) < 250, busy


def test_axe_finds_nothing_on_the_wall_and_nothing_spills(wall: Page, server: StandIn) -> None:
    found: dict[str, object] = {}

    def look(name: str) -> None:
        wall.wait_for_timeout(400)
        found[name] = complaints(wall)
        assert not spills(wall), name

    look("wall")
    server.tell("cue")
    look_at(wall, "8001")
    look("selected")
    wall.get_by_test_id("steer-pause").click()
    look("question")
    wall.keyboard.press("Escape")
    wall.get_by_test_id("filter-paused").click()
    look("filtered")
    assert {name: complaint for name, complaint in found.items() if complaint} == {}


def test_the_queues_of_somebody_are_set_with_their_levels(wall: Page) -> None:
    look_at(wall, "8003")
    wall.get_by_test_id("skills-open").click()
    expect(wall.get_by_test_id("skill-funds")).to_have_value("2")
    expect(wall.get_by_test_id("skill-hotline")).to_have_value("0")
    wall.wait_for_timeout(300)
    assert complaints(wall) == []
    wall.get_by_test_id("skill-funds").select_option("0")
    expect(wall.get_by_test_id("no-skills")).to_be_visible()
    wall.get_by_test_id("skill-hotline").select_option("3")
    with wall.expect_request("**/agents/8003/skills") as request:
        wall.get_by_test_id("skills-save").click()
    assert request.value.post_data_json == {"skills": [{"queue": "hotline", "level": 3}]}
    expect(wall.get_by_test_id("skills")).to_have_count(0)
    expect(wall.get_by_text("技能已保存，立即生效")).to_be_visible()
