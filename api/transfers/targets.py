"""Whom a call may be handed to, as the topology says (pure)."""

from __future__ import annotations

from collections.abc import Mapping

from api.errors import InvalidField
from telephony.dialplan.topology import Topology
from telephony.targets import Target, TargetKind


def labels_of(topology: Topology) -> Mapping[tuple[TargetKind, str], str]:
    """How people call centres, queues and the numbers of departments."""
    named = topology.numbers.named if topology.numbers else []
    return {
        **{(TargetKind.CENTRE, one.code): one.name for one in topology.centres},
        **{(TargetKind.QUEUE, queue.name): queue.label or queue.name for queue in topology.queues},
        **{(TargetKind.NUMBER, one.number): one.name for one in named},
    }


def checked(topology: Topology, kind: TargetKind, value: str) -> Target:
    """The target, if calls may be sent there at all. Raises InvalidField."""
    known: Mapping[TargetKind, tuple[bool, str]] = {
        TargetKind.CENTRE: (value in {one.code for one in topology.centres}, "the code of a centre"),
        TargetKind.QUEUE: (value in {queue.name for queue in topology.queues}, "the name of a queue"),
        TargetKind.NUMBER: (bool(topology.numbers and topology.numbers.allows(value)), "a number that may be dialled"),
        TargetKind.AGENT: (value.isascii() and value.isalnum(), "a work number"),
    }
    allowed, rule = known[kind]
    if not allowed:
        raise InvalidField("value", rule)
    return Target(kind=kind, value=value)
