"""Who looks, and what they may see: asked at every subscription and again at every patch (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from api.auth.permissions import Action, Role, actions_of, allowed
from api.auth.sessions import SignedIn
from telephony.agents import Agent
from telephony.calls import Call
from telephony.events import AgentStatus
from telephony.ids import AgentId, CallId
from telephony.targets import TargetKind
from telephony.transfers import Transfer, TransferState

IN_CALL = frozenset({AgentStatus.RINGING, AgentStatus.TALKING})


@dataclass(frozen=True, kw_only=True, slots=True)
class Viewer:
    """One signed-in console. A changed role or password ends its session, so these hold as long as it does."""

    session: str
    """The hash that names the session in ``api.auth.sessions``."""
    user_id: int
    display_name: str
    role: Role
    agent_id: AgentId | None

    @property
    def permissions(self) -> tuple[Action, ...]:
        return actions_of(self.role)

    @property
    def every_call(self) -> bool:
        """May look at calls of others, and see who waits instead of how many."""
        return allowed(self.role, Action.CALL_ANY)


def viewer_of(me: SignedIn) -> Viewer:
    return Viewer(
        session=me.session_hash,
        user_id=me.user_id,
        display_name=me.display_name,
        role=me.role,
        agent_id=AgentId(me.agent_id) if me.agent_id is not None else None,
    )


def is_party(call: Call, agent: Agent | None, agent_id: AgentId | None) -> bool:
    """Whether this person rings for, talks on, talked on, or wraps up this call."""
    if agent_id is None:
        return False
    if agent_id in (call.offered_to, call.answered_by):
        return True
    return agent is not None and agent.call_id == call.id


def may_see_call(viewer: Viewer, call: Call, agents: Mapping[AgentId, Agent], transfer: Transfer | None = None) -> bool:
    """Whoever the call is being handed to sees it while it rings there."""
    if viewer.every_call:
        return True
    own = agents.get(viewer.agent_id) if viewer.agent_id is not None else None
    return is_party(call, own, viewer.agent_id) or _is_target(transfer, viewer.agent_id)


def _is_target(transfer: Transfer | None, agent_id: AgentId | None) -> bool:
    if transfer is None or agent_id is None or transfer.target.kind is not TargetKind.AGENT:
        return False
    return transfer.target.value == agent_id and transfer.state is not TransferState.ENDED


OPEN_TO: Mapping[str, Action] = {
    "wall": Action.WALL,
    "emergency": Action.HANDOFF_READ,
    "tasks": Action.CALLBACK_READ,
}
"""Channels that not everybody may read."""


def may_read(viewer: Viewer, channel: str) -> bool:
    action = OPEN_TO.get(channel)
    return action is None or allowed(viewer.role, action)


def variant_of(viewer: Viewer, channel: str) -> str | None:
    """Which of a channel's views this reader gets; None where there is no such channel."""
    if channel == "me":
        return str(viewer.user_id)
    if channel == "queue":
        return "callers" if viewer.every_call else "counts"
    if channel in ("wall", "tasks"):
        return "all"
    if channel == "emergency":
        return "all" if viewer.every_call else str(viewer.agent_id or "")
    if call_of(channel) is not None and allowed(viewer.role, Action.CALL_READ):
        return "whole" if viewer.every_call else "party"
    return None


def call_of(channel: str) -> CallId | None:
    """``1795297638.32`` of ``call/1795297638.32``."""
    kind, _, rest = channel.partition("/")
    return CallId(rest) if kind == "call" and rest else None


def in_call(viewer: Viewer, agents: Mapping[AgentId, Agent]) -> bool:
    """Whether this person must not be cut off now."""
    agent = agents.get(viewer.agent_id) if viewer.agent_id is not None else None
    return agent is not None and agent.status in IN_CALL
