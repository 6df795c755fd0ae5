"""FunASR in 2-pass mode, as documented: the C++ runtime, and the Python server with its peculiar ``is_final``."""

from __future__ import annotations

import json
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve

from asr.audio import level_dbfs

_BYTES_PER_S = 32_000


class FunasrServer:
    """Hears one syllable for each tenth of a second of loud sound. Quick text is wrong in its last syllable, corrected
    at the end of a sentence: after ``sentence_s`` of silence, and at the end of sound."""

    def __init__(self, *, cplusplus: bool = True, sentence_s: float = 0.8) -> None:
        self._cplusplus = cplusplus
        self._sentence_s = sentence_s
        self._server: Server | None = None
        self.hellos: list[dict[str, Any]] = []
        self.breaks = False
        self.garbage: str | None = None
        """Its answer to sound."""
        self.url = ""

    async def __aenter__(self) -> FunasrServer:
        self._server = await serve(self._serve, "127.0.0.1", 0, subprotocols=["binary"], ping_interval=None)  # type: ignore[list-item]
        self.url = f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, socket: ServerConnection) -> None:
        syllables, quiet_s, speaking = 0, 0.0, True
        unsaid = 0
        async for message in socket:
            if isinstance(message, str):
                told = json.loads(message)
                if "mode" in told:
                    self.hellos.append(told)
                speaking = bool(told["is_speaking"])
                if not speaking:
                    await self._correct(socket, syllables, speaking=False)
                    syllables = unsaid = 0
                continue
            if self.garbage is not None:
                await socket.send(self.garbage)
                continue
            if self.breaks:
                socket.transport.abort()
                return
            for at in range(0, len(message), 3_200):
                loud = level_dbfs(message[at : at + 3_200]) > -30.0
                syllables, unsaid = syllables + loud, unsaid + loud
                quiet_s = 0.0 if loud else quiet_s + 0.1
            if unsaid >= 3:
                await self._say(socket, "2pass-online", "阿" * (unsaid - 1) + "啊", speaking=True)
                unsaid = 0
            if syllables and quiet_s >= self._sentence_s:
                await self._correct(socket, syllables, speaking=True)
                syllables = unsaid = 0

    async def _correct(self, socket: ServerConnection, syllables: int, *, speaking: bool) -> None:
        if syllables:
            await self._say(socket, "2pass-offline", "阿" * syllables + "。", speaking=speaking)
        elif self._cplusplus and not speaking:
            await self._say(socket, "2pass-offline", "", speaking=speaking)

    async def _say(self, socket: ServerConnection, mode: str, text: str, *, speaking: bool) -> None:
        final = (not speaking) if self._cplusplus else speaking
        said = {"mode": mode, "wav_name": "hotline", "text": text, "is_final": final}
        await socket.send(json.dumps(said, ensure_ascii=False))
