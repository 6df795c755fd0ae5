"""The recordings of one call, found for whoever may listen."""

from __future__ import annotations

import asyncio
from pathlib import Path

from telephony.ids import CallId
from telephony.media.recordings import RecordedLeg, Recordings


class RecordingFolder:
    """``shared.RecordingFiles`` on the folder the switch records into."""

    def __init__(self, recordings: Recordings) -> None:
        self._recordings = recordings

    async def find(self, call_id: CallId, leg: str) -> Path | None:
        if leg == "peaks":
            return await asyncio.to_thread(self._recordings.peaks_file, call_id)
        kind = RecordedLeg(leg)
        if kind is RecordedLeg.BOTH and (made := await asyncio.to_thread(self._recordings.finished, call_id)):
            return made
        if kind is RecordedLeg.BOTH:
            found = await self._recordings.both(call_id)
        else:
            found = await asyncio.to_thread(self._recordings.find, call_id, kind)
        return None if found is None else found.path
