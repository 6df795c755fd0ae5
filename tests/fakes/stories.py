"""The facts that a switch states of one citizen's call, told act by act as recorded streams tell them.

Times inside an act are fractions of a millisecond apart and always in the same order; a real switch changes the order
between its topics, which the property tests imitate by shuffling what comes out here.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count

from telephony.facts import (
    AgentCalled,
    AgentConnect,
    AgentRingNoAnswer,
    BridgeEnter,
    BridgeLeave,
    Channel,
    DeviceStateChange,
    DialBegin,
    DialEnd,
    Fact,
    Hangup,
    HangupRequest,
    Hold,
    LiveChannel,
    NewChannel,
    NewState,
    QueueCallerAbandon,
    QueueCallerJoin,
    QueueCallerLeave,
    QueueEntry,
    Unhold,
    UserEvent,
)
from telephony.ids import BridgeId, CallId, ChannelId, QueueName

START = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
HOTLINE = QueueName("hotline")
STEP = timedelta(microseconds=200)


@dataclass
class Story:
    """One call. Every act returns its facts and moves ``now`` on; ``after_s`` is the pause before it."""

    number: str = "13800000001"
    line: str = "12345"
    now: datetime = START
    serial: int = 0
    named: bool = True
    """False for a switch that reports no channel variables."""
    citizen: Channel = field(init=False)
    seat: Channel | None = None
    agent: str = ""
    bridge: BridgeId | None = None

    def __post_init__(self) -> None:
        self._serials = count(self.serial)
        self.citizen = self._channel("trunk", number=self.number)
        self.call_id = CallId(self.citizen.id)

    def _channel(self, endpoint: str, number: str = "") -> Channel:
        serial = next(self._serials)
        own_id = ChannelId(f"{int(self.now.timestamp())}.{serial}")
        first_id = own_id if endpoint == "trunk" else self.citizen.id
        call_id = CallId(first_id) if self.named and endpoint != "trunk" else None
        name = f"PJSIP/{endpoint}-{serial:08x}"
        return Channel(
            id=own_id,
            name=name,
            linked_id=first_id,
            state="Ring" if endpoint == "trunk" else "Down",
            call_id=call_id,
            caller_number=number or endpoint,
            context="lines",
            exten=self.line,
        )

    def _wait(self, after_s: float) -> None:
        self.now += timedelta(seconds=after_s)

    def _at(self) -> datetime:
        self.now += STEP
        return self.now

    def _device(self, state: str) -> Fact:
        assert self.seat is not None
        return DeviceStateChange(at=self._at(), device=f"PJSIP/{self.seat.endpoint}", state=state)

    def arrive(self, after_s: float = 0.0) -> list[Fact]:
        self._wait(after_s)
        told: list[Fact] = [NewChannel(at=self._at(), channel=self.citizen)]
        self.citizen = replace(self.citizen, call_id=self.call_id if self.named else None)
        fields = {"CallId": self.call_id, "Line": self.line, "Caller": self.number}
        if self.named:
            told.append(UserEvent(at=self._at(), name="HotlineArrived", fields=fields, channel=self.citizen))
        self.citizen = replace(self.citizen, state="Up")
        return [*told, NewState(at=self._at(), channel=self.citizen)]

    def join(self, position: int = 1, after_s: float = 0.5) -> list[Fact]:
        self._wait(after_s)
        return [QueueCallerJoin(at=self._at(), queue=HOTLINE, channel=self.citizen, position=position)]

    def ring(self, seat: str, agent: str = "", after_s: float = 0.005) -> list[Fact]:
        self._wait(after_s)
        self.agent = agent or seat
        self.seat = self._channel(seat)
        told: list[Fact] = [
            NewChannel(at=self._at(), channel=self.seat),
            AgentCalled(
                at=self._at(),
                queue=HOTLINE,
                channel=self.citizen,
                dest=self.seat,
                interface=f"PJSIP/{seat}",
                member=self.agent,
            ),
            DialBegin(at=self._at(), channel=self.citizen, dest=self.seat),
        ]
        self.seat = replace(self.seat, state="Ringing")
        return [*told, NewState(at=self._at(), channel=self.seat), self._device("RINGING")]

    def _rang_out(self, ring_ms: int) -> Fact:
        assert self.seat is not None
        return AgentRingNoAnswer(
            at=self._at(),
            queue=HOTLINE,
            channel=self.citizen,
            dest=self.seat,
            interface=f"PJSIP/{self.seat.endpoint}",
            member=self.agent,
            ring_ms=ring_ms,
        )

    def _dial_end(self, status: str) -> Fact:
        assert self.seat is not None
        return DialEnd(at=self._at(), channel=self.citizen, dest=self.seat, status=status)

    def _seat_falls_silent(self, cause: int) -> list[Fact]:
        assert self.seat is not None
        told = [Hangup(at=self._at(), channel=self.seat, cause=cause), self._device("NOT_INUSE")]
        self.seat = None
        return told

    def no_answer(self, after_s: float = 15.0) -> list[Fact]:
        self._wait(after_s)
        rang = self._rang_out(round(after_s * 1000))
        return [rang, self._dial_end("NOANSWER"), self._dial_end("CANCEL"), *self._seat_falls_silent(0)]

    def refuse(self, after_s: float = 0.3) -> list[Fact]:
        self._wait(after_s)
        assert self.seat is not None
        asked = HangupRequest(at=self._at(), channel=self.seat)
        return [asked, self._dial_end("NOANSWER"), self._rang_out(0), *self._seat_falls_silent(17)]

    def answer(self, after_s: float = 1.0) -> list[Fact]:
        self._wait(after_s)
        assert self.seat is not None
        self.seat = replace(self.seat, state="Up")
        self.bridge = BridgeId(f"bridge-{self.seat.id}")
        return [
            NewState(at=self._at(), channel=self.seat),
            self._dial_end("ANSWER"),
            QueueCallerLeave(at=self._at(), queue=HOTLINE, channel=self.citizen),
            AgentConnect(
                at=self._at(),
                queue=HOTLINE,
                channel=self.citizen,
                dest=self.seat,
                interface=f"PJSIP/{self.seat.endpoint}",
                member=self.agent,
            ),
            BridgeEnter(at=self._at(), bridge=self.bridge, channel=self.seat),
            self._device("INUSE"),
            BridgeEnter(at=self._at(), bridge=self.bridge, channel=self.citizen),
        ]

    def hold(self, after_s: float = 2.0) -> list[Fact]:
        self._wait(after_s)
        assert self.seat is not None
        return [Hold(at=self._at(), channel=self.seat)]

    def unhold(self, after_s: float = 2.0) -> list[Fact]:
        self._wait(after_s)
        assert self.seat is not None
        return [Unhold(at=self._at(), channel=self.seat)]

    def leave_queue(self, after_s: float = 1.0) -> list[Fact]:
        """Redirected or timed out: the switch calls it an abandonment, and the caller lives on."""
        self._wait(after_s)
        return [
            QueueCallerAbandon(at=self._at(), queue=HOTLINE, channel=self.citizen),
            QueueCallerLeave(at=self._at(), queue=HOTLINE, channel=self.citizen),
        ]

    def caller_hangs_up(self, after_s: float = 3.0) -> list[Fact]:
        self._wait(after_s)
        asked = HangupRequest(at=self._at(), channel=self.citizen)
        if self.bridge is not None:
            return [asked, *self._talk_ends()]
        silenced: list[Fact] = []
        if self.seat is not None:
            silenced = [self._dial_end("CANCEL"), *self._seat_falls_silent(0)]
        return [asked, *silenced, *self.leave_queue(0.0), Hangup(at=self._at(), channel=self.citizen, cause=0)]

    def operator_hangs_up(self, after_s: float = 3.0) -> list[Fact]:
        """Only the operator's leg: the citizen goes on in the dialplan."""
        self._wait(after_s)
        assert self.seat is not None
        assert self.bridge is not None
        told = [
            HangupRequest(at=self._at(), channel=self.seat),
            BridgeLeave(at=self._at(), bridge=self.bridge, channel=self.seat),
            BridgeLeave(at=self._at(), bridge=self.bridge, channel=self.citizen),
            *self._seat_falls_silent(16),
        ]
        self.bridge = None
        return told

    def lose_operator(self, after_s: float = 3.0) -> list[Fact]:
        """The operator's phone has fallen silent for too long: nobody asked for the end, and the citizen lives on."""
        self._wait(after_s)
        assert self.seat is not None
        assert self.bridge is not None
        told = [
            BridgeLeave(at=self._at(), bridge=self.bridge, channel=self.seat),
            BridgeLeave(at=self._at(), bridge=self.bridge, channel=self.citizen),
            *self._seat_falls_silent(44),
        ]
        self.bridge = None
        return told

    def redirect(self, after_s: float = 1.0) -> list[Fact]:
        """The citizen is sent to another place of the dialplan in the middle of a talk."""
        self._wait(after_s)
        assert self.bridge is not None
        assert self.seat is not None
        told: list[Fact] = [
            BridgeLeave(at=self._at(), bridge=self.bridge, channel=self.citizen),
            BridgeLeave(at=self._at(), bridge=self.bridge, channel=self.seat),
            *self._seat_falls_silent(16),
        ]
        self.bridge = None
        return told

    def ring_again(self, seat: str, after_s: float = 0.005) -> list[Fact]:
        """The dialplan itself rings the seat that talked before."""
        self._wait(after_s)
        self.citizen = replace(self.citizen, context="recover", exten=seat)
        self.seat = self._channel(seat)
        told: list[Fact] = [
            NewChannel(at=self._at(), channel=self.seat),
            DialBegin(at=self._at(), channel=self.citizen, dest=self.seat),
        ]
        self.seat = replace(self.seat, state="Ringing")
        return [*told, NewState(at=self._at(), channel=self.seat), self._device("RINGING")]

    def come_back(self, after_s: float = 0.3) -> list[Fact]:
        self._wait(after_s)
        assert self.seat is not None
        self.seat = replace(self.seat, state="Up")
        self.bridge = BridgeId(f"bridge-{self.seat.id}")
        return [
            NewState(at=self._at(), channel=self.seat),
            self._dial_end("ANSWER"),
            BridgeEnter(at=self._at(), bridge=self.bridge, channel=self.seat),
            self._device("INUSE"),
            BridgeEnter(at=self._at(), bridge=self.bridge, channel=self.citizen),
        ]

    def stay_away(self, after_s: float = 8.0) -> list[Fact]:
        """The seat is rung again and does not answer."""
        self._wait(after_s)
        told = [self._dial_end("NOANSWER"), *self._seat_falls_silent(0)]
        self.citizen = replace(self.citizen, context="waiting", exten="s")
        return told

    def server_hangs_up(self, after_s: float = 0.01) -> list[Fact]:
        """The citizen's channel is hung up by an order, so no phone asked for it."""
        self._wait(after_s)
        return self._talk_ends()

    def dialplan_hangs_up(self, after_s: float = 0.01) -> list[Fact]:
        self._wait(after_s)
        return [Hangup(at=self._at(), channel=self.citizen, cause=16)]

    def _talk_ends(self) -> list[Fact]:
        assert self.bridge is not None
        assert self.seat is not None
        return [
            BridgeLeave(at=self._at(), bridge=self.bridge, channel=self.citizen),
            Hangup(at=self._at(), channel=self.citizen, cause=16),
            BridgeLeave(at=self._at(), bridge=self.bridge, channel=self.seat),
            *self._seat_falls_silent(16),
        ]

    def listed(self, at: datetime) -> list[LiveChannel]:
        """How a list of all channels shows this call at that time."""
        channels = [self.citizen, *([self.seat] if self.seat else [])]
        return [
            LiveChannel(
                channel=channel,
                bridge=self.bridge,
                age_s=int(at.timestamp()) - int(channel.id.partition(".")[0]),
                application="Queue" if channel is self.citizen else "AppQueue",
            )
            for channel in channels
        ]

    def entry(self, at: datetime, position: int = 1, wait_s: int = 1) -> QueueEntry:
        return QueueEntry(queue=HOTLINE, channel_id=self.citizen.id, position=position, wait_s=wait_s)
