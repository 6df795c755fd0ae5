"""What else may be asked of the call in hand: keep the line, silence in the recording, back to a queue (pure)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from telephony.calls import CallPhase, Calls
from telephony.commands import Command, KeepLine, PauseRecording, Prioritise, ResumeRecording, SendBack
from telephony.errors import Refused
from telephony.events import LineKept
from telephony.ids import ChannelId
from telephony.ledgers import KEPT, Ledger, remember
from telephony.news import News
from telephony.orders import ChangePriority, MuteRecording, Order, SetVariable
from telephony.routings import LEAVE, in_front, pair
from telephony.silences import Silences
from telephony.transfers import Transfers

ROUNDS = 1000
"""The dialplan lets callers wait in rounds: they stand at priority x 1000 + round, see its README."""


class Controls:
    """Wishes about one call. Each is written on the citizen's channel too, so that a restart of ours forgets none."""

    def __init__(self, calls: Calls, transfers: Transfers) -> None:
        self._calls = calls
        self._transfers = transfers
        self._silences = Silences(calls)
        self._obey: Mapping[type[Command], Callable[[Any, datetime], News]] = {
            SendBack: self._send_back,
            KeepLine: self._keep_line,
            PauseRecording: self._silences.pause,
            ResumeRecording: self._silences.resume,
            Prioritise: self._prioritise,
        }

    def obeys(self, command: Command) -> bool:
        return type(command) in self._obey

    def obey(self, command: Command, now: datetime) -> News:
        """Raises Refused, UnknownCall; then nothing has changed."""
        return self._obey[type(command)](command, now)

    def tick(self, now: datetime) -> News:
        """What only the time brings: recordings whose silence is over."""
        return self._silences.tick(now)

    def carried_out(self, order: Order, now: datetime) -> News:
        """What follows from it that the switch has done this."""
        return self._silences.carried_out(order, now) if isinstance(order, MuteRecording) else News()

    def failed(self, order: Order, *, unknown: bool) -> None:
        if isinstance(order, MuteRecording):
            self._silences.failed(order, unknown=unknown)

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
        settings = in_front(ledger.citizen, queue)
        together = pair((ledger.citizen, "waiting", "s"), (talking.dest, LEAVE, "s"))
        clear = SetVariable(channel=ledger.citizen, name="HOTLINE_LEG", value="")
        return News(orders=[*settings, clear, together])

    def _keep_line(self, command: KeepLine, now: datetime) -> News:
        ledger, _ = self._talk(command)
        if (ledger.kept_by is not None) == command.on:
            return News()
        ledger.kept_by = command.agent_id if command.on else None
        self._calls.changed(ledger.id)
        kept = LineKept(at=now, call_id=ledger.id, agent_id=command.agent_id, on=command.on)
        return News([kept], [remember(ledger, KEPT, ledger.kept_by or "")])

    def _prioritise(self, command: Prioritise, now: datetime) -> News:
        call = self._calls.live(command.call_id)
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

    def _talk(self, command: SendBack | KeepLine) -> tuple[Ledger, object]:
        return self._calls.talk_of(command.call_id, command.agent_id, type(command).__name__)
