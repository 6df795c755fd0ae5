"""State machines as data."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import pytest

from telephony import agents, calls
from telephony.tables import Machine, Unlisted, diagram


class Lamp(StrEnum):
    OFF = "off"
    ON = "on"
    BROKEN = "broken"


class Hand(StrEnum):
    PRESS = "press"
    PULL = "pull"
    DROP = "drop"


LAMP = {
    Lamp.OFF: {Hand.PRESS: Lamp.ON, Hand.PULL: Lamp.ON},
    Lamp.ON: {Hand.PRESS: Lamp.OFF, Hand.DROP: Lamp.BROKEN},
    Lamp.BROKEN: {},
}


def test_a_step_follows_the_table() -> None:
    machine = Machine("lamp", LAMP)
    assert machine.step(Lamp.OFF, Hand.PRESS) is Lamp.ON
    assert machine.allows(Lamp.ON, Hand.DROP)
    assert machine.take_unlisted() == ()


def test_an_unlisted_pair_is_kept_until_it_is_taken() -> None:
    machine = Machine("lamp", LAMP)
    assert machine.step(Lamp.OFF, Hand.DROP) is None
    assert machine.take_unlisted() == (Unlisted(machine="lamp", state="off", signal="drop"),)
    assert machine.take_unlisted() == ()


def test_a_diagram_has_one_arrow_for_each_pair_of_states() -> None:
    assert diagram(LAMP, start=Lamp.OFF) == (
        "stateDiagram-v2\n"
        "    [*] --> off\n"
        "    off --> on: press, pull\n"
        "    on --> off: press\n"
        "    on --> broken: drop\n"
        "    broken --> [*]\n"
    )


@pytest.mark.parametrize(
    ("table", "start"),
    [(calls.TRANSITIONS, calls.CallPhase.ARRIVED), (agents.TRANSITIONS, agents.AgentStatus.SIGNED_OUT)],
    ids=["calls", "agents"],
)
def test_every_state_of_a_table_has_a_row_and_can_be_reached(
    table: Mapping[StrEnum, Mapping[StrEnum, StrEnum]], start: StrEnum
) -> None:
    assert set(table) == set(type(start))
    reached, open_ = set(), [start]
    while open_:
        state = open_.pop()
        if state not in reached:
            reached.add(state)
            open_ += table[state].values()
    assert reached == set(table)
