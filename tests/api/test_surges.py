"""Far more callers than usual: noticed once, over only after it was calm, announced and ended by people or by rule."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import select

from api import errors
from api.auth.permissions import Role
from api.auth.routes import router as session_router
from api.live.parts import SurgeData
from api.store.tables import AuditRecord
from api.surges.detector import Detector
from api.surges.routes import router as surges_router
from api.surges.service import Surges
from telephony.commands import AnnounceSurge, CommandOutcome, OutcomeKind
from telephony.dialplan.topology import Surge
from telephony.errors import SwitchUnavailable
from telephony.events import CallArrived
from telephony.ids import CallId, ChannelId, LineNumber, QueueName
from tests.api.desk import START, Desk, Person
from tests.api.test_shifts import database_away

HOTLINE = QueueName("hotline")
RULES = Surge(mode="announce", arrivals=10, window_s=60, waiting=5, ends_below=0.6, calm_s=30, at_most_min=10)
ON, OFF = AnnounceSurge(prompt="surge"), AnnounceSurge(prompt="")


def after(seconds: float) -> Any:
    return START + timedelta(seconds=seconds)


# the detector ---------------------------------------------------------------------------------------------------------
def test_many_callers_within_the_time_are_a_surge_and_as_many_over_an_hour_are_not() -> None:
    slow, fast = Detector(RULES), Detector(RULES)
    for number in range(10):
        slow.arrived(after(number * 360))
        fast.arrived(after(number))
    assert not slow.look(0, after(3240))
    assert fast.look(0, after(9))


def test_it_goes_on_at_the_edge_and_is_over_only_after_it_was_calm() -> None:
    detector = Detector(RULES)
    told = [detector.look(waiting, after(second)) for second, waiting in enumerate([4, 5, 4, 3, 5, 4])]
    assert told == [False, True, True, True, True, True], "between both limits nothing changes"
    assert [detector.look(2, after(5 + second)) for second in (1, 29, 30)] == [True, True, False]
    assert not detector.look(4, after(60)), "what kept it on does not begin it"


def test_what_is_not_looked_at_begins_nothing() -> None:
    detector = Detector(RULES.model_copy(update={"waiting": 0}))
    assert not detector.look(10_000, START)
    off = Detector(RULES.model_copy(update={"mode": "off"}))
    assert not off.look(10_000, START)


# the announcement -----------------------------------------------------------------------------------------------------
class Lines:
    def __init__(self) -> None:
        self.waiting: dict[QueueName, tuple[CallId, ...]] = {}

    def wait(self, many: int) -> None:
        self.waiting[HOTLINE] = tuple(CallId(f"1.{number}") for number in range(many))


class Stage:
    def __init__(self, desk: Desk, place: Path, mode: str = "announce") -> None:
        self.desk, self.lines, self.place = desk, Lines(), place
        self.shown: list[SurgeData] = []
        rules = RULES.model_copy(update={"mode": mode})
        topology = desk.shared.topology.model_copy(update={"surge": rules})
        object.__setattr__(desk.shared, "topology", topology)
        self.begin_again()

    def begin_again(self) -> None:
        """As after a start of the server: nobody knows what the switch plays."""
        self.surges = Surges(self.desk.shared, self.lines, show=self.shown.append, place=self.place)

    async def look(self, waiting: int, seconds: float = 0.0) -> SurgeData:
        self.desk.clock.forward(seconds)
        self.lines.wait(waiting)
        await self.surges.look()
        return self.shown[-1]

    async def audited(self) -> list[tuple[str, str, Any]]:
        assert await self.desk.shared.standby.records.drain(10)
        async with self.desk.shared.store.read() as session:
            rows = await session.scalars(select(AuditRecord).where(AuditRecord.object_type == "surge"))
            return [(row.username, row.action, row.detail) for row in rows]


@pytest.fixture
def stage(desk: Desk, tmp_path: Path) -> Stage:
    return Stage(desk, tmp_path / "surge.json")


async def test_by_rule_it_begins_once_and_ends_after_the_calm(stage: Stage) -> None:
    assert (await stage.look(4)).state == "quiet"
    began = await stage.look(5, 1)
    assert (began.state, began.by, began.waiting, began.waiting_limit) == ("announced", "rule", 5, 5)
    await stage.look(9, 1)
    assert stage.desk.switch.asked == [OFF, ON], "what an earlier run began ends"
    await stage.look(0, 29)
    over = await stage.look(0, 1)
    assert (over.state, over.until) == ("quiet", None)
    assert stage.desk.switch.asked == [OFF, ON, OFF]
    assert [(who, what) for who, what, _ in await stage.audited()] == [
        ("system", "surge.announced"),
        ("system", "surge.ended"),
    ]


async def test_no_announcement_lasts_longer_than_it_may_and_the_same_surge_begins_no_other(stage: Stage) -> None:
    await stage.look(9)
    late = await stage.look(9, 600)
    assert late.state == "proposed"
    await stage.look(9, 1)
    assert stage.desk.switch.asked == [ON, OFF]


async def test_where_people_decide_it_is_only_proposed(desk: Desk, tmp_path: Path) -> None:
    stage = Stage(desk, tmp_path / "surge.json", "propose")
    proposed = await stage.look(9)
    assert (proposed.state, proposed.by) == ("proposed", "rule")
    assert desk.switch.asked == [OFF]


async def test_arrivals_count_too_but_not_those_found_after_a_restart(stage: Stage) -> None:
    for rebuilt in (True, False):
        for number in range(10):
            stage.surges.handle(
                CallArrived(
                    at=START,
                    call_id=CallId(f"2.{number}"),
                    caller_number="",
                    caller_name="",
                    line=LineNumber("12345"),
                    channel=ChannelId("2.0"),
                    rebuilt=rebuilt,
                )
            )
        assert ((await stage.look(0)).state == "quiet") is rebuilt


async def test_a_switch_that_is_away_is_told_as_soon_as_it_is_back(stage: Stage) -> None:
    stage.desk.switch.failure = SwitchUnavailable("down")
    await stage.look(9)
    await stage.look(9, 1)
    stage.desk.switch.failure = None
    await stage.look(9, 1)
    await stage.look(9, 1)
    assert stage.desk.switch.asked == [ON, ON, ON], "twice in vain"


async def test_an_answer_that_did_not_come_is_asked_for_until_it_does(stage: Stage) -> None:
    stage.desk.switch.outcome = CommandOutcome(kind=OutcomeKind.UNKNOWN)
    for _ in range(3):
        assert (await stage.look(9, 1)).state == "announced"
    stage.desk.switch.outcome = CommandOutcome(kind=OutcomeKind.DONE)
    for _ in range(3):
        await stage.look(9, 1)
    assert stage.desk.switch.asked == [ON] * 4


@pytest.mark.parametrize("lost", ["gone", "broken"])
async def test_an_announcement_whose_file_is_lost_is_taken_down_at_the_switch(stage: Stage, lost: str) -> None:
    await stage.look(9)
    stage.place.unlink() if lost == "gone" else stage.place.write_text("{")
    stage.desk.switch.asked.clear()
    stage.begin_again()
    assert (await stage.look(0)).state == "quiet"
    await stage.look(0, 1)
    assert stage.desk.switch.asked == [OFF]


# people ---------------------------------------------------------------------------------------------------------------
async def boss_of(stage: Stage) -> Person:
    app = FastAPI()
    for router in (session_router, surges_router):
        app.include_router(router, prefix="/api/v1")
    errors.install(app)

    async def with_state(scope: Any, receive: Any, send: Any) -> None:
        scope["state"] = {"shared": stage.desk.shared, "surges": stage.surges}
        await app(scope, receive, send)

    stage.desk.app = with_state
    return await stage.desk.person("9001", Role.SUPERVISOR)


async def test_a_supervisor_begins_it_with_a_reason_and_it_ends_by_itself(stage: Stage) -> None:
    boss = await boss_of(stage)
    answer = await boss.post("/surge", {"on": True, "reason": "暴雨，报修集中", "minutes": 30})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["state"], answer.json()["by"], answer.json()["reason"]) == (
        "announced",
        "person",
        "暴雨，报修集中",
    )
    assert (await boss.get("/surge")).json() == answer.json()
    await stage.look(0, 1799)
    assert stage.desk.switch.asked == [ON]  # the switch has said what it plays
    assert (await stage.look(0, 1)).state == "quiet"
    assert stage.desk.switch.asked == [ON, OFF]
    assert await stage.audited() == [
        ("9001", "surge.announce", {"reason": "暴雨，报修集中", "minutes": 30}),
        ("system", "surge.ended", {}),
    ]


async def test_what_a_supervisor_has_ended_no_rule_begins_again_before_the_next_surge(stage: Stage) -> None:
    boss = await boss_of(stage)
    await stage.look(9)
    assert (await boss.post("/surge", {"on": False, "reason": "误报"})).json()["state"] == "proposed"
    assert (await stage.look(9, 1)).state == "proposed"
    await stage.look(0, 31)
    assert (await stage.look(9, 1)).state == "announced"
    assert stage.desk.switch.asked == [ON, OFF, ON]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_it_works_while_the_database_is_away_and_outlives_our_process(stage: Stage) -> None:
    boss = await boss_of(stage)
    await boss.get("/surge")  # the session is known from here on
    async with database_away(stage.desk.shared.store):
        answer = await boss.post("/surge", {"on": True, "reason": "系统故障", "minutes": 5})
        assert answer.status_code == 200
    stage.begin_again()
    assert (await stage.look(0)).reason == "系统故障"
    assert stage.desk.switch.asked == [ON, ON], "the switch may have forgotten it too"


async def test_where_it_cannot_be_kept_it_holds_all_the_same(desk: Desk, tmp_path: Path) -> None:
    stage = Stage(desk, tmp_path / "gone" / "surge.json")
    assert (await stage.look(9)).state == "announced"
    assert (await stage.look(9, 1)).state == "announced"
    assert stage.desk.switch.asked == [ON]


async def test_a_supervisors_wish_without_an_answer_holds_and_is_asked_again(stage: Stage) -> None:
    boss = await boss_of(stage)
    stage.desk.switch.outcome = CommandOutcome(kind=OutcomeKind.UNKNOWN)
    answer = await boss.post("/surge", {"on": True, "reason": "高峰", "minutes": 5})
    assert (answer.status_code, answer.json()["state"]) == (200, "announced")
    stage.desk.switch.outcome = CommandOutcome(kind=OutcomeKind.DONE)
    await stage.look(0, 1)
    await stage.look(0, 1)
    assert stage.desk.switch.asked == [ON, ON]


async def test_a_switch_that_is_away_is_told_to_the_supervisor(stage: Stage) -> None:
    boss = await boss_of(stage)
    stage.desk.switch.failure = SwitchUnavailable("down")
    answer = await boss.post("/surge", {"on": True, "reason": "高峰", "minutes": 5})
    assert (answer.status_code, answer.json()["error"]) == (503, "switch_unavailable")
    assert stage.surges.now.state == "quiet"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"on": True, "reason": "高峰"}, "minutes"),
        ({"on": False, "reason": "高峰", "minutes": 5}, "minutes"),
        ({"on": True, "reason": "", "minutes": 5}, "reason"),
        ({"on": True, "reason": "高峰", "minutes": 0}, "minutes"),
    ],
)
async def test_a_wrong_wish_is_told_with_its_field(stage: Stage, body: Any, field: str) -> None:
    boss = await boss_of(stage)
    answer = await boss.post("/surge", body)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert stage.desk.switch.asked == []


async def test_only_supervisors_may(stage: Stage) -> None:
    await boss_of(stage)
    operator = await stage.desk.person("8001")
    for answer in (await operator.get("/surge"), await operator.post("/surge", {"on": False, "reason": "高峰"})):
        assert answer.status_code == 403
