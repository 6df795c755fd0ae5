"""Recorded dialogues spoken by two telephones through real Asterisk: how well the ticket fills from what was heard.

``python -m tests.benchmarks.heard [--development FOLDER] [--engine vosk|whisper] [--every N] [--out FILE]`` prints the
slots' scores beside those from the dialogues' own text. The folder (or HOTLINE_BENCH_SPEECH) holds the spoken turns and
a ``manifest.json`` of ``{file, dialogue, turn, speaker, text}``; what was heard is written to ``--out`` as dialogues.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import statistics
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import structlog

from asr.engines.vosk_engine import VoskRecognizer
from asr.engines.whisper_engine import WhisperRecognizer
from asr.models import assemble_whisper
from asr.transcript import Speaker
from tests.benchmarks.prefill import ALIKE, EXACT, RECORDED, prefill, report, score
from tests.benchmarks.speech import vosk_model
from tests.fakes.rtp_sound import Voice
from tests.fakes.sip_phones import SipPhone, Talk
from tests.fakes.spoken import alaw_of
from tests.system.parties import Parties, parties, plan
from tests.system.switch import starting
from tests.system.words import Kept, read_along

PAUSE_S = 0.9
"""Between two turns: who listens hears that the other one is done."""
LAST_WORDS_S = 20.0

Dialogue = dict[str, Any]


async def speak(all_: Parties, kept: Kept, dialogue: Dialogue, turns: Sequence[Path]) -> Dialogue:
    """One call in which the dialogue is spoken; the dialogue as it was heard."""
    async with AsyncExitStack() as sounds:
        talk = await all_.talk()

        async def voice(phone: SipPhone, side: Talk) -> Voice:
            made = await sounds.enter_async_context(Voice(phone.host, phone.port + 500))
            made.speak_to(side.media)
            return made

        voices = {
            Speaker.CALLER: await voice(all_.citizens, talk.citizen),
            Speaker.AGENT: await voice(all_.desks[talk.agent], talk.operator),
        }
        await asyncio.sleep(1.0)
        for (who, _), file in zip(dialogue["turns"], turns, strict=True):
            await voices[Speaker(who)].say(alaw_of(file))
            await asyncio.sleep(PAUSE_S)
        await asyncio.sleep(PAUSE_S)
        told = len(kept.accounts)
        await all_.clear(talk)
        await talk.until(lambda: len(kept.accounts) > told, LAST_WORDS_S)
    finals = {turn.seg: turn for turn in kept.of_call.get(talk.call_id, []) if turn.final}
    heard = sorted(finals.values(), key=lambda turn: (turn.start_s, turn.seg))
    return dialogue | {"turns": [[turn.speaker.value, turn.text] for turn in heard]}


async def main(arguments: argparse.Namespace) -> None:
    folder: Path = arguments.development
    spoken: dict[str, list[tuple[int, Path]]] = {}
    for turn in json.loads((folder / "manifest.json").read_text(encoding="utf-8")):
        spoken.setdefault(turn["dialogue"], []).append((turn["turn"], folder / turn["file"]))
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
    wanted = [one for one in recorded if len(spoken.get(one["id"], ())) == len(one["turns"])][:: arguments.every]
    with tempfile.TemporaryDirectory(prefix="hotline-bench-") as place:
        engine, kept = recognizer(arguments.engine, Path(place)), Kept()
        await engine.start()
        heard = list[Dialogue]()
        with starting(Path(place) / "switch", plan()) as switch:
            async with parties(switch) as all_, read_along(all_, engine, kept):
                for dialogue in wanted:
                    files = [file for _, file in sorted(spoken[dialogue["id"]])]
                    heard.append(await speak(all_, kept, dialogue, files))
                    print(f"{dialogue['id']} was spoken", flush=True)
        await engine.stop()
    if arguments.out is not None:
        arguments.out.write_text(json.dumps(heard, ensure_ascii=False), encoding="utf-8")
    print("== as it was heard")
    report(heard)
    by_text, by_ear = (mean(dialogues) for dialogues in (wanted, heard))
    lost = sum(account.unheard_s for account in kept.accounts)
    print(f"mean F1 from text {by_text:.2f}, heard through the switch {by_ear:.2f} (x{by_ear / by_text:.2f}, goal:")
    print(f"at most 0.15 less); {lost:.1f} s of speech unheard")


def recognizer(engine: str, place: Path) -> VoskRecognizer | WhisperRecognizer:
    if engine == "vosk":
        return VoskRecognizer(vosk_model())
    model = assemble_whisper(place)
    assert model is not None, "whisper-base is not installed"
    return WhisperRecognizer(model)


def mean(dialogues: Sequence[Dialogue]) -> float:
    slots = score(dialogues, prefill, 0.0).slots
    return statistics.mean(slots[name].scores[2] for name in (*EXACT, *ALIKE))


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    development = os.environ.get("HOTLINE_BENCH_SPEECH")
    parser.add_argument("--development", type=Path, default=Path(development) if development else None)
    parser.add_argument("--engine", choices=("vosk", "whisper"), default="vosk")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--out", type=Path, default=None)
    asked = parser.parse_args()
    if asked.development is None:
        print("no spoken dialogues are here (--development, or HOTLINE_BENCH_SPEECH)")
    else:
        asyncio.run(main(asked))
