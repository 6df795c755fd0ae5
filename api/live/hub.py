"""The live picture and who looks at it: events say *look again*, the hub finds what changed and tells every reader."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from typing import Any

import structlog

from api.live.alerts import AlertKind
from api.live.board import Board, Reader
from api.live.callparts import Listed
from api.live.channels import Channels
from api.live.feedbook import Feedbook
from api.live.feeds import Feed
from api.live.messages import CloseCode, DatabaseState, ErrorCode, Links, SpeechState, SwitchState
from api.live.parts import (
    CallbackCounts,
    CallbackHead,
    CueData,
    DriftData,
    HandoffHead,
    SurgeData,
)
from api.live.patches import Data
from api.live.viewers import Viewer, call_of, in_call, may_read, may_see_call, variant_of
from api.live.views import (
    CallPicture,
    segment,
    with_segment,
)
from api.tickets.queries import CallerSummary
from asr.transcript import Turn
from telephony.events import (
    AgentEvent,
    CallEvent,
    DriftRepaired,
    Event,
    LinkChanged,
    LinkState,
    QueueChanged,
)
from telephony.ids import AgentId, CallId, QueueName
from telephony.targets import TargetKind

log = structlog.get_logger(__name__)

QUEUE_EVERY_S = 0.2
"""Everybody reads the queue: its changes are gathered, while one's own call and status go out at once."""
WALL_EVERY_S = 0.3
"""The wall holds every call and everybody: its changes are gathered as well."""


class Hub:
    """Everything here is synchronous: between a snapshot and the patches after it nothing can slip in."""

    def __init__(
        self,
        *,
        board: Board,
        clock: Callable[[], float],
        wall: Callable[[], datetime],
        ring_s: float,
        zone: tzinfo = UTC,
        queues: Sequence[QueueName] = (),
        labels: Mapping[tuple[TargetKind, str], str] | None = None,
        supervision_shown: bool = False,
    ) -> None:
        """``queues`` are shown even while nobody waits. ``labels``: names of centres, numbers and queues. At midnight
        in ``zone`` the figures begin anew.

        ``supervision_shown``: operators see that, and by whom, they are supervised.
        """
        self._board = board
        self._clock = clock
        self._wall = wall
        self.channels = Channels(
            board=board,
            wall=wall,
            ring_s=ring_s,
            zone=zone,
            queues=queues,
            labels=labels or {},
            supervision_shown=supervision_shown,
        )
        self.book = Feedbook(clock)
        self._presence: list[Callable[[AgentId, bool], None]] = []
        self._sockets: dict[Reader, None] = {}
        self._ended_sessions: set[str] = set()
        self._queue_due_s: float | None = None
        self._wall_due_s: float | None = None
        self.today = self.channels.today
        self.kpi = self.channels.kpi
        self.alerts = self.channels.alerts

    # -- who is there ------------------------------------------------------------------------------------------------

    @property
    def sockets(self) -> int:
        return len(self._sockets)

    @property
    def links(self) -> Links:
        return self.channels.links

    def admit(self, reader: Reader) -> None:
        """A newer window of the same operator ends the older one."""
        viewer = reader.viewer
        was_there = self.is_there(viewer.agent_id)
        if viewer.agent_id is not None:
            for other in tuple(self._sockets):
                if other.viewer.agent_id == viewer.agent_id:
                    self._send_away(other, CloseCode.SUPERSEDED)
        self._sockets[reader] = None
        if not was_there:
            self._tell_presence(viewer.agent_id, there=True)

    def leave(self, reader: Reader) -> None:
        """Its socket has closed."""
        known = reader in self._sockets
        self._sockets.pop(reader, None)
        self._silence(reader)
        if known and not self.is_there(reader.viewer.agent_id):
            self._tell_presence(reader.viewer.agent_id, there=False)

    def is_there(self, agent_id: AgentId | None) -> bool:
        """Whether a console of this person has a socket open."""
        return agent_id is not None and any(reader.viewer.agent_id == agent_id for reader in self._sockets)

    def on_presence(self, listener: Callable[[AgentId, bool], None]) -> None:
        """Told when the first socket of an operator has opened, and when the last has closed. It must not wait."""
        self._presence.append(listener)

    def session_ended(self, session: str) -> None:
        """Signed out or revoked: its sockets close now, or as soon as the person's call has ended."""
        self._ended_sessions.add(session)
        self._close_ended_sessions()

    def viewers(self) -> frozenset[Viewer]:
        """Everybody who has a socket open."""
        return frozenset(reader.viewer for reader in self._sockets)

    # -- subscriptions -----------------------------------------------------------------------------------------------

    def subscribe(self, reader: Reader, channel: str, epoch: str | None = None, have: int | None = None) -> None:
        """Replay what it missed, or give it a snapshot; from then on every patch, with nothing between."""
        variant = variant_of(reader.viewer, channel)
        if variant is None:
            reader.refuse(channel, ErrorCode.UNKNOWN_CHANNEL)
            return
        refusal = self._refusal(reader.viewer, channel)
        if refusal is not None:
            reader.refuse(channel, refusal)
            return
        known = reader.feeds.get(channel)
        feed = known or self._feed(channel, variant, reader.viewer)
        missed = feed.replay(epoch, have)
        self.book.read(reader, feed)
        if missed is None:
            reader.deliver_snapshot(feed)
            return
        for patch in missed:
            reader.deliver(feed, patch)

    def unsubscribe(self, reader: Reader, channel: str) -> None:
        feed = reader.feeds.get(channel)
        if feed is not None:
            self.book.stop_reading(reader, feed)

    def resync(self, reader: Reader, channel: str, have: int) -> None:
        feed = reader.feeds.get(channel)
        self.subscribe(reader, channel, feed.epoch if feed is not None else None, have)

    # -- what happened -----------------------------------------------------------------------------------------------

    def handle(self, event: Event) -> None:
        """Any event of telephony, after the models have taken it."""
        counted = self.today.apply(event)
        self.kpi.apply(event)
        if self.alerts.apply(event):
            self._alerts_changed()
        if isinstance(event, DriftRepaired):
            at = round(event.at.timestamp() * 1000)
            self.channels.drift = DriftData(count=self.channels.drift.count + 1, last_at=at, last_kind=event.kind)
        self._wall_changed()
        if isinstance(event, CallEvent):
            self.look_at_call(event.call_id)
            self._queue_changed()
        elif isinstance(event, AgentEvent):
            self.look_at_agent(event.agent_id)
            self._queue_changed()
        elif isinstance(event, QueueChanged):
            self._queue_changed()
        elif isinstance(event, LinkChanged):
            self.show_switch(event.state, event.reason)
        if counted is not None:
            self.look_at_agent(counted)
        self._close_ended_sessions()

    def look_at_call(self, call_id: CallId) -> None:
        for feed in self.book.of(f"call/{call_id}"):
            self._refresh(feed)

    def look_at_agent(self, agent_id: AgentId) -> None:
        """The person's own channel; which calls are in sight, every patch asks anew."""
        for reader in tuple(self._sockets):
            if reader.viewer.agent_id == agent_id and (feed := reader.feeds.get("me")) is not None:
                self._refresh(feed)

    def look_everywhere(self) -> None:
        """After the model was rebuilt from the switch."""
        for feed in self.book:
            self._refresh(feed)

    def picture(self, call_id: CallId) -> CallPicture:
        return self.channels.picture(call_id)

    def show_turn(self, call_id: CallId, turn: Turn) -> None:
        picture = self.picture(call_id)
        self._show(call_id, replace(picture, transcript=with_segment(picture.transcript, segment(turn))))

    def show_speech(self, call_id: CallId, state: SpeechState) -> None:
        self._show(call_id, replace(self.picture(call_id), speech=state))

    def show_draft(self, call_id: CallId, draft: Data | None) -> None:
        self._show(call_id, replace(self.picture(call_id), draft=draft))

    def show_caller(self, call_id: CallId, caller: CallerSummary) -> None:
        self._show(call_id, replace(self.picture(call_id), caller=caller))

    def show_cues(self, call_id: CallId, cues: Sequence[CueData]) -> None:
        """All cues of this call, as they stand now."""
        shown = tuple(cue.model_dump(mode="json") for cue in cues)
        self._show(call_id, replace(self.picture(call_id), cues=shown))

    def show_listed(self, call_id: CallId, transfer_id: str, listed: Listed) -> None:
        """The transfer has got its row in the ledger."""
        if self.channels.listed.get(transfer_id) == listed:
            return
        self.channels.listed[transfer_id] = listed
        self.look_at_call(call_id)
        self._wall_changed()

    def show_handoffs(self, handoffs: Sequence[HandoffHead]) -> None:
        """All that are not settled, newest first."""
        self.channels.handoffs = tuple(handoffs)
        for feed in self.book.of("emergency"):
            self._refresh(feed)

    def show_callbacks(self, callbacks: Sequence[CallbackHead], counts: CallbackCounts) -> None:
        """Those that are due first, and how many there are in all."""
        counted, self.channels.callback_counts = self.channels.callback_counts != counts, counts
        self.channels.callbacks = tuple(callbacks)
        for feed in (*self.book.of("tasks"), *(self.book.of("me") if counted else ())):
            self._refresh(feed)

    def show_surge(self, surge: SurgeData) -> None:
        if surge != self.channels.surge:
            self.channels.surge = surge
            self._wall_changed()
        proposed = surge.state == "proposed"
        self.stand_alert(proposed, AlertKind.SURGE_PROPOSED, arrivals=surge.arrivals, waiting=surge.waiting)

    def show_names(self, names: Mapping[AgentId, str]) -> None:
        self.channels.names = dict(names)
        self._wall_changed()

    def raise_alert(self, kind: AlertKind, subject: str, **data: Any) -> None:
        """News that no event of telephony tells: a recording that is not whole."""
        self.alerts.tell(kind, subject, self._wall(), **data)
        self._alerts_changed()

    def stand_alert(self, holds: bool, kind: AlertKind, **data: Any) -> None:
        """A condition that no event of telephony tells: a disk that fills. However often it is told."""
        if self.alerts.stand(holds, kind, self._wall(), **data):
            self._alerts_changed()

    def show_switch(self, state: LinkState, reason: str = "") -> None:
        self._show_links(self.channels.links.model_copy(update={"switch": SwitchState(state=state, reason=reason)}))

    def show_recognizer(self, state: SpeechState) -> None:
        self._show_links(self.channels.links.model_copy(update={"speech": state}))
        for call_id in self._board.calls:
            self.look_at_call(call_id)

    def show_database(self, state: DatabaseState) -> None:
        self._show_links(self.channels.links.model_copy(update={"database": state}))

    # -- time --------------------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Called several times a second: gathered queue changes, heartbeats, stuck sockets, feeds nobody reads."""
        now_s = self._clock()
        if self._queue_due_s is not None and now_s >= self._queue_due_s:
            self._queue_due_s = None
            for feed in self.book.of("queue"):
                self._refresh(feed)
        if self._wall_due_s is not None and now_s >= self._wall_due_s:
            self._wall_due_s = None
            for feed in self.book.of("wall"):
                self._refresh(feed)
        if self.alerts.forget(self._wall()):
            self._alerts_changed()
        for reader in tuple(self._sockets):
            reader.tick(now_s)
        self.book.forget_unread(now_s)
        self.channels.forget()

    def now_ms(self) -> int:
        return round(self._wall().timestamp() * 1000)

    # -- inside ------------------------------------------------------------------------------------------------------

    def _send_away(self, reader: Reader, code: CloseCode) -> None:
        """No more patches; it stays on the list, and under the watch of ``tick``, until its socket has closed."""
        self._silence(reader)
        reader.dismiss(code)

    def _silence(self, reader: Reader) -> None:
        for feed in tuple(reader.feeds.values()):
            self.book.stop_reading(reader, feed)

    def _show(self, call_id: CallId, picture: CallPicture) -> None:
        if call_id not in self._board.calls:
            return
        self.channels.pictures[call_id] = picture
        self.look_at_call(call_id)

    def _show_links(self, links: Links) -> None:
        if links == self.channels.links:
            return
        self.channels.links = links
        for feed in self.book.of("me"):
            self._refresh(feed)

    def _queue_changed(self) -> None:
        if self._queue_due_s is None:
            self._queue_due_s = self._clock() + QUEUE_EVERY_S

    def _wall_changed(self) -> None:
        if self._wall_due_s is None:
            self._wall_due_s = self._clock() + WALL_EVERY_S

    def _alerts_changed(self) -> None:
        self._wall_changed()
        for feed in self.book.of("me"):
            self._refresh(feed)

    def _tell_presence(self, agent_id: AgentId | None, *, there: bool) -> None:
        if agent_id is None:
            return
        for listener in self._presence:
            try:
                listener(agent_id, there)
            except Exception:
                log.exception("live.presence_listener_failed")

    def _feed(self, channel: str, variant: str, viewer: Viewer) -> Feed:
        feed = self.book.find(channel, variant)
        if feed is None:
            data = self.channels.view(channel, variant, viewer)
            assert data is not None, "asked for after the refusal"
            return self.book.add(channel, variant, data, viewer if channel == "me" else None)
        if channel == "me":
            feed.owner = viewer
            self._refresh(feed)
        return feed

    def _refresh(self, feed: Feed) -> None:
        data = self.channels.view(feed.channel, feed.variant, feed.owner)
        if data is None:
            return
        patch = feed.advance(data, now_s=self._clock(), ts_ms=self.now_ms())
        for reader in self.book.readers(feed):
            refusal = self._refusal(reader.viewer, feed.channel)
            if refusal is not None:
                self.book.stop_reading(reader, feed)
                reader.refuse(feed.channel, refusal)
            elif patch is not None:
                reader.deliver(feed, patch)

    def _refusal(self, viewer: Viewer, channel: str) -> ErrorCode | None:
        call_id = call_of(channel)
        if call_id is None:
            return None if may_read(viewer, channel) else ErrorCode.FORBIDDEN
        call = self._board.calls.get(call_id)
        if call is None:
            return ErrorCode.UNKNOWN_CHANNEL
        transfer = self._board.transfers.get(call_id)
        return None if may_see_call(viewer, call, self._board.agents, transfer) else ErrorCode.FORBIDDEN

    def _close_ended_sessions(self) -> None:
        if not self._ended_sessions:
            return
        still_in_call = set()
        for reader in tuple(self._sockets):
            if reader.viewer.session not in self._ended_sessions:
                continue
            if in_call(reader.viewer, self._board.agents):
                still_in_call.add(reader.viewer.session)
            else:
                self._send_away(reader, CloseCode.SESSION_ENDED)
        self._ended_sessions = still_in_call
