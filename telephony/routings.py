"""Orders by which channels of a call go on elsewhere in the dialplan, and the contexts that they name (pure)."""

from __future__ import annotations

from telephony.ids import ChannelId, SeatId
from telephony.orders import FRONT, Order, RedirectChannel, RedirectPair, SetVariable
from telephony.targets import Target, TargetKind

FORWARD, FORWARD_NUMBER = "forward", "forward-number"
"""Here a citizen alone is put through: to centres and seats, and to telephone numbers."""


LEAVE = "leave"
"""Here an operator's leg ends, and the others talk on."""


def is_forwarding(context: str) -> bool:
    return context in (FORWARD, FORWARD_NUMBER)


def forward(citizen: ChannelId, target: Target, seat: SeatId | None) -> list[Order]:
    """The citizen goes on alone; the dialplan knows what to do where nobody answers."""
    match target.kind:
        case TargetKind.QUEUE:
            return to_queue(citizen, target.value)
        case TargetKind.NUMBER:
            return [RedirectChannel(channel=citizen, context=FORWARD_NUMBER, exten=target.value)]
    return [RedirectChannel(channel=citizen, context=FORWARD, exten=seat or target.value)]


def to_queue(citizen: ChannelId, queue: str) -> list[Order]:
    return [*in_front(citizen, queue), RedirectChannel(channel=citizen, context="waiting", exten="s")]


def in_front(citizen: ChannelId, queue: str) -> list[Order]:
    """Once the citizen is sent there: before everybody who waits in that queue."""
    return [
        SetVariable(channel=citizen, name="HOTLINE_QUEUE", value=queue),
        SetVariable(channel=citizen, name="HOTLINE_PRIORITY", value=str(FRONT)),
    ]


def name_leg(citizen: ChannelId, operator: ChannelId, leg: ChannelId) -> list[Order]:
    """The dialplan finds the target, and the operator, by these."""
    return [
        SetVariable(channel=citizen, name="HOTLINE_LEG", value=leg),
        SetVariable(channel=citizen, name="HOTLINE_OPERATOR", value=operator),
        SetVariable(channel=operator, name="HOTLINE_LEG", value=leg),
    ]


def pair(one: tuple[ChannelId, str, str], other: tuple[ChannelId, str, str]) -> RedirectPair:
    """Both at once, each to its context and extension."""
    (channel, context, exten), (other_channel, other_context, other_exten) = one, other
    return RedirectPair(
        channel=channel,
        context=context,
        exten=exten,
        other=other_channel,
        other_context=other_context,
        other_exten=other_exten,
    )
