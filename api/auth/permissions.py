"""What each role may do: one table, and whatever is not in it is denied (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Role(StrEnum):
    OPERATOR = "operator"
    """话务员: takes calls and writes tickets."""
    SUPERVISOR = "supervisor"
    """班长: sees every call of the shift, helps, takes calls."""
    REVISIT = "revisit"
    """回访员: calls citizens back, and is offered no call that comes in."""
    DISPATCHER = "dispatcher"
    """派单员: sends tickets to departments."""
    DEPARTMENT = "department"
    """承办单位: handles what was sent to it."""
    ADMIN = "admin"
    """管理员: accounts and settings; no citizens' matters."""


class Action(StrEnum):
    """One thing a route lets a person do. ``*_any`` lifts the limit to one's own calls and drafts."""

    SESSION = "session.use"
    LIVE = "live.connect"
    REFERENCE = "reference.read"
    SHIFT = "shift.use"
    CALL_LIST = "call.list"
    CALL_READ = "call.read"
    CALL_ANY = "call.read_any"
    CALL_HANG_UP = "call.hang_up"
    CALL_RECOVER = "call.recover"
    NUMBER_REVEAL = "number.reveal"
    TRANSCRIPT_READ = "transcript.read"
    RECORDING_LISTEN = "recording.listen"
    RECORDING_KEEP = "recording.keep"
    """See what became of recordings, and keep some from being erased."""
    CALLER_HISTORY = "caller_history.read"
    DRAFT_WRITE = "draft.write"
    TICKET_SUBMIT = "ticket.submit"
    TICKET_LIST = "ticket.list"
    TICKET_READ = "ticket.read"
    CONFIDENTIAL_READ = "confidential.read"
    """The person behind a confidential ticket."""
    CALL_TRANSFER = "call.transfer"
    """Bring somebody else into one's own call, hand it over, keep the line."""
    RECORDING_PAUSE = "recording.pause"
    CUE_DECIDE = "cue.decide"
    HANDOFF_READ = "handoff.read"
    HANDOFF_WRITE = "handoff.write"
    CALLBACK_READ = "callback.read"
    CALLBACK_WORK = "callback.work"
    """Take a missed caller upon oneself, call, write down what came of it."""
    OUTBOUND_PLACE = "outbound.place"
    CALL_SUPERVISE = "call.supervise"
    """Listen, whisper, barge in, take over."""
    AGENT_LIST = "agent.list"
    AGENT_CONTROL = "agent.control"
    """Pause somebody, lift that pause, sign somebody out."""
    PRIORITY_NUMBERS = "priority_numbers.keep"
    """The list of numbers whose calls stand in front."""
    SURGE_CONTROL = "surge.control"
    """Let every caller hear that many are calling, and end it."""
    WALL = "wall.read"
    SHIFT_LOG_ANY = "shift_log.read_any"


_EVERYONE = frozenset({Action.SESSION, Action.LIVE, Action.REFERENCE})
_PLACES_CALLS = frozenset(
    {
        Action.SHIFT,
        Action.CALL_LIST,
        Action.CALL_READ,
        Action.CALL_HANG_UP,
        Action.CALL_RECOVER,
        Action.NUMBER_REVEAL,
        Action.TRANSCRIPT_READ,
        Action.RECORDING_PAUSE,
        Action.CALLBACK_READ,
        Action.CALLBACK_WORK,
        Action.OUTBOUND_PLACE,
    }
)
_TAKES_CALLS = _PLACES_CALLS | frozenset(
    {
        Action.RECORDING_LISTEN,
        Action.CALLER_HISTORY,
        Action.DRAFT_WRITE,
        Action.TICKET_SUBMIT,
        Action.TICKET_LIST,
        Action.TICKET_READ,
        Action.CALL_TRANSFER,
        Action.CUE_DECIDE,
        Action.HANDOFF_READ,
        Action.HANDOFF_WRITE,
    }
)
_LEADS = frozenset(
    {
        Action.CALL_ANY,
        Action.CONFIDENTIAL_READ,
        Action.CALL_SUPERVISE,
        Action.AGENT_LIST,
        Action.AGENT_CONTROL,
        Action.PRIORITY_NUMBERS,
        Action.SURGE_CONTROL,
        Action.WALL,
        Action.SHIFT_LOG_ANY,
        Action.RECORDING_KEEP,
    }
)

PERMISSIONS: Mapping[Role, frozenset[Action]] = {
    Role.OPERATOR: _EVERYONE | _TAKES_CALLS,
    Role.SUPERVISOR: _EVERYONE | _TAKES_CALLS | _LEADS,
    Role.REVISIT: _EVERYONE | _PLACES_CALLS | {Action.TICKET_LIST, Action.TICKET_READ},
    Role.DISPATCHER: _EVERYONE | {Action.TICKET_LIST, Action.TICKET_READ},
    Role.DEPARTMENT: _EVERYONE,
    Role.ADMIN: _EVERYONE,
}


def allowed(role: Role | str, action: Action) -> bool:
    """False for a role that is not in the table."""
    return action in PERMISSIONS.get(Role(role), frozenset()) if role in set(Role) else False


def actions_of(role: Role | str) -> tuple[Action, ...]:
    """What this role may do, in the order of ``Action``."""
    return tuple(action for action in Action if allowed(role, action))
