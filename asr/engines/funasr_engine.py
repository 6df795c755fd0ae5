"""FunASR servers in 2-pass mode: quick text while somebody speaks, each sentence corrected when it has ended.

A connection for each segment. First a JSON text (``"mode": "2pass"``, rate, chunk sizes, hot words), then PCM, then
``{"is_speaking": false}``. Results come when they come: ``2pass-online`` pieces are strung together, ``2pass-offline``
replaces what was strung together since the last of them. Servers disagree on ``is_final`` (the C++ one sets it on the
last result, the Python one on all but the last) and the Python one is silent where there was no text.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from asr.engines.links import RATE, Answer, Broken, Kind, Patience, RemoteServer, json_object, text_in
from asr.engines.remote_engine import RemoteRecognizer

ENGINE = "funasr"
_HOT = 20
"""Weight of a hot word, as in the documented example."""
_MOST_HOT = 200
_SETTLED_S = 0.4
"""After the end of sound: no further correction for so long, and all of them are there."""
_NOTHING_S = 2.5


class FunasrRecognizer(RemoteRecognizer):
    """``servers``: ws:// or wss:// addresses."""

    def __init__(
        self, servers: Sequence[str], *, hotwords: Sequence[str] = (), patience: Patience | None = None
    ) -> None:
        hot = json.dumps(dict.fromkeys(hotwords[:_MOST_HOT], _HOT), ensure_ascii=False) if hotwords else ""

        async def dial(server: RemoteServer, patience: Patience) -> _FunasrLink:
            return await _FunasrLink.open(server, patience, hot)

        super().__init__([RemoteServer(url=url) for url in servers], patience=patience, engine=ENGINE, dial=dial)


class _FunasrLink:
    def __init__(self, server: RemoteServer, socket: ClientConnection, patience: Patience) -> None:
        self.server = server
        self.heard_s = 0.0
        self._socket = socket
        self._patience = patience
        self._confirmed: list[str] = []
        self._quick: list[str] = []
        self._ended = False
        self._all_said = False
        self._honest = False
        """``is_final`` was false while sound was still coming: true will mean the last."""
        self._corrected_at_s: float | None = None
        self._news = asyncio.Event()
        self._problem: BaseException | None = None
        self._reading = asyncio.get_running_loop().create_task(self._read(), name="funasr results")

    @classmethod
    async def open(cls, server: RemoteServer, patience: Patience, hotwords: str) -> _FunasrLink:
        async with asyncio.timeout(patience.connect_s):
            socket = await connect(
                server.url,
                subprotocols=["binary"],  # type: ignore[list-item]
                compression=None,
                ping_interval=None,
                max_size=1 << 20,
                open_timeout=None,
                proxy=None,
            )
        wishes: dict[str, Any] = {
            "mode": "2pass",
            "wav_name": "hotline",
            "is_speaking": True,
            "wav_format": "pcm",
            "audio_fs": RATE,
            "chunk_size": [5, 10, 5],
            "chunk_interval": 6,  # our pieces are 100 ms: six of them are the 600 ms of the chunk
            "itn": False,  # numbers stay as they were said; digits are ours to add beside them
        }
        if hotwords:
            wishes["hotwords"] = hotwords
        await socket.send(json.dumps(wishes, ensure_ascii=False))
        return cls(server, socket, patience)

    async def find_out(self) -> Kind:
        """It has answered the handshake; it says nothing more before there is speech."""
        return Kind.CLOSES

    async def hear(self, pcm: bytes) -> Answer:
        self.heard_s += len(pcm) / (2 * RATE)
        self._raise_problem()
        async with asyncio.timeout(self._patience.answer_s):
            await self._socket.send(pcm)
        return Answer(partial=self._text)

    async def finish(self) -> Answer:
        self._ended = True
        self._raise_problem()
        async with asyncio.timeout(self._patience.final_s):
            await self._socket.send(json.dumps({"is_speaking": False}))
            began_s = time.monotonic()
            while not self._all_said and self._problem is None:
                rest_s = self._rest_s(began_s)
                if rest_s <= 0:
                    break
                self._news.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(rest_s):
                        await self._news.wait()
        if not self._text:
            self._raise_problem()
        return Answer(text=self._text)

    def _rest_s(self, began_s: float) -> float:
        """How long a further result is still worth waiting for."""
        if self._corrected_at_s is not None:
            return self._corrected_at_s + _SETTLED_S - time.monotonic()
        return began_s + (self._patience.final_s - 0.5 if self._quick else _NOTHING_S) - time.monotonic()

    async def close(self) -> None:
        self._socket.transport.abort()
        with suppress(Exception):
            await self._socket.wait_closed()
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)

    @property
    def _text(self) -> str:
        return "".join((*self._confirmed, *self._quick))

    async def _read(self) -> None:
        try:
            async for message in self._socket:
                self._take(json_object(message))
            raise Broken("it closed the connection")
        except Exception as error:
            self._problem = error
        self._news.set()

    def _take(self, said: dict[str, Any]) -> None:
        text, mode, final = text_in(said, "text"), text_in(said, "mode"), said.get("is_final") is True
        if not self._ended and not final:
            self._honest = True
        if mode.endswith("online"):
            self._quick.append(text)
        else:
            self._quick.clear()
            self._confirmed.append(text)
            if self._ended:
                self._corrected_at_s = time.monotonic()
        if self._ended and final and self._honest:
            self._all_said = True
        self._news.set()

    def _raise_problem(self) -> None:
        if self._problem is not None:
            raise self._problem
