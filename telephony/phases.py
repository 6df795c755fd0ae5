"""The phases of a conversation, what its evidence newly amounts to, and what follows; TRANSITIONS (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum

from telephony.ledgers import Standing


class CallPhase(StrEnum):
    ARRIVED = "arrived"
    """In the dialplan: greeting and recording notice."""
    QUEUED = "queued"
    OFFERED = "offered"
    """Still waiting; one operator's phone is ringing."""
    TALKING = "talking"
    """An operator answered. Once ``agent_left_at`` is set the citizen is on the line without that operator."""
    HELD = "held"
    ENDED = "ended"


class CallSignal(StrEnum):
    """What the evidence newly amounts to."""

    QUEUED = "queued"
    OFFERED = "offered"
    """A phone rings, none rang before."""
    RUNG_OUT = "rung_out"
    """No phone rings any more, and nobody answered."""
    LEFT_QUEUE = "left_queue"
    ANSWERED = "answered"
    HELD = "held"
    RESUMED = "resumed"
    OPERATOR_LEFT = "operator_left"
    ENDED = "ended"


# Why the less obvious rows are as they are:
# * ARRIVED x OFFERED: none. A ring proves that the caller waits, so QUEUED is always signalled with or before it.
# * ARRIVED x ANSWERED: we asked the switch in the middle of a talk, or the joining was never seen.
# * QUEUED x LEFT_QUEUE: redirected, or given up by the dialplan; QueueCallerAbandon says no more than this either.
#   Between two rounds of waiting it is not signalled.
# * TALKING x OPERATOR_LEFT stays: the citizen is still on the line, with a centre or in the dialplan.
# * TALKING and HELD x QUEUED: the dialplan put the citizen into a queue again, after the operator's leg was lost.
# * TALKING and HELD x ANSWERED: the operator is back on a new leg, or a second one answered without a queue we saw.
# * ARRIVED and QUEUED x ANSWERED: the operator is back although the citizen had been put into the queue again.
# * ENDED lists nothing: a hang-up is final. What comes after it is counted, and revives nothing.
TRANSITIONS: Mapping[CallPhase, Mapping[CallSignal, CallPhase]] = {
    CallPhase.ARRIVED: {
        CallSignal.QUEUED: CallPhase.QUEUED,
        CallSignal.ANSWERED: CallPhase.TALKING,
        CallSignal.ENDED: CallPhase.ENDED,
    },
    CallPhase.QUEUED: {
        CallSignal.OFFERED: CallPhase.OFFERED,
        CallSignal.LEFT_QUEUE: CallPhase.ARRIVED,
        CallSignal.ANSWERED: CallPhase.TALKING,
        CallSignal.ENDED: CallPhase.ENDED,
    },
    CallPhase.OFFERED: {
        CallSignal.RUNG_OUT: CallPhase.QUEUED,
        CallSignal.ANSWERED: CallPhase.TALKING,
        CallSignal.ENDED: CallPhase.ENDED,
    },
    CallPhase.TALKING: {
        CallSignal.HELD: CallPhase.HELD,
        CallSignal.OPERATOR_LEFT: CallPhase.TALKING,
        CallSignal.QUEUED: CallPhase.QUEUED,
        CallSignal.ANSWERED: CallPhase.TALKING,
        CallSignal.ENDED: CallPhase.ENDED,
    },
    CallPhase.HELD: {
        CallSignal.RESUMED: CallPhase.TALKING,
        CallSignal.OPERATOR_LEFT: CallPhase.TALKING,
        CallSignal.QUEUED: CallPhase.QUEUED,
        CallSignal.ANSWERED: CallPhase.TALKING,
        CallSignal.ENDED: CallPhase.ENDED,
    },
    CallPhase.ENDED: {},
}


def signals(was: Standing, now: Standing) -> Iterator[CallSignal]:
    """What changed between two standings, in the order in which it makes sense."""
    if was == now:
        return
    unanswered = now.answered is None
    changes = {
        CallSignal.RUNG_OUT: was.ringing and not now.ringing and unanswered,
        CallSignal.QUEUED: now.queued and not was.queued,
        CallSignal.OFFERED: now.ringing and not was.ringing,
        CallSignal.LEFT_QUEUE: was.queued and not now.queued and unanswered,
        CallSignal.ANSWERED: now.answered is not None and now.answered != was.answered,
        CallSignal.RESUMED: was.held is not None and now.held is None and not (now.left or now.ended),
        CallSignal.HELD: now.held is not None and was.held is None,
        CallSignal.OPERATOR_LEFT: now.left and not was.left,
        CallSignal.ENDED: now.ended and not was.ended,
    }
    yield from (signal for signal, changed in changes.items() if changed)
