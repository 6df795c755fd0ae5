"""Simulated desks of 110, 119, 120, 122 and 12366: each on an address of its own, answering every call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from api.demo.children import Child
from api.demo.sipp import Phone, alaw_of, wav_of
from telephony.dialplan.prompts import RATE, Samples, speak
from telephony.dialplan.topology import Centre

PORTS_EACH = 8
"""SIPp takes four media ports, and leaves as many for a second call."""


def desks(
    phone: Phone, centres: Sequence[Centre], sounds: Path, base: int, *, espeak: Sequence[str] | None
) -> list[Child]:
    """One child for each route to a centre on this machine's loopback; others are real and not ours to play."""
    made = []
    routes = (
        (centre, endpoint, route)
        for centre in centres
        for endpoint, route in zip(centre.endpoints, centre.routes, strict=True)
        if route.host.startswith("127.")
    )
    for number, (centre, endpoint, route) in enumerate(routes):
        own = replace(
            phone, host=route.host, port=route.port_from(base), media_port=phone.media_port + PORTS_EACH * number
        )
        made.append(own.desk(f"centre-{endpoint}", greeting(sounds, centre, espeak), ring_s=2.0))
    return made


def callers(centres: Sequence[Centre]) -> dict[str, str]:
    """Addresses on this machine's loopback from which a centre hands citizens over, by code."""
    return {
        centre.code: network
        for centre in centres
        for network in centre.match or ()
        if network.startswith("127.") and "/" not in network
    }


def greeting(sounds: Path, centre: Centre, espeak: Sequence[str] | None) -> Path:
    """What the desk says, over and over: its number and a long pause; a tone where nothing can speak."""
    path = sounds / f"centre-{centre.code}.wav"
    if not path.exists():
        said = speak(f"您好，{centre.code}，请讲。", espeak) if espeak else _tone()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(wav_of(alaw_of(np.concatenate([said, np.zeros(6 * RATE, dtype=np.float32)]))))
    return path


def _tone() -> Samples:
    at = np.arange(RATE // 2) / RATE
    return np.asarray(0.2 * np.sin(2 * np.pi * 425 * at), dtype=np.float32)
