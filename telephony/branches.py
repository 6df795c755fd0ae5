"""Lines whose calls ring at their centre first (分中心): a way of which nothing is heard is given up (pure).

The dialplan dials one way after the other by itself, and then lets the citizen wait for us. It cannot tell a phone that
rings from a trunk that is dead: that is seen here, as for transfers.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from telephony.calls import Calls
from telephony.cases import ASKS_AGAIN
from telephony.centres import Reach
from telephony.channels import Track
from telephony.hearing import Hearing
from telephony.ids import CallId, ChannelId
from telephony.orders import HangUpChannel, Order
from telephony.phases import CallPhase


class Branches:
    """It only takes time, and asks for nothing where the centre gives a sign of life."""

    def __init__(self, calls: Calls, reach: Reach, hearing: Hearing) -> None:
        self._calls = calls
        self._hearing = hearing
        self._reach = reach
        self._given_up: dict[CallId, tuple[ChannelId, datetime]] = {}
        """The silent leg of a call that was last given up, and when."""

    def may_hang_up(self, leg: Track) -> bool:
        """Whether a leg that was given up is still silent."""
        given_up = any(leg.id == silent for silent, _ in self._given_up.values())
        return not given_up or not (leg.rung_at or leg.up_at)

    def tick(self, now: datetime) -> list[Order]:
        """A leg that is to be hung up and still lives is hung up again."""
        orders: list[Order] = []
        if not self._reach.branches:
            return orders
        calls = self._calls.all
        for call_id, call in calls.items():
            centre = self._reach.centres.get(self._reach.branches.get(call.line, ""))
            found = self._calls.evidence(call_id) if centre and call.phase is CallPhase.ARRIVED else None
            if centre is None or found is None:
                continue
            ledger, legs = found
            silent_s = {route.endpoint: route.first_sign_s for route in centre.routes}
            for leg in legs.values():
                first_sign_s = silent_s.get(leg.latest.value.endpoint)
                heard = leg.rung_at or leg.up_at or not leg.live or leg.id == ledger.citizen
                if first_sign_s is None or heard:
                    continue
                if not self._hearing.lasted(leg.first_at, timedelta(seconds=first_sign_s), now):
                    continue
                last, at = self._given_up.get(call_id, (None, now))
                if last != leg.id or now - at >= ASKS_AGAIN:
                    self._given_up[call_id] = (leg.id, now)
                    orders.append(HangUpChannel(channel=leg.id))
        self._given_up = {call_id: given for call_id, given in self._given_up.items() if call_id in calls}
        return orders
