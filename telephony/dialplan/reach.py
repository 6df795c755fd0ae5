"""Whom calls may be handed to, as the topology has it."""

from __future__ import annotations

from telephony.centres import Centre, Reach, Route
from telephony.dialplan.topology import Topology
from telephony.ids import QueueName


def reach_of(topology: Topology) -> Reach:
    """Centres with their ways in order, queues by name, and the numbers that may be dialled."""
    numbers = topology.numbers
    return Reach(
        centres={
            centre.code: Centre(
                code=centre.code,
                name=centre.name,
                key=centre.key,
                routes=tuple(
                    Route(endpoint=endpoint, first_sign_s=centre.first_sign_s, ring_s=centre.ring_s)
                    for endpoint in centre.endpoints
                ),
            )
            for centre in topology.centres
        },
        queues=frozenset(QueueName(queue.name) for queue in topology.queues),
        numbers={one.number: one.name for one in numbers.named} if numbers else {},
        number_rule=numbers.pattern if numbers else "",
        number_ring_s=numbers.ring_s if numbers else 0.0,
        trunk=numbers.trunk if numbers else "",
        line=topology.lines[0].number,
        branches={line.number: line.centre for line in topology.lines if line.centre},
    )
