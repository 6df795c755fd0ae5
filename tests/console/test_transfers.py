"""Bringing somebody else into a call: by two keys, never by one; whoever fails, the operator is told which and why."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Request, expect

from tests.console.conftest import StandIn, complaints, spills

pytestmark = pytest.mark.browser

COMPOSING = {"key": "Process", "code": "Enter", "keyCode": 229, "isComposing": True}
PRESS = "init => document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { ...init, bubbles: true }))"


def asked(page: Page, part: str) -> list[str]:
    """Collects the paths of what the page posts from now on."""
    found: list[str] = []

    def look(request: Request) -> None:
        if request.method != "GET" and part in request.url:
            found.append(request.url.split("/api/v1")[1])

    page.on("request", look)
    return found


def centre(page: Page, key: str = "1") -> None:
    page.keyboard.press("Control+e")
    page.keyboard.press(key)
    page.keyboard.press("Enter")


def state(page: Page, wanted: str) -> None:
    expect(page.get_by_test_id("transfer")).to_have_attribute("data-state", wanted, timeout=10_000)


def test_one_key_calls_nobody_and_escape_only_closes_the_layer(call: Page) -> None:
    sent = asked(call, "/transfers")
    call.get_by_test_id("field-title").focus()
    call.keyboard.press("Control+e")
    expect(call.get_by_test_id("emergency-110")).to_be_visible()
    expect(call.get_by_test_id("emergency-confirm")).to_be_disabled()
    call.keyboard.press("Enter")
    call.keyboard.press("Escape")
    expect(call.get_by_test_id("emergency")).to_have_count(0)
    expect(call.get_by_test_id("call-bar")).to_be_visible()
    expect(call.get_by_test_id("field-title")).to_be_focused()
    assert sent == []


def test_a_centre_joins_by_ctrl_e_digit_and_enter_and_takes_over(call: Page) -> None:
    sent = asked(call, "/transfer")
    centre(call, "3")
    state(call, "joined")
    expect(call.get_by_test_id("step-call")).to_have_attribute("data-state", "done")
    expect(call.get_by_test_id("step-join")).to_have_attribute("data-state", "done")
    expect(call.get_by_test_id("party")).to_have_count(3)
    expect(call.get_by_test_id("script")).to_contain_text("城区驿后小区3号楼东")
    expect(call.get_by_test_id("push-state")).to_contain_text("已推送", timeout=10_000)
    call.keyboard.press("Control+Enter")
    expect(call.get_by_test_id("ask-confirm")).to_be_focused()
    assert sent == ["/calls/1795297638.32/transfers"]
    call.keyboard.press("Enter")
    state(call, "handed_over")
    assert sent[1:] == ["/calls/1795297638.32/transfer/leave"]
    expect(call.get_by_test_id("wrap-up")).to_be_visible()
    call.get_by_test_id("handoff-receipt").fill("JQ20261121-0042")
    expect(call.get_by_test_id("handoff-saving")).to_have_attribute("data-state", "saved", timeout=10_000)


def test_the_receipt_is_saved_while_one_types_though_the_ledger_moves_on(call: Page) -> None:
    centre(call)
    state(call, "joined")
    call.get_by_test_id("handoff-receipt").fill("JQ-1")
    expect(call.get_by_test_id("handoff-saving")).to_have_attribute("data-state", "dirty")
    call.get_by_test_id("transfer-private").click()
    state(call, "private")
    expect(call.locator('[data-testid="party"][data-role="citizen"]')).to_have_attribute("data-state", "music")
    expect(call.get_by_test_id("handoff-saving")).to_have_attribute("data-state", "saved", timeout=10_000)
    expect(call.get_by_test_id("handoff-receipt")).to_have_value("JQ-1")
    call.get_by_test_id("transfer-together").click()
    state(call, "joined")
    call.get_by_test_id("transfer-drop").click()
    state(call, "ended")
    expect(call.get_by_test_id("transfer")).to_contain_text("市民仍在线")


def test_a_receipt_goes_before_the_hand_over_unless_the_ledger_keeps_the_operator_waiting(call: Page) -> None:
    sent = asked(call, "/api/v1/")
    centre(call)
    state(call, "joined")
    expect(call.get_by_test_id("handoff-receipt")).to_be_enabled()
    call.get_by_test_id("handoff-receipt").fill("JQ-1")
    call.get_by_test_id("transfer-leave").click()
    call.get_by_test_id("ask-confirm").click()
    state(call, "handed_over")
    written, left = [next(at for at, path in enumerate(sent) if part in path) for part in ("/handoffs/", "/leave")]
    assert written < left


def test_a_ledger_that_does_not_answer_holds_up_no_hand_over(call: Page) -> None:
    call.route("**/handoffs/*", lambda route: route.continue_() if route.request.method == "GET" else None)
    centre(call)
    state(call, "joined")
    expect(call.get_by_test_id("handoff-receipt")).to_be_enabled()
    call.get_by_test_id("handoff-receipt").fill("JQ-1")
    call.get_by_test_id("transfer-leave").click()
    call.get_by_test_id("ask-confirm").click()
    state(call, "handed_over")
    expect(call.get_by_test_id("handoff-saving")).to_have_attribute("data-state", "saving")


def test_a_way_that_fails_is_named_and_the_next_one_is_tried(call: Page, server: StandIn) -> None:
    server.tell("fail-first")
    centre(call)
    expect(call.get_by_test_id("way-failed")).to_have_text("✕ 主线：忙线", timeout=10_000)
    state(call, "joined")


def test_when_no_way_works_both_reasons_stand_there_and_it_can_be_tried_again(call: Page, server: StandIn) -> None:
    server.tell("fail-both")
    centre(call)
    state(call, "ended")
    expect(call.get_by_test_id("transfer")).to_have_attribute("data-outcome", "failed")
    expect(call.get_by_test_id("way-failed")).to_have_text(["✕ 主线：线路无响应", "✕ 备线：无人应答"])
    call.get_by_test_id("transfer-again").click()
    state(call, "joined")


def test_a_call_to_a_centre_is_called_off_at_any_moment(call: Page, server: StandIn) -> None:
    server.tell("never-answers")
    centre(call)
    state(call, "ringing")
    call.get_by_test_id("transfer-cancel").click()
    state(call, "ended")
    expect(call.get_by_test_id("transfer")).to_have_attribute("data-outcome", "cancelled")
    call.get_by_test_id("transfer-dismiss").click()
    expect(call.get_by_test_id("transfer")).to_have_count(0)


def test_an_outcome_that_nobody_told_is_being_checked_until_the_state_settles_it(call: Page, server: StandIn) -> None:
    centre(call)
    state(call, "joined")
    server.tell("unknown")
    sent = asked(call, "/transfer/")
    call.get_by_test_id("transfer-private").click()
    expect(call.get_by_test_id("outcome-unknown")).to_be_visible()
    expect(call.get_by_test_id("transfer-leave")).to_be_disabled()
    state(call, "private")
    expect(call.get_by_test_id("outcome-unknown")).to_have_count(0)
    assert sent == ["/calls/1795297638.32/transfer/private"]


def test_with_a_centre_in_the_call_hanging_up_takes_two_presses(call: Page) -> None:
    sent = asked(call, "/hang-up")
    centre(call)
    state(call, "joined")
    call.keyboard.press("F4")
    expect(call.get_by_test_id("hang-up")).to_have_attribute("data-armed", "true")
    call.wait_for_timeout(2600)
    expect(call.get_by_test_id("hang-up")).to_have_attribute("data-armed", "false")
    call.keyboard.press("F4")
    assert sent == []
    call.wait_for_timeout(300)
    call.keyboard.press("F4")
    expect(call.get_by_test_id("wrap-up")).to_be_visible()
    assert len(sent) == 1


def test_nobody_is_handed_on_while_the_line_is_to_be_kept(call: Page) -> None:
    call.get_by_test_id("call-more").click()
    call.get_by_test_id("keep-line-on").click()
    expect(call.get_by_test_id("keep-line")).to_be_visible()
    centre(call)
    state(call, "joined")
    expect(call.get_by_test_id("transfer-leave")).to_be_disabled()
    call.keyboard.press("Control+Enter")
    expect(call.get_by_test_id("ask-confirm")).to_have_count(0)
    call.get_by_test_id("keep-line-off").click()
    call.get_by_test_id("ask-confirm").click()
    expect(call.get_by_test_id("transfer-leave")).to_be_enabled()


def test_the_picker_takes_a_colleague_by_name_and_refuses_a_number_outside_the_rule(call: Page) -> None:
    call.keyboard.press("Control+k")
    search = call.get_by_test_id("target-search")
    expect(search).to_be_focused()
    expect(call.get_by_test_id("target-agent-8002")).to_contain_text("空闲")
    search.fill("95588")
    expect(call.get_by_test_id("target-refused")).to_have_text("该号码不在允许拨打的范围内")
    expect(call.get_by_test_id("target-confirm")).to_be_disabled()
    search.fill("8003")
    expect(call.get_by_test_id("target-confirm")).to_be_disabled()  # in a call
    search.fill("座席8002")
    call.get_by_test_id("mode-consult").check()
    search.focus()
    with call.expect_request("**/transfers") as request:
        call.keyboard.press("Enter")
    assert request.value.post_data_json == {"target": {"kind": "agent", "value": "8002"}, "mode": "consult"}
    state(call, "private")


def test_who_was_chosen_stays_chosen_though_the_list_moves_and_nobody_is_once_that_one_is_gone(
    call: Page, server: StandIn
) -> None:
    call.keyboard.press("Control+k")
    call.get_by_test_id("target-search").fill("座席")
    chosen = call.get_by_test_id("target-agent-8002")
    expect(chosen).to_have_attribute("aria-selected", "true")
    server.tell("colleague-comes")
    expect(call.get_by_test_id("target-agent-8000")).to_have_attribute("aria-selected", "false")
    expect(chosen).to_have_attribute("aria-selected", "true")
    server.tell("colleague-leaves")
    expect(chosen).to_have_count(0)
    expect(call.get_by_test_id("target-confirm")).to_be_disabled()
    sent = asked(call, "/transfers")
    call.keyboard.press("Enter")
    assert sent == []
    call.keyboard.press("ArrowDown")
    with call.expect_request("**/transfers") as request:
        call.keyboard.press("Enter")
    assert request.value.post_data_json["target"] == {"kind": "agent", "value": "8000"}
    assert len(sent) == 1


def test_enter_on_a_button_of_the_emergency_layer_does_what_the_button_says(desk: Page, server: StandIn) -> None:
    server.tell("targets-away")
    server.tell("ring")
    server.tell("answer")
    expect(desk.get_by_test_id("turn")).to_have_count(8)
    desk.keyboard.press("Control+e")
    retry = desk.get_by_test_id("emergency").get_by_role("button", name="重试")
    expect(retry).to_be_visible()
    server.tell("targets-back")
    retry.focus()
    desk.keyboard.press("Enter")
    expect(desk.get_by_test_id("emergency-110")).to_be_visible()
    desk.get_by_test_id("emergency-119").click()
    with desk.expect_request("**/transfers") as request:
        desk.keyboard.press("Enter")
    assert request.value.post_data_json["target"] == {"kind": "centre", "value": "119"}


def test_the_enter_that_chooses_a_word_in_an_input_method_calls_nobody(call: Page) -> None:
    sent = asked(call, "/transfers")
    call.keyboard.press("Control+e")
    call.keyboard.press("1")
    call.evaluate(PRESS, COMPOSING)
    call.evaluate(PRESS, {"key": "Enter", "isComposing": True})
    call.keyboard.press("Escape")
    call.keyboard.press("Control+k")
    call.get_by_test_id("target-search").fill("座")
    call.evaluate(PRESS, COMPOSING)
    call.wait_for_timeout(400)
    assert sent == []
    expect(call.get_by_test_id("target-picker")).to_be_visible()


def test_a_cue_shows_the_words_it_rests_on_and_two_keys_act_on_its_first_target(call: Page, server: StandIn) -> None:
    server.tell("cue")
    expect(call.get_by_test_id("cue")).to_contain_text("垃圾池常年臭味难闻")
    expect(call.get_by_test_id("mark-cue")).to_be_visible()
    call.keyboard.press("Control+e")
    expect(call.get_by_test_id("emergency")).to_have_attribute("data-chosen", "120")
    with call.expect_request("**/cues/q1") as request:
        call.keyboard.press("Enter")
    assert request.value.post_data_json == {"action": "act", "reason": ""}
    state(call, "joined")
    expect(call.get_by_test_id("cue")).to_have_count(0)


def test_a_cue_that_is_none_goes_with_a_reason(call: Page, server: StandIn) -> None:
    server.tell("cues")
    expect(call.get_by_test_id("cue")).to_have_count(3)
    call.get_by_test_id("cue-dismiss").first.click()
    with call.expect_request("**/cues/q1") as request:
        call.get_by_test_id("cue-reason-past").click()
    assert request.value.post_data_json == {"action": "dismiss", "reason": "past"}
    expect(call.get_by_test_id("cue")).to_have_count(2)
    call.get_by_test_id("cue-keep-line").click()
    expect(call.get_by_test_id("keep-line")).to_be_visible()
    expect(call.get_by_test_id("cue")).to_have_count(1)


def test_a_service_line_is_reached_by_its_queue_else_told_to_the_caller_and_each_card_is_acted_on(
    call: Page, server: StandIn
) -> None:
    server.tell("service-cues")
    expect(call.get_by_test_id("cue")).to_have_count(3)
    with call.expect_request("**/cues/q5") as told:
        call.get_by_test_id("cue-act-12333").click()
    assert told.value.post_data_json == {"action": "act", "reason": "已告知来电人拨打12333"}
    with call.expect_request("**/cues/q6") as here:
        call.get_by_test_id("cue-act-12369").click()
    assert here.value.post_data_json == {"action": "act", "reason": "12369由本席直接受理"}
    expect(call.get_by_test_id("cue")).to_have_count(1)
    call.keyboard.press("Control+e")
    expect(call.get_by_test_id("emergency")).to_have_attribute("data-chosen", "")
    call.keyboard.press("Escape")
    call.get_by_test_id("cue-act-12329").click()
    expect(call.get_by_test_id("target-queue-funds")).to_have_attribute("aria-selected", "true")
    expect(call.get_by_test_id("target-picker")).to_contain_text("公积金提取")
    with (
        call.expect_request("**/cues/q4") as acted,
        call.expect_request("**/transfers") as request,
    ):
        call.keyboard.press("Enter")
    assert request.value.post_data_json == {"target": {"kind": "queue", "value": "funds"}, "mode": "blind"}
    assert acted.value.post_data_json == {"action": "act", "reason": ""}


def test_a_card_number_is_not_recorded_and_the_recording_comes_back(call: Page) -> None:
    call.get_by_test_id("call-more").click()
    call.get_by_test_id("recording-pause").click()
    expect(call.get_by_test_id("recording-paused")).to_contain_text("自动恢复")
    call.get_by_test_id("recording-resume").click()
    expect(call.get_by_test_id("recording-paused")).to_have_count(0)


def test_a_citizen_goes_back_to_the_queue_only_after_a_question(call: Page) -> None:
    sent = asked(call, "/send-back")
    call.get_by_test_id("call-more").click()
    call.get_by_test_id("send-back").click()
    call.get_by_test_id("ask-cancel").click()
    assert sent == []
    call.get_by_test_id("call-more").click()
    call.get_by_test_id("send-back").click()
    call.get_by_test_id("ask-confirm").click()
    expect(call.get_by_test_id("wrap-up")).to_be_visible()
    assert len(sent) == 1


def test_a_call_from_a_centre_says_who_sends_it_and_why(desk: Page, server: StandIn) -> None:
    server.tell("from-centre")
    server.tell("ring")
    expect(desk.get_by_test_id("ring-centre")).to_contain_text("来自110")
    expect(desk.get_by_test_id("ring-summary")).to_contain_text("已现场劝解")
    server.tell("answer")
    expect(desk.get_by_test_id("call-centre")).to_contain_text("来自110")
    expect(desk.get_by_test_id("caller-centre")).to_contain_text("已现场劝解")


def test_axe_finds_nothing_in_a_transfer_and_nothing_spills(call: Page, server: StandIn) -> None:
    found: dict[str, object] = {}

    def look(name: str) -> None:
        call.wait_for_timeout(400)
        found[name] = complaints(call)
        assert not spills(call), name

    server.tell("cues")
    expect(call.get_by_test_id("cue")).to_have_count(3)
    look("cues")
    call.keyboard.press("Control+e")
    expect(call.get_by_test_id("emergency-110")).to_be_visible()
    look("emergency")
    call.keyboard.press("Enter")
    state(call, "joined")
    look("three-way")
    call.get_by_test_id("transfer-leave").click()
    look("question")
    call.keyboard.press("Escape")
    call.get_by_test_id("transfer-drop").click()
    state(call, "ended")
    call.keyboard.press("Control+k")
    expect(call.get_by_test_id("target-agent-8002")).to_be_visible()
    look("picker")
    call.keyboard.press("Escape")
    server.tell("fail-both")
    centre(call)
    expect(call.get_by_test_id("way-failed")).to_have_count(2, timeout=10_000)
    server.tell("supervised")
    call.get_by_test_id("call-more").click()
    call.get_by_test_id("keep-line-on").click()
    expect(call.get_by_test_id("keep-line")).to_be_visible()
    look("notes")
    assert {name: complaint for name, complaint in found.items() if complaint} == {}
