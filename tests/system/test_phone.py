"""The softphone's own keys on real media, and what becomes of a talk whose signalling is cut or falls silent."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.fakes.tcp_path import TcpPath
from tests.system.browser import Desk
from tests.system.stage import CITIZEN, signed_in
from tests.system.switch import RunningSwitch, StartSwitch

pytestmark = [pytest.mark.asterisk, pytest.mark.browser]


@contextmanager
def desk_at(switch: RunningSwitch, home: Path, **settings: object) -> Iterator[Desk]:
    """An operator who is ready; speech is not recognised."""
    with signed_in(switch, home, **settings) as stage:
        stage.desk.start_shift()
        yield stage.desk


def answer(desk: Desk) -> None:
    expect(desk["answer"]).to_be_enabled(timeout=15_000)
    desk.page.keyboard.press("F2")
    desk.expect_status("talking")


def packets_in(desk: Desk, seconds: float) -> int:
    """How many packets of the citizen arrive in that time."""
    before = desk.counters()["packetsReceived"]
    desk.page.wait_for_timeout(seconds * 1000)
    after = desk.counters()["packetsReceived"]
    assert isinstance(after, int)
    assert isinstance(before, int)
    return after - before


def test_mute_hold_and_hang_up_by_key_and_the_end_of_wrap_up(start_switch: StartSwitch, tmp_path: Path) -> None:
    switch = start_switch(home=tmp_path)
    with desk_at(switch, tmp_path) as desk:
        keys = desk.page.keyboard
        with switch.citizen("first", number=CITIZEN, patience_s=20, stay_s=60, loops=-1) as citizen:
            answer(desk)
            desk.page.wait_for_timeout(1500)
            keys.press("F9")
            expect(desk["mute"]).to_have_attribute("aria-pressed", "true")
            keys.press("F9")
            expect(desk["mute"]).to_have_attribute("aria-pressed", "false")
            keys.press("F8")
            expect(desk["hold"]).to_have_attribute("aria-pressed", "true")
            desk.page.wait_for_timeout(1000)
            assert packets_in(desk, 1) < 5, "a citizen on hold hears music and is not heard"
            keys.press("F8")
            expect(desk["hold"]).to_have_attribute("aria-pressed", "false")
            desk.page.wait_for_timeout(1000)
            assert packets_in(desk, 1) > 30
            keys.press("F4")
            desk.expect_status("wrapping_up")
            assert citizen.wait(10) == 0, "the citizen's phone was told"
        desk["wrap-up-extend"].click()
        desk["disposition-dispatch"].click()
        desk["submit-paused"].click()
        expect(desk["missing"]).to_be_visible()
        desk.screenshot("missing")
        desk["disposition-invalid"].click()
        desk["submit-paused"].click()
        desk.expect_status("paused")
        desk["go-ready"].click()
        desk.expect_status("ready")
        desk["shift-sign-out"].click()
        desk.expect_status("signed_out")
        expect(desk["link-phone"]).to_have_attribute("data-state", "off")
        assert [fault for fault in desk.faults if "status of 422" not in fault] == []  # the one that was incomplete


@pytest.mark.parametrize("fault", ["cut", "swallowed"])
def test_a_talk_outlives_its_signalling_and_still_ends_when_the_citizen_hangs_up(
    fault: str, start_switch: StartSwitch, tmp_path: Path
) -> None:
    switch = start_switch(home=tmp_path)
    with (
        TcpPath(switch.ports.http) as path,
        desk_at(switch, tmp_path, sip_ws_url=f"ws://127.0.0.1:{path.port}/ws") as desk,
        switch.citizen("first", number=CITIZEN, patience_s=20, stay_s=28, loops=-1),
    ):
        answer(desk)
        desk.page.wait_for_timeout(1500)
        began = time.monotonic()
        if fault == "cut":
            path.cut()
        else:
            path.swallow()
        expect(desk["link-phone"]).to_have_attribute("data-state", "down", timeout=16_000)
        expect(desk["strip-phone"]).to_be_visible()
        desk.screenshot(f"signalling-{fault}")
        assert packets_in(desk, 1) > 30, "the sound goes on"
        path.mend()
        expect(desk["link-phone"]).to_have_attribute("data-state", "ok", timeout=16_000)
        assert time.monotonic() - began < 27, "back before the citizen hangs up"
        assert packets_in(desk, 1) > 30
        expect(desk["wrap-up"]).to_be_visible(timeout=40_000)
        desk.expect_status("wrapping_up")
        assert desk.page.evaluate("window.__hotline.marks.at(-1).name") == "ended"
