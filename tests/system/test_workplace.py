"""An operator's workplace that goes away: nobody is left ready without a window, a microphone or a phone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from api.auth.permissions import Role
from tests.api.serving import Browser, LiveConsole
from tests.system.hotline import Hotline
from tests.system.switch import RunningSwitch, StartSwitch

pytestmark = pytest.mark.asterisk

SEAT = "8011"
WITHIN_S = 10.0


@dataclass
class Workplace:
    """Signed in at a desk phone; the window is a live stream without a page."""

    switch: RunningSwitch
    browser: Browser

    def pause_code(self) -> str:
        """Why the switch does not ring this seat; empty where it would."""
        with self.switch.ami() as ami:
            ami.ask(Action="QueueStatus", Queue="hotline", Member=f"PJSIP/{SEAT}")
            for _ in range(20):
                if any(frame.get("Event") == "QueueStatusComplete" for frame in ami.events):
                    break
                ami.listen(0.05)
            [member] = [frame for frame in ami.events if frame.get("Event") == "QueueMember"]
        return member["PausedReason"] if member["Paused"] == "1" else ""

    async def until(self, code: str) -> float:
        """How long it takes until the switch has this pause code, in seconds."""
        began = time.monotonic()
        while await asyncio.to_thread(self.pause_code) != code:
            assert time.monotonic() - began < WITHIN_S, "too late"
            await asyncio.sleep(0.1)
        return time.monotonic() - began


@asynccontextmanager
async def signed_in(switch: RunningSwitch, home: Path) -> AsyncIterator[Workplace]:
    hotline = Hotline(home, switch.ports, speech_engine="none")
    account = await asyncio.to_thread(hotline.account, SEAT, Role.OPERATOR, seat=SEAT)
    with hotline:
        await asyncio.to_thread(hotline.wait_until_live, speech=False)
        async with Browser(hotline.url) as browser:
            await browser.sign_in(account.username, account.password)
            answer = await browser.http.post("/shift/sign-in", json={})
            assert answer.status_code == 200, answer.text
            yield Workplace(switch, browser)


async def test_a_closed_window_and_a_missing_microphone_leave_nobody_ready(
    start_switch: StartSwitch, tmp_path: Path
) -> None:
    switch = start_switch(home=tmp_path)
    with switch.desk(SEAT):
        async with signed_in(switch, tmp_path) as at:
            await at.until("")
            async with LiveConsole.open(at.browser.url, await at.browser.ticket(), "me") as console:
                await console.until(lambda one: one.data["me"]["agent"]["status"] == "ready")
                await at.browser.http.post("/shift/device", json={"works": False})
                print(f"no microphone: {await at.until('device_lost'):.1f} s")
                await at.browser.http.post("/shift/device", json={"works": True})
                await at.until("")
            print(f"closed window: {await at.until('device_lost'):.1f} s")
            async with LiveConsole.open(at.browser.url, await at.browser.ticket(), "me"):
                await at.until("")
