"""One transfer in hand: what its channels say of it, what the clock does, and what is asked of the switch (pure).

The evidence of the call is handed in each time; what is kept here is what no channel can tell.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from telephony.centres import Route
from telephony.channels import PARKED, Track, together
from telephony.events import TransferReason, TransferStep, TransferStepped
from telephony.hearing import Hearing
from telephony.ids import AgentId, ChannelId
from telephony.ledgers import Guest, Ledger, Legs
from telephony.legs import Purpose, is_way_back, serial_of
from telephony.news import News
from telephony.orders import DialLeg, HangUpChannel, Order, RedirectChannel, SetVariable
from telephony.routings import LEAVE, is_forwarding, name_leg, pair
from telephony.stages import (
    MEETINGS,
    OPEN,
    OURS,
    OUTCOMES,
    STEPS,
    TALKING,
    UNMET,
    StepTaken,
    Transfer,
    TransferOutcome,
    TransferSignal,
    TransferState,
)
from telephony.tables import Machine
from telephony.targets import Target, TargetKind, TransferMode
from telephony.ways import Parcel, Way, dropped, served, why_not

SETTLES = timedelta(milliseconds=300)
"""Two legs that end together are told of in any order: so long is waited for the other before a conclusion."""
ASKS_AGAIN = timedelta(seconds=1)
"""A leg that is to be hung up and still lives is hung up again."""
COMES_BACK_WITHIN = timedelta(seconds=2)
"""A citizen who is called out of the music has come in by then, or must be fetched."""
LATE = timedelta(seconds=2)
"""The switch itself ends a leg that rings too long; we do it so much later, in case it did not."""


@dataclass(frozen=True, slots=True)
class Unwanted:
    """A leg to be hung up: asked for again at ``due``. ``given_up`` is the way that it was, where only silence spoke
    against it: if it is picked up after all, nobody hangs it up."""

    due: datetime
    given_up: Way | None


@dataclass(slots=True)
class Case:
    """A transfer, and what is known of it beyond its channels; each method is handed the evidence of its call."""

    transfer: Transfer
    machine: Machine[TransferState, TransferSignal]
    hearing: Hearing
    operator: ChannelId
    routes: tuple[Route, ...]
    way: Way
    last_serial: int
    caller_number: str = ""
    others: set[ChannelId] = field(default_factory=set)
    """Legs that were in the call before a blind transfer began, or were ways of it."""
    forwarded: bool = False
    """The citizen of a blind transfer has come to where the dialplan dials."""
    leaving: bool = False
    let_go: bool = False
    """The operator's leg has been ordered to leave."""
    leaves_by: datetime | None = None
    """The operator wants to leave, and waits for the citizen to come back in, but no longer than until then."""
    silent: set[ChannelId] = field(default_factory=set)
    """Legs that the dialplan dialled, and of which nothing was heard."""
    unwanted: dict[ChannelId, Unwanted] = field(default_factory=dict)

    @property
    def blind(self) -> bool:
        return self.transfer.mode is TransferMode.BLIND

    def has_lost(self, leg: Track, citizen: Track | None) -> bool:
        """The transfer failed for the silence of this leg, and it is in the call after all."""
        failed = self.transfer.outcome is TransferOutcome.FAILED
        return failed and self._is_given_up(leg.id) and leg.live and together(leg, citizen)

    def may_hang_up(self, leg: Track) -> bool:
        """Whether what speaks against this leg still does: it may have been picked up since the order was given."""
        return leg.up_at is None or not self._is_given_up(leg.id)

    def _is_given_up(self, leg: ChannelId) -> bool:
        """Only its silence speaks against it."""
        unwanted = self.unwanted.get(leg)
        return unwanted is not None and unwanted.given_up is not None

    def _why_not(self, leg: Track) -> TransferReason:
        if leg.id in self.silent:
            return TransferReason.SILENT
        return TransferReason.DROPPED if leg.up_at else why_not(leg)

    # what is asked of the switch --------------------------------------------------------------------------------------

    def dial(self, ledger: Ledger) -> list[Order]:
        """The leg first: everything else may come while it rings."""
        way, transfer = self.way, self.transfer
        assert way.leg is not None, "a leg that we dial has its name"
        ledger.guests[way.leg] = guest_of(transfer.target)
        parcel = Parcel(
            mode=transfer.mode,
            target=transfer.target,
            route=way.number,
            agent_id=transfer.agent_id,
            serial=serial_of(ChannelId(transfer.id)),
        )
        return [
            DialLeg(
                leg=way.leg,
                call_id=ledger.id,
                endpoint=way.route.endpoint,
                number=way.route.number,
                context="consult" if transfer.mode is TransferMode.CONSULT else "join",
                exten="s",
                ring_s=way.route.ring_s,
                caller_number=self.caller_number,
                variables={
                    "HOTLINE_TRANSFER": str(parcel),
                    "HOTLINE_OPERATOR": self.operator,
                    "X-Hotline-Call-Id": ledger.id,
                },
            ),
            *name_leg(ledger.citizen, self.operator, way.leg),
        ]

    # what facts bring -------------------------------------------------------------------------------------------------

    def see(self, ledger: Ledger, legs: Legs, at: datetime, news: News) -> None:
        """What is new in the evidence about this call."""
        self._see_operator_back(ledger, at, news)
        if self.blind and self.transfer.state in UNMET:
            self._follow(ledger, legs, at, news)
        if self.transfer.state in UNMET and not self.blind:
            self._take_back(ledger, legs, at, news)
        leg = legs.get(self.way.leg) if self.way.leg else None
        if leg is not None and self.transfer.state in OPEN:
            self._see_leg(ledger, legs, leg, at, news)
        if self.transfer.state in OPEN:
            self._see_ends(ledger, legs, leg, at, news)
        if self.leaves_by is not None and self.transfer.state is not TransferState.PRIVATE:
            self.let_operator_go(news)

    @property
    def goes(self) -> bool:
        """The operator is about to leave, and need not ask again."""
        return self.let_go or self.leaves_by is not None

    def let_operator_go(self, news: News) -> None:
        self.leaves_by = None
        if self.transfer.state in TALKING:
            self.let_go = True
            news.orders.append(RedirectChannel(channel=self.operator, context=LEAVE, exten="s"))

    def _see_operator_back(self, ledger: Ledger, at: datetime, news: News) -> None:
        talking = ledger.connected
        if talking is None or not talking.returned or talking.dest == self.operator:
            return
        if talking.agent_id == self.transfer.agent_id and is_way_back(talking.dest):
            self.operator, self.leaving, self.let_go = talking.dest, False, False
            news.orders.append(SetVariable(channel=ledger.citizen, name="HOTLINE_OPERATOR", value=self.operator))
            if self.transfer.state is TransferState.HANDED_OVER:
                self.step(TransferSignal.OPERATOR_BACK, at, news)

    def _take_back(self, ledger: Ledger, legs: Legs, at: datetime, news: News) -> None:
        """A way that was given up for its silence has been picked up after all: it is the way again."""
        for leg_id, unwanted in self.unwanted.items():
            leg, way = legs.get(leg_id), unwanted.given_up
            up = leg is not None and leg.live and leg.up_at is not None
            if not up or way is None or way is self.way or self.way.picked_up or not self._is_own(leg_id):
                continue
            self.drop(self.way.leg, news, at)
            self.way, self.transfer = way, replace(self.transfer, route=way.number, leg=leg_id)
            news.orders += name_leg(ledger.citizen, self.operator, leg_id)
            return

    def _is_own(self, leg: ChannelId) -> bool:
        """One of this transfer, and not of one before it, whose legs are still to be hung up."""
        return serial_of(leg) >= serial_of(ChannelId(self.transfer.id))

    def _see_leg(self, ledger: Ledger, legs: Legs, leg: Track, at: datetime, news: News) -> None:
        """The target's phone rings, is picked up, joins, parts."""
        way, citizen, operator = self.way, legs.get(ledger.citizen), legs.get(self.operator)
        if leg.rung_at is not None and not way.rang:
            way.rang = True
            self.step(TransferSignal.RANG, at, news)
        if leg.up_at is not None and not way.picked_up:
            way.picked_up = True
            self.step(TransferSignal.PICKED_UP, at, news)
        if not leg.live or citizen is None or not citizen.live:
            return
        if together(leg, citizen):
            self._meet(at, news)
        elif together(leg, operator) and citizen.parked and self.transfer.state is not TransferState.PRIVATE:
            self.step(TransferSignal.PARTED, at, news)
        waits = leg.latest.value.context == "consult" and leg.up_at is not None
        if waits and not way.fetched and self.transfer.state is TransferState.RINGING and operator and operator.live:
            way.fetched = True
            news.orders.append(pair((ledger.citizen, PARKED, "s"), (self.operator, "room", "s")))

    def _meet(self, at: datetime, news: News) -> None:
        if self.blind:
            ours = self.transfer.target.kind in OURS
            self.step(TransferSignal.TAKEN_OVER if ours else TransferSignal.HANDED_OVER, at, news)
        elif self.transfer.state is not TransferState.JOINED:
            self.step(TransferSignal.JOINED, at, news)

    def _see_ends(self, ledger: Ledger, legs: Legs, leg: Track | None, at: datetime, news: News) -> None:
        """Somebody has gone. Who else is still there decides."""
        citizen, operator = legs.get(ledger.citizen), legs.get(self.operator)
        if citizen is not None and not citizen.live:
            self.step(TransferSignal.CALLER_LEFT, at, news)
            if not self.way.picked_up:
                self.drop(self.way.leg, news, at)
        elif leg is not None and not leg.live:
            self._lose_leg(ledger, legs, leg, at, news)
        elif self.transfer.state in TALKING and (operator is None or not operator.live):
            self._lose_operator(ledger, operator, at, news)

    def _lose_leg(self, ledger: Ledger, legs: Legs, leg: Track, at: datetime, news: News) -> None:
        if leg.up_at is None and self.blind:
            return
        if leg.up_at is None:
            self._next_way(ledger, legs, why_not(leg), at, news)
        elif self.transfer.state in UNMET or dropped(leg):
            self._next_way(ledger, legs, TransferReason.DROPPED, at, news)
        else:
            self.step(TransferSignal.TARGET_LEFT, at, news)
            self.forget_leg(ledger, legs, news)

    def _lose_operator(self, ledger: Ledger, operator: Track | None, at: datetime, news: News) -> None:
        """The citizen is with the target. A phone that is hung up says that its operator wants to leave."""
        hung_up = operator is None or (operator.cause == 16 and self.transfer.state is TransferState.JOINED)
        wished = self.leaving or (hung_up and ledger.kept_by is None)
        if not wished:
            self.step(TransferSignal.OPERATOR_LOST, at, news)
        elif self.transfer.target.kind in OURS:
            self.step(TransferSignal.TAKEN_OVER, at, news)
        else:
            self.step(TransferSignal.HANDED_OVER, at, news)

    def _follow(self, ledger: Ledger, legs: Legs, at: datetime, news: News) -> None:
        """A blind transfer: the dialplan dials one way after the other."""
        started_at = self.transfer.started_at
        if self.transfer.target.kind is TargetKind.QUEUE:
            if ledger.joined_at > started_at and ledger.queue == self.transfer.target.value:
                self.step(TransferSignal.TAKEN_OVER, at, news)
            return
        citizen = legs.get(ledger.citizen)
        self.forwarded = self.forwarded or (citizen is not None and is_forwarding(citizen.latest.value.context))
        for leg in legs.values():
            if leg.id in self.others or not self._is_way(leg, citizen):
                continue
            self.others.add(leg.id)
            before = legs.get(self.way.leg) if self.way.leg else None
            if before is not None:
                self.step(TransferSignal.WAY_FAILED, at, news, self._why_not(before))
            number = min(self.way.number + (before is not None), len(self.routes))
            self.way = Way(route=self.routes[number - 1], number=number, leg=leg.id, dialled_at=leg.first_at)
            self.transfer = replace(self.transfer, route=number, leg=leg.id)
            ledger.guests[leg.id] = guest_of(self.transfer.target)

    def _is_way(self, leg: Track, citizen: Track | None) -> bool:
        """Dialled by the citizen from where a blind transfer sends one; or found ringing there after a gap."""
        if leg.dialled_in is not None:
            return is_forwarding(leg.dialled_in)
        there = citizen is not None and leg is not citizen and is_forwarding(citizen.latest.value.context)
        named = leg.latest.value.endpoint in {route.endpoint for route in self.routes}
        return there and named and self.hearing.missed(leg.first_at)

    def _next_way(self, ledger: Ledger, legs: Legs, reason: TransferReason, at: datetime, news: News) -> None:
        """This way failed: the next one, while the citizen and the operator talk on."""
        operator = legs.get(self.operator)
        if self.way.number >= len(self.routes) or operator is None or not operator.live:
            self.step(TransferSignal.FAILED, at, news, reason)
            self.forget_leg(ledger, legs, news)
            return
        self.step(TransferSignal.WAY_FAILED, at, news, reason)
        number, leg = self.way.number + 1, ledger.new_leg(Purpose.TARGET, at)
        self.last_serial = serial_of(leg)
        self.way = Way(route=self.routes[number - 1], number=number, leg=leg, dialled_at=at)
        self.transfer = replace(self.transfer, route=number, leg=leg)
        news.orders += self.dial(ledger)

    # what the clock brings --------------------------------------------------------------------------------------------

    def wait(self, ledger: Ledger, legs: Legs, now: datetime, news: News) -> None:
        leg = legs.get(self.way.leg) if self.way.leg else None
        if self.transfer.state in UNMET:
            self._wait_for_leg(ledger, legs, leg, now, news)
        if self.transfer.state in UNMET and not self.blind:
            operator = legs.get(self.operator)
            gone = operator.ended_at if operator is not None else self.way.dialled_at if self.transfer.rebuilt else None
            if gone is not None and self.hearing.lasted(gone, SETTLES, now):
                self.step(TransferSignal.OPERATOR_LOST, now, news)
                self.drop(self.way.leg, news, now, given_up=self.way)
        if self.transfer.state is TransferState.HANDED_OVER:
            self._wait_for_end(ledger, legs, leg, now, news)
        if self.leaves_by is not None and now >= self.leaves_by:
            self.let_operator_go(news)
        self._hang_up_again(legs, now, news)

    def _wait_for_leg(self, ledger: Ledger, legs: Legs, leg: Track | None, now: datetime, news: News) -> None:
        way, silent = self.way, self.hearing.lasted
        if self.blind:
            self._wait_for_way(leg, legs.get(ledger.citizen), now, news)
            return
        if way.unsure:
            way.dialled_at, way.unsure = now, False
        sign = leg is not None and (leg.rung_at or leg.up_at)
        picked_up = leg is not None and leg.up_at is not None
        reason: TransferReason | None = None
        if leg is None and way.refused:
            reason = TransferReason.SWITCH
        elif not sign and silent(way.dialled_at, timedelta(seconds=way.route.first_sign_s), now):
            reason = TransferReason.SILENT
        elif not picked_up and silent(way.dialled_at, timedelta(seconds=way.route.ring_s) + LATE, now):
            reason = TransferReason.NO_ANSWER
        if reason is not None:
            self.drop(way.leg, news, now, given_up=way)
            self._next_way(ledger, legs, reason, now, news)

    def _wait_for_way(self, leg: Track | None, citizen: Track | None, now: datetime, news: News) -> None:
        """The dialplan goes on by itself; only that a way is dead, or that no other comes any more, is seen here."""
        if leg is None and self.way.refused:
            self.step(TransferSignal.FAILED, now, news, TransferReason.SWITCH)
        elif leg is None or leg.ended_at is not None:
            if self._no_way_comes(leg, citizen, now):
                reason = self._why_not(leg) if leg is not None else TransferReason.UNAVAILABLE
                self.step(TransferSignal.FAILED, now, news, reason)
        elif not (leg.rung_at or leg.up_at):
            first_sign = timedelta(seconds=self.way.route.first_sign_s)
            if leg.id not in self.silent and self.hearing.lasted(self.way.dialled_at, first_sign, now):
                self.silent.add(leg.id)
                self.drop(leg.id, news, now, given_up=self.way)

    def _no_way_comes(self, leg: Track | None, citizen: Track | None, now: datetime) -> bool:
        """The last one has failed; the citizen has gone on; or nothing at all was dialled for a long while."""
        since = leg.ended_at if leg is not None and leg.ended_at is not None else self.way.dialled_at
        if leg is not None and self.way.number >= len(self.routes):
            return self.hearing.lasted(since, SETTLES, now)
        there = citizen is not None and is_forwarding(citizen.latest.value.context)
        if citizen is not None and self.forwarded and not there:
            return self.hearing.lasted(max(since, citizen.latest.at), SETTLES, now)
        return self.hearing.lasted(since, timedelta(seconds=self.way.route.ring_s) + LATE, now)

    def _wait_for_end(self, ledger: Ledger, legs: Legs, leg: Track | None, now: datetime, news: News) -> None:
        citizen = legs.get(ledger.citizen)
        if citizen is None or not citizen.live:
            self.step(TransferSignal.COMPLETED, now, news)
        elif leg is None or (leg.ended_at is not None and self.hearing.lasted(leg.ended_at, SETTLES, now)):
            since = self.transfer.joined_at or now
            if leg is not None and served(leg, since):
                self.step(TransferSignal.COMPLETED, now, news)
                news.orders.append(HangUpChannel(channel=ledger.citizen))
            else:
                self.step(TransferSignal.RETURNED, now, news)

    def _hang_up_again(self, legs: Legs, now: datetime, news: News) -> None:
        for leg_id, unwanted in tuple(self.unwanted.items()):
            leg = legs.get(leg_id)
            if leg is not None and not leg.live:
                del self.unwanted[leg_id]
            elif leg is not None and unwanted.due <= now and self.may_hang_up(leg):
                self.drop(leg_id, news, now, given_up=unwanted.given_up)

    def step(self, signal: TransferSignal, at: datetime, news: News, reason: TransferReason | None = None) -> None:
        was = self.transfer
        state = self.machine.step(was.state, signal)
        if state is None:
            return
        self.transfer = replace(
            was,
            state=state,
            outcome=None if signal is TransferSignal.OPERATOR_BACK else OUTCOMES.get(signal, was.outcome),
            reason=reason or was.reason,
            ringing_at=was.ringing_at or (at if signal is TransferSignal.RANG else None),
            joined_at=was.joined_at or (at if signal in MEETINGS else None),
            ended_at=at if state is TransferState.ENDED else None,
        )
        news.events.append(self.stepped(STEPS[signal], at, reason))

    def stepped(self, step: TransferStep, at: datetime, reason: TransferReason | None = None) -> TransferStepped:
        taken = StepTaken(at=at, step=step, route=self.way.number, reason=reason)
        self.transfer = transfer = replace(self.transfer, steps=(*self.transfer.steps, taken))
        return TransferStepped(
            at=at,
            call_id=transfer.call_id,
            transfer_id=transfer.id,
            step=step,
            agent_id=transfer.agent_id,
            target=transfer.target,
            mode=transfer.mode,
            route=self.way.number,
            leg=self.way.leg,
            reason=reason,
        )

    def drop(self, leg: ChannelId | None, news: News, now: datetime, *, given_up: Way | None = None) -> None:
        if leg is not None:
            self.unwanted[leg] = Unwanted(now + ASKS_AGAIN, given_up)
            news.orders.append(HangUpChannel(channel=leg))

    def forget_leg(self, ledger: Ledger, legs: Legs, news: News) -> None:
        """Nobody else is in the call any more: its end is again the end of citizen and operator.

        A citizen who has heard music is past the place of the dialplan that asks for it, and is being fetched just now.
        An operator who came back is not the one whose end the dialplan would judge by: there [after] asks us.
        """
        citizen, operator = legs.get(ledger.citizen), legs.get(self.operator)
        if self.blind or citizen is None or not citizen.live or citizen.latest.value.context == PARKED:
            return
        if is_way_back(self.operator):
            return
        if operator is not None and operator.live:
            news.orders.append(SetVariable(channel=ledger.citizen, name="HOTLINE_LEG", value=""))


def guest_of(target: Target) -> Guest:
    """Whose leg the target's is."""
    if target.kind is TargetKind.AGENT:
        return Guest("operator", AgentId(target.value))
    return Guest(target.kind)
