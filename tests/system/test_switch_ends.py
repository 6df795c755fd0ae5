"""Who answers and drops the citizen, and calls that end with nobody of ours running: what a real switch does about
them, and what it writes down."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from api.calls.completion import completed
from api.store.engine import Store
from api.store.migrate import migrate
from api.store.sealing import Keyring
from telephony.dialplan.topology import Topology
from telephony.ids import CallId
from telephony.media.recordings import Recordings
from tests.api.test_completion import call, recorded
from tests.fakes.sip_phones import Behaviour, SipPhone, Talk, answering, dropping, refusing, ringing
from tests.system import test_switch_lines
from tests.system.switch import CITIZENS, DESKS, Ami, RunningSwitch, StartSwitch

pytestmark = pytest.mark.asterisk

NUMBER = "15400000001"
BRANCH = "127.0.0.7"
POLICE = "127.0.0.3"
DUTY = {"13900000001": "127.0.0.21", "13900000002": "127.0.0.22"}


def topology() -> Topology:
    """Two duty phones, and little patience."""
    plan = test_switch_lines.topology().model_dump()
    trunk = plan["trunks"][0] | {"port_offset": 11, "tell_answer": False}
    duty = []
    for number, host in DUTY.items():
        plan["trunks"].append(trunk | {"name": f"duty-{number}", "host": host, "match": [host]})
        duty.append({"number": number, "trunk": f"duty-{number}", "ring_s": 5})
    [police] = [one for one in plan["centres"] if one["code"] == "110"]
    police["rtp_timeout_s"] = 5
    plan["fallback"] |= {"answer_within_s": 1, "check_every_s": 60, "message_s": 5, "duty": duty}
    return Topology.model_validate(plan)


PLAN = topology()


@dataclass(kw_only=True)
class Town:
    """The citizens' phone, and whoever else a test puts up. ``log`` is what the switch writes down itself."""

    switch: RunningSwitch
    citizens: SipPhone
    stack: AsyncExitStack
    earlier: frozenset[str] = frozenset()
    """Calls of tests before this one."""

    async def phone(self, host: str, behave: Behaviour = answering) -> SipPhone:
        port = self.switch.ports.base + 30 if host == CITIZENS else self.switch.ports.centres
        phone = await SipPhone(host, port, behave).open()
        self.stack.push_async_callback(phone.close)
        return phone

    def call(self, line: str = "12345", number: str = NUMBER) -> Talk:
        return self.citizens.call(line, ("127.0.0.1", self.switch.ports.sip), caller=number)

    def rows(self, number: str = NUMBER) -> list[list[str]]:
        """Of the last call of that number: call, queue, member, event, data..."""
        calls = [row[0] for row in self.all_rows() if row[3:4] == ["ARRIVED"] and row[5] == number]
        new = [call for call in calls if call not in self.earlier]
        return self.of(new[-1]) if new else []

    def of(self, call_id: str) -> list[list[str]]:
        return [row for row in self.all_rows() if row[0] == call_id]

    def all_rows(self) -> list[list[str]]:
        log = self.switch.asterisk.home / "log" / "queue_log"
        text = log.read_text() if log.exists() else ""  # the switch makes it a moment after it has come up
        return [line.split("|")[1:] for line in text.splitlines()]

    def events(self, number: str = NUMBER) -> list[str]:
        return [row[3] for row in self.rows(number)]

    def last(self, event: str, number: str = NUMBER) -> list[str]:
        """Data of the last row of that name."""
        return [row for row in self.rows(number) if row[3] == event][-1][4:]

    async def until(self, condition: Callable[[], object], within_s: float = 15.0) -> None:
        deadline = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < deadline, self.rows()
            await asyncio.sleep(0.05)

    async def server_lives(self, lives: bool = True) -> None:
        epoch_s = str(int(time.time()) + 3600) if lives else "0"
        with self.switch.ami() as ami:
            ami.ask(Action="Setvar", Variable="HOTLINE_ALIVE", Value=epoch_s)


@asynccontextmanager
async def visiting(switch: RunningSwitch) -> AsyncIterator[Town]:
    async with AsyncExitStack() as stack:
        citizens = await SipPhone(CITIZENS, switch.ports.base + 30).open()
        stack.push_async_callback(citizens.close)
        made = Town(switch=switch, citizens=citizens, stack=stack)
        made.earlier = frozenset(row[0] for row in made.all_rows())
        yield made


@pytest.fixture
async def town(switch: RunningSwitch) -> AsyncIterator[Town]:
    async with visiting(switch) as made:
        await made.server_lives(False)
        yield made
    await asyncio.to_thread(switch.clear)


def begun(phone: SipPhone) -> Talk:
    [talk] = phone.talks.values()
    return talk


# -- somebody answers and drops the citizen ----------------------------------------------------------------------------


async def test_a_citizen_whom_a_branch_drops_is_recorded_and_waits_in_front(town: Town) -> None:
    await town.server_lives()
    branch = await town.phone(BRANCH, dropping(1.0))
    town.call(number="15400000002")
    await town.until(lambda: "ENTERQUEUE" in town.events("15400000002"))
    talk = town.call("12366")
    await town.until(lambda: "ENTERQUEUE" in town.events())
    assert begun(branch).by_me
    assert town.events() == ["ARRIVED", "BRANCH", "ENTERQUEUE"]
    assert town.last("BRANCH") == ["12366", "12366"]
    assert town.last("ENTERQUEUE")[2] == "1"
    assert not talk.ended.is_set()
    assert (town.switch.recordings / f"{town.rows()[0][0]}-caller.wav").exists()


async def test_a_talk_with_a_branch_that_was_one_is_over_when_the_branch_hangs_up(town: Town) -> None:
    branch = await town.phone(BRANCH)
    talk = town.call("12366")
    await town.until(lambda: "BRANCH" in town.events())
    await asyncio.sleep(11)
    begun(branch).hang_up()
    await town.until(talk.ended.is_set)
    assert "ENTERQUEUE" not in town.events()


@pytest.mark.parametrize("second_drops", [False, True])
async def test_a_duty_phone_that_drops_the_citizen_is_followed_by_the_next(town: Town, second_drops: bool) -> None:
    first, second = DUTY.values()
    await town.phone(first, dropping(1.0))
    taking = await town.phone(second, dropping(1.0) if second_drops else answering)
    talk = town.call()
    await town.until(lambda: town.events().count("DUTY") == 2)
    assert [row[4:] for row in town.rows() if row[3] == "DUTY"] == [["12345", number] for number in DUTY]
    if second_drops:
        await town.until(lambda: "MISSED" in town.events())
    else:
        await asyncio.sleep(1.0)
        assert not begun(taking).ended.is_set()
        assert "MISSED" not in town.events()
    assert not talk.ended.is_set()


async def test_how_long_somebody_talked_before_does_not_make_a_served_citizen(town: Town) -> None:
    """Who is put through after a long talk and dropped at once is not served by it."""
    await town.server_lives()
    await town.phone(POLICE, dropping(1.0))
    talk = town.call()
    await town.until(lambda: "ENTERQUEUE" in town.events())
    await asyncio.sleep(11)
    with town.switch.ami() as ami:
        ami.ask(Action="Redirect", Channel=town.rows()[0][0], Context="forward", Exten="110", Priority="1")
    await town.until(lambda: town.events().count("ENTERQUEUE") == 2)
    assert town.last("FORWARD") == ["12345", "110"]
    assert not talk.ended.is_set()


async def test_a_centre_from_which_no_sound_comes_is_given_up_and_the_citizen_waits_in_front(town: Town) -> None:
    await town.server_lives()
    police = await town.phone(POLICE)
    talk = town.call()
    await town.until(lambda: "ENTERQUEUE" in town.events())
    with town.switch.ami() as ami:
        ami.ask(Action="Redirect", Channel=town.rows()[0][0], Context="forward", Exten="110", Priority="1")
    await town.until(lambda: town.events().count("ENTERQUEUE") == 2, 25)
    assert begun(police).ended.is_set()
    assert not begun(police).by_me
    assert not talk.ended.is_set()


# -- calls that end while nobody of ours is there ----------------------------------------------------------------------


async def gone(town: Town, number: str = NUMBER) -> list[str]:
    """The last row of the call, once it stands there."""
    await town.until(lambda: "GONE" in town.events(number))
    return town.last("GONE", number)


async def test_who_hangs_up_in_the_greeting_is_written_down(start_switch: StartSwitch) -> None:
    async with visiting(start_switch(greeting=True)) as town:
        talk = town.call()
        await town.until(talk.answered.is_set)
        await asyncio.sleep(0.5)
        talk.hang_up()
        assert await gone(town) == ["12345", NUMBER, "caller", ""]
        assert town.events() == ["ARRIVED", "GONE"]


async def test_who_is_handed_over_by_a_centre_and_hangs_up_while_waiting_is_written_down(town: Town) -> None:
    police = await town.phone(POLICE)
    talk = police.call("12345", ("127.0.0.1", town.switch.ports.sip), caller=NUMBER)
    await town.until(lambda: talk.answered.is_set() and "ENTERQUEUE" in town.events())
    talk.hang_up()
    assert (await gone(town))[2:] == ["caller", ""]
    assert town.events()[-2:] == ["ABANDON", "GONE"]


async def test_who_hangs_up_while_a_duty_phone_rings_is_written_down(town: Town) -> None:
    duty = await town.phone(DUTY["13900000001"], ringing)
    talk = town.call()
    await town.until(lambda: duty.talks)
    talk.hang_up()
    assert (await gone(town))[2:] == ["caller", ""]
    assert "DUTY" not in town.events()


async def test_a_talk_with_a_duty_phone_is_written_down_when_the_citizen_ends_it(town: Town) -> None:
    await town.phone(DUTY["13900000001"])
    talk = town.call()
    await town.until(lambda: "DUTY" in town.events())
    await asyncio.sleep(2)
    talk.hang_up()
    by, seconds = (await gone(town))[2:]
    assert by == "caller"
    assert 1 <= int(seconds) <= 4


async def test_who_hangs_up_in_the_apology_is_a_missed_call(town: Town) -> None:
    talk = town.call()
    await town.until(lambda: "MISSED" in town.events(), 25)
    talk.hang_up()
    assert (await gone(town))[2:] == ["caller", ""]
    assert town.events()[-3:] == ["FALLBACK", "MISSED", "GONE"]


async def test_a_talk_with_a_branch_is_written_down_with_its_length(town: Town) -> None:
    await town.phone(BRANCH)
    talk = town.call("12366")
    await town.until(lambda: "BRANCH" in town.events())
    await asyncio.sleep(2)
    talk.hang_up()
    line, _, by, seconds = await gone(town)
    assert (line, by) == ("12366", "caller")
    assert 1 <= int(seconds) <= 4


async def test_whom_the_queue_puts_out_goes_to_the_fallback(town: Town) -> None:
    await town.server_lives()
    await town.phone(DUTY["13900000001"])
    talk = town.call()
    await town.until(lambda: "ENTERQUEUE" in town.events())
    with town.switch.ami() as ami:
        withdrawing = {"Queue": "hotline", "Caller": _channel(ami, town.rows()[0][0])}
        assert ami.ask(Action="QueueWithdrawCaller", **withdrawing)["Response"] == "Success"
    await town.until(lambda: "DUTY" in town.events())
    assert "FALLBACK" in town.events()
    assert not talk.ended.is_set()


async def test_where_the_queue_is_gone_the_caller_goes_to_the_fallback(start_switch: StartSwitch) -> None:
    switch = start_switch(plan=PLAN)
    queues = switch.asterisk.home / "etc" / "queues.conf"
    queues.write_text(queues.read_text().replace("[hotline]", "[elsewhere]"))
    switch.asterisk.console("queue reload all")
    async with visiting(switch) as town:
        await town.phone(DUTY["13900000001"])
        talk = town.call()
        await town.until(lambda: "DUTY" in town.events())
        assert town.events() == ["ARRIVED", "FALLBACK", "DUTY"]
        assert not talk.ended.is_set()


# -- calls that operators place ----------------------------------------------------------------------------------------
PLACED_TO = "13800000001"


async def place(town: Town) -> tuple[str, SipPhone]:
    """As our server does; from then on it is away. The call's id, and the operator's own phone."""
    own = await town.phone(DESKS["8011"])
    with town.switch.ami() as ami:
        return ami.place(PLACED_TO), own


@pytest.mark.parametrize(
    ("citizen", "status", "cause"),
    [(refusing(486), "BUSY", "17"), (refusing(603), "CHANUNAVAIL", "21"), (refusing(404), "CHANUNAVAIL", "1")],
    ids=["486", "603", "404"],
)
async def test_a_placed_call_that_nobody_takes_is_written_down(
    town: Town, citizen: Behaviour, status: str, cause: str
) -> None:
    called = await SipPhone(CITIZENS, town.switch.ports.citizens, citizen).open()
    town.stack.push_async_callback(called.close)
    call_id, _ = await place(town)
    await town.until(lambda: "DIALLED" in [row[3] for row in town.of(call_id)])
    assert [row[3:] for row in town.of(call_id)] == [
        ["PLACED", "12345", PLACED_TO],
        ["DIALLED", "12345", PLACED_TO, status, cause, "switch", ""],
    ]


@pytest.mark.parametrize("by", ["caller", "operator"])
async def test_a_placed_call_that_ends_is_written_down_with_its_length(town: Town, by: str) -> None:
    citizen = await SipPhone(CITIZENS, town.switch.ports.citizens).open()
    town.stack.push_async_callback(citizen.close)
    call_id, own = await place(town)
    await town.until(lambda: "REACHED" in [row[3] for row in town.of(call_id)])
    await asyncio.sleep(2)
    begun(citizen if by == "caller" else own).hang_up()
    await town.until(lambda: begun(citizen).ended.is_set() and "DIALLED" in [row[3] for row in town.of(call_id)])
    rows = {row[3]: row[4:] for row in town.of(call_id)}
    assert rows["DIALLED"][:3] == ["12345", PLACED_TO, "ANSWER"]
    assert rows["DIALLED"][4] == by
    assert 1 <= int(rows["DIALLED"][5]) <= 4


# -- and what our server makes of it -----------------------------------------------------------------------------------


async def test_what_was_written_down_while_we_were_away_becomes_whole_records(town: Town, tmp_path: Path) -> None:
    await town.phone(BRANCH)
    called = await SipPhone(CITIZENS, town.switch.ports.citizens, refusing(486)).open()
    town.stack.push_async_callback(called.close)
    served, waiting = "15400000011", "15400000012"
    talks = [town.call("12366", served), town.call("12345", waiting)]
    placed, _ = await place(town)
    await town.until(lambda: "BRANCH" in town.events(served) and "ENTERQUEUE" in town.events(waiting))
    await asyncio.sleep(0.5)
    for talk in talks:
        talk.hang_up()
    await gone(town, served)
    await gone(town, waiting)
    await town.until(lambda: "DIALLED" in [row[3] for row in town.of(placed)])
    url = f"sqlite+aiosqlite:///{tmp_path / 'hotline.db'}"
    await migrate(url)
    store = Store(url, Keyring.load(tmp_path / "keys"))
    async for told in completed(store, town.switch.asterisk.home / "log" / "queue_log", Recordings(tmp_path), set()):
        await recorded(store, *told.history, *told.news)
    found = {}
    for call_id in (town.rows(served)[0][0], town.rows(waiting)[0][0], placed):
        kept = await call(store, CallId(call_id))
        found[kept.caller_number] = (kept.direction, kept.line, kept.outcome, kept.ended_by)
    await store.close()
    assert found == {
        served: ("inbound", "12366", "answered", "caller"),
        waiting: ("inbound", "12345", "abandoned", "caller"),
        PLACED_TO: ("outbound", "12345", "busy", "switch"),
    }


def _channel(ami: Ami, call_id: str) -> str:
    [channel] = [one["Channel"] for one in ami.listed("Status", "Status") if one["Uniqueid"] == call_id]
    return channel
