"""A day in quarters of an hour: when things happened, who waited at once, and who may see it."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from api.auth.permissions import Role
from api.stats.quarters import Quarter, Taken, quarters
from api.store.tables import CallRecord
from tests.api.desk import START, Desk
from tests.api.statements import statements

HOUR = START + timedelta(hours=1)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def call(
    arrived: float, *, answered: float | None = None, ended: float | None = None, abandoned: bool = False
) -> Taken:
    return Taken(
        arrived_at=at(arrived),
        queued_at=at(arrived),
        answered_at=None if answered is None else at(answered),
        ended_at=None if ended is None else at(ended),
        abandoned=abandoned,
    )


def figures(rows: tuple[Quarter, ...]) -> list[tuple[int, int, int, int]]:
    return [(row.arrived, row.answered, row.abandoned, row.waiting) for row in rows]


def test_each_thing_counts_in_the_quarter_in_which_it_happened() -> None:
    calls = [call(1, answered=2, ended=40), call(14, ended=16, abandoned=True), call(31, answered=46, ended=50)]
    assert figures(quarters(calls, START, HOUR)) == [(2, 1, 0, 1), (0, 0, 1, 1), (1, 0, 0, 1), (0, 1, 0, 1)]


def test_waiting_is_the_most_at_one_moment_and_goes_on_over_quiet_quarters() -> None:
    calls = [call(1, answered=3), call(2, answered=50), call(2.5, answered=3), call(3, answered=4)]
    assert [row.waiting for row in quarters(calls, START, HOUR)] == [3, 1, 1, 1]


def test_who_waited_before_the_first_quarter_is_waiting_in_it_and_no_arrival_of_it() -> None:
    assert figures(quarters([call(-3, answered=20)], START, HOUR))[:3] == [(0, 0, 0, 1), (0, 1, 0, 1), (0, 0, 0, 0)]


def test_a_day_that_has_begun_ends_with_the_quarter_that_goes_on() -> None:
    assert len(quarters([], START, at(16))) == 2
    assert quarters([], START, START) == ()
    late = quarters([call(15.5, answered=17)], START, at(16))
    assert figures(late) == [(0, 0, 0, 0), (1, 1, 0, 1)]


async def test_a_supervisor_sees_the_citizens_calls_of_a_local_day(desk: Desk) -> None:
    boss = await desk.person("9001", Role.SUPERVISOR)
    async with desk.shared.store.write() as session:
        for number, (minutes, direction, outcome) in enumerate(
            [(-10, "inbound", "answered"), (-9, "inbound", "abandoned"), (-9, "outbound", "answered")]
        ):
            answered = outcome == "answered"
            session.add(
                CallRecord(
                    id=f"1.{number}", line="12345", arrived_at=at(minutes), queued_at=at(minutes), direction=direction,
                    answered_at=at(minutes + 0.2) if answered else None, ended_at=at(minutes + 1), outcome=outcome,
                )
            )  # fmt: skip
    answer = await boss.get("/stats/calls-by-quarter")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["day"] == "2026-11-21"
    assert len(body["quarters"]) == 14 * 4  # 14:00 in Shanghai
    assert body["quarters"][-1] == {
        "at": "2026-11-21T05:45:00Z", "arrived": 2, "answered": 1, "abandoned": 1, "waiting": 1,
    }  # fmt: skip
    yesterday = (await boss.get("/stats/calls-by-quarter?day=2026-11-20")).json()
    assert len(yesterday["quarters"]) == 96
    assert sum(row["arrived"] for row in yesterday["quarters"]) == 0


async def test_a_day_is_counted_once_for_all_who_ask_and_an_earlier_one_once_an_hour(desk: Desk) -> None:
    boss = await desk.person("9001", Role.SUPERVISOR)

    async def counted(day: str = "") -> int:
        with statements(desk.shared.store) as asked:
            answers = await asyncio.gather(*(boss.get(f"/stats/calls-by-quarter{day}") for _ in range(4)))
        assert {answer.status_code for answer in answers} == {200}
        return sum("phone_hash" not in one and "FROM calls" in one for one in asked)

    assert await counted() == 1
    desk.clock.forward(14)
    assert await counted() == 0
    desk.clock.forward(2)
    assert await counted() == 1
    assert await counted("?day=2026-11-20") == 1
    desk.clock.forward(240)
    assert await counted("?day=2026-11-20") == 0
    desk.clock.forward(100)
    assert await counted("?day=2026-11-20") == 1, "an end that nobody saw may have been found meanwhile"
    assert await counted("?day=2026-11-18") == 1
    desk.clock.forward(1200)
    assert await counted("?day=2026-11-18") == 0
    for _ in range(2):
        desk.clock.forward(1250)
        await counted()
    assert await counted("?day=2026-11-18") == 1, "after days away the switch's log tells of calls of any age"


@pytest.mark.parametrize("day", ["2026-11-22", "0001-01-01", "9999-12-31", "yesterday"])
async def test_a_day_that_cannot_be_shown_is_refused_by_its_name(desk: Desk, day: str) -> None:
    boss = await desk.person("9001", Role.SUPERVISOR)
    answer = await boss.get(f"/stats/calls-by-quarter?day={day}")
    assert (answer.status_code, answer.json()["field"]) == (422, "day")


async def test_operators_do_not_see_it(desk: Desk) -> None:
    person = await desk.person("8001")
    assert (await person.get("/stats/calls-by-quarter")).status_code == 403
