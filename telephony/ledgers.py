"""The evidence about one call, and what it amounts to at this moment, in whatever order it came in (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from telephony.channels import LONG_AGO, Track
from telephony.events import CallOutcome, OfferOutcome
from telephony.facts import Channel
from telephony.handovers import summary_of
from telephony.ids import AgentId, CallId, ChannelId, LineNumber, QueueName
from telephony.legs import Purpose, is_supervisors, leg_of, next_serial, purpose_of, serial_of
from telephony.orders import MuteRecording, SetVariable
from telephony.outbound import Placed, outcome, placed_by_us

Legs = Mapping[ChannelId, Track]

FAR_OFF = datetime.max.replace(tzinfo=UTC)

_LINE = re.compile(r"[0-9]{2,20}", re.ASCII)
_CENTRE = re.compile(r"[0-9A-Za-z_-]{1,32}", re.ASCII)

KEPT, SILENT_UNTIL = "HOTLINE_KEPT", "HOTLINE_SILENT_UNTIL"
"""Wishes that the citizen's channel keeps for a later run: who keeps the line, until when nothing is recorded."""

REFUSED_CAUSES = frozenset({17, 21})
"""Q.850: user busy, call rejected. AgentRingNoAnswer and DialEnd report both as if the phone had rung out."""


def remember(ledger: Ledger, name: str, value: str) -> SetVariable:
    return SetVariable(channel=ledger.citizen, name=name, value=value)


@dataclass(slots=True)
class Attempt:
    """One ring of one operator's phone: a row for each pair of call and ringing channel."""

    dest: ChannelId
    agent_id: AgentId
    queue: QueueName
    called_at: datetime
    connected_at: datetime | None = None
    guessed: bool = False
    """Nobody saw the answer: ``connected_at`` is from the age of the channel."""
    ring_ms: int | None = None
    """Of AgentRingNoAnswer."""
    returned: bool = False
    """Not a call of the queue: the dialplan rang this operator's phone again after the leg before was lost."""
    transferred: bool = False
    """Not a call of the queue: whoever talked before handed it over."""
    relieved: bool = False
    """Its operator is back on another leg, and this one has been hung up."""
    given_up: bool = False
    """The phone has been silent for long enough, and nobody said why."""
    offer_told: bool = False
    end_told: bool = False
    left_told: bool = False

    def ended_at(self, legs: Legs) -> datetime:
        """When its channel ended; in the far future while it lives."""
        return legs[self.dest].ended_at or FAR_OFF


@dataclass(frozen=True, slots=True)
class Guest:
    """Whose channel one is that somebody brought into the call; ``role`` as in ``views.LegRole``."""

    role: str
    agent_id: AgentId | None = None


@dataclass(slots=True)
class Silence:
    """What the recording is not to hear; ``muted``: it surely does not."""

    until: datetime
    agent_id: AgentId
    muted: bool = False
    doubted: bool = False
    """It may be silent, for all we know."""
    told: bool = False
    """Of its beginning everybody knows, and is to hear of its end."""
    over: bool = False
    """Sound is wished for again before the time is up."""
    refused: bool = False
    asked: MuteRecording | None = None
    """The latest order, while nobody knows what became of it."""
    ask_at: datetime = LONG_AGO


@dataclass(slots=True)
class Ledger:
    """All that was said of one call beyond its channels."""

    id: CallId
    line: LineNumber | None = None
    caller: Channel | None = None
    """The citizen's channel as the dialplan announced it, with the caller id cleaned: before that it carries none."""
    centre: str = ""
    summary: str = ""
    """Of the centre that handed the citizen over, where one did."""
    callback: tuple[QueueName, str] | None = None
    """In which queue the caller pressed 1, and the number to call back."""
    message: str | None = None
    """The voice message that the fallback took: its file's name without the ending."""
    machine: bool = False
    """Whoever answered an operator's call sounds like a mailbox."""
    queue: QueueName | None = None
    position: int = 0
    joins: set[datetime] = field(default_factory=set)
    joined_at: datetime = LONG_AGO
    """The latest joining: the dialplan lets a caller wait in rounds."""
    left_at: datetime = LONG_AGO
    gone_at: datetime = LONG_AGO
    """The leaving that was not followed by another joining in time."""
    attempts: dict[ChannelId, Attempt] = field(default_factory=dict)
    recalls: dict[ChannelId, Attempt] = field(default_factory=dict)
    """Rings that bring an operator back. One is an attempt from its answer on; until then nothing follows from it."""
    guests: dict[ChannelId, Guest] = field(default_factory=dict)
    operator: ChannelId | None = None
    """Who talked when somebody else was called, as the citizen's channel keeps it over a restart of ours."""
    kept_by: AgentId | None = None
    """Who said that this citizen is not to be handed on."""
    silence: Silence | None = None
    holder: ChannelId | None = None
    """The channel that pressed hold last."""
    last_serial: int = 0
    """Of the legs of this call that we originated."""
    told: bool = False
    callback_told: bool = False
    message_told: bool = False
    machine_told: bool = False
    rebuilt: bool = False
    gave_up: bool = False
    """The queue said so of the caller."""
    missed: bool = False
    """It went on when a gap began."""
    half_heard: bool = False
    """It ended before we had asked, after a gap, what had become of it."""
    lost_to: str = "unknown"
    placed: Placed | None = None
    dialled: ChannelId | None = None
    """The citizen's leg of a call that we placed."""
    reached_at: datetime | None = None
    """When the citizen answered it."""
    dial_status: tuple[datetime, str] = (FAR_OFF, "")
    """How the switch's own attempt to reach the citizen ended, by its first word on it."""

    @property
    def outbound(self) -> bool:
        return placed_by_us(self.id)

    @property
    def placed_by(self) -> AgentId | None:
        own = self.attempts.get(ChannelId(self.id)) if self.outbound else None
        return own.agent_id if own else None

    @property
    def spoke(self) -> bool:
        """Somebody with an operator."""
        return any(attempt.connected_at for attempt in self.attempts.values())

    @property
    def end_unknown(self) -> bool:
        """It is over, and what it came to was said before we listened: whoever wrote that down has to tell."""
        return self.half_heard and not self.spoke and not self.gave_up

    @property
    def citizen(self) -> ChannelId:
        """The call id is the Uniqueid of the first leg: the citizen's, or the operator's in a call that we placed."""
        return (self.dialled or ChannelId("")) if self.outbound else ChannelId(self.id)

    def concerns(self, leg: Track) -> bool:
        """Not so a supervisor's leg, until it takes the call over: it only hears what is said, and is in no bridge."""
        return not is_supervisors(leg.id) or bool(leg.bridges) or leg.id in self.attempts

    def new_leg(self, purpose: Purpose, now: datetime) -> ChannelId:
        """An id for a leg that we are about to originate."""
        self.last_serial = next_serial(self.id, self.last_serial, now)
        return leg_of(self.id, purpose, self.last_serial)

    def note_leg(self, leg: ChannelId) -> None:
        """One that we originated, maybe before a restart: its number is not given again."""
        self.last_serial = max(self.last_serial, serial_of(leg))

    def caller_id(self, citizen: Track) -> Channel:
        """Whose number and name are the caller's."""
        return self.caller or (citizen.first if citizen.first.call_id else citizen.latest.value)

    def line_of(self, citizen: Track) -> LineNumber:
        """What was dialled. Where nobody has said it the first extension does, but not where it is a place of the
        dialplan's own (``s``, ``h``); empty where nobody knows."""
        exten = citizen.first.exten
        return self.line or LineNumber(exten if _LINE.fullmatch(exten) else "")

    def recall_arrival(self, variables: Mapping[str, str], channel: ChannelId) -> None:
        """What the first channel keeps of how the call came in, where a restart of ours has forgotten it."""
        if channel != ChannelId(self.id):
            return
        line, centre = variables.get("HOTLINE_LINE", ""), variables.get("HOTLINE_CENTRE", "")
        if self.line is None and _LINE.fullmatch(line):
            self.line = LineNumber(line)
        if not self.centre and _CENTRE.fullmatch(centre):
            self.centre, self.summary = centre, summary_of(variables.get("HOTLINE_SUMMARY", "")) or ""

    def recall_wishes(self, variables: Mapping[str, str]) -> None:
        """What the citizen's channel keeps of the operator's wishes, where a restart of ours has forgotten them."""
        self.kept_by = self.kept_by or AgentId(variables.get(KEPT, "")) or None
        until = variables.get(SILENT_UNTIL, "")
        if until.isdecimal() and self.silence is None:
            self.silence = Silence(until=datetime.fromtimestamp(int(until), UTC), agent_id=AgentId(""), told=True)

    def join(self, queue: QueueName, position: int, at: datetime) -> None:
        if at >= self.joined_at:
            self.queue, self.position, self.joined_at = queue, position, at
        self.joins.add(at)

    def leave(self, at: datetime) -> None:
        self.left_at = max(self.left_at, at)

    @property
    def silent_until(self) -> datetime | None:
        """The recording hears nothing until then."""
        return self.silence.until if self.silence is not None and self.silence.muted else None

    @property
    def absent_since(self) -> datetime | None:
        """When the caller left the queue and did not join it again, so far."""
        return self.left_at if self.left_at > self.joined_at else None

    def attempt(self, dest: ChannelId, agent_id: AgentId, queue: QueueName, at: datetime) -> Attempt:
        """The row of this ring, made by whichever fact names it first. A ring proves that the caller waits."""
        attempt = self.attempts.setdefault(dest, Attempt(dest=dest, agent_id=agent_id, queue=queue, called_at=at))
        attempt.called_at = min(attempt.called_at, at)
        return attempt

    def expect_back(self, dest: ChannelId, agent_id: AgentId, at: datetime) -> None:
        """This leg is about to bring the operator back into a call in which others talk on."""
        recall = self.recall(dest, at)
        recall.agent_id, recall.queue, recall.offer_told = agent_id, self.queue or QueueName(""), True
        self.guests[dest] = Guest("operator", agent_id)

    def recall(self, dest: ChannelId, at: datetime) -> Attempt:
        """The row of a ring that brings the operator back; whose phone it is, ``adopt`` finds out."""
        recall = self.recalls.get(dest)
        if recall is None:
            recall = Attempt(dest=dest, agent_id=AgentId(""), queue=QueueName(""), called_at=at, returned=True)
            self.recalls[dest] = recall
        recall.called_at = min(recall.called_at, at)
        return recall

    def adopt(self, legs: Legs) -> None:
        """Operators who are in it without a ring of the queue."""
        self._adopt_placed(legs)
        self._adopt_returned(legs)

    def _adopt_placed(self, legs: Legs) -> None:
        """The operator who placed the call is its first leg, and the citizen the first one that it dialled."""
        own = ChannelId(self.id)
        if not self.outbound or own not in legs:
            return
        others = (one for one in legs if one != own and purpose_of(one) is None)
        self.dialled = self.dialled or next(others, None)
        attempt = self.attempt(own, AgentId(""), QueueName(""), legs[own].first_at)
        attempt.offer_told = attempt.end_told = True
        attempt.agent_id = self.placed.agent_id if self.placed else attempt.agent_id
        if self.reached_at is not None:
            attempt.connected_at, attempt.guessed = self.reached_at, False

    def _adopt_returned(self, legs: Legs) -> None:
        """Operators who are back: whoever talked before at the seat of an answered recall, or is found there."""
        for recall in self.recalls.values():
            if recall.connected_at is None or recall.dest in self.attempts or recall.dest not in legs:
                continue
            seat = legs[recall.dest].latest.value.endpoint
            talked = (one for one in self.attempts.values() if one.connected_at)
            before = next((one for one in talked if legs[one.dest].latest.value.endpoint == seat), recall)
            if before.agent_id:
                recall.agent_id, recall.queue, recall.offer_told = before.agent_id, before.queue, True
                self.attempts[recall.dest] = recall

    @property
    def queued_at(self) -> datetime | None:
        """When the waiting began: the first joining since the last talk; the first ring, where no joining was seen."""
        if self.outbound and not self.joins:
            return None
        last = self.joined_at
        talks = (attempt.connected_at for attempt in self.attempts.values() if attempt.connected_at)
        talked_at = max((at for at in talks if at < last), default=LONG_AGO)
        rung = (attempt.called_at for attempt in self.attempts.values() if not attempt.guessed)
        return min((at for at in self.joins if at > talked_at), default=None) or min(rung, default=None)

    @property
    def connected(self) -> Attempt | None:
        """The latest answer, unless the caller joined a queue again after it."""
        latest = self.last_talk
        if latest is None or (latest.connected_at or LONG_AGO) < self.joined_at:
            return None
        return latest

    @property
    def answer(self) -> Attempt | None:
        """The answer that ended the waiting: who is back, or was handed the call, goes on with it."""
        connected = self.connected
        if connected is None or not (connected.returned or connected.transferred):
            return connected
        first = (one for one in self.attempts.values() if not (one.returned or one.transferred))
        began = [one for one in first if one.connected_at and one.connected_at >= self.joined_at]
        return max(began, key=lambda one: one.connected_at or LONG_AGO, default=connected)

    def hand_over(self, dest: ChannelId, agent_id: AgentId, at: datetime) -> None:
        """This channel, which is in the call already, is its operator from now on."""
        taken = Attempt(dest=dest, agent_id=agent_id, queue=self.queue or QueueName(""), called_at=at, connected_at=at)
        taken.transferred = taken.offer_told = taken.end_told = True
        self.attempts.setdefault(dest, taken)

    @property
    def last_talk(self) -> Attempt | None:
        """The latest answer, whatever came after it."""
        answered = (one for one in self.attempts.values() if one.connected_at)
        return max(answered, key=lambda one: one.connected_at or LONG_AGO, default=None)

    @property
    def unanswered(self) -> list[Attempt]:
        """Rings without an answer, of which the end has not been told."""
        return [one for one in self.attempts.values() if not one.connected_at and not one.end_told]

    def ringing(self, legs: Legs) -> Attempt | None:
        """The attempt that rings now; the newest, where several phones ring at once."""
        open_ = [one for one in self.attempts.values() if not one.connected_at and legs[one.dest].live]
        return max(open_, key=lambda attempt: attempt.called_at, default=None)


@dataclass(frozen=True, slots=True)
class Standing:
    """What the evidence amounts to. ``answered`` and ``held`` name the operator's and the holding channel."""

    queued: bool = False
    ringing: bool = False
    answered: ChannelId | None = None
    held: ChannelId | None = None
    left: bool = False
    ended: bool = False


def standing(ledger: Ledger, legs: Legs) -> Standing:
    connected = ledger.connected
    waits = bool(ledger.joins) or not ledger.outbound
    ringing = connected is None and ledger.ringing(legs) is not None and waits
    gone = ledger.absent_since is not None and ledger.gone_at >= ledger.left_at
    return Standing(
        queued=ringing or (connected is None and ledger.queued_at is not None and not gone),
        ringing=ringing,
        answered=connected.dest if connected else None,
        held=_holding(legs) if connected else None,
        left=connected is not None and not legs[connected.dest].live,
        ended=bool(legs) and not any(leg.live for leg in legs.values()),
    )


def _holding(legs: Legs) -> ChannelId | None:
    holding = [leg for leg in legs.values() if leg.live and leg.on_hold.value]
    return max(holding, key=lambda leg: leg.on_hold.at).id if holding else None


def offer_outcome(attempt: Attempt, ledger: Ledger, legs: Legs) -> OfferOutcome | None:
    """How a ring without an answer ended. ``None``: the phone is silent, but why has not been said yet."""
    leg = legs[attempt.dest]
    if leg.cause in REFUSED_CAUSES:
        return OfferOutcome.BUSY
    if attempt.ring_ms is not None:
        return OfferOutcome.NO_ANSWER
    citizen = legs.get(ledger.citizen)
    gone = citizen is None or not citizen.live or ledger.left_at >= attempt.called_at
    known = gone or ledger.connected or attempt.given_up or not leg.end_seen
    return OfferOutcome.CANCELLED if known else None


def call_outcome(ledger: Ledger, legs: Legs) -> CallOutcome:
    """A citizen who spoke with anybody was answered, by an operator or, after a redirection, by another desk."""
    citizen = legs.get(ledger.citizen)
    if ledger.end_unknown:
        return CallOutcome.LOST
    if ledger.outbound and not ledger.spoke:
        return _unanswered_outcome(ledger, legs)
    if citizen is None or not citizen.end_seen:
        return CallOutcome.LOST
    others = (leg.bridges for leg in legs.values() if leg is not citizen)
    met = any(not citizen.bridges.isdisjoint(bridges) for bridges in others)
    return CallOutcome.ANSWERED if met or ledger.spoke else CallOutcome.ABANDONED


def _unanswered_outcome(ledger: Ledger, legs: Legs) -> CallOutcome:
    own, citizen = legs.get(ChannelId(ledger.id)), legs.get(ledger.citizen)
    if own is None or not own.end_seen:
        return CallOutcome.LOST
    ended_at = citizen.ended_at if citizen else None
    first = own.asked_to_end_at is not None and (ended_at is None or own.asked_to_end_at < ended_at)
    cause = citizen.cause if citizen else None
    _, status = ledger.dial_status
    return outcome(own_answered=own.up_at is not None, asked_to_end=first, cause=cause, status=status)


def ended_by(ledger: Ledger, legs: Legs) -> str:
    """Whose phone asked first to end it: the citizen's, or that of an operator who had answered."""
    citizen = legs.get(ledger.citizen) or (legs.get(ChannelId(ledger.id)) if ledger.outbound else None)
    if citizen is None or not citizen.end_seen:
        return ledger.lost_to
    operators = [one.dest for one in ledger.attempts.values() if one.connected_at or ledger.outbound]
    parties = [(legs[dest], "operator") for dest in operators]
    parties += [] if citizen.id in operators else [(citizen, "caller")]
    asked = [(leg.asked_to_end_at, name) for leg, name in parties if leg.asked_to_end_at]
    return min(asked)[1] if asked else "switch"


def talk_s(attempt: Attempt, legs: Legs) -> float | None:
    """On the operator's own leg, from the answer to its end; ``None`` where nobody saw one of the two."""
    leg = legs[attempt.dest]
    if attempt.connected_at is None or attempt.guessed or leg.ended_at is None or not leg.end_seen:
        return None
    return (leg.ended_at - attempt.connected_at).total_seconds()


def total_talk_s(ledger: Ledger, legs: Legs) -> float | None:
    """Of all operators who answered; ``None`` without an answer, and where one of them could not be measured."""
    talks = [talk_s(attempt, legs) for attempt in ledger.attempts.values() if attempt.connected_at]
    known = [talk for talk in talks if talk is not None]
    return sum(known) if known and len(known) == len(talks) else None


def wait_s(ledger: Ledger, legs: Legs) -> float | None:
    """From joining the queue to the answer, or to leaving it without one."""
    queued_at, answer = ledger.queued_at, ledger.answer
    citizen = legs.get(ledger.citizen)
    if queued_at is None or citizen is None or (answer and answer.guessed):
        return None
    gave_up_at = ledger.left_at if ledger.left_at > queued_at else citizen.ended_at
    until = answer.connected_at if answer else gave_up_at
    if until is None or (until == citizen.ended_at and not citizen.end_seen):
        return None
    return (until - queued_at).total_seconds()
