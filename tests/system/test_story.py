"""The spine in one story: a citizen calls 12345, an operator in a browser answers, the ticket is in the database."""

from __future__ import annotations

import wave
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest
from playwright.sync_api import expect
from rapidfuzz.distance import LCSseq

from tests.fakes.spoken import letters, spoken
from tests.system.browser import Desk, wait_for
from tests.system.stage import CITIZEN, Stage, signed_in
from tests.system.switch import StartSwitch

pytestmark = [pytest.mark.asterisk, pytest.mark.browser, pytest.mark.speech]

KITCHEN_SMOKE = Path(str(resources.files("api.demo") / "speech" / "kitchen-smoke.wav"))
QUESTION = spoken("which-compound")


@pytest.fixture
def stage(start_switch: StartSwitch, tmp_path: Path) -> Iterator[Stage]:
    with signed_in(start_switch(home=tmp_path), tmp_path, words=QUESTION) as stage:
        yield stage


def test_a_call_goes_from_the_ring_to_a_ticket_and_a_second_caller_who_gives_up_is_a_missed_call(stage: Stage) -> None:
    desk = stage.desk
    desk.start_shift()

    with stage.switch.citizen("first", number=CITIZEN, patience_s=20, stay_s=45, speech=KITCHEN_SMOKE):
        expect(desk["ring-dialog"]).to_be_visible(timeout=15_000)
        expect(desk["ring-number"]).to_have_text("154****1709")
        desk.screenshot("ringing")
        desk["answer"].click()
        expect(desk["call-bar"]).to_be_visible()
        desk.expect_status("talking")
        call_id = desk.page.evaluate("window.__hotline.state().callId")

        expect(desk.turns("caller").first).to_be_visible(timeout=20_000)
        _each_ones_words_stand_under_their_name(desk)
        assert desk.counters()["packetsReceived"] > 100, "the operator hears the citizen"
        assert desk.counters()["packetsSent"] > 100, "the operator's microphone is sent"

        _the_form_fills_itself(desk)
        _the_operator_has_the_last_word(desk)
        desk.screenshot("talking")

        expect(desk["wrap-up"]).to_be_visible(timeout=40_000)
    desk.expect_status("wrapping_up")
    expect(desk.field("title")).to_have_value("老马家铜锅涮肉油烟扰民")
    note = _submit(desk)

    ticket = _only_ticket(stage)
    assert ticket["summary"] == note != ""
    assert ticket["title"] == "老马家铜锅涮肉油烟扰民"
    assert ticket["call_id"] == call_id
    _call_recording_and_transcript_hang_together(stage, call_id)

    with stage.switch.citizen("second", number=CITIZEN, stay_s=6):
        expect(desk["ring-dialog"]).to_be_visible(timeout=15_000)
        expect(desk["ring-dialog"]).to_contain_text("老马家铜锅涮肉油烟扰民")
        desk.screenshot("ringing-again")
        expect(desk["ring-dialog"]).to_be_hidden(timeout=15_000)
    missed = wait_for(lambda: _missed(stage), "a missed call")
    assert [call["outcome"] for call in missed] == ["abandoned"]
    expect(desk["missed-call"]).to_have_count(1)
    desk.screenshot("missed")
    assert [fault for fault in desk.faults if not _told_so(fault)] == []


def _told_so(fault: str) -> bool:
    """A browser logs every refusal; that of a form that was changing is expected (``_submit``)."""
    return "409 (Conflict)" in fault and fault.endswith("/submit")


def _each_ones_words_stand_under_their_name(desk: Desk) -> None:
    """What stands under a name follows that person's words, and not the other's. The recogniser is small."""
    said = {
        "caller": letters(KITCHEN_SMOKE.with_suffix(".txt").read_text("utf-8")),
        "agent": letters(QUESTION.text) * 4,
    }
    for who, other in (("caller", "agent"), ("agent", "caller")):
        heard = wait_for(lambda who=who: _enough(desk, who), f"the words of the {who}", 30)
        own, foreign = (LCSseq.similarity(said[each], heard) / len(heard) for each in (who, other))
        assert own > max(0.35, foreign), heard


def _enough(desk: Desk, who: str) -> str:
    heard = letters("".join(desk.turns(who, final=True).locator("p").all_inner_texts()))
    return heard if len(heard) > 15 else ""


def _the_form_fills_itself(desk: Desk) -> None:
    """At least the matter's category, what else it could be, and the phone come by themselves, with their words."""
    expect(desk["suggestion-category_code"]).to_be_visible(timeout=30_000)
    expect(desk["suggestion-contact_phone"]).to_be_visible(timeout=30_000)
    expect(desk["option-category_code"].first).to_be_visible()
    desk["row-category_code"].hover()
    expect(desk["mark-category_code"].first).to_be_visible()
    assert desk["mark-category_code"].first.inner_text() in desk["transcript"].inner_text()


def _the_operator_has_the_last_word(desk: Desk) -> None:
    desk.field("title").fill("老马家铜锅涮肉油烟扰民")
    expect(desk["save-state"]).to_have_attribute("data-state", "saved", timeout=10_000)


def _submit(desk: Desk) -> str:
    """The closing note as the machine had worded it by then.

    Who submits while the last words of the talk are changing the form is told so, and submits again.
    """
    desk["field-appeal_type-投诉"].click()
    if not desk.field("address").input_value():
        desk.field("address").fill("锦绣花园3栋底商")
    if not desk.field("description").input_value():
        desk.field("description").fill("饭店油烟直排。")
    desk["disposition-dispatch"].click()
    expect(desk["summary-suggested"]).to_be_visible()
    expect(desk["submit-ready"]).to_be_enabled()
    told = desk.page.get_by_text("刚有变化，请核对后再提交")
    submitted = desk.page.locator('[data-testid="status"][data-status="ready"]')
    for _ in range(3):
        press = "document.querySelector('[data-testid=submit-ready]').click()"
        note: str = desk["summary"].evaluate(f"(line) => {{ const note = line.value; {press}; return note; }}")
        expect(submitted.or_(told).first).to_be_visible(timeout=10_000)
        if told.count() == 0:
            break
        print("told that the form has changed")
        expect(told).to_have_count(0, timeout=10_000)
    desk.expect_status("ready")
    return note


def _only_ticket(stage: Stage) -> dict[str, str]:
    with stage.api(stage.operator) as client:
        [row] = client.get("/tickets").raise_for_status().json()["items"]
        ticket: dict[str, str] = client.get(f"/tickets/{row['id']}").raise_for_status().json()
        return ticket | ticket.pop("fields", {})  # type: ignore[arg-type]


def _call_recording_and_transcript_hang_together(stage: Stage, call_id: str) -> None:
    with stage.api(stage.supervisor) as client:
        call = client.get(f"/calls/{call_id}").raise_for_status().json()
        assert call["outcome"] == "answered"
        assert call["talk_s"] > 20
        turns = client.get(f"/calls/{call_id}/transcript").raise_for_status().json()["turns"]
        assert {turn["who"] for turn in turns} == {"caller", "agent"}
        sound = client.get(f"/calls/{call_id}/recording", params={"leg": "both"}).raise_for_status()
    kept = stage.hotline.settings.home / "downloaded.wav"
    kept.write_bytes(sound.content)
    with wave.open(str(kept)) as file:
        assert file.getnchannels() == 2
        assert abs(file.getnframes() / file.getframerate() - call["talk_s"]) < 2


def _missed(stage: Stage) -> list[dict[str, str]]:
    with stage.api(stage.supervisor) as client:
        rows: list[dict[str, str]] = client.get("/calls", params={"missed": "true"}).raise_for_status().json()["items"]
        return rows
