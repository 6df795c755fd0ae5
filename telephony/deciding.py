"""Which of the orders that follow from a command says how the command came out (pure).

The others go along with it: a phone of 110 rings, though a mark on some channel was refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from telephony.commands import (
    CallTarget,
    Command,
    DropTarget,
    HangUpCall,
    KeepLine,
    PauseRecording,
    PlaceCall,
    Prioritise,
    RecoverCall,
    ResumeRecording,
    SendBack,
    Supervise,
)
from telephony.orders import (
    ChangePriority,
    DialLeg,
    HangUpChannel,
    MuteRecording,
    Order,
    RedirectChannel,
    RedirectPair,
    SetVariable,
)

KINDS: Mapping[type[Command], tuple[type[Order], ...]] = {
    CallTarget: (DialLeg, RedirectChannel),
    DropTarget: (HangUpChannel,),
    SendBack: (RedirectPair,),
    KeepLine: (),
    PauseRecording: (MuteRecording,),
    ResumeRecording: (MuteRecording,),
    Prioritise: (ChangePriority, SetVariable),
    HangUpCall: (HangUpChannel,),
    RecoverCall: (DialLeg, RedirectChannel),
    Supervise: (DialLeg, RedirectChannel),
    PlaceCall: (DialLeg,),
}
"""The first order of the first of these kinds that there is. A command that is not named here is decided by all."""


def deciding(command: Command, orders: Sequence[Order]) -> tuple[Order, ...]:
    """Where any of these fails, the command has failed. Of none of them nothing has."""
    kinds = KINDS.get(type(command))
    if kinds is None:
        return tuple(orders)
    return next(((order,) for kind in kinds for order in orders if isinstance(order, kind)), ())
