"""Recordings after their calls: finished once, flawed ones noticed, erased when their time is up unless held."""

from __future__ import annotations

import errno
import json
import os
import wave
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from api.auth.permissions import Role
from api.calls.recorder import record
from api.recordings.events import DiskWatched, RecordingFlawed
from api.recordings.keeping import RecordingKeeper, State
from api.store.engine import Store
from api.store.tables import AuditRecord, LegalHold, RecordingRecord
from telephony.events import CallArrived, CallEnded, CallEvent, MessageLeft
from telephony.ids import CallId, LineNumber
from telephony.media.encoders import PLAIN, Encoder, EncodingFailed
from telephony.media.recordings import Recordings
from telephony.targets import Target, TargetKind
from tests.api.desk import Clock, Desk
from tests.api.test_calls import (
    ANSWERED,
    MISSED,
    at,
    story_of_a_missed_call,
    story_of_an_answered_call,
    what_else_may_happen,
)
from tests.api.test_pauses import parked_talk

MOMENT = timedelta(seconds=1)
DAYS = {"call": 10, "emergency": 30, "message": 10}


def sound(folder: Path, call_id: str, *, seconds: float, legs: tuple[str, ...] = ("caller", "operator")) -> None:
    for leg in legs:
        with wave.open(str(folder / f"{call_id}-{leg}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(8000)
            file.writeframes(np.full(round(seconds * 8000), 900, dtype="<i2").tobytes())


class Keeping:
    """A keeper whose clock stands where the test puts it, and what it has said."""

    def __init__(self, store: Store, folder: Path, *, encoder: Encoder = PLAIN, least_free: float = 0.0) -> None:
        self.clock, self.said, self.folder = Clock(), list[object](), folder
        self.keeper = RecordingKeeper(
            store,
            Recordings(folder),
            now=self.clock,
            publish=self.said.append,
            keep_days=DAYS,
            least_free=least_free,
            find_encoder=lambda: encoder,
        )
        self.keeper.encoder = encoder

    def at(self, now: datetime) -> Keeping:
        self.clock.now = now
        return self

    async def look(self) -> None:
        """One turn of its work."""
        await self.keeper.note_ended()
        while await self.keeper.work_on_one():
            pass
        await self.keeper.erase_expired()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "recordings"
    place.mkdir()
    return place


@pytest.fixture
def keeping(store: Store, folder: Path) -> Iterator[Keeping]:
    made = Keeping(store, folder)
    yield made
    made.keeper.close()


async def happened(store: Store, *events: object) -> None:
    async with store.write() as session:
        for event in events:
            if isinstance(event, CallEvent):
                await record(session, store.keyring, event)


def same_story_of(other: CallId) -> list[CallEvent]:
    """A moment later."""
    return [
        replace(event, call_id=other, at=event.at + MOMENT)
        for event in story_of_an_answered_call()
        if isinstance(event, CallEvent)
    ]


async def row(store: Store, call_id: str) -> RecordingRecord:
    async with store.read() as session:
        return await session.get_one(RecordingRecord, call_id)


async def test_a_call_that_has_ended_is_finished_once_a_moment_later(store: Store, keeping: Keeping) -> None:
    await happened(store, *story_of_an_answered_call())
    sound(keeping.folder, ANSWERED, seconds=76.5)
    await keeping.at(at(110)).look()
    assert (await row(store, ANSWERED)).state == State.DUE
    await keeping.at(at(140)).look()
    done = await row(store, ANSWERED)
    assert (done.state, done.incomplete, done.kind, done.media_type) == ("ready", False, "call", "audio/wav")
    assert (done.length_s, done.talk_s, done.erase_at) == (76.5, 76.0, at(101) + timedelta(days=10))
    made_at = done.made_at
    await keeping.at(at(200)).look()
    assert (await row(store, ANSWERED)).made_at == made_at
    assert keeping.said == []
    assert json.loads((keeping.folder / f"{ANSWERED}-peaks.json").read_text())["length_s"] == 76.5


@pytest.mark.parametrize(("seconds", "state"), [(73.5, "ready"), (None, "missing")])
async def test_a_recording_that_is_too_short_or_not_there_is_marked_and_told(
    store: Store, keeping: Keeping, seconds: float | None, state: str
) -> None:
    await happened(store, *story_of_an_answered_call())
    if seconds is not None:
        sound(keeping.folder, ANSWERED, seconds=seconds)
    await keeping.at(at(140)).look()
    await keeping.look()
    kept = await row(store, ANSWERED)
    assert (kept.state, kept.incomplete) == (state, True)
    assert keeping.said == [RecordingFlawed(call_id=ANSWERED, length_s=seconds, talk_s=76.0)]


async def test_a_word_while_the_citizen_hears_music_is_no_flaw_and_keeps_the_file_in_time(
    store: Store, keeping: Keeping
) -> None:
    await happened(store, *story_of_an_answered_call(), *parked_talk(ANSWERED, at(24), parked_s=10, back_s=40))
    sound(keeping.folder, ANSWERED, seconds=46.0)
    await keeping.at(at(140)).look()
    kept = await row(store, ANSWERED)
    assert (kept.incomplete, kept.length_s, keeping.said) == (False, 76.0, [])


async def test_a_call_that_nobody_answered_has_none_unless_a_message_was_left(store: Store, keeping: Keeping) -> None:
    await happened(store, *story_of_a_missed_call())
    await keeping.at(at(100)).look()
    assert (await row(store, MISSED)).state == "none"
    other = "1.7"
    await happened(
        store,
        *(replace(event, call_id=other) for event in story_of_a_missed_call()),  # type: ignore[type-var]
        MessageLeft(at=at(20), call_id=other, line=LineNumber("12345"), file=f"{other}-message"),  # type: ignore[arg-type]
    )
    sound(keeping.folder, other, seconds=3, legs=("message",))
    await keeping.look()
    kept = await row(store, other)
    assert (kept.state, kept.kind, kept.incomplete) == ("ready", "message", False)
    assert keeping.said == []


async def test_a_call_in_which_a_centre_took_part_is_kept_longer(store: Store, keeping: Keeping) -> None:
    [step] = [event for event in what_else_may_happen() if type(event).__name__ == "TransferStepped"]
    handed = replace(step, target=Target(kind=TargetKind.CENTRE, value="119"))  # type: ignore[call-arg]
    story = story_of_an_answered_call()
    first = story[0]
    assert isinstance(first, CallArrived)
    await happened(store, *story, handed)
    await keeping.at(at(140)).look()
    kept = await row(store, ANSWERED)
    assert (kept.kind, kept.erase_at) == ("emergency", at(101) + timedelta(days=30))


async def test_what_was_being_made_when_the_process_died_is_made_again(store: Store, keeping: Keeping) -> None:
    await happened(store, *story_of_an_answered_call())
    sound(keeping.folder, ANSWERED, seconds=76)
    torn = keeping.folder / ".finishing-x"
    torn.mkdir()
    (torn / "stereo.wav").write_bytes(b"RIFF")
    await keeping.at(at(140)).keeper.note_ended()
    again = Keeping(store, keeping.folder).at(at(141))
    await again.look()
    assert (await row(store, ANSWERED)).state == "ready"
    again.keeper.close()


async def test_an_encoder_that_fails_is_given_up_and_the_file_stays_plain(store: Store, folder: Path) -> None:
    asked = 0

    def fail(_: Path, __: Path) -> None:
        nonlocal asked
        asked += 1
        raise EncodingFailed("test")

    keeping = Keeping(store, folder, encoder=Encoder("opus", "audio/ogg", "test", fail))
    await happened(store, *story_of_an_answered_call())
    sound(folder, ANSWERED, seconds=76)
    for minutes in range(1, 60, 5):
        await keeping.at(at(60 * minutes + 60)).look()
    kept = await row(store, ANSWERED)
    assert (kept.state, kept.media_type, asked) == ("ready", "audio/wav", 3)
    keeping.keeper.close()


async def test_a_full_disk_is_tried_again_and_at_last_told(
    store: Store, keeping: Keeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(Recordings, "finish", full)
    await happened(store, *story_of_an_answered_call())
    for hours in range(1, 12):
        await keeping.at(at(3700 * hours)).look()
    assert (await row(store, ANSWERED)).state == "failed"
    assert [type(event) for event in keeping.said] == [RecordingFlawed]


@pytest.mark.parametrize("failure", [RuntimeError, ValueError, EOFError, MemoryError])
async def test_a_recording_that_cannot_be_made_keeps_none_of_the_others_back(
    store: Store, keeping: Keeping, monkeypatch: pytest.MonkeyPatch, failure: type[Exception]
) -> None:
    real = Recordings.finish

    def finish(self: Recordings, call_id: CallId, *more: Any) -> Any:
        if call_id == ANSWERED:
            raise failure
        return real(self, call_id, *more)

    monkeypatch.setattr(Recordings, "finish", finish)
    other = CallId("1.77")
    await happened(store, *story_of_an_answered_call())
    await happened(store, *same_story_of(other))
    sound(keeping.folder, other, seconds=76)
    await keeping.at(at(140)).look()
    assert (await row(store, other)).state == "ready"
    stuck = await row(store, ANSWERED)
    assert (stuck.state, stuck.attempts) == ("due", 1)
    assert stuck.due_at > at(140)


async def test_files_that_cannot_be_removed_keep_no_others(
    store: Store, keeping: Keeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Recordings.erase

    def erase(self: Recordings, call_id: CallId) -> int:
        if call_id == ANSWERED:
            raise PermissionError
        return real(self, call_id)

    monkeypatch.setattr(Recordings, "erase", erase)
    other = CallId("1.77")
    await happened(store, *story_of_an_answered_call())
    await happened(store, *same_story_of(other))
    for call_id in (ANSWERED, other):
        sound(keeping.folder, call_id, seconds=76)
    await keeping.at(at(140)).look()
    await keeping.at(at(140) + timedelta(days=10)).look()
    assert [(await row(store, call_id)).state for call_id in (ANSWERED, other)] == ["ready", "erased"]


async def test_nobody_waits_for_a_keeper_that_has_nothing_to_write(
    store: Store, keeping: Keeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    await happened(store, *story_of_an_answered_call())
    sound(keeping.folder, ANSWERED, seconds=76)
    await keeping.at(at(140)).look()

    def write() -> None:
        raise AssertionError("a transaction that writes")

    monkeypatch.setattr(store, "write", write)
    await keeping.at(at(150)).look()
    assert (await row(store, ANSWERED)).state == "ready"


async def test_a_disk_that_fills_is_told_once_before_it_is_full(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = iter((0.5, 0.08, 0.07, 0.3))
    monkeypatch.setattr(Recordings, "free_share", lambda _: next(free))
    keeping = Keeping(store, folder, least_free=0.1)
    for _ in range(4):
        await keeping.keeper.look_at_disk()
    assert keeping.said == [DiskWatched(low=True, free=0.08), DiskWatched(low=False, free=0.3)]
    keeping.keeper.close()


async def test_when_its_time_is_up_every_file_goes_and_that_is_audited(store: Store, keeping: Keeping) -> None:
    await happened(store, *story_of_an_answered_call())
    sound(keeping.folder, ANSWERED, seconds=76)
    await keeping.at(at(140)).look()
    await keeping.at(at(100) + timedelta(days=10)).look()
    assert (await row(store, ANSWERED)).state == "ready"
    await keeping.at(at(102) + timedelta(days=10)).look()
    assert (await row(store, ANSWERED)).state == "erased"
    assert os.listdir(keeping.folder) == []
    async with store.read() as session:
        [erased] = (await session.scalars(select(AuditRecord).where(AuditRecord.action == "recording.erase"))).all()
    assert (erased.username, erased.object_id, erased.detail) == ("system", ANSWERED, {"kind": "call", "files": 4})


# over HTTP ------------------------------------------------------------------------------------------------------------
async def test_a_hold_keeps_a_recording_until_it_is_lifted(desk: Desk, folder: Path) -> None:
    store, keeping = desk.shared.store, Keeping(desk.shared.store, folder)
    supervisor, person = await desk.person("9001", Role.SUPERVISOR), await desk.person("8001")
    await happened(store, *story_of_an_answered_call())
    sound(folder, ANSWERED, seconds=76)
    await keeping.at(at(140)).look()
    path, reason = f"/recordings/{ANSWERED}/hold", {"reason": "法院调取"}
    assert (await person.post(path, reason)).status_code == 403
    assert (await supervisor.post(path, {"reason": " "})).status_code == 422
    assert (await supervisor.post("/recordings/9.9/hold", reason)).status_code == 404
    held = (await supervisor.post(path, reason)).json()
    assert held["hold"]["reason"] == "法院调取"
    second = await supervisor.post(path, {"reason": "另一案件"})
    assert (second.status_code, second.json()["error"]) == (409, "version_conflict")
    assert second.json()["current"]["hold"] == held["hold"], "the present one, and nothing has changed"
    await keeping.at(at(0) + timedelta(days=400)).look()
    assert (await row(store, ANSWERED)).state == "ready"
    listed = (await supervisor.get("/recordings", params={"held": True})).json()
    assert [(one["call_id"], one["state"]) for one in listed["items"]] == [(ANSWERED, "ready")]
    for asked, found in ({"call_id": ANSWERED}, 1), ({"call_id": "9.9"}, 0), ({"call_id": ANSWERED, "held": False}, 0):
        assert (await supervisor.get("/recordings", params=asked)).json()["total"] == found
    assert (await supervisor.get("/recordings", params={"call_id": "x"})).json()["field"] == "call_id"
    assert (await supervisor.post(f"{path}/lift", {"reason": "案件已结"})).json()["hold"] is None
    assert (await supervisor.post(f"{path}/lift", {"reason": "案件已结"})).status_code == 409
    await keeping.look()
    assert (await row(store, ANSWERED)).state == "erased"
    assert (await supervisor.post(path, reason)).status_code == 409
    async with store.read() as session:
        holds = (await session.scalars(select(LegalHold))).all()
        actions = (await session.scalars(select(AuditRecord.action).order_by(AuditRecord.seq))).all()
    assert [(one.reason, one.lift_reason) for one in holds] == [("法院调取", "案件已结")]
    assert [one for one in actions if one.startswith("recording.")] == [
        "recording.hold",
        "recording.lift_hold",
        "recording.erase",
    ]
    keeping.keeper.close()


async def test_a_call_that_ended_a_moment_ago_can_be_held_and_one_that_goes_on_cannot(desk: Desk, folder: Path) -> None:
    supervisor, reason = await desk.person("9001", Role.SUPERVISOR), {"reason": "法院调取"}
    story = story_of_an_answered_call()
    ended = next(event for event in story if isinstance(event, CallEnded))
    await happened(desk.shared.store, *(event for event in story if event is not ended))
    path = f"/recordings/{ANSWERED}/hold"
    goes_on = await supervisor.post(path, reason)
    assert (goes_on.status_code, goes_on.json()["detail"]) == (409, "the call goes on")
    await happened(desk.shared.store, ended)
    held = (await supervisor.post(path, reason)).json()
    assert (held["state"], held["hold"]["reason"]) == ("due", "法院调取")
    keeping = Keeping(desk.shared.store, folder)
    await keeping.at(at(140)).look()
    await keeping.at(at(140) + timedelta(days=4000)).look()
    assert (await row(desk.shared.store, ANSWERED)).state != "erased"
    keeping.keeper.close()


async def test_what_is_not_whole_is_listed_for_supervisors_alone(desk: Desk, folder: Path) -> None:
    keeping = Keeping(desk.shared.store, folder)
    supervisor, person = await desk.person("9001", Role.SUPERVISOR), await desk.person("8001")
    await happened(desk.shared.store, *story_of_an_answered_call(), *story_of_a_missed_call())
    await keeping.at(at(140)).look()
    assert (await person.get("/recordings")).status_code == 403
    flawed = (await supervisor.get("/recordings", params={"incomplete": True})).json()
    assert [(one["call_id"], one["state"]) for one in flawed["items"]] == [(ANSWERED, "missing")]
    assert (await supervisor.get("/recordings")).json()["total"] == 2
    keeping.keeper.close()


async def test_the_picture_of_the_sound_is_for_those_who_may_hear_it(desk: Desk, tmp_path: Path) -> None:
    person, other = await desk.person("8001"), await desk.person("8002")
    await happened(desk.shared.store, *story_of_an_answered_call())
    path = f"/recordings/{ANSWERED}/peaks"
    assert (await person.get(path)).status_code == 404
    (tmp_path / f"{ANSWERED}-peaks.wav").write_text('{"length_s": 1.0, "channels": [[0.1], [0.2]]}')
    assert (await person.get(path)).json()["channels"] == [[0.1], [0.2]]
    assert (await other.get(path)).status_code == 403
