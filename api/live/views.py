"""What the models hold, as the data of a channel for one kind of reader (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from api.auth.masking import masked_number
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
)
from api.live.patches import Data
from api.tickets.queries import CallerSummary
from asr.transcript import Speaker, Turn
from telephony.agents import Agent
from telephony.calls import Call
from telephony.events import AgentStatus
from telephony.ids import AgentId, CallId, QueueName

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


def epoch_ms(at: datetime | None) -> int | None:
    return None if at is None else _ms(at)


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


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


def call_view(call: Call, picture: CallPicture, *, recognizer: SpeechState, ring_s: float) -> Data:
    """``recognizer`` is shown as the call's speech until it has streams of its own."""
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
        arrived_at=_ms(call.arrived_at),
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
    )
    return {
        "call": info.model_dump(mode="json"),
        "speech": (picture.speech or recognizer).model_dump(mode="json"),
        "transcript": picture.transcript,
        "draft": picture.draft,
    }


def agent_data(agent: Agent, display_name: str) -> AgentData:
    return AgentData(
        id=agent.id,
        display_name=display_name,
        seat=agent.seat,
        status=agent.status,
        reasons=sorted(agent.reasons),
        since=_ms(agent.since),
        call_id=agent.call_id,
        next_reason=agent.next_reason,
        wrap_up_until=epoch_ms(agent.wrap_up_until),
    )


def me_view(agent: Agent | None, display_name: str, links: Links, today: Today) -> Data:
    if agent is not None and agent.status is AgentStatus.SIGNED_OUT:
        agent = None
    return MeData(
        agent=None if agent is None else agent_data(agent, display_name),
        call=None if agent is None else agent.call_id,
        links=links,
        today=today,
    ).model_dump(mode="json")


def queue_view(
    waiting: Mapping[QueueName, Sequence[CallId]],
    calls: Mapping[CallId, Call],
    agents: Mapping[AgentId, Agent],
    *,
    queues: Sequence[QueueName],
    callers: bool,
) -> Data:
    """``queues`` are listed even when nobody ever waited. ``callers`` adds who waits; without it only how many."""
    lines = {}
    for queue in dict.fromkeys((*queues, *waiting)):
        ids = waiting.get(queue, ())
        entries = [_waiting(calls[call_id]) for call_id in ids if call_id in calls]
        since = [entry.since for entry in entries if entry.since is not None]
        lines[str(queue)] = QueueLine(
            count=len(ids), longest_since=min(since, default=None), waiting=entries if callers else None
        )
    return QueueData(queues=lines, agents=_counts(agents)).model_dump(mode="json")


def _waiting(call: Call) -> Waiting:
    return Waiting(call_id=call.id, since=epoch_ms(call.queued_at), number=masked_number(call.caller_number))


def _counts(agents: Mapping[AgentId, Agent]) -> AgentCounts:
    statuses = [agent.status for agent in agents.values() if agent.status is not AgentStatus.SIGNED_OUT]
    return AgentCounts(
        ready=statuses.count(AgentStatus.READY),
        talking=statuses.count(AgentStatus.TALKING),
        wrapping_up=statuses.count(AgentStatus.WRAPPING_UP),
        paused=statuses.count(AgentStatus.PAUSED),
        signed_in=len(statuses),
    )
