"""A danger that only the recording tells: a card, and a supervisor who hears of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from sqlalchemy import select

from api.live.alerts import AlertKind
from api.live.parts import Alert
from api.store.tables import CallRecord, CueCard
from asr.coverage import Coverage
from asr.engines.scripted_engine import Line, ScriptedRecognizer, ScriptedTalker
from telephony.ids import CallId
from telephony.media.recordings import RecordedLeg
from tests.api.serving import eventually
from tests.api.test_app import make_settings, running
from tests.asr.wavs import write
from tests.fakes.loudness import LevelDetector

CALL = CallId("1795297638.32")
SAID = [Line(start_s=1, end_s=4, text="我家厨房着火了火很大你们快来")]


async def test_a_danger_that_only_the_recording_tells_is_marked_and_a_supervisor_hears_of_it(tmp_path: Path) -> None:
    async with running(make_settings(tmp_path), migrates=True) as (_, parts):
        await eventually(lambda: parts.database.state == "ok", timeout_s=20)
        now = datetime.now(UTC)
        async with parts.store.write() as session:
            session.add(
                CallRecord(
                    id=CALL,
                    line="12345",
                    arrived_at=now - timedelta(seconds=40),
                    answered_at=now - timedelta(seconds=30),
                    ended_at=now - timedelta(seconds=20),
                )
            )
        sound = b"".join(frame for frame, _ in ScriptedTalker(SAID).frames(until_s=5))
        write(parts.settings.recordings_dir / f"{CALL}-{RecordedLeg.CALLER.value}.wav", np.frombuffer(sound, "<i2"))
        unheard = Coverage()
        unheard.deaf(10)
        parts.texts.covered(CALL, unheard)
        assert await parts.rereading.behind.drain(5)

        parts.speech._chosen = ScriptedRecognizer({"*": SAID})
        parts.rereading._detector = LevelDetector
        parts.rereading._now = lambda: now + timedelta(minutes=1)

        def told() -> list[Alert]:
            return [alert for alert in parts.hub.alerts.all() if alert.kind == AlertKind.DANGER_AFTERWARDS]

        await eventually(lambda: bool(told()), timeout_s=30)
        [alert] = told()
        assert alert.data["call_id"] == CALL
        assert "119" in alert.data["centre"]
        assert await parts.ear.drain(5)
        async with parts.store.read() as session:
            [card] = await session.scalars(select(CueCard))
        assert (card.call_id, card.state) == (CALL, "afterwards")
