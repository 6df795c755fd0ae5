"""What else may be asked of the call in hand: keep the line, silence in the recording, back to a queue (pure)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from telephony.calls import CallPhase, Calls
from telephony.cases import to_queue
from telephony.commands import Command, KeepLine, PauseRecording, Prioritise, ResumeRecording, SendBack
from telephony.errors import Refused, UnknownCall
from telephony.events import Event, LineKept, RecordingPaused, RecordingResumed
from telephony.ids import CallId, ChannelId
from telephony.ledgers import Ledger
from telephony.news import News
from telephony.orders import ChangePriority, MuteRecording, Order, RedirectPair, SetVariable
from telephony.transfers import Transfers

ROUNDS = 1000
"""The dialplan lets callers wait in rounds: they stand at priority x 1000 + round, see its README."""
SILENCE_LIMIT_S = 120.0
"""A card number is said in less."""


class Controls:
    """Wishes about one call. Each is written on the citizen's channel too, so that a restart of ours forgets none."""

    def __init__(self, calls: Calls, transfers: Transfers) -> None:
        self._calls = calls
        self._transfers = transfers
        self._obey: Mapping[type[Command], Callable[[Any, datetime], News]] = {
            SendBack: self._send_back,
            KeepLine: self._keep_line,
            PauseRecording: self._pause_recording,
            ResumeRecording: self._resume_recording,
            Prioritise: self._prioritise,
        }

    def obeys(self, command: Command) -> bool:
        return type(command) in self._obey

    def obey(self, command: Command, now: datetime) -> News:
        """Raises Refused, UnknownCall; then nothing has changed."""
        return self._obey[type(command)](command, now)

    def tick(self, now: datetime) -> News:
        """Recordings whose silence is over go on by themselves."""
        news = News()
        for call_id, call in self._calls.all.items():
            if call.recording_paused_until is not None and call.recording_paused_until <= now:
                self._speak_again(call_id, now, news, by_itself=True)
        return news

    def _send_back(self, command: SendBack, now: datetime) -> News:
        ledger, _ = self._talk(command)
        under_way = self._transfers.under_way(ledger.id)
        if under_way is not None:
            raise Refused(command="SendBack", state=under_way.state, reason="a transfer is under way")
        if ledger.kept_by is not None:
            raise Refused(command="SendBack", state="kept", reason="the line is to be kept")
        queue = command.queue or ledger.queue
        known = command.queue is None or queue in self._transfers.reach.queues
        talking = ledger.connected
        if not queue or not known or ledger.outbound or talking is None:
            raise Refused(command="SendBack", state="talking", reason="no such queue for this call")
        *settings, _ = to_queue(ledger.citizen, queue)
        together = RedirectPair(
            channel=ledger.citizen,
            context="waiting",
            exten="s",
            other=talking.dest,
            other_context="leave",
            other_exten="s",
        )
        clear = SetVariable(channel=ledger.citizen, name="HOTLINE_LEG", value="")
        return News(orders=[*settings, clear, together])

    def _keep_line(self, command: KeepLine, now: datetime) -> News:
        ledger, _ = self._talk(command)
        if (ledger.kept_by is not None) == command.on:
            return News()
        ledger.kept_by = command.agent_id if command.on else None
        self._calls.changed(ledger.id)
        kept = LineKept(at=now, call_id=ledger.id, agent_id=command.agent_id, on=command.on)
        return News([kept], [_remember(ledger, "HOTLINE_KEPT", ledger.kept_by or "")])

    def _pause_recording(self, command: PauseRecording, now: datetime) -> News:
        ledger, _ = self._talk(command)
        if not 0 < command.seconds <= SILENCE_LIMIT_S:
            raise Refused(command="PauseRecording", state="talking", reason="too long")
        until = now + timedelta(seconds=command.seconds)
        ledger.silent_until = until
        self._calls.changed(ledger.id)
        paused = RecordingPaused(at=now, call_id=ledger.id, agent_id=command.agent_id, until=until)
        mute = MuteRecording(channel=_recorded(ledger), muted=True)
        return News([paused], [mute, _remember(ledger, "HOTLINE_SILENT_UNTIL", str(int(until.timestamp()) + 1))])

    def _resume_recording(self, command: ResumeRecording, now: datetime) -> News:
        ledger, _ = self._talk(command)
        news = News()
        if ledger.silent_until is not None:
            self._speak_again(ledger.id, now, news, by_itself=False)
        return news

    def _speak_again(self, call_id: CallId, now: datetime, news: News, *, by_itself: bool) -> None:
        found = self._calls.evidence(call_id)
        if found is None:
            return
        ledger, _ = found
        ledger.silent_until = None
        self._calls.changed(call_id)
        resumed: Event = RecordingResumed(at=now, call_id=call_id, by_itself=by_itself)
        again: list[Order] = [
            MuteRecording(channel=_recorded(ledger), muted=False),
            _remember(ledger, "HOTLINE_SILENT_UNTIL", ""),
        ]
        news.events.append(resumed)
        news.orders += again

    def _prioritise(self, command: Prioritise, now: datetime) -> News:
        call = self._calls.all.get(command.call_id)
        if call is None or call.phase is CallPhase.ENDED:
            raise UnknownCall(command.call_id)
        citizen = next((leg for leg in call.legs if leg.channel == ChannelId(call.id)), None)
        arrives = call.phase is CallPhase.ARRIVED and call.direction == "inbound"
        if citizen is None or not (arrives or call.phase in (CallPhase.QUEUED, CallPhase.OFFERED)):
            raise Refused(command="Prioritise", state=call.phase, reason="not waiting")
        news = News(orders=[SetVariable(channel=citizen.channel, name="HOTLINE_PRIORITY", value=str(command.priority))])
        if call.queue is not None and not arrives:
            # the switch knows a waiting caller by the name of the channel only
            name, stands_at = ChannelId(citizen.name), command.priority * ROUNDS
            news.orders.append(ChangePriority(queue=call.queue, channel=name, priority=stands_at))
        return news

    def _talk(self, command: SendBack | KeepLine | PauseRecording | ResumeRecording) -> tuple[Ledger, object]:
        return self._calls.talk_of(command.call_id, command.agent_id, type(command).__name__)


def _recorded(ledger: Ledger) -> ChannelId:
    """The recording runs on the call's first leg, whoever that is."""
    return ChannelId(ledger.id)


def _remember(ledger: Ledger, name: str, value: str) -> SetVariable:
    return SetVariable(channel=ledger.citizen, name=name, value=value)
