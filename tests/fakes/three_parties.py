"""A switch with one citizen, one operator and the target of a transfer, in facts: it does what it is ordered.

Whoever is alone in a bridge leaves it, as on a real switch, and goes on where the dialplan says: the citizen in
``after``, operator and target to the citizen who hears music.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from telephony.facts import (
    BridgeEnter,
    BridgeLeave,
    Channel,
    DialBegin,
    DialEnd,
    DialState,
    Fact,
    Hangup,
    HangupRequest,
    LiveChannel,
    NewChannel,
    NewState,
    OriginateResponse,
    UserEvent,
)
from telephony.ids import BridgeId, ChannelId
from telephony.legs import is_way_back
from telephony.orders import DialLeg, HangUpChannel, Order, RedirectChannel, RedirectPair
from tests.fakes.stories import STEP, Story


@dataclass
class ThreeParties:
    """``legs`` are the channels that live, ``bridges`` who is in which, ``variables`` what was set on a leg."""

    story: Story
    legs: dict[ChannelId, Channel] = field(default_factory=dict)
    bridges: dict[ChannelId, BridgeId] = field(default_factory=dict)
    variables: dict[ChannelId, dict[str, str]] = field(default_factory=dict)
    deaf: bool = False
    """Orders reach nobody."""
    back: ChannelId | None = None
    """The leg by which the operator comes back into the call."""
    _number: int = 0

    def begin(self) -> list[Fact]:
        """The citizen and the operator talk."""
        story = self.story
        told = [*story.arrive(), *story.join(), *story.ring("8001"), *story.answer()]
        assert story.seat is not None
        assert story.bridge is not None
        for channel in (story.citizen, story.seat):
            self.legs[channel.id] = channel
            self.bridges[channel.id] = story.bridge
        return told

    @property
    def citizen(self) -> ChannelId:
        return self.story.citizen.id

    @property
    def operator(self) -> ChannelId:
        assert self.story.seat is not None
        return self.back if self.back in self.bridges else self.story.seat.id

    @property
    def target(self) -> ChannelId | None:
        """The latest leg that lives beside the two."""
        assert self.story.seat is not None
        others = [leg for leg in self.legs if leg not in (self.citizen, self.story.seat.id, self.back)]
        return others[-1] if others else None

    def with_whom(self, leg: ChannelId) -> set[ChannelId]:
        bridge = self.bridges.get(leg)
        return {other for other, its in self.bridges.items() if its == bridge and other != leg} if bridge else set()

    def wait(self, seconds: float) -> None:
        self.story.now += timedelta(seconds=seconds)

    # what is ordered --------------------------------------------------------------------------------------------------

    def carry_out(self, orders: list[Order]) -> list[Fact]:
        told: list[Fact] = []
        for order in orders if not self.deaf else ():
            match order:
                case DialLeg():
                    told += self._dial(order)
                case HangUpChannel() if order.channel in self.legs:
                    told += self.end(order.channel, cause=16)
                case RedirectChannel():
                    told += self._redirect(order.channel, order.context, order.exten)
                case RedirectPair():
                    both = [(order.channel, order.context), (order.other, order.other_context)]
                    for channel, _ in both:
                        told += self._out(channel, fall=False)
                    for channel, context in both:
                        told += self._go(channel, context)
        return told + self._reunite()

    def _dial(self, order: DialLeg) -> list[Fact]:
        self._number += 1
        channel = Channel(
            id=order.leg,
            name=f"PJSIP/{order.endpoint}-{self._number:08x}",
            linked_id=order.leg,
            state="Down",
            call_id=order.call_id,
            context="centres",
            exten="s",
        )
        self.legs[order.leg] = channel
        self.variables[order.leg] = dict(order.variables)
        self.back = order.leg if is_way_back(order.leg) else self.back
        return [NewChannel(at=self._at(), channel=channel), DialBegin(at=self._at(), channel=None, dest=channel)]

    def _redirect(self, channel: ChannelId, context: str, exten: str) -> list[Fact]:
        if channel not in self.legs:
            return []
        told = self._out(channel, fall=True, context=context)
        if context == "leave":
            return [*told, *self.end(channel, cause=16, asked=False)]
        return [*told, *self._go(channel, "back" if (context, exten) == ("room", "back") else context)]

    def _go(self, channel: ChannelId, context: str) -> list[Fact]:
        if channel not in self.legs:
            return []
        self.legs[channel] = replace(self.legs[channel], context=context)
        told: list[Fact] = []
        if context == "parked":
            told = [UserEvent(at=self._at(), name="HotlineParked", fields={}, channel=self.legs[channel])]
        elif (context == "room" and self.target in self.legs) or (context == "back" and self.target is not None):
            told = self._together(channel, self.target)
        return told

    # what people do ---------------------------------------------------------------------------------------------------

    def rings(self) -> list[Fact]:
        assert self.target is not None
        self._state("Ringing")
        ringing = self.legs[self.target]
        return [
            NewState(at=self._at(), channel=ringing),
            DialState(at=self._at(), channel=None, dest=ringing, status="RINGING"),
        ]

    def answers(self) -> list[Fact]:
        """The target's leg goes to ``join``, or waits for the operator."""
        assert self.target is not None
        self._state("Up")
        leg = self.target
        up = self.legs[leg]
        told: list[Fact] = [
            NewState(at=self._at(), channel=up),
            DialEnd(at=self._at(), channel=None, dest=up, status="ANSWER"),
            OriginateResponse(at=self._at(), channel_id=leg, ok=True, reason=4),
        ]
        if "consult" in self.variables.get(leg, {}).get("HOTLINE_TRANSFER", ""):
            self.legs[leg] = waiting = replace(up, context="consult")
            return [*told, UserEvent(at=self._at(), name="HotlineTargetWaits", fields={}, channel=waiting)]
        self.legs[leg] = replace(up, context="join")
        bridge = self.bridges.get(self.citizen)
        return [*told, *(self._enter(leg, bridge) if bridge else self.end(leg, cause=16, asked=False))]

    def comes_back(self) -> list[Fact]:
        """The operator's page answers by itself, and its new leg goes to ``join``."""
        assert self.back is not None
        up = self.legs[self.back] = replace(self.legs[self.back], state="Up", context="join")
        return [NewState(at=self._at(), channel=up), *self._enter(self.back, self.bridges[self.citizen])]

    def fails(self, cause: int) -> list[Fact]:
        assert self.target is not None
        return self.end(self.target, cause=cause)

    def end(self, leg: ChannelId, *, cause: int = 16, asked: bool = True) -> list[Fact]:
        """This leg ends; whoever is left alone by it goes on in the dialplan."""
        told: list[Fact] = [HangupRequest(at=self._at(), channel=self.legs[leg])] if asked else []
        told += self._out(leg, fall=True)
        told.append(Hangup(at=self._at(), channel=self.legs.pop(leg), cause=cause))
        return told + self._reunite()

    def listed(self) -> list[LiveChannel]:
        """How a list of all channels shows this call now."""
        return [
            LiveChannel(
                channel=channel,
                bridge=self.bridges.get(leg),
                age_s=5,
                application="MusicOnHold" if channel.context == "parked" and leg not in self.bridges else "",
                variables={
                    "HOTLINE_TRANSFER": self.variables.get(leg, {}).get("HOTLINE_TRANSFER", ""),
                    **({"HOTLINE_OPERATOR": self.operator} if leg == self.citizen else {}),
                },
            )
            for leg, channel in self.legs.items()
        ]

    # bridges ----------------------------------------------------------------------------------------------------------

    def _at(self) -> datetime:
        self.story.now += STEP
        return self.story.now

    def _state(self, state: str) -> None:
        assert self.target is not None
        self.legs[self.target] = replace(self.legs[self.target], state=state)

    def _enter(self, leg: ChannelId, bridge: BridgeId) -> list[Fact]:
        self.bridges[leg] = bridge
        return [BridgeEnter(at=self._at(), bridge=bridge, channel=self.legs[leg])]

    def _together(self, one: ChannelId, other: ChannelId) -> list[Fact]:
        """Into the bridge of the other; where there is none, into a new one."""
        bridge = self.bridges.get(other)
        told: list[Fact] = []
        if bridge is None:
            self._number += 1
            bridge = BridgeId(f"bridge-{self._number}")
            told = self._enter(other, bridge)
        return [*told, *self._enter(one, bridge)]

    def _out(self, leg: ChannelId, *, fall: bool, context: str = "") -> list[Fact]:
        bridge = self.bridges.pop(leg, None)
        if bridge is None:
            return []
        if context:
            self.legs[leg] = replace(self.legs[leg], context=context)
        told: list[Fact] = [BridgeLeave(at=self._at(), bridge=bridge, channel=self.legs[leg])]
        left = [other for other, its in self.bridges.items() if its == bridge]
        if fall and len(left) == 1:
            told += self._fall(left[0], bridge)
        return told

    def _fall(self, leg: ChannelId, bridge: BridgeId) -> list[Fact]:
        """The last one in a bridge goes on in the dialplan."""
        del self.bridges[leg]
        told: list[Fact] = [BridgeLeave(at=self._at(), bridge=bridge, channel=self.legs[leg])]
        if leg == self.citizen:
            self.legs[leg] = replace(self.legs[leg], context="after")
            told.append(UserEvent(at=self._at(), name="HotlineAlone", fields={}, channel=self.legs[leg]))
        elif self._citizen_parked():
            self.legs[leg] = replace(self.legs[leg], context="room", exten="reunite")
        else:
            told.append(Hangup(at=self._at(), channel=self.legs.pop(leg), cause=16))
        return told

    def _citizen_parked(self) -> bool:
        citizen = self.legs.get(self.citizen)
        return citizen is not None and citizen.context == "parked" and self.citizen not in self.bridges

    def _reunite(self) -> list[Fact]:
        """Whoever is alone fetches the citizen out of the music; nobody is left there alone."""
        if not self._citizen_parked():
            return []
        alone = [leg for leg, channel in self.legs.items() if channel.exten == "reunite" and leg not in self.bridges]
        if alone:
            return self._together(alone[0], self.citizen)
        if any(leg != self.citizen for leg in self.legs):
            return []
        self.legs[self.citizen] = replace(self.legs[self.citizen], context="after")
        return [UserEvent(at=self._at(), name="HotlineAlone", fields={}, channel=self.legs[self.citizen])]
