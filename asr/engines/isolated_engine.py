"""An engine in a process of its own: whatever it does there (crash, hang, swell) touches no call and no other engine.

The child is our worker (``python -m asr.serving``) on a loopback port, spoken to as a remote server is. It is looked at
every second; one that has ended, does not answer, recognises nothing or holds more memory than it may is replaced.
Streams keep their open segment's sound and say it again to the new one.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import structlog

from asr.engines.links import BREAKS, RATE, Patience, RemoteServer, is_full, json_object
from asr.engines.remote_engine import RemoteRecognizer, RemoteStream
from asr.recognizer import Capabilities, EngineUnavailable, Health, SpeechLevel

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Isolation:
    """What the child runs and what it may take. ``streams`` None: measured at the first start, by ``probe``, which also
    warms it up then; a child that takes the place of another has callers waiting."""

    engine: str
    model: Path | None = None
    language: str = "zh"
    threads: int | None = None
    streams: int | None = None
    memory_mib: int = 3072
    hotwords: tuple[str, ...] = ()
    probe: Path | None = None
    script: Sequence[str | None] = field(default=())
    """What the scripted engine says, segment after segment; None: it never answers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Watchfulness:
    """Seconds."""

    look_every_s: float = 1.0
    answer_s: float = 2.0
    misses: int = 2
    deaf_s: float = 12.0
    """It answers, but owes a final text for so long: it is asked whether it recognises anything at all."""
    first_start_s: float = 90.0
    """Loading, and measuring what fits."""
    restart_s: float = 20.0
    first_pause_s: float = 0.1
    longest_pause_s: float = 5.0


_PATIENCE = Patience(answer_s=10.0, final_s=20.0, first_pause_s=0.1, longest_pause_s=0.5, give_up_s=9.0)
"""A slow answer is no reason to leave the only engine: whether it lives is looked at once a second, and a session that
waits too long gives up its own stream only."""
_SOUND = bytes(RATE)
_DATA_OVER_RESIDENT = 1.25
"""The kernel refuses beyond this; we end the child before, at what it holds in fact."""


class IsolatedRecognizer:
    def __init__(
        self, isolation: Isolation, *, watchfulness: Watchfulness | None = None, patience: Patience = _PATIENCE
    ) -> None:
        self.isolation = isolation
        self._watchfulness = watchfulness or Watchfulness()
        self._patience = patience
        self._server = RemoteServer(url="ws://127.0.0.1:0")
        self._remote = RemoteRecognizer(
            [self._server],
            languages=(isolation.language,),
            patience=patience,
            engine=isolation.engine,
        )
        self._process: asyncio.subprocess.Process | None = None
        self._watching: asyncio.Task[None] | None = None
        self._problem = "not started"
        self._facts: dict[str, Any] = {}
        self.restarts = 0

    @property
    def capabilities(self) -> Capabilities:
        can = self._remote.capabilities
        model = self._facts.get("model", self.isolation.model.name if self.isolation.model else "")
        return replace(
            can,
            model=model,
            punctuation=bool(self._facts.get("punctuation", False)),
            word_times=bool(self._facts.get("word_times", False)),
            whole_segments=bool(self._facts.get("whole_segments", False)),
        )

    @property
    def room(self) -> int:
        """Streams that fit, as the child measured them."""
        limit = self._facts.get("limit")
        return limit if isinstance(limit, int) else 2

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    async def start(self) -> None:
        await self._begin(self._watchfulness.first_start_s)
        await self._remote.start()
        self._watching = asyncio.get_running_loop().create_task(self._watch(), name="speech process watch")

    async def stop(self) -> None:
        watching, self._watching = self._watching, None
        if watching is not None:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        self._problem = "stopped"
        await self._remote.stop()
        await self._end()

    def health(self) -> Health:
        if self._problem:
            return Health(level=SpeechLevel.DOWN, reason=self._problem)
        return self._remote.health()

    def open(self, stream_id: str) -> RemoteStream:
        if self._problem:
            raise EngineUnavailable(self.isolation.engine, self._problem)
        return self._remote.open(stream_id)

    # ---- the child

    async def _begin(self, patience_s: float) -> None:
        """Raises EngineUnavailable with the child's own reason."""
        self._process = process = await self._spawn()
        assert process.stdout is not None
        said: dict[str, Any] = {}
        with suppress(TimeoutError, ValueError):
            async with asyncio.timeout(patience_s):
                said = json_object(await process.stdout.readline())
        if not isinstance(said.get("port"), int):
            await self._end()
            reason = said.get("error") or f"the speech process did not start ({_ended(process.returncode)})"
            raise EngineUnavailable(self.isolation.engine, str(reason))
        self._facts = said
        self._server.url = f"ws://127.0.0.1:{said['port']}"
        self._problem = ""
        self._server.owing_since_s = None
        self._server.answered()
        log.info("speech process started", engine=said.get("engine"), streams=said.get("limit"))

    async def _spawn(self) -> asyncio.subprocess.Process:
        """Raises EngineUnavailable: no memory, too many processes."""
        try:
            return await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",
                "-m",
                "asr.serving",
                json.dumps(self._asked()),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            reason = f"the speech process did not start ({error.strerror or 'no process'})"
            raise EngineUnavailable(self.isolation.engine, reason) from error

    def _asked(self) -> dict[str, Any]:
        wanted = self.isolation
        return {
            "engine": wanted.engine,
            "model": str(wanted.model) if wanted.model else None,
            "language": wanted.language,
            "threads": wanted.threads,
            "streams": self._facts.get("limit", wanted.streams),
            "memory_limit": round(wanted.memory_mib * _DATA_OVER_RESIDENT) << 20,
            "hotwords": list(wanted.hotwords),
            "probe": str(wanted.probe) if wanted.probe and not self._facts else None,
            "script": list(wanted.script),
        }

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.kill()
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()

    # ---- watching it

    async def _watch(self) -> None:
        async with httpx.AsyncClient(timeout=self._watchfulness.answer_s, trust_env=False) as client:
            while True:
                try:
                    await self._look_after(client)
                except Exception:
                    log.exception("speech process not looked after")
                    await asyncio.sleep(self._watchfulness.look_every_s)

    async def _look_after(self, client: httpx.AsyncClient) -> None:
        """Until it had to be replaced once."""
        if self._process is not None:
            problem = await self._wait_for_trouble(self._process, client)
            self._problem = f"the speech process {problem}; it is being started again"
            self._server.failed(self._problem)
            log.error("speech process lost", problem=problem)
            await self._end()
        await self._begin_again()

    async def _wait_for_trouble(self, process: asyncio.subprocess.Process, client: httpx.AsyncClient) -> str:
        misses = 0
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._watchfulness.look_every_s):
                    return f"ended ({_ended(await process.wait())})"
            if resident_mib(process.pid) > self.isolation.memory_mib:
                return "holds too much memory"
            misses = 0 if await self._answers(client) else misses + 1
            if misses >= self._watchfulness.misses:
                return "does not answer"
            owing_since_s = self._server.owing_since_s
            late = owing_since_s is not None and time.monotonic() - owing_since_s > self._watchfulness.deaf_s
            if late and not await self._recognises():
                return "recognises nothing any more"

    async def _answers(self, client: httpx.AsyncClient) -> bool:
        try:
            await client.get(self._server.url.replace("ws://", "http://", 1) + "/health")
        except httpx.HTTPError:
            return False
        return True

    async def _recognises(self) -> bool:
        """Half a second of sound to its final text. Where no room is left for it, others are being answered."""
        try:
            link = await self._remote.dial(self._server, self._patience)
            try:
                await link.hear(_SOUND)
                await link.finish()
            finally:
                await link.close()
        except BREAKS as error:
            return is_full(error)
        self._server.owing_since_s = None
        return True

    async def _begin_again(self) -> None:
        pause_s, began_s = self._watchfulness.first_pause_s, time.monotonic()
        while True:
            self.restarts += 1
            try:
                await self._begin(self._watchfulness.restart_s)
            except EngineUnavailable as error:
                self._problem = error.reason
                log.error("speech process did not start again", reason=error.reason)
                await asyncio.sleep(pause_s)
                pause_s = min(self._watchfulness.longest_pause_s, 2 * pause_s)
            else:
                log.info("speech process is back", after_s=round(time.monotonic() - began_s, 1))
                return


def _ended(code: int | None) -> str:
    if code is not None and code < 0:
        known = {each.value: each.name for each in signal.Signals}
        return known.get(-code, f"signal {-code}")
    return "no answer" if code is None else f"code {code}"


def resident_mib(pid: int) -> float:
    """0 where the process or the system does not tell."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)
