"""A real switch and server, the database locked: a caller reaches the police all the same, and every record comes."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager

import pytest
from sqlalchemy import select

from api.auth import audit
from api.store.engine import Store
from api.store.sealing import Keyring
from api.store.tables import AuditRecord
from tests.api.serving import Browser
from tests.fakes.sip_phones import SipPhone
from tests.system.hotline import Hotline
from tests.system.parties import centre_hosts
from tests.system.test_ledgers_beside_switch import listed
from tests.system.test_server_beside_switch import NUMBER, SEAT, Stage, record, stage

pytestmark = pytest.mark.asterisk
__all__ = ["stage"]

POLICE = {"target": {"kind": "centre", "value": "110"}, "mode": "three_way"}


@contextmanager
def locked(hotline: Hotline) -> Iterator[None]:
    """Somebody else writes and does not end."""
    with closing(sqlite3.connect(hotline.settings.home / "hotline.db", isolation_level=None, timeout=20)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


async def audited(hotline: Hotline, call: str) -> list[AuditRecord]:
    """What was done to the call; the whole chain must hold."""
    store = Store(hotline.settings.database, Keyring.load(hotline.settings.keys_dir))
    async with store.read() as session:
        assert (await audit.verify_chain(session, store.keyring)).intact
        rows = await session.scalars(select(AuditRecord).where(AuditRecord.object_id == call).order_by(AuditRecord.seq))
        found = list(rows)
    await store.close()
    return found


async def command(browser: Browser, path: str, body: dict[str, object], key: str) -> tuple[int, str, float]:
    """Status, outcome, and how long it took."""
    began = time.monotonic()
    answer = await browser.http.post(path, json=body, headers={"Idempotency-Key": key})
    return answer.status_code, answer.json().get("outcome", answer.text), time.monotonic() - began


@pytest.fixture
async def police(stage: Stage) -> AsyncIterator[SipPhone]:
    """Whoever calls 110 is answered."""
    phone = await SipPhone(centre_hosts()["110"][0], stage.switch.ports.centres).open()
    yield phone
    await phone.close()


async def test_a_caller_reaches_the_police_while_the_database_is_locked(stage: Stage, police: SipPhone) -> None:
    switch, hotline = stage.switch, stage.hotline
    with switch.desk(SEAT):
        async with stage.operator() as (browser, console):
            assert (await browser.http.post("/shift/sign-in", json={})).status_code == 200
            await console.until(lambda seen: seen.data["me"]["agent"]["status"] == "ready")
            switch.citizen("anna", number=NUMBER, stay_s=60).start()
            call = await stage.talking(console)
            with locked(hotline):
                sent = await command(browser, f"/calls/{call}/transfers", POLICE, "to-110")
                again = await command(browser, f"/calls/{call}/transfers", POLICE, "to-110")
                assert [(*sent[:2],), (*again[:2],)] == [(202, "done")] * 2
                await console.until(lambda seen: seen.data[f"call/{call}"]["transfer"]["state"] == "joined")
                ended = await command(browser, f"/calls/{call}/hang-up", {}, "over")
                assert ended[:2] == (200, "done")
                await console.until(lambda seen: seen.data[f"call/{call}"]["call"]["phase"] == "ended")
                ticket = await browser.http.post(f"/calls/{call}/draft", json={})
                assert (ticket.status_code, ticket.headers["Retry-After"]) == (503, "2")
                assert await audited(hotline, call) == []
            print(f"seconds to the answer: {sent[2]:.2f}, again {again[2]:.2f}, hang-up {ended[2]:.2f}")
            assert len(police.talks) == 1, "a double click dials once"
            row = await listed(
                browser, "/handoffs?centre=110", lambda items: items and items[0]["state"] == "ended" and items[0], 60
            )
            assert (row["call_id"], row["agent_id"]) == (call, SEAT)
            steps = [one["step"] for one in (await browser.http.get(f"/handoffs/{row['id']}")).json()["steps"]]
            assert steps[0] == "requested"
            assert Counter(steps).most_common(1)[0][1] == 1, steps
            assert {"answered", "joined"} <= set(steps), steps
            total = (await browser.http.get("/handoffs?centre=110")).json()["total"]
            kinds = Counter(event["kind"] for event in (await record(browser, call))["events"])
            assert (total, kinds["CallArrived"], kinds["CallEnded"]) == (1, 1, 1)
            rows = await audited(hotline, call)
            assert [(one.action, one.result) for one in rows] == [("call.transfer", "done"), ("call.hang_up", "done")]
            assert rows[0].at < rows[1].at
            with closing(sqlite3.connect(hotline.settings.home / "hotline.db")) as database:
                keys = database.execute("SELECT key, status FROM idempotency_keys ORDER BY key").fetchall()
            assert keys == [("over", 200), ("to-110", 202)]
