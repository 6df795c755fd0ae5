"""After a gap, of the link to the switch or of this whole server: who has a shift is seated again, and what ended
unseen is written down."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import structlog

from api.auth.shared import Shared
from api.calls.completion import completed, mend, remember
from api.calls.recorder import CallRecorder
from api.calls.service import close_lost, lost_call
from api.handoffs.recorder import HandoffRecorder
from api.handoffs.unseen import ended_unseen
from api.shifts.opened import open_shifts
from api.shifts.service import resumed, serves
from telephony.errors import TelephonyError
from telephony.events import LinkState
from telephony.ids import CallId
from telephony.media.recordings import Recordings
from telephony.runner import Runner
from telephony.switchboard import Switchboard

log = structlog.get_logger(__name__)

AGAIN_S = 2.0
DRAIN_S = 5.0
READ_ON_S = 60.0
"""How often the switch's log is read on while the link stands, so that there is never much of it to read."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Gap:
    """Both ways try again for as long as the link stands; the next link begins anew."""

    common: Shared
    runner: Runner
    switchboard: Switchboard
    recording_files: Recordings
    calls: CallRecorder
    handoffs: HandoffRecorder
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def seat_everybody(self) -> None:
        """Everybody whose shift goes on and who is not known any more. Who is known serves what was set meanwhile."""
        common = self.common
        while self._linked:
            try:
                await common.standby.records.caught_up(DRAIN_S)  # ends of shifts may be among them
                async with common.store.read() as session:
                    shifts = await resumed(session, await open_shifts(session), common.settings.queue, common.topology)
                break
            except Exception as error:
                log.warning("shifts not read", error_type=type(error).__name__)
                await asyncio.sleep(AGAIN_S)
        else:
            return
        for sign_in in shifts:
            known = sign_in.agent_id in self.switchboard.agents
            try:
                await self.runner.request(serves(sign_in) if known else sign_in)
            except TelephonyError as error:
                log.warning("shift not taken up", agent_id=sign_in.agent_id, error_type=type(error).__name__)
        if self._linked:
            self.switchboard.seated_everybody()

    async def close_unseen(self) -> None:
        """Calls are completed from the switch's own log; those of which nobody knows an end are lost.

        Transfers too, of which no leg is left in a call that goes on, or whose call is over. Only when all that was
        seen is recorded, also by an earlier run, do the records show what is missing.
        """
        store, publish = self.common.store, self.common.publish
        while self._linked:
            try:
                if self.switchboard.compared and await self._recorded() and await self._complete():
                    calls = self.switchboard.calls  # a view: a call that arrives meanwhile is in it
                    lost = await close_lost(store, calls, self.common.now(), untold=self.switchboard.untold)
                    over = await self.handoffs.close_with_calls(calls)
                    async with store.read() as session:
                        ends = await ended_unseen(session, calls, self.switchboard.transfers, self.common.now())
                    break
            except Exception as error:
                log.warning("calls not closed", error_type=type(error).__name__)
            await asyncio.sleep(AGAIN_S)
        else:
            return
        if lost:
            log.warning("calls ended unseen", calls=len(lost))
        if over:
            log.warning("handoffs ended with their calls", handoffs=over)
        for call_id in lost:
            publish(lost_call(call_id, self.common.now()))
        for end in ends:
            log.warning("a transfer ended unseen", call_id=end.call_id, step=end.step.value)
            publish(end)

    async def read_on(self) -> None:
        """The switch's log, every minute."""
        while True:
            await asyncio.sleep(READ_ON_S)
            try:
                if self._linked and self.switchboard.compared and await self._recorded():
                    await self._complete()
            except Exception as error:
                log.warning("the switch's log not read on", error_type=type(error).__name__)

    @property
    def _linked(self) -> bool:
        return self.runner.link is LinkState.LIVE

    def _followed(self) -> frozenset[CallId]:
        """Calls of which the model tells the end itself, or has told it; of others the switch's log does."""
        return frozenset(self.switchboard.calls) - self.switchboard.untold

    async def _recorded(self) -> bool:
        return await self.calls.drain(DRAIN_S) and await self.handoffs.drain(DRAIN_S)

    async def _complete(self) -> bool:
        """The switch's log is read on once what it told is recorded; False where that takes too long."""
        async with self.reading:
            store, log_file = self.common.store, self.common.settings.queue_log_file
            async for told in completed(store, log_file, self.recording_files, self._followed()):
                for event in told.history:
                    self.calls.put(event)
                for event in told.news:
                    self.common.publish(event)
                if told.news:
                    log.warning("calls completed from the switch's log", calls=len(told.news))
                await mend(store, told.answers)
                if not await self.calls.drain(DRAIN_S):
                    return False
                await remember(store, told.place, self.common.now())
        return True
