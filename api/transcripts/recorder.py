"""Final turns into the database, behind the call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from api.store.behind import WriteBehind
from api.store.engine import Store, insert_into
from api.store.tables import Segment
from asr.transcript import Turn


@dataclass(frozen=True, kw_only=True, slots=True)
class FinalTurn:
    call_id: str
    turn: Turn


class TranscriptRecorder:
    """``put`` any turn; those that may still change are not kept. A turn that came twice is stored once."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._now = now
        self.behind: WriteBehind[FinalTurn] = WriteBehind(store, self._write, name="transcripts", keeps=(FinalTurn,))

    def put(self, call_id: str, turn: Turn) -> None:
        if turn.final:
            self.behind.put(FinalTurn(call_id=call_id, turn=turn))

    async def run(self) -> None:
        await self.behind.run()

    async def drain(self, timeout_s: float) -> bool:
        return await self.behind.drain(timeout_s)

    async def _write(self, session: AsyncSession, item: FinalTurn) -> None:
        turn = item.turn
        await session.execute(
            insert_into(session, Segment)
            .values(
                call_id=item.call_id,
                seg=turn.seg,
                rev=turn.rev,
                speaker=turn.speaker.value,
                text=turn.text,
                start_s=turn.start_s,
                end_s=turn.end_s,
                recorded_at=self._now(),
                source="recording" if turn.recorded else "live",
            )
            .on_conflict_do_nothing()
        )
