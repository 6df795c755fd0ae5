"""Who stands in front by rule: what the records say of a number, the city's list, and a switch that is asked once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from api.auth.permissions import Role
from api.priorities.rules import Ahead, Known, ahead
from api.priorities.usher import Usher
from api.store.tables import AuditRecord, CallRecord, PriorityNumber
from telephony.calls import Call, CallPhase
from telephony.commands import Prioritise
from telephony.dialplan.topology import Priority
from telephony.errors import SwitchUnavailable
from telephony.events import AheadReason, CallArrived, CallOutcome, CallQueued
from telephony.ids import CallId, ChannelId, LineNumber, QueueName
from tests.api.desk import MOBILE, START, Desk
from tests.api.test_shifts import database_away

NOW_CALLING = CallId("1.9")
RULES = Priority()


# the rules ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("known", "line_priority", "wanted"),
    [
        (Known(calls=1, listed=False), 0, None),
        (Known(calls=2, listed=False), 0, Ahead(priority=200, reason=AheadReason.REPEAT)),
        (Known(calls=0, listed=True), 0, Ahead(priority=300, reason=AheadReason.ELDER)),
        (Known(calls=9, listed=True), 50, Ahead(priority=300, reason=AheadReason.ELDER)),
    ],
)
def test_the_rule_that_puts_furthest_in_front_holds(known: Known, line_priority: int, wanted: Ahead | None) -> None:
    assert ahead(RULES, known, line_priority=line_priority) == wanted


def test_a_rule_of_nothing_asks_for_nothing_and_a_line_may_stand_higher() -> None:
    off = Priority(elders=0, repeat=0)
    assert ahead(off, Known(calls=9, listed=True)) is None
    assert ahead(Priority(elders=40), Known(calls=0, listed=True), line_priority=60) is None


# beside the call ------------------------------------------------------------------------------------------------------
def arrived(number: str = MOBILE, **more: Any) -> CallArrived:
    line = LineNumber("12345")
    given = {"caller_number": number, "caller_name": "", "line": line, "channel": ChannelId(NOW_CALLING)} | more
    return CallArrived(at=START, call_id=NOW_CALLING, **given)


def usher_of(desk: Desk) -> Usher:
    common = desk.shared
    return Usher(
        common.store, common.topology, desk.switch.switchboard, desk.switch.request, common.now, common.settings.zone
    )


def stands(desk: Desk, phase: CallPhase, **more: Any) -> None:
    desk.switch.switchboard.calls[NOW_CALLING] = Call(
        id=NOW_CALLING,
        phase=phase,
        caller_number=MOBILE,
        caller_name="",
        line=LineNumber("12345"),
        arrived_at=START,
        **more,
    )


async def settled(usher: Usher) -> None:
    await usher.tasks.settle(5)
    assert len(usher.tasks) == 0


async def missed(desk: Desk, *hours_ago: float, outcome: CallOutcome = CallOutcome.ABANDONED) -> None:
    keyring = desk.shared.store.keyring
    async with desk.shared.store.write() as session:
        session.add_all(
            [
                CallRecord(
                    id=f"{outcome}.{number}",
                    line="12345",
                    phone_hash=keyring.phone_hash(MOBILE),
                    caller_number=MOBILE,
                    arrived_at=START - timedelta(hours=hours),
                    outcome=outcome.value,
                    direction="inbound",
                )
                for number, hours in enumerate(hours_ago)
            ]
        )


async def test_who_called_in_vain_twice_is_put_in_front_before_the_queue_and_again_in_it(desk: Desk) -> None:
    await missed(desk, 1, 2)
    usher = usher_of(desk)
    stands(desk, CallPhase.ARRIVED)
    usher.handle(arrived())
    await settled(usher)
    wanted = Prioritise(call_id=NOW_CALLING, priority=200, reason=AheadReason.REPEAT)
    assert desk.switch.asked == [wanted]
    stands(desk, CallPhase.QUEUED)
    queued = CallQueued(at=START, call_id=NOW_CALLING, queue=QueueName("hotline"), position=3)
    for _ in range(2):
        usher.handle(queued)
        await settled(usher)
    assert desk.switch.asked == [wanted, wanted], "a later round of waiting asks for nothing"


@pytest.mark.parametrize(
    ("hours", "outcome"),
    [((1,), CallOutcome.ABANDONED), ((1, 25), CallOutcome.ABANDONED), ((1, 2), CallOutcome.ANSWERED)],
    ids=["once", "long ago", "answered"],
)
async def test_who_did_not_waits_in_turn(desk: Desk, hours: tuple[float, ...], outcome: CallOutcome) -> None:
    await missed(desk, *hours, outcome=outcome)
    usher = usher_of(desk)
    stands(desk, CallPhase.ARRIVED)
    usher.handle(arrived())
    await settled(usher)
    assert desk.switch.asked == []


@pytest.mark.parametrize("event", [arrived(centre="110"), arrived(number="")], ids=["a centre's", "no number"])
async def test_who_is_in_front_already_or_unknown_is_not_looked_up(desk: Desk, event: CallArrived) -> None:
    await missed(desk, 1, 2)
    usher = usher_of(desk)
    usher.handle(event)
    assert len(usher.tasks) == 0


async def test_who_talks_already_is_not_moved(desk: Desk) -> None:
    await missed(desk, 1, 2)
    usher = usher_of(desk)
    stands(desk, CallPhase.QUEUED, answered_at=START)
    usher.handle(arrived())
    await settled(usher)
    assert desk.switch.asked == []


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_without_the_database_or_the_switch_everybody_waits_in_turn(desk: Desk) -> None:
    await missed(desk, 1, 2)
    usher = usher_of(desk)
    stands(desk, CallPhase.QUEUED)
    async with database_away(desk.shared.store):
        usher.handle(arrived())
        await settled(usher)
    assert desk.switch.asked == []
    desk.switch.failure = SwitchUnavailable("down")
    usher.handle(arrived())
    await settled(usher)
    assert len(desk.switch.asked) == 1


# the list -------------------------------------------------------------------------------------------------------------
async def test_a_number_on_the_list_is_sealed_masked_audited_and_stands_in_front(desk: Desk) -> None:
    boss = await desk.person("9001", Role.SUPERVISOR)
    made = await boss.post("/priority-numbers", {"number": MOBILE, "note": "高龄独居", "expires_on": "2026-11-21"})
    assert made.status_code == 201, made.text
    assert (made.json()["number"], made.json()["added_by"]) == ("138****0000", "9001")
    listed = await boss.get("/priority-numbers")
    assert listed.json()["items"] == [made.json()]
    assert MOBILE not in listed.text
    async with desk.shared.store.read() as session:
        audited = (await session.scalars(select(AuditRecord).where(AuditRecord.object_type == "priority_number"))).all()
        row = (await session.scalars(select(PriorityNumber))).one()
    assert [(one.action, one.object_id) for one in audited] == [("priority_number.add", made.json()["id"])]
    assert (row.number, row.note) == (MOBILE, "高龄独居")
    usher = usher_of(desk)
    stands(desk, CallPhase.QUEUED)
    usher.handle(arrived())
    await settled(usher)
    assert desk.switch.asked == [Prioritise(call_id=NOW_CALLING, priority=300, reason=AheadReason.ELDER)]


async def test_twice_is_refused_expired_is_taken_up_again_and_removed_is_gone(desk: Desk) -> None:
    boss = await desk.person("9001", Role.SUPERVISOR)
    first = await boss.post("/priority-numbers", {"number": MOBILE, "expires_on": "2026-11-21"})
    assert (await boss.post("/priority-numbers", {"number": MOBILE})).status_code == 409
    desk.clock.forward(86_400)
    usher = usher_of(desk)
    stands(desk, CallPhase.QUEUED)
    usher.handle(arrived())
    await settled(usher)
    assert desk.switch.asked == [], "the last day is over"
    boss = await desk.sign_in("9001")
    again = await boss.post("/priority-numbers", {"number": MOBILE})
    assert again.status_code == 201
    assert again.json()["id"] != first.json()["id"]
    assert (await boss.delete(f"/priority-numbers/{again.json()['id']}")).status_code == 204
    assert (await boss.delete(f"/priority-numbers/{again.json()['id']}")).status_code == 404
    assert (await boss.get("/priority-numbers")).json()["total"] == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"number": "12345;evil"}, "number"),
        ({"number": MOBILE, "note": "a\nb"}, "note"),
        ({"number": MOBILE, "expires_on": "2020-01-01"}, "expires_on"),
        ({"number": MOBILE, "kind": "vip"}, "kind"),
    ],
)
async def test_a_wrong_value_is_told_with_its_field_and_not_repeated(desk: Desk, body: Any, field: str) -> None:
    boss = await desk.person("9001", Role.SUPERVISOR)
    answer = await boss.post("/priority-numbers", body)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert "evil" not in answer.text
