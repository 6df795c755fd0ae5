"""``/healthz``: what is up and what is not, told to anybody; nothing in it is secret."""

from __future__ import annotations

from typing import Literal, cast

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict

from agent_console import STATIC_DIR
from api.recordings.keeping import RecordingKeeper
from api.wiring import Parts
from asr.recognizer import SpeechLevel
from telephony.events import LinkState
from telephony.runner import Drift

router = APIRouter(tags=["health"])

Level = Literal["ok", "degraded", "down"]


class PartView(BaseModel):
    """``state`` in the part's own words, ``detail`` for a person."""

    state: str
    detail: str = ""


class HealthView(BaseModel):
    """``status``: down without the records (nobody can sign in), degraded while any other part is not well."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "status": "degraded",
                    "version": "0.1.0",
                    "parts": {
                        "switch": {"state": "live", "detail": ""},
                        "speech": {"state": "down", "detail": "no Mandarin model; run `hotline models pull`"},
                        "taps": {"state": "ok", "detail": ""},
                        "places": {"state": "ok", "detail": ""},
                        "database": {"state": "ok", "detail": ""},
                        "recordings": {"state": "ok", "detail": "opus by PyAV, 62 % of the disk free"},
                        "drift": {"state": "none", "detail": ""},
                        "console": {"state": "ok", "detail": ""},
                    },
                }
            ]
        }
    )

    status: Level
    version: str
    parts: dict[str, PartView]


def console_is_built() -> bool:
    return (STATIC_DIR / "index.html").is_file()


def recordings_view(keeper: RecordingKeeper) -> PartView:
    """How finished recordings are stored, and how much room they have."""
    encoder = keeper.encoder.label if keeper.encoder is not None else "looking for an encoder"
    free = "" if keeper.free is None else f", {keeper.free:.0%} of the disk free".replace("%", " %")
    return PartView(state="disk low" if keeper.disk_low else "ok", detail=encoder + free)


def places_view(problem: str) -> PartView:
    """The city's own gazetteer."""
    return PartView(state="not used" if problem else "ok", detail=problem)


def drift_view(drift: Drift) -> PartView:
    """Corrections since the start. One is no fault of this moment, so it does not change ``status``."""
    if drift.last_at is None:
        return PartView(state="none")
    return PartView(
        state="seen", detail=f"{drift.count} since the start, last {drift.last_kind} at {drift.last_at:%FT%TZ}"
    )


@router.get("/healthz")
async def healthz(request: Request) -> HealthView:
    """Always 200: whoever asks reads ``status``."""
    parts = cast(Parts, request.state.parts)
    switch, speech = parts.hub.links.switch, parts.speech.state
    database = parts.database
    built = console_is_built()
    well = (
        switch.state is LinkState.LIVE
        and speech.state is SpeechLevel.OK
        and database.state == "ok"
        and not parts.tap_problem
        and not parts.understanding.problem
        and not parts.keeper.disk_low
        and built
    )
    status: Level = "down" if database.state == "down" else "ok" if well else "degraded"
    return HealthView(
        status=status,
        version=request.app.version,
        parts={
            "switch": PartView(state=switch.state, detail=switch.reason),
            "speech": PartView(state=speech.state, detail=speech.reason or speech.engine),
            "taps": PartView(state="down" if parts.tap_problem else "ok", detail=parts.tap_problem),
            "places": places_view(parts.understanding.problem),
            "database": PartView(state=database.state, detail=database.reason),
            "recordings": recordings_view(parts.keeper),
            "drift": drift_view(parts.runner.drift),
            "console": PartView(state="ok" if built else "down", detail="" if built else "not built"),
        },
    )
