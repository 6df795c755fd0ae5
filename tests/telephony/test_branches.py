"""A line whose calls ring at a centre first, and a way to that centre of which nothing is heard."""

from __future__ import annotations

from dataclasses import replace

import pytest

from telephony.centres import Centre, Reach, Route
from telephony.facts import DialBegin, DialState, Hangup, NewChannel, NewState
from telephony.ids import ChannelId
from telephony.orders import HangUpChannel
from tests.fakes.stories import Story
from tests.telephony.stage import Stage

TAX = "12366"
REACH = Reach(
    centres={TAX: Centre(code=TAX, name="tax", routes=(Route(endpoint=TAX), Route(endpoint=f"{TAX}-2")))},
    branches={TAX: TAX},
)


class Line:
    """A citizen has dialled; ``dials`` is what the dialplan does next."""

    def __init__(self, number: str = TAX) -> None:
        self.stage = Stage(reach=REACH)
        self.stage.go_live()
        self.story = Story(line=number)
        self.stage.tell(self.story.arrive())

    def dials(self, endpoint: str) -> ChannelId:
        leg = self.leg = replace(self.story._channel(endpoint), call_id=self.story.call_id)
        citizen = self.story.citizen
        now = self.stage.now
        self.stage.tell([NewChannel(at=now, channel=leg), DialBegin(at=now, channel=citizen, dest=leg)])
        return leg.id

    def hung_up(self, seconds: float) -> list[ChannelId]:
        """What is ordered to be hung up in this time, tick by tick."""
        self.stage.take_orders()
        for _ in range(round(seconds / 0.25)):
            self.stage.wait(0.25)
        return [one.channel for one in self.stage.take_orders() if isinstance(one, HangUpChannel)]


def test_a_way_of_which_nothing_is_heard_is_given_up_after_three_seconds_and_so_is_the_next() -> None:
    line = Line()
    first = line.dials(TAX)
    assert line.hung_up(2.75) == []
    assert line.hung_up(0.25) == [first]
    line.stage.tell([Hangup(at=line.stage.now, channel=line.leg, cause=0)])
    second = line.dials(f"{TAX}-2")
    assert line.hung_up(2.75) == []
    assert line.hung_up(0.5) == [second]


def test_a_leg_that_does_not_go_is_hung_up_again() -> None:
    line = Line()
    leg = line.dials(TAX)
    assert line.hung_up(4.5) == [leg, leg]


@pytest.mark.parametrize("sign", ["rings", "sends sound", "answers"])
def test_a_centre_that_gives_a_sign_rings_on(sign: str) -> None:
    line = Line()
    line.dials(TAX)
    line.stage.wait(1.0)
    now = line.stage.now
    if sign == "answers":
        line.stage.tell([NewState(at=now, channel=replace(line.leg, state="Up"))])
    else:
        status = "RINGING" if sign == "rings" else "PROGRESS"
        line.stage.tell([DialState(at=now, channel=line.story.citizen, dest=line.leg, status=status)])
    assert line.hung_up(10.0) == []


def test_only_ways_of_the_branch_are_looked_at() -> None:
    other = Line("12345")
    other.dials(TAX)
    assert other.hung_up(5.0) == []
    strange = Line()
    strange.dials("duty-phone")
    assert strange.hung_up(5.0) == []
