"""Parts of a recording that are to hear nothing: wished for, done by the switch, over (pure).

Nothing is told before the switch has done it: an operator who reads "paused" lets a citizen say a card number. What is
not answered is asked for again, for asking twice does no harm. The wish stands on the citizen's channel from before it
is carried out until sound is back, so that a restart of ours forgets neither.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from telephony.calls import Calls
from telephony.cases import ASKS_AGAIN
from telephony.commands import PauseRecording, ResumeRecording
from telephony.errors import Refused
from telephony.events import RecordingPaused, RecordingResumed
from telephony.ids import CallId, ChannelId
from telephony.ledgers import SILENT_UNTIL, Ledger, Silence, remember
from telephony.news import News
from telephony.orders import MuteRecording

SILENCE_LIMIT_S = 120.0
"""A card number is said in less."""


class Silences:
    """At most one for each call."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def pause(self, command: PauseRecording, now: datetime) -> News:
        """Raises Refused, UnknownCall."""
        ledger, _ = self._calls.talk_of(command.call_id, command.agent_id, "PauseRecording")
        if not 0 < command.seconds <= SILENCE_LIMIT_S:
            raise Refused(command="PauseRecording", state="talking", reason="too long")
        until, known = now + timedelta(seconds=command.seconds), ledger.silence
        news = News(orders=[remember(ledger, SILENT_UNTIL, str(int(until.timestamp()) + 1))])
        if known is not None and known.muted and not known.over:
            known.until = until
            self._tell(ledger, known, now, news)
        else:
            ledger.silence = Silence(until=until, agent_id=command.agent_id)
            if known is not None:
                ledger.silence.told, ledger.silence.doubted = known.told, known.muted or known.doubted
            news.orders.append(_ask(ledger, ledger.silence, now, muted=True))
        return news

    def resume(self, command: ResumeRecording, now: datetime) -> News:
        """Raises Refused, UnknownCall."""
        ledger, _ = self._calls.talk_of(command.call_id, command.agent_id, "ResumeRecording")
        silence = ledger.silence
        if silence is None:
            return News()
        silence.over = True
        self._calls.changed(ledger.id)
        return News(orders=[_ask(ledger, silence, now, muted=False)])

    def tick(self, now: datetime) -> News:
        """Recordings whose silence is over go on by themselves; what the switch has not done is asked for again."""
        news = News()
        for ledger in self._calls.going():
            silence = ledger.silence
            if silence is None or silence.asked is not None or now < silence.ask_at:
                continue
            ends = silence.over or silence.until <= now
            if silence.refused and not (silence.told or silence.doubted):
                ledger.silence = None
                news.orders.append(remember(ledger, SILENT_UNTIL, ""))
            elif ends or silence.refused or not silence.muted:
                news.orders.append(_ask(ledger, silence, now, muted=not (ends or silence.refused)))
                self._calls.changed(ledger.id)
        return news

    def carried_out(self, order: MuteRecording, now: datetime) -> News:
        """The switch has done it."""
        news, asked = News(), self._asked_by(order)
        if asked is None:
            return news
        ledger, silence = asked
        silence.asked = None
        if order.muted:
            silence.muted = True
            if silence.agent_id:  # one from before a restart of ours has been told of
                self._tell(ledger, silence, now, news)
        else:
            ledger.silence = None
            news.orders.append(remember(ledger, SILENT_UNTIL, ""))
            if silence.told:
                news.events.append(RecordingResumed(at=now, call_id=ledger.id, by_itself=not silence.over))
        self._calls.changed(ledger.id)
        return news

    def failed(self, order: MuteRecording, *, unknown: bool) -> None:
        """The switch has not done it, or nobody knows."""
        asked = self._asked_by(order)
        if asked is not None:
            _, silence = asked
            silence.asked = None
            silence.refused = silence.refused or (order.muted and not unknown)
            silence.doubted = silence.doubted or unknown

    def _asked_by(self, order: MuteRecording) -> tuple[Ledger, Silence] | None:
        """Whose latest order this is."""
        found = self._calls.evidence(CallId(order.channel))
        silence = found[0].silence if found else None
        return (found[0], silence) if found and silence is not None and silence.asked is order else None

    def _tell(self, ledger: Ledger, silence: Silence, now: datetime, news: News) -> None:
        silence.told = True
        self._calls.changed(ledger.id)
        paused = RecordingPaused(at=now, call_id=ledger.id, agent_id=silence.agent_id, until=silence.until)
        news.events.append(paused)


def _ask(ledger: Ledger, silence: Silence, now: datetime, *, muted: bool) -> MuteRecording:
    """The recording runs on the call's first leg, whoever that is. What is about to change is not sure any more."""
    silence.muted, silence.doubted = False, silence.doubted or silence.muted or silence.asked is not None
    silence.asked, silence.ask_at = MuteRecording(channel=ChannelId(ledger.id), muted=muted), now + ASKS_AGAIN
    return silence.asked
