"""SIPp, the simulated phones: scenarios filled in, sound made ready, each run a child of its own."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from string import Template

import numpy as np

from api.demo.children import Child
from api.demo.switch import DebianRoot, PrerequisiteMissing, debian_root
from telephony.dialplan.prompts import Samples

QUIET = b"\xd5"
"""One sample of silence in A-law."""


def find_sipp(cache: Path) -> list[str]:
    """The command of SIPp: the machine's own, else the Debian root's. Raises PrerequisiteMissing."""
    if own := shutil.which("sipp"):
        return [own]
    root = debian_root(cache) if (cache / "asterisk-root").exists() or shutil.which("mmdebstrap") else None
    if isinstance(root, DebianRoot) and root.has("sipp"):
        return root.program("sipp")
    raise PrerequisiteMissing("SIPp, which plays the citizens, is missing.", "sip-tester")


@dataclass(frozen=True, kw_only=True, slots=True)
class Phone:
    """Where simulated phones live. ``host`` is their own address; ``switch`` the switch's ``host:port``."""

    sipp: list[str]
    run_dir: Path
    host: str
    port: int
    media_port: int
    switch: str

    def citizen(
        self,
        name: str,
        speech: Path,
        *,
        number: str,
        display: str = "",
        line: str = "12345",
        stay_s: float = 60.0,
        patience_s: float | None = None,
        pause_s: float = 0.0,
        loops: int = 1,
        headers: Mapping[str, str] | None = None,
        press: str = "",
        press_after_s: float = 2.0,
    ) -> Child:
        """One call to ``line`` that ends itself ``stay_s`` after the operator's answer, else the queue's.

        With ``patience_s`` it waits so long for the operator before it speaks (the trunk needs ``tell_answer``);
        without, it speaks to the queue as well. ``pause_s`` comes before the first word. ``loops`` -1 repeats the
        speech for ever. ``press`` is a key that it presses ``press_after_s`` after the queue's answer. ``number``,
        ``display`` and ``headers`` are written as they are, hostile ones too.
        """
        key = Template(_packaged("press")).substitute(key=press, after_ms=round(press_after_s * 1000)) if press else ""
        answered = ""
        if patience_s is not None:
            silence = self.run_dir / "silence.al"
            silence.parent.mkdir(parents=True, exist_ok=True)
            silence.write_bytes(QUIET * 8000)
            answered = Template(_packaged("answered")).substitute(
                patience_ms=round(patience_s * 1000), silence=str(silence)
            )
        scenario = self._scenario(
            "citizen",
            name,
            line=line,
            number=_cdata(number),
            display=f'"{_cdata(display)}" ' if display else "",
            headers="".join(f"{header}: {_cdata(value)}\n" for header, value in (headers or {}).items()),
            speech=str(raw_alaw(speech, self.run_dir)),
            loops=str(loops),
            stay_ms=str(round(stay_s * 1000)),
            press=key,
            wait_for_answer=answered,
            pause=f'  <pause milliseconds="{round(pause_s * 1000)}"/>' if pause_s else "",
        )
        return self._child(name, scenario, [self.switch, "-m", "1"])

    def desk(self, name: str, speech: Path, *, ring_s: float = 1.0) -> Child:
        """A phone that answers every call until it is stopped."""
        scenario = self._scenario(
            "desk", name, speech=str(raw_alaw(speech, self.run_dir)), ring_ms=str(round(ring_s * 1000))
        )
        return self._child(name, scenario, [])

    def _scenario(self, kind: str, name: str, **values: str) -> Path:
        path = self.run_dir / f"{name}.xml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(Template(_packaged(kind)).substitute(values), encoding="utf-8")
        return path

    def _child(self, name: str, scenario: Path, more: list[str]) -> Child:
        argv = [
            *(*self.sipp, *more, "-sf", str(scenario), "-nostdin"),
            *("-i", self.host, "-p", str(self.port), "-mi", self.host, "-mp", str(self.media_port)),
        ]
        return Child(name, argv, run_dir=self.run_dir, cwd=self.run_dir)


def raw_alaw(wav: Path, cache_dir: Path) -> Path:
    """The bare A-law samples of a WAV file, which is what SIPp plays; made once in ``cache_dir``."""
    made = cache_dir / f"{wav.stem}.al"
    if not made.exists():
        cache_dir.mkdir(parents=True, exist_ok=True)
        part = made.with_suffix(".part")
        part.write_bytes(alaw_samples(wav.read_bytes()))
        part.rename(made)
    return made


def alaw_samples(riff: bytes) -> bytes:
    """The samples of an 8 kHz mono A-law WAV. Raises ValueError for anything else."""
    if riff[:4] != b"RIFF" or riff[8:12] != b"WAVE":
        raise ValueError("not a WAV file")
    at, samples, form = 12, None, None
    while at + 8 <= len(riff):
        name, size = riff[at : at + 4], struct.unpack_from("<I", riff, at + 4)[0]
        if name == b"fmt ":
            form = struct.unpack_from("<HHI", riff, at + 8)
        elif name == b"data":
            samples = riff[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
    if form != (6, 1, 8000) or samples is None:
        raise ValueError("not 8 kHz mono A-law")
    return samples


def alaw_of(sound: Samples) -> bytes:
    """Sound of -1..1 in A-law, as G.711 defines it."""
    value = np.clip(sound * 4096, -4096, 4095).astype(np.int32)
    sign = np.where(value >= 0, 0xD5, 0x55)
    value = np.where(value >= 0, value, -value - 1)
    segment = sum(
        ((value > limit).astype(np.int32) for limit in (31, 63, 127, 255, 511, 1023, 2047)), np.zeros_like(value)
    )
    low = np.where(segment < 2, value >> 1, value >> np.maximum(segment, 1)) & 0x0F
    return bytes((((segment << 4) | low) ^ sign).astype(np.uint8))


def wav_of(samples: bytes) -> bytes:
    """An 8 kHz mono A-law WAV file of bare samples."""
    form = struct.pack("<HHIIHHH", 6, 1, 8000, 8000, 1, 8, 0)
    chunks = b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(samples)) + samples
    chunks += b"\0" * (len(samples) % 2)
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def _packaged(scenario: str) -> str:
    return resources.files(__package__).joinpath("scenarios", f"{scenario}.xml").read_text(encoding="utf-8")


def _cdata(text: str) -> str:
    """``text`` as part of a CDATA section."""
    return text.replace("]]>", "]]]]><![CDATA[>")
