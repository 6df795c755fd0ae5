"""What an operator does in a call with others: who may, what is asked of the switch, what is refused and audited."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from api.auth.permissions import Role
from api.store.tables import AuditRecord, HandoffRecord
from api.transfers.targets import checked, labels_of
from telephony import errors
from telephony.commands import (
    BringTogether,
    CallTarget,
    CommandOutcome,
    DropTarget,
    GoPrivate,
    KeepLine,
    LeaveCall,
    OutcomeKind,
    PauseRecording,
    ResumeRecording,
    SendBack,
)
from telephony.dialplan.topology import default_text, parse
from telephony.ids import AgentId, CallId, QueueName
from telephony.targets import Target, TargetKind, TransferMode
from tests.api.desk import MOBILE, Desk

POLICE = Target(kind=TargetKind.CENTRE, value="110")
ME, CALL = AgentId("8001"), CallId("1.1")
TOPOLOGY = parse(default_text())

COMMANDS: list[tuple[str, dict[str, Any], Any]] = [
    (
        "transfers",
        {"target": {"kind": "centre", "value": "110"}, "mode": "three_way"},
        CallTarget(call_id=CALL, agent_id=ME, target=POLICE, mode=TransferMode.THREE_WAY),
    ),
    ("transfer/private", {}, GoPrivate(call_id=CALL, agent_id=ME)),
    ("transfer/together", {}, BringTogether(call_id=CALL, agent_id=ME)),
    ("transfer/leave", {}, LeaveCall(call_id=CALL, agent_id=ME)),
    ("transfer/cancel", {}, DropTarget(call_id=CALL, agent_id=ME)),
    ("send-back", {"queue": None}, SendBack(call_id=CALL, agent_id=ME)),
    ("send-back", {"queue": "hotline"}, SendBack(call_id=CALL, agent_id=ME, queue=QueueName("hotline"))),
    ("keep-line", {"on": True}, KeepLine(call_id=CALL, agent_id=ME, on=True)),
    ("recording/pause", {"seconds": 30}, PauseRecording(call_id=CALL, agent_id=ME, seconds=30)),
    ("recording/resume", {}, ResumeRecording(call_id=CALL, agent_id=ME)),
]
EACH = pytest.mark.parametrize(("path", "body", "command"), COMMANDS, ids=[f"{c[0]} {c[1]}" for c in COMMANDS])
SQLITE = pytest.mark.parametrize("url", ["sqlite"], indirect=True)


@SQLITE
@EACH
async def test_the_switch_is_asked_once_and_the_command_audited(
    desk: Desk, path: str, body: dict[str, Any], command: Any
) -> None:
    person = await desk.person("8001")
    desk.switch.talking(CALL, ME)
    answers = [await person.post(f"/calls/1.1/{path}", body, key="one") for _ in range(2)]
    assert [(answer.status_code, answer.json()["outcome"]) for answer in answers] == [(202, "done")] * 2
    assert desk.switch.asked == [command]
    async with desk.shared.store.read() as session:
        audited = (await session.scalars(select(AuditRecord).where(AuditRecord.object_id == CALL))).one()
    assert (audited.username, audited.result) == ("8001", "done")


@SQLITE
@EACH
async def test_only_who_talks_in_a_call_commands_it(desk: Desk, path: str, body: dict[str, Any], command: Any) -> None:
    await desk.person("8001")
    desk.switch.talking(CALL, ME)
    for person in (await desk.person("8002"), await desk.person("9001", Role.SUPERVISOR)):
        assert (await person.post(f"/calls/1.1/{path}", body)).status_code == 403
    assert desk.switch.asked == []


@SQLITE
@EACH
async def test_a_refusal_says_why_and_an_unknown_outcome_is_never_asked_twice(
    desk: Desk, path: str, body: dict[str, Any], command: Any
) -> None:
    person = await desk.person("8001")
    desk.switch.talking(CALL, ME)
    desk.switch.failure = errors.Refused(command="X", state="held", reason="another is under way")
    answer = await person.post(f"/calls/1.1/{path}", body, key="refused")
    assert (answer.status_code, answer.json()["error"]) == (409, "refused")
    assert "another is under way" in answer.json()["detail"]
    desk.switch.failure = None
    desk.switch.outcome = CommandOutcome(kind=OutcomeKind.UNKNOWN)
    answers = [await person.post(f"/calls/1.1/{path}", body, key="unknown") for _ in range(2)]
    assert [(answer.status_code, answer.json()["outcome"]) for answer in answers] == [(202, "unknown")] * 2
    assert len(desk.switch.asked) == 2


@SQLITE
@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("transfers", {"target": {"kind": "centre", "value": "911"}, "mode": "three_way"}, "value"),
        ("transfers", {"target": {"kind": "queue", "value": "nobody"}, "mode": "blind"}, "value"),
        ("transfers", {"target": {"kind": "number", "value": "00110"}, "mode": "blind"}, "value"),
        ("transfers", {"target": {"kind": "number", "value": "1380;"}, "mode": "blind"}, "value"),
        ("transfers", {"target": {"kind": "agent", "value": "80-01"}, "mode": "blind"}, "value"),
        ("transfers", {"target": {"kind": "alien", "value": "1"}, "mode": "blind"}, "kind"),
        ("transfers", {"target": {"kind": "centre", "value": "110"}, "mode": "shouting"}, "mode"),
        ("send-back", {"queue": "nobody"}, "queue"),
        ("recording/pause", {"seconds": 121}, "seconds"),
        ("transfer/leave", {"receipt": "\n"}, "receipt"),
        ("keep-line", {}, "on"),
    ],
)
async def test_what_breaks_its_rule_is_named_and_never_sent(
    desk: Desk, path: str, body: dict[str, Any], field: str
) -> None:
    person = await desk.person("8001")
    desk.switch.talking(CALL, ME)
    answer = await person.post(f"/calls/1.1/{path}", body)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert desk.switch.asked == []


async def test_a_receipt_given_on_leaving_stands_in_the_ledger_before_its_first_step_does(desk: Desk) -> None:
    person = await desk.person("8001")
    desk.switch.talking(CALL, ME)
    desk.switch.transferring(CALL, ME, POLICE)
    answer = await person.post("/calls/1.1/transfer/leave", {"receipt": " 0042 "})
    assert answer.status_code == 202
    shown = answer.json()["transfer"]
    assert (shown["handoff_number"], shown["target"]["value"]) == ("YJ20261121-001", "110")
    async with desk.shared.store.read() as session:
        row = (await session.scalars(select(HandoffRecord))).one()
    assert (row.receipt, row.centre, row.transfer_id) == ("0042", "110", "1.1-t1")


@SQLITE
async def test_nothing_is_kept_of_a_leave_that_was_refused(desk: Desk) -> None:
    person = await desk.person("8001")
    desk.switch.talking(CALL, ME)
    desk.switch.transferring(CALL, ME, POLICE)
    desk.switch.failure = errors.Refused(command="LeaveCall", state="joined", reason="the line is kept")
    assert (await person.post("/calls/1.1/transfer/leave", {"receipt": "0042"})).status_code == 409
    async with desk.shared.store.read() as session:
        assert (await session.scalars(select(HandoffRecord))).all() == []


@SQLITE
async def test_a_free_number_is_masked_in_the_answer_and_not_in_the_audit(desk: Desk) -> None:
    person = await desk.person("8001")
    desk.switch.talking(CALL, ME)
    desk.switch.transferring(CALL, ME, Target(kind=TargetKind.NUMBER, value=MOBILE))
    answer = await person.post("/calls/1.1/transfer/cancel", {})
    assert answer.json()["transfer"]["target"] == {"kind": "number", "value": "138****0000", "label": "138****0000"}
    async with desk.shared.store.read() as session:
        audited = (await session.scalars(select(AuditRecord))).all()
    assert not any(MOBILE in str(one.detail) for one in audited)


@SQLITE
async def test_targets_are_those_of_the_topology_and_who_is_signed_in(desk: Desk) -> None:
    person = await desk.person("8001")
    await desk.person("8002")
    desk.switch.talking("1.1", "8001")
    desk.switch.talking("1.2", "8002")
    targets = (await person.get("/transfer-targets")).json()
    assert [(one["agent_id"], one["display_name"]) for one in targets["agents"]] == [("8002", "座席8002")]
    assert {"110", "119", "120", "122", "12366"} <= {one["code"] for one in targets["centres"]}
    assert all(one["mode"] == "trunk" for one in targets["centres"])
    assert "hotline" in {one["name"] for one in targets["queues"]}
    assert {one["number"]: (one["queue"], one["centre"]) for one in targets["lines"]} == {
        "12369": ("hotline", None),
        "12329": ("housing", None),
        "12366": ("hotline", "12366"),
    }


def test_whom_the_topology_names_has_a_label_and_may_be_called() -> None:
    assert checked(TOPOLOGY, TargetKind.CENTRE, "110") == POLICE
    labels = labels_of(TOPOLOGY)
    assert {code for kind, code in labels if kind is TargetKind.CENTRE} == {one.code for one in TOPOLOGY.centres}
    assert all(labels.values())
