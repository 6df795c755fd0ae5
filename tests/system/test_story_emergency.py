"""Danger in one story: by three keys 110 is in the call, the operator leaves, the citizen goes on with it.

Two operators in two browsers, a simulated 110 that rings and speaks, a 119 whose ways fail as they are told to. Whose
voice is heard is real, and its text is dictated.
"""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from playwright.sync_api import expect

from api.auth.permissions import Role
from api.demo.children import Child
from asr.engines.scripted_engine import Line, ScriptedRecognizer
from asr.worker import Worker
from tests.fakes.far_ends import far_ends, loop_apart
from tests.fakes.sip_phones import answering, refusing
from tests.fakes.spoken import FOLDER, letters, spoken
from tests.system.browser import Desk, wait_for, windows
from tests.system.hotline import Hotline
from tests.system.stage import House
from tests.system.switch import RunningSwitch

pytestmark = [pytest.mark.asterisk, pytest.mark.browser]

CITIZEN = "15433061709"
FIRST, SECOND = "8001", "8002"
KITCHEN_SMOKE = Path(str(resources.files("api.demo") / "speech" / "kitchen-smoke.wav"))
CENTRE_SAYS = FOLDER / "which-compound.wav"
SAID = "请问是哪个小区"
CLICK_TO_INVITE_MS = 300.0
CLICKS = 5
PRESSES = """window.pressed = [];
addEventListener("keydown", e => { if (e.key === "Enter") pressed.push(performance.timeOrigin + e.timeStamp) }, true)"""
"""Epoch ms of every Enter, as the browser took it from the keyboard."""


@dataclass
class Story:
    house: House
    desk: Desk
    colleague: Desk
    invites: Path

    @property
    def switch(self) -> RunningSwitch:
        return self.house.switch

    def post(self, who: str, path: str, body: dict[str, Any]) -> None:
        with self.house.api(who) as client:
            client.post(path, json=body, headers={"Idempotency-Key": secrets.token_hex(16)}).raise_for_status()

    def ready(self, who: str = FIRST) -> None:
        """After a call: nothing is left to write."""
        self.post(who, "/shift/wrap-up/finish", {})
        self.post(who, "/shift/status", {"status": "ready"})

    def handoff(self, centre: str) -> dict[str, Any]:
        """The latest row of the ledger, whole."""
        with self.house.api(FIRST) as client:
            rows = client.get("/handoffs", params={"centre": centre}).raise_for_status().json()["items"]
            row: dict[str, Any] = client.get(f"/handoffs/{rows[0]['id']}").raise_for_status().json()
            return row

    def invited_at(self) -> list[float]:
        """Epoch ms of every INVITE that 110 has seen."""
        told = self.invites.read_text("utf-8", errors="replace") if self.invites.exists() else ""
        when = r"^-+ (\d{4}-\d\d-\d\d)[ \tT]([\d:.]+)Z?"  # T and Z in newer versions of SIPp
        found = re.findall(when + r"\n\S* message received.*\n\nINVITE sip", told, re.MULTILINE)
        stamps = (datetime.fromisoformat(f"{day}T{hour}").replace(tzinfo=UTC) for day, hour in found)
        return [stamp.timestamp() * 1000 for stamp in stamps]


@pytest.fixture(scope="module")
def story(switch: RunningSwitch) -> Iterator[Story]:
    expect.set_options(timeout=15_000)
    home = switch.asterisk.home.parent
    with dictated(SAID) as address:
        hotline = Hotline(
            home, switch.ports, speech_engine="vosk_server", speech_servers=(address,), speech_fallback=False
        )
        accounts = {name: hotline.account(name, Role.OPERATOR, seat=name) for name in (FIRST, SECOND)}
        with hotline, police(switch, home / "invites.log"), windows() as opened:
            hotline.wait_until_live()
            house = House(switch, hotline, accounts, opened, words=spoken("smoke-under-the-window"))
            desk, colleague = (house.desk(who, scripts=(PRESSES,)) for who in accounts)
            desk.start_shift()
            yield Story(house, desk, colleague, home / "invites.log")
    expect.set_options(timeout=5_000)


@contextmanager
def dictated(text: str) -> Iterator[str]:
    """The address of a recogniser that hears this in whatever is said, so that it needs no model and no time."""
    said = [Line(start_s=0.0, end_s=1.0, text=text)] * 200

    async def open_() -> tuple[Worker, int]:
        worker = Worker(ScriptedRecognizer({"*": said}))
        return worker, await worker.start("127.0.0.1", 0)

    with loop_apart() as run:
        worker, port = run(open_())
        yield f"ws://127.0.0.1:{port}"
        run(worker.stop())


def police(switch: RunningSwitch, invites: Path) -> Child:
    """110, which writes down what it receives."""
    sipp = [*switch.phones.sipp, "-trace_msg", "-message_file", str(invites)]
    media = switch.ports.far_media[0] + 160
    phone = replace(switch.phones, sipp=sipp, host="127.0.0.3", port=switch.ports.centres, media_port=media)
    return phone.desk("centre-110", CENTRE_SAYS, ring_s=0.3)


@contextmanager
def talking(story: Story, name: str, *, stay_s: float) -> Iterator[Child]:
    """A citizen and the first operator."""
    with story.switch.citizen(name, number=CITIZEN, patience_s=20, stay_s=stay_s, speech=KITCHEN_SMOKE) as citizen:
        expect(story.desk["ring-dialog"]).to_be_visible(timeout=15_000)
        story.desk["answer"].click()
        story.desk.expect_status("talking")
        expect(story.desk["ticket-form"]).to_be_visible()
        call_id = story.desk.page.evaluate("window.__hotline.state().callId")
        try:
            yield citizen
        finally:
            if story.desk["status"].get_attribute("data-status") == "talking":
                story.post(FIRST, f"/calls/{call_id}/hang-up", {})
            story.desk.expect_status("wrapping_up")
            story.ready()


def call_centre(desk: Desk, key: str) -> None:
    desk.page.keyboard.press("Control+e")
    desk.page.keyboard.press(key)
    desk.page.keyboard.press("Enter")


def expect_state(desk: Desk, state: str, timeout_s: float = 10) -> None:
    expect(desk["transfer"]).to_have_attribute("data-state", state, timeout=timeout_s * 1000)


def hand_over(desk: Desk) -> None:
    expect(desk["transfer-leave"]).to_be_enabled()
    desk.page.keyboard.press("Control+Enter")
    expect(desk["ask-confirm"]).to_be_focused()
    desk.page.keyboard.press("Enter")


def faults(desk: Desk) -> list[str]:
    """But for a receipt that met a newer row of the ledger: the console puts it on top of that one."""
    return [fault for fault in desk.faults if not ("409 (Conflict)" in fault and "/handoffs/" in fault)]


def party(desk: Desk, role: str) -> Any:
    return desk.page.locator(f'[data-testid="party"][data-role="{role}"]')


def test_three_keys_bring_110_into_the_call_and_the_citizen_goes_on_with_it_alone(story: Story) -> None:
    desk = story.desk
    with talking(story, "in-danger", stay_s=40) as citizen:
        call_id = desk.page.evaluate("window.__hotline.state().callId")
        desk.field("address").fill("驿后小区3号楼")
        expect(desk["save-state"]).to_have_attribute("data-state", "saved", timeout=10_000)
        taken = [_click(story) for _ in range(CLICKS)]
        print(f"Enter to INVITE at 110: p50 {median(taken):.0f} ms, longest {max(taken):.0f} ms of {CLICKS}")
        assert median(taken) <= CLICK_TO_INVITE_MS, taken

        call_centre(desk, "1")
        expect_state(desk, "joined")
        expect(party(desk, "centre")).to_have_attribute("data-state", "talking")
        expect(desk["party"]).to_have_count(3)
        expect(desk["script"]).to_contain_text("驿后小区3号楼")
        desk.screenshot("three-way")
        desk["transfer-private"].click()
        expect_state(desk, "private")
        expect(party(desk, "citizen")).to_have_attribute("data-state", "music")
        desk["transfer-together"].click()
        expect_state(desk, "joined")
        expect(party(desk, "citizen")).to_have_attribute("data-state", "talking")
        desk["handoff-receipt"].fill("JQ-0042")
        hand_over(desk)
        expect_state(desk, "handed_over")
        desk.expect_status("wrapping_up")
        expect(desk["wrap-up"]).to_be_visible()
        desk.screenshot("handed-over")
        _goes_on_to_speak(story, call_id, "centre")
        _goes_on_to_speak(story, call_id, "caller")
        assert citizen.running, "the citizen talks on with 110"
        row = wait_for(lambda: (found := story.handoff("110"))["receipt"] and found, "the receipt in the ledger")
        assert (row["state"], row["receipt"], row["call_id"]) == ("handed_over", "JQ-0042", call_id)
        assert citizen.wait(60) == 0
    row = wait_for(lambda: (found := story.handoff("110"))["ended_at"] and found, "the end of the handoff")
    steps = [step["step"] for step in row["steps"]]
    assert steps.count("receipt") == 1, "it is saved while the operator leaves already: before or after that"
    seen = ["requested", "answered", "joined", "private", "joined", "handed_over", "completed"]
    assert [step for step in steps if step not in ("ringing", "receipt")] == seen
    assert row["outcome"] == "completed"
    assert faults(desk) == []


def _click(story: Story) -> float:
    """Milliseconds from Enter to the INVITE at 110; the leg is taken back at once."""
    desk, seen = story.desk, len(story.invited_at())
    call_centre(desk, "1")
    expect_state(desk, "joined")
    wait_for(lambda: len(story.invited_at()) > seen, "an INVITE")
    desk["transfer-drop"].click()
    expect_state(desk, "ended")
    pressed: list[float] = desk.page.evaluate("pressed")
    return story.invited_at()[-1] - pressed[-1]


def _said(story: Story, call_id: str, who: str) -> int:
    """How many letters of that party's are in the record."""
    with story.house.api(FIRST) as client:
        turns = client.get(f"/calls/{call_id}/transcript").raise_for_status().json()["turns"]
    return len(letters("".join(turn["text"] for turn in turns if turn["who"] == who)))


def _goes_on_to_speak(story: Story, call_id: str, who: str) -> None:
    """What is said from now on comes into the record."""
    said = _said(story, call_id, who)
    wait_for(lambda: _said(story, call_id, who) > said + len(SAID), f"more words of the {who}", 30)


def test_a_way_that_is_busy_is_named_and_where_no_way_works_the_citizen_stays(story: Story) -> None:
    desk, port = story.desk, story.switch.ports.centres
    with talking(story, "fire", stay_s=90) as citizen:
        with far_ends(port, {"127.0.0.4": refusing(486), "127.0.1.4": answering}) as phones:
            call_centre(desk, "2")
            expect(desk["way-failed"]).to_have_text("✕ 主线：忙线", timeout=10_000)
            expect_state(desk, "joined")
            assert [len(phone.talks) for phone in phones.values()] == [1, 1]
            desk["transfer-drop"].click()
            expect_state(desk, "ended")
        with far_ends(port, {"127.0.0.4": refusing(486), "127.0.1.4": refusing(603)}):
            call_centre(desk, "2")
            expect_state(desk, "ended")
            expect(desk["transfer"]).to_have_attribute("data-outcome", "failed")
            expect(desk["way-failed"]).to_have_text(["✕ 主线：忙线", "✕ 备线：对方拒接"])
            desk.screenshot("both-ways-failed")
        desk.expect_status("talking")
        assert citizen.running
        row = story.handoff("119")
        assert (row["outcome"], row["responsible"]) == ("failed", "12345")
        _the_line_is_kept(story)
        _hanging_up_takes_two_presses(story, citizen)
    assert faults(desk) == []


def _the_line_is_kept(story: Story) -> None:
    """Nobody is handed on, whatever is pressed, until the operator lets go."""
    desk = story.desk
    desk["call-more"].click()
    desk["keep-line-on"].click()
    expect(desk["keep-line"]).to_be_visible()
    call_centre(desk, "1")
    expect_state(desk, "joined")
    expect(desk["transfer-leave"]).to_be_disabled()
    desk.page.keyboard.press("Control+Enter")
    expect(desk["ask-confirm"]).to_have_count(0)
    with story.house.api(FIRST) as client:
        call_id = desk.page.evaluate("window.__hotline.state().callId")
        key = {"Idempotency-Key": secrets.token_hex(16)}
        assert client.post(f"/calls/{call_id}/transfer/leave", json={}, headers=key).status_code == 409
    desk["keep-line-off"].click()
    desk["ask-confirm"].click()
    expect(desk["transfer-leave"]).to_be_enabled()


def _hanging_up_takes_two_presses(story: Story, citizen: Child) -> None:
    """With 110 in the call; the citizen then stays with it, as after a hand-over."""
    desk = story.desk
    desk.page.keyboard.press("F4")
    expect(desk["hang-up"]).to_have_attribute("data-armed", "true")
    desk.expect_status("talking")
    desk.page.wait_for_timeout(400)
    desk.page.keyboard.press("F4")
    desk.expect_status("wrapping_up")
    wait_for(lambda: story.handoff("110")["state"] == "handed_over", "the hand-over in the ledger")
    assert citizen.running


def test_a_citizen_whom_110_sends_rings_before_who_waited_longer_and_brings_its_summary(story: Story) -> None:
    desk, summary = story.desk, "驿后小区路灯杆倾斜，已到场，非警务类"
    story.post(FIRST, "/shift/status", {"status": "paused", "reason": "rest"})
    header = base64.urlsafe_b64encode(summary.encode()).decode().rstrip("=")
    headers = {"X-Handover-Summary": header, "X-Handover-Number": "15400000009"}
    with story.switch.citizen("waits", number=CITIZEN, stay_s=12) as waits:
        expect(desk["queue-count"]).to_have_text("1", timeout=10_000)
        with story.switch.citizen("from-110", number="110", stay_s=30, host="127.0.0.3", headers=headers):
            expect(desk["queue-count"]).to_have_text("2", timeout=10_000)
            story.post(FIRST, "/shift/status", {"status": "ready"})
            expect(desk["ring-dialog"]).to_be_visible(timeout=15_000)
            expect(desk["ring-centre"]).to_contain_text("来自110")
            expect(desk["ring-summary"]).to_contain_text(summary)
            expect(desk["ring-number"]).to_have_text("154****0009")
            desk.screenshot("from-110")
            desk["answer"].click()
            desk.expect_status("talking")
            desk.page.keyboard.press("F4")
            desk.expect_status("wrapping_up")
        assert waits.wait(30) == 0
    story.ready()
    assert faults(desk) == []


def test_a_colleague_is_consulted_takes_over_and_writes_the_ticket_on(story: Story) -> None:
    desk, colleague = story.desk, story.colleague
    with talking(story, "handed-on", stay_s=60) as citizen:
        call_id = desk.page.evaluate("window.__hotline.state().callId")
        desk.field("title").fill("老马家铜锅涮肉油烟扰民")
        expect(desk["save-state"]).to_have_attribute("data-state", "saved", timeout=10_000)
        wait_for(lambda: _said(story, call_id, "caller"), "the caller's words", 30)
        colleague.start_shift()
        desk.page.keyboard.press("Control+k")
        desk["target-search"].fill(f"座席{SECOND}")
        expect(desk[f"target-agent-{SECOND}"]).to_contain_text("空闲")
        desk["mode-consult"].check()
        desk["target-search"].focus()
        desk.page.keyboard.press("Enter")
        expect(colleague["ring-dialog"]).to_be_visible(timeout=10_000)
        colleague.screenshot("asked-by-a-colleague")
        colleague["answer"].click()
        expect_state(desk, "private")
        expect(party(desk, "citizen")).to_have_attribute("data-state", "music")
        hand_over(desk)
        desk.expect_status("wrapping_up")
        colleague.expect_status("talking")
        expect(colleague.turns("caller", final=True).first).to_be_visible(timeout=10_000)
        expect(colleague.field("title")).to_have_value("老马家铜锅涮肉油烟扰民")
        colleague.field("address").fill("驿后小区3号楼底商")
        expect(colleague["save-state"]).to_have_attribute("data-state", "saved", timeout=10_000)
        colleague.screenshot("taken-over")
        assert citizen.running
        wait_for(lambda: colleague.counters()["packetsReceived"] > 50, "the citizen's voice")
        _goes_on_to_speak(story, call_id, "agent")
        colleague.page.keyboard.press("F4")
    colleague.expect_status("wrapping_up")
    assert (faults(desk), faults(colleague)) == ([], [])
