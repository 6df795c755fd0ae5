"""Which waiting lines a person serves: set over HTTP, audited, and told to the switch while a shift goes on."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select

from api.auth.permissions import Role
from api.gap import Gap
from api.store.tables import AuditRecord, Shift
from telephony.commands import Command, CommandOutcome, OutcomeKind, ServeQueues
from telephony.errors import SwitchUnavailable
from telephony.events import LinkState
from telephony.ids import AgentId, CallId
from tests.api.desk import Desk, ObedientSwitch, Person

CALL = CallId("1.1")
BOTH = [{"queue": "hotline", "level": 1}, {"queue": "housing", "level": 3}]


async def set_skills(boss: Person, skills: Any, agent_id: str = "8001") -> Any:
    return await boss.client.put(f"/api/v1/agents/{agent_id}/skills", json={"skills": skills})


async def test_a_supervisor_sets_and_reads_skills_and_each_change_is_audited(desk: Desk) -> None:
    await desk.person("8001")
    boss = await desk.person("9001", Role.SUPERVISOR)
    assert (await boss.get("/agents/8001/skills")).json() == {"agent_id": "8001", "skills": []}
    answer = await set_skills(boss, BOTH)
    assert (answer.status_code, answer.json()) == (200, {"agent_id": "8001", "skills": BOTH, "outcome": None})
    assert (await boss.get("/agents/8001/skills")).json()["skills"] == BOTH
    assert (await boss.get("/agents")).json()[0]["skills"] == BOTH
    assert (await set_skills(boss, [])).json()["skills"] == []
    assert desk.switch.asked == [], "nobody sits there"
    async with desk.shared.store.read() as session:
        kept = (await session.scalars(select(AuditRecord).where(AuditRecord.action == "agent.skills"))).all()
    assert [(row.username, row.detail) for row in kept] == [
        ("9001", {"before": {}, "after": {"hotline": 1, "housing": 3}}),
        ("9001", {"before": {"hotline": 1, "housing": 3}, "after": {}}),
    ]


async def test_a_shift_that_goes_on_is_moved_at_once(desk: Desk) -> None:
    await desk.person("8001")
    boss = await desk.person("9001", Role.SUPERVISOR)
    desk.switch.talking(CALL, "8001")
    answer = await set_skills(boss, [{"queue": "housing", "level": 2}])
    assert answer.json()["outcome"] == "done"
    [told] = desk.switch.asked
    assert isinstance(told, ServeQueues)
    assert (told.agent_id, told.queues, dict(told.levels)) == (AgentId("8001"), ("housing",), {"housing": 2})
    await set_skills(boss, [])
    serves_all = desk.switch.asked[-1]
    assert isinstance(serves_all, ServeQueues)
    assert dict(serves_all.levels) == {"hotline": 1, "housing": 11}, "the main queue, and what overflows into it"


async def test_what_the_switch_could_not_be_told_is_written_down_all_the_same(desk: Desk) -> None:
    await desk.person("8001")
    boss = await desk.person("9001", Role.SUPERVISOR)
    desk.switch.talking(CALL, "8001")
    desk.switch.outcome = CommandOutcome(kind=OutcomeKind.UNKNOWN)
    assert (await set_skills(boss, BOTH)).json()["outcome"] == "unknown"
    desk.switch.failure = SwitchUnavailable("down")
    answer = await set_skills(boss, BOTH[:1])
    assert (answer.status_code, answer.json()["outcome"]) == (200, None)
    assert (await boss.get("/agents/8001/skills")).json()["skills"] == BOTH[:1]


async def test_two_supervisors_at_once_leave_what_one_of_them_wanted(desk: Desk) -> None:
    await desk.person("8001")
    boss = await desk.person("9001", Role.SUPERVISOR)
    wanted = [[{"queue": "hotline", "level": level}] for level in range(1, 9)]
    answers = await asyncio.gather(*(set_skills(boss, one) for one in wanted))
    assert [answer.status_code for answer in answers] == [200] * 8
    assert (await boss.get("/agents/8001/skills")).json()["skills"] in wanted


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("skills", "field"),
    [
        ([{"queue": "nowhere", "level": 1}], "queue"),
        ([{"queue": "Hot;line", "level": 1}], "queue"),
        ([{"queue": "hotline", "level": 0}], "level"),
        ([{"queue": "hotline", "level": 10}], "level"),
        ([{"queue": "hotline", "level": "1"}], "level"),
        ([{"queue": "hotline", "level": 1}, {"queue": "hotline", "level": 2}], "skills"),
        ("hotline", "skills"),
    ],
)
async def test_what_is_no_skill_is_named_and_changes_nothing(desk: Desk, skills: Any, field: str) -> None:
    await desk.person("8001")
    boss = await desk.person("9001", Role.SUPERVISOR)
    answer = await set_skills(boss, skills)
    assert answer.status_code == 422
    assert answer.json()["field"].endswith(field)
    assert (await boss.get("/agents/8001/skills")).json()["skills"] == []


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_only_who_takes_calls_has_skills(desk: Desk) -> None:
    boss = await desk.person("9001", Role.SUPERVISOR)
    await desk.person("7001", Role.REVISIT)
    assert (await set_skills(boss, BOTH, "7001")).json()["field"] == "agent_id"
    assert (await set_skills(boss, BOTH, "8009")).status_code == 404
    operator = await desk.person("8001")
    assert (await set_skills(operator, BOTH)).status_code == 403
    assert (await operator.get("/agents/8001/skills")).status_code == 403


@dataclass
class LiveRunner:
    """A link that is up, and a switch that does as it is told."""

    switch: ObedientSwitch
    link: LinkState = LinkState.LIVE

    async def request(self, command: Command) -> CommandOutcome:
        return await self.switch.request(command)


@dataclass
class Seats:
    agents: Any
    seated: bool = False

    def seated_everybody(self) -> None:
        self.seated = True


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_what_was_set_while_the_switch_was_away_counts_when_it_is_back(desk: Desk) -> None:
    await desk.person("8001")
    boss = await desk.person("9001", Role.SUPERVISOR)
    desk.switch.talking(CALL, "8001")
    async with desk.shared.store.write() as session:
        session.add(Shift(user_id=1, agent_id="8001", seat="8001", started_at=desk.clock()))
    desk.switch.failure = SwitchUnavailable("down")
    await set_skills(boss, BOTH[:1])
    desk.switch.failure = None
    desk.switch.asked.clear()
    seats = Seats(desk.switch.switchboard.agents)
    whatever: Any = None
    runner: Any = LiveRunner(desk.switch)
    board: Any = seats
    await Gap(
        common=desk.shared,
        runner=runner,
        switchboard=board,
        recording_files=whatever,
        calls=whatever,
        handoffs=whatever,
    ).seat_everybody()
    [told] = desk.switch.asked
    assert isinstance(told, ServeQueues)
    assert dict(told.levels) == {"hotline": 1, "housing": 11}
    assert seats.seated
