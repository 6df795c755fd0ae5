"""What the clients that come with vosk-server do, in the same order and with the same texts."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import connect

EOF = '{"eof" : 1}'


@dataclass
class Dialogue:
    """Every answer, in order; ``finals`` are those that are no partial."""

    answers: list[dict[str, Any]] = field(default_factory=list)

    @property
    def finals(self) -> list[dict[str, Any]]:
        return [answer for answer in self.answers if "partial" not in answer]

    @property
    def text(self) -> str:
        return " ".join(filter(None, (answer.get("text", "") for answer in self.finals)))


async def recognise(url: str, pcm: bytes, *, rate: int, config: dict[str, Any] | None = None) -> Dialogue:
    """The plain client sends ``sample_rate``; the one for words adds ``words``, the third ``max_alternatives``.

    A fifth of a second at a time, each answered before the next is sent; then the eof, whose answer is the last.
    """
    dialogue = Dialogue()
    async with connect(url, compression=None) as socket:
        await socket.send(json.dumps({"config": {"sample_rate": rate, **(config or {})}}))
        step = 2 * (rate // 5)
        for at in range(0, len(pcm), step):
            await socket.send(pcm[at : at + step])
            dialogue.answers.append(json.loads(await socket.recv()))
        await socket.send(EOF)
        dialogue.answers.append(json.loads(await socket.recv()))
        await socket.wait_closed()
    return dialogue
