"""Many citizens one after the other, three desk phones and their operators; and what the records must say then."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import re
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

import httpx
import psycopg
from sqlalchemy import make_url

from api.auth.permissions import Role
from api.calls.queue_log import parse
from api.demo.children import Child
from api.store.engine import Store
from api.store.sealing import Keyring
from tests.api.postgres import Cluster
from tests.api.serving import Browser
from tests.system.hotline import Account, Hotline
from tests.system.reckoning import Citizen, Reckoning, books, reckon, written_down
from tests.system.switch import DESKS, RunningSwitch

STAYS_S = (3.0, 5.0, 8.0)
RATE = 2.0
"""Calls a second, of all kinds of citizens together."""


@dataclass(kw_only=True)
class Toll:
    """What the far end says: how many calls ended as their citizen wanted, and how many the hotline ended."""

    calls: int = 0
    dropped: int = 0
    notes: list[str] = field(default_factory=list)


class Crowd:
    """SIPp calls with signalling only, at a steady rate; each citizen hangs up by itself after a few seconds.

    A citizen to whom the hotline says goodbye is a failed call of SIPp's: it is counted as dropped.
    """

    def __init__(self, switch: RunningSwitch, rate: float = RATE, stays_s: Iterable[float] = STAYS_S) -> None:
        phones, stays = switch.phones, tuple(stays_s)
        phones.run_dir.mkdir(parents=True, exist_ok=True)
        self._children = []
        for number, stay_s in enumerate(stays):
            scenario = phones.run_dir / f"crowd-{number}.xml"
            scenario.write_text(_scenario(number, stay_s), encoding="utf-8")
            argv = [
                *(*phones.sipp, phones.switch, "-sf", str(scenario), "-nostdin", "-m", "100000"),
                *("-r", "1", "-rp", str(round(1000 * len(stays) / rate)), "-l", "200"),
                *("-i", phones.host, "-p", str(switch.ports.base + 40 + number)),
                *("-mi", phones.host, "-mp", str(phones.media_port + 200 + 8 * number)),
                *("-trace_err", "-error_file", str(phones.run_dir / f"crowd-{number}.err")),
                *("-trace_logs", "-log_file", str(phones.run_dir / f"crowd-{number}.log")),
            ]
            self._children.append(Child(f"crowd-{number}", argv, run_dir=phones.run_dir, cwd=phones.run_dir))

    def start(self) -> None:
        for child in self._children:
            child.start()

    def finish(self, timeout_s: float = 30) -> Toll:
        """No new calls; the others go on to their end."""
        toll = Toll()
        for child in self._children:
            if child.running and child.pid is not None:
                os.kill(child.pid, signal.SIGUSR1)
        for child in self._children:
            child.wait(timeout_s)
            said = child.output.read_text("utf-8", "replace")
            toll.calls += _last(said, r"Successful call\s*\|\s*\d+\s*\|\s*(\d+)")
            failed = _last(said, r"Failed call\s*\|\s*\d+\s*\|\s*(\d+)")
            toll.calls += failed
            toll.dropped += failed
            errors = child.output.with_name(f"{child.name}.err")
            if failed and errors.exists():
                toll.notes += errors.read_text("utf-8", "replace").splitlines()[:12]
        return toll

    def citizens(self) -> list[Citizen]:
        """Everybody who has called so far, as SIPp wrote it down."""
        logs = [child.output.with_name(f"{child.name}.log") for child in self._children]
        return [citizen for log in logs if log.exists() for citizen in written_down(log.read_text("utf-8", "replace"))]

    def stop(self) -> None:
        for child in self._children:
            child.stop(grace_s=1)


def _last(said: str, pattern: str) -> int:
    found = re.findall(pattern, said)
    return int(found[-1]) if found else 0


def _scenario(number: int, stay_s: float) -> str:
    """The demo's citizen without sound, for whom a goodbye of the hotline is an error."""
    text = resources.files("api.demo").joinpath("scenarios/citizen.xml").read_text("utf-8")
    filled = Template(text).safe_substitute(
        line="12345",
        number=_number(number),
        display="",
        headers="",
        press="",
        wait_for_answer="",
        pause="",
        stay_ms=str(round(stay_s * 1000)),
    )
    filled = re.sub(r"  <nop>.*?</nop>\n", "", filled, flags=re.S)
    filled = filled.replace("[rtpstream_audio_port]", "[media_port]")
    filled = filled.replace('<recv request="UPDATE" optional="true"', '<recv request="UPDATE"')
    for place, step in _STEPS.items():
        filled = filled.replace(place, f"{place}\n  {_noted(step, number)}")
    return re.sub(r'  <recv request="BYE".*?/>\n', "", filled)


_STEPS = {'<scenario name="citizen">': "called", '<label id="told"/>': "told", '<label id="tired"/>': "over"}
"""What SIPp writes down where."""


def _number(crowd: int) -> str:
    """One of its own for each citizen, in SIPp's words."""
    return f"139{crowd}00[call_number]"


def _noted(step: str, crowd: int) -> str:
    return f'<nop><action><log message="{step}|{_number(crowd)}|[timestamp]"/></action></nop>'


# operators ------------------------------------------------------------------------------------------------------------
class Operators:
    """One person a desk phone, who ends each wrap-up at once and is ready again, whatever the server is doing."""

    def __init__(self, url: str, accounts: Iterable[Account]) -> None:
        self._url = url
        self._accounts = tuple(accounts)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self._work(account)) for account in self._accounts]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _work(self, account: Account) -> None:
        async with Browser(self._url) as browser:
            await browser.sign_in(account.username, account.password)
            while True:
                with contextlib.suppress(httpx.HTTPError):
                    await browser.http.post("/shift/sign-in", json={})
                    await browser.http.post("/shift/wrap-up/finish")
                    await browser.http.post("/shift/status", json={"status": "ready"})
                await asyncio.sleep(0.5)


# one run --------------------------------------------------------------------------------------------------------------
@dataclass(kw_only=True)
class Verdict:
    """Everything that is compared after a run."""

    kills: int
    toll: Toll
    recorded: int
    still_open: int
    open_handoffs: int
    """Handoffs that go on though their call is over."""
    doubled: int
    outcomes: Counter[str]
    logged: Counter[str]
    """The switch's own word on the same calls: answered or abandoned."""
    drift: int
    """Corrections of the model from what the switch said when it was asked."""
    left: int
    """Channels that the switch still has when everybody has hung up."""
    live_again_s: list[float]
    reckoning: Reckoning

    def __str__(self) -> str:
        slowest = max(self.live_again_s, default=0.0)
        return (
            f"{self.kills} kills, {self.toll.calls} calls: {self.toll.dropped} dropped; {self.recorded} records, "
            f"{self.still_open} open, {self.open_handoffs} handoffs open, {self.doubled} doubled; "
            f"recorded {dict(self.outcomes)}, "
            f"switch's log {dict(self.logged)}; drift {self.drift}, {self.left} channels left; "
            f"live again after at most {slowest:.1f} s; {self.reckoning}"
        )


@dataclass(kw_only=True)
class Outage:
    """``states``: what the health page said while the database was away."""

    verdict: Verdict
    states: list[str]
    caught_up_s: float


class Scene:
    """A switch, a server beside it on the same home, three operators at desk phones."""

    def __init__(self, switch: RunningSwitch, *, ring_s: float = 0.2, **settings: object) -> None:
        self.switch = switch
        self._ring_s = ring_s
        self.home = switch.recordings.parent
        self.hotline = Hotline(self.home, switch.ports, speech_engine="none", wrap_up_s=30, **settings)
        self.accounts = [self.hotline.account(seat, Role.OPERATOR, seat=seat) for seat in DESKS]
        self._output: list[str] = []

    @asynccontextmanager
    async def playing(self) -> AsyncIterator[Scene]:
        for seat in DESKS:
            self.switch.desk(seat, ring_s=self._ring_s).start()
        await asyncio.to_thread(self.hotline.__enter__)
        try:
            await asyncio.to_thread(self.hotline.wait_until_live, 60, speech=False)
            async with Operators(self.hotline.url, self.accounts).working():
                yield self
        finally:
            self._output.append(self.hotline.output())
            await asyncio.to_thread(self.hotline.__exit__, None, None, None)

    async def kill_and_restart(self) -> float:
        """SIGKILL; seconds until the server is there again and its link live."""
        killed = time.monotonic()
        self._output.append(self.hotline.output())
        await asyncio.to_thread(self.hotline.kill)
        await asyncio.to_thread(self.hotline.__enter__)
        await asyncio.to_thread(self.hotline.wait_until_live, 60, speech=False)
        return time.monotonic() - killed

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """A question to the server's database, past the server."""
        address = make_url(self.hotline.settings.database)
        if address.get_backend_name() == "sqlite":
            with closing(sqlite3.connect(str(address.database), timeout=20)) as database:
                return database.execute(sql).fetchall()
        plain = address.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(plain) as session:
            return session.execute(sql.encode()).fetchall()

    async def settle(self, toll: Toll, timeout_s: float = 180) -> None:
        """Until the records say as much as they should, or the time is up; on a busy machine they come later."""
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            if await asyncio.to_thread(self._is_told, toll):
                break
            await asyncio.sleep(0.5)
        await asyncio.sleep(2)

    def _is_told(self, toll: Toll) -> bool:
        [[ended]] = self.ask("SELECT count(*) FROM calls WHERE ended_at IS NOT NULL")
        [[missed]] = self.ask("SELECT count(*) FROM calls WHERE outcome IN ('abandoned', 'lost')")
        [[counted]] = self.ask("SELECT count(*) FROM callback_calls")
        [[unsaid]] = self.ask("SELECT count(*) FROM calls WHERE outcome = 'answered' AND answered_at IS NULL")
        return bool(ended >= toll.calls and counted >= missed and not unsaid)

    async def verdict(self, crowd: Crowd, toll: Toll, live_again_s: list[float]) -> Verdict:
        store = Store(self.hotline.settings.database, Keyring.load(self.hotline.settings.keys_dir))
        try:
            reckoning = reckon(crowd.citizens(), await books(store), store)
        finally:
            await store.close()
        return await asyncio.to_thread(self._verdict, toll, live_again_s, reckoning)

    def _verdict(self, toll: Toll, live_again_s: list[float], reckoning: Reckoning) -> Verdict:
        outcomes = Counter(dict(self.ask("SELECT outcome, count(*) FROM calls GROUP BY outcome")))
        [[recorded]] = self.ask("SELECT count(*) FROM calls")
        [[still_open]] = self.ask("SELECT count(*) FROM calls WHERE ended_at IS NULL")
        [[open_handoffs]] = self.ask(
            "SELECT count(*) FROM handoffs JOIN calls ON calls.id = handoffs.call_id "
            "WHERE handoffs.ended_at IS NULL AND calls.ended_at IS NOT NULL"
        )
        [[doubled]] = self.ask(
            "SELECT count(*) FROM (SELECT call_id FROM call_events WHERE kind IN ('CallArrived', 'CallEnded') "
            "GROUP BY call_id, kind HAVING count(*) > 1) AS twice"
        )
        return Verdict(
            kills=len(live_again_s),
            toll=toll,
            recorded=recorded,
            still_open=still_open,
            open_handoffs=open_handoffs,
            doubled=doubled,
            outcomes=outcomes,
            logged=_logged(self.home / "switch" / "log" / "queue_log"),
            drift=sum(text.count("drift repaired") for text in [*self._output, self.hotline.output()]),
            left=self._left(),
            live_again_s=live_again_s,
            reckoning=reckoning,
        )

    def _left(self) -> int:
        with self.switch.ami() as ami:
            return len(ami.listed("Status", "Status"))


def _logged(path: Path) -> Counter[str]:
    ends: dict[str, str] = {}
    for line in path.read_text("utf-8").splitlines():
        entry = parse(line)
        if entry is None:
            continue
        if entry.event == "CONNECT":
            ends[entry.call_id] = "answered"
        elif entry.event == "ABANDON":
            ends.setdefault(entry.call_id, "abandoned")
    return Counter(ends.values())


async def under_fire(
    switch: RunningSwitch, *, kills: int, chance: random.Random, rate: float = RATE, **settings: object
) -> Verdict:
    """Kill the server so many times at random moments while the citizens call, then wait for the last of them."""
    scene = await asyncio.to_thread(lambda: Scene(switch, **settings))  # type: ignore[arg-type]
    live_again_s = []
    async with scene.playing():
        async with calling(switch, rate) as crowd:
            for _ in range(kills):
                await asyncio.sleep(chance.uniform(0.3, 4.0))
                live_again_s.append(await scene.kill_and_restart())
            await asyncio.sleep(2)
            toll = await asyncio.to_thread(crowd.finish)
        await scene.settle(toll)
    return await scene.verdict(crowd, toll, live_again_s)


@asynccontextmanager
async def calling(switch: RunningSwitch, rate: float = RATE) -> AsyncIterator[Crowd]:
    """Citizens call from now on."""
    crowd = Crowd(switch, rate)
    await asyncio.sleep(1.5)  # until the operators are ready
    crowd.start()
    try:
        yield crowd
    finally:
        await asyncio.to_thread(crowd.stop)


async def without_database(scene: Scene, away: AbstractAsyncContextManager[None], *, away_s: float) -> Outage:
    """The database goes away while the citizens call, and comes back."""
    states: list[str] = []
    async with scene.playing():
        async with calling(scene.switch) as crowd:
            await asyncio.sleep(3)
            async with away:
                until = time.monotonic() + away_s
                while time.monotonic() < until:
                    await asyncio.sleep(0.5)
                    parts = await asyncio.to_thread(scene.hotline.parts)
                    states.append(f"{parts['database']['state']}: {parts['database']['detail']}")
            back = time.monotonic()
            toll = await asyncio.to_thread(crowd.finish)
        parts = await asyncio.to_thread(scene.hotline.parts)
        while parts["database"]["state"] != "ok" and time.monotonic() - back < 60:
            await asyncio.sleep(0.2)
            parts = await asyncio.to_thread(scene.hotline.parts)
        caught_up_s = time.monotonic() - back
        await scene.settle(toll)
    return Outage(verdict=await scene.verdict(crowd, toll, []), states=states, caught_up_s=caught_up_s)


@asynccontextmanager
async def locked_sqlite(scene: Scene) -> AsyncIterator[None]:
    """Somebody else writes and does not end."""
    with closing(sqlite3.connect(scene.home / "hotline.db", isolation_level=None, timeout=20)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


@asynccontextmanager
async def crashed_postgresql(server: Cluster) -> AsyncIterator[None]:
    await asyncio.to_thread(server.stop, at_once=True)
    yield
    await asyncio.to_thread(server.start)
