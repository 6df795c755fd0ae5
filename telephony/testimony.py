"""What the switch said of each call: facts taken down in whatever order, and compared with lists of everything (pure).

One ledger a call, and its channels; what they amount to, ``calls`` says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from telephony import facts
from telephony.channels import LONG_AGO, Channels, Track, earlier, together
from telephony.facts import Channel, Fact, LiveChannel, QueueEntry, Snapshot
from telephony.failures import Failures
from telephony.handovers import REFUSED, summary_of
from telephony.ids import AgentId, CallId, ChannelId, LineNumber, QueueName
from telephony.ledgers import Attempt, Ledger
from telephony.legs import is_supervisors, is_target, is_way_back
from telephony.orders import RECOVER
from telephony.outbound import Expected, placed_by_us
from telephony.tables import Unlisted

ARRIVED_EVENT = "HotlineArrived"
"""The user event by which the dialplan announces a citizen, with the fields CallId and Line."""
CALLBACK_EVENT = "HotlineCallback"
"""A waiting caller pressed 1: fields Queue and Number."""
MESSAGE_EVENT = "HotlineMessageLeft"
"""The fallback has taken a voice message: field File."""
MACHINE_EVENT = "HotlineMachine"
"""What the switch makes of the first words of a citizen who was called: fields CallId and Cause."""
LONG_GREETING = "LONGGREETING"
"""Of Asterisk's guesses the only one that tells a mailbox; others take silence, or many words, for one."""
PARKED_EVENT = "HotlineParked"
"""The citizen hears music, and may be fetched."""
AGE_ERROR = timedelta(seconds=2)
"""Ages of channels come in whole seconds."""
WHILE_PARKED = frozenset({"MusicOnHold", "GotoIf"})
"""What a channel runs that hears music and may be fetched."""
SIGNS_OF_LIFE = frozenset({"RINGING", "PROGRESS"})
"""States of a phone that is called: it rings, or sends sound before an answer. PROCEEDING is a machine's word."""


class Testimony:
    """``take`` one fact, or ``compare`` with a list of everything. Both leave the conclusions to the reader."""

    def __init__(self, failures: Failures) -> None:
        self._failures = failures
        self.channels = Channels()
        self.ledgers: dict[CallId, Ledger] = {}
        self.expected: dict[CallId, Expected] = {}
        self._malformed: list[Unlisted] = []
        self._switch_started_at: datetime | None = None
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

    def take_malformed(self) -> tuple[Unlisted, ...]:
        taken, self._malformed = tuple(self._malformed), []
        return taken

    def take(self, fact: Fact) -> set[CallId]:
        """Take down one fact; the calls that it is about."""
        seen = channels_of(fact)
        for channel in seen:
            self.channels.observe(channel, fact.at)
            if isinstance(fact, facts.NewChannel):
                self.channels.born(channel.id)
        if len(seen) == 2:
            self.channels.tie(seen[0].id, seen[1].id)
        reader = self._readers.get(type(fact))
        if reader is not None:
            reader(fact)
        touched = {self.channels.call_of(channel.id) for channel in seen}
        if isinstance(fact, facts.UserEvent) and fact.name == MACHINE_EVENT:
            touched.add(self._read_machine(fact))
        return {call_id for call_id in touched if call_id is not None}

    def compare(self, snapshot: Snapshot, seats: Mapping[str, AgentId], is_over: Callable[[CallId], bool]) -> None:
        """Newer facts win over the list. ``seats``: who sits at which phone; ``is_over``: a call that has ended."""
        restarted = self._switch_started_at not in (None, snapshot.started_at)
        self._switch_started_at = snapshot.started_at
        kept = {live.channel.id: live.variables for live in snapshot.channels}
        found: set[ChannelId] = set()
        for live in snapshot.channels:
            with self._failures.of(live.channel.call_id or live.channel.id):
                if self._see_channel(live, snapshot.at):
                    found.add(live.channel.id)
        for entry in snapshot.entries:
            with self._failures.of(entry.channel_id):
                self._see_waiting(entry, snapshot.at)
        going = [ledger for ledger in self.ledgers.values() if not is_over(ledger.id)]
        self._end_unlisted(snapshot, going, restarted=restarted)
        for ledger in going:
            with self._failures.of(ledger.id):
                self._remind(ledger, kept, found)
                self._find_operators(ledger, seats)

    def ledger(self, call_id: CallId) -> Ledger:
        """Of this call; begun where there is none yet."""
        ledger = self.ledgers.get(call_id)
        if ledger is None:
            expected = self.expected.pop(call_id, None)
            ledger = self.ledgers[call_id] = Ledger(id=call_id, placed=expected.placed if expected else None)
        return ledger

    def legs(self, ledger: Ledger) -> dict[ChannelId, Track]:
        legs = {track.id: track for track in self.channels.legs(ledger.id) if ledger.concerns(track)}
        for dest in ledger.attempts:
            if dest not in legs and (stranger := self.channels.get(dest)) is not None:
                legs[dest] = stranger
        return legs

    # reading one fact -------------------------------------------------------------------------------------------------

    def _read_hangup(self, fact: facts.Hangup) -> None:
        self._track(fact.channel).end(fact.at, fact.cause)

    def _read_hangup_request(self, fact: facts.HangupRequest) -> None:
        track = self._track(fact.channel)
        track.asked_to_end_at = earlier(track.asked_to_end_at, fact.at)

    def _read_bridge_enter(self, fact: facts.BridgeEnter) -> None:
        self.channels.enter(fact.channel.id, fact.bridge, fact.at)
        call_id = self.channels.call_of(fact.channel.id)
        back = self.ledger(call_id).recalls.get(fact.channel.id) if call_id and is_way_back(fact.channel.id) else None
        if back is not None:
            back.connected_at, back.guessed = earlier(back.connected_at, fact.at), False

    def _read_bridge_leave(self, fact: facts.BridgeLeave) -> None:
        self.channels.leave(fact.channel.id, fact.bridge, fact.at)

    def _read_dial_begin(self, fact: facts.DialBegin) -> None:
        self._track(fact.dest).dialled_in = fact.channel.context if fact.channel is not None else None
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
        ledger = self._caller(fact.channel)
        ledger.leave(fact.at)
        ledger.gave_up = ledger.gave_up or isinstance(fact, facts.QueueCallerAbandon)

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
            self._count_refused(fact.fields.get("Refused", ""))
        elif fact.name == CALLBACK_EVENT:
            asked = (QueueName(fact.fields.get("Queue", "")), fact.fields.get("Number", ""))
            self._caller(fact.channel).callback = asked
        elif fact.name == MESSAGE_EVENT:
            self._caller(fact.channel).message = fact.fields.get("File", "")
        elif fact.name == PARKED_EVENT:
            track = self._track(fact.channel)
            track.parked_at = max(track.parked_at, fact.at)

    def _read_machine(self, fact: facts.UserEvent) -> CallId | None:
        """The placed call that a channel of the switch listened to, being no leg of it."""
        ledger = self.ledgers.get(CallId(fact.fields.get("CallId", "")))
        if ledger is None or not ledger.outbound:
            return None
        ledger.machine = ledger.machine or fact.fields.get("Cause", "").startswith(LONG_GREETING)
        return ledger.id

    def _summary(self, header: str) -> str:
        summary = summary_of(header) if header else ""
        if summary is None:
            self._malformed.append(Unlisted(machine="handover", state="summary", signal="malformed"))
        return summary or ""

    def _count_refused(self, headers: str) -> None:
        """Those that the dialplan did not take: it says which, joined by ``+``."""
        for header in sorted(REFUSED.intersection(headers.split("+"))):
            self._malformed.append(Unlisted(machine="handover", state=header, signal="malformed"))

    def _track(self, channel: Channel) -> Track:
        track = self.channels.get(channel.id)
        assert track is not None, "observed before it is read"
        return track

    def _caller(self, channel: Channel) -> Ledger:
        """The ledger of a channel that is a caller's: it begins the call if nothing else has."""
        self.channels.claim(channel.id, channel.call_id or CallId(channel.id))
        call_id = self.channels.call_of(channel.id)
        assert call_id is not None, "claimed just now"
        return self.ledger(call_id)

    def _attempt(self, fact: facts.AgentCalled | facts.AgentConnect | facts.AgentRingNoAnswer) -> Attempt:
        ledger = self._caller(fact.channel)
        ledger.queue = ledger.queue or fact.queue
        return ledger.attempt(fact.dest.id, AgentId(fact.member), fact.queue, fact.at)

    def _recall(self, fact: facts.DialBegin | facts.DialEnd) -> Attempt | None:
        """The row of this ring, if it is one by which the dialplan brings an operator back."""
        if fact.channel is None or fact.channel.context != RECOVER:
            return None
        return self._caller(fact.channel).recall(fact.dest.id, fact.at)

    # comparing with a snapshot ----------------------------------------------------------------------------------------

    def _see_channel(self, live: LiveChannel, at: datetime) -> bool:
        """Whether it has been there for longer than we have heard of it."""
        known = live.channel.id in self.channels
        track = self.channels.observe(live.channel, at)
        born = at - timedelta(seconds=live.age_s)
        missed = not known or born < track.first_at - AGE_ERROR
        if missed:
            track.first_at = born
            track.up_at = born if track.up_at else None
        if not track.live:
            return missed
        if live.bridge is None:
            track.bridge.put(None, at)
            if live.application in WHILE_PARKED:
                track.parked_at = max(track.parked_at, at)
        else:
            self.channels.enter(track.id, live.bridge, at)
        call_id = self.channels.call_of(track.id)
        if call_id is not None:
            ledger = self.ledger(call_id)
            ledger.rebuilt = ledger.rebuilt or (missed and track.id == ChannelId(call_id))
            ledger.note_leg(track.id)
            ledger.recall_arrival(live.variables, track.id)
        return missed

    def _remind(self, ledger: Ledger, kept: Mapping[ChannelId, Mapping[str, str]], found: set[ChannelId]) -> None:
        """What the citizen's channel keeps for us. A wish that we know may have changed since the list was made."""
        ledger.adopt(self.legs(ledger))
        variables = kept.get(ledger.citizen, {})
        ledger.operator = ChannelId(variables.get("HOTLINE_OPERATOR", "")) or ledger.operator
        if ledger.citizen in found:
            ledger.recall_wishes(variables)

    def _see_waiting(self, entry: QueueEntry, at: datetime) -> None:
        track = self.channels.get(entry.channel_id)
        if track is None or not track.live:
            return
        new = self.channels.call_of(track.id) is None
        ledger = self._caller(track.latest.value)
        ledger.rebuilt = ledger.rebuilt or new
        if not ledger.joins or (ledger.absent_since and ledger.left_at < at):
            ledger.join(entry.queue, entry.position, max(at - timedelta(seconds=entry.wait_s), track.first_at))

    def _end_unlisted(self, snapshot: Snapshot, going: list[Ledger], *, restarted: bool) -> None:
        """Of a list with gaps only this is certain: no channel outlives the switch that it was heard of from."""
        listed = {live.channel.id for live in snapshot.channels}
        certain = snapshot.at if snapshot.all_channels else snapshot.started_at
        for track in self.channels:
            if track.live and track.id not in listed and track.last_at < certain:
                track.vanish(snapshot.at)
        for ledger in going if restarted else ():  # also where that list was torn, and is told again
            ledger.lost_to = "switch"
        if snapshot.all_queues:
            self._leave_unlisted(snapshot, going)

    def _leave_unlisted(self, snapshot: Snapshot, going: list[Ledger]) -> None:
        waiting = {entry.channel_id for entry in snapshot.entries}
        for ledger in going:
            joined = max(ledger.joined_at, ledger.queued_at or ledger.joined_at)
            if not ledger.connected and ledger.citizen not in waiting and LONG_AGO < joined < snapshot.at:
                ledger.leave(ledger.absent_since or snapshot.at)
                ledger.gone_at = ledger.left_at

    def _find_operators(self, ledger: Ledger, seats: Mapping[str, AgentId]) -> None:
        legs = self.legs(ledger)
        ledger.adopt(legs)
        citizen = legs.get(ledger.citizen)
        talks_on = ledger.operator is not None and ledger.operator in legs and legs[ledger.operator].live
        guests = {leg for leg in legs if talks_on and is_target(leg)}
        others = (leg for leg in legs.values() if leg is not citizen and leg.live and not is_supervisors(leg.id))
        if any(leg.latest.value.endpoint in seats for leg in others):  # who barged in is there beside the operator
            guests |= {leg for leg in legs if is_supervisors(leg)}
        for leg in legs.values():
            agent_id = seats.get(leg.latest.value.endpoint)
            if leg is citizen or agent_id is None or not leg.live or leg.id in guests:
                continue
            queue = ledger.queue or QueueName("")
            attempt = ledger.attempts.get(leg.id) or ledger.recalls.get(leg.id)
            attempt = attempt or ledger.attempt(leg.id, agent_id, queue, leg.first_at)
            attempt.agent_id = attempt.agent_id or agent_id
            if (together(leg, citizen) or leg.id == ledger.operator) and not attempt.connected_at:
                attempt.connected_at = max(leg.up_at or leg.first_at, ledger.joined_at)
                attempt.guessed = True


def channels_of(fact: Fact) -> tuple[Channel, ...]:
    """The one or two channels that a fact describes; none, for a fact about something else."""
    channel, dest = getattr(fact, "channel", None), getattr(fact, "dest", None)
    if channel is None or dest is None:
        only = channel or dest
        return (only,) if only is not None else ()
    return channel, dest
