"""What is to be done after a call, on a real switch: the missed caller's item, the placed call, the handoff's row."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.api.serving import Browser
from tests.system.test_server_beside_switch import NUMBER, SEAT, Stage, stage

pytestmark = pytest.mark.asterisk
__all__ = ["stage"]

REFUSED = 409


async def listed(
    browser: Browser, path: str, wanted: Callable[[list[dict[str, Any]]], Any], within_s: float = 15
) -> Any:
    """What ``wanted`` gives of the items, once it is true."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        answer = await browser.http.get(path)
        assert answer.status_code == 200, answer.text
        if found := wanted(answer.json()["items"]):
            return found
        await asyncio.sleep(0.2)
    raise TimeoutError(f"{path}: {answer.text}")


async def test_a_missed_caller_is_one_item_that_is_called_once_and_closed_when_served(stage: Stage) -> None:
    switch = stage.switch
    async with stage.operator() as (browser, console):
        for n in range(2):
            citizen = switch.citizen(f"gives-up-{n}", number=NUMBER, stay_s=2)
            citizen.start()
            await asyncio.to_thread(citizen.wait, 20)
        item = await listed(
            browser, "/callbacks?status=open", lambda items: items and items[0]["calls"] == 2 and items[0]
        )
        assert (item["number"], item["reason"]) == ("138****0000", "abandoned")
        with switch.desk(SEAT):
            assert (await browser.http.post("/shift/sign-in", json={})).status_code == 200
            await console.until(lambda seen: seen.data["me"]["agent"]["status"] == "ready")
            place = f"/callbacks/{item['id']}"
            assert (await browser.http.post(f"{place}/dial", json={})).status_code == REFUSED
            assert (await browser.http.post(f"{place}/claim", json={})).status_code == 200
            dialled = await browser.http.post(f"{place}/dial", json={})
            assert dialled.status_code == 202, dialled.text
            assert (await browser.http.post(f"{place}/dial", json={})).status_code == REFUSED
            tried = await listed(
                browser, "/callbacks", lambda items: items[0]["dialling"] is None and items[0]["attempts"], 60
            )
            assert [one["call_id"] for one in tried] == [dialled.json()["call_id"]]
            call = (await browser.http.get(f"/calls/{dialled.json()['call_id']}")).json()
            assert call["caller_number"] == "138****0000"
            await browser.http.post("/shift/wrap-up/finish")
            await browser.http.post("/shift/status", json={"status": "ready"})
            await console.until(lambda seen: seen.data["me"]["agent"]["status"] == "ready")
            switch.citizen("again", number=NUMBER, stay_s=4).start()
            await stage.talking(console)
            done = await listed(browser, "/callbacks?status=done", lambda items: items)
            assert [one["id"] for one in done] == [item["id"]]
            assert done[0]["outcome"] in ("answered_later", "reached", "unreachable", "refused")


async def test_a_handoff_to_a_centre_that_nobody_answers_is_in_the_ledger_step_by_step(stage: Stage) -> None:
    """No phone listens at 110 here: every way is tried, and citizen and operator talk on."""
    switch = stage.switch
    with switch.desk(SEAT):
        async with stage.operator() as (browser, console):
            assert (await browser.http.post("/shift/sign-in", json={})).status_code == 200
            await console.until(lambda seen: seen.data["me"]["agent"]["status"] == "ready")
            switch.citizen("anna", number=NUMBER, stay_s=40).start()
            call = await stage.talking(console)
            body = {"target": {"kind": "centre", "value": "110"}, "mode": "three_way"}
            answer = await browser.http.post(f"/calls/{call}/transfers", json=body)
            assert answer.status_code == 202, answer.text
            assert (answer.json()["outcome"], answer.json()["transfer"]["state"]) == ("done", "dialling")
            row = await listed(
                browser, "/handoffs?centre=110", lambda items: items and items[0]["state"] == "ended" and items[0], 40
            )
            assert (row["outcome"], row["responsible"], row["agent_id"]) == ("failed", "12345", SEAT)
            assert (row["number"][:2], row["number"][-4:]) == ("YJ", "-001")
            steps = [one["step"] for one in (await browser.http.get(f"/handoffs/{row['id']}")).json()["steps"]]
            assert (steps[0], steps[-1]) == ("requested", "failed")
            shown = console.data[f"call/{call}"]
            assert shown["call"]["phase"] == "talking"
            assert shown["transfer"]["handoff_number"] == row["number"]
            assert [one["role"] for one in shown["parties"]] == ["citizen", "operator"]
            alerts = [one["kind"] for one in console.data["me"]["alerts"]]
            assert "handoff_failed" in alerts
