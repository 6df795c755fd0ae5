"""The city's own places while the server runs: edited, broken, put right, taken away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from api.understanding import reader
from api.understanding.reader import Understanding
from asr.lexicon import Lexicon
from asr.prefill import Suggestion
from asr.transcript import Speaker, Turn
from asr.understanding import Understood
from tests.api.serving import eventually

SAID = Turn(seg=1, rev=1, speaker=Speaker.CALLER, text="我家在柳林新村，路灯不亮了", start_s=0, end_s=3, final=True)

BROKEN = {"{": "line 1", "[" * 100_000: "RecursionError", '{"city": "x", "districts": 5}': "is not a list"}


def write(home: Path, *, town: str) -> None:
    places = {"city": "试验市", "districts": [{"name": "东区", "towns": [{"name": town, "communities": ["柳林新村"]}]}]}
    (home / "gazetteer.json").write_text(json.dumps(places, ensure_ascii=False), encoding="utf-8")


def understood(turns: Sequence[Turn], *, lexicon: Lexicon, **_: object) -> Understood:
    """Only which places are known: all that is read of a talk takes a second for each new lexicon."""
    known = [place.town for place in lexicon.places if place.name in turns[0].text]
    found = [Suggestion(field="town", value=town, confidence=1.0, evidence=()) for town in known]
    return Understood(suggestions=tuple(found), cues=())


@asynccontextmanager
async def understanding(home: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Understanding]:
    monkeypatch.setattr(reader, "LOOK_S", 0.02)
    monkeypatch.setattr(reader, "rehearse", lambda lexicon, urgency: None)
    monkeypatch.setattr(reader, "understand", understood)
    understanding = Understanding(home, lambda: None, ticket_prefix="GD")
    running = asyncio.create_task(understanding.run())
    yield understanding
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    understanding.close()


async def town(understanding: Understanding) -> str | None:
    found = await understanding.suggest([SAID], "")
    return next((one.value for one in found if one.field == "town"), None)


async def becomes(understanding: Understanding, wanted: str | None) -> bool:
    async with asyncio.timeout(10):
        while await town(understanding) != wanted:  # noqa: ASYNC110 - it looks by itself
            await asyncio.sleep(0.02)
    return True


async def test_a_gazetteer_is_used_as_soon_as_it_is_put_there_edited_or_taken_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with understanding(tmp_path, monkeypatch) as reading:
        assert await town(reading) is None
        write(tmp_path, town="河口镇")
        assert await becomes(reading, "河口镇")
        write(tmp_path, town="山口镇")
        assert await becomes(reading, "山口镇")
        (tmp_path / "gazetteer.json").unlink()
        assert await becomes(reading, None)
        assert not reading.problem


async def test_one_that_breaks_is_told_of_and_the_places_stay_until_it_is_put_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, town="河口镇")
    async with understanding(tmp_path, monkeypatch) as reading:
        assert await town(reading) == "河口镇"
        for broken, told in BROKEN.items():
            (tmp_path / "gazetteer.json").write_text(broken, encoding="utf-8")
            await eventually(lambda told=told: told in reading.problem)
            assert await town(reading) == "河口镇"
        write(tmp_path, town="山口镇")
        assert await becomes(reading, "山口镇")
        assert not reading.problem


async def test_one_that_is_broken_from_the_start_leaves_the_packaged_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gazetteer.json").write_bytes(b"\xff\xfe")
    async with understanding(tmp_path, monkeypatch) as reading:
        assert await town(reading) is None
        assert "gazetteer.json is not used" in reading.problem
