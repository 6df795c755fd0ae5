"""The server as a process beside a real switch: either may be killed in the middle of a call."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from api.auth.permissions import Role
from tests.api.serving import Browser, LiveConsole
from tests.system.hotline import Account, Hotline
from tests.system.switch import RunningSwitch

pytestmark = pytest.mark.asterisk

SEAT = "8011"
NUMBER = "13800000000"


@dataclass
class Stage:
    switch: RunningSwitch
    hotline: Hotline
    account: Account

    async def until_linked(self, state: str = "live", timeout_s: float = 30) -> None:
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            try:
                parts = await asyncio.to_thread(self.hotline.parts)
            except OSError:
                parts = {}
            except Exception as error:
                parts = {"error": {"state": type(error).__name__}}
            if parts.get("switch", {}).get("state") == state:
                return
            await asyncio.sleep(0.1)
        raise TimeoutError(f"the link did not become {state}")

    @asynccontextmanager
    async def operator(self) -> AsyncIterator[tuple[Browser, LiveConsole]]:
        async with Browser(self.hotline.url) as browser:
            await browser.sign_in(self.account.username, self.account.password)
            async with LiveConsole.open(self.hotline.url, await browser.ticket(), "me", "queue") as console:
                yield browser, console

    async def talking(self, console: LiveConsole, timeout_s: float = 15) -> str:
        """The call that the operator talks on; its channel is subscribed."""
        call: str = await console.until(
            lambda seen: seen.data["me"]["agent"]["status"] == "talking" and seen.data["me"]["call"], timeout_s
        )
        await console.say({"t": "sub", "ch": f"call/{call}"})
        await console.until(lambda seen: seen.data[f"call/{call}"]["call"]["phase"] == "talking")
        return call


@pytest.fixture
async def stage(fresh_switch: RunningSwitch) -> AsyncIterator[Stage]:
    """An operator at a plain desk phone that answers by itself; no recogniser."""
    home = fresh_switch.recordings.parent / "server"
    hotline = Hotline(home, fresh_switch.ports, speech_engine="none")
    hotline.settings.keys_dir.mkdir(parents=True)
    secrets = fresh_switch.secrets
    hotline.settings.switch_secrets.write_text(f'{{"ami": "{secrets.ami}", "ari": "{secrets.ari}"}}')
    account = await asyncio.to_thread(hotline.account, "operator", Role.OPERATOR, seat=SEAT)
    await asyncio.to_thread(hotline.__enter__)
    try:
        made = Stage(fresh_switch, hotline, account)
        await made.until_linked()
        yield made
    finally:
        await asyncio.to_thread(hotline.__exit__, None, None, None)


async def record(browser: Browser, call: str) -> dict[str, Any]:
    answer = await browser.http.get(f"/calls/{call}")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def record_of_end(browser: Browser, call: str) -> dict[str, Any]:
    """The operator's state is told at once, the records of the end follow it."""
    async with asyncio.timeout(10):
        while (stored := await record(browser, call))["ended_at"] is None:  # noqa: ASYNC110 - a record is asked for, it calls nobody
            await asyncio.sleep(0.1)
    return stored


async def test_our_process_may_be_killed_in_a_call_and_finds_it_again(stage: Stage) -> None:
    switch, hotline = stage.switch, stage.hotline
    with switch.desk(SEAT):
        async with stage.operator() as (browser, console):
            assert (await browser.http.post("/shift/sign-in", json={})).status_code == 200
            await console.until(lambda seen: seen.data["me"]["agent"]["status"] == "ready")
            citizen = switch.citizen("anna", number=NUMBER, stay_s=14)
            citizen.start()
            call = await stage.talking(console)
            draft = (await browser.http.post(f"/calls/{call}/draft")).json()
            edit = {"version": draft["version"], "fields": {"title": "小区垃圾池异味"}}
            assert (await browser.http.patch(f"/drafts/{draft['id']}", json=edit)).status_code == 200
            await asyncio.to_thread(hotline.kill)
        killed = time.monotonic()
        await asyncio.to_thread(hotline.__enter__)
        await stage.until_linked()
        async with stage.operator() as (browser, console):
            again = await stage.talking(console)
            found_s = time.monotonic() - killed
            assert again == call
            await console.until(
                lambda seen: seen.data[f"call/{call}"]["draft"]["fields"]["title"]["value"] == "小区垃圾池异味"
            )
            assert console.data[f"call/{call}"]["call"]["caller"]["number"] == "138****0000"
            await console.until(lambda seen: seen.data["me"]["agent"]["status"] == "wrapping_up", 25)
            assert await asyncio.to_thread(citizen.wait, 10) == 0, "the caller heard nothing of it"
            stored = await record_of_end(browser, call)
            kinds = [event["kind"] for event in stored["events"]]
            assert stored["outcome"] == "answered"
            assert stored["answered_by"] == SEAT
            assert kinds.count("CallArrived") == kinds.count("CallAnswered") == kinds.count("CallEnded") == 1
            assert (await browser.http.post("/shift/wrap-up/finish")).status_code == 200
            await console.until(lambda seen: seen.data["me"]["agent"]["status"] == "ready")
        assert found_s < 12, "most of it is the start of a process on a busy machine"


async def test_the_switch_may_be_killed_in_a_call_and_the_next_call_works(stage: Stage) -> None:
    switch = stage.switch
    with switch.desk(SEAT):
        async with stage.operator() as (browser, console):
            await browser.http.post("/shift/sign-in", json={})
            await console.until(lambda seen: seen.data["me"]["agent"]["status"] == "ready")
            switch.citizen("anna", number=NUMBER, stay_s=60).start()
            call = await stage.talking(console)
            killed = time.monotonic()
            await asyncio.to_thread(switch.asterisk.kill)
            await console.until(lambda seen: seen.data["me"]["links"]["switch"]["state"] != "live")
            told_s = time.monotonic() - killed
            await asyncio.to_thread(switch.asterisk.start)
            await console.until(lambda seen: seen.data["me"]["links"]["switch"]["state"] == "live", 30)
            await console.until(lambda seen: seen.data[f"call/{call}"]["call"]["phase"] == "ended")
            assert console.data[f"call/{call}"]["call"]["outcome"] == "lost"
            await browser.http.post("/shift/wrap-up/finish")
            await browser.http.post("/shift/status", json={"status": "ready"})
            await console.until(lambda seen: seen.data["me"]["agent"]["status"] == "ready", 20)
            switch.citizen("berta", number=NUMBER, stay_s=3).start()
            second = await stage.talking(console)
            assert second != call
            assert (await record(browser, call))["outcome"] == "lost"
        assert told_s < 3
