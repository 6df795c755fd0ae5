"""What the models hold, as the data of a channel for one kind of reader (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from api.auth.masking import masked_number
from api.live.callparts import Label, Listed, epoch_ms, ms, parties_of, transfer_data
from api.live.messages import (
    AgentCounts,
    AgentData,
    CallerData,
    CallInfo,
    Links,
    MeData,
    QueueData,
    QueueLine,
    Segment,
    SpeechState,
    Today,
    Waiting,
    WallAgent,
    WallCall,
)
from api.live.parts import Alert, CallbackCounts, SupervisionData
from api.live.patches import Data
from api.tickets.queries import CallerSummary
from asr.transcript import Speaker, Turn
from telephony.agents import Agent
from telephony.calls import Call, CallPhase
from telephony.events import AgentStatus, AheadReason
from telephony.ids import AgentId, CallId, QueueName
from telephony.transfers import Transfer

NOBODY_AHEAD: Mapping[CallId, AheadReason] = MappingProxyType({})

WHO: Mapping[Speaker, Literal["caller", "agent", "centre"]] = {
    Speaker.CALLER: "caller",
    Speaker.AGENT: "agent",
    Speaker.CENTRE: "centre",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class CallPicture:
    """All that is shown of one call beside the switch's own model. Replaced, never changed in place."""

    caller: CallerSummary = field(default_factory=CallerSummary)
    speech: SpeechState | None = None
    """Of this call's own streams; None while it has none."""
    transcript: tuple[Data, ...] = ()
    draft: Data | None = None
    cues: tuple[Data, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Company:
    """Who else is in a call, and how they are called. ``supervision`` None where the reader may not know of it."""

    transfer: Transfer | None = None
    listed: Listed | None = None
    supervision: SupervisionData | None = None
    ahead: AheadReason | None = None
    names: Mapping[AgentId, str] = field(default_factory=dict)
    label: Label = field(default=lambda _: "")


def segment(turn: Turn) -> Data:
    return Segment(
        seg=turn.seg,
        rev=turn.rev,
        who=WHO[turn.speaker],
        text=turn.text,
        t0=round(turn.start_s, 2),
        t1=round(turn.end_s, 2),
        final=turn.final,
    ).model_dump(mode="json")


def with_segment(transcript: Sequence[Data], new: Data) -> tuple[Data, ...]:
    """The transcript with this segment added or replaced, in order of ``seg``; an older revision changes nothing."""
    for index in range(len(transcript) - 1, -1, -1):
        known = transcript[index]
        if known["seg"] == new["seg"]:
            newer = new["rev"] > known["rev"] and not known["final"]
            return (*transcript[:index], new, *transcript[index + 1 :]) if newer else tuple(transcript)
        if known["seg"] < new["seg"]:
            return (*transcript[: index + 1], new, *transcript[index + 1 :])
    return (new, *transcript)


def call_view(
    call: Call, picture: CallPicture, *, recognizer: SpeechState, ring_s: float, company: Company | None = None
) -> Data:
    """``recognizer`` is shown as the call's speech until it has streams of its own."""
    company = company or Company()
    info = CallInfo(
        id=call.id,
        phase=call.phase,
        caller=CallerData(
            number=masked_number(call.caller_number),
            name=picture.caller.name or call.caller_name,
            repeat_7d=picture.caller.repeat_7d,
            open_tickets=picture.caller.open_tickets,
        ),
        line=call.line,
        queue=call.queue,
        arrived_at=ms(call.arrived_at),
        queued_at=epoch_ms(call.queued_at),
        offered_at=epoch_ms(call.offered_at),
        ring_s=ring_s,
        answered_at=epoch_ms(call.answered_at),
        held_since=epoch_ms(call.held_since),
        agent_left_at=epoch_ms(call.agent_left_at),
        ended_at=epoch_ms(call.ended_at),
        ended_by=call.ended_by,
        outcome=call.outcome,
        answered_by=call.answered_by,
        direction="outbound" if call.direction == "outbound" else "inbound",
        centre=call.centre,
        summary=call.summary,
        machine=call.machine,
        keep_line=call.keep_line,
        recording_paused_until=epoch_ms(call.recording_paused_until),
        priority_reason=company.ahead,
    )
    parties = parties_of(call, company.transfer, company.supervision, names=company.names, label=company.label)
    return {
        "call": info.model_dump(mode="json"),
        "speech": (picture.speech or recognizer).model_dump(mode="json"),
        "transcript": picture.transcript,
        "draft": picture.draft,
        "transfer": _transfer(company),
        "parties": [one.model_dump(mode="json") for one in parties],
        "supervision": None if company.supervision is None else company.supervision.model_dump(mode="json"),
        "cues": picture.cues,
    }


def _transfer(company: Company) -> Data | None:
    if company.transfer is None:
        return None
    return transfer_data(company.transfer, company.label, company.listed).model_dump(mode="json")


def agent_data(agent: Agent, display_name: str) -> AgentData:
    return AgentData(
        id=agent.id,
        display_name=display_name,
        seat=agent.seat,
        seat_kind=agent.kind,
        status=agent.status,
        reasons=sorted(agent.reasons),
        since=ms(agent.since),
        call_id=agent.call_id,
        next_reason=agent.next_reason,
        wrap_up_until=epoch_ms(agent.wrap_up_until),
    )


NO_CALLBACKS = CallbackCounts(open=0, overdue=0)


def me_view(
    agent: Agent | None,
    display_name: str,
    links: Links,
    today: Today,
    *,
    alerts: Sequence[Alert] = (),
    callbacks: CallbackCounts = NO_CALLBACKS,
) -> Data:
    if agent is not None and agent.status is AgentStatus.SIGNED_OUT:
        agent = None
    return MeData(
        agent=None if agent is None else agent_data(agent, display_name),
        call=None if agent is None else agent.call_id,
        links=links,
        today=today,
        alerts=list(alerts),
        callbacks=callbacks,
    ).model_dump(mode="json")


def queue_view(
    waiting: Mapping[QueueName, Sequence[CallId]],
    calls: Mapping[CallId, Call],
    agents: Mapping[AgentId, Agent],
    *,
    queues: Sequence[QueueName],
    callers: bool,
    ahead: Mapping[CallId, AheadReason] = NOBODY_AHEAD,
) -> Data:
    """``queues`` are listed even when nobody ever waited. ``callers`` adds who waits; without it only how many."""
    lines = queue_lines(waiting, calls, queues=queues, callers=callers, ahead=ahead)
    return QueueData(queues=lines, agents=_counts(agents)).model_dump(mode="json")


def queue_lines(
    waiting: Mapping[QueueName, Sequence[CallId]],
    calls: Mapping[CallId, Call],
    *,
    queues: Sequence[QueueName],
    callers: bool,
    ahead: Mapping[CallId, AheadReason] = NOBODY_AHEAD,
) -> dict[str, QueueLine]:
    lines = {}
    for queue in dict.fromkeys((*queues, *waiting)):
        ids = waiting.get(queue, ())
        entries = [_waiting(calls[call_id], ahead.get(call_id)) for call_id in ids if call_id in calls]
        since = [entry.since for entry in entries if entry.since is not None]
        lines[str(queue)] = QueueLine(
            count=len(ids), longest_since=min(since, default=None), waiting=entries if callers else None
        )
    return lines


def wall_agent(agent: Agent, display_name: str, call: Call | None) -> WallAgent:
    """``call``: the one this person is in."""
    return WallAgent(
        **agent_data(agent, display_name).model_dump(),
        line=None if call is None else call.line,
        call_since=None if call is None else ms(_since(call)),
    )


def wall_call(call: Call, company: Company) -> WallCall:
    agent_id = call.offered_to if call.phase is CallPhase.OFFERED else call.answered_by
    transfer = company.transfer
    return WallCall(
        id=call.id,
        phase=call.phase,
        line=call.line,
        agent_id=agent_id,
        since=ms(_since(call)),
        number=masked_number(call.caller_number),
        transfer=None if transfer is None else transfer_data(transfer, company.label, company.listed),
        direction="outbound" if call.direction == "outbound" else "inbound",
        centre=call.centre,
        keep_line=call.keep_line,
        supervision=company.supervision,
        priority_reason=company.ahead,
    )


def _since(call: Call) -> datetime:
    """When the present phase began."""
    began: Mapping[CallPhase, datetime | None] = {
        CallPhase.QUEUED: call.queued_at,
        CallPhase.OFFERED: call.offered_at,
        CallPhase.TALKING: call.answered_at,
        CallPhase.HELD: call.held_since,
    }
    return began.get(call.phase) or call.arrived_at


def _waiting(call: Call, ahead: AheadReason | None) -> Waiting:
    return Waiting(
        call_id=call.id,
        since=epoch_ms(call.queued_at),
        number=masked_number(call.caller_number),
        priority_reason=ahead,
    )


def _counts(agents: Mapping[AgentId, Agent]) -> AgentCounts:
    statuses = [agent.status for agent in agents.values() if agent.status is not AgentStatus.SIGNED_OUT]
    return AgentCounts(
        ready=statuses.count(AgentStatus.READY),
        talking=statuses.count(AgentStatus.TALKING),
        wrapping_up=statuses.count(AgentStatus.WRAPPING_UP),
        paused=statuses.count(AgentStatus.PAUSED),
        signed_in=len(statuses),
    )
