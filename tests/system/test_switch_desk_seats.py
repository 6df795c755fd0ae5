"""The whole server beside a switch with desk phones, no browser anywhere: revisiting, who stands in front, a surge."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from api.auth.permissions import Role
from telephony.dialplan.topology import default_text, parse
from tests.fakes.desk_phones import DeskPhone
from tests.fakes.sip_phones import SipPhone, answering
from tests.system.hotline import Account, Hotline
from tests.system.switch import CITIZENS, RunningSwitch

pytestmark = pytest.mark.asterisk

HOST = "127.0.0.21"
REVISITS, TAKES_CALLS = "8101", "8102"
TEXT = default_text().replace('prompts = ["greeting", "recording-notice"]', "prompts = []").replace(
    "message_s = 120", "message_s = 0"
) + "".join(f'\n[[desk_phones]]\nseat = "{seat}"\nallow = ["{HOST}/32"]\n' for seat in (REVISITS, TAKES_CALLS))
PLAN = parse(TEXT)
MISSED, ELDER = "13800000021", "13800000022"


@dataclass
class House:
    switch: RunningSwitch
    hotline: Hotline
    revisit: Account
    operator: Account
    supervisor: Account

    @property
    def sip(self) -> tuple[str, int]:
        return "127.0.0.1", self.switch.ports.sip


@pytest.fixture(scope="module")
def house(switch: RunningSwitch) -> Iterator[House]:
    home = switch.asterisk.home.parent
    (home / "hotline.toml").write_text(TEXT, encoding="utf-8")
    hotline = Hotline(home, switch.ports, speech_engine="none", wrap_up_s=1)
    made = House(
        switch,
        hotline,
        revisit=hotline.account("7001", Role.REVISIT, seat="8009", queues=("hotline",)),
        operator=hotline.account("8001", Role.OPERATOR, seat="8001"),
        supervisor=hotline.account("9001", Role.SUPERVISOR, seat="8010"),
    )
    with hotline:
        hotline.wait_until_live(speech=False)
        yield made


@contextlib.asynccontextmanager
async def desk_phone(house: House, seat: str) -> AsyncIterator[DeskPhone]:
    port = house.switch.ports.base + 60 + int(seat) % 10
    phone = DeskPhone(seat, house.switch.secrets.desk_phones[seat], HOST, port, answering)
    await phone.open()
    try:
        assert await phone.register(house.sip) == 200
        yield phone
    finally:
        await phone.close()


@contextlib.asynccontextmanager
async def citizens(house: House, port: int) -> AsyncIterator[SipPhone]:
    phone = await SipPhone(CITIZENS, port, answering).open()
    try:
        yield phone
    finally:
        await phone.close()


async def until(look: Callable[[], Any], what: str, within_s: float = 20.0) -> Any:
    """What ``look`` gives once it gives something; it may ask the server, so it runs beside the phones."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        found = await asyncio.to_thread(look)
        if found:
            return found
        await asyncio.sleep(0.1)
    raise AssertionError(f"not within {within_s:.0f} s: {what}")


def ask(client: httpx.Client, path: str, body: Any = None) -> Any:
    answer = client.post(path, json={} if body is None else body)
    assert answer.is_success, (path, answer.status_code, answer.text)
    return answer.json() if answer.content else None


async def gives_up(house: House, phone: SipPhone, number: str) -> None:
    talk = phone.call("12345", house.sip, caller=number)
    await asyncio.wait_for(talk.answered.wait(), 10)
    await asyncio.sleep(0.5)
    talk.hang_up()


def waiting(house: House) -> list[str]:
    """Numbers that wait, in the switch's own order."""
    with house.switch.ami() as ami:
        ami.send(Action="QueueStatus", Queue="hotline")
        ami.event("QueueStatusComplete")
        entries = [frame for frame in ami.events if frame.get("Event") == "QueueEntry"]
    return [one["CallerIDNum"] for one in sorted(entries, key=lambda one: int(one["Position"]))]


def members(house: House) -> set[str]:
    with house.switch.ami() as ami:
        ami.send(Action="QueueStatus")
        ami.event("QueueStatusComplete")
        return {frame["Location"] for frame in ami.events if frame.get("Event") == "QueueMember"}


async def test_whoever_revisits_calls_a_missed_citizen_back_and_is_offered_no_call_that_comes_in(house: House) -> None:
    ports = house.switch.ports
    with house.hotline.client(house.revisit) as client:
        async with (
            desk_phone(house, REVISITS) as own,
            citizens(house, ports.base + 30) as callers,
            citizens(house, ports.citizens) as called,
        ):
            seats = client.get("/shift/seats").json()
            assert [(one["seat"], one["kind"]) for one in seats] == [
                ("8009", "softphone"),
                (REVISITS, "desk_phone"),
                (TAKES_CALLS, "desk_phone"),
            ]
            shift = await asyncio.to_thread(ask, client, "/shift/sign-in", {"seat": REVISITS})
            assert (shift["seat_kind"], shift["sip"]) == ("desk_phone", None)
            await gives_up(house, callers, MISSED)
            [item] = await until(lambda: client.get("/callbacks?status=open").json()["items"], "the missed call")
            await asyncio.to_thread(ask, client, f"/callbacks/{item['id']}/claim")
            placed = await asyncio.to_thread(ask, client, f"/callbacks/{item['id']}/dial")
            await until(lambda: called.talks, "the citizen's phone")
            [talk], [leg] = called.talks.values(), own.talks.values()
            assert MISSED in talk.header("To")
            assert leg.header("Call-Info").endswith(";answer-after=0")
            await until(lambda: _agent(client)["status"] == "talking", "both talk")
            talk.hang_up()
            await until(lambda: _agent(client)["status"] != "talking", "the end of the talk")
            await asyncio.to_thread(
                ask, client, f"/callbacks/{item['id']}/outcome", {"result": "reached", "note": "已答复"}
            )
            [done] = client.get("/callbacks?status=done").json()["items"]
            assert (done["outcome"], done["attempts"][0]["call_id"]) == ("reached", placed["call_id"])
            call = await until(
                lambda: (found := client.get(f"/calls/{placed['call_id']}").json()).get("ended_at") and found,
                "its record",
            )
            assert call["direction"] == "outbound"
            await until(lambda: _agent(client)["status"] in ("ready", "paused"), "the wrap-up is over")
            await asyncio.to_thread(ask, client, "/shift/status", {"status": "ready"})
            assert members(house) == set()
            waits = callers.call("12345", house.sip, caller="13800000029")
            await until(lambda: waiting(house), "a citizen who waits")
            await asyncio.sleep(3)
            assert len(own.talks) == 1, "ready, and not rung"
            waits.hang_up()
            await asyncio.to_thread(ask, client, "/shift/sign-out")


def _agent(client: httpx.Client) -> dict[str, Any]:
    """Signing in again changes nothing and tells how one stands."""
    agent: dict[str, Any] = ask(client, "/shift/sign-in")["agent"]
    assert agent["seat_kind"] == "desk_phone"
    return agent


async def test_who_called_in_vain_and_whom_the_list_names_wait_in_front(house: House) -> None:
    with house.hotline.client(house.supervisor) as boss, house.hotline.client(house.operator) as client:
        ask(boss, "/priority-numbers", {"number": ELDER, "note": "高龄独居"})
        async with citizens(house, house.switch.ports.base + 30) as callers:
            for _ in range(2):
                await gives_up(house, callers, MISSED)
            await until(lambda: client.get("/callbacks?status=open").json()["items"], "the missed calls are recorded")
            await until(lambda: not waiting(house), "an empty line")
            talks = []
            for number in ("13800000031", "13800000032", MISSED, ELDER):
                talks.append(callers.call("12345", house.sip, caller=number))
                await until(lambda number=number: number in waiting(house), f"{number} waits")
            wanted = [ELDER, MISSED, "13800000031", "13800000032"]
            await until(lambda: waiting(house) == wanted, f"the order, which is {waiting(house)}")
            for talk in talks:
                talk.hang_up()
            await until(lambda: not waiting(house), "an empty line")


async def test_a_supervisor_lets_every_caller_hear_that_many_are_calling(house: House) -> None:
    with house.hotline.client(house.supervisor) as boss:
        wanted = {"on": True, "reason": "暴雨，报修集中", "minutes": 1}
        assert ask(boss, "/surge", wanted)["state"] == "announced"
        async with citizens(house, house.switch.ports.base + 30) as callers:
            talk = callers.call("12345", house.sip, caller="13800000041")
            played = await until(
                lambda: "surge" in house.switch.asterisk.console("core show channels concise"), "the announcement", 5
            )
            assert played
            talk.hang_up()
            assert ask(boss, "/surge", {"on": False, "reason": "已恢复"})["state"] == "quiet"
            again = callers.call("12345", house.sip, caller="13800000042")
            await until(lambda: "13800000042" in waiting(house), "straight into the line", 3)
            again.hang_up()
