"""Stock speech servers as a city may run them: the Python one, the Python one of before 2023-12, and the C++ one.

They behave as the published sources do, their traps included: texts are compared letter by letter, a text that is not
known is handed to the recogniser (which raises in Python, and is taken for sound in C++), a configuration is answered
by nothing, and any client may replace the model for everybody.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from websockets.asyncio.server import Server, ServerConnection, serve

from asr.audio import level_dbfs

EOF, RESET = '{"eof" : 1}', '{"reset" : 1}'


class Kaldi(Protocol):
    """A ``vosk.KaldiRecognizer``, as far as the servers use it."""

    def AcceptWaveform(self, data: bytes) -> int: ...  # noqa: N802
    def Result(self) -> str: ...  # noqa: N802
    def PartialResult(self) -> str: ...  # noqa: N802
    def FinalResult(self) -> str: ...  # noqa: N802


class Parrot:
    """Says one word for each tenth of a second of loud sound; ends an utterance itself after a second of silence."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._words: list[dict[str, Any]] = []
        self._quiet_s = 0.0
        self._at_s = 0.0
        self._rest = b""
        self._running = False

    def AcceptWaveform(self, data: bytes) -> int:  # noqa: N802
        if not isinstance(data, bytes):
            raise TypeError("initializer for ctype 'char *' must be a bytes")
        self._running = True
        self._rest += data
        step = 2 * round(self._rate / 10)
        while len(self._rest) >= step:
            piece, self._rest = self._rest[:step], self._rest[step:]
            self._hear(piece)
        return int(self._quiet_s >= 1.0 and bool(self._words))

    def _hear(self, piece: bytes) -> None:
        if level_dbfs(piece) > -30.0:
            word = f"字{len(self._words) + 1}"
            times = {"start": round(self._at_s, 2), "end": round(self._at_s + 0.1, 2)}
            self._words.append({"conf": 0.5, "word": word, **times})
            self._quiet_s = 0.0
        else:
            self._quiet_s += 0.1
        self._at_s += 0.1

    def Result(self) -> str:  # noqa: N802
        words, self._words, self._quiet_s = self._words, [], 0.0
        said: dict[str, Any] = {"text": " ".join(word["word"] for word in words)}
        if words:
            said["result"] = words
        return json.dumps(said, ensure_ascii=False)

    def PartialResult(self) -> str:  # noqa: N802
        if not self._running:
            return json.dumps({"text": ""})
        return json.dumps({"partial": " ".join(word["word"] for word in self._words)}, ensure_ascii=False)

    def FinalResult(self) -> str:  # noqa: N802
        self._running = False
        return self.Result()


class StockServer:
    """``kind``: "python", "old" (no reset) or "cpp" (no reset, no configuration). Loopback, any free port."""

    def __init__(self, kind: str = "python", *, kaldi: Callable[[float], Kaldi] = Parrot, rate: float = 8_000) -> None:
        self._kind = kind
        self._kaldi = kaldi
        self._rate = rate
        self._server: Server | None = None
        self.connections = 0
        self.configs: list[dict[str, Any]] = []
        self.hangs = False
        """Takes everything and answers nothing, as a stopped process does."""
        self.breaks_after: int | None = None
        """Breaks off, once, after so many answers."""
        self.garbage: str | None = None
        """Its answer to everything."""
        self.turns_away = False
        """Lets everybody in and shows them the door."""
        self.url = ""
        self._open: set[ServerConnection] = set()

    async def __aenter__(self) -> StockServer:
        self._server = await serve(self._recognize, "127.0.0.1", 0, compression=None, ping_interval=None)
        self.url = f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.leave()

    async def hang_up(self) -> None:
        """Every connection, as after a long silence. Others may come."""
        for socket in list(self._open):
            await socket.close(1001, "idle")

    async def leave(self) -> None:
        """Every connection ends, and nobody is let in again."""
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _recognize(self, socket: ServerConnection) -> None:
        self._open.add(socket)
        try:
            await self._converse(socket)
        finally:
            self._open.discard(socket)

    async def _converse(self, socket: ServerConnection) -> None:
        self.connections += 1
        if self.turns_away:
            await socket.close(1008, "not you")
            return
        rate, recognizer = self._rate, None
        async for message in socket:
            if self.hangs:
                await socket.wait_closed()
            if self._kind != "cpp" and isinstance(message, str) and "config" in message:
                config = json.loads(message)["config"]
                self.configs.append(config)
                rate = float(config.get("sample_rate", rate))
                continue
            recognizer = recognizer or self._kaldi(rate)
            answer, stop = self._chunk(recognizer, message)
            await socket.send(answer if self.garbage is None else self.garbage)
            if self.breaks_after is not None:
                self.breaks_after -= 1
                if self.breaks_after < 0:
                    self.breaks_after = None
                    socket.transport.abort()
                    return
            if stop:
                return

    def _chunk(self, recognizer: Kaldi, message: str | bytes) -> tuple[str, bool]:
        if message == EOF:
            return recognizer.FinalResult(), True
        if message == RESET and self._kind == "python":
            return recognizer.FinalResult(), False
        if self._kind == "cpp" and isinstance(message, str):
            message = message.encode()
        if recognizer.AcceptWaveform(message):  # type: ignore[arg-type]
            return recognizer.Result(), False
        return recognizer.PartialResult(), False


def talk(pattern: str, *, rate: int = 16_000) -> bytes:
    """A tenth of a second for each letter: ``x`` loud, anything else silent."""
    count = rate // 10
    loud = np.random.default_rng(1).integers(-12_000, 12_000, count).astype("<i2").tobytes()
    return b"".join(loud if letter == "x" else bytes(2 * count) for letter in pattern)
