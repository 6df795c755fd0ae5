"""Every conversation and its legs, from the ring to the last hang-up: facts are taken down, and compared with lists."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from telephony import announcements, facts
from telephony.channels import LONG_AGO, Channels, Track, earlier
from telephony.errors import Refused, UnknownCall
from telephony.events import CallEnded, CallEvent, CallOutcome, CallPlaced
from telephony.facts import Channel, Fact, LiveChannel, QueueEntry, Snapshot
from telephony.handovers import summary_of
from telephony.ids import AgentId, CallId, ChannelId, LineNumber, QueueName
from telephony.ledgers import SUPERVISORS_LEG, Attempt, Ledger, Legs, Standing, standing
from telephony.orders import RECOVER
from telephony.outbound import APPEARS_WITHIN, Placed, placed_by_us
from telephony.phases import TRANSITIONS, CallPhase, CallSignal, signals
from telephony.tables import Failure, Machine, Unlisted
from telephony.views import Call, Leg, LegRole, view
from telephony.ways import is_way_back, serial_of

__all__ = ["TRANSITIONS", "Call", "CallPhase", "CallSignal", "Calls", "Leg", "LegRole", "channels_of"]

KEPT = timedelta(minutes=10)
"""How long an ended call stays, so that late facts about its channels fall on something that cannot come back."""
ARRIVED_EVENT = "HotlineArrived"
"""The user event by which the dialplan announces a citizen, with the fields CallId and Line."""
CALLBACK_EVENT = "HotlineCallback"
"""A waiting caller pressed 1: fields Queue and Number."""
MESSAGE_EVENT = "HotlineMessageLeft"
"""The fallback has taken a voice message: field File."""
PARKED_EVENT = "HotlineParked"
"""The citizen hears music, and may be fetched."""
FORGETS_EVERY = timedelta(seconds=10)
AGE_ERROR = timedelta(seconds=2)
"""Ages of channels come in whole seconds."""
WHILE_PARKED = frozenset({"MusicOnHold", "GotoIf"})
"""What a channel runs that hears music and may be fetched."""
SIGNS_OF_LIFE = frozenset({"RINGING", "PROGRESS"})
"""States of a phone that is called: it rings, or sends sound before an answer. PROCEEDING is a machine's word."""
SETTLES = timedelta(seconds=1)
"""How long to wait for the word why a phone fell silent before taking the ring as cancelled, and for a caller who left
the queue to join it again: waiting in rounds is one waiting."""
RECOVERABLE = timedelta(seconds=30)
"""So long after the operator's leg was lost, its operator may still be brought back to a citizen on the line."""


class Calls:
    """Every call of the last minutes. Facts may come in any order, and twice; ``apply`` says what is new."""

    def __init__(self) -> None:
        self._channels = Channels()
        self._ledgers: dict[CallId, Ledger] = {}
        self._phases: dict[CallId, CallPhase] = {}
        self._standings: dict[CallId, Standing] = {}
        self._calls: dict[CallId, Call] = {}
        self._stale: dict[CallId, None] = {}
        self._machine: Machine[CallPhase, CallSignal] = Machine("call", TRANSITIONS)
        self._malformed: list[Unlisted] = []
        self._switch_started_at: datetime | None = None
        self._expected: dict[CallId, tuple[Placed, datetime]] = {}
        self._forgets_at = LONG_AGO
        self._failures: list[Failure] = []
        self._readers: Mapping[type[Fact], Callable[[Any], None]] = {
            facts.Hangup: self._read_hangup,
            facts.HangupRequest: self._read_hangup_request,
            facts.BridgeEnter: self._read_bridge_enter,
            facts.BridgeLeave: self._read_bridge_leave,
            facts.DialBegin: self._read_dial_begin,
            facts.DialState: self._read_dial_state,
            facts.DialEnd: self._read_dial_end,
            facts.QueueCallerJoin: self._read_join,
            facts.QueueCallerLeave: self._read_leave,
            facts.QueueCallerAbandon: self._read_leave,
            facts.AgentCalled: self._read_called,
            facts.AgentConnect: self._read_connect,
            facts.AgentRingNoAnswer: self._read_no_answer,
            facts.Hold: self._read_hold,
            facts.Unhold: self._read_hold,
            facts.UserEvent: self._read_user_event,
        }

    @property
    def all(self) -> Mapping[CallId, Call]:
        """Live calls, and those that ended a short while ago."""
        for call_id in self._stale:
            ledger = self._ledgers[call_id]
            self._calls[call_id] = view(ledger, self._legs(ledger), self._phases[call_id], self._standings[call_id])
        self._stale.clear()
        return MappingProxyType(self._calls)

    def take_unlisted(self) -> tuple[Unlisted, ...]:
        taken = (*self._machine.take_unlisted(), *self._malformed)
        self._malformed.clear()
        return taken

    def take_failures(self) -> tuple[Failure, ...]:
        taken, self._failures = tuple(self._failures), []
        return taken

    def apply(self, fact: Fact) -> list[CallEvent]:
        """Take down one fact of the switch; the events that follow from it."""
        seen = channels_of(fact)
        for channel in seen:
            self._channels.observe(channel, fact.at)
        if len(seen) == 2:
            self._channels.tie(seen[0].id, seen[1].id)
        reader = self._readers.get(type(fact))
        if reader is not None:
            reader(fact)
        touched = {self._channels.call_of(channel.id) for channel in seen}
        return self._settle((call_id for call_id in touched if call_id is not None), fact.at)

    def tick(self, now: datetime) -> list[CallEvent]:
        """Conclude what only silence tells, and forget what ended long ago."""
        events = self._give_up_expected(now - APPEARS_WITHIN)
        for ledger in self._open():
            try:
                if self._conclude(ledger, now - SETTLES):
                    events += self._settle((ledger.id,), now)
            except Exception as error:  # one call that cannot be followed keeps nobody else waiting
                self._failures.append(Failure(subject=ledger.id, error=error))
        if now >= self._forgets_at:
            self._forgets_at = now + FORGETS_EVERY
            self._forget(now - KEPT)
        return events

    def reconcile(self, snapshot: Snapshot, seats: Mapping[str, AgentId]) -> list[CallEvent]:
        """Compare with everything that the switch knows; newer facts win over it. ``seats``: who sits at which phone.

        What comes back is every difference: nothing, if no fact was missed.
        """
        restarted = self._switch_started_at not in (None, snapshot.started_at)
        self._switch_started_at = snapshot.started_at
        for live in snapshot.channels:
            self._see_channel(live, snapshot.at)
        for entry in snapshot.entries:
            self._see_waiting(entry, snapshot.at)
        self._end_unlisted(snapshot, restarted=restarted)
        for ledger in self._open():
            self._find_operators(ledger, seats)
        return self._settle([ledger.id for ledger in self._open()], snapshot.at)

    def is_live(self, channel: ChannelId) -> bool:
        track = self._channels.get(channel)
        return track is not None and track.live

    def call_of(self, channel: ChannelId) -> CallId | None:
        return self._channels.call_of(channel)

    def knows(self, call_id: CallId) -> bool:
        """Whether there is, or was, or is about to be a call of this id."""
        return call_id in self._expected or call_id in self._ledgers

    def expect(self, call_id: CallId, placed: Placed, now: datetime) -> None:
        """A call is about to be placed: its first channel will bear this id."""
        self._expected[call_id] = (placed, now)

    def give_up(self, call_id: CallId) -> None:
        """The switch did not even ring the operator's phone; the next tick tells."""
        if call_id in self._expected:
            self._expected[call_id] = (self._expected[call_id][0], LONG_AGO)

    def not_placed(self, call_id: CallId, at: datetime) -> list[CallEvent]:
        """No channel came of it: it began and ended in the same moment."""
        expected = self._expected.pop(call_id, None)
        if expected is None or call_id in self._ledgers:
            return []
        placed, since = expected
        return [
            CallPlaced(
                at=since,
                call_id=call_id,
                agent_id=placed.agent_id,
                number=placed.number,
                line=placed.line,
                channel=ChannelId(call_id),
            ),
            CallEnded(
                at=at,
                call_id=call_id,
                outcome=CallOutcome.NOT_PLACED,
                ended_by="switch",
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

    def talk_of(self, call_id: CallId, agent_id: AgentId, command: str) -> tuple[Ledger, Legs]:
        """The evidence about a call that this operator talks in. Raises UnknownCall, Refused."""
        call = self.all.get(call_id)
        if call is None or call.phase is CallPhase.ENDED:
            raise UnknownCall(call_id)
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

    def expect_back(self, call_id: CallId, leg: ChannelId, agent_id: AgentId, now: datetime) -> None:
        """By this leg the operator comes back to a citizen with whom others are."""
        self._ledgers[call_id].expect_back(leg, agent_id, now)

    # reading one fact -------------------------------------------------------------------------------------------------

    def _read_hangup(self, fact: facts.Hangup) -> None:
        self._track(fact.channel).end(fact.at, fact.cause)

    def _read_hangup_request(self, fact: facts.HangupRequest) -> None:
        track = self._track(fact.channel)
        track.asked_to_end_at = earlier(track.asked_to_end_at, fact.at)

    def _read_bridge_enter(self, fact: facts.BridgeEnter) -> None:
        self._channels.enter(fact.channel.id, fact.bridge, fact.at)
        call_id = self._channels.call_of(fact.channel.id)
        back = self._ledger(call_id).recalls.get(fact.channel.id) if call_id and is_way_back(fact.channel.id) else None
        if back is not None:
            back.connected_at, back.guessed = earlier(back.connected_at, fact.at), False

    def _read_bridge_leave(self, fact: facts.BridgeLeave) -> None:
        self._channels.leave(fact.channel.id, fact.bridge, fact.at)

    def _read_dial_begin(self, fact: facts.DialBegin) -> None:
        self._recall(fact)

    def _read_dial_state(self, fact: facts.DialState) -> None:
        if fact.status in SIGNS_OF_LIFE:
            track = self._track(fact.dest)
            track.rung_at = earlier(track.rung_at, fact.at)

    def _read_dial_end(self, fact: facts.DialEnd) -> None:
        if fact.channel is not None and placed_by_us(CallId(fact.channel.id)):
            ledger = self._caller(fact.channel)
            ledger.dial_status = min(ledger.dial_status, (fact.at, fact.status))
            if fact.status == "ANSWER":
                ledger.reached_at = earlier(ledger.reached_at, fact.at)
        recall = self._recall(fact)
        if recall is not None and fact.status == "ANSWER":
            recall.connected_at, recall.guessed = earlier(recall.connected_at, fact.at), False

    def _read_join(self, fact: facts.QueueCallerJoin) -> None:
        self._caller(fact.channel).join(fact.queue, fact.position, fact.at)

    def _read_leave(self, fact: facts.QueueCallerLeave | facts.QueueCallerAbandon) -> None:
        self._caller(fact.channel).leave(fact.at)

    def _read_called(self, fact: facts.AgentCalled) -> None:
        self._attempt(fact)

    def _read_connect(self, fact: facts.AgentConnect) -> None:
        attempt = self._attempt(fact)
        attempt.connected_at, attempt.guessed = fact.at, False

    def _read_no_answer(self, fact: facts.AgentRingNoAnswer) -> None:
        self._attempt(fact).ring_ms = fact.ring_ms

    def _read_hold(self, fact: facts.Hold | facts.Unhold) -> None:
        self._track(fact.channel).on_hold.put(isinstance(fact, facts.Hold), fact.at)

    def _read_user_event(self, fact: facts.UserEvent) -> None:
        if fact.channel is None:
            return
        if fact.name == ARRIVED_EVENT:
            ledger = self._caller(fact.channel)
            ledger.line = LineNumber(fact.fields.get("Line", ""))
            ledger.caller = fact.channel
            ledger.centre = fact.fields.get("Centre", "")
            ledger.summary = self._summary(fact.fields.get("Summary", "")) if ledger.centre else ""
        elif fact.name == CALLBACK_EVENT:
            asked = (QueueName(fact.fields.get("Queue", "")), fact.fields.get("Number", ""))
            self._caller(fact.channel).callback = asked
        elif fact.name == MESSAGE_EVENT:
            self._caller(fact.channel).message = fact.fields.get("File", "")
        elif fact.name == PARKED_EVENT:
            track = self._track(fact.channel)
            track.parked_at = max(track.parked_at, fact.at)

    def _summary(self, header: str) -> str:
        summary = summary_of(header) if header else ""
        if summary is None:
            self._malformed.append(Unlisted(machine="handover", state="summary", signal="malformed"))
        return summary or ""

    def _track(self, channel: Channel) -> Track:
        track = self._channels.get(channel.id)
        assert track is not None, "observed before it is read"
        return track

    def _caller(self, channel: Channel) -> Ledger:
        """The ledger of a channel that is a caller's: it begins the call if nothing else has."""
        self._channels.claim(channel.id, channel.call_id or CallId(channel.id))
        call_id = self._channels.call_of(channel.id)
        assert call_id is not None, "claimed just now"
        return self._ledger(call_id)

    def _ledger(self, call_id: CallId) -> Ledger:
        ledger = self._ledgers.get(call_id)
        if ledger is None:
            placed, _ = self._expected.pop(call_id, (None, None))
            ledger = self._ledgers[call_id] = Ledger(id=call_id, placed=placed)
        return ledger

    def _give_up_expected(self, before: datetime) -> list[CallEvent]:
        late = [call_id for call_id, (_, since) in self._expected.items() if since < before]
        return [event for call_id in late for event in self.not_placed(call_id, before + APPEARS_WITHIN)]

    def _attempt(self, fact: facts.AgentCalled | facts.AgentConnect | facts.AgentRingNoAnswer) -> Attempt:
        ledger = self._caller(fact.channel)
        ledger.queue = ledger.queue or fact.queue
        return ledger.attempt(fact.dest.id, AgentId(fact.member), fact.queue, fact.at)

    def _recall(self, fact: facts.DialBegin | facts.DialEnd) -> Attempt | None:
        """The row of this ring, if it is one by which the dialplan brings an operator back."""
        if fact.channel is None or fact.channel.context != RECOVER:
            return None
        return self._caller(fact.channel).recall(fact.dest.id, fact.at)

    def _conclude(self, ledger: Ledger, before: datetime) -> bool:
        """Nobody says why a phone fell silent, or the caller has not joined a queue again."""
        absent = ledger.absent_since
        if absent is None and not ledger.unanswered:
            return False
        legs = self._legs(ledger)
        silent = [one for one in ledger.unanswered if not one.given_up and one.ended_at(legs) < before]
        for attempt in silent:
            attempt.given_up = True
        gone = absent is not None and ledger.gone_at < absent < before
        ledger.gone_at = absent if absent and gone else ledger.gone_at
        return gone or bool(silent)

    # comparing with a snapshot ----------------------------------------------------------------------------------------

    def _see_channel(self, live: LiveChannel, at: datetime) -> None:
        known = live.channel.id in self._channels
        track = self._channels.observe(live.channel, at)
        born = at - timedelta(seconds=live.age_s)
        missed = not known or born < track.first_at - AGE_ERROR
        if missed:
            track.first_at = born
            track.up_at = born if track.up_at else None
        if not track.live:
            return
        if live.bridge is None:
            track.bridge.put(None, at)
            if live.application in WHILE_PARKED:
                track.parked_at = max(track.parked_at, at)
        else:
            self._channels.enter(track.id, live.bridge, at)
        call_id = self._channels.call_of(track.id)
        if call_id is not None:
            ledger = self._ledger(call_id)
            ledger.rebuilt = ledger.rebuilt or (missed and track.id == ChannelId(call_id))
            ledger.recall_arrival(live.variables, track.id)
            ledger.recall_wishes(live.variables, track.id)

    def _see_waiting(self, entry: QueueEntry, at: datetime) -> None:
        track = self._channels.get(entry.channel_id)
        if track is None or not track.live:
            return
        new = self._channels.call_of(track.id) is None
        ledger = self._caller(track.latest.value)
        ledger.rebuilt = ledger.rebuilt or new
        if not ledger.joins or (ledger.absent_since and ledger.left_at < at):
            ledger.join(entry.queue, entry.position, max(at - timedelta(seconds=entry.wait_s), track.first_at))

    def _end_unlisted(self, snapshot: Snapshot, *, restarted: bool) -> None:
        listed = {live.channel.id for live in snapshot.channels}
        waiting = {entry.channel_id for entry in snapshot.entries}
        for track in self._channels:
            if track.live and track.id not in listed and track.last_at < snapshot.at:
                track.vanish(snapshot.at)
        for ledger in self._open():
            ledger.lost_to = "switch" if restarted else "unknown"
            joined = max(ledger.joined_at, ledger.queued_at or ledger.joined_at)
            if not ledger.connected and ledger.citizen not in waiting and LONG_AGO < joined < snapshot.at:
                ledger.leave(ledger.absent_since or snapshot.at)
                ledger.gone_at = ledger.left_at

    def _find_operators(self, ledger: Ledger, seats: Mapping[str, AgentId]) -> None:
        legs = self._legs(ledger)
        ledger.adopt(legs)
        citizen = legs.get(ledger.citizen)
        talks_on = ledger.operator is not None and ledger.operator in legs and legs[ledger.operator].live
        guests = {leg for leg in legs if talks_on and serial_of(leg) is not None}
        others = (
            leg for leg in legs.values() if leg is not citizen and leg.live and not SUPERVISORS_LEG.search(leg.id)
        )
        if any(leg.latest.value.endpoint in seats for leg in others):  # who barged in is there beside the operator
            guests |= {leg for leg in legs if SUPERVISORS_LEG.search(leg)}
        for leg in legs.values():
            agent_id = seats.get(leg.latest.value.endpoint)
            if leg is citizen or agent_id is None or not leg.live or leg.id in guests:
                continue
            queue = ledger.queue or QueueName("")
            attempt = ledger.attempts.get(leg.id) or ledger.recalls.get(leg.id)
            attempt = attempt or ledger.attempt(leg.id, agent_id, queue, leg.first_at)
            attempt.agent_id = attempt.agent_id or agent_id
            together = citizen is not None and leg.bridge.value is not None and leg.bridge.value == citizen.bridge.value
            together = together or leg.id == ledger.operator
            if together and not attempt.connected_at:
                attempt.connected_at = max(leg.up_at or leg.first_at, ledger.joined_at)
                attempt.guessed = True

    # telling what is new ----------------------------------------------------------------------------------------------

    def _open(self) -> list[Ledger]:
        return [one for one in self._ledgers.values() if self._phases.get(one.id) is not CallPhase.ENDED]

    def _legs(self, ledger: Ledger) -> dict[ChannelId, Track]:
        legs = {track.id: track for track in self._channels.legs(ledger.id) if ledger.concerns(track)}
        for dest in ledger.attempts:
            if dest not in legs and (stranger := self._channels.get(dest)) is not None:
                legs[dest] = stranger
        return legs

    def _settle(self, call_ids: Iterable[CallId], at: datetime) -> list[CallEvent]:
        events: list[CallEvent] = []
        for call_id in call_ids:
            ledger = self._ledger(call_id)
            legs = self._legs(ledger)
            if news := list(self._news(ledger, legs, at)):
                events += sorted(news, key=lambda event: announcements.ORDER.index(type(event)))
            self._stale[call_id] = None
        return events

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
        announce = _ANNOUNCE.get(signal)
        if announce is not None:
            yield announce(ledger, legs, at)

    def _forget(self, before: datetime) -> None:
        old = [call.id for call in self.all.values() if call.ended_at and call.ended_at < before]
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


def channels_of(fact: Fact) -> tuple[Channel, ...]:
    """The one or two channels that a fact describes; none, for a fact about something else."""
    channel, dest = getattr(fact, "channel", None), getattr(fact, "dest", None)
    if channel is None or dest is None:
        only = channel or dest
        return (only,) if only is not None else ()
    return channel, dest
