"""An engine in a process of its own: killed, stopped or swollen, it is replaced and nobody else falls."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from asr.engines import isolated_engine
from asr.engines.isolated_engine import IsolatedRecognizer, Isolation, Watchfulness, resident_mib
from asr.engines.links import Patience
from asr.engines.remote_engine import RemoteStream
from asr.recognizer import EngineUnavailable, Hypothesis, SpeechLevel
from tests.api.serving import eventually
from tests.asr.engines.listening import play
from tests.fakes.spoken import spoken
from tests.fakes.vosk_server import talk

SCRIPT = Isolation(engine="scripted", script=["一号楼", "二号楼", "三号楼"], streams=4)
QUICK = Watchfulness(look_every_s=0.1, answer_s=0.5, deaf_s=1.0)
RESTART_S = 10.0


@asynccontextmanager
async def isolated(isolation: Isolation = SCRIPT) -> AsyncIterator[IsolatedRecognizer]:
    recognizer = IsolatedRecognizer(isolation, watchfulness=QUICK)
    await recognizer.start()
    yield recognizer
    await recognizer.stop()


async def said(stream: RemoteStream, pattern: str = "xxx") -> Hypothesis:
    stream.feed(talk(pattern))
    stream.flush()
    async with asyncio.timeout(RESTART_S):
        async for hypothesis in stream.hypotheses():
            if hypothesis.final:
                return hypothesis
    raise AssertionError


async def test_a_child_answers_as_the_engine_in_it_would() -> None:
    async with isolated() as recognizer:
        assert recognizer.pid not in (None, os.getpid())
        assert recognizer.capabilities.engine == "scripted"
        stream = recognizer.open("x")
        assert [(await said(stream)).text for _ in range(2)] == ["一号楼", "二号楼"]
        await stream.close()
        pid = recognizer.pid
    assert recognizer.pid is None
    assert not _lives(pid)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP, signal.SIGSEGV])
async def test_a_child_that_dies_or_hangs_is_replaced_and_the_open_segment_is_said_again(
    number: signal.Signals,
) -> None:
    async with isolated() as recognizer, isolated() as other:
        stream, pid = recognizer.open("x"), recognizer.pid
        assert pid is not None
        stream.feed(talk("xxx"))
        await asyncio.sleep(0.2)  # the sound has gone out, the segment is open
        began_s = time.monotonic()
        os.kill(pid, number)
        assert (await said(stream)).text == "一号楼"
        assert time.monotonic() - began_s < RESTART_S
        assert recognizer.pid not in (None, pid)
        assert not _lives(pid)
        assert recognizer.health().level is SpeechLevel.OK
        assert (other.restarts, other.health().level) == (0, SpeechLevel.OK)
        await stream.close()


async def test_while_it_is_away_the_reason_is_told_and_streams_are_refused() -> None:
    async with isolated() as recognizer:
        assert recognizer.pid is not None
        os.kill(recognizer.pid, signal.SIGKILL)
        await eventually(lambda: recognizer.health().level is SpeechLevel.DOWN)
        assert "SIGKILL" in recognizer.health().reason
        with pytest.raises(EngineUnavailable, match="started again"):
            recognizer.open("x")
        await eventually(lambda: recognizer.health().level is SpeechLevel.OK, timeout_s=RESTART_S)


async def test_a_child_that_swells_is_ended_before_the_machine_suffers() -> None:
    async with isolated() as recognizer:
        pid = recognizer.pid
        assert pid is not None
        held_mib = resident_mib(pid)
        recognizer.isolation = Isolation(engine="scripted", script=["一"], memory_mib=round(held_mib / 2))
        await eventually(lambda: "too much memory" in recognizer.health().reason, timeout_s=RESTART_S)
        recognizer.isolation = SCRIPT
        await eventually(lambda: recognizer.health().level is SpeechLevel.OK, timeout_s=RESTART_S)
        assert recognizer.restarts >= 1


async def test_a_child_whose_decoding_hangs_while_it_still_answers_is_replaced() -> None:
    hangs = replace(SCRIPT, script=[None])
    recognizer = IsolatedRecognizer(hangs, watchfulness=QUICK, patience=Patience(answer_s=0.3, final_s=0.6))
    await recognizer.start()
    stuck, recognizer.isolation = recognizer.pid, SCRIPT
    stream = recognizer.open("x")
    assert (await said(stream)).text == "一号楼"
    assert recognizer.restarts == 1
    assert recognizer.pid not in (None, stuck)
    await stream.close()
    await recognizer.stop()


async def test_a_child_that_was_only_slow_once_is_kept() -> None:
    async with isolated() as recognizer:
        recognizer._server.owing_since_s = time.monotonic() - 60.0  # its session did not wait for it
        await eventually(lambda: recognizer._server.owing_since_s is None)
        assert recognizer.restarts == 0


async def test_a_child_that_cannot_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="no acoustic model"):
        await IsolatedRecognizer(Isolation(engine="vosk", model=tmp_path)).start()


async def test_a_machine_without_room_for_a_process_is_asked_again_until_it_has_some(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    full = True
    spawn = asyncio.create_subprocess_exec

    async def crowded(*arguments: Any, **more: Any) -> asyncio.subprocess.Process:
        if full:
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        return await spawn(*arguments, **more)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", crowded)
    with pytest.raises(EngineUnavailable, match="Resource temporarily unavailable"):
        await IsolatedRecognizer(SCRIPT).start()
    full = False
    async with isolated() as recognizer:
        full = True
        assert recognizer.pid is not None
        os.kill(recognizer.pid, signal.SIGKILL)
        await eventually(lambda: "Resource temporarily unavailable" in recognizer.health().reason)
        full = False
        await eventually(lambda: recognizer.health().level is SpeechLevel.OK, timeout_s=RESTART_S)


async def test_whoever_looks_after_the_child_goes_on_whatever_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []

    def odd(pid: int) -> float:
        looks.append(pid)
        if len(looks) == 1:
            raise RuntimeError
        return 0.0

    async with isolated() as recognizer:
        monkeypatch.setattr(isolated_engine, "resident_mib", odd)
        pid = recognizer.pid
        assert pid is not None
        await eventually(lambda: len(looks) > 2)
        assert (recognizer.pid, recognizer.restarts) == (pid, 0)
        os.kill(pid, signal.SIGKILL)
        await eventually(lambda: recognizer.pid not in (None, pid), timeout_s=RESTART_S)


@pytest.mark.parametrize(
    ("code", "said"), [(-9, "SIGKILL"), (-40, "signal 40"), (-200, "signal 200"), (3, "code 3"), (None, "no answer")]
)
def test_how_a_child_ended_is_told_whatever_it_was(code: int | None, said: str) -> None:
    assert isolated_engine._ended(code) == said


async def test_it_leaves_with_its_standard_input() -> None:
    async with isolated() as recognizer:
        process, pid = recognizer._process, recognizer.pid
        assert process is not None
        assert process.stdin is not None
        process.stdin.close()
        await eventually(lambda: not _lives(pid) or recognizer.pid != pid)
        await eventually(lambda: recognizer.health().level is SpeechLevel.OK, timeout_s=RESTART_S)


@pytest.mark.speech
async def test_a_real_engine_killed_in_a_talk_is_back_within_ten_seconds(mandarin_model: Path) -> None:
    async with isolated(Isolation(engine="vosk", model=mandarin_model, streams=4)) as recognizer:
        assert recognizer.room == 4
        clip = spoken("leaking-kitchen-ceiling")
        playing = asyncio.create_task(play(recognizer, clip.pcm, pause_s=4.0))
        await asyncio.sleep(clip.seconds / 2)
        assert recognizer.pid is not None
        os.kill(recognizer.pid, signal.SIGKILL)
        killed_s = time.monotonic()
        await eventually(lambda: recognizer.health().level is SpeechLevel.DOWN)
        await eventually(lambda: recognizer.health().level is SpeechLevel.OK, timeout_s=RESTART_S)
        print("vosk process back after", round(time.monotonic() - killed_s, 2), "s")
        heard = await playing
    assert heard.finals
    assert heard.finals[-1].end_s > clip.seconds - 1.5


def _lives(pid: int | None) -> bool:
    return pid is not None and Path(f"/proc/{pid}").exists()
