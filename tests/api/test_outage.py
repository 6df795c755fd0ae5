"""The database goes away in the middle of the work and comes back: nothing is lost, nothing is doubled."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from api.calls.recorder import CallRecorder
from api.store.behind import WriteBehind
from api.store.engine import Store
from api.store.migrate import migrate
from api.store.sealing import Keyring
from telephony.events import CallArrived, CallEnded, CallOutcome
from telephony.ids import CallId, ChannelId, LineNumber
from tests.api.desk import MOBILE, START
from tests.api.postgres import cluster, make_database

CALLS = 150


def story(number: int) -> tuple[CallArrived, CallEnded]:
    call_id = CallId(f"1.{number}")
    arrived = CallArrived(
        at=START,
        call_id=call_id,
        caller_number=MOBILE,
        caller_name="",
        line=LineNumber("12345"),
        channel=ChannelId(call_id),
    )
    ended = CallEnded(
        at=START + timedelta(seconds=9),
        call_id=call_id,
        outcome=CallOutcome.ABANDONED,
        ended_by="caller",
        wait_s=5.0,
        talk_s=None,
    )
    return arrived, ended


async def reached(behind: WriteBehind[object], *, away: bool) -> None:
    async with asyncio.timeout(20):
        while bool(behind.away) is not away:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.mark.postgres
async def test_call_records_survive_a_crash_of_postgresql(keyring: Keyring) -> None:
    with cluster() as server:
        url = make_database(server.url, "hotline")
        await migrate(url)
        store = Store(url, keyring)
        recorder = CallRecorder(store)
        running = asyncio.create_task(recorder.run())
        for number in range(CALLS):
            for event in story(number):
                recorder.put(event)
            if number == CALLS // 3:
                await asyncio.to_thread(server.stop, at_once=True)
            if number == CALLS // 2:
                await reached(recorder.behind, away=True)  # type: ignore[arg-type]
                await asyncio.to_thread(server.start)
        assert await recorder.drain(60)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        async with store.read() as session:
            kinds = await session.execute(text("SELECT kind, count(*) FROM call_events GROUP BY kind ORDER BY kind"))
            missed = await session.scalar(text("SELECT count(*) FROM calls WHERE outcome = 'abandoned'"))
        assert [tuple(row) for row in kinds] == [("CallArrived", CALLS), ("CallEnded", CALLS)]
        assert (missed, recorder.behind.refused, recorder.behind.away) == (CALLS, 0, "")
        await store.close()
