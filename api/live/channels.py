"""What each channel shows: the models as they are, and beside them what only the hub has been told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, tzinfo

from api.auth.permissions import Action, allowed
from api.live.alerts import Alerts
from api.live.board import Board
from api.live.callparts import Listed
from api.live.kpi import DayKpi
from api.live.messages import DatabaseState, Links, SpeechState, SwitchState, WallData
from api.live.parts import CallbackCounts, CallbackHead, DriftData, HandoffHead, SupervisionData, SurgeData
from api.live.patches import Data
from api.live.today import DayCounts
from api.live.viewers import Viewer, call_of
from api.live.views import (
    NO_CALLBACKS,
    CallPicture,
    Company,
    call_view,
    me_view,
    queue_lines,
    queue_view,
    wall_agent,
    wall_call,
)
from asr.recognizer import SpeechLevel
from telephony.calls import CallPhase
from telephony.events import LinkState
from telephony.ids import AgentId, CallId, QueueName
from telephony.targets import Target, TargetKind

MOST_LISTED = 500

NO_SURGE = SurgeData(
    state="quiet", by=None, reason="", since=None, until=None, arrivals=0, waiting=0, arrivals_limit=0, waiting_limit=0
)


class Channels:
    """``view`` says what a reader of a channel sees now. The attributes are what was told, each replaced whole."""

    def __init__(
        self,
        *,
        board: Board,
        wall: Callable[[], datetime],
        ring_s: float,
        zone: tzinfo,
        queues: Sequence[QueueName],
        labels: Mapping[tuple[TargetKind, str], str],
        supervision_shown: bool,
    ) -> None:
        self._board = board
        self._wall = wall
        self._ring_s = ring_s
        self._queues = tuple(queues)
        self._labels = dict(labels)
        self._supervision_shown = supervision_shown
        self.names: Mapping[AgentId, str] = {}
        self.listed: dict[str, Listed] = {}
        """Rows of the ledger, by transfer."""
        self.handoffs: tuple[HandoffHead, ...] = ()
        self.callbacks: tuple[CallbackHead, ...] = ()
        self.callback_counts: CallbackCounts = NO_CALLBACKS
        self.drift = DriftData(count=0, last_at=None, last_kind="")
        self.surge = NO_SURGE
        self.pictures: dict[CallId, CallPicture] = {}
        self.links = Links(
            switch=SwitchState(state=LinkState.DOWN),
            speech=SpeechState(state=SpeechLevel.DOWN),
            database=DatabaseState(state="ok"),
        )
        self.today = DayCounts(zone=zone)
        self.kpi = DayKpi(zone=zone)
        self.alerts = Alerts()

    def picture(self, call_id: CallId) -> CallPicture:
        return self.pictures.get(call_id) or CallPicture()

    def view(self, channel: str, variant: str, owner: Viewer | None) -> Data | None:
        """The data now; None where there is nothing to show any more."""
        board = self._board
        if channel == "queue":
            return queue_view(
                board.waiting,
                board.calls,
                board.agents,
                queues=self._queues,
                callers=variant == "callers",
                ahead=board.ahead,
            )
        call_id = call_of(channel)
        if call_id is not None:
            call = board.calls.get(call_id)
            if call is None:
                return None
            return call_view(
                call,
                self.picture(call_id),
                recognizer=self.links.speech,
                ring_s=self._ring_s,
                company=self._company(call_id, supervision=variant == "whole" or self._supervision_shown),
            )
        if channel == "wall":
            return self._wall_view()
        if channel == "emergency":
            heads = [one for one in self.handoffs if variant in ("all", one.agent_id)]
            return {"handoffs": [one.model_dump(mode="json") for one in heads]}
        if channel == "tasks":
            return {
                "callbacks": [one.model_dump(mode="json") for one in self.callbacks],
                "counts": self.callback_counts.model_dump(mode="json"),
            }
        assert owner is not None
        return self._me_view(owner)

    def _me_view(self, owner: Viewer) -> Data:
        agents = self._board.agents
        may_call_back = allowed(owner.role, Action.CALLBACK_READ)
        return me_view(
            agents.get(owner.agent_id) if owner.agent_id is not None else None,
            owner.display_name,
            self.links,
            self.today.of(owner.agent_id, self._wall()),
            alerts=self.alerts.all() if allowed(owner.role, Action.WALL) else self.alerts.of(owner.agent_id),
            callbacks=self.callback_counts if may_call_back else NO_CALLBACKS,
        )

    def _wall_view(self) -> Data:
        board = self._board
        calls = board.calls
        live = [call for call in calls.values() if call.phase is not CallPhase.ENDED]
        return WallData(
            agents=[
                wall_agent(agent, self.names.get(agent.id, ""), calls.get(agent.call_id) if agent.call_id else None)
                for agent in sorted(board.agents.values(), key=lambda agent: agent.id)
            ],
            calls=[wall_call(call, self._company(call.id, supervision=True)) for call in live],
            queues=queue_lines(board.waiting, calls, queues=self._queues, callers=True, ahead=board.ahead),
            kpi=self.kpi.now(self._wall()),
            alarms=list(self.alerts.all()),
            drift=self.drift,
            surge=self.surge,
        ).model_dump(mode="json")

    def _company(self, call_id: CallId, *, supervision: bool) -> Company:
        transfer = self._board.transfers.get(call_id)
        there = self._board.supervisions.get(call_id) if supervision else None
        return Company(
            transfer=transfer,
            listed=self.listed.get(transfer.id) if transfer else None,
            supervision=None if there is None else SupervisionData(agent_id=there.agent_id, mode=there.mode),
            ahead=self._board.ahead.get(call_id),
            names=self.names,
            label=self._label,
        )

    def _label(self, target: Target) -> str:
        """A person's, centre's or department's name; empty where there is none."""
        if target.kind is TargetKind.AGENT:
            return self.names.get(AgentId(target.value), "")
        return self._labels.get((target.kind, target.value), "")

    def forget(self) -> None:
        """Pictures of calls that are over, and rows of transfers that nobody sees any more."""
        for call_id in self.pictures.keys() - self._board.calls.keys():
            del self.pictures[call_id]
        if len(self.listed) > MOST_LISTED:
            shown = {transfer.id for transfer in self._board.transfers.values()}
            self.listed = {key: listed for key, listed in self.listed.items() if key in shown}
