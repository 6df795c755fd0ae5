"""An operator's own figures of the day: calls that came in, not those that the operator placed."""

from __future__ import annotations

from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

from api.live.lookups import handled_today
from api.live.messages import Today
from api.live.today import DayCounts
from api.store.engine import Store
from api.store.tables import CallRecord
from telephony.events import AgentStatus, AgentStatusChanged, CallAnswered
from telephony.ids import AgentId, CallId, ChannelId
from telephony.outbound import new_call_id
from tests.api.desk import START

CITY = ZoneInfo("Asia/Shanghai")
ME = AgentId("8001")
CAME_IN, PLACED = CallId("1795297638.32"), new_call_id(START, 7)


def answered(call_id: CallId) -> CallAnswered:
    legs = {"citizen": ChannelId("1.0"), "operator": ChannelId("1.1")}
    return CallAnswered(at=START, call_id=call_id, agent_id=ME, wait_s=1.0, **legs)


def test_a_call_that_the_operator_placed_is_none_that_came_in() -> None:
    counts = DayCounts(zone=CITY)
    assert counts.apply(answered(CAME_IN)) == ME
    assert counts.apply(answered(PLACED)) is None
    assert counts.of(ME, START) == Today(answered=1, handle_s=None)


async def test_nor_is_it_after_a_restart(store: Store) -> None:
    times = {"arrived_at": START, "answered_at": START, "agent_left_at": START + timedelta(seconds=9)}
    async with store.write() as session:
        session.add_all(
            [
                CallRecord(id=call_id, line="12345", direction=direction, answered_by=ME, talk_s=9.0, **times)
                for call_id, direction in ((CAME_IN, "inbound"), (PLACED, "outbound"))
            ]
        )
    assert await handled_today(store, CITY, START) == [(CAME_IN, ME, 9.0)]


def test_what_the_records_say_late_is_not_counted_twice() -> None:
    counts = DayCounts(zone=CITY)
    counts.apply(answered(CAME_IN))
    ready = AgentStatusChanged(
        at=START + timedelta(seconds=30), agent_id=ME, status=AgentStatus.READY, reasons=frozenset(), call_id=None
    )
    counts.apply(ready)
    said = [(CAME_IN, ME, 9.0), (CallId("1795297638.99"), ME, 10.0)]
    for _ in range(2):
        counts.seed(said, START)
    assert counts.of(ME, START) == Today(answered=2, handle_s=20.0)
    counts.seed(said, START + timedelta(days=1))
    assert counts.of(ME, START + timedelta(days=1)).answered == 2, "another day, asked anew"


def test_midnight_is_that_of_the_zone() -> None:
    """Kiritimati is fourteen hours ahead: its day begins at ten."""
    for zone, known in ((ZoneInfo("Pacific/Kiritimati"), 0), (CITY, 1), (UTC, 1)):
        counts = DayCounts(zone=zone)
        counts.apply(answered(CAME_IN))
        assert counts.of(ME, START.replace(hour=10)).answered == known, zone
