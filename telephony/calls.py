"""Every conversation and its legs, from the ring to the last hang-up: what the testimony about it amounts to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType

from telephony import announcements
from telephony.channels import LONG_AGO, Track, earlier
from telephony.errors import Refused, UnknownCall
from telephony.events import CallEnded, CallEvent, CallOutcome, CallPlaced
from telephony.facts import Fact, Snapshot
from telephony.failures import Failures
from telephony.hearing import Hearing
from telephony.ids import AgentId, CallId, ChannelId
from telephony.ledgers import Ledger, Legs, Standing, standing
from telephony.legs import Purpose
from telephony.outbound import APPEARS_WITHIN, Expected, Placed
from telephony.phases import TRANSITIONS, CallPhase, CallSignal, signals
from telephony.tables import Machine, Unlisted
from telephony.testimony import Testimony
from telephony.views import Call, Leg, LegRole, view

__all__ = ["TRANSITIONS", "Call", "CallPhase", "CallSignal", "Calls", "Leg", "LegRole"]

KEPT = timedelta(minutes=10)
"""How long an ended call stays, so that late facts about its channels fall on something that cannot come back."""
FORGETS_EVERY = timedelta(seconds=10)
SETTLES = timedelta(seconds=1)
"""How long to wait for the word why a phone fell silent before taking the ring as cancelled, and for a caller who left
the queue to join it again: waiting in rounds is one waiting."""
RECOVERABLE = timedelta(seconds=30)
"""So long after the operator's leg was lost, its operator may still be brought back to a citizen on the line."""


class Calls:
    """Every call of the last minutes. Facts may come in any order, and twice; ``apply`` says what is new."""

    def __init__(self, hearing: Hearing, failures: Failures) -> None:
        self._hearing = hearing
        self._failures = failures
        self._said = Testimony(failures)
        self._channels = self._said.channels
        self._ledgers = self._said.ledgers
        self._expected = self._said.expected
        self._legs = self._said.legs
        self._phases: dict[CallId, CallPhase] = {}
        self._standings: dict[CallId, Standing] = {}
        self._calls: dict[CallId, Call] = {}
        self._stale: dict[CallId, None] = {}
        self._machine: Machine[CallPhase, CallSignal] = Machine("call", TRANSITIONS)
        self._forgets_at = LONG_AGO

    @property
    def all(self) -> Mapping[CallId, Call]:
        """Live calls, and those that ended a short while ago."""
        stale, self._stale = self._stale, {}
        for call_id in stale:
            with self._failures.of(call_id):
                ledger = self._ledgers[call_id]
                self._calls[call_id] = view(ledger, self._legs(ledger), self._phases[call_id], self._standings[call_id])
        return MappingProxyType(self._calls)

    def take_unlisted(self) -> tuple[Unlisted, ...]:
        return (*self._machine.take_unlisted(), *self._said.take_malformed())

    def apply(self, fact: Fact) -> list[CallEvent]:
        """Take down one fact of the switch; the events that follow from it."""
        return self._settle(self._said.take(fact), fact.at)

    def tick(self, now: datetime) -> list[CallEvent]:
        """Conclude what only silence tells, while we hear, and forget what ended long ago."""
        events = self._give_up_expected(now)
        for ledger in self.going():
            with self._failures.of(ledger.id):  # one call that cannot be followed keeps nobody else waiting
                if self._conclude(ledger, now):
                    events += self._settle((ledger.id,), now)
        if now >= self._forgets_at:
            self._forgets_at = now + FORGETS_EVERY
            self._forget(now - KEPT)
        return events

    def reconcile(self, snapshot: Snapshot, seats: Mapping[str, AgentId]) -> list[CallEvent]:
        """Compare with everything that the switch knows; newer facts win over it. ``seats``: who sits at which phone.

        What comes back is every difference: nothing, if no fact was missed.
        """
        self._said.compare(snapshot, seats, self._is_over)
        return [*self._settle([ledger.id for ledger in self.going()], snapshot.at), *self._unlisted(snapshot)]

    @property
    def untold(self) -> frozenset[CallId]:
        """Calls that are over, of which the end is not told here: what they came to was said in a gap."""
        return frozenset(ledger.id for ledger in self._ledgers.values() if ledger.end_unknown or not ledger.told)

    def lose_sight(self) -> None:
        """Of what happens from here on nothing is heard."""
        for ledger in self.going():
            ledger.missed = True

    def is_live(self, channel: ChannelId) -> bool:
        track = self._channels.get(channel)
        return track is not None and track.live

    def track(self, channel: ChannelId) -> Track | None:
        return self._channels.get(channel)

    def call_of(self, channel: ChannelId) -> CallId | None:
        return self._channels.call_of(channel)

    def knows(self, call_id: CallId) -> bool:
        """Whether there is, or was, or is about to be a call of this id."""
        return call_id in self._expected or call_id in self._ledgers

    def expect(self, call_id: CallId, placed: Placed, now: datetime) -> None:
        """A call is about to be placed: its first channel will bear this id."""
        self._expected[call_id] = Expected(placed, now)

    def failed(self, call_id: CallId, *, unknown: bool) -> None:
        """The order to ring the operator's phone was refused, and the next tick tells; or nobody knows whether it was.

        Then the call may go on, and nobody shall place it a second time: the state will tell.
        """
        expected = self._expected.get(call_id)
        if expected is not None:
            expected.unsure, expected.refused = unknown, not unknown

    def not_placed(self, call_id: CallId, at: datetime) -> list[CallEvent]:
        """The switch says that nothing came of it."""
        self.failed(call_id, unknown=False)
        return self._over(call_id, at)

    def _over(self, call_id: CallId, at: datetime) -> list[CallEvent]:
        """No channel came of it, as far as we have heard: it began and ended in the same moment."""
        expected = self._expected.pop(call_id, None)
        if expected is None or call_id in self._ledgers:
            return []
        placed, unheard = expected.placed, not expected.refused and self._hearing.missed(expected.since)
        return [
            CallPlaced(
                at=expected.since,
                call_id=call_id,
                agent_id=placed.agent_id,
                number=placed.number,
                line=placed.line,
                channel=ChannelId(call_id),
            ),
            CallEnded(
                at=at,
                call_id=call_id,
                outcome=CallOutcome.LOST if unheard else CallOutcome.NOT_PLACED,
                ended_by="unknown" if unheard else "switch",
                wait_s=None,
                talk_s=None,
            ),
        ]

    def hand_over(self, call_id: CallId, leg: ChannelId, agent_id: AgentId, at: datetime) -> list[CallEvent]:
        """Whoever is at the other end of ``leg``, which is in the citizen's bridge, is the operator from now on."""
        self._ledgers[call_id].hand_over(leg, agent_id, at)
        return self._settle((call_id,), at)

    def evidence(self, call_id: CallId) -> tuple[Ledger, Legs] | None:
        """All that is known of a call, for models that look at it from another side; None where it is not known."""
        ledger = self._ledgers.get(call_id)
        return (ledger, self._legs(ledger)) if ledger is not None and call_id in self._phases else None

    def live(self, call_id: CallId) -> Call:
        """A call that goes on. Raises UnknownCall."""
        call = self.all.get(call_id)
        if call is None or call.phase is CallPhase.ENDED:
            raise UnknownCall(call_id)
        return call

    def talk_of(self, call_id: CallId, agent_id: AgentId, command: str) -> tuple[Ledger, Legs]:
        """The evidence about a call that this operator talks in. Raises UnknownCall, Refused."""
        call = self.live(call_id)
        if call.answered_by != agent_id or call.agent_left_at is not None:
            raise Refused(command=command, state=call.phase, reason="not a party of this call")
        ledger = self._ledgers[call_id]
        return ledger, self._legs(ledger)

    def changed(self, call_id: CallId) -> None:
        """Somebody else has written into the evidence: its next reader shall see it."""
        self._stale[call_id] = None

    def hang_up_by_operator(self, call_id: CallId, now: datetime) -> ChannelId:
        """The channel to hang up so that the call ends; the operator counts as the one who ended it."""
        ledger = self._ledgers[call_id]
        legs, connected = self._legs(ledger), ledger.connected
        if connected:
            operator = legs[connected.dest]
            operator.asked_to_end_at = earlier(operator.asked_to_end_at, now)
        citizen = legs.get(ledger.citizen)
        return citizen.id if citizen and citizen.live else next(leg.id for leg in legs.values() if leg.live)

    def recoverable(self, call_id: CallId, agent_id: AgentId, now: datetime) -> tuple[ChannelId, bool] | None:
        """The citizen's channel, and whether others are in the call, if this operator was the last to talk there.

        None where it is too late, or another operator's phone rings for the citizen.
        """
        ledger = self._ledgers.get(call_id)
        last = ledger.last_talk if ledger else None
        if ledger is None or last is None or last.agent_id != agent_id:
            return None
        legs = self._legs(ledger)
        citizen, left_at = legs.get(ledger.citizen), legs[last.dest].ended_at
        others = any(leg.live for leg in legs.values() if leg.id not in (ledger.citizen, last.dest))
        too_late = left_at is not None and now - left_at > RECOVERABLE
        if citizen is None or not citizen.live or too_late or ledger.ringing(legs) is not None:
            return None
        return citizen.id, others

    def new_leg(self, call_id: CallId, purpose: Purpose, now: datetime) -> ChannelId:
        """An id that no leg of this call has had."""
        return self._ledgers[call_id].new_leg(purpose, now)

    def expect_back(self, call_id: CallId, agent_id: AgentId, now: datetime) -> ChannelId:
        """The id of the leg by which the operator comes back to a citizen with whom others are."""
        leg = self.new_leg(call_id, Purpose.WAY_BACK, now)
        self._ledgers[call_id].expect_back(leg, agent_id, now)
        return leg

    def _give_up_expected(self, now: datetime) -> list[CallEvent]:
        silent = self._hearing.lasted
        late = [key for key, one in self._expected.items() if one.refused or silent(one.since, APPEARS_WITHIN, now)]
        return [event for call_id in late for event in self._over(call_id, now)]

    def _unlisted(self, snapshot: Snapshot) -> list[CallEvent]:
        """Calls to be placed of which a gap has hidden whether they were: they are not there now."""
        hidden = [key for key, one in self._expected.items() if one.unsure and self._hearing.missed(one.since)]
        return [event for key in hidden if snapshot.all_channels for event in self._over(key, snapshot.at)]

    def _conclude(self, ledger: Ledger, now: datetime) -> bool:
        """Nobody says why a phone fell silent, or the caller has not joined a queue again."""
        absent = ledger.absent_since
        if absent is None and not ledger.unanswered:
            return False
        legs = self._legs(ledger)
        settled = self._hearing.lasted
        silent = [one for one in ledger.unanswered if not one.given_up and settled(one.ended_at(legs), SETTLES, now)]
        for attempt in silent:
            attempt.given_up = True
        gone = absent is not None and ledger.gone_at < absent and settled(absent, SETTLES, now)
        ledger.gone_at = absent if absent and gone else ledger.gone_at
        return gone or bool(silent)

    def going(self) -> list[Ledger]:
        """The evidence about every call that has not ended."""
        return [one for one in self._ledgers.values() if not self._is_over(one.id)]

    # telling what is new ----------------------------------------------------------------------------------------------

    def _is_over(self, call_id: CallId) -> bool:
        return self._phases.get(call_id) is CallPhase.ENDED

    def _settle(self, call_ids: Iterable[CallId], at: datetime) -> list[CallEvent]:
        """What is told once is told once only: it comes out even if the rest of its call cannot be followed."""
        events: list[CallEvent] = []
        for call_id in call_ids:
            news: list[CallEvent] = []
            with self._failures.of(call_id):
                ledger = self._said.ledger(call_id)
                legs = self._legs(ledger)
                if not ledger.told and self._is_nobodys(ledger, legs):
                    continue
                for event in self._news(ledger, legs, at):
                    news.append(event)
            if news:
                events += sorted(news, key=lambda event: announcements.ORDER.index(type(event)))
            self._stale[call_id] = None
        return events

    def _is_nobodys(self, ledger: Ledger, legs: Legs) -> bool:
        """Nobody has heard who calls: before the first list is there, or after all is over, somebody else will tell."""
        first = ChannelId(ledger.id) in legs
        return not first and (self._hearing.interrupted or not any(leg.live for leg in legs.values()))

    def _news(self, ledger: Ledger, legs: Legs, at: datetime) -> Iterator[CallEvent]:
        if not ledger.told:
            ledger.told = True
            self._phases[ledger.id] = CallPhase.ARRIVED
            self._standings[ledger.id] = Standing()
            yield announcements.arrived(ledger, legs, at)
        ledger.adopt(legs)
        was, now = self._standings[ledger.id], standing(ledger, legs)
        if self._phases[ledger.id] is not CallPhase.ENDED:
            yield from announcements.of_rings(ledger, legs, at)
        yield from announcements.of_leaving(ledger, legs, at)
        ledger.holder = now.held or ledger.holder
        for signal in signals(was, now):
            yield from self._step(ledger, legs, signal, at)
        self._standings[ledger.id] = replace(now, ended=True) if was.ended and not now.ended else now

    def _step(self, ledger: Ledger, legs: Legs, signal: CallSignal, at: datetime) -> Iterator[CallEvent]:
        target = self._machine.step(self._phases[ledger.id], signal)
        if target is None:
            return
        self._phases[ledger.id] = target
        if signal is CallSignal.ENDED and self._hearing.interrupted:
            ledger.half_heard = ledger.missed or not all(leg.born for leg in legs.values())
        announce = _ANNOUNCE.get(signal)
        if announce is not None and not ledger.end_unknown:
            yield announce(ledger, legs, at)

    def _forget(self, before: datetime) -> None:
        old = [call.id for call in self.all.values() if call.ended_at and call.ended_at < before]
        untold = [ledger for ledger in self._ledgers.values() if not ledger.told]
        old += [ledger.id for ledger in untold if not any(leg.live for leg in self._legs(ledger).values())]
        for call_id in old:
            self._channels.forget_call(call_id)
            for kept in (self._ledgers, self._phases, self._standings, self._calls):
                kept.pop(call_id, None)
        self._channels.forget(self._channels.strays_ended_before(before))


_ANNOUNCE: Mapping[CallSignal, Callable[[Ledger, Legs, datetime], CallEvent]] = {
    CallSignal.QUEUED: announcements.queued,
    CallSignal.LEFT_QUEUE: announcements.left_queue,
    CallSignal.ANSWERED: announcements.answered,
    CallSignal.HELD: announcements.held,
    CallSignal.RESUMED: announcements.resumed,
    CallSignal.ENDED: announcements.ended,
}
"""Rings, and an operator who leaves, are told row by row: there may be several."""
