"""What can go wrong in telephony.

TelephonyError
├── Refused                    the model does not allow the command now (HTTP 409)
├── UnknownCall                no such live call (404)
├── UnknownAgent               nobody of that work number is signed in (404)
├── InvalidValue               a value is not on the allow-list of its field (422)
├── SwitchUnavailable          the link to the switch is not live; nothing was sent (503)
├── ActionFailed               the switch answered an action with an error (502)
│   └── ChannelMoves           nothing was done, because a channel is on its way elsewhere or ends
└── ActionUnanswered           sent, and no answer came in time: the outcome is unknown (202, settled by state)
"""

from __future__ import annotations


class TelephonyError(Exception):
    """Root of the tree."""


class Refused(TelephonyError):
    """The command is not legal in the present state."""

    def __init__(self, *, command: str, state: str, reason: str) -> None:
        super().__init__(f"{command} refused in {state}: {reason}")
        self.command = command
        self.state = state
        self.reason = reason


class UnknownCall(TelephonyError):
    """No live call has this id."""

    def __init__(self, call_id: str) -> None:
        super().__init__("unknown call")
        self.call_id = call_id


class UnknownAgent(TelephonyError):
    """Nobody of this work number is signed in."""

    def __init__(self, agent_id: str) -> None:
        super().__init__("unknown agent")
        self.agent_id = agent_id


class InvalidValue(TelephonyError, ValueError):
    """A value is not on the allow-list of its field. The value itself is not kept: it may be hostile or personal."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field} must be {rule}")
        self.field = field
        self.rule = rule


class SwitchUnavailable(TelephonyError):
    """The link to the switch is not live; nothing was sent."""

    def __init__(self, link_state: str) -> None:
        super().__init__(f"switch link is {link_state}")
        self.link_state = link_state


class ActionFailed(TelephonyError):
    """The switch answered ``Response: Error``."""

    def __init__(self, action: str, message: str) -> None:
        super().__init__(f"{action} failed: {message}")
        self.action = action
        self.message = message


class ChannelMoves(ActionFailed):
    """Nothing was done: a channel is on its way to another place of the dialplan, or is about to end.

    From a Redirect until its channel has left what it was doing, Asterisk takes no other for it ("channel not up").
    """


class ActionUnanswered(TelephonyError):
    """Sent, and not answered within its deadline or before the link broke. Never resend; look at the state."""

    def __init__(self, action: str) -> None:
        super().__init__(f"{action} was not answered")
        self.action = action
