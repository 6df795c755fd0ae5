"""``/healthz``: what is up and what is not, told to anybody; nothing in it is secret."""

from __future__ import annotations

from typing import Literal, cast

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict

from agent_console import STATIC_DIR
from api.wiring import Parts
from asr.recognizer import SpeechLevel
from telephony.events import LinkState

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
                        "database": {"state": "ok", "detail": ""},
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
            "database": PartView(state=database.state, detail=database.reason),
            "console": PartView(state="ok" if built else "down", detail="" if built else "not built"),
        },
    )
