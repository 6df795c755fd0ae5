"""The operator's desk as people meet it: reachable for everybody, never in the way, nothing typed is lost."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from api.tickets.reference import reference
from asr.lexicon import Lexicon
from tests.console.conftest import StandIn, complaints, spills

pytestmark = pytest.mark.browser

LEFT_IN_THE_BROWSER = """async () => {
    const done = request => new Promise(resolve => { request.onsuccess = () => resolve(request.result); });
    const database = await done(indexedDB.open("hotline"));
    const kept = await done(database.transaction("unsaved").objectStore("unsaved").getAll());
    const legible = (_, value) => (value instanceof ArrayBuffer ? new TextDecoder().decode(value) : value);
    return JSON.stringify([kept, {...localStorage}, {...sessionStorage}, document.body.textContent], legible);
}"""


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


def test_nothing_of_one_person_is_left_for_the_next_one_in_the_same_window(call: Page, server: StandIn) -> None:
    server.tell("cut")
    call.get_by_test_id("field-demand").fill("只有前一个人知道的话")
    expect(call.get_by_test_id("save-state")).to_have_attribute("data-state", "local", timeout=10_000)
    server.tell("expire")
    call.on("dialog", lambda dialog: dialog.accept())
    call.reload()
    expect(call.get_by_test_id("sign-in-failure")).to_have_text("登录已过期，请重新登录")
    server.tell("ready")
    server.tell("mend")
    call.get_by_test_id("username").fill("8002")
    call.get_by_test_id("password").fill("anything")
    call.get_by_test_id("sign-in").click()
    expect(call.get_by_test_id("desk")).to_be_visible()
    left = call.evaluate(LEFT_IN_THE_BROWSER)
    assert "nonce" in left
    assert "前一个人" not in left
    assert "垃圾" not in left


def test_what_a_person_could_not_send_goes_out_when_they_are_back_after_somebody_else(
    call: Page, server: StandIn
) -> None:
    server.tell("cut")
    call.get_by_test_id("field-demand").fill("只有前一个人知道的话")
    expect(call.get_by_test_id("save-state")).to_have_attribute("data-state", "local", timeout=10_000)
    call.on("dialog", lambda dialog: dialog.accept())

    def next_one(person: str) -> None:
        server.tell("expire")
        call.reload()
        expect(call.get_by_test_id("sign-in-form")).to_be_visible()
        server.tell("ready")
        server.tell("mend")
        call.get_by_test_id("username").fill(person)
        call.get_by_test_id("password").fill("anything")
        call.get_by_test_id("sign-in").click()
        expect(call.get_by_test_id("desk")).to_be_visible()

    next_one("8002")
    with call.expect_request(lambda request: request.method == "PATCH" and "/drafts/" in request.url) as sent:
        next_one("8001")
    assert sent.value.post_data_json["fields"] == {"demand": "只有前一个人知道的话"}
    expect(call.get_by_test_id("strip-unsent")).to_have_count(0)


def test_what_another_person_wrote_is_never_overwritten_unseen(call: Page, server: StandIn) -> None:
    server.tell("records-down")
    call.get_by_test_id("field-title").fill("我的标题")
    expect(call.get_by_test_id("save-state")).to_have_attribute("data-state", "local", timeout=10_000)
    server.tell("another-hand")
    dialog = call.get_by_test_id("conflict")
    expect(dialog).to_contain_text("我的标题")
    expect(dialog).to_contain_text("另一窗口写下的内容")
    server.tell("mend")
    dialog.get_by_text("服务器上的内容").click()
    call.get_by_test_id("conflict-save").click()
    expect(dialog).to_be_hidden()
    expect(call.get_by_test_id("field-title")).to_have_value("另一窗口写下的内容")


def test_a_text_that_could_not_be_sent_is_sent_after_the_desk_has_moved_on(call: Page, server: StandIn) -> None:
    server.tell("records-down")
    call.get_by_test_id("field-demand").fill("换单前写下的诉求")
    expect(call.get_by_test_id("save-state")).to_have_attribute("data-state", "local", timeout=10_000)
    server.tell("end")
    expect(call.get_by_test_id("wrap-up")).to_be_visible()
    server.tell("ready")
    expect(call.get_by_test_id("desk")).to_have_attribute("data-mode", "idle")
    call.get_by_test_id("unsent-look").click()
    expect(call.get_by_test_id("unsent-draft")).to_contain_text("换单前写下的诉求")
    call.wait_for_timeout(400)  # half-faded text has no contrast
    assert complaints(call) == []
    call.keyboard.press("Escape")
    call.get_by_test_id("shift-sign-out").click()
    expect(call.get_by_test_id("desk")).to_have_attribute("data-mode", "signed_out")
    call.get_by_test_id("account").click()
    call.get_by_test_id("session-sign-out").click()
    expect(call.get_by_role("alertdialog")).to_be_visible()
    call.get_by_test_id("ask-cancel").click()
    with call.expect_response(
        lambda response: response.request.method == "PATCH" and response.status == 200, timeout=15_000
    ) as taken:
        server.tell("mend")
    assert taken.value.request.post_data_json["fields"] == {"demand": "换单前写下的诉求"}
    expect(call.get_by_test_id("strip-unsent")).to_have_count(0)


def test_a_ticket_is_submitted_as_it_was_shown_or_not_at_all(call: Page, server: StandIn) -> None:
    sent: list[str] = []
    call.on("request", lambda request: sent.append(request.url) if request.url.endswith("/submit") else None)
    server.tell("another-address")
    call.get_by_test_id("disposition-dispatch").click()
    call.get_by_test_id("submit-ticket").click()
    expect(call.get_by_text("事发地址 刚有变化，请核对后再提交")).to_be_visible()
    expect(call.get_by_test_id("field-address")).to_have_value("城区驿后小区5号楼")
    assert len(sent) == 1
    call.get_by_test_id("submit-ticket").click()
    expect(call.get_by_test_id("ticket-number")).to_be_visible()


def test_nothing_can_be_taken_into_a_ticket_that_was_submitted(call: Page) -> None:
    offers = call.locator("[data-testid^=accept-]:not([data-testid=accept-all]), [data-testid^=option-]")
    expect(offers.first).to_be_visible()
    call.get_by_test_id("disposition-dispatch").click()
    call.get_by_test_id("submit-ticket").click()
    expect(call.get_by_test_id("ticket-number")).to_be_visible()
    expect(offers).to_have_count(0)
    expect(call.get_by_test_id("accept-all")).to_be_disabled()


def test_the_closing_note_is_the_machines_until_a_person_changes_it(call: Page) -> None:
    note = call.get_by_test_id("summary")
    expect(note).to_have_value("来电人反映小区4号楼东面垃圾池异味。诉求：尽快清运并加盖。已告知派给环卫部门办理。")
    expect(call.get_by_test_id("summary-suggested")).to_contain_text("74%")
    note.fill("")
    expect(note).to_have_value("")
    with call.expect_request(lambda request: request.method == "PATCH") as saved:
        note.fill("已告知三日内清运。")
    assert saved.value.post_data_json["fields"].keys() == {"summary"}
    call.get_by_test_id("disposition-dispatch").click()
    with call.expect_request("**/submit") as sent:
        call.get_by_test_id("submit-ticket").click()
    assert sent.value.post_data_json["summary"] == "已告知三日内清运。"


def test_a_closing_note_that_was_only_offered_is_submitted_as_it_stands(call: Page) -> None:
    note = call.get_by_test_id("summary").input_value()
    call.get_by_test_id("disposition-dispatch").click()
    with call.expect_request("**/submit") as sent:
        call.get_by_test_id("submit-ticket").click()
    assert note == sent.value.post_data_json["summary"] != ""


def test_another_category_or_department_is_taken_by_the_keyboard(call: Page) -> None:
    categories, departments = call.get_by_test_id("option-category_code"), call.get_by_test_id("option-department")
    expect(categories).to_have_text(["道路清扫 11%", "路灯照明 4%"])
    expect(departments).to_have_text(["城市管理局 15%", "住房和城乡建设局 7%"])
    call.get_by_test_id("dismiss-category_code").focus()
    call.keyboard.press("Tab")
    expect(categories.first).to_be_focused()
    with call.expect_request(lambda request: request.method == "PATCH") as saved:
        call.keyboard.press("Enter")
    assert saved.value.post_data_json["fields"] == {"category_code": "0101"}
    expect(call.get_by_test_id("row-category_code")).to_have_attribute("data-origin", "typed")
    expect(call.get_by_test_id("field-category_code")).to_have_attribute("data-value", "0101")


def test_the_second_group_of_fields_tells_what_is_in_it_and_unfolds(call: Page) -> None:
    expect(call.get_by_test_id("details-told")).to_have_text("需要回复 是、重复诉求 是")
    call.get_by_test_id("details-fold").focus()
    call.keyboard.press("Enter")
    call.get_by_test_id("field-people_count").fill("12")
    call.get_by_test_id("accept-repeat_count").click()
    expect(call.get_by_test_id("field-repeat_count")).to_have_value("3")
    call.wait_for_timeout(400)  # half-faded text has no contrast
    assert complaints(call) == []
    assert not spills(call)
    expect(call.get_by_test_id("submit-ticket")).to_be_in_viewport()
    call.get_by_test_id("details-fold").click()
    expect(call.get_by_test_id("details-told")).to_have_text("需要回复 是、涉及人数 12、重复诉求 是、反映次数 3")


def test_the_stand_in_knows_the_servers_own_rules(server: StandIn) -> None:
    told = httpx.get(f"{server.url}/api/v1/reference").raise_for_status().json()["fields"]
    assert told == reference(Lexicon.load()).model_dump(mode="json")["fields"]


def test_the_form_goes_by_the_servers_rules(call: Page) -> None:
    for name, longest in (("title", "80"), ("demand", "1000"), ("subject", "120"), ("description", "4000")):
        expect(call.get_by_test_id(f"field-{name}")).to_have_attribute("maxlength", longest)
    call.get_by_test_id("field-address").fill("")
    expect(call.get_by_test_id("missing")).to_contain_text("事发地址")
    call.get_by_test_id("disposition-direct_answer").click()
    expect(call.get_by_test_id("missing")).to_have_count(0)
    call.get_by_test_id("disposition-dispatch").click()
    expect(call.get_by_test_id("missing")).to_contain_text("事发地址")
    call.get_by_test_id("field-appeal_type-咨询").click()
    expect(call.get_by_test_id("missing")).to_have_count(0)


def test_a_decision_says_which_draft_was_seen(call: Page) -> None:
    with call.expect_request("**/suggestions/title") as accepted:
        call.get_by_test_id("accept-title").click()
    assert accepted.value.post_data_json["version"] >= 3
    expect(call.get_by_test_id("row-title")).to_have_attribute("data-origin", "accepted")
    with call.expect_request("**/accept-all") as all_accepted:
        call.get_by_test_id("accept-all").click()
    assert all_accepted.value.post_data_json["version"] > accepted.value.post_data_json["version"]


def test_a_server_that_starts_again_leaves_no_call_of_before_on_the_desk(call: Page, server: StandIn) -> None:
    server.tell("end")
    expect(call.get_by_test_id("wrap-up")).to_be_visible()
    server.tell("restart")
    expect(call.get_by_test_id("desk")).to_have_attribute("data-mode", "signed_out", timeout=10_000)
    expect(call.get_by_test_id("turn")).to_have_count(0)
    expect(call.get_by_test_id("ticket-form")).to_have_count(0)


def test_a_refused_password_is_asked_for_again_where_it_was_typed(page: Page) -> None:
    page.get_by_test_id("username").fill("8001")
    page.get_by_test_id("password").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("sign-in-failure")).not_to_be_empty()
    expect(page.get_by_test_id("password")).to_be_focused()


def test_keys_of_the_form_do_not_reach_behind_a_dialog(call: Page) -> None:
    sent: list[str] = []
    call.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    call.get_by_test_id("disposition-direct_answer").click()
    call.get_by_test_id("reveal-number").click()
    call.get_by_test_id("reveal-reason").fill("回拨核实")
    call.keyboard.press("Control+Shift+Enter")
    call.keyboard.press("Alt+Enter")
    expect(call.get_by_test_id("reveal-reason")).to_be_visible()
    call.keyboard.press("Control+Enter")  # the dialog's own
    expect(call.get_by_test_id("caller-number")).to_have_text("13800000000")
    assert [url for url in sent if "/drafts/" in url] == []


def test_a_suggestion_that_comes_or_goes_moves_nothing(call: Page) -> None:
    below = call.get_by_test_id("row-description")
    before = below.bounding_box()
    call.get_by_test_id("dismiss-title").click()
    expect(call.get_by_test_id("suggestion-title")).to_have_attribute("data-status", "dismissed")
    call.get_by_test_id("field-town").fill("城关街道")
    assert below.bounding_box() == before


def test_at_200_percent_nothing_spills_and_everything_can_be_reached(call: Page, server: StandIn) -> None:
    call.set_viewport_size({"width": 683, "height": 384})
    for step, place in (("hold", "call-bar"), ("end", "wrap-up"), ("ready", "status"), ("ring", "ring-dialog")):
        server.tell(step)
        expect(call.get_by_test_id(place)).to_be_visible()
        assert call.evaluate("document.documentElement.scrollWidth <= innerWidth"), place
        assert call.evaluate("document.getElementById('main').scrollWidth <= innerWidth"), place


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


def test_a_window_that_takes_the_seat_back_begins_anew(desk: Page, window: BrowserContext, server: StandIn) -> None:
    second = window.new_page()
    second.goto(server.url)
    second.get_by_test_id("take-over").click()
    expect(second.get_by_test_id("desk")).to_be_visible()
    desk.evaluate("window.stillHere = true")
    desk.get_by_test_id("take-over").click()
    expect(desk.get_by_test_id("desk")).to_be_visible()
    assert desk.evaluate("window.stillHere") is None
    expect(second.get_by_test_id("superseded")).to_be_visible()


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


def test_the_whole_number_is_shown_by_keys_alone_for_a_reason_and_one_at_a_time(call: Page) -> None:
    asked: list[str] = []
    call.on("request", lambda request: asked.append(request.url) if "reveal-number" in request.url else None)
    call.get_by_test_id("reveal-number").focus()
    call.keyboard.press("Enter")
    expect(call.get_by_test_id("reveal-reason")).to_be_focused()
    call.keyboard.press("Enter")
    call.keyboard.press("Control+e")  # of the desk behind: not now
    expect(call.get_by_test_id("emergency")).to_have_count(0)
    call.get_by_role("button", name="回拨核实").click()
    expect(call.get_by_role("button", name="回拨核实")).to_have_attribute("aria-pressed", "true")
    assert asked == []
    call.get_by_test_id("reveal-reason").focus()
    call.keyboard.press("Enter")
    expect(call.get_by_test_id("caller-number")).to_have_text("13800000000")
    expect(call.get_by_test_id("reveal-reason")).to_have_count(0)
    assert len(asked) == 1
