"""Wall, emergency, tasks, alerts and company in a call: who may see what, at the snapshot and at every patch."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from agent_console import STATIC_DIR
from api.auth.permissions import Role
from api.live.alerts import AlertKind
from api.live.callparts import Listed
from api.live.hub import WALL_EVERY_S, Hub
from api.live.messages import ErrorCode, server_message
from api.live.parts import CallbackCounts, CallbackHead, CueData, HandoffHead, SurgeData
from api.live.viewers import Viewer
from telephony.calls import CallPhase
from telephony.events import (
    AgentSignedOut,
    AgentStatus,
    AgentStatusChanged,
    AheadReason,
    CallEnded,
    CallMovedAhead,
    CallOutcome,
    DriftRepaired,
    LineKept,
    LinkChanged,
    LinkState,
    PauseReason,
    TransferReason,
    TransferStep,
    TransferStepped,
)
from telephony.ids import AgentId, QueueName, SeatId
from telephony.targets import SpyMode, Target, TargetKind, TransferMode
from telephony.transfers import Transfer, TransferState
from tests.api.live.stage import CALL, HOTLINE, OPERATOR, OTHER, START, Board, Clock, Memory, Spying, supervisor, viewer

POLICE = Target(kind=TargetKind.CENTRE, value="110")
NUMBER = "13800000000"


@pytest.fixture
def board() -> Board:
    made = Board()
    made.arrive()
    made.change(phase=CallPhase.TALKING, answered_by=OPERATOR, answered_at=START)
    made.sign_in(status=AgentStatus.TALKING, call_id=CALL)
    return made


@pytest.fixture
def clock() -> Clock:
    return Clock()


def make_hub(board: Board, clock: Clock, **more: Any) -> Hub:
    labels = {(TargetKind.CENTRE, "110"): "公安"}
    return Hub(board=board, clock=clock, wall=clock.wall, ring_s=15, queues=(HOTLINE,), labels=labels, **more)


@pytest.fixture
def live(board: Board, clock: Clock) -> Hub:
    hub = make_hub(board, clock)
    hub.show_names({OPERATOR: "座席8001", OTHER: "座席8002", AgentId("9001"): "班长"})
    return hub


def reader_of(hub: Hub, who: Viewer, *channels: str) -> Memory:
    reader = Memory(who)
    hub.admit(reader)
    for channel in channels:
        hub.subscribe(reader, channel)
    return reader


def transfer(state: TransferState = TransferState.RINGING, target: Target = POLICE) -> Transfer:
    return Transfer(
        id="t1",
        call_id=CALL,
        agent_id=OPERATOR,
        target=target,
        mode=TransferMode.THREE_WAY,
        state=state,
        started_at=START,
        ringing_at=START + timedelta(seconds=1),
        joined_at=START + timedelta(seconds=4) if state is not TransferState.RINGING else None,
    )


def stepped(step: TransferStep, reason: TransferReason | None = None) -> TransferStepped:
    return TransferStepped(
        at=START,
        call_id=CALL,
        transfer_id="t1",
        step=step,
        agent_id=OPERATOR,
        target=POLICE,
        mode=TransferMode.THREE_WAY,
        reason=reason,
    )


def head(agent_id: str = OPERATOR) -> HandoffHead:
    return HandoffHead(
        id=f"h{agent_id}",
        number="YJ20261121-001",
        call_id=CALL,
        centre="110",
        target="110",
        agent_id=agent_id,
        state="handed_over",
        outcome=None,
        receipt="",
        push_state="pending",
        keep_line=False,
        started_at=1,
        ended_at=None,
        version=1,
    )


def callback() -> CallbackHead:
    return CallbackHead(
        id="c1",
        number="138****0000",
        line="12345",
        reason="abandoned",
        calls=1,
        first_at=1,
        last_at=1,
        due_at=2,
        owner=None,
        leased_until=None,
        tries=0,
        status="open",
        version=1,
    )


# in a call ------------------------------------------------------------------------------------------------------------
def roles(data: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(one["role"], one["label"], one["state"]) for one in data["parties"]]


def test_a_call_shows_who_is_in_it_and_where_the_transfer_stands(board: Board, live: Hub) -> None:
    reader = reader_of(live, viewer(), f"call/{CALL}")
    assert roles(reader.take()[0]["data"]) == [
        ("citizen", "138****0000", "talking"),
        ("operator", "座席8001", "talking"),
    ]
    board.transfers[CALL] = transfer()
    live.handle(stepped(TransferStep.RINGING))
    (patch,) = reader.take()
    changed = {op[1]: op[2] for op in patch["ops"]}
    assert changed["transfer"]["target"] == {"kind": "centre", "value": "110", "label": "公安"}
    assert [(one["role"], one["state"]) for one in changed["parties"]][-1] == ("centre", "ringing")
    live.show_listed(CALL, "t1", Listed(id="h1", number="YJ20261121-001"))
    (patch,) = reader.take()
    assert ["set", "transfer/handoff_number", "YJ20261121-001"] in patch["ops"]


def test_during_a_private_word_the_citizen_hears_music(board: Board, live: Hub) -> None:
    board.transfers[CALL] = transfer(TransferState.PRIVATE)
    reader = reader_of(live, viewer(), f"call/{CALL}")
    assert [state for _, _, state in roles(reader.take()[0]["data"])] == ["music", "talking", "talking"]


def test_the_digits_of_a_free_number_are_masked(board: Board, live: Hub) -> None:
    board.transfers[CALL] = transfer(target=Target(kind=TargetKind.NUMBER, value=NUMBER))
    reader = reader_of(live, viewer(), f"call/{CALL}")
    assert NUMBER not in str(reader.take())


def test_whoever_a_call_is_handed_to_sees_it_while_it_rings_there_and_not_after(board: Board, live: Hub) -> None:
    board.transfers[CALL] = transfer(target=Target(kind=TargetKind.AGENT, value=OTHER))
    reader = reader_of(live, viewer(OTHER), f"call/{CALL}")
    assert reader.take()[0]["t"] == "snap"
    board.transfers[CALL] = replace(board.transfers[CALL], state=TransferState.ENDED)
    live.handle(stepped(TransferStep.CANCELLED))
    assert reader.take() == [{"t": "err", "ch": f"call/{CALL}", "code": ErrorCode.FORBIDDEN}]


@pytest.mark.parametrize("shown", [True, False])
def test_operators_see_that_they_are_supervised_if_the_policy_says_so(board: Board, clock: Clock, shown: bool) -> None:
    hub = make_hub(board, clock, supervision_shown=shown)
    board.supervisions[CALL] = Spying(agent_id=AgentId("9001"), mode=SpyMode.LISTEN)
    operator, boss = (reader_of(hub, who, f"call/{CALL}").take()[0]["data"] for who in (viewer(), supervisor()))
    assert boss["supervision"] == {"agent_id": "9001", "mode": "listen"}
    assert operator["supervision"] == (boss["supervision"] if shown else None)
    assert ("9001" in str(operator)) is shown


def test_cues_stand_in_the_call(live: Hub) -> None:
    reader = reader_of(live, viewer(), f"call/{CALL}")
    reader.take()
    cue = CueData(
        id="q1",
        call_id=CALL,
        targets=["110"],
        action="transfer_now",
        seg=1,
        start=0,
        end=2,
        text="有刀",
        at=1,
        state="open",
        reason=None,
    )
    live.show_cues(CALL, [cue])
    assert reader.take()[0]["ops"] == [["set", "cues", [cue.model_dump(mode="json")]]]


# the wall -------------------------------------------------------------------------------------------------------------
def test_the_wall_is_for_supervisors_alone(live: Hub) -> None:
    for role in set(Role) - {Role.SUPERVISOR}:
        reader = reader_of(live, viewer(role=role), "wall")
        assert reader.take() == [{"t": "err", "ch": "wall", "code": ErrorCode.FORBIDDEN}]


def test_the_wall_shows_everybody_and_every_call_without_numbers(board: Board, live: Hub) -> None:
    board.transfers[CALL] = transfer()
    board.sign_in(OTHER)
    reader = reader_of(live, supervisor(), "wall")
    (snapshot,) = reader.take()
    server_message.validate_python(snapshot)
    data = snapshot["data"]
    assert [(one["id"], one["display_name"], one["line"]) for one in data["agents"]] == [
        ("8001", "座席8001", "12345"),
        ("8002", "座席8002", None),
    ]
    assert [(one["id"], one["agent_id"], one["transfer"]["state"]) for one in data["calls"]] == [
        (CALL, "8001", "ringing")
    ]
    assert NUMBER not in str(data)


def test_changes_of_the_wall_are_gathered(board: Board, live: Hub, clock: Clock) -> None:
    reader = reader_of(live, supervisor(), "wall")
    reader.take()
    for n in range(20):
        board.change(held_since=START + timedelta(seconds=n), phase=CallPhase.HELD)
        live.handle(LineKept(at=START, call_id=CALL, agent_id=OPERATOR, on=True))
    live.tick()
    assert reader.take() == []
    clock.now_s += WALL_EVERY_S
    live.tick()
    assert len(reader.take()) == 1
    clock.now_s += WALL_EVERY_S
    live.tick()
    assert reader.take() == []


def test_a_call_that_ended_leaves_the_wall_and_drift_stays_on_it(board: Board, live: Hub, clock: Clock) -> None:
    board.change(phase=CallPhase.ENDED, ended_at=START)
    live.handle(DriftRepaired(at=START, kind="ghost_call", subject=CALL))
    reader = reader_of(live, supervisor(), "wall")
    data = reader.take()[0]["data"]
    assert data["calls"] == []
    assert (data["drift"]["count"], data["drift"]["last_kind"]) == (1, "ghost_call")


# emergency and tasks --------------------------------------------------------------------------------------------------
def test_operators_see_their_own_open_handoffs_and_supervisors_all(live: Hub) -> None:
    mine, other = reader_of(live, viewer(), "emergency"), reader_of(live, viewer(OTHER), "emergency")
    boss = reader_of(live, supervisor(), "emergency")
    for reader in (mine, other, boss):
        server_message.validate_python(reader.take()[0])
    live.show_handoffs([head(), head(OTHER), head("8003")])
    counts = [len(reader.take()[0]["ops"][0][2]) for reader in (mine, other, boss)]
    assert counts == [1, 1, 3]


@pytest.mark.parametrize("channel", ["emergency", "tasks", "wall"])
def test_departments_and_administrators_read_none_of_the_lists(live: Hub, channel: str) -> None:
    for role in (Role.DEPARTMENT, Role.ADMIN):
        reader = reader_of(live, viewer(None, role=role), channel)
        assert reader.take() == [{"t": "err", "ch": channel, "code": ErrorCode.FORBIDDEN}]


def test_whoever_revisits_reads_the_tasks_and_no_other_list(live: Hub) -> None:
    reader = reader_of(live, viewer(AgentId("7001"), role=Role.REVISIT), "tasks", "emergency", "wall")
    assert [one.get("code", one["t"]) for one in reader.take()] == ["snap", ErrorCode.FORBIDDEN, ErrorCode.FORBIDDEN]


def test_why_a_citizen_waits_in_front_stands_in_the_call_the_queue_and_the_wall(board: Board, clock: Clock) -> None:
    board.waiting = {QueueName("hotline"): (CALL,)}
    for reason in (None, AheadReason.ELDER):
        if reason is not None:
            board.ahead[CALL] = reason
        reader = reader_of(make_hub(board, clock), supervisor(), f"call/{CALL}", "queue", "wall")
        call, queue, wall = (one["data"] for one in reader.take())
        waits = queue["queues"]["hotline"]["waiting"]
        assert [one["priority_reason"] for one in (call["call"], *waits, *wall["calls"])] == [reason] * 3


def test_a_call_that_is_moved_ahead_says_why_at_once(board: Board, live: Hub) -> None:
    reader = reader_of(live, supervisor(), f"call/{CALL}")
    reader.take()
    board.ahead[CALL] = AheadReason.ELDER
    live.handle(CallMovedAhead(at=START, call_id=CALL, priority=300, reason=AheadReason.ELDER))
    assert reader.take()[0]["ops"] == [["set", "call/priority_reason", "elder"]]


def test_callbacks_are_everybodys_tasks_and_counted_on_ones_own_desk(live: Hub) -> None:
    reader = reader_of(live, viewer(), "tasks", "me")
    admin = reader_of(live, viewer(None, role=Role.ADMIN), "me")
    server_message.validate_python(reader.take()[0])
    admin.take()
    live.show_callbacks([callback()], CallbackCounts(open=3, overdue=1))
    tasks, me = reader.take()
    assert {op[1] for op in tasks["ops"]} == {"callbacks", "counts/open", "counts/overdue"}
    assert ["set", "callbacks/open", 3] in me["ops"]
    assert admin.take() == []


# alerts ---------------------------------------------------------------------------------------------------------------
def alerts_of(reader: Memory) -> list[str]:
    """The kinds, newest first, after the last patch."""
    found: list[str] = []
    for message in reader.take():
        for op in message.get("ops", []):
            if op[1] == "alerts":
                found = [alert["kind"] for alert in op[2]]
    return found


def test_a_supervisor_is_told_of_everybodys_trouble_and_an_operator_of_ones_own(live: Hub) -> None:
    boss, mine, other = (reader_of(live, who, "me") for who in (supervisor(), viewer(), viewer(OTHER)))
    live.handle(LineKept(at=START, call_id=CALL, agent_id=OPERATOR, on=True))
    live.handle(stepped(TransferStep.FAILED, TransferReason.SILENT))
    assert set(alerts_of(boss)) == {"keep_line", "handoff_failed"}
    assert set(alerts_of(mine)) == {"keep_line", "handoff_failed"}
    assert alerts_of(other) == []


def test_an_alert_goes_when_what_raised_it_is_over(live: Hub, clock: Clock) -> None:
    boss = reader_of(live, supervisor(), "me")
    live.handle(LineKept(at=START, call_id=CALL, agent_id=OPERATOR, on=True))
    assert alerts_of(boss) == ["keep_line"]
    over = CallEnded(at=START, call_id=CALL, outcome=CallOutcome.ANSWERED, ended_by="caller", wait_s=None, talk_s=None)
    live.handle(over)
    assert live.alerts.all() == ()
    lost = AgentStatusChanged(
        at=START,
        agent_id=OPERATOR,
        status=AgentStatus.PAUSED,
        reasons=frozenset({PauseReason.DEVICE_LOST}),
        call_id=None,
    )
    live.handle(lost)
    live.handle(lost)
    assert [alert.kind for alert in live.alerts.all()] == ["device_lost"]
    live.handle(replace(lost, reasons=frozenset()))
    assert live.alerts.all() == ()


def test_alerts_are_bounded_and_forgotten_after_a_while(live: Hub, clock: Clock) -> None:
    for n in range(80):
        live.raise_alert(AlertKind.RECORDING_INCOMPLETE, f"call {n}")
    assert len(live.alerts.all()) == 50
    clock.now_s += 3600
    live.tick()
    assert live.alerts.all() == ()


def test_what_holds_goes_neither_with_time_nor_for_other_alerts(live: Hub, clock: Clock) -> None:
    boss = reader_of(live, supervisor(), "me")
    live.handle(LineKept(at=START, call_id=CALL, agent_id=OPERATOR, on=True))
    live.handle(LinkChanged(at=START, state=LinkState.DOWN, reason="refused"))
    live.stand_alert(True, AlertKind.DISK_LOW, free=0.04)
    live.handle(paused(PauseReason.DEVICE_LOST))
    for n in range(80):
        live.raise_alert(AlertKind.RECORDING_INCOMPLETE, f"call {n}")
    clock.now_s += 7200
    live.tick()
    assert set(alerts_of(boss)) == {"keep_line", "switch_away", "disk_low", "device_lost"}
    live.stand_alert(False, AlertKind.DISK_LOW, free=0.5)
    live.handle(LinkChanged(at=START, state=LinkState.LIVE, reason=""))
    live.handle(AgentSignedOut(at=START, agent_id=OPERATOR, seat=SeatId("8001")))
    live.handle(LineKept(at=START, call_id=CALL, agent_id=OPERATOR, on=False))
    assert alerts_of(boss) == []


def test_a_condition_that_is_told_again_and_again_is_one_alert_of_its_first_moment(live: Hub, clock: Clock) -> None:
    live.stand_alert(True, AlertKind.RECORDS_BEHIND)
    [first] = live.alerts.all()
    clock.now_s += 60
    live.stand_alert(True, AlertKind.RECORDS_BEHIND)
    assert live.alerts.all() == (first,)


def test_a_surge_that_is_proposed_is_an_alert_until_somebody_decides(live: Hub) -> None:
    quiet = SurgeData(
        state="quiet",
        by=None,
        reason="",
        since=None,
        until=None,
        arrivals=0,
        waiting=0,
        arrivals_limit=30,
        waiting_limit=20,
    )
    boss = reader_of(live, supervisor(), "me")
    live.show_surge(quiet.model_copy(update={"state": "proposed", "by": "rule", "arrivals": 44}))
    assert alerts_of(boss) == ["surge_proposed"]
    live.show_surge(quiet.model_copy(update={"state": "announced", "by": "person"}))
    assert alerts_of(boss) == []
    live.show_surge(quiet)
    assert alerts_of(boss) == []


@pytest.mark.parametrize("kind", AlertKind)
def test_every_alert_has_its_words(kind: AlertKind) -> None:
    words = (STATIC_DIR.parent / "frontend" / "src" / "words" / "zh-CN.calls.ts").read_text("utf-8")
    assert f"    {kind.value}: " in words[words.index("  alarms: {") :]


def paused(reason: PauseReason) -> AgentStatusChanged:
    return AgentStatusChanged(
        at=START, agent_id=OPERATOR, status=AgentStatus.PAUSED, reasons=frozenset({reason}), call_id=None
    )


# who is there ---------------------------------------------------------------------------------------------------------
def test_who_is_there_is_told_once_for_all_windows_of_a_person(live: Hub) -> None:
    told: list[tuple[str, bool]] = []
    live.on_presence(lambda agent_id, there: told.append((agent_id, there)))
    first = reader_of(live, viewer())
    second = reader_of(live, viewer())
    live.leave(first)
    assert told == [(OPERATOR, True)]
    live.leave(second)
    live.leave(second)
    assert told == [(OPERATOR, True), (OPERATOR, False)]
